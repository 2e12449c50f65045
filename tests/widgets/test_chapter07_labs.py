"""The labs of chapter 7 show what the records hold; on made-up arrays, whose numbers are known.

That the chapter's claims hold of the real records is for tests/notebooks/test_chapter07.py.
"""

import dataclasses
import io

import numpy as np
import pytest
from PIL import Image

from mbpo_teach.algorithms import recorded
from mbpo_teach.algorithms.agent import PARTS
from mbpo_teach.algorithms.presets import laptop
from mbpo_teach.algorithms.recorded import Trainings
from mbpo_teach.figures.race import race_picture
from mbpo_teach.ground import language
from mbpo_teach.widgets import mbpo as labs

SEEDS, REPORTS, STARTS = 5, 8, 10


@pytest.fixture(autouse=True)
def english(monkeypatch):
    monkeypatch.setenv("MBPO_LANG", "en")
    monkeypatch.setattr(language, "_chosen", [])
    monkeypatch.setattr(language, "_listeners", [])


def record(offset=0.0, reports=REPORTS):
    """Arrays as of a record of MBPO: returns that rise by 100, parts that grow evenly."""
    steps = 200 + 100 * np.arange(reports)
    rising = -1000 + 100.0 * np.arange(reports) + offset
    seeds = 10.0 * np.arange(SEEDS)[:, None]
    returns = (rising + seeds)[..., None] + np.linspace(-5, 5, STARTS)
    pace = np.array([1.0, 4, 2, 10, 3])
    spent = pace * np.arange(1, reports + 1)[:, None] * np.ones((SEEDS, 1, 1))
    holdout = 0.1 / np.arange(1, reports + 1) * np.ones((SEEDS, 1))
    length = np.full((SEEDS, reports), 3.0)
    holdout[:, 0] = length[:, 0] = np.nan
    return {
        "steps": steps, "returns": returns, "spent": spent, "model_holdout": holdout,
        "rollout_length": length,
    }  # fmt: skip


def ablation(name, values, *, reports=REPORTS):
    parts = [
        {key: array[:3] for key, array in record(50.0 * place, reports).items() if key != "steps"}
        for place in range(len(values))
    ]
    return {
        f"{name}_values": np.array(values),
        f"{name}_steps": record(reports=reports)["steps"],
        f"{name}_returns": np.stack([part["returns"] for part in parts]),
        f"{name}_seconds": np.stack([part["spent"].sum(axis=2) for part in parts]),
        f"{name}_model_holdout": np.stack([part["model_holdout"] for part in parts]),
    }


def pixels(lab):
    return np.asarray(Image.open(io.BytesIO(lab.plate.png())))


def test_the_inside_of_a_training_is_told_in_numbers():
    lab = labs.inside_lab("Pendulum-v1", recorded.inside_of(record()))
    assert lab.values == {"seed": 0, "report": REPORTS}
    lab.move(seed=2, report=4)
    assert lab.sentence == (
        "Pendulum-v1, seed 2, step 500: mean return -680. The last branches had k = 3, and the"
        " elites' held-out error was 0.025. Of 80.0 s so far, the simulator took 5 %, fitting 20 %,"
        " rollouts 10 %, SAC's updates 50 % and judging 15 %."
    )
    lab.move(report=1)
    assert "No model has been fitted yet." in lab.sentence


def test_the_inside_is_drawn_from_the_chosen_seed_and_report():
    lab = labs.inside_lab("Pendulum-v1", recorded.inside_of(record()))
    seen = []
    for move in ({"seed": 0}, {"seed": 3}, {"report": 2}):
        lab.move(**move)
        seen.append(pixels(lab))
    assert (seen[0] != seen[1]).any() and (seen[1] != seen[2]).any()
    lab.move(seed=0, report=REPORTS)
    assert (pixels(lab) == seen[0]).all()


def factors():
    made = {
        "rollout_length": ("Pendulum-v1", ablation("rollout_length", (1, 10, 20))),
        "real_ratio": ("InvertedPendulum-v5", ablation("real_ratio", (0.0, 0.05, 1.0))),
    }
    return [
        recorded.factor_of(name, world, arrays, recorded.preset_value(name, laptop(world)))
        for name, (world, arrays) in made.items()
    ]


def test_the_settings_are_told_against_the_preset():
    lab = labs.ablations_lab(factors())
    assert lab.values == {"rollout_length": 20, "real_ratio": 0.05}
    assert "With k = 20, as in the preset, the median seed has -540 on average" in lab.sentence
    lab.move(rollout_length=10)
    assert (
        "With k = 10 the median seed has -590 on average over all reports, against -540 with the"
        " preset; at the end the seeds lie between -250 and -230, after 160 s."
    ) in lab.sentence
    before = pixels(lab)
    lab.move(real_ratio=1.0)
    assert "With a real ratio of 1 the median" in lab.sentence
    assert (pixels(lab) != before).any()


def test_the_labs_speak_chinese():
    both = [
        labs.inside_lab("Pendulum-v1", recorded.inside_of(record())),
        labs.ablations_lab(factors()),
    ]
    language.use("zh")
    assert "种子 0，第 900 步：平均回报 -300。" in both[0].sentence
    assert both[1].sentence.startswith("以下都是训练的记录，每个值三个种子。k = 20（即预设）时，")


def test_the_presets_own_trainings_are_put_among_the_others():
    arrays = ablation("members", (1, 3, 7), reports=6)
    own = record(-300.0)
    merged = recorded.with_preset("members", arrays, 5.0, own)
    assert merged["members_values"].tolist() == [1, 3, 5, 7]
    np.testing.assert_array_equal(merged["members_returns"][2], own["returns"][:3, :6])
    np.testing.assert_array_equal(merged["members_returns"][3], arrays["members_returns"][2])
    np.testing.assert_array_equal(merged["members_seconds"][2], own["spent"].sum(axis=2)[:3, :6])
    factor = recorded.factor_of("members", "InvertedPendulum-v5", merged, 5.0)
    assert factor.preset == 2
    assert recorded.with_preset("members", arrays, 3.0, own) is arrays
    with pytest.raises(ValueError, match="other steps"):
        recorded.with_preset("members", arrays, 5.0, own | {"steps": own["steps"] + 50})
    with pytest.raises(ValueError, match="none of"):
        recorded.factor_of("members", "InvertedPendulum-v5", arrays, 5.0)


def test_the_presets_values_are_found():
    changed = dataclasses.replace(laptop("Pendulum-v1"), members=9, real_ratio=0.25)
    found = [recorded.preset_value(name, changed) for name in recorded.FACTORS]
    assert found == [changed.horizon.last, 0.25, changed.updates_per_step, 9]


def test_the_shares_are_of_the_clocks_parts():
    assert PARTS == ("simulator", "fit", "rollouts", "sac", "judging")


def test_the_race_tells_when_each_was_there():
    steps = np.array([100, 200, 300])
    means = np.array([[-900.0, -150, -900], [-900, -900, -150], [-900, -900, -900]])
    seconds = np.array([[1.0, 2, 3]] * 3)
    quick = Trainings(steps, means, seconds)
    assert quick.reached(-200).tolist() == [200, 300, np.inf]
    slow = Trainings(10 * steps, means, 5 * seconds)
    still = race_picture(
        {"Toy-v0": {"MBPO": quick, "SAC": slow}}, {"Toy-v0": (-200, -100)}
    )  # fmt: skip
    first, second = still.sentence.splitlines()
    assert first == (
        "Toy-v0, MBPO: 2 of 3 seeds reach -200; the median of the steps at which they first do is"
        " 300. After 300 steps and 3 s the median of the mean return is -900."
    )
    assert "SAC: 2 of 3" in second and "is 3,000" in second
    drawn = [line.get_ydata() for line in still.figure.axes[1].lines]
    for one in means:
        assert sum(np.array_equal(one, y) for y in drawn) >= 2

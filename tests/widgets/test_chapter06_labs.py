"""The labs of chapter 6 show what the library computes, and the chapter's claims hold."""

import io
import math

import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgba
from PIL import Image

from mbpo_teach.figures import style
from mbpo_teach.figures.actor_critic import actor_critic_picture
from mbpo_teach.ground import language
from mbpo_teach.learner import hills
from mbpo_teach.widgets import hills as labs

pytestmark = pytest.mark.usefixtures("one_thread")

MAKERS = [labs.temperature_lab, labs.target_lab, labs.twins_lab]


@pytest.fixture(autouse=True)
def english(monkeypatch):
    monkeypatch.setenv("MBPO_LANG", "en")
    monkeypatch.setattr(language, "_chosen", [])
    monkeypatch.setattr(language, "_listeners", [])


# The temperature.


def best(temperature):
    found = hills.best_policies(torch.tensor([temperature], dtype=torch.float64))
    return [part.item() for part in found]


def test_temperature_lab_says_what_the_library_gives():
    lab = labs.temperature_lab()
    for temperature in hills.TEMPERATURES:
        lab.move(temperature=temperature)
        mean, _, value, entropy = best(temperature)
        assert f"mean action at {math.tanh(mean):.2f}, an expected Q of {value:.3f}" in lab.sentence
        assert f"objective of {value + temperature * entropy:.3f}." in lab.sentence
        density, objective = hills.soft_best(temperature)
        soft_value, soft_entropy = hills.value_and_entropy(density)
        assert lab.sentence.endswith(
            f"has {soft_value:.3f}, {soft_entropy:.2f} and {objective:.3f}."
        )


def test_the_best_policy_jumps_twice():
    """Peak up to 0.2, hill at 0.25 and 0.27, nearly everything from 0.3 on."""
    for temperature in hills.TEMPERATURES:
        mean, _, value, entropy = best(temperature)
        if temperature <= 0.2:
            assert math.tanh(mean) == pytest.approx(0.6, abs=0.01)
            assert value > 1.15
        elif temperature < 0.3:
            assert math.tanh(mean) == pytest.approx(-0.4, abs=0.02)
            assert entropy == pytest.approx(-0.25, abs=0.05)
        else:
            assert entropy > 0.58
            assert value < 0.61


def test_objectives_do_not_jump_and_shape_costs_something():
    soft, tanh = hills.best_kinds()
    assert np.abs(np.diff(tanh.objective)).max() < 0.12
    assert (tanh.objective < soft.objective + 6e-3).all()
    assert (np.diff(soft.entropy) > 0).all()
    assert np.diff(tanh.value).min() < -0.2
    assert np.abs(np.diff(soft.value)).max() < 0.08


# The target entropy.


def test_paths_settle_where_the_held_curve_meets_the_target():
    known = {-1.0: 0.08, -0.6: 0.157, -0.3: 0.243, 0.6: 0.317}
    paths = [hills.path_to(target) for target in known]
    ends = torch.tensor([temperatures[-1] for temperatures, _, _ in paths])
    assert ends.tolist() == pytest.approx(list(known.values()), abs=0.002)
    assert [entropies[-1] for _, entropies, _ in paths] == pytest.approx(list(known), abs=0.02)
    held = hills.learn(ends.double(), steps=hills.STEPS).policies.entropy[:, -1]
    assert held.tolist() == pytest.approx(list(known), abs=0.03)


def test_lower_targets_end_colder():
    ends = [hills.path_to(target)[0][-1] for target in hills.TARGETS if target <= -0.2]
    assert (np.diff(ends) > 0).all()


def test_targets_in_the_gap_swing():
    for target in (-0.1, 0.0, 0.1, 0.2, 0.3, 0.4, 0.5):
        late = hills.path_to(target)[1][-labs.SETTLED :]
        assert np.ptp(late) > 0.5
    for target in (-1.0, -0.5, -0.2, 0.6):
        assert np.ptp(hills.path_to(target)[1][-labs.SETTLED :]) < 0.05
    for target in (-0.1, 0.5):  # no point of either curve has an entropy between these
        for entropies in (hills.held_entropies(), best_entropies()):
            assert not ((entropies > -0.1) & (entropies < 0.5)).any(), target


def best_entropies():
    return hills.best_policies(torch.from_numpy(hills.CURVE)).entropy.numpy()


def test_the_actor_ends_on_the_hill_although_the_peak_is_better():
    temperatures, _, action = hills.path_to(-1.0)
    assert action == pytest.approx(-0.4, abs=0.01)
    mean, _, _, _ = best(float(temperatures[-1]))
    assert math.tanh(mean) == pytest.approx(0.6, abs=0.01)


def test_target_lab_says_what_the_library_gives():
    lab = labs.target_lab()
    lab.move(target=0.2)
    temperatures, entropies, _ = hills.path_to(0.2)
    assert (
        f"from 1 to {temperatures[-1]:.3f} and the entropy is {entropies[-1]:.2f}" in lab.sentence
    )
    late = entropies[-labs.SETTLED :]
    assert f"between {late.min():.2f} and {late.max():.2f}." in lab.sentence
    lab.move(target=0.0)
    assert lab.sentence.startswith("Target entropy 0.0:")


# Two critics.


def test_two_critics_by_another_way_of_counting():
    optimism, worth = hills.beliefs()
    for place, noise in enumerate(hills.NOISES):
        critics = hills.noisy_critics(noise).numpy()
        truth = hills.action_value(hills.ACTIONS).numpy()
        smaller = critics.min(axis=1)
        chosen = smaller.argmax(axis=1)
        surplus = smaller[np.arange(hills.DRAWS), chosen] - truth[chosen]
        assert optimism["two"][place] == pytest.approx(surplus.mean())
        chosen = critics[:, 0].argmax(axis=1)
        assert worth["one"][place] == pytest.approx(truth[chosen].mean())


def test_the_chapters_claims_about_two_critics():
    optimism, worth = hills.beliefs()
    at = hills.NOISES.index(0.3)
    assert optimism["one"][at] == pytest.approx(0.35, abs=0.005)
    assert optimism["two"][at] == pytest.approx(0.10, abs=0.005)
    assert worth["two"][at] == pytest.approx(1.16, abs=0.005)
    assert worth["one"][at] == pytest.approx(1.12, abs=0.005)
    assert -0.06 < optimism["two"][hills.NOISES.index(0.1)] < -0.01  # slightly too low
    assert (optimism["one"][1:] > optimism["two"][1:]).all()
    # At an action chosen without looking: the mean of the smaller of two normals.
    smaller = hills.noisy_critics(1.0).min(dim=1).values - hills.action_value(hills.ACTIONS)
    assert smaller.mean().item() == pytest.approx(-1 / math.sqrt(math.pi), abs=0.03)


def test_twins_lab_says_what_the_library_gives():
    lab = labs.twins_lab()
    lab.move(noise=0.5)
    optimism, worth = hills.beliefs()
    at = hills.NOISES.index(0.5)
    assert f"chosen action by {optimism['one'][at]:.3f}" in lab.sentence
    assert f"worth {worth['one'][at]:.3f} and {worth['two'][at]:.3f};" in lab.sentence


# All of them.


@pytest.mark.parametrize("make", MAKERS)
def test_labs_speak_both_languages_and_answer_their_sliders(make):
    lab = make()
    english = lab.sentence
    language.use("zh")
    assert any("\u4e00" <= letter <= "\u9fff" for letter in lab.sentence)
    language.use("en")
    assert lab.sentence == english
    before = np.asarray(Image.open(io.BytesIO(lab.panel.frame["png"])).convert("RGB"))
    (control,) = lab._controls.values()
    lab.move(**{control.name: 0.5})
    after = np.asarray(Image.open(io.BytesIO(lab.panel.frame["png"])).convert("RGB"))
    assert before.shape == after.shape
    assert (before != after).any()


# The picture of the parts.


@pytest.mark.parametrize(
    ("spoken", "names"),
    [
        ("en", ("actor", "mean", "log-deviation", "critic", "target critic", "temperature")),
        ("zh", ("演员", "均值", "对数标准差", "评论家", "目标网络", "温度")),
    ],
)
def test_the_picture_names_every_part_and_dashes_what_only_follows(spoken, names):
    language.use(spoken)
    still = actor_critic_picture()
    (axes,) = still.figure.axes
    said = [text.get_text() for text in axes.texts]
    if spoken == "en" or style.cjk_font() is not None:
        for name in names:
            assert any(name in words for words in said), name
            assert name in still.sentence
    assert sum(box.get_edgecolor() == to_rgba(style.BLUE) for box in axes.patches) == 4
    dashed = [box for box in axes.patches if box.get_linestyle() != "-"]
    assert len(dashed) == 2
    for box in dashed:
        assert any(rf"\bar{{Q}}_{number}" in inside(box, axes) for number in (1, 2))


def inside(box, axes):
    """Return what is written inside a box of the picture."""
    return "".join(
        text.get_text()
        for text in axes.texts
        if box.get_x() < text.get_position()[0] < box.get_x() + box.get_width()
        and box.get_y() < text.get_position()[1] < box.get_y() + box.get_height()
    )


def test_nothing_of_the_picture_overflows_its_box():
    for spoken in language.LANGUAGES:
        language.use(spoken)
        figure = actor_critic_picture().figure
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        (axes,) = figure.axes
        for box in axes.patches:
            edge = box.get_window_extent(canvas.get_renderer())
            for text in axes.texts:
                words = text.get_window_extent(canvas.get_renderer())
                if edge.contains(*words.get_points().mean(axis=0)):
                    assert edge.x0 < words.x0 and words.x1 < edge.x1, text.get_text()
                    assert edge.y0 < words.y0 and words.y1 < edge.y1, text.get_text()

"""What the tools that make records share, and that they still make the records there are."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

import record_best
import record_branches
import record_control
import record_dyna
import record_errors
import record_sac
import recording
from mbpo_teach.algorithms.model_free import ModelFreeConfig, train_sac
from mbpo_teach.learner.sac import SACConfig
from mbpo_teach.records import archive
from mbpo_teach.world.evaluate import START_SEEDS


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    monkeypatch.setattr(recording, "KEPT", tmp_path / "kept")
    monkeypatch.setattr(recording, "RECORDS", tmp_path / "records")
    return tmp_path


def said(job, rate=0.1):
    return recording.provenance("python tools/x.py", seed=job, config={"rates": (rate,)})


def curve(job):
    return {"steps": np.arange(3), "returns": np.arange(3.0) + job}


def forbidden(job):
    raise AssertionError(f"{job} is made again")


def test_provenance_is_complete_and_as_json_gives_it_back():
    found = said(3)
    assert tuple(found) == archive.PROVENANCE
    assert found["config"] == {"rates": [0.1]} and found == json.loads(json.dumps(found))


def test_runs_come_in_the_order_of_their_jobs_and_are_made_once():
    first = recording.made(curve, [2, 0, 1], said=said, name="toy")
    assert [float(one["returns"][0]) for one in first] == [2, 0, 1]
    again = recording.made(forbidden, [0, 2], said=said, name="toy")
    assert [float(one["returns"][0]) for one in again] == [0, 2]


def test_other_settings_are_another_run():
    recording.keep(said(0), curve(0))
    assert recording.kept(said(0))["returns"].tolist() == [0, 1, 2]
    assert recording.kept(said(0, rate=0.2)) is None and recording.kept(said(1)) is None


def test_curves_are_joined_by_seed():
    arrays = recording.joined([curve(0), curve(5)])
    assert arrays["steps"].tolist() == [0, 1, 2]
    assert arrays["returns"].tolist() == [[0, 1, 2], [5, 6, 7]]


def test_a_column_has_nan_where_there_is_no_number():
    np.testing.assert_array_equal(recording.column([1, None, 2.5]), np.float32([1, np.nan, 2.5]))


def test_a_record_is_saved_under_its_name(folders):
    recording.save("toy", curve(0), said(0))
    assert archive.read(folders / "records" / "toy.npz").provenance == said(0)


def test_a_curve_of_sac_is_its_reports(one_thread):
    sac = SACConfig(hidden=(8,), batch_size=8)
    config = ModelFreeConfig(total_steps=40, random_steps=20, report_every=20, sac=sac)
    arrays, about = recording.sac_curves("python tools/x.py", "Pendulum-v1", config, (0,))
    reports = list(train_sac("Pendulum-v1", config, seed=0))
    assert arrays["steps"].tolist() == [20, 40]
    for place, report in enumerate(reports):
        np.testing.assert_array_equal(arrays["returns"][0, place], report.returns.numpy())
        assert arrays["temperature"][0, place] == np.float32(report.temperature)
    assert np.isnan(arrays["train_return"]).all()  # no episode has ended
    assert (np.diff(arrays["seconds"][0], prepend=0) > 0).all()
    assert about["seed"] == [0]
    assert about["config"]["start_seeds"] == list(START_SEEDS)


LATER = {"compile": False, "critic_norm": False, "first_fit_steps": None}
"""Settings younger than some records: these were made with what is now their default."""


def without_versions(about):
    """Leave out versions, and settings at a default that was there before the setting."""
    if isinstance(about, list):
        return [without_versions(each) for each in about]
    if not isinstance(about, dict):
        return about
    return {
        key: without_versions(value)
        for key, value in about.items()
        if key != "versions" and not (key in LATER and value is LATER[key])
    }


@pytest.mark.parametrize("name", record_errors.ALL)
def test_the_errors_are_those_that_the_tool_makes(name):
    record = archive.load(f"errors_{name}").provenance
    added = record.pop("imagined", None)
    assert without_versions(record) == without_versions(record_errors.said(name))
    assert (added is not None) == (name in record_errors.WITH_POLICY)
    if added is not None:
        assert without_versions(added) == without_versions(record_errors.said_of_imagined(name))


@pytest.mark.parametrize("name", record_errors.WITH_POLICY)
def test_errors_at_imagined_states_follow_from_the_recorded_rollouts(name, folders, one_thread):
    before = archive.load(f"errors_{name}")
    record_errors.add_imagined(name)
    after = archive.read(folders / "records" / f"errors_{name}.npz")
    assert without_versions(after.provenance["imagined"]) == without_versions(
        before.provenance["imagined"]
    )
    added = before.provenance["imagined"]["config"]["arrays"]
    assert set(added) < set(after.arrays) == set(before.arrays)
    for key, array in before.arrays.items():
        if key in added:
            # Another processor may round the policy's actions otherwise.
            np.testing.assert_allclose(after.arrays[key], array, rtol=0.01, atol=1e-5)
        else:
            assert after.arrays[key].tobytes() == array.tobytes(), key


@pytest.mark.parametrize("name", record_sac.CONFIGS)
@pytest.mark.parametrize("kind", ["sac", "control"])
def test_the_curves_of_sac_are_those_that_the_tools_make(name, kind):
    config = record_sac.CONFIGS[name] if kind == "sac" else record_control.control(name)
    seeds = record_sac.SEEDS if kind == "sac" else record_control.FEWER_SEEDS
    expected = recording.provenance(
        f"python tools/record_{kind}.py {name}",
        seed=seeds,
        config=asdict(config) | {"start_seeds": START_SEEDS},
    )
    assert without_versions(archive.load(f"{kind}_{name}").provenance) == without_versions(expected)


@pytest.mark.parametrize("tool", [record_best, record_branches], ids=lambda tool: tool.__name__)
def test_a_tool_names_its_own_command(tool):
    (name,) = (name for name in archive.names() if name.startswith(tool.__name__[7:] + "_"))
    assert archive.load(name).provenance["command"] == f"python tools/{tool.__name__}.py"


@pytest.mark.parametrize("world", record_dyna.SWEPT)
def test_the_sweeps_of_chapter_1_are_those_that_the_tool_makes(world, monkeypatch):
    """Two seeds of every value are run again; all seeds and lengths are in the provenance."""
    record = archive.load(f"dyna_{world}")
    name, values = record_dyna.SWEPT[world]
    assert without_versions(record.provenance) == without_versions(record_dyna.said(world, values))
    assert record.arrays[name].tolist() == list(values)
    monkeypatch.setattr(record_dyna, "SEEDS", range(2))
    for place, value in enumerate(values):
        again = record_dyna.RUN[world](replace(record_dyna.CONFIGS[world], **{name: value}))
        for key, array in again.items():
            np.testing.assert_allclose(record.arrays[key][place, :2], array, rtol=1e-9)

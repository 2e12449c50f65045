"""Checkpoints: all of an agent comes back bit for bit, and no damage or stranger gets in."""

import copy
import io
import math
import os
import pickle
import signal
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from trainings import MOMENT, PLANNED, same

from mbpo_teach.algorithms import agent as agents
from mbpo_teach.algorithms import pets
from mbpo_teach.algorithms.mbpo import mbpo_agent, train_mbpo
from mbpo_teach.algorithms.model_free import ModelFreeConfig, sac_agent, train_sac
from mbpo_teach.algorithms.pets import pets_agent, train_pets
from mbpo_teach.ground import seeding
from mbpo_teach.learner.sac import SACConfig
from mbpo_teach.runs import checkpoint
from mbpo_teach.world.envs import make
from mbpo_teach.world.evaluate import Judged

WORLDS = ("Pendulum-v1", "InvertedPendulum-v5", "Hopper-v5", "Ant-v5")
QUICK = replace(MOMENT, total_steps=90, updates_per_step=1)
CARDS = torch.zeros(16, dtype=torch.uint8)
ALONE = ModelFreeConfig(total_steps=90, random_steps=30, report_every=20, sac=MOMENT.sac)


@pytest.fixture
def unjudged(monkeypatch):
    """No evaluations: Ant lives through ten times 1000 steps in each."""

    def judged(judges, policy, *, gamma):
        zeros = torch.zeros(10)
        return Judged(torch.zeros(10, judges[0].obs_size), zeros, zeros)

    monkeypatch.setattr(agents, "judged", judged)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "checkpoint.pt"


def told(report):
    """Return what a report says, but for times."""
    names = ("step", "train_return", "temperature", "rollout_length", "model_holdout", "believed",
             "gap", "imagined_error")  # fmt: skip
    return {name: getattr(report, name, None) for name in names}


def everything(agent):
    """Return all that an agent carries from one step to the next, but for times."""
    dream, life = agent.imagination, agent.life
    return {
        "step": agent.step,
        "learner": agent.learner,
        "memory": tuple(agent.memory.all()),
        "streams": {
            name: made.get_state()
            if isinstance(made, torch.Generator)
            else copy.deepcopy(made.bit_generator.state)
            for name, made in agent.streams.made.items()
        },
        "life": (life.earned, life.last_return),
        "obs": None if life.obs is None else torch.from_numpy(life.obs),
        "imagination": dream
        and {
            "model": dict(dream.model.state_dict()),
            "memory": tuple(dream.memory.all()),
            "rest": (dream.memory.capacity, dream.elites, dream.holdout, dream.length),
        },
    }


def equal(one, other):
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
    if isinstance(one, torch.Tensor) or (isinstance(one, tuple) and len(one) > 4):
        return same(one, other)
    return one == other


def compared(make, train, path, *, stop):
    """Train once undisturbed, once stopped after the report number `stop`; return both agents.

    Their reports are compared on the way, and the one that goes on is a new one, from the file.
    """
    left_alone, stopped, gone_on = make(), make(), make()
    expected = list(train(left_alone))
    for number, report in enumerate(train(stopped)):
        assert told(report) == told(expected[number])
        if number == stop:
            break
    checkpoint.save(path, stopped, {"note": [1, None, "真实"]})
    assert checkpoint.load(path, gone_on) == {"note": [1, None, "真实"]}
    assert equal(everything(gone_on), everything(stopped))
    assert gone_on.clock.seconds == stopped.clock.seconds
    for report, wanted in zip(train(gone_on), expected[stop + 1 :], strict=True):
        assert told(report) == told(wanted)
        assert same(report.learner, wanted.learner) and same(report.losses, wanted.losses)
    assert equal(everything(gone_on), everything(left_alone))
    return gone_on, left_alone


@pytest.mark.parametrize("name", WORLDS)
def test_a_run_gone_on_with_is_the_run_left_alone(name, path, unjudged):
    """In the middle of an episode, with a model that has imagined and will again."""

    def train(agent):
        for report in train_mbpo(name, QUICK, seed=1, agent=agent):
            yield report
            middle.append(agent.life.obs is not None)

    middle = []
    ours, theirs = compared(lambda: mbpo_agent(name, QUICK, seed=1), train, path, stop=2)
    assert middle[2], "a test that stops between two episodes"
    ours, theirs = (agent.env.simulator.unwrapped for agent in (ours, theirs))
    assert ours.np_random.bit_generator.state == theirs.np_random.bit_generator.state


@pytest.mark.parametrize("name", ["Pendulum-v1", "Hopper-v5"])
def test_so_it_is_exactly_between_two_episodes(name, path, unjudged):
    """Pendulum's time is out after 200 steps; Hopper falls after fewer than 30."""
    stop, ends = (1, 200) if name == "Pendulum-v1" else (0, first_end(name))
    config = replace(QUICK, random_steps=ends - 20 * stop, total_steps=ends + 40)
    compared(
        lambda: mbpo_agent(name, config, seed=1),
        lambda agent: train_mbpo(name, config, seed=1, agent=agent),
        path,
        stop=stop,
    )
    stored = torch.load(path, weights_only=True)["agent"]
    assert stored["step"] == ends
    assert stored["life"]["obs"] is None and stored["life"]["simulator"] is None


def first_end(name):
    """Return the number of steps in the first episode of a run that acts at random."""
    agent = mbpo_agent(name, replace(QUICK, random_steps=500, total_steps=500), seed=1)
    act = agents.behaviour(agent, QUICK.sac, random_steps=500)
    while agent.life.last_return is None:
        agent.life.step(act)
    return agent.env.elapsed


@pytest.mark.parametrize("name", ["Pendulum-v1", "InvertedPendulum-v5"])
def test_sac_alone_goes_on_as_well(name, path, unjudged):
    compared(
        lambda: sac_agent(name, ALONE, seed=2),
        lambda agent: train_sac(name, ALONE, seed=2, agent=agent),
        path,
        stop=2,
    )


def planned_everything(agent):
    """Return all that an agent carries that plans, but for times."""
    life = agent.life
    return {
        "step": agent.step,
        "memory": tuple(agent.memory.all()),
        "streams": {
            name: made.get_state()
            if isinstance(made, torch.Generator)
            else made.bit_generator.state
            for name, made in agent.streams.made.items()
        },
        "life": (life.earned, life.last_return),
        "obs": None if life.obs is None else torch.from_numpy(life.obs),
        "model": dict(agent.model.state_dict()),
        "rest": (agent.elites, agent.holdout),
        "plan": agent.plan,
    }


@pytest.mark.parametrize("name", ["Pendulum-v1", "InvertedPendulum-v5", "Hopper-v5"])
def test_so_does_an_agent_that_plans(name, path, monkeypatch):
    """Stopped in the middle of an episode, its plan half done; judged from one start each."""
    monkeypatch.setattr(pets, "starting_places", lambda name: [make(name)])
    monkeypatch.setattr(pets, "episodes", lambda judges, act: Judged(*[torch.zeros(1)] * 3))

    def fresh():
        return pets_agent(name, PLANNED, seed=4)

    def train(agent):
        return train_pets(name, PLANNED, seed=4, agent=agent)

    left_alone, stopped, gone_on = fresh(), fresh(), fresh()
    expected = [told(report) for report in train(left_alone)]
    assert [one["step"] for one in expected] == [45, 60, 75]
    assert told(next(train(stopped))) == expected[0]
    assert stopped.plan.abs().max() > 0, "a test in which nothing was planned"
    checkpoint.save(path, stopped, {})
    checkpoint.load(path, gone_on)
    assert equal(planned_everything(gone_on), planned_everything(stopped))
    assert [told(report) for report in train(gone_on)] == expected[1:]
    assert equal(planned_everything(gone_on), planned_everything(left_alone))


def test_a_plan_that_cannot_be_is_one_sentence(path):
    agent = pets_agent("Pendulum-v1", PLANNED, seed=1)
    for plan in (torch.full((1, 3, 1), 1.5), torch.full((1, 3, 1), math.nan), torch.zeros(1, 2, 1)):
        agent.plan = plan
        checkpoint.save(path, agent, {})
        refused(path, pets_agent("Pendulum-v1", PLANNED, seed=1), "another kind of agent .* plan")
    refused(path, mbpo_agent("Pendulum-v1", MOMENT, seed=1), "another kind of agent")


def test_a_checkpoint_of_another_device_goes_on_with_streams_that_begin_anew(path, unjudged):
    """All but the streams of PyTorch's is as it was; those depend on seed, name and step."""
    agent, again, third = (mbpo_agent("Pendulum-v1", QUICK, seed=1) for _ in range(3))
    next(train_mbpo("Pendulum-v1", QUICK, seed=1, agent=agent))
    checkpoint.save(path, agent, {})
    stored = torch.load(path, weights_only=True)
    assert stored["agent"]["device"] == "cpu"
    # A card's generator tells where it stands in 16 bytes, a processor's in 5056.
    streams = stored["agent"]["streams"]
    torches = [name for name, state in streams.items() if isinstance(state, torch.Tensor)]
    stored["agent"] |= {"device": "cuda", "streams": streams | dict.fromkeys(torches, CARDS)}
    torch.save(stored, path)
    for one in (again, third):
        checkpoint.load(path, one)
    before, after = everything(agent), everything(again)
    drawn = {name: made for name, made in before.pop("streams").items() if name not in torches}
    assert drawn and drawn.items() <= after["streams"].items()
    for name in torches:
        moved = seeding.torch_generator(1, name, "moved", agent.step)
        assert after["streams"][name].equal(moved.get_state())
    del after["streams"]
    assert equal(before, after)
    one, other = (train_mbpo("Pendulum-v1", QUICK, seed=1, agent=agent) for agent in (again, third))
    assert told(next(one)) == told(next(other))


def test_before_the_first_step_there_is_something_to_store_too(path):
    agent, again = (mbpo_agent("Ant-v5", MOMENT, seed=1) for _ in range(2))
    checkpoint.save(path, agent, {})
    checkpoint.load(path, again)
    assert equal(everything(agent), everything(again))


def test_everything_that_matters_is_in_the_file(stored, kept):
    agent, inside = stored[0], torch.load(kept, weights_only=True)["agent"]
    moments = {name for name, part in inside["learner"].items() if isinstance(part, list)}
    assert moments == {"actor", "critics", "log_temperature"}
    assert all(len(inside["learner"][name]) == 3 for name in moments)
    assert inside["learner"]["targets"].equal(agent.learner.targets)
    assert {*inside["streams"]} == {
        *("weights", "model", "starts", "explore", "noise", "replay", "dreams"),
        *("fit", "branches", "rollouts", "imagined actions"),
    }
    assert {*inside["seconds"]} == {*agents.PARTS}
    dream = inside["imagination"]
    normaliser = {"input_mean", "input_scale", "target_mean", "target_scale"}
    assert normaliser | {"low_log_var", "high_log_var"} < {*dream["model"]}
    assert dream["model"]["high_log_var"].equal(agent.imagination.model.high_log_var)
    assert tuple(dream["elites"]) == agent.imagination.elites != ()
    for rows, memory in (
        (dream["memory"]["rows"], agent.imagination.memory),
        (inside["memory"]["rows"], agent.memory),
    ):
        assert same(tuple(rows), tuple(memory.all())) and len(rows[0]) > 50
    life = inside["life"]
    assert {*life["simulator"]} == {"integration", "body_positions", "elapsed", "generator"}
    assert life["simulator"]["elapsed"] == agent.env.elapsed > 0
    assert life["earned"] == agent.life.earned != 0
    assert life["last_return"] == agent.life.last_return is not None


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """An agent of 70 steps, and the content of its file."""
    agent, path = mbpo_agent("InvertedPendulum-v5", QUICK, seed=1), tmp_path_factory.mktemp("a")
    for report in train_mbpo("InvertedPendulum-v5", QUICK, seed=1, agent=agent):
        if report.step == 70:
            break
    checkpoint.save(path / "checkpoint.pt", agent, {"progress": []})
    return agent, (path / "checkpoint.pt").read_bytes()


@pytest.fixture
def kept(stored, path):
    """The file of :func:`stored`, for one test to spoil."""
    path.write_bytes(stored[1])
    return path


# What must not get in.


def refused(path, agent, message):
    """Loading fails with one sentence, and the file is as it was."""
    before = path.read_bytes()
    with pytest.raises(ValueError, match=message) as error:
        checkpoint.load(path, agent)
    assert "\n" not in str(error.value)
    assert path.read_bytes() == before


def test_a_file_that_would_run_code_is_refused_and_does_not_run(path, tmp_path):
    class Trap:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "sprung"),))

    agent = mbpo_agent("Pendulum-v1", MOMENT, seed=0)
    whole = {"kind": checkpoint._KIND, "about": {}, "agent": {"trap": Trap()}}
    torch.save(whole, path)
    with zipfile.ZipFile(path) as archive:
        assert b"mkdir" in archive.read("checkpoint/data.pkl")
    refused(path, agent, r"checkpoint\.pt is damaged or is not a checkpoint of the course")
    path.write_bytes(pickle.dumps(Trap()))
    refused(path, agent, "damaged or is not a checkpoint")
    torch.save(Trap(), path, _use_new_zipfile_serialization=False)
    refused(path, agent, "damaged or is not a checkpoint")
    assert not (tmp_path / "sprung").exists()


def test_every_damage_is_named(stored, path):
    whole, fresh = stored[1], mbpo_agent("InvertedPendulum-v5", QUICK, seed=1)
    size = len(whole)
    cuts = (0, 1, 30, 100, size // 10, size // 2, size - 5000, size - 30, size - 1)
    for content in [whole[:cut] for cut in cuts] + [flipped(whole, at) for at in insides(whole)]:
        path.write_bytes(content)
        refused(path, fresh, r"checkpoint\.pt is damaged or is not a checkpoint of the course")
        with pytest.raises(ValueError, match="is damaged or is not a checkpoint"):
            checkpoint.read_about(path)
    path.write_bytes(whole)
    assert checkpoint.load(path, fresh) == {"progress": []}


def insides(content):
    """Return a place in the middle of each part of the archive; between the parts is padding."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = [archive.read(name) for name in archive.namelist()]
    return {content.index(part) + len(part) // 2 for part in parts if len(part) > 64}


def flipped(content, place):
    changed = bytearray(content)
    changed[place] ^= 0xFF
    return bytes(changed)


@pytest.mark.parametrize(
    "foreign",
    [
        b"step,eval_return\n1,2\n",
        b"\x89PNG\r\n\x1a\n" + bytes(100),
        {"weights": torch.zeros(3)},
        {"kind": "another checkpoint", "about": {}, "agent": {}},
        {"kind": checkpoint._KIND, "about": [], "agent": {}},
        [1, 2],
        torch.zeros(2),
    ],
)
def test_a_foreign_file_is_named(foreign, path):
    if isinstance(foreign, bytes):
        path.write_bytes(foreign)
    else:
        torch.save(foreign, path)
    agent = mbpo_agent("Pendulum-v1", MOMENT, seed=1)
    refused(path, agent, r"checkpoint\.pt is damaged or is not a checkpoint of the course")


def test_another_versions_file_is_not_called_damaged(path):
    torch.save({"kind": "mbpo_teach checkpoint, format 1", "about": {}, "agent": {}}, path)
    agent = mbpo_agent("Pendulum-v1", MOMENT, seed=1)
    refused(path, agent, r"checkpoint\.pt is a mbpo_teach checkpoint, format 1, of another version")


def test_an_entry_that_says_that_it_is_packed_is_damaged(stored, path):
    damaged = bytearray(stored[1])
    damaged[damaged.find(b"PK\1\2") + 10] ^= 8  # the method of compression
    path.write_bytes(damaged)
    agent = mbpo_agent("Pendulum-v1", MOMENT, seed=1)
    refused(path, agent, r"checkpoint\.pt is damaged or is not a checkpoint of the course")


@pytest.mark.parametrize("strange", [np.float64(-150.0), Path("x"), MOMENT, lambda: 0])
def test_what_could_not_be_read_back_replaces_nothing(strange, path):
    agent = mbpo_agent("Pendulum-v1", MOMENT, seed=1)
    checkpoint.save(path, agent, {"best": -150.0})
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"^about must hold numbers, words, lists and dicts"):
        checkpoint.save(path, agent, {"best": strange})
    assert path.read_bytes() == before


def test_a_memory_that_has_grown_comes_back_whole(path):
    shorter = replace(ALONE, total_steps=40)
    agent = sac_agent("Pendulum-v1", shorter, seed=0)
    list(train_sac("Pendulum-v1", ALONE, seed=0, agent=agent))
    checkpoint.save(path, agent, {})
    fresh = sac_agent("Pendulum-v1", shorter, seed=0)
    checkpoint.load(path, fresh)
    assert same(tuple(fresh.memory.all()), tuple(agent.memory.all()))
    assert len(fresh.memory) == fresh.memory.capacity == 90


def test_counts_of_numpy_can_be_stored(path):
    config = replace(ALONE, total_steps=np.int64(90), capacity=np.uint16(60))
    agent = sac_agent("Pendulum-v1", config, seed=0)
    checkpoint.save(path, agent, {})
    assert checkpoint.load(path, sac_agent("Pendulum-v1", config, seed=0)) == {}


def test_what_is_not_there_is_said(path):
    with pytest.raises(FileNotFoundError):
        checkpoint.load(path, mbpo_agent("Pendulum-v1", MOMENT, seed=1))


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("Pendulum-v1", {}, "it lived in InvertedPendulum-v5, not in Pendulum-v1"),
        ("InvertedPendulum-v5", {"sac": SACConfig(hidden=(9, 8))}, "actor has shape"),
        ("InvertedPendulum-v5", {"model_hidden": (9,)}, r"networks\.layers\.0\.weight has shape"),
        ("InvertedPendulum-v5", {"members": 4}, r"networks\.layers\.0\.weight has shape"),
        ("InvertedPendulum-v5", None, "only one of them has a model"),
    ],
)
def test_another_kind_of_agent_is_named(name, change, message, kept):
    if change is None:
        other = sac_agent(name, ALONE, seed=1)
    else:
        other = mbpo_agent(name, replace(QUICK, **change), seed=1)
    said = r"checkpoint\.pt holds another kind of agent than this run's: .*"
    refused(kept, other, said + message)


def test_worlds_with_the_same_sizes_are_told_apart_between_episodes_too(path):
    checkpoint.save(path, sac_agent("HalfCheetah-v5", ALONE, seed=1), {})
    refused(path, sac_agent("Walker2d-v5", ALONE, seed=1), "it lived in HalfCheetah-v5")


@pytest.mark.parametrize("value", [None, "x", 3.5, [], {}, torch.zeros(2)])
def test_a_file_with_something_else_in_a_place_is_one_sentence(value, kept):
    whole = torch.load(kept, weights_only=True)
    fresh = mbpo_agent("InvertedPendulum-v5", QUICK, seed=1)
    for part in ("environment", "learner", "memory", "streams", "life", "imagination"):
        wrong = copy.deepcopy(whole)
        wrong["agent"][part] = value
        if part == "streams" and value == {}:
            continue  # a run that has drawn nothing
        torch.save(wrong, kept)
        refused(kept, fresh, "holds another kind of agent than this run's")


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("life", "obs"), torch.zeros(3)),
        (("life", "obs"), torch.zeros(4, dtype=torch.float64)),
        (("life", "earned"), "much"),
        (("life", "last_return"), [1.0]),
        (("imagination", "elites"), [99]),
        (("imagination", "elites"), [-1]),
        (("imagination", "elites"), []),
        (("imagination", "holdout"), [0.5]),
        (("imagination", "memory", "capacity"), 10**30),
        (("imagination", "memory", "capacity"), 1),
        (("imagination", "holdout"), [math.nan] * 3),
        (("imagination", "length"), -1),
        (("step",), -1),
        (("step",), 1.5),
        (("seconds", "fit"), math.nan),
        (("seconds", "fit"), -1.0),
        (("life", "simulator"), None),
        (("life", "obs"), None),
        (("life", "obs"), torch.full((4,), math.nan)),
        (("life", "earned"), math.inf),
        (("life", "last_return"), math.nan),
        (("life", "simulator", "elapsed"), -1),
        (("life", "simulator", "elapsed"), 0.5),
        (("life", "simulator", "body_positions"), torch.zeros(3, dtype=torch.float64)),
        (("life", "simulator", "integration"), torch.full((9,), math.nan, dtype=torch.float64)),
    ],
)
def test_a_number_that_cannot_be_is_one_sentence(place, value, kept):
    wrong = torch.load(kept, weights_only=True)
    *outer, last = place
    inside = wrong["agent"]
    for name in outer:
        inside = inside[name]
    inside[last] = value
    torch.save(wrong, kept)
    fresh = mbpo_agent("InvertedPendulum-v5", QUICK, seed=1)
    refused(kept, fresh, "holds another kind of agent than this run's")


@pytest.mark.parametrize("part", ["actor", "targets", "model", "rows"])
def test_weights_and_rows_that_are_no_numbers_are_one_sentence(part, kept):
    wrong = torch.load(kept, weights_only=True)
    agent = wrong["agent"]
    {
        "actor": agent["learner"]["actor"][1],
        "targets": agent["learner"]["targets"],
        "model": agent["imagination"]["model"]["input_scale"],
        "rows": agent["memory"]["rows"][0],
    }[part].view(-1)[-1] = math.nan
    torch.save(wrong, kept)
    fresh = mbpo_agent("InvertedPendulum-v5", QUICK, seed=1)
    refused(kept, fresh, "holds another kind of agent than this run's: .* must hold finite numbers")


@pytest.mark.skipif(os.name != "posix", reason="pipes")
def test_a_pipe_is_not_waited_for(path):
    os.mkfifo(path)
    with pytest.raises(ValueError, match=r"^checkpoint\.pt is no file"):
        checkpoint.read_about(path)


def test_what_is_larger_than_its_file_is_not_unpacked(path, monkeypatch):
    """A gigabyte of zeros is a file of one megabyte; reading it all took half a minute."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("checkpoint/data.pkl", bytes(10**7))
    opened = []
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *how: opened.append(how))
    agent = mbpo_agent("Pendulum-v1", MOMENT, seed=1)
    refused(path, agent, r"checkpoint\.pt is damaged or is not a checkpoint of the course")
    assert opened == []


# Writing.


def test_a_write_that_fails_leaves_the_last_good_file_and_no_litter(stored, kept, monkeypatch):
    agent, before = stored
    for at, failure in (("fsync", OSError), ("replace", OSError), ("replace", KeyboardInterrupt)):

        def failing(*_, failure=failure):
            raise failure

        with monkeypatch.context() as patched:
            patched.setattr(os, at, failing)
            with pytest.raises(failure):
                checkpoint.save(kept, agent, {})
        assert kept.read_bytes() == before
        assert list(kept.parent.iterdir()) == [kept]


WRITER = """
import sys
from pathlib import Path
from trainings import MOMENT
from mbpo_teach.runs import checkpoint
from mbpo_teach.algorithms.mbpo import mbpo_agent
agent, path = mbpo_agent("Pendulum-v1", MOMENT, seed=0), Path(sys.argv[1])
while True:
    agent.step += 1
    checkpoint.save(path, agent, {"again": agent.step})
"""


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_writer_that_is_killed_leaves_a_whole_file(path):
    """Killed a while after its first file, whatever it is doing then: it does nothing but write."""
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], env=surroundings())
    try:
        end = time.monotonic() + 120
        while not path.exists():
            assert time.monotonic() < end and writer.poll() is None
            time.sleep(0.01)
        time.sleep(0.1)
    finally:
        writer.send_signal(signal.SIGKILL)
        writer.wait()
    fresh = mbpo_agent("Pendulum-v1", MOMENT, seed=0)
    assert checkpoint.load(path, fresh)["again"] == fresh.step >= 1


def surroundings():
    """Return an environment in which a child finds what this process finds."""
    return os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}

"""A training in a folder: killed at any moment it goes on to the same curve, nothing is lost."""

import csv
import json
import os
import random
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
import torch
from trainings import PLANNER_SETTINGS, SETTINGS, curve

from mbpo_teach.algorithms import presets
from mbpo_teach.algorithms.agent import PARTS
from mbpo_teach.algorithms.mbpo import MBPOConfig
from mbpo_teach.algorithms.model_free import ModelFreeConfig
from mbpo_teach.runs import checkpoint, terminal
from mbpo_teach.runs.training import COLUMNS, Run, progress, stored_run, train_in

RUN = Run(environment="InvertedPendulum-v5", settings=SETTINGS, steps=65)
STEPS = [20, 30, 40, 50, 60, 65]
ALONE = replace(RUN, algorithm="sac", steps=25)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a run that was left alone."""
    folder = tmp_path_factory.mktemp("runs") / "done"
    list(train_in(folder, RUN))
    return folder


@pytest.fixture
def folder(finished, tmp_path):
    """A copy of that folder, for one test to spoil."""
    return shutil.copytree(finished, tmp_path / "run")


def table(folder):
    with (folder / "progress.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def content(folder):
    """Return the files of a folder; the lock is nobody's business."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != ".lock"}


# What is in the folder.


def test_a_run_is_three_files_and_one_table(finished):
    assert {*content(finished)} == {"run.json", "progress.csv", "checkpoint.pt"}
    rows = progress(finished)
    assert [row["step"] for row in rows] == STEPS
    assert (finished / "progress.csv").read_text().splitlines()[0] == ",".join(COLUMNS)
    for row, written in zip(rows, table(finished), strict=True):
        assert tuple(written) == COLUMNS
        assert written == {name: "" if row[name] is None else str(row[name]) for name in COLUMNS}


def test_columns_say_what_was_reached(finished):
    assert {"step", "eval_return", "train_return", "rollout_length"} < {*COLUMNS}
    assert {"model_holdout", "wall_seconds"} < {*COLUMNS}
    for row in progress(finished):
        assert row["eval_low"] <= row["eval_return"] <= row["eval_high"]
        spent = sum(row[f"{part}_seconds"] for part in PARTS)
        assert row["wall_seconds"] == pytest.approx(spent, abs=0.01)
        assert (row["model_holdout"] is None) == (row["step"] == 20)
        learned = row["step"] > 20
        for name in ("batch_value", "entropy", "imagined_error", "row_draws"):
            assert (row[name] is not None) == learned
        assert 0 < row["reached"] < row["eval_return"] and row["gap"] > 0
    # A pole that falls is paid 1 for each step but the last.
    assert all(row["train_return"] == int(row["train_return"]) > 0 for row in progress(finished))


def test_the_json_says_what_was_trained_with_what(finished):
    said = json.loads((finished / "run.json").read_text(encoding="utf-8"))
    assert said["environment"] == "InvertedPendulum-v5" and said["algorithm"] == "mbpo"
    assert (said["preset"], said["seed"], said["steps"]) == ("laptop", 0, 65)
    assert said["settings"] == SETTINGS and said["threads"] >= 1
    assert said["config"]["total_steps"] == 65 and said["config"]["sac"]["hidden"] == [8]
    assert {*said["versions"]} == {"python", "numpy", "torch", "gymnasium", "mujoco"}
    assert stored_run(finished) == RUN


def test_the_last_step_is_judged_of_sac_alone_as_well(tmp_path):
    rows = list(train_in(tmp_path / "new" / "run", ALONE))
    assert [row["step"] for row in rows] == [10, 20, 25]
    assert all(row["rollout_length"] is row["model_holdout"] is None for row in rows)


def test_an_agent_that_plans_is_stopped_and_gone_on_with_to_the_same_curve(tmp_path):
    run = Run(
        environment="InvertedPendulum-v5", algorithm="pets", settings=PLANNER_SETTINGS, steps=45
    )
    undisturbed = list(train_in(tmp_path / "alone", run))
    assert [row["step"] for row in undisturbed] == [35, 45]
    assert all(row["temperature"] is None and row["rollout_length"] == 3 for row in undisturbed)
    assert all(row["rollouts_seconds"] > 0 for row in undisturbed)
    next(train_in(tmp_path / "stopped", run))
    list(train_in(tmp_path / "stopped", run, resume=True))
    assert curve(progress(tmp_path / "stopped")) == curve(undisturbed)
    assert stored_run(tmp_path / "stopped") == run
    with pytest.raises(ValueError, match="algorithm must be 'pets' to go on with the run in"):
        next(train_in(tmp_path / "stopped", RUN, resume=True))


def test_plans_have_a_preset_and_settings_of_their_own():
    run = Run(environment="Pendulum-v1", algorithm="pets", settings={"planner.horizon": 7})
    assert run.config().planner.horizon == 7
    with pytest.raises(
        ValueError, match="preset must be laptop for an agent that plans, not 'auth"
    ):
        replace(run, preset="authors")
    with pytest.raises(ValueError, match="settings for planning are there for Pendulum-v1"):
        replace(run, environment="Ant-v5")
    for wrong in ("rollout_length", "sac.tau"):
        with pytest.raises(ValueError, match=f"must be fields of PETSConfig .*, not '{wrong}'"):
            replace(run, settings={wrong: 3})


def test_a_row_is_on_the_disk_when_it_is_seen(tmp_path):
    for row in train_in(tmp_path, ALONE):
        assert table(tmp_path)[-1]["step"] == str(row["step"])
        assert progress(tmp_path)[-1] == row


def test_what_is_to_be_trained():
    assert isinstance(RUN.config(), MBPOConfig) and isinstance(ALONE.config(), ModelFreeConfig)
    assert ALONE.config().updates_per_step == 1 and ALONE.config().sac == RUN.config().sac
    assert Run(environment="Pendulum-v1").config().total_steps == 2000


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"algorithm": "ppo"}, "algorithm must be one of mbpo, sac, pets, not 'ppo'"),
        ({"preset": "phone"}, "preset must be one of laptop, authors, not 'phone'"),
        ({"environment": "Nonsense-v0"}, "preset 'laptop' is there for Pendulum-v1"),
        ({"environment": ["Pendulum-v1"]}, "preset and environment must be names, not"),
        ({"preset": ["laptop"]}, "preset and environment must be names, not"),
        ({"algorithm": ["sac"]}, "algorithm must be one of mbpo, sac, pets, not"),
        ({"device": "gpu"}, "device must be one of cpu, cuda, not 'gpu'"),
        ({"seed": -1}, "seed must be a non-negative whole number, not -1"),
        ({"seed": 1.0}, "seed must be a non-negative whole number, not 1.0"),
        ({"seed": True}, "seed must be a non-negative whole number, not True"),
        ({"steps": 0}, "total_steps must be at least 1, not 0"),
        ({"steps": "many"}, "total_steps must be a whole number of at least 1, not 'many'"),
        ({"settings": {"speed": 3}}, "settings must be fields of MBPOConfig.*'speed'"),
    ],
)
def test_a_wrong_run_is_one_sentence(change, message):
    with pytest.raises(ValueError, match=message):
        replace(RUN, **change)


# Going on.


def test_a_run_gone_on_with_is_the_run_left_alone(tmp_path, finished):
    rows = list(islice(train_in(tmp_path, RUN), 3))
    rows += list(train_in(tmp_path, RUN, resume=True))
    assert curve(rows) == curve(progress(finished)) == curve(progress(tmp_path))
    assert [row["step"] for row in rows] == STEPS
    spent = [row["wall_seconds"] for row in rows]
    assert spent == sorted(spent)


def test_rows_beyond_the_checkpoint_are_cut_back(folder, tmp_path, finished):
    """So are half a row, and a table that is gone: the checkpoint vouches for what was there."""
    part = tmp_path / "part"
    list(islice(train_in(part, RUN), 3))
    for number, damage in enumerate(("50,1.0,1.0\n", "50,1.", None)):
        copy = shutil.copytree(part, tmp_path / str(number))
        text = (copy / "progress.csv").read_text()
        if damage is None:
            (copy / "progress.csv").unlink()
        else:
            (copy / "progress.csv").write_text(text + damage)
        run = train_in(copy, RUN, resume=True)
        next(run)
        run.close()
        assert [row["step"] for row in table(copy)] == ["20", "30", "40", "50"]
        assert curve(progress(copy)) == curve(progress(finished)[:4])
    (folder / "progress.csv").write_text("step\n1\n")
    assert list(train_in(folder, RUN, resume=True)) == []
    assert content(folder) == content(finished)


def test_a_run_that_never_stored_anything_begins_anew(tmp_path, finished):
    list(islice(train_in(tmp_path, RUN), 2))
    (tmp_path / "checkpoint.pt").unlink()
    assert curve(train_in(tmp_path, RUN, resume=True)) == curve(progress(finished))


def test_going_on_with_nothing_is_a_new_run(tmp_path):
    assert [row["step"] for row in train_in(tmp_path, ALONE, resume=True)] == [10, 20, 25]


def test_more_steps_extend_a_finished_run(folder, tmp_path):
    longer = replace(RUN, steps=90)
    list(train_in(folder, longer, resume=True))
    list(train_in(tmp_path / "at once", longer))
    # But for the judging after what was then the last step.
    extended = [row for row in curve(progress(folder)) if row["step"] != 65]
    assert extended == curve(progress(tmp_path / "at once"))
    assert stored_run(folder) == longer
    agents = [longer.agent(), longer.agent()]
    for path, agent in zip((folder, tmp_path / "at once"), agents, strict=True):
        checkpoint.load(path / "checkpoint.pt", agent)
    assert agents[0].learner.actor.weights.equal(agents[1].learner.actor.weights)


def test_settings_are_the_same_whether_lists_or_tuples(folder):
    settings = SETTINGS | {"sac.hidden": (8,), "model_hidden": (8,)}
    assert list(train_in(folder, replace(RUN, settings=settings), resume=True)) == []


def test_what_a_killed_write_left_is_removed(folder):
    for name in ("checkpoint.pt", "progress.csv", "run.json"):
        (folder / f".{name}.x1y2z3").write_bytes(b"half of it")
    (folder / ".gitignore").write_text("*")
    list(train_in(folder, RUN, resume=True))
    assert {*content(folder)} == {"run.json", "progress.csv", "checkpoint.pt", ".gitignore"}


# What is refused.


def refused(folder, run, message, **how):
    """Nothing is trained and nothing changed, and one sentence says why."""
    before = content(folder)
    with pytest.raises(ValueError, match=message) as error:
        next(train_in(folder, run, **how))
    assert "\n" not in str(error.value)
    assert content(folder) == before


def test_a_used_folder_is_refused(folder):
    refused(folder, RUN, r"holds a run already; go on with it \(--resume\) or choose another")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 1}, "seed must be 0 to go on with the run in .*, not 1"),
        ({"algorithm": "sac"}, "algorithm must be 'mbpo' to go on"),
        ({"environment": "Pendulum-v1"}, "environment must be 'InvertedPendulum-v5' to go on"),
        ({"settings": SETTINGS | {"sac.tau": 0.5}}, "settings must be .* to go on"),
        (
            {"preset": "authors", "settings": SETTINGS | {"fit.elites": 2}},
            "preset must be 'laptop' to go on",
        ),
    ],
)
def test_another_run_is_refused(change, message, folder):
    refused(folder, replace(RUN, **change), message, resume=True)


def test_numbers_that_a_preset_has_no_more_are_refused(folder, monkeypatch):
    """An update of the course may change a preset; half a run of each would be no run of either."""
    now = presets.PRESETS["laptop"][RUN.environment]
    later = {**presets.PRESETS["laptop"], RUN.environment: replace(now, retained=3)}
    monkeypatch.setitem(presets.PRESETS, "laptop", later)
    refused(folder, RUN, "retained was 4 in the run in .* and is 3", resume=True)


@pytest.mark.parametrize("name", ["progress.csv", "checkpoint.pt"])
def test_a_foreign_file_is_not_overwritten(name, tmp_path):
    (tmp_path / name).write_text("step,loss\n1,2\n")
    for resume in (False, True):
        refused(tmp_path, RUN, f"holds a {name} but no run.json", resume=resume)


@pytest.mark.parametrize(
    "damage",
    ["", "{", "[]", "{}", "\udcff", '{"environment": 3}', "null", "[" * 100_000],
)
def test_a_damaged_json_is_named(damage, folder):
    (folder / "run.json").write_text(damage, errors="surrogateescape")
    refused(folder, RUN, r"run\.json is damaged or is not a run of the course", resume=True)


@pytest.mark.parametrize(
    ("key", "value"),
    [("settings", None), ("settings", [1]), ("seed", "0"), ("environment", []), ("steps", 0.5)],
)
def test_a_json_of_something_else_is_named(key, value, folder):
    said = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(said | {key: value}))
    refused(folder, RUN, r"run\.json is damaged or is not a run of the course", resume=True)


def test_no_run_is_said(tmp_path):
    with pytest.raises(ValueError, match=r"holds no run: there is no run\.json"):
        stored_run(tmp_path)
    assert progress(tmp_path) == []


def test_a_damaged_checkpoint_is_named_and_kept(folder):
    whole = (folder / "checkpoint.pt").read_bytes()
    for spoilt in (b"", whole[:5000], b"foreign"):
        (folder / "checkpoint.pt").write_bytes(spoilt)
        refused(folder, RUN, r"checkpoint\.pt is damaged or is not a checkpoint", resume=True)
        with pytest.raises(ValueError, match="is damaged"):
            progress(folder)


NUMBERS = dict.fromkeys(COLUMNS, 1)


@pytest.mark.parametrize(
    "rows",
    [
        *(None, "rows", [1], [{"step": 1}]),
        *([NUMBERS | {"step": value}] for value in ("1", None, 0.5)),
        *([NUMBERS | {"eval_return": value}] for value in ("1", None, [1])),
    ],
)
def test_a_checkpoint_without_rows_is_named(rows, folder):
    agent = RUN.agent()
    checkpoint.load(folder / "checkpoint.pt", agent)
    checkpoint.save(folder / "checkpoint.pt", agent, {"progress": rows})
    refused(folder, RUN, r"checkpoint\.pt is not one of a run in a folder", resume=True)


def test_a_checkpoint_of_another_run_is_named(folder, tmp_path):
    list(train_in(tmp_path / "other", ALONE))
    shutil.copy(tmp_path / "other" / "checkpoint.pt", folder)
    refused(folder, RUN, "holds another kind of agent than this run's", resume=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 1}, "its seed is 1, not 0"),
        ({"settings": SETTINGS | {"sac.tau": 0.5}}, "its settings is {.*}, not {"),
    ],
)
def test_a_checkpoint_of_another_seed_or_setting_is_named(change, message, folder, tmp_path):
    """The agents are of one kind: nothing but what is said of them tells them apart."""
    run = train_in(tmp_path / "other", replace(RUN, **change))
    next(run)
    run.close()
    shutil.copy(tmp_path / "other" / "checkpoint.pt", folder)
    refused(
        folder, RUN, rf"checkpoint\.pt is of another run than run\.json: {message}", resume=True
    )


@pytest.mark.parametrize("said", [{"seed": 0}, 3, None, [["x"]]])
def test_a_checkpoint_that_tells_something_else_of_its_run_is_named(said, folder):
    agent = RUN.agent()
    about = checkpoint.load(folder / "checkpoint.pt", agent)
    checkpoint.save(folder / "checkpoint.pt", agent, about | {"run": said})
    refused(folder, RUN, r"checkpoint\.pt is of another run than run\.json: its", resume=True)


def test_an_older_checkpoint_that_does_not_tell_its_run_is_gone_on_with(folder):
    agent = RUN.agent()
    about = checkpoint.load(folder / "checkpoint.pt", agent)
    assert about.pop("run") == {
        "environment": RUN.environment,
        "algorithm": "mbpo",
        "preset": "laptop",
        "seed": 0,
        "settings": SETTINGS,
    }
    checkpoint.save(folder / "checkpoint.pt", agent, about)
    assert [row["step"] for row in train_in(folder, replace(RUN, steps=70), resume=True)] == [70]


OLD = ("step", "eval_return", "eval_low", "eval_high", "train_return", "rollout_length",
       "model_holdout", "temperature", "wall_seconds", *(f"{part}_seconds" for part in PARTS),
       )  # fmt: skip


def test_a_run_from_before_a_column_is_gone_on_with(folder):
    """What was not looked at then is empty."""
    agent = RUN.agent()
    about = checkpoint.load(folder / "checkpoint.pt", agent)
    whole = about["progress"]
    about["progress"] = [{name: row[name] for name in OLD} for row in whole]
    checkpoint.save(folder / "checkpoint.pt", agent, about)
    assert [row["step"] for row in progress(folder)] == STEPS
    assert [row["step"] for row in train_in(folder, replace(RUN, steps=70), resume=True)] == [70]
    *before, last = table(folder)
    for row, written in zip(whole, before, strict=True):
        kept = {name: "" if row[name] is None else str(row[name]) for name in OLD}
        assert written == dict.fromkeys(COLUMNS, "") | kept
    assert all(last.values())


def test_a_run_from_before_a_setting_is_gone_on_with_if_its_default_is_used(folder):
    """Defaults are what was done before there was a choice."""
    agent = RUN.agent()
    about = checkpoint.load(folder / "checkpoint.pt", agent)
    del about["config"]["first_fit_steps"], about["config"]["sac"]["critic_norm"]
    checkpoint.save(folder / "checkpoint.pt", agent, about)
    assert [row["step"] for row in train_in(folder, replace(RUN, steps=70), resume=True)] == [70]


def test_a_setting_from_before_that_was_another_is_named_where_it_is(folder):
    agent = RUN.agent()
    about = checkpoint.load(folder / "checkpoint.pt", agent)
    about["config"]["sac"]["critic_norm"] = True
    checkpoint.save(folder / "checkpoint.pt", agent, about)
    refused(folder, RUN, r"sac\.critic_norm was True in the run in .* and is False", resume=True)


def test_where_a_run_is_trained_is_no_part_of_what_it_is(folder, monkeypatch):
    """It may have begun on a graphics card, and on one of another version of the course."""
    said = json.loads((folder / "run.json").read_text())
    assert said["device"] == "cpu"
    longer = replace(RUN, steps=70)
    (folder / "run.json").write_text(json.dumps(said | {"device": "cuda"}))
    assert stored_run(folder).device == "cuda"
    assert [row["step"] for row in train_in(folder, longer, resume=True)] == [70]
    del said["device"]
    (folder / "run.json").write_text(json.dumps(said))
    assert stored_run(folder) == RUN


def test_a_graphics_card_that_there_is_not_is_told_before_anything_is_made(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    run = train_in(tmp_path / "run", replace(RUN, device="cuda"))
    with pytest.raises(ValueError, match="device must be 'cpu' on this machine"):
        next(run)
    assert not (tmp_path / "run").exists()


def test_rows_that_end_elsewhere_than_the_agent_are_named(folder):
    agent = RUN.agent()
    about = checkpoint.load(folder / "checkpoint.pt", agent)
    about["progress"].pop()
    checkpoint.save(folder / "checkpoint.pt", agent, about)
    refused(folder, RUN, "its rows end at step 60, its agent has lived 65", resume=True)


@pytest.mark.skipif(os.name != "posix", reason="pipes")
@pytest.mark.parametrize("name", ["run.json", "checkpoint.pt"])
def test_a_pipe_is_not_waited_for(name, folder):
    (folder / name).unlink()
    os.mkfifo(folder / name)
    with pytest.raises(ValueError, match=f"{name} is no file"):
        next(train_in(folder, RUN, resume=True))


# Other processes.

posix = pytest.mark.skipif(os.name != "posix", reason="signals and locks")


def surroundings():
    """Return an environment in which a child finds what this process finds."""
    return os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}


def until(condition, *processes):
    end = time.monotonic() + 240
    while not condition():
        assert time.monotonic() < end and all(process.poll() is None for process in processes)
        time.sleep(0.01)


@posix
def test_a_folder_in_which_another_process_trains_is_refused_or_waited_for(folder):
    code = (
        "import sys, fcntl\nfile = open(sys.argv[1], 'w')\nfcntl.flock(file, fcntl.LOCK_EX)\n"
        "print('locked', flush=True)\nsys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(folder / ".lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"locked\n"
        refused(folder, RUN, "another process trains in .* at this moment", resume=True)
        longer, rows = replace(RUN, steps=70), []
        waiting = threading.Thread(
            target=lambda: rows.extend(train_in(folder, longer, resume=True, wait=True))
        )
        waiting.start()
        waiting.join(0.3)
        assert waiting.is_alive() and rows == []
        other.kill()  # the system ends the lock with the process
        other.wait()
        waiting.join()
    assert [row["step"] for row in rows] == [70]


@posix
@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["pipe", "folder"])
def test_a_lock_that_is_another_thing_is_one_sentence(folder, make):
    """A pipe that nobody reads would be waited for, and for ever."""
    (folder / ".lock").unlink()
    make(folder / ".lock")
    before = sorted(os.listdir(folder))
    refused(folder, RUN, r"\.lock must be a plain file, or not there", resume=True)
    assert sorted(os.listdir(folder)) == before


# Children that train, forked from a process that has loaded everything. Arguments: a folder, and
# a list of deaths. A death is [stage, number]: the child kills itself at a stage of that write of
# its; or seconds: it is killed that long after its first new row.
CHILDREN = """
import json, os, signal, sys, time
from pathlib import Path
import torch, torch._dynamo  # the second is loaded by the first step of an optimiser
from mbpo_teach.ground import files
from mbpo_teach.runs.training import Run, train_in
torch.set_num_threads(1)
folder, run = Path(sys.argv[1]), Run(**json.loads(sys.argv[2]))
die = lambda: os.kill(os.getpid(), signal.SIGKILL)

def doom(stage, number):
    left, fsync, replace = [number], os.fsync, os.replace

    class Slow:
        def __init__(self, file): self.file = file
        def __enter__(self): return self
        def __exit__(self, *error): self.file.close()
        def flush(self): self.file.flush()
        def fileno(self): return self.file.fileno()
        def write(self, content):
            left[0] -= 1
            if left[0] == 0 and stage == "half":
                self.file.write(content[:len(content) // 2])
                self.file.flush()
                die()
            self.file.write(content)

    def synced(handle):
        if left[0] == 0 and stage == "written": die()
        fsync(handle)

    def replaced(*names):
        if left[0] == 0 and stage == "synced": die()
        replace(*names)
        if left[0] == 0 and stage == "renamed": die()

    files.open, os.fsync, os.replace = lambda *how: Slow(open(*how)), synced, replaced

def child(death=None):
    pid = os.fork()
    if pid:
        return pid
    try:
        if isinstance(death, list): doom(*death)
        for _ in train_in(folder, run, resume=True): pass
    except BaseException as error:
        print(repr(error), flush=True)
        os._exit(1)
    os._exit(0)

killed = 0
for death in json.loads(sys.argv[3]):
    table = folder / "progress.csv"
    pid, ended = child(death), 0
    if isinstance(death, float):
        before = table.read_bytes() if table.exists() else b""
        kept = max(before.count(b"\\n"), 1)
        while not ended and (not table.exists() or table.read_bytes().count(b"\\n") <= kept):
            time.sleep(0.005)
            ended, status = os.waitpid(pid, os.WNOHANG)
        if not ended:
            time.sleep(death)
            os.kill(pid, signal.SIGKILL)
    if not ended:
        _, status = os.waitpid(pid, 0)
    killed += os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
_, status = os.waitpid(child(), 0)
print(killed, status)
"""


def killed_again_and_again(folder, run, deaths):
    """Train with children that die; return how many were killed, and the standing of the last."""
    said = {name: getattr(run, name) for name in ("environment", "algorithm", "settings", "steps")}
    command = [sys.executable, "-c", CHILDREN, str(folder), json.dumps(said), json.dumps(deaths)]
    done = subprocess.run(command, env=surroundings(), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.split("\n")[0]


@posix
def test_killed_at_every_stage_of_every_write_it_goes_on_to_the_same_curve(tmp_path, finished):
    """Writes of a child: the JSON, the table cut back, then table and checkpoint in turn."""
    stages = ("half", "written", "synced", "renamed")
    deaths = [[stage, write] for write in (1, 2, 3, 4, 5) for stage in stages]
    assert killed_again_and_again(tmp_path, RUN, deaths) == f"{len(deaths)} 0"
    assert curve(progress(tmp_path)) == curve(progress(finished))
    assert {*content(tmp_path)} == {"run.json", "progress.csv", "checkpoint.pt"}
    ends = [curve(table(folder)) for folder in (tmp_path, finished)]
    assert ends[0] == ends[1]


@posix
@pytest.mark.parametrize("algorithm", ["mbpo", "sac"])
def test_killed_at_any_moment_it_goes_on_to_the_same_curve(algorithm, tmp_path):
    run = replace(RUN, algorithm=algorithm, environment="Pendulum-v1", steps=85)
    rng = random.Random(0)
    # The first at once; a fast machine may be done before the others.
    deaths = [0.0, *(rng.uniform(0, 0.1) for _ in range(4))]
    killed, status = killed_again_and_again(tmp_path / "killed", run, deaths).split()
    assert int(killed) >= 1 and status == "0"
    assert killed_again_and_again(tmp_path / "left alone", run, []) == "0 0"
    ends = [curve(table(tmp_path / name)) for name in ("killed", "left alone")]
    assert ends[0] == ends[1] and len(ends[0]) > 5
    assert {*content(tmp_path / "killed")} == {"run.json", "progress.csv", "checkpoint.pt"}


@posix
def test_ctrl_c_leaves_a_run_that_the_command_it_prints_goes_on_with(tmp_path):
    """The command is run as it stands, by a shell, in the same place."""
    train = [sys.executable, "-m", "mbpo_teach", "train", "InvertedPendulum-v5"]
    train += ["--algo", "sac", "--steps", "800", "--seed", "3", "--out"]
    how = {"cwd": tmp_path, "env": surroundings(), "text": True}
    piped = how | {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([*train, "my run"], **piped) as stopped:
        until(lambda: progress(tmp_path / "my run"), stopped)
        stopped.send_signal(signal.SIGINT)
        said, bar = stopped.communicate()
    assert stopped.returncode == 130 and "Traceback" not in said + bar
    (line,) = [line for line in said.splitlines() if line.startswith("Stopped.")]
    step = int(re.search(r"up to step (\d+) is stored", line)[1])
    assert 0 < step <= progress(tmp_path / "my run")[-1]["step"] < 800
    command = line.partition("go on with: ")[2]
    assert Path(shlex.split(command)[0]) == Path(sys.executable)
    gone_on = subprocess.run(command, shell=True, capture_output=True, **how)
    assert gone_on.returncode == 0, gone_on.stderr
    assert "After 800 real steps" in gone_on.stdout
    alone = subprocess.run([*train, "alone"], capture_output=True, **how)
    assert alone.returncode == 0 and "After 800 real steps" in alone.stdout
    ends = [curve(table(tmp_path / name)) for name in ("my run", "alone")]
    assert ends[0] == ends[1] and ends[0][-1]["step"] == "800"
    assert (tmp_path / "my run" / "learning_curve.png").read_bytes().startswith(b"\x89PNG")


def test_a_command_to_go_on_says_all_that_was_given(tmp_path, monkeypatch, capsys):
    """Of a run that is stopped at its very beginning nothing is stored yet."""

    def stopped(*_, **__):
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(terminal, "train_in", stopped)
    monkeypatch.chdir(tmp_path)
    given = {"algorithm": "sac", "preset": None, "steps": 30, "seed": 2, "out": None}
    how = {"resume": False, "compiled": True, "threads": 1, "device": "cpu"}
    done = terminal.train("Pendulum-v1", **given, **how)
    assert done is False
    command = capsys.readouterr().out.partition("go on with: ")[2].strip()
    assert shlex.split(command)[1:] == [
        *("-m", "mbpo_teach", "train", "Pendulum-v1", "--resume", "--algo=sac", "--steps=30"),
        *("--seed=2", f"--out={Path('runs') / 'Pendulum-v1_sac_laptop_2'}", "--device=cpu"),
        *("--threads=1", "--compile"),
    ]


@pytest.mark.parametrize("before", [None, {"sac.compile": True}])
def test_what_was_compiled_before_there_was_more_to_compile_goes_on_so(
    before, tmp_path, monkeypatch
):
    """And on the device on which it was, unless another is asked for."""
    seen = []
    monkeypatch.setattr(
        terminal, "train_in", lambda folder, run, *, resume: seen.append(run) or iter([])
    )
    if before:
        said = {"environment": "Pendulum-v1", "algorithm": "mbpo", "preset": "laptop", "seed": 0}
        said |= {"steps": 30, "settings": before, "device": "cuda"}
        (tmp_path / "run.json").write_text(json.dumps(said))
    given = {"algorithm": None, "preset": None, "steps": 30, "seed": None, "out": tmp_path}
    for device in (None, "cpu"):
        terminal.train("Pendulum-v1", **given, resume=True, compiled=True, threads=1, device=device)
    assert [run.settings for run in seen] == [before or terminal.COMPILED] * 2
    assert [run.device for run in seen] == ["cuda" if before else "cpu", "cpu"]
    assert seen[0].config().sac.compile and seen[0].config().fit.compile is not bool(before)


def test_a_graphics_card_that_is_too_small_is_said(tmp_path, monkeypatch):
    def full(_):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    monkeypatch.setattr(Run, "agent", full)
    with pytest.raises(ValueError, match="settings must fit into the memory of this machine"):
        list(train_in(tmp_path / "run", Run(environment="Pendulum-v1")))

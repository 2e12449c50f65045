"""Sweeps: every run of a grid once, whatever is killed, here or on a cluster."""

import csv
import json
import math
import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
import tomllib
from dataclasses import replace

import pytest
from click.testing import CliRunner
from trainings import SETTINGS, curve

from mbpo_teach import __main__
from mbpo_teach.runs import sweep, terminal
from mbpo_teach.runs.sweep import name_of, read_grid, runs_of
from mbpo_teach.runs.training import Run, progress, train_in

WORLD = "InvertedPendulum-v5"
GRID = {
    "environment": WORLD,
    "seeds": [0, 1],
    "steps": 25,
    "grid": [{name: [value] for name, value in SETTINGS.items()} | {"sac.tau": [0.005, 0.5]}],
}
RUNS = runs_of(GRID)


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """The curve of each of RUNS, trained alone."""
    folder = tmp_path_factory.mktemp("alone")
    return [curve(train_in(folder / str(place), run)) for place, run in enumerate(RUNS)]


def as_toml(grid):
    lines = [f"{key} = {json.dumps(value)}" for key, value in grid.items() if key != "grid"]
    for table in grid["grid"]:
        lines += ["[[grid]]", *(f'"{key}" = {json.dumps(value)}' for key, value in table.items())]
    return "\n".join(lines)


def grid(**tables):
    return {"environment": "Pendulum-v1"} | tables


def settings_of(found):
    return [run.settings for run in found]


# What a grid says.


def test_runs_come_in_the_order_of_the_file_and_seeds_vary_fastest():
    found = runs_of(
        grid(
            algorithm=["mbpo", "sac"],
            seeds=[1, 0],
            steps=7,
            grid=[{"real_ratio": [0.5, 0.0], "updates_per_step": [3, 4]}],
        )
    )
    assert [run.seed for run in found[:2]] == [1, 0]
    assert settings_of(found[:8:2]) == [
        {"real_ratio": ratio, "updates_per_step": updates}
        for ratio in (0.5, 0.0)
        for updates in (3, 4)
    ]
    # SAC alone has neither, so that all of its settings are one.
    assert [(run.algorithm, run.seed, run.settings) for run in found[8:]] == [
        ("sac", 1, {}),
        ("sac", 0, {}),
    ]
    assert {(run.environment, run.preset, run.steps) for run in found} == {
        ("Pendulum-v1", "laptop", 7)
    }


def test_a_grid_without_settings_is_the_preset_itself():
    assert runs_of(grid()) == [Run(environment="Pendulum-v1")]
    assert len(runs_of({"environment": ["Pendulum-v1", WORLD], "seeds": 4})) == 2


def test_equal_runs_count_once_however_they_are_written():
    """The preset's own values make no difference, nor do two tables that say the same."""
    found = runs_of(
        grid(grid=[{"updates_per_step": [10, 5]}, {"rollout_length": [20, 1]}, {"members": 5}])
    )
    assert settings_of(found) == [{}, {"updates_per_step": 5}, {"rollout_length": 1}]
    assert len(runs_of(grid(seeds=[0, 0, 1]))) == 2


def test_settings_inside_others_are_named_in_two_ways():
    """To TOML a bare key with a dot is a table in a table."""
    bare = tomllib.loads("[[grid]]\nsac.tau = [0.1, 0.2]\nfit.elites = 2")["grid"]
    quoted = tomllib.loads('[[grid]]\n"sac.tau" = [0.1, 0.2]\n"fit.elites" = 2')["grid"]
    wanted = [{"sac.tau": 0.1, "fit.elites": 2}, {"sac.tau": 0.2, "fit.elites": 2}]
    for tables in (bare, quoted):
        assert settings_of(runs_of(grid(grid=tables))) == wanted


def test_a_list_that_is_one_value_stands_in_a_list():
    found = runs_of(grid(grid=[{"sac.hidden": [[8, 8], [4]]}]))
    assert [run.config().sac.hidden for run in found] == [(8, 8), (4,)]


def test_the_grid_in_the_docstring_is_what_it_is_said_to_be(tmp_path):
    text = textwrap.dedent(re.search(r"\n\n(    environment.*?)\n\n`", sweep.__doc__, re.S)[1])
    (tmp_path / "grid.toml").write_text(text, encoding="utf-8")
    found = read_grid(tmp_path / "grid.toml")
    assert len(found) == 32 and len({name_of(run) for run in found}) == 32


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"seed": 3}, "grid must have no keys but .*seeds.*not 'seed'; settings belong below"),
        ({"real_ratio": [0.1]}, "grid must have no keys but .*not 'real_ratio'"),
        ({"environment": []}, "environment must have one value or more"),
        ({"environment": "Nonsense-v0"}, "preset 'laptop' is there for .*, not for Nonsense-v0"),
        (
            {"environment": "Pendulum-v1", "preset": "authors"},
            "not for Pendulum-v1; Pendulum-v1 has: laptop",
        ),
        ({"environment": {"a": 1}}, "preset and environment must be names, not"),
        ({"environment": [["Pendulum-v1"]]}, "preset and environment must be names, not"),
        ({"environment": 3}, "preset and environment must be names, not 3"),
        ({"preset": "phone"}, "preset must be one of laptop, authors, not 'phone'"),
        ({"algorithm": ["mbpo", "ppo"]}, "algorithm must be one of mbpo, sac, pets, not 'ppo'"),
        ({"seeds": []}, "seeds must have one value or more"),
        ({"seeds": [0, -1]}, "seed must be a non-negative whole number, not -1"),
        ({"seeds": "all"}, "seed must be a non-negative whole number, not 'all'"),
        ({"steps": 0}, "total_steps must be at least 1, not 0"),
        ({"steps": [1, 2]}, "total_steps must be a whole number of at least 1, not"),
        ({"grid": {"sac": 1}}, r"grid must have its settings below \[\[grid\]\]"),
        ({"grid": [1]}, r"grid must have its settings below \[\[grid\]\]"),
        ({"grid": []}, r"grid must have its settings below \[\[grid\]\]"),
        ({"grid": [{"real_ratio": {}}]}, r"real_ratio must be in \[0, 1\], not {}"),
        ({"grid": [{"speed": [1]}]}, "settings must be fields of MBPOConfig.*not 'speed'"),
        ({"grid": [{"sac.speed": [1]}]}, "settings must be fields of MBPOConfig.*'sac.speed'"),
        ({"grid": [{"sac": [1]}]}, "settings must be fields of MBPOConfig.*not 'sac'"),
        ({"grid": [{"members.most": [1]}]}, "settings must be fields.*not 'members.most'"),
        ({"grid": [{"real_ratio": []}]}, "real_ratio must have one value or more"),
        ({"grid": [{"real_ratio": [2.0]}]}, r"real_ratio must be in \[0, 1\], not 2.0"),
        ({"grid": [{"real_ratio": ["half"]}]}, r"real_ratio must be in \[0, 1\], not 'half'"),
        ({"grid": [{"model_hidden": [8]}]}, "model_hidden must be a tuple of widths, not 8"),
        ({"grid": [{"rollout_length": ["long"]}]}, "rollout_length must be a whole .* 'long'"),
        ({"grid": [{"rollout_length": [0]}]}, "rollout_length must be at least 1, not 0"),
        ({"grid": [{"members": [0]}]}, "members must be at least 1, not 0"),
        ({"grid": [{"members": ["few"]}]}, "members must be a whole number.*not 'few'"),
    ],
)
def test_a_wrong_grid_is_one_sentence(wrong, message):
    with pytest.raises(ValueError, match=message) as error:
        runs_of(grid() | wrong)
    assert "\n" not in str(error.value)


def test_a_setting_of_the_wrong_kind_is_one_sentence():
    """In a process of its own: here the tests' own checks of types would speak first."""
    wrong = [
        ("sac.tau", "slow", "in (0, 1], not 'slow'"),
        ("sac.gamma", False, "in [0, 1), not False"),
        ("sac.learning_rate", [0.1], "in (0, 1), not (0.1,)"),
        ("sac.target_entropy", "x", "between -1e6 and 1e6, or None, not 'x'"),
        ("sac.hidden", 8, "a tuple of one or more widths, not 8"),
        ("sac.hidden", ["8"], "a whole number of at least 1, not '8'"),
        ("sac.batch_size", 2.5, "a whole number of at least 1, not 2.5"),
        ("sac.compile", "no", "True or False, not 'no'"),
        ("fit.learning_rate", "x", "in (0, 1), not 'x'"),
        ("fit.elites", True, "a whole number of at least 1, not True"),
        ("fit.patience_steps", 0.5, "a whole number of at least 0, not 0.5"),
        ("fit.weight_decay", 0.1, "a tuple of numbers, not 0.1"),
        ("fit.weight_decay", ["x"], "at least 0 and finite, not 'x'"),
        ("fit.weight_decay", [math.inf], "at least 0 and finite, not inf"),
        ("fit.limit_weight", math.inf, "at least 0 and finite, not inf"),
    ]
    code = (
        "from math import inf\nfrom mbpo_teach.runs.sweep import runs_of\n"
        f"for name, value, _ in {wrong!r}:\n"
        "    try:\n"
        "        runs_of({'environment': 'Pendulum-v1', 'grid': [{name: [value]}]})\n"
        "    except ValueError as error:\n"
        "        print(error)\n"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    expected = [f"{name} must be {allowed}" for name, _, allowed in wrong]
    assert told.stdout.splitlines() == expected


def test_a_grid_without_an_environment_says_what_it_lacks():
    with pytest.raises(ValueError, match='grid must name an environment, as in environment = "'):
        runs_of({"seeds": [0]})


@pytest.mark.parametrize(
    "content", [b"environment = ", b"\xff\xfe", b"[[grid]\n", b"a = " + 5000 * b"["]
)
def test_what_is_no_toml_is_named(content, tmp_path):
    (tmp_path / "grid.toml").write_bytes(content)
    with pytest.raises(ValueError, match=r"grid\.toml must be a TOML file: "):
        read_grid(tmp_path / "grid.toml")


def test_a_grid_that_an_editor_began_with_a_mark_is_read(tmp_path):
    """Editors on Windows put a byte order mark before the first letter."""
    (tmp_path / "grid.toml").write_text('environment = "Pendulum-v1"', encoding="utf-8-sig")
    assert read_grid(tmp_path / "grid.toml") == [Run(environment="Pendulum-v1")]


# Folders.


def test_a_folder_is_called_what_its_run_is():
    run = Run(environment="Pendulum-v1", settings={"sac.hidden": [8, 8], "real_ratio": 0.5}, seed=3)
    assert name_of(run) == "Pendulum-v1_mbpo_laptop_sac.hidden=8x8_real_ratio=0.5_seed=3"
    assert name_of(Run(environment=WORLD, algorithm="sac")) == f"{WORLD}_sac_laptop_seed=0"


def test_no_name_is_too_long_and_none_is_another_runs():
    names = [f"fit.{name}" for name in ("max_steps", "patience", "patience_steps", "batch_size")]
    names += ["model_period", "rollout_batch", "random_steps", "updates_per_step", "capacity"]
    many = [{name: 1000 + which for name in names} for which in (0, 1)]
    many.append(many[0] | {"sac.batch_size": 64})
    runs = [
        Run(environment=WORLD, settings=settings, seed=seed) for settings in many for seed in (0, 1)
    ]
    found = [name_of(run) for run in runs]
    assert len({*found}) == 6 and max(map(len, found)) <= 200
    assert all(name.startswith(f"{WORLD}_mbpo_laptop_fit.max_steps=") for name in found)
    assert [name[-6:] for name in found] == ["seed=0", "seed=1"] * 3


def test_a_run_with_a_long_name_is_trained(tmp_path):
    run = replace(RUNS[0], settings=SETTINGS | {"sac.gamma": 0.987654321, "sac.tau": 0.123456789})
    ((_, rows),) = sweep.sweep([run], tmp_path, jobs=1)
    (folder,) = tmp_path.iterdir()
    assert curve(progress(folder)) == curve(rows) and rows[-1]["step"] == 25


# Doing it.


def found_once(results, expected):
    """Every run is there once, with the rows of the run trained alone."""
    results = list(results)
    assert sorted(place for place, _ in results) == list(range(len(RUNS)))
    assert [curve(rows) for _, rows in sorted(results)] == expected


def test_it_does_only_what_is_missing(tmp_path, expected, monkeypatch):
    begun = sweep.sweep(RUNS, tmp_path, jobs=1)
    assert [next(begun)[0], next(begun)[0]] == [0, 1]
    begun.close()
    trained, train_in = [], sweep.train_in

    def counted(folder, run, **how):
        trained.append(run)
        return train_in(folder, run, **how)

    monkeypatch.setattr(sweep, "train_in", counted)
    found_once(sweep.sweep(RUNS, tmp_path, jobs=1), expected)
    assert trained == RUNS[2:]
    found_once(sweep.sweep(RUNS, tmp_path, jobs=1), expected)
    assert trained == RUNS[2:]
    longer = [replace(run, steps=30) for run in RUNS]
    assert [rows[-1]["step"] for _, rows in sweep.sweep(longer, tmp_path, jobs=1)] == [30] * 4


def test_several_processes_train_the_same(tmp_path, expected):
    found_once(sweep.sweep(RUNS, tmp_path, jobs=2), expected)


def test_a_run_that_fails_says_why_and_the_others_go_on(tmp_path, expected):
    """One has more layers than decays, one a damaged checkpoint, one a file for a folder, and one
    needs more memory than any machine has.
    """
    deep = replace(RUNS[0], settings=SETTINGS | {"model_hidden": [8, 8]})
    large = replace(RUNS[0], settings=SETTINGS | {"rollout_batch": 10**14})
    (tmp_path / name_of(RUNS[1])).write_text("in the way")
    list(sweep.sweep([RUNS[2]], tmp_path, jobs=1))
    (tmp_path / name_of(RUNS[2]) / "checkpoint.pt").write_text("foreign")
    found = dict(sweep.sweep([deep, *RUNS, large], tmp_path, jobs=1))
    assert found[5].startswith("settings must fit into the memory of this machine; rollout_batch")
    assert "weight_decay must have one entry for each of 3 layers" in found[0]
    assert name_of(RUNS[1]) in found[2]
    assert "checkpoint.pt is damaged" in found[3]
    assert [curve(found[place + 1]) for place in (0, 3)] == [expected[0], expected[3]]


@pytest.mark.parametrize(
    "large", [{"rollout_batch": 10**22}, {"rollout_batch": 2**62}, {"sac.hidden": [2**62]}]
)
def test_a_size_that_nobody_can_count_stops_no_other_run(tmp_path, expected, large):
    other = replace(RUNS[0], settings=SETTINGS | large)
    found = dict(sweep.sweep([other, RUNS[0]], tmp_path, jobs=1))
    assert found[0].startswith("settings must fit into the memory of this machine; rollout_batch")
    assert curve(found[1]) == expected[0]


# The command.


def command(*arguments):
    result = CliRunner().invoke(__main__.main, ["sweep", *map(str, arguments)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_the_command_says_a_line_for_each_run_and_writes_a_table(tmp_path, expected):
    (tmp_path / "grid.toml").write_text(as_toml(GRID))
    out = tmp_path / "out"
    done = command(tmp_path / "grid.toml", "--jobs", "1", "--out", out)
    assert done.exit_code == 0
    for run, rows in zip(RUNS, expected, strict=True):
        (line,) = [line for line in done.output.splitlines() if line.startswith(name_of(run))]
        assert f"return {rows[-1]['eval_return']:.1f}, k=1, model error" in line
    assert f"4 of 4 runs are finished; their last rows are in {out}/sweep.csv" in done.output
    with (out / "sweep.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    assert [(row["seed"], row["sac.tau"], row["step"]) for row in table] == [
        *(("0", "", "25"), ("1", "", "25"), ("0", "0.5", "25"), ("1", "0.5", "25")),
    ]
    ends = [rows[-1]["eval_return"] for rows in expected]
    assert [float(row["eval_return"]) for row in table] == ends
    again = command(tmp_path / "grid.toml", "--jobs", "1", "--out", out)
    assert again.exit_code == 0 and "4 of 4 runs are finished" in again.output


def test_a_failed_run_is_exit_code_1_and_the_table_has_the_others(tmp_path):
    (tmp_path / "grid.toml").write_text(as_toml(GRID))
    (tmp_path / name_of(RUNS[0])).write_text("in the way")
    done = command(tmp_path / "grid.toml", "--jobs", "1", "--out", tmp_path)
    assert done.exit_code == 1 and "Traceback" not in done.output
    assert "3 of 4 runs are finished" in done.output
    assert (tmp_path / "sweep.csv").read_text().count("\n") == 4


def test_whoever_looks_sees_a_line_for_each_run_and_one_for_all(tmp_path, monkeypatch, capsys):
    (tmp_path / "grid.toml").write_text(as_toml(GRID | {"seeds": [0]}))
    list(sweep.sweep(RUNS[:1], tmp_path, jobs=1))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert terminal.sweep(tmp_path / "grid.toml", jobs=1, scheduler=None, out=tmp_path)
    seen = capsys.readouterr().err
    for run in RUNS[::2]:
        assert re.search(rf"100 %  return .*, k=1, model error .*  .*{name_of(run)[-20:]}", seen)
    assert "2/2 runs finished, 100 % of all steps" in seen


def test_a_language_that_there_is_not_is_refused_before_anything_is_trained(tmp_path, monkeypatch):
    (tmp_path / "grid.toml").write_text(as_toml(GRID))
    monkeypatch.setenv("MBPO_LANG", "fr")
    done = command(tmp_path / "grid.toml", "--jobs", "1", "--out", tmp_path / "out")
    assert done.exit_code == 1 and "MBPO_LANG must be one of en, zh, not 'fr'" in done.output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("text", "options", "complaint"),
    [
        ("environment = ", [], "must be a TOML file"),
        ("seeds = [1]", [], "grid must name an environment"),
        ('environment = "Pendulum-v1"\nsteps = 0', [], "total_steps must be at least 1"),
        ('environment = "Pendulum-v1"', ["--scheduler", "x://y"], "scheduler must be the address"),
    ],
)
def test_a_wrong_argument_is_one_clear_sentence(text, options, complaint, tmp_path):
    (tmp_path / "grid.toml").write_text(text)
    done = command(tmp_path / "grid.toml", "--out", tmp_path / "out", *options)
    assert done.exit_code == 1
    first, said = done.output.split("\n", 1)
    assert first.startswith("Loading PyTorch")
    assert said.startswith("Error: ") and complaint in said
    assert "Traceback" not in done.output


def test_a_place_that_is_none_is_refused(tmp_path):
    (tmp_path / "grid.toml").write_text('environment = "Pendulum-v1"')
    assert command(tmp_path / "nowhere.toml").exit_code == 2
    assert command(tmp_path).exit_code == 2
    done = command(tmp_path / "grid.toml", "--out", tmp_path / "grid.toml")
    assert done.exit_code == 2 and "is a file" in done.output
    assert command(tmp_path / "grid.toml", "--jobs", "0").exit_code == 2


# Real processes that are killed.

posix = pytest.mark.skipif(os.name != "posix", reason="signals")
LONGER = [replace(run, steps=120) for run in RUNS]


@pytest.fixture(scope="module")
def longer(tmp_path_factory):
    """The curves of LONGER, each trained alone."""
    folder = tmp_path_factory.mktemp("longer")
    return [curve(train_in(folder / str(place), run)) for place, run in enumerate(LONGER)]


def surroundings():
    """Return an environment in which a child finds what this process finds."""
    return os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}


def until(condition, explain=lambda: ""):
    end = time.monotonic() + 240
    while not condition():
        assert time.monotonic() < end, explain()
        time.sleep(0.01)


def under_way(folder):
    """Return the runs that are stored in part."""
    parts = [progress(folder / name_of(run)) for run in LONGER]
    return [rows for rows in parts if rows and rows[-1]["step"] < 120]


@posix
def test_a_sweep_that_was_killed_does_the_rest(tmp_path, longer):
    """Its workers may outlive it for a moment: who comes next waits until a run is free."""
    (tmp_path / "grid.toml").write_text(as_toml(GRID | {"steps": 120}))
    arguments = [sys.executable, "-m", "mbpo_teach", "sweep", "grid.toml", "--out", "out"]
    how = {"cwd": tmp_path, "env": surroundings()}
    with (tmp_path / "log").open("wb") as log:
        first = subprocess.Popen([*arguments, "--jobs", "2"], stdout=log, stderr=log, **how)
        until(lambda: under_way(tmp_path / "out"), lambda: (tmp_path / "log").read_text())
        first.send_signal(signal.SIGKILL)
        first.wait()
    assert not (tmp_path / "out" / "sweep.csv").exists()
    done = subprocess.run([*arguments, "--jobs", "1"], capture_output=True, text=True, **how)
    assert done.returncode == 0, done.stderr
    assert "4 of 4 runs are finished" in done.stdout
    found = [curve(progress(tmp_path / "out" / name_of(run))) for run in LONGER]
    assert found == longer


@posix
def test_workers_end_soon_after_the_sweep_that_was_killed(tmp_path):
    """They hold the locks of their folders: a run that nobody holds is one that nobody trains."""
    import fcntl

    grid = GRID | {"seeds": [0, 1], "steps": 10**6}
    (tmp_path / "grid.toml").write_text(as_toml(grid))
    arguments = [sys.executable, "-m", "mbpo_teach", "sweep", "grid.toml", "--out", "out"]
    with (tmp_path / "log").open("wb") as log:
        killed = subprocess.Popen(
            [*arguments, "--jobs", "2"], stdout=log, stderr=log, cwd=tmp_path, env=surroundings()
        )
        until(lambda: len([*tmp_path.glob("out/*/checkpoint.pt")]) == 2)
        killed.send_signal(signal.SIGKILL)
        killed.wait()
    locks = [path.open() for path in tmp_path.glob("out/*/.lock")]
    end = time.monotonic() + 60
    for lock in locks:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                assert time.monotonic() < end, "a worker trains on"
                time.sleep(0.1)
        lock.close()
    assert len(locks) == 2


@pytest.fixture
def cluster(tmp_path):
    """The address of a scheduler, and its two workers: processes that a test may kill."""
    distributed = pytest.importorskip("distributed")
    file, log = tmp_path / "scheduler.json", (tmp_path / "dask.log").open("wb")
    here = ["--scheduler-file", str(file)]
    commands = [["dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", *here]]
    commands += [["dask_worker", "--no-nanny", "--nthreads", "1", "--no-dashboard", *here]] * 2
    started = [
        subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.{name}", *options],
            cwd=tmp_path,
            env=surroundings(),
            stdout=log,
            stderr=log,
        )
        for name, *options in commands
    ]
    try:
        until(lambda: written(file), lambda: (tmp_path / "dask.log").read_text())
        with distributed.Client(written(file)) as client:
            client.wait_for_workers(2, timeout=240)
        yield written(file), started[1:]
    finally:
        for process in reversed(started):
            process.terminate()
        for process in started:
            process.wait(timeout=60)
        log.close()


def written(file):
    """Return the address in a scheduler's file, or None while it is not all there."""
    try:
        return json.loads(file.read_text())["address"]
    except (FileNotFoundError, ValueError):
        return None


@posix
def test_a_cluster_that_loses_a_worker_trains_every_run_once(tmp_path, longer, cluster):
    """Killed while both of them train; the other one goes on with what it left."""
    address, (doomed, _) = cluster
    out, cut = tmp_path / "out", []

    def kill():
        until(lambda: len(under_way(out)) == 2)
        doomed.send_signal(signal.SIGKILL)
        doomed.wait()
        cut.extend(under_way(out))

    killer = threading.Thread(target=kill)
    killer.start()
    results = list(sweep.sweep(LONGER, out, scheduler=address))
    killer.join()
    assert cut, "a test in which nobody was interrupted"
    assert sorted(place for place, _ in results) == [0, 1, 2, 3]
    assert [curve(rows) for _, rows in sorted(results)] == longer
    assert [curve(progress(out / name_of(run))) for run in LONGER] == longer
    assert len([*out.iterdir()]) == 4


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe", b"step,eval_return\nx,y\n", b"a,b\n1,2\n", b"step\n" + b"7" * 200_000],
)
def test_a_damaged_table_of_progress_tells_nothing_and_stops_nothing(tmp_path, content):
    folder = tmp_path / name_of(RUNS[0])
    folder.mkdir()
    (folder / "progress.csv").write_bytes(content)
    assert terminal._steps(RUNS[:1], tmp_path) == 0

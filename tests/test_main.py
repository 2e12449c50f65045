import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from click.testing import CliRunner

from mbpo_teach import __main__ as terminal
from mbpo_teach.course import doctor, server, trust, workspace
from mbpo_teach.ground import language

ROOT = workspace.COURSE


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A course with two chapters, in place of the real one."""
    for edition in language.LANGUAGES:
        for chapter in ("00_start_here", "04_when_to_trust"):
            for folder in (edition, f"{edition}/solutions"):
                file = tmp_path / "notebooks" / folder / f"{chapter}.ipynb"
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(f"{folder}/{chapter}")
    monkeypatch.setattr(workspace, "COURSE", tmp_path)
    return tmp_path


@pytest.fixture
def started(monkeypatch):
    """The commands that would have taken the place of this process."""
    commands = []
    monkeypatch.setattr(terminal, "_become", commands.append)
    return commands


@pytest.fixture(autouse=True)
def english(monkeypatch):
    monkeypatch.setattr(language, "_chosen", [])
    monkeypatch.setattr(language, "_listeners", [])
    monkeypatch.delenv("MBPO_LANG", raising=False)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)


def run(*arguments):
    result = CliRunner().invoke(terminal.main, arguments)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_lab_opens_the_first_chapter(course, started):
    result = run("lab")
    assert result.exit_code == 0
    assert "Made 8 working copies" in result.output
    (command,) = started
    assert command[:3] == [sys.executable, "-m", "jupyterlab"]
    assert {server.PROMPT, *server.OPTIONS, *trust.options(course)} <= set(command)
    assert f"--ServerApp.root_dir={course}" in command
    assert "--LabApp.default_url=/lab/tree/work/en/00_start_here.ipynb" in command
    assert "--no-browser" not in command


def test_lab_opens_the_chapter_and_edition_asked_for(course, started):
    result = run("lab", "--edition", "zh", "--chapter", "4", "--no-browser", "--", "--port=9")
    assert "已在 work/ 中建立 8 份工作副本" in result.output
    (command,) = started
    assert "--LabApp.default_url=/lab/tree/work/zh/04_when_to_trust.ipynb" in command
    assert "--no-browser" in command
    assert command[-1] == "--port=9"


@pytest.mark.parametrize(
    "option",
    [
        "--gateway-url=http://127.0.0.1:1",
        "--GatewayClient.url=http://127.0.0.1:1",
        "--ServerApp.kernel_websocket_connection_class=other.Connection",
        None,
    ],
)
def test_lab_leaves_the_connection_to_whoever_chooses_one(course, started, monkeypatch, option):
    if option is None:
        monkeypatch.setenv("JUPYTER_GATEWAY_URL", "http://127.0.0.1:1")
    assert run("lab", *(["--", option] if option else [])).exit_code == 0
    (command,) = started
    assert server.PROMPT not in command


def test_lab_follows_the_environments_language(course, started, monkeypatch):
    monkeypatch.setenv("MBPO_LANG", "zh")
    run("lab")
    assert any("work/zh/" in part for part in started[0])


def test_lab_says_in_one_line_that_a_newer_edition_exists(course, started):
    run("lab")
    for edition in language.LANGUAGES:
        (course / f"notebooks/{edition}/04_when_to_trust.ipynb").write_text("second edition")
    output = run("lab").output
    (line,) = [line for line in output.splitlines() if "newer" in line]
    assert "chapter 04;" in line
    # The Python that has the course: in a fresh terminal, `python` is another one.
    assert line.endswith(f" {sys.executable} -m mbpo_teach reset 04")
    assert (course / "work/en/04_when_to_trust.ipynb").read_text() == "en/04_when_to_trust"


def test_lab_tells_of_answers_in_a_chapter_that_was_renamed(course, started):
    run("lab")
    (course / "work/en/04_when_to_trust.ipynb").write_text("my answer")
    old = course / "notebooks/en/04_when_to_trust.ipynb"
    old.rename(old.with_name("04_trust.ipynb"))
    output = run("lab", "--chapter", "4").output
    assert "answers of before are still in work/en/04_when_to_trust.ipynb" in output
    assert any("work/en/04_trust.ipynb" in part for part in started[-1])


@pytest.mark.parametrize("name", ["HOME", "JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR"])
def test_a_home_that_cannot_be_written_is_one_sentence(course, started, monkeypatch, name):
    for other in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.delenv(other, raising=False)
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setenv(name, "/dev/null/nobody")
    result = run("lab")
    assert result.exit_code == 1 and started == []
    (line,) = [line for line in result.output.splitlines() if line.startswith("Error: ")]
    assert "JupyterLab cannot write into its folder /dev/null/nobody" in line


@pytest.mark.parametrize(("encoding", "spoken"), [("gbk", "en"), ("cp1252", "zh")])
def test_no_encoding_ends_a_command(course, monkeypatch, tmp_path, encoding, spoken):
    """Help, doctor, reset and train write ticks and Chinese; none of them ends in a traceback."""
    grid = tmp_path / "grid.toml"
    grid.write_text('environment = "Pendulum-v1"\nsteps = 5\nalgorithm = "sac"')
    commands = {
        "-h": 0,
        "doctor": None,
        "reset 00": 0,
        f"train Pendulum-v1 --algo sac --steps 5 --out {tmp_path}/训练": 0,
        f"sweep {grid} --jobs 1 --out {tmp_path}/out": 0,
        "lab --chapter 99": 1,
    }
    code = (
        "import runpy, sys\nfrom pathlib import Path\nfrom mbpo_teach.course import workspace\n"
        "workspace.COURSE = Path(sys.argv[1])\ncommands = sys.argv[2:]\n"
        "for command in commands:\n"
        "    sys.argv = ['mbpo_teach', *command.split()]\n"
        "    try: runpy.run_module('mbpo_teach', run_name='__main__')\n"
        "    except SystemExit as end: print('exit', end.code, flush=True)\n"
    )
    (course / "work/zh").mkdir(parents=True)
    (course / "work/zh/00_start_here.ipynb").write_text("my answer")
    done = subprocess.run(
        [sys.executable, "-c", code, str(course), *commands],
        env=os.environ | {"PYTHONIOENCODING": encoding, "MBPO_LANG": spoken},
        capture_output=True,
    )
    assert b"Traceback" not in done.stderr and done.returncode == 0, done.stderr.decode()
    said = done.stdout.decode(encoding)
    exits = [line for line in said.splitlines() if line.startswith("exit ")]
    doctors = "exit 0" if all(check.ok for check in doctor.checks()) else "exit 1"
    expected = [doctors if code is None else f"exit {code}" for code in commands.values()]
    assert exits == expected
    assert r"\u2713 Python" in said
    (kept,) = (course / "work/zh").glob("00_start_here.*.ipynb")
    assert kept.name in said and kept.read_text() == "my answer"


@pytest.mark.parametrize("command", [("lab", "--chapter"), ("reset",)])
def test_a_wrong_chapter_is_one_clear_sentence(command, course, started):
    result = run(*command, "9")
    assert result.exit_code == 1
    assert result.output == "Error: chapter must be one of 00, 04, not '9'\n"
    assert started == []
    assert not (course / "work").exists()


def test_a_wrong_edition_is_refused(course, started):
    result = run("lab", "--edition", "fr")
    assert result.exit_code == 2 and "'en', 'zh'" in result.output


def test_a_wrong_language_in_the_environment_is_refused(course, started, monkeypatch):
    monkeypatch.setenv("MBPO_LANG", "fr")
    result = run("lab")
    assert result.exit_code == 1 and "MBPO_LANG must be one of en, zh" in result.output


def test_reset_says_where_the_old_copy_is(course, started):
    run("lab")
    (course / "work/en/04_when_to_trust.ipynb").write_text("my answer")
    result = run("reset", "04")
    (kept,) = (course / "work/en").glob("04_when_to_trust.*-*.ipynb")
    assert kept.read_text() == "my answer"
    assert result.output.splitlines()[0] == (
        f"{Path('work/en/04_when_to_trust.ipynb')} is fresh again. "
        f"Your old one is {kept.relative_to(course)}"
    )
    assert "Reload Notebook from Disk" in result.output


def test_reset_says_when_there_is_nothing_to_do(course, started):
    run("lab")
    assert "nothing was changed" in run("reset", "04").output


def test_reset_of_one_edition_leaves_the_other_alone(course, started):
    run("lab")
    for edition in language.LANGUAGES:
        (course / f"work/{edition}/04_when_to_trust.ipynb").write_text("my answer")
    run("reset", "04", "--edition", "zh")
    assert (course / "work/en/04_when_to_trust.ipynb").read_text() == "my answer"
    assert (course / "work/zh/04_when_to_trust.ipynb").read_text() == "zh/04_when_to_trust"


def test_a_place_that_cannot_be_written_is_one_clear_sentence(course, started):
    (course / "work").write_text("a file where the folder should be")
    result = run("lab")
    assert result.exit_code == 1
    assert result.output.startswith("Error: Your working copies cannot be read or made.")
    assert str(course / "work") in result.output
    assert started == []


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_one_clear_sentence(course, started):
    course.chmod(stat.S_IRUSR | stat.S_IXUSR)
    result = run("lab")
    course.chmod(stat.S_IRWXU)
    assert result.exit_code == 1 and "Permission denied" in result.output


def test_a_copy_of_the_package_without_notebooks_says_so(tmp_path, started, monkeypatch):
    monkeypatch.setattr(workspace, "COURSE", tmp_path)
    result = run("lab")
    assert result.exit_code == 1 and "There are no notebooks in" in result.output


def healthy(name, ok=True):
    return doctor.Check(name=name, ok=ok, message="said", cure="" if ok else "do this")


def test_a_well_machine_gets_one_line_each_and_exit_code_0(monkeypatch):
    monkeypatch.setattr(doctor, "checks", lambda: [healthy("A"), healthy("B")])
    result = run("doctor")
    assert (result.exit_code, result.output) == (0, "✓ A: said\n✓ B: said\n")


def test_an_unwell_machine_gets_a_cure_and_exit_code_1(monkeypatch):
    monkeypatch.setattr(doctor, "checks", lambda: [healthy("A", ok=False), healthy("B")])
    result = run("doctor")
    assert (result.exit_code, result.output) == (1, "✗ A: said\n    → do this\n✓ B: said\n")


@pytest.mark.skipif(os.name != "posix", reason="elsewhere a child process is started")
@pytest.mark.parametrize("package", ["click", "tomllib"])
def test_a_python_without_the_packages_says_where_the_right_one_is(package):
    """Typing `python -m mbpo_teach doctor` in a fresh terminal starts the system's Python."""
    code = (
        f"import runpy, sys; sys.modules[{package!r}] = None\n"
        "runpy.run_module('mbpo_teach', run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert f"has no {package}; the course's own is .venv/bin/python" in done.stderr
    assert "课程自己的 .venv/bin/python" in done.stderr
    assert "Traceback" not in done.stderr


def test_jupyterlab_prefers_the_kernel_of_this_environment(monkeypatch):
    called = []
    monkeypatch.setattr(os, "execve", lambda *call: called.append(call))
    monkeypatch.setattr(subprocess, "call", lambda *command, **options: 0)
    with pytest.raises(SystemExit):  # reached only because this execve returns
        terminal._become(["program", "option"])
    ((program, command, environment),) = called
    assert (program, command) == ("program", ["program", "option"])
    assert environment["JUPYTER_PREFER_ENV_PATH"] == "1"
    assert environment["PATH"] == os.environ["PATH"]


@pytest.mark.parametrize(("encoding", "given"), [("ascii", "1"), ("utf-8", None)])
def test_jupyterlab_reads_chinese_names_under_lc_all_c(monkeypatch, encoding, given):
    called = []
    monkeypatch.delenv("PYTHONUTF8", raising=False)
    monkeypatch.setattr(sys, "getfilesystemencoding", lambda: encoding)
    monkeypatch.setattr(os, "execve", lambda *call: called.append(call))
    monkeypatch.setattr(subprocess, "call", lambda *command, **options: 0)
    with pytest.raises(SystemExit):
        terminal._become(["program"])
    assert called[0][2].get("PYTHONUTF8") == given


# Training. What a folder of a run must go through is in test_training.py, a grid in test_sweep.py.


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder to run in; 30 steps of the laptop's presets are too few to learn from, and quick."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_train_leaves_a_run_and_says_where(here):
    result = run("train", "InvertedPendulum-v5", "--steps", "30")
    folder = here / "runs" / "InvertedPendulum-v5_mbpo_laptop_0"
    assert result.exit_code == 0
    assert {path.name for path in folder.iterdir() if path.name != ".lock"} == {
        "run.json",
        "progress.csv",
        "checkpoint.pt",
        "learning_curve.png",
    }
    first, where, begun, row, reached = result.stdout.splitlines()
    assert first.startswith("Loading PyTorch")
    assert where == f"The run is in {folder.relative_to(here)}"
    assert begun == "0/30 steps" and re.fullmatch(r"30/30 steps, return [\d.]+", row)
    assert reached.startswith("After 30 real steps the mean return from the ten fixed starts is ")
    assert "\r" not in result.output and result.stderr == ""
    assert len((folder / "progress.csv").read_text().splitlines()) == 2


def test_train_speaks_chinese_to_whoever_asks(here, monkeypatch):
    monkeypatch.setenv("MBPO_LANG", "zh")
    result = run("train", "Pendulum-v1", "--algo", "sac", "--steps", "20", "--out", "out")
    assert result.exit_code == 0
    assert "这次训练保存在 out" in result.output and "走完 20 个真实步后" in result.output


def test_resume_takes_what_is_not_said_from_the_run_that_is_there(here):
    begun = ("train", "InvertedPendulum-v5", "--out", "out")
    assert run(*begun, "--algo", "sac", "--seed", "5", "--steps", "20").exit_code == 0
    again = run(*begun, "--resume")
    assert again.exit_code == 0 and "After 20 real steps" in again.output
    longer = run(*begun, "--resume", "--steps", "40")
    assert longer.exit_code == 0 and "After 40 real steps" in longer.output
    table = (here / "out" / "progress.csv").read_text().splitlines()
    assert [line.partition(",")[0] for line in table[1:]] == ["20", "40"]
    shorter = run(*begun, "--resume", "--steps", "30")
    assert shorter.exit_code == 1
    assert "Error: steps must be at least 40, as many as the run in out has lived, not 30" in (
        shorter.output
    )
    other = run(*begun, "--resume", "--seed", "6")
    assert other.exit_code == 1
    assert "Error: seed must be 5 to go on with the run in out, not 6" in other.output


def test_a_compiled_run_stays_one(here):
    """20 steps are too few to update, and so to compile, anything."""
    begun = ("train", "Pendulum-v1", "--algo", "sac", "--steps", "20", "--out")
    assert run(*begun, "compiled", "--compile").exit_code == 0
    assert json.loads((here / "compiled" / "run.json").read_text())["config"]["sac"]["compile"]
    assert run(*begun, "compiled", "--resume").exit_code == 0
    assert run(*begun, "eager").exit_code == 0
    other = run(*begun, "eager", "--resume", "--compile")
    assert other.exit_code == 1
    assert "settings must be {} to go on with the run in eager" in other.output


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (
            ["Nonsense-v0"],
            "preset 'laptop' is there for Pendulum-v1, InvertedPendulum-v5, Hopper-v5",
        ),
        (["Pendulum-v1", "--preset", "authors"], "not for Pendulum-v1; Pendulum-v1 has: laptop"),
        (
            ["Pendulum-v1", "--preset", "phone"],
            "preset must be one of laptop, authors, not 'phone'",
        ),
        (["Pendulum-v1", "--algo", "ppo"], "algorithm must be one of mbpo, sac, pets, not 'ppo'"),
        (
            ["Pendulum-v1", "--out", "file/run"],
            "The run cannot be read or written. file/run: Not a",
        ),
        (["Pendulum-v1", "--out", "used"], "used holds a run already; go on with it (--resume)"),
        (["Pendulum-v1", "--out", "odd"], "odd holds a progress.csv but no run.json"),
        (["Pendulum-v1", "--out", "torn", "--resume"], "run.json is damaged or is not a run of"),
    ],
)
def test_a_training_that_cannot_be_is_one_sentence(arguments, complaint, here):
    (here / "file").write_text("a file where a folder should be")
    for folder, name in (("used", "run.json"), ("odd", "progress.csv"), ("torn", "run.json")):
        (here / folder).mkdir()
        (here / folder / name).write_text("{")
    result = run("train", *arguments)
    assert result.exit_code == 1
    assert "Traceback" not in result.output
    (line,) = [line for line in result.output.splitlines() if line.startswith("Error: ")]
    assert complaint in line and line == result.output.splitlines()[-1]
    assert (here / "used" / "run.json").read_text() == "{"


@pytest.mark.parametrize(
    "options",
    [
        ("--steps", "0"),
        ("--steps", "many"),
        ("--seed", "-1"),
        ("--threads", "0"),
        ("--threads", "100000"),  # PyTorch would end without a word
        ("--out", "file"),
        ("--speed", "3"),
    ],
)
def test_an_option_that_is_none_is_refused_before_anything_is_loaded(options, here):
    (here / "file").write_text("a file where a folder should be")
    result = run("train", "Pendulum-v1", *options)
    assert result.exit_code == 2 and "Traceback" not in result.output
    assert not (here / "runs").exists()


def test_a_worker_that_dies_is_one_sentence_that_says_how_to_go_on(here, monkeypatch):
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    from mbpo_teach.runs import terminal as trainings

    def died(*_, **__):
        raise TerminatedWorkerError("it needed too much memory.")

    monkeypatch.setattr(trainings, "sweep_runs", died)
    (here / "grid.toml").write_text('environment = "Pendulum-v1"')
    result = run("sweep", "grid.toml")
    assert result.exit_code == 1
    assert "Error: A worker died: it needed too much memory. What is trained" in result.output


def test_a_sweep_stopped_with_ctrl_c_says_how_to_go_on(here, monkeypatch):
    from mbpo_teach.runs import terminal as trainings

    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(trainings, "sweep_runs", stopped)
    (here / "grid.toml").write_text('environment = "Pendulum-v1"')
    result = run("sweep", "grid.toml")
    assert result.exit_code == 130
    assert "Stopped. What is trained so far is kept; start the same command again" in result.output


# The real thing, in a clone of the course as it lies here.


@pytest.fixture
def clone(tmp_path):
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("this copy of the course is no git clone")
    folder = tmp_path / "clone"
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-m", "all")
    return folder


def git(folder, *arguments):
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, check=True)
    return done.stdout.decode()


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def answer_of(address, process, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5) as response:
                return response.geturl()
        except OSError:
            time.sleep(0.2)
    raise AssertionError("JupyterLab did not answer")


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_jupyterlab_serves_the_working_copy_and_the_clone_stays_clean(clone, tmp_path):
    port = free_port()
    folders = {
        name: str(tmp_path / name)
        for name in ("HOME", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")
    }
    command = [sys.executable, "-m", "mbpo_teach", "lab", "--edition", "zh", "--no-browser", "--"]
    command += [f"--port={port}", "--ServerApp.port_retries=0", "--IdentityProvider.token="]
    log = (tmp_path / "log").open("wb")
    process = subprocess.Popen(command, cwd=clone, env=os.environ | folders, stdout=log, stderr=log)
    try:
        opened = answer_of(f"http://127.0.0.1:{port}/", process)
        assert opened.endswith("/lab/tree/work/zh/00_start_here.ipynb")
        contents = f"http://127.0.0.1:{port}/api/contents/work/zh/00_start_here.ipynb?content=0"
        answer_of(contents, process)
    finally:
        # To this very process: it has become JupyterLab, no child is left behind.
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)
        log.close()
    # The course's own lines and warnings, and nothing of a server that is well.
    said = (tmp_path / "log").read_text("utf-8").splitlines()
    assert "work/zh/00_start_here.ipynb" in said[1]
    assert not [line for line in said if line.startswith("[I ")]
    with socket.socket() as caller:
        assert caller.connect_ex(("127.0.0.1", port)) != 0, "a JupyterLab was left behind"
    assert git(clone, "status", "--porcelain") == ""
    pristine = (clone / "notebooks/zh/00_start_here.ipynb").read_bytes()
    assert (clone / "work/zh/00_start_here.ipynb").read_bytes() == pristine
    (clone / "work/zh/00_start_here.ipynb").write_text("my answer")
    subprocess.run(
        [sys.executable, "-m", "mbpo_teach", "reset", "00"],
        cwd=clone,
        check=True,
        capture_output=True,
    )
    assert git(clone, "status", "--porcelain") == ""

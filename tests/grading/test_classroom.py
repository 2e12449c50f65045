"""The grade command on small classes: killed and gone on, changed, and what can go wrong."""

import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
import termios
import time
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from mbpo_teach import __main__ as terminal
from mbpo_teach.grading import classroom, grade, isolation, notebook
from mbpo_teach.grading.grade import Submission
from mbpo_teach.ground import language

from .handing_in import ROOT, answered, graded, hand_in, solutions, student_edition

RIGHT = solutions("00")
REPORTS = {"grades.csv", "grades.json", "summary.md", "junit.xml"}


def command(*arguments):
    return [sys.executable, "-m", "mbpo_teach", "grade", *map(str, arguments)]


def run(*arguments):
    result = CliRunner().invoke(terminal.main, ["grade", *map(str, arguments)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def reports(out):
    folder = out / "submissions"
    return {file.name: file.stat().st_mtime_ns for file in folder.glob("[!.]*.json")}


@pytest.fixture
def handed_in(tmp_path):
    """A class in which nothing needs to run: its grading takes no time."""
    folder = tmp_path / "class"
    hand_in(folder, "ada", student_edition("00"))
    hand_in(folder, "bob", answered("00", {"00-1": "import subprocess"}))
    (folder / "cut.ipynb").write_text("{")
    return folder


def test_a_run_that_was_killed_goes_on_where_it_stopped(tmp_path):
    folder, out = tmp_path / "class", tmp_path / "out"
    for student in ("ada", "bob", "cai", "dan"):
        hand_in(folder, student, answered("00", RIGHT))
    arguments = command(folder, "--out", out, "--jobs", "1")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    # In this folder nobody may write anything.
    (tmp_path / "here").mkdir()
    first = subprocess.Popen(
        arguments, cwd=tmp_path / "here", env=environment, stderr=subprocess.DEVNULL
    )
    end = time.monotonic() + 300
    while len(reports(out)) < 2:
        assert time.monotonic() < end and first.poll() is None
        time.sleep(0.05)
    first.send_signal(signal.SIGKILL)
    first.wait()
    before = reports(out)
    assert 2 <= len(before) < 4 and not REPORTS & set(os.listdir(out))
    screen, terminal = pty.openpty()  # who looks on sees a bar; in a pipe there is none
    termios.tcsetwinsize(terminal, (24, 80))
    done = subprocess.run(
        arguments, cwd=tmp_path / "here", env=environment, stdout=subprocess.PIPE, stderr=terminal,
        text=True,
    )  # fmt: skip
    os.close(terminal)
    shown = ""
    with contextlib.suppress(OSError):  # the end of what was written on a terminal
        while written := os.read(screen, 1000):
            shown += written.decode()
    os.close(screen)
    assert done.returncode == 0, shown
    after = reports(out)
    assert len(after) == 4 and before.items() <= after.items()
    data = json.loads((out / "grades.json").read_text(encoding="utf-8"))
    assert [mark["status"] for mark in data["marks"]] == ["passed"] * 4
    assert "4/4" in shown and "grading" in shown
    assert "ada" in done.stdout and "Isolation in force" in done.stdout
    assert os.listdir(tmp_path / "here") == []


def descendants(pid):
    """Return the processes below `pid`, from /proc; of those that have ended, nobody knows more."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
            if state != "Z":
                parents[int(folder.name)] = int(parent)
    found, below = set(), {pid}
    while below := {child for child, parent in parents.items() if parent in below}:
        found |= below
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("isolate", ["auto", "none"])
@pytest.mark.parametrize("jobs", [1, 2])
def test_nothing_goes_on_when_the_grader_is_killed(tmp_path, isolate, jobs):
    waits = "import time\ntime.sleep(600)\ndef discounted_return(rewards, gamma):\n    return 0.0"
    for student in ("ada", "bob"):
        hand_in(tmp_path / "class", student, answered("00", {"00-1": waits}))
    killed = subprocess.Popen(
        command(
            *(tmp_path / "class", "--out", tmp_path / "out", "--jobs", jobs),
            *("--isolate", isolate, "--timeout", 500),
        ),
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stderr=subprocess.DEVNULL,
    )

    def kernels():
        return [pid for pid in descendants(killed.pid) if b"ipykernel" in _arguments(pid)]

    end = time.monotonic() + 300
    while len(kernels()) < jobs:
        assert time.monotonic() < end and killed.poll() is None
        time.sleep(0.1)
    started = descendants(killed.pid)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    end = time.monotonic() + 60
    while left := [pid for pid in started if _arguments(pid)]:
        assert time.monotonic() < end, [_arguments(pid) for pid in left]
        time.sleep(0.1)


def _arguments(pid):
    """Return what a process was started with; nothing of one that has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


@pytest.mark.parametrize(("spoken", "said"), [("en", "Submissions graded: 4."), ("zh", "未作答")])
def test_output_in_gbk_ends_nothing(handed_in, tmp_path, spoken, said):
    hand_in(handed_in, "李雷 ✓ é", student_edition("00"))
    done = subprocess.run(
        command(handed_in, "--out", tmp_path / "out", "--jobs", "1"),
        env=os.environ | {"PYTHONIOENCODING": "gbk", "MBPO_LANG": spoken, "PYTHONPATH": str(ROOT)},
        capture_output=True,
    )
    assert done.returncode == 0 and b"Traceback" not in done.stderr, done.stderr.decode("gbk")
    shown = done.stdout.decode("gbk")
    assert said in shown and "李雷" in shown and "ada" in shown
    data = json.loads((tmp_path / "out" / "grades.json").read_text(encoding="utf-8"))
    assert "李雷 ✓ é" in [each["student"] for each in data["students"]]


def test_all_reports_are_written_and_the_class_is_as_it_was(handed_in, tmp_path):
    before = sorted(path.read_bytes() for path in handed_in.iterdir())
    result = run(handed_in, "--out", tmp_path / "out", "--jobs", "1")
    assert result.exit_code == 0
    assert set(os.listdir(tmp_path / "out")) == REPORTS | {"submissions", ".seed"}
    assert sorted(path.read_bytes() for path in handed_in.iterdir()) == before
    assert "Submissions graded: 3." in result.output


def test_everybody_who_handed_in_a_file_is_in_every_report(handed_in, tmp_path):
    (handed_in / "dan.ipynb.txt").write_text(json.dumps(student_edition("00")))
    (handed_in / "eve.pdf").write_bytes(b"%PDF")
    (handed_in / "fay").symlink_to("x" * 300)
    hand_in(handed_in / "gil" / "hw", "00_start_here", student_edition("00"))
    (handed_in / "gil" / "notes.txt").write_text("notes")
    result = run(handed_in, "--out", tmp_path / "out", "--jobs", "1")
    assert result.exit_code == 0
    data = json.loads((tmp_path / "out" / "grades.json").read_text(encoding="utf-8"))
    names = ["ada", "bob", "cut", "dan", "eve", "fay", "gil"]
    assert [each["student"] for each in data["students"]] == names
    assert {each["max_points"] for each in data["students"]} == {1.0}
    for text in (result.output, (tmp_path / "out" / "summary.md").read_text(encoding="utf-8")):
        assert "Files were handed in, but no notebook: eve.pdf." in text
        assert "Not graded: notes.txt. The file is not a notebook." in text.replace("\\", "")


def test_what_else_was_handed_in_is_told_once(tmp_path):
    hand_in(tmp_path / "class" / "ada", "04", student_edition("04"))
    (tmp_path / "class" / "ada" / "notes.txt").write_text("notes")
    marks = graded(tmp_path / "class", tmp_path / "out")
    assert len(marks) == 4
    assert [bool(mark.notes) for mark in marks.values()] == [True, False, False, False]


def test_a_right_answer_is_right_in_whatever_it_comes(tmp_path):
    folder = tmp_path / "class"
    notebook = answered("00", RIGHT)
    hand_in(folder / "deep" / "a" / "b" / "c" / "d" / "e" / "f", "00_start_here", notebook)
    (folder / "text.ipynb.txt").write_text(json.dumps(notebook))
    with zipfile.ZipFile(folder / "zip.zip", "w") as archive:
        archive.writestr("hw/00_start_here.ipynb", json.dumps(notebook))
    for cell in notebook["cells"]:
        cell["metadata"] = {}
    hand_in(folder, "ids", notebook)
    for cell in notebook["cells"]:
        del cell["id"]
    long = ["step\n"] * 3_000_000
    notebook["cells"][1]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": long}]
    assert hand_in(folder, "long", notebook).stat().st_size > 20_000_000
    marks = graded(folder, tmp_path / "out")
    assert {student: mark.status for (student, _), mark in marks.items()} == dict.fromkeys(
        ["deep", "ids", "long", "text", "zip"], "passed"
    )


def test_only_what_changed_is_graded_again(handed_in, tmp_path):
    out = tmp_path / "out"
    run(handed_in, "--out", out)
    before = reports(out)
    hand_in(handed_in, "bob", student_edition("00"))
    (handed_in / "cut.ipynb").write_text("")
    run(handed_in, "--out", out)
    same = {name for name, moment in reports(out).items() if before[name] == moment}
    assert {name.split("-")[0] for name in same} == {"ada"}
    assert "empty" in (out / "summary.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"digest": 1}'])
def test_a_damaged_report_is_made_again(damage, handed_in, tmp_path):
    out = tmp_path / "out"
    run(handed_in, "--out", out)
    wanted = (out / "grades.csv").read_text()
    for file in (out / "submissions").iterdir():
        file.write_text(damage)
    run(handed_in, "--out", out)
    assert (out / "grades.csv").read_text() == wanted


def test_reports_speak_the_language_of_whoever_asks(handed_in, tmp_path):
    out = tmp_path / "out"
    run(handed_in, "--out", out)
    language.use("zh")
    result = run(handed_in, "--out", out)
    assert "还没有作答。" in result.output and "已评分 3 份提交。" in result.output


def test_the_graders_own_fault_is_loud_never_a_zero_and_tried_again(
    handed_in, tmp_path, monkeypatch
):
    hand_in(handed_in, "eve", answered("00", RIGHT))
    out = tmp_path / "out"
    with monkeypatch.context() as broken:
        broken.setattr(grade.notebook, "outcomes", lambda *args: 1 / 0)
        result = run(handed_in, "--out", out, "--jobs", "1")
    assert result.exit_code == 1
    assert "NOT GRADED: 1." in result.output and "ZeroDivisionError" in result.output
    assert "NOT GRADED: 1." in (out / "summary.md").read_text()
    with monkeypatch.context() as patched:
        patched.setattr(grade.notebook, "outcomes", lambda *args: {"00-1": notebook.FAULT})
        patched.setattr(grade.lock, "outputs", lambda *args, **more: {})
        assert "nbval gave no report" in run(handed_in, "--out", out, "--jobs", "1").output


def test_a_cluster_gives_the_same_marks(handed_in, tmp_path, scheduler):
    run(handed_in, "--out", tmp_path / "here", "--jobs", "1")
    run(handed_in, "--out", tmp_path / "there", "--scheduler", scheduler)
    here, there = ((tmp_path / name / "grades.csv").read_text() for name in ("here", "there"))
    assert here == there and here.count("\n") == 4


def test_an_exercise_without_a_registry_is_the_graders_fault(monkeypatch):
    submission = Submission(student="ada", chapter="00", content=b"{}")
    monkeypatch.setattr(grade, "of_chapter", lambda chapter: ())
    job = classroom.Job(
        course=ROOT, submission=submission, seed=1, timeout=1.0, isolate="none", hidden=()
    )
    (mark,) = classroom.work(job).marks
    assert (mark.status, mark.exercise) == ("not_graded", "")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["nowhere"], "path must be a notebook or a folder that exists, not"),
        (["class", "--chapter", "77"], "chapter must be one of the course's, such as '04'"),
        (["class", "--chapter", ""], "chapter must be one of the course's, such as '04', not ''"),
        (["class", "--out", "class"], "out must be a folder of its own, not 'class'"),
        (["class", "--timeout", "0"], "timeout must be a positive number of seconds, not 0.0"),
        (["class", "--timeout", "nan"], "timeout must be a positive number of seconds, not nan"),
        (["class", "--isolate", "jail"], "isolate must be one of auto, bwrap, none, not 'jail'"),
        (["class", "--scheduler", "x://y"], "scheduler must be the address of a running Dask"),
    ],
)
def test_a_wrong_argument_is_one_clear_sentence(arguments, complaint, handed_in, monkeypatch):
    monkeypatch.chdir(handed_in.parent)
    result = run(*arguments)
    assert result.exit_code == 1
    assert complaint in result.output and "Traceback" not in result.output


def test_bubblewrap_that_is_asked_for_and_missing_is_refused(handed_in, tmp_path, monkeypatch):
    monkeypatch.setattr(isolation, "_trouble_with_bwrap", lambda: "no namespaces")
    result = run(handed_in, "--out", tmp_path / "out", "--isolate", "bwrap")
    assert result.exit_code == 1 and "does not work on this machine" in result.output
    result = run(handed_in, "--out", tmp_path / "out", "--isolate", "auto", "--jobs", "1")
    assert result.exit_code == 0 and "Isolation in force: none" in result.output


def test_without_bubblewrap_right_is_right_and_wrong_is_wrong(tmp_path):
    folder = tmp_path / "class"
    hand_in(folder, "right", answered("00", RIGHT))
    hand_in(folder, "wrong", answered("00", {"00-1": "discounted_return = lambda *args: 1.0"}))
    marks = graded(folder, tmp_path / "out", isolate="none")
    assert {student: mark.status for (student, _), mark in marks.items()} == {
        "right": "passed",
        "wrong": "wrong",
    }


def test_the_seed_is_made_once_kept_from_others_and_not_told(handed_in, tmp_path):
    out = tmp_path / "out"
    run(handed_in, "--out", out)
    seed = (out / ".seed").read_text().strip()
    assert (out / ".seed").stat().st_mode & 0o077 == 0
    run(handed_in, "--out", out)
    assert (out / ".seed").read_text().strip() == seed
    told = "".join(file.read_text() for file in out.rglob("*") if file.name in REPORTS)
    assert seed not in told


def test_names_of_students_cannot_lead_anywhere(tmp_path):
    names = ["..", "a/b", "x" * 300, "-", "白 露", "a\nb", "A", "a"]
    files = {
        classroom._name(Submission(student=name, chapter="00", content=None)) for name in names
    }
    assert len(files) == len(names)
    assert all("/" not in file and len(file) < 100 and file.isascii() for file in files)

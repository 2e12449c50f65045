"""Programs end at their limits, with everything that they started, and see what they may."""

import errno
import json
import math
import os
import socket
import sys
import tempfile
import time
from pathlib import Path

import pytest

from mbpo_teach.grading import isolation, processes, watched, workfolder
from mbpo_teach.grading.watched import Limits, Place

BWRAP = isolation.in_force("auto") == "bwrap"
WAYS = ["none", *(["bwrap"] if BWRAP else [])]
each_way = pytest.mark.parametrize("way", WAYS)
bwrap = pytest.mark.skipif(not BWRAP, reason="bubblewrap does not work here")


def run(code, *, way="none", hidden=(), package=False, steps=(), ends=math.inf, **limits):
    limits = Limits(**{"seconds": 30.0, "grace": 30.0} | limits)
    with workfolder.workplace() as folder:
        place = Place(limits=limits, way=way, hidden=tuple(hidden), ends=ends)
        command = [sys.executable, "-s", "-c", code]
        start = time.monotonic()
        ending = watched.run(
            command, folder, place=place, package=package, variables={}, steps=steps
        )
        return ending, time.monotonic() - start


@each_way
def test_a_program_that_ends_by_itself(way):
    ending, _ = run(
        "print('said'); open('progress', 'a').write('here\\n')", way=way, steps=["here"]
    )
    assert ending == watched.Ending(limit="", progress=("here",), said="said\n")


@each_way
def test_a_hang_is_ended_and_progress_gives_more_time(way):
    code = (
        "import time\n"
        "for i in range(8):\n"
        "    time.sleep(0.5); print(i, file=open('progress', 'a'))\n"
        "time.sleep(1000)"
    )
    ending, seconds = run(code, way=way, seconds=3.0, grace=10.0, steps="01234567")
    assert (ending.limit, ending.progress) == ("time", tuple("01234567"))
    assert seconds < 100


def test_progress_without_end_is_ended_too():
    code = "import time\nwhile True: print(1, file=open('progress', 'a')); time.sleep(0.1)"
    ending, _ = run(code, seconds=3.0, total=1.0, steps=["1"] * 1000)
    assert ending.limit == "time" and set(ending.progress) == {"1"}


def test_lines_that_were_not_expected_give_no_time():
    code = (
        "import time\nprint('0\\n2', file=open('progress', 'a'))\n"
        "while True: print(1, file=open('progress', 'a')); time.sleep(0.1)"
    )
    ending, seconds = run(code, seconds=2.0, grace=2.0, steps="0123456789")
    assert (ending.limit, ending.progress) == ("time", ("0",))
    assert seconds < 10


def test_the_time_of_a_submission_is_over_whatever_a_program_may_take():
    ending, seconds = run("import time; time.sleep(1000)", ends=time.monotonic() + 1)
    assert ending.limit == "budget" and seconds < 10
    assert run("print('ran')", ends=time.monotonic())[0] == watched.Ending(
        limit="budget", progress=(), said=""
    )


@pytest.mark.parametrize(
    ("guide", "words"),
    [
        ("class.md", "two minutes and 16 times that: 10 minutes"),
        ("class.zh.md", "两分钟加上它的 16 倍，默认 10 分钟"),
    ],
)
def test_a_submission_has_one_budget_and_the_guide_states_it(guide, words):
    assert Limits(seconds=1.0).budget == 120 + 16
    assert Limits(seconds=30.0).budget == 10 * 60
    path = isolation.PACKAGE.parent / "docs" / guide
    assert words in " ".join(path.read_text(encoding="utf-8").split())


@each_way
def test_memory_is_limited(way):
    code = (
        "import time\nkept = bytearray(300_000_000)\nkept[:] = b'x' * len(kept)\ntime.sleep(1000)"
    )
    assert run(code, way=way, memory=200_000_000)[0].limit == "memory"


@each_way
@pytest.mark.parametrize(
    "code",
    [
        "open('big', 'wb').write(bytes(3_000_000)); import time; time.sleep(1000)",
        "for i in range(300): open(f'{i}', 'w')\nimport time; time.sleep(1000)",
        # A file without a name, and a folder that cannot be listed.
        "import os, time\nfile = open('big', 'wb'); os.remove('big')\n"
        "file.write(bytes(3_000_000)); file.flush(); time.sleep(1000)",
        "import os, time\nos.mkdir('d'); os.chmod('d', 0o300)\n"
        "open('d/big', 'wb').write(bytes(3_000_000)); time.sleep(1000)",
        # Below a path that is too long to be walked.
        "import os, time\nfor _ in range(30): os.mkdir('d' * 250); os.chdir('d' * 250)\n"
        "open('big', 'wb').write(bytes(3_000_000)); time.sleep(1000)",
        # Children of whom nothing is left but what they wrote.
        "import os, signal, time\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
        "for i in range(10):\n"
        "    file = os.open('big', os.O_RDWR | os.O_CREAT); os.remove('big')\n"
        "    if os.fork() == 0: os.write(file, bytes(300_000)); os._exit(0)\n"
        "time.sleep(1000)",
    ],
)
def test_the_folder_is_limited(code, way):
    assert run(code, way=way, disk=2_000_000, files=200)[0].limit == "disk"


@bwrap
@pytest.mark.parametrize("folder", ["/tmp", "/dev/shm", "."])
def test_files_without_end_are_counted_wherever_they_are(folder):
    code = f"import time\nfor i in range(300): open(f'{folder}/{{i}}', 'w')\ntime.sleep(1000)"
    assert run(code, way="bwrap", files=200)[0].limit == "disk"


@bwrap
def test_the_folder_is_full_before_the_disk_is():
    code = (
        "import os\nfile = os.open('big', os.O_WRONLY | os.O_CREAT)\n"
        "try:\n    while True: os.write(file, bytes(100_000))\n"
        "except OSError as error: print(error.errno, os.fstat(file).st_size)"
    )
    with workfolder.workplace() as folder:
        place = Place(limits=Limits(seconds=30.0, disk=1_000_000), way="bwrap")
        ending = watched.run(
            [sys.executable, "-s", "-c", code],
            folder,
            place=place,
            package=False,
            variables={},
            steps=(),
        )
        assert not (folder / "big").exists()
    number, size = map(int, ending.said.split())
    assert number == errno.ENOSPC and 1_000_000 < size < 2_010_000


@bwrap
def test_nothing_comes_out_but_the_results_and_what_was_handed_in_stays():
    code = (
        "import os\n"
        "def tried(act, *args):\n"
        "    try: act(*args)\n"
        "    except OSError as error: print(error.errno)\n"
        "open('result', 'w').write('mine'); open('other', 'w').write('x')\n"
        "tried(open, 'job', 'w'); tried(os.remove, 'job'); tried(os.remove, 'result')\n"
        "tried(os.rename, 'other', 'result'); tried(os.symlink, '/etc/passwd', 'result')"
    )
    with workfolder.workplace() as folder:
        (folder / "job").write_text("handed in")
        ending = watched.run(
            [sys.executable, "-s", "-c", code],
            folder,
            place=Place(limits=Limits(seconds=30.0), way="bwrap"),
            package=False,
            variables={},
            steps=(),
            results=["result"],
        )
        assert sorted(os.listdir(folder)) == ["home", "job", "progress", "result", "said"]
        assert (folder / "result").read_text() == "mine"
        assert (folder / "job").read_text() == "handed in"
    busy, full = str(errno.EBUSY), [str(errno.EROFS), str(errno.EEXIST)]
    assert ending.said.split() == [full[0], busy, busy, busy, full[1]]


STORM = """
import os, time
for count in range(200):
    if os.fork() == 0:
        os.setsid()  # its own session and group
        time.sleep(1000)
print("all", file=open("progress", "a"), flush=True)
time.sleep(1000)
"""


@each_way
@pytest.mark.parametrize("most", [20, 10_000])
def test_a_storm_of_two_hundred_children_is_ended_in_time(way, most, monkeypatch):
    monkeypatch.setattr(watched.secrets, "token_hex", lambda size: f"storm-{way}-{most}")
    ending, seconds = run(STORM, way=way, processes=most, seconds=3.0)
    assert ending.limit == ("processes" if most == 20 else "time")
    assert processes.started(f"storm-{way}-{most}") == set()
    assert seconds < 120


HIDDEN = """
import os, time
for count in range(50):
    if os.fork() == 0:
        os.setsid()
        os.execve("/bin/sleep", ["sleep", "7654321"], {})  # no token
time.sleep(1000)
"""


@each_way
def test_children_that_wipe_out_their_environment_are_counted_and_ended(way):
    ending, _ = run(HIDDEN, way=way, processes=20, seconds=3.0, grace=20.0)
    assert ending.limit == "processes"
    end = time.monotonic() + 20  # a process that was killed takes a moment to go
    while b"sleep\x007654321\x00" in map(_command, processes.everyone()):
        assert time.monotonic() < end
        time.sleep(0.1)


def _command(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def test_a_program_may_move_its_folder_away(tmp_path):
    ending, _ = run(f"import os; os.rename(os.getcwd(), {str(tmp_path / 'moved')!r})")
    assert ending == watched.Ending(limit="", progress=(), said="")


@each_way
def test_secrets_of_the_environment_are_not_inherited(way, monkeypatch):
    monkeypatch.setenv("GITHUB_TOKEN", "secret")
    ending, _ = run("import os; print(*os.environ)", way=way)
    assert "GITHUB_TOKEN" not in ending.said and "PATH" in ending.said


def test_a_workplace_is_removed_whatever_is_in_it(tmp_path):
    mine = tmp_path / "mine"
    mine.write_text("mine")
    mine.chmod(0o644)
    with workfolder.workplace() as folder:
        (folder / "link").symlink_to(mine)
        (folder / "locked").mkdir()
        (folder / "locked" / "file").write_text("x")
        (folder / "locked" / "link").symlink_to(mine)
        (folder / "locked").chmod(0)
    assert not folder.exists()
    assert mine.read_text() == "mine" and mine.stat().st_mode & 0o777 == 0o644


def test_files_that_only_look_like_files_are_not_followed(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("secret\n")
    code = f"import os; os.remove('progress'); os.symlink({str(secret)!r}, 'progress')"
    assert run(code)[0].progress == ()
    assert run("import os; os.remove('progress'); os.mkfifo('progress')")[0].progress == ()


# Bubblewrap.

PROBE = """
import json, os, socket, sys
told = {}
for name in json.loads(sys.argv[1]) if len(sys.argv) > 1 else PATHS:
    try:
        told[name] = sorted(os.listdir(name)) if os.path.isdir(name) else os.path.exists(name)
    except OSError as error:
        told[name] = str(error)
for name in WRITE:
    try:
        with open(os.path.join(name, "written"), "w") as file:
            file.write("x")
        told["write " + name] = True
    except OSError:
        told["write " + name] = False
try:
    socket.create_connection(("127.0.0.1", PORT), timeout=2)
    told["network"] = True
except OSError:
    told["network"] = False
told["processes"] = sum(name.isdecimal() for name in os.listdir("/proc"))
print(json.dumps(told))
"""


def probe(paths, write, port, **options):
    code = f"PATHS, WRITE, PORT = {list(paths)!r}, {list(write)!r}, {port}\n{PROBE}"
    ending, _ = run(code, way="bwrap", **options)
    return json.loads(ending.said.splitlines()[-1])


@bwrap
def test_bubblewrap_hides_the_class_the_solutions_and_the_network(tmp_path):
    (tmp_path / "other.ipynb").write_text("somebody else's answer")
    out = Path(isolation.PACKAGE.parent)
    hidden = [str(out / "notebooks"), str(tmp_path), str(Path.home())]
    writes = [
        "/",
        "/usr",
        "/dev",
        "/dev/shm",
        str(isolation.PACKAGE.parent),
        str(isolation.PACKAGE),
        str(tmp_path),
        "/home",
        ".",
    ]
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        told = probe(hidden, writes, listener.getsockname()[1], hidden=[tmp_path])
    for name in hidden:
        assert told[name] == [] or told[name] is False or "other.ipynb" not in str(told[name])
    assert told[str(out / "notebooks")] is False
    assert told[str(tmp_path)] in ([], False)
    assert {name: told[f"write {name}"] for name in writes} == {
        name: name in (".", "/dev/shm") for name in writes
    }
    assert told["network"] is False
    assert told["processes"] < 6
    assert os.listdir(tmp_path) == ["other.ipynb"]


@bwrap
def test_what_is_graded_at_the_same_time_is_hidden_wherever_temporary_files_are(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(isolation, "_EMPTIED", ())
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with workfolder.workplace() as other:
        told = probe([str(other)], [str(tmp_path)], 9)
    assert told[str(other)] is False
    assert told[f"write {tmp_path}"] is False


FILL = """
import os
for folder in ("/dev/shm", "/tmp"):
    written = 0
    try:
        for count in range(1000):
            with open(f"{folder}/{count}", "wb") as file:
                file.write(bytes(1_000_000))
            written += 1
    except OSError:
        pass
    print(written)
"""


@bwrap
def test_temporary_folders_are_small(tmp_path):
    ending, _ = run(FILL, way="bwrap")
    assert all(50 < int(line) < 70 for line in ending.said.split()), ending.said


@bwrap
@pytest.mark.parametrize("folder", ["class", "python/class"])
def test_a_class_may_lie_above_or_within_what_python_needs(folder, tmp_path, monkeypatch):
    """The nearest word counts: what is needed is there, and what is hidden within it is not."""
    hidden = tmp_path / folder
    hidden.mkdir(parents=True)
    (hidden / "other.ipynb").touch()
    (tmp_path / "python").mkdir(exist_ok=True)
    (tmp_path / "python" / "module.py").touch()
    needed = isolation._python_folders() | {tmp_path / "python"}
    monkeypatch.setattr(isolation, "_python_folders", lambda: needed)
    told = probe([str(hidden), str(tmp_path / "python")], [], 9, hidden=[tmp_path, hidden])
    assert told[str(hidden)] in ([], False)
    assert "module.py" in told[str(tmp_path / "python")]


@bwrap
@pytest.mark.parametrize("package", [True, False])
def test_the_package_is_there_for_nbval_and_not_for_the_lock(package):
    chapter = str(isolation.PACKAGE / "grading" / "chapter00.py")
    assert probe([chapter], [], 9, package=package)[chapter] is package


def test_the_ways_of_isolation(monkeypatch):
    with pytest.raises(ValueError, match="isolate must be one of auto, bwrap, none, not 'docker'"):
        isolation.in_force("docker")
    assert isolation.in_force("none") == "none"
    monkeypatch.setattr(isolation, "_trouble_with_bwrap", lambda: "no namespaces")
    assert isolation.in_force("auto") == "none"
    with pytest.raises(ValueError, match="'bwrap' does not work on this machine: no namespaces"):
        isolation.in_force("bwrap")


def test_a_machine_without_bubblewrap_says_so(monkeypatch):
    monkeypatch.setattr(isolation.shutil, "which", lambda name: None)
    assert isolation._trouble_with_bwrap.__wrapped__() == "bubblewrap is not installed"


def test_a_bubblewrap_that_cannot_work_says_why(tmp_path, monkeypatch):
    fake = tmp_path / "bwrap"
    fake.write_text("#!/bin/sh\necho no permission >&2; exit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert isolation._trouble_with_bwrap.__wrapped__() == "no permission"

"""Every attack on a mark that the course knows of, as a notebook that somebody hands in.

All of them are graded once, as one class. An attack has failed if a wrong answer gets no points;
where nbval alone would have been fooled, the reason says that the lock was not.
"""

import json
import tempfile
import time

import pytest

from mbpo_teach.grading import inside_nbval, isolation, watched
from mbpo_teach.grading.exercise import find
from mbpo_teach.ground import seeding

from .handing_in import ROOT, answered, cells, graded, hand_in, solutions, student_edition

RIGHT = solutions("00")["00-1"]
WRONG = "def discounted_return(rewards, gamma):\n    return 1.25\n"
LINE = "[00-1] 8/8 ✓"
# The ways around the rules of the courtesy check: modules that other modules happen to hold.
MODULES = "import random\nmodules = random._os.sys.modules\n"
SHELL = MODULES + "shell = modules['IPython.core.interactiveshell'].InteractiveShell._instance\n"


def memorised():
    exercise = find("00-1")
    cases = exercise.cases(seeding.generator(0, "check", "00-1"))
    table = {str(case): exercise.reference(*case) for case in cases}
    return f"table = {table}\ndef discounted_return(rewards, gamma):\n" + (
        "    return table.get(str((rewards, gamma)), 0.0)\n"
    )


def solution_from_disk():
    path = str(next((ROOT / "notebooks/en/solutions").glob("00_*")))
    return (
        f"{MODULES}import functools\n"
        f"text = modules['io'].open({path!r}).read()\n"
        "cells = modules['json'].loads(text)['cells']\n"
        "mine = [c for c in cells if c['metadata'].get('mbpo', {}).get('role') == 'answer']\n"
        "names = {'Sequence': list}\n"
        "modules['builtins'].exec(''.join(mine[0]['source']), names)\n"
        "discounted_return = names['discounted_return']\n"
    )


# Name: the answer, the status, the end of the reason's key.
ANSWERS = {
    "skip": ("# NBVAL_SKIP\n" + WRONG, "wrong", "wrong"),
    "raises": ("# NBVAL_RAISES_EXCEPTION\n" + WRONG, "wrong", "wrong"),
    "showtraceback": (
        SHELL + "shell.showtraceback = lambda *a, **k: None\n"
        f"def discounted_return(rewards, gamma):\n    print('{LINE}')\n    1 / 0\n",
        "wrong",
        "raised",
    ),
    "transformer": (
        SHELL + f"line = '''print('{LINE}')\\n'''\n"
        "shell.input_transformers_post.append(lambda lines: [line])\n" + WRONG,
        "wrong",
        "only_line",
    ),
    "print": (
        MODULES + f"modules['builtins'].print = lambda *a, **k: '{LINE}'\n" + WRONG,
        "wrong",
        "wrong",
    ),
    "stdout": (
        MODULES + f"say = modules['sys'].stdout\n"
        "real = say.write\n"
        f"say.write = lambda text: real('{LINE}\\n' if '00-1' in text else text)\n" + WRONG,
        "wrong",
        "wrong",
    ),
    "helper": (f"def check(*args):\n    print('{LINE}')\n" + WRONG, "wrong", "only_line"),
    "lying_float": (
        "class Lie(float):\n"
        "    def __eq__(self, other):\n        return True\n"
        "    def __sub__(self, other):\n        return Lie(0)\n"
        "    __rsub__ = __sub__\n"
        "    def __abs__(self):\n        return Lie(0)\n"
        "    def __le__(self, other):\n        return True\n"
        "    __lt__ = __ge__ = __gt__ = __le__\n"
        "def discounted_return(rewards, gamma):\n    return Lie(7)\n",
        "wrong",
        "wrong",
    ),
    "nan": (
        "import math\ndef discounted_return(rewards, gamma):\n    return math.nan\n",
        "wrong",
        "wrong",
    ),
    "in_place": (
        "def discounted_return(rewards, gamma):\n"
        "    rewards[:] = [0.0 for _ in rewards]\n    return 0.0\n",
        "wrong",
        "changed",
    ),
    "import_reference": (
        "from mbpo_teach.grading.chapter00 import discounted_return\n",
        "rejected",
        "import",
    ),
    "open_solution": (
        "text = open('solutions/00_start_here.ipynb').read()\n" + WRONG,
        "rejected",
        "call",
    ),
    "loaded_reference": (
        MODULES + "def discounted_return(rewards, gamma):\n"
        "    known = modules['mbpo_teach.grading.chapter00']\n"
        "    return known.discounted_return(rewards, gamma)\n",
        "wrong",
        "only_line",
    ),
    "imported_reference": (
        MODULES + "def discounted_return(rewards, gamma):\n"
        "    known = modules['importlib'].import_module('mbpo_teach.grading.chapter00')\n"
        "    return known.discounted_return(rewards, gamma)\n",
        "wrong",
        "only_line",
    ),
    "memorised": (memorised(), "wrong", "only_line"),
    "torch_walk": (
        "import torch\ngrading = torch.sys.modules['mbpo_teach.grading.check']\n"
        "import dataclasses\n"
        "class Verdict:\n    right, passed, total, failure = True, 8, 8, None\n"
        "grading.judge = lambda *args: Verdict\n" + WRONG,
        "wrong",
        "only_line",
    ),
    "os_walk": (
        MODULES + "modules['mbpo_teach.grading.judge'].difference = lambda *args: None\n" + WRONG,
        "wrong",
        "only_line",
    ),
    "lock_walk": (
        MODULES + "transfer = modules.get('mbpo_teach.grading.transfer')\n"
        "def loud(value):\n    return ['f8', [], 'AAAA']\n"
        "if transfer:\n    transfer.down = loud\n" + WRONG,
        "wrong",
        "wrong",
    ),
    "forged_report": (
        MODULES + "os, cells = modules['os'], ''\n"
        "for role in ('setup', 'answer', 'check'):\n"
        "    told = {'exercise': '00-1', 'role': role, 'trouble': 'xyz' * (role == 'answer')}\n"
        '    each = [f\'<property name="{k}" value="{v}"/>\' for k, v in told.items()]\n'
        "    cells += f\"<testcase><properties>{''.join(each)}</properties></testcase>\"\n"
        "modules['io'].open('report.xml', 'w').write(f'<a>{cells}</a>')\n"
        "if os.path.exists('lean.ipynb'):\n"
        "    os.kill(os.getppid(), 9)\n    modules['time'].sleep(3)\n" + WRONG,
        "wrong",
        "only_line",
    ),
    "wiped_progress": (
        MODULES + "os = modules['os']\nmodules['io'].open('progress', 'w').close()\n"
        "os.kill(os.getppid(), 9)\nmodules['time'].sleep(3)\n" + WRONG,
        "crashed",
        "death",
    ),
    "wiped_progress_in_lock": (
        MODULES + "os = modules['os']\nif os.path.exists('run.py'):\n"
        "    modules['io'].open('progress', 'w').close()\n    os._exit(0)\n" + WRONG,
        "crashed",
        "death",
    ),
    "endless": (
        "def discounted_return(rewards, gamma):\n    while True:\n        pass\n",
        "timeout",
        "time",
    ),
    "stubborn": (
        "def discounted_return(rewards, gamma):\n"
        "    while True:\n"
        "        try:\n            while True:\n                pass\n"
        "        except KeyboardInterrupt:\n            pass\n",
        "timeout",
        "time",
    ),
    "os_exit": (
        MODULES + "def discounted_return(rewards, gamma):\n    modules['os']._exit(0)\n",
        "crashed",
        "death",
    ),
    "sys_exit": (
        "def discounted_return(rewards, gamma):\n    raise SystemExit(0)\n",
        "wrong",
        "raised",
    ),
    "sys_exit_at_once": ("raise SystemExit(0)\n" + WRONG, "wrong", "raised"),
    "kill_grader": (
        MODULES + "os = modules['os']\nos.kill(os.getppid(), 9)\n" + WRONG,
        "crashed",
        "death",
    ),
    "disk": (
        MODULES + "def discounted_return(rewards, gamma):\n"
        "    for count in range(10**6):\n"
        "        with modules['io'].open(f'junk{count}', 'wb') as file:\n"
        "            file.write(bytes(20_000_000))\n",
        "crashed",
        "disk",
    ),
    "forks": (
        MODULES + "import itertools\nos, time = modules['os'], modules['time']\n"
        "for _ in range(200):\n"
        "    if os.fork() == 0:\n        time.sleep(1000)\n"
        "time.sleep(1000)\n",
        "crashed",
        "processes",
    ),
    "output": ("print('x' * 20_000_000)\n" + WRONG, "wrong", "wrong"),
    "not_python": ("def f(:\n" + WRONG, "rejected", "no_python"),
    "magic": ("%run /etc/passwd\n" + WRONG, "wrong", "wrong"),
    "cell_magic": ("%%writefile report.xml\n" + WRONG, "missing", "stub"),
    "long": ("#" * 200_000 + "\n" + RIGHT, "rejected", "too_long"),
}
# Either is a failure of the attack: the machine may refuse the memory, or end the process.
BOMB = (
    "import numpy as np\nkept = []\n"
    "def discounted_return(rewards, gamma):\n"
    "    while True:\n        kept.append(np.ones(20_000_000))\n"
)
FILES = {
    "truncated": (json.dumps(answered("00", {"00-1": RIGHT})).encode()[:-50], "not_json"),
    "version": (json.dumps(student_edition("00") | {"nbformat": 3}).encode(), "version"),
    "latin": ('{"é": 1}'.encode("latin-1"), "not_utf8"),
    "empty": (b"", "empty"),
    "list": (b"[1, 2]", "no_notebook"),
    "deep": (b"[" * 100_000, "not_json"),
}


@pytest.fixture(scope="module")
def marks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("attacks") / "class"
    for name, (source, *_) in ANSWERS.items():
        hand_in(folder, name, answered("00", {"00-1": source}))
    hand_in(folder, "memory", answered("00", {"00-1": BOMB}))
    if isolation.in_force("auto") == "bwrap":
        hand_in(folder, "disk_solution", answered("00", {"00-1": solution_from_disk()}))
    edited = answered("00", {"00-1": WRONG})
    (check,) = cells(edited, "check")
    check["source"] = f"print('{LINE}')"
    hand_in(folder, "edited_check", edited)
    edited = answered("00", {"00-1": WRONG})
    (check,) = cells(edited, "check")
    check["outputs"][0]["text"] = ["[00-1] 1/8 ✗\n"]
    hand_in(folder, "edited_output", edited)
    deleted = student_edition("00")
    deleted["cells"] = [cell for cell in deleted["cells"] if cell not in cells(deleted, "answer")]
    hand_in(folder, "deleted", deleted)
    hand_in(folder, "untouched", student_edition("00"))
    for name, (content, _) in FILES.items():
        (folder / f"{name}.ipynb").write_bytes(content)
    (folder / "folder.ipynb").mkdir()
    outside = folder.parent / "outside.ipynb"
    outside.write_text(json.dumps(answered("00", {"00-1": RIGHT})))
    (folder / "link.ipynb").symlink_to(outside)
    before = sorted(folder.rglob("*"))
    found = graded(folder, folder.parent / "out")
    assert sorted(folder.rglob("*")) == before
    return found


def told(mark):
    return mark.status, mark.reason[0].removeprefix("mark.") if mark.reason else ""


@pytest.mark.parametrize("name", ANSWERS)
def test_an_attack_fails_for_the_reason_that_is_known(marks, name):
    assert told(marks[name, "00-1"]) == ANSWERS[name][1:]
    assert marks[name, "00-1"].points == 0


def test_an_edited_check_cell_and_an_edited_output_change_nothing(marks):
    assert told(marks["edited_check", "00-1"]) == ("wrong", "wrong")
    assert told(marks["edited_output", "00-1"]) == ("wrong", "wrong")


def test_a_memory_bomb_gets_nothing(marks):
    assert told(marks["memory", "00-1"]) in {
        ("wrong", "raised"),
        ("crashed", "memory"),
        ("crashed", "death"),
        ("timeout", "time"),
    }


@pytest.mark.skipif(isolation.in_force("auto") != "bwrap", reason="needs bubblewrap")
def test_the_published_solution_is_not_there_to_be_read(marks):
    assert told(marks["disk_solution", "00-1"]) == ("wrong", "raised")


@pytest.mark.parametrize("name", FILES)
def test_an_unreadable_file_costs_the_submission_and_says_why(marks, name):
    assert told(marks[name, "00-1"]) == ("rejected", FILES[name][1])


def test_a_folder_and_a_link_are_not_read(marks):
    assert told(marks["folder", "00-1"]) == ("rejected", "no_file")
    assert told(marks["link", "00-1"]) == ("rejected", "link")


def test_what_is_not_written_is_missing(marks):
    assert told(marks["deleted", "00-1"]) == ("missing", "no_cell")
    assert told(marks["untouched", "00-1"]) == ("missing", "stub")


def test_nobody_has_a_point_and_nothing_went_ungraded(marks):
    assert {mark.points for mark in marks.values()} == {0.0}
    assert "not_graded" not in {mark.status for mark in marks.values()}


# Attacks on the grader: each is graded alone, in this process, with little time.

STOPS = (
    MODULES + "os = modules['os']\nos.kill(os.getppid(), 19)\n"
    "while True:\n"
    "    with modules['io'].open('progress', 'a') as file:\n        file.write('7\\n')\n"
    "    modules['time'].sleep(0.1)\n"
)
# More rows than any memory holds, and no number in them.
CLAIMS = "import numpy as np\ndef mixture(mean, var):\n    return np.zeros((2**31 - 1, 0))\n"
NESTED = (
    MODULES + "os = modules['os']\n"
    "for _ in range(1100):\n    os.mkdir('d')\n    os.chdir('d')\n"
    "modules['time'].sleep(1000)\n"
)


def alone(tmp_path, chapter, answers, **options):
    """Grade one submission; return statuses with reasons, and the seconds that it took."""
    hand_in(tmp_path / "class", "ada", answered(chapter, answers))
    start = time.monotonic()
    found = graded(tmp_path / "class", tmp_path / "out", workers=1, **options)
    taken = time.monotonic() - start
    assert not any(mark.points for mark in found.values())
    return {exercise: told(mark) for (_, exercise), mark in found.items()}, taken


def test_an_answer_that_stops_nbval_and_tells_progress_gets_no_more_time(tmp_path, monkeypatch):
    monkeypatch.setattr(inside_nbval, "OUTPUT_SECONDS", 1)
    found, seconds = alone(tmp_path, "00", {"00-1": STOPS + WRONG}, timeout=5.0)
    assert found == {"00-1": ("timeout", "time")}
    assert seconds < 60


def test_a_submission_is_graded_no_longer_than_its_budget(tmp_path, monkeypatch):
    monkeypatch.setattr(watched.Limits, "budget", property(lambda limits: 6.0))
    endless = {f"04-{number}": "while True:\n    pass\n" for number in (1, 2, 3, 4)}
    found, seconds = alone(tmp_path, "04", endless)
    assert found == dict.fromkeys(endless, ("timeout", "budget"))
    assert seconds < 30


def test_a_claim_of_many_rows_costs_the_grader_nothing(tmp_path):
    found, _ = alone(tmp_path, "02", {"02-2": CLAIMS})
    assert found["02-2"][0] == "wrong"


def test_a_work_folder_is_removed_however_deep_it_is(tmp_path, monkeypatch):
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(work))
    found, _ = alone(tmp_path, "00", {"00-1": NESTED + WRONG}, isolate="none")
    assert found == {"00-1": ("crashed", "disk")}
    assert not list(work.glob("mbpo-grading-*"))

"""Right answers that look odd are right, and a bad answer costs its own exercise only."""

import copy

import pytest

from .handing_in import answered, cells, graded, hand_in, solutions

RIGHT00, RIGHT01, RIGHT04 = (solutions(chapter) for chapter in ("00", "01", "04"))

# All in chapter 04, whose setup imports NumPy.
ODD04 = {
    "04-1": (
        "import numpy as np\n"
        "def total_variation(p, q):\n"
        "    return np.float32(0.5 * np.abs(p.astype(np.float32) - q.astype(np.float32)).sum())\n"
    ),
    "04-2": (
        "print('still looking at this')\n"
        "def geometric(gamma):\n    return 1 / (1 - gamma)\n"
        "class Bound:\n"
        "    def __init__(self, gamma, r_max):\n        self.gamma, self.r_max = gamma, r_max\n"
        "    def eval(self, eps_m, eps_pi):\n"
        "        far = self.gamma * geometric(self.gamma) ** 2 * (eps_m + 2 * eps_pi)\n"
        "        return 2 * self.r_max * (far + 2 * geometric(self.gamma) * eps_pi)\n"
        "def performance_bound(gamma, r_max, eps_m, eps_pi):\n"
        "    print('gamma is', gamma)\n"
        "    return Bound(gamma, r_max).eval(eps_m, eps_pi)\n"
    ),
    "04-3": (
        "import warnings\nfrom dataclasses import dataclass\n"
        "@dataclass\nclass Shift:\n    value: float\n"
        "def informative_shift(gamma, eps_m):\n"
        "    warnings.warn('this is old', DeprecationWarning)\n"
        "    vars = Shift(max(0.0, (1 - gamma * (1 + eps_m)) / 2))\n"
        "    display('\\d', vars.value)\n"
        "    return vars.value\n"
        "1 / 0\n"  # a leftover below the answer
    ),
    "04-4": (
        "import torch\n"
        "def exact_return(transition, reward, policy, start, gamma):\n"
        "    transition, reward, policy, start = map(\n"
        "        torch.from_numpy, (transition, reward, policy, start)\n    )\n"
        "    moves = torch.einsum('sa,sap->sp', policy, transition).requires_grad_()\n"
        "    system = torch.eye(len(start), dtype=torch.float64) - gamma * moves\n"
        "    return start @ torch.linalg.solve(system, (policy * reward).sum(1))\n"
    ),
}
ODD01 = RIGHT01 | {
    "01-2": (  # leans on the learner's own answer to the exercise before
        "def plan(q, model, pairs, alpha, gamma):\n"
        "    for state, action in pairs:\n"
        "        reward, next_state, end = model[state, action]\n"
        "        q = q_update(q, state, action, reward, next_state, end, False, alpha, gamma)\n"
        "    return q.tolist()\n"
    ),
    "01-3": (
        "import math\nfrom typing import NamedTuple\n"
        "class Imagined(NamedTuple):\n    reward: float\n    state: int\n    end: bool\n"
        "def imagine(model, last_tried, state, action, now, kappa):\n"
        "    known = model.get((state, action), (0.0, state, False))\n"
        "    seen = Imagined(*known)\n"
        "    bonus = kappa * math.sqrt(now - last_tried.get((state, action), 0))\n"
        "    return seen._replace(reward=seen.reward + bonus)\n"
    ),
}
BROKEN04 = RIGHT04 | {
    "04-2": "def performance_bound(*numbers):\n    while True:\n        pass\n",
    "04-3": ("import random\ndef informative_shift(gamma, eps_m):\n    random._os._exit(3)\n"),
}
LATE04 = RIGHT04 | {
    "04-1": (  # a thread that ends the process when another answer runs
        "import random\nthreading = random._os.sys.modules['threading']\n"
        "threading.Timer(0.3, random._os._exit, [1]).start()\n" + RIGHT04["04-1"]
    ),
    "04-2": "total = sum(i * i for i in range(30_000_000))\n" + RIGHT04["04-2"],
}


def split(notebook, line):
    """Split the only answer cell as JupyterLab does, which keeps the metadata of both halves."""
    (cell,) = cells(notebook, "answer")
    lines = cell["source"].splitlines(keepends=True)
    second = copy.deepcopy(cell) | {"source": "".join(lines[line:]), "id": "second"}
    cell["source"] = lines[:line]
    notebook["cells"].insert(notebook["cells"].index(cell) + 1, second)
    return notebook


@pytest.fixture(scope="module")
def marks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("odd") / "class"
    hand_in(folder, "odd04", answered("04", ODD04, "zh"))
    hand_in(folder, "odd01", answered("01", ODD01))
    hand_in(folder, "broken", answered("04", BROKEN04))
    hand_in(folder, "late", answered("04", LATE04))
    skipped = "# NBVAL_SKIP\n" + RIGHT00["00-1"]
    hand_in(folder, "skip", answered("00", {"00-1": skipped}))
    hand_in(folder, "split", split(answered("00", RIGHT00), 4))
    twice = (RIGHT00["00-1"] + "\n") * 2  # a copy of the cell
    hand_in(folder, "twice", split(answered("00", {"00-1": twice}), len(twice.splitlines()) // 2))
    reordered = answered("00", RIGHT00)
    reordered["cells"].reverse()
    hand_in(folder, "reordered", reordered)
    big = "print('x' * 20_000_000)\n" + RIGHT00["00-1"] + "\nprint(discounted_return([1], 0.5))\n"
    hand_in(folder, "output", answered("00", {"00-1": big}))
    bare = answered("00", RIGHT00)
    bare["cells"] = cells(bare, "answer")  # everything else was deleted
    (folder / "bom.ipynb").write_bytes(b"\xef\xbb\xbf" + hand_in(folder, "bom", bare).read_bytes())
    return graded(folder, folder.parent / "out")


@pytest.mark.parametrize("student", ["odd04", "odd01"])
def test_odd_answers_are_right(marks, student):
    mine = {exercise: mark for (who, exercise), mark in marks.items() if who == student}
    assert len(mine) >= 3
    assert {exercise: (mark.status, mark.reason) for exercise, mark in mine.items()} == {
        exercise: ("passed", None) for exercise in mine
    }


@pytest.mark.parametrize("student", ["skip", "split", "twice", "reordered", "output", "bom"])
def test_odd_notebooks_with_a_right_answer_are_right(marks, student):
    assert (marks[student, "00-1"].status, marks[student, "00-1"].points) == ("passed", 1.0)


@pytest.mark.parametrize("student", ["split", "twice"])
def test_several_cells_are_reported(marks, student):
    assert marks[student, "00-1"].notes == (("mark.joined", {"cells": 2}),)
    assert marks[student, "00-1"].why() == "2 answer cells were run one after the other."


def test_a_hang_and_a_death_cost_their_own_exercise_only(marks):
    mine = [marks["broken", f"04-{number}"].status for number in (1, 2, 3, 4)]
    assert mine == ["passed", "timeout", "crashed", "passed"]


def test_what_an_answer_leaves_behind_costs_no_other_exercise(marks):
    """The timer of 04-1 strikes while 04-2 runs, or where it will; nobody else pays for it."""
    mine = {number: marks["late", f"04-{number}"].status for number in (2, 3, 4)}
    assert mine == {2: "passed", 3: "passed", 4: "passed"}

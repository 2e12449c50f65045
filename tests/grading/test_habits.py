"""What a notebook shows, the grader gives: habits of notebooks that cost a point once."""

import copy

import pytest

from .handing_in import answered, cells, graded, hand_in, solutions, student_edition

RIGHT00, RIGHT01, RIGHT02, RIGHT04 = (solutions(chapter) for chapter in ("00", "01", "02", "04"))
RETURN = RIGHT00["00-1"]
LATER = "class Later:\n    def __await__(self):\n        return iter(())\n\n"


def wrote(source):
    return answered("00", {"00-1": source})


def beside(notebook, exercise, source, *, role="check", label=None):
    """Put a cell of the student's own right above a cell of an exercise."""
    (at,) = (
        i
        for i, cell in enumerate(notebook["cells"])
        if cell["metadata"].get("mbpo") == {"exercise": exercise, "role": role}
    )
    metadata = {"mbpo": {"exercise": exercise, "role": label}} if label else {}
    own = {"cell_type": "code", "id": f"own-{at}", "metadata": metadata, "source": source}
    notebook["cells"].insert(at, own | {"outputs": [], "execution_count": None})
    return notebook


def again(first):
    """A first try in the answer cell, and the right answer in a copy of it below."""
    return beside(answered("00", {"00-1": first}), "00-1", RETURN, label="answer")


def without_label():
    notebook = answered("00", RIGHT00)
    del cells(notebook, "answer")[0]["metadata"]["mbpo"]
    return notebook


def merged_into(role):
    """The answer joined into the setup above it or the check below, or into a cell of the text."""
    notebook = answered("00", RIGHT00)
    (answer,) = cells(notebook, "answer")
    notebook["cells"].remove(answer)
    if role == "check":
        (check,) = cells(notebook, "check")
        check["source"] = RETURN + "\n" + "".join(check["source"])
        check["metadata"] = answer["metadata"]
    else:
        (setup,) = cells(notebook, "setup")
        at = notebook["cells"].index(setup)
        text = next(
            c
            for c in notebook["cells"][at::-1]
            if c["cell_type"] == "code" and (role == "setup" or c is not setup)
        )
        text["source"] = "".join(text["source"]) + "\n\n" + RETURN
    return notebook


HALF = "def weight(gamma, t):\n    return gamma ** t\n"
REST = (
    "def discounted_return(rewards, gamma):\n"
    "    return sum((weight(gamma, t) * r for t, r in enumerate(rewards)), 0.0)\n"
)
LEANING = (
    "def plan(q, model, pairs, alpha, gamma):\n"
    "    for state, action in pairs:\n"
    "        reward, next_state, end = model[state, action]\n"
    "        q = q_update(q, state, action, reward, next_state, end, False, alpha, gamma)\n"
    "    return q\n"
)
HORIZON = (
    "def performance_bound(gamma, r_max, eps_m, eps_pi):\n"
    "    shift = 2 * eps_pi * horizon(gamma)\n"
    "    return 2 * r_max * (gamma * (eps_m + 2 * eps_pi) * horizon(gamma) ** 2 + shift)\n"
)
NLL = (
    "def nll(mean, log_var, target):\n"
    "    each = (target - mean) ** 2 / np.exp(log_var) + log_var + math.log(2 * math.pi)\n"
    "    return 0.5 * each.sum(axis=-1)\n"
)
MIXTURE = (
    "def mixture(mean, var):\n"
    "    mean, var = torch.as_tensor(mean), torch.as_tensor(var)\n"
    "    return mean.mean(0), var.mean(0) + mean.var(0, unbiased=False)\n"
)

PASSING = {
    # first_try_above
    "raises": lambda: again("def discounted_return(rewards, gamma):\n    return 0\n\n1 / zero\n"),
    "syntax_error": lambda: again("def discounted_return(rewards, gamma)\n    return 0.0\n"),
    "future_import": lambda: beside(
        answered("00", {"00-1": "gamma = 0.9\n"}),
        "00-1",
        "from __future__ import annotations\n" + RETURN,
        label="answer",
    ),
    # ipython_syntax
    "bang": lambda: wrote("!echo it's\n" + RETURN),
    "help": lambda: wrote(RETURN + "\ndiscounted_return?\n"),
    "inline": lambda: wrote("%matplotlib inline\n" + RETURN),
    "pip": lambda: wrote("%pip --version\n" + RETURN),
    "time": lambda: wrote("%%time\n" + RETURN),
    "timeit": lambda: wrote(RETURN + "\n%timeit -n1 -r1 discounted_return([1.0], 0.5)\n"),
    "timed": lambda: wrote(
        "%time scale = 1.0\n" + RETURN.replace("total = 0.0", "total = 0 * scale")
    ),
    # top_level_await
    "await_above": lambda: wrote(LATER + "await Later()\n" + RETURN),
    "await_below": lambda: wrote(RETURN + "\n" + LATER + "await Later()\n"),
    "await_sleep": lambda: wrote("import asyncio\nawait asyncio.sleep(0)\n" + RETURN),
    # unlabelled_cell
    "label_lost": without_label,
    "lower_half": lambda: beside(answered("00", {"00-1": HALF}), "00-1", REST),
    "upper_half": lambda: beside(answered("00", {"00-1": REST}), "00-1", HALF, role="setup"),
    "new_cell_below_stub": lambda: beside(student_edition("00"), "00-1", RETURN),
    "magic_in_own_cell": lambda: beside(
        answered("00", {"00-1": REST}), "00-1", "%%time\n" + HALF + "mdp.plot(1)", role="setup"
    ),
    # joined into another cell
    "merged_into_setup": lambda: merged_into("setup"),
    "merged_into_check": lambda: merged_into("check"),
    "merged_into_text": lambda: merged_into("text"),
    # a try of another day below the check
    "try_below": lambda: _below(answered("00", RIGHT00)),
    # harmless imports and calls
    "imports": lambda: wrote(
        "import time, sys, contextlib, pprint, json, decimal, matplotlib.pyplot as plt\n"
        "from tqdm.auto import tqdm\n"
        "assert __name__ == '__main__' and getattr(sys, 'maxsize')\n" + RETURN
    ),
}


def _below(notebook):
    (answer,) = cells(notebook, "answer")
    (check,) = cells(notebook, "check")
    bad = copy.deepcopy(answer) | {
        "id": "bad",
        "source": "def discounted_return(*x):\n    return 0\n",
    }
    notebook["cells"].insert(notebook["cells"].index(check) + 1, bad)
    return notebook


def _refused_first():
    return answered("01", RIGHT01 | {"01-1": "import socket\n" + RIGHT01["01-1"], "01-2": LEANING})


WHOLE = {
    "helper_above": lambda: beside(
        answered("04", RIGHT04 | {"04-2": HORIZON}),
        "04-2",
        "def horizon(gamma):\n    return 1 / (1 - gamma)\n",
        role="answer",
    ),
    "math": lambda: answered("02", RIGHT02 | {"02-1": NLL}),
    "torch": lambda: answered("02", RIGHT02 | {"02-2": MIXTURE}),
    "np_from_an_earlier_setup": lambda: answered(
        "04",
        {"04-3": "def informative_shift(g, e):\n    return np.maximum(0, (1 - g - g * e) / 2)\n"},
    ),
}

# The answer, the exercise, and the reason that says what to change.
NAMED = {
    "text": (
        wrote("def discounted_return(rewards, gamma):\n    return doctor.run(rewards)\n"),
        "the answer uses doctor, which belongs to the chapter's text and is not there",
    ),
    "nowhere": (
        wrote("def discounted_return(rewards, gamma):\n    return thing(rewards)\n"),
        "the answer uses thing, which no cell above its check defines",
    ),
    "below": (
        None,
        "the answer uses weight, which is defined only below its check. Move the definition",
    ),
    "bash": (wrote("%%bash\nls\n"), "Not written yet."),
    "socket": (wrote("import socket\n" + RETURN), "imports socket in line 1. Remove it"),
    "input": (wrote("name = input()\n" + RETURN), "uses input in line 1. Remove it"),
    "newer": (None, "not Python 3.11, with which it is graded; the notebook was saved with"),
    "broken": (wrote("\ndef f(:\n"), "see line 2"),
}


@pytest.fixture(scope="module")
def marks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("habits") / "class"
    for name, make in (PASSING | WHOLE).items():
        hand_in(folder, name, make())
    hand_in(folder, "refused_first", _refused_first())
    for name, (notebook, _) in NAMED.items():
        if name == "below":
            notebook = answered("00", {"00-1": REST})
            own = {"cell_type": "code", "id": "own", "metadata": {}, "source": HALF}
            notebook["cells"].append(own | {"outputs": [], "execution_count": None})
        if name == "newer":
            notebook = wrote("match x:\n    case 1 as: pass\n")
            notebook["metadata"]["language_info"] = {"name": "python", "version": "99.1.0"}
        hand_in(folder, name, notebook)
    return graded(folder, folder.parent / "out")


@pytest.mark.parametrize("name", PASSING)
def test_a_habit_costs_nothing(marks, name):
    found = marks[name, "00-1"]
    assert (found.status, found.reason) == ("passed", None)


@pytest.mark.parametrize("name", ["helper_above", "math", "torch"])
def test_names_from_cells_above_are_there(marks, name):
    mine = {exercise: mark.status for (who, exercise), mark in marks.items() if who == name}
    assert set(mine.values()) == {"passed"} and len(mine) > 1


def test_what_an_earlier_setup_imports_is_there(marks):
    assert marks["np_from_an_earlier_setup", "04-3"].status == "passed"
    assert marks["np_from_an_earlier_setup", "04-1"].status == "missing"


def test_an_answer_may_lean_on_one_that_was_refused(marks):
    mine = [marks["refused_first", f"01-{number}"].status for number in (1, 2, 3)]
    assert mine == ["rejected", "passed", "passed"]


@pytest.mark.parametrize("name", NAMED)
def test_the_reason_says_what_to_change_and_suspects_nobody(marks, name):
    found = marks[name, "00-1"]
    assert found.points == 0
    assert NAMED[name][1] in found.why()
    assert "target line" not in found.why()


def test_what_was_taken_and_left_out_is_reported(marks):
    assert marks["lower_half", "00-1"].why() == (
        "Taken from other cells of the notebook: discounted_return."
    )
    assert marks["bang", "00-1"].why().endswith("only IPython understands them: 1.")
    assert "2 answer cells were run" in marks["syntax_error", "00-1"].why()
    assert "is not Python: see its line 1" in marks["syntax_error", "00-1"].why()

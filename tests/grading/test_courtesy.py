from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbpo_teach.course import workspace
from mbpo_teach.grading import courtesy
from mbpo_teach.grading.courtesy import objection
from mbpo_teach.grading.exercise import Exercise, find
from mbpo_teach.grading.pristine import lean
from mbpo_teach.ground import language

from . import toys
from .handing_in import ROOT, solutions

EXERCISE = Exercise(
    id="99-1",
    cases=toys.scaled_cases,
    reference=toys.scaled,
    imports=("zlib",),
    library=("scaled",),
)
SETUP = (
    "import numpy as np\nfrom mbpo_teach.tables import mdp\n"
    "from mbpo_teach.grading.check import check\n"
)


def found(answer, *, isolated=False):
    try:
        told = objection(EXERCISE, [answer], SETUP, isolated=isolated)
    except SyntaxError:
        return "no_python"  # what the grader makes of it
    if told:
        language.text(told[0], **told[1])  # has its words
    return told[0].removeprefix("mark.") if told else None


@pytest.mark.parametrize(
    "answer",
    [
        "model.eval()",
        "row._replace(a=1); row._asdict(); Row._fields",
        "import numpy as np, torch.nn.functional as F\nfrom collections.abc import Sequence",
        "from mbpo_teach.tables import mdp\nfrom mbpo_teach.grading.check import check",
        "import zlib",
        "import time, sys, contextlib, pprint, json, decimal, asyncio",
        "import matplotlib.pyplot as plt\nfrom IPython.display import display",
        "getattr(x, 'size') and setattr(x, 'y', 1)",
        "type(self).__name__ or self.__class__",
        "__name__ == '__main__'",
        "vars = 3\nvars + 1",
        "def open(x): return x\nopen(3)",
        "class A(B):\n    def __init__(self):\n        super().__init__()",
        "def f(n): return f.__name__ and f(n - 1)",
        "def scaled(scale, row): return scaled(1, scale * row)",
        "pattern = '\\d'",
        "",
    ],
)
def test_ordinary_code_is_fine(answer):
    assert found(answer) is None


@pytest.mark.parametrize(
    ("answer", "key"),
    [
        ("import os", "import"),
        ("import numpy, subprocess", "import"),
        ("from mbpo_teach.theory import bounds", "import"),
        ("from mbpo_teach.grading import chapter01", "import"),
        ("import mbpo_teach.grading", "import"),
        ("from . import chapter01", "import"),
        ("from os import *", "import"),
        *((f"{name}('x')", "call") for name in "exec eval open getattr setattr globals".split()),
        *((f"{name}('x')", "call") for name in "vars __import__ compile input".split()),
        ("get_ipython().run_cell('x')", "call"),
        ("shell.get_ipython()", "call"),
        ("().__class__.__bases__[0].__subclasses__()", "dunder"),
        ("f.__globals__", "dunder"),
        ("__builtins__['open']", "dunder"),
        ("mdp.scaled(1, 2)", "library"),
        ("answer = scaled", None),
        ("answer = scaled(1, 2)", "library"),
        ("%matplotlib inline", "no_python"),
        ("!ls", "no_python"),
        ("def f(:\n", "no_python"),
        ("a\0b", "no_python"),
        ("'\ud800'", "no_python"),
        ("(" * 500, "no_python"),
        ("-" * 90_000 + "1", "no_python"),
        ("x" * 100_001, "too_long"),
    ],
)
def test_what_an_answer_does_not_need_is_said(answer, key):
    assert found(answer) == key


def test_the_line_is_named():
    key, values = objection(EXERCISE, ["a = 1", "\nb = 2\nimport os\n"], SETUP, isolated=False)
    assert language.text(key, **values).startswith("The answer imports os in line 3. Remove it: ")


def test_a_name_in_a_reason_is_no_longer_than_a_line():
    _, values = objection(EXERCISE, ["import " + "o" * 90_000], SETUP, isolated=True)
    assert len(values["name"]) == 60


def test_what_is_not_installed_is_said():
    exercise = replace(EXERCISE, imports=())
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(courtesy.importlib.util, "find_spec", lambda name: None)
        key, values = objection(exercise, ["import scipy.stats"], SETUP, isolated=True)
    assert (key, values["name"]) == ("mark.not_installed", "scipy")


@pytest.mark.parametrize(
    "answer",
    ["import os, pathlib", "getattr(x, name)", "globals()['f']", "().__class__.__bases__"],
)
def test_what_isolation_makes_harmless_is_refused_without_it_only(answer):
    assert found(answer) and not found(answer, isolated=True)


@pytest.mark.parametrize(
    "answer",
    ["import socket", "open('x')", "input()", "eval('x')", "import mbpo_teach", "mdp.scaled(1)"],
)
def test_what_is_refused_everywhere(answer):
    assert found(answer, isolated=True)


@given(st.text() | st.text(alphabet="()[]{}:=+-.,'\"\\\n \tab01@#%!ñ_"))
def test_any_text_gets_an_answer(text):
    found(text)


@pytest.mark.parametrize("chapter", workspace.chapters(ROOT))
def test_no_solution_of_the_course_meets_an_objection(chapter):
    setups = {task.id: task.setup for task in lean(ROOT, chapter).tasks}
    for exercise, answer in solutions(chapter).items():
        assert objection(find(exercise), [answer], setups[exercise], isolated=False) is None

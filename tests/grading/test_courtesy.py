import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbpo_teach import language, workspace
from mbpo_teach.grading.courtesy import objection
from mbpo_teach.grading.exercise import Exercise, find
from mbpo_teach.grading.pristine import lean

from . import toys
from .handing_in import ROOT, solutions

EXERCISE = Exercise(
    id="99-1",
    cases=toys.scaled_cases,
    reference=toys.scaled,
    imports=("json",),
    library=("scaled",),
)
SETUP = "import numpy as np\nfrom mbpo_teach import mdp\nfrom mbpo_teach.grading import check\n"


def found(answer):
    told = objection(EXERCISE, answer, SETUP)
    if told:
        language.text(told[0], **told[1])  # has its words
    return told[0].removeprefix("mark.") if told else None


@pytest.mark.parametrize(
    "answer",
    [
        "model.eval()",
        "row._replace(a=1); row._asdict(); Row._fields",
        "import numpy as np, torch.nn.functional as F\nfrom collections.abc import Sequence",
        "from mbpo_teach import mdp\nfrom mbpo_teach.grading import check",
        "import json",
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
        ("from mbpo_teach import bounds", "import"),
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
    key, values = objection(EXERCISE, "a = 1\nb = 2\nimport os\n", SETUP)
    assert language.text(key, **values) == (
        "The answer imports os in line 3, which this exercise does not need."
    )


@given(st.text() | st.text(alphabet="()[]{}:=+-.,'\"\\\n \tab01@#%!ñ_"))
def test_any_text_gets_an_answer(text):
    found(text)


@pytest.mark.parametrize("chapter", workspace.chapters(ROOT))
def test_no_solution_of_the_course_meets_an_objection(chapter):
    setups = {task.id: task.setup for task in lean(ROOT, chapter).tasks}
    for exercise, answer in solutions(chapter).items():
        assert objection(find(exercise), answer, setups[exercise]) is None

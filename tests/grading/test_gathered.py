"""What is gathered of a notebook for an answer: what it uses of other cells, and no more."""

import json

import pytest

from mbpo_teach.grading import pristine, reading
from mbpo_teach.grading.gathered import gathered

from .handing_in import ROOT, answered, solutions, student_edition

LEAN = pristine.lean(ROOT, "02")
FIRST = LEAN.tasks[0]
USES = "def nll(mean, log_var, target):\n    return {}\n"


def notebook(*sources):
    """Return a notebook of cells above the check of 02-1; a source may come with a role."""
    cells = []
    for source in (*sources, ('check("02-1", nll)', "check")):
        text, role = source if isinstance(source, tuple) else (source, "")
        mbpo = {"mbpo": {"exercise": "02-1", "role": role}} if role else {}
        cells.append({"cell_type": "code", "metadata": mbpo, "source": text})
    return json.dumps({"cells": cells, "nbformat": 4}).encode()


def found(*sources):
    return gathered(LEAN, notebook(*sources)).get("02-1")


def code(answer):
    return "\n".join(answer.cells)


def test_only_the_statements_that_are_used_are_taken():
    own = "import time\nimport math as m\nlong = time.sleep(9)\nscale = [m.pi]\n"
    own += "scale.append(2)\nplot()"
    answer = found(own, (USES.format("scale"), "answer"))
    assert answer.taken == ("m", "scale")
    assert "plot" not in code(answer) and "sleep" not in code(answer)
    assert "scale.append(2)" in code(answer)


def test_statements_stay_on_their_lines():
    answer = found("x = 1\n\n\ny = 2", (USES.format("y"), "answer"))
    assert answer.cells[0] == "\n\n\ny = 2"


def test_what_the_answer_defines_itself_is_not_taken_from_above():
    old = USES.format("slow()") + "def helper():\n    return 1\n"
    answer = found(old, ("helper = 2\n" + USES.format("helper"), "answer"))
    assert answer.taken == () and answer.written == 1 and len(answer.cells) == 1


def test_a_definition_between_answer_and_check_is_the_last_word():
    answer = found((USES.format("1"), "answer"), USES.format("2"))
    assert [cell.strip()[-1] for cell in answer.cells] == ["1", "2"]


def test_the_courses_own_cells_are_not_taken_for_the_students():
    handed_in = json.dumps(answered("02", solutions("02"))).encode()
    assert all(answer.taken == () for answer in gathered(LEAN, handed_in).values())
    assert gathered(LEAN, json.dumps(student_edition("02")).encode()) == {}


def test_imports_of_the_text_are_there_and_its_other_names_are_named():
    answer = found((USES.format("math.pi + torch.pi + curve(data, far)"), "answer"))
    assert "import math" in code(answer) and "import torch" in code(answer)
    assert answer.elsewhere["far"] == "mark.name"
    assert "math" not in answer.elsewhere
    text = next(iter(sorted(FIRST.text - {"math", "torch"})))
    assert found((USES.format(text), "answer")).elsewhere == {text: "mark.text"}


def test_a_definition_below_the_check_is_named():
    cells = json.loads(notebook((USES.format("late"), "answer")))
    cells["cells"].append({"cell_type": "code", "metadata": {}, "source": "late = 1"})
    (answer,) = gathered(LEAN, json.dumps(cells).encode()).values()
    assert answer.elsewhere == {"late": "mark.below"}


@pytest.mark.parametrize(
    "source",
    ["x" * 200_000, "import a" + ".a" * 40_000, "(" * 900, "%x\n" * 30_000, "\ud800", "return 1"],
)
def test_a_cell_that_cannot_be_read_is_passed_over(source):
    answer = found(source, (USES.format("1"), "answer"))
    assert len(answer.cells) == 1


def test_a_function_split_in_its_middle_is_joined():
    first, second = USES.format("1").split("\n", 1)
    answer = found((first, "answer"), (second, "answer"))
    assert (answer.written, answer.broken, len(answer.cells)) == (2, 0, 1)


def test_an_answer_that_is_not_python_beside_one_that_is():
    answer = found(("\ndef f(:", "answer"), (USES.format("1"), "answer"))
    assert (answer.broken, answer.written, len(answer.cells)) == (2, 2, 1)
    assert found(("def f(:", "answer")).cells == ()


@pytest.mark.parametrize(
    ("metadata", "version"),
    [
        ({"language_info": {"version": "3.13.1"}}, "3.13.1"),
        ({"language_info": {"version": [3]}}, ""),
        ({"language_info": {"version": "three"}}, ""),
        ({"language_info": 3}, ""),
        ([], ""),
    ],
)
def test_the_version_that_saved_a_notebook_is_believed_if_it_is_one(metadata, version):
    content = json.dumps({"cells": [], "nbformat": 4, "metadata": metadata}).encode()
    assert reading.python_of(content) == version

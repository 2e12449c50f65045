import json

import nbformat
import pytest

from mbpo_teach.course import workspace
from mbpo_teach.grading import pristine

from .handing_in import ROOT, cells, student_edition

CHAPTERS = workspace.chapters(ROOT)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_lean_notebook_is_a_valid_notebook_of_exercise_cells_only(chapter):
    lean = pristine.lean(ROOT, chapter)
    merged = nbformat.from_dict(pristine.merged(lean, {}))
    nbformat.validate(merged)
    roles = [cell.metadata["mbpo"]["role"] for cell in merged.cells]
    assert set(roles) == {"setup", "answer", "check"}
    assert len(roles) == sum(len(cells(student_edition(chapter), role)) for role in set(roles))


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_both_languages_have_the_same_exercise_cells(chapter):
    """So it does not matter from which edition the pristine copy is taken."""
    english, chinese = (
        [
            (cell["id"], cell["metadata"], cell["source"], cell["outputs"])
            for role in ("setup", "answer", "check")
            for cell in cells(student_edition(chapter, spoken), role)
        ]
        for spoken in ("en", "zh")
    )
    assert english == chinese


def test_what_a_task_consists_of():
    first, second, *_ = pristine.lean(ROOT, "04").tasks
    assert (first.id, first.names) == ("04-1", ("total_variation",))
    assert first.setup.startswith("import numpy as np")
    assert first.stub.startswith("def total_variation") and "NotImplementedError" in first.stub
    assert (second.id, second.names) == ("04-2", ("performance_bound",))


def test_an_answer_takes_the_place_of_the_stub_and_of_nothing_else():
    lean = pristine.lean(ROOT, "04")
    merged = pristine.merged(lean, {"04-2": "answer = 1", "77-1": "not of this chapter"})
    changed = [
        (cell["metadata"]["mbpo"], cell["source"])
        for cell, own in zip(merged["cells"], lean.cells, strict=True)
        if cell != own
    ]
    assert changed == [({"exercise": "04-2", "role": "answer"}, "answer = 1")]


@pytest.mark.parametrize(
    "marker",
    [
        "# NBVAL_SKIP",
        "  ##   NBVAL_SKIP  ",
        "#NBVAL_IGNORE_OUTPUT",
        "# NBVAL_RAISES_EXCEPTION\r",
        "x = 1\x0c# NBVAL_SKIP",  # nbval splits lines at form feeds too
        "# PYTEST_VALIDATE_IGNORE_OUTPUT",
    ],
)
def test_markers_are_taken_out_and_no_other_line_moves(marker):
    assert pristine.without_markers(f"a\n{marker}\nb") == "a\n\nb"


def test_other_comments_stay():
    source = "# about NBVAL_SKIP\nx = '# NBVAL_SKIP'  # NBVAL_SKIP"
    assert pristine.without_markers(source) == source


@pytest.fixture
def course(tmp_path):
    """A course of one chapter, and a function that publishes a changed edition of it."""

    def publish(change):
        notebook = student_edition("00")
        change(notebook)
        file = tmp_path / "notebooks" / "en" / "00_start_here.ipynb"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(notebook))
        return tmp_path

    return publish


def without(role):
    return lambda notebook: notebook["cells"].remove(cells(notebook, role)[0])


def unrun(part, value):
    return lambda notebook: cells(notebook, "check")[0].update({part: value})


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (without("answer"), "needs an answer cell and a check cell"),
        (without("check"), "needs an answer cell and a check cell"),
        (unrun("source", "check('00-2', discounted_return)"), "needs an answer cell and a check"),
        (unrun("outputs", []), "a check cell of 00-1 has no stored output"),
        (unrun("execution_count", None), "a check cell of 00-1 has no stored output"),
    ],
)
def test_a_notebook_that_cannot_be_graded_is_refused(change, complaint, course):
    with pytest.raises(ValueError, match=f"00_start_here.ipynb: .*{complaint}"):
        pristine.lean(course(change), "00")


def test_a_working_copy_is_never_read(course, tmp_path):
    folder = course(lambda notebook: None)
    work = tmp_path / "work" / "en" / "00_start_here.ipynb"
    work.parent.mkdir(parents=True)
    work.write_text("{")
    assert pristine.lean(folder, "00").tasks == pristine.lean(ROOT, "00").tasks

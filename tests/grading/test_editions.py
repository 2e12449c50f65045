"""Full marks for every solution edition, none for every student edition, in both languages."""

import pytest

from mbpo_teach.course import workspace
from mbpo_teach.grading.exercise import of_chapter
from mbpo_teach.ground import language

from .handing_in import ROOT, answered, graded, hand_in, solutions, solved, student_edition

CHAPTERS = workspace.chapters(ROOT)
each_edition = [
    pytest.param(chapter, spoken, id=f"{chapter}-{spoken}")
    for chapter in CHAPTERS
    for spoken in language.LANGUAGES
]


@pytest.fixture(scope="module")
def marks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("editions") / "class"
    for chapter in CHAPTERS:
        for spoken in language.LANGUAGES:
            hand_in(folder, f"solved-{chapter}-{spoken}", solved(chapter, spoken))
            hand_in(folder, f"stub-{chapter}-{spoken}", student_edition(chapter, spoken))
        # Not equal to the stub any more, so it really runs.
        touched = {
            exercise: source + "\n# thinking about it\n" for exercise, source in stubs(chapter)
        }
        hand_in(folder, f"touched-{chapter}", answered(chapter, touched))
    return graded(folder, folder.parent / "out", timeout=60.0)


def stubs(chapter):
    for cell in student_edition(chapter)["cells"]:
        mbpo = cell["metadata"].get("mbpo", {})
        if mbpo.get("role") == "answer":
            yield mbpo["exercise"], "".join(cell["source"])


def of(marks, student):
    return {exercise: mark for (who, exercise), mark in marks.items() if who == student}


@pytest.mark.parametrize(("chapter", "spoken"), each_edition)
def test_a_solution_edition_gets_full_marks(marks, chapter, spoken):
    mine = of(marks, f"solved-{chapter}-{spoken}")
    assert list(mine) == [exercise.id for exercise in of_chapter(chapter)]
    assert {exercise: (mark.status, mark.why()) for exercise, mark in mine.items()} == {
        exercise: ("passed", "") for exercise in mine
    }
    assert all(mark.points == mark.max_points > 0 for mark in mine.values())


@pytest.mark.parametrize(("chapter", "spoken"), each_edition)
def test_a_student_edition_gets_nothing(marks, chapter, spoken):
    mine = of(marks, f"stub-{chapter}-{spoken}")
    assert {(mark.status, mark.points) for mark in mine.values()} == {("missing", 0.0)}
    assert list(mine) == [exercise.id for exercise in of_chapter(chapter)]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_stub_that_runs_is_not_written_yet(marks, chapter):
    mine = of(marks, f"touched-{chapter}")
    assert {(mark.status, mark.points) for mark in mine.values()} == {("missing", 0.0)}


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_exercise_of_a_notebook_is_registered_and_no_other(chapter):
    registered = [exercise.id for exercise in of_chapter(chapter)]
    assert list(solutions(chapter)) == registered
    assert [exercise for exercise, _ in stubs(chapter)] == registered

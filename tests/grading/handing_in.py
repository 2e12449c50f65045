"""Hand in notebooks, as students do, and grade them."""

import copy
import json
from functools import cache
from pathlib import Path

from mbpo_teach.course import workspace
from mbpo_teach.grading import classroom, handed_in

ROOT = workspace.COURSE


@cache
def _edition(pattern):
    (path,) = (ROOT / "notebooks").glob(pattern)
    return json.loads(path.read_text(encoding="utf-8"))


def student_edition(chapter, language="en"):
    return copy.deepcopy(_edition(f"{language}/{chapter}_*.ipynb"))


def solved(chapter, language="en"):
    return copy.deepcopy(_edition(f"{language}/solutions/{chapter}_*.ipynb"))


def cells(notebook, role):
    return [
        cell for cell in notebook["cells"] if cell["metadata"].get("mbpo", {}).get("role") == role
    ]


def answered(chapter, answers, language="en"):
    """Return a student edition with `answers`, source by exercise id, written into it."""
    notebook = student_edition(chapter, language)
    for cell in cells(notebook, "answer"):
        exercise = cell["metadata"]["mbpo"]["exercise"]
        if exercise in answers:
            cell["source"] = answers[exercise]
    return notebook


def solutions(chapter):
    """Return the published answers of a chapter, source by exercise id."""
    return {
        cell["metadata"]["mbpo"]["exercise"]: "".join(cell["source"])
        for cell in cells(solved(chapter), "answer")
    }


def hand_in(folder, student, notebook):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{student}.ipynb"
    path.write_text(json.dumps(notebook), encoding="utf-8")
    return path


def graded(folder, out, *, chapters=(), timeout=20.0, isolate="auto", workers=2):
    """Grade a folder and return the marks by student and exercise."""
    given = handed_in.submissions(ROOT, [Path(folder)], chapters, out=out)
    reports = classroom.grade_class(
        ROOT, given, out, timeout=timeout, isolate=isolate, workers=workers, hidden=[folder]
    )
    marks = [mark for _, report in reports for mark in report.marks]
    return {(mark.student, mark.exercise): mark for mark in marks}

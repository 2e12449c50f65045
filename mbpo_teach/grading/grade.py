"""Grade one submission: from the bytes of a notebook to a mark for each exercise.

A mark needs two things: nbval finds the stored line below the pristine check cell, and the parent
finds the answer's outputs right on inputs of its own (see :mod:`~mbpo_teach.grading.lock`).
"""

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from mbpo_teach.grading import lock, notebook, reading
from mbpo_teach.grading.cells import joined
from mbpo_teach.grading.courtesy import objection
from mbpo_teach.grading.exercise import Exercise, of_chapter
from mbpo_teach.grading.gathered import Gathered, gathered
from mbpo_teach.grading.lock import Outputs
from mbpo_teach.grading.marks import Mark, Reason, mark
from mbpo_teach.grading.notebook import FAULT, PASSED, WRONG
from mbpo_teach.grading.pristine import Lean, Task, lean
from mbpo_teach.grading.reading import Unreadable
from mbpo_teach.grading.watched import Place

_ABSENT = re.compile(r"NameError: name '(\w+)' is not defined")


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What a student handed in for a chapter.

    `content` is the notebook's bytes, or None where there is none; `trouble` then says why it
    could not be read, and is empty where nothing was handed in; `file` is the name of the file that
    it is about. `notes` go to every mark; `left` tells once what else was handed in and why that is
    not graded.
    """

    student: str
    chapter: str
    content: bytes | None
    trouble: str = ""
    file: str = ""
    notes: tuple[Reason, ...] = ()
    left: tuple[Reason, ...] = ()


def grade(course: Path, submission: Submission, *, seed: int, place: Place) -> list[Mark]:
    """Return a mark for each exercise of the submission's chapter, in order.

    Parameters
    ----------
    course
        The clone, whose published student edition is the pristine notebook.
    submission
        What was handed in.
    seed
        The grader's own.
    place
        Limits and isolation.

    Raises
    ------
    ValueError
        If the course has no such chapter, or its notebook and its exercises do not agree.
    """
    pristine = lean(course, submission.chapter)
    exercises = {exercise.id: exercise for exercise in of_chapter(submission.chapter)}
    ids = [task.id for task in pristine.tasks]
    if ids != list(exercises):
        registered = ", ".join(exercises) or "none"
        raise ValueError(f"{pristine.name} has exercises {', '.join(ids)}; known are {registered}")
    found: dict[str, Gathered] = {}
    trouble = submission.trouble
    if submission.content is not None:
        try:
            found = gathered(pristine, submission.content)
        except Unreadable as error:
            trouble = error.key
    if trouble:
        return [
            mark(submission.student, each, "rejected", trouble, name=submission.file)
            for each in exercises.values()
        ]
    marks = _without_running(submission, pristine, exercises, found, place)
    answers = {
        task.id: joined(found[task.id].cells) for task in pristine.tasks if task.id not in marks
    }
    if answers:
        marks |= _by_running(submission, pristine, exercises, answers, found, seed, place)
    return [marks[exercise] for exercise in ids]


def not_graded(submission: Submission, reason: str) -> list[Mark]:
    """Return the marks of a submission on which the grader itself failed."""
    told: Reason = ("mark.not_graded", {"error": reason[:500]})
    blank = Mark(
        student=submission.student,
        chapter=submission.chapter,
        exercise="",
        points=0.0,
        max_points=0.0,
        status="not_graded",
        reason=told,
    )
    return [
        replace(blank, exercise=exercise.id, max_points=exercise.points)
        for exercise in of_chapter(submission.chapter)
    ] or [blank]


def _without_running(
    submission: Submission,
    pristine: Lean,
    exercises: Mapping[str, Exercise],
    found: Mapping[str, Gathered],
    place: Place,
) -> dict[str, Mark]:
    """Return the marks that need no run: of answers that are missing or rejected."""
    marks = {}
    there = reading.answers(submission.content) if submission.content else {}
    for task in pristine.tasks:
        exercise, answer = exercises[task.id], found.get(task.id)
        notes = _notes(submission, answer)
        if answer is None:
            key = "mark.stub" if task.id in there else "mark.no_cell"
            key = key if submission.content else "mark.nothing"
            marks[task.id] = mark(submission.student, exercise, "missing", key, notes)
            continue
        reason = _no_python(submission, answer) if not answer.cells else None
        reason = reason or objection(
            exercise, answer.cells, task.setup, isolated=place.way == "bwrap"
        )
        if reason:
            key, values = reason
            marks[task.id] = mark(submission.student, exercise, "rejected", key, notes, **values)
    return marks


def _no_python(submission: Submission, answer: Gathered) -> Reason:
    """Say that an answer is not Python, and of which version, where that may be the cause."""
    ours = f"{sys.version_info[0]}.{sys.version_info[1]}"
    theirs = reading.python_of(submission.content or b"").split(".")[:2]
    if len(theirs) == 2 and tuple(map(int, theirs)) > sys.version_info[:2]:
        values = {"line": answer.broken, "ours": ours, "theirs": ".".join(theirs)}
        return "mark.newer_python", values
    return "mark.no_python", {"line": answer.broken, "version": ours}


def _by_running(
    submission: Submission,
    pristine: Lean,
    exercises: Mapping[str, Exercise],
    answers: Mapping[str, str],
    parts: Mapping[str, Gathered],
    seed: int,
    place: Place,
) -> dict[str, Mark]:
    shown = notebook.outcomes(pristine, answers, place)
    # What hung or ended the kernel once is not run again.
    sound = {name: answers[name] for name, told in shown.items() if told in (PASSED, WRONG)}
    found = _locked(pristine.tasks, sound, exercises, seed, place)
    for name in sound:
        if shown[name] == WRONG and found[name].right:
            # The two disagree: another exercise may be at fault, or the machine. Alone, it counts.
            shown |= notebook.outcomes(pristine, {name: answers[name]}, place)
    return {
        name: _judged(submission, exercises[name], shown[name], found.get(name), parts[name])
        for name in answers
    }


def _locked(
    tasks: tuple[Task, ...],
    answers: Mapping[str, str],
    exercises: Mapping[str, Exercise],
    seed: int,
    place: Place,
) -> dict[str, Outputs]:
    found = lock.outputs(tasks, answers, exercises, seed=seed, place=place)
    for name in answers:
        if len(answers) > 1 and found[name].ended:
            # What an earlier answer left behind may have struck here; alone, it counts.
            found |= lock.outputs(tasks, {name: answers[name]}, exercises, seed=seed, place=place)
    return found


def _judged(
    submission: Submission,
    exercise: Exercise,
    shown: str,
    found: Outputs | None,
    answer: Gathered,
) -> Mark:
    """Return the mark that nbval's outcome and the parent's comparison come to together."""
    who, notes = submission.student, _notes(submission, answer)
    if shown == FAULT:
        return mark(who, exercise, "not_graded", "mark.no_report", notes)
    if found is None:
        return _ended(who, exercise, shown, notes)
    if found.ended:
        return _ended(who, exercise, found.ended, notes)
    counts = {"passed": found.passed, "total": found.total}
    if found.right and shown == PASSED:
        return mark(who, exercise, "passed", "", notes)
    if found.right:
        return mark(who, exercise, "wrong", "mark.only_outputs", notes, **counts)
    if found.trouble == "stub":
        return mark(who, exercise, "missing", "mark.stub", notes)
    if absent := _ABSENT.match(found.error):
        key = answer.elsewhere.get(absent[1], "mark.name")
        return mark(who, exercise, "wrong", key, notes, name=absent[1][:60], **counts)
    if found.trouble in ("changed", "half"):
        return mark(who, exercise, "wrong", f"mark.{found.trouble}", notes, **counts)
    if shown == PASSED:
        return mark(who, exercise, "wrong", "mark.only_line", notes, **counts)
    if found.trouble == "raised":
        return mark(who, exercise, "wrong", "mark.raised", notes, error=found.error, **counts)
    return mark(who, exercise, "wrong", "mark.wrong", notes, **counts)


def _ended(student: str, exercise: Exercise, limit: str, notes: tuple[Reason, ...]) -> Mark:
    if limit in ("time", "budget"):
        return mark(student, exercise, "timeout", f"mark.{limit}", notes)
    return mark(student, exercise, "crashed", f"mark.{limit}", notes)


def _notes(submission: Submission, answer: Gathered | None) -> tuple[Reason, ...]:
    notes = list(submission.notes)
    if answer and answer.written > 1:
        notes.append(("mark.joined", {"cells": answer.written}))
    if answer and answer.taken:
        notes.append(("mark.taken", {"names": ", ".join(answer.taken)[:200]}))
    if answer and answer.left_out:
        notes.append(("mark.ipython", {"lines": answer.left_out}))
    if answer and answer.broken and answer.cells:
        notes.append(("mark.broken", {"line": answer.broken}))
    return tuple(notes)

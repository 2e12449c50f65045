"""Grade one submission: from the bytes of a notebook to a mark for each exercise.

A mark needs two things: nbval finds the stored line below the pristine check cell, and the parent
finds the answer's outputs right on inputs of its own (see :mod:`~mbpo_teach.grading.lock`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from mbpo_teach.grading import lock, notebook, reading
from mbpo_teach.grading.courtesy import objection
from mbpo_teach.grading.exercise import Exercise, of_chapter
from mbpo_teach.grading.lock import Outputs
from mbpo_teach.grading.marks import Mark, Reason, mark
from mbpo_teach.grading.notebook import FAULT, PASSED, WRONG
from mbpo_teach.grading.pristine import Lean, Task, lean
from mbpo_teach.grading.reading import Answer, Unreadable
from mbpo_teach.grading.watched import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What a student handed in for a chapter.

    `content` is the notebook's bytes, or None where there is none; `trouble` then says why it
    could not be read, and is empty where nothing was handed in. `notes` go to every mark.
    """

    student: str
    chapter: str
    content: bytes | None
    trouble: str = ""
    notes: tuple[Reason, ...] = ()


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
    if submission.content is None:
        given, trouble = {}, submission.trouble
    else:
        try:
            given, trouble = reading.answers(submission.content), ""
        except Unreadable as error:
            given, trouble = {}, error.key
    if trouble:
        return [mark(submission.student, each, "rejected", trouble) for each in exercises.values()]
    marks = _without_running(submission, pristine, exercises, given)
    answers = {task.id: given[task.id].source for task in pristine.tasks if task.id not in marks}
    if answers:
        marks |= _by_running(submission, pristine, exercises, answers, given, seed, place)
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
    given: Mapping[str, Answer],
) -> dict[str, Mark]:
    """Return the marks that need no run: of answers that are missing or rejected."""
    marks = {}
    for task in pristine.tasks:
        exercise, answer = exercises[task.id], given.get(task.id)
        notes = _notes(submission, answer)
        if answer is None:
            key = "mark.no_cell" if submission.content else "mark.nothing"
            marks[task.id] = mark(submission.student, exercise, "missing", key, notes)
        elif answer.source.strip() in ("", task.stub.strip()):
            marks[task.id] = mark(submission.student, exercise, "missing", "mark.stub", notes)
        elif found := objection(exercise, answer.source, task.setup):
            key, values = found
            marks[task.id] = mark(submission.student, exercise, "rejected", key, notes, **values)
    return marks


def _by_running(
    submission: Submission,
    pristine: Lean,
    exercises: Mapping[str, Exercise],
    answers: Mapping[str, str],
    given: Mapping[str, Answer],
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
        name: _judged(submission, exercises[name], shown[name], found.get(name), given[name])
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
    answer: Answer,
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
    if shown == PASSED:
        return mark(who, exercise, "wrong", "mark.only_line", notes, **counts)
    if found.trouble == "raised":
        return mark(who, exercise, "wrong", "mark.raised", notes, error=found.error, **counts)
    return mark(who, exercise, "wrong", "mark.wrong", notes, **counts)


def _ended(student: str, exercise: Exercise, limit: str, notes: tuple[Reason, ...]) -> Mark:
    if limit in ("time", "budget"):
        return mark(student, exercise, "timeout", f"mark.{limit}", notes)
    return mark(student, exercise, "crashed", f"mark.{limit}", notes)


def _notes(submission: Submission, answer: Answer | None) -> tuple[Reason, ...]:
    if answer is None or answer.cells == 1:
        return submission.notes
    return (*submission.notes, ("mark.joined", {"cells": answer.cells}))

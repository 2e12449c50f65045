"""Say a verdict in the learner's language: what failed, what came back, what was expected.

The first line speaks no language and is what a chapter stores and compares. Feedback gives the
facts and a hint, never the solution. Used by all chapters.
"""

import inspect
from typing import Any

from mbpo_teach.grading.exercise import Exercise
from mbpo_teach.grading.judge import Failure, Verdict
from mbpo_teach.grading.shown import shown
from mbpo_teach.ground import language

_PRINTED_LINES = 5


def headline(exercise_id: str, verdict: Verdict) -> str:
    """Return ``[01-1] 12/12 ✓`` or ``[01-1] 3/12 ✗``."""
    mark = "✓" if verdict.right else "✗"
    return f"[{exercise_id}] {verdict.passed}/{verdict.total} {mark}"


def feedback(
    exercise: Exercise, verdict: Verdict, *, name: str = "...", hint: bool = False
) -> list[str]:
    """Return the lines that follow the headline; none if every case passed.

    `hint` asks for the hint; without it, the last line tells how to ask, with the function's
    `name`.
    """
    failure = verdict.failure
    if failure is None:
        return []
    asked = hint_of(exercise) if hint else []
    if failure.attempt.trouble == "stub":
        return [language.text("grading.stub"), *asked]
    lines = [
        language.text("grading.case", case=failure.case, call=_call(exercise, failure)),
        *_result(exercise, failure),
    ]
    if failure.changed:
        names = _parameters(exercise, len(failure.arguments))
        changed = ", ".join(names[position] for position in failure.changed)
        lines.append(language.text("grading.changed", names=changed))
    if failure.difference and failure.attempt.error == "half":
        lines.append(language.text("grading.half"))
    if failure.attempt.printed:
        lines.append(language.text("grading.printed"))
        lines += [f"    {line}" for line in failure.attempt.printed.splitlines()[:_PRINTED_LINES]]
    if not hint and hint_of(exercise):
        lines.append(language.text("grading.ask", id=exercise.id, name=name))
    return lines + asked


def hint_of(exercise: Exercise) -> list[str]:
    """Return the line of an exercise's hint, if it has one."""
    key = f"exercise.{exercise.id}.hint"
    if key not in language.catalogue():
        return []
    return [language.text("grading.hint", hint=language.text(key))]


def _result(exercise: Exercise, failure: Failure) -> list[str]:
    """Return what came back and what was expected."""
    tried, found = failure.attempt, failure.difference
    if tried.trouble == "raised":
        said = [language.text("grading.raised", error=tried.error)]
        if tried.line:
            said.append(language.text("grading.line", line=tried.line, code=tried.code))
        return said
    if tried.trouble == "nothing":
        return [language.text("grading.nothing")]
    if tried.trouble == "not_numbers":
        return [language.text("grading.not_numbers", kind=tried.error), _expected(failure.expected)]
    if found is None:
        return []  # the numbers are right; it changed its arguments
    if found.kind == "impossible":
        returned = language.text("grading.returned", place="", value=shown(tried.value))
        return [returned, language.text(f"impossible.{exercise.id}")]
    place = language.text("grading.place", where=found.where) if found.where else ""
    if exercise.judged is not None and found.kind in ("value", "finite"):
        returned = language.text("grading.returned", place="", value=shown(tried.value))
        return [returned, _judged(exercise, failure)]
    if found.kind == "shape":
        shapes = {"returned": _shape(found.returned), "expected": _shape(found.expected)}
        return [language.text("grading.shape", place=place, **shapes)]
    if found.kind == "length":
        lengths = {"returned": found.returned, "expected": found.expected}
        return [language.text("grading.length", place=place, **lengths)]
    key = "grading.finite" if found.kind == "finite" else "grading.returned"
    returned = language.text(key, place=place, value=shown(found.returned))
    return [returned, _expected(found.expected, place)]


def _expected(value: Any, place: str = "") -> str:
    return language.text("grading.expected", place=place, value=shown(value))


def _judged(exercise: Exercise, failure: Failure) -> str:
    answered = exercise.compared(failure.attempt.value, failure.arguments)
    return language.text(
        f"judged.{exercise.id}",
        returned=shown(answered[0]),
        expected=shown(failure.expected[0]),
    )


def _shape(shape: tuple[int, ...]) -> str:
    return str(shape) if shape else language.text("grading.one_number")


def _call(exercise: Exercise, failure: Failure) -> str:
    names = _parameters(exercise, len(failure.arguments))
    given = zip(names, failure.arguments, strict=True)
    return ", ".join(f"{name}={shown(value)}" for name, value in given)


def _parameters(exercise: Exercise, count: int) -> list[str]:
    names = list(inspect.signature(exercise.reference).parameters)
    return (names + [f"argument {i + 1}" for i in range(len(names), count)])[:count]

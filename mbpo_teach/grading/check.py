"""The line below each exercise: ``check("01-1", q_update)``.

It prints ``[01-1] 12/12 ✓``, or ``✗`` and what went wrong, and never raises. Marks are given by
the grader, which runs the same judgement on other random cases. Used by all chapters.
"""

import sys
from typing import Any

from mbpo_teach.grading.exercise import find
from mbpo_teach.grading.feedback import feedback, headline
from mbpo_teach.grading.judge import judge
from mbpo_teach.ground import language, seeding


def check(exercise_id: str, answer: Any, *, hint: bool = False) -> None:
    """Try `answer`, the learner's function, on the cases of an exercise and print the result.

    With ``hint=True``, an answer that is not right yet gets the exercise's hint as well.

    Whatever the answer does, the notebook goes on: an error becomes a sentence, and so does a
    SystemExit. Only the stop button (KeyboardInterrupt) is obeyed. The cases are the same at
    every call, so that a learner can work on the one that fails.
    """
    # Hold the stream now: print and sys.stdout may be someone else's after the answer has run.
    out = sys.stdout
    try:
        lines = _report(exercise_id, answer, hint)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # the course's own mistake, never a reason to stop the learner
        lines = [f"[{exercise_id}] ✗", f"check() failed: {type(error).__name__}: {error}"]
    text = "\n".join(lines) + "\n"
    try:
        out.write(text)
    except UnicodeEncodeError:  # a terminal that cannot print a tick
        out.write(text.encode("ascii", "backslashreplace").decode())


def _report(exercise_id: str, answer: Any, hint: bool) -> list[str]:
    try:
        exercise = find(exercise_id)
    except ValueError:
        return [f"[{exercise_id}] ✗", language.text("grading.unknown", id=exercise_id)]
    if not callable(answer):
        kind = type(answer).__name__
        return [f"[{exercise_id}] ✗", language.text("grading.not_callable", kind=kind)]
    verdict = judge(exercise, answer, seeding.generator(0, "check", exercise_id))
    name = getattr(answer, "__name__", type(answer).__name__)
    told = feedback(exercise, verdict, name=str(name)[:60], hint=hint)
    return [headline(exercise_id, verdict), *told]

"""Judge an answer: how many cases it gets right, and what is wrong with the first that fails.

Nothing is printed here and no language is spoken: :mod:`~mbpo_teach.grading.feedback` turns a
verdict into sentences. Used by all chapters.
"""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np

from mbpo_teach.grading.attempt import Attempt, attempt
from mbpo_teach.grading.compare import Difference, Plain, changed, difference, plain
from mbpo_teach.grading.exercise import Exercise, Impossible


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """The first case that an answer got wrong.

    `case` counts from 1; `arguments` are as the answer received them. `attempt` says how the
    call went, `difference` how a value that came back differs from `expected`; `changed` are the
    positions of arguments that the answer changed in place, which is a failure by itself.
    """

    case: int
    arguments: tuple[Any, ...]
    expected: Plain
    attempt: Attempt
    difference: Difference | None
    changed: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`passed` of `total` cases; `failure` is None if and only if all passed."""

    passed: int
    total: int
    failure: Failure | None

    @property
    def right(self) -> bool:
        """Whether every case passed."""
        return self.failure is None


def judge(exercise: Exercise, answer: Any, rng: np.random.Generator) -> Verdict:
    """Return the verdict on `answer` over the cases that `rng` gives.

    The references are computed before the answer runs at all, and every call gets its own deep
    copy of the arguments: an answer that writes to its inputs can spoil nothing but its own.

    Raises
    ------
    TypeError
        If `answer` cannot be called.
    ValueError
        If the exercise itself is wrong: it has no cases or its reference gives NaN.
    """
    if not callable(answer):
        raise TypeError(f"an answer must be a function, not {type(answer).__name__}")
    cases = list(exercise.cases(rng))
    if not cases:
        raise ValueError(f"exercise {exercise.id} has no cases")
    expected = expected_values(exercise, cases)
    passed, failure = 0, None
    for position, (case, wanted) in enumerate(zip(cases, expected, strict=True), start=1):
        received = deepcopy(case)
        tried = attempt(answer, received)
        altered = changed(case, received)
        found = None if tried.trouble else _difference(exercise, tried.value, case, wanted)
        if not tried.trouble and found is None and not altered:
            passed += 1
        elif failure is None:
            failure = Failure(
                case=position,
                arguments=case,
                expected=wanted,
                attempt=tried,
                difference=found,
                changed=altered,
            )
    return Verdict(passed=passed, total=len(cases), failure=failure)


def expected_values(exercise: Exercise, cases: Sequence[tuple[Any, ...]]) -> list[Plain]:
    """Return what is compared of the reference's answers, plain; the cases stay as they are.

    Raises
    ------
    ValueError
        If the reference gives NaN, with which no answer could agree.
    """
    with np.errstate(all="ignore"):  # a learner may have told NumPy to raise
        answers = [plain(exercise.reference(*deepcopy(case))) for case in cases]
        values = [
            plain(exercise.compared(answer, case))
            for answer, case in zip(answers, cases, strict=True)
        ]
    for position, value in enumerate(values, start=1):
        if difference(value, value, exercise.tolerance) is not None:
            raise ValueError(f"the reference of {exercise.id} gives NaN in case {position}")
    return values


def _difference(
    exercise: Exercise, value: Plain, case: tuple[Any, ...], wanted: Plain
) -> Difference | None:
    try:
        answered = plain(exercise.compared(value, case))
    except Impossible:
        return Difference("impossible", "", value, wanted)
    return difference(answered, wanted, exercise.tolerance)

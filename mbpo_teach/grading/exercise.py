"""An exercise: the cases an answer is tried on, and the answer it is compared with.

The exercises of chapter NN are the tuple ``EXERCISES`` in ``grading/chapterNN.py``. A chapter's
file is imported only when one of its exercises is asked for, so that checking a table exercise
never waits for PyTorch. Used by all chapters.
"""

import importlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

_ID = re.compile(r"(\d\d)-[1-9]\d*")

COMMON_IMPORTS = (
    "__future__ abc array asyncio bisect calendar cmath collections contextlib copy dataclasses "
    "datetime decimal enum fractions functools gc hashlib heapq inspect itertools json math "
    "numbers numpy operator pprint random re statistics string sys textwrap time timeit torch tqdm "
    "traceback types typing typing_extensions warnings weakref "
    "IPython.display matplotlib scipy"
).split()
"""What every answer may import, if it is installed: nothing here reaches for files or processes."""

ISOLATED_IMPORTS = "io logging os pathlib tempfile threading".split()
"""What an answer may import where isolation leaves it nothing to reach for."""


class Impossible(ValueError):
    """What came back is no answer to the question, such as a length below zero.

    The catalogue says so in the entry ``impossible.ID``.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Exercise:
    """One exercise, for example ``01-2``: the second of chapter 01.

    Attributes
    ----------
    id
        Chapter and number, ``"01-2"``.
    cases
        A function of a random generator which returns the cases, each a tuple of the arguments of
        one call. Their number must not depend on the generator. Each call gets a deep copy of
        its arguments; a function among them is shared, so it must keep no state.
    reference
        The right answer, called with the same arguments. It returns numbers, booleans, arrays,
        tensors, or tuples and dictionaries of those: finite, or infinite where infinity is the
        right answer, never NaN.
    tolerance
        Largest accepted difference, relative to 1 + |expected|. Answers in single precision get
        at least 1e-4 (see :mod:`mbpo_teach.grading.compare`).
    judged
        What of an answer is compared, where several answers are equally right: a function of the
        answer, as plain data, and of the case's arguments. None compares the answer itself. It
        returns a tuple whose first item is the one that feedback tells, in the words of the
        catalogue entry ``judged.ID``, or raises :class:`Impossible`.
    points
        What a right answer is worth.
    imports
        What an answer may import beyond :data:`COMMON_IMPORTS` and what its setup imports.
    library
        Names in the course's package of what the exercise asks to write. An answer that calls
        one of them has written nothing, and the grader says so.

    Raises
    ------
    ValueError
        If `id` is not of that form, `tolerance` is not a number in [0, 1), or `points` is not a
        positive number.
    """

    id: str
    cases: Callable[[np.random.Generator], Sequence[tuple[Any, ...]]]
    reference: Callable[..., Any]
    tolerance: float = 1e-9
    judged: Callable[..., Any] | None = None
    points: float = 1.0
    imports: tuple[str, ...] = ()
    library: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _chapter_of(self.id)
        if not 0 <= self.tolerance < 1:
            raise ValueError(f"tolerance of {self.id} must be in [0, 1), not {self.tolerance!r}")
        if not 0 < self.points < float("inf"):
            raise ValueError(f"points of {self.id} must be positive, not {self.points!r}")

    def compared(self, answer: Any, case: Sequence[Any]) -> Any:
        """Return what is compared of `answer`, plain data, for the arguments of `case`."""
        return answer if self.judged is None else self.judged(answer, *case)


def find(exercise_id: str) -> Exercise:
    """Return the exercise called `exercise_id`.

    Raises
    ------
    ValueError
        If the course has no such exercise.
    """
    known = of_chapter(_chapter_of(exercise_id))
    for exercise in known:
        if exercise.id == exercise_id:
            return exercise
    there = ", ".join(exercise.id for exercise in known) or "no exercises"
    raise ValueError(f"there is no exercise {exercise_id!r}; this chapter has {there}")


def of_chapter(chapter: str) -> tuple[Exercise, ...]:
    """Return the exercises of `chapter`, for example ``"01"``; an empty tuple if it has none."""
    name = f"{__package__}.chapter{chapter}"
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise  # the chapter exists, but something it needs does not
        return ()
    exercises: tuple[Exercise, ...] = module.EXERCISES
    return exercises


def _chapter_of(exercise_id: str) -> str:
    match = _ID.fullmatch(exercise_id) if isinstance(exercise_id, str) else None
    if match is None:
        raise ValueError(f"an exercise id looks like '01-2', not {exercise_id!r}")
    return match[1]

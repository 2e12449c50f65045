"""Compare what an answer returned with what the reference returned.

Both are first turned into plain data: arrays of floats or booleans, tuples and dictionaries of
them. After that no object of the learner's is involved any more, so an ``__eq__`` that always says
yes has no say, and a grader in another process can compare in the same way. Used by all chapters.
"""

import operator
import sys
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Plain = Any
"""An array of float64, float32 or bool, or a tuple or dict of such."""

SINGLE_PRECISION_TOLERANCE = 1e-4


@dataclass(frozen=True, slots=True)
class Difference:
    """The first thing in which a returned value differs from the expected one.

    `kind` is ``"kind"`` (a number where a tuple should be, ...), ``"length"``, ``"keys"``,
    ``"shape"``, ``"finite"``, ``"value"``, or ``"impossible"`` (see
    :class:`mbpo_teach.grading.exercise.Impossible`); `where` is the place in the result, such as
    ``[1]``, empty for the whole. `returned` and `expected` are plain data, shapes, lengths or keys.
    """

    kind: str
    where: str
    returned: Any
    expected: Any


def plain(value: Any) -> Plain:
    """Return `value` as plain data, copied; tensors are detached.

    Arrays keep single precision if they had it (half precision becomes single), so that the
    comparison knows how exact they can be; integers become float64.

    Raises
    ------
    TypeError
        If there is anything in `value` that is not a number or a boolean.
    """
    if isinstance(value, Mapping):
        return {_plain_key(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, (tuple, list)):
        return tuple(plain(inner) for inner in value)
    # Never import torch for this: an answer that holds a tensor has imported it.
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        value = value.detach().cpu()
        value = (value.float() if value.dtype == torch.bfloat16 else value).numpy()
    array = np.asarray(value)
    if array.dtype.kind == "O":
        array = _exact_numbers(array)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{type(value).__name__} is not a number")
    if array.dtype.kind == "b":
        return np.array(array, dtype=bool)
    single = array.dtype.kind == "f" and array.dtype.itemsize < 8
    return np.array(array, dtype=np.float32 if single else np.float64)


def is_half(value: Any) -> bool:
    """Whether any part of a returned value is in half precision, which is too coarse to compare."""
    if isinstance(value, Mapping):
        return any(map(is_half, value.values()))
    if isinstance(value, (tuple, list)):
        return any(map(is_half, value))
    return str(getattr(value, "dtype", "")).removeprefix("torch.") in ("float16", "bfloat16")


def changed(before: Sequence[Any], after: Sequence[Any]) -> tuple[int, ...]:
    """Return the positions of arguments that are not as they were, NaN for NaN.

    What is no number, such as a function, is not looked at.
    """
    return tuple(
        position
        for position, (old, new) in enumerate(zip(before, after, strict=True))
        if not _is_same_argument(old, new)
    )


def _is_same_argument(old: Any, new: Any) -> bool:
    try:
        was = plain(old)
    except TypeError:
        return True
    try:
        return _is_same(was, plain(new))
    except TypeError:
        return False


def _is_same(one: Plain, other: Plain) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_is_same(one[key], other[key]) for key in one)
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(_is_same, one, other))
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return np.array_equal(one, other, equal_nan=True)
    return False


def difference(returned: Plain, expected: Plain, tolerance: float) -> Difference | None:
    """Return the first difference between two plain values, or None if there is none.

    Numbers agree if they are at most ``tolerance * (1 + |expected|)`` apart. Shapes must be equal:
    ``(batch, 1)`` against ``(batch,)`` is a difference, not a broadcast. Nothing but an
    infinity agrees with an infinity, and nothing at all with NaN.
    """
    return _difference(returned, expected, tolerance, "")


def _difference(returned: Plain, expected: Plain, tolerance: float, at: str) -> Difference | None:
    if isinstance(expected, dict):
        if not isinstance(returned, dict):
            return Difference("kind", at, returned, expected)
        if returned.keys() != expected.keys():
            return Difference("keys", at, tuple(returned), tuple(expected))
        parts = [(f"{at}[{key!r}]", returned[key], expected[key]) for key in expected]
    elif isinstance(expected, tuple):
        if isinstance(returned, np.ndarray) and returned.ndim > 0:
            if len(returned) != len(expected):  # before anything is made of so many rows
                return Difference("length", at, len(returned), len(expected))
            returned = tuple(map(np.asarray, returned))  # an array in place of a tuple of its rows
        if not isinstance(returned, tuple):
            return Difference("kind", at, returned, expected)
        if len(returned) != len(expected):
            return Difference("length", at, len(returned), len(expected))
        pairs = zip(returned, expected, strict=True)
        parts = [(f"{at}[{i}]", mine, theirs) for i, (mine, theirs) in enumerate(pairs)]
    else:
        return _array_difference(returned, expected, tolerance, at)
    found = (_difference(mine, theirs, tolerance, place) for place, mine, theirs in parts)
    return next((item for item in found if item is not None), None)


def _array_difference(
    returned: Plain, expected: np.ndarray, tolerance: float, at: str
) -> Difference | None:
    if isinstance(returned, tuple):
        stacked = _stack(returned)
        if stacked is None:
            return Difference("kind", at, returned, expected)
        returned = stacked
    if not isinstance(returned, np.ndarray):
        return Difference("kind", at, returned, expected)
    if returned.shape != expected.shape:
        return Difference("shape", at, returned.shape, expected.shape)
    if np.float32 in (returned.dtype, expected.dtype):
        tolerance = max(tolerance, SINGLE_PRECISION_TOLERANCE)
    mine, theirs = returned.astype(float), expected.astype(float)
    agree = mine == theirs
    finite = np.isfinite(theirs)
    with np.errstate(invalid="ignore"):
        agree |= finite & (np.abs(mine - theirs) <= tolerance * (1 + np.abs(theirs)))
    if agree.all():
        return None
    index = tuple(int(i) for i in np.argwhere(~agree)[0])
    kind = "finite" if finite[index] and not np.isfinite(mine[index]) else "value"
    place = f"{at}[{', '.join(map(str, index))}]" if index else at
    return Difference(kind, place, returned[index], expected[index])


def _stack(parts: tuple[Plain, ...]) -> np.ndarray | None:
    """Return nested tuples as one array, or None if they do not make one."""
    parts = tuple(_stack(part) if isinstance(part, tuple) else part for part in parts)
    rows = [part for part in parts if isinstance(part, np.ndarray)]
    if len(rows) < len(parts) or len({row.shape for row in rows}) > 1:
        return None
    if not rows:
        return np.zeros(0)
    # One number in single precision makes the whole no more exact than that.
    single = any(row.dtype == np.float32 for row in rows)
    stacked = np.stack(rows)
    return stacked.astype(np.float32) if single else stacked


def _exact_numbers(array: np.ndarray) -> np.ndarray:
    """Return an array of Python numbers (large integers, fractions) as floats."""
    if any(isinstance(item, (str, bytes, type(None), complex)) for item in array.flat):
        raise TypeError("there is something that is not a number")
    try:
        return array.astype(float)
    except (ValueError, OverflowError) as error:
        raise TypeError(str(error)) from None


def _plain_key(key: Any) -> Hashable:
    if isinstance(key, tuple):
        return tuple(_plain_key(part) for part in key)
    if isinstance(key, str):
        return "".join(key)
    return operator.index(key)

"""Plain data as JSON text and back, exactly: what crosses the border between answer and grader.

No pickle comes back from where an answer ran: a pickle is a program, and this is not. Arrays are
their bytes. Reading takes nothing on trust: a size that is only claimed costs nothing, and each
bound below is far above what any exercise asks for.
"""

import base64
import binascii
import json
import math
from typing import Any

import numpy as np

from mbpo_teach.grading.compare import Plain

_KINDS = {"f8": np.float64, "f4": np.float32, "b1": np.bool_}
_DEEPEST = 20
_MOST_ITEMS = 250_000  # in all; each costs the reader about a hundred bytes
_MOST_ROOM = 1_000_000  # numbers in an array, where a side of none counts as one
_MOST_KEYS = 1000  # of a dictionary: keys can be made to collide, and then cost their square
_MOST_DIGITS = 100


def dumps(value: Plain) -> str:
    """Return plain data as text (see :func:`mbpo_teach.grading.compare.plain`)."""
    return json.dumps(down(value))


def loads(text: str) -> Plain:
    """Return the plain data that :func:`dumps` wrote.

    Raises
    ------
    ValueError
        If `text` is anything else.
    """
    return up(read(text))


def read(text: str) -> Any:
    """Return the lists, texts and whole numbers in JSON; there is nothing else in plain data.

    Raises
    ------
    ValueError
        If `text` is no such JSON, or more of it than an answer of the right kind can be.
    """
    if text.count(",") + text.count("[") > _MOST_ITEMS:
        raise ValueError("there are too many data")
    try:
        return json.loads(
            text,
            parse_int=_whole,
            parse_float=_refused,
            parse_constant=_refused,
            object_pairs_hook=_refused,
        )
    except RecursionError:
        raise ValueError("the data are nested too deeply") from None


def _whole(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise ValueError("a number has too many digits")
    return int(digits)


def _refused(found: Any) -> Any:
    raise ValueError("these are no plain data")


def up(data: Any, depth: int = 0) -> Plain:
    """Return the plain data that stands in JSON as `data`; ValueError if there is none."""
    if depth > _DEEPEST or not isinstance(data, list) or len(data) < 1:
        raise ValueError("these are no plain data")
    kind, *rest = data
    if kind == "tuple":
        return tuple(up(item, depth + 1) for item in rest)
    if kind == "dict":
        found = {_key(key): up(item, depth + 1) for key, item in _pairs(rest)}
        if len(found) < len(rest):
            raise ValueError("a key stands there twice")
        return found
    return _array(kind, *rest)


def down(value: Plain) -> list[Any]:
    """Return plain data as lists, texts and numbers, for JSON."""
    if isinstance(value, tuple):
        return ["tuple", *map(down, value)]
    if isinstance(value, dict):
        return ["dict", *([key, down(item)] for key, item in value.items())]
    (kind,) = (kind for kind, dtype in _KINDS.items() if value.dtype == dtype)
    content = np.ascontiguousarray(value).tobytes()
    return [kind, list(value.shape), base64.b64encode(content).decode()]


def _array(kind: Any, shape: Any = None, content: Any = None, *rest: Any) -> Plain:
    sizes_are_right = isinstance(shape, list) and all(
        type(size) is int and 0 <= size <= _MOST_ROOM for size in shape
    )
    if not (isinstance(kind, str) and kind in _KINDS and sizes_are_right) or rest:
        raise ValueError("these are no plain data")
    if not isinstance(content, str) or len(shape) > 32:
        raise ValueError("these are no plain data")
    if math.prod(max(size, 1) for size in shape) > _MOST_ROOM:
        raise ValueError("an array is too large")  # one with a side of none is no smaller for that
    dtype = np.dtype(_KINDS[kind])
    try:
        raw = base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("an array's bytes are damaged") from None
    if len(raw) != math.prod(shape) * dtype.itemsize:
        raise ValueError("an array's bytes do not fit its shape")
    if kind == "b1":
        return (np.frombuffer(raw, dtype=np.uint8) != 0).reshape(shape)
    return np.frombuffer(raw, dtype=dtype).reshape(shape).copy()


def _pairs(items: list[Any]) -> list[Any]:
    if len(items) > _MOST_KEYS or not all(
        isinstance(item, list) and len(item) == 2 for item in items
    ):
        raise ValueError("these are no plain data")
    return items


def _key(key: Any, depth: int = 0) -> Any:
    """Return a dictionary's key: text, a whole number, or a tuple of those (in JSON a list)."""
    if isinstance(key, list) and depth < _DEEPEST:
        return tuple(_key(part, depth + 1) for part in key)
    if isinstance(key, (str, int)) and not isinstance(key, bool):
        return key
    raise ValueError("these are no plain data")

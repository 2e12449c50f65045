"""One clear sentence for a wrong argument: its name, its value, and what is allowed.

A comparison with a string or None raises a TypeError that names neither the argument nor its
range, and one with NaN is quietly false. These two functions say what is wrong in all cases.
Used by the tabular modules.
"""

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any


def whole(name: str, value: Any, *, least: int) -> int:
    """Return `value` as an int if it is a whole number of at least `least` (NumPy's count too).

    Raises
    ------
    ValueError
        If it is anything else; True and 3.0 are no whole numbers.
    """
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise ValueError(f"{name} must be a whole number of at least {least}, not {value!r}")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, not {value}")
    return int(value)


def number(name: str, value: Any, allowed: str, is_allowed: Callable[[Any], bool]) -> float:
    """Return `value` as a float if it is a real number that `is_allowed` accepts.

    `allowed` says the same in words, for example ``"in [0, 1)"``.

    Raises
    ------
    ValueError
        If it is not; NaN never is, and neither is True.
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise ValueError(f"{name} must be {allowed}, not {value!r}")
    if not (value == value and is_allowed(value)):
        raise ValueError(f"{name} must be {allowed}, not {value}")
    return float(value)


def discount(gamma: Any) -> float:
    """Return `gamma` as a float if it is in [0, 1), else raise a `ValueError`."""
    return number("gamma", gamma, "in [0, 1)", lambda x: 0 <= x < 1)

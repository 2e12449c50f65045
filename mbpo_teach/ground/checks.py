"""One clear sentence for a wrong argument: its name, its value, and what is allowed.

A comparison with a string or None raises a TypeError that names neither the argument nor its
range, and one with NaN is quietly false. These functions say what is wrong in all cases. Used
throughout.
"""

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any


def shown(value: Any, length: int = 80) -> str:
    """Return `value` for a message, in one line of at most `length` characters."""
    try:
        words = " ".join(repr(value).split())
    except Exception:  # Python prints no integer of 5,000 digits; other people's repr may fail too
        words = f"a {type(value).__name__} that cannot be printed"
    return words if len(words) <= length else f"{words[: length - 3]}..."


def whole(name: str, value: Any, *, least: int) -> int:
    """Return `value` as an int if it is a whole number of at least `least` (NumPy's count too).

    Raises
    ------
    ValueError
        If it is anything else; True and 3.0 are no whole numbers.
    """
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise ValueError(f"{name} must be a whole number of at least {least}, not {shown(value)}")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, not {shown(int(value))}")
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
        raise ValueError(f"{name} must be {allowed}, not {shown(value)}")
    try:
        as_float = float(value)
    except OverflowError:
        raise ValueError(f"{name} must be {allowed}, not {shown(value)}") from None
    if not (value == value and is_allowed(value)):
        raise ValueError(f"{name} must be {allowed}, not {value}")
    return as_float


def whole_fields(config: object, *names: str, least: int) -> None:
    """Check fields of a frozen dataclass by :func:`whole`, and keep the ints that it returns.

    A NumPy count that stayed one would wrap around at 255 or 65,535, and could not be written as
    JSON or into a checkpoint.
    """
    for name in names:
        object.__setattr__(config, name, whole(name, getattr(config, name), least=least))


def number_fields(
    config: object, *names: str, allowed: str, is_allowed: Callable[[Any], bool]
) -> None:
    """Check fields of a frozen dataclass by :func:`number`, and keep the floats it returns."""
    for name in names:
        value = number(name, getattr(config, name), allowed, is_allowed)
        object.__setattr__(config, name, value)


def widths(config: object, name: str, *, least: int = 0) -> None:
    """Check the field `name` of a frozen dataclass: a tuple of `least` or more layers' widths.

    Raises
    ------
    ValueError
        If it is no tuple, too short, or holds anything but whole numbers of at least 1.
    """
    value = getattr(config, name)
    if not isinstance(value, tuple) or len(value) < least:
        many = f"a tuple of {'one or more ' if least else ''}widths"
        raise ValueError(f"{name} must be {many}, not {value!r}")
    object.__setattr__(config, name, tuple(whole(name, width, least=1) for width in value))


def instance(name: str, value: Any, kind: type) -> None:
    """Raise a `ValueError` if `value` is no `kind`."""
    if not isinstance(value, kind):
        raise ValueError(f"{name} must be a {kind.__name__}, not {value!r}")


def discount(gamma: Any) -> float:
    """Return `gamma` as a float if it is in [0, 1), else raise a `ValueError`."""
    return number("gamma", gamma, "in [0, 1)", lambda x: 0 <= x < 1)

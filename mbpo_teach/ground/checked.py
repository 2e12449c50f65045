"""What a door of the course takes, read off its signature and checked before anything is done.

A door is what chapters, the command line and a reader's own script call. ``@checked`` above one
reads the annotations: a float is a finite real number, an int a whole number from 0, an array or a
tensor holds finite numbers, and has the dimensions that jaxtyping's words say, of equal sizes where
a word returns. What else is allowed is told by :class:`Allowed`. Anything else is one sentence with
the argument's name, its value and what is allowed.

Who comes in is asked once, at the outermost door: what the package itself calls goes through
unasked, and an inner loop is as fast as without. A function that a chapter prints is decorated
below itself, so that the page shows the function alone. Used throughout; no door loads torch.
"""

import functools
import inspect
import math
import sys
import types
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, overload

import numpy as np
from numpy.typing import ArrayLike

from mbpo_teach.ground.checks import number, shown, whole

Door = TypeVar("Door", bound=Callable[..., Any])

_WITHIN = "mbpo_teach", "torch"

Check = Callable[[str, Any, dict[str, Any]], Any]
"""Name, value and the sizes known so far to the value as the door gets it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """What an argument may be, beyond its annotation.

    `said` and `holds` are the range of a number, or of each in an array: in words, and as a test.
    `least` and `most` are those of a whole number. `dims` are the dimensions of an array, in
    jaxtyping's form, where its annotation does not say them. `finite` is False where NaN and
    infinities are numbers too, `empty` True where there need not be any.
    """

    said: str = "a finite number"
    holds: Callable[[Any], Any] | None = None
    least: int = 0
    most: int = 10**9  # a loop of so many turns takes hours, and a table does not fit
    dims: str | None = None
    finite: bool = True
    empty: bool = False


FROM_ONE = Allowed(least=1)
FROM_ZERO = Allowed(said="at least 0 and finite", holds=lambda x: x >= 0)
POSITIVE = Allowed(said="positive and finite", holds=lambda x: x > 0)
SHARE = Allowed(said="in [0, 1]", holds=lambda x: (x >= 0) & (x <= 1))
DISCOUNT = Allowed(said="in [0, 1)", holds=lambda x: (x >= 0) & (x < 1))
NOT_FINITE = Allowed(finite=False)
MAY_BE_EMPTY = Allowed(empty=True)


def dims(words: str, allowed: Allowed | None = None) -> Allowed:
    """Return what an array of these dimensions may hold: what `allowed` says."""
    return replace(allowed or Allowed(), dims=words)


@overload
def checked(function: Door, /) -> Door: ...
@overload
def checked(
    *, together: Callable[..., None] | None = None, **allowed: Allowed | None
) -> Callable[[Door], Door]: ...
def checked(
    function: Any = None, /, *, together: Callable[..., None] | None = None, **allowed: Any
) -> Any:
    """Check a function's arguments first, each by its annotation: ``@checked``, ``@checked(...)``.

    Parameters
    ----------
    together
        Called with all arguments afterwards: it refuses what only two of them show.
    allowed
        More about an argument, an :class:`Allowed`; None leaves it to the function's own checks.

    Raises
    ------
    ValueError
        By the decorated function, if an argument is not what it may be.
    """
    if function is None:
        return functools.partial(checked, together=together, **allowed)
    signature = inspect.signature(function)
    assert allowed.keys() <= signature.parameters.keys(), (function, allowed)
    checks = {
        name: check
        for name, parameter in signature.parameters.items()
        if allowed.get(name, ...) is not None
        and parameter.kind is not parameter.VAR_POSITIONAL
        and (check := _check_of(parameter.annotation, allowed.get(name) or Allowed()))
    }

    @functools.wraps(function)
    def door(*args: Any, **kwargs: Any) -> Any:
        if from_within():
            return function(*args, **kwargs)
        bound = signature.bind(*args, **kwargs)
        sizes: dict[str, Any] = {}
        for name, value in bound.arguments.items():
            if check := checks.get(name):
                bound.arguments[name] = check(name, value, sizes)
        if together is not None:
            together(*bound.args, **bound.kwargs)
        return function(*bound.args, **bound.kwargs)

    door.__dict__["is_door"] = True
    return door


def from_within() -> bool:
    """Tell whether the caller's caller is the package, or torch at its request."""
    return sys._getframe(2).f_globals.get("__name__", "").partition(".")[0] in _WITHIN


def _check_of(annotation: Any, allowed: Allowed) -> Check | None:
    """Return the check that belongs to an annotation, None where there is nothing to check."""
    arguments, origin = get_args(annotation), get_origin(annotation)
    if origin is Callable:
        return _function
    if origin is Literal:
        return lambda name, value, sizes: _one_of(name, value, arguments)
    if isinstance(annotation, TypeVar):
        return _kind_check(annotation.__constraints__) if annotation.__constraints__ else None
    if _is_array_like(annotation):
        optional = type(None) in arguments
        return lambda name, value, sizes: (
            value
            if value is None and optional
            else _array(name, value, sizes, allowed, convert=False)
        )
    if origin in (Union, types.UnionType):
        return _any_of([kind for kind in arguments if kind is not type(None)], arguments, allowed)
    if annotation is np.ndarray or origin is np.ndarray:
        return lambda name, value, sizes: _array(name, value, sizes, allowed, convert=True)
    if hasattr(annotation, "dim_str"):  # jaxtyping's
        return _tensor_check(annotation, allowed)
    if annotation is float:
        return lambda name, value, sizes: _number(name, value, allowed)
    if annotation is int:
        return lambda name, value, sizes: _count(name, value, allowed)
    if annotation is Path:
        return _path
    if origin in (Sequence, list, tuple, Iterable):
        return _sequence_check(arguments, origin, allowed)
    kind = origin or annotation
    if not isinstance(kind, type) or kind in (Any, object, inspect.Parameter.empty):
        return None
    if getattr(kind, "_is_protocol", False):
        held = [name for name in getattr(kind, "__annotations__", {}) if name[0] != "_"]
        return lambda name, value, sizes: _like(name, value, held)
    fields = [
        (field, check)
        for field, held in getattr(kind, "__annotations__", {}).items()
        if hasattr(kind, "_fields") and (check := _check_of(held, replace(allowed, dims=None)))
    ]
    return lambda name, value, sizes: _instance(name, value, sizes, kind, fields, allowed)


def _is_array_like(annotation: Any) -> bool:
    return annotation is ArrayLike or (
        len(get_args(ArrayLike)) > 1 and set(get_args(ArrayLike)) <= set(get_args(annotation))
    )


def _any_of(kinds: Sequence[Any], arguments: tuple[Any, ...], allowed: Allowed) -> Check | None:
    """Return the check of a union: None where it is among the `arguments`, else one of `kinds`."""
    checks = [_check_of(kind, allowed) for kind in kinds]
    optional = type(None) in arguments

    def check(name: str, value: Any, sizes: dict[str, Any]) -> Any:
        if value is None and optional:
            return None
        for one in checks[:-1]:
            try:
                return one(name, value, sizes) if one else value
            except ValueError:
                continue
        return checks[-1](name, value, sizes) if checks[-1] else value

    return check


def _number(name: str, value: Any, allowed: Allowed) -> float:
    holds = allowed.holds or (lambda x: True)
    if not allowed.finite:
        return number(name, value, allowed.said, holds)
    return number(name, value, allowed.said, lambda x: math.isfinite(x) and holds(x))


def _count(name: str, value: Any, allowed: Allowed) -> int:
    count = whole(name, value, least=allowed.least)
    if count > allowed.most:
        raise ValueError(f"{name} must be at most {allowed.most}, not {shown(value)}")
    return count


def _path(name: str, value: Any, sizes: dict[str, Any]) -> Path:
    if not isinstance(value, (str, Path)) or "\0" in str(value):
        raise ValueError(f"{name} must be a path, not {shown(value)}")
    return Path(value)


def _function(name: str, value: Any, sizes: dict[str, Any]) -> Any:
    if not callable(value):
        raise ValueError(f"{name} must be a function, not {shown(value)}")
    return value


def _one_of(name: str, value: Any, words: tuple[str, ...]) -> Any:
    if not isinstance(value, str) or value not in words:
        raise ValueError(f"{name} must be one of {', '.join(words)}, not {shown(value)}")
    return value


def _kind_check(kinds: tuple[type, ...]) -> Check:
    def check(name: str, value: Any, sizes: dict[str, Any]) -> Any:
        if not isinstance(value, kinds):
            names = " or ".join(kind.__name__ for kind in kinds)
            raise ValueError(f"{name} must be of type {names}, not {shown(value)}")
        return value

    return check


def _like(name: str, value: Any, held: list[str]) -> Any:
    if not all(hasattr(value, each) for each in held):
        raise ValueError(f"{name} must be something with {', '.join(held)}, not {shown(value)}")
    return value


def _instance(
    name: str,
    value: Any,
    sizes: dict[str, Any],
    kind: type,
    fields: list[tuple[str, Check]],
    allowed: Allowed,
) -> Any:
    if not isinstance(value, kind):
        article = "an" if kind.__name__[0] in "AEIO" else "a"
        raise ValueError(f"{name} must be {article} {kind.__name__}, not {shown(value)}")
    if hasattr(value, "parameters"):  # a network: what it is given has the type of its weights
        sizes["dtype"] = next(value.parameters()).dtype, name
    for field, check in fields:
        check(f"{name}.{field}", getattr(value, field), {})
    tensor: Any = value
    if hasattr(tensor, "isfinite"):  # of any shape
        if not tensor.numel() and not allowed.empty:
            raise ValueError(f"{name} must hold at least one number, not {tuple(tensor.shape)}")
        _check_numbers(name, tensor.isfinite().all(), tensor, allowed)
    return value


def _sequence_check(arguments: tuple[Any, ...], origin: Any, allowed: Allowed) -> Check:
    fixed = origin is tuple and ... not in arguments
    checks = [_check_of(kind, allowed) for kind in arguments if kind is not ...]

    def check(name: str, value: Any, sizes: dict[str, Any]) -> Any:
        if isinstance(value, (str, bytes, dict)) or not hasattr(value, "__iter__"):
            raise ValueError(f"{name} must be a sequence, not {shown(value)}")
        if not hasattr(value, "__len__") or getattr(value, "ndim", 1) == 0:
            if origin is Iterable:
                return value  # what is used up by looking at it
            raise ValueError(f"{name} must be a sequence, not {shown(value)}")
        if fixed and len(value) != len(checks):
            raise ValueError(f"{name} must hold {len(checks)} values, not {shown(value)}")
        if not len(value) and not allowed.empty:
            raise ValueError(f"{name} must hold at least one value, not {shown(value)}")
        for place, each in enumerate(value):
            one = checks[place if fixed else 0]
            if one is not None:
                one(name, each, {})
        return value

    return check


def _array(name: str, value: Any, sizes: dict[str, Any], allowed: Allowed, *, convert: bool) -> Any:
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError):  # uneven rows; a tensor with gradients
        array = np.array(None)
    if array.dtype.kind not in "fiub":
        raise ValueError(f"{name} must be an array of real numbers, not {shown(value)}")
    _check_shape(name, array.shape, allowed.dims, sizes)
    if not array.size and not allowed.empty:
        raise ValueError(f"{name} must hold at least one number, not shape {array.shape}")
    _check_numbers(name, np.isfinite(array).all(), array, allowed)
    return array if convert else value


def _tensor_check(annotation: Any, allowed: Allowed) -> Check:
    kind, types_, words = annotation.array_type, annotation.dtypes, annotation.dim_str

    def check(name: str, value: Any, sizes: dict[str, Any]) -> Any:
        dtype = str(getattr(value, "dtype", "")).removeprefix("torch.")
        if not isinstance(value, kind) or dtype not in types_:
            what = f"{annotation.__name__.split('[')[0].lower()} numbers"
            found = f"one of {value.dtype}" if isinstance(value, kind) else shown(value)
            raise ValueError(f"{name} must be a {kind.__name__} of {what}, not {found}")
        _check_shape(name, tuple(value.shape), allowed.dims or words, sizes)
        if not value.numel() and not allowed.empty:
            raise ValueError(f"{name} must hold at least one number, not {tuple(value.shape)}")
        if value.is_floating_point():
            wanted, first = sizes.get("dtype", (value.dtype, name))
            if value.dtype != wanted:
                raise ValueError(f"{name} must be of {wanted}, like {first}, not {value.dtype}")
            _check_numbers(name, value.isfinite().all(), value, allowed)
        return value

    return check


def _check_numbers(name: str, finite: Any, numbers: Any, allowed: Allowed) -> None:
    if allowed.finite and not finite:
        raise ValueError(f"{name} must hold finite numbers only, not {shown(numbers.tolist())}")
    if allowed.holds is not None and not allowed.holds(numbers).all():
        raise ValueError(f"{name} must hold numbers {allowed.said}, not {shown(numbers.tolist())}")


def _check_shape(
    name: str, shape: tuple[int, ...], words: str | None, sizes: dict[str, Any]
) -> None:
    """Refuse a shape that is not what `words` say, and keep the sizes of the words."""
    if words is None:
        return
    tokens = words.split()
    spare = next((place for place, token in enumerate(tokens) if token.startswith("*")), None)
    if spare is None:
        parts: list[Any] = list(shape)
    else:  # the one word that stands for any number of dimensions
        after = len(shape) - (len(tokens) - spare - 1)
        parts = [*shape[:spare], shape[spare:after], *shape[after:]] if after >= spare else []
    known = []
    fits = len(parts) == len(tokens)
    for token, size in zip(tokens, parts, strict=False):
        wanted, first = (
            (int(token), "") if token.isdigit() else sizes.setdefault(token, (size, name))
        )
        known += [f"{token} = {wanted}{first and ' as in ' + first}"] if wanted != size else []
    if not fits or known:
        of = f"({', '.join(tokens)}{',' if len(tokens) == 1 else ''})"
        of += f" with {' and '.join(known)}" if known else ""
        raise ValueError(f"{name} must have shape {of}, not {shape}")

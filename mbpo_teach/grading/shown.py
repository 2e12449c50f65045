"""Write numbers and arguments in few characters, the same on every machine.

Used by the feedback of every check, and by chapters for output that is compared.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

_WIDTH = 64


def number(value: float) -> str:
    """Return `value` with at most six digits, infinity as a sign, and zero without one."""
    value = float(value)
    if np.isinf(value):
        return "∞" if value > 0 else "-∞"
    return f"{value:.6g}" if value != 0 else "0"


def shown(value: Any) -> str:
    """Return `value` in at most 64 characters; large arrays by their shape."""
    try:
        text = _text(value)
    except Exception:  # a repr that fails must not hide the rest of the feedback
        text = type(value).__name__
    return text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"


def _text(value: Any) -> str:
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value))
    if isinstance(value, (int, float, np.integer, np.floating)):
        return number(float(value))
    if isinstance(value, np.ndarray):
        return _array(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_text(k)}: {_text(v)}" for k, v in value.items()) + "}"
    if isinstance(value, tuple):
        return "(" + ", ".join(map(_text, value)) + ("," if len(value) == 1 else "") + ")"
    if isinstance(value, list):
        return "[" + ", ".join(map(_text, value)) + "]"
    if hasattr(value, "detach"):
        return _array(np.asarray(value.detach().cpu().tolist()))
    if value is None or isinstance(value, str):
        return repr(value)
    return getattr(value, "__name__", f"{type(value).__name__}(…)")


def _array(array: np.ndarray) -> str:
    if array.ndim == 0:
        return _text(array[()].item())
    if array.size <= 8:
        return "[" + ", ".join(map(_text, array)) + "]"
    return f"array{array.shape}".replace(",)", ")")

"""Call a learner's answer once, and come back whatever it does.

What it prints and warns is caught, what it returns becomes plain data, what it raises becomes a
sentence with the line on which it arose. One process is no sandbox: this protects a learner from
an accident, it does not stop a cheat. Used by all chapters.
"""

import io
import linecache
import sys
import sysconfig
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from mbpo_teach.grading.compare import Plain, is_half, plain

_PRINTED_LIMIT = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What one call of an answer came to.

    `trouble` is empty if a value came back, else ``"stub"``, ``"raised"``, ``"nothing"`` (None
    came back) or ``"not_numbers"``. For ``"raised"``, `error` is type and message, `line` and
    `code` the place in the answer (line 0: not in the answer at all); for ``"not_numbers"``,
    `error` names the type that came back; without trouble, it is ``"half"`` if that is in half
    precision. `printed` is the beginning of what was printed and warned.
    """

    value: Plain = None
    trouble: str = ""
    error: str = ""
    line: int = 0
    code: str = ""
    printed: str = ""


def attempt(answer: Callable[..., Any], arguments: tuple[Any, ...]) -> Attempt:
    """Return what ``answer(*arguments)`` came to.

    Only KeyboardInterrupt, the learner's stop button, passes through. SystemExit is an error like
    any other: an answer must not end the notebook.
    """
    printed = _Beginning(_PRINTED_LIMIT)
    with _quiet(printed):
        result = _call(answer, arguments)
    return Attempt(**result, printed=printed.getvalue().strip())


def _call(answer: Callable[..., Any], arguments: tuple[Any, ...]) -> dict[str, Any]:
    try:
        returned = answer(*arguments)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        line, code, foreign = _where(sys.exc_info()[2])
        if isinstance(error, NotImplementedError) and not foreign:
            return {"trouble": "stub"}
        return {"trouble": "raised", "error": words(error), "line": line, "code": code}
    if returned is None:
        return {"trouble": "nothing"}
    try:
        return {"value": plain(returned), "error": "half" if is_half(returned) else ""}
    except KeyboardInterrupt:
        raise
    except BaseException:
        return {"trouble": "not_numbers", "error": type(returned).__name__}


def _where(trace: TracebackType | None) -> tuple[int, str, bool]:
    """Return the last line of the learner's own code, and whether the error came from beyond it."""
    line, code, foreign = 0, "", False
    for frame, number in traceback.walk_tb(trace):
        filename = frame.f_code.co_filename
        foreign = _is_library(filename)
        if not foreign:
            line, code = number, linecache.getline(filename, number).strip()[:100]
    return line, code, foreign


def _is_library(filename: str) -> bool:
    paths = sysconfig.get_paths()
    folders = [paths["stdlib"], paths["purelib"], paths["platlib"]]
    folders.append(str(Path(__file__).parents[1]))
    return filename.startswith("<frozen") or any(
        Path(filename).is_relative_to(folder) for folder in folders
    )


def words(error: BaseException) -> str:
    """Return type and message; the message is the learner's code too, and may fail."""
    try:
        message = str(error)
    except KeyboardInterrupt:
        raise
    except BaseException:
        message = ""
    name = type(error).__name__
    return f"{name}: {message[:200]}" if message else name


@contextmanager
def _quiet(printed: io.StringIO) -> Iterator[None]:
    """Send everything that is printed, shown or warned to `printed`."""
    with (
        redirect_stdout(printed),
        redirect_stderr(printed),
        warnings.catch_warnings(record=True) as caught,
        np.errstate(all="warn"),
        _no_display(),
    ):
        warnings.simplefilter("always")
        yield
    for warning in caught:
        printed.write(f"{warning.category.__name__}: {warning.message}\n")


@contextmanager
def _no_display() -> Iterator[None]:
    """Swallow figures and tables that the answer displays; there are none outside a notebook."""
    interactive = sys.modules.get("IPython")
    if interactive is None or interactive.get_ipython() is None:
        yield
        return
    from IPython.utils.capture import capture_output

    with capture_output(stdout=False, stderr=False, display=True):
        yield


class _Beginning(io.StringIO):
    """A text stream that keeps only its first characters, however much is written."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self._room = limit

    def write(self, text: str) -> int:
        super().write(text[: self._room])
        self._room = max(0, self._room - len(text))
        return len(text)

    def close(self) -> None:
        """Stay open: an answer that closes sys.stdout must not hide what came before."""

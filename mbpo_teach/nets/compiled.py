"""One graph out of a pure function of tensors, where the machine can make one.

PyTorch runs a function of many small steps one call at a time; for small networks the calls cost
more than the arithmetic. `torch.compile` turns the whole function into a few loops of C++, once,
in half a minute; the result is kept on disk for the next start. Used by the learner of chapter 6.
"""

import os
import tempfile
import warnings
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, TypeVar

import torch

from mbpo_teach.ground.checked import from_within

P = ParamSpec("P")
R = TypeVar("R")


torch.compiler.assume_constant_result(from_within)  # what is compiled came through a door before


def _of_tensors(guards: Sequence[Any]) -> list[bool]:
    """Keep the guards that ask about tensors: shape and type, and whether two of them are one.

    The rest asks whether modules and settings are as they were, a tenth of a small network's time.
    The functions compiled here are pure, and partial with settings that do not change.
    """
    return [guard.guard_type in ("TENSOR_MATCH", "DUPLICATE_INPUT") for guard in guards]


_SETTINGS: dict[str, Any] = {
    "fullgraph": True,
    "dynamic": False,
    "isolate_recompiles": True,  # another function's graphs are neither tried nor counted
    "options": {
        "guard_filter_fn": _of_tensors,
        # C++ also calls the loops one after the other; from Python it takes a small network a
        # fifth of its time.
        "cpp_wrapper": True,
        # A shared number (Adam's pace) is computed once, not again for every few weights: 3 %.
        "realize_reads_threshold": 0,
    },
}


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Return `function`, which must be pure, as one compiled graph.

    It is compiled when it is first called. Where that fails, for want of a C++ compiler most often,
    a warning says why, and `function` itself is used from then on: slower, with the same results.
    """
    graph: Callable[P, R] | None = None
    eager = False

    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        nonlocal graph, eager
        if not eager:
            try:
                graph = graph or torch.compile(function, **_SETTINGS)
                return graph(*args, **kwargs)
            except Exception as error:  # compilers, caches and limits fail in many ways
                # Wrong input fails here too; the eager call then says what is wrong with it.
                result = function(*args, **kwargs)
                warnings.warn(
                    "torch.compile does not work here, so updates run uncompiled, up to six times"
                    f" slower. {_why(error)}",
                    RuntimeWarning,
                    stacklevel=2,
                )
                eager = True
                return result
        return function(*args, **kwargs)

    return run


def check_cache() -> None:
    """Raise a `ValueError` if the folder that is named for PyTorch's cache cannot be one.

    PyTorch makes it wherever it loads its compiler, the first step of its own Adam among them.
    """
    folder = os.environ.get("TORCHINDUCTOR_CACHE_DIR")
    if folder:
        try:
            os.makedirs(folder, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            raise ValueError(
                f"the environment variable TORCHINDUCTOR_CACHE_DIR={folder} must name a folder into"
                f" which PyTorch can write its cache ({error.strerror}); unset it, or name another"
            ) from error


def _why(error: Exception) -> str:
    """Return the likeliest reason and what was said, in one line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    # A compiler's own words come after the command, which is long.
    said = next(
        (line for line in lines if " error: " in line), (lines or [type(error).__name__])[0]
    )
    folders = [tempfile.gettempdir(), os.environ.get("TORCHINDUCTOR_CACHE_DIR", "")]
    if spaced := next((folder for folder in folders if " " in folder), None):
        return (
            f"The path of temporary files or of PyTorch's cache, {spaced}, has a space, which the"
            " compiler takes for the end of a name: let TMPDIR and TORCHINDUCTOR_CACHE_DIR name"
            f" others. {said}"
        )
    if isinstance(error, OSError):
        return f"PyTorch's cache cannot be read or written. {said}"
    return f"Most often a C++ compiler (g++ or clang) is missing. {said}"

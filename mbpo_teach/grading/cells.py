"""A notebook's cells as plain Python: what IPython adds to the language is left out.

``%%time``, ``!ls`` and ``f?`` are no Python, but a notebook takes them. Nothing of them is run when
an answer is graded; the rest of the cell is. Lines keep their numbers. Several cells travel as one
text in the percent format, in which the course's own sources are written.
"""

import ast
import re
import textwrap
import warnings
from collections.abc import Sequence
from contextlib import suppress
from types import CodeType
from typing import Any

MAX_CHARACTERS = 100_000
"""Longest answer that is read; the longest solution of the course has under two thousand."""

_MOST_LINES = 50  # for IPython in one cell: each costs a reading of the whole
_MOST_DOTS = 100  # on a line with an import: Python's parser needs their square in memory
_BREAK = "# %%"
_RUNS_ITS_BODY = ("time", "capture", "prun")
_FOR_IPYTHON = re.compile(r"\s*([%!?]|[\w., ]+=\s*[%!]\w)|.*\?\s*$")
_TIMED = re.compile(r"(\s*)%time\s+(?!-)(.+)")


def joined(cells: Sequence[str]) -> str:
    """Return cells as one text, for :func:`apart`."""
    own = (re.sub(rf"(?m)^{_BREAK}", f"#{_BREAK}", cell) for cell in cells)
    return f"\n{_BREAK}\n".join(own)


def apart(text: str) -> list[str]:
    """Return the cells of a text that :func:`joined` made."""
    return re.split(rf"(?m)^{_BREAK}\n", text)


def python(source: str) -> tuple[str, list[int]]:
    """Return a cell without what only IPython understands, and the lines that were left out.

    A cell whose magic does not run its body here, such as ``%%bash`` or ``%%timeit``, defines
    nothing and is left out altogether.

    Raises
    ------
    SyntaxError
        If the rest is not Python, whatever Python itself says of it.
    """
    lines = source.split("\n")
    first = next((number for number, line in enumerate(lines) if line.strip()), 0)
    left_out: list[int] = []
    if lines[first].startswith("%%"):
        magic = lines[first].removeprefix("%%").split(" ")[0]
        if magic not in _RUNS_ITS_BODY:
            return "", list(range(first + 1, len(lines) + 1))
        lines[first] = ""
        left_out.append(first + 1)
    if lines[first][:1] in (" ", "\t"):  # a notebook takes a cell that is indented as a whole
        lines = textwrap.dedent("\n".join(lines)).split("\n")
    for _ in range(_MOST_LINES):
        try:
            tree("\n".join(lines))
        except SyntaxError as error:
            number = error.lineno or 1
            if not _without(lines, number, left_out):
                raise
        else:
            return "\n".join(lines), sorted(left_out)
    raise SyntaxError("there are too many lines for IPython", ("<cell>", number, 1, ""))


def _without(lines: list[str], number: int, left_out: list[int]) -> bool:
    """Take line `number`, and those that continue it, out of `lines` if it is one for IPython."""
    index = number - 1
    if not 0 <= index < len(lines) or index + 1 in left_out:
        return False
    while index and lines[index - 1].endswith("\\"):
        index -= 1
    if not _FOR_IPYTHON.match(lines[index]):
        return False
    if timed := _TIMED.fullmatch(lines[index]):
        lines[index] = timed[1] + timed[2]  # %time x = f() does x = f()
        left_out.append(index + 1)
        return True
    indent = lines[index][: len(lines[index]) - len(lines[index].lstrip())]
    goes_on = True
    while goes_on and index < len(lines):
        goes_on = lines[index].endswith("\\")
        lines[index] = f"{indent}pass"
        left_out.append(index + 1)
        index += 1
    return True


def statements(source: str) -> list[tuple[ast.stmt, CodeType]]:
    """Return the statements at the top of a cell, each with its code; raises as :func:`tree`.

    A notebook compiles them one by one: ``from __future__`` may stand further down, ``await`` may
    stand at the top, and one that cannot be compiled, left out here, does not stop those above it.
    """
    found = []
    for node in tree(source).body:
        module = ast.Module(body=[node], type_ignores=[])
        with suppress(SyntaxError):
            found.append((node, _guarded(module, ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)))
    return found


def tree(source: str) -> ast.Module:
    """Return a cell's syntax tree.

    Raises
    ------
    SyntaxError
        If it is not Python, or more than can be read with reasonable effort.
    """
    if len(source) > MAX_CHARACTERS:
        raise SyntaxError("the cell is too long", ("<cell>", 1, 1, ""))
    for number, line in enumerate(source.replace("\\\n", " ").split("\n"), start=1):
        if "import" in line and line.count(".") > _MOST_DOTS:
            raise SyntaxError("a name has too many parts", ("<cell>", number, 1, ""))
    found: ast.Module = _guarded(source, ast.PyCF_ONLY_AST)
    return found


def _guarded(source: str | ast.Module, flags: int) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an invalid escape in a string is no reason to complain
        try:
            return compile(source, "<cell>", "exec", flags=flags, dont_inherit=True)
        except SyntaxError:
            raise
        except (ValueError, RecursionError, MemoryError, OverflowError) as error:
            raise SyntaxError(str(error), ("<cell>", 1, 1, "")) from None

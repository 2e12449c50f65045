"""The pristine lean notebook of a chapter: setup, answer and check cells, and nothing else.

It comes from the student edition that the course publishes, never from a working copy and never
from what a student handed in; a student's answers are put into it by exercise id. An exercise
needs its own setup only, so the lean notebook is all that is ever graded.
"""

import ast
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mbpo_teach.grading.cells import apart, statements
from mbpo_teach.grading.courtesy import is_common
from mbpo_teach.grading.names import bound

_MARKERS = (
    "NBVAL_SKIP",
    "NBVAL_CHECK_OUTPUT",
    "NBVAL_IGNORE_OUTPUT",
    "NBVAL_RAISES_EXCEPTION",
    "PYTEST_VALIDATE_IGNORE_OUTPUT",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """An exercise as it stands in the notebook.

    `setup` is the source of its setup cells, joined, and `stub` that of its answer cells as they
    are handed out; `names` are the expressions that its check cells hand to ``check``. `above` are
    the other cells of the course that a learner has run before: the setups whole, of the rest the
    imports that an answer may use too. `text` are the names that the rest defines otherwise.
    """

    id: str
    setup: str
    stub: str
    names: tuple[str, ...]
    above: tuple[str, ...] = ()
    text: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lean:
    """A chapter's exercise cells, in order, and what each exercise consists of.

    `sources` are the sources of all its code cells, by which the course's own cells are known.
    """

    chapter: str
    name: str
    cells: tuple[dict[str, Any], ...]
    tasks: tuple[Task, ...]
    sources: frozenset[str]


def lean(course: Path, chapter: str) -> Lean:
    """Return the pristine lean notebook of a chapter.

    Raises
    ------
    ValueError
        If the course has no such chapter, or its notebook cannot be graded: an exercise lacks a
        cell, or a check cell has no stored output, which nbval would silently not compare.
    """
    files = sorted((course / "notebooks" / "en").glob(f"{chapter}_*.ipynb"))
    if not chapter.isdigit() or not files:
        raise ValueError(f"chapter must be one of the course's, such as '04', not {chapter!r}")
    notebook = json.loads(files[0].read_text(encoding="utf-8"))
    code = tuple(_whole(cell) for cell in notebook["cells"] if cell["cell_type"] == "code")
    cells = tuple(cell for cell in code if _mbpo(cell).get("exercise"))
    ids = dict.fromkeys(_mbpo(cell)["exercise"] for cell in cells)
    return Lean(
        chapter=chapter,
        name=files[0].name,
        cells=cells,
        tasks=tuple(_task(files[0].name, exercise, code) for exercise in ids),
        sources=frozenset(cell["source"].strip() for cell in code),
    )


def merged(course: Lean, answers: Mapping[str, str]) -> dict[str, Any]:
    """Return the lean notebook with `answers` in place of the stubs, as the JSON of a notebook.

    An answer's own cells (see :func:`mbpo_teach.grading.cells.apart`) come in the place of the
    first answer cell of its exercise; an exercise without an answer keeps its stub.
    """
    cells: list[dict[str, Any]] = []
    placed = set()
    for cell in course.cells:
        exercise, role = _mbpo(cell)["exercise"], _mbpo(cell)["role"]
        if role != "answer" or exercise not in answers:
            cells.append(cell)
        elif exercise not in placed:
            placed.add(exercise)
            for number, source in enumerate(apart(answers[exercise])):
                named = {"id": f"{cell['id']}-{number}"} if number else {}
                cells.append(cell | named | {"source": without_markers(source)})
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def without_markers(source: str) -> str:
    """Return `source` without the comments that nbval obeys; every other line stays in its place.

    In nbval a comment beats a cell's tags: ``# NBVAL_SKIP`` would switch the comparison off.
    """
    lines = source.split("\n")
    return "\n".join("" if _is_marker(line) else line for line in lines)


def _is_marker(line: str) -> bool:
    # nbval splits lines at more characters than "\n", so all of them are looked at.
    return any(
        part.strip().startswith("#") and part.strip().lstrip("#").strip() in _MARKERS
        for part in line.splitlines()
    )


def _task(file: str, exercise: str, code: tuple[dict[str, Any], ...]) -> Task:
    mine = [cell for cell in code if _mbpo(cell).get("exercise") == exercise]
    sources: dict[str, list[str]] = {"setup": [], "answer": [], "check": []}
    for cell in mine:
        sources[_mbpo(cell)["role"]].append(cell["source"])
        if _mbpo(cell)["role"] == "check" and not (cell["execution_count"] and cell["outputs"]):
            raise ValueError(f"{file}: a check cell of {exercise} has no stored output")
    names = tuple(name for source in sources["check"] for name in _checked(source, exercise))
    if not sources["answer"] or not names:
        raise ValueError(f"{file}: exercise {exercise} needs an answer cell and a check cell")
    setup, stub = ("\n".join(sources[role]) for role in ("setup", "answer"))
    before = code[: code.index(mine[0])]
    above = [part for cell in before if (part := _usable(cell))]
    text = {
        name
        for cell in before
        for _, code in statements(cell["source"])
        for name in bound(code)
        if not _mbpo(cell)
    }
    return Task(
        id=exercise,
        setup=setup,
        stub=stub,
        names=names,
        above=tuple(above),
        text=frozenset(text),
    )


def _usable(cell: dict[str, Any]) -> str:
    """Return what an answer may use of one of the course's cells that stand above it."""
    role = _mbpo(cell).get("role")
    if role == "setup":
        return str(cell["source"])
    if role:
        return ""
    imports = [
        node
        for node in ast.parse(cell["source"]).body
        if isinstance(node, (ast.Import, ast.ImportFrom)) and is_common(node)
    ]
    return "\n".join(map(ast.unparse, imports))


def _checked(source: str, exercise: str) -> list[str]:
    """Return the second arguments of the calls ``check("04-2", answer)`` in a check cell."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return [
        ast.unparse(call.args[1])
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id == "check" and len(call.args) == 2
        if isinstance(call.args[0], ast.Constant) and call.args[0].value == exercise
    ]


def _mbpo(cell: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = cell["metadata"].get("mbpo", {})
    return found


def _whole(cell: dict[str, Any]) -> dict[str, Any]:
    """Return the cell with its source in one piece; a notebook file may hold it in lines."""
    return cell | {"source": "".join(cell["source"])}

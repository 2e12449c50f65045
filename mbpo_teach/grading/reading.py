"""Read what a student handed in: the answers of a notebook, by exercise.

A submitted file may be anything. Nothing of it is trusted but the source of its answer cells,
and nothing in it is run here. A cell is known by its metadata
``mbpo = {"exercise": "04-2", "role": "answer"}``; where these were lost, see
:mod:`~mbpo_teach.grading.labels`.
"""

import json
import os
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mbpo_teach.grading.labels import label, labelled, source_of
from mbpo_teach.grading.outputs import TooLarge, without_outputs
from mbpo_teach.ground.files import read_plain

MAX_BYTES = 100_000_000
"""Largest file that is read; with its pictures, a chapter has well under a megabyte."""

MAX_CODE = 1_000_000
"""Most characters of code in a notebook; a chapter has about thirty thousand."""

_MAX_CELLS = 10_000


class Unreadable(Exception):
    """A submitted file is not a notebook; `key` names the words of the catalogue that say why."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The source of an exercise's answer cells, joined in order, and how many there are."""

    source: str
    cells: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeCell:
    """A code cell of a notebook; `exercise` is empty where no label says whose it is."""

    exercise: str
    role: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bare:
    """A notebook with nothing in it but what grading reads: code, with its labels.

    `content` is a notebook again, at most a few megabytes of it; `chapter` is None if it has no
    exercise of the course. `known_by` is how the answers without a label were recognised: by their
    ``"id"``, by the ``"check"`` below.
    """

    content: bytes
    chapter: str | None
    known_by: tuple[str, ...]


def read(path: Path, most: int | None = None) -> bytes:
    """Return the content of a submitted file, or the first `most` bytes of it.

    Raises
    ------
    Unreadable
        If it is a link, a folder or anything else that is no plain file, or may not be read, or is
        too large to be read whole.
    """
    try:
        content = read_plain(path, MAX_BYTES + 1 if most is None else most)
    except FileNotFoundError:
        raise Unreadable("mark.no_file") from None
    except OSError:
        raise Unreadable("mark.link" if os.path.islink(path) else "mark.unreadable") from None
    if most is None and len(content) > MAX_BYTES:
        raise Unreadable("mark.large")
    return content


def bare(content: bytes) -> Bare:
    """Return a notebook without all that grading does not need; raises as :func:`answers`.

    A whole class is held in memory, so that its pictures must not be.
    """
    notebook = _notebook(content)
    told = notebook.get("metadata")
    told = told.get("language_info") if isinstance(told, dict) else None
    python = told.get("version") if isinstance(told, dict) else None
    metadata = {"language_info": {"version": python[:20]}} if isinstance(python, str) else {}
    found = labelled(_cells_of(notebook))
    cells = [
        {
            "cell_type": "code" if cell.is_code else "raw",
            "source": cell.source,
            "metadata": {"mbpo": {"exercise": cell.exercise, "role": cell.role}},
        }
        for cell in found
        if cell.source or cell.exercise
    ]
    whole = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    stripped = json.dumps(whole).encode()
    ways = {cell.known_by for cell in found if cell.role == "answer"} - {"label"}
    return Bare(content=stripped, chapter=chapter_of(stripped), known_by=tuple(sorted(ways)))


def answers(content: bytes) -> dict[str, Answer]:
    """Return the answers in a notebook, by exercise id.

    Raises
    ------
    Unreadable
        If `content` is not a notebook of version 4 in UTF-8, or larger than any.
    """
    sources: dict[str, list[str]] = {}
    for cell in _cells(content):
        exercise, role = label(cell)
        if exercise and role == "answer" and cell.get("cell_type") == "code":
            sources.setdefault(exercise, []).append(source_of(cell))
    return {
        exercise: Answer(source="\n".join(parts), cells=len(parts))
        for exercise, parts in sources.items()
    }


def code_cells(content: bytes) -> list[CodeCell]:
    """Return the code cells of a notebook, in order; raises as :func:`answers`."""
    found = []
    for cell in _cells(content):
        if cell.get("cell_type") == "code":
            exercise, role = label(cell)
            found.append(CodeCell(exercise=exercise, role=role, source=source_of(cell)))
    return found


def python_of(content: bytes) -> str:
    """Return the version of Python that saved a notebook, such as ``"3.13.1"``, or nothing."""
    found: Any = json.loads(content.decode("utf-8-sig"))
    for key in ("metadata", "language_info", "version"):
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, str) and re.fullmatch(r"\d+(\.\d+)+", found[:20]) else ""


def chapter_of(content: bytes) -> str | None:
    """Return the chapter to which most exercise cells of a notebook belong, or None.

    The cells of setup and check count too, so that a notebook whose answer cells were all deleted
    still has a chapter.

    Raises
    ------
    Unreadable
        As :func:`answers`.
    """
    found: Counter[str] = Counter()
    for cell in _cells(content):
        exercise, _ = label(cell)
        if exercise:
            found[exercise[:2]] += 1
    return min(found, key=lambda chapter: (-found[chapter], chapter), default=None)


def _cells(content: bytes) -> list[dict[str, Any]]:
    return _cells_of(_notebook(content))


def _notebook(content: bytes) -> dict[str, Any]:
    if not content.strip():
        raise Unreadable("mark.empty")
    try:
        text = without_outputs(content).decode("utf-8-sig")
    except TooLarge:
        raise Unreadable("mark.large") from None
    except UnicodeDecodeError:
        raise Unreadable("mark.not_utf8") from None
    try:
        notebook = json.loads(text)
    except (ValueError, RecursionError):
        raise Unreadable("mark.not_json") from None
    if not isinstance(notebook, dict) or not isinstance(notebook.get("nbformat"), int):
        raise Unreadable("mark.no_notebook")
    if notebook["nbformat"] != 4:
        raise Unreadable("mark.version")
    return notebook


def _cells_of(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    cells = notebook.get("cells")
    if not isinstance(cells, list):
        raise Unreadable("mark.no_notebook")
    cells = [cell for cell in cells if isinstance(cell, dict)]
    code = sum(len(source_of(cell)) for cell in cells if cell.get("cell_type") == "code")
    if len(cells) > _MAX_CELLS or code > MAX_CODE:
        raise Unreadable("mark.much_code")
    return cells

"""Read what a student handed in: the answers of a notebook, by exercise.

A submitted file may be anything. Nothing of it is trusted but the source of its answer cells,
and nothing in it is run here. nbval's "Cell N" and cell ids are not identities; the metadata
``mbpo = {"exercise": "04-2", "role": "answer"}`` is.
"""

import json
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mbpo_teach.grading import files

MAX_BYTES = 20_000_000
"""Largest notebook that is read; with its pictures, a chapter has well under a megabyte."""

_EXERCISE = re.compile(r"\d\d-[1-9]\d{0,2}", re.ASCII)


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


def read(path: Path) -> bytes:
    """Return the content of a submitted file.

    Raises
    ------
    Unreadable
        If it is a link, a folder or anything else that is no plain file, too large, or may not be
        read.
    """
    try:
        content = files.read_plain(path, MAX_BYTES + 1)
    except FileNotFoundError:
        raise Unreadable("mark.no_file") from None
    except OSError:
        raise Unreadable("mark.link" if path.is_symlink() else "mark.unreadable") from None
    if len(content) > MAX_BYTES:
        raise Unreadable("mark.large")
    return content


def answers(content: bytes) -> dict[str, Answer]:
    """Return the answers in a notebook, by exercise id.

    Raises
    ------
    Unreadable
        If `content` is not a notebook of version 4 in UTF-8.
    """
    sources: dict[str, list[str]] = {}
    for cell in _cells(content):
        exercise, role = _part(cell)
        if exercise and role == "answer" and cell.get("cell_type") == "code":
            sources.setdefault(exercise, []).append(_source(cell))
    return {
        exercise: Answer(source="\n".join(parts), cells=len(parts))
        for exercise, parts in sources.items()
    }


def code_cells(content: bytes) -> list[CodeCell]:
    """Return the code cells of a notebook, in order; raises as :func:`answers`."""
    found = []
    for cell in _cells(content):
        if cell.get("cell_type") == "code":
            exercise, role = _part(cell)
            role = role if isinstance(role, str) else ""
            found.append(CodeCell(exercise=exercise, role=role, source=_source(cell)))
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
        exercise, _ = _part(cell)
        if exercise:
            found[exercise[:2]] += 1
    return min(found, key=lambda chapter: (-found[chapter], chapter), default=None)


def _cells(content: bytes) -> list[dict[str, Any]]:
    if not content.strip():
        raise Unreadable("mark.empty")
    try:
        text = content.decode("utf-8-sig")
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
    cells = notebook.get("cells")
    if not isinstance(cells, list):
        raise Unreadable("mark.no_notebook")
    return [cell for cell in cells if isinstance(cell, dict)]


def _part(cell: dict[str, Any]) -> tuple[str, Any]:
    """Return the exercise and the role of a cell; no exercise is an empty string."""
    metadata = cell.get("metadata")
    mbpo = metadata.get("mbpo") if isinstance(metadata, dict) else None
    if not isinstance(mbpo, dict):
        return "", None
    exercise = mbpo.get("exercise")
    if not isinstance(exercise, str) or not _EXERCISE.fullmatch(exercise):
        return "", None
    return exercise, mbpo.get("role")


def _source(cell: dict[str, Any]) -> str:
    source = cell.get("source")
    if isinstance(source, list):
        source = "".join(part for part in source if isinstance(part, str))
    return source if isinstance(source, str) else ""

"""Give the cells of a notebook back the labels that a cleaning tool has taken away.

A cell is known by its metadata, ``mbpo = {"exercise": "04-2", "role": "answer"}``. Where these are
gone, its id tells as much, ``"04-2-answer"``; and where that is gone too, the call
``check("04-2", f)`` tells that the last cell above it that defines ``f`` is the answer.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

EXERCISE = re.compile(r"\d\d-[1-9]\d{0,2}", re.ASCII)
ROLES = ("setup", "answer", "check")

_ID = re.compile(rf"({EXERCISE.pattern})-({'|'.join(ROLES)})", re.ASCII)
_CHECK = re.compile(
    rf"""^[ \t]*check\(\s*['"]({EXERCISE.pattern})['"]\s*,\s*([^\W\d]\w{{0,60}})\b""", re.MULTILINE
)
_MOST_CALLS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """A cell with its label; `exercise` is empty if it belongs to none.

    `source` is empty but for code. `known_by` is ``"label"``, ``"id"`` or ``"check"``.
    """

    exercise: str = ""
    role: str = ""
    source: str = ""
    is_code: bool
    known_by: str = "label"


def labelled(cells: Sequence[Mapping[str, Any]]) -> list[Labelled]:
    """Return the cells of a notebook, in order, with the labels that they have or had."""
    found = [_by_label_or_id(cell) for cell in cells]
    answered = {cell.exercise for cell in found if cell.role == "answer" and cell.is_code}
    result: list[Labelled] = []
    calls = 0
    for cell in found:
        match = _CHECK.search(cell.source) if calls < _MOST_CALLS else None
        if match is None or match[1] in answered:
            result.append(cell)
            continue
        calls += 1
        check = replace(cell, exercise=match[1], role="check", known_by="check")
        written, rest = cell.source[: match.start()], cell.source[match.start() :]
        if not cell.exercise and _defines(written, match[2]):  # answer and check in one cell
            answer = replace(check, role="answer", source=written)
            result += [answer, replace(check, source=rest)]
            answered.add(match[1])
            continue
        result.append(cell if cell.exercise else check)
        above = (
            position
            for position in reversed(range(len(result) - 1))
            if not result[position].exercise and _defines(result[position].source, match[2])
        )
        if (position := next(above, None)) is not None:
            result[position] = replace(check, role="answer", source=result[position].source)
            answered.add(match[1])
    return result


def label(cell: Mapping[str, Any]) -> tuple[str, str]:
    """Return the exercise and the role that a cell's metadata tell; no exercise is ``""``."""
    metadata = cell.get("metadata")
    mbpo = metadata.get("mbpo") if isinstance(metadata, dict) else None
    if not isinstance(mbpo, dict):
        return "", ""
    exercise, role = mbpo.get("exercise"), mbpo.get("role")
    if not isinstance(exercise, str) or not EXERCISE.fullmatch(exercise):
        return "", ""
    return exercise, role if role in ROLES else ""


def source_of(cell: Mapping[str, Any]) -> str:
    """Return the source of a cell, which a file may hold in lines; what is no text is left out."""
    source = cell.get("source")
    if isinstance(source, list):
        source = "".join(part for part in source if isinstance(part, str))
    return source if isinstance(source, str) else ""


def _by_label_or_id(cell: Mapping[str, Any]) -> Labelled:
    is_code = cell.get("cell_type") == "code"
    exercise, role = label(cell)
    name = cell.get("id")
    by_id = None if exercise or not isinstance(name, str) else _ID.fullmatch(name)
    return Labelled(
        exercise=by_id[1] if by_id else exercise,
        role=by_id[2] if by_id else role,
        source=source_of(cell) if is_code else "",
        is_code=is_code,
        known_by="id" if by_id else "label",
    )


def _defines(source: str, name: str) -> bool:
    """Return whether a source has a line at its top level that defines `name`."""
    pattern = rf"^(?:(?:async[ \t]+)?def|class)[ \t]+{name}\b|^{name}[ \t]*(?::[^=\n]*)?=(?!=)"
    return re.search(pattern, source, re.MULTILINE) is not None

"""Which exercises have been passed, told from the learner's own notebooks (chapter 00).

Nothing is kept anywhere else: a check prints ``[01-1] 12/12 ✓`` below itself, and that output is
saved with the notebook. A fresh copy holds such a line too, as the target; so a tick counts where
the answer is no longer the stub of the published edition, and the check has been run since.
"""

import json
from pathlib import Path
from typing import Any

from mbpo_teach.course.workspace import COURSE
from mbpo_teach.ground import language


def passed(copy: Path, published: Path) -> dict[str, bool]:
    """Return, for each exercise of a chapter in its order, whether its check was passed in `copy`.

    Parameters
    ----------
    copy
        The learner's notebook.
    published
        The student edition that the copy was made from.

    Raises
    ------
    OSError, ValueError
        If one of them cannot be read, or is no notebook.
    """
    theirs, ours = _by_exercise(_cells(copy)), _by_exercise(_cells(published))
    return {
        exercise: _answered(theirs.get(exercise, []), cells)
        and _ticked(theirs.get(exercise, []), cells)
        for exercise, cells in ours.items()
    }


def show_passed() -> None:
    """Print a line for each chapter: a tick for each exercise passed, and the chapter's title.

    The chapters are those beside the notebook that is running, or else the working copies.
    """
    spoken = language.current()
    published, here = COURSE / "notebooks" / spoken, Path.cwd()
    chapters = sorted(published.glob("[0-9][0-9]_*.ipynb"))
    if not any((here / chapter.name).is_file() for chapter in chapters):
        here = COURSE / "work" / spoken
    lines = []
    for chapter in chapters:
        try:
            done = passed(here / chapter.name, chapter)
        except (OSError, ValueError):  # not begun, or half saved: nothing is passed there
            done = dict.fromkeys(_by_exercise(_cells(chapter)), False)
        lines.append(("".join("✓" if each else "·" for each in done.values()), _title(chapter)))
    width = max((len(marks) for marks, _ in lines), default=0)
    for marks, title in lines:
        print(f"{marks:<{width}}  {title}")


def _cells(notebook: Path) -> list[dict[str, Any]]:
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        return [cell for cell in cells if isinstance(cell["metadata"], dict)]
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"{notebook} must be a notebook with cells") from error


def _by_exercise(cells: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Return the answer and check cells of each exercise; a cell with a broken label is of none."""
    found: dict[str, list[dict[str, Any]]] = {}
    for cell in cells:
        about = cell["metadata"].get("mbpo")
        if isinstance(about, dict) and about.get("role") in ("answer", "check"):
            found.setdefault(str(about.get("exercise")), []).append(cell)
    return found


def _of(cells: list[dict[str, Any]], role: str) -> list[dict[str, Any]]:
    return [cell for cell in cells if cell["metadata"]["mbpo"]["role"] == role]


def _answered(theirs: list[dict[str, Any]], ours: list[dict[str, Any]]) -> bool:
    return [_text(cell.get("source")) for cell in _of(theirs, "answer")] != [
        _text(cell.get("source")) for cell in _of(ours, "answer")
    ]


def _ticked(theirs: list[dict[str, Any]], ours: list[dict[str, Any]]) -> bool:
    # Tools that clean notebooks take the counts, and leave the targets as they were stored.
    stored = [None, *(cell.get("execution_count") for cell in _of(ours, "check"))]
    checks = _of(theirs, "check")
    return bool(checks) and all(
        # JupyterLab, as `lab` starts it, notes when a cell ran; elsewhere the count tells mostly.
        ("execution" in check["metadata"] or check.get("execution_count") not in stored)
        and _headline(check).endswith("✓")
        for check in checks
    )


def _headline(check: dict[str, Any]) -> str:
    outputs = check.get("outputs")  # a cell that was turned into a text has none
    texts = [each.get("text") for each in outputs or [] if isinstance(each, dict)]
    return "".join(map(_text, texts)).partition("\n")[0]


def _title(notebook: Path) -> str:
    return _text(_cells(notebook)[0].get("source")).partition("\n")[0].removeprefix("# ")


def _text(source: Any) -> str:
    """Return text that may stand in a file as a list of its lines; nothing of what is no text."""
    lines = source if isinstance(source, list) else [source]
    return "".join(line for line in lines if isinstance(line, str))

"""The learner's working copies of the notebooks, which no update and no reset ever overwrites.

The folder ``work``, which git ignores, mirrors ``notebooks``: both languages, and the solutions
below each, so that every relative link of a notebook leads to a working copy again, and links
out of the folder (``../../Illustrations``) keep their depth. Chapter 00 says how to use it.
"""

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from mbpo_teach.ground import language
from mbpo_teach.ground.files import write_new, write_whole

COURSE = Path(__file__).parents[2]
"""The clone: the folder that holds ``notebooks`` and ``work``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What :func:`prepare` did: working copies it `added`, and chapters with a newer edition.

    `added` are paths relative to ``work``; `outdated` are chapter numbers, such as ``"04"``.
    """

    added: tuple[str, ...]
    outdated: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaced:
    """A working copy that :func:`reset` renewed, and where the old one is now."""

    notebook: Path
    kept: Path


def chapters(course: Path) -> tuple[str, ...]:
    """Return the numbers of the chapters there are: ``("00", "01", ...)``."""
    return tuple(sorted({_chapter(name) for name in _editions(course)}))


def working_copy(course: Path, chapter: str, edition: str) -> Path:
    """Return the path of the working copy of `chapter` in `edition`, whether it exists or not.

    Raises
    ------
    ValueError
        If there is no such chapter.
    """
    names = _of_chapter(course, chapter, (edition,))
    return course / "work" / next(name for name in names if "/solutions/" not in name)


def prepare(course: Path) -> Prepared:
    """Make the working copies that are missing; leave all others as they are.

    Raises
    ------
    FileNotFoundError
        If `course` has no notebooks.
    OSError
        If a copy cannot be written.
    """
    editions = _editions(course)
    made_from = _read_record(course)
    current = {name: _digest(file) for name, file in editions.items()}
    missing = [name for name in editions if not (course / "work" / name).exists()]
    if missing:
        # The record comes first: killed in between, the next call makes the copy.
        _write_record(course, made_from | {name: current[name] for name in missing})
    for name in missing:
        # A copy that was made by now, in another window, stays.
        with suppress(FileExistsError):
            write_new(course / "work" / name, editions[name].read_bytes())
    outdated = {
        _chapter(name)
        for name in editions.keys() - missing
        if made_from.get(name, current[name]) != current[name]
    }
    return Prepared(added=tuple(missing), outdated=tuple(sorted(outdated)))


def reset(
    course: Path,
    chapter: str,
    *,
    editions: Sequence[str] = language.LANGUAGES,
    now: datetime | None = None,
) -> list[Replaced]:
    """Put fresh copies of a chapter in place and keep the old ones beside them, dated.

    Copies that equal the fresh edition are left alone, and missing ones are made. Killed at any
    moment, the old copy still stands under its own name or under the dated one, or under both.

    Parameters
    ----------
    course
        The clone.
    chapter
        Its number: ``"04"`` or ``"4"``.
    editions
        The languages to reset.
    now
        The date for the names; the present, if None.

    Raises
    ------
    ValueError
        If there is no such chapter.
    OSError
        If a copy cannot be written.
    """
    names = _of_chapter(course, chapter, editions)
    prepare(course)
    stamp = (now or datetime.now()).strftime("%Y-%m-%d-%H%M%S")
    replaced = []
    for name in names:
        fresh = (course / "notebooks" / name).read_bytes()
        copy = course / "work" / name
        if copy.read_bytes() != fresh:
            kept = _keep(copy, stamp)
            write_whole(copy, fresh)
            replaced.append(Replaced(notebook=copy, kept=kept))
    digests = {name: _digest(course / "notebooks" / name) for name in names}
    _write_record(course, _read_record(course) | digests)
    return replaced


def _editions(course: Path) -> dict[str, Path]:
    """Return the published notebooks by their path below ``notebooks``."""
    published = course / "notebooks"
    found = {
        file.relative_to(published).as_posix(): file
        for edition in language.LANGUAGES
        for folder in (published / edition, published / edition / "solutions")
        for file in sorted(folder.glob("[0-9][0-9]_*.ipynb"))
    }
    if not found:
        raise FileNotFoundError(f"There are no notebooks in {published}")
    return found


def _chapter(name: str) -> str:
    return Path(name).name[:2]


def _of_chapter(course: Path, chapter: str, editions: Sequence[str]) -> list[str]:
    wanted = chapter.zfill(2)
    if not chapter or wanted not in chapters(course):
        there = ", ".join(chapters(course))
        raise ValueError(f"chapter must be one of {there}, not {chapter!r}")
    return [
        name
        for name in _editions(course)
        if _chapter(name) == wanted and name.split("/")[0] in editions
    ]


def _keep(copy: Path, stamp: str) -> Path:
    """Copy `copy` to a dated name that nothing has yet, and return that name."""
    content = copy.read_bytes()
    for attempt in range(1, 1000):
        suffix = stamp if attempt == 1 else f"{stamp}-{attempt}"
        kept = copy.with_name(f"{copy.stem}.{suffix}{copy.suffix}")
        try:
            write_new(kept, content)
        except FileExistsError:
            continue
        return kept
    raise FileExistsError(f"there are a thousand copies like {kept} already")


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _record(course: Path) -> Path:
    return course / "work" / ".editions.json"


def _read_record(course: Path) -> dict[str, str]:
    """Return from which edition each working copy was made, as far as that is known."""
    try:
        record = json.loads(_record(course).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _write_record(course: Path, made_from: dict[str, str]) -> None:
    write_whole(_record(course), json.dumps(made_from, indent=1, sort_keys=True))

"""The learner's working copies of the notebooks, which no update and no reset ever overwrites.

The folder ``work``, which git ignores, mirrors ``notebooks``: both languages, and the solutions
below each, so that every relative link of a notebook leads to a working copy again, and links
out of the folder (``../../Illustrations``) keep their depth. Chapter 00 says how to use it.
"""

import ctypes
import hashlib
import json
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from mbpo_teach.ground import language
from mbpo_teach.ground.checked import checked
from mbpo_teach.ground.files import remove_leftovers, write_new, write_whole

COURSE = Path(__file__).parents[2]
"""The clone: the folder that holds ``notebooks`` and ``work``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What :func:`prepare` did and found.

    `added` are the working copies that it made; `outdated` the chapters that have a newer edition,
    such as ``"04"``; `former` the copies with answers whose chapter has another name by now. Copies
    are told by their paths relative to ``work``.
    """

    added: tuple[str, ...]
    outdated: tuple[str, ...]
    former: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaced:
    """A working copy that :func:`reset` renewed, and where the old one is now."""

    notebook: Path
    kept: Path


@checked
def chapters(course: Path) -> tuple[str, ...]:
    """Return the numbers of the chapters there are: ``("00", "01", ...)``."""
    return tuple(sorted({_chapter(name) for name in _editions(course)}))


@checked
def working_copy(course: Path, chapter: str, edition: str) -> Path:
    """Return the path of the working copy of `chapter` in `edition`, whether it exists or not.

    Raises
    ------
    ValueError
        If there is no such chapter, or no such edition.
    """
    names = _of_chapter(course, chapter, (edition,))
    return course / "work" / next(name for name in names if "/solutions/" not in name)


@checked
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
    remove_leftovers(course / "work")
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
    former = [
        name
        for name in sorted(made_from.keys() - editions.keys())
        if (course / "work" / name).is_file() and _digest(course / "work" / name) != made_from[name]
    ]
    return Prepared(added=tuple(missing), outdated=tuple(sorted(outdated)), former=tuple(former))


@checked
def fresh_copies(course: Path) -> list[Path]:
    """Return the working copies that equal the published edition: nobody has changed them."""
    copies = [(course / "work" / name, edition) for name, edition in _editions(course).items()]
    return [copy for copy, edition in copies if copy.read_bytes() == edition.read_bytes()]


@checked
def reset(
    course: Path,
    chapter: str,
    *,
    editions: Sequence[str] = language.LANGUAGES,
    now: datetime | None = None,
) -> list[Replaced]:
    """Put fresh copies of a chapter in place and keep the old ones beside them, dated.

    Copies that equal the fresh edition are left alone, and missing ones are made. Killed at any
    moment, the old copy still stands under its own name or under the dated one, or under both. What
    is saved meanwhile is in one of the two as well.

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
            kept = _renew(copy, fresh, stamp)
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
    for edition in editions:
        if edition not in language.LANGUAGES:
            there = " and ".join(language.LANGUAGES)
            raise ValueError(f"editions must be among {there}, not {edition!r}")
    wanted = chapter.zfill(2)
    if not chapter or wanted not in chapters(course):
        there = ", ".join(chapters(course))
        raise ValueError(f"chapter must be one of {there}, not {chapter!r}")
    return [
        name
        for name in _editions(course)
        if _chapter(name) == wanted and name.split("/")[0] in editions
    ]


def _renew(copy: Path, fresh: bytes, stamp: str) -> Path:
    """Put `fresh` in the place of `copy`, and what was there under a dated name; return that name.

    The fresh one is written under the dated name, and the two names are swapped in one step, so
    that there is no moment in which a save could come between a look and a replacement.
    """
    for attempt in range(1, 1000):
        suffix = stamp if attempt == 1 else f"{stamp}-{attempt}"
        kept = copy.with_name(f"{copy.stem}.{suffix}{copy.suffix}")
        try:
            write_new(kept, fresh)
        except FileExistsError:
            continue
        break
    else:
        raise FileExistsError(f"there are a thousand copies like {kept} already")
    try:
        _swap(kept, copy)
    except OSError:  # a system that cannot: a save in this very moment would be lost
        write_whole(kept, copy.read_bytes())
        write_whole(copy, fresh)
    return kept


def _swap(one: Path, other: Path) -> None:
    """Let two files have each other's name, in one step.

    Raises
    ------
    OSError
        If the system, or the file system, has no such step.
    """
    libc: Any = ctypes.CDLL(None, use_errno=True) if os.name == "posix" else None
    here, exchange = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of Linux; RENAME_SWAP of macOS is 2 too
    names = [os.fsencode(one.absolute()), os.fsencode(other.absolute())]
    if sys.platform == "linux" and hasattr(libc, "renameat2"):
        failed = libc.renameat2(here, names[0], here, names[1], exchange)
    elif sys.platform == "darwin" and hasattr(libc, "renamex_np"):
        failed = libc.renamex_np(*names, exchange)
    else:
        raise OSError("this system cannot swap two names")
    if failed:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _record(course: Path) -> Path:
    return course / "work" / ".editions.json"


def _read_record(course: Path) -> dict[str, str]:
    """Return from which edition each working copy was made, as far as that is known."""
    if not _record(course).is_file():  # a pipe would be waited for, for ever
        return {}
    try:
        record = json.loads(_record(course).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}


def _write_record(course: Path, made_from: dict[str, str]) -> None:
    write_whole(_record(course), json.dumps(made_from, indent=1, sort_keys=True))

"""Every file that one student handed in: a notebook, or why it is none.

What is looked for is the content, not the ending of a name: browsers and mail programs call a
notebook ``ada.ipynb.txt``, ``ada.json`` or ``ADA.IPYNB``, and students pack it into a zip. Links
are never followed: they may lead out of the class. How much is read of one student is bounded.
"""

import os
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

from mbpo_teach.grading import packed, reading
from mbpo_teach.grading.packed import Damaged
from mbpo_teach.grading.reading import Bare, Unreadable

ENDING = ".ipynb"
OTHER_FILE = "mark.no_notebook_among"
"""The words for a file that is not even called a notebook."""

_DEEPEST = 40
_MOST_ENTRIES = 5000
_MOST_NOTEBOOKS = 200
_MOST_BYTES = 150_000_000
_SOLUTIONS = "solutions"
_LEFT_BEHIND = frozenset(
    ["__macosx", "__pycache__", "thumbs.db", "desktop.ini", "@eadir", "$recycle.bin"]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A file that was handed in; `name` is its path below the student's folder.

    `notebook` is None if it is none; `trouble` then is the key of the words that say why.
    """

    name: str
    notebook: Bare | None = None
    trouble: str = ""


def is_left_behind(name: str) -> bool:
    """Return whether a system made a file or folder of this name, rather than a student."""
    return name.startswith(".") or name.lower() in _LEFT_BEHIND


def found(path: Path, chapters: Collection[str]) -> Iterator[Found]:
    """Yield what is at `path`, a file or a student's whole folder.

    A notebook of none of `chapters` has no exercise of the course.
    """
    effort = _Effort()
    if os.path.islink(path) or not os.path.isdir(path):
        yield from _opened(path, path.name, chapters, effort)
        return
    if path.name.lower().endswith(ENDING):
        yield Found(name=path.name, trouble="mark.no_file")
    waiting = [(path, "", 0)]
    while waiting:
        folder, above, depth = waiting.pop()
        try:
            with os.scandir(folder) as scanned:
                entries = list(islice(scanned, _MOST_ENTRIES - effort.entries))
        except OSError:
            yield Found(name=above or path.name, trouble="mark.unreadable")
            continue
        effort.entries += len(entries)
        below = []
        for entry in sorted(entries, key=lambda entry: entry.name):
            name = above + entry.name
            if is_left_behind(entry.name):
                continue
            if not _is_folder(entry):
                yield from _opened(Path(entry.path), name, chapters, effort)
            elif entry.name == _SOLUTIONS:
                yield Found(name=name, trouble="mark.in_solutions")
            elif depth == _DEEPEST:
                yield Found(name=name, trouble="mark.too_deep")
            else:
                below.append((Path(entry.path), f"{name}/", depth + 1))
        waiting += reversed(below)
        if effort.entries >= _MOST_ENTRIES:
            yield Found(name=above or path.name, trouble="mark.too_many")
            return


@dataclass(slots=True)
class _Effort:
    """What has been looked at of one student."""

    entries: int = 0
    notebooks: int = 0
    size: int = 0

    def is_too_much(self) -> bool:
        return self.notebooks >= _MOST_NOTEBOOKS or self.size >= _MOST_BYTES


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


def _opened(path: Path, name: str, chapters: Collection[str], effort: _Effort) -> Iterator[Found]:
    """Yield a file, or those in it if it is a zip."""
    try:
        if reading.read(path, len(packed.SIGN)) != packed.SIGN:
            yield _read(name, partial(reading.read, path), chapters, effort)
            return
        if effort.is_too_much():
            raise Unreadable("mark.too_many")
        content = reading.read(path)
        effort.size += len(content)
        files = 0
        for inside, read in packed.packed(content):
            parts = [part for part in inside.split("/") if part != ".."]
            if any(map(is_left_behind, parts)) or _SOLUTIONS in parts[:-1]:
                continue
            files += 1
            yield _read(f"{name}/{inside}", read, chapters, effort)
        if not files:
            yield Found(name=name, trouble=OTHER_FILE)
    except Damaged:
        yield Found(name=name, trouble="mark.zip")
    except Unreadable as error:
        yield Found(name=name, trouble=error.key)


def _read(
    name: str, read: Callable[[int], bytes], chapters: Collection[str], effort: _Effort
) -> Found:
    """Return a file as a notebook, or why it is none."""
    is_called_so = ENDING in name.rpartition("/")[2].lower()
    try:
        begin = read(100)
        if not is_called_so and not begin.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
            raise Unreadable(OTHER_FILE)
        if effort.is_too_much():
            raise Unreadable("mark.too_many")
        content = read(reading.MAX_BYTES + 1)
        effort.notebooks += 1
        effort.size += len(content)
        if len(content) > reading.MAX_BYTES:
            raise Unreadable("mark.large")
        notebook = reading.bare(content)
        if notebook.chapter not in chapters:
            raise Unreadable("mark.no_exercise")
    except Damaged:
        return Found(name=name, trouble="mark.zip")
    except Unreadable as error:
        is_other = not is_called_so and error.key in ("mark.not_json", "mark.no_notebook")
        return Found(name=name, trouble=OTHER_FILE if is_other else error.key)
    return Found(name=name, notebook=notebook)

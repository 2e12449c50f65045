"""Who handed in what: each file or folder in a class is one student's, and has a name of its own.

A student is known by the folder, where there is one, or by the file. Two who would be called the
same are told apart by more of their paths, never taken for one.
"""

import os
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mbpo_teach.grading.found import ENDING, Found, is_left_behind
from mbpo_teach.grading.marks import printable


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file or a folder in the class; `root` is what the instructor named, above it or itself."""

    path: Path
    root: Path


@dataclass(slots=True, kw_only=True)
class Student:
    """Somebody who handed in something: `place` is the file or the folder that is theirs."""

    name: str
    place: Path
    roots: set[Path]
    files: list[Found]

    def chapters(self) -> set[str]:
        """Return the chapters of which there is a notebook."""
        return {file.notebook.chapter or "" for file in self.files if file.notebook}


def entries(paths: Sequence[Path], out: Path | None) -> Iterator[Entry]:
    """Yield what is in the class, each once; `out`, the folder of the reports, is no student's.

    Raises
    ------
    ValueError
        If a path does not exist, or the only one is `out`.
    """
    known = set()
    for path in paths:
        if not os.path.lexists(path):
            raise ValueError(f"path must be a notebook or a folder that exists, not {str(path)!r}")
        is_one_of_several = len(paths) > 1
        if out and not is_one_of_several and _is_same(path, out):
            raise ValueError(f"out must be a folder of its own, not {str(path)!r}, which is graded")
        if out and _is_same(path, out):
            continue
        for entry in _below(path, is_one_of_several):
            key = os.path.realpath(entry.parent), entry.name
            if key not in known and not (out and _is_same(entry, out)):
                known.add(key)
                yield Entry(path=entry, root=path)


def students(
    handed_in: Iterable[tuple[Entry, list[Found]]],
    own_names: Collection[str],
    paths: Sequence[Path],
    out: Path | None,
) -> list[Student]:
    """Return the students, each with a name that no other has.

    Parameters
    ----------
    handed_in
        What is in the class, and the files that each entry holds.
    own_names
        Names that the course itself gives to its notebooks and folders, and that say nothing of
        who handed one in: it is then the folder's name that does.
    paths, out
        As in :func:`entries`.
    """
    handed_in = list(handed_in)
    everybody = _everybody(handed_in, own_names)
    if _is_whole_folder(paths, out) and not _are_classes(everybody):
        handed_in = [(Entry(path=entry.root, root=entry.root), files) for entry, files in handed_in]
        everybody = _everybody(handed_in, own_names)
    return _apart(everybody)


def _everybody(
    handed_in: Sequence[tuple[Entry, list[Found]]], own_names: Collection[str]
) -> list[Student]:
    is_one_folder = len({entry.root for entry, _ in handed_in}) == 1
    everybody: dict[Path, Student] = {}
    for entry, files in handed_in:
        path, name = Path(os.path.abspath(entry.path)), _stem(entry.path)
        is_flat = is_one_folder and entry.root != entry.path
        if name in own_names and path.parent.name and not is_flat:
            path, name = path.parent, path.parent.name
        student = everybody.setdefault(path, Student(name=name, place=path, roots=set(), files=[]))
        student.roots.add(entry.root)
        student.files += files
    return list(everybody.values())


def _is_whole_folder(paths: Sequence[Path], out: Path | None) -> bool:
    """Return whether the paths are all that is in a folder, as the shell expands ``class/*``."""
    places = {Path(os.path.abspath(path)) for path in paths}
    above = {place.parent for place in places}
    if len(above) != 1 or len(places) < 2:
        return False
    try:
        with os.scandir(*above) as scanned:
            folders = {
                Path(entry.path)
                for entry in scanned
                if entry.is_dir(follow_symlinks=False) and not is_left_behind(entry.name)
            }
    except OSError:
        return False
    return places >= {folder for folder in folders if not (out and _is_same(folder, out))}


def _are_classes(everybody: Sequence[Student]) -> bool:
    """Return whether the folders hold several students each, or each a chapter of the same ones."""
    chapters = Counter(
        (root, chapter)
        for student in everybody
        for root in student.roots
        for chapter in student.chapters()
        if student.place != Path(os.path.abspath(root))
    )
    return any(count > 1 for count in chapters.values()) or any(
        len(group) > 1 and _is_one(group) for group in _by_name(everybody).values()
    )


def _below(path: Path, is_one_of_several: bool) -> Iterator[Path]:
    name = os.path.basename(path)
    if is_one_of_several and name not in ("", "..") and is_left_behind(name):
        return  # the shell's pattern found it, too
    # A link that is the only path was meant; among several, a pattern may have found it.
    is_link = is_one_of_several and os.path.islink(path)
    if is_link or not os.path.isdir(path) or name.lower().endswith(ENDING):
        yield path
        return
    try:
        inside = sorted(name for name in os.listdir(path) if not is_left_behind(name))
    except OSError:
        inside = []
    if inside or not is_one_of_several:
        yield from (path / name for name in inside)
    else:
        yield path  # a student's folder, with nothing in it or nothing to be seen


def _is_same(entry: Path, folder: Path) -> bool:
    try:
        return os.path.samefile(entry, folder)
    except OSError:  # one of them is not there, or a link that leads nowhere
        return False


def _stem(path: Path) -> str:
    """Return a name without its ending: of ``ada.ipynb``, ``ada.IPYNB.txt``, ``ada.zip``."""
    whole = re.fullmatch(rf"(.+){re.escape(ENDING)}.*", path.name, re.IGNORECASE | re.DOTALL)
    if whole:
        return whole[1]
    is_folder = os.path.isdir(path) and not os.path.islink(path)
    return path.name if is_folder else path.stem


def _by_name(everybody: Sequence[Student]) -> dict[str, list[Student]]:
    same: defaultdict[str, list[Student]] = defaultdict(list)
    for student in everybody:
        same[printable(student.name)].append(student)
    return same


def _apart(everybody: list[Student]) -> list[Student]:
    """Give those of the same name longer ones; bring one's chapters from two folders together."""
    same = _by_name(everybody)
    alone = Counter(student.place.parent for student in everybody)
    apart = []
    for group in same.values():
        if len(group) > 1 and _is_one(group):
            group[0].files = [file for student in group for file in student.files]
            apart.append(group[0])
            continue
        if len(group) > 1:
            is_alone = all(alone[student.place.parent] == 1 for student in group)
            _lengthen(group, is_alone, same.keys() - {printable(group[0].name)})
        apart += group
    taken: set[str] = set()
    for student in apart:  # names may differ only in what is not shown
        name, count = student.name, 1
        while printable(student.name) in taken:
            count += 1
            student.name = f"{name} ({count})"
        taken.add(printable(student.name))
    return apart


def _is_one(group: Sequence[Student]) -> bool:
    """Return whether one name in several class folders is one student: with other chapters in each.

    Of files that were named one by one nothing says that they are one student's.
    """
    roots = [root for student in group for root in student.roots]
    chapters = [chapter for student in group for chapter in student.chapters()]
    return (
        len(set(roots)) == len(roots)
        and all(os.path.isdir(root) for root in roots)
        and all(student.chapters() or not student.files for student in group)
        and len(set(chapters)) == len(chapters)
    )


def _lengthen(group: Sequence[Student], is_alone: bool, taken: Collection[str]) -> None:
    """Tell students of one name apart: by the folder if each is alone in one, or by the path."""
    places = [student.place for student in group]
    if len({place.parent for place in places}) == 1:
        choices = [[place.name for place in places]]
    else:
        choices = [[place.parent.name for place in places]] if is_alone else []
    for count in range(2, max(len(place.parts) for place in places) + 1):
        above = ["/".join(place.parts[-count:-1]) for place in places]
        choices.append(
            [f"{path}/{student.name}" for path, student in zip(above, group, strict=True)]
        )
    choices.append([str(place) for place in places])
    for names in choices:
        if len(set(names)) == len(names) and not any(name in taken for name in names):
            break
    for student, name in zip(group, names, strict=True):
        student.name = name

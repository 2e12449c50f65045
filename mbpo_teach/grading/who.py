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

from mbpo_teach.grading.found import ENDING, OTHER_FILE, Found, is_left_behind
from mbpo_teach.grading.marks import printable


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file or a folder in the class; `root` is what the instructor named, above it or itself."""

    path: Path
    root: Path


@dataclass(slots=True, kw_only=True)
class Student:
    """Somebody who handed in something.

    `place` is the file or the folder that is theirs, `root` what the instructor named.
    """

    name: str
    place: Path
    root: Path
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


def told_apart(
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
    everybody = _everybody(handed_in, own_names, len(paths) == 1)
    if _are_weeks(everybody):
        return _apart(_together(everybody))
    if len(paths) > 1:
        everybody = _by_folder(everybody, _is_whole_folder(paths, out))
    return _apart(everybody)


def _everybody(
    handed_in: Iterable[tuple[Entry, list[Found]]], own_names: Collection[str], is_one_path: bool
) -> list[Student]:
    """Return a student for each entry; the course's own names in one folder are one student's."""
    everybody: dict[Path, Student] = {}
    for entry, files in handed_in:
        place, name = Path(os.path.abspath(entry.path)), _stem(entry.path)
        root = Path(os.path.abspath(entry.root))
        is_flat = is_one_path and root != place
        if name in own_names and place.parent.name and not is_flat:
            place, name = place.parent, place.parent.name
        student = everybody.setdefault(place, Student(name=name, place=place, root=root, files=[]))
        student.files += files
    return list(everybody.values())


def _are_weeks(everybody: Sequence[Student]) -> bool:
    """Return whether several folders hold the same class, each with a chapter of its own.

    So it is if each has a name in common with another, and never a chapter.
    """
    shared = [student for group in _by_name(everybody) if _is_one(group) for student in group]
    return bool(shared) and {student.root for student in shared} == {
        student.root for student in everybody
    }


def _is_one(group: Sequence[Student]) -> bool:
    """Return whether one name in several folders may be one student: with other chapters in each.

    Of files that were named one by one nothing says that they are one student's.
    """
    roots = {student.root for student in group}
    chapters = [chapter for student in group for chapter in student.chapters()]
    return (
        len(roots) == len(group) > 1
        and all(student.root != student.place for student in group)
        and all(student.chapters() or not student.files for student in group)
        and len(set(chapters)) == len(chapters)
    )


def _together(everybody: Sequence[Student]) -> list[Student]:
    students = []
    for group in _by_name(everybody):
        if _is_one(group):
            group[0].files = [file for student in group for file in student.files]
            group = group[:1]
        students += group
    return students


def _by_folder(everybody: Sequence[Student], are_students: bool) -> list[Student]:
    """Name those in a folder that was named after it, whether it is a student's own or a class.

    `are_students` is whether the folders are each a student's own, unless there is more than one
    notebook of a chapter in one: nobody's work is to count for that of another.
    """
    inside: defaultdict[Path, list[Student]] = defaultdict(list)
    for student in everybody:
        inside[student.root].append(student)
    students = []
    for root, group in inside.items():
        chapters = [
            chapter
            for student in group
            if any(file.trouble != OTHER_FILE for file in student.files)
            for chapter in student.chapters() or {"unknown"}
        ]
        is_clear = len(chapters) < 2 or len(set(chapters) - {"unknown"}) == len(chapters)
        is_folder = any(student.place.parent == root for student in group)
        if are_students and is_folder and is_clear:
            files = [file for student in group for file in student.files]
            students.append(Student(name=root.name, place=root, root=root, files=files))
            continue
        for student in group:
            if student.place.parent == root:
                student.name = f"{root.name}/{student.name}"
        students += group
    return students


def _is_whole_folder(paths: Sequence[Path], out: Path | None) -> bool:
    """Return whether the paths are all that is in a folder, as the shell expands ``class/*``."""
    places = {Path(os.path.abspath(path)) for path in paths}
    above = {place.parent for place in places}
    if len(above) != 1:
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


def _by_name(everybody: Sequence[Student]) -> list[list[Student]]:
    same: defaultdict[str, list[Student]] = defaultdict(list)
    for student in everybody:
        same[printable(student.name)].append(student)
    return list(same.values())


def _apart(everybody: list[Student]) -> list[Student]:
    """Give those of the same name longer ones."""
    groups = _by_name(everybody)
    alone = Counter(student.place.parent for student in everybody)
    once = {printable(group[0].name) for group in groups if len(group) == 1}
    for group in groups:
        if len(group) > 1:
            is_alone = all(alone[student.place.parent] == 1 for student in group)
            _lengthen(group, is_alone, once)
    taken: set[str] = set()
    for student in everybody:  # names may still differ only in what is not shown
        name, count = student.name, 1
        while printable(student.name) in taken:
            count += 1
            student.name = f"{name} ({count})"
        taken.add(printable(student.name))
    return everybody


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

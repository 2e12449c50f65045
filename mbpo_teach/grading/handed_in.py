"""Find what a class handed in: who, which notebook, which chapter.

A path may be one notebook, a flat folder (the student is the file's stem) or a folder per student
(the student is the folder's name). Links are never followed: they may lead out of the class.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mbpo_teach.grading import reading
from mbpo_teach.grading.grade import Submission
from mbpo_teach.grading.marks import Reason
from mbpo_teach.grading.pristine import lean
from mbpo_teach.grading.reading import Unreadable

_DEEPEST = 4
_MOST_FILES = 200
"""Notebooks that are looked at in one student's folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """A notebook that was handed in; `alone` if the student is the file's stem."""

    student: str
    path: Path
    alone: bool
    content: bytes | None
    trouble: str
    chapter: str | None


def submissions(
    course: Path, paths: Sequence[Path], chapters: Sequence[str] = (), *, out: Path | None = None
) -> list[Submission]:
    """Return what is to be graded, by student and chapter.

    Parameters
    ----------
    course
        The clone, which tells an answer from the stub.
    paths
        What the instructor named.
    chapters
        The chapters to grade; every student gets marks for each of them. None given, a student
        with a folder gets marks for every chapter that anybody handed in, and a notebook alone
        for its own chapter.
    out
        The folder of the reports, which is no student's.

    Raises
    ------
    ValueError
        If a path does not exist, there is nothing in them, or a chapter is not in the course.
    """
    chapters = tuple(dict.fromkeys(chapters))
    for chapter in chapters:
        lean(course, chapter)
    found: list[_File] = []
    students: dict[str, bool] = {}
    for path in paths:
        for student, alone, files in _students(path, out):
            students[student] = alone
            found += (_opened(student, file, alone) for file in files)
    if not students:
        named = ", ".join(map(str, paths))
        raise ValueError(f"paths must hold notebooks of students; there are none in {named}")
    handed_in = sorted({file.chapter for file in found if file.chapter and _known(course, file)})
    result = []
    for student in sorted(students):
        mine = [file for file in found if file.student == student]
        own = sorted({file.chapter for file in mine if file.chapter in handed_in and file.chapter})
        one = handed_in if len(handed_in) == 1 else []
        expected = list(chapters) or ((own or one) if students[student] else handed_in)
        result += [_chosen(course, student, chapter, mine) for chapter in expected or [""]]
    return result


def _students(path: Path, out: Path | None) -> Iterator[tuple[str, bool, list[Path]]]:
    """Yield student, whether it is a notebook alone, and the files that may be the notebook."""
    if not os.path.lexists(path):
        raise ValueError(f"path must be a notebook or a folder that exists, not {str(path)!r}")
    if out and _is_same(path, out):
        raise ValueError(f"out must be a folder of its own, not {str(path)!r}, which is graded")
    if path.suffix == ".ipynb" or not path.is_dir():
        yield path.stem, True, [path]
        return
    entries = sorted(
        entry
        for entry in path.iterdir()
        if not entry.name.startswith(".") and not (out and _is_same(entry, out))
    )
    flat = [entry for entry in entries if entry.suffix == ".ipynb"]
    for entry in flat:
        yield entry.stem, True, [entry]
    for entry in entries:
        if entry in flat:
            continue
        if entry.is_symlink():
            # A student's folder that leads elsewhere; a linked README is nobody's.
            if entry.is_dir():
                yield entry.name, False, [entry]
        elif entry.is_dir():
            files = list(_notebooks(entry, _DEEPEST))[:_MOST_FILES]
            if files or not flat:  # beside notebooks alone, a folder without any is no student
                yield entry.name, False, files


def _is_same(entry: Path, folder: Path) -> bool:
    try:
        return os.path.samefile(entry, folder)
    except OSError:  # one of them is not there, or a link that leads nowhere
        return False


def _notebooks(folder: Path, depth: int) -> Iterator[Path]:
    """Yield the notebooks in a folder, without hidden folders and published solutions."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        if entry.name.startswith(".") or entry.name == "solutions":
            continue
        if entry.name.endswith(".ipynb"):
            yield Path(entry.path)
        elif depth and entry.is_dir(follow_symlinks=False):
            yield from _notebooks(Path(entry.path), depth - 1)


def _opened(student: str, path: Path, alone: bool) -> _File:
    content, trouble, chapter = None, "", None
    try:
        content = reading.read(path)
        chapter = reading.chapter_of(content)
        trouble = "" if chapter else "mark.no_exercise"
    except Unreadable as error:
        content, trouble = None, error.key
    return _File(
        student=student,
        path=path,
        alone=alone,
        content=content,
        trouble=trouble,
        chapter=chapter,
    )


def _known(course: Path, file: _File) -> bool:
    """Whether the course has the chapter that a notebook says it is."""
    try:
        lean(course, file.chapter or "")
    except ValueError:
        return False
    return True


def _chosen(course: Path, student: str, chapter: str, files: Sequence[_File]) -> Submission:
    """Return a student's submission for a chapter: the notebook with the most answers written."""
    fitting = [file for file in files if file.chapter == chapter and file.content is not None]
    if not fitting:
        # A file that cannot be read may have been meant; otherwise nothing was handed in.
        trouble = next((file.trouble for file in files if file.trouble), "")
        if not chapter and not trouble and files:
            trouble = "mark.no_exercise"
        return Submission(student=student, chapter=chapter, content=None, trouble=trouble)
    own_name = lean(course, chapter).name
    best = max(
        fitting, key=lambda file: (_written(course, chapter, file), file.path.name == own_name)
    )
    notes: tuple[Reason, ...] = ()
    if len(fitting) > 1:
        notes = (("mark.several", {"count": len(fitting), "name": best.path.name}),)
    return Submission(student=student, chapter=chapter, content=best.content, notes=notes)


def _written(course: Path, chapter: str, file: _File) -> int:
    """Return how many answers of a notebook are not the stub."""
    stubs = {task.id: task.stub.strip() for task in lean(course, chapter).tasks}
    given = reading.answers(file.content or b"")
    return sum(
        answer.source.strip() not in ("", stubs[exercise])
        for exercise, answer in given.items()
        if exercise in stubs
    )

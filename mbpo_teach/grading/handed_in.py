"""Find what a class handed in: who, which notebook, which chapter.

A path may be one notebook, a flat folder (the student is the file's stem) or a folder per student
(the student is the folder's name). Whatever lies there is somebody's: it is graded, or the report
says why not.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from mbpo_teach.grading import reading, who
from mbpo_teach.grading.found import OTHER_FILE, Found, found
from mbpo_teach.grading.grade import Submission
from mbpo_teach.grading.marks import Reason, printable
from mbpo_teach.grading.pristine import lean
from mbpo_teach.grading.who import Student
from mbpo_teach.ground import language

_MOST_NAMES = 10
_LONGEST_NAME = 60
# What is told if there is nothing better to tell.
_LAST = {"mark.in_solutions": 1, "mark.too_deep": 2, "mark.too_many": 3, OTHER_FILE: 4}


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
        gets marks for the chapters that he or she handed in, so that nobody changes what another
        is marked for. Of whom no chapter is known gets those that most others handed in.
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
    names = [path.stem for path in (course / "notebooks" / "en").glob("[0-9][0-9]_*.ipynb")]
    known = {name[:2] for name in names}
    handed_in = (
        (entry, _lightened(course, found(entry.path, known))) for entry in who.entries(paths, out)
    )
    students = who.told_apart(handed_in, {*names, *language.LANGUAGES}, paths, out)
    if not students:
        named = ", ".join(map(str, paths))
        raise ValueError(f"paths must hold notebooks of students; there are none in {named}")
    usual = _usual(students)
    return [
        submission
        for student in sorted(students, key=lambda student: student.name)
        for submission in _of(course, student, chapters or sorted(student.chapters()) or usual)
    ]


def _usual(students: Iterable[Student]) -> list[str]:
    """Return the chapters that more than half of those who handed in any did."""
    each = [student.chapters() for student in students if student.chapters()]
    counts = Counter(chapter for chapters in each for chapter in chapters)
    return sorted(chapter for chapter in counts if 2 * counts[chapter] > len(each))


def _lightened(course: Path, files: Iterable[Found]) -> list[Found]:
    """Return the files of an entry, with the content of the best notebook of each chapter only."""
    best: dict[str, int] = {}
    kept: list[Found] = []
    ranks: list[tuple[int, bool]] = []
    for file in files:
        kept.append(file)
        ranks.append(_rank(course, file))
        if file.notebook:
            chapter, position = file.notebook.chapter or "", len(kept) - 1
            worse = position
            if chapter not in best or ranks[position] > ranks[best[chapter]]:
                worse, best[chapter] = best.get(chapter, -1), position
            if worse >= 0:
                kept[worse] = _without_content(kept[worse])
    return kept


def _without_content(file: Found) -> Found:
    assert file.notebook is not None
    return replace(file, notebook=replace(file.notebook, content=b""))


def _rank(course: Path, file: Found) -> tuple[int, bool]:
    """Return how many answers of a notebook are not the stub, and whether it has its own name."""
    if file.notebook is None or not file.notebook.chapter:
        return 0, False
    pristine = lean(course, file.notebook.chapter)
    stubs = {task.id: task.stub.strip() for task in pristine.tasks}
    written = sum(
        answer.source.strip() not in ("", stubs[exercise])
        for exercise, answer in reading.answers(file.notebook.content).items()
        if exercise in stubs
    )
    return written, PurePosixPath(file.name).name == pristine.name


def _of(course: Path, student: Student, chapters: Collection[str]) -> list[Submission]:
    """Return a student's submissions: of each chapter the notebook with the most answers."""
    result = []
    told: list[Found] = []
    for chapter in chapters or [""]:
        fitting = [
            file for file in student.files if file.notebook and file.notebook.chapter == chapter
        ]
        submission = Submission(student=student.name, chapter=chapter, content=None)
        if fitting:
            whole = [file for file in fitting if file.notebook and file.notebook.content]
            best = max(whole, key=lambda file: _rank(course, file))
            told.append(best)
            result.append(_with_notebook(submission, best, len(fitting)))
            continue
        # A file that cannot be read may have been meant; otherwise nothing was handed in.
        troubled = [file for file in student.files if file.trouble]
        if troubled:
            first = min(troubled, key=lambda file: _LAST.get(file.trouble, 0))
            told.append(first)
            name = _shown(first.name)
            submission = replace(submission, trouble=first.trouble, file=name)
            if first.trouble != OTHER_FILE:  # whose words tell the name themselves
                submission = replace(submission, left=(("mark.file", {"name": name}),))
        result.append(submission)
    rest = [file for file in student.files if not any(file is each for each in told)]
    result[0] = replace(result[0], left=(*result[0].left, *_left_out(rest, chapters)))
    return result


def _with_notebook(submission: Submission, file: Found, count: int) -> Submission:
    assert file.notebook is not None
    notes: list[Reason] = []
    if count > 1:
        name = _shown(PurePosixPath(file.name).name)
        notes.append(("mark.several", {"count": count, "name": name}))
    notes += [(f"mark.by_{way}", {}) for way in file.notebook.known_by]
    return replace(submission, content=file.notebook.content, notes=tuple(notes))


def _left_out(files: Sequence[Found], chapters: Collection[str]) -> tuple[Reason, ...]:
    """Return what is told of files that are not graded: their names, by the reason why not."""
    names: defaultdict[str, list[str]] = defaultdict(list)
    for file in files:
        key = "mark.no_notebook" if file.trouble == OTHER_FILE else file.trouble
        if file.notebook:
            key = "mark.fewer" if file.notebook.chapter in chapters else "mark.not_asked"
        names[key].append(_shown(file.name))
    told: list[Reason] = []
    for key, mine in names.items():
        values = {"names": ", ".join(mine[:_MOST_NAMES]), "because": key}
        more = len(mine) - _MOST_NAMES
        told.append(
            ("mark.besides_more", values | {"count": more})
            if more > 0
            else ("mark.besides", values)
        )
    return tuple(told)


def _shown(name: str) -> str:
    """Return a name as it may stand in a report: of a long one the end tells most."""
    name = printable(name)
    return name if len(name) <= _LONGEST_NAME else f"…{name[-_LONGEST_NAME:]}"

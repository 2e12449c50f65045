"""Grade a whole class: many submissions at a time, each report stored as soon as it is there.

A report is one file, written whole or not at all, named after student and chapter, and marked
with a digest of everything that it depends on. Killed and started again, a run takes what is
stored and grades the rest; a submission that has changed since is graded again.
"""

import hashlib
import json
import os
import re
import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import mbpo_teach
from mbpo_teach.grading import isolation, marks
from mbpo_teach.grading.grade import Submission, grade, not_graded
from mbpo_teach.grading.marks import Mark
from mbpo_teach.grading.pristine import lean
from mbpo_teach.grading.watched import Limits, Place
from mbpo_teach.ground.files import read_plain, write_whole
from mbpo_teach.ground.spread import spread

REPORTS = "submissions"
_MOST_BYTES = 10_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The marks of one submission, and what isolation was in force (`isolation.told`)."""

    isolation: str
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a worker is handed: one submission and how to grade it."""

    course: Path
    submission: Submission
    seed: int
    timeout: float
    isolate: str
    hidden: tuple[Path, ...]


def grade_class(
    course: Path,
    handed_in: Sequence[Submission],
    out: Path,
    *,
    timeout: float,
    isolate: str,
    workers: int | None = None,
    scheduler: str | None = None,
    hidden: Sequence[Path] = (),
) -> Iterator[tuple[int, Report]]:
    """Yield the position of each submission and its report, as they become ready.

    Parameters
    ----------
    course
        The clone.
    handed_in
        What to grade.
    out
        The folder for the reports; it holds the seed too, so that a run which goes on asks what
        it asked before.
    timeout
        Seconds for each cell.
    isolate
        One of :data:`isolation.WAYS`.
    workers, scheduler
        See :func:`mbpo_teach.ground.spread.spread`.
    hidden
        Folders that no answer may see, beside `out`.

    Raises
    ------
    ValueError
        If `timeout` is not positive, `isolate` does not work here, or this is Windows.
    """
    if os.name != "posix":
        raise ValueError("grade needs Linux or macOS; on Windows, use it in WSL")
    if not 0 < timeout < 1e6:
        raise ValueError(f"timeout must be a positive number of seconds, not {timeout!r}")
    if scheduler is None:
        isolate = isolation.in_force(isolate)  # on a cluster, each worker sees what it has
    elif isolate not in isolation.WAYS:
        raise ValueError(f"isolate must be one of {', '.join(isolation.WAYS)}, not {isolate!r}")
    seed = _seed(out)
    jobs = [
        Job(
            course=course,
            submission=submission,
            seed=seed,
            timeout=timeout,
            isolate=isolate,
            hidden=(out.resolve(), *hidden),
        )
        for submission in handed_in
    ]
    yield from spread(
        work,
        jobs,
        workers=workers,
        scheduler=scheduler,
        stored=partial(_stored, out),
        store=partial(_store, out),
    )


def work(job: Job) -> Report:
    """Grade one submission in whichever process this is; the grader's own failure is a mark too."""
    way = "none"
    try:
        way = isolation.in_force(job.isolate)
        course = job.course
        if not (course / "notebooks").is_dir():  # on a cluster the course may lie elsewhere
            course = isolation.PACKAGE.parent
        if job.submission.chapter:
            limits = Limits(seconds=job.timeout)
            ends = time.monotonic() + limits.budget
            place = Place(limits=limits, way=way, hidden=job.hidden, ends=ends)
            given = grade(course, job.submission, seed=job.seed, place=place)
        else:
            given = [_no_chapter(job.submission)]
    except Exception as error:
        given = not_graded(job.submission, f"{type(error).__name__}: {error}")
    first = replace(given[0], notes=(*given[0].notes, *job.submission.left))
    return Report(isolation=isolation.told(way), marks=(first, *given[1:]))


def _no_chapter(submission: Submission) -> Mark:
    """Return the one mark of a file that says of no chapter that it is its."""
    key = submission.trouble or "mark.nothing"
    return Mark(
        student=submission.student,
        chapter="",
        exercise="",
        points=0.0,
        max_points=0.0,
        status="rejected" if submission.trouble else "missing",
        reason=(key, {"name": submission.file}),
    )


def _name(submission: Submission) -> str:
    """Return a file name that is safe whatever a student is called, and no other student's."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", submission.student)[:40]
    whole = submission.student.encode("utf-8", "surrogateescape")
    digest = hashlib.sha256(whole).hexdigest()[:12]
    return f"{plain}-{digest}-{submission.chapter or 'none'}.json"


def _digest(job: Job) -> str:
    """Return a digest of all that a report depends on."""
    submission = job.submission
    cells = lean(job.course, submission.chapter).cells if submission.chapter else ()
    exercises = isolation.PACKAGE / "grading" / f"chapter{submission.chapter}.py"
    parts = [
        submission.content or f"{submission.trouble} {submission.file}".encode(),
        json.dumps([cells, submission.notes, submission.left], sort_keys=True).encode(),
        exercises.read_bytes() if exercises.exists() else b"",
        f"{mbpo_teach.__version__} {job.seed} {job.timeout} {job.isolate}".encode(),
    ]
    whole = b"".join(hashlib.sha256(part).digest() for part in parts)
    return hashlib.sha256(whole).hexdigest()


def _store(out: Path, job: Job, report: Report) -> None:
    data = {
        "digest": _digest(job),
        "isolation": report.isolation,
        "marks": [mark.as_dict() for mark in report.marks],
    }
    content = json.dumps(data, indent=1, ensure_ascii=False)
    write_whole(out / REPORTS / _name(job.submission), content)


def _stored(out: Path, job: Job) -> Report | None:
    """Return the report of an earlier run, unless something changed or the grader had failed."""
    try:
        content = read_plain(out / REPORTS / _name(job.submission), _MOST_BYTES)
        data: Any = json.loads(content)
        if data["digest"] != _digest(job):
            return None
        given = tuple(marks.from_dict(each) for each in data["marks"])
        report = Report(isolation=data["isolation"], marks=given)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    failed = any(mark.status == "not_graded" for mark in report.marks)
    return None if failed else report


def _seed(out: Path) -> int:
    """Return the grader's seed for this folder of reports; made once, and told to nobody."""
    path = out / ".seed"
    try:
        return int(read_plain(path, 100))
    except (OSError, ValueError):
        seed = secrets.randbits(63)
    write_whole(path, f"{seed}\n")
    path.chmod(0o600)
    return seed

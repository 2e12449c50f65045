"""The lock: a child runs the answers and returns outputs only; the parent compares.

The child is handed inputs, and has neither the seed nor the references nor the rest of the
course's package. In one process anything can be forged; arrays that agree with references on
inputs which nobody could know before cannot.
"""

import hashlib
import json
import math
import re
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np

from mbpo_teach.grading import isolation, transfer, watched, workfolder
from mbpo_teach.grading.cells import apart
from mbpo_teach.grading.compare import difference, plain
from mbpo_teach.grading.exercise import Exercise
from mbpo_teach.grading.judge import expected_values
from mbpo_teach.grading.pristine import Task
from mbpo_teach.ground import seeding
from mbpo_teach.ground.files import read_plain
from mbpo_teach.ground.imports import of_the_course

_COPIED = ("attempt", "compare", "shell", "transfer", "inside_limits")
_COURSE = re.compile(rb"mbpo_teach\.([a-z_.]+)")
_MAX_OUTPUT = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """What the parent finds of one exercise: `passed` of `total` calls agree.

    `ended` is empty if the child came to the end of it, else the limit that it passed (see
    :class:`watched.Ending`), or ``"death"``. `trouble` and `error` tell of the first call that gave
    no numbers (see :class:`mbpo_teach.grading.attempt.Attempt`).
    """

    passed: int = 0
    total: int
    ended: str = ""
    trouble: str = ""
    error: str = ""

    @property
    def right(self) -> bool:
        """Whether every output agrees."""
        return not self.ended and self.passed == self.total


def outputs(
    tasks: Sequence[Task],
    answers: Mapping[str, str],
    exercises: Mapping[str, Exercise],
    *,
    seed: int,
    place: watched.Place,
) -> dict[str, Outputs]:
    """Return what the answers' outputs on fresh inputs are worth, by exercise id.

    Parameters
    ----------
    tasks
        The exercises in the order of the notebook. The answers run in one process in that order,
        as in a notebook; those without an answer are left out.
    answers
        The source of each answer, by exercise id; several cells as :func:`cells.joined` has them.
    exercises
        Cases and references, by exercise id.
    seed
        The grader's own; the child never gets it. Inputs depend on it and on the answer.
    place
        Limits and isolation.

    Raises
    ------
    RuntimeError
        If the child ends before it has begun with any answer: the grader's own fault.
    """
    left = [task for task in tasks if task.id in answers]
    cases = {
        task.id: list(exercises[task.id].cases(_stream(seed, task.id, answers[task.id])))
        for task in left
    }
    # Before any answer runs.
    wanted = {name: expected_values(exercises[name], mine) for name, mine in cases.items()}
    found: dict[str, Outputs] = {}
    while left:
        ending, came = _run(left, answers, cases, place)
        over = ending.limit == "budget"
        if not ending.progress and not over:
            # An answer may have wiped out that it began. Where none can, it is the machine.
            empty, _ = _run(left, dict.fromkeys(answers, ""), cases, place)
            if not empty.progress and empty.limit != "budget":
                raise RuntimeError(f"the lock did not start: {ending.limit} {ending.said}")
        begun = left if over else [task for task in left if task.id in ending.progress]
        # The child can only have lied about itself, and gains nothing by it.
        for task in begun or left[:1]:
            expected = wanted[task.id] * len(task.names)
            inputs = cases[task.id] * len(task.names)
            records = _records(came[task.id])
            if records is None:
                found[task.id] = Outputs(total=len(inputs), ended=ending.limit or "death")
            else:
                found[task.id] = _compared(exercises[task.id], inputs, expected, records)
        left = [task for task in left if task.id not in found]
    return found


def _run(
    tasks: Sequence[Task],
    answers: Mapping[str, str],
    cases: Mapping[str, Any],
    place: watched.Place,
) -> tuple[watched.Ending, dict[str, bytes]]:
    """Run the child once; return how it ended, and the beginning of what it wrote, by exercise."""
    place = replace(place, limits=place.limits.for_steps(len(tasks)))
    with workfolder.workplace() as folder:
        _prepare(folder, tasks, answers, cases, place.limits)
        ending = watched.run(
            [sys.executable, "-s", "-B", "run.py"],
            folder,
            place=place,
            package=False,
            variables={},
            steps=[task.id for task in tasks],
            results=[_file(task) for task in tasks],
        )
        return ending, {task.id: _content(folder / _file(task)) for task in tasks}


def _file(task: Task) -> str:
    return f"outputs-{task.id}.json"


def _content(path: Path) -> bytes:
    """Return the beginning of a file that a child wrote; nothing if there is none."""
    try:
        return read_plain(path, _MAX_OUTPUT)
    except OSError:
        return b""


def _stream(seed: int, exercise_id: str, answer: str) -> np.random.Generator:
    """Return the generator of an answer's inputs: the same for the same answer, and no other.

    An error may tell inputs to its student; an answer that has learned them meets new ones.
    """
    source = f"{seed} {answer}".encode("utf-8", "backslashreplace")
    digest = int.from_bytes(hashlib.sha256(source).digest(), "big")
    return seeding.generator(digest, "grade", exercise_id)


def _compared(
    exercise: Exercise, cases: Sequence[Any], expected: Sequence[Any], records: Any
) -> Outputs:
    passed, trouble, error = 0, "", ""
    whole = isinstance(records, list) and len(records) == len(cases)
    for case, wanted, record in zip(cases, expected, records if whole else [], strict=False):
        said, words, data = record if _is_record(record) else ("not_numbers", "", None)
        if not said:
            try:
                answered = plain(exercise.compared(transfer.up(data), case))
                right = difference(answered, wanted, exercise.tolerance) is None
                passed += right
                said = "" if right else words  # that it is in half precision
            except Exception:
                said = "not_numbers"  # data that no answer of the right kind can be
        if said and not trouble:
            trouble, error = said[:20], words[:200].encode(errors="replace").decode()
    return Outputs(passed=passed, total=len(cases), trouble=trouble, error=error)


def _is_record(record: Any) -> bool:
    """Whether this is what the child writes for a call: trouble, error, data."""
    return (
        isinstance(record, list)
        and len(record) == 3
        and isinstance(record[0], str)
        and isinstance(record[1], str)
    )


def _records(content: bytes) -> Any:
    """Return what stands in a file that a child wrote; None if that is nothing, or damaged."""
    try:
        return transfer.read(content.decode())
    except ValueError:
        return None


def _prepare(
    folder: Path,
    tasks: Sequence[Task],
    answers: Mapping[str, str],
    cases: Mapping[str, Any],
    limits: watched.Limits,
) -> None:
    """Put into `folder` the job, the inputs, and the few modules that the child needs."""
    job = {
        "memory": limits.memory,
        "file": limits.file,
        "total": math.ceil(limits.total),
        "exercises": [
            {"id": task.id, "cells": [task.setup, *apart(answers[task.id])], "names": task.names}
            for task in tasks
        ],
    }
    (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
    pickles = {task.id: _pickled(cases[task.id], task.id) for task in tasks}
    for name, pickled in pickles.items():
        (folder / f"cases-{name}").write_bytes(pickled)
    grading = folder / "mbpo_teach" / "grading"
    grading.mkdir(parents=True)
    for name in _COPIED:
        shutil.copyfile(isolation.PACKAGE / "grading" / f"{name}.py", grading / f"{name}.py")
    shutil.copyfile(isolation.PACKAGE / "grading" / "inside_lock.py", folder / "run.py")
    # In place of the real check(): the setup of an exercise imports it.
    (grading / "check.py").write_text("def check(*args, **options):\n    pass\n")
    # Inputs may be of the course's own kinds, such as transitions.
    named = {match.decode() for each in pickles.values() for match in _COURSE.findall(each)}
    for module in _course_modules((task.setup for task in tasks), named):
        copy = folder / "mbpo_teach" / module
        copy.parent.mkdir(exist_ok=True)
        shutil.copyfile(isolation.PACKAGE / module, copy)
    # Without these, Python would go on looking, and find the real package where it is not hidden.
    for room in (folder / "mbpo_teach", *(folder / "mbpo_teach").iterdir()):
        (room / "__init__.py").touch()


def _pickled(cases: Any, exercise_id: str) -> bytes:
    """Return inputs, functions among them, as a program for the child: it trusts the parent."""
    module = sys.modules.get(f"{__package__}.chapter{exercise_id[:2]}")
    if module is None:
        return bytes(cloudpickle.dumps(cases))
    # By value: the child has no such module.
    cloudpickle.register_pickle_by_value(module)
    try:
        return bytes(cloudpickle.dumps(cases))
    finally:
        cloudpickle.unregister_pickle_by_value(module)


def _course_modules(sources: Iterable[str], named: Iterable[str]) -> set[Path]:
    """Return the files of the course that setups import or inputs name, and what these import.

    The grader's own are not among them.
    """
    known: set[Path] = set()
    waiting = [tuple(name.split(".")) for name in named]
    waiting += [place for source in sources for place in of_the_course(source)]
    while waiting:
        room, *rest = waiting.pop()
        if room == "grading" or not rest:
            continue
        module = Path(room, f"{rest[0]}.py")
        file = isolation.PACKAGE / module
        if module not in known and file.exists():
            known.add(module)
            waiting += of_the_course(file.read_text(encoding="utf-8"))
    return known

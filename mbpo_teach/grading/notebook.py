"""Run nbval on a lean notebook in a child, until every answer in it has been dealt with.

All answers run in one kernel, in order, as a student runs them. Where one hangs, ends the kernel
or passes a limit, its stub takes its place and the rest runs again in a fresh kernel: it costs
that exercise only.
"""

import json
import math
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from mbpo_teach.grading import inside_nbval, isolation, watched, workfolder
from mbpo_teach.grading.pristine import Lean, merged
from mbpo_teach.grading.watched import Place
from mbpo_teach.ground.files import read_plain

PASSED, WRONG = "passed", "wrong"
"""Outcomes of an exercise; others are a limit (see :class:`watched.Ending`) or ``"death"``."""

FAULT = "fault"
"""The outcome where nbval gave no report and no answer can be blamed."""

BUDGET = "budget"
"""The outcome of what was left when the time of the whole submission was over."""

_TROUBLES = ("time", "death")
_MOST_TAGS = 20_000


class Cell(NamedTuple):
    """What nbval reports of a cell: `trouble` is empty, ``"time"`` or ``"death"``."""

    exercise: str
    role: str
    passed: bool
    trouble: str


def outcomes(lean: Lean, answers: Mapping[str, str], place: Place) -> dict[str, str]:
    """Return an outcome for each exercise in `answers`, whatever the answers do."""
    left = dict(answers)
    found: dict[str, str] = {}
    while left:
        settled, blamed, trouble = _once(lean, left, place)
        if trouble == BUDGET:
            return found | dict.fromkeys(left, BUDGET)
        if blamed and (trouble == "time" or len(left) == 1):
            found[blamed] = trouble
            del left[blamed]
        elif blamed:
            # It ran when the kernel ended, or a limit was passed; alone it shows whose fault it is.
            found |= outcomes(lean, {blamed: left.pop(blamed)}, place)
            if found[blamed] in (PASSED, WRONG):
                return found | _each_alone(lean, left, place)
        elif trouble and len(left) == 1:
            settled, blamed, trouble = _once(lean, left, place)  # perhaps it was the machine
            # An answer may hide that it ran. Where nothing runs without it either, it did not.
            fault = not settled and not blamed and _once(lean, {}, place)[2]
            return found | (settled or {name: FAULT if fault else trouble for name in left})
        elif trouble:
            return found | _each_alone(lean, left, place)
        else:
            return found | settled
    return found


def _each_alone(lean: Lean, answers: Mapping[str, str], place: Place) -> dict[str, str]:
    """Run each answer in a kernel of its own: one of them leaves something behind that strikes."""
    found: dict[str, str] = {}
    for name, answer in answers.items():
        found |= outcomes(lean, {name: answer}, place)
    return found


def _once(lean: Lean, answers: Mapping[str, str], place: Place) -> tuple[dict[str, str], str, str]:
    """Run nbval once; return outcomes, or else the exercise to blame, if any, and the trouble."""
    notebook = merged(lean, answers)
    cells = [cell["metadata"]["mbpo"] for cell in notebook["cells"]]
    # By the course's cells: an answer in many cells has no more time than one in one.
    limits = _with_nbval(place.limits, len(lean.cells))
    with workfolder.workplace() as folder:
        (folder / inside_nbval.NOTEBOOK).write_text(json.dumps(notebook), encoding="utf-8")
        # A configuration of its own, so that no other one on the way up is found.
        (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
        ending = watched.run(
            _command(place.limits.seconds, limits),
            folder,
            place=replace(place, limits=limits),
            package=True,
            variables={
                "PYTHONPATH": str(isolation.PACKAGE.parent),
                "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
                "MBPO_LANG": "en",
            },
            steps=[str(number) for number in range(len(cells))],
            results=[inside_nbval.REPORT],
        )
        report = _report(folder / inside_nbval.REPORT)
    complete = [(cell.exercise, cell.role) for cell in report] == [
        (cell["exercise"], cell["role"]) for cell in cells
    ]
    if complete and not ending.limit:
        troubled = next((cell for cell in report if cell.trouble), None)
        if troubled is None:
            return {name: _outcome(report, name) for name in answers}, "", ""
        return {}, _blamed(troubled.exercise, troubled.role, answers), troubled.trouble
    trouble = ending.limit or "death"
    if not ending.progress or trouble == BUDGET:
        return {}, "", trouble
    last = cells[len(ending.progress) - 1]
    return {}, _blamed(last["exercise"], last["role"], answers), trouble


def _outcome(report: Iterable[Cell], exercise: str) -> str:
    checks = [cell for cell in report if cell.exercise == exercise and cell.role == "check"]
    return PASSED if checks and all(cell.passed for cell in checks) else WRONG


def _blamed(exercise: str, role: str, answers: Mapping[str, str]) -> str:
    """Return the exercise, if it was its answer that ran."""
    return exercise if role != "setup" and exercise in answers else ""


def _command(seconds: float, limits: watched.Limits) -> list[str]:
    program = [sys.executable, "-s", "-B", "-m", inside_nbval.__name__]
    numbers = [limits.memory, limits.file, math.ceil(limits.total)]
    return [*program, f"{seconds:g}", *map(str, numbers)]


def _with_nbval(limits: watched.Limits, cells: int) -> watched.Limits:
    """Return the limits with the time that nbval itself takes to give up a cell."""
    seconds = limits.seconds + 2 * inside_nbval.OUTPUT_SECONDS
    return replace(limits, seconds=seconds).for_steps(cells)


def _report(path: Path) -> list[Cell]:
    """Return what a JUnit report says of each cell; nothing if it is missing or damaged.

    An answer may have written it: nothing but the words that nbval's own report has is believed.
    """
    try:
        # As text, so that no encoding that it claims hides anything from what follows.
        text = read_plain(path, 20_000_000).decode("utf-8")
        # An entity may stand for gigabytes, and pytest writes none; each tag or attribute takes an
        # object, of which it writes a few for each cell.
        if "<!" in text or text.count("<") > _MOST_TAGS or text.count('="') > _MOST_TAGS:
            return []
        root = ET.fromstring(text)
    except (OSError, ValueError, LookupError, ET.ParseError):
        return []
    found = []
    for case in root.iter("testcase"):
        told = {node.get("name"): node.get("value", "") for node in case.iter("property")}
        bad = any(case.find(tag) is not None for tag in ("failure", "error", "skipped"))
        found.append(
            Cell(
                exercise=told.get("exercise", ""),
                role=told.get("role", ""),
                passed=not bad,
                trouble=told["trouble"] if told.get("trouble") in _TROUBLES else "",
            )
        )
    return found

"""Run notebooks under nbval in a child process, and read what became of each cell."""

import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path

import nbformat

# The promise is 90 s a chapter on two idle cores. What it costs is counted in processor time, to
# which a busy machine adds nothing; a processor half as fast doubles it.
SECONDS, CORES, SLACK = 90, 2, 2
PROCESSOR_SECONDS = SECONDS * CORES * SLACK
# By the clock only what hangs is ended: all this fits a machine ten times slower, or as busy.
CELL_SECONDS = 10 * SECONDS
CHAPTER_SECONDS = 10 * (SECONDS + 30)


# As in the grader, without the grammar of addresses that jsonschema reads for two seconds.
PYTEST = "import sys; sys.modules['rfc3987_syntax'] = None; import pytest; sys.exit(pytest.main())"


class NbvalError(RuntimeError):
    """nbval did not get as far as a report, or reported other cells than the notebook has."""


def processor_seconds() -> float:
    """Return what the child processes that have ended used, their own children included.

    It is 0 on Windows, which keeps no such account.
    """
    times = os.times()
    return times.children_user + times.children_system


def nbval(
    notebooks: Mapping[str, nbformat.NotebookNode],
    folder: Path,
    *,
    language: str,
    cell_seconds: int = CELL_SECONDS,
) -> dict[str, list[str]]:
    """Run copies of the notebooks, each in a fresh kernel.

    Returns for each name one word for each code cell, in order: ``"passed"``, or the report's
    ``"failure"``, ``"error"`` or ``"skipped"``. The order is what identifies a cell; the number
    in nbval's "Cell 3" counts from 0 or from 1 depending on its release.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # An empty configuration of its own, so that no other one on the way up is found.
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    for name, notebook in notebooks.items():
        nbformat.write(notebook, folder / f"{name}.ipynb")
    report = folder / "report.xml"
    command = [sys.executable, "-c", PYTEST, "--nbval-lax", "--nbval-current-env"]
    command += [f"--nbval-cell-timeout={cell_seconds}", "-p", "no:cacheprovider", "--color=no"]
    command += [f"--junitxml={report.name}", *(f"{name}.ipynb" for name in notebooks)]
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name != "MPLBACKEND" and not name.startswith(("PYTEST_", "COV_"))
    }
    done = subprocess.run(
        command,
        cwd=folder,
        env={**inherited, "MBPO_LANG": language},
        capture_output=True,
        text=True,
        timeout=CHAPTER_SECONDS,
    )
    if not report.exists():
        raise NbvalError(f"nbval wrote no report:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    outcomes = _outcomes(report, list(notebooks))
    for name, notebook in notebooks.items():
        cells = sum(cell.cell_type == "code" for cell in notebook.cells)
        if len(outcomes[name]) != cells:
            raise NbvalError(f"{name} has {cells} code cells; reported: {outcomes[name]}")
    return outcomes


def lean(notebook: nbformat.NotebookNode, exercise: str) -> nbformat.NotebookNode:
    """Return the cells of one exercise alone: its setup, answer and check."""
    small = nbformat.from_dict({**notebook, "cells": []})
    small.cells = [
        cell for cell in notebook.cells if cell.metadata.get("mbpo", {}).get("exercise") == exercise
    ]
    return small


def exercises(notebook: nbformat.NotebookNode) -> list[str]:
    """Return the ids of the notebook's exercises, in order."""
    found = (cell.metadata.get("mbpo", {}).get("exercise") for cell in notebook.cells)
    return list(dict.fromkeys(exercise for exercise in found if exercise))


def roles(notebook: nbformat.NotebookNode) -> list[str]:
    """Return the roles of the code cells of a lean notebook."""
    return [cell.metadata["mbpo"]["role"] for cell in notebook.cells]


def _outcomes(report: Path, names: list[str]) -> dict[str, list[str]]:
    outcomes: dict[str, list[str]] = {name: [] for name in names}
    for case in ET.parse(report).getroot().iter("testcase"):
        name = Path(case.attrib["classname"]).name.removesuffix(".ipynb")
        troubles = [child.tag for child in case if child.tag in ("failure", "error", "skipped")]
        outcomes[name].append(troubles[0] if troubles else "passed")
    return outcomes

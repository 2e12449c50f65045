"""What a chapter prints is what its code gives, and its exercises tell right from unwritten.

The slow part of the suite: each chapter runs twice in full, as a student finds it in English and
as a solution in Chinese. All four editions have the same code (test_chapters.py proves it) but for
the answers, and these run in English too, each exercise alone. Both student editions are run in
the browser tests.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest

import build_notebooks
import execution
from build_notebooks import NOTEBOOKS

from .running import PROCESSOR_SECONDS, exercises, lean, nbval, processor_seconds, roles

CHAPTERS = [source.stem for source in build_notebooks.sources(NOTEBOOKS)]
each_chapter = pytest.mark.parametrize("chapter", CHAPTERS)


def _edition(chapter: str, language: str, *, solutions: bool) -> nbformat.NotebookNode:
    path = build_notebooks.edition_path(NOTEBOOKS, chapter, language, solutions=solutions)
    return nbformat.read(path, as_version=4)


@contextmanager
def _timed(name: str, record_property: Callable[[str, object], None]) -> Iterator[None]:
    """Note for the summary how long a run of a chapter takes, and hold it to what is promised."""
    start, spent = time.perf_counter(), processor_seconds()
    yield
    seconds, spent = time.perf_counter() - start, processor_seconds() - spent
    record_property("chapter_seconds", (name, seconds, spent))
    assert spent < PROCESSOR_SECONDS


@each_chapter
def test_a_fresh_run_of_the_solution_gives_the_stored_outputs(
    chapter: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    solved = _edition(chapter, "zh", solutions=True)
    with _timed(f"{chapter} zh", record_property):
        outcomes = nbval({chapter: solved}, tmp_path, language="zh")[chapter]
    assert set(outcomes) == {"passed"}, outcomes


@each_chapter
def test_checks_pass_the_solution_and_nothing_but_the_solution(
    chapter: str, tmp_path: Path
) -> None:
    """Each exercise alone with its setup, so that none leans on another or on the narrative."""
    student = _edition(chapter, "en", solutions=False)
    solved = _edition(chapter, "en", solutions=True)
    notebooks = {}
    for exercise in exercises(solved):
        notebooks[f"{exercise}_solved"] = lean(solved, exercise)
        notebooks[f"{exercise}_stub"] = lean(student, exercise)
    outcomes = nbval(notebooks, tmp_path, language="en")
    for name, notebook in notebooks.items():
        unwritten = name.endswith("_stub")
        expected = [
            "failure" if unwritten and role == "check" else "passed" for role in roles(notebook)
        ]
        assert outcomes[name] == expected, name


@each_chapter
def test_run_all_of_an_untouched_student_edition_reaches_the_end_and_gives_the_stored_outputs(
    chapter: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    student = _edition(chapter, "en", solutions=False)
    compared = [
        cell
        for cell in student.cells
        if "nbval-check-output" in cell.metadata.get("tags", []) and "mbpo" not in cell.metadata
    ]
    stored = [cell.outputs for cell in compared]
    for cell in student.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    with _timed(f"{chapter} en", record_property):
        execution.execute(student, language="en", folder=tmp_path)
    counts = [cell.execution_count for cell in student.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))
    execution.clean(nbformat.from_dict({**student, "cells": compared}))
    assert [cell.outputs for cell in compared] == stored

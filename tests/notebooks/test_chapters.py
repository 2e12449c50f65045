"""The committed chapters: their sources and their four editions each."""

from pathlib import Path

import nbformat
import pytest

import build_glossary
import build_notebooks
import chapters
import pictures
from build_notebooks import NOTEBOOKS

from . import rules

SOURCES = build_notebooks.sources(NOTEBOOKS)
EDITIONS = [
    build_notebooks.edition_path(NOTEBOOKS, source.stem, language, solutions=solutions)
    for source in SOURCES
    for language in chapters.LANGUAGES
    for solutions in (False, True)
]

each_chapter = pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
each_edition = pytest.mark.parametrize(
    "path", EDITIONS, ids=lambda path: str(path.relative_to(NOTEBOOKS).with_suffix(""))
)


def _edition(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


@each_chapter
def test_the_source_follows_the_rules(source: Path) -> None:
    chapter = chapters.read(source)
    broken = {
        "missing parts": rules.missing_parts(chapter),
        "exercises": rules.exercise_faults(chapter),
        "long cells": rules.long_cells(chapter),
        "too little Chinese": rules.too_little_chinese(chapter),
        "stray marks": [
            mark
            for each in chapters.LANGUAGES
            for mark in rules.stray_marks(rules.prose(chapter, each))
        ],
        "stray spaces": rules.stray_spaces(chapter),
        "spoilt predictions": rules.spoilt_predictions(chapter),
        # Chapters 02 and 03 name their sources in words.
        "references": rules.uncited_references(chapter) if chapter.name >= "04" else [],
        "words": rules.avoided_terms(rules.prose(chapter, "zh"), build_glossary.read()),
    }
    assert {rule: found for rule, found in broken.items() if found} == {}


@each_chapter
def test_the_editions_are_built_from_the_present_source(source: Path) -> None:
    assert build_notebooks.out_of_date(chapters.read(source), NOTEBOOKS) == []


@each_edition
def test_an_edition_stores_what_a_reader_needs_and_no_more(path: Path) -> None:
    edition = _edition(path)
    nbformat.validate(edition)
    broken = {
        "unstored": rules.unstored_checks(edition),
        "compared pictures": rules.compared_pictures(edition),
        "widgets": rules.stored_widgets(edition),
        "noise": rules.noisy_outputs(edition),
        "locks": rules.unlocked_cells(edition),
        "Chinese in code": rules.chinese_in_code(edition),
        "links": rules.dead_links(edition, path.parent),
    }
    assert {rule: found for rule, found in broken.items() if found} == {}
    assert path.stat().st_size <= build_notebooks.MOST_BYTES


@each_edition
def test_pictures_are_small(path: Path) -> None:
    sizes = [
        len(output.data["image/png"]) * 3 / 4
        for cell in rules.code_cells(_edition(path))
        for output in cell.outputs
        if "image/png" in output.get("data", {})
    ]
    assert max(sizes, default=0) <= pictures.LIMIT


@pytest.mark.parametrize("solutions", [False, True])
@each_chapter
def test_both_languages_run_the_same_code(source: Path, solutions: bool) -> None:
    english, chinese = (
        _edition(
            build_notebooks.edition_path(NOTEBOOKS, source.stem, language, solutions=solutions)
        )
        for language in chapters.LANGUAGES
    )
    assert rules.different_code(english, chinese) == []


@pytest.mark.parametrize("solutions", [False, True])
@each_chapter
def test_the_english_edition_is_english(source: Path, solutions: bool) -> None:
    path = build_notebooks.edition_path(NOTEBOOKS, source.stem, "en", solutions=solutions)
    assert rules.chinese_in_english(_edition(path)) == []


@each_chapter
def test_the_student_edition_shows_the_outputs_of_the_solutions(source: Path) -> None:
    for language in chapters.LANGUAGES:
        student, solved = (
            _edition(build_notebooks.edition_path(NOTEBOOKS, source.stem, language, solutions=each))
            for each in (False, True)
        )
        outputs = [[cell.outputs for cell in rules.code_cells(one)] for one in (student, solved)]
        assert outputs[0] == outputs[1]
        assert not any("SOLUTION" in cell.source for cell in [*student.cells, *solved.cells])

"""Every claim of the original notes leads to a section in each language and to a computation."""

import importlib
import re

import pytest

import chapters
from build_notebooks import NOTEBOOKS

PAGE = NOTEBOOKS.parent / "docs" / "seed_claims.md"
ROWS = [
    [cell.strip() for cell in line.strip("| ").split(" | ")]
    for line in PAGE.read_text(encoding="utf-8").splitlines()[2:]
    if line.startswith("| ") and not line.startswith("| claim ")
]
LINK = re.compile(r"\[(\d\d) · (.+)\]\(\.\./notebooks/(en|zh)/(\w+)\.ipynb\)")
FUNCTION = re.compile(r"`(\w+)/(\w+)\.(\w+)`")
FIRST = ("Dyna-Q", "PETS", "virtual data", "milestone", "compounding error", "branched rollouts",
         "theorem 4.1", "two terms", "improving by more than", "guidance", "mixed", "MuJoCo",
         "sample efficiency")  # fmt: skip
"""Words of the notes' claims, each of which some row has."""


def headings(name, language):
    chapter = chapters.read(NOTEBOOKS / "_source" / f"{name}.py")
    texts = [cell.text[language] for cell in chapter.cells if cell.code is None]
    return set(re.findall(r"^#+ (.+)$", "\n\n".join(texts), flags=re.MULTILINE))


def test_every_claim_of_the_notes_has_a_row():
    said = "\n".join(row[0] for row in ROWS)
    assert len(ROWS) >= 20
    assert [words for words in FIRST if words not in said] == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:40])
def test_a_claim_leads_to_its_section_in_both_languages(row):
    assert len(row) == 5
    found = [LINK.fullmatch(cell) for cell in row[2:4]]
    assert all(found), row
    assert [match[3] for match in found] == ["en", "zh"]
    assert found[0][4] == found[1][4] and found[0][4].startswith(found[0][1])
    for match in found:
        assert match[2] in headings(match[4], match[3])
        assert (NOTEBOOKS / match[3] / f"{match[4]}.ipynb").is_file()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:40])
def test_a_claim_has_a_computation_or_a_source(row):
    functions = FUNCTION.findall(row[4])
    assert functions or "paper" in row[4]
    for room, file, function in functions:
        module = importlib.import_module(f"mbpo_teach.{room}.{file}")
        assert callable(getattr(module, function))

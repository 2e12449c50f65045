"""Numbers in the prose are those of the outputs beside it, in both languages."""

from pathlib import Path

import nbformat
import pytest

import build_notebooks
import chapters
import claims
from build_notebooks import NOTEBOOKS

SOURCE = """# %% [markdown] tags=["lang-en"]
# The best is $-852${{live[1] | .0f}}, or **36 %**{{live[2] | .0%}} of $1{,}351${{-live[0] | .0f}}.

# %% [markdown] tags=["lang-zh"] twin="00000000"
# 最好是 $-852${{min(live[1:2]) | .0f}}。

# %% named="live"
print("-1,351.2", -851.97, "0.357 v5")
"""


def output(text):
    return [nbformat.v4.new_output("stream", name="stdout", text=text)]


@pytest.fixture
def chapter(tmp_path: Path):
    path = tmp_path / "09_claims.py"
    path.write_text(SOURCE, encoding="utf-8")
    return chapters.read(path)


def test_numbers_of_an_output_are_read_in_order():
    found = claims.numbers(output("-1,351.2 and −3, k=20; 1e-3, v5, 0.5."))
    assert found == (-1351.2, -3.0, 20.0, 0.001, 0.5)


def test_a_widgets_sentence_is_read():
    shown = nbformat.v4.new_output("display_data", data={"text/plain": "C = 5.98", "image/png": ""})
    assert claims.numbers([shown]) == (5.98,)


def test_right_claims_are_right(chapter):
    prose = chapter.cells[0].claims
    live = {"live": (-1351.2, -851.97, 0.357)}
    assert claims.wrong(prose["en"], live) == []
    assert claims.wrong(prose["zh"], live) == []


def test_a_wrong_claim_is_found(chapter):
    live = {"live": (-1351.2, -849.0, 0.357)}
    assert claims.wrong(chapter.cells[0].claims["en"], live) == [
        "-852 is said of live[1], which is -849"
    ]


@pytest.mark.parametrize("name", ["lives[0]", "live[9]", "live.x"])
def test_a_claim_of_nothing_is_found(name):
    assert len(claims.wrong(f"5{{{{{name} | .0f}}}}", {"live": (5.0,)})) == 1


def test_a_claim_without_a_number_is_refused():
    with pytest.raises(ValueError, match="a number must stand before"):
        list(claims.claims("five{{live[0] | .0f}}"))


def test_no_edition_shows_a_claim(chapter):
    for language in chapters.LANGUAGES:
        made = chapters.notebook(chapter, language, solutions=False)
        assert "{{" not in made.cells[0].source and "852" in made.cells[0].source
        assert "named" not in made.cells[1].metadata


def test_claims_leave_hash_and_ids_alone(chapter):
    plain = chapters.unclaimed(chapter.cells[0].claims["en"])
    assert chapter.cells[0].text["en"] == plain
    assert chapters.twin_hash(chapter.cells[0].claims["en"]) == chapters.twin_hash(plain)


@pytest.mark.parametrize("language", chapters.LANGUAGES)
@pytest.mark.parametrize("source", build_notebooks.sources(NOTEBOOKS), ids=lambda path: path.stem)
def test_the_prose_says_what_the_outputs_show(source: Path, language: str):
    chapter = chapters.read(source)
    path = build_notebooks.edition_path(NOTEBOOKS, source.stem, language, solutions=True)
    outputs = claims.shown(chapter, nbformat.read(path, as_version=4))
    for cell in chapter.cells:
        if cell.claims:
            assert claims.wrong(cell.claims[language], outputs) == []

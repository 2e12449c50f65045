"""The glossary is complete in both languages, and its page is in step with its source."""

import pytest

import build_glossary
from mbpo_teach.ground import language

from . import rules

FIELDS = {"en", "zh", "definition_en", "definition_zh"}
SECTIONS = build_glossary.read()
TERMS = [term for section in SECTIONS for term in section["terms"]]


def test_the_page_is_in_step() -> None:
    page = (build_glossary.DOCS / "glossary.md").read_text(encoding="utf-8")
    assert page == build_glossary.page(SECTIONS), "run tools/build_glossary.py"


def test_a_change_of_a_definition_changes_the_page() -> None:
    term = {"en": "a", "zh": "甲", "definition_en": "p(s | a)", "definition_zh": "乙"}
    section = {"section_en": "One", "section_zh": "一", "terms": [term]}
    page = build_glossary.page([section])
    assert "| **a** | **甲** | p(s \\| a) | 乙 |" in page
    assert page != build_glossary.page([{**section, "terms": [{**term, "definition_zh": "丙"}]}])


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term["en"])
def test_a_term_is_complete(term: dict[str, object]) -> None:
    assert FIELDS <= set(term) <= FIELDS | {"avoid_zh"}
    assert all(isinstance(term[field], str) and term[field] for field in FIELDS)
    assert str(term["definition_en"]).isascii() or "一" > max(str(term["definition_en"]))
    assert str(term["definition_zh"]).endswith("。")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_term_stands_once(language: str) -> None:
    names = [term[language] for term in TERMS]
    assert len(set(names)) == len(names)


def test_the_symbols_of_the_theory_have_terms() -> None:
    definitions = " ".join(term["definition_en"] for term in TERMS)
    for symbol in (
        "η[π]",
        "η̂[π]",
        "η_k[π]",
        "ε_m,",
        "ε_m′,",
        "ε_π,",
        "π_D",
        "D_TV",
        "γ",
        "number k",
    ):
        assert symbol in definitions, symbol


def test_the_catalogue_uses_the_words_of_the_glossary() -> None:
    words = "\n".join(entry["zh"] for entry in language.catalogue().values())
    assert rules.avoided_terms(words, SECTIONS) == []

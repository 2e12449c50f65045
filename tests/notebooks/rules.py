"""What every chapter and every edition has to satisfy; each rule returns what breaks it."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import nbformat
from markdown_it import MarkdownIt

import chapters
from chapters import Cell, Chapter

LONGEST_CELL = 15
WIDEST_LINE = 100
LEAST_CHINESE = 2500
LEAST_EXERCISES = 3
# Chapter 00 is the way in, not a lesson: (Chinese characters, exercises).
LEAST_OF_START = (800, 1)

HEAD = {
    "objectives": {"en": r"objectives", "zh": r"目标"},
    "prerequisites": {"en": r"prerequisites", "zh": r"预备|先修"},
    "reading time": {"en": r"reading time", "zh": r"阅读"},
    "run time": {"en": r"run(ning)? time", "zh": r"运行"},
    "glossary": {
        "en": r"\]\(\.\./\.\./docs/glossary\.md\)",
        "zh": r"\]\(\.\./\.\./docs/glossary\.md\)",
    },
    "link to the other language": {
        "en": r"\]\(\.\./zh/{name}\.ipynb\)",
        "zh": r"\]\(\.\./en/{name}\.ipynb\)",
    },
}
SECTIONS = {
    "quiz": {"en": r"quiz", "zh": r"小测|测验|自测"},
    "take-aways": {"en": r"take-?aways", "zh": r"要点|小结"},
    "references": {"en": r"references", "zh": r"参考"},
}

SEEN = {"en": "What was seen", "zh": "看到了什么"}

_FORMULA = re.compile(r"\$\$.*?\$\$|\$[^$\n]+\$", re.DOTALL)
_GAP = re.compile(
    r"[，。；：、？！）」”](?: +|\n)(?=[\w$`*\[（“「])(?!\d+\. |[*-] |\$\$|\*\*(?=\n))"
)
_CHINESE = re.compile(r"[\u3400-\u9fff]")
_LINK = re.compile(r"!?\[[^\]]*\]\([^)]*\)")
_FILE_NAME = re.compile(r"`[^`]*\.(?:png|svg|md|ipynb|py)`")
_HINT = re.compile(r"<details>\s*<summary>.*?(?:hint|提示).*?</summary>", re.IGNORECASE)
_IN_QUOTES = re.compile(r"“[^”]*”")


def prose(chapter: Chapter, language: str) -> str:
    """Return all prose of one language."""
    return "\n\n".join(cell.text[language] for cell in chapter.cells if cell.code is None)


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    """Return the notebook's code cells."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def compared(cell: nbformat.NotebookNode) -> bool:
    """Whether nbval compares the cell's output."""
    return "nbval-check-output" in cell.metadata.get("tags", [])


# Rules about the source of a chapter.


def missing_parts(chapter: Chapter) -> list[str]:
    """A chapter has one H1, its head, a quiz with explained answers, take-aways, references."""
    found = []
    for language in chapters.LANGUAGES:
        texts = [cell.text[language] for cell in chapter.cells if cell.code is None]
        titles = re.findall(r"^# \S", "\n\n".join(texts), flags=re.MULTILINE)
        if len(titles) != 1:
            found.append(f"{language}: {len(titles)} titles of the first level")
        head = "\n".join(texts[:3])
        for part, pattern in HEAD.items():
            if not re.search(
                pattern[language].replace("{name}", chapter.name), head, re.IGNORECASE
            ):
                found.append(f"{language}: no {part} at the head")
        for part, pattern in SECTIONS.items():
            section = _section(prose(chapter, language), pattern[language])
            if not section:
                found.append(f"{language}: no section of {part}")
            elif part == "quiz" and section.count("<details>") < 2:
                found.append(f"{language}: fewer than two explained answers in the quiz")
    return found


def exercise_faults(chapter: Chapter) -> list[str]:
    """Exercises are numbered, and each has a hint, one answer or more, then one check or more."""
    found = []
    number = chapter.name[:2]
    exercises = {cell.metadata["mbpo"]["exercise"]: None for cell in chapter.cells if cell.role}
    least = LEAST_OF_START[1] if number == "00" else LEAST_EXERCISES
    if len(exercises) < least:
        found.append(f"{len(exercises)} exercises, at least {least} are due")
    wanted = [f"{number}-{i + 1}" for i in range(len(exercises))]
    if list(exercises) != wanted:
        found.append(f"exercises {list(exercises)} should be {wanted}, in this order")
    for exercise in exercises:
        found += _faults_of(chapter.cells, exercise)
    return found


def long_cells(chapter: Chapter) -> list[str]:
    """A code cell has at most 15 lines (of an answer cell, its solution), none wider than 100."""
    found = []
    for cell in chapter.cells:
        if cell.code is None:
            continue
        lines = cell.code.splitlines()
        if cell.role == "answer":
            lines = _between_markers(lines)
        length = sum(bool(line.strip()) for line in lines)
        if length > LONGEST_CELL:
            found.append(f"{cell.id} has {length} lines: {cell.code.splitlines()[0]!r}")
        wide = [line for line in cell.code.splitlines() if len(line) > WIDEST_LINE]
        found += [f"{cell.id} has a line of {len(line)} characters: {line!r}" for line in wide]
    return found


def too_little_chinese(chapter: Chapter) -> list[str]:
    """The Chinese chapter is real prose."""
    length = len(_CHINESE.findall(prose(chapter, "zh")))
    least = LEAST_OF_START[0] if chapter.name.startswith("00") else LEAST_CHINESE
    return [f"{length} Chinese characters, at least {least} are due"] if length < least else []


def avoided_terms(text: str, glossary: Sequence[dict[str, Any]]) -> list[str]:
    """Chinese uses the glossary's word where there are several; quoting another is fine."""
    text = _IN_QUOTES.sub("", text)
    return [
        f"{other}: the glossary says {term['zh']}"
        for section in glossary
        for term in section["terms"]
        for other in term.get("avoid_zh", [])
        # The right word may contain the other one.
        if other in text.replace(term["zh"], "")
    ]


def stray_marks(text: str) -> list[str]:
    """No `**` is left when the prose is rendered: one between letter and punctuation is no mark."""
    found = []
    for token in MarkdownIt("commonmark").enable("table").parse(_FORMULA.sub("x", text)):
        for part in token.children or []:
            if part.type == "text" and "**" in part.content:
                found.append(part.content)
    return found


def stray_spaces(chapter: Chapter) -> list[str]:
    """Chinese punctuation brings its own space; only one that ends bold type needs another."""
    found = []
    for cell in chapter.cells:
        shown = chapters.joined(cell.text.get("zh", ""))
        found += [
            shown[max(match.start() - 8, 0) : match.end() + 8] for match in _GAP.finditer(shown)
        ]
    return found


def spoilt_predictions(chapter: Chapter) -> list[str]:
    """What was seen is folded, so that it can be predicted first."""
    return [
        line
        for language, seen in SEEN.items()
        for line in prose(chapter, language).splitlines()
        if seen in line and f"<summary>{seen}</summary>" not in line
    ]


def uncited_references(chapter: Chapter) -> list[str]:
    """Every numbered reference is cited by its number somewhere before the list."""
    found = []
    for language in chapters.LANGUAGES:
        text = prose(chapter, language)
        listed = _section(text, SECTIONS["references"][language])
        cited = _FORMULA.sub("x", text.partition(listed)[0]) if listed else ""
        for number in re.findall(r"^(\d+)\. ", listed, flags=re.MULTILINE):
            if f"[{number}]" not in cited:
                found.append(f"{language}: [{number}]")
    return found


# Rules about the editions.


def chinese_in_english(notebook: nbformat.NotebookNode) -> list[str]:
    """An English edition holds no Chinese but links and file names; code holds none at all."""
    found = []
    for cell in notebook.cells:
        texts = [cell.source]
        if cell.cell_type == "markdown":
            texts = [_FILE_NAME.sub("", _LINK.sub("", cell.source))]
        texts += list(_texts(cell))
        found += [f"{cell.id}: {line}" for text in texts for line in _lines_with_chinese(text)]
    return found


def chinese_in_code(notebook: nbformat.NotebookNode) -> list[str]:
    """Code cells speak no language: words come from the catalogue."""
    cells = code_cells(notebook)
    return [f"{cell.id}: {line}" for cell in cells for line in _lines_with_chinese(cell.source)]


def unstored_checks(notebook: nbformat.NotebookNode) -> list[str]:
    """A compared cell that was not executed is one which nbval silently does not compare."""
    return [
        f"{cell.id} has nothing to compare"
        for cell in code_cells(notebook)
        if compared(cell) and not (cell.execution_count and cell.outputs)
    ]


def compared_pictures(notebook: nbformat.NotebookNode) -> list[str]:
    """A compared cell prints text only."""
    return [
        f"{cell.id} shows {output.output_type}"
        for cell in code_cells(notebook)
        if compared(cell)
        for output in cell.outputs
        if output.output_type != "stream"
    ]


def stored_widgets(notebook: nbformat.NotebookNode) -> list[str]:
    """Neither widget state nor widget views are stored."""
    found = ["widget state in the metadata"] if "widgets" in notebook.metadata else []
    for cell in code_cells(notebook):
        for output in cell.outputs:
            if any("widget" in kind for kind in output.get("data", {})):
                found.append(f"{cell.id} stores a widget view")
    return found


def noisy_outputs(notebook: nbformat.NotebookNode) -> list[str]:
    """No output is an error or came from stderr."""
    return [
        f"{cell.id} stores {output.get('name', output.output_type)}"
        for cell in code_cells(notebook)
        for output in cell.outputs
        if output.output_type == "error" or output.get("name") == "stderr"
    ]


def unlocked_cells(notebook: nbformat.NotebookNode) -> list[str]:
    """Check cells cannot be edited or deleted, answer cells cannot be deleted."""
    found = []
    for cell in code_cells(notebook):
        role = cell.metadata.get("mbpo", {}).get("role")
        if role in ("answer", "check") and cell.metadata.get("deletable") is not False:
            found.append(f"{cell.id} can be deleted")
        if role == "check" and cell.metadata.get("editable") is not False:
            found.append(f"{cell.id} can be edited")
    return found


def different_code(english: nbformat.NotebookNode, chinese: nbformat.NotebookNode) -> list[str]:
    """Both languages have the same code cells, and the same text where nbval compares it."""
    pair = code_cells(english), code_cells(chinese)
    if len(pair[0]) != len(pair[1]):
        return [f"{len(pair[0])} code cells in English, {len(pair[1])} in Chinese"]
    found = []
    for one, other in zip(*pair, strict=True):
        if (one.id, one.source, one.metadata) != (other.id, other.source, other.metadata):
            found.append(f"{one.id} differs from {other.id}")
        elif compared(one) and one.outputs != other.outputs:
            found.append(f"{one.id}: the compared output depends on the language")
    return found


def dead_links(notebook: nbformat.NotebookNode, folder: Path) -> list[str]:
    """Every relative link leads to a file."""
    return [
        f"{cell.id}: {link}"
        for cell in notebook.cells
        if cell.cell_type == "markdown"
        for link in chapters.links(cell.source)
        if not (folder / link).exists()
    ]


def _section(text: str, title: str) -> str:
    """Return the section with this title, up to the next of the same level; empty if none."""
    match = re.search(
        rf"^## [^\n]*(?:{title})[^\n]*\n(.*?)(?=^## |\Z)",
        text,
        flags=re.MULTILINE | re.DOTALL | re.IGNORECASE,
    )
    return match[1] if match else ""


def _faults_of(cells: Sequence[Cell], exercise: str) -> list[str]:
    own = [i for i, cell in enumerate(cells) if _exercise(cell) == exercise]
    order = [cells[i].role for i in own]
    if "answer" not in order or order[-1] != "check" or order != sorted(order, key=_ORDER.index):
        return [f"{exercise}: its cells should be setup, answer, check, not {order}"]
    first_answer = own[order.index("answer")]
    earlier = [i for i in range(own[0]) if _exercise(cells[i]) not in (None, exercise)]
    before = cells[max(earlier, default=-1) + 1 : first_answer]
    return [
        f"{exercise}: no hint in <details> before the answer ({language})"
        for language in chapters.LANGUAGES
        if not any(_HINT.search(cell.text.get(language, "")) for cell in before)
    ]


_ORDER = chapters.ROLES


def _exercise(cell: Cell) -> str | None:
    exercise: str | None = cell.metadata.get("mbpo", {}).get("exercise")
    return exercise


def _between_markers(lines: list[str]) -> list[str]:
    kept, inside = [], False
    for line in lines:
        if line.strip() in (chapters.BEGIN, chapters.END):
            inside = line.strip() == chapters.BEGIN
        elif inside:
            kept.append(line)
    return kept


def _texts(cell: nbformat.NotebookNode) -> Iterator[str]:
    for output in cell.get("outputs", []):
        yield output.get("text", "")
        for kind, data in output.get("data", {}).items():
            if kind.startswith("text/"):
                yield data


def _lines_with_chinese(text: str) -> list[str]:
    return [line for line in text.splitlines() if _CHINESE.search(line)]

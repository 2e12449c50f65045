"""A chapter's source, read and checked, and the four notebooks it makes (docs/contributing.md)."""

import hashlib
import json
import posixpath
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from mbpo_teach.grading.labels import EXERCISE, ROLES
from mbpo_teach.ground.language import LANGUAGES

KEYS = {"tags", "twin", "mbpo", "named"}
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"

# Part of every chapter's digest. Raise it when the builder itself starts to write other notebooks.
FORMAT = 2

# Chinese lines are joined without a space, also after punctuation, but not before a list or table.
_LINE_BREAK = re.compile(
    r"(?<=[\u3000-\u9fff\uff00-\uffef“”…—])\n *(?=[\u3000-\u9fff\uff00-\uffef“”…—])"
    r"|(?<=[，。；：、？！）」”])\n *(?=[A-Za-zα-ωΑ-Ω`\[]|\$(?!\$)|\*\S|\d(?!\d*\. ))"
)
# What a passage says before the cells whose outputs it asks the reader to predict.
PREDICT = "**Predict"
# What a number in the prose is compared with (tools/claims.py): no edition shows it.
CLAIM = re.compile(r"\{\{([^{}|]+)\|([^{}|]+)\}\}")
_LINK = re.compile(r"""(\]\(|(?:src|href)=["'])([^)\s"'#]+)""")


class SourceError(ValueError):
    """A chapter's source breaks a rule; the message names the place and the cure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A prose cell (`text` by language) or a code cell (`code`, the same in both languages).

    `claims` is the prose with its claims still in it, and `named` what they call a code cell.
    """

    id: str
    text: dict[str, str] = field(default_factory=dict)
    claims: dict[str, str] = field(default_factory=dict)
    named: str | None = None
    twin: str | None = None
    code: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def role(self) -> str | None:
        """The part the cell plays in an exercise, if any."""
        role: str | None = self.metadata.get("mbpo", {}).get("role")
        return role

    @property
    def stale(self) -> bool:
        """Whether the English text changed since the Chinese was stamped."""
        return self.code is None and self.twin != twin_hash(self.text["en"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """What one file of ``notebooks/_source`` says, and a hash of it."""

    name: str
    digest: str
    cells: tuple[Cell, ...]


def read(path: Path) -> Chapter:
    """Return the chapter in `path`; raise `SourceError` where its structure breaks a rule."""
    raw = _cells(text(path), path.name)
    cells = _identified(_paired(raw, path.name), path.stem[:2])
    # Of the cells, not of the file: formatting and stamping make no other notebooks.
    content = [(cell.id, cell.text, cell.code, cell.metadata) for cell in cells]
    digest = _short(json.dumps([FORMAT, content], sort_keys=True), 16)
    return Chapter(name=path.stem, digest=digest, cells=cells)


def text(path: Path) -> str:
    """Return what stands in a source; raise `SourceError` if it is empty or cannot be read."""
    try:
        content = path.read_text(encoding="utf-8-sig")  # some editors put a mark in front
    except UnicodeDecodeError as error:
        raise SourceError(f"{path.name}: this is not UTF-8 text ({error.reason})") from None
    except OSError as error:
        raise SourceError(f"{path.name}: it cannot be read ({error.strerror})") from None
    if not content.strip():
        raise SourceError(f"{path.name}: the file is empty")
    return content


def twin_hash(english: str) -> str:
    """Return the hash which a Chinese cell carries of its English twin."""
    return _short(unclaimed(english).strip(), 8)


def unclaimed(prose: str) -> str:
    """Return prose as readers see it, without what its numbers are compared with."""
    return CLAIM.sub("", prose)


def stamped(source: str, file: str = "the source") -> str:
    """Return the source with every Chinese cell's `twin` equal to its English twin's hash."""
    raw = _cells(source, file)
    hashes = [twin_hash(cell.source) for cell in raw if "lang-en" in cell.metadata.get("tags", [])]
    lines = source.splitlines()
    headers = [
        number
        for number, line in enumerate(lines)
        if line.startswith("# %% [markdown]") and '"lang-zh"' in line
    ]
    if len(hashes) != len(headers):
        raise SourceError(
            f"{file}: {len(hashes)} English prose cells but {len(headers)} Chinese ones:"
            " pair them before stamping"
        )
    for number, value in zip(headers, hashes, strict=True):
        header = re.sub(r"\s*\btwin=\S+", "", lines[number])
        lines[number] = f'{header} twin="{value}"'
    return "\n".join(lines) + "\n"


def notebook(chapter: Chapter, language: str, *, solutions: bool) -> nbformat.NotebookNode:
    """Return one edition of the chapter, not yet executed.

    The student edition holds stubs where the solutions were; nothing else differs but links,
    since the solutions lie one folder deeper. What a reader is asked to predict is stored and
    folded: JupyterLab unfolds it when the cell is run, and a click opens it before.
    """
    folder = edition_folder(language, solutions=solutions)
    cells = []
    predicted = False
    for cell in chapter.cells:
        metadata = dict(cell.metadata)
        if cell.code is None:
            predicted = PREDICT in cell.text["en"]
        elif predicted and cell.role is None:
            metadata["jupyter"] = {"outputs_hidden": True}
        if cell.code is None:
            text = cell.text["en"] if language == "en" else joined(cell.text["zh"])
            if solutions:
                text = relinked(text, language)
            made = new_markdown_cell(text, id=cell.id, metadata=metadata)
        else:
            code = solved(cell.code) if solutions else stubbed(cell.code)
            made = new_code_cell(code, id=cell.id, metadata=metadata)
        cells.append(made)
    return new_notebook(
        cells=cells,
        metadata={
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
            "mbpo": {"chapter": chapter.name, "edition": folder, "source": chapter.digest},
        },
    )


def edition_folder(language: str, *, solutions: bool) -> str:
    """Return the edition's folder below ``notebooks``, for example ``zh/solutions``."""
    return f"{language}/solutions" if solutions else language


def solved(code: str) -> str:
    """Return an answer's code without the markers around the solution."""
    kept = [line for line in code.splitlines() if line.strip() not in (BEGIN, END)]
    return "\n".join(kept)


def stubbed(code: str) -> str:
    """Return the code with ``raise NotImplementedError`` where each solution stood."""
    kept = []
    inside = False
    for line in code.splitlines():
        if line.strip() == BEGIN:
            inside = True
            kept.append(line[: line.index(BEGIN)] + "raise NotImplementedError")
        elif line.strip() == END:
            inside = False
        elif not inside:
            kept.append(line)
    return "\n".join(kept)


def joined(text: str) -> str:
    """Return Chinese prose without the source's line breaks, which would be shown as spaces."""
    return _LINE_BREAK.sub("", text)


def relinked(text: str, language: str) -> str:
    """Return prose of a student edition with its relative links fit for the solutions folder.

    A link to a student edition's notebook becomes one to the same notebook among the solutions,
    so that a reader of solutions stays there when changing chapter or language.
    """
    base = f"notebooks/{language}"

    def moved(match: re.Match[str]) -> str:
        opening, link = match.groups()
        if re.match(r"[a-z]+:|/", link):
            return match.group()
        target = posixpath.normpath(posixpath.join(base, link))
        target = re.sub(r"^(notebooks/(?:en|zh))/([^/]+\.ipynb)$", r"\1/solutions/\2", target)
        return opening + posixpath.relpath(target, f"{base}/solutions")

    return _LINK.sub(moved, text)


def links(text: str) -> list[str]:
    """Return the relative links and picture paths in a passage of prose."""
    found = (match.group(2) for match in _LINK.finditer(text))
    return [link for link in found if not re.match(r"[a-z]+:|/", link)]


def _cells(source: str, file: str) -> list[nbformat.NotebookNode]:
    try:
        cells: list[nbformat.NotebookNode] = jupytext.reads(source, fmt="py:percent").cells
    except Exception as error:  # whatever jupytext meets in a broken header
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise SourceError(f"{file}: jupytext cannot read it ({reason})") from None
    return cells


def _paired(raw: list[nbformat.NotebookNode], file: str) -> list[Cell]:
    cells: list[Cell] = []
    waiting: str | None = None  # English text whose Chinese twin has to come next
    for cell in raw:
        metadata = {k: v for k, v in cell.metadata.items() if k != "lines_to_next_cell"}
        tags = metadata.get("tags", [])
        place = f"{file}: the cell {_beginning(cell.source)}"
        if unknown := metadata.keys() - KEYS:
            # A header with a slip in it is read as a title, and its tags would be lost.
            raise SourceError(f"{place} has a header that says {', '.join(sorted(unknown))}")
        if cell.cell_type != "code" and not cell.source.strip():
            raise SourceError(f"{place} is empty")
        if waiting is not None and "lang-zh" not in tags:
            raise SourceError(f"{file}: the English cell {_beginning(waiting)} has no Chinese twin")
        if cell.cell_type == "code":
            named = metadata.pop("named", None)
            made = _code_metadata(metadata, place)
            cells.append(Cell(id="", code=cell.source, metadata=made, named=named))
            _check_markers(cells[-1], place)
        elif cell.cell_type != "markdown" or sum(f"lang-{x}" in tags for x in LANGUAGES) != 1:
            raise SourceError(f'{place} must be prose tagged "lang-en" or "lang-zh", or code')
        elif "lang-en" in tags:
            waiting = cell.source
        elif waiting is None:
            raise SourceError(f"{place} is Chinese but follows no English cell")
        else:
            claims = {"en": waiting, "zh": cell.source}
            text = {language: unclaimed(prose) for language, prose in claims.items()}
            cells.append(Cell(id="", text=text, claims=claims, twin=metadata.get("twin")))
            waiting = None
    if waiting is not None:
        raise SourceError(f"{file}: the English cell {_beginning(waiting)} has no Chinese twin")
    return cells


def _code_metadata(metadata: dict[str, Any], place: str) -> dict[str, Any]:
    exercise = metadata.get("mbpo")
    if exercise is None:
        return metadata
    role = exercise.get("role") if isinstance(exercise, dict) else None
    if role not in ROLES or set(exercise) != {"exercise", "role"}:
        raise SourceError(
            f'{place} needs mbpo={{"exercise": "NN-i", "role": one of {", ".join(ROLES)}}}'
        )
    if not EXERCISE.fullmatch(str(exercise["exercise"])):
        raise SourceError(f"{place}: an exercise id reads NN-i, not {exercise['exercise']!r}")
    made = dict(metadata)
    if role == "check":
        made["tags"] = sorted({*metadata.get("tags", []), "nbval-check-output"})
        made["editable"] = False
    if role in ("answer", "check"):
        made["deletable"] = False
    return made


def _check_markers(cell: Cell, place: str) -> None:
    assert cell.code is not None
    lines = cell.code.splitlines()
    markers = [line.strip() for line in lines if line.strip() in (BEGIN, END)]
    wanted = [BEGIN, END] * (len(markers) // 2)
    if markers != wanted or bool(markers) != (cell.role == "answer"):
        raise SourceError(
            f"{place}: every answer cell, and no other, holds {BEGIN} and {END} in this order"
        )
    if any(line.startswith(BEGIN) for line in lines):
        raise SourceError(
            f"{place}: a solution stands inside a function, so that Run All on the stub reaches"
            " the end"
        )


def _identified(cells: list[Cell], number: str) -> tuple[Cell, ...]:
    # From the content: a new cell leaves the ids of all others, and so their history, alone.
    made: list[Cell] = []
    seen: dict[str, int] = {}
    for cell in cells:
        content = cell.text["en"] if cell.code is None else cell.code
        name = f"{number}-{_short(content, 8)}"
        if "mbpo" in cell.metadata:
            name = f"{cell.metadata['mbpo']['exercise']}-{cell.role}"
        seen[name] = seen.get(name, 0) + 1
        identity = name if seen[name] == 1 else f"{name}-{seen[name]}"
        made.append(replace(cell, id=identity))
    return tuple(made)


def _beginning(text: str) -> str:
    first = text.strip().splitlines()[0] if text.strip() else ""
    return f'"{first[:50]}"'


def _short(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]

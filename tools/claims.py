"""Numbers in the prose, compared with the outputs that they speak of.

A chapter's source names a code cell, ``# %% named="live"``, and says behind a number in the prose
what it is: ``$-852${{live[2] | .0f}}``. `live` are the numbers that the cell's stored output shows
in that language, in the order in which they stand there; behind the bar is the format in which the
prose rounds. The builder leaves the braces out of every edition (docs/contributing.md).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import nbformat

from chapters import CLAIM, Chapter
from mbpo_teach.course.lasting import CAPTION

_NUMBER = re.compile(r"(?<![\w.])[-−+]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?")
# At the end of what stands before the braces: the number, and what closes a formula or a phrase.
_SAID = re.compile(r"([-−+]?\d(?:[\d., ]|\{,\})*)(\s*\\?%)?[$*)]*$")
_KNOWN = {"abs": abs, "len": len, "max": max, "min": min, "round": round, "sum": sum}


class Claim(NamedTuple):
    """A number as the prose has it, the expression that gives it, and the format it is said in."""

    said: str
    expression: str
    form: str


def claims(prose: str) -> Iterator[Claim]:
    """Yield the claims of a passage, braces and all.

    Raises
    ------
    ValueError
        If no number stands before the braces.
    """
    for match in CLAIM.finditer(prose):
        before = CLAIM.sub("", prose[: match.start()])
        found = _SAID.search(before)
        if found is None:
            raise ValueError(f"a number must stand before {match.group()}, not {before[-20:]!r}")
        said = found[1] + ("%" if found[2] else "")
        yield Claim(_bare(said), match[1].strip(), match[2].strip())


def numbers(outputs: Sequence[nbformat.NotebookNode]) -> tuple[float, ...]:
    """Return the numbers that a cell's stored outputs show as text, in order."""
    texts = []
    for output in outputs:
        if output.get("metadata") == CAPTION:  # says once more what the picture's sentence says
            continue
        text = output.get("text", output.get("data", {}).get("text/plain", ""))
        texts.append(text if isinstance(text, str) else "".join(text))
    found = _NUMBER.findall("\n".join(texts))
    return tuple(float(_bare(number)) for number in found)


def shown(chapter: Chapter, edition: nbformat.NotebookNode) -> dict[str, tuple[float, ...]]:
    """Return the numbers of each named cell of the chapter, as `edition` stores them."""
    stored = {cell.id: cell.get("outputs", []) for cell in edition.cells}
    return {cell.named: numbers(stored[cell.id]) for cell in chapter.cells if cell.named}


def wrong(prose: str, outputs: Mapping[str, Sequence[float]]) -> list[str]:
    """Return one sentence for each claim of a passage that its output does not bear out."""
    faults = []
    for said, expression, form in claims(prose):
        try:
            value = eval(expression, {"__builtins__": {}}, {**_KNOWN, **outputs})
        except (AttributeError, IndexError, NameError, TypeError) as error:
            faults.append(f"{expression}: {error}")
            continue
        meant = _bare(format(value, form))
        if said != meant:
            faults.append(f"{said} is said of {expression}, which is {meant}")
    return faults


def _bare(number: str) -> str:
    """Return a number without thousands separators and with an ASCII minus."""
    bare = re.sub(r"\{,\}|[, ]", "", number).replace("−", "-")
    return bare.rstrip(".")

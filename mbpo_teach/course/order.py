"""A cell that is run before the cells above it says so, instead of a bare NameError.

``python -m mbpo_teach lab`` loads this into every kernel. The error stays what it is; below it
stands one sentence, if the missing name is one that the notebook itself makes further up.
"""

import json
import os
import symtable
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from mbpo_teach.ground import language


def load_ipython_extension(shell: Any) -> None:
    """Have the notebook's shell explain missing names; called by IPython."""
    shell.set_custom_exc((NameError,), _explain)


def _explain(
    shell: Any,
    kind: type[NameError],
    error: NameError,
    traceback: TracebackType,
    tb_offset: int | None = None,
) -> None:
    notebook = Path(os.environ.get("JPY_SESSION_NAME", ""))
    parent = getattr(shell, "parent_header", {})
    if kind is NameError and error.name in names_above(notebook, _cell_id(parent)):
        error.add_note(language.text("order.above", name=error.name))
    shell.showtraceback((kind, error, traceback), tb_offset=tb_offset)


def names_above(notebook: Path, cell_id: str | None) -> frozenset[str]:
    """Return the names that a notebook's code makes above a cell, or anywhere if it is not known.

    A file that cannot be read has none: whoever asks has an error to show already.
    """
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        place = next((i for i, cell in enumerate(cells) if cell.get("id") == cell_id), len(cells))
        code = ["".join(cell["source"]) for cell in cells[:place] if cell["cell_type"] == "code"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return frozenset()
    return frozenset(name for source in code for name in _made(source))


def _made(source: str) -> Iterator[str]:
    try:
        symbols = symtable.symtable(source, "cell", "exec").get_symbols()
    # Unfinished, or with a line of IPython's own; the others are what no parser can take.
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for symbol in symbols:
        if symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace():
            yield symbol.get_name()


def _cell_id(parent: Any) -> str | None:
    """Return the id of the cell that runs, which JupyterLab sends along with its code."""
    try:
        return str(parent["metadata"]["cellId"])
    except (KeyError, TypeError):
        return None

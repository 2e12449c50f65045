"""Pictures that outlive their kernel: what a notebook file holds of a lab.

A live lab's output is a widget, which means nothing without the kernel that made it: opened the
next day, JupyterLab would show an error in its place. The same output carries a picture and a
sentence. In a file the widget is left out, and the sentence stands as text below the picture, with
a line on how to make it move. The build of the editions does this too; used by all chapters.
"""

import html
import re
from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any

from mbpo_teach.ground import language

VIEW = "application/vnd.jupyter.widget-view+json"
"""The kind of output that is a live widget."""

Views = dict[tuple[str, str], dict[str, Any]]
"""Live widgets left out of a file, by the id of their cell and the picture in their place."""

CAPTION = {"mbpo": "caption"}
"""The metadata of an output that holds a picture's sentence."""

_PNG = "image/png"
_CHINESE = re.compile("[\u3400-\u9fff]")


def lasting(output: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what a file holds of one output of a cell.

    A widget beside a picture becomes the picture, and a second output with its sentence. Any
    picture gets its sentence as a description. Everything else stays as it is.
    """
    kept = deepcopy(dict(output))
    data = kept.get("data", {})
    sentence = _joined(data.get("text/plain"))
    if _PNG not in data or not sentence or sentence.startswith("<"):  # <Figure size 640x480 ...>
        return [kept]
    # Other tools write outputs without metadata, which Jupyter opens.
    kept["metadata"] = {**(kept.get("metadata") or {}), _PNG: {"alt": sentence}}
    if data.pop(VIEW, None) is None:
        return [kept]
    return [kept, _caption(sentence)]


def without_widgets(notebook: dict[str, Any]) -> tuple[dict[str, Any], Views]:
    """Return `notebook` as a file holds it, and the live widgets that were left out."""
    notebook = deepcopy(notebook)
    left_out: Views = {}
    for cell in _code_cells(notebook):
        for output in cell["outputs"]:
            data = output.get("data", {})
            if VIEW in data and _PNG in data:
                left_out[cell.get("id", ""), _joined(data[_PNG])] = data[VIEW]
        cell["outputs"] = [kept for output in cell["outputs"] for kept in lasting(output)]
    if not any(VIEW in output.get("data", {}) for output in _outputs(notebook)):
        notebook["metadata"].pop("widgets", None)  # the state of widgets that are not there
    return notebook, left_out


def with_widgets(notebook: dict[str, Any], views: Views) -> None:
    """Put live widgets back in the place of their pictures, in `notebook` itself."""
    for cell in _code_cells(notebook):
        outputs: list[dict[str, Any]] = []
        for output in cell.get("outputs", []):
            live = bool(outputs) and VIEW in outputs[-1].get("data", {})
            if live and output.get("metadata") == CAPTION:
                continue  # the widget says its sentence itself
            place = cell.get("id", ""), _joined(output.get("data", {}).get(_PNG))
            if place in views:
                output["data"][VIEW] = views[place]
            outputs.append(output)
        cell["outputs"] = outputs


def _caption(sentence: str) -> dict[str, Any]:
    spoken = "zh" if _CHINESE.search(sentence) else "en"
    how = language.say("lasting.how", spoken)
    as_html = (
        f'<p lang="{spoken}">{html.escape(sentence)}</p>\n<p lang="{spoken}"><em>{how}</em></p>'
    )
    return {
        "output_type": "display_data",
        "data": {"text/html": as_html, "text/plain": f"{sentence}\n{how}"},
        "metadata": dict(CAPTION),
    }


def _code_cells(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def _outputs(notebook: dict[str, Any]) -> Iterable[dict[str, Any]]:
    return (output for cell in _code_cells(notebook) for output in cell["outputs"])


def _joined(text: Any) -> str:
    """Return text that may stand in a file as a list of its lines; nothing of what is no text."""
    lines = text if isinstance(text, list) else [text]
    return "".join(line for line in lines if isinstance(line, str))

"""Exported pages for everybody: pictures with descriptions, pages that say their language.

JupyterLab's File > Save and Export, and ``jupyter nbconvert``, write a picture without its
description and call every page English. ``python -m mbpo_teach lab`` has them do this first.
"""

import html
from typing import Any

import nbformat
from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode

from mbpo_teach.course.lasting import without_widgets


class Described(Preprocessor):
    """Gives each picture of an exported notebook its sentence, and the page its language."""

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Return the notebook and what is known of the page."""
        described = nbformat.from_dict(without_widgets(nb)[0])
        for cell in described.cells:
            for output in cell.get("outputs", []):
                said = output.get("metadata", {}).get("image/png", {}).get("alt")
                if said is not None:
                    picture = output["data"].pop("image/png")
                    output["data"]["text/html"] = (
                        f'<img alt="{html.escape(said)}" src="data:image/png;base64,{picture}">'
                    )
        edition = nb.metadata.get("mbpo", {}).get("edition", "en")  # zh, or zh/solutions
        resources["language_code"] = edition.partition("/")[0]
        return described, resources

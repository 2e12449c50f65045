"""The helper around nbval reports what happened, on small notebooks where that is known."""

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from .running import lean, nbval, roles


def _cell(source: str, stored: str = "", role: str = "check") -> nbformat.NotebookNode:
    outputs = [new_output("stream", name="stdout", text=stored)] if stored else []
    metadata = {
        "tags": ["nbval-check-output"] if stored else [],
        "mbpo": {"exercise": "09-1", "role": role},
    }
    return new_code_cell(source, outputs=outputs, execution_count=1, metadata=metadata)


def test_each_cell_gets_its_own_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", "--this-option-must-not-reach-the-child")
    right = new_notebook(
        cells=[
            _cell("import os", role="setup"),
            _cell("print(os.environ['MBPO_LANG'])", "zh\n"),
        ]
    )
    wrong = new_notebook(
        cells=[
            _cell("print('not compared')"),
            _cell("print(2)", "1\n"),
            _cell("print(1)", "1\n"),
            _cell("# NBVAL_SKIP\nprint(2)", "1\n"),
            _cell("1 / 0"),
        ]
    )
    assert nbval({"right": right, "wrong": wrong}, tmp_path, language="zh") == {
        "right": ["passed", "passed"],
        "wrong": ["passed", "failure", "passed", "skipped", "failure"],
    }


def test_a_lean_notebook_holds_one_exercise() -> None:
    other = _cell("other")
    other.metadata["mbpo"]["exercise"] = "09-2"
    notebook = new_notebook(cells=[_cell("a", role="setup"), new_code_cell("b"), other, _cell("c")])
    small = lean(notebook, "09-1")
    assert [cell.source for cell in small.cells] == ["a", "c"]
    assert roles(small) == ["setup", "check"]
    assert len(notebook.cells) == 4

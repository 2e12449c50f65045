"""The helper around nbval reports what happened, on small notebooks where that is known."""

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

import execution

from .running import CELL_SECONDS, SECONDS, lean, nbval, processor_seconds, roles


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


@pytest.mark.parametrize("source", ["while True: pass", "import time; time.sleep(3600)"])
def test_a_cell_that_hangs_is_ended(source: str, tmp_path: Path) -> None:
    notebook = new_notebook(cells=[_cell("ready = 1"), _cell(source)])
    found = nbval({"hangs": notebook}, tmp_path, language="en", cell_seconds=2)
    assert found["hangs"] == ["passed", "failure"]


def test_only_what_hangs_is_ended_by_the_clock() -> None:
    assert min(CELL_SECONDS, execution.CELL_SECONDS) >= 10 * SECONDS


def test_waiting_for_a_busy_machine_costs_no_processor_time_and_work_does(tmp_path: Path) -> None:
    """The work of a process that the kernel starts counts, too."""
    work = "import time\nwhile time.process_time() < 6: pass"
    cells = {
        "waits": "import time; time.sleep(6)",
        "works": f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {work!r}])",
    }
    spent = {}
    for name, source in cells.items():
        before = processor_seconds()
        outcomes = nbval({name: new_notebook(cells=[_cell(source)])}, tmp_path, language="en")
        spent[name] = processor_seconds() - before
        assert outcomes[name] == ["passed"]
    assert spent["works"] > 6
    assert spent["works"] - spent["waits"] > 3


def test_a_lean_notebook_holds_one_exercise() -> None:
    other = _cell("other")
    other.metadata["mbpo"]["exercise"] = "09-2"
    notebook = new_notebook(cells=[_cell("a", role="setup"), new_code_cell("b"), other, _cell("c")])
    small = lean(notebook, "09-1")
    assert [cell.source for cell in small.cells] == ["a", "c"]
    assert roles(small) == ["setup", "check"]
    assert len(notebook.cells) == 4

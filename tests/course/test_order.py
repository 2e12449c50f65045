"""What a kernel says of a cell that was run before the cells above it."""

import json

import pytest
from IPython.core.interactiveshell import InteractiveShell

from mbpo_teach.course import order
from mbpo_teach.ground import language

CELLS = [
    ("a", "import numpy as np\nfrom mbpo_teach.grading.check import check"),
    ("b", "def f(x):\n    hidden = x\n    return hidden\ntotal = f(1)"),
    ("c", "%matplotlib inline"),
    ("d", "check('01-1', f)"),
    ("e", "below = 1"),
]


@pytest.fixture
def notebook(tmp_path, monkeypatch):
    cells = [{"cell_type": "code", "id": name, "source": [code]} for name, code in CELLS]
    file = tmp_path / "a.ipynb"
    file.write_text(json.dumps({"cells": cells}), "utf-8")
    monkeypatch.setenv("JPY_SESSION_NAME", str(file))
    return file


@pytest.fixture
def shell(monkeypatch):
    made = InteractiveShell()
    made.parent_header = {"metadata": {"cellId": "d"}}
    order.load_ipython_extension(made)
    return made


def test_names_made_above_are_known_and_those_inside_functions_are_not(notebook):
    assert order.names_above(notebook, "d") == {"np", "check", "f", "total"}
    assert "below" in order.names_above(notebook, None)
    assert order.names_above(notebook, "a") == frozenset()


@pytest.mark.parametrize("content", [None, "{", "[]", '{"cells": [{}]}'])
def test_a_file_that_cannot_be_read_has_no_names(tmp_path, content):
    file = tmp_path / "a.ipynb"
    if content is not None:
        file.write_text(content, "utf-8")
    assert order.names_above(file, "d") == frozenset()


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_name_from_above_is_explained_below_the_error(notebook, shell, capsys, monkeypatch, lang):
    monkeypatch.setattr(language, "_chosen", [lang])
    result = shell.run_cell("check")
    assert isinstance(result.error_in_exec, NameError)
    said = capsys.readouterr().out
    assert "NameError" in said and language.text("order.above", name="check") in said


@pytest.mark.parametrize("code", ["below", "unheard_of", "1 / 0", "def g():\n  x\n  x = 1\ng()"])
def test_every_other_error_is_shown_as_it_is(notebook, shell, capsys, code):
    shell.run_cell(code)
    said = capsys.readouterr().out
    assert "Error" in said and "further up" not in said


@pytest.mark.parametrize(
    "content", ['{"cells": {"a": 1}}', '{"cells": [1]}', "[" * 100_000, '{"cells": [{"id": "a"}]}']
)
def test_a_broken_file_has_no_names(notebook, content):
    notebook.write_text(content, "utf-8")
    assert order.names_above(notebook, None) == frozenset()


@pytest.mark.parametrize("odd", ["x = '\ud800'", "x = '\0'", "x = " + "-" * 100_000 + "1"])
def test_a_cell_that_no_parser_takes_hides_no_names_of_others(notebook, odd):
    cells = [{"cell_type": "code", "id": code, "source": code} for code in ("a = 1", odd)]
    notebook.write_text(json.dumps({"cells": cells}), "utf-8")
    assert order.names_above(notebook, None) == {"a"}

"""tools/build_notebooks.py: outputs that can be stored, files written whole, the same each time."""

import base64
import io
import re
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from PIL import Image

import build_notebooks
import chapters
import execution
import pictures
from execution import ExecutionError

from . import rules, small

WIDGET = "application/vnd.jupyter.widget-view+json"


def _png(pixels: np.ndarray) -> str:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, format="PNG")
    return base64.b64encode(out.getvalue()).decode()


def _noise(side: int) -> str:
    rng = np.random.default_rng(0)
    return _png(rng.integers(0, 256, (side, side, 3), dtype=np.uint8))


# Outputs.


def test_cleaning_keeps_pictures_and_text_and_drops_what_changes() -> None:
    pixels = np.zeros((20, 30, 3), dtype=np.uint8)
    shown = new_output(
        "execute_result",
        data={WIDGET: {"model_id": "a"}, "image/png": _png(pixels), "text/plain": "sentence"},
        execution_count=1,
    )
    outputs = [
        shown,
        new_output("stream", name="stderr", text="warning"),
        new_output("stream", name="stdout", text="yes\n"),
    ]
    cell = new_code_cell("lab", outputs=outputs, metadata={"execution": {"start": "now"}})
    notebook = new_notebook(cells=[cell], metadata={"widgets": {"state": {}}})
    execution.clean(notebook)
    (cell,) = notebook.cells
    picture, words, printed = cell.outputs
    assert set(picture.data) == {"image/png", "text/plain"}
    assert picture.metadata["image/png"]["alt"] == "sentence"
    assert words.data["text/plain"].startswith("sentence\nA still picture")
    assert printed.name == "stdout"
    assert "execution" not in cell.metadata
    assert "widgets" not in notebook.metadata
    kept = Image.open(io.BytesIO(base64.b64decode(cell.outputs[0].data["image/png"])))
    assert kept.mode == "P"
    assert kept.size == (30, 20)


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ({WIDGET: {}, "text/plain": "VBox()"}, "needs a picture"),
        ({"text/plain": "<object object at 0x7f00deadbeef>"}, "memory address"),
        ({"text/plain": f"Run: {sys.executable} -m pip"}, "path of this machine"),
        ({"image/png": _noise(500), "text/plain": ""}, "at most 120 KB"),
    ],
)
def test_an_output_that_cannot_be_stored_names_its_cell(
    data: dict[str, object], complaint: str
) -> None:
    output = new_output("display_data", data=data)
    notebook = new_notebook(cells=[new_code_cell("first line\nsecond", outputs=[output])])
    with pytest.raises(ExecutionError, match=f'the cell "first line": .*{complaint}'):
        execution.clean(notebook)


def test_a_picture_gives_up_colours_before_it_is_refused() -> None:
    few = pictures.quantised(base64.b64decode(_noise(200)), limit=35_000)
    assert len(few) <= 35_000
    with pytest.raises(pictures.PictureError, match="draw it smaller"):
        pictures.quantised(base64.b64decode(_noise(200)), limit=20_000)


# The command.


def test_a_build_and_what_makes_it_out_of_date(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = small.write(tmp_path)
    assert build_notebooks.main(["--check"], tmp_path) == 1
    assert list(tmp_path.glob("*/*.ipynb")) == []
    assert build_notebooks.main(["09"], tmp_path) == 0
    assert re.search(r"09_small en: ran in [0-9.]+ s", capsys.readouterr().out)

    editions = sorted(tmp_path.rglob("*.ipynb"))
    assert [str(each.relative_to(tmp_path).parent) for each in editions] == [
        "en",
        "en/solutions",
        "zh",
        "zh/solutions",
    ]
    for each in editions:
        notebook = nbformat.read(each, as_version=4)
        assert rules.unstored_checks(notebook) == rules.noisy_outputs(notebook) == []
        check = rules.code_cells(notebook)[-1]
        assert check.outputs[0].text == "[09-1] right\n"

    before = {each: (each.stat().st_mtime_ns, each.read_bytes()) for each in editions}
    assert build_notebooks.main([], tmp_path) == 0
    assert build_notebooks.main(["--check"], tmp_path) == 0
    assert before == {each: (each.stat().st_mtime_ns, each.read_bytes()) for each in editions}

    assert build_notebooks.main(["--force", "09"], tmp_path) == 0
    assert all(before[each][1] == each.read_bytes() for each in editions)

    student = tmp_path / "en" / "09_small.ipynb"
    student.write_text(student.read_text().replace("A passage", "My passage"))
    chapter = chapters.read(path)
    assert build_notebooks.out_of_date(chapter, tmp_path) == [
        "en/09_small.ipynb was edited by hand: edit the source instead"
    ]
    student.write_text("<<<<<<< " + student.read_text())
    assert build_notebooks.out_of_date(chapter, tmp_path) == ["en/09_small.ipynb is not a notebook"]
    for damaged in ("[]", '{"nbformat": 4, "nbformat_minor": 5, "cells": []}', '{"cells": "x"}'):
        student.write_text(damaged)
        assert build_notebooks.out_of_date(chapter, tmp_path) == [
            "en/09_small.ipynb is not a notebook"
        ]
    path.write_text(path.read_text() + "\n# %%\nnumber = 1\n")
    assert len(build_notebooks.out_of_date(chapters.read(path), tmp_path)) == 4

    # A chapter that fails keeps its old editions, and says where it failed.
    kept = {each: each.read_bytes() for each in editions}
    path.write_text(path.read_text() + "\n# %%\n1 / 0\n")
    capsys.readouterr()
    assert build_notebooks.main(["09"], tmp_path) == 1
    message = capsys.readouterr().err
    assert '09_small, en: the cell "1 / 0" raised ZeroDivisionError: division by zero' in message
    assert kept == {each: each.read_bytes() for each in editions}
    assert list(tmp_path.rglob(".*")) == []


def test_a_stale_chapter_is_not_built(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = small.write(tmp_path, stamp=False)
    assert build_notebooks.main([], tmp_path) == 1
    assert "look at the Chinese, then run tools/build_notebooks.py --stamp 09" in (
        capsys.readouterr().err
    )
    assert list(tmp_path.rglob("*.ipynb")) == []
    assert build_notebooks.main(["--stamp", "09"], tmp_path) == 0
    assert path.read_text() == chapters.stamped(small.SOURCE)


def test_an_unknown_chapter_gets_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small.write(tmp_path)
    assert build_notebooks.main(["42"], tmp_path) == 1
    assert capsys.readouterr().err == "there is no source of chapter 42\n"


def test_a_cell_that_hangs_is_stopped(tmp_path: Path) -> None:
    notebook = new_notebook(cells=[new_code_cell("ready = 1"), new_code_cell("while True: pass")])
    with pytest.raises(ExecutionError, match='the cell "while True: pass" ran too long'):
        execution.execute(notebook, language="en", folder=tmp_path, cell_seconds=1)


def test_a_kernel_that_dies_is_reported(tmp_path: Path) -> None:
    cells = [new_code_cell("import os"), new_code_cell("os._exit(1)")]
    with pytest.raises(ExecutionError, match=r'the cell "os._exit\(1\)" ended the kernel'):
        execution.execute(new_notebook(cells=cells), language="en", folder=tmp_path)


def test_the_kernel_is_this_interpreter_and_knows_its_language_and_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MPLBACKEND", "Agg")
    code = "import os, sys\nprint(sys.executable, os.environ['MBPO_LANG'], os.getcwd())\n"
    # The kernel sets its own inline backend; Agg would mean that no picture is ever shown.
    code += "print(os.environ.get('MPLBACKEND') == 'Agg')"
    notebook = new_notebook(cells=[new_code_cell(code)])
    execution.execute(notebook, language="zh", folder=tmp_path)
    assert notebook.cells[0].outputs[0].text.split() == [
        sys.executable,
        "zh",
        str(tmp_path),
        "False",
    ]

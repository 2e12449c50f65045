"""What nbval's report says is believed only as far as nbval itself could have said it."""

import sys
import tempfile
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbpo_teach.grading import inside_nbval, notebook

CASE = (
    '<testcase><properties><property name="exercise" value="00-1"/>'
    '<property name="role" value="answer"/><property name="trouble" value="{}"/>'
    "</properties></testcase>"
)


def read(path, text):
    path.write_text(text, encoding="utf-8")
    return notebook._report(path)


@pytest.mark.parametrize(
    ("said", "believed"),
    [("time", "time"), ("death", "death"), ("", ""), ("passed", ""), ("fault", ""), ("xyz", "")],
)
def test_a_forged_trouble_is_none(said, believed, tmp_path):
    (cell,) = read(tmp_path / "report.xml", f"<testsuites>{CASE.format(said)}</testsuites>")
    assert (cell.exercise, cell.role, cell.trouble) == ("00-1", "answer", believed)


@pytest.mark.parametrize(
    "text",
    [
        "<testsuites>",
        "",
        f'<!DOCTYPE a [<!ENTITY b "c">]><testsuites>{CASE.format("&b;")}</testsuites>',
    ],
)
def test_a_damaged_report_and_one_with_entities_say_nothing(text, tmp_path):
    assert read(tmp_path / "report.xml", text) == []


GOOD = f"<testsuites>{CASE.format('time')}</testsuites>"


@pytest.mark.parametrize(
    "content",
    [
        b'<?xml version="1.0" encoding="klingon"?>' + GOOD.encode(),
        f'<?xml version="1.0" encoding="utf-16"?>{GOOD}'.encode("utf-16"),
        f'<!DOCTYPE a [<!ENTITY b "c">]>{GOOD}'.encode("utf-16"),
        f'<?xml version="1.0" encoding="utf-32"?>{GOOD}'.encode("utf-32"),
        b"\xff" + GOOD.encode(),
        b"\0" * 100,
        b"<a>" * 1_000_000,
        b"<a" + b' b=""' * 1_000_000 + b"/>",
    ],
    ids=range(8),
)
def test_whatever_a_child_wrote_it_is_a_report_or_none(content, tmp_path):
    (tmp_path / "report.xml").write_bytes(content)
    tracemalloc.start()
    found = notebook._report(tmp_path / "report.xml")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # An encoding that text in UTF-8 wrongly claims has no say.
    assert found in ([], [notebook.Cell("00-1", "answer", True, "time")])
    assert most < 50_000_000


@given(st.binary(max_size=200))
def test_any_bytes_are_a_report_or_none(content):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.xml"
        path.write_bytes(content)
        assert notebook._report(path) == []


def test_a_report_that_is_no_file_is_none(tmp_path):
    (tmp_path / "report.xml").mkdir()
    assert notebook._report(tmp_path / "report.xml") == []


def test_nbval_is_loaded_without_a_grammar_that_no_notebook_needs(monkeypatch):
    """It costs two seconds of the processor, for every pass over every submission."""
    monkeypatch.setattr(inside_nbval, "limit", lambda *_: None)
    monkeypatch.setitem(sys.modules, "rfc3987_syntax", sys)  # put back afterwards
    loaded = []
    monkeypatch.setattr(
        pytest, "main", lambda *_, **__: loaded.append(sys.modules["rfc3987_syntax"])
    )
    inside_nbval.main("1", "1", "1", "1")
    assert loaded == [None]

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbpo_teach.grading import reading
from mbpo_teach.grading.reading import Answer, Unreadable


def cell(source, exercise="00-1", role="answer", kind="code"):
    metadata = {"mbpo": {"exercise": exercise, "role": role}}
    return {"cell_type": kind, "source": source, "metadata": metadata}


def notebook(*cells, **changed):
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "cells": cells} | changed).encode()


def test_answers_come_by_exercise_and_cells_with_one_id_are_joined():
    content = notebook(
        cell("setup", role="setup"),
        cell(["a = 1\n", "b = 2"]),
        cell("other", "00-2"),
        cell("c = 3"),
        cell("prose", kind="markdown"),
        {"cell_type": "code", "source": "narrative", "metadata": {}},
    )
    assert reading.answers(content) == {
        "00-1": Answer(source="a = 1\nb = 2\nc = 3", cells=2),
        "00-2": Answer(source="other", cells=1),
    }


def test_the_chapter_is_that_of_most_exercise_cells():
    content = notebook(cell("", "05-1"), cell("", "04-1", "check"), cell("", "04-2", "setup"))
    assert reading.chapter_of(content) == "04"
    assert reading.chapter_of(notebook()) is None


@pytest.mark.parametrize(
    "odd",
    [
        None,
        "a cell",
        {},
        {"metadata": None},
        {"metadata": {"mbpo": []}},
        cell("x", exercise=7),
        cell("x", exercise="../../etc"),
        cell("x", exercise="00-1\n"),
        cell("x", exercise="٠٤-1"),
        cell("x", role=["answer"]),
    ],
)
def test_cells_of_no_exercise_are_nobodys(odd):
    assert reading.answers(notebook(odd)) == {}


@pytest.mark.parametrize("source", [None, 7, {}, ["a", 7], [None]])
def test_a_source_that_is_no_text_is_as_good_as_empty(source):
    (answer,) = reading.answers(notebook(cell(source))).values()
    assert answer.source in ("", "a")


@pytest.mark.parametrize(
    ("content", "key"),
    [
        (b"", "mark.empty"),
        (b" \n", "mark.empty"),
        (b"\xff\xfe", "mark.not_utf8"),
        (notebook()[:-1], "mark.not_json"),
        (b'{"a": ' * 50_000, "mark.not_json"),
        (b"1" * 5000, "mark.not_json"),
        (b"[]", "mark.no_notebook"),
        (b"{}", "mark.no_notebook"),
        (notebook(nbformat="4"), "mark.no_notebook"),
        (notebook(cells=None), "mark.no_notebook"),
        (notebook(nbformat=3), "mark.version"),
        (notebook(nbformat=99), "mark.version"),
    ],
)
def test_what_is_no_notebook_says_why(content, key):
    with pytest.raises(Unreadable) as caught:
        reading.answers(content)
    assert caught.value.key == key


def test_a_file_with_a_byte_order_mark_is_read():
    assert reading.answers(b"\xef\xbb\xbf" + notebook(cell("x")))["00-1"].source == "x"


def test_only_plain_files_are_read(tmp_path, monkeypatch):
    file = tmp_path / "x.ipynb"
    file.write_bytes(b"content")
    assert reading.read(file) == b"content"
    (tmp_path / "link.ipynb").symlink_to(file)
    (tmp_path / "folder.ipynb").mkdir()
    os.mkfifo(tmp_path / "pipe.ipynb")  # opening it must not wait for a writer
    monkeypatch.setattr(reading, "MAX_BYTES", 6)
    for name, key in {
        "link": "link",
        "folder": "no_file",
        "pipe": "no_file",
        "nowhere": "no_file",
        "x": "large",
    }.items():
        with pytest.raises(Unreadable) as caught:
            reading.read(tmp_path / f"{name}.ipynb")
        assert caught.value.key == f"mark.{key}"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.binary() | JSON.map(lambda data: json.dumps(data).encode()))
def test_anything_is_answers_or_unreadable(content):
    try:
        assert isinstance(reading.answers(content), dict)
    except Unreadable as error:
        assert error.key.startswith("mark.")


@given(st.lists(st.fixed_dictionaries({}, optional={
    "cell_type": st.just("code") | JSON,
    "source": st.text() | JSON,
    "metadata": JSON | st.fixed_dictionaries({"mbpo": JSON}),
})))  # fmt: skip
def test_any_cells_are_read(cells):
    assert isinstance(reading.answers(notebook(*cells)), dict)


def test_outputs_of_any_size_are_no_trouble(monkeypatch):
    long = cell("x") | {"outputs": [{"output_type": "stream", "text": ["step [1]\n"] * 1_500_000}]}
    content = notebook(long)
    assert len(content) > 20_000_000
    assert reading.bare(content).chapter == "00"
    assert reading.answers(content)["00-1"].source == "x"
    assert len(reading.bare(content).content) < 1000


@pytest.mark.parametrize(
    ("cells", "key"),
    [
        ([cell("x" * 1_000_001)], "mark.much_code"),
        ([cell("")] * 10_001, "mark.much_code"),
        ([cell("x" * 10_000_001, kind="markdown")], "mark.large"),
    ],
)
def test_more_than_anybody_writes_is_refused(cells, key):
    with pytest.raises(Unreadable) as caught:
        reading.bare(notebook(*cells))
    assert caught.value.key == key


def test_a_bare_notebook_has_code_labels_and_the_python_that_saved_it():
    picture = {"image/png": "A"}
    content = notebook(
        {"cell_type": "markdown", "source": "prose", "attachments": {"a.png": picture}},
        cell(["a = 1\n", "b"]) | {"outputs": [{"data": picture}]},
        {"cell_type": "code", "source": "narrative", "metadata": {"tags": ["x"] * 9}},
        metadata={"language_info": {"version": "3.13.1"}, "widgets": {"state": {"x": 1}}},
    )
    bare = reading.bare(content)
    assert (bare.chapter, bare.known_by) == ("00", ())
    assert reading.answers(bare.content) == reading.answers(content)
    whole = json.loads(bare.content)
    assert whole["metadata"] == {"language_info": {"version": "3.13.1"}}
    assert [each["source"] for each in whole["cells"]] == ["a = 1\nb", "narrative"]
    assert b"prose" not in bare.content and b"image" not in bare.content
    assert reading.bare(bare.content) == bare

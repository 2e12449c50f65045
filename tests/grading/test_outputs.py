"""What is cut out of a notebook before it is parsed, against what parsing it first would give."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbpo_teach.grading import outputs
from mbpo_teach.grading.outputs import TooLarge, without_outputs

text = st.text(alphabet=st.sampled_from('"\\[]{},:é outputs'), max_size=12)
JSON = st.recursive(
    st.none() | st.integers() | text,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            text | st.sampled_from(["outputs", "widgets", "cells"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)
containers = st.lists(JSON, max_size=3) | st.dictionaries(text, JSON, max_size=3)
cells = st.fixed_dictionaries(
    {"outputs": containers}, optional={"source": JSON, "attachments": containers, "x": JSON}
)
notebooks = st.fixed_dictionaries(
    {"cells": st.lists(cells, max_size=3)},
    optional={"metadata": st.fixed_dictionaries({"widgets": containers, "x": text})},
)


@given(notebooks, st.booleans(), st.sampled_from([None, 1]))
def test_the_rest_is_as_it_was(notebook, is_ascii, indent):
    content = json.dumps(notebook, ensure_ascii=is_ascii, indent=indent).encode()
    found = json.loads(without_outputs(content))
    for cell in notebook["cells"]:
        cell |= {name: None for name in ("outputs", "attachments") if name in cell}
    if "metadata" in notebook:
        notebook["metadata"]["widgets"] = None
    assert found == notebook


@given(st.text(alphabet='"\\[]{}:outps', max_size=60))
def test_any_text_comes_to_an_end(content):
    assert isinstance(without_outputs(content.encode()), bytes)


@pytest.mark.parametrize(
    "content",
    [
        b'\\"' * 2_000_000,
        b'"' * 3_000_000,
        b'"a"' + b"[" * 2_000_000,
        b'{"cells":[{"outputs":' * 100_000,
        b'{"cells":[{"outputs":[' + b'"' + b"\\\\" * 2_000_000,
        b"[]," * 1_000_000,
    ],
    ids=range(6),
)
def test_no_content_takes_more_than_its_length(content):
    start = time.process_time()
    try:
        without_outputs(content)
    except TooLarge:
        pass
    # A second or two; each of them would take hours if brackets or quotes were looked for anew.
    assert time.process_time() - start < 60


def test_what_is_left_has_a_size(monkeypatch):
    monkeypatch.setattr(outputs, "MAX_BYTES", 30)
    assert without_outputs(b'{"cells":[{"outputs":["' + b"x" * 99 + b'"]}]}')
    with pytest.raises(TooLarge):
        without_outputs(b'{"cells":[{"source":["' + b"x" * 99 + b'"]}]}')

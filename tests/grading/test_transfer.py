import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mbpo_teach.grading import transfer
from mbpo_teach.grading.compare import plain

ARRAYS = st.one_of(
    hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0))
    for dtype in (np.float64, np.float32, np.bool_)
)
KEYS = st.recursive(st.text() | st.integers(), lambda inner: st.lists(inner).map(tuple))
PLAIN = st.recursive(
    ARRAYS,
    lambda inner: st.lists(inner).map(tuple) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=5,
)


def same(left, right):
    if isinstance(left, np.ndarray):
        assert left.dtype == right.dtype and left.shape == right.shape
        assert left.tobytes() == right.tobytes()
    elif isinstance(left, tuple):
        assert isinstance(right, tuple)
        for one, other in zip(left, right, strict=True):
            same(one, other)
    else:
        assert list(left) == list(right)
        for key in left:
            same(left[key], right[key])


@given(PLAIN)
def test_plain_data_come_back_bit_for_bit(value):
    same(value, transfer.loads(transfer.dumps(value)))


def test_what_answers_return_comes_back():
    value = plain({(0, 1): 1.5, "b": [True, np.float32(2), (np.nan, np.inf)]})
    same(value, transfer.loads(transfer.dumps(value)))


ARRAY = ["f8", [1], "AAAAAAAAAAA="]


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        7,
        "text",
        [],
        {},
        ["pickle", "gASVAA=="],
        ["f8"],
        ["f8", [1]],
        ["f8", [2], ARRAY[2]],
        ["f8", [-1], ARRAY[2]],
        ["f8", [True], ARRAY[2]],
        ["f8", [10**30, 0], ""],
        ["f8", [2**31 - 1, 0], ""],
        ["f8", [0] * 32 + [0], ""],
        ["b1", [1001, 1000, 0], ""],
        ["f8", [1], "not base64!"],
        ["f8", [1] * 40, ARRAY[2]],
        ["O", [1], ARRAY[2]],
        [["f8"], [1], ARRAY[2]],
        [*ARRAY, 1],
        ["tuple", 7],
        ["dict", 7],
        ["dict", [1]],
        ["dict", [None, ARRAY]],
        ["dict", [True, ARRAY]],
        ["dict", [{}, ARRAY]],
        ["dict", ["a", ARRAY], ["a", ARRAY]],
        ["dict", *([number, ARRAY] for number in range(1001))],
    ],
)
def test_anything_else_is_refused(wrong):
    with pytest.raises(ValueError):
        transfer.loads(json.dumps(wrong))


@pytest.mark.parametrize(
    "text",
    [
        "[" * 5000,
        '["tuple",' * 30 + "1" + "]" * 30,
        "1" * 5000,
        f'["dict", [{"1" * 101}, ["f8", [], "AAAAAAAAAAA="]]]',
        '["tuple"' + ',["b1",[0],""]' * 100_000 + "]",
    ],
)
def test_too_deep_or_too_long_is_refused(text):
    with pytest.raises(ValueError):
        transfer.loads(text)


@pytest.mark.parametrize("token", ["NaN", "-Infinity", "1.5", "1e400", "{}", '{"a": 1, "a": 2}'])
def test_there_is_nothing_in_json_but_lists_texts_and_whole_numbers(token):
    with pytest.raises(ValueError, match="no plain data"):
        transfer.read(f"[{token}]")


def test_a_boolean_is_a_boolean_whatever_its_byte():
    (value,) = transfer.up(["b1", [1], "Bw=="])
    assert value.tobytes() == b"\x01"

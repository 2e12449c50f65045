import subprocess
import sys
from collections import OrderedDict
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mbpo_teach.grading.compare import difference, plain

finite = st.floats(-1e6, 1e6)
arrays = hnp.arrays(
    np.float64, hnp.array_shapes(min_dims=0, max_dims=3, max_side=4), elements=finite
)


class Pair(NamedTuple):
    first: float
    second: float


def kind(returned, expected, tolerance=1e-9):
    found = difference(plain(returned), plain(expected), tolerance)
    return found and found.kind


@given(arrays)
def test_everything_agrees_with_itself(array):
    assert kind(array, array) is None
    assert kind(array.tolist(), array) is None


@given(arrays, st.data())
def test_one_changed_number_is_found_where_it_is(array, data):
    if array.size == 0:
        return
    changed = array.copy()
    index = np.unravel_index(data.draw(st.integers(0, array.size - 1)), array.shape)
    changed[index] += 1e-6 * (1 + abs(array[index]))
    found = difference(plain(changed), plain(array), 1e-9)
    assert found.kind == "value"
    assert found.where == (f"[{', '.join(map(str, index))}]" if array.ndim else "")


@given(arrays)
def test_a_single_precision_answer_is_not_marked_down(array):
    assert kind(array.astype(np.float32), array) is None
    assert kind([np.float32(x) for x in array.ravel()], array.ravel()) is None


def test_one_number_in_single_precision_makes_the_whole_so():
    assert kind([np.float32(0.1), 0.2], np.array([0.1, 0.2])) is None


@given(arrays)
def test_shapes_are_never_broadcast(array):
    assert kind(array[..., None], array) == "shape"
    assert kind(array, array[None]) == "shape"


def test_the_classic_column_against_row():
    found = difference(plain(np.ones((4, 1))), plain(np.ones(4)), 1e-9)
    assert (found.kind, found.returned, found.expected) == ("shape", (4, 1), (4,))


@pytest.mark.parametrize(
    ("returned", "expected"),
    [
        (1, 1.0),
        (True, True),
        (np.True_, True),
        (Fraction(1, 2), 0.5),
        (10**30, 1e30),
        (Pair(1, 2), (1.0, 2.0)),
        ([1, 2], (1.0, 2.0)),
        ((1, 2), np.array([1.0, 2.0])),
        (np.array([1.0, 2.0]), (1.0, 2.0)),
        ([(1, 2), [3, 4]], np.array([[1.0, 2.0], [3.0, 4.0]])),
        ((), np.zeros(0)),
        (range(3), np.arange(3.0)),
        (OrderedDict(b=2, a=1), {"a": 1.0, "b": 2.0}),
        ({(np.int64(0), 1): 2.0}, {(0, 1): 2.0}),
        (np.inf, np.inf),
        ((1.0, (True, [3])), (1.0, (True, np.array([3.0])))),
        (np.ma.masked_array([1.0, 2.0]), np.array([1.0, 2.0])),
    ],
)
def test_what_means_the_same_agrees(returned, expected):
    assert kind(returned, expected) is None


@pytest.mark.parametrize(
    ("returned", "expected", "why"),
    [
        (np.nan, 1.0, "finite"),
        (np.inf, 1.0, "finite"),
        (1.0, np.inf, "value"),
        (-np.inf, np.inf, "value"),
        (1e300, np.inf, "value"),
        (np.nan, np.inf, "value"),
        (False, True, "value"),
        (1.0, (1.0, 2.0), "kind"),
        ((1.0, 2.0, 3.0), (1.0, 2.0), "length"),
        ((1.0, (2.0, 3.0)), np.ones(2), "kind"),
        ({"a": 1.0}, {"b": 1.0}, "keys"),
        ({"a": 1.0, "b": 1.0}, {"a": 1.0}, "keys"),
        (1.0, {"a": 1.0}, "kind"),
        ({"a": 1.0}, 1.0, "kind"),
        ({"a": 1.0}, {"a": 2.0}, "value"),
        (np.array([1.0, np.nan]), np.array([1.0, 2.0]), "finite"),
    ],
)
def test_what_differs_is_found(returned, expected, why):
    assert kind(returned, expected) == why


def test_rows_are_counted_before_anything_is_made_of_them():
    """An array of two thousand million rows of nothing is no larger than one of none."""
    found = difference(np.zeros((2**31 - 1, 0)), (np.zeros(0), np.zeros(0)), 0.0)
    assert (found.kind, found.returned, found.expected) == ("length", 2**31 - 1, 2)


def test_the_place_of_a_difference_leads_into_tuples_and_tables():
    found = difference(plain((1.0, {"a": [1, 5]})), plain((1.0, {"a": [1, 2]})), 1e-9)
    assert (found.where, found.returned, found.expected) == ("[1]['a'][1]", 5, 2)


@pytest.mark.parametrize(
    "value",
    ["1.5", b"1", 1j, np.array([1j]), object(), {1, 2}, [1, "2"], [1, None], {"a": "b"}, print],
)
def test_what_is_not_a_number_is_refused(value):
    with pytest.raises(TypeError):
        plain(value)


def test_nothing_agrees_with_nan_not_even_nan():
    assert kind(np.nan, np.nan) == "value"


def test_a_lying_float_has_no_say():
    class Liar(float):
        def __eq__(self, other):
            return True

        __ne__ = __lt__ = __gt__ = lambda self, other: False
        __sub__ = __rsub__ = __abs__ = lambda self, *other: Liar(0)
        __hash__ = float.__hash__

    assert kind(Liar(3), 4.0) == "value"
    assert kind([Liar(3), Liar(4)], np.array([4.0, 4.0])) == "value"
    assert kind({"a": Liar(3)}, {"a": 4.0}) == "value"


def test_a_lying_array_has_no_say():
    class Liar(np.ndarray):
        def __eq__(self, other):
            return np.ones(self.shape, bool)

        def __array_ufunc__(self, *args, **kwargs):
            return np.ones(self.shape, bool)

    assert kind(np.zeros(3).view(Liar), np.ones(3)) == "value"


def test_plain_data_are_copies():
    array = np.zeros(3)
    copied = plain({"a": (array,)})
    array[:] = 1
    np.testing.assert_array_equal(copied["a"][0], 0)


def test_tensors_are_detached_and_keep_their_precision():
    torch = pytest.importorskip("torch")
    row = torch.tensor([1.0, 2.0], requires_grad=True)
    assert plain(row).dtype == np.float32
    assert plain(row.double()).dtype == np.float64
    assert plain(row.bfloat16()).dtype == np.float32
    assert kind((row * 1.00001, row.sum()), (np.array([1.0, 2.0]), 3.0)) is None
    assert kind([row[0], row[1]], np.array([1.0, 2.0])) is None


def test_comparing_does_not_load_torch():
    code = (
        "import sys, numpy as np; from mbpo_teach.grading import compare;"
        "compare.plain((np.ones(3), 1)); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbpo_teach.grading.shown import number, shown


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (1, "1"),
        (1 / 3, "0.333333"),
        (-2.5, "-2.5"),
        (1234567.0, "1.23457e+06"),
        (np.float32(0.1), "0.1"),
        (np.inf, "∞"),
        (-np.inf, "-∞"),
        (np.nan, "nan"),
    ],
)
def test_number(value, text):
    assert number(value) == text


@given(st.floats(allow_nan=False))
def test_a_number_has_at_most_six_digits_and_no_negative_zero(value):
    mantissa = number(value).split("e")[0]
    assert sum(character.isdigit() for character in mantissa.lstrip("-0.")) <= 6
    assert mantissa != "-0"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "True"),
        (np.False_, "False"),
        (np.array(True), "True"),
        (np.array([1, -0.0]), "[1, 0]"),
        (np.eye(2), "[[1, 0], [0, 1]]"),
        (np.zeros((3, 4)), "array(3, 4)"),
        (np.zeros(100), "array(100)"),
        ((1.0,), "(1,)"),
        ((1.0, [2, 3]), "(1, [2, 3])"),
        ({(0, 1): 0.5}, "{(0, 1): 0.5}"),
        ("left", "'left'"),
        (number, "number"),
        (object(), "object(…)"),
        (None, "None"),
    ],
)
def test_shown(value, text):
    assert shown(value) == text


def test_a_long_value_is_cut():
    assert len(shown(list(range(1000)))) == 64


def test_a_value_that_cannot_be_shown_is_named_by_its_type():
    class Broken(dict):
        def items(self):
            raise RuntimeError

    assert shown(Broken()) == "Broken"


def test_a_tensor_is_shown_like_an_array():
    torch = pytest.importorskip("torch")
    assert shown(torch.tensor([1.0, 2.0], requires_grad=True)) == "[1, 2]"

"""The growth law: hand numbers, the linear system it solves, and reading it off a curve."""

import numpy as np
import pytest

from mbpo_teach.theory.growth import fit_growth, growth


@pytest.mark.parametrize(
    ("stretch", "expected"), [(0.0, 0.1), (0.5, 0.175), (1.0, 0.3), (2.0, 0.7)]
)
def test_growth_by_hand(stretch, expected):
    assert growth(0.1, stretch, 3) == pytest.approx(expected)


def test_growth_against_the_linear_system():
    error = 0.0
    for k in range(30):
        assert growth(0.1, 1.07, k) == pytest.approx(error)
        assert error == pytest.approx(0.1 * (1.07**k - 1) / 0.07)
        error = 1.07 * error + 0.1


@pytest.mark.parametrize(("one_step", "stretch"), [(0.1, 0.7), (1e-4, 1.0), (2.0, 1.3)])
def test_a_curve_of_the_law_gives_its_numbers_back(one_step, stretch):
    curve = [growth(one_step, stretch, k) for k in range(21)]
    assert fit_growth(curve, until=20) == pytest.approx((one_step, stretch))
    assert fit_growth(curve, until=2) == pytest.approx((one_step, stretch))


def test_only_the_first_increments_count_and_only_positive_ones():
    curve = [growth(0.1, 1.2, k) for k in range(11)]
    saturated = [*curve, *[curve[-1]] * 30]
    assert fit_growth(saturated, until=10) == pytest.approx((0.1, 1.2))
    # Increments 1, -1, 4, 8: the line through ln 1 at 0, ln 4 at 2, ln 8 at 3 has slope ln 2.
    assert fit_growth([0, 1, 0, 4, 12], until=4) == pytest.approx((1.0, 2.0))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: growth(0.1, -1.0, 3), "stretch must be at least 0"),
        (lambda: growth(0.1, 1.0, -1), "k must be at least 0"),
        (lambda: fit_growth(np.arange(5), until=1), "until must be from 2 to 4"),
        (lambda: fit_growth(np.arange(5), until=5), "until must be from 2 to 4"),
        (lambda: fit_growth([0, 1, 1, 1], until=3), "must grow at least twice"),
    ],
)
def test_bad_input_gets_one_sentence(call, message):
    with pytest.raises(ValueError, match=message):
        call()

"""The growth law of small errors: what is there is stretched, and each step adds a little.

A model that errs by e in every step, in a world that stretches differences by L per step, is off by

    e(k) = e (L^k - 1) / (L - 1)

after k steps. L < 1 forgets, L = 1 adds up to e k, L > 1 explodes. L belongs to the world (and to
how one acts in it), e to the model: more data lower e and leave L alone. Exact for linear systems,
a first approximation while errors are small. Asadi, Misra and Littman 2018
(arXiv 1804.07193) prove the corresponding bound. Taught in chapter 3.
"""

import numpy as np
from numpy.typing import ArrayLike

from mbpo_teach.ground.checked import Allowed, checked, dims
from mbpo_teach.ground.checks import number, whole


@checked(k=Allowed(most=10**6))
def growth(one_step: float, stretch: float, k: int) -> float:
    """Return e (L^k - 1) / (L - 1), the error after k steps of a linear system.

    Each step adds `one_step` (e) and stretches what is there by `stretch` (L >= 0). Solves
    e(k + 1) = L e(k) + e, e(0) = 0.

    Raises
    ------
    ValueError
        If `stretch` is no number of at least 0, or `k` no whole number of at least 0.
    """
    stretch = number("stretch", stretch, "at least 0", lambda x: x >= 0)
    k = whole("k", k, least=0)
    # As a sum, L = 1 is no special case.
    try:
        return one_step * sum(stretch**i for i in range(k))
    except OverflowError:
        raise ValueError(f"k must be so small that L^k is a float, not {k}") from None


@checked(errors=dims("time"))
def fit_growth(errors: ArrayLike, *, until: int) -> tuple[float, float]:
    """Return e and L, read off a measured curve e(0), e(1), ... of shape (time,).

    By the law the increments e(k + 1) - e(k) are e L^k: their logarithms lie on a straight line
    whose slope is ln L and which begins at ln e. The line is fitted by least squares to the first
    `until` increments; increments that are not positive have no logarithm and are left out.

    Raises
    ------
    ValueError
        If `until` is no whole number from 2 to the curve's end, or if fewer than two increments are
        positive.
    """
    curve = np.asarray(errors, dtype=float)
    if not 2 <= whole("until", until, least=0) < len(curve):
        raise ValueError(f"until must be from 2 to {len(curve) - 1}, not {until}")
    increments = np.diff(curve[: until + 1])
    usable = increments > 0
    if usable.sum() < 2:
        raise ValueError("errors must grow at least twice in the steps that are fitted")
    slope, start = np.polyfit(np.flatnonzero(usable), np.log(increments[usable]), 1)
    return float(np.exp(start)), float(np.exp(slope))

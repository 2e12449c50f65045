"""How far may the model's return be from the true one? Theorems 4.1, 4.2 and 4.3, and k*.

Janner et al. (2019, arXiv 1906.08253) bound the true return of a policy from below by its return
in a learned model minus a penalty. The penalties are closed forms of four numbers:

- `gamma`, the discount, in [0, 1);
- `r_max`, the largest absolute reward, positive and finite;
- `eps_m`, the model error under the data-collecting policy (`eps_m_prime`: under the current
  policy), a total variation in [0, 1];
- `eps_pi`, the policy shift, the total variation between the current policy and the one that
  collected the data, in [0, 1].

Every function takes scalars or arrays that broadcast together, and returns a float for scalars and
an array otherwise. Returns and penalties are in units of return (reward summed over time).
An argument out of range, NaN and infinities included, is a `ValueError`.
Taught in chapter 4 (theorem 4.1) and chapter 5 (theorems 4.2 and 4.3).
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike


def performance_bound(
    *, gamma: ArrayLike, r_max: ArrayLike, eps_m: ArrayLike, eps_pi: ArrayLike
) -> Any:
    """Return C, the penalty of theorem 4.1: true return >= model return - C.

    C = 2 r_max (gamma eps_m + 2 eps_pi) / (1 - gamma)^2: the sum of :func:`bound_terms`.
    """
    gamma, r_max, eps_m, eps_pi = _checked(gamma=gamma, r_max=r_max, eps_m=eps_m, eps_pi=eps_pi)
    return _plain(r_max * (2 * (gamma * eps_m + 2 * eps_pi) / (1 - gamma) ** 2))


def bound_terms(
    *, gamma: ArrayLike, r_max: ArrayLike, eps_m: ArrayLike, eps_pi: ArrayLike
) -> tuple[Any, Any]:
    """Return the two terms of C as theorem 4.1 prints them.

    The first, 2 gamma r_max (eps_m + 2 eps_pi) / (1 - gamma)^2, is what a wrong model and a
    shifted policy accumulate over time; the second, 4 r_max eps_pi / (1 - gamma), is what the
    shifted policy costs even with a perfect model.
    """
    gamma, r_max, eps_m, eps_pi = _checked(gamma=gamma, r_max=r_max, eps_m=eps_m, eps_pi=eps_pi)
    accumulated = r_max * (2 * gamma * (eps_m + 2 * eps_pi) / (1 - gamma) ** 2)
    immediate = r_max * (4 * eps_pi / (1 - gamma))
    accumulated, immediate = np.broadcast_arrays(accumulated, immediate)
    return _plain(accumulated), _plain(immediate)


def branched_penalty(
    k: ArrayLike, *, gamma: ArrayLike, r_max: ArrayLike, eps_m: ArrayLike, eps_pi: ArrayLike
) -> Any:
    """Return the penalty of theorem 4.2 for rollouts of `k` model steps.

    It knows the model error only under the data-collecting policy, and is smallest at k = 0.
    """
    k, gamma, r_max, eps_m, eps_pi = _checked(
        k=k, gamma=gamma, r_max=r_max, eps_m=eps_m, eps_pi=eps_pi
    )
    shift = gamma ** (k + 1) * eps_pi / (1 - gamma) ** 2 + (gamma**k + 2) * eps_pi / (1 - gamma)
    model = k * (eps_m + 2 * eps_pi) / (1 - gamma)
    return _plain(r_max * (2 * (shift + model)))


def branched_penalty_on_policy(
    k: ArrayLike, *, gamma: ArrayLike, r_max: ArrayLike, eps_m_prime: ArrayLike, eps_pi: ArrayLike
) -> Any:
    """Return the penalty of theorem 4.3 for rollouts of `k` model steps.

    2 r_max [gamma^k eps_pi / (1 - gamma)^2 + k eps_m_prime / (1 - gamma)]: the first part falls
    with k, because fewer steps are the old policy's; the second grows, because more are the
    model's. (The theorem prints the first part as two; their sum is this.)
    """
    k, gamma, r_max, eps_m_prime, eps_pi = _checked(
        k=k, gamma=gamma, r_max=r_max, eps_m_prime=eps_m_prime, eps_pi=eps_pi
    )
    shift = gamma**k * eps_pi / (1 - gamma) ** 2
    return _plain(r_max * (2 * (shift + k * eps_m_prime / (1 - gamma))))


def branched_terms(
    k: ArrayLike, *, gamma: ArrayLike, r_max: ArrayLike, eps_m_prime: ArrayLike, eps_pi: ArrayLike
) -> tuple[Any, Any]:
    """Return the two forces of theorem 4.3, whose sum is :func:`branched_penalty_on_policy`.

    The first is the old policy's part, which falls with `k`; the second, which grows, the model's.
    """
    shift = branched_penalty_on_policy(k, gamma=gamma, r_max=r_max, eps_m_prime=0, eps_pi=eps_pi)
    model = branched_penalty_on_policy(
        k, gamma=gamma, r_max=r_max, eps_m_prime=eps_m_prime, eps_pi=0
    )
    return shift, model


def branched_penalty_tight(
    k: ArrayLike, *, gamma: ArrayLike, r_max: ArrayLike, eps_m_prime: ArrayLike, eps_pi: ArrayLike
) -> Any:
    """Return a smaller penalty than theorem 4.3's that still holds.

    The proof of theorem 4.3 bounds sum_t gamma^t min(t, k) by k / (1 - gamma). With the exact sum,
    gamma (1 - gamma^k) / (1 - gamma)^2, the penalty for k >= 1 is
    2 r_max gamma [gamma^k eps_pi + (1 - gamma^k) eps_m_prime] / (1 - gamma)^2, monotone in k:
    the inner minimum of theorem 4.3 is a product of the loose step. At k = 0, where actions are
    the data-collecting policy's, it is theorem 4.3's (course notes, section "limits of k*").
    """
    k, gamma, r_max, eps_m_prime, eps_pi = _checked(
        k=k, gamma=gamma, r_max=r_max, eps_m_prime=eps_m_prime, eps_pi=eps_pi
    )
    left = gamma**k
    branched = gamma * (left * eps_pi + (1 - left) * eps_m_prime)
    bracket = np.where(k == 0, eps_pi + 0 * branched, branched)
    return _plain(r_max * (2 * bracket / (1 - gamma) ** 2))


def whole_rollout_penalty(*, gamma: ArrayLike, r_max: ArrayLike, eps_m_prime: ArrayLike) -> Any:
    """Return 2 r_max gamma eps_m' / (1 - gamma)^2: true return >= model return - this.

    For whole imagined rollouts, no branch: after t steps the laws of imagined and real states are
    at most t eps_m' apart (:func:`state_drift_ceiling`), and sum_t gamma^t t = gamma/(1-gamma)^2.
    It is :func:`branched_penalty_tight` for k towards infinity, and wherever
    eps_m' <= eps_pi it lies below theorem 4.3's penalty at every k: that bracket is at least
    eps_m' [gamma^k + k (1 - gamma)] / (1 - gamma)^2, and by Bernoulli's inequality gamma^k is at
    least 1 - k (1 - gamma). (Not in the paper; course notes, "what buys the guarantee".)
    """
    gamma, r_max, eps_m_prime = _checked(gamma=gamma, r_max=r_max, eps_m_prime=eps_m_prime)
    return _plain(r_max * (2 * gamma * eps_m_prime / (1 - gamma) ** 2))


def best_rollout_length(*, gamma: ArrayLike, eps_m_prime: ArrayLike, eps_pi: ArrayLike) -> Any:
    """Return k*, the rollout length at which theorem 4.3's penalty is smallest.

    k* = ceil(ln(eps_m_prime / eps_pi) / ln(gamma)) if 0 < eps_m_prime < eps_pi, else 0. It is
    ``inf`` where a longer rollout is always better (a perfect model and a shifted policy). At a
    tie, eps_m_prime = eps_pi gamma^j, both j and j + 1 are best, and rounding decides.
    """
    gamma, eps_m_prime, eps_pi = _checked(gamma=gamma, eps_m_prime=eps_m_prime, eps_pi=eps_pi)
    gamma, eps_m_prime, eps_pi = np.broadcast_arrays(gamma, eps_m_prime, eps_pi)
    best = np.zeros(gamma.shape)
    interior = (eps_m_prime > 0) & (eps_m_prime < eps_pi) & (gamma > 0)
    # ln a - ln b rather than ln(a / b): a quotient of subnormal numbers may lose every digit.
    ratio = np.log(eps_m_prime[interior]) - np.log(eps_pi[interior])
    best[interior] = np.ceil(ratio / np.log(gamma[interior]))
    best[(gamma == 0) & (eps_m_prime < eps_pi)] = 1
    best[(gamma > 0) & (eps_m_prime == 0) & (eps_pi > 0)] = np.inf
    return _plain(best)


def shifted_model_error(*, eps_m: ArrayLike, eps_pi: ArrayLike, slope: ArrayLike) -> Any:
    """Return the empirical law eps_m' = eps_m + eps_pi * slope, kept in [0, 1] (paper, figure 1).

    `slope`, d eps_m' / d eps_pi, is how fast the model error grows as the policy moves away from
    its data: a finite number, and smaller for more data. A total variation never leaves [0, 1].
    """
    eps_m, eps_pi, slope = _checked(eps_m=eps_m, eps_pi=eps_pi, slope=slope)
    return _plain(np.clip(eps_m + eps_pi * slope, 0.0, 1.0))


def largest_return(*, gamma: ArrayLike, r_max: ArrayLike) -> Any:
    """Return r_max / (1 - gamma): no return lies outside plus or minus this.

    With r_max = 1 it is the effective horizon, the sum of all weights gamma^t.
    """
    gamma, r_max = _checked(gamma=gamma, r_max=r_max)
    return _plain(r_max / (1 - gamma))


def trivial_level(*, gamma: ArrayLike, r_max: ArrayLike) -> Any:
    """Return 2 r_max / (1 - gamma), the largest difference that two returns can have.

    A bound whose penalty is as large as this holds of any two numbers that are returns at all:
    penalties are measured against it.
    """
    gamma, r_max = _checked(gamma=gamma, r_max=r_max)
    return _plain(2 * r_max / (1 - gamma))


def vacuity_threshold(*, gamma: ArrayLike, eps_m: ArrayLike) -> Any:
    """Return (1 - gamma - gamma eps_m) / 2, the policy shift from which theorem 4.1 says nothing.

    There C is the trivial level (:func:`is_vacuous`). Negative where the model error alone is too
    large, so that even a policy that has not moved gets no guarantee.
    """
    gamma, eps_m = _checked(gamma=gamma, eps_m=eps_m)
    return _plain((1 - gamma - gamma * eps_m) / 2)


def ceiling_share(*, gamma: ArrayLike, eps_m: ArrayLike, eps_pi: ArrayLike) -> Any:
    """Return lemma B.3's ceiling on the model's gain as a share of C, in (0, 1].

    By the lemma the model return of the new policy exceeds the true return of the data-collecting
    one by at most 2 r_max (gamma eps_m + eps_pi) / (1 - gamma)^2. As a share of theorem 4.1's C
    that is (gamma eps_m + eps_pi) / (gamma eps_m + 2 eps_pi), below one wherever eps_pi > 0: the
    theorem accepts no step away from the data.

    Raises
    ------
    ValueError
        If gamma eps_m and eps_pi are both 0, for then C is 0 and nothing is a share of it.
    """
    gamma, eps_m, eps_pi = _checked(gamma=gamma, eps_m=eps_m, eps_pi=eps_pi)
    error, shift = np.broadcast_arrays(gamma * eps_m, eps_pi)
    if ((error == 0) & (shift == 0)).any():
        raise ValueError("eps_pi must be positive where gamma * eps_m is 0: C is 0 there")
    return _plain((error + shift) / (error + 2 * shift))


def state_drift_ceiling(time: ArrayLike, *, eps_m_prime: ArrayLike) -> Any:
    """Return lemma B.2's ceiling on the distance of imagined and real states, min(t eps_m', 1).

    For one policy in both processes: the total variation between the laws of the imagined and the
    real state after `time` steps is no larger.
    """
    time, eps_m_prime = _checked(time=time, eps_m_prime=eps_m_prime)
    return _plain(np.minimum(time * eps_m_prime, 1.0))


def is_vacuous(*, gamma: ArrayLike, eps_m: ArrayLike, eps_pi: ArrayLike) -> Any:
    """Tell where theorem 4.1 says nothing: gamma eps_m + 2 eps_pi >= 1 - gamma.

    There C is at least the :func:`trivial_level`. On the line itself decimals such as 0.95 are not
    exact, so a relative 1e-12 is granted.
    """
    gamma, eps_m, eps_pi = _checked(gamma=gamma, eps_m=eps_m, eps_pi=eps_pi)
    return _plain(gamma * eps_m + 2 * eps_pi >= (1 - gamma) * _ON_THE_LINE)


def penalty_is_vacuous(penalty: ArrayLike, *, gamma: ArrayLike, r_max: ArrayLike) -> Any:
    """Tell where `penalty` is at least the :func:`trivial_level`, so that its bound says nothing.

    `penalty` is in units of return, non-negative; infinity is allowed and vacuous.
    As in :func:`is_vacuous` a relative 1e-12 is granted on the line.
    """
    penalty, gamma, r_max = _checked(penalty=penalty, gamma=gamma, r_max=r_max)
    return _plain(penalty >= trivial_level(gamma=gamma, r_max=r_max) * _ON_THE_LINE)


_ON_THE_LINE = 1 - 1e-12

_ALLOWED: dict[str, tuple[Callable[[np.ndarray], np.ndarray], str]] = {
    "gamma": (lambda x: (x >= 0) & (x < 1), "in [0, 1)"),
    "r_max": (lambda x: (x > 0) & (x < np.inf), "positive and finite"),
    "eps_m": (lambda x: (x >= 0) & (x <= 1), "in [0, 1]"),
    "eps_m_prime": (lambda x: (x >= 0) & (x <= 1), "in [0, 1]"),
    "eps_pi": (lambda x: (x >= 0) & (x <= 1), "in [0, 1]"),
    "time": (lambda x: (x >= 0) & (x < np.inf) & (x == np.floor(x)), "a non-negative integer"),
    "k": (lambda x: (x >= 0) & (x < np.inf) & (x == np.floor(x)), "a non-negative integer"),
    "slope": (np.isfinite, "finite"),
    "penalty": (lambda x: x >= 0, "non-negative"),
}


def _checked(**arguments: ArrayLike) -> list[np.ndarray]:
    """Return the arguments as float arrays, in the order given, each in its allowed range."""
    checked = []
    for name, value in arguments.items():
        is_allowed, allowed = _ALLOWED[name]
        try:
            array = np.asarray(value)
        except (ValueError, RuntimeError):  # uneven rows; a tensor with gradients
            raise ValueError(f"{name} must be {allowed}, not {value!r}") from None
        if array.dtype.kind not in "iuf":
            raise ValueError(f"{name} must be {allowed}, not {_shown(value)}")
        array = array.astype(float)
        # A comparison with NaN is false, so NaN is refused here too.
        good = is_allowed(array)
        if not np.all(good):
            # All digits: six of them would print 1.0000001 as 1.
            wrong = repr(float(array[~good].flat[0])).removesuffix(".0")
            raise ValueError(f"{name} must be {allowed}, not {wrong}")
        checked.append(array)
    try:
        np.broadcast_shapes(*(array.shape for array in checked))
    except ValueError:
        named = zip(arguments, checked, strict=True)
        shapes = ", ".join(f"{name} {array.shape}" for name, array in named)
        raise ValueError(f"the shapes do not broadcast together: {shapes}") from None
    return checked


def _shown(value: object) -> str:
    """Return `value` for a message; Python refuses to print an integer of 5,000 digits."""
    try:
        return repr(value)
    except ValueError:
        return "an integer of thousands of digits"


def _plain(array: np.ndarray) -> Any:
    """Return a Python scalar for a zero-dimensional array, else the array."""
    return array.item() if np.ndim(array) == 0 else array

"""The quantities of the paper's theorems on tabular MDPs, computed exactly.

Model error, policy shift and the branched return are defined by maxima and infinite sums; with
arrays for the dynamics each is a short piece of linear algebra. Paper: section 4 and appendix A.
Taught in chapters 4 and 5.

Shapes: dynamics and models ``(state, action, next state)``, policies ``(state, action)``.
"""

import math

import numpy as np
from numpy.typing import ArrayLike

from mbpo_teach.ground import checks
from mbpo_teach.ground.checked import (
    DISCOUNT,
    FROM_ZERO,
    NOT_FINITE,
    SHARE,
    Allowed,
    checked,
    dims,
)
from mbpo_teach.tables.mdp import (
    TabularMDP,
    as_floats,
    checked_policy,
    discounted_visits,
    distributions,
    dynamics,
    exact_return,
    policy_reward,
    policy_transition,
    state_distributions,
)

_LAST_WEIGHT = 1e-12
_POLICY = Allowed(finite=False, empty=True)  # the messages of its own check say more


@checked(p=NOT_FINITE, q=NOT_FINITE)
def total_variation(p: ArrayLike, q: ArrayLike) -> np.ndarray:
    """Return D_TV(p || q) = half the L1 distance along the last axis, in [0, 1].

    `p` and `q` hold probabilities, shapes ``(..., outcome)`` that broadcast together; the result
    has the leading shape.

    Raises
    ------
    ValueError
        If the two have different numbers of outcomes, or one is not made of distributions.
    """
    return _distance(p=p, q=q)


@checked(gamma=DISCOUNT)
def horizon(gamma: float) -> int:
    """Return the smallest T with gamma^T < 1e-12: later times weigh nothing in a return."""
    gamma = checks.discount(gamma)
    return 1 if gamma == 0 else math.floor(math.log(_LAST_WEIGHT) / math.log(gamma)) + 1


@checked
def model_error(mdp: TabularMDP, model: ArrayLike, policy: ArrayLike) -> float:
    """Return the model error max_t E[D_TV(p(.|s, a) || model(.|s, a))], in [0, 1].

    The expectation is over the states that `policy` meets at time t in the true dynamics and the
    actions that it takes there. With the data-collecting policy it is the paper's eps_m, with the
    current policy eps_m'. The maximum is over t up to :func:`horizon`.
    """
    policy = checked_policy(mdp, policy)
    distance = total_variation(mdp.transition, dynamics(mdp, model, "model"))
    per_state = policy_reward(distance, policy)
    laws = state_distributions(mdp, policy, horizon=horizon(mdp.gamma))
    return min(float((laws @ per_state).max()), 1.0)


@checked(policy=_POLICY, data_policy=_POLICY)
def policy_shift(policy: ArrayLike, data_policy: ArrayLike) -> float:
    """Return the policy shift max_s D_TV(policy(.|s) || data_policy(.|s)), in [0, 1].

    This is the paper's eps_pi: how far the policy has moved away from the one that collected the
    data. It compares two policies and never looks at a model.

    Raises
    ------
    ValueError
        If the two are not policies (state, action) over the same states and actions.
    """
    return _shift(policy=policy, data_policy=data_policy)


@checked(max_length=Allowed(most=10**6))
def branched_returns(
    mdp: TabularMDP,
    model: ArrayLike,
    policy: ArrayLike,
    data_policy: ArrayLike,
    *,
    max_length: int,
) -> np.ndarray:
    """Return eta_k[policy] for k = 0 to `max_length`, shape (max_length + 1,), in units of return.

    In the k-branched process the state at time t has run `data_policy` in the true dynamics for
    max(t - k, 0) steps and then `policy` in the model for min(t, k) steps; its action is drawn
    from `policy` (for k = 0 from `data_policy`: the model is not used at all). So k = 0 is the
    true return of `data_policy`, and as k grows eta_k tends to the model return of `policy`.

    Splitting the discounted sum at time k gives, with P the true dynamics under `data_policy`, Q
    the model's under `policy`, r the reward of `policy`, and d the start,

        eta_k = sum_{t < k} gamma^t d Q^t r  +  gamma^k d (I - gamma P)^(-1) Q^k r.

    Paper, section 4.2 and appendix A.2.

    Raises
    ------
    ValueError
        If `max_length` is negative or an array is not what it should be.
    """
    max_length = checks.whole("max_length", max_length, least=0)
    policy = checked_policy(mdp, policy)
    data_policy = checked_policy(mdp, data_policy, "data_policy")
    model_steps = policy_transition(dynamics(mdp, model, "model"), policy)
    visits = discounted_visits(mdp, data_policy)

    returns = np.empty(max_length + 1)
    returns[0] = visits @ policy_reward(mdp.reward, data_policy)
    reward_after_k = policy_reward(mdp.reward, policy)  # Q^k r
    imagined, weight = 0.0, 1.0  # the first sum, and gamma^k
    for k in range(1, max_length + 1):
        imagined += weight * float(mdp.start @ reward_after_k)
        reward_after_k = model_steps @ reward_after_k
        weight *= mdp.gamma
        returns[k] = imagined + weight * float(visits @ reward_after_k)
    return returns


@checked(max_length=Allowed(most=10**6))
def branched_gaps(
    mdp: TabularMDP,
    model: ArrayLike,
    policy: ArrayLike,
    data_policy: ArrayLike,
    *,
    max_length: int,
) -> np.ndarray:
    """Return |eta[policy] - eta_k[policy]| for k = 0 to `max_length`, shape (max_length + 1,).

    What theorems 4.2 and 4.3 bound, in units of return; eta_k as in :func:`branched_returns`.
    """
    returns = branched_returns(mdp, model, policy, data_policy, max_length=max_length)
    return np.asarray(np.abs(exact_return(mdp, policy) - returns))


@checked(gap=dims("length", FROM_ZERO), rounding=FROM_ZERO)
def truly_best_length(gap: np.ndarray, *, rounding: float) -> int:
    """Return the shortest length k at which `gap`, |eta - eta_k| of shape (length,), is smallest.

    Gaps that differ by at most `rounding`, in units of return, count as equal: where all is
    rounding, the smallest of two hundred roundings is no news.
    """
    return int(np.argmax(gap <= gap.min() + rounding))


@checked(first=dims("*rows outcome"), second=dims("*rows outcome"), share=SHARE)
def mixture(first: ArrayLike, second: ArrayLike, share: float) -> np.ndarray:
    """Return (1 - share) first + share second, for policies and for dynamics alike.

    Its total variation from `first` is `share` times that of `second`, row by row: a slider on
    `share` moves a model error or a policy shift in proportion.
    """
    share = checks.number("share", share, "in [0, 1]", lambda x: 0 <= x <= 1)
    return (1 - share) * np.asarray(first, dtype=float) + share * np.asarray(second, dtype=float)


@checked(eps_pi=FROM_ZERO)
def policy_with_shift(data_policy: ArrayLike, target: ArrayLike, eps_pi: float) -> np.ndarray:
    """Return the policy between the two whose exact policy shift from `data_policy` is `eps_pi`.

    Raises
    ------
    ValueError
        If `eps_pi` is negative, or `target` is not that far away.
    """
    share = _share("eps_pi", eps_pi, _shift(target=target, data_policy=data_policy))
    return mixture(data_policy, target, share)


@checked(error=FROM_ZERO)
def model_with_error(
    mdp: TabularMDP, wrong: ArrayLike, policy: ArrayLike, error: float
) -> np.ndarray:
    """Return the model between truth and `wrong` whose exact error under `policy` is `error`.

    Raises
    ------
    ValueError
        If `error` is negative, or `wrong` is not that wrong.
    """
    return mixture(
        mdp.transition,
        wrong,
        _share("error", error, model_error(mdp, dynamics(mdp, wrong, "wrong"), policy)),
    )


def _shift(**policies: ArrayLike) -> float:
    """Return the policy shift of two policies, by the names to call them."""
    first, second = (as_floats(value, name).shape for name, value in policies.items())
    if len(first) != 2 or first != second or 0 in first:
        raise ValueError(
            f"{' and '.join(policies)} must have the same shape (state, action), not {first} and"
            f" {second}"
        )
    return float(_distance(**policies).max())


def _distance(**rows: ArrayLike) -> np.ndarray:
    """Return the total variation of two arrays of distributions, by the names to call them."""
    first, second = (distributions(value, name) for name, value in rows.items())
    names = " and ".join(rows)
    if first.shape[-1:] != second.shape[-1:]:
        raise ValueError(
            f"{names} must have equally many outcomes, not {first.shape} and {second.shape}"
        )
    try:
        gap = np.abs(first - second)
    except ValueError:
        raise ValueError(
            f"{names} must have shapes that broadcast together, not {first.shape} and"
            f" {second.shape}"
        ) from None
    # Rows sum to one up to rounding only, and the bounds take no error above 1.
    return np.asarray(np.minimum(0.5 * gap.sum(axis=-1), 1.0))


def _share(name: str, wanted: float, largest: float) -> float:
    """Return the share of a mixture at which a distance that is `largest` at 1 is `wanted`."""
    checks.number(name, wanted, f"in [0, {largest:.12g}]", lambda x: 0 <= x <= largest + 1e-12)
    return min(1.0, wanted / largest) if largest > 0 else 0.0

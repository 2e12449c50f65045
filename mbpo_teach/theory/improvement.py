"""Policy improvement that a guarantee vouches for, on tabular MDPs.

    accept pi if  eta_k[pi] - penalty_4.3(k) > eta[pi_D],  then let pi collect the data

By the theorem the left side is at most eta[pi], so an accepted step raises the true return, always.
Unlike theorem 4.1, which accepts no step away from the data (chapter 4), this one can accept: where
the model is good and the discount not too near one. What makes the difference is eps_m', not the
branch: whole imagined rollouts with the same eps_m' give a guarantee too,

    accept pi if  model return of pi - 2 r_max gamma eps_m' / (1 - gamma)^2 > eta[pi_D].

Janner et al. 2019, theorem 4.3; course notes, sections "branched rollouts" and "what buys the
guarantee". Taught in chapter 5.

The test needs the exact eps_m' and the exact eta[pi_D]. A table has them; an agent has not.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from mbpo_teach.ground.checked import FROM_ONE, SHARE, Allowed, checked
from mbpo_teach.tables.counting import relative_frequencies, transition_counts
from mbpo_teach.tables.mdp import (
    TabularMDP,
    checked_policy,
    dynamics,
    exact_return,
    greedy,
    state_values,
)
from mbpo_teach.theory.bounds import (
    branched_penalty_on_policy,
    largest_return,
    whole_rollout_penalty,
)
from mbpo_teach.theory.exact import branched_returns, mixture, model_error, policy_shift

_ROUNDING = 1e-12
_SHARES = 0.5 ** np.arange(6)  # of the largest shift: a smaller step costs less penalty


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A policy that the learner would like, and what is guaranteed for it.

    `imagined_return` is eta_k of `policy` (state, action) at length `k`, `penalty` theorem 4.3's;
    without branches `k` is None, and they are the model return and the whole rollout's penalty.
    Both in units of return; `eps_pi` and `eps_m_prime` are the exact errors that went into it.
    """

    policy: np.ndarray
    k: int | None
    eps_pi: float
    eps_m_prime: float
    imagined_return: float
    penalty: float

    @property
    def guarantee(self) -> float:
        """The true return is at least this."""
        return self.imagined_return - self.penalty


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One round: the best offer, whether it was accepted, and eta[pi_D] after the decision."""

    offer: Offer
    accepted: bool
    true_return: float


@checked(largest_shift=SHARE, max_length=Allowed(most=10**6))
def best_offer(
    mdp: TabularMDP,
    model: ArrayLike,
    data_policy: ArrayLike,
    *,
    largest_shift: float,
    max_length: int | None,
) -> Offer:
    """Return the offer with the highest guarantee, over policies and rollout lengths.

    The policies lie between `data_policy` and the one that is greedy for its values in the model,
    no further away than `largest_shift`, a total variation in (0, 1]; the lengths go from 0 to
    `max_length`, or, where that is None, rollouts are whole.

    Raises
    ------
    ValueError
        If `largest_shift` is not in (0, 1], `max_length` is negative, or `model` or `data_policy`
        is not what it should be.
    """
    if not 0 < largest_shift <= 1:
        raise ValueError(f"largest_shift must be in (0, 1], not {largest_shift}")
    model = dynamics(mdp, model, "model")
    data_policy = checked_policy(mdp, data_policy, "data_policy")
    wanted = greedy(mdp, state_values(mdp, data_policy, model), model)
    # If the old policy is greedy already, there is nowhere to go: every share gives it again.
    reach = min(1.0, largest_shift / max(policy_shift(wanted, data_policy), 1e-12))
    offers = [
        _offer(mdp, model, mixture(data_policy, wanted, reach * share), data_policy, max_length)
        for share in _SHARES
    ]
    return max(offers, key=lambda offer: offer.guarantee)


@checked(rounds=FROM_ONE, count=FROM_ONE, largest_shift=SHARE, max_length=Allowed(most=10**6))
def improve(
    mdp: TabularMDP,
    data_policy: ArrayLike,
    *,
    rounds: int,
    count: int,
    largest_shift: float,
    max_length: int | None,
    rng: np.random.Generator,
) -> Iterator[Round]:
    """Collect, refit, take the best offer if its guarantee vouches for it; repeat.

    Each of the `rounds` draws `count` transitions from where the present data policy goes, and
    the model is counted from all of them so far. An accepted policy collects the next ones.

    Raises
    ------
    ValueError
        If what :func:`transition_counts` or :func:`best_offer` refuses is asked for.
    """
    present = checked_policy(mdp, data_policy, "data_policy")
    true_return = exact_return(mdp, present)
    seen = np.zeros(mdp.transition.shape)
    for _ in range(rounds):
        seen += transition_counts(mdp, present, count=count, rng=rng)
        offer = best_offer(
            mdp,
            relative_frequencies(seen),
            present,
            largest_shift=largest_shift,
            max_length=max_length,
        )
        # Rounding must not accept a policy that did not move.
        rounding = _ROUNDING * float(largest_return(gamma=mdp.gamma, r_max=mdp.r_max))
        accepted = offer.guarantee > true_return + rounding
        if accepted:
            present, true_return = offer.policy, exact_return(mdp, offer.policy)
        yield Round(offer=offer, accepted=accepted, true_return=true_return)


def _offer(
    mdp: TabularMDP,
    model: np.ndarray,
    policy: np.ndarray,
    data_policy: np.ndarray,
    max_length: int | None,
) -> Offer:
    eps_pi = policy_shift(policy, data_policy)
    errors = {"gamma": mdp.gamma, "r_max": mdp.r_max}
    errors["eps_m_prime"] = eps_m_prime = model_error(mdp, model, policy)
    if max_length is None:
        k, imagined = None, exact_return(mdp, policy, model)
        penalty = whole_rollout_penalty(**errors)
    else:
        returns = branched_returns(mdp, model, policy, data_policy, max_length=max_length)
        penalties = branched_penalty_on_policy(np.arange(max_length + 1), eps_pi=eps_pi, **errors)
        k = int(np.argmax(returns - penalties))
        imagined, penalty = float(returns[k]), float(penalties[k])
    return Offer(
        policy=policy,
        k=k,
        eps_pi=eps_pi,
        eps_m_prime=eps_m_prime,
        imagined_return=imagined,
        penalty=penalty,
    )

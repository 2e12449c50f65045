"""Models of a tabular world, counted from samples: how often each pair led where.

The maximum-likelihood model of a table is a relative frequency, n(s, a, s') / n(s, a), and nothing
has to be trained. Transitions come one by one from a walk, as an agent meets them, or as
independent draws from the discounted visits, a million at the price of ten. Sutton and Barto,
section 8.2; taught in chapters 3 to 5.

Shapes: counts and models ``(state, action, next state)``.
"""

import numpy as np
from numpy.typing import ArrayLike

from mbpo_teach.ground import checks
from mbpo_teach.ground.checked import FROM_ZERO, Allowed, checked, dims
from mbpo_teach.tables.mdp import TabularMDP, checked_policy, discounted_visits

_SIZE = Allowed(least=1, most=10_000)


@checked(counts=dims("state action next", FROM_ZERO))
def relative_frequencies(counts: np.ndarray) -> np.ndarray:
    """Return the model that `counts` of transitions give, shape (state, action, state).

    A pair that was never tried gets the uniform distribution: the model does not know.
    """
    tries = counts.sum(axis=2, keepdims=True)
    return np.asarray(np.where(tries > 0, counts / np.maximum(tries, 1), 1 / counts.shape[2]))


@checked(
    states=None,
    actions=None,
    next_states=None,
    state_count=_SIZE,
    action_count=_SIZE,
)
def count_model(
    states: ArrayLike,
    actions: ArrayLike,
    next_states: ArrayLike,
    *,
    state_count: int,
    action_count: int,
) -> np.ndarray:
    """Return the model that relative_frequencies give, shape (state, action, state).

    A pair that was never tried gets the uniform distribution (:func:`relative_frequencies`).

    Raises
    ------
    ValueError
        If the three sequences differ in length or hold an index out of range, or if there is no
        state or no action.
    """
    checks.whole("state_count", state_count, least=1)
    checks.whole("action_count", action_count, least=1)
    columns = {"states": states, "actions": actions, "next_states": next_states}
    sizes = {"states": state_count, "actions": action_count, "next_states": state_count}
    arrays = {}
    for name, column in columns.items():
        try:
            array = np.asarray(column)
        except (ValueError, RuntimeError):  # uneven rows; a tensor with gradients
            raise ValueError(f"{name} must be a sequence of integers") from None
        if array.size == 0:
            array = array.astype(int)
        if array.ndim != 1 or array.dtype.kind not in "iu":
            raise ValueError(f"{name} must be a sequence of integers")
        if array.size and not 0 <= array.min() <= array.max() < sizes[name]:
            raise ValueError(f"{name} must be in [0, {sizes[name]}), found {array}")
        arrays[name] = array
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"states, actions and next_states must be equally long, not {lengths}")
    counts = np.zeros((state_count, action_count, state_count))
    np.add.at(counts, tuple(arrays.values()), 1.0)
    return relative_frequencies(counts)


@checked
def sample_transitions(
    mdp: TabularMDP, policy: ArrayLike, *, count: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return `count` steps of one walk under `policy` as (states, actions, next states).

    The walk restarts from the start distribution with probability 1 - gamma after each step, so
    that states are met as often as the discounted return weighs them.
    """
    policy = checked_policy(mdp, policy)
    count = checks.whole("count", count, least=0)
    state_rows = _cumulative(mdp.start)
    action_rows, next_rows = _cumulative(policy), _cumulative(mdp.transition)
    draws = rng.random((count, 4))
    states, actions, nexts = (np.empty(count, dtype=int) for _ in range(3))
    state = -1
    for step, (restart, first, act, move) in enumerate(draws):
        if state < 0 or restart >= mdp.gamma:
            state = int(np.searchsorted(state_rows, first, side="right"))
        states[step] = state
        actions[step] = np.searchsorted(action_rows[state], act, side="right")
        state = int(np.searchsorted(next_rows[state, actions[step]], move, side="right"))
        nexts[step] = state
    return states, actions, nexts


@checked(count=Allowed(least=1, most=10**18))
def transition_counts(
    mdp: TabularMDP, policy: ArrayLike, *, count: int, rng: np.random.Generator
) -> np.ndarray:
    """Return how often each step occurs among `count` drawn ones, shape (state, action, state).

    States are drawn from the discounted visits of `policy`: where it is at a time T whose chance
    is (1 - gamma) gamma^T. The steps are independent, so a million cost no more than ten.

    Raises
    ------
    ValueError
        If `count` is not a whole number of at least 1.
    """
    count = checks.whole("count", count, least=1)
    policy = checked_policy(mdp, policy)
    pairs = discounted_visits(mdp, policy)[:, None] * policy
    tries = rng.multinomial(count, (pairs / pairs.sum()).ravel()).reshape(pairs.shape)
    return rng.multinomial(tries, mdp.transition)


def _cumulative(rows: np.ndarray) -> np.ndarray:
    cumulative = rows.cumsum(axis=-1)
    # The last sum may be 1 - 1e-16; a draw above it would fall off the end.
    cumulative[..., -1] = np.inf
    return cumulative

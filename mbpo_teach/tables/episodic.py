"""Worlds that end, as exact MDPs: a maze or a toy-text world becomes arrays, and "over" a state.

A tabular MDP knows no end, so one more state is added: every terminated transition leads there, it
stays where it is and pays nothing, and values of the episode are values of the arrays. On them the
best policy, its return and its number of steps to the end are computed exactly, without a single
step. Sutton and Barto, section 3.4 (the absorbing state); taught in chapter 1.
"""

from typing import Any

import numpy as np

from mbpo_teach.ground.checked import DISCOUNT, checked
from mbpo_teach.tables.mdp import TabularMDP, as_floats, checked_policy, policy_transition


@checked(gamma=DISCOUNT)
def tabular_mdp(env: Any, *, gamma: float) -> TabularMDP:
    """Return the exact MDP of a maze or of a toy-text world, with one more state: "over".

    Every transition flagged terminated goes to the last state, which stays where it is and gives
    no reward. The flag decides, not the state: Gymnasium's tables go on from terminal states.

    Raises
    ------
    ValueError
        If `env` carries no table of transitions.
    """
    world = getattr(env, "unwrapped", env)
    if not hasattr(world, "P") or not hasattr(world, "initial_state_distrib"):
        raise ValueError(f"env must carry its transitions in P and its starts, {env} does not")
    states, actions = len(world.P), len(world.P[0])
    transition = np.zeros((states + 1, actions, states + 1))
    reward = np.zeros((states + 1, actions))
    transition[states, :, states] = 1.0
    for state, choices in world.P.items():
        for action, outcomes in choices.items():
            for probability, after, gain, terminated in outcomes:
                transition[state, action, states if terminated else after] += probability
                reward[state, action] += probability * gain
    start = np.append(world.initial_state_distrib, 0.0)
    return TabularMDP(transition=transition, reward=reward, start=start / start.sum(), gamma=gamma)


@checked(q=None)
def greedy_policy(q: np.ndarray) -> np.ndarray:
    """Return the greedy policy on the MDP of :func:`tabular_mdp`, shape (state + 1, action).

    Parameters
    ----------
    q
        Action values of the world's own states, (state, action). Equally good actions share
        their row evenly; so do all actions of the last state, where nothing matters.

    Raises
    ------
    ValueError
        If `q` is not such a table, or holds NaN.
    """
    q = as_floats(q, "q")
    if q.ndim != 2 or q.size == 0 or np.isnan(q).any():
        raise ValueError(f"q must be a table (state, action) without NaN, not shape {q.shape}")
    q = np.vstack([q, np.zeros(q.shape[1])])
    best = q == q.max(axis=1, keepdims=True)
    return np.asarray(best / best.sum(axis=1, keepdims=True))


@checked
def expected_steps(mdp: TabularMDP, policy: np.ndarray) -> float:
    """Return how many steps `policy` (state, action) takes on average until it is over.

    `mdp` comes from :func:`tabular_mdp`. The count h solves h = 1 + P h over the states that
    the policy can reach before the end; it is infinite where the end cannot be reached.

    Raises
    ------
    ValueError
        If `policy` is not a policy on `mdp`.
    """
    policy = checked_policy(mdp, policy)
    chain = policy_transition(mdp.transition, policy)[:-1, :-1]
    ending = 1.0 - chain.sum(axis=1)
    reached = _closure(mdp.start[:-1] > 0, chain > 0)
    can_end = _closure(ending > 1e-12, (chain > 0).T)
    if not can_end[reached].all():
        return float("inf")
    inside = chain[np.ix_(reached, reached)]
    steps = np.linalg.solve(np.eye(len(inside)) - inside, np.ones(len(inside)))
    return float(mdp.start[:-1][reached] @ steps)


def _closure(members: np.ndarray, leads_to: np.ndarray) -> np.ndarray:
    """Return the states of `members` and every state that they lead to."""
    while True:
        grown: np.ndarray = members | leads_to[members].any(axis=0)
        if np.array_equal(grown, members):
            return grown
        members = grown

"""Tabular Markov decision processes, where everything can be computed exactly.

With finitely many states and actions the true dynamics, a learned model and a policy are arrays,
and the return of a policy is the solution of a linear system: no sampling, no error bars. That is
what makes the theorems of the paper checkable. Sutton and Barto, chapters 3 and 4; taught in
chapter 4, used from chapter 1 on. Here are the world and its solutions; models counted from
samples are in `counting`.

Shapes: dynamics ``(state, action, next state)``, policies ``(state, action)``, both with rows
that sum to one.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from mbpo_teach.ground import checks
from mbpo_teach.ground.checked import DISCOUNT, POSITIVE, Allowed, checked, dims

_ROW_SUM_TOLERANCE = 1e-9
_SINGLE_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class TabularMDP:
    """A Markov decision process as arrays, validated and read-only.

    Parameters
    ----------
    transition
        p(next state | state, action), shape (state, action, state).
    reward
        The expected reward r(state, action), shape (state, action).
    start
        The distribution of the first state, shape (state,).
    gamma
        The discount, in [0, 1).

    Raises
    ------
    ValueError
        If a shape is wrong, a number is not finite, a row is not a distribution, or returns
        would be too large for floats.
    """

    transition: np.ndarray
    reward: np.ndarray
    start: np.ndarray
    gamma: float

    def __post_init__(self) -> None:
        transition = _read_only(self.transition, "transition")
        if transition.ndim != 3 or transition.shape[0] != transition.shape[2]:
            raise ValueError(
                f"transition must have shape (state, action, state), not {transition.shape}"
            )
        if transition.size == 0:
            raise ValueError(
                f"transition must have a state and an action at least, not {transition.shape}"
            )
        reward = _read_only(self.reward, "reward")
        if reward.shape != transition.shape[:2]:
            raise ValueError(
                f"reward must have shape {transition.shape[:2]} like transition's states and"
                f" actions, not {reward.shape}"
            )
        start = _read_only(self.start, "start")
        if start.shape != transition.shape[:1]:
            raise ValueError(f"start must have shape {transition.shape[:1]}, not {start.shape}")
        check_distributions(transition, "transition")
        check_distributions(start, "start")
        gamma = checks.discount(self.gamma)
        largest = float(np.abs(reward).max())
        if not largest < np.finfo(float).max * (1 - gamma):
            raise ValueError(f"reward is so large, {largest:g}, that returns would be infinite")
        object.__setattr__(self, "transition", transition)
        object.__setattr__(self, "reward", reward)
        object.__setattr__(self, "start", start)
        object.__setattr__(self, "gamma", gamma)

    @property
    def state_count(self) -> int:
        """Number of states."""
        return int(self.transition.shape[0])

    @property
    def action_count(self) -> int:
        """Number of actions."""
        return int(self.transition.shape[1])

    @property
    def r_max(self) -> float:
        """The largest absolute expected reward."""
        return float(np.abs(self.reward).max())


@checked(transition=dims("state action next"), policy=dims("state action"))
def policy_transition(transition: np.ndarray, policy: np.ndarray) -> np.ndarray:
    """Return the state-to-state dynamics under a policy, shape (state, state)."""
    return np.asarray(np.einsum("sa,sap->sp", policy, transition))


@checked(reward=dims("state action"), policy=dims("state action"))
def policy_reward(reward: np.ndarray, policy: np.ndarray) -> np.ndarray:
    """Return the expected reward of one step under a policy, shape (state,)."""
    return np.asarray(np.einsum("sa,sa->s", policy, reward))


@checked
def state_values(
    mdp: TabularMDP, policy: ArrayLike, transition: ArrayLike | None = None
) -> np.ndarray:
    """Return the value of every state under a policy, shape (state,), in units of return.

    Solves (I - gamma P) v = r, the Bellman equation (Sutton and Barto, equation 4.4), exactly.
    `transition` replaces the true dynamics, for example by a learned model's.
    """
    policy = checked_policy(mdp, policy)
    matrix = policy_transition(dynamics(mdp, transition), policy)
    return np.linalg.solve(
        np.eye(mdp.state_count) - mdp.gamma * matrix, policy_reward(mdp.reward, policy)
    )


@checked
def exact_return(mdp: TabularMDP, policy: ArrayLike, transition: ArrayLike | None = None) -> float:
    """Return eta[policy], the expected discounted return from the start distribution.

    With `transition` the model's, this is the model return (eta with a hat; paper, section 4).
    """
    return float(mdp.start @ state_values(mdp, policy, transition))


@checked
def exact_returns(
    mdp: TabularMDP, policies: ArrayLike, transition: ArrayLike | None = None
) -> np.ndarray:
    """Return :func:`exact_return` of many policies (policy, state, action), solved together.

    A slider asks for fifty of them at a time; one by one they take eight times as long.
    """
    stack = as_floats(policies, "policies")
    if stack.shape[1:] != mdp.reward.shape:
        states, actions = mdp.reward.shape
        raise ValueError(
            f"policies must have shape (policies, {states}, {actions}), not {stack.shape}"
        )
    stack = distributions(policies, "policies")
    matrices = np.einsum("nsa,sap->nsp", stack, dynamics(mdp, transition))
    rewards = np.einsum("nsa,sa->ns", stack, mdp.reward)
    values = np.linalg.solve(np.eye(mdp.state_count) - mdp.gamma * matrices, rewards[..., None])
    return np.asarray(values[..., 0] @ mdp.start)


@checked(horizon=Allowed(most=10**6))
def state_distributions(
    mdp: TabularMDP, policy: ArrayLike, *, horizon: int, transition: ArrayLike | None = None
) -> np.ndarray:
    """Return the law of the state at times 0 to `horizon`, shape (horizon + 1, state)."""
    horizon = checks.whole("horizon", horizon, least=0)
    matrix = policy_transition(dynamics(mdp, transition), checked_policy(mdp, policy))
    laws = np.empty((horizon + 1, mdp.state_count))
    laws[0] = mdp.start
    for time in range(horizon):
        laws[time + 1] = laws[time] @ matrix
    return laws


@checked
def discounted_visits(
    mdp: TabularMDP, policy: ArrayLike, transition: ArrayLike | None = None
) -> np.ndarray:
    """Return how often a policy meets each state, discounted: sum_t gamma^t p_t, shape (state,).

    p_t is the law of the state at time t. Solves d (I - gamma P) = start, the transpose of what
    :func:`state_values` solves, exactly. Times 1 - gamma it is the law of the state at a random
    time T whose chance is (1 - gamma) gamma^T.
    """
    matrix = policy_transition(dynamics(mdp, transition), checked_policy(mdp, policy))
    visits = np.linalg.solve((np.eye(mdp.state_count) - mdp.gamma * matrix).T, mdp.start)
    return np.asarray(visits.clip(min=0))  # rounding makes no chance negative


@checked
def action_values(
    mdp: TabularMDP, values: ArrayLike, transition: ArrayLike | None = None
) -> np.ndarray:
    """Return r(s, a) + gamma sum_s' p(s' | s, a) v(s'), shape (state, action), units of return.

    `values` holds v, shape (state,). Sutton and Barto, equation 4.6.

    Raises
    ------
    ValueError
        If `values` has another shape.
    """
    values = as_floats(values, "values")
    if values.shape != mdp.start.shape:
        raise ValueError(f"values must have shape {mdp.start.shape}, not {values.shape}")
    return _backup(mdp, values, dynamics(mdp, transition))


@checked
def greedy(mdp: TabularMDP, values: ArrayLike, transition: ArrayLike | None = None) -> np.ndarray:
    """Return the policy that takes an action of the highest :func:`action_values` in each state.

    Shape (state, action); ties go to the first action. With `values` those of a policy it is one
    step of policy improvement (Sutton and Barto, equation 4.9), in the model if one is given.
    """
    best = action_values(mdp, values, transition).argmax(axis=1)
    return np.asarray(np.eye(mdp.action_count)[best])


@checked(tolerance=POSITIVE)
def value_iteration(
    mdp: TabularMDP, transition: ArrayLike | None = None, *, tolerance: float = 1e-10
) -> tuple[np.ndarray, np.ndarray]:
    """Return the optimal values, shape (state,), and a greedy policy, shape (state, action).

    The values are within `tolerance` (units of return) of the optimum. Ties go to the first
    action. With `transition` the model's, both are the model's. Sutton and Barto, section 4.4.

    Raises
    ------
    ValueError
        If `tolerance` is not positive.
    """
    tolerance = checks.number("tolerance", tolerance, "positive", lambda x: x > 0)
    transition = dynamics(mdp, transition)
    values = np.zeros(mdp.state_count)
    # Rounding alone moves values by about their size times 2.2e-16: ask for no less than that.
    floor = 4 * np.finfo(float).eps * mdp.r_max / (1 - mdp.gamma)
    while True:
        backup = _backup(mdp, values, transition).max(axis=1)
        change = float(np.abs(backup - values).max())
        values = backup
        # |v - v*| <= gamma / (1 - gamma) |last change|, because a backup contracts by gamma.
        if mdp.gamma * change <= (1 - mdp.gamma) * tolerance or change <= floor:
            break
    return values, greedy(mdp, values, transition)


@checked
def best_return(mdp: TabularMDP) -> float:
    """Return the expected discounted return of a best policy, by :func:`value_iteration`."""
    return float(mdp.start @ value_iteration(mdp)[0])


@checked(states=Allowed(least=1, most=1000), actions=Allowed(least=1, most=1000), gamma=DISCOUNT)
def random_mdp(*, states: int, actions: int, gamma: float, rng: np.random.Generator) -> TabularMDP:
    """Return an MDP drawn at random: Dirichlet(1/2) dynamics and start, rewards in [-1, 1]."""
    checks.whole("states", states, least=1)
    checks.whole("actions", actions, least=1)
    return TabularMDP(
        transition=rng.dirichlet(np.full(states, 0.5), size=(states, actions)),
        reward=rng.uniform(-1, 1, size=(states, actions)),
        start=rng.dirichlet(np.full(states, 0.5)),
        gamma=gamma,
    )


def checked_policy(mdp: TabularMDP, policy: ArrayLike, name: str = "policy") -> np.ndarray:
    """Return `policy` as an array, or raise a `ValueError` that calls it `name`."""
    array = as_floats(policy, name)
    if array.shape != mdp.reward.shape:
        raise ValueError(f"{name} must have shape {mdp.reward.shape}, not {array.shape}")
    return distributions(policy, name)


def dynamics(
    mdp: TabularMDP, transition: ArrayLike | None = None, name: str = "transition"
) -> np.ndarray:
    """Return the true dynamics for None, else `transition` after the same checks."""
    if transition is None:
        return mdp.transition
    array = as_floats(transition, name)
    if array.shape != mdp.transition.shape:
        raise ValueError(f"{name} must have shape {mdp.transition.shape}, not {array.shape}")
    return distributions(transition, name)


def check_distributions(rows: np.ndarray, name: str) -> None:
    """Raise a `ValueError` that calls `rows` `name` unless each row is a distribution."""
    # Written so that NaN, which compares false with everything, fails it.
    if not (rows >= 0).all():
        raise ValueError(f"{name} must hold probabilities in [0, 1], found {rows.min():g}")
    error = np.abs(rows.sum(axis=-1) - 1).max(initial=0.0)
    if not error <= _ROW_SUM_TOLERANCE:
        raise ValueError(f"rows of {name} must sum to one, one is off by {error:g}")


def distributions(value: ArrayLike, name: str) -> np.ndarray:
    """Return `value` as an array of floats whose rows are distributions, or raise a `ValueError`.

    Rows of float32 sum to one up to float32's rounding; they are divided by their sums.
    """
    rows = as_floats(value, name)
    if np.asarray(value).dtype == np.float32:
        sums = rows.sum(axis=-1, keepdims=True)
        rows = np.where(np.abs(sums - 1) <= _SINGLE_TOLERANCE, rows / sums, rows)
    check_distributions(rows, name)
    return rows


def as_floats(value: ArrayLike, name: str) -> np.ndarray:
    """Return `value` as an array of floats, or raise a `ValueError` that calls it `name`."""
    try:
        return np.asarray(value, dtype=float)
    except (TypeError, ValueError, RuntimeError):  # words, uneven rows, tensors with gradients
        raise ValueError(f"{name} must be an array of real numbers") from None


def _backup(mdp: TabularMDP, values: np.ndarray, transition: np.ndarray) -> np.ndarray:
    return np.asarray(mdp.reward + mdp.gamma * transition @ values)


def _read_only(value: ArrayLike, name: str) -> np.ndarray:
    array = as_floats(value, name).copy()  # so that nobody changes it behind our back
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must hold finite numbers only")
    array.flags.writeable = False
    return array

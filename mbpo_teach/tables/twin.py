"""The tabular twin: a pendulum cut into 49 states, so that its model errors are exact.

For the pendulum itself the paper's errors cannot be measured: its steps are deterministic, and
the total variation between a point and any Gaussian is 1. The twin is a Markov decision process of
its own, close to the pendulum, whose dynamics are a table; a model counted from its transitions
has an exact eps_m, eps_m' and return, which may be put into the theorems. Taught in chapters 3 and
5, whose data are the walks of an idle policy.
"""

from functools import cache

import numpy as np

from mbpo_teach.ground.checked import DISCOUNT, Allowed, checked
from mbpo_teach.ground.seeding import generator
from mbpo_teach.tables import pendulum
from mbpo_teach.tables.bins import cell_index
from mbpo_teach.tables.counting import count_model, sample_transitions
from mbpo_teach.tables.mdp import TabularMDP, value_iteration

BINS = 7
TORQUES = (-2.0, 0.0, 2.0)
WALK = 100_000
"""Steps of a walk of the data policy, from whose beginnings models are counted."""

_IDLE = (0.1, 0.8, 0.1)  # chances of the three torques
_HOLD = 5  # steps of the simulator for which one action is held: a state should be left in one
_GRID = 12  # points per dimension and cell, from which the cell's dynamics are averaged
_LOW, _HIGH = np.array([-np.pi, -8.0]), np.array([np.pi, 8.0])


@checked(gamma=DISCOUNT)
def pendulum_twin(*, gamma: float) -> TabularMDP:
    """Return the twin: 7 bins of angle times 7 of velocity, three torques held for 5 steps.

    From a cell the state continues as from a point drawn uniformly in it. The reward is the mean
    of Pendulum-v1's over the 5 steps, divided by its largest size, so that r_max is at most 1. The
    start is uniform over the cells that Pendulum-v1 starts in (any angle, speed at most 1).

    Raises
    ------
    ValueError
        If `gamma` is not in [0, 1).
    """
    transition, reward, start = _tables()
    return TabularMDP(transition=transition, reward=reward, start=start, gamma=gamma)


def idle_policy() -> np.ndarray:
    """Return the twin's data policy, shape (state, action): in every state mostly no torque."""
    return np.tile(_IDLE, (BINS**2, 1))


@cache
def best_policy() -> np.ndarray:
    """Return the twin's best policy at gamma = 0.9, shape (state, action)."""
    return value_iteration(pendulum_twin(gamma=0.9))[1]


@checked(count=Allowed(most=WALK))
@cache
def counted_model(count: int, *, seed: int = 5) -> np.ndarray:
    """Return the model counted from the first `count` steps of one walk of the idle policy.

    Raises
    ------
    ValueError
        If the walk, of :data:`WALK` steps, is not that long.
    """
    if not 0 <= count <= WALK:
        raise ValueError(f"count must be in [0, {WALK}], not {count}")
    states, actions, nexts = (column[:count] for column in _walk(seed))
    return count_model(states, actions, nexts, state_count=BINS**2, action_count=len(TORQUES))


@cache
def _walk(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    twin, rng = pendulum_twin(gamma=0.9), generator(seed, "twin walk")
    return sample_transitions(twin, idle_policy(), count=WALK, rng=rng)


@cache
def _tables() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return dynamics (state, action, state), rewards (state, action) and start of the twin."""
    width = (_HIGH - _LOW) / BINS
    offsets = (np.arange(_GRID) + 0.5) / _GRID
    angle, speed = (
        (_LOW[d] + (np.arange(BINS)[:, None] + offsets) * width[d]).ravel() for d in (0, 1)
    )
    points = np.stack(np.meshgrid(angle, speed, indexing="ij"), axis=-1).reshape(-1, 2)
    cells = cell_index(points, low=_LOW, high=_HIGH, bins=BINS)
    states = BINS**2
    transition = np.zeros((states, len(TORQUES), states))
    reward = np.zeros((states, len(TORQUES)))
    for action, torque in enumerate(TORQUES):
        after, paid = _held(points, torque)
        np.add.at(
            transition[:, action],
            (cells, cell_index(after, low=_LOW, high=_HIGH, bins=BINS)),
            1 / _GRID**2,
        )
        np.add.at(reward[:, action], cells, paid / _GRID**2)
    slow = np.abs(points[:, 1]) <= 1
    start = np.bincount(cells[slow], minlength=states) / slow.sum()
    return transition, reward, start


def _held(points: np.ndarray, torque: float) -> tuple[np.ndarray, np.ndarray]:
    """Return states (row, 2) and mean scaled rewards (row,) after holding `torque`."""
    angle, speed = points.T
    paid = np.zeros(len(points))
    largest = np.pi**2 + 0.1 * 8**2 + 0.001 * 2**2
    for _ in range(_HOLD):
        angle, speed, reward = pendulum.step(angle, speed, torque)
        angle = pendulum.wrapped(angle)
        paid += reward / largest / _HOLD
    return np.stack([angle, speed], axis=1), paid

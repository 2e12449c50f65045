"""The tabular twin: a pendulum cut into 49 states, so that its model errors are exact.

For the pendulum itself the paper's errors cannot be measured: its steps are deterministic, and
the total variation between a point and any Gaussian is 1. The twin is a Markov decision process of
its own, close to the pendulum, whose dynamics are a table; a model counted from its transitions
has an exact eps_m, eps_m' and return, which may be put into the theorems. Course notes, section
"what can be measured, and where". Taught in chapters 3 and 5.
"""

import numpy as np

from mbpo_teach import pendulum
from mbpo_teach.bins import cell_index
from mbpo_teach.mdp import TabularMDP

BINS = 7
TORQUES = (-2.0, 0.0, 2.0)
_HOLD = 5  # steps of the simulator for which one action is held: a state should be left in one
_GRID = 12  # points per dimension and cell, from which the cell's dynamics are averaged
_LOW, _HIGH = np.array([-np.pi, -8.0]), np.array([np.pi, 8.0])


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
    return TabularMDP(transition=transition, reward=reward, start=start, gamma=gamma)


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

"""A river to swim up: a world small enough to see, in which a hopeful model misleads.

RiverSwim (Strehl and Littman, 2008): places in a row, the current flowing left. Drifting left
always works and pays almost nothing at the left end; swimming right works one time in three and
pays at the right end. A model that believes the swimmer to be stronger than she is promises more
than the river gives, and it is wrong just where a better policy wants to go. Taught in chapter 4.
"""

import numpy as np

from mbpo_teach.ground.checked import DISCOUNT, POSITIVE, Allowed, checked
from mbpo_teach.tables.mdp import TabularMDP

LEFT, RIGHT = 0, 1
PLACES = Allowed(least=2, most=1000)
"""How many places a river may have."""
_FORWARD, _BACK = 0.35, 0.05  # a stroke to the right: one place on, one place back, else no move


@checked(gamma=DISCOUNT, places=PLACES, r_max=POSITIVE)
def river_swim(*, gamma: float, places: int = 6, r_max: float = 1.0) -> TabularMDP:
    """Return the river as an MDP with `places` states and the actions LEFT and RIGHT.

    The swimmer starts anywhere with equal chance. Swimming right at the right end pays `r_max`,
    drifting left at the left end `r_max` / 200; everything else pays nothing.

    Raises
    ------
    ValueError
        If there are fewer than 2 places, or `r_max` is not positive and finite.
    """
    if places < 2:
        raise ValueError(f"places must be at least 2, not {places}")
    if not 0 < r_max < np.inf:
        raise ValueError(f"r_max must be positive and finite, not {r_max}")
    reward = np.zeros((places, 2))
    reward[0, LEFT] = r_max / 200
    reward[-1, RIGHT] = r_max
    return TabularMDP(
        transition=_moves(places, forward=_FORWARD, back=_BACK),
        reward=reward,
        start=np.full(places, 1 / places),
        gamma=gamma,
    )


@checked(places=PLACES)
def hopeful_model(places: int = 6) -> np.ndarray:
    """Return dynamics in which every stroke to the right succeeds, shape (state, action, state).

    Mixed with the true dynamics (:func:`mbpo_teach.theory.exact.mixture`) it makes models that are
    wrong by as much as a slider says, and always in the swimmer's favour.
    """
    return _moves(places, forward=1.0, back=0.0)


@checked(places=PLACES)
def swim_right(places: int = 6) -> np.ndarray:
    """Return the policy that always swims right, shape (state, action)."""
    policy = np.zeros((places, 2))
    policy[:, RIGHT] = 1
    return policy


@checked(places=PLACES)
def swim_evenly(places: int = 6) -> np.ndarray:
    """Return the policy that takes LEFT or RIGHT with equal chance: it collects the data."""
    return np.full((places, 2), 0.5)


def _moves(places: int, *, forward: float, back: float) -> np.ndarray:
    here = np.arange(places)
    left, right = np.maximum(here - 1, 0), np.minimum(here + 1, places - 1)
    moves = np.zeros((places, 2, places))
    moves[here, LEFT, left] = 1
    # At the ends two outcomes are the same place, so add rather than set.
    for there, chance in ((right, forward), (left, back), (here, 1 - forward - back)):
        moves[here, RIGHT, there] += chance
    return moves

"""The river of chapter 4 by hand numbers, and its refusals."""

import numpy as np
import pytest

from mbpo_teach.tables import mdp, river
from mbpo_teach.theory import exact


def test_moves_by_hand():
    world = river.river_swim(gamma=0.9, places=3, r_max=2.0)
    np.testing.assert_allclose(world.transition[:, river.LEFT], [[1, 0, 0], [1, 0, 0], [0, 1, 0]])
    np.testing.assert_allclose(
        world.transition[:, river.RIGHT],
        [[0.65, 0.35, 0], [0.05, 0.60, 0.35], [0, 0.05, 0.95]],
    )
    np.testing.assert_allclose(world.reward, [[0.01, 0], [0, 0], [0, 2]])
    np.testing.assert_allclose(world.start, 1 / 3)
    assert world.r_max == 2.0


def test_the_hopeful_model_promises_more():
    world, right = river.river_swim(gamma=0.9), river.swim_right()
    assert mdp.exact_return(world, right, river.hopeful_model()) > mdp.exact_return(world, right)
    # and is wrong about strokes to the right only
    wrong = exact.total_variation(world.transition, river.hopeful_model())
    np.testing.assert_allclose(wrong[:, river.LEFT], 0)
    np.testing.assert_allclose(wrong[1:-1, river.RIGHT], 0.65)


def test_swimming_evenly_is_a_policy_of_halves():
    np.testing.assert_array_equal(river.swim_evenly(3), [[0.5, 0.5]] * 3)


def test_swimming_right_is_best():
    world = river.river_swim(gamma=0.9)
    _, best = mdp.value_iteration(world)
    np.testing.assert_array_equal(best, river.swim_right())


def test_bad_rivers_are_refused():
    with pytest.raises(ValueError, match="places must be at least 2"):
        river.river_swim(gamma=0.9, places=1)
    for r_max in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="r_max must be positive and finite"):
            river.river_swim(gamma=0.9, r_max=r_max)

"""Models counted from samples: hand numbers, and the world that they come closer to."""

import numpy as np
import pytest

from mbpo_teach.ground.seeding import generator
from mbpo_teach.tables import counting, mdp, river


def test_relative_frequencies_by_hand():
    counts = np.array([[[3, 1], [0, 0]], [[0, 2], [1, 0]]])
    model = counting.relative_frequencies(counts)
    np.testing.assert_allclose(model, [[[0.75, 0.25], [0.5, 0.5]], [[0, 1], [1, 0]]])


def test_count_model_by_hand():
    model = counting.count_model(
        [0, 0, 0, 1], [1, 1, 1, 0], [0, 1, 1, 1], state_count=2, action_count=2
    )
    np.testing.assert_allclose(model[0, 1], [1 / 3, 2 / 3])
    np.testing.assert_allclose(model[1, 0], [0, 1])
    np.testing.assert_allclose(model[0, 0], [0.5, 0.5])  # never tried


def test_count_model_without_data_is_uniform():
    model = counting.count_model([], [], [], state_count=3, action_count=1)
    np.testing.assert_allclose(model, 1 / 3)


def test_count_model_approaches_the_truth():
    rng = generator(3, "walk")
    world = mdp.random_mdp(states=4, actions=2, gamma=0.9, rng=rng)
    policy = np.full((4, 2), 0.5)
    walk = counting.sample_transitions(world, policy, count=40_000, rng=rng)
    model = counting.count_model(*walk, state_count=4, action_count=2)
    np.testing.assert_allclose(model, world.transition, atol=0.04)
    states, actions, nexts = walk
    assert (states[1:] == nexts[:-1]).mean() == pytest.approx(0.9 + 0.1 * 0.25, abs=0.06)
    assert np.bincount(actions).tolist() == pytest.approx([20_000, 20_000], rel=0.05)


def test_sample_transitions_is_reproducible():
    world = mdp.random_mdp(states=2, actions=2, gamma=0.5, rng=generator(0))
    walks = [
        counting.sample_transitions(world, np.full((2, 2), 0.5), count=50, rng=generator(1, "walk"))
        for _ in range(2)
    ]
    np.testing.assert_array_equal(walks[0], walks[1])


def test_bad_counts_are_refused():
    size = {"state_count": 2, "action_count": 2}
    with pytest.raises(ValueError, match=r"actions must be in \[0, 2\)"):
        counting.count_model([0], [2], [0], **size)
    with pytest.raises(ValueError, match="states must be a sequence of integers"):
        counting.count_model([0.5], [1], [0], **size)
    with pytest.raises(ValueError, match="equally long"):
        counting.count_model([0, 1], [1], [0], **size)
    with pytest.raises(ValueError, match="state_count must be at least 1, not 0"):
        counting.count_model([], [], [], state_count=0, action_count=2)


def test_counts_are_those_of_the_policys_visits():
    world = river.river_swim(gamma=0.5)
    counts = counting.transition_counts(
        world, np.full((6, 2), 0.5), count=1_000_000, rng=generator(0, "counts")
    )
    assert counts.sum() == 1_000_000
    np.testing.assert_allclose(counting.relative_frequencies(counts), world.transition, atol=0.01)
    np.testing.assert_allclose(counting.relative_frequencies(np.zeros((3, 1, 3))), 1 / 3)

"""The pendulum's tabular twin against the simulator."""

import gymnasium as gym
import numpy as np
import pytest

from mbpo_teach.ground.seeding import generator
from mbpo_teach.tables import counting, mdp, twin
from mbpo_teach.tables.bins import cell_index
from mbpo_teach.theory import exact


def test_the_twin_is_small_and_valid():
    world = twin.pendulum_twin(gamma=0.9)
    assert world.state_count == 49
    assert world.action_count == 3
    assert 0.5 < world.r_max <= 1
    # The start: the middle bins of velocity, of every angle.
    assert (world.start.reshape(7, 7)[:, [0, 1, 5, 6]] == 0).all()
    with pytest.raises(ValueError, match="gamma must be in"):
        twin.pendulum_twin(gamma=1.0)


def test_one_held_action_is_the_simulators():
    env = gym.make("Pendulum-v1").unwrapped
    env.reset(seed=0)
    rng = generator(0, "states")
    for torque in twin.TORQUES:
        point = rng.uniform([-np.pi, -8], [np.pi, 8])
        env.state = point.copy()
        rewards = [env.step(np.array([torque]))[1] for _ in range(5)]
        (after,), (paid,) = twin._held(point[None], torque)
        angle = (env.state[0] + np.pi) % (2 * np.pi) - np.pi
        np.testing.assert_allclose(after, [angle, env.state[1]], atol=1e-9)
        assert paid == pytest.approx(np.mean(rewards) / 16.2736044)
    env.close()


def test_dynamics_are_those_of_random_points_in_a_cell():
    world = twin.pendulum_twin(gamma=0.9)
    rng = generator(1, "cell")
    state = 3 * 7 + 4
    low = np.array([-np.pi + 3 * 2 * np.pi / 7, -8 + 4 * 16 / 7])
    width = np.array([2 * np.pi / 7, 16 / 7])
    points = rng.uniform(low, low + width, size=(20_000, 2))
    after, paid = twin._held(points, twin.TORQUES[2])
    cells = cell_index(after, low=[-np.pi, -8], high=[np.pi, 8], bins=7)
    drawn = np.bincount(cells, minlength=49) / len(cells)
    assert exact.total_variation(drawn, world.transition[state, 2]) < 0.05
    assert world.reward[state, 2] == pytest.approx(paid.mean(), abs=5e-3)


def test_a_counted_model_of_the_twin_gets_better_with_data():
    world = twin.pendulum_twin(gamma=0.9)
    policy = np.full((49, 3), 1 / 3)
    walk = counting.sample_transitions(world, policy, count=20_000, rng=generator(2, "walk"))
    errors = []
    for count in (200, 2000, 20_000):
        model = counting.count_model(
            *(part[:count] for part in walk), state_count=49, action_count=3
        )
        errors.append(exact.model_error(world, model, policy))
    assert errors[0] > 2 * errors[1] > 4 * errors[2] * 0.8


def test_the_data_policy_is_idle_and_the_best_one_is_not():
    idle, best = twin.idle_policy(), twin.best_policy()
    np.testing.assert_allclose(idle[[0, 24, 48]], [[0.1, 0.8, 0.1]] * 3)
    world = twin.pendulum_twin(gamma=0.9)
    assert mdp.exact_return(world, best) == pytest.approx(mdp.best_return(world))
    assert mdp.exact_return(world, idle) < mdp.exact_return(world, best)


def test_counted_models_are_prefixes_of_one_walk():
    world = twin.pendulum_twin(gamma=0.9)
    rng = generator(7, "twin walk")
    walk = counting.sample_transitions(world, twin.idle_policy(), count=twin.WALK, rng=rng)
    first = [part[:500] for part in walk]
    expected = counting.count_model(*first, state_count=49, action_count=3)
    np.testing.assert_array_equal(twin.counted_model(500, seed=7), expected)
    with pytest.raises(ValueError, match="count must be at most 100000, not 100001"):
        twin.counted_model(twin.WALK + 1)

"""Pendulum's equations for whole arrays: by hand, and against Gymnasium's own steps."""

import numpy as np
import pytest

from mbpo_teach.tables import pendulum
from mbpo_teach.world import envs


def test_a_step_by_hand():
    angle, speed, reward = pendulum.step(np.array([np.pi / 2]), np.array([1.0]), 2.0)
    assert speed == pytest.approx([1 + (15 + 6) * 0.05])
    assert angle == pytest.approx([np.pi / 2 + 2.05 * 0.05])
    assert reward == pytest.approx([-((np.pi / 2) ** 2 + 0.1 + 0.004)])


def test_the_speed_has_a_limit():
    _, speed, _ = pendulum.step(np.full(2, np.pi / 2), np.array([7.9, -10.0]), 2.0)
    assert speed.tolist() == [8.0, -8.0]


def test_angles_are_wrapped():
    angles = np.array([-np.pi, np.pi, 3.5, -3.5, 0.25])
    expected = [-np.pi, -np.pi, 3.5 - 2 * np.pi, 2 * np.pi - 3.5, 0.25]
    np.testing.assert_allclose(pendulum.wrapped(angles), expected)


def test_it_is_gymnasiums_pendulum():
    rng = np.random.default_rng(0)
    angles, speeds, actions = rng.uniform([[-np.pi], [-8], [-1]], [[np.pi], [8], [1]], (3, 50))
    found = np.stack(pendulum.step(angles, speeds, 2 * actions), axis=-1)
    env = envs.make("Pendulum-v1")
    env.start(0)
    for row, (angle, speed, action) in enumerate(zip(angles, speeds, actions, strict=True)):
        env.simulator.unwrapped.state = np.array([angle, speed])
        reward = env.step(np.array([action])).reward
        expected = [*env.simulator.unwrapped.state, reward]
        np.testing.assert_allclose(found[row], expected, atol=1e-6)

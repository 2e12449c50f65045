"""Pendulum-v1's equations of motion, for whole arrays of states at once.

A rod of mass 1 and length 1 under gravity 10; every 0.05 s its speed changes by

    (15 sin(angle) + 3 torque) 0.05

with angle 0 upright, and then its angle by speed 0.05. Gymnasium steps one pendulum at a time;
whoever cuts the world into cells or solves it on a grid needs all states together. The twin of
chapters 3 and 5 is made from it.
"""

import numpy as np

from mbpo_teach.ground.checked import checked, dims

MAX_SPEED, MAX_TORQUE = 8.0, 2.0

Array = np.ndarray


@checked(angle=dims("*rows"), speed=dims("*rows"), torque=dims("*rows"))
def step(angle: Array, speed: Array, torque: Array | float) -> tuple[Array, Array, Array]:
    """Return angle (not wrapped), speed and reward after one step; all of one shape.

    Angles in radians, speeds in rad/s, at most :data:`MAX_SPEED`. The reward is that of the state
    before the step, so `angle` must lie in [-pi, pi]: see :func:`wrapped`.
    """
    reward = -(angle**2 + 0.1 * speed**2 + 0.001 * torque**2)
    faster = np.clip(speed + (15 * np.sin(angle) + 3 * torque) * 0.05, -MAX_SPEED, MAX_SPEED)
    return angle + faster * 0.05, faster, reward


@checked
def wrapped(angle: Array) -> Array:
    """Return the same angles in [-pi, pi)."""
    return (angle + np.pi) % (2 * np.pi) - np.pi

"""Where a world comes in: what its `reset` and `step` give is checked once, before it is used.

Gymnasium believes whatever an environment returns, and so does a learner: a reward of NaN, or a
state that is none, is learned from without a word. A world that somebody brings is asked in
Gymnasium's form (`reset` takes a seed and returns two things, `step` returns five); anything else
is one sentence with the world's name and the value. Used by `dyna` (chapter 1) and `envs`
(chapter 2).
"""

import inspect
import operator
import reprlib
from typing import Any, NamedTuple

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

World = gym.Env[Any, Any]

LARGEST = float(np.finfo(np.float32).max)
"""Rewards and observations are stored in float32; what is larger would become infinite there."""


class Given(NamedTuple):
    """What a step gave: the observation as the world returned it, the rest checked."""

    obs: Any
    reward: float
    terminated: bool
    truncated: bool


def name_of(world: World) -> str:
    """Return the name under which `world` was registered, else that of its class."""
    return world.spec.id if world.spec else type(world.unwrapped).__name__


def check_reset(name: str, world: World) -> None:
    """Raise a `ValueError` if the reset of `world`, or of a world that it wraps, takes no seed."""
    layer = world
    while True:
        try:
            inspect.signature(layer.reset).bind(seed=0, options=None)
        except TypeError:
            raise ValueError(
                f"{name}: {type(layer).__name__}.reset must take seed and options, as in"
                " reset(self, *, seed=None, options=None), the form that Gymnasium calls it in"
            ) from None
        if not isinstance(layer, gym.Wrapper):
            return
        layer = layer.env


def first(name: str, given: Any) -> Any:
    """Return the observation in what a reset gave.

    Raises
    ------
    ValueError
        If it is not (observation, info); before Gymnasium it was the observation alone.
    """
    if not isinstance(given, tuple) or len(given) != 2 or not isinstance(given[1], dict):
        raise ValueError(
            f"{name}: reset must return (observation, info), info a dict, not {reprlib.repr(given)}"
        )
    return given[0]


def step(name: str, given: Any) -> Given:
    """Return what a step gave, its reward and its two endings checked.

    Raises
    ------
    ValueError
        If it is not (observation, reward, terminated, truncated, info); before Gymnasium it was
        four things. If the reward is no finite number, or an ending neither True nor False.
    """
    if not isinstance(given, tuple) or len(given) != 5:
        raise ValueError(
            f"{name}: step must return (observation, reward, terminated, truncated, info), not"
            f" {reprlib.repr(given)}"
        )
    obs, reward, terminated, truncated, _ = given
    return Given(
        obs,
        _reward(name, reward),
        _ending(name, "terminated", terminated),
        _ending(name, "truncated", truncated),
    )


def vector(name: str, obs: Any, size: int) -> NDArray[np.float32]:
    """Return a copy, (size,) float32, of an observation: some worlds fill one array anew.

    Raises
    ------
    ValueError
        If it is not `size` numbers that are finite in float32.
    """
    seen = numbers(obs)
    if seen is None or seen.shape != (size,) or not (np.abs(seen) <= LARGEST).all():
        raise ValueError(
            f"{name}: the observation must be a vector of {size} finite numbers, not"
            f" {reprlib.repr(obs)}"
        )
    return seen.astype(np.float32)  # always a copy


def state(name: str, value: Any, count: int) -> int:
    """Return the state `value` of a tabular world with `count` of them.

    Raises
    ------
    ValueError
        If it is no whole number from 0 to ``count - 1``: a list takes -1 for its last place.
    """
    try:
        place = operator.index(value)
    except TypeError:
        place = -1
    if not 0 <= place < count:
        raise ValueError(
            f"{name}: the state must be a whole number from 0 to {count - 1}, not"
            f" {reprlib.repr(value)}"
        )
    return place


def numbers(value: Any) -> NDArray[Any] | None:
    """Return `value` as an array of real numbers, or None where it is not made of them."""
    try:
        array = np.asarray(value)
    except (
        TypeError,
        ValueError,
        RuntimeError,
    ):  # lists of unequal lengths; tensors with gradients
        return None
    return array if array.dtype.kind in "fiub" else None


def _reward(name: str, value: Any) -> float:
    number = numbers(value)
    if number is None or number.shape != () or not abs(float(number)) <= LARGEST:
        raise ValueError(f"{name}: the reward must be one finite number, not {reprlib.repr(value)}")
    return float(number)


def _ending(name: str, which: str, value: Any) -> bool:
    if value is True or value is False:
        return value
    flag = numbers(value)
    if flag is None or flag.shape != () or flag not in (0, 1):
        raise ValueError(f"{name}: {which} must be True or False, not {reprlib.repr(value)}")
    return bool(flag)

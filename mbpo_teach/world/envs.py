"""Real simulators behind one narrow door: vectors in, vectors out, actions in [-1, 1].

`terminated` (the world ended) and `truncated` (the clock ran out) stay apart, because only the
first may stop a bootstrap (Pardo et al. 2018, arXiv 1712.00378). Taught in chapter 2.
"""

import copy
import os
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, NamedTuple

import gymnasium as gym
import numpy as np
import torch
from gymnasium.envs.registration import load_env_creator
from gymnasium.spaces import Box
from numpy.typing import ArrayLike, NDArray

from mbpo_teach.ground import door
from mbpo_teach.ground.checked import FROM_ONE, checked
from mbpo_teach.ground.checks import whole
from mbpo_teach.world.terminations import termination_of
from mbpo_teach.world.transitions import Transition, concatenate
from mbpo_teach.world.warned import mujoco_warnings

# Contact forces are 78 of Ant's 105 numbers; MBPO leaves them out (Janner et al. 2019, appendix C).
_OPTIONS: dict[str, dict[str, Any]] = {"Ant-v5": {"include_cfrc_ext_in_observation": False}}


class Step(NamedTuple):
    """What one step gives: `obs` (obs,) float32, `reward`, and the two ways in which it may end."""

    obs: NDArray[np.float32]
    reward: float
    terminated: bool
    truncated: bool


class Env:
    """An environment with vector observations and with actions in [-1, 1].

    Made by :func:`make`.

    Attributes
    ----------
    name
        Gymnasium's name, for example ``"Hopper-v5"``.
    simulator
        The environment as Gymnasium makes it, without its time limit.
    time_limit
        Steps after which an episode is truncated, or None.
    elapsed
        Steps since the episode began, or None before the first reset.
    obs_size, act_size
        Numbers of observations and actions.
    termination
        Which of the observations (batch, obs) end their episode; see `terminations`.
    """

    def __init__(self, name: str, simulator: gym.Env[Any, Any], time_limit: int | None) -> None:
        observations = _vector_space(name, "observations", simulator)
        actions = _vector_space(name, "actions", simulator)
        if not actions.is_bounded():
            raise ValueError(f"{name} must have bounded actions, not {actions}")
        door.check_reset(name, simulator)
        self.name, self.simulator, self.time_limit = name, simulator, time_limit
        self.obs_size, self.act_size = observations.shape[0], actions.shape[0]
        self.termination = termination_of(name)
        self.elapsed: int | None = None
        # Halved first: the sum of two of float32's largest numbers would be infinite.
        self._action_centre = actions.high / 2 + actions.low / 2
        self._action_reach = actions.high / 2 - actions.low / 2
        self._action_box = actions

    @checked
    def reset(self, *, rng: np.random.Generator) -> NDArray[np.float32]:
        """Begin an episode from a start that `rng` draws; return its first observation, (obs,)."""
        return self.start(int(rng.integers(2**31)))

    def start(self, seed: int) -> NDArray[np.float32]:
        """Begin the episode that Gymnasium starts from `seed`; return its first observation.

        Raises
        ------
        ValueError
            If `seed` is no whole number from 0; or if the world gives no such observation.
        """
        seed = whole("seed", seed, least=0)
        obs = door.first(self.name, self.simulator.reset(seed=seed))
        seen = door.vector(self.name, obs, self.obs_size)
        self.elapsed = 0
        return seen

    def step(self, action: ArrayLike) -> Step:
        """Apply `action` (act,), each number in [-1, 1].

        A larger action is refused rather than clipped: the simulators clip forces but charge for
        what was asked, and a stored action must be the one that was applied.

        Raises
        ------
        ValueError
            If the action has another shape or leaves [-1, 1], or before the first reset; or if the
            world gives anything but finite numbers in the shapes that it promises.
        """
        asked = door.numbers(action)
        if asked is None:
            raise ValueError(f"action must hold numbers, not {action!r}")
        action = asked.astype(np.float32)
        if action.shape != (self.act_size,):
            raise ValueError(f"action must have shape ({self.act_size},), not {action.shape}")
        if not (np.abs(action) <= 1).all():
            raise ValueError(f"action must lie in [-1, 1], not {action.tolist()}")
        if self.elapsed is None:
            raise ValueError(f"{self.name} must be reset before its first step")
        with mujoco_warnings():
            given = door.step(self.name, self.simulator.step(self._applied(action)))
        obs = door.vector(self.name, given.obs, self.obs_size)
        self.elapsed += 1
        out_of_time = self.time_limit is not None and self.elapsed >= self.time_limit
        return Step(obs, given.reward, given.terminated, given.truncated or out_of_time)

    def _applied(self, action: NDArray[np.float32]) -> NDArray[Any]:
        """Return `action`, in [-1, 1], on the scale of the world's own box, and inside it.

        Rounded, centre plus reach may lie a last digit beyond an end.
        """
        box = self._action_box
        scaled = self._action_centre + self._action_reach * action
        applied: NDArray[Any] = np.clip(scaled, box.low, box.high).astype(box.dtype)
        return applied

    def close(self) -> None:
        """Free what the simulator holds."""
        self.simulator.close()


Act = Callable[[NDArray[np.float32]], ArrayLike]
"""A policy as it is used in a simulator: observation (obs,) in, action (act,) out."""

Policy = Callable[[torch.Tensor], torch.Tensor]
"""A policy for many states at once: observations (batch, obs) to actions (batch, act)."""


def make(name: str) -> Env:
    """Return the Gymnasium environment `name`.

    Known are Pendulum-v1 and InvertedPendulum, Hopper, HalfCheetah, Walker2d and Ant in v5, Ant
    with 27 observations. Any other needs ``terminations.register`` first.

    Raises
    ------
    ValueError
        If Gymnasium does not have it or cannot load it, if its observations or actions are not
        vectors of real numbers, if its reset takes no seed, or if nothing says when its episodes
        terminate.
    """
    if not isinstance(name, str):
        raise ValueError(f"name must be that of an environment of Gymnasium, not {name!r}")
    try:
        spec = copy.deepcopy(gym.spec(name))
        time_limit = spec.max_episode_steps
        # The time limit and the order of calls are Env's own business: a wrapper's counter could
        # not be put back together with the simulator's state.
        spec.max_episode_steps, spec.order_enforce, spec.disable_env_checker = None, False, True
        _load(name, spec.entry_point)
        with mujoco_warnings():
            simulator = gym.make(spec, **_OPTIONS.get(name, {}))
    except (gym.error.Error, ImportError) as error:
        raise ValueError(
            f"name must be an environment of Gymnasium, not {name!r}: {error}"
        ) from error
    return Env(name, simulator, time_limit)


class Interaction:
    """A life in `env`, one step at a time; an episode that ends is followed by the next.

    A buffer that is fed from here never waits for the end of an episode.

    Parameters
    ----------
    env
        The environment; its first episode begins with the first step.
    rng
        Draws the starts of the episodes.

    Attributes
    ----------
    obs
        The present observation (obs,), None where an episode has yet to begin.
    earned
        The rewards of the present episode.
    last_return
        Those of the last episode lived to its end, None before the first.
    """

    @checked
    def __init__(self, env: Env, *, rng: np.random.Generator) -> None:
        self.env, self.rng = env, rng
        self.obs: NDArray[np.float32] | None = None
        self.earned = 0.0
        self.last_return: float | None = None

    def step(self, act: Act) -> Transition:
        """Live one step with the policy `act`; return it as a batch of one.

        Only `terminated` is in it: that an episode ran out of time is nobody's business but ours.
        """
        if self.obs is None:
            self.obs, self.earned = self.env.reset(rng=self.rng), 0.0
        action = np.asarray(act(self.obs.copy()), np.float32)
        step = self.env.step(action)
        lived = Transition(
            obs=torch.from_numpy(self.obs)[None],
            act=torch.tensor(action, device="cpu")[None],
            reward=torch.tensor([step.reward], dtype=torch.float32, device="cpu"),
            next_obs=torch.from_numpy(step.obs)[None],
            terminated=torch.tensor([step.terminated], device="cpu"),
        )
        self.obs, self.earned = step.obs, self.earned + step.reward
        if step.terminated or step.truncated:
            self.obs, self.last_return = None, self.earned
        return lived


@checked
def interact(env: Env, act: Act | None = None, *, rng: np.random.Generator) -> Iterator[Transition]:
    """Yield the steps of an :class:`Interaction` for ever; without `act` actions are uniform."""
    if act is None:

        def act(_: NDArray[np.float32]) -> ArrayLike:
            return rng.uniform(-1, 1, env.act_size)

    life = Interaction(env, rng=rng)
    while True:
        yield life.step(act)


@checked(steps=FROM_ONE)
def collect(
    env: Env, act: Act | None = None, *, steps: int, rng: np.random.Generator
) -> Transition:
    """Return the first `steps` transitions of :func:`interact`.

    Raises
    ------
    ValueError
        If `steps` is not a whole number of at least 1.
    """
    steps = whole("steps", steps, least=1)
    return concatenate(list(islice(interact(env, act, rng=rng), steps)))


def _load(name: str, entry_point: Any) -> None:
    """Load the module that the world `name` is in, before MuJoCo's warnings are listened to.

    MuJoCo reads `MUJOCO_GL` as it is loaded, and fails in its own ways where it cannot be obeyed.
    """
    try:
        if isinstance(entry_point, str):
            load_env_creator(entry_point)
    except (RuntimeError, AttributeError, ImportError, OSError) as error:
        if chosen := os.environ.get("MUJOCO_GL"):
            raise ValueError(
                f"{name} cannot be loaded with the environment variable MUJOCO_GL={chosen}; unset"
                f" it, or set it to egl, glfw or disable ({type(error).__name__}: {error})"
            ) from error
        raise


def _vector_space(name: str, what: str, simulator: gym.Env[Any, Any]) -> Box:
    space = getattr(simulator, f"{what.removesuffix('s')}_space", None)
    if (
        not isinstance(space, Box)
        or len(space.shape) != 1
        or not np.issubdtype(space.dtype, np.floating)
    ):
        raise ValueError(
            f"{name} must have {what} that are vectors of real numbers (a one-dimensional Box of"
            f" floats), not {space}; wrap it so that it has"
        )
    return space

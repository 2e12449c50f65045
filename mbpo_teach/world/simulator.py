"""Putting a simulator exactly into a state, so that model and world start from the same point.

The k-step error of a model compares like with like only if the real simulator can be put back to a
visited state and driven by the same actions. Taught in chapter 3.

- :func:`get_state`, :func:`set_state`: exact. The same actions give bit-equal steps again.
- :func:`set_from_obs`: from an observation alone, for example an imagined one. Not bit-equal,
  because an observation is rounded to float32 and leaves out the solver's warm start and the root's
  place along the ground (set to 0; the dynamics do not depend on it). In 99 of 100 states the next
  observation is within 1e-5; where a foot is about to touch the ground, differences up to 0.05 have
  been seen. Two things are lost altogether: in Hopper and Walker2d, velocities beyond 10, which
  their observations clip (Walker2d reaches them in most random steps, and its observation is then
  no state at all); and up to 0.1 of Ant's first reward, which is counted from the torso's
  place one small step ago.
"""

import sys
from typing import Any, NamedTuple

import numpy as np
from gymnasium.envs.classic_control import PendulumEnv
from numpy.typing import ArrayLike, NDArray

from mbpo_teach.ground.checked import NOT_FINITE, Allowed, checked
from mbpo_teach.ground.checks import whole
from mbpo_teach.world.envs import Env
from mbpo_teach.world.warned import mujoco_warnings


class SimulatorState(NamedTuple):
    """A state to come back to.

    `integration` is what the simulator integrates; Pendulum: (angle, velocity). `body_positions`
    (body, 3) are MuJoCo's, as of its last small step; empty for Pendulum. `elapsed` counts steps.
    `name` is the environment's, because the numbers cannot tell: HalfCheetah and Walker2d have as
    many of them. None fits any.
    """

    integration: NDArray[np.float64]
    body_positions: NDArray[np.float64]
    elapsed: int
    name: str | None = None


@checked
def get_state(env: Env) -> SimulatorState:
    """Return the exact state of `env`, a copy.

    Raises
    ------
    ValueError
        If the environment is neither Pendulum nor MuJoCo's, or was not reset yet.
    """
    simulator = known_simulator(env)
    if env.elapsed is None:
        raise ValueError(f"{env.name} must be reset before it has a state")
    if isinstance(simulator, PendulumEnv):
        angle = np.array(simulator.state, np.float64)
        return SimulatorState(angle, np.empty((0, 3)), env.elapsed, env.name)
    import mujoco

    model, data = simulator.model, simulator.data
    integration = np.empty(_state_size(model))
    mujoco.mj_getState(model, data, integration, mujoco.mjtState.mjSTATE_INTEGRATION)
    return SimulatorState(integration, data.xpos.copy(), env.elapsed, env.name)


@checked(state=Allowed(finite=False, empty=True))
def set_state(env: Env, state: SimulatorState) -> None:
    """Put `env` into `state`, which came from the same kind of environment.

    Raises
    ------
    ValueError
        If the environment is neither Pendulum nor MuJoCo's, or the state is another one's or holds
        a number that is not finite. Nothing moves then.
    """
    simulator = known_simulator(env)
    pendulum = isinstance(simulator, PendulumEnv)
    size = 2 if pendulum else _state_size(simulator.model)
    state = state._replace(
        integration=np.asarray(state.integration), body_positions=np.asarray(state.body_positions)
    )
    if state.integration.shape != (size,):
        raise ValueError(
            f"state must hold {size} numbers for {env.name}, not {state.integration.shape}"
        )
    if state.name not in (None, env.name):
        raise ValueError(f"state must be one of {env.name}, not of {state.name}")
    if not np.isfinite(state.integration).all():
        raise ValueError(f"state must hold finite numbers, not {state.integration.tolist()}")
    bodies = (0, 3) if pendulum else simulator.data.xpos.shape
    if state.body_positions.shape != bodies or not np.isfinite(state.body_positions).all():
        raise ValueError(f"body_positions must be {bodies} finite numbers")
    elapsed = whole("elapsed", state.elapsed, least=0)
    if pendulum:
        simulator.state = state.integration.copy()
    else:
        import mujoco

        spec = mujoco.mjtState.mjSTATE_INTEGRATION
        mujoco.mj_setState(simulator.model, simulator.data, state.integration, spec)
        # Ant's reward starts from the torso's position *before* the last small step, which MuJoCo
        # does not count as state: without this line its first reward is wrong by up to hundreds.
        simulator.data.xpos[:] = state.body_positions
    env.elapsed = elapsed


@checked(obs=NOT_FINITE)
def set_from_obs(env: Env, obs: ArrayLike) -> None:
    """Put `env` into the state that shows `obs` (obs,), at the beginning of an episode.

    Raises
    ------
    ValueError
        If `obs` has another shape or a number that is not finite, or if the environment is
        neither Pendulum nor MuJoCo's.
    """
    simulator = known_simulator(env)
    obs = np.asarray(obs, np.float64)
    if obs.shape != (env.obs_size,):
        raise ValueError(f"obs must have shape ({env.obs_size},), not {obs.shape}")
    if not np.isfinite(obs).all():
        raise ValueError(f"obs must hold finite numbers, not {obs.tolist()}")
    if isinstance(simulator, PendulumEnv):
        cosine, sine, velocity = obs
        simulator.state = np.array([np.arctan2(sine, cosine), velocity])
    else:
        import mujoco

        layout = simulator.observation_structure
        hidden, shown = layout.get("skipped_qpos", 0), layout["qpos"]
        with mujoco_warnings():
            # Forget the warm start of whatever was simulated before.
            mujoco.mj_resetData(simulator.model, simulator.data)
            simulator.set_state(np.concatenate([np.zeros(hidden), obs[:shown]]), obs[shown:])
    env.elapsed = 0


@checked
def known_simulator(env: Env) -> Any:
    """Return the bare simulator of `env`, a `PendulumEnv` or a `MujocoEnv`.

    Raises
    ------
    ValueError
        If it is neither.
    """
    if not can_be_set(env):
        raise ValueError(
            f"env must be Pendulum-v1 or one of MuJoCo's, whose state can be set, not {env.name}"
        )
    return env.simulator.unwrapped


@checked
def can_be_set(env: Env) -> bool:
    """Return whether the state of `env` can be set: it is a `PendulumEnv` or a `MujocoEnv`."""
    # A world of MuJoCo's is there only if its module is; others run where MuJoCo cannot be loaded.
    of_mujoco = sys.modules.get("gymnasium.envs.mujoco")
    kinds = (PendulumEnv, of_mujoco.MujocoEnv) if of_mujoco else PendulumEnv
    return isinstance(env.simulator.unwrapped, kinds)


def _state_size(model: Any) -> int:
    """Return how many numbers MuJoCo computes the next step from: time, positions, velocities, ...

    The warm start of its solver is among them.
    """
    import mujoco

    return int(mujoco.mj_stateSize(model, mujoco.mjtState.mjSTATE_INTEGRATION))

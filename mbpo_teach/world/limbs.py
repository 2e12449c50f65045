"""Where a body's limbs are, so that it can be drawn with lines alone, without a renderer.

Every limb of MuJoCo's robots is a capsule: a stick with two ends and a radius. An imagined
observation is drawn in the same way (:func:`limbs_at`). Used by chapter 3.
"""

from typing import NamedTuple

import mujoco
import numpy as np
from gymnasium.envs.classic_control import PendulumEnv
from numpy.typing import NDArray

from mbpo_teach.ground.checked import NOT_FINITE, checked, dims
from mbpo_teach.world.envs import Env
from mbpo_teach.world.simulator import known_simulator, set_from_obs


class Limbs(NamedTuple):
    """Sticks in the world: x forward, y to the left, z up, in metres.

    `ends` (limb, 2, 3) and `radius` (limb,).
    """

    ends: NDArray[np.float64]
    radius: NDArray[np.float64]


@checked(obs=dims("obs", NOT_FINITE))
def limbs_at(env: Env, obs: NDArray[np.float32]) -> Limbs | None:
    """Put `env` where `obs` says and return its limbs; None where there is no observation (NaN)."""
    if not np.isfinite(obs).all():
        return None
    set_from_obs(env, obs)
    return limbs(env)


@checked
def limbs(env: Env) -> Limbs:
    """Return the limbs of `env` as it stands now; the ground is left out.

    A ball, such as Ant's torso, is a limb whose ends coincide. Pendulum's rod turns as in
    Gymnasium's picture of it: angle 0 points up, positive angles lean to the left.

    Raises
    ------
    ValueError
        If the environment is neither Pendulum nor MuJoCo's.
    """
    simulator = known_simulator(env)
    if isinstance(simulator, PendulumEnv):
        angle = simulator.state[0]
        tip = simulator.l * np.array([-np.sin(angle), 0.0, np.cos(angle)])
        return Limbs(np.array([[np.zeros(3), tip]]), np.array([0.1 * simulator.l]))
    model = simulator.model
    # After a step MuJoCo's own positions lag one small step behind the joints, and the simulator's
    # exact state includes them: so they are computed afresh, on the side.
    data = mujoco.MjData(model)
    data.qpos[:] = simulator.data.qpos
    mujoco.mj_kinematics(model, data)
    moving = model.geom_bodyid > 0
    along = data.geom_xmat.reshape(-1, 3, 3)[moving, :, 2]
    length = np.where(
        model.geom_type[moving] == mujoco.mjtGeom.mjGEOM_CAPSULE, model.geom_size[moving, 1], 0.0
    )
    reach = along * length[:, None]
    centre = data.geom_xpos[moving]
    return Limbs(np.stack([centre - reach, centre + reach], axis=1), model.geom_size[moving, 0])

"""Where an ensemble disagrees, and where it errs: a map of Pendulum's states, one step ahead.

Disagreement can be computed without the truth, the error cannot; the map shows how far the one
tells of the other. Taught in chapter 2.
"""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mbpo_teach.ground.checked import Allowed, checked, dims
from mbpo_teach.model.dynamics import Ensemble, predict
from mbpo_teach.model.errors import disagreement, k_step_error
from mbpo_teach.world.envs import Env
from mbpo_teach.world.simulator import set_from_obs


@checked(angles=dims("angle"), speeds=dims("speed"))
def pendulum_observations(angles: np.ndarray, speeds: np.ndarray) -> Float[Tensor, "batch 3"]:
    """Return [cos, sin, speed] of every pair of an angle and a speed, speeds outermost."""
    angle, speed = (axis.ravel() for axis in np.meshgrid(angles, speeds))
    return torch.tensor(np.column_stack([np.cos(angle), np.sin(angle), speed]), dtype=torch.float32)


@checked
def pendulum_states(obs: Float[Tensor, "batch 3"]) -> np.ndarray:
    """Return angle (rad, from -pi to pi) and speed (rad/s) of observations, (row, 2)."""
    cosine, sine, speed = obs.detach().numpy().T
    return np.column_stack([np.arctan2(sine, cosine), speed])


@checked(torque=Allowed(said="in [-1, 1]", holds=lambda x: -1 <= x <= 1))
def disagreement_and_error(
    env: Env, model: Ensemble, obs: Float[Tensor, "batch obs"], torque: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the members' disagreement and their mean's true error after one step, both (row,).

    The error is measured against the simulator, put into each state of `obs`. Both are in
    deviations of one step's change, as chapter 3 measures longer rollouts.
    """
    acts = torch.full((len(obs), 1), torque)
    with torch.no_grad():
        each = predict(model, obs, acts).mean[..., :-1]
    real = np.empty(obs.shape, np.float32)
    for row, state in enumerate(obs.detach().numpy()):
        set_from_obs(env, state)
        real[row] = env.step(acts[row].numpy()).obs
    scale = model.target_scale[:-1]
    # Both functions are about rollouts, time by time: here there is one time.
    each, after = each.unsqueeze(2), torch.from_numpy(real).unsqueeze(1)
    apart = disagreement(each, scale)
    error = k_step_error(each.mean(dim=0), after, scale)
    return apart[:, 0].numpy(), error[:, 0].numpy()


@checked(first=dims("row"), second=dims("row"))
def rank_correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Return Spearman's correlation of two arrays (row,): 1 if both put the rows in one order."""
    ranks = [values.argsort().argsort() for values in (first, second)]
    matrix: np.ndarray = np.asarray(np.corrcoef(np.stack(ranks)))
    return float(matrix[0, 1])

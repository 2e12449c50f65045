"""The sliders of chapter 2: deviations on a curve, disagreement on a map, calibration.

They move through fits that the chapter has computed; disagreement and error of the map are computed
anew for each position of the sliders.
"""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from mbpo_teach.calibration import coverage
from mbpo_teach.curves import GAP, Fitted, Points, mean_and_deviations
from mbpo_teach.dynamics import Ensemble, predict
from mbpo_teach.envs import Env
from mbpo_teach.errors import disagreement, k_step_error
from mbpo_teach.figures.curve import spread_plate
from mbpo_teach.figures.ensemble import coverage_plate, map_plate
from mbpo_teach.figures.plate import Plate
from mbpo_teach.language import text
from mbpo_teach.simulator import set_from_obs
from mbpo_teach.transitions import Transition
from mbpo_teach.widgets.lab import Choice, Lab, Slider, View

LEVELS = tuple(level / 20 for level in range(1, 20))
"""Nominal levels of the calibration lab, 5 % to 95 %."""

_ANGLES = np.linspace(-np.pi, np.pi, 41)
_SPEEDS = np.linspace(-8, 8, 41)
_NOISY_SIDE = (1.2, 2.8)  # inside the data on the right, away from their edges


def spread_lab(
    data: Mapping[tuple[int, float], Points],
    fits: Mapping[tuple[int, float], Fitted],
    grid: Tensor,
) -> Lab:
    """Return sliders over members, data size and noise; data and fits by (size, noise)."""
    members = len(next(iter(fits.values())).mean)
    sizes, noises = (tuple(sorted(set(axis))) for axis in zip(*fits, strict=True))
    in_gap = (grid > GAP[0]) & (grid < GAP[1])
    on_data = (grid > _NOISY_SIDE[0]) & (grid < _NOISY_SIDE[1])

    def make_view() -> View:
        plate, draw = spread_plate(grid)

        def view(members: int, count: int, noise: float) -> tuple[Plate, str]:
            mean, noisy, unsure = mean_and_deviations(fits[count, noise], members)
            draw(data[count, noise], noise, mean, noisy, unsure)
            sentence = text(
                "curve.say",
                members=members,
                count=count,
                gap=unsure[in_gap].max(),
                data=unsure[on_data].mean(),
                aleatoric=noisy[on_data].mean(),
            )
            return plate, sentence

        return view

    controls = (
        Slider(name="members", words="curve.members", low=1, high=members, step=1, value=members),
        Choice(name="count", words="curve.count", options=sizes, value=sizes[2]),
        Choice(name="noise", words="curve.noise", options=noises, value=noises[1]),
    )
    return Lab(controls, make_view)


def map_lab(env: Env, fits: Mapping[int, tuple[Ensemble, Transition]]) -> Lab:
    """Return sliders over data size and torque, and Pendulum's map of disagreement and error.

    `fits` holds models and their data by number of rows. The error is that of the members' mean,
    against the simulator put into each state of the map.
    """
    obs = _grid_observations()

    def make_view() -> View:
        plate, draw = map_plate(_ANGLES, _SPEEDS)

        def view(count: int, torque: float) -> tuple[Plate, str]:
            model, data = fits[count]
            apart, error = disagreement_and_error(env, model, obs, torque)
            shape = (len(_SPEEDS), len(_ANGLES))
            cosine, sine, speed = data.obs.numpy().T
            points = np.column_stack([np.arctan2(sine, cosine), speed])
            draw(apart.reshape(shape), error.reshape(shape), points)
            upright, hanging = (apart.reshape(shape)[-4, column] for column in (20, 0))
            sentence = text(
                "map.say",
                count=count,
                torque=2 * torque,
                upright=upright,
                hanging=hanging,
                agreement=rank_correlation(apart, error),
            )
            return plate, sentence

        return view

    controls = (
        Choice(name="count", words="map.count", options=tuple(fits), value=max(fits)),
        Slider(name="torque", words="map.torque", low=-1, high=1, step=0.1, value=0),
    )
    return Lab(controls, make_view)


def calibration_lab(mean: Tensor, deviation: Tensor, target: Tensor) -> Lab:
    """Return a slider that multiplies the predicted deviations, all (row, out), and the coverage.

    The outputs are those of Pendulum: cosine, sine, velocity, reward.
    """

    def make_view() -> View:
        plate, draw = coverage_plate(LEVELS)

        def view(factor: float) -> tuple[Plate, str]:
            covered = coverage(mean, factor * deviation, target, LEVELS).numpy()
            draw(covered)
            at = covered[LEVELS.index(0.9)]
            sentence = text(
                "calibration.say",
                factor=factor,
                cosine=at[0],
                sine=at[1],
                velocity=at[2],
                reward=at[3],
                rows=len(target),
            )
            return plate, sentence

        return view

    factor = Slider(
        name="factor", words="calibration.factor", low=0.2, high=3.0, step=0.1, value=1.0
    )
    return Lab([factor], make_view)


def disagreement_and_error(
    env: Env, model: Ensemble, obs: Tensor, torque: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the members' disagreement and their mean's true error after one step, both (row,).

    Both are measured in deviations of one step's change, as chapter 3 measures longer rollouts.
    """
    acts = torch.full((len(obs), 1), torque)
    with torch.no_grad():
        each = predict(model, obs, acts).mean[..., :-1]
    real = np.empty(obs.shape, np.float32)
    for row, state in enumerate(obs.numpy()):
        set_from_obs(env, state)
        real[row] = env.step(acts[row].numpy()).obs
    scale = model.target_scale[:-1]
    # Both functions are about rollouts, time by time: here there is one time.
    each, after = each.unsqueeze(2), torch.from_numpy(real).unsqueeze(1)
    apart = disagreement(each, scale)
    error = k_step_error(each.mean(dim=0), after, scale)
    return apart[:, 0].numpy(), error[:, 0].numpy()


def rank_correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Return Spearman's correlation of two arrays (row,): 1 if both put the rows in one order."""
    ranks = [values.argsort().argsort() for values in (first, second)]
    matrix: np.ndarray = np.asarray(np.corrcoef(np.stack(ranks)))
    return float(matrix[0, 1])


def _grid_observations() -> Tensor:
    angle, speed = (axis.ravel() for axis in np.meshgrid(_ANGLES, _SPEEDS))
    return torch.tensor(np.column_stack([np.cos(angle), np.sin(angle), speed]), dtype=torch.float32)

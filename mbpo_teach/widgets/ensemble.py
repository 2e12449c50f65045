"""The sliders of chapter 2: deviations on a curve, disagreement on a map, calibration.

They move through fits that the chapter has computed.
"""

from collections.abc import Mapping

import numpy as np
from torch import Tensor

from mbpo_teach.figures.curve import SpreadFrame, build_spread
from mbpo_teach.figures.ensemble import CoverageFrame, MapFrame, build_coverage, build_map
from mbpo_teach.figures.plate import Plate
from mbpo_teach.ground.language import text
from mbpo_teach.model.calibration import coverage
from mbpo_teach.model.curves import (
    GAP,
    Fitted,
    Points,
    inside,
    mean_and_deviations,
    noise_deviation,
)
from mbpo_teach.model.disagreement import (
    disagreement_and_error,
    pendulum_observations,
    pendulum_states,
    rank_correlation,
)
from mbpo_teach.model.dynamics import Ensemble
from mbpo_teach.widgets.lab import Choice, Lab, Slider, View
from mbpo_teach.world.envs import Env
from mbpo_teach.world.transitions import Transition

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
    in_gap, on_data = inside(grid, GAP), inside(grid, _NOISY_SIDE)

    def make_view() -> View:
        draw = build_spread(grid)

        def view(members: int, count: int, noise: float) -> tuple[Plate, str]:
            mean, noisy, unsure = mean_and_deviations(fits[count, noise], members)
            frame = SpreadFrame(
                data[count, noise], mean, noise_deviation(grid, noise), noisy, unsure
            )
            sentence = text(
                "curve.say",
                members=members,
                count=count,
                gap=unsure[in_gap].max(),
                data=unsure[on_data].mean(),
                aleatoric=noisy[on_data].mean(),
            )
            return draw(frame), sentence

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
    obs = pendulum_observations(_ANGLES, _SPEEDS)

    def make_view() -> View:
        draw = build_map(_ANGLES, _SPEEDS)

        def view(count: int, torque: float) -> tuple[Plate, str]:
            model, data = fits[count]
            apart, error = disagreement_and_error(env, model, obs, torque)
            shape = (len(_SPEEDS), len(_ANGLES))
            points = pendulum_states(data.obs)
            frame = MapFrame(apart.reshape(shape), error.reshape(shape), points)
            upright, hanging = (apart.reshape(shape)[-4, column] for column in (20, 0))
            sentence = text(
                "map.say",
                count=count,
                torque=2 * torque,
                upright=upright,
                hanging=hanging,
                agreement=rank_correlation(apart, error),
            )
            return draw(frame), sentence

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
        draw = build_coverage(LEVELS)

        def view(factor: float) -> tuple[Plate, str]:
            covered = coverage(mean, factor * deviation, target, LEVELS).numpy()
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
            return draw(CoverageFrame(covered)), sentence

        return view

    factor = Slider(
        name="factor", words="calibration.factor", low=0.2, high=3.0, step=0.1, value=1.0
    )
    return Lab([factor], make_view)

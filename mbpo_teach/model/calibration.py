"""Whether a model's 90 % intervals catch the truth in 90 % of the cases.

A Gaussian prediction gives an interval for every nominal level; calibrated means that on held-out
rows the share inside is the level. Coverage says nothing about width: a model that always predicts
mean and deviation of all data is calibrated and useless. Gneiting, Balabdaoui and Raftery 2007;
taught in chapter 2.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from mbpo_teach.ground.checked import POSITIVE, Allowed, checked
from mbpo_teach.ground.checks import number

_PART = Allowed(said="in (0, 1)", holds=lambda x: 0 < x < 1)


@checked(level=None)
def half_width(level: float) -> float:
    """Return z such that a Gaussian lies within z deviations of its mean with chance `level`.

    Raises
    ------
    ValueError
        If `level` is not in (0, 1).
    """
    level = number("level", level, "in (0, 1)", lambda x: 0 < x < 1)
    return 2**0.5 * float(torch.erfinv(torch.tensor(level, dtype=torch.float64)))


@checked(deviation=POSITIVE, levels=_PART)
def coverage(
    mean: Float[Tensor, "batch out"],
    deviation: Float[Tensor, "batch out"],
    target: Float[Tensor, "batch out"],
    levels: Sequence[float],
) -> Float[Tensor, "level out"]:
    """Return, for each nominal level, the share of rows whose target is inside its interval.

    The interval is mean ± z deviation. An ensemble's mixture is treated as one Gaussian with the
    mixture's moments.

    Raises
    ------
    ValueError
        If a level is not in (0, 1).
    """
    distance = (target - mean).abs() / deviation
    return torch.stack([(distance <= half_width(level)).float().mean(dim=0) for level in levels])

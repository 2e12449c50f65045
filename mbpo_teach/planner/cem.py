"""The cross-entropy method: search by drawing plans, keeping the best, and drawing around them.

A plan is a row of actions. Every action has a Gaussian, truncated to [-1, 1]; an iteration draws
candidates from them, has all of them valued in one call, and moves mean and variance towards those
of the elites, the candidates with the highest values. Nothing is differentiated, so the values may
be anything. As used by Chua et al. 2018 (PETS, arXiv 1805.12114, section 5 and algorithm 1); de
Boer et al. 2005, "A Tutorial on the Cross-Entropy Method", section 4 has momentum and the stop by
variance. Several searches go side by side, one for each row of a batch. Taught in chapter 8.

PETS draws within two deviations, and first narrows a deviation to half the distance to the nearer
end of the range: a mean near an end then cannot leave it again. Here the Gaussian itself is cut off
at the ends of the range.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from mbpo_teach.ground.checked import (
    DISCOUNT,
    FROM_ONE,
    FROM_ZERO,
    NOT_FINITE,
    Allowed,
    checked,
)
from mbpo_teach.ground.checks import number_fields, whole_fields

FIRST_VARIANCE = 0.25
"""Of a search that knows nothing: a deviation of a quarter of the range [-1, 1], as in PETS."""

ACTIONS = Allowed(said="in [-1, 1]", holds=lambda x: x.abs() <= 1)
"""What a door that takes plans, or their means, allows."""

Value = Callable[[Tensor], Tensor]
"""Plans (batch, candidate, horizon, act) to their values (batch, candidate)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CEMConfig:
    """How a search goes; the defaults are those of PETS.

    Attributes
    ----------
    candidates, elites
        Plans drawn in each iteration, and how many of them the next one is drawn around.
    iterations
        The most iterations.
    momentum
        Share of the old mean and variance that stays, in [0, 1).
    least_variance
        A search whose largest variance is below this is over.
    """

    candidates: int = 500
    elites: int = 50
    iterations: int = 5
    momentum: float = 0.1
    least_variance: float = 1e-3

    def __post_init__(self) -> None:
        whole_fields(self, "candidates", "elites", "iterations", least=1)
        number_fields(self, "momentum", allowed="in [0, 1)", is_allowed=lambda x: 0 <= x < 1)
        number_fields(
            self,
            "least_variance",
            allowed="at least 0 and finite",
            is_allowed=lambda x: 0 <= x < math.inf,
        )
        if self.elites > self.candidates:
            raise ValueError(
                f"elites must be at most the number of candidates, {self.candidates}, not"
                f" {self.elites}"
            )


class Iteration(NamedTuple):
    """What one iteration drew, and what it made of it.

    `plans` (batch, candidate, horizon, act) and `values` (batch, candidate) are the candidates;
    `mean` and `var`, both (batch, horizon, act), are what the next ones are drawn from.
    """

    plans: Tensor
    values: Tensor
    mean: Tensor
    var: Tensor


@checked(mean=ACTIONS, var=FROM_ZERO)
def search(
    value: Value,
    mean: Float[Tensor, "batch horizon act"],
    var: Float[Tensor, "batch horizon act"],
    config: CEMConfig,
    *,
    generator: torch.Generator,
) -> Iterator[Iteration]:
    """Yield the iterations of a search that begins with `mean` and `var`.

    A row whose variance has become small stays as it is; when all have, the search is over.

    Raises
    ------
    ValueError
        If `mean` and `var` are not of one shape (batch, horizon, act), or the mean leaves [-1, 1];
        if `value` does not return one number for each candidate.
    """
    for _ in range(config.iterations):
        plans = draw(mean, var, candidates=config.candidates, generator=generator)
        values = value(plans)
        if values.shape != plans.shape[:2]:
            raise ValueError(
                f"value must return shape {tuple(plans.shape[:2])}, not {tuple(values.shape)}"
            )
        new_mean, new_var = refit(
            mean, var, plans, values, elites=config.elites, momentum=config.momentum
        )
        moves = var.amax(dim=(1, 2), keepdim=True) >= config.least_variance
        mean, var = torch.where(moves, new_mean, mean), torch.where(moves, new_var, var)
        yield Iteration(plans, values, mean, var)
        if var.max() < config.least_variance:
            return


@checked(mean=ACTIONS, var=FROM_ZERO, candidates=Allowed(least=1, most=10**6))
def draw(
    mean: Float[Tensor, "batch horizon act"],
    var: Float[Tensor, "batch horizon act"],
    *,
    candidates: int,
    generator: torch.Generator,
) -> Float[Tensor, "batch candidate horizon act"]:
    """Draw plans from Gaussians truncated to [-1, 1], every number of every plan by itself.

    With Phi the standard normal's distribution function, a number is Phi^-1 of a uniform one
    between Phi at the lower end and Phi at the upper end.
    """
    mean, deviation = mean.unsqueeze(1), var.sqrt().clamp(min=1e-6).unsqueeze(1)
    low, high = (_cumulative((end - mean) / deviation) for end in (-1.0, 1.0))
    shape = (len(mean), candidates, *mean.shape[2:])
    chance = torch.rand(shape, generator=generator, device=mean.device, dtype=mean.dtype)
    drawn = mean + deviation * _quantile(low + (high - low) * chance)
    return drawn.clamp(-1.0, 1.0)  # rounding may pass an end by a last digit


@checked(
    mean=ACTIONS, var=FROM_ZERO, plans=ACTIONS, values=NOT_FINITE, elites=FROM_ONE,
    momentum=DISCOUNT,
)  # fmt: skip
def refit(
    mean: Float[Tensor, "batch horizon act"],
    var: Float[Tensor, "batch horizon act"],
    plans: Float[Tensor, "batch candidate horizon act"],
    values: Float[Tensor, "batch candidate"],
    *,
    elites: int,
    momentum: float,
) -> tuple[Float[Tensor, "batch horizon act"], Float[Tensor, "batch horizon act"]]:
    """Return mean and variance moved towards those of the elites: one iteration's second half.

    A plan whose value is not a number is worth less than any other.

    Raises
    ------
    ValueError
        If there are not that many candidates.
    """
    if elites > plans.shape[1]:
        raise ValueError(f"elites must be at most {plans.shape[1]}, as many as plans, not {elites}")
    # topk takes NaN for the largest of all numbers.
    ranked = values.nan_to_num(nan=-torch.inf).topk(elites, dim=1).indices
    best = plans.take_along_dim(ranked[:, :, None, None], dim=1)
    new_mean, new_var = best.mean(dim=1), best.var(dim=1, correction=0)
    return (
        momentum * mean + (1 - momentum) * new_mean,
        momentum * var + (1 - momentum) * new_var,
    )


def _cumulative(values: Tensor) -> Tensor:
    share: Tensor = 0.5 * torch.special.erfc(-values / math.sqrt(2))
    return share


def _quantile(chances: Tensor) -> Tensor:
    # Of 0 and of 1, to which a chance may be rounded, it is infinite.
    return math.sqrt(2) * torch.erfinv((2 * chances - 1).clamp(-1 + 1e-7, 1 - 1e-7))

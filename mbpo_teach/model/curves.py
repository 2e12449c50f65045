"""A curve in one dimension on which both kinds of not knowing can be seen.

The data have a gap, where a network can only guess (epistemic), and noise that grows from left to
right, which no amount of data removes (aleatoric). Many ensembles are fitted at once, so that a
slider can move through sizes of data and of noise. Taught in chapter 2.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from mbpo_teach.ground.checked import FROM_ONE, FROM_ZERO, Allowed, checked
from mbpo_teach.ground.checks import whole
from mbpo_teach.model.dynamics import HIGHEST_LOG_VAR, LOWEST_LOG_VAR
from mbpo_teach.nets.gaussian import gaussian_nll, soft_clamp
from mbpo_teach.nets.networks import MemberMLP

EDGE = 3.0
"""Data lie in [-EDGE, EDGE], outside the gap."""
GAP = (-0.8, 1.0)

_HIDDEN = (32, 32)
_LEARNING_RATE = 5e-3
_BATCH = 64
_LIMIT_WEIGHT = 0.01


class Points(NamedTuple):
    """Data of a regression: `x` and `y`, both (batch, 1)."""

    x: Tensor
    y: Tensor


class Fitted(NamedTuple):
    """What each member of one ensemble predicts on a grid: `mean`, `var`, both (member, grid)."""

    mean: Tensor
    var: Tensor


@checked
def curve(x: Float[Tensor, "*rows"]) -> Float[Tensor, "*rows"]:
    """Return the curve without noise, sin(2x) + 0.3 x."""
    return (2 * x).sin() + 0.3 * x


@checked(noise=FROM_ZERO)
def noise_deviation(x: Float[Tensor, "*rows"], noise: float) -> Float[Tensor, "*rows"]:
    """Return the true deviation of the noise: from a tenth of `noise` on the left to all of it."""
    return noise * (0.1 + 0.9 * (2 * x).sigmoid())


@checked
def inside(x: Float[Tensor, " grid"], ends: tuple[float, float]) -> Bool[Tensor, " grid"]:
    """Tell which places of a grid lie between two ends, such as those of :data:`GAP`."""
    return (x > ends[0]) & (x < ends[1])


@checked(count=Allowed(least=1, most=10**8), noise=FROM_ZERO)
def sample_curve(count: int, *, noise: float, generator: torch.Generator) -> Points:
    """Draw `count` points, uniform over the places outside the gap.

    The same generator gives the same places and the same noise in units of its deviation,
    whatever `noise` is.
    """
    width = GAP[1] - GAP[0]
    x = -EDGE + (2 * EDGE - width) * torch.rand(count, 1, generator=generator)
    x = torch.where(x > GAP[0], x + width, x)
    unit = torch.randn(count, 1, generator=generator)
    return Points(x, curve(x) + noise_deviation(x, noise) * unit)


@checked(members=Allowed(least=1, most=10**6), steps=FROM_ONE)
def fit_curves(
    data: Sequence[Points],
    grid: Float[Tensor, " grid"],
    *,
    members: int,
    steps: int,
    generator: torch.Generator,
) -> list[Fitted]:
    """Fit one ensemble to each of `data`, all of them in one batched network.

    Each member trains on its own bootstrap sample, in batches of 64, by likelihood, with
    log-variance limits of its own, trained too (:func:`mbpo_teach.nets.gaussian.soft_clamp`).

    Raises
    ------
    ValueError
        If `members` or `steps` is not a whole number of at least 1.
    """
    members, steps = whole("members", members, least=1), whole("steps", steps, least=1)
    if grid.dtype != torch.float32:
        raise ValueError(f"grid must be of torch.float32, not {grid.dtype}")
    networks = len(data) * members
    x, y, counts = _bootstraps(data, members, generator)
    model = MemberMLP(networks, (1, *_HIDDEN, 2), generator=generator)
    low = nn.Parameter(torch.full((networks, 1, 1), LOWEST_LOG_VAR))
    high = nn.Parameter(torch.full((networks, 1, 1), HIGHEST_LOG_VAR))
    optimiser = torch.optim.Adam([*model.parameters(), low, high], lr=_LEARNING_RATE, fused=True)

    def gaussians(inputs: Tensor) -> tuple[Tensor, Tensor]:
        mean, raw = model(inputs).chunk(2, dim=-1)
        # One pair of limits per network: each row of the stack is clamped by its own.
        return mean, soft_clamp(raw, low, high)

    for _ in range(steps):
        # Data sets differ in size; every network gets a batch of the same size from its own.
        rows = (torch.rand(networks, _BATCH, generator=generator) * counts).long().unsqueeze(-1)
        mean, log_var = gaussians(x.gather(1, rows))
        loss = gaussian_nll(mean, log_var, y.gather(1, rows)).mean(dim=1).sum()
        loss = loss + _LIMIT_WEIGHT * (high - low).sum()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        mean, log_var = gaussians(grid[:, None].expand(networks, -1, -1))
    # (network, grid, 1) to (data set, member, grid)
    stacked = (part.squeeze(-1).unflatten(0, (len(data), members)) for part in (mean, log_var))
    return [Fitted(mean, log_var.exp()) for mean, log_var in zip(*stacked, strict=True)]


def _is_fitted(fitted: Fitted, members: int) -> None:
    if not all(part.is_floating_point() for part in fitted) or not (fitted.var >= 0).all():
        raise ValueError("fitted must hold means and variances from 0, not other numbers")


@checked(together=_is_fitted, members=FROM_ONE)
def mean_and_deviations(
    fitted: Fitted, members: int
) -> tuple[Float[Tensor, " grid"], Float[Tensor, " grid"], Float[Tensor, " grid"]]:
    """Return mean, aleatoric and epistemic deviation of the first `members` of an ensemble.

    Aleatoric is the root of the members' mean variance, epistemic the deviation of their means;
    the squares add up to the mixture's variance.
    """
    mean, var = fitted.mean[:members], fitted.var[:members]
    return mean.mean(dim=0), var.mean(dim=0).sqrt(), mean.var(dim=0, correction=0).sqrt()


def _bootstraps(
    data: Sequence[Points], members: int, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Return x and y of every network's sample, (network, row, 1), and their sizes, (network, 1).

    Samples of smaller data sets are filled up with zeros that are never drawn.
    """
    longest = max(len(points.x) for points in data)
    samples = torch.zeros(2, len(data), members, longest, 1)
    for place, points in enumerate(data):
        count = len(points.x)
        drawn = torch.randint(count, (members, count), generator=generator)
        samples[0, place, :, :count], samples[1, place, :, :count] = (
            points.x[drawn],
            points.y[drawn],
        )
    counts = torch.tensor([float(len(points.x)) for points in data]).repeat_interleave(members)
    x, y = samples.flatten(1, 2)
    return x, y, counts[:, None]

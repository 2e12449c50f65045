"""Diagonal Gaussians: their negative log-likelihood, a soft clamp for log-variances, mixtures.

A network that predicts a mean and a log-variance per output is a conditional Gaussian; trained by
likelihood it learns how noisy the world is (aleatoric uncertainty). An ensemble of them is a
mixture, whose spread adds what the members disagree about (epistemic uncertainty). Chua et al.
2018 (PETS, arXiv 1805.12114); taught in chapter 2.

A policy squashes a Gaussian with tanh, so that every action lies in (-1, 1); its log-density needs
a correction for the squashing. Haarnoja et al. 2018 (SAC, arXiv 1812.05905, appendix C); taught in
chapter 6.
"""

import math

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from mbpo_teach.ground.checked import FROM_ZERO, checked

LOG_TWO_PI = math.log(2 * math.pi)


@checked
def gaussian_nll(
    mean: Float[Tensor, "*rows out"],
    log_var: Float[Tensor, "*rows out"],
    target: Float[Tensor, "*rows out"],
) -> Float[Tensor, "*rows"]:
    """Return -log N(target; mean, exp(log_var)), summed over outputs, in nats."""
    squared = (target - mean) ** 2 * (-log_var).exp()
    return 0.5 * (squared + log_var + LOG_TWO_PI).sum(dim=-1)


@checked
def gaussian_sample(
    mean: Float[Tensor, "*rows out"],
    log_var: Float[Tensor, "*rows out"],
    noise: Float[Tensor, "*rows out"],
) -> Float[Tensor, "*rows out"]:
    """Return mean + exp(log_var / 2) noise, of N(mean, exp(log_var)) where noise is of N(0, 1)."""
    return mean + (0.5 * log_var).exp() * noise


@checked
def soft_clamp(
    raw: Float[Tensor, "*rows out"],
    low: Float[Tensor, "*any out"],
    high: Float[Tensor, "*any out"],
) -> Float[Tensor, "*rows out"]:
    """Bend `raw` smoothly into the interval from `low` to `high`, keeping a gradient everywhere.

    A hard clamp has no gradient outside, so a log-variance that once leaves never comes back. The
    upper limit is softplus(high - low) + low, a hair above `high` (0.5000275 for -10 and 0.5).
    PETS, appendix A.1.
    """
    below_high = high - F.softplus(high - raw)
    return low + F.softplus(below_high - low)


@checked(var=FROM_ZERO)
def mixture_moments(
    mean: Float[Tensor, "member *rows out"],
    var: Float[Tensor, "member *rows out"],
) -> tuple[Float[Tensor, "*rows out"], Float[Tensor, "*rows out"]]:
    """Return mean and variance of an even mixture of the members.

    The variance is mean(var) + var(means): what the members call noise, plus what they disagree
    about (law of total variance).
    """
    return mean.mean(dim=0), var.mean(dim=0) + mean.var(dim=0, correction=0)


@checked
def squashed_log_prob(
    raw: Float[Tensor, "*rows act"],
    mean: Float[Tensor, "*rows act"],
    log_std: Float[Tensor, "*rows act"],
) -> Float[Tensor, "*rows"]:
    """Return the log-density of the action tanh(raw), where raw ~ N(mean, exp(log_std)), in nats.

    log pi(a | s) = log N(raw) - sum over actions of log(1 - tanh(raw)^2); 1812.05905, equation 26.
    """
    return -gaussian_nll(mean, 2 * log_std, raw) - log_tanh_slope(raw).sum(dim=-1)


@checked
def log_tanh_slope(raw: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
    """Return log(1 - tanh(raw)^2), -2.650 at 2, exact where the formula as written is log(0).

    tanh is applied once, to `raw`; a common mistake applies it to the action, which is squashed
    already, and gets -0.813 at 2.
    """
    return 2 * (math.log(2) - raw - F.softplus(-2 * raw))

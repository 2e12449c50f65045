"""The total variation between a model and a world whose density is known, by Monte Carlo.

A deterministic simulator is at total variation 1 from every Gaussian, so eps_m cannot be measured
there. With noise of a known density added to it, the world has a density of its own, and

    D_TV(p || q) = E_p[max(0, 1 - q / p)]

is an average over draws from that world. Janner et al. 2019, section 4; taught in chapter 3.
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from mbpo_teach.ground.checked import NOT_FINITE, Allowed, checked
from mbpo_teach.ground.checks import whole
from mbpo_teach.model.dynamics import Ensemble, predict, raw_targets
from mbpo_teach.nets.gaussian import gaussian_nll
from mbpo_teach.world.transitions import Transition, check_sizes


@checked(log_p=NOT_FINITE, log_q=NOT_FINITE)
def monte_carlo_tv(
    log_p: Float[Tensor, "draw batch"], log_q: Float[Tensor, "draw batch"]
) -> tuple[Float[Tensor, " batch"], Float[Tensor, " batch"]]:
    """Estimate D_TV(p || q) = E_p[max(0, 1 - q / p)] and its standard error.

    Parameters
    ----------
    log_p, log_q
        Log-densities of both at points drawn *from p*, which must be a density: a deterministic
        simulator is none. At least two draws.

    Raises
    ------
    ValueError
        If there are fewer than two draws, if the shapes differ, or if a log-density is NaN or
        infinite where it cannot be: only `log_q` may be minus infinity.
    """
    if log_p.shape != log_q.shape:
        raise ValueError(f"log_q must have shape {tuple(log_p.shape)}, not {tuple(log_q.shape)}")
    if not torch.isfinite(log_p).all():
        raise ValueError("log_p must hold finite numbers: the points are drawn from p")
    if not (log_q < torch.inf).all():
        raise ValueError("log_q must hold numbers below infinity, and no NaN")
    draws = len(log_p)
    if draws < 2:
        raise ValueError(f"log_p must hold at least two draws, not {draws}")
    # expm1 keeps digits where p and q nearly agree.
    gaps = (-torch.expm1(log_q - log_p)).clamp(min=0)
    return gaps.mean(dim=0), gaps.std(dim=0) / draws**0.5


def _like_deviation(clean: Transition, deviation: Tensor, **_: object) -> None:
    _check_deviation(deviation, clean)
    check_sizes(clean)


@checked(together=_like_deviation, deviation=NOT_FINITE)
def with_noise(
    clean: Transition, deviation: Float[Tensor, " out"], *, generator: torch.Generator
) -> Transition:
    """Add Gaussian noise to the next observations and rewards of a deterministic simulator.

    `deviation`, one positive number per target [change of observation, reward], in units of the
    world. Conditioned on observation and action the target is then N(clean target, deviation^2):
    a density known exactly, of full rank in the space in which the model predicts, which is what
    :func:`noisy_tv` needs. Nothing is clipped afterwards.

    Raises
    ------
    ValueError
        If `deviation` has another shape, or a number that is not positive and finite.
    """
    shape = len(clean.obs), len(deviation)
    noise = deviation * torch.randn(shape, generator=generator, device=deviation.device)
    return clean._replace(
        next_obs=clean.next_obs + noise[:, :-1], reward=clean.reward + noise[:, -1]
    )


@checked(deviation=NOT_FINITE, draws=Allowed(least=2, most=10**6))
@torch.no_grad()
def noisy_tv(
    model: Ensemble,
    clean: Transition,
    deviation: Float[Tensor, " out"],
    *,
    members: Sequence[int],
    draws: int,
    generator: torch.Generator,
) -> tuple[Float[Tensor, " batch"], Float[Tensor, " batch"]]:
    """Estimate D_TV between the noisy world of :func:`with_noise` and the members' mixture.

    `clean` holds the noiseless transitions at whose observations and actions the two are compared.
    The mixture is what a rollout uses that picks a random elite for each step. Returns estimate and
    standard error per row; averaged over states of the data-collecting policy at each time, the
    largest such average is the eps_m of theorem 4.1.

    Raises
    ------
    ValueError
        If `deviation` has another shape, or a number that is not positive and finite, or if `draws`
        is not a whole number of at least 2.
    """
    _check_deviation(deviation, clean)
    check_sizes(clean)
    draws = whole("draws", draws, least=2)
    centre = raw_targets(clean)
    unit = torch.randn(draws, *centre.shape, generator=generator, device=centre.device)
    targets = centre + deviation * unit
    log_p = -gaussian_nll(
        centre.expand_as(targets), (2 * deviation.log()).expand_as(targets), targets
    )
    prediction = predict(model, clean.obs, clean.act, members=members)
    # Predictions are of the next observation, targets of its change.
    mean = torch.cat(
        [prediction.mean[..., :-1] - clean.obs, prediction.mean[..., -1:]], dim=-1
    ).unsqueeze(1)
    log_var = prediction.var.log().unsqueeze(1)
    each = torch.stack(
        [
            -gaussian_nll(one.expand_as(targets), width.expand_as(targets), targets)
            for one, width in zip(mean, log_var, strict=True)
        ]
    )
    log_q = each.logsumexp(dim=0) - math.log(len(members))
    return monte_carlo_tv(log_p, log_q)


def _check_deviation(deviation: Tensor, clean: Transition) -> None:
    outputs = clean.obs.shape[1] + 1
    # Of two numbers for three targets the second would be added to both halves of a state.
    if tuple(deviation.shape) != (outputs,):
        raise ValueError(f"deviation must have shape ({outputs},), not {tuple(deviation.shape)}")
    if not ((deviation > 0) & torch.isfinite(deviation)).all():
        raise ValueError(f"deviation must hold positive, finite numbers, not {deviation.tolist()}")
    for name, column in clean._asdict().items():
        if name != "terminated" and getattr(column, "dtype", None) != deviation.dtype:
            raise ValueError(f"{name} must be a tensor of {deviation.dtype}, as deviation is")

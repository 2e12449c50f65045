"""Training the ensemble: bootstrap, holdout, early stop, elites.

The recipe is the authors' (Janner et al. 2019, appendix C; Chua et al. 2018): every member trains
on its own sample with replacement, all are judged on the same held-out rows, training stops when
no member improves any more, and the best few become the elites. Taught in chapter 2.

Departures from the authors' code
---------------------------------
1. Patience is counted in gradient steps too. "Six epochs without progress" is six batches when the
   buffer holds 200 rows: the fit would stop almost untrained.
2. A refit starts from the last weights and takes at most `max_steps` gradient steps. The authors'
   refits go over all data six times at least, so the cost of a run grows with the square of its
   length; capped, it grows linearly (benchmarks/refit_cost.py measures the error beside the cost).
3. The likelihood is added up over outputs, not averaged, so that decay and the limits' term weigh
   less by half the number of outputs.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from mbpo_teach.checks import number, number_fields, whole_fields
from mbpo_teach.dynamics import Ensemble
from mbpo_teach.gaussian import gaussian_nll
from mbpo_teach.transitions import Transition, check_finite, rows

Weights = list[Tensor]


_FROM_ZERO = "at least 0 and finite"


@dataclass(frozen=True, slots=True, kw_only=True)
class FitConfig:
    """How the ensemble is trained.

    Attributes
    ----------
    learning_rate, batch_size
        Of Adam, and rows per member and gradient step.
    weight_decay
        One L2 coefficient per layer, on weights and not on biases.
    limit_weight
        Weight of (sum of upper - sum of lower log-variance limits) in the loss: it draws the
        limits together until the likelihood resists.
    elites
        How many members are kept for rollouts.
    holdout_share, holdout_cap
        Share of the rows that judge and do not train, and the most rows that do so.
    patience, patience_steps
        Training stops when no member's holdout error has fallen by `improvement` (a share) for
        `patience` epochs *and* for `patience_steps` gradient steps.
    max_steps
        The most gradient steps of one fit.
    """

    learning_rate: float = 1e-3
    batch_size: int = 256
    weight_decay: tuple[float, ...] = (2.5e-5, 5e-5, 7.5e-5, 7.5e-5, 1e-4)
    limit_weight: float = 0.01
    elites: int = 5
    holdout_share: float = 0.2
    holdout_cap: int = 5000
    patience: int = 6
    patience_steps: int = 200
    improvement: float = 0.01
    max_steps: int = 2000

    def __post_init__(self) -> None:
        number_fields(
            self, "learning_rate", "holdout_share", allowed="in (0, 1)", is_allowed=_is_part
        )
        whole_fields(self, "batch_size", "elites", "holdout_cap", "patience", "max_steps", least=1)
        whole_fields(self, "patience_steps", least=0)
        number_fields(
            self, "limit_weight", "improvement", allowed=_FROM_ZERO, is_allowed=_finite_from_zero
        )
        if not isinstance(self.weight_decay, tuple):
            raise ValueError(f"weight_decay must be a tuple of numbers, not {self.weight_decay!r}")
        decays = (
            number("weight_decay", decay, _FROM_ZERO, _finite_from_zero)
            for decay in self.weight_decay
        )
        object.__setattr__(self, "weight_decay", tuple(decays))


@dataclass(frozen=True, slots=True, kw_only=True)
class FitReport:
    """What a fit did.

    `elites` are member indices, best first; `holdout` is each member's best holdout error, the mean
    squared error of the predicted mean in scaled units, (member,); `curve` holds the errors after
    each epoch, (epoch + 1, member), the untrained or warm-started weights first. `diverged` says
    that an error or a weight left the finite numbers: training stopped, and the best weights were
    put back.
    """

    elites: tuple[int, ...]
    holdout: tuple[float, ...]
    curve: Tensor
    steps: int
    diverged: bool


def fit_ensemble(
    model: Ensemble, data: Transition, config: FitConfig, *, generator: torch.Generator
) -> FitReport:
    """Train `model` in place on `data`, starting from its present weights.

    Raises
    ------
    ValueError
        If a column has a wrong shape, a number that is not finite or one too large for float32, if
        there are too few rows, or if `config` does not fit the model. Nothing is trained then, and
        the model is unchanged.
    """
    _check(model, data, config)
    data = Transition(*(column.detach() for column in data))
    device = data.obs.device
    order = torch.randperm(len(data.obs), generator=generator, device=device)
    held = _held_out(len(data.obs), config)
    holdout, training = rows(data, order[:held]), rows(data, order[held:])
    scales = [scale.clone() for scale in model.buffers()]
    model.set_scales(training)

    inputs = model.scaled_inputs(training.obs, training.act)
    targets = model.scaled_targets(training)
    held_inputs = model.scaled_inputs(holdout.obs, holdout.act)
    held_targets = model.scaled_targets(holdout)
    shape = (model.member_count, len(training.obs))
    bootstrap = torch.randint(len(training.obs), shape, generator=generator, device=device)
    optimiser = _optimiser(model, config)

    best = [parameter.detach().clone() for parameter in model.networks.parameters()]
    limits = [limit.detach().clone() for limit in (model.low_log_var, model.high_log_var)]
    best_error = holdout_error(model, held_inputs, held_targets)
    _check_judges(model, best_error, held_inputs, held_targets, scales)
    reference, curve = best_error.clone(), [best_error.clone()]
    steps, stale_epochs, stale_steps, diverged = 0, 0, 0, False
    while steps < config.max_steps and not (
        stale_epochs >= config.patience and stale_steps >= config.patience_steps
    ):
        taken = _epoch(
            model,
            optimiser,
            inputs,
            targets,
            bootstrap,
            config,
            most=config.max_steps - steps,
            generator=generator,
        )
        steps += taken
        error = holdout_error(model, held_inputs, held_targets)
        curve.append(error)
        # The error does not see the log-variances, which may be lost before the means are.
        diverged = not _all_finite((error, *model.parameters()))
        if diverged:
            break
        if _keep_best(model, best, best_error, error):
            limits = [limit.detach().clone() for limit in (model.low_log_var, model.high_log_var)]
        progress = error < reference * (1 - config.improvement)
        reference = torch.where(progress, error, reference)
        stale_epochs = 0 if progress.any() else stale_epochs + 1
        stale_steps = 0 if progress.any() else stale_steps + taken
    _restore(model, best, limits)
    ranked = best_error.argsort()
    return FitReport(
        elites=tuple(ranked[: config.elites].tolist()),
        holdout=tuple(best_error.tolist()),
        curve=torch.stack(curve),
        steps=steps,
        diverged=diverged,
    )


def fit_loss(
    model: Ensemble,
    inputs: Float[Tensor, "member batch in"],
    targets: Float[Tensor, "member batch out"],
    limit_weight: float,
) -> Float[Tensor, ""]:
    """Return the members' mean negative log-likelihoods, added up, plus the limits' term.

    Members share no weights, so adding their losses trains each as if it were alone.
    """
    mean, log_var = model(inputs)
    likelihood = gaussian_nll(mean, log_var, targets).mean(dim=1).sum()
    return likelihood + limit_weight * (model.high_log_var.sum() - model.low_log_var.sum())


@torch.no_grad()
def holdout_error(
    model: Ensemble, inputs: Float[Tensor, "batch in"], targets: Float[Tensor, "batch out"]
) -> Float[Tensor, " member"]:
    """Return each member's mean squared error of the mean, in scaled units."""
    mean, _ = model(inputs.expand(model.member_count, -1, -1))
    squared: Tensor = (mean - targets) ** 2
    return squared.mean(dim=(1, 2))


def _epoch(
    model: Ensemble,
    optimiser: torch.optim.Optimizer,
    inputs: Tensor,
    targets: Tensor,
    bootstrap: Tensor,
    config: FitConfig,
    *,
    most: int,
    generator: torch.Generator,
) -> int:
    """Go once through every member's bootstrap sample, `most` steps at most; return the steps."""
    # A fresh order for each member: sorting random numbers shuffles all rows of a matrix at once.
    chance = torch.rand(bootstrap.shape, generator=generator, device=bootstrap.device)
    shuffled = bootstrap.gather(1, chance.argsort(dim=1))
    steps = 0
    for index in shuffled.split(config.batch_size, dim=1)[:most]:
        optimiser.zero_grad(set_to_none=True)
        loss = fit_loss(model, inputs[index], targets[index], config.limit_weight)
        loss.backward()
        optimiser.step()
        steps += 1
    return steps


def _optimiser(model: Ensemble, config: FitConfig) -> torch.optim.Adam:
    groups = [
        {"params": [layer.weight], "weight_decay": decay}
        for layer, decay in zip(model.networks.layers, config.weight_decay, strict=True)
    ]
    free = [layer.bias for layer in model.networks.layers]
    groups.append({"params": [*free, model.low_log_var, model.high_log_var], "weight_decay": 0.0})
    return torch.optim.Adam(groups, lr=config.learning_rate, fused=True)


def _keep_best(model: Ensemble, best: Weights, best_error: Tensor, error: Tensor) -> bool:
    """Copy the weights of those members, and only those, that are better than ever before.

    Returns whether there is one.
    """
    better = error < best_error
    if not better.any():
        return False
    best_error[better] = error[better]
    for kept, parameter in zip(best, model.networks.parameters(), strict=True):
        kept[better] = parameter.detach()[better]
    return True


@torch.no_grad()
def _all_finite(values: Iterable[Tensor]) -> bool:
    """Return whether all numbers are finite.

    NaN and infinity outlast abs and max, so one number of each tensor is asked: five times as fast
    as asking all.
    """
    return all(value.abs().max().isfinite() for value in values)


def _restore(model: Ensemble, best: Weights, limits: Weights) -> None:
    shared = (model.low_log_var, model.high_log_var)
    with torch.no_grad():
        for kept, parameter in zip(
            [*best, *limits], [*model.networks.parameters(), *shared], strict=True
        ):
            parameter.copy_(kept)


def _is_part(value: float) -> bool:
    return 0 < value < 1


def _finite_from_zero(value: float) -> bool:
    return 0 <= value < math.inf


def _held_out(count: int, config: FitConfig) -> int:
    return min(max(1, int(count * config.holdout_share)), config.holdout_cap)


def _check_judges(
    model: Ensemble, error: Tensor, inputs: Tensor, targets: Tensor, scales: Weights
) -> None:
    """Refuse held-out rows with an infinite error, which would look like a fit that diverged.

    They have no part in the scales, so `set_scales` cannot see them; it has run, and is undone.
    """
    if torch.isfinite(error).all():
        return
    farthest = torch.cat([inputs, targets], dim=1).abs().amax(dim=0)
    inside, outside = farthest.split([inputs.shape[1], targets.shape[1]])
    columns = {
        "obs": inside[: model.obs_size],
        "act": inside[model.obs_size :],
        "next_obs": outside[:-1],
        "reward": outside[-1:],
    }
    worst = max(columns, key=lambda name: columns[name].nan_to_num(torch.inf).max().item())
    for buffer, scale in zip(model.buffers(), scales, strict=True):
        buffer.copy_(scale)
    raise ValueError(
        f"{worst} must hold numbers whose squared error float32 can hold; one that is held out is"
        f" {columns[worst].max().item():.1e} deviations away from those that train"
    )


def _check(model: Ensemble, data: Transition, config: FitConfig) -> None:
    check_finite(data)
    if data.obs.shape[1] != model.obs_size or data.act.shape[1] != model.act_size:
        raise ValueError(
            f"data must have {model.obs_size} observations and {model.act_size} actions per row,"
            f" not {data.obs.shape[1]} and {data.act.shape[1]}"
        )
    least = 2 * model.member_count
    if len(data.obs) < least:
        raise ValueError(
            f"data must hold at least {least} rows, two for each of {model.member_count} members,"
            f" not {len(data.obs)}"
        )
    training = len(data.obs) - _held_out(len(data.obs), config)
    if training < model.member_count:
        raise ValueError(
            f"holdout_share must leave at least {model.member_count} rows to train on, one for each"
            f" member; {config.holdout_share} of {len(data.obs)} rows leaves {training}"
        )
    if not _all_finite(model.parameters()):
        raise ValueError("model must have finite weights to start from; make a new one")
    if config.elites > model.member_count:
        raise ValueError(
            f"elites must be at most the number of members, {model.member_count},"
            f" not {config.elites}"
        )
    if len(config.weight_decay) != len(model.networks.layers):
        raise ValueError(
            f"weight_decay must have one entry for each of {len(model.networks.layers)} layers,"
            f" not {len(config.weight_decay)}"
        )

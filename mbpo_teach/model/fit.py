"""Training the ensemble: bootstrap, holdout, early stop, elites.

The recipe is the authors' (Janner et al. 2019, appendix C; Chua et al. 2018): every member trains
on its own sample with replacement, all are judged on the same held-out rows, training stops when
no member improves any more, and the best few become the elites. Taught in chapter 2.

Departures from the authors' code
---------------------------------
1. Patience is counted in gradient steps too. "Six epochs without progress" is six batches when the
   buffer holds 200 rows: the fit would stop almost untrained.
2. A refit, from the last weights as theirs, takes at most `max_steps` gradient steps. The authors'
   refits go over all data six times at least, so the cost of a run grows with the square of its
   length; capped, it grows linearly (benchmarks/refit_cost.py measures the error beside the cost).
3. The likelihood is added up over outputs, not averaged, so that decay and the limits' term weigh
   less by half the number of outputs.
4. Not only the inputs are scaled but the targets too, changes of state and rewards
   (:func:`mbpo_teach.model.dynamics.target_scale` says why).
5. Adam's moments begin anew with each fit; the authors' go on.
6. The weights with which a fit begins compete with those that follow, any lower error is kept, and
   the log-variance limits go back with the weights. The authors' code keeps improvements of more
   than 1 % over whatever the first epoch brings, and puts back weights and biases only.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mbpo_teach.ground.checked import FROM_ZERO, checked
from mbpo_teach.ground.checks import instance, number, number_fields, whole_fields
from mbpo_teach.model.dynamics import Ensemble
from mbpo_teach.model.early_stopping import Best, Patience, all_finite
from mbpo_teach.model.fit_step import compiled_step
from mbpo_teach.nets.gaussian import gaussian_nll
from mbpo_teach.world.transitions import Transition, check_finite, rows

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
    compile
        Whether the gradient step is compiled into one graph (:mod:`mbpo_teach.model.fit_step`).
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
    compile: bool = False

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
        if not isinstance(self.compile, bool):
            raise ValueError(f"compile must be True or False, not {self.compile!r}")

    def check_elites(self, members: int) -> None:
        """Raise a `ValueError` if there are to be more elites than members."""
        if self.elites > members:
            raise ValueError(
                f"fit.elites must be at most the number of members, {members}, not {self.elites}"
            )

    def check_decay(self, layers: int) -> None:
        """Raise a `ValueError` if there is not one weight decay for each layer of the model."""
        if len(self.weight_decay) != layers:
            raise ValueError(
                f"fit.weight_decay must have one entry for each of {layers} layers of the model,"
                f" not {len(self.weight_decay)}"
            )


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


class Scaled(NamedTuple):
    """Rows as the networks see them: `inputs` (batch, in) and `targets` (batch, out)."""

    inputs: Tensor
    targets: Tensor


@checked(data=None)
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
    training, holdout, error = _scaled_split(model, data, config, generator=generator)
    bootstrap = _bootstrap(model.member_count, len(training.inputs), generator=generator)
    step = _step_of(model, config)
    best = Best(model, error)
    patience = Patience(
        error,
        improvement=config.improvement,
        epochs=config.patience,
        steps=config.patience_steps,
    )
    curve, steps, diverged = [error], 0, False
    while steps < config.max_steps and not patience.over:
        taken = _epoch(
            model,
            step,
            training,
            bootstrap,
            config,
            most=config.max_steps - steps,
            generator=generator,
        )
        steps += taken
        error = holdout_error(model, *holdout)
        curve.append(error)
        # The error does not see the log-variances, which may be lost before the means are.
        diverged = not all_finite((error, *model.parameters()))
        if diverged:
            break
        best.keep(error)
        patience.watch(error, taken)
    best.restore()
    ranked = best.error.argsort()
    return FitReport(
        elites=tuple(ranked[: config.elites].tolist()),
        holdout=tuple(best.error.tolist()),
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


fit_loss = checked(limit_weight=FROM_ZERO)(fit_loss)  # not above: chapter 2 prints the function


@checked
@torch.no_grad()
def holdout_error(
    model: Ensemble, inputs: Float[Tensor, "batch in"], targets: Float[Tensor, "batch out"]
) -> Float[Tensor, " member"]:
    """Return each member's mean squared error of the mean, in scaled units."""
    mean, _ = model(inputs.expand(model.member_count, -1, -1))
    squared: Tensor = (mean - targets) ** 2
    return squared.mean(dim=(1, 2))


def _scaled_split(
    model: Ensemble, data: Transition, config: FitConfig, *, generator: torch.Generator
) -> tuple[Scaled, Scaled, Tensor]:
    """Return the rows that train, those held out, and each member's error on the latter.

    The rows that train set the model's scales. Held-out rows have no part in them and may be so far
    away that their error is infinite, which would look like a fit that diverged: they are refused,
    and the scales are as before.
    """
    data = Transition(*(column.detach() for column in data))
    order = torch.randperm(len(data.obs), generator=generator, device=data.obs.device)
    held = _held_out(len(data.obs), config)
    before = [scale.clone() for scale in model.buffers()]
    model.set_scales(rows(data, order[held:]))
    training, holdout = (
        Scaled(model.scaled_inputs(part.obs, part.act), model.scaled_targets(part))
        for part in (rows(data, order[held:]), rows(data, order[:held]))
    )
    error = holdout_error(model, *holdout)
    if not torch.isfinite(error).all():
        for buffer, scale in zip(model.buffers(), before, strict=True):
            buffer.copy_(scale)
        column, distance = _farthest(model, holdout)
        raise ValueError(
            f"{column} must hold numbers whose squared error float32 can hold; one that is held"
            f" out is {distance:.1e} deviations away from those that train"
        )
    return training, holdout, error


def _bootstrap(
    members: int, count: int, *, generator: torch.Generator
) -> Int[Tensor, "member row"]:
    """Return each member's own sample of `count` rows, drawn with replacement."""
    return torch.randint(count, (members, count), generator=generator, device=generator.device)


def _epoch(
    model: Ensemble,
    step: Callable[[Tensor, Tensor], None],
    training: Scaled,
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
    batches = shuffled.split(config.batch_size, dim=1)[:most]
    for index in batches:
        step(training.inputs[index], training.targets[index])
    return len(batches)


def _step_of(model: Ensemble, config: FitConfig) -> Callable[[Tensor, Tensor], None]:
    """Return what takes one gradient step on inputs and targets; Adam begins anew."""
    if config.compile:
        return compiled_step(
            model,
            _loss_with(config.limit_weight),
            batch_size=config.batch_size,
            decay=_decays(model, config),
            learning_rate=config.learning_rate,
        )
    optimiser = _optimiser(model, config)

    def step(inputs: Tensor, targets: Tensor) -> None:
        optimiser.zero_grad(set_to_none=True)
        loss = fit_loss(model, inputs, targets, config.limit_weight)
        loss.backward()
        optimiser.step()

    return step


@cache
def _loss_with(limit_weight: float) -> Callable[[Ensemble, Tensor, Tensor], Tensor]:
    # One function for each weight, so that a graph made with it is found again.
    return partial(fit_loss, limit_weight=limit_weight)


def _optimiser(model: Ensemble, config: FitConfig) -> torch.optim.Adam:
    decays = _decays(model, config)
    groups = [
        {"params": [parameter], "weight_decay": decays[name]}
        for name, parameter in model.named_parameters()
    ]
    return torch.optim.Adam(groups, lr=config.learning_rate, fused=True)


def _decays(model: Ensemble, config: FitConfig) -> dict[str, float]:
    """Return the L2 coefficient of every parameter of `model`: none on biases and limits."""
    decays = dict.fromkeys((name for name, _ in model.named_parameters()), 0.0)
    for layer, decay in enumerate(config.weight_decay):
        decays[f"networks.layers.{layer}.weight"] = decay
    return decays


def _is_part(value: float) -> bool:
    return 0 < value < 1


def _finite_from_zero(value: float) -> bool:
    return 0 <= value < math.inf


def _held_out(count: int, config: FitConfig) -> int:
    return min(max(1, int(count * config.holdout_share)), config.holdout_cap)


def _farthest(model: Ensemble, holdout: Scaled) -> tuple[str, float]:
    """Return the column with the number farthest from those that train, and how far it is."""
    inputs, targets = (part.abs().amax(dim=0) for part in holdout)
    columns = {
        "obs": inputs[: model.obs_size],
        "act": inputs[model.obs_size :],
        "next_obs": targets[:-1],
        "reward": targets[-1:],
    }
    worst = max(columns, key=lambda name: columns[name].nan_to_num(torch.inf).max().item())
    return worst, columns[worst].max().item()


def _check(model: Ensemble, data: Transition, config: FitConfig) -> None:
    instance("data", data, Transition)
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
    if not all_finite(model.parameters()):
        raise ValueError("model must have finite weights to start from; make a new one")
    config.check_elites(model.member_count)
    config.check_decay(len(model.networks.layers))

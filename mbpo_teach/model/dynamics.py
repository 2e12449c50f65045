"""The learned model of the world: a probabilistic ensemble.

Each member maps an observation and an action to a Gaussian over the change of the observation and
over the reward. Inputs are z-scored; outputs are scaled so that no column drowns the others, which
the authors' code leaves out. The members see different data and start from different weights, so
where data are few they disagree, and the disagreement says that the model is guessing. Chua et al.
2018 (PETS, arXiv 1805.12114), in the variant of Janner et al. 2019, section 5 and appendix C.
Taught in chapter 2.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from mbpo_teach.ground.checked import MAY_BE_EMPTY, Allowed, checked
from mbpo_teach.ground.checks import shown
from mbpo_teach.nets.gaussian import gaussian_sample, soft_clamp
from mbpo_teach.nets.networks import MemberMLP
from mbpo_teach.world.transitions import Transition, check_sizes

LOWEST_LOG_VAR, HIGHEST_LOG_VAR = -10.0, 0.5

_SIZE = Allowed(least=1, most=10**5)

# Rows per elite that are computed at once: their hidden layers then stay in a core's cache.
_PIECE = 512

# Differences of float32 numbers of size x are off by about 1e-7 x; a column that varies by less
# than ten times that is called constant.
_ROUNDING = 1e-6


class Prediction(NamedTuple):
    """Gaussians over [next observation, reward], in the units of the world.

    `mean` and `var`, both (member, batch, obs + 1).
    """

    mean: Tensor
    var: Tensor


class Ensemble(nn.Module):
    """Networks of one shape with shared scales and trainable log-variance limits.

    Parameters
    ----------
    obs_size, act_size
        Numbers of observations and actions.
    members
        Number of networks.
    hidden
        Widths of the hidden layers.
    generator
        Draws the initial weights; the model lives on its device, and so must all that it is given.

    Attributes
    ----------
    low_log_var, high_log_var
        Limits of the log-variance in scaled units, (obs + 1,), trained with the weights.
    """

    @checked(obs_size=_SIZE, act_size=_SIZE, members=_SIZE, hidden=replace(_SIZE, empty=True))
    def __init__(
        self,
        obs_size: int,
        act_size: int,
        *,
        members: int = 7,
        hidden: Sequence[int] = (200, 200, 200, 200),
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.obs_size, self.act_size, self.member_count = obs_size, act_size, members
        outputs = obs_size + 1
        sizes = (obs_size + act_size, *hidden, 2 * outputs)
        self.networks = MemberMLP(members, sizes, generator=generator)
        device = generator.device
        self.low_log_var = nn.Parameter(torch.full((outputs,), LOWEST_LOG_VAR, device=device))
        self.high_log_var = nn.Parameter(torch.full((outputs,), HIGHEST_LOG_VAR, device=device))
        self.input_mean: Tensor
        self.input_scale: Tensor
        self.target_mean: Tensor
        self.target_scale: Tensor
        for name, size in (("input", obs_size + act_size), ("target", outputs)):
            self.register_buffer(f"{name}_mean", torch.zeros(size, device=device))
            self.register_buffer(f"{name}_scale", torch.ones(size, device=device))

    def set_scales(self, batch: Transition) -> None:
        """Take the scales of inputs and targets from `batch`, the training split.

        Raises
        ------
        ValueError
            If the square of a scale overflows float32; the scales are unchanged then.
        """
        inputs, targets = raw_inputs(batch.obs, batch.act), raw_targets(batch)
        scales = {
            "input_mean": inputs.mean(dim=0),
            "input_scale": column_scale(inputs),
            "target_mean": targets.mean(dim=0),
            "target_scale": target_scale(batch.obs, targets),
        }
        for name, scale in scales.items():
            if not torch.isfinite(scale.square()).all():
                raise ValueError(
                    "obs, act, reward and next_obs must hold numbers whose squares float32 can"
                    f" hold (below 1e19); {name} is {scale.tolist()}"
                )
        for name, scale in scales.items():
            getattr(self, name).copy_(scale)

    def forward(
        self,
        inputs: Float[Tensor, "member batch in"],
        *,
        members: Sequence[int] | None = None,
        piece: int | None = None,
    ) -> tuple[Float[Tensor, "member batch out"], Float[Tensor, "member batch out"]]:
        """Return mean and log-variance in scaled units for scaled inputs.

        `members` and `piece` are those of :class:`~mbpo_teach.nets.networks.MemberMLP`.

        Raises
        ------
        ValueError
            If `members` is empty or names one that there is not, or `piece` is below 1.
        """
        if members is not None:
            self.check_members("members", members)
        mean, raw = self.networks(inputs, members=members, piece=piece).chunk(2, dim=-1)
        return mean, soft_clamp(raw, self.low_log_var, self.high_log_var)

    def scaled_inputs(
        self, obs: Float[Tensor, "*rows obs"], act: Float[Tensor, "*rows act"]
    ) -> Float[Tensor, "*rows in"]:
        """Return observations and actions side by side, z-scored.

        Raises
        ------
        ValueError
            If a row has not as many observations or actions as the model. (Two of one and one of
            the other are three inputs either way, and would be taken for each other.)
        """
        if (obs.shape[-1], act.shape[-1]) != (self.obs_size, self.act_size):
            raise ValueError(
                f"obs and act must have {self.obs_size} and {self.act_size} numbers per row,"
                f" not {obs.shape[-1]} and {act.shape[-1]}"
            )
        return (raw_inputs(obs, act) - self.input_mean) / self.input_scale

    def scaled_targets(self, batch: Transition) -> Float[Tensor, "batch out"]:
        """Return [change of observation, reward] in the units in which the model learns."""
        return (raw_targets(batch) - self.target_mean) / self.target_scale

    def unscaled(self, targets: Float[Tensor, "*rows out"]) -> Float[Tensor, "*rows out"]:
        """Return scaled targets in the units of the world, undoing :meth:`scaled_targets`."""
        return targets * self.target_scale + self.target_mean

    def check_members(self, name: str, members: Sequence[int]) -> None:
        """Raise a `ValueError` if the argument called `name` is empty or names no member."""
        there = range(self.member_count)
        if not isinstance(members, (Sequence, np.ndarray)) or isinstance(members, str):
            raise ValueError(f"{name} must be a sequence of members, not {shown(members)}")
        if not len(members) or not all(
            isinstance(member, (int, np.integer))
            and not isinstance(member, bool)
            and member in there
            for member in members
        ):
            raise ValueError(
                f"{name} must name one or more of the members 0 to {self.member_count - 1},"
                f" not {list(members)}"
            )


@checked(obs=MAY_BE_EMPTY, act=MAY_BE_EMPTY, members=None)
@torch.no_grad()
def predict(
    model: Ensemble,
    obs: Float[Tensor, "batch obs"],
    act: Float[Tensor, "batch act"],
    *,
    members: Sequence[int] | None = None,
) -> Prediction:
    """Return what each member, or each of `members`, predicts, in the units of the world."""
    chosen = range(model.member_count) if members is None else members
    model.check_members("members", chosen)
    inputs = model.scaled_inputs(obs, act).expand(len(chosen), -1, -1)
    mean, log_var = model(inputs, members=members)
    mean = model.unscaled(mean)
    mean = torch.cat([mean[..., :-1] + obs, mean[..., -1:]], dim=-1)
    return Prediction(mean, log_var.exp() * model.target_scale**2)


@checked(obs=MAY_BE_EMPTY, act=MAY_BE_EMPTY, elites=None)
@torch.no_grad()
def sample_step(
    model: Ensemble,
    obs: Float[Tensor, "batch obs"],
    act: Float[Tensor, "batch act"],
    *,
    elites: Sequence[int],
    generator: torch.Generator,
) -> tuple[Float[Tensor, "batch obs"], Float[Tensor, " batch"]]:
    """Draw one imagined step for each row, from one random elite per row.

    The rows are dealt out evenly, so that each elite computes its own share and no other; running
    every elite on every row and keeping one result, as the authors' code does, costs as many times
    more as there are elites. (It draws each row's elite independently; here shares are equal, and
    each row meets each elite with the same chance all the same.) Returns next observations and
    rewards.

    Raises
    ------
    ValueError
        If there is no elite, or one that is no member.
    """
    model.check_members("elites", elites)
    dealt, members = _dealt(len(obs), elites, generator=generator)
    mean, log_var = model(model.scaled_inputs(obs, act)[dealt], members=members, piece=_PIECE)
    noise = torch.randn(mean.shape, generator=generator, device=mean.device)
    drawn = gaussian_sample(mean, log_var, noise)
    change = model.unscaled(_collected(drawn, dealt, len(obs)))
    return obs + change[:, :-1], change[:, -1]


def raw_inputs(
    obs: Float[Tensor, "*rows obs"], act: Float[Tensor, "*rows act"]
) -> Float[Tensor, "*rows in"]:
    """Return observations and actions side by side."""
    return torch.cat([obs, act], dim=-1)


@checked(together=check_sizes)
def raw_targets(batch: Transition) -> Float[Tensor, "batch out"]:
    """Return [change of observation, reward] in the units of the world."""
    return torch.cat([batch.next_obs - batch.obs, batch.reward[:, None]], dim=-1)


@checked
def target_scale(
    obs: Float[Tensor, "batch obs"], targets: Float[Tensor, "batch out"]
) -> Float[Tensor, " out"]:
    """Return what the targets are divided by.

    A change of observation is divided by its deviation, so that fast and slow columns count alike;
    one that is constant but for rounding is left small instead of being blown up. The reward is
    divided by max(deviation, 1): large rewards must not drown the observation error, and a reward
    that is constant but for a rare event (InvertedPendulum pays 1, and 0 on the last step) must
    not be blown up until that event drowns all else.
    """
    deviation = targets.std(dim=0, correction=0)
    changes, reward = deviation[:-1], deviation[-1:]
    width = obs.std(dim=0, correction=0)
    still = changes <= _ROUNDING * obs.abs().amax(dim=0)
    changes = torch.where(still, torch.where(width > 0, width, 1.0), changes)
    return torch.cat([changes, reward.clamp(min=1.0)])


@checked
def column_scale(values: Float[Tensor, "batch column"]) -> Float[Tensor, " column"]:
    """Return the deviation of each column; 1 where it is constant but for rounding."""
    deviation = values.std(dim=0, correction=0)
    constant = deviation <= _ROUNDING * values.abs().amax(dim=0)
    return torch.where(constant, 1.0, deviation)


def _dealt(
    count: int, elites: Sequence[int], *, generator: torch.Generator
) -> tuple[Int[Tensor, "elite share"], list[int]]:
    """Deal `count` rows out to the elites; return who computes which, and the elites in that order.

    Rows are shuffled, and so are the elites, so that one with a short share is not always the same.
    Shares are made equal: the last is filled up with rows that are computed twice.
    """
    share, device = -(-count // len(elites)), generator.device
    order = torch.randperm(count, generator=generator, device=device)
    seats = torch.randperm(len(elites), generator=generator, device=device)
    hands = order[torch.arange(share * len(elites), device=device) % max(count, 1)]
    return hands.unflatten(0, (len(elites), share)), [elites[seat] for seat in seats.tolist()]


def _collected(
    drawn: Float[Tensor, "elite share out"], dealt: Int[Tensor, "elite share"], count: int
) -> Float[Tensor, "batch out"]:
    """Put what was computed for the rows of :func:`_dealt` back in their order."""
    collected = drawn.new_empty(count, drawn.shape[-1])
    collected[dealt.flatten()[:count]] = drawn.flatten(0, 1)[:count]
    return collected

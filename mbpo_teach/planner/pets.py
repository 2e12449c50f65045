"""PETS: plan in the learned model, do the first action, plan again.

Probabilistic ensembles with trajectory sampling, Chua et al. 2018 (arXiv 1805.12114), algorithm 1.
There is no policy. In every real state a plan, the next H actions, is searched for by the
cross-entropy method (:mod:`mbpo_teach.planner.cem`); its first action is done, and what is left of
it is where the next search begins: model-predictive control.

What a plan is worth, is asked of *particles*: copies of the present state, each of which walks
through the model by itself, with draws of its own from the members' Gaussians. The plan's value is
the mean of what they earn. Which member moves a particle:

- TS1: one drawn anew at every step (so that all the particles' members mix),
- TS-infinity: one and the same for the whole plan, as if that member were the world.

Either way every member moves as many particles as any other, and all candidates meet the same
members and the same noise (common random numbers), so that none looks better for having been
luckier; each particle has noise of its own. A particle for which the world has ended earns nothing
more. Taught in chapter 8.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, get_args

import torch
from jaxtyping import Float
from torch import Tensor

from mbpo_teach.ground.checked import FROM_ONE, Allowed, checked
from mbpo_teach.ground.checks import instance, whole_fields
from mbpo_teach.model.dynamics import Ensemble
from mbpo_teach.nets.networks import Layer, mlp, silu
from mbpo_teach.planner.cem import ACTIONS, FIRST_VARIANCE, CEMConfig, search
from mbpo_teach.world.terminations import Termination

ParticleStep = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""States (particle, batch, obs) and actions (batch, act) to next states and rewards (particle,
batch)."""

Reward = Callable[[Tensor, Tensor, Tensor], Tensor]
"""States (batch, obs), actions (batch, act) and next states (batch, obs) to rewards (batch,)."""

Propagation = Literal["ts1", "ts_infinity"]

# Rows of one member that are computed at once: their hidden layers then stay in a core's cache.
_PIECE = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannerConfig:
    """How plans are made; the defaults are those of PETS.

    Attributes
    ----------
    horizon
        H, the length of a plan.
    particles
        How many walk along every candidate; a multiple of the number of members that plan.
    propagation
        Which member moves a particle: "ts1" or "ts_infinity".
    cem
        The search.
    """

    horizon: int = 25
    particles: int = 20
    propagation: Propagation = "ts_infinity"
    cem: CEMConfig = field(default_factory=CEMConfig)

    def __post_init__(self) -> None:
        whole_fields(self, "horizon", "particles", least=1)
        instance("cem", self.cem, CEMConfig)
        if self.propagation not in get_args(Propagation):
            raise ValueError(
                f"propagation must be one of {', '.join(get_args(Propagation))}, not"
                f" {self.propagation!r}"
            )

    def check_members(self, members: int) -> None:
        """Raise a `ValueError` if the particles cannot be dealt out evenly to so many members."""
        if self.particles % members:
            raise ValueError(
                f"particles must be a multiple of {members}, the members that plan, not"
                f" {self.particles}"
            )


class Plan(NamedTuple):
    """What a search found, for every row of a batch.

    `actions` (batch, horizon, act), the mean of the last iteration, and `var`, its variance, of the
    same shape; `iterations` is how many it took.
    """

    actions: Tensor
    var: Tensor
    iterations: int


@checked(before=ACTIONS)
@torch.no_grad()
def plan(
    evaluate: Callable[[Tensor], Tensor],
    before: Float[Tensor, "batch horizon act"],
    config: CEMConfig,
    *,
    generator: torch.Generator,
) -> Plan:
    """Search for plans from `before`, the shifted plans of the step before or :func:`no_plan`.

    `evaluate` takes plans (batch, candidate, horizon, act) and returns their values.
    """
    var, iterations = torch.full_like(before, FIRST_VARIANCE), 0
    mean = before
    for iteration in search(evaluate, mean, var, config, generator=generator):
        mean, var, iterations = iteration.mean, iteration.var, iterations + 1
    return Plan(mean, var, iterations)


@checked(batch=FROM_ONE, horizon=FROM_ONE, act_size=FROM_ONE)
def no_plan(batch: int, *, horizon: int, act_size: int) -> Float[Tensor, "batch horizon act"]:
    """Return where a search begins that follows no other: all actions 0."""
    return torch.zeros(batch, horizon, act_size)


@checked
def shifted(actions: Float[Tensor, "batch horizon act"]) -> Float[Tensor, "batch horizon act"]:
    """Return plans without their first action, which has been done, and with a 0 at the end."""
    return torch.cat([actions[:, 1:], torch.zeros_like(actions[:, :1])], dim=1)


@checked(plans=ACTIONS, particles=Allowed(least=1, most=10**6))
@torch.no_grad()
def plan_values(
    step: ParticleStep,
    termination: Termination,
    starts: Float[Tensor, "batch obs"],
    plans: Float[Tensor, "batch candidate horizon act"],
    *,
    particles: int,
) -> Float[Tensor, "batch candidate"]:
    """Return what each plan earns on average over its particles, undiscounted.

    Every imagined state is asked whether it ends its episode. The step into such a state is still
    paid, as in the world; those after it are not.

    Raises
    ------
    ValueError
        If there are not as many plans as starts, or no particle; or if `step` returns other shapes.
    """
    batch, candidates, horizon, _ = plans.shape
    # All candidates of all starts are the rows of one batch, and all particles move at once.
    obs = starts.repeat_interleave(candidates, dim=0).expand(particles, -1, -1)
    actions = plans.flatten(0, 1)
    earned = starts.new_zeros(particles, batch * candidates)
    alive = torch.ones_like(earned, dtype=torch.bool)
    for time in range(horizon):
        next_obs, reward = step(obs, actions[:, time])
        if next_obs.shape != obs.shape or reward.shape != earned.shape:
            raise ValueError(
                f"step must return shapes {tuple(obs.shape)} and {tuple(earned.shape)}, not"
                f" {tuple(next_obs.shape)} and {tuple(reward.shape)}"
            )
        # Chosen, not multiplied by 0: beyond its end a world may be infinite.
        earned = torch.where(alive, earned + reward, earned)
        obs = torch.where(alive.unsqueeze(-1), next_obs, obs)
        alive = alive & ~termination(obs.flatten(0, 1)).view_as(alive)
    return earned.mean(dim=0).view(batch, candidates)


@checked(members=None)
def trajectory_sampling(
    model: Ensemble,
    *,
    members: Sequence[int],
    propagation: Propagation,
    generator: torch.Generator,
) -> ParticleStep:
    """Return the step of particles through `members` of the ensemble (Chua et al., section 5.2).

    Particles are dealt out evenly. With "ts1" they are shuffled before each step; the order is one
    for all candidates. The weights are copied now: a model that is fitted needs a new step.

    Raises
    ------
    ValueError
        If a member is none of the model's; when called, if the particles are no multiple of them.
    """
    layers, low, high = in_world_units(model, members)

    def step(obs: Tensor, act: Tensor) -> tuple[Tensor, Tensor]:
        particles, batch, _ = obs.shape
        if particles % len(members):
            raise ValueError(
                f"particles must be a multiple of {len(members)} members, not {particles}"
            )
        order = None
        if propagation == "ts1":
            order = torch.randperm(particles, generator=generator, device=obs.device)
            obs = obs[order]
        inputs = torch.cat([obs, act.expand(particles, -1, -1)], dim=-1)
        hands = inputs.view(len(members), -1, inputs.shape[-1]).split(_PIECE, dim=1)
        outputs = torch.cat([mlp(layers, hand, silu) for hand in hands], dim=1)
        mean, raw = outputs.view(particles, batch, -1).chunk(2, dim=-1)
        shape = (particles, 1, mean.shape[-1])
        noise = torch.randn(shape, generator=generator, device=mean.device)
        deviation = torch.sigmoid(raw).mul_(high).add_(low).sqrt_()
        drawn = torch.addcmul(mean, deviation, noise)
        next_obs, reward = obs + drawn[..., :-1], drawn[..., -1]
        if order is None:
            return next_obs, reward
        back = order.argsort()
        return next_obs[back], reward[back]

    return step


class Layers(NamedTuple):
    """A model's networks in the units of the world, for :func:`nets.networks.mlp`.

    They map [obs, act] to [mean of the change and the reward, raw]; the variance is
    low + high * sigmoid(raw), where `low` and `high`, both (out,), are its limits.
    """

    layers: list[Layer]
    low: Tensor
    high: Tensor


@checked(members=None)
@torch.no_grad()
def in_world_units(model: Ensemble, members: Sequence[int]) -> Layers:
    """Return `members` of the model with all its scales put into their weights.

    A planner asks a model millions of times between two fits: what need not be computed each time
    is computed once. The soft clamp of the log-variance, two softplus, is a sigmoid in disguise:
    exp(high - softplus(high - raw)) = e^high sigmoid(raw - high), and of
    x = high - softplus(high - raw), exp(low + softplus(x - low)) = e^low + e^x.

    Raises
    ------
    ValueError
        If `members` is empty or names no member.
    """
    model.check_members("members", members)
    first, *inner, last = (
        (weight.clone(), bias.clone()) for weight, bias in model.networks.chosen(members)
    )
    scale = model.target_scale
    weight, bias = first
    weight = weight / model.input_scale
    layers = [(weight, bias - (weight * model.input_mean).sum(dim=2, keepdim=True)), *inner]
    weight, bias = last
    ones = torch.ones_like(scale)
    stretch = torch.cat([scale, ones])[:, None]
    shift = torch.cat([model.target_mean, -model.high_log_var])[:, None]
    layers.append((weight * stretch, bias * stretch + shift))
    limits = ((limit.exp() * scale**2) for limit in (model.low_log_var, model.high_log_var))
    return Layers(layers, *limits)


@checked
def with_reward(step: ParticleStep, reward: Reward) -> ParticleStep:
    """Return `step` with a reward that is given in place of the one that was learned."""

    def rewarded(obs: Tensor, act: Tensor) -> tuple[Tensor, Tensor]:
        next_obs, _ = step(obs, act)
        flat = reward(
            obs.flatten(0, 1), act.expand(len(obs), -1, -1).flatten(0, 1), next_obs.flatten(0, 1)
        )
        return next_obs, flat.view(obs.shape[:2])

    return rewarded

"""Soft actor-critic: the model-free learner inside MBPO.

The policy earns reward and entropy, J = E[sum of r + alpha H(pi)]: it is paid for staying random
where randomness costs nothing. Twin critics estimate the soft return, the smaller of the two is
believed, and the temperature alpha is tuned so that the entropy stays near a target. Haarnoja et
al. 2018 (arXiv 1812.05905), algorithm 1. Taught in chapter 6.

The losses are in :mod:`mbpo_teach.learner.losses`. An update is one function of tensors, a state
and a batch in and the next state out, so that all of it, with gradients, Adam and target averaging,
can be compiled into one graph (:mod:`mbpo_teach.nets.compiled`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from mbpo_teach.ground.checked import FROM_ONE, checked
from mbpo_teach.ground.checks import discount, number_fields, whole, whole_fields, widths
from mbpo_teach.learner.losses import (
    actor_loss,
    critic_loss,
    soft_target,
    soft_value,
    temperature_loss,
)
from mbpo_teach.nets.adam import Trained, adam_step, pace_at, untrained
from mbpo_teach.nets.compiled import compiled
from mbpo_teach.nets.gaussian import LOG_TWO_PI, log_tanh_slope
from mbpo_teach.nets.networks import MemberMLP, mlp, normalised, unpacked
from mbpo_teach.world.transitions import Transition, check_shapes

LOWEST_LOG_STD, HIGHEST_LOG_STD = -20.0, 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SACConfig:
    """How the learner learns; the defaults are the authors'.

    Attributes
    ----------
    hidden
        Widths of the hidden layers of policy and critics.
    learning_rate
        Of Adam, for policy, critics and temperature.
    batch_size
        Rows of one update.
    gamma
        Discount.
    tau
        Share by which the target critics move towards the critics at each update.
    target_entropy
        In nats; None means minus the dimension of the action.
    critic_norm
        Whether each hidden layer of the critics is normalised
        (:func:`mbpo_teach.nets.networks.normalised`): what a critic can promise beyond its data is
        then bounded by the size of its last layer.
    compile
        Whether the update is compiled into one graph: 1.6 times as fast with networks of 2 x 256,
        six times with 2 x 64. Making it takes up to half a minute, once; loading it, some seconds.
    """

    hidden: tuple[int, ...] = (256, 256)
    learning_rate: float = 3e-4
    batch_size: int = 256
    gamma: float = 0.99
    tau: float = 0.005
    target_entropy: float | None = None
    critic_norm: bool = False
    compile: bool = False

    def __post_init__(self) -> None:
        widths(self, "hidden", least=1)
        whole_fields(self, "batch_size", least=1)
        number_fields(
            self, "learning_rate", allowed="in (0, 1)", is_allowed=lambda rate: 0 < rate < 1
        )
        object.__setattr__(self, "gamma", discount(self.gamma))
        number_fields(self, "tau", allowed="in (0, 1]", is_allowed=lambda share: 0 < share <= 1)
        if self.target_entropy is not None:
            # Far beyond what float32 can tell a log-probability from.
            number_fields(
                self,
                "target_entropy",
                allowed="between -1e6 and 1e6, or None",
                is_allowed=lambda nats: -1e6 <= nats <= 1e6,
            )
        for name in ("critic_norm", "compile"):
            if not isinstance(getattr(self, name), bool):
                raise ValueError(f"{name} must be True or False, not {getattr(self, name)!r}")


class SACState(NamedTuple):
    """Everything that an update changes.

    `actor` holds the policy's weights (1, weight), `critics` those of both critics (2, weight),
    `log_temperature` one number (), each with Adam's moments; `targets` (2, weight) are the
    slowly following critics; `updates` () counts.
    """

    actor: Trained
    critics: Trained
    log_temperature: Trained
    targets: Tensor
    updates: Tensor


class Losses(NamedTuple):
    """The losses of one update, and the entropy -log pi of the actions it drew, each ()."""

    critic: Tensor
    actor: Tensor
    temperature: Tensor
    entropy: Tensor


Update = Callable[[SACState, Transition, Tensor], tuple[SACState, Losses]]
"""State, batch and noise (2, batch, act) to the next state: :func:`sac_update` of one config."""


@checked
def make_update(config: SACConfig) -> Update:
    """Return :func:`sac_update` for `config`, compiled if it asks for that."""
    update = partial(sac_update, config=config)
    return compiled(update) if config.compile else update


@checked
def initial_state(
    obs_size: int, act_size: int, config: SACConfig, *, generator: torch.Generator
) -> SACState:
    """Return an untrained learner: random weights, targets equal to the critics, temperature 1.

    It lives on the generator's device.
    """
    actor_sizes, critic_sizes = network_sizes(obs_size, act_size, config)
    actor = MemberMLP(1, actor_sizes, generator=generator).packed()
    critics = MemberMLP(2, critic_sizes, generator=generator).packed()
    return SACState(
        actor=untrained(actor),
        critics=untrained(critics),
        log_temperature=untrained(torch.zeros((), device=generator.device)),
        targets=critics.clone(),
        updates=torch.zeros((), dtype=torch.int64, device=generator.device),
    )


def network_sizes(
    obs_size: int, act_size: int, config: SACConfig
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the layer sizes of the policy (means and log deviations out) and of a critic."""
    obs_size = whole("obs_size", obs_size, least=1)
    act_size = whole("act_size", act_size, least=1)
    return (obs_size, *config.hidden, 2 * act_size), (obs_size + act_size, *config.hidden, 1)


def policy_gaussian(
    weights: Float[Tensor, "1 weight"],
    obs: Float[Tensor, "batch obs"],
    sizes: tuple[int, ...],
) -> tuple[Float[Tensor, "batch act"], Float[Tensor, "batch act"]]:
    """Return mean and log deviation of the Gaussian whose tanh is the action."""
    outputs = mlp(unpacked(weights, sizes), obs.unsqueeze(0), torch.relu_).squeeze(0)
    mean, raw = outputs.chunk(2, dim=-1)
    return mean, raw.clamp(LOWEST_LOG_STD, HIGHEST_LOG_STD)


@checked
def sample_action(
    mean: Float[Tensor, "batch act"],
    log_std: Float[Tensor, "batch act"],
    noise: Float[Tensor, "batch act"],
) -> tuple[Float[Tensor, "batch act"], Float[Tensor, " batch"]]:
    """Return tanh(mean + std * noise) and its log-density; gradients pass through both.

    `noise` is standard normal. It is at hand here, so that log N(raw), the first term of
    :func:`mbpo_teach.nets.gaussian.squashed_log_prob`, is log N(noise) - log std: fewer steps, and
    exact where a small deviation would be lost in the rounding of raw - mean.
    """
    raw = mean + log_std.exp() * noise
    standard = -0.5 * (noise.square() + LOG_TWO_PI).sum(dim=-1)
    return raw.tanh(), standard - (log_std + log_tanh_slope(raw)).sum(dim=-1)


@checked(act_size=FROM_ONE)
def policy_of(
    state: SACState,
    config: SACConfig,
    *,
    act_size: int,
    generator: torch.Generator | None = None,
) -> Callable[[Tensor], Tensor]:
    """Return the policy of `state`: observations (batch, obs) to actions (batch, act).

    It draws its actions with `generator`; without one it takes the tanh of the mean, as it does
    when it is judged.
    """

    @torch.no_grad()
    def policy(obs: Float[Tensor, "batch obs"]) -> Float[Tensor, "batch act"]:
        sizes, _ = network_sizes(obs.shape[1], act_size, config)
        mean, log_std = policy_gaussian(state.actor.weights, obs, sizes)
        if generator is None:
            return mean.tanh()
        noise = torch.randn(mean.shape, generator=generator, device=mean.device)
        return sample_action(mean, log_std, noise)[0]

    return policy


def q_values(
    weights: Float[Tensor, "critic weight"],
    obs: Float[Tensor, "batch obs"],
    act: Float[Tensor, "batch act"],
    sizes: tuple[int, ...],
    *,
    norm: bool = False,
) -> Float[Tensor, "critic batch"]:
    """Return Q(s, a) of every critic, all in one batched product; `norm` is `critic_norm`."""
    inputs = torch.cat([obs, act], dim=-1).expand(len(weights), -1, -1)
    activation = _normalised_relu if norm else torch.relu_
    return mlp(unpacked(weights, sizes), inputs, activation).squeeze(-1)


def _normalised_relu(hidden: Tensor) -> Tensor:
    return torch.relu_(normalised(hidden))


def gradient(
    loss: Callable[[Tensor], tuple[Tensor, ...]], weights: Tensor
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return the gradient at `weights` of the first number that `loss` returns, and all it returns.

    That is the loss, and whatever else was computed on the way and is wanted afterwards.
    """
    if torch.compiler.is_compiling():
        # The form that torch.compile takes into its graph; eager, it is 1.4 times slower.
        def first_and_all(at: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
            values = loss(at)
            return values[0], values

        slope, (_, values) = torch.func.grad_and_value(first_and_all, has_aux=True)(weights)
        return slope, values
    weights = weights.detach().requires_grad_()
    with torch.enable_grad():
        values = loss(weights)
    (slope,) = torch.autograd.grad(values[0], weights)
    return slope, tuple(value.detach() for value in values)


@torch.no_grad()
def sac_update(
    state: SACState,
    batch: Transition,
    noise: Float[Tensor, "2 batch act"],
    config: SACConfig,
) -> tuple[SACState, Losses]:
    """Return the state after one gradient step on every loss, and the losses.

    `noise` draws the next actions and the policy's own: standard normal, given from outside, so
    that nothing here is random.

    Raises
    ------
    ValueError
        If a column of `batch`, or `noise`, has a wrong shape or type, or there is no row.
    """
    _check(batch, noise)
    obs, act, reward, next_obs, terminated = batch
    actor_sizes, critic_sizes = network_sizes(obs.shape[1], act.shape[1], config)
    updates = state.updates + 1
    step = partial(adam_step, pace=pace_at(updates, config.learning_rate))
    q_of = partial(q_values, sizes=critic_sizes, norm=config.critic_norm)
    temperature = state.log_temperature.weights.exp()

    # What the critics should say of (s, a): one real step, then the soft value of the next state.
    gaussian = policy_gaussian(state.actor.weights, next_obs, actor_sizes)
    next_act, next_log_prob = sample_action(*gaussian, noise[0])
    next_q = q_of(state.targets, next_obs, next_act)
    target = soft_target(
        reward, terminated, soft_value(next_q, next_log_prob, temperature), config.gamma
    )

    def of_critics(weights: Tensor) -> tuple[Tensor]:
        return (critic_loss(q_of(weights, obs, act), target),)

    slope, (critic,) = gradient(of_critics, state.critics.weights)
    critics = step(state.critics, slope)

    def of_actor(weights: Tensor) -> tuple[Tensor, Tensor]:
        own_act, log_prob = sample_action(*policy_gaussian(weights, obs, actor_sizes), noise[1])
        q = q_of(critics.weights, obs, own_act)
        return actor_loss(q, log_prob, temperature), log_prob

    slope, (actor, log_prob) = gradient(of_actor, state.actor.weights)
    entropy = -float(act.shape[1]) if config.target_entropy is None else config.target_entropy

    # A multiple of exp(log alpha) is its own slope along log alpha.
    cooling = temperature_loss(state.log_temperature.weights, log_prob, entropy)
    after = SACState(
        actor=step(state.actor, slope),
        critics=critics,
        log_temperature=step(state.log_temperature, cooling),
        targets=state.targets.lerp(critics.weights, config.tau),
        updates=updates,
    )
    return after, Losses(critic, actor, cooling, -log_prob.mean())


def _check(batch: Transition, noise: Tensor) -> None:
    """Refuse what would broadcast, and give wrong numbers without a word."""
    check_shapes(batch)
    if not len(batch.obs):
        raise ValueError("obs must have at least one row, not none")
    wanted = (2, *batch.act.shape)
    if noise.shape != wanted or noise.dtype != torch.float32:
        found = f"{tuple(noise.shape)} of {noise.dtype}"
        raise ValueError(f"noise must have shape {wanted} of torch.float32, not {found}")

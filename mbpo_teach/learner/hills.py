"""One action in (-1, 1) and its value, which one can see: a broad hill and a narrow peak.

Everything that soft actor-critic is after can be computed here: the best policy of any shape,
exp(Q / alpha) / Z (Haarnoja et al. 2018, arXiv 1812.05905, equation 4), the best tanh-Gaussian,
and where the steps of the losses lead. Taught in chapter 6.

Instead of random draws an expectation takes :data:`NOISE`, evenly spread over the normal law.
"""

import math
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mbpo_teach.ground.checked import FROM_ZERO, POSITIVE, Allowed, checked, dims
from mbpo_teach.ground.seeding import torch_generator
from mbpo_teach.learner.losses import actor_loss
from mbpo_teach.nets.adam import adam_step, pace_at, untrained
from mbpo_teach.nets.gaussian import squashed_log_prob

_DTYPE = torch.float64

ACTIONS = torch.linspace(-0.9975, 0.9975, 400, dtype=_DTYPE)
"""The middles of 400 equal parts of (-1, 1)."""
_WIDTH = 2 / len(ACTIONS)


def _spread_noise(count: int) -> Tensor:
    """Return the middles of `count` equally likely parts of N(0, 1), of variance 1, (count,)."""
    middles = (torch.arange(count, dtype=_DTYPE) + 0.5) / count
    noise = torch.special.ndtri(middles)
    scaled: Tensor = noise / noise.square().mean().sqrt()
    return scaled


NOISE = _spread_noise(120)

_MEAN_STEP, _LOG_STD_STEP = 0.05, 0.1
_LEARNING_RATE = 0.05
START = (0.0, 0.0)
"""Mean and log deviation with which an actor starts."""

TEMPERATURES = (0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.25, 0.27, 0.3, 0.4, 0.5, 0.7, 1, 1.5, 2)
"""The temperatures that chapter 6 looks at."""
CURVE = np.unique([*np.geomspace(TEMPERATURES[0], TEMPERATURES[-1], 61).round(9), *TEMPERATURES])
"""Temperatures of the curves, :data:`TEMPERATURES` among them."""
HELD = np.geomspace(TEMPERATURES[0], TEMPERATURES[-1], 37)
"""Temperatures of the curve whose every point is a training of its own."""

TARGETS = tuple(target / 10 for target in range(-15, 7))
"""The target entropies that chapter 6 looks at, in nats."""
STEPS = 500

NOISES = tuple(noise / 20 for noise in range(13))
"""Deviations of the critics' errors."""
DRAWS = 500
"""Pairs of critics over which means are taken."""


class Policies(NamedTuple):
    """Tanh-Gaussians, their expected action-value and their entropy in nats; all of one shape."""

    mean: Tensor
    log_std: Tensor
    value: Tensor
    entropy: Tensor


class Kind(NamedTuple):
    """One kind of policy against temperature: expected `value` and `entropy`, both (temperature,).

    `objective` (temperature,) is their sum, the entropy weighted by the temperature.
    """

    value: np.ndarray
    entropy: np.ndarray
    objective: np.ndarray


class Path(NamedTuple):
    """Steps of learners, (learner, step): their temperatures and their policies."""

    temperature: Tensor
    policies: Policies


def _doubles(values: Tensor, *others: Tensor | None, **_: object) -> None:
    """Refuse what is not of the type of :data:`ACTIONS`: its digits would be lost on the way."""
    for each in (values, *others):
        if isinstance(each, Tensor) and each.dtype != _DTYPE:
            raise ValueError(
                f"temperatures, targets and critics must be of {_DTYPE}, as ACTIONS are, not"
                f" {each.dtype}"
            )


@checked
def action_value(act: Float[Tensor, "*rows"]) -> Float[Tensor, "*rows"]:
    """Return Q(a): a broad hill of height 1 at -0.4, a narrow peak of height 1.3 at 0.6."""
    return (-((act + 0.4) ** 2) / 0.18).exp() + 1.3 * (-((act - 0.6) ** 2) / 0.02).exp()


@checked(temperature=POSITIVE)
def soft_best(temperature: float) -> tuple[Float[Tensor, " action"], float]:
    """Return the density of the best policy of any shape on :data:`ACTIONS`, and its objective.

    The density is exp(Q / alpha) / Z, the objective E[Q] + alpha H is the soft value alpha log Z.
    """
    logits = action_value(ACTIONS) / temperature
    log_z = torch.logsumexp(logits, 0) + math.log(_WIDTH)
    return (logits - log_z).exp(), float(temperature * log_z)


@checked(law=dims("400", FROM_ZERO))
def value_and_entropy(law: Float[Tensor, " action"]) -> tuple[float, float]:
    """Return E[Q] and the entropy, in nats, of a density on :data:`ACTIONS`."""
    value = (law * action_value(ACTIONS)).sum() * _WIDTH
    return float(value), float(torch.special.entr(law).sum() * _WIDTH)


@checked
def density(mean: float, log_std: float) -> Float[Tensor, " action"]:
    """Return the density of a tanh-Gaussian on :data:`ACTIONS`."""
    raw = ACTIONS.atanh().unsqueeze(-1)
    return squashed_log_prob(raw, _like(mean, raw), _like(log_std, raw)).exp()


@checked
def draws(
    mean: Float[Tensor, "*rows"], log_std: Float[Tensor, "*rows"]
) -> tuple[Float[Tensor, "*rows draw"], Float[Tensor, "*rows draw"]]:
    """Return the actions to which :data:`NOISE` leads, and their log-densities."""
    raw = mean[..., None] + log_std.exp()[..., None] * NOISE
    one_action = [part.expand_as(raw)[..., None] for part in (mean[..., None], log_std[..., None])]
    log_prob = squashed_log_prob(raw[..., None], *one_action)
    return raw.tanh(), log_prob


@checked
def policies(mean: Float[Tensor, "*rows"], log_std: Float[Tensor, "*rows"]) -> Policies:
    """Return tanh-Gaussians with what they earn and how random they are."""
    act, log_prob = draws(mean, log_std)
    return Policies(mean, log_std, action_value(act).mean(-1), -log_prob.mean(-1))


@checked(together=_doubles, temperatures=POSITIVE)
def best_policies(temperatures: Float[Tensor, " learner"]) -> Policies:
    """Return the best tanh-Gaussian for each temperature, of a coarse grid and of two finer ones.

    There may be two good ones far apart, between which the steps of a gradient would not decide.
    """
    best = _best_of(_every_policy(), temperatures)
    for finer in (1.0, 0.2):
        steps = finer * torch.linspace(-1, 1, 11, dtype=_DTYPE)
        offsets = torch.cartesian_prod(steps * _MEAN_STEP, steps * _LOG_STD_STEP)
        nearby = torch.stack([best.mean, best.log_std], dim=1)[:, None] + offsets
        best = _best_of(policies(*nearby.unbind(-1)), temperatures)
    return best


def _best_of(found: Policies, temperatures: Float[Tensor, " learner"]) -> Policies:
    objective = found.value + temperatures[:, None] * found.entropy
    best = objective.argmax(dim=1, keepdim=True)
    return Policies(*(part.expand_as(objective).gather(1, best).squeeze(1) for part in found))


@cache
def best_kinds() -> tuple[Kind, Kind]:
    """Return the best policies of any shape and the best tanh-Gaussians along :data:`CURVE`."""
    found = [soft_best(temperature) for temperature in CURVE]
    value, entropy = np.array([value_and_entropy(law) for law, _ in found]).T
    tanh = best_policies(torch.from_numpy(CURVE))
    worth, randomness = tanh.value.numpy(), tanh.entropy.numpy()
    return (
        Kind(value=value, entropy=entropy, objective=np.array([best for _, best in found])),
        Kind(value=worth, entropy=randomness, objective=worth + CURVE * randomness),
    )


@cache
def _every_policy() -> Policies:
    pairs = torch.cartesian_prod(
        torch.arange(-2, 2, _MEAN_STEP, dtype=_DTYPE),
        torch.arange(-5, 1, _LOG_STD_STEP, dtype=_DTYPE),
    )
    return policies(*pairs.unbind(-1))


@checked(together=_doubles, temperatures=POSITIVE, steps=Allowed(most=10**6))
def learn(
    temperatures: Float[Tensor, " learner"],
    targets: Float[Tensor, " learner"] | None = None,
    *,
    steps: int = STEPS,
) -> Path:
    """Return the steps that actor loss and temperature loss take, with Adam, from :data:`START`.

    Each learner has its first temperature and its target entropy; without `targets` the
    temperatures stay. The critic is Q itself.
    """
    actor = untrained(torch.tensor(START, dtype=_DTYPE).expand(len(temperatures), 2))
    heat = untrained(temperatures.log())
    seen = []
    for step in range(steps + 1):
        seen.append((actor.weights, heat.weights))
        now = pace_at(torch.tensor(step + 1), _LEARNING_RATE)
        slope, entropy = _actor_slope(actor.weights, heat.weights.exp())
        actor = adam_step(actor, slope, now)
        if targets is not None:
            # The temperature loss is an exponential of log alpha: it is its own gradient.
            cooling = heat.weights.exp() * (entropy - targets)
            heat = adam_step(heat, cooling, now)
    weights, log_temperature = (torch.stack(part, dim=1) for part in zip(*seen, strict=True))
    return Path(log_temperature.exp(), policies(*weights.unbind(-1)))


@checked
def path_to(target: float) -> tuple[np.ndarray, np.ndarray, float]:
    """Return temperature and entropy at every step, (step,), and the last mean action.

    `target` is one of :data:`TARGETS`, or the nearest of them is taken.
    """
    paths = _paths()
    place = min(range(len(TARGETS)), key=lambda place: abs(TARGETS[place] - target))
    action = np.tanh(float(paths.policies.mean[place, -1]))
    return paths.temperature[place].numpy(), paths.policies.entropy[place].numpy(), action


@cache
def _paths() -> Path:
    targets = torch.tensor(TARGETS, dtype=_DTYPE)
    return learn(torch.ones_like(targets), targets)


@cache
def held_entropies() -> np.ndarray:
    """Return the entropy at which an actor arrives at each temperature of :data:`HELD`."""
    entropy: np.ndarray = learn(torch.from_numpy(HELD)).policies.entropy[:, -1].numpy()
    return entropy


def _actor_slope(weights: Tensor, temperatures: Tensor) -> tuple[Tensor, Tensor]:
    """Return the gradient of every learner's actor loss, and the entropies."""
    weights = weights.detach().requires_grad_()
    act, log_prob = draws(*weights.unbind(-1))
    # The loss takes one temperature; each learner's own goes with its log-densities.
    scaled = (temperatures[:, None] * log_prob).flatten()
    loss = actor_loss(action_value(act).flatten().unsqueeze(0), scaled, 1.0)
    (slope,) = torch.autograd.grad(loss * len(weights), weights)
    return slope, -log_prob.detach().mean(-1)


@checked(count=Allowed(least=1, most=10**5))
def critic_errors(count: int, *, generator: torch.Generator) -> Float[Tensor, "count action"]:
    """Draw smooth errors of as many critics on :data:`ACTIONS`, each of mean 0 and deviation 1."""
    waves = 24
    frequency = 12 * torch.randn(count, waves, 1, generator=generator, dtype=_DTYPE)
    phase = 2 * torch.pi * torch.rand(count, waves, 1, generator=generator, dtype=_DTYPE)
    errors: Tensor = (frequency * ACTIONS + phase).cos().sum(dim=1) * math.sqrt(2 / waves)
    return errors


class Belief(NamedTuple):
    """What a greedy actor believes of the action it chooses, and what that is worth, (draw,)."""

    believed: Tensor
    true: Tensor


@checked(together=_doubles, critics=dims("draw 400"))
def greedy_beliefs(critics: Float[Tensor, "draw action"]) -> Belief:
    """Return belief and truth where each of these estimates of Q is largest."""
    believed, best = critics.max(dim=1)
    return Belief(believed, action_value(ACTIONS)[best])


@checked(noise=FROM_ZERO)
def noisy_critics(noise: float) -> Float[Tensor, "draw critic action"]:
    """Return :data:`DRAWS` pairs of critics with errors of this deviation."""
    return action_value(ACTIONS) + noise * _errors()


@cache
def _errors() -> Tensor:
    errors = critic_errors(2 * DRAWS, generator=torch_generator(6, "critic errors"))
    return errors.reshape(DRAWS, 2, -1)


@cache
def beliefs() -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return surplus of belief over truth and true worth, along :data:`NOISES`, means of draws.

    By "one" critic, and by the smaller of "two".
    """
    names = ("one", "two")
    optimism, worth = ({name: np.empty(len(NOISES)) for name in names} for _ in range(2))
    for place, noise in enumerate(NOISES):
        critics = noisy_critics(noise)
        for name, estimate in zip(names, (critics[:, 0], critics.min(dim=1).values), strict=True):
            found = greedy_beliefs(estimate)
            optimism[name][place] = (found.believed - found.true).mean()
            worth[name][place] = found.true.mean()
    return optimism, worth


def _like(value: float, tensor: Tensor) -> Tensor:
    return torch.full_like(tensor, value)

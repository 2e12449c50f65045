"""The sliders of chapter 6: temperature, target entropy, the noise of critics.

All on the line with a broad hill and a narrow peak (:mod:`mbpo_teach.hills`), where the best
policies and the steps of the losses are computed, without a random draw but for the noise.
"""

from functools import cache

import numpy as np
import torch

from mbpo_teach import hills
from mbpo_teach.figures.critics import twins_plate
from mbpo_teach.figures.hills import Kind, target_plate, temperature_plate
from mbpo_teach.figures.plate import Plate
from mbpo_teach.language import text
from mbpo_teach.seeding import torch_generator
from mbpo_teach.widgets.lab import Choice, Lab, Slider, View

TEMPERATURES = (0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.25, 0.27, 0.3, 0.4, 0.5, 0.7, 1, 1.5, 2)
CURVE = np.unique([*np.geomspace(TEMPERATURES[0], TEMPERATURES[-1], 61).round(9), *TEMPERATURES])
"""Temperatures of the curves, those of the slider among them."""
HELD = np.geomspace(TEMPERATURES[0], TEMPERATURES[-1], 37)
"""Temperatures of the curve whose every point is a training of its own."""

TARGETS = tuple(target / 10 for target in range(-15, 7))
STEPS = 500
SETTLED = 150
"""The last steps, over which the sentence says how far the entropy still moves."""

NOISES = tuple(noise / 20 for noise in range(13))
DRAWS = 500


def temperature_lab() -> Lab:
    """Return a slider over the temperature, and the best policies at it."""

    def make_view() -> View:
        soft, tanh = best_kinds()
        found = hills.best_policies(torch.from_numpy(CURVE))
        plate, draw = temperature_plate(CURVE, soft, tanh)

        def view(temperature: float) -> tuple[Plate, str]:
            place = int(np.searchsorted(CURVE, temperature))
            own = hills.density(float(found.mean[place]), float(found.log_std[place]))
            draw(place, hills.soft_best(temperature)[0].numpy(), own.numpy())
            sentence = text(
                "hills.say",
                temperature=f"{temperature:g}",
                action=np.tanh(float(found.mean[place])),
                **_numbers("", tanh, place),
                **_numbers("soft_", soft, place),
            )
            return plate, sentence

        return view

    temperature = Choice(
        name="temperature", words="hills.temperature", options=TEMPERATURES, value=0.1
    )
    return Lab([temperature], make_view)


@cache
def best_kinds() -> tuple[Kind, Kind]:
    """Return the best policies of any shape and the best tanh-Gaussians along :data:`CURVE`."""
    soft = [hills.soft_best(temperature) for temperature in CURVE]
    value, entropy = np.array([hills.value_and_entropy(density) for density, _ in soft]).T
    found = hills.best_policies(torch.from_numpy(CURVE))
    tanh = found.value.numpy(), found.entropy.numpy()
    return (
        Kind(value=value, entropy=entropy, objective=np.array([best for _, best in soft])),
        Kind(value=tanh[0], entropy=tanh[1], objective=tanh[0] + CURVE * tanh[1]),
    )


def _numbers(start: str, kind: Kind, place: int) -> dict[str, float]:
    names = ("value", "entropy", "objective")
    return {f"{start}{name}": getattr(kind, name)[place] for name in names}


def target_lab() -> Lab:
    """Return a slider over the target entropy, and the steps of both losses towards it."""

    def make_view() -> View:
        best = hills.best_policies(torch.from_numpy(CURVE)).entropy.numpy()
        held = HELD, _broken(held_entropies())
        plate, draw = target_plate(held, (CURVE, _broken(best)), steps=STEPS)

        def view(target: float) -> tuple[Plate, str]:
            temperature, entropy, action = path_to(target)
            draw(target, temperature, entropy)
            late = entropy[-SETTLED:]
            sentence = text(
                "target.say",
                target=f"{target:.1f}".replace("-0.0", "0.0"),
                steps=STEPS,
                temperature=temperature[-1],
                entropy=entropy[-1],
                action=action,
                settled=SETTLED,
                low=late.min(),
                high=late.max(),
            )
            return plate, sentence

        return view

    target = Slider(
        name="target", words="target.slider", low=TARGETS[0], high=TARGETS[-1], step=0.1, value=-1
    )
    return Lab([target], make_view)


def path_to(target: float) -> tuple[np.ndarray, np.ndarray, float]:
    """Return temperature and entropy at every step, (step,), and the last mean action."""
    paths = _paths()
    place = min(range(len(TARGETS)), key=lambda place: abs(TARGETS[place] - target))
    action = np.tanh(float(paths.policies.mean[place, -1]))
    return paths.temperature[place].numpy(), paths.policies.entropy[place].numpy(), action


@cache
def _paths() -> hills.Path:
    targets = torch.tensor(TARGETS, dtype=torch.float64)
    return hills.learn(torch.ones_like(targets), targets, steps=STEPS)


@cache
def held_entropies() -> np.ndarray:
    """Return the entropy at which an actor arrives at each temperature of :data:`HELD`."""
    path = hills.learn(torch.from_numpy(HELD), steps=STEPS)
    entropy: np.ndarray = path.policies.entropy[:, -1].numpy()
    return entropy


def _broken(entropy: np.ndarray) -> np.ndarray:
    """Return the curve with a gap where it jumps, so that no line stands for what is not there."""
    jumps = np.abs(np.diff(entropy, append=entropy[-1])) > 0.3
    # The last point before a jump is given up.
    return np.where(jumps, np.nan, entropy)


def twins_lab() -> Lab:
    """Return a slider over the noise of critics, and what it costs to believe them."""

    def make_view() -> View:
        optimism, worth = beliefs()
        plate, draw = twins_plate(np.array(NOISES), optimism, worth)

        def view(noise: float) -> tuple[Plate, str]:
            place = min(range(len(NOISES)), key=lambda place: abs(NOISES[place] - noise))
            draw(place, noisy_critics(noise)[0])
            sentence = text(
                "twins.say",
                noise=f"{noise:g}",
                draws=DRAWS,
                one=optimism["one"][place],
                two=optimism["two"][place],
                worth_one=worth["one"][place],
                worth_two=worth["two"][place],
                best=float(hills.action_value(hills.ACTIONS).max()),
            )
            return plate, sentence

        return view

    noise = Slider(
        name="noise", words="twins.noise", low=NOISES[0], high=NOISES[-1], step=0.05, value=0.3
    )
    return Lab([noise], make_view)


def noisy_critics(noise: float) -> torch.Tensor:
    """Return pairs of critics with errors of this deviation, (draw, 2, action)."""
    return hills.action_value(hills.ACTIONS) + noise * _errors()


@cache
def _errors() -> torch.Tensor:
    errors = hills.critic_errors(2 * DRAWS, generator=torch_generator(6, "critic errors"))
    return errors.reshape(DRAWS, 2, -1)


@cache
def beliefs() -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return surplus of belief over truth and true worth, along :data:`NOISES`, means of draws."""
    names = ("one", "two")
    optimism, worth = ({name: np.empty(len(NOISES)) for name in names} for _ in range(2))
    for place, noise in enumerate(NOISES):
        critics = noisy_critics(noise)
        for name, estimate in zip(names, (critics[:, 0], critics.min(dim=1).values), strict=True):
            found = hills.greedy_beliefs(estimate)
            optimism[name][place] = (found.believed - found.true).mean()
            worth[name][place] = found.true.mean()
    return optimism, worth

"""The sliders of chapter 6: temperature, target entropy, the noise of critics.

All on the line with a broad hill and a narrow peak (:mod:`mbpo_teach.learner.hills`), where the
best policies and the steps of the losses are computed, without a random draw but for the noise.
"""

import numpy as np
import torch

from mbpo_teach.figures.critics import TwinsFrame, build_twins
from mbpo_teach.figures.hills import TargetFrame, TemperatureFrame, build_target, build_temperature
from mbpo_teach.figures.plate import Plate
from mbpo_teach.ground.language import text
from mbpo_teach.learner import hills
from mbpo_teach.widgets.lab import Choice, Guess, Lab, Slider, View

SETTLED = 150
"""The last steps, over which the sentence says how far the entropy still moves."""


def temperature_lab() -> Lab:
    """Return a slider over the temperature, and the best policies at it."""
    soft, tanh = hills.best_kinds()
    found = hills.best_policies(torch.from_numpy(hills.CURVE))

    def make_view() -> View:
        draw = build_temperature(hills.CURVE, soft, tanh)

        def view(temperature: float) -> tuple[Plate, str]:
            place = int(np.searchsorted(hills.CURVE, temperature))
            own = hills.density(float(found.mean[place]), float(found.log_std[place]))
            frame = TemperatureFrame(place, hills.soft_best(temperature)[0].numpy(), own.numpy())
            sentence = text(
                "hills.say",
                temperature=f"{temperature:g}",
                action=np.tanh(float(found.mean[place])),
                **_numbers("", tanh, place),
                **_numbers("soft_", soft, place),
            )
            return draw(frame), sentence

        return view

    temperature = Choice(
        name="temperature", words="hills.temperature", options=hills.TEMPERATURES, value=0.1
    )
    return Lab([temperature], make_view)


def _numbers(start: str, kind: hills.Kind, place: int) -> dict[str, float]:
    names = ("value", "entropy", "objective")
    return {f"{start}{name}": getattr(kind, name)[place] for name in names}


def target_lab() -> Lab:
    """Return a slider over the target entropy, and the steps of both losses towards it."""
    held, best = hills.held_entropies(), hills.best_kinds()[1].entropy

    def make_view() -> View:
        draw = build_target((hills.HELD, held), (hills.CURVE, best), steps=hills.STEPS)

        def view(target: float) -> tuple[Plate, str]:
            temperature, entropy, action = hills.path_to(target)
            late = entropy[-SETTLED:]
            sentence = text(
                "target.say",
                target=f"{target:.1f}".replace("-0.0", "0.0"),
                steps=hills.STEPS,
                temperature=temperature[-1],
                entropy=entropy[-1],
                action=action,
                settled=SETTLED,
                low=late.min(),
                high=late.max(),
            )
            return draw(TargetFrame(target, temperature, entropy)), sentence

        return view

    target = Slider(
        name="target",
        words="target.slider",
        low=hills.TARGETS[0],
        high=hills.TARGETS[-1],
        step=0.1,
        value=-1,
    )
    return Lab([target], make_view)


def twins_lab() -> Lab:
    """Return a slider over the noise of critics, and what it costs to believe them."""
    optimism, worth = hills.beliefs()

    def make_view() -> View:
        draw = build_twins(np.array(hills.NOISES), optimism, worth)

        def view(noise: float) -> tuple[Plate, str]:
            place = hills.NOISES.index(noise)
            sentence = text(
                "twins.say",
                noise=f"{noise:g}",
                draws=hills.DRAWS,
                one=optimism["one"][place],
                two=optimism["two"][place],
                worth_one=worth["one"][place],
                worth_two=worth["two"][place],
                best=float(hills.action_value(hills.ACTIONS).max()),
            )
            return draw(TwinsFrame(place, hills.noisy_critics(noise)[0])), sentence

        return view

    noise = Choice(name="noise", words="twins.noise", options=hills.NOISES, value=0.3)
    return Lab([noise], make_view, guess=Guess(words="twins.guess", low=-0.2, high=1.5))

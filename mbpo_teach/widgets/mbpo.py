"""The labs of chapter 7: inside a recorded training, and settings moved one at a time.

Nothing is trained here: the sliders move through recorded trainings.
"""

from collections.abc import Sequence

import numpy as np

from mbpo_teach.algorithms.agent import PARTS
from mbpo_teach.algorithms.recorded import Factor, Inside
from mbpo_teach.figures import ablations, inside
from mbpo_teach.figures.plate import Plate
from mbpo_teach.ground.language import join, text
from mbpo_teach.widgets.lab import Choice, Lab, Slider, View


def inside_lab(world: str, trainings: Inside) -> Lab:
    """Return sliders over seed and report, and what went on inside the trainings in `world`."""
    seeds, reports = trainings.means.shape

    def make_view() -> View:
        draw = inside.build(world, trainings)

        def view(seed: int, report: int) -> tuple[Plate, str]:
            said = inside_sentence(world, trainings, seed, report - 1)
            return draw(inside.Frame(seed, report - 1)), said

        return view

    controls = [
        Slider(name="seed", words="inside.seed", low=0, high=seeds - 1, step=1, value=0),
        Slider(name="report", words="inside.report", low=1, high=reports, step=1, value=reports),
    ]
    return Lab(controls, make_view, plays=["report"])


def inside_sentence(world: str, trainings: Inside, seed: int, report: int) -> str:
    """Return what the lab says of one report of one seed, both counted from 0."""
    spent = trainings.spent[seed, report]
    shares = dict(zip(PARTS, 100 * spent / spent.sum(), strict=True))
    parts = [
        text(
            "inside.say",
            world=world,
            seed=seed,
            step=int(trainings.steps[report]),
            mean=round(float(trainings.means[seed, report])),
        )
    ]
    holdout = trainings.holdout[seed, report]
    if np.isfinite(holdout):
        length = int(trainings.length[seed, report])
        parts.append(text("inside.say_model", length=length, holdout=f"{holdout:.2g}"))
    else:
        parts.append(text("inside.say_no_model"))
    parts.append(text("inside.say_time", seconds=spent.sum(), **shares))
    return join(parts)


def ablations_lab(factors: Sequence[Factor]) -> Lab:
    """Return a slider over the values of each setting, and the recorded trainings at each."""

    def make_view() -> View:
        draw = ablations.build(factors)

        def view(**chosen: float) -> tuple[Plate, str]:
            places = [
                int(np.flatnonzero(factor.values == chosen[factor.name])[0]) for factor in factors
            ]
            head = text("ablation.say")
            first, *others = [factor_sentence(*each) for each in zip(factors, places, strict=True)]
            said = join([head, first]) + "\n" + join(others)
            return draw(ablations.Frame(places)), said

        return view

    controls = [
        Choice(
            name=factor.name,
            words=f"ablation.{factor.name}_slider",
            options=tuple(value.item() for value in factor.values),
            value=factor.values[factor.preset].item(),
        )
        for factor in factors
    ]
    return Lab(controls, make_view)


def factor_sentence(factor: Factor, place: int) -> str:
    """Return what the lab says of one value of a setting."""
    last = factor.means[place, :, -1]
    return text(
        "ablation.say_preset" if place == factor.preset else "ablation.say_value",
        at=text(f"ablation.{factor.name}_at", value=f"{factor.values[place]:g}"),
        whole=round(float(np.median(factor.whole[place]))),
        usual=round(float(np.median(factor.whole[factor.preset]))),
        low=round(float(last.min())),
        high=round(float(last.max())),
        seconds=float(np.median(factor.seconds[place])),
    )

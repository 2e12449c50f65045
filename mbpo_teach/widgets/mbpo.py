"""The labs of chapter 7: inside a recorded training, and settings moved one at a time.

Nothing is trained here. The sliders move through records, made by ``tools/record_mbpo.py``; every
seed is in them, whatever came of it.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mbpo_teach import runs
from mbpo_teach.agent import PARTS
from mbpo_teach.figures.ablations import Factor, ablations_plate
from mbpo_teach.figures.inside import Inside, inside_plate
from mbpo_teach.figures.plate import Plate
from mbpo_teach.figures.race import Runs
from mbpo_teach.language import join, text
from mbpo_teach.mbpo import MBPOConfig
from mbpo_teach.presets import laptop
from mbpo_teach.widgets.lab import Choice, Lab, Slider, View

Arrays = Mapping[str, NDArray[Any]]

RANGES = {"Pendulum-v1": (-1700.0, 0.0), "InvertedPendulum-v5": (0.0, 1040.0)}
"""The returns that are drawn, lowest and highest."""

FACTORS = {
    "rollout_length": "Pendulum-v1",
    "real_ratio": "InvertedPendulum-v5",
    "updates_per_step": "InvertedPendulum-v5",
    "members": "InvertedPendulum-v5",
}
"""The settings that were varied, and the world in which each was."""


def recorded_runs(algorithm: str, world: str) -> Runs:
    """Return the recorded trainings of "mbpo", "sac" or its "control" in `world`."""
    arrays = runs.load(f"{algorithm}_{world}").arrays
    seconds = arrays["seconds"] if "seconds" in arrays else arrays["spent"].sum(axis=2)
    return Runs(arrays["steps"], arrays["returns"].mean(axis=2), seconds)


def inside_lab(world: str) -> Lab:
    """Return sliders over seed and report, and what went on inside MBPO's recorded trainings."""
    return lab_inside(world, runs.load(f"mbpo_{world}").arrays)


def lab_inside(world: str, arrays: Arrays) -> Lab:
    """Return :func:`inside_lab` over the arrays of a record."""
    recorded = Inside(
        steps=arrays["steps"],
        means=arrays["returns"].mean(axis=2),
        holdout=arrays["model_holdout"],
        length=arrays["rollout_length"],
        spent=arrays["spent"],
    )
    seeds, reports = recorded.means.shape

    def make_view() -> View:
        plate, draw = inside_plate(world, recorded)

        def view(seed: int, report: int) -> tuple[Plate, str]:
            draw(seed, report - 1)
            return plate, inside_sentence(world, recorded, seed, report - 1)

        return view

    controls = [
        Slider(name="seed", words="inside.seed", low=0, high=seeds - 1, step=1, value=0),
        Slider(name="report", words="inside.report", low=1, high=reports, step=1, value=reports),
    ]
    return Lab(controls, make_view)


def inside_sentence(world: str, recorded: Inside, seed: int, report: int) -> str:
    """Return what the lab says of one report of one seed, both counted from 0."""
    spent = recorded.spent[seed, report]
    shares = dict(zip(PARTS, 100 * spent / spent.sum(), strict=True))
    parts = [
        text(
            "inside.say",
            world=world,
            seed=seed,
            step=int(recorded.steps[report]),
            mean=round(float(recorded.means[seed, report])),
        )
    ]
    holdout = recorded.holdout[seed, report]
    if np.isfinite(holdout):
        length = int(recorded.length[seed, report])
        parts.append(text("inside.say_model", length=length, holdout=f"{holdout:.2g}"))
    else:
        parts.append(text("inside.say_no_model"))
    parts.append(text("inside.say_time", seconds=spent.sum(), **shares))
    return join(parts)


def ablations_lab() -> Lab:
    """Return sliders over k, real ratio, G and members, and the recorded trainings at each."""
    factors = {}
    for name, world in FACTORS.items():
        usual = preset_value(name, laptop(world))
        arrays = with_preset(
            name, runs.load(f"ablations_{world}").arrays, usual, runs.load(f"mbpo_{world}").arrays
        )
        factors[name] = factor_of(name, world, arrays, usual)
    return lab_ablations(factors)


def preset_value(name: str, config: MBPOConfig) -> float:
    """Return the value of a setting of :data:`FACTORS` in `config`; of k, the last."""
    return float(config.horizon.last if name == "rollout_length" else getattr(config, name))


def with_preset(name: str, arrays: Arrays, usual: float, preset: Arrays) -> Arrays:
    """Return the arrays of a setting with the preset's value among them.

    Where it is none of those that were recorded, the `preset`'s own trainings are put in: as many
    seeds, and up to where the others end.

    Raises
    ------
    ValueError
        If they were judged at other steps.
    """
    values, steps = arrays[f"{name}_values"], arrays[f"{name}_steps"]
    if usual in values:
        return arrays
    seeds, count = arrays[f"{name}_returns"].shape[1:3]
    if not np.array_equal(preset["steps"][:count], steps):
        raise ValueError(f"the preset's trainings and those of {name} were judged at other steps")
    own = {
        "values": usual,
        "returns": preset["returns"][:seeds, :count],
        "seconds": preset["spent"].sum(axis=2)[:seeds, :count],
    }
    place = int(np.searchsorted(values, usual))
    inserted = {
        f"{name}_{key}": np.insert(arrays[f"{name}_{key}"], place, one, axis=0)
        for key, one in own.items()
    }
    return {**arrays, **inserted}


def factor_of(name: str, world: str, arrays: Arrays, preset: float) -> Factor:
    """Return the setting `name` from the arrays of a record.

    Raises
    ------
    ValueError
        If the preset's value was not recorded: there would be nothing to compare with.
    """
    values = arrays[f"{name}_values"]
    place = np.flatnonzero(np.isclose(values, preset))
    if len(place) != 1:
        raise ValueError(f"{name} of the preset, {preset}, is none of {values.tolist()}")
    lowest, highest = RANGES[world]
    return Factor(
        name=name,
        world=world,
        values=values,
        steps=arrays[f"{name}_steps"],
        means=arrays[f"{name}_returns"].mean(axis=3),
        seconds=arrays[f"{name}_seconds"][:, :, -1],
        preset=int(place[0]),
        lowest=lowest,
        highest=highest,
    )


def lab_ablations(factors: Mapping[str, Factor]) -> Lab:
    """Return :func:`ablations_lab` over the given settings."""

    def make_view() -> View:
        plate, draw = ablations_plate(list(factors.values()))

        def view(**chosen: float) -> tuple[Plate, str]:
            places = {
                name: int(np.flatnonzero(factor.values == chosen[name])[0])
                for name, factor in factors.items()
            }
            draw(list(places.values()))
            said = [text("ablation.say")]
            said += [factor_sentence(factors[name], place) for name, place in places.items()]
            return plate, join(said)

        return view

    controls = [
        Choice(
            name=name,
            words=f"ablation.{name}_slider",
            options=tuple(value.item() for value in factor.values),
            value=factor.values[factor.preset].item(),
        )
        for name, factor in factors.items()
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

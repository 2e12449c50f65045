"""Recorded trainings: what the records of chapter 7 hold of MBPO, of SAC, and of moved settings.

Nothing is trained here. Every seed is in the records, whatever came of it; they are made by
``tools/record_mbpo.py`` and its neighbours.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mbpo_teach.algorithms.mbpo import MBPOConfig
from mbpo_teach.algorithms.presets import laptop
from mbpo_teach.ground.checked import checked
from mbpo_teach.records import archive

Arrays = Mapping[str, NDArray[Any]]

FACTORS = {
    "rollout_length": "Pendulum-v1",
    "real_ratio": "InvertedPendulum-v5",
    "updates_per_step": "InvertedPendulum-v5",
    "members": "InvertedPendulum-v5",
}
"""The settings that were varied, and the world in which each was."""


class Trainings(NamedTuple):
    """Trainings of one algorithm: `steps` (report,), `means` and `seconds`, both (seed, report)."""

    steps: np.ndarray
    means: np.ndarray
    seconds: np.ndarray

    @property
    def middle(self) -> np.ndarray:
        """The median of the seeds' mean returns at each report, (report,)."""
        median: np.ndarray = np.median(self.means, axis=0)
        return median

    def reached(self, level: float) -> np.ndarray:
        """Return the step at which each seed first reached `level`, infinite where none did."""
        there = self.means >= level
        first = self.steps[there.argmax(axis=1)].astype(float)
        return np.where(there.any(axis=1), first, np.inf)


def _recorded(algorithm: str, world: str) -> Arrays:
    if f"{algorithm}_{world}" not in archive.names():
        raise ValueError(f"algorithm and world must be recorded ones, not {algorithm!r}, {world!r}")
    return archive.load(f"{algorithm}_{world}").arrays


@checked
def trainings(algorithm: str, world: str) -> Trainings:
    """Return the recorded trainings of "mbpo", "sac" or its "control" in `world`."""
    arrays = _recorded(algorithm, world)
    seconds = arrays["seconds"] if "seconds" in arrays else arrays["spent"].sum(axis=2)
    return Trainings(arrays["steps"], arrays["returns"].mean(axis=2), seconds)


class Inside(NamedTuple):
    """What went on inside MBPO's trainings: `steps` (report,), all else (seed, report).

    `means` are of the returns, `holdout` is the elites' held-out error in scaled units, `length`
    k of the last branches, and `spent` (seed, report, part) the seconds so far by ``agent.PARTS``;
    NaN where there was no model yet.
    """

    steps: np.ndarray
    means: np.ndarray
    holdout: np.ndarray
    length: np.ndarray
    spent: np.ndarray


@checked
def inside(world: str) -> Inside:
    """Return what MBPO's recorded trainings in `world` tell of themselves."""
    return inside_of(_recorded("mbpo", world))


def inside_of(arrays: Arrays) -> Inside:
    """Return :func:`inside` of the arrays of a record."""
    return Inside(
        steps=arrays["steps"],
        means=arrays["returns"].mean(axis=2),
        holdout=arrays["model_holdout"],
        length=arrays["rollout_length"],
        spent=arrays["spent"],
    )


class Factor(NamedTuple):
    """What became of the values of one setting in one world.

    `values` (value,), `steps` (report,), `means` (value, seed, report), `seconds` (value, seed) at
    the end; `preset` is the place of the preset's value among `values`.
    """

    name: str
    world: str
    values: np.ndarray
    steps: np.ndarray
    means: np.ndarray
    seconds: np.ndarray
    preset: int

    @property
    def whole(self) -> np.ndarray:
        """The mean return over all reports, (value, seed): high for whoever learns early."""
        average: np.ndarray = self.means.mean(axis=2)
        return average


@checked
def factor(name: str) -> Factor:
    """Return a setting of :data:`FACTORS`, with the preset's own trainings among the others."""
    if name not in FACTORS:
        raise ValueError(f"name must be one of {', '.join(FACTORS)}, not {name!r}")
    world = FACTORS[name]
    usual = preset_value(name, laptop(world))
    arrays = with_preset(
        name, archive.load(f"ablations_{world}").arrays, usual, archive.load(f"mbpo_{world}").arrays
    )
    return factor_of(name, world, arrays, usual)


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
    return Factor(
        name=name,
        world=world,
        values=values,
        steps=arrays[f"{name}_steps"],
        means=arrays[f"{name}_returns"].mean(axis=3),
        seconds=arrays[f"{name}_seconds"][:, :, -1],
        preset=int(place[0]),
    )

"""Sweeps: a grid of trainings, each resumable, over processes or a cluster.

A grid is a TOML file. This one has 32 runs, four of each of eight settings: the preset's own values
are in both of its tables, and count once.

    environment = "InvertedPendulum-v5"
    seeds = [0, 1, 2, 3]
    steps = 3500

    [[grid]]                                 # every combination of its lists
    real_ratio = [0.0, 0.05, 1.0]

    [[grid]]                                 # another grid, beside the first
    updates_per_step = [5, 10, 20]
    "sac.learning_rate" = [0.001, 0.003]

`environment`, `algorithm` and `preset` may be lists too. A run is a folder of its own
(:mod:`mbpo_teach.runs.training`), so that a sweep that was killed does only what is missing. Used
for the ablations of chapter 7.
"""

import dataclasses
import hashlib
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import torch

from mbpo_teach.ground.spread import spread
from mbpo_teach.runs.training import Row, Run, flat, progress, train_in

_LONGEST, _SHORTENED = 200, 120

_KEYS = {"environment", "algorithm", "preset", "seeds", "steps", "grid"}


def runs_of(grid: Mapping[str, Any]) -> list[Run]:
    """Return every run of a grid, once, in the order of the file; seeds vary fastest.

    Raises
    ------
    ValueError
        If the grid has an unknown key, lacks an environment, or a setting has a wrong value.
    """
    unknown = sorted(set(grid) - _KEYS)
    if unknown:
        raise ValueError(
            f"grid must have no keys but {', '.join(sorted(_KEYS))}, not {unknown[0]!r}; settings"
            " belong below [[grid]]"
        )
    if "environment" not in grid:
        raise ValueError('grid must name an environment, as in environment = "Pendulum-v1"')
    tables = grid.get("grid", [{}])
    if (
        not isinstance(tables, list)
        or not tables
        or not all(isinstance(table, dict) for table in tables)
    ):
        raise ValueError("grid must have its settings below [[grid]], in two brackets")
    named = [_listed(grid, name, default) for name, default in _NAMED.items()]
    seeds = _listed(grid, "seeds", [0])
    runs: list[Run] = []
    for environment, algorithm, preset in product(*named):
        for settings in [chosen for table in tables for chosen in _combinations(table)]:
            for seed in seeds:
                run = Run(
                    environment=environment,
                    algorithm=algorithm,
                    preset=preset,
                    seed=seed,
                    steps=grid.get("steps"),
                )
                run = _with_settings(run, settings)
                if run not in runs:
                    runs.append(run)
    return runs


def read_grid(path: Path) -> list[Run]:
    """Return every run of the grid in the file `path`.

    Raises
    ------
    ValueError
        If it is no TOML, or as :func:`runs_of` says.
    """
    try:
        grid = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"{path} must be a TOML file: {error}") from error
    return runs_of(grid)


def name_of(run: Run) -> str:
    """Return the name of a run's folder: what it is, without what is as in the preset.

    No system takes names of any length; of a long one there are the beginning and a digest.
    """
    settings = [f"{name}={_spelled(value)}" for name, value in run.settings.items()]
    parts, seed = [run.environment, run.algorithm, run.preset, *settings], f"seed={run.seed}"
    name = "_".join([*parts, seed])
    if len(name) <= _LONGEST:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:12]
    return "_".join(["_".join(parts)[:_SHORTENED], digest, seed])


def sweep(
    runs: Sequence[Run], folder: Path, *, jobs: int | None = None, scheduler: str | None = None
) -> Iterator[tuple[int, list[Row] | str]]:
    """Train every run in a folder of its own, and yield its position and rows as it ends.

    A run that cannot be trained yields a sentence that says why; the others go on.

    Parameters
    ----------
    runs
        As :func:`runs_of` gives them.
    folder
        Where the folders of the runs are. The workers of a cluster must all see it, under the same
        name.
    jobs, scheduler
        How many at a time, and the Dask cluster: see :func:`mbpo_teach.ground.spread.spread`.
    """
    yield from spread(
        partial(_train, folder),
        runs,
        workers=jobs,
        scheduler=scheduler,
        stored=partial(_finished, folder),
    )


def _train(folder: Path, run: Run) -> list[Row] | str:
    # Runs share the processors; two that each use all of them are slower than one after the other.
    torch.set_num_threads(1)
    own = folder / name_of(run)
    try:
        # A worker that a cluster takes for dead may still be at it: wait until it is done or gone.
        for _ in train_in(own, run, resume=True, wait=True):
            pass
        return progress(own)
    except (ValueError, OSError) as error:
        return str(error)


def _finished(folder: Path, run: Run) -> list[Row] | None:
    try:
        rows = progress(folder / name_of(run))
    except ValueError:
        return None  # whoever trains it says what is wrong
    return rows if rows and rows[-1]["step"] >= run.config().total_steps else None


_NAMED: dict[str, list[str]] = {"environment": [], "algorithm": ["mbpo"], "preset": ["laptop"]}


def _listed(grid: Mapping[str, Any], name: str, default: list[Any]) -> list[Any]:
    value = grid.get(name, default)
    listed = value if isinstance(value, list) else [value]
    if not listed:
        raise ValueError(f"{name} must have one value or more")
    return listed


def _combinations(table: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    named = flat(table)  # TOML makes a table in a table of sac.tau = 1
    names, values = list(named), [_listed(named, name, []) for name in named]
    for chosen in product(*values):
        yield dict(zip(names, chosen, strict=True))


def _with_settings(run: Run, settings: Mapping[str, Any]) -> Run:
    """Return `run` with those settings that make a difference, so that equal runs are equal."""
    for name, value in settings.items():
        other = dataclasses.replace(run, settings={**run.settings, name: value})
        if other.config() != run.config():
            run = other
    return run


def _spelled(value: Any) -> str:
    return "x".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)

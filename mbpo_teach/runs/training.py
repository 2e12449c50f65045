"""A training in a folder: what it is, how far it is, and a checkpoint to go on from.

===============  ==============================================================================
`run.json`       what is trained: algorithm, environment, preset, seed, every setting, versions
`progress.csv`   one row for each report (:data:`COLUMNS`)
`checkpoint.pt`  all that the agent carries (:mod:`~mbpo_teach.runs.checkpoint`), and the rows
===============  ==============================================================================

Both of the last are written whole whenever a report comes, that is before each refit, the rows
first. A run killed at any moment goes on from its last checkpoint, with the rows cut back to it, to
the same curve, bit for bit with the same number of threads; only times differ. The commands `train`
and `sweep` of chapter 7 use it.
"""

import csv
import dataclasses
import io
import json
import os
import reprlib
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from mbpo_teach.algorithms.agent import PARTS, Agent, Report
from mbpo_teach.algorithms.mbpo import MBPOConfig, mbpo_agent, row_draws, train_mbpo
from mbpo_teach.algorithms.model_free import ModelFreeConfig, sac_agent, train_sac
from mbpo_teach.algorithms.pets import (
    PETSConfig,
    PlanningAgent,
    PlanningReport,
    pets_agent,
    train_pets,
)
from mbpo_teach.algorithms.presets import Config, changed, planning, preset, without_model
from mbpo_teach.ground.checked import checked
from mbpo_teach.ground.files import write_whole
from mbpo_teach.nets import device
from mbpo_teach.nets.compiled import check_cache
from mbpo_teach.records import archive
from mbpo_teach.runs import checkpoint

ALGORITHMS = ("mbpo", "sac", "pets")

RUN, PROGRESS, CHECKPOINT = "run.json", "progress.csv", "checkpoint.pt"

COLUMNS = (
    "step", "eval_return", "eval_low", "eval_high", "train_return", "rollout_length",
    "model_holdout", "temperature", "reached", "believed", "gap", "batch_value", "entropy",
    "imagined_error", "row_draws", "wall_seconds", *(f"{part}_seconds" for part in PARTS),
)  # fmt: skip
"""Of `progress.csv`. Evaluations are of ten fixed starts: mean, lowest, highest. All from `reached`
to `imagined_error` is as in :class:`~mbpo_teach.algorithms.agent.Report`; `row_draws` is how often
an imagined row is drawn in its life. Seconds are those spent so far, all of them and by part; empty
is what there was not yet, or never is: of all of these PETS has only the length of its plans, as
`rollout_length`."""

_NEW = ("reached", "believed", "gap", "batch_value", "entropy", "imagined_error", "row_draws")
"""Columns that runs of earlier versions have not: there they are empty."""

_MAY_BE_EMPTY = {"train_return", "rollout_length", "model_holdout", "temperature", *_NEW}

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What is to be trained.

    Attributes
    ----------
    environment, algorithm, preset, seed
        Which world, one of :data:`ALGORITHMS`, which of
        :data:`~mbpo_teach.algorithms.presets.PRESETS`, and the seed of everything random. SAC alone
        has the preset's learner, and one update for each real step; PETS has a laptop's preset
        only.
    steps
        Real steps; None are the preset's.
    settings
        What differs from the preset, as :func:`mbpo_teach.algorithms.presets.changed` takes it.
    device
        Where it is trained, "cpu" or "cuda". A run that is gone on with may move.
    """

    environment: str
    algorithm: str = "mbpo"
    preset: str = "laptop"
    seed: int = 0
    steps: int | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    device: str = "cpu"

    def __post_init__(self) -> None:
        if self.algorithm not in ALGORITHMS:
            raise ValueError(
                f"algorithm must be one of {', '.join(ALGORITHMS)}, not {self.algorithm!r}"
            )
        if isinstance(self.seed, bool) or not isinstance(self.seed, int) or self.seed < 0:
            raise ValueError(f"seed must be a non-negative whole number, not {self.seed!r}")
        device.known(self.device)
        self.config()

    def config(self) -> MBPOConfig | ModelFreeConfig | PETSConfig:
        """Return all settings."""
        if self.algorithm == "pets":
            return self._as_long(changed(planning(self.preset, self.environment), self.settings))
        config = self._as_long(changed(preset(self.preset, self.environment), self.settings))
        return config if self.algorithm == "mbpo" else without_model(config)

    def _as_long(self, config: Config) -> Config:
        """Return `config` with the steps that are asked for."""
        if self.steps is None:
            return config
        return dataclasses.replace(config, total_steps=self.steps)

    def agent(self) -> Agent | PlanningAgent:
        """Return an agent that has not lived yet."""
        config, where = self.config(), device.found(self.device)
        if isinstance(config, PETSConfig):
            return pets_agent(self.environment, config, seed=self.seed, device=where)
        if isinstance(config, MBPOConfig):
            return mbpo_agent(self.environment, config, seed=self.seed, device=where)
        return sac_agent(self.environment, config, seed=self.seed, device=where)

    def reports(self, agent: Agent | PlanningAgent) -> Iterator[Report | PlanningReport]:
        """Train `agent` from where it stands."""
        config = self.config()
        if isinstance(config, PETSConfig):
            assert isinstance(agent, PlanningAgent)
            return train_pets(self.environment, config, seed=self.seed, agent=agent)
        assert isinstance(agent, Agent)
        if isinstance(config, MBPOConfig):
            return train_mbpo(self.environment, config, seed=self.seed, agent=agent)
        return train_sac(self.environment, config, seed=self.seed, agent=agent)


@checked
def train_in(folder: Path, run: Run, *, resume: bool = False, wait: bool = False) -> Iterator[Row]:
    """Train `run` in `folder`, and yield each row of `progress.csv` when it is safe on the disk.

    Rows that an earlier part of the run made are not yielded again; see :func:`progress`. With
    `wait` it begins when no other process trains in the folder.

    Raises
    ------
    ValueError
        If the folder holds a run and `resume` is false, if it holds another run than this, one that
        has lived more steps, or one whose files are damaged, or, without `wait`, if another process
        trains in it, or if this machine has no such device: nothing is changed then. If the memory
        of the machine is too small for the settings: what was stored remains.
    """
    check_cache()
    device.found(run.device)
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder, wait=wait), _enough_memory():
        agent, rows = run.agent(), list[Row]()
        _check_unused(folder)
        if (folder / RUN).exists():
            if not resume:
                raise ValueError(
                    f"{folder} holds a run already; go on with it (--resume) or choose another"
                    " folder (--out)"
                )
            _check_same(stored_run(folder), run, folder)
            if (folder / CHECKPOINT).exists():
                about = checkpoint.load(folder / CHECKPOINT, agent)
                rows = _rows(about)
                _check_same_run(about, agent, run)
                _check_same_settings(about.get("config"), run, folder)
            if agent.step > run.config().total_steps:
                raise ValueError(
                    f"steps must be at least {agent.step}, as many as the run in {folder} has"
                    f" lived, not {run.config().total_steps}"
                )
        for name in (RUN, PROGRESS, CHECKPOINT):
            for leftover in folder.glob(f".{name}.*"):
                leftover.unlink()  # of a run that was killed while it wrote
        write_whole(folder / RUN, _as_json(run))
        write_whole(folder / PROGRESS, _as_csv(rows))
        for report in run.reports(agent):
            rows.append(row_of(report, run.config()))
            write_whole(folder / PROGRESS, _as_csv(rows))
            about = {"progress": rows, "config": _config(run), "run": _identity(run)}
            checkpoint.save(folder / CHECKPOINT, agent, about)
            yield rows[-1]


def row_of(
    report: Report | PlanningReport, config: MBPOConfig | ModelFreeConfig | PETSConfig
) -> Row:
    """Return a report on a training with `config` as a row of `progress.csv`."""
    length = report.rollout_length
    draws = row_draws(config, length) if isinstance(config, MBPOConfig) and length else None
    return {
        "step": report.step,
        "eval_return": report.returns.mean().item(),
        "eval_low": report.returns.min().item(),
        "eval_high": report.returns.max().item(),
        "train_return": report.train_return,
        "rollout_length": report.rollout_length,
        "model_holdout": report.model_holdout,
        "temperature": report.temperature if isinstance(report, Report) else None,
        **{name: getattr(report, name, None) for name in _NEW},
        "row_draws": draws,
        "wall_seconds": round(report.seconds, 3),
        **{f"{part}_seconds": round(report.spent[part], 3) for part in PARTS},
    }


def flat(settings: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Return settings by their full names: a table in a table as ``{"sac.tau": 1}``."""
    named: dict[str, Any] = {}
    for name, value in settings.items():
        inside = isinstance(value, dict) and value
        named |= flat(value, f"{before}{name}.") if inside else {before + name: value}
    return named


@checked
def progress(folder: Path) -> list[Row]:
    """Return the rows that the checkpoint in `folder` vouches for; none if there is none yet.

    Raises
    ------
    ValueError
        If the checkpoint is damaged.
    """
    path = folder / CHECKPOINT
    return _rows(checkpoint.read_about(path)) if path.exists() else []


@checked
def stored_run(folder: Path) -> Run:
    """Return the run in `folder`.

    Raises
    ------
    ValueError
        If there is none, or its file is damaged.
    """
    path = folder / RUN
    if path.exists() and not path.is_file():  # a pipe would be waited for, for ever
        raise ValueError(f"{path} is no file, so it is not a run of the course")
    try:
        stored = {"device": "cpu"} | json.loads(path.read_text(encoding="utf-8"))
        fields = {item.name for item in dataclasses.fields(Run)}
        return Run(**{key: stored[key] for key in fields})
    except FileNotFoundError:
        raise ValueError(f"{folder} holds no run: there is no {RUN}") from None
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise ValueError(f"{path} is damaged or is not a run of the course: {error}") from error


def _rows(about: Mapping[str, Any]) -> list[Row]:
    rows = about.get("progress")
    if not isinstance(rows, list) or not all(map(_is_row, rows)):
        raise ValueError(f"{CHECKPOINT} is not one of a run in a folder: it holds no {PROGRESS}")
    return [{name: row.get(name) for name in COLUMNS} for row in rows]


def _is_row(row: Any) -> bool:
    if not isinstance(row, dict) or {*row, *_NEW} != {*COLUMNS}:
        return False
    if not isinstance(row["step"], int):
        return False
    return all(
        isinstance(value, (int, float)) or (value is None and name in _MAY_BE_EMPTY)
        for name, value in row.items()
    )


def _check_unused(folder: Path) -> None:
    for name in (PROGRESS, CHECKPOINT):
        if (folder / name).exists() and not (folder / RUN).exists():
            raise ValueError(
                f"{folder} holds a {name} but no {RUN}, so nobody knows what it is of; choose"
                " another folder (--out)"
            )


def _identity(run: Run) -> dict[str, Any]:
    """Return what makes a run this one and no other, as JSON would give it back."""
    names = ("environment", "algorithm", "preset", "seed", "settings")
    identity: dict[str, Any] = json.loads(json.dumps({name: getattr(run, name) for name in names}))
    return identity


def _check_same(there: Run, run: Run, folder: Path) -> None:
    for name, wanted in _identity(run).items():
        found = getattr(there, name)
        if found != wanted:
            raise ValueError(
                f"{name} must be {found!r} to go on with the run in {folder}, not {wanted!r}"
            )


def _check_same_run(about: Mapping[str, Any], agent: Agent | PlanningAgent, run: Run) -> None:
    """Refuse a checkpoint that was put beside the JSON of another run, or beside other rows.

    One of an earlier version does not tell what it is of: environment and settings must do.
    """
    wanted = _identity(run)
    there = about.get("run", wanted)
    for name, value in wanted.items():
        found = there.get(name) if isinstance(there, dict) else there
        if found != value:
            raise ValueError(
                f"{CHECKPOINT} is of another run than {RUN}: its {name} is {reprlib.repr(found)},"
                f" not {value!r}"
            )
    if (rows := _rows(about)) and rows[-1]["step"] != agent.step:
        raise ValueError(
            f"{CHECKPOINT} is of no run: its rows end at step {rows[-1]['step']}, its agent has"
            f" lived {agent.step}"
        )


def _check_same_settings(there: Any, run: Run, folder: Path) -> None:
    """Refuse to go on with numbers that a preset had before and has no more.

    A setting that there was not yet had its default: that is what was done before.
    """
    if not isinstance(there, dict):
        raise ValueError(f"{CHECKPOINT} is not one of a run in a folder: it holds no settings")
    config = run.config()
    before = flat(_as_stored(type(config)(total_steps=1))) | flat(there)
    for name, value in flat(_as_stored(config)).items():
        if name != "total_steps" and before[name] != value:
            raise ValueError(
                f"{name} was {reprlib.repr(before[name])} in the run in {folder} and is {value} in"
                " this version of the course; begin anew in another folder (--out)"
            )


def _config(run: Run) -> dict[str, Any]:
    return _as_stored(run.config())


def _as_stored(config: MBPOConfig | ModelFreeConfig | PETSConfig) -> dict[str, Any]:
    """Return every setting, as JSON would give it back."""
    stored: dict[str, Any] = json.loads(json.dumps(asdict(config)))
    return stored


def _as_json(run: Run) -> bytes:
    said = asdict(run) | {
        "config": _config(run),
        "threads": torch.get_num_threads(),
        "versions": archive.versions(),
    }
    return (json.dumps(said, indent=1) + "\n").encode()


def _as_csv(rows: list[Row]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


# What PyTorch says of memory that there is not, on a graphics card too, and of sizes that it cannot
# count.
_TOO_LARGE = ("allocate memory", "out of memory", "overflow")


@contextmanager
def _enough_memory() -> Iterator[None]:
    """Turn an allocation that fails into a sentence; PyTorch has no exception of its own for it."""
    try:
        yield
    except (MemoryError, RuntimeError, TypeError, ValueError) as error:
        said = str(error).lower()
        if not isinstance(error, MemoryError) and not any(words in said for words in _TOO_LARGE):
            raise
        raise ValueError(
            "settings must fit into the memory of this machine; rollout_batch, rollout_length,"
            " retained, capacity and the widths of the networks say how much is needed"
        ) from error


@contextmanager
def _alone(folder: Path, *, wait: bool) -> Iterator[None]:
    """Let one process at a time train in `folder`; the system ends the lock with the process."""
    if sys.platform == "win32":
        yield
        return
    import fcntl

    lock = folder / ".lock"
    if lock.exists() and not lock.is_file():  # a pipe, say, which would be waited for
        raise ValueError(f"{lock} must be a plain file, or not there: it is another thing now")
    file = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NONBLOCK, 0o666)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except OSError:
            raise ValueError(f"another process trains in {folder} at this moment") from None
        yield
    finally:
        os.close(file)

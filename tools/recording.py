"""What the tools that make records share: provenance, runs in parallel, curves joined.

Every finished run is kept in ``artefacts``: recording that was interrupted goes on there.
"""

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from tqdm import tqdm

from mbpo_teach.algorithms.model_free import ModelFreeConfig, train_sac
from mbpo_teach.ground.spread import spread
from mbpo_teach.records import archive
from mbpo_teach.world.evaluate import START_SEEDS

_ROOT = Path(__file__).resolve().parents[1]
RECORDS = _ROOT / "mbpo_teach" / "records"
KEPT = _ROOT / "artefacts" / "recording"

Arrays = dict[str, np.ndarray]
Job = TypeVar("Job")


def provenance(command: str, *, seed: object, config: object) -> dict:
    """Return what a record says of itself, as JSON would give it back."""
    said = {"command": command, "seed": seed, "config": config, "versions": archive.versions()}
    return json.loads(json.dumps(said))


def save(record: str, arrays: Mapping[str, np.ndarray], said: dict) -> None:
    """Write one of the course's records."""
    archive.save(RECORDS / f"{record}.npz", arrays, said)


def kept(said: dict) -> Arrays | None:
    """Return what was kept under the same provenance before, or None."""
    path = _place(said)
    return archive.read(path).arrays if path.exists() else None


def keep(said: dict, arrays: Mapping[str, np.ndarray]) -> None:
    """Keep a part of a record for the next start."""
    archive.save(_place(said), arrays, said)


def made(
    work: Callable[[Job], Arrays],
    jobs: Sequence[Job],
    *,
    said: Callable[[Job], dict],
    name: str,
) -> list[Arrays]:
    """Return ``work(job)`` of every job, over the processors; `said` is a job's provenance."""
    results = spread(
        work,
        jobs,
        stored=lambda job: kept(said(job)),
        store=lambda job, arrays: keep(said(job), arrays),
    )
    found = dict(tqdm(results, total=len(jobs), desc=name))
    return [found[place] for place in range(len(jobs))]


def joined(curves: Sequence[Arrays]) -> Arrays:
    """Return the arrays of several seeds as one, (seed, ...); all have the same "steps"."""
    arrays = {key: np.stack([one[key] for one in curves]) for key in curves[0]}
    return arrays | {"steps": curves[0]["steps"]}


def column(values: Sequence[float | None]) -> np.ndarray:
    """Return numbers as a column, NaN where there is none."""
    return np.array([float("nan") if value is None else value for value in values], np.float32)


def sac_curve(job: tuple[str, ModelFreeConfig, int]) -> Arrays:
    """Return the reports of one run of SAC alone: environment, settings, seed.

    ``seconds`` are the processor's, with one thread, evaluations included.
    """
    torch.set_num_threads(1)
    name, config, seed = job
    begun, reports, seconds = time.process_time(), [], []
    for report in train_sac(name, config, seed=seed):
        reports.append(report)
        seconds.append(time.process_time() - begun)
    return {
        "steps": np.array([report.step for report in reports]),
        "returns": np.stack([report.returns.numpy() for report in reports]),
        "train_return": column([report.train_return for report in reports]),
        "temperature": column([report.temperature for report in reports]),
        "seconds": column(seconds),
    }


def sac_curves(
    command: str, name: str, config: ModelFreeConfig, seeds: Sequence[int]
) -> tuple[Arrays, dict]:
    """Return the joined curves of several seeds of SAC alone, and the provenance of them all."""
    about = asdict(config) | {"start_seeds": START_SEEDS}
    curves = made(
        sac_curve,
        [(name, config, seed) for seed in seeds],
        said=lambda job: provenance(command, seed=job[-1], config=about),
        name=name,
    )
    return joined(curves), provenance(command, seed=seeds, config=about)


def _place(said: dict) -> Path:
    # Other settings or versions are another file, so nothing old is taken for new.
    digest = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
    return KEPT / f"{digest[:32]}.npz"

"""Hashes of what a change of structure must not change: the same before and after it.

python tools/fingerprint.py > before        half a minute; then change, run again, and diff

The first 300 real steps of both pendulums' laptop presets, with MBPO and with SAC alone, and a
short life of Hopper: every report, the learner's weights and Adam's moments, the ensemble, its
scales and elites, both memories. Then the stored outputs of each chapter, text and pictures.
One thread, one machine: on another, last bits differ.
"""

import dataclasses
import hashlib
from collections.abc import Iterator
from typing import Any

import nbformat
import torch

import build_notebooks
from mbpo_teach.algorithms.agent import Report
from mbpo_teach.algorithms.mbpo import mbpo_agent, train_mbpo
from mbpo_teach.algorithms.model_free import train_sac
from mbpo_teach.algorithms.presets import laptop, without_model

STEPS = 300
REPORTED = ("step", "returns", "train_return", "losses", "temperature", "rollout_length",
            "model_holdout", "learner")  # fmt: skip


def parts(value: Any) -> Iterator[bytes]:
    """Yield everything in `value` as bytes; a tensor with its type and shape."""
    if isinstance(value, torch.Tensor):
        yield f"{value.dtype}{tuple(value.shape)}".encode()
        yield value.detach().contiguous().numpy().tobytes()
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from parts(item)
    elif isinstance(value, dict):
        for key in sorted(value):
            yield from parts(value[key])
    else:
        yield repr(value).encode()


def digest(value: Any) -> str:
    """Return a short hash of `value`."""
    found = hashlib.sha256()
    for part in parts(value):
        found.update(part)
    return found.hexdigest()[:16]


def reported(reports: Iterator[Report]) -> str:
    """Return a hash of all that the reports of a training say, times excepted."""
    return digest([[getattr(report, name) for name in REPORTED] for report in reports])


def main() -> None:
    torch.set_num_threads(1)
    for name in ("Pendulum-v1", "InvertedPendulum-v5"):
        config = dataclasses.replace(laptop(name), total_steps=STEPS)
        agent = mbpo_agent(name, config, seed=0)
        print("MBPO", name, reported(train_mbpo(name, config, seed=0, agent=agent)))
        dream = agent.imagination
        assert dream is not None
        memories = [tuple(agent.memory.all()), tuple(dream.memory.all())]
        print("model", name, digest([dict(dream.model.state_dict()), dream.elites, memories]))
        print("SAC", name, reported(train_sac(name, without_model(config), seed=0)))
    config = dataclasses.replace(
        laptop("Hopper-v5"), total_steps=360, random_steps=300, model_period=50, rollout_batch=300
    )
    print("MBPO Hopper-v5", reported(train_mbpo("Hopper-v5", config, seed=3)))
    for source in build_notebooks.sources(build_notebooks.NOTEBOOKS):
        for language in ("en", "zh"):
            path = build_notebooks.edition_path(
                build_notebooks.NOTEBOOKS, source.stem, language, solutions=True
            )
            cells = nbformat.read(path, as_version=4).cells
            print(source.stem, language, digest([cell.get("outputs") for cell in cells]))


if __name__ == "__main__":
    main()

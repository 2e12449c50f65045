"""Makes the records of chapter 7: MBPO on two pendulums, and one setting at a time changed.

python tools/record_mbpo.py                       all, about an hour and a half on one core
python tools/record_mbpo.py mbpo_Pendulum-v1      one record

Five seeds of each laptop preset; three of each other value of k (on Pendulum-v1), of the real
ratio, of G and of the ensemble's size (on InvertedPendulum-v5). Every finished run is kept
(:mod:`recording`): recording that was interrupted goes on where it stopped. All seeds are stored,
those that fail too. Curves are the same on the same machine with the same versions; seconds are
those of the processor, with one thread.
"""

import argparse
import time
from dataclasses import asdict, replace

import numpy as np
import torch

from mbpo_teach.algorithms.agent import PARTS, Clock
from mbpo_teach.algorithms.mbpo import MBPOConfig, mbpo_agent, train_mbpo
from mbpo_teach.algorithms.presets import changed, laptop
from mbpo_teach.world.evaluate import START_SEEDS
from recording import Arrays, column, joined, made, provenance, save

SEEDS, FEWER_SEEDS = (0, 1, 2, 3, 4), (0, 1, 2)
FEWER_STEPS = {"Pendulum-v1": 1600, "InvertedPendulum-v5": 3000}
FACTORS = {
    "Pendulum-v1": {"rollout_length": (1, 2, 5, 10, 20)},
    "InvertedPendulum-v5": {
        "real_ratio": (0.0, 0.05, 0.5, 1.0),
        "updates_per_step": (1, 5, 10, 20),
        "members": (1, 3, 7),
    },
}

Job = tuple[str, MBPOConfig, int]


def ablated(name: str, factor: str, value: float) -> MBPOConfig:
    """Return the laptop's preset with one value changed, or itself, if that is its own."""
    config = changed(laptop(name), {factor: value})
    return config if config == laptop(name) else replace(config, total_steps=FEWER_STEPS[name])


def jobs_of(record: str) -> list[Job]:
    """Return the runs that a record is made of."""
    kind, name = record.split("_")
    if kind == "mbpo":
        return [(name, laptop(name), seed) for seed in SEEDS]
    return [
        (name, ablated(name, factor, value), seed)
        for factor, values in FACTORS[name].items()
        for value in values
        for seed in FEWER_SEEDS
    ]


def said(job: Job) -> dict:
    """Return the provenance of one run."""
    name, config, seed = job
    return provenance(name, seed=seed, config=asdict(config))


def train(job: Job) -> Arrays:
    """Return the reports of one run as arrays."""
    torch.set_num_threads(1)
    name, config, seed = job
    agent = mbpo_agent(name, config, seed=seed)
    agent.clock = Clock(time.process_time)
    reports = list(train_mbpo(name, config, seed=seed, agent=agent))
    unknown = float("nan")
    return {
        "steps": np.array([report.step for report in reports]),
        "returns": np.stack([report.returns.numpy() for report in reports]),
        "train_return": column([report.train_return for report in reports]),
        "spent": np.array([[report.spent[part] for part in PARTS] for report in reports], "f4"),
        "rollout_length": np.array([report.rollout_length or unknown for report in reports], "f4"),
        "model_holdout": column([report.model_holdout for report in reports]),
    }


def assembled(record: str, curves: list[Arrays]) -> tuple[Arrays, object, object]:
    """Return a record's arrays, its settings, and its seeds."""
    kind, name = record.split("_")
    about = asdict(laptop(name)) | {"start_seeds": START_SEEDS, "parts": PARTS}
    if kind == "mbpo":
        return joined(curves), about, SEEDS
    arrays, rest = {}, iter(curves)
    for factor, values in FACTORS[name].items():
        of_values = [[next(rest) for _ in FEWER_SEEDS] for _ in values]
        # The preset's own runs are longer; all are shown to where the others end.
        count = min(len(one["steps"]) for of_seeds in of_values for one in of_seeds)
        stack = {
            key: np.stack([[one[key][:count] for one in of_seeds] for of_seeds in of_values])
            for key in ("steps", "returns", "spent", "model_holdout")
        }
        arrays[f"{factor}_values"] = np.array(values)
        arrays[f"{factor}_steps"] = stack["steps"][0, 0]
        arrays[f"{factor}_returns"] = stack["returns"]
        arrays[f"{factor}_seconds"] = stack["spent"].sum(axis=-1)
        arrays[f"{factor}_model_holdout"] = stack["model_holdout"]
    return arrays, about | {"factors": FACTORS[name], "steps": FEWER_STEPS[name]}, FEWER_SEEDS


def main() -> None:
    names = [f"{kind}_{name}" for kind in ("mbpo", "ablations") for name in FACTORS]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("records", nargs="*", choices=[[], *names], metavar="RECORD")
    for record in parser.parse_args().records or names:
        curves = made(train, jobs_of(record), said=said, name=record)
        arrays, about, seeds = assembled(record, curves)
        command = f"python tools/record_mbpo.py {record}"
        save(record, arrays, provenance(command, seed=seeds, config=about))


if __name__ == "__main__":
    main()

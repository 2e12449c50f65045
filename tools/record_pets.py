"""Makes the records of chapter 8: planning in three worlds, five seeds each.

python tools/record_pets.py                       all
python tools/record_pets.py pets_Pendulum-v1      one record

Every finished run is kept (:mod:`recording`): recording that was interrupted goes on where it
stopped. All seeds are stored, those that fail too. Curves are the same on the same machine with the
same versions; seconds are those of the processor, with one thread.
"""

import argparse
import time
from dataclasses import asdict

import numpy as np
import torch

from mbpo_teach.algorithms.agent import PARTS, Clock
from mbpo_teach.algorithms.pets import pets_agent, train_pets
from mbpo_teach.algorithms.presets import PLANNING, planning
from mbpo_teach.world.evaluate import START_SEEDS
from recording import Arrays, column, joined, made, provenance, save

SEEDS = (0, 1, 2, 3, 4)

Job = tuple[str, int]


def said(job: Job) -> dict:
    """Return the provenance of one run."""
    name, seed = job
    return provenance(name, seed=seed, config=asdict(planning("laptop", name)))


def train(job: Job) -> Arrays:
    """Return the reports of one run as arrays."""
    torch.set_num_threads(1)
    name, seed = job
    config = planning("laptop", name)
    agent = pets_agent(name, config, seed=seed)
    agent.clock = Clock(time.process_time)
    reports = list(train_pets(name, config, seed=seed, agent=agent))
    return {
        "steps": np.array([report.step for report in reports]),
        "returns": np.stack([report.returns.numpy() for report in reports]),
        "train_return": column([report.train_return for report in reports]),
        "spent": np.array([[report.spent[part] for part in PARTS] for report in reports], "f4"),
        "model_holdout": column([report.model_holdout for report in reports]),
    }


def main() -> None:
    names = [f"pets_{name}" for name in PLANNING]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("records", nargs="*", choices=[[], *names], metavar="RECORD")
    for record in parser.parse_args().records or names:
        name = record.removeprefix("pets_")
        curves = made(train, [(name, seed) for seed in SEEDS], said=said, name=record)
        about = asdict(planning("laptop", name)) | {"start_seeds": START_SEEDS, "parts": PARTS}
        command = f"python tools/record_pets.py {record}"
        save(record, joined(curves), provenance(command, seed=SEEDS, config=about))


if __name__ == "__main__":
    main()

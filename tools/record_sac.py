"""Makes the records of chapter 6: SAC alone, five seeds, on Pendulum-v1 and InvertedPendulum-v5.

python tools/record_sac.py                  both, about ten minutes on one core
python tools/record_sac.py Pendulum-v1      one of them

Every finished seed is kept in ``artefacts/record_sac``: a run that was interrupted goes on there.
All seeds are stored, those that fail too. The curves are the same on the same machine with the same
versions; ``seconds`` are CPU seconds of one thread, evaluations included.
"""

import argparse
import json
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from mbpo_teach import runs
from mbpo_teach.evaluate import START_SEEDS
from mbpo_teach.model_free import ModelFreeConfig, train_sac
from mbpo_teach.sac import SACConfig

ROOT = Path(__file__).resolve().parents[1]
RECORDS = ROOT / "mbpo_teach" / "records"
PARTS = ROOT / "artefacts" / "record_sac"

SEEDS = (0, 1, 2, 3, 4)
SAC = SACConfig(hidden=(64, 64), batch_size=128, learning_rate=3e-3)
CONFIGS = {
    "Pendulum-v1": ModelFreeConfig(total_steps=10_000, random_steps=200, report_every=250, sac=SAC),
    "InvertedPendulum-v5": ModelFreeConfig(
        total_steps=10_000, random_steps=500, report_every=500, sac=SAC
    ),
}


def provenance(name: str) -> dict:
    """Return what the record and its parts say of themselves, as JSON would give it back."""
    said = {
        "command": f"python tools/record_sac.py {name}",
        "seed": SEEDS,
        "config": asdict(CONFIGS[name]) | {"start_seeds": START_SEEDS},
        "versions": runs.versions(),
    }
    return json.loads(json.dumps(said))


def curve(name: str, seed: int) -> dict[str, np.ndarray]:
    """Return the reports of one run as arrays, from its part if the same settings made it."""
    path = PARTS / f"{name}-{seed}.npz"
    if path.exists():
        part = runs.read(path)
        if part.provenance == provenance(name):
            return part.arrays
    begun, reports, seconds = time.process_time(), [], []
    config = CONFIGS[name]
    total = -(-config.total_steps // config.report_every)
    for report in tqdm(train_sac(name, config, seed=seed), total=total, desc=f"{name} {seed}"):
        reports.append(report)
        seconds.append(time.process_time() - begun)
    unknown = float("nan")
    arrays = {
        "steps": np.array([report.step for report in reports]),
        "returns": np.stack([report.returns.numpy() for report in reports]),
        "train_return": np.array(
            [unknown if r.train_return is None else r.train_return for r in reports], np.float32
        ),
        "temperature": np.array([report.temperature for report in reports], np.float32),
        "seconds": np.array(seconds, np.float32),
    }
    PARTS.mkdir(parents=True, exist_ok=True)
    runs.save(path, arrays, provenance(name))
    return arrays


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", choices=[[], *CONFIGS], metavar="NAME")
    torch.set_num_threads(1)
    for name in parser.parse_args().names or CONFIGS:
        curves = [curve(name, seed) for seed in SEEDS]
        arrays = {key: np.stack([one[key] for one in curves]) for key in curves[0]}
        arrays["steps"] = curves[0]["steps"]
        runs.save(RECORDS / f"sac_{name}.npz", arrays, provenance(name))
        last = arrays["returns"][:, -1].mean(axis=-1)
        print(name, "mean return after the last step, by seed:", np.round(last, 1))


if __name__ == "__main__":
    main()

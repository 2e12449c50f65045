"""Makes the control of chapter 7: SAC alone, but with as many updates for each real step as MBPO.

python tools/record_control.py                    both worlds, about six minutes on one core
python tools/record_control.py Pendulum-v1        one of them

Everything is as in the laptop's presets of MBPO, but for the model: there is none. Its returns are
those of MBPO with a real ratio of 1, bit for bit, without the time for a model that is never asked.
Three seeds, and as many steps as the ablations have; ``seconds`` are the processor's, with one
thread, evaluations included.
"""

import argparse
import time
from dataclasses import asdict, replace

import numpy as np
import torch
from tqdm import tqdm

from mbpo_teach import runs
from mbpo_teach.evaluate import START_SEEDS
from mbpo_teach.model_free import ModelFreeConfig, train_sac
from mbpo_teach.presets import laptop, without_model
from record_mbpo import FACTORS, FEWER_SEEDS, FEWER_STEPS, RECORDS, provenance


def control(name: str) -> ModelFreeConfig:
    """Return SAC's settings, with MBPO's number of updates."""
    config = laptop(name)
    return replace(
        without_model(config),
        total_steps=FEWER_STEPS[name],
        updates_per_step=config.updates_per_step,
    )


def curve(name: str, seed: int) -> dict[str, np.ndarray]:
    """Return the reports of one run as arrays."""
    begun, reports, seconds = time.process_time(), [], []
    config = control(name)
    total = config.total_steps // config.report_every
    for report in tqdm(train_sac(name, config, seed=seed), total=total, desc=f"{name} {seed}"):
        reports.append(report)
        seconds.append(time.process_time() - begun)
    return {
        "steps": np.array([report.step for report in reports]),
        "returns": np.stack([report.returns.numpy() for report in reports]),
        "seconds": np.array(seconds, np.float32),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", choices=[[], *FACTORS], metavar="NAME")
    torch.set_num_threads(1)
    for name in parser.parse_args().names or FACTORS:
        curves = [curve(name, seed) for seed in FEWER_SEEDS]
        arrays = {key: np.stack([one[key] for one in curves]) for key in ("returns", "seconds")}
        arrays["steps"] = curves[0]["steps"]
        about = asdict(control(name)) | {"start_seeds": START_SEEDS}
        command = f"python tools/record_control.py {name}"
        runs.save(RECORDS / f"control_{name}.npz", arrays, provenance(command, about, FEWER_SEEDS))


if __name__ == "__main__":
    main()

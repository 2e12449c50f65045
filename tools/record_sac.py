"""Makes the records of chapter 6: SAC alone, five seeds, on Pendulum-v1 and InvertedPendulum-v5.

python tools/record_sac.py                  both, about ten minutes on one core
python tools/record_sac.py Pendulum-v1      one of them

Every finished seed is kept (:mod:`recording`): a run that was interrupted goes on where it stopped.
All seeds are stored, those that fail too. The curves are the same on the same machine with the same
versions; ``seconds`` are CPU seconds of one thread, evaluations included.
"""

import argparse

import numpy as np

from mbpo_teach.algorithms.model_free import ModelFreeConfig
from mbpo_teach.learner.sac import SACConfig
from recording import sac_curves, save

SEEDS = (0, 1, 2, 3, 4)
SAC = SACConfig(hidden=(64, 64), batch_size=128, learning_rate=3e-3)
CONFIGS = {
    "Pendulum-v1": ModelFreeConfig(total_steps=10_000, random_steps=200, report_every=250, sac=SAC),
    "InvertedPendulum-v5": ModelFreeConfig(
        total_steps=10_000, random_steps=500, report_every=500, sac=SAC
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", choices=[[], *CONFIGS], metavar="NAME")
    for name in parser.parse_args().names or CONFIGS:
        command = f"python tools/record_sac.py {name}"
        arrays, said = sac_curves(command, name, CONFIGS[name], SEEDS)
        save(f"sac_{name}", arrays, said)
        last = arrays["returns"][:, -1].mean(axis=-1)
        print(name, "mean return after the last step, by seed:", np.round(last, 1))


if __name__ == "__main__":
    main()

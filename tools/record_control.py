"""Makes the control of chapter 7: SAC alone, but with as many updates for each real step as MBPO.

python tools/record_control.py                    both worlds, about six minutes on one core
python tools/record_control.py Pendulum-v1        one of them

Everything is as in the laptop's presets of MBPO, but for the model: there is none. Its returns are
those of MBPO with a real ratio of 1, bit for bit, without the time for a model that is never asked.
Three seeds, and as many steps as the ablations have; ``seconds`` are the processor's, with one
thread, evaluations included.
"""

import argparse
from dataclasses import replace

from mbpo_teach.algorithms.model_free import ModelFreeConfig
from mbpo_teach.algorithms.presets import laptop, without_model
from record_mbpo import FACTORS, FEWER_SEEDS, FEWER_STEPS
from recording import sac_curves, save


def control(name: str) -> ModelFreeConfig:
    """Return SAC's settings, with MBPO's number of updates."""
    config = laptop(name)
    return replace(
        without_model(config),
        total_steps=FEWER_STEPS[name],
        updates_per_step=config.updates_per_step,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", choices=[[], *FACTORS], metavar="NAME")
    for name in parser.parse_args().names or FACTORS:
        command = f"python tools/record_control.py {name}"
        arrays, said = sac_curves(command, name, control(name), FEWER_SEEDS)
        save(f"control_{name}", {key: arrays[key] for key in ("steps", "returns", "seconds")}, said)


if __name__ == "__main__":
    main()

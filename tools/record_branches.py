"""Makes the record behind the drawings of chapter 5: a real path, and two kinds of rollout.

python tools/record_branches.py               about half a minute on one core

An ensemble is trained on 200 random steps of Pendulum-v1. A simple policy pumps energy into the
real pendulum; from points on that path the model imagines short branches, and from its first point
whole rollouts, all with the same policy, one random elite per step.
"""

from dataclasses import asdict

import numpy as np
import torch

from mbpo_teach.ground.seeding import generator, torch_generator
from mbpo_teach.model import errors, rollout
from mbpo_teach.model.dynamics import Ensemble, sample_step
from mbpo_teach.model.fit import FitConfig, fit_ensemble
from mbpo_teach.world import envs, simulator, terminations
from recording import provenance, save

SEED = 5
DATA, STEPS = 200, 70
START = np.pi - 0.6  # a little beside hanging
PUMP = 0.15  # torque per unit of speed
FIRST, EVERY, LENGTH = 6, 8, 6  # branch points along the path, and steps of a branch
COPIES = {"branches": 4, "whole": 6}
HIDDEN = (64, 64)
FIT = FitConfig(weight_decay=(2.5e-5, 5e-5, 1e-4), max_steps=2000, patience_steps=400)


def policy(obs: torch.Tensor) -> torch.Tensor:
    """Push the way the pendulum already moves."""
    return (PUMP * obs[:, 2:3]).clamp(-1, 1)


def imagined(step: rollout.ModelStep, starts: torch.Tensor, copies: int, length: int) -> np.ndarray:
    """Return rollouts (start, copy, time, obs), time 0 being the start."""
    many = starts.repeat_interleave(copies, 0)
    walked = rollout.branched_rollout(step, policy, terminations.never, many, length=length)
    after = walked.transitions.next_obs.unflatten(0, (length, len(many)))
    both = torch.cat([many[None], after]).unflatten(1, (len(starts), copies))
    return both.permute(1, 2, 0, 3).numpy()


def main() -> None:
    # One thread: the last digits of a sum depend on how many share it.
    torch.set_num_threads(1)
    env = envs.make("Pendulum-v1")
    data = envs.collect(env, steps=DATA, rng=generator(SEED, "data"))
    model = Ensemble(3, 1, members=7, hidden=HIDDEN, generator=torch_generator(SEED, "w"))
    report = fit_ensemble(model, data, FIT, generator=torch_generator(SEED, "fit"))

    start = simulator.SimulatorState(np.array([START, 0.0]), np.empty((0, 3)), 0)
    real, _ = errors.real_rollouts(env, [start], lambda obs, _: policy(obs), steps=STEPS)
    real = real[0]

    stream = torch_generator(SEED, "roll")

    def step(obs: torch.Tensor, act: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return sample_step(model, obs, act, elites=report.elites, generator=stream)

    arrays = {
        "data": data.obs.numpy(),
        "real": real.numpy(),
        "whole": imagined(step, real[:1], COPIES["whole"], STEPS)[0],
        "branches": imagined(step, real[FIRST : STEPS - 4 : EVERY], COPIES["branches"], LENGTH),
    }
    said = provenance(
        "python tools/record_branches.py",
        seed=SEED,
        config={
            "environment": env.name,
            "data": f"{DATA} uniform actions",
            "start": START,
            "pump": PUMP,
            "points": [FIRST, EVERY],
            "hidden": HIDDEN,
            "fit": asdict(FIT),
        },
    )
    save("branches_Pendulum-v1", arrays, said)
    env.close()


if __name__ == "__main__":
    main()

"""What a refit costs as the data grow, with and without a cap on its gradient steps.

    python benchmarks/refit_cost.py            Pendulum-v1, where a cap costs nothing
    python benchmarks/refit_cost.py --robot    Hopper-v5, where it does

A run in small: Pendulum-v1 under random actions, and a model that is refitted, from its last
weights, whenever 25,000 rows have been added. Every refit of the authors' recipe goes over all data
six times at least, so without a cap its steps, printed beside the seconds, grow with the data.
Beside the time of each refit stands the error on 5000
rows that no model has trained on. (The holdout error of a refit cannot tell: earlier fits have
trained on most of its rows.) Then, from fresh weights on small buffers, what patience counted in
gradient steps buys. 3 members of 2 x 64, so that all takes minutes. Draws docs/refit_cost.png.

The robot's data come in their order, as in a training: 5000 steps of random actions, then a policy
that balances for a while (that of the record behind chapter 3, with noise). The model, 3 members of
2 x 128, is refitted after every 500 steps more, and its error is that on the 500 that come next.
"""

import time
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import click
import gymnasium as gym
import matplotlib.pyplot as plt
import numpy as np
import torch
from side_by_side import machine

from mbpo_teach.figures.style import BLUE, GREEN, RED, style
from mbpo_teach.ground.seeding import generator, torch_generator
from mbpo_teach.model.dynamics import Ensemble, predict
from mbpo_teach.model.fit import FitConfig, fit_ensemble
from mbpo_teach.records import archive
from mbpo_teach.world import envs
from mbpo_teach.world.transitions import Transition, concatenate, rows

SIZES = (1000, *range(25_000, 200_001, 25_000))
TEST = 5000
CAPS = {"no cap": 10**9, "at most 2000 steps": 2000, "at most 500 steps": 500}
LINES = {
    "no cap": (RED, "-"),
    "at most 2000 steps": (BLUE, "--"),
    "at most 500 steps": (GREEN, ":"),
}
CONFIG = FitConfig(weight_decay=(2.5e-5, 5e-5, 1e-4), elites=2)
ROBOT, RANDOM, PERIOD, REFITS, NOISE = "Hopper-v5", 5000, 500, 16, 0.3
BOUNDS = {
    "2000 steps": (2000, 2000),
    "200 steps": (200, 200),
    "the first 6000, then 200": (6000, 200),
    "the first 6000, then 400": (6000, 400),
}
PICTURE = Path(__file__).parents[1] / "docs" / "refit_cost.png"


class Refit(NamedTuple):
    steps: int
    seconds: float
    error: float


def pendulum(count: int) -> Transition:
    env, rng = gym.make("Pendulum-v1"), generator(0, "refit_cost")
    columns: list[list[object]] = [[], [], [], []]
    obs, _ = env.reset(seed=0)
    while len(columns[0]) < count:
        act = rng.uniform(-1, 1, 1).astype(np.float32)
        after, reward, _, truncated, _ = env.step(2 * act)
        for column, value in zip(columns, (obs, act, reward, after), strict=True):
            column.append(value)
        obs = env.reset()[0] if truncated else after
    obs, act, reward, after = (torch.tensor(np.array(c), dtype=torch.float32) for c in columns)
    # In the order of a shuffled buffer, so that any first rows are a fair sample.
    order = torch.from_numpy(rng.permutation(count))
    return rows(Transition(obs, act, reward, after, torch.zeros(count) > 0), order)


def robot() -> Transition:
    """Return a short life in its order: at random, then with a noisy linear policy."""
    env, rng = envs.make(ROBOT), generator(0, "refit_cost")
    weights = archive.load(f"errors_{ROBOT}").arrays["weights"]

    def act(obs: np.ndarray) -> np.ndarray:
        noise = NOISE * rng.uniform(-1, 1, env.act_size)
        return np.clip(weights[:, :-1] @ obs + weights[:, -1] + noise, -1, 1)

    early = envs.collect(env, steps=RANDOM, rng=rng)
    return concatenate([early, envs.collect(env, act, steps=REFITS * PERIOD, rng=rng)])


def fresh(seed: int = 0, obs: int = 3, act: int = 1, width: int = 64) -> Ensemble:
    stream = torch_generator(seed, "weights")
    return Ensemble(obs, act, members=3, hidden=(width, width), generator=stream)


def refit(
    model: Ensemble, data: Transition, test: Transition, config: FitConfig, seed: int
) -> Refit:
    start = time.process_time()
    report = fit_ensemble(model, data, config, generator=torch_generator(seed, "fit"))
    seconds = time.process_time() - start
    mean = predict(model, test.obs, test.act, members=report.elites).mean.mean(dim=0)
    truth = torch.cat([test.next_obs, test.reward[:, None]], dim=1)
    error = ((mean - truth) / model.target_scale).square().mean().sqrt().item()
    return Refit(report.steps, seconds, error)


def growing(data: Transition, test: Transition) -> dict[str, list[Refit]]:
    runs: dict[str, list[Refit]] = {}
    for name, cap in CAPS.items():
        model, config = fresh(), replace(CONFIG, max_steps=cap)
        runs[name] = [
            refit(model, rows(data, slice(size)), test, config, seed)
            for seed, size in enumerate(SIZES)
        ]
        total = sum(run.seconds for run in runs[name])
        print(f"{name:19} {total:6.1f} s in all")
        # The first three that are not from fresh weights, and the last three.
        for when, some in (("early", runs[name][1:4]), ("late", runs[name][-3:])):
            steps, seconds, error = np.mean(some, axis=0)
            print(f"  {when:6} refits: {steps:6.0f} steps, {seconds:5.2f} s, error {error:.4f}")
    return runs


def living(data: Transition) -> None:
    """Print what refits of a robot's model cost and reach, for several bounds on their steps."""
    print(
        f"{ROBOT}, {REFITS} refits: bound, CPU seconds in all and of the last, errors on new rows"
    )
    for name, (first, later) in BOUNDS.items():
        model = fresh(0, data.obs.shape[1], data.act.shape[1], width=128)
        refits = []
        for number in range(REFITS):
            end = RANDOM + number * PERIOD
            config = replace(CONFIG, max_steps=later if number else first)
            lived, to_come = rows(data, slice(end)), rows(data, slice(end, end + PERIOD))
            refits.append(refit(model, lived, to_come, config, number))
        _, seconds, errors = zip(*refits, strict=True)
        early, late = np.mean(errors[:4]), np.mean(errors[-4:])
        print(
            f"{name:24} {sum(seconds):6.1f} s, {seconds[-1]:5.1f} s; first {errors[0]:.3f},"
            f" first four {early:.3f}, last four {late:.3f}",
            flush=True,
        )


def patience(data: Transition, test: Transition, seeds: int = 3) -> None:
    print("rows, patience in steps: gradient steps and error from fresh weights, mean of 3 seeds")
    for size in (200, 1000, 5000):
        for steps in (0, 200, 500):
            config = replace(CONFIG, patience_steps=steps, max_steps=10**9)
            fits = [
                refit(fresh(seed), rows(data, slice(size)), test, config, seed)
                for seed in range(seeds)
            ]
            taken, _, error = np.mean(fits, axis=0)
            print(f"{size:5} {steps:5}: {taken:6.0f} steps, error {error:.4f}")


def draw(runs: dict[str, list[Refit]]) -> None:
    with style():
        figure, (top, bottom) = plt.subplots(2, 1, sharex=True, figsize=(6.4, 5.2))
        for name, refits in runs.items():
            colour, line = LINES[name]
            _, seconds, errors = zip(*refits, strict=True)
            top.plot(SIZES, seconds, line, color=colour, label=name)
            bottom.plot(SIZES, errors, line, color=colour)
        top.set(ylabel="CPU seconds per refit", ylim=(0, None))
        top.legend()
        bottom.set(ylabel="error on fresh rows", xlabel="rows in the buffer", ylim=(0, None))
        figure.savefig(PICTURE)


@click.command()
@click.option("--robot", "of_robot", is_flag=True, help="Of Hopper-v5.")
def main(of_robot: bool) -> None:
    """Print what refits cost and reach, and draw it for Pendulum."""
    torch.set_num_threads(1)
    print(machine())
    if of_robot:
        living(robot())
        return
    data = pendulum(SIZES[-1] + TEST)
    test, data = rows(data, slice(TEST)), rows(data, slice(TEST, None))
    runs = growing(data, test)
    draw(runs)
    patience(data, test)


if __name__ == "__main__":
    main()

"""End to end: Pendulum-v1 to a mean return of -200, ours beside the method of Hands-on-RL.

    OMP_NUM_THREADS=1 python benchmarks/pendulum_race.py [--seeds N] [--limit SECONDS] [--compile]

Ours is MBPO with the laptop's preset, seeds 0, 1 and 2; the other is `handsonrl_method.py`, which
takes minutes, N seeds from 0 on (1). One after the other, each in a process of its own, both judged
without noise on the course's ten fixed starts after every `model_period` real steps of the preset.
The time is wall time without that of judging, so it needs an idle machine. Whoever has not reached
the bar after SECONDS (600) is stopped. With --compile ours runs compiled too. Each of these runs
loads the graph, which is counted; a line says how long the first start took, which makes it, once
for a machine. Our preset was chosen on Pendulum. Target: a fifth of the other's time.
"""

import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from statistics import median
from typing import NamedTuple, TypeVar

import click
import handsonrl_method
import torch

from mbpo_teach.algorithms.mbpo import MBPOConfig, train_mbpo
from mbpo_teach.algorithms.presets import changed, laptop
from mbpo_teach.world.envs import make
from mbpo_teach.world.evaluate import returns, starting_places

ENV, BAR, OUR_SEEDS, TARGET = "Pendulum-v1", -200, 3, 0.2

R = TypeVar("R")


class Mark(NamedTuple):
    """The mean return after so many real steps, and the seconds spent on judging until now."""

    step: int
    reached: float
    judging: float


class Finish(NamedTuple):
    """How a race ended, in seconds without judging."""

    step: int
    reached: float
    seconds: float

    @property
    def over(self) -> bool:
        return self.reached >= BAR


def ours(seed: int, config: MBPOConfig) -> Iterator[Mark]:
    for report in train_mbpo(ENV, config, seed=seed):
        yield Mark(report.step, report.returns.mean().item(), report.spent["judging"])


def first_start(config: MBPOConfig) -> float:
    """Return the seconds until the first updates were made."""
    begun = time.perf_counter()
    list(train_mbpo(ENV, changed(config, {"total_steps": config.random_steps + 1}), seed=0))
    return time.perf_counter() - begun


def theirs(seed: int) -> Iterator[Mark]:
    judges, judging = starting_places(ENV), 0.0
    for step, policy in handsonrl_method.learn(make(ENV), seed=seed):
        if step % laptop(ENV).model_period == 0:
            begun = time.perf_counter()
            reached = returns(judges, policy.greedy).mean().item()
            judging += time.perf_counter() - begun
            yield Mark(step, reached, judging)


def alone(function: Callable[..., R], *args: object) -> R:
    """Return what `function` returns in a new process."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        return process.submit(function, *args).result()


def race(name: str, limit: float, run: Callable[..., Iterator[Mark]], *args: object) -> Finish:
    """Run until a mark is over the bar, the time is over or the run has ended; print how it was."""
    begun = time.perf_counter()
    for step, reached, judging in run(*args):
        finish = Finish(step, reached, time.perf_counter() - begun - judging)
        if finish.over or finish.seconds > limit:
            break
    words = "" if finish.over else f"; ended without having reached {BAR}"
    print(
        f"{name:22} {finish.step:5} steps {finish.seconds:7.1f} s,"
        f" mean return {finish.reached:6.0f}{words}",
        flush=True,
    )
    return finish


@click.command()
@click.option("--seeds", type=click.IntRange(min=1), default=1, help="Of Hands-on-RL's method.")
@click.option("--compile", "also_compiled", is_flag=True, help="Run ours compiled, too.")
@click.option("--limit", type=click.FloatRange(min=0), default=600, help="Seconds for each run.")
def main(seeds: int, also_compiled: bool, limit: float) -> None:
    """Race to the bar and print every run and the ratios."""
    print(f"torch {torch.__version__}, {torch.get_num_threads()} thread(s), wall time")
    own = {"ours": series("ours", laptop(ENV), limit)}
    if also_compiled:
        config = changed(laptop(ENV), {"sac.compile": True})
        with tempfile.TemporaryDirectory() as graphs:
            os.environ["TORCHINDUCTOR_CACHE_DIR"] = graphs
            print(f"a first start, compiled, takes {alone(first_start, config):.1f} s", flush=True)
            own["ours, compiled"] = series("ours, compiled", config, limit)
    peer = [alone(race, f"Hands-on-RL {seed}", limit, theirs, seed) for seed in range(seeds)]
    bound = "" if all(finish.over for finish in peer) else "at most "
    for name, runs in own.items():
        if all(finish.over for finish in runs):
            ratio = f"takes {bound}{_seconds(runs) / _seconds(peer):.3f} of its time"
            print(f"{name}: {ratio}; target {TARGET}")
        else:
            print(f"{name}: no ratio, not all reached {BAR}")


def series(name: str, config: MBPOConfig, limit: float) -> list[Finish]:
    """Run our seeds one after the other; print each and their median."""
    runs = [alone(race, f"{name} {seed}", limit, ours, seed, config) for seed in range(OUR_SEEDS)]
    print(f"{f'{name}, median':22} {median(f.step for f in runs):5} steps {_seconds(runs):7.1f} s")
    return runs


def _seconds(finishes: list[Finish]) -> float:
    return median(finish.seconds for finish in finishes)


if __name__ == "__main__":
    main()

"""End to end: Pendulum-v1 to a mean return of -200, ours beside the method of Hands-on-RL.

    OMP_NUM_THREADS=1 python benchmarks/pendulum_race.py [--seeds N] [--limit SECONDS] [--compile]

Ours is MBPO with the laptop's preset, seeds 0, 1 and 2; the other is `handsonrl_method.py`, which
takes minutes, N seeds from 0 on (1). One after the other, each in a process of its own, both judged
without noise on the course's ten fixed starts after every `model_period` real steps of the preset.
The time is wall time without that of judging, so it needs an idle machine. Whoever has not reached
the bar after SECONDS (600) is stopped. With --compile ours runs compiled too. Each of these runs
loads the graph, which is counted; a line says how long making it took, which a machine does once.
Target: a fifth of the other's time.
"""

import multiprocessing
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from statistics import median
from typing import NamedTuple, ParamSpec, TypeVar

import click
import handsonrl_method
import torch

from mbpo_teach.envs import make
from mbpo_teach.evaluate import returns, starting_places
from mbpo_teach.mbpo import MBPOConfig, train_mbpo
from mbpo_teach.presets import changed, laptop

ENV, BAR, OUR_SEEDS, TARGET = "Pendulum-v1", -200, 3, 0.2

P = ParamSpec("P")
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


def compiled() -> MBPOConfig:
    """Return the preset with a compiled learner, after its graph was made and kept on the disk."""
    config = changed(laptop(ENV), {"sac.compile": True})
    print(f"making the compiled graph took {alone(first_update, config):.1f} s", flush=True)
    return config


def first_update(config: MBPOConfig) -> float:
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


def alone(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Return what `function` returns in a process that has done nothing before."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        return process.submit(function, *args, **kwargs).result()


def race_of_ours(name: str, seed: int, config: MBPOConfig, limit: float) -> Finish:
    return race(f"{name} {seed}", ours(seed, config), limit)


def race_of_theirs(seed: int, limit: float) -> Finish:
    return race(f"Hands-on-RL {seed}", theirs(seed), limit)


def race(name: str, marks: Iterator[Mark], limit: float) -> Finish:
    """Run until a mark is over the bar, the time is over or the run has ended; print how it was."""
    begun = time.perf_counter()
    for step, reached, judging in marks:
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
        own["ours, compiled"] = series("ours, compiled", compiled(), limit)
    peer = [alone(race_of_theirs, seed, limit) for seed in range(seeds)]
    bound = "" if all(finish.over for finish in peer) else "at most "
    for name, runs in own.items():
        if all(finish.over for finish in runs):
            ratio = f"takes {bound}{_seconds(runs) / _seconds(peer):.3f} of its time"
            print(f"{name}: {ratio}; target {TARGET}")
        else:
            print(f"{name}: no ratio, not all reached {BAR}")


def series(name: str, config: MBPOConfig, limit: float) -> list[Finish]:
    """Run our seeds one after the other; print each and their median."""
    runs = [alone(race_of_ours, name, seed, config, limit) for seed in range(OUR_SEEDS)]
    print(f"{f'{name}, median':22} {median(f.step for f in runs):5} steps {_seconds(runs):7.1f} s")
    return runs


def _seconds(finishes: list[Finish]) -> float:
    return median(finish.seconds for finish in finishes)


if __name__ == "__main__":
    main()

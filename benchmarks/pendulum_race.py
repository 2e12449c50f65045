"""End to end: Pendulum-v1 to a mean return of -200, ours beside the method of Hands-on-RL.

    OMP_NUM_THREADS=1 python benchmarks/pendulum_race.py [--seeds N] [--limit SECONDS]

Ours is MBPO with the laptop's preset, seeds 0, 1 and 2; the other is `handsonrl_method.py`, which
takes minutes, N seeds from 0 on (1). One after the other in one process, both judged without noise
on the course's ten fixed starts after every `model_period` real steps of the preset. The time is
wall time without that of judging, so it needs an idle machine. Whoever has not reached the bar
after SECONDS (600) is stopped. Target: a fifth of the other's time.
"""

import time
from collections.abc import Iterator
from statistics import median
from typing import NamedTuple

import click
import handsonrl_method
import torch

from mbpo_teach.envs import make
from mbpo_teach.evaluate import returns, starting_places
from mbpo_teach.mbpo import train_mbpo
from mbpo_teach.presets import laptop

ENV, BAR, OUR_SEEDS, TARGET = "Pendulum-v1", -200, 3, 0.2


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


def ours(seed: int) -> Iterator[Mark]:
    for report in train_mbpo(ENV, laptop(ENV), seed=seed):
        yield Mark(report.step, report.returns.mean().item(), report.spent["judging"])


def theirs(seed: int) -> Iterator[Mark]:
    judges, judging = starting_places(ENV), 0.0
    for step, policy in handsonrl_method.learn(make(ENV), seed=seed):
        if step % laptop(ENV).model_period == 0:
            begun = time.perf_counter()
            reached = returns(judges, policy.greedy).mean().item()
            judging += time.perf_counter() - begun
            yield Mark(step, reached, judging)


def race(name: str, marks: Iterator[Mark], limit: float) -> Finish:
    """Run until a mark is over the bar, the time is over or the run has ended; print how it was."""
    begun = time.perf_counter()
    for step, reached, judging in marks:
        finish = Finish(step, reached, time.perf_counter() - begun - judging)
        if finish.over or finish.seconds > limit:
            break
    words = "" if finish.over else f"; ended without having reached {BAR}"
    print(
        f"{name:20} {finish.step:5} steps {finish.seconds:7.1f} s,"
        f" mean return {finish.reached:6.0f}{words}",
        flush=True,
    )
    return finish


@click.command()
@click.option("--seeds", type=click.IntRange(min=1), default=1, help="Of Hands-on-RL's method.")
@click.option("--limit", type=click.FloatRange(min=0), default=600, help="Seconds for each run.")
def main(seeds: int, limit: float) -> None:
    """Race to the bar and print every run and the ratio."""
    print(f"torch {torch.__version__}, {torch.get_num_threads()} thread(s), wall time")
    own = [race(f"ours, seed {seed}", ours(seed), limit) for seed in range(OUR_SEEDS)]
    print(f"{'ours, median':20} {median(f.step for f in own):5} steps {_seconds(own):7.1f} s")
    peer = [race(f"Hands-on-RL, seed {seed}", theirs(seed), limit) for seed in range(seeds)]
    if not all(finish.over for finish in own):
        print(f"no ratio: not all of ours reached {BAR}")
        return
    bound = "" if all(finish.over for finish in peer) else "at most "
    print(f"ours takes {bound}{_seconds(own) / _seconds(peer):.3f} of its time; target {TARGET}")


def _seconds(finishes: list[Finish]) -> float:
    return median(finish.seconds for finish in finishes)


if __name__ == "__main__":
    main()

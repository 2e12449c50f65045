"""Timing several pieces of work beside each other: in turns, so that all meet the same machine."""

import statistics
import time
from collections.abc import Callable, Mapping

import torch


def medians(works: Mapping[str, Callable[[], object]], *, repeats: int) -> dict[str, float]:
    """Return each work's median time in seconds, after one round to warm up."""
    clock = _clock()
    times: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(repeats + 1):
        for name, work in works.items():
            start = clock()
            work()
            if turn > 0:
                times[name].append(clock() - start)
    return {name: statistics.median(taken) for name, taken in times.items()}


def print_rates(seconds: Mapping[str, float], transitions: int) -> None:
    """Print how many transitions a second each way makes, and how many of "ours" that is."""
    for name, taken in seconds.items():
        rate, ratio = transitions / taken, seconds["ours"] / taken
        print(f"{name:14} {rate:9,.0f} transitions/s, {ratio:.2f} of ours")


def machine() -> str:
    """Return what a time depends on: PyTorch's version, its threads, and which clock ran."""
    kind = "CPU" if _clock() is time.process_time else "wall"
    return f"torch {torch.__version__}, {torch.get_num_threads()} thread(s), {kind} time"


def _clock() -> Callable[[], float]:
    # With one thread the CPU time is the work itself, and a busy machine hardly changes it.
    return time.process_time if torch.get_num_threads() == 1 else time.perf_counter

"""Theorem 4.1's bound over a grid of a million points: one vectorised call beside a Python loop.

    python benchmarks/bounds_grid.py

The loop runs over every hundredth point and is scaled up.
"""

import time
from collections.abc import Callable

import numpy as np

from mbpo_teach.theory import bounds

SIDE = 1000
REPEATS = 5
EVERY = 100


def seconds(work: Callable[[], object]) -> float:
    """Return the best of several wall times."""
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    eps_m, eps_pi = np.meshgrid(np.linspace(0, 1, SIDE), np.linspace(0, 1, SIDE))
    points = list(zip(eps_m.ravel().tolist(), eps_pi.ravel().tolist(), strict=True))[::EVERY]

    def grid() -> np.ndarray:
        return bounds.performance_bound(gamma=0.9, r_max=1.0, eps_m=eps_m, eps_pi=eps_pi)

    def loop() -> list[float]:
        return [
            bounds.performance_bound(gamma=0.9, r_max=1.0, eps_m=first, eps_pi=second)
            for first, second in points
        ]

    np.testing.assert_allclose(grid().ravel()[::EVERY], loop(), rtol=1e-12)
    vectorised, looped = seconds(grid), EVERY * seconds(loop)
    print(f"one call, {SIDE * SIDE:,} points   {vectorised:.4f} s")
    print(f"a Python loop of calls       {looped:.2f} s")
    print(f"ratio                        {looped / vectorised:.0f}")


if __name__ == "__main__":
    main()

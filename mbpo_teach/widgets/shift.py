"""How fast the model error grows as the policy leaves its data, and how data flatten that slope.

Exact, on the pendulum's twin: models counted from the idle policy's walks, judged under policies
moved away from it step by step. Taught in chapter 5 (paper, figure 1).
"""

from functools import cache

import numpy as np

from mbpo_teach import exact, language
from mbpo_teach.figures.plate import Plate
from mbpo_teach.figures.shift import Frame, build
from mbpo_teach.widgets.branches import COUNTS, best_policy, counted_model, idle_policy, twin_case
from mbpo_teach.widgets.lab import Choice, Lab, View

SEEDS = 3
_STEPS = 10


def shift_lab() -> Lab:
    """Return a slider over the number of transitions."""

    def make_view() -> View:
        shifts, errors, slopes = measure()
        draw = build(shifts, errors, slopes, COUNTS)

        def view(count: float) -> tuple[Plate, str]:
            which = COUNTS.index(int(count))
            curve = errors[:, which].mean(axis=0)
            said = language.text(
                "shift.say",
                count=int(count),
                first=curve[0],
                last=curve[-1],
                shift=shifts[-1],
                slope=slopes[:, which].mean(),
                seeds=SEEDS,
            )
            return draw(Frame(which)), said

        return view

    count = Choice(name="count", words="branches.count", options=COUNTS, value=COUNTS[0])
    return Lab([count], make_view)


@cache
def measure() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return policy shifts (shift,), exact eps_m' (seed, count, shift) and slopes (seed, count).

    At a shift of zero eps_m' is eps_m. The slope is that of the line which starts at eps_m and
    misses the other errors by the least squares.
    """
    shifts = np.linspace(0, exact.policy_shift(best_policy(), idle_policy()), _STEPS + 1)
    errors = np.empty((SEEDS, len(COUNTS), len(shifts)))
    for number, shift in enumerate(shifts):
        case = twin_case(COUNTS[0], shift, 0.9)
        for seed in range(SEEDS):
            for which, count in enumerate(COUNTS):
                model = counted_model(count, seed=seed)
                errors[seed, which, number] = exact.model_error(case.world, model, case.policy)
    rise = errors - errors[..., :1]
    return shifts, errors, (rise * shifts).sum(axis=-1) / (shifts**2).sum()

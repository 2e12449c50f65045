"""How fast the model error grows as the policy leaves its data, and how data flatten that slope.

Exact, on the pendulum's twin: models counted from the idle policy's walks, judged under policies
moved away from it step by step. Taught in chapter 5 (paper, figure 1).
"""

from functools import cache

from mbpo_teach.figures.plate import Plate
from mbpo_teach.figures.shift import Frame, build
from mbpo_teach.ground import language
from mbpo_teach.theory import drift
from mbpo_teach.theory.cases import COUNTS
from mbpo_teach.widgets.lab import Choice, Lab, View

SEEDS = 3
_STEPS = 10


def shift_lab() -> Lab:
    """Return a slider over the number of transitions."""
    shifts, errors, slopes = measure()

    def make_view() -> View:
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
def measure() -> drift.ShiftedErrors:
    """Return the exact errors that the lab shows, once: every slider position shows all of them."""
    return drift.shifted_errors(COUNTS, seeds=SEEDS, steps=_STEPS)

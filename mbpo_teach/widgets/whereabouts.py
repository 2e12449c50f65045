"""Where branches start and go, and where whole imagined rollouts go: exact laws on the twin.

Taught in chapter 5: the error of a step depends on where it is taken, and imagined states leave the
data.
"""

import numpy as np

from mbpo_teach.figures.plate import Plate
from mbpo_teach.figures.whereabouts import Frame, build
from mbpo_teach.ground import language
from mbpo_teach.tables.twin import BINS
from mbpo_teach.theory import cases, drift, exact
from mbpo_teach.widgets.lab import Choice, Lab, Slider, View

STEPS = 40
_GAMMA = 0.9
_DARKEST = 0.3


def whereabouts_lab() -> Lab:
    """Return sliders over the branch's length and the number of transitions."""
    controls = (
        Slider(name="k", words="branches.k_slider", low=0, high=STEPS, step=1, value=10),
        Choice(name="count", words="branches.count", options=cases.COUNTS, value=cases.COUNTS[0]),
    )

    def make_view() -> View:
        draw = build(steps=STEPS, most=_DARKEST)

        def view(*, k: int, count: float) -> tuple[Plate, str]:
            frame = measure(k=k, count=int(count))
            said = language.text(
                "whereabouts.say",
                count=int(count),
                k=k,
                moved=exact.total_variation(frame.branched.ravel(), frame.starts.ravel()),
                whole=exact.total_variation(frame.whole.ravel(), frame.starts.ravel()),
                first=frame.branch_errors[0],
                error=frame.branch_errors[k],
                most=frame.branched.max(),
                whole_first=frame.whole_errors[0],
                whole_error=frame.whole_errors[k],
                last=frame.whole_errors[-1],
                steps=STEPS,
                low=frame.true_errors.min(),
                high=frame.true_errors.max(),
                eps_m_prime=frame.eps_m_prime,
            )
            return draw(frame), said

        return view

    return Lab(controls, make_view, plays=["k"])


def measure(*, k: int, count: int) -> Frame:
    """Return laws and errors for the policy that is best in the model of `count` transitions.

    Branches start where the idle policy goes for real: at a random time of discounted weight.
    Whole rollouts start where episodes do, and their map is of the discounted visits in the model.
    """
    case = cases.best_in_model(cases.twin_case(count=count, eps_pi=0.0, gamma=_GAMMA))
    found = drift.whereabouts(case, steps=STEPS)
    return Frame(
        k=k,
        starts=_cells(found.branch[0]),
        branched=_cells(found.branch[k]),
        whole=_cells(found.visits),
        branch_errors=found.branch_errors,
        whole_errors=found.whole_errors,
        true_errors=found.true_errors,
        eps_m_prime=exact.model_error(case.world, case.model, case.policy),
    )


def _cells(law: np.ndarray) -> np.ndarray:
    return law.reshape(BINS, BINS)

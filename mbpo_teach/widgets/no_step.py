"""The lab in which theorem 4.1 refuses every step away from the data. Taught in chapter 4.

On the exact lab's river the learner moves model error, policy shift and discount and watches the
model's gain as a share of C; beside it stand random MDPs, each with the policy that its model
likes best.
"""

import numpy as np

from mbpo_teach.figures.no_step import Frame, build
from mbpo_teach.figures.plate import Plate
from mbpo_teach.ground import language
from mbpo_teach.theory import gains
from mbpo_teach.theory.cases import MAX_EPS_M, MAX_EPS_PI
from mbpo_teach.widgets.lab import Choice, Lab, Slider, View

_STEP = 0.01
_SHIFTS = np.arange(1, round(MAX_EPS_PI / _STEP) + 1) * _STEP
_OPTIONS = tuple(round(shift, 2) for shift in _SHIFTS.tolist())


def no_step_lab(*, cases: int = 1500) -> Lab:
    """Return the lab, with `cases` random MDPs beside the river."""
    sliders = (
        Slider(name="eps_m", words="exact_lab.eps_m", low=0, high=MAX_EPS_M, step=0.01, value=0.02),
        Choice(name="eps_pi", words="exact_lab.eps_pi", options=_OPTIONS, value=0.1),
        Slider(name="gamma", words="exact_lab.gamma", low=0, high=0.95, step=0.05, value=0.8),
    )

    random = gains.random_gains(cases, seed=4)

    def make_view() -> View:
        draw = build(shifts=_SHIFTS, random_gains=random.share, random_ceilings=random.ceiling)

        def view(*, eps_m: float, eps_pi: float, gamma: float) -> tuple[Plate, str]:
            found = gains.river_gains(_SHIFTS, eps_m=eps_m, gamma=gamma)
            here = _OPTIONS.index(eps_pi)
            said = language.text(
                "no_step.sentence",
                gain=found.gain[here],
                bound=found.bound[here],
                share=found.share[here],
                ceiling=found.ceiling[here],
            )
            return draw(Frame(found.share, found.ceiling, here)), said

        return view

    return Lab(sliders, make_view)

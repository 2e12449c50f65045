"""The lab that takes the proof of theorem 4.1 apart, layer by layer. Taught in chapter 4.

On the exact lab's river: how much of C is lost at each step from the true gap up to it.
"""

import numpy as np

from mbpo_teach.figures.looseness import Frame, build
from mbpo_teach.figures.plate import Plate
from mbpo_teach.ground import language
from mbpo_teach.theory import bounds, cases
from mbpo_teach.theory.cases import MAX_EPS_M, MAX_EPS_PI
from mbpo_teach.theory.looseness import layers
from mbpo_teach.widgets.lab import Lab, Slider, View


def looseness_lab() -> Lab:
    """Return the lab."""
    sliders = (
        Slider(name="eps_m", words="exact_lab.eps_m", low=0, high=MAX_EPS_M, step=0.01, value=0.02),
        Slider(
            name="eps_pi", words="exact_lab.eps_pi", low=0, high=MAX_EPS_PI, step=0.01, value=0.02
        ),
        Slider(name="gamma", words="exact_lab.gamma", low=0, high=0.95, step=0.05, value=0.8),
    )

    def make_view() -> View:
        draw = build()

        def view(*, eps_m: float, eps_pi: float, gamma: float) -> tuple[Plate, str]:
            case = cases.river_case(eps_m=eps_m, eps_pi=eps_pi, gamma=gamma)
            found = layers(case)
            trivial = bounds.trivial_level(gamma=gamma, r_max=case.world.r_max)
            said = language.text(
                "looseness.sentence", **found._asdict(), share=found.theorem / trivial
            )
            return draw(Frame(np.array(found), found.factors, trivial)), said

        return view

    return Lab(sliders, make_view)

"""The exact branched return at every length: which k is truly best, and which k* names.

On chapter 4's river or on the pendulum's twin. The sliders set exact quantities: model and policy
are mixtures, chosen so that eps_m' and eps_pi are what they say. Taught in chapter 5.
"""

from typing import Any

import numpy as np

from mbpo_teach.figures.explorer import number
from mbpo_teach.figures.lengths import Frame, build
from mbpo_teach.figures.plate import Plate
from mbpo_teach.ground import language
from mbpo_teach.tables import mdp
from mbpo_teach.theory import bounds, cases, exact
from mbpo_teach.widgets.lab import Lab, Slider, Switch, View

LONGEST = 200
MAX_EPS_M_PRIME = 0.2
MAX_EPS_PI = 0.5
_ROUNDING = 1e-14


def lengths_lab() -> Lab:
    """Return the lab."""
    controls = (
        Switch(name="twin", words="lengths.twin"),
        Slider(name="k", words="branches.k_slider", low=0, high=LONGEST, step=1, value=22),
        Slider(
            name="eps_m_prime", words="lengths.eps_m_prime", low=0, high=MAX_EPS_M_PRIME,
            step=0.005, value=0.01,
        ),
        Slider(
            name="eps_pi", words="exact_lab.eps_pi", low=0, high=MAX_EPS_PI, step=0.01, value=0.1
        ),
        Slider(name="gamma", words="exact_lab.gamma", low=0, high=0.99, step=0.01, value=0.9),
    )  # fmt: skip

    def make_view() -> View:
        draw = build(longest=LONGEST)

        def view(**values: Any) -> tuple[Plate, str]:
            frame = measure(**values)
            return draw(frame), sentence(frame)

        return view

    return Lab(controls, make_view, plays=["k"])


def measure(*, twin: bool, k: int, eps_m_prime: float, eps_pi: float, gamma: float) -> Frame:
    """Return everything the lab shows, computed exactly."""
    errors = {"gamma": gamma, "eps_m_prime": eps_m_prime, "eps_pi": eps_pi}
    make = cases.twin_case_on_policy if twin else cases.river_case_on_policy
    world, model, policy, data_policy = make(**errors)
    lengths = np.arange(LONGEST + 1)
    true_return = mdp.exact_return(world, policy)
    gap = exact.branched_gaps(world, model, policy, data_policy, max_length=LONGEST)
    return Frame(
        k=k,
        branched=exact.branched_returns(world, model, policy, data_policy, max_length=LONGEST),
        gap=gap,
        penalty=bounds.branched_penalty_on_policy(lengths, r_max=world.r_max, **errors),
        tight=bounds.branched_penalty_tight(lengths, r_max=world.r_max, **errors),
        whole=bounds.whole_rollout_penalty(gamma=gamma, r_max=world.r_max, eps_m_prime=eps_m_prime),
        true_return=true_return,
        model_return=mdp.exact_return(world, policy, model),
        trivial=bounds.trivial_level(gamma=gamma, r_max=world.r_max),
        best=bounds.best_rollout_length(**errors),
        truly_best=exact.truly_best_length(gap, rounding=_ROUNDING * max(1.0, abs(true_return))),
    )


def sentence(frame: Frame) -> str:
    """Return the sentence that states the frame's numbers, in the current language."""
    best, truly = frame.best, frame.truly_best
    return language.text(
        "lengths.say",
        true=frame.true_return,
        k=frame.k,
        branched=frame.branched[frame.k],
        gap=f"{frame.gap[frame.k]:.3g}",
        penalty=number(frame.penalty[frame.k]),
        whole=number(frame.whole),
        best="∞" if np.isinf(best) else int(best),
        truly=truly,
        least=f"{frame.gap[truly]:.2g}",
        longest=LONGEST,
    )

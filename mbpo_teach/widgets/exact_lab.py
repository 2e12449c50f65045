"""The exact lab: a river, a hopeful model of it, and theorem 4.1, all computed without sampling.

The sliders set the exact model error and the exact policy shift. The model is a mixture of the
true river and one in which every stroke succeeds; the policy a mixture of the data-collecting one
(left or right with equal chance) and always swimming right. Taught in chapter 4.
"""

import numpy as np

from mbpo_teach.figures.exact_lab import Frame, build
from mbpo_teach.figures.plate import Plate
from mbpo_teach.ground import language
from mbpo_teach.tables import mdp
from mbpo_teach.theory import bounds, cases, exact
from mbpo_teach.theory.cases import MAX_EPS_M, MAX_EPS_PI
from mbpo_teach.widgets.lab import Lab, Slider, View

_SHIFTS = np.linspace(0, MAX_EPS_PI, 51)
_LENGTHS = 41


def exact_lab(*, places: int = 6) -> Lab:
    """Return the lab over a river with `places` states."""
    sliders = (
        Slider(name="eps_m", words="exact_lab.eps_m", low=0, high=MAX_EPS_M, step=0.01, value=0.02),
        Slider(
            name="eps_pi", words="exact_lab.eps_pi", low=0, high=MAX_EPS_PI, step=0.01, value=0.02
        ),
        Slider(name="gamma", words="exact_lab.gamma", low=0, high=0.95, step=0.05, value=0.8),
        Slider(name="r_max", words="exact_lab.r_max", low=0.5, high=10, step=0.5, value=1),
    )

    def make_view() -> View:
        draw = build(shifts=_SHIFTS, max_eps_m=MAX_EPS_M, lengths=_LENGTHS)

        def view(*, eps_m: float, eps_pi: float, gamma: float, r_max: float) -> tuple[Plate, str]:
            frame = measure(eps_m=eps_m, eps_pi=eps_pi, gamma=gamma, r_max=r_max, places=places)
            return draw(frame), sentence(frame)

        return view

    named = {"bounds.perfect_model": {"eps_m": 0.0}, "bounds.data_policy": {"eps_pi": 0.0}}
    return Lab(sliders, make_view, settings=named)


def measure(*, eps_m: float, eps_pi: float, gamma: float, r_max: float, places: int = 6) -> Frame:
    """Return everything that the lab shows for these settings, computed exactly.

    `eps_m` and `eps_pi` are what the model's error and the policy's shift will be: the mixtures
    are chosen so that the exact quantities have these values.
    """
    case = cases.river_case(eps_m=eps_m, eps_pi=eps_pi, gamma=gamma, r_max=r_max, places=places)
    world, model, policy, data_policy = case
    policies = cases.river_policies(_SHIFTS, places=places)
    return Frame(
        gamma=gamma,
        r_max=r_max,
        eps_m=eps_m,
        eps_m_prime=case.eps_m_prime,
        eps_pi=eps_pi,
        shifts=_SHIFTS,
        true_returns=mdp.exact_returns(world, policies),
        model_returns=mdp.exact_returns(world, policies, model),
        bound=bounds.performance_bound(gamma=gamma, r_max=r_max, eps_m=eps_m, eps_pi=_SHIFTS),
        true_return=mdp.exact_return(world, policy),
        model_return=mdp.exact_return(world, policy, model),
        branched=exact.branched_returns(world, model, policy, data_policy, max_length=_LENGTHS - 1),
    )


def sentence(frame: Frame) -> str:
    """Return the sentence that states the frame's numbers, in the current language."""
    bound = bounds.performance_bound(
        gamma=frame.gamma, r_max=frame.r_max, eps_m=frame.eps_m, eps_pi=frame.eps_pi
    )
    trivial = bounds.trivial_level(gamma=frame.gamma, r_max=frame.r_max)
    vacuous = bounds.is_vacuous(gamma=frame.gamma, eps_m=frame.eps_m, eps_pi=frame.eps_pi)
    return language.text(
        "exact_lab.vacuous" if vacuous else "exact_lab.informative",
        true=frame.true_return,
        model=frame.model_return,
        gap=abs(frame.true_return - frame.model_return),
        bound=bound,
        share=bound / trivial,
        trivial=trivial,
        eps_m_prime=frame.eps_m_prime,
    )

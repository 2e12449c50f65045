"""The exact branched return at every length: which k is truly best, and which k* names.

On chapter 4's river or on the pendulum's twin. The sliders set exact quantities: model and policy
are mixtures, chosen so that eps_m' and eps_pi are what they say. Taught in chapter 5.
"""

from typing import Any

import numpy as np

from mbpo_teach import bounds, exact, language, mdp, river
from mbpo_teach.figures.lengths import Frame, build
from mbpo_teach.figures.plate import Plate
from mbpo_teach.widgets.branches import best_policy, counted_model, idle_policy, twin_case
from mbpo_teach.widgets.lab import Lab, Slider, Switch, View

LONGEST = 200
MAX_EPS_M_PRIME = 0.2
MAX_EPS_PI = 0.5


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

    return Lab(controls, make_view)


def measure(*, twin: bool, k: int, eps_m_prime: float, eps_pi: float, gamma: float) -> Frame:
    """Return everything the lab shows, computed exactly."""
    world, model, policy, data_policy = case(
        twin=twin, eps_m_prime=eps_m_prime, eps_pi=eps_pi, gamma=gamma
    )
    lengths = np.arange(LONGEST + 1)
    errors = {"gamma": gamma, "eps_m_prime": eps_m_prime, "eps_pi": eps_pi}
    return Frame(
        k=k,
        branched=exact.branched_returns(world, model, policy, data_policy, max_length=LONGEST),
        penalty=bounds.branched_penalty_on_policy(lengths, r_max=world.r_max, **errors),
        tight=bounds.branched_penalty_tight(lengths, r_max=world.r_max, **errors),
        true_return=mdp.exact_return(world, policy),
        model_return=mdp.exact_return(world, policy, model),
        trivial=2 * world.r_max / (1 - gamma),
        best=bounds.best_rollout_length(**errors),
    )


def case(
    *, twin: bool, eps_m_prime: float, eps_pi: float, gamma: float
) -> tuple[mdp.TabularMDP, np.ndarray, np.ndarray, np.ndarray]:
    """Return world, model, policy and data policy with just these errors.

    The river's wrong model is the hopeful one, the twin's one counted from few steps.
    """
    if twin:
        world, data_policy = twin_case(1000, 0.0, gamma).world, idle_policy()
        target, wrong = best_policy(), counted_model(300)
    else:
        world, data_policy = river.river_swim(gamma=gamma), np.full((6, 2), 0.5)
        target, wrong = river.swim_right(), river.hopeful_model()
    policy = exact.mixture(data_policy, target, eps_pi / exact.policy_shift(target, data_policy))
    # Total variation is proportional to the share of a mixture.
    largest = exact.model_error(world, wrong, policy)
    return world, exact.mixture(world.transition, wrong, eps_m_prime / largest), policy, data_policy


def sentence(frame: Frame) -> str:
    """Return the sentence that states the frame's numbers, in the current language."""
    best, truly = frame.best, frame.truly_best
    return language.text(
        "lengths.say",
        true=frame.true_return,
        k=frame.k,
        branched=frame.branched[frame.k],
        gap=f"{frame.gap[frame.k]:.3g}",
        penalty=f"{frame.penalty[frame.k]:.4g}",
        best="∞" if np.isinf(best) else int(best),
        truly=truly,
        least=f"{frame.gap[truly]:.2g}",
        longest=LONGEST,
    )

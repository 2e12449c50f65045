"""The lab in which theorem 4.1 refuses every step away from the data. Taught in chapter 4.

On the exact lab's river the learner moves model error, policy shift and discount and watches the
model's gain as a share of C; beside it stand random MDPs, each with the policy that its model
likes best.
"""

from functools import cache

import numpy as np
from numpy.typing import ArrayLike

from mbpo_teach import bounds, exact, language, mdp
from mbpo_teach.figures.no_step import Frame, build
from mbpo_teach.figures.plate import Plate
from mbpo_teach.seeding import generator
from mbpo_teach.widgets.exact_lab import MAX_EPS_M, MAX_EPS_PI, river_case
from mbpo_teach.widgets.lab import Lab, Slider, View

_STEP = 0.01
_SHIFTS = np.arange(1, round(MAX_EPS_PI / _STEP) + 1) * _STEP


def no_step_lab(*, cases: int = 1500) -> Lab:
    """Return the lab, with `cases` random MDPs beside the river."""
    sliders = (
        Slider(name="eps_m", words="exact_lab.eps_m", low=0, high=MAX_EPS_M, step=0.01, value=0.02),
        Slider(
            name="eps_pi",
            words="exact_lab.eps_pi",
            low=_STEP,
            high=MAX_EPS_PI,
            step=_STEP,
            value=0.1,
        ),
        Slider(name="gamma", words="exact_lab.gamma", low=0, high=0.95, step=0.05, value=0.8),
    )

    def make_view() -> View:
        gains, ceilings = random_shares(cases)
        draw = build(shifts=_SHIFTS, random_gains=gains, random_ceilings=ceilings)

        def view(*, eps_m: float, eps_pi: float, gamma: float) -> tuple[Plate, str]:
            gain, bound = river_gains(eps_m=eps_m, gamma=gamma)
            ceiling = ceiling_share(gamma=gamma, eps_m=eps_m, eps_pi=_SHIFTS)
            here = round(eps_pi / _STEP) - 1
            said = language.text(
                "no_step.sentence",
                gain=gain[here],
                bound=bound[here],
                share=gain[here] / bound[here],
                ceiling=ceiling[here],
            )
            return draw(Frame(gain / bound, ceiling, here)), said

        return view

    return Lab(sliders, make_view)


def river_gains(*, eps_m: float, gamma: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the model's gain over the true return of the data policy, and C, each (shift,)."""
    world, model, data_policy, moved = river_case(eps_m=eps_m, gamma=gamma)
    start = mdp.exact_return(world, data_policy)
    gains = mdp.exact_returns(world, [moved(shift) for shift in _SHIFTS], model) - start
    bound = bounds.performance_bound(gamma=gamma, r_max=1, eps_m=eps_m, eps_pi=_SHIFTS)
    return gains, bound


def ceiling_share(*, gamma: float, eps_m: float, eps_pi: ArrayLike) -> np.ndarray:
    """Return lemma B.3's ceiling on the gain as a share of C.

    (gamma eps_m + eps_pi) / (gamma eps_m + 2 eps_pi): below one wherever eps_pi > 0.
    """
    shift = np.asarray(eps_pi)
    return np.asarray((gamma * eps_m + shift) / (gamma * eps_m + 2 * shift))


@cache
def random_shares(cases: int) -> tuple[np.ndarray, np.ndarray]:
    """Return gain / C and ceiling / C on random MDPs, each (case,).

    The policy moves towards the one that is greedy in the model, as an agent's would.
    """
    gains, ceilings = np.empty(cases), np.empty(cases)
    for case in range(cases):
        rng = generator(4, "no step", case)
        gamma = rng.uniform(0, 0.95)
        world = mdp.random_mdp(states=5, actions=3, gamma=gamma, rng=rng)
        wrong = rng.dirichlet(np.full(5, 0.3), size=(5, 3))
        model = exact.mixture(world.transition, wrong, rng.uniform())
        data_policy = rng.dirichlet(np.ones(3), size=5)
        values = mdp.state_values(world, data_policy, model)
        greedy = np.eye(3)[(world.reward + gamma * model @ values).argmax(axis=1)]
        policy = exact.mixture(data_policy, greedy, 10 ** rng.uniform(-3, 0))

        eps_m = exact.model_error(world, model, data_policy)
        eps_pi = exact.policy_shift(policy, data_policy)
        bound = bounds.performance_bound(gamma=gamma, r_max=world.r_max, eps_m=eps_m, eps_pi=eps_pi)
        gain = mdp.exact_return(world, policy, model) - mdp.exact_return(world, data_policy)
        gains[case] = gain / bound
        ceilings[case] = ceiling_share(gamma=gamma, eps_m=eps_m, eps_pi=eps_pi)
    return gains, ceilings

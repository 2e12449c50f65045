"""The figure at the centre of chapter 5: both forces of theorem 4.3 against the branch length.

By hand the reader sets the errors. As measured they are those of the tabular twin, exact, with a
model counted from its transitions: only there does a measured number enter a theorem.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mbpo_teach import bounds, exact, language, mdp
from mbpo_teach.figures.branches import Errors, Frame, build
from mbpo_teach.figures.plate import Plate
from mbpo_teach.seeding import generator
from mbpo_teach.twin import BINS, pendulum_twin
from mbpo_teach.widgets.lab import Choice, Lab, Slider, Switch, View

COUNTS = (1_000, 3_000, 10_000, 30_000, 100_000)
"""Transitions of the twin from which its model is counted."""

_IDLE = (0.1, 0.8, 0.1)  # the data policy of the twin: mostly no torque
_SHOWN_DIGITS = 4


class TwinCase(NamedTuple):
    """The twin with everything that the theorems ask of it, exact."""

    world: mdp.TabularMDP
    model: np.ndarray
    policy: np.ndarray
    data_policy: np.ndarray
    eps_m: float
    eps_m_prime: float


def branches_lab(arrays: Mapping[str, NDArray[Any]], *, world: str, size: int) -> Lab:
    """Return the lab.

    Parameters
    ----------
    arrays
        Chapter 3's record of `world`; drawn is e(k) along the same actions.
    size
        The data size of the model whose errors are drawn, one of the record's.
    """
    errors = measured_errors(arrays, size)
    longest = len(errors.middle)
    controls = (
        Switch(name="measured", words="branches.measured"),
        Slider(name="k", words="branches.k_slider", low=0, high=longest, step=1, value=5),
        Slider(name="eps_m", words="exact_lab.eps_m", low=0, high=0.3, step=0.005, value=0.01),
        Slider(name="slope", words="branches.slope", low=0, high=1, step=0.01, value=0),
        Slider(name="eps_pi", words="exact_lab.eps_pi", low=0, high=0.5, step=0.01, value=0.1),
        Slider(name="gamma", words="exact_lab.gamma", low=0, high=0.99, step=0.01, value=0.9),
        Choice(name="count", words="branches.count", options=COUNTS, value=30_000),
    )

    def make_view() -> View:
        draw = build(errors, world=world)

        def view(**values: Any) -> tuple[Plate, str]:
            frame, setting = measure(**values, longest=longest)
            said = [sentence(frame, setting, measured=values["measured"])]
            if frame.k > 0:
                said.append(_error_sentence(errors, frame.k, world))
            return draw(frame), language.join(said)

        return view

    return Lab(controls, make_view, locked=locked)


def locked(values: Mapping[str, Any]) -> dict[str, float]:
    """Return what is not the reader's to set: as measured, the model errors; else the count."""
    if not values["measured"]:
        return {"count": values["count"]}
    case = twin_case(values["count"], values["eps_pi"], values["gamma"])
    rise = case.eps_m_prime - case.eps_m
    slope = rise / values["eps_pi"] if values["eps_pi"] else 0.0
    return {"eps_m": round(case.eps_m, _SHOWN_DIGITS), "slope": round(slope, _SHOWN_DIGITS)}


def measure(
    *,
    measured: bool,
    k: int,
    eps_m: float,
    slope: float,
    eps_pi: float,
    gamma: float,
    count: float,
    longest: int,
) -> tuple[Frame, dict[str, float]]:
    """Return the frame and the numbers of the theorems: gamma, r_max, eps_m_prime, eps_pi.

    By hand eps_m' is eps_m + slope * eps_pi and r_max is 1. As measured, model errors, r_max and
    the gap are the twin's, computed anew and not read off the sliders, which round them.
    """
    ks = np.arange(longest + 1)
    if measured:
        case = twin_case(count, eps_pi, gamma)
        eps_m, eps_m_prime, r_max = case.eps_m, case.eps_m_prime, case.world.r_max
        returns = exact.branched_returns(
            case.world, case.model, case.policy, case.data_policy, max_length=longest
        )
        gap = np.abs(mdp.exact_return(case.world, case.policy) - returns)
    else:
        eps_m_prime = bounds.shifted_model_error(eps_m=eps_m, eps_pi=eps_pi, slope=slope)
        r_max, gap = 1.0, None
    setting = {"gamma": gamma, "r_max": r_max, "eps_m_prime": eps_m_prime, "eps_pi": eps_pi}
    shift_part = bounds.branched_penalty_on_policy(ks, **(setting | {"eps_m_prime": 0}))
    model_part = bounds.branched_penalty_on_policy(ks, **(setting | {"eps_pi": 0}))
    frame = Frame(
        k=k,
        shift_part=shift_part,
        model_part=model_part,
        tight=bounds.branched_penalty_tight(ks, **setting),
        pessimistic=bounds.branched_penalty(
            ks, gamma=gamma, r_max=r_max, eps_m=eps_m, eps_pi=eps_pi
        ),
        bound=bounds.performance_bound(gamma=gamma, r_max=r_max, eps_m=eps_m, eps_pi=eps_pi),
        trivial=2 * r_max / (1 - gamma),
        best=bounds.best_rollout_length(gamma=gamma, eps_m_prime=eps_m_prime, eps_pi=eps_pi),
        gap=gap,
    )
    return frame, setting


def sentence(frame: Frame, setting: Mapping[str, float], *, measured: bool) -> str:
    """Return the sentence about the lower panel, in the current language."""
    penalty = float(frame.penalty[frame.k])
    vacuous = bounds.penalty_is_vacuous(penalty, gamma=setting["gamma"], r_max=setting["r_max"])
    if np.isinf(frame.best):
        best = language.text("branches.say_endless")
    else:
        least = bounds.branched_penalty_on_policy(frame.best, **setting)
        best = language.text(
            "branches.say_best",
            best=int(frame.best),
            least=f"{least:.4g}",
            share=least / frame.trivial,
        )
    say = language.text(
        "branches.say",
        eps_m_prime=f"{setting['eps_m_prime']:.3g}",
        k=frame.k,
        penalty=f"{penalty:.4g}",
        shift=f"{frame.shift_part[frame.k]:.4g}",
        model=f"{frame.model_part[frame.k]:.4g}",
        share=penalty / frame.trivial,
        trivial=f"{frame.trivial:.4g}",
        verdict=language.text("branches.say_vacuous") if vacuous else "",
        tight=f"{frame.tight[frame.k]:.4g}",
        pessimistic=f"{frame.pessimistic[frame.k]:.4g}",
        bound=f"{frame.bound:.4g}",
        bound_share=frame.bound / frame.trivial,
    )
    said = [say, best]
    if measured:
        assert frame.gap is not None
        said.append(language.text("branches.say_gap", gap=f"{frame.gap[frame.k]:.3g}", k=frame.k))
    return language.join(said)


def measured_errors(arrays: Mapping[str, NDArray[Any]], size: int) -> Errors:
    """Return e(k) along the same actions, over the starts still running, from chapter 3's record.

    Raises
    ------
    ValueError
        If the record has no model of that data size.
    """
    found = np.flatnonzero(arrays["sizes"] == size)
    if len(found) == 0:
        raise ValueError(f"size must be one of {arrays['sizes'].tolist()}, not {size}")
    errors = arrays["actions.ensemble"][found[0]][:, 1:]
    low, middle, high = np.nanquantile(errors, (0.1, 0.5, 0.9), axis=0)
    apart = np.nanmedian(arrays["actions.disagreement"][found[0]], axis=0)[1:]
    return Errors(low=low, middle=middle, high=high, disagreement=apart)


def twin_case(count: float, eps_pi: float, gamma: float) -> TwinCase:
    """Return the twin with a model counted from `count` transitions and a policy shifted so far.

    The policy lies between the data policy and the twin's best one (at gamma = 0.9), so that
    eps_pi is exact.
    """
    twin, best = _twin()
    world = replace(twin, gamma=gamma)
    data_policy = idle_policy()
    share = min(1.0, eps_pi / exact.policy_shift(best, data_policy))
    policy = exact.mixture(data_policy, best, share)
    model = counted_model(int(count))
    return TwinCase(
        world=world,
        model=model,
        policy=policy,
        data_policy=data_policy,
        eps_m=exact.model_error(world, model, data_policy),
        eps_m_prime=exact.model_error(world, model, policy),
    )


def idle_policy() -> np.ndarray:
    """Return the data policy of the twin, (state, action): in every state mostly no torque."""
    return np.tile(_IDLE, (BINS**2, 1))


def best_policy() -> np.ndarray:
    """Return the twin's best policy at gamma = 0.9, (state, action)."""
    return _twin()[1]


@cache
def counted_model(count: int, seed: int = 5) -> np.ndarray:
    """Return the model counted from the first `count` steps of one walk of the idle policy."""
    states, actions, nexts = (column[:count] for column in _walk(seed))
    return mdp.count_model(states, actions, nexts, state_count=BINS**2, action_count=len(_IDLE))


@cache
def _walk(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return mdp.sample_transitions(
        _twin()[0], idle_policy(), count=COUNTS[-1], rng=generator(seed, "twin walk")
    )


@cache
def _twin() -> tuple[mdp.TabularMDP, np.ndarray]:
    twin = pendulum_twin(gamma=0.9)
    return twin, mdp.value_iteration(twin)[1]


def _error_sentence(errors: Errors, k: int, world: str) -> str:
    return language.text(
        "branches.say_error",
        world=world,
        k=k,
        error=f"{errors.middle[k - 1]:.2g}",
        disagreement=f"{errors.disagreement[k - 1]:.2g}",
    )

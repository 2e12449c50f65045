"""The figure at the centre of chapter 5: both forces of theorem 4.3 against the branch length.

In two steps: first the two parts of the penalty and k*, then every other bound beside them. By
hand the reader sets the errors. As measured they are those of the tabular twin, exact, with a model
counted from its transitions: only there does a measured number enter a theorem.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mbpo_teach.figures.branches import Errors, Frame, build, build_forces
from mbpo_teach.figures.explorer import number
from mbpo_teach.figures.plate import Plate
from mbpo_teach.ground import language
from mbpo_teach.theory import bounds, cases, exact
from mbpo_teach.widgets.lab import Choice, Lab, Slider, Switch, View

LONGEST = 50
_SHOWN_DIGITS = 4
_K = Slider(name="k", words="branches.k_slider", low=0, high=LONGEST, step=1, value=5)
_NAMED = {
    "branches.no_shift": {"eps_pi": 0.0},
    "branches.no_error": {"eps_m_prime": 0.0},
    "branches.far_sighted": {"gamma": 0.99},
}
_EPS_PI = Slider(name="eps_pi", words="exact_lab.eps_pi", low=0, high=0.5, step=0.01, value=0.1)
_GAMMA = Slider(name="gamma", words="exact_lab.gamma", low=0, high=0.99, step=0.01, value=0.9)


def forces_lab() -> Lab:
    """Return the first step: theorem 4.3's two parts and k*, all numbers set by hand."""
    controls = (
        _K,
        Slider(
            name="eps_m_prime", words="lengths.eps_m_prime", low=0, high=0.3, step=0.005, value=0.01
        ),
        _EPS_PI,
        _GAMMA,
    )

    def make_view() -> View:
        draw = build_forces(longest=LONGEST)

        def view(*, eps_m_prime: float, **values: Any) -> tuple[Plate, str]:
            # Without a slope eps_m' is eps_m.
            values |= {"measured": False, "eps_m": eps_m_prime, "slope": 0.0, "count": 0}
            frame, setting = measure(**values, longest=LONGEST)
            return draw(frame), language.join(forces_sentences(frame, setting))

        return view

    return Lab(controls, make_view, settings=_NAMED, plays=["k"])


def branches_lab(arrays: Mapping[str, NDArray[Any]], *, world: str, size: int) -> Lab:
    """Return the second step: the other bounds beside theorem 4.3, and a measured error above.

    Parameters
    ----------
    arrays
        Chapter 3's record of `world`; drawn is e(k) along the same actions.
    size
        The data size of the model whose errors are drawn, one of the record's.
    """
    errors = measured_errors(arrays, size)
    controls = (
        Switch(name="measured", words="branches.measured"),
        _K,
        Slider(name="eps_m", words="exact_lab.eps_m", low=0, high=0.3, step=0.005, value=0.01),
        Slider(name="slope", words="branches.slope", low=0, high=1, step=0.01, value=0),
        _EPS_PI,
        _GAMMA,
        Choice(name="count", words="branches.count", options=cases.COUNTS, value=30_000),
    )

    def make_view() -> View:
        draw = build(errors, world=world)

        def view(**values: Any) -> tuple[Plate, str]:
            frame, setting = measure(**values, longest=LONGEST)
            said = [sentence(frame, setting, measured=values["measured"])]
            if frame.k > 0:
                said.append(_error_sentence(errors, frame.k, world))
            return draw(frame), language.join(said)

        return view

    return Lab(controls, make_view, locked=locked, plays=["k"])


def locked(values: Mapping[str, Any]) -> dict[str, float]:
    """Return what is not the reader's to set: as measured, the model errors; else the count."""
    if not values["measured"]:
        return {"count": values["count"]}
    case = cases.twin_case(
        count=int(values["count"]), eps_pi=values["eps_pi"], gamma=values["gamma"]
    )
    shown = {"eps_m": case.eps_m, "slope": case.slope}
    return {name: round(value, _SHOWN_DIGITS) for name, value in shown.items()}


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
        case = cases.twin_case(count=int(count), eps_pi=eps_pi, gamma=gamma)
        eps_m, eps_m_prime, r_max = case.eps_m, case.eps_m_prime, case.world.r_max
        gap = exact.branched_gaps(
            case.world, case.model, case.policy, case.data_policy, max_length=longest
        )
    else:
        eps_m_prime = bounds.shifted_model_error(eps_m=eps_m, eps_pi=eps_pi, slope=slope)
        r_max, gap = 1.0, None
    setting = {"gamma": gamma, "r_max": r_max, "eps_m_prime": eps_m_prime, "eps_pi": eps_pi}
    shift_part, model_part = bounds.branched_terms(ks, **setting)
    frame = Frame(
        k=k,
        shift_part=shift_part,
        model_part=model_part,
        tight=bounds.branched_penalty_tight(ks, **setting),
        pessimistic=bounds.branched_penalty(
            ks, gamma=gamma, r_max=r_max, eps_m=eps_m, eps_pi=eps_pi
        ),
        whole=bounds.whole_rollout_penalty(gamma=gamma, r_max=r_max, eps_m_prime=eps_m_prime),
        bound=bounds.performance_bound(gamma=gamma, r_max=r_max, eps_m=eps_m, eps_pi=eps_pi),
        trivial=bounds.trivial_level(gamma=gamma, r_max=r_max),
        best=bounds.best_rollout_length(gamma=gamma, eps_m_prime=eps_m_prime, eps_pi=eps_pi),
        gap=gap,
    )
    return frame, setting


def forces_sentences(frame: Frame, setting: Mapping[str, float]) -> list[str]:
    """Return what is said of theorem 4.3's penalty and of k*, in the current language."""
    penalty = float(frame.penalty[frame.k])
    vacuous = bounds.penalty_is_vacuous(penalty, gamma=setting["gamma"], r_max=setting["r_max"])
    say = language.text(
        "branches.say",
        eps_m_prime=f"{setting['eps_m_prime']:.3g}",
        k=frame.k,
        penalty=number(penalty),
        shift=number(frame.shift_part[frame.k]),
        model=number(frame.model_part[frame.k]),
        share=penalty / frame.trivial,
        trivial=number(frame.trivial),
        verdict=language.text("branches.say_vacuous") if vacuous else "",
    )
    if np.isinf(frame.best):
        return [say, language.text("branches.say_endless")]
    least = bounds.branched_penalty_on_policy(frame.best, **setting)
    best = language.text(
        "branches.say_best",
        best=int(frame.best),
        least=number(least),
        share=least / frame.trivial,
    )
    return [say, best]


def sentence(frame: Frame, setting: Mapping[str, float], *, measured: bool) -> str:
    """Return the sentence about the lower panel, in the current language."""
    others = language.text(
        "branches.say_others",
        whole=number(frame.whole),
        whole_share=frame.whole / frame.trivial,
        tight=number(frame.tight[frame.k]),
        pessimistic=number(frame.pessimistic[frame.k]),
        bound=number(frame.bound),
        bound_share=frame.bound / frame.trivial,
    )
    said = [language.join(forces_sentences(frame, setting)) + "\n" + others]
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


def _error_sentence(errors: Errors, k: int, world: str) -> str:
    return language.text(
        "branches.say_error",
        world=world,
        k=k,
        error=f"{errors.middle[k - 1]:.2g}",
        disagreement=f"{errors.disagreement[k - 1]:.2g}",
    )

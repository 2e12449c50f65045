"""The bound explorer as a still picture and a sentence, for readers without a running browser page.

``widgets/bound_explorer.js`` computes and draws the same in the browser, from the same words and
on the same scales; this module is the copy that a notebook carries. Taught in chapters 4 and 5.
"""

import math
import re
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Context, Decimal
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mbpo_teach.figures import style
from mbpo_teach.ground import language
from mbpo_teach.theory import bounds

Values = Mapping[str, float]
"""gamma, r_max, eps_m, eps_m_prime, eps_pi and k."""

LONGEST = 100
_TOP = 1000
_LINEAR_SHARE = 0.6
_SHIFT_UNIT = 0.001


def number(x: float) -> str:
    """Return `x` to four significant digits, whole from 1000 on, as the browser writes it."""
    if x == math.inf:
        return "∞"
    if x >= 1000:
        return f"{math.floor(x + 0.5):,}"
    if 0 < x < 1e-4:
        return "<0.0001"
    digits = Context(prec=4, rounding=ROUND_HALF_UP).create_decimal(Decimal(x))
    return f"{float(digits):g}"


def numbers(values: Values) -> dict[str, float]:
    """Return everything the explorer shows, in units of return or as ratios to the trivial level.

    `bound` is C, `first` and `second` its terms, `trivial` the trivial level,
    `threshold` the policy shift from which C is vacuous, `best` k*, `least` theorem 4.3's penalty
    there, `branched`, `on_policy`, `tight` the three penalties at `k`, and `whole` that of whole
    rollouts with the same eps_m'.
    """
    gamma, r_max, k = values["gamma"], values["r_max"], values["k"]
    data = {name: values[name] for name in ("gamma", "r_max", "eps_m", "eps_pi")}
    on_policy = {name: values[name] for name in ("gamma", "r_max", "eps_m_prime", "eps_pi")}
    first, second = bounds.bound_terms(**data)
    bound = bounds.performance_bound(**data)
    best = bounds.best_rollout_length(
        gamma=gamma, eps_m_prime=values["eps_m_prime"], eps_pi=values["eps_pi"]
    )
    least = 0.0 if best == math.inf else bounds.branched_penalty_on_policy(best, **on_policy)
    trivial = bounds.trivial_level(gamma=gamma, r_max=r_max)
    whole = bounds.whole_rollout_penalty(
        gamma=gamma, r_max=r_max, eps_m_prime=values["eps_m_prime"]
    )
    return {
        "bound": bound,
        "first": first,
        "second": second,
        "trivial": trivial,
        "best": best,
        "least": least,
        "ratio": bound / trivial,
        "least_ratio": least / trivial,
        "threshold": bounds.vacuity_threshold(gamma=gamma, eps_m=values["eps_m"]),
        "branched": bounds.branched_penalty(k, **data),
        "on_policy": bounds.branched_penalty_on_policy(k, **on_policy),
        "tight": bounds.branched_penalty_tight(k, **on_policy),
        "whole": whole,
        "whole_ratio": whole / trivial,
    }


def sentences(values: Values) -> tuple[str, str]:
    """Return the live sentence and the other numbers, in the current language."""
    shown = numbers(values)
    gamma, r_max = values["gamma"], values["r_max"]
    vacuous = bounds.is_vacuous(gamma=gamma, eps_m=values["eps_m"], eps_pi=values["eps_pi"])
    least_vacuous = bounds.penalty_is_vacuous(shown["least"], gamma=gamma, r_max=r_max)
    if shown["best"] == math.inf:
        best = "say_endless"
    else:
        best = "say_best_vacuous" if least_vacuous else "say_best"
    first = ("say_bound", "say_vacuous" if vacuous else "say_informative", best)
    more = ("say_penalties_zero" if values["k"] == 0 else "say_penalties", "say_whole")
    said = {name: number(x) for name, x in {**values, **shown}.items()}
    one, other = (
        language.join(language.text(f"explorer.{key}", **said) for key in keys)
        for keys in (first, more)
    )
    return one, other


def sentence(values: Values) -> str:
    """Return both as one text, as a notebook keeps it."""
    return language.join(sentences(values))


def draw(values: Values) -> Figure:
    """Return the two panels for the given values, in the current language."""
    shown = numbers(values)
    with style.style():
        figure = Figure(figsize=(9.2, 4.2))
        left, right = figure.subplots(1, 2, sharey=True)
        _draw_shift(left, values, shown)
        _draw_length(right, values, shown)
    return figure


def _draw_shift(axes: Axes, values: Values, shown: dict[str, float]) -> None:
    """Draw C's two terms, one on the other, against policy shift."""
    shifts = _SHIFT_UNIT * np.sinh(np.linspace(0, np.arcsinh(1 / _SHIFT_UNIT), 97))
    first, second = bounds.bound_terms(
        gamma=values["gamma"], r_max=values["r_max"], eps_m=values["eps_m"], eps_pi=shifts
    )
    lower, total = second / shown["trivial"], (first + second) / shown["trivial"]
    axes.set_xscale("asinh", linear_width=_SHIFT_UNIT)
    axes.set_xlim(0, 1)
    ticks = [0, 0.001, 0.01, 0.1, 1]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_xticks([], minor=True)
    _frame(axes, title="left", axis="shift_axis")
    upper_area = axes.fill_between(shifts, lower, total, color=style.ORANGE, alpha=0.75, lw=0)
    lower_area = axes.fill_between(shifts, 0, lower, color=style.SKY, alpha=0.75, lw=0)
    axes.plot(shifts, lower, color=style.BLACK, lw=1, ls=":")
    axes.plot(shifts, total, color=style.BLACK, lw=2)
    figure_words = [_words("first_term"), _words("second_term")]
    axes.legend(
        [upper_area, lower_area],
        figure_words,
        loc="lower left",
        bbox_to_anchor=(-0.03, 1.07),
        borderpad=0,
        ncols=2,
        handlelength=0.8,
        columnspacing=1,
    )
    axes.text(0.00012, 1.15, _words("trivial", trivial=number(shown["trivial"])), **_HALO)
    axes.text(0.00012, 0.6 * _TOP, _words("vacuous"), va="top", **_HALO)
    if shown["threshold"] > 0:
        axes.plot([shown["threshold"]] * 2, [0, 1], color=style.BLACK, lw=1, ls=":")
        side = _beside(float(_along(shown["threshold"])), 4)
        said = _words("threshold", threshold=number(shown["threshold"]))
        axes.annotate(said, (shown["threshold"], 0.03), **side, **_HALO)
    axes.axvline(values["eps_pi"], color=style.BLACK, lw=1.5)
    axes.plot(values["eps_pi"], shown["ratio"], "o", color=style.BLACK, clip_on=False, zorder=5)
    said = _words(
        "here",
        eps_pi=number(values["eps_pi"]),
        bound=number(shown["bound"]),
        ratio=number(shown["ratio"]),
    )
    _above(axes, values["eps_pi"], float(_along(values["eps_pi"])), said, row=0)


def _draw_length(axes: Axes, values: Values, shown: dict[str, float]) -> None:
    """Draw the penalties of theorems 4.2 and 4.3, tight variant and whole rollouts against k."""
    lengths = np.arange(LONGEST + 1)
    data = {name: values[name] for name in ("gamma", "r_max", "eps_m", "eps_pi")}
    on_policy = {name: values[name] for name in ("gamma", "r_max", "eps_m_prime", "eps_pi")}
    # The solid curve lies lowest, so that dashes show where two curves are one.
    curves = (
        ("on_policy", style.BLUE, "-", 0, bounds.branched_penalty_on_policy(lengths, **on_policy)),
        ("branched", style.RED, "--", 0, bounds.branched_penalty(lengths, **data)),
        ("tight", style.GREEN, "-.", 1, bounds.branched_penalty_tight(lengths, **on_policy)),
        ("whole", style.ORANGE, ":", 0, np.full(len(lengths), shown["whole"])),
    )
    axes.set_xlim(0, LONGEST)
    _frame(axes, title="right", axis="length_axis")
    k, best = int(values["k"]), shown["best"]
    axes.axvline(k, color=style.BLACK, lw=1.5)
    ends = []
    for name, color, line_style, start, penalty in curves:
        ratio = penalty / shown["trivial"]
        axes.plot(lengths[start:], ratio[start:], color=color, ls=line_style, lw=2.2)
        if k >= start:
            axes.plot(k, shown[name] / shown["trivial"], "o", color=color, clip_on=False, zorder=5)
        ends.append(float(_up(ratio[-1])))
    for (name, color, *_), end, spot in zip(curves, ends, _apart(ends, 0.055), strict=True):
        axes.annotate(
            _words(name),
            (1.005, end),
            (1.035, spot),
            xycoords="axes fraction",
            va="center",
            arrowprops={"arrowstyle": "-", "color": color, "shrinkA": 1, "shrinkB": 0},
        )
    axes.text(LONGEST - 1, 0.6 * _TOP, _words("vacuous"), va="top", ha="right", **_HALO)
    said = _words("here_k", k=str(k), ratio=number(shown["on_policy"] / shown["trivial"]))
    _above(axes, k, k / LONGEST, said, row=0)
    # k* beyond the axis, or infinite, is named at the edge with an arrow, not drawn on it.
    if best <= LONGEST:
        axes.axvline(best, color=style.BLUE, lw=1, ls="--")
        mark: dict[str, Any] = {"marker": "D", "mfc": "white", "mec": style.BLUE, "mew": 2, "ms": 7}
        axes.plot(best, shown["least_ratio"], clip_on=False, zorder=6, **mark)
        said = _words("here_best", best=f"{best:g}", ratio=number(shown["least_ratio"]))
    else:
        said = f"k* = {number(best)} →"
    _above(axes, min(best, LONGEST), min(best, LONGEST) / LONGEST, said, row=1)


_HALO: dict[str, Any] = {
    "path_effects": [patheffects.withStroke(linewidth=3, foreground="white")],
    "fontsize": 9,
}


def _frame(axes: Axes, *, title: str, axis: str) -> None:
    """Set what does not move: scale, ticks, the vacuous region, title and the axis' name."""
    axes.set_yscale("function", functions=(_up, _down))
    axes.set_ylim(0, _TOP)
    ticks = [0, 0.25, 0.5, 0.75, 1, 10, 100, 1000]
    axes.set_yticks(ticks, [f"{tick:g}×" for tick in ticks])
    axes.axhspan(1, _TOP, color=style.BLACK, alpha=0.07, lw=0)
    axes.axhline(1, color=style.BLACK, lw=1, ls=":")
    axes.grid(axis="y", alpha=0.25)
    axes.set_xlabel(_words(axis))
    axes.set_title(_words(title), pad=36, x=-0.03)


def _up(ratio: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Return the height, in shares of the axis: linear up to 1, logarithmic above."""
    ratio = np.asarray(ratio, float)
    above = np.log(np.maximum(ratio, 1)) / np.log(_TOP)
    return np.where(ratio <= 1, _LINEAR_SHARE * ratio, _LINEAR_SHARE + (1 - _LINEAR_SHARE) * above)


def _down(height: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Invert :func:`_up`."""
    height = np.asarray(height, float)
    above = (height - _LINEAR_SHARE) / (1 - _LINEAR_SHARE)
    return np.where(height <= _LINEAR_SHARE, height / _LINEAR_SHARE, np.exp(above * np.log(_TOP)))


def _along(shift: float) -> float:
    """Return the place of a policy shift in shares of its axis: logarithmic, but through zero."""
    return math.asinh(shift / _SHIFT_UNIT) / math.asinh(1 / _SHIFT_UNIT)


def _beside(share: float, gap: float) -> dict[str, Any]:
    """Return where to put words about a vertical line so that they stay inside the panel."""
    right_half = share > 0.5
    return {
        "xytext": (-gap if right_half else gap, 0),
        "textcoords": "offset points",
        "ha": "right" if right_half else "left",
    }


def _above(axes: Axes, x: float, share: float, said: str, *, row: int) -> None:
    """Write the label of a vertical line above the panel."""
    side = _beside(share, 0)
    side["xytext"] = (0, 4 + 13 * row)
    axes.annotate(said, (x, 1), xycoords=("data", "axes fraction"), **side)


def _apart(heights: list[float], gap: float) -> list[float]:
    """Move labels at the given heights at least `gap` apart, keeping their order."""
    spots = list(heights)
    order = sorted(range(len(heights)), key=heights.__getitem__)
    for below, above in pairwise(order):
        spots[above] = max(spots[above], spots[below] + gap)
    return spots


def _words(key: str, **values: str) -> str:
    """Return the explorer's words with "x_y" as mathematics."""
    words = style.words(f"explorer.{key}", **values)
    return re.sub(r"(ε|r)_(max|m′|m|π)", _as_mathematics, words)


def _as_mathematics(match: re.Match[str]) -> str:
    letter = {"ε": r"\varepsilon", "r": "r"}[match[1]]
    below = {"max": r"\mathrm{max}", "m′": "m'", "m": "m", "π": r"\pi"}[match[2]]
    return f"${letter}_{{{below}}}$"

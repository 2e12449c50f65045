"""The curve with a gap: a network's band, an ensemble's two deviations, limits of log-variance.

Drawn for chapter 2.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from mbpo_teach.figures import sheet, style
from mbpo_teach.figures.axes import legend_below
from mbpo_teach.figures.plate import Draw, drawing
from mbpo_teach.figures.still import Still
from mbpo_teach.figures.style import words
from mbpo_teach.model.curves import EDGE, GAP, Points, curve, inside, noise_deviation
from mbpo_teach.model.dynamics import HIGHEST_LOG_VAR, LOWEST_LOG_VAR
from mbpo_teach.nets.gaussian import soft_clamp

_HIGHEST = 3.4
_MOST_SPREAD = 1.5


def one_network(points: Points, grid: Tensor, mean: Tensor, deviation: Tensor) -> Still:
    """Show data (batch, 1) and one network's mean and deviation, both (grid,), with the truth."""
    x = grid.numpy()
    with style.style():
        figure = Figure(figsize=(7.2, 3.6))
        axes = figure.subplots()
        _curve_axes(axes, grid)
        axes.fill_between(
            x, (mean - 2 * deviation).numpy(), (mean + 2 * deviation).numpy(),
            color=style.ORANGE, alpha=0.35, lw=0, label=words("curve.band_one"),
        )  # fmt: skip
        axes.plot(x, mean.numpy(), color=style.BLUE, label=words("curve.mean"))
        axes.plot(
            points.x.numpy(), points.y.numpy(), "o", color=style.BLACK, ms=2.5,
            label=words("curve.data"),
        )  # fmt: skip
        axes.legend(loc="upper left", ncols=2)
    in_gap = inside(grid, GAP)
    said = words(
        "curve.one_say",
        count=len(points.x),
        worst=(mean - curve(grid)).abs()[in_gap].max(),
        deviation=deviation[in_gap].mean(),
    )
    return Still(figure, said)


class SpreadFrame(NamedTuple):
    """Data, and what an ensemble makes of them on the grid; the last four (grid,).

    `true_noise` is the deviation of the data's noise, `aleatoric` what the ensemble takes it for,
    `epistemic` the deviation of its members' means.
    """

    points: Points
    mean: Tensor
    true_noise: Tensor
    aleatoric: Tensor
    epistemic: Tensor


def build_spread(grid: Tensor) -> Draw[SpreadFrame]:
    """Return a function that draws one frame: data, mean and bands beside the two spreads."""
    x = grid.numpy()
    with style.style():
        figure, (left, right) = sheet.beside(9.6, 4.2, ratios=(1.2, 1))
        _curve_axes(left, grid)
        blank = torch.zeros_like(grid).numpy()
        outer = left.fill_between(x, blank, blank, color=style.BLUE, alpha=0.25, lw=0)
        inner = left.fill_between(x, blank, blank, color=style.ORANGE, alpha=0.45, lw=0)
        (mean_line,) = left.plot(x, blank, color=style.BLUE)
        (dots,) = left.plot([], [], "o", color=style.BLACK, ms=2.5)
        outer.set_label(words("curve.band_both"))
        inner.set_label(words("curve.band_noise"))
        legend_below(left, 0.04, 0.15, ncols=sheet.columns(2, 9.6), handlelength=1.4)
        _shade_no_data(right, x)
        _name_gap(right, at_top=True)
        looks = {
            "true_noise": (style.BLACK, ":"),
            "aleatoric": (style.ORANGE, "--"),
            "epistemic": (style.BLUE, "-"),
        }
        lines = [
            right.plot(x, blank, dashes, color=colour, lw=1.8, label=words(f"curve.{name}"))[0]
            for name, (colour, dashes) in looks.items()
        ]
        right.set(xlim=(x[0], x[-1]), ylim=(0, _MOST_SPREAD))
        right.set_xlabel("$x$")
        right.set_title(words("curve.spread_title"))
        legend_below(right, 0.04, 0.15, ncols=sheet.columns(2, 9.6), handlelength=1.8)

    def move(frame: SpreadFrame) -> None:
        points, mean, true_noise, noisy, unsure = frame
        both = (noisy**2 + unsure**2).sqrt()
        outer.set_data(x, (mean - 2 * both).numpy(), (mean + 2 * both).numpy())
        inner.set_data(x, (mean - 2 * noisy).numpy(), (mean + 2 * noisy).numpy())
        mean_line.set_ydata(mean.numpy())
        dots.set_data(points.x[:, 0].numpy(), points.y[:, 0].numpy())
        for line, values in zip(lines, (true_noise, noisy, unsure), strict=True):
            line.set_ydata(values.numpy())

    return drawing(figure, ([outer, inner, mean_line, dots, *lines], move))


def limits_picture(grid: Tensor, deviations: Mapping[str, Tensor], noise: float) -> Still:
    """Show deviations (network, grid) by the kind of limits, far beyond the data.

    The kinds are ``"none"``, ``"fixed"`` and ``"trained"``, a panel each; the axis is logarithmic.
    """
    x = grid.numpy()
    on_data = (abs(x) <= EDGE) & ~inside(grid, GAP).numpy()
    true = noise_deviation(grid, noise).numpy()[on_data]
    with style.style():
        figure = Figure(figsize=(9.6, 3.3))
        for axes, (kind, deviation) in zip(
            figure.subplots(1, 3, sharey=True), deviations.items(), strict=True
        ):
            _shade_no_data(axes, x)
            axes.semilogy(x, deviation.T.numpy(), color=style.BLUE, lw=1)
            axes.plot(x[on_data], true, "o", color=style.ORANGE, ms=2.5)
            axes.set(xlim=(x[0], x[-1]), ylim=(1e-3, 1e3))  # without limits lines leave any axis
            axes.set_title(words(f"limits.{kind}"))
            axes.set_xlabel("$x$")
        figure.axes[0].set_ylabel(words("limits.deviation"))
    spans = {
        f"{kind}_{end}": float(pick(deviation))
        for kind, deviation in deviations.items()
        for end, pick in (("low", torch.min), ("high", torch.max))
    }
    return Still(figure, words("limits.far_say", **spans))


def clamp_picture(hard: Tensor, soft: Tensor, truth: float) -> Still:
    """Show both clamps, and the deviations (step, network) that training behind them gives."""
    raw = torch.linspace(-16, 8, 241)[:, None]
    limits = torch.tensor([LOWEST_LOG_VAR]), torch.tensor([HIGHEST_LOG_VAR])
    with style.style():
        figure = Figure(figsize=(9.4, 3.6))
        left, right = figure.subplots(1, 2, width_ratios=(1, 1.25))
        for name, bent, look in (
            ("soft", soft_clamp(raw, *limits), {"color": style.BLUE, "lw": 2.0}),
            ("hard", raw.clamp(*limits), {"color": style.RED, "lw": 1.5, "ls": "--"}),
        ):
            left.plot(raw.numpy(), bent.numpy(), label=words(f"limits.{name}"), **look)
        left.set_xlabel(words("limits.raw"))
        left.set_ylabel(words("limits.log_var"))
        left.legend(loc="lower right")
        right.semilogy(hard.numpy(), "--", color=style.RED, lw=1.2)
        right.semilogy(soft.numpy(), color=style.BLUE, lw=1.2)
        right.axhline(truth, color=style.BLACK, linestyle=":")
        right.set_ylim(truth / 2, 3)
        right.set_xlabel(words("limits.step"))
        right.set_ylabel(words("limits.deviation"))
    found = {
        f"{name}_back": int((deviations[-1] < 2 * truth).sum())
        for name, deviations in (("hard", hard), ("soft", soft))
    }
    said = words("limits.clamp_say", networks=hard.shape[1], steps=len(hard), truth=truth, **found)
    return Still(figure, said)


def _curve_axes(axes: Axes, grid: Tensor) -> None:
    x, y = grid.numpy(), curve(grid).numpy()
    _shade_no_data(axes, x)
    _name_gap(axes)
    axes.plot(x, y, "--", color=style.GREEN, lw=1.5, label=words("curve.truth"))
    axes.set(xlim=(x[0], x[-1]), ylim=(-_HIGHEST, _HIGHEST))
    axes.set_xlabel("$x$")
    axes.set_ylabel("$y$", rotation=0)


def _shade_no_data(axes: Axes, x: np.ndarray) -> None:
    """Shade what has no data between the ends of `x`: the gap, and beyond the edges."""
    for start, end in ((x[0], -EDGE), GAP, (EDGE, x[-1])):
        axes.axvspan(start, end, color=style.GREY, alpha=0.18, lw=0)


def _name_gap(axes: Axes, *, at_top: bool = False) -> None:
    axes.text(
        sum(GAP) / 2, 0.98 if at_top else 0.02, words("curve.gap"), fontsize=9, color=style.DARK,
        transform=axes.get_xaxis_transform(), ha="center", va="top" if at_top else "bottom",
    )  # fmt: skip

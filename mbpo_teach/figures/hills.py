"""The hill and the peak: which policy is best at each temperature, and how a temperature is found.

Drawn for chapter 6.
"""

from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator

from mbpo_teach.figures import sheet, style
from mbpo_teach.figures.axes import legend_below, plain_log
from mbpo_teach.figures.plate import Draw, drawing
from mbpo_teach.figures.style import words
from mbpo_teach.learner.hills import ACTIONS, Kind, action_value

LEAST_ENTROPY, MOST_ENTROPY = -3.2, 0.9


class TemperatureFrame(NamedTuple):
    """The `place` of the present temperature, and two densities on the hills' actions (action,).

    `soft` is that of the best policy of any shape, `tanh` that of the best tanh-Gaussian.
    """

    place: int
    soft: np.ndarray
    tanh: np.ndarray


def build_temperature(temperatures: np.ndarray, soft: Kind, tanh: Kind) -> Draw[TemperatureFrame]:
    """Return a function that draws one frame: the two best policies at one of `temperatures`."""
    x = ACTIONS.numpy()
    with style.style():
        figure, left, upper, lower = sheet.one_and_two(9.8, 4.5)
        _value_axes(left)
        blank = np.zeros_like(x)
        area = left.fill_between(
            x, blank, blank, color=style.SKY, alpha=0.5, lw=0, label=words("hills.soft")
        )
        (line,) = left.plot(x, blank, color=style.RED, lw=2, label=words("hills.tanh"))
        legend_below(left, 0.02, 0.12, ncols=sheet.columns(2, 9.8), handlelength=1.6)
        dots = _dots(upper, temperatures, _objectives(upper, temperatures, soft, tanh))
        dots += _dots(lower, temperatures, _entropies(lower, temperatures, soft, tanh))
        # In the upper panel it ends below the legend.
        here = [
            axes.axvline(1, ymax=top, color=style.BLACK, lw=1, ls=":")
            for axes, top in ((upper, 0.82), (lower, 1))
        ]

    def move(frame: TemperatureFrame) -> None:
        # Both on one scale: the higher one is as high as the peak.
        scale = 1.3 / max(frame.soft.max(), frame.tanh.max())
        area.set_data(x, blank, scale * frame.soft)
        line.set_ydata(scale * frame.tanh)
        for rule in here:
            rule.set_xdata([temperatures[frame.place]] * 2)
        for dot, values in dots:
            dot.set_data([temperatures[frame.place]], [values[frame.place]])

    return drawing(figure, ([area, line, *here, *(dot for dot, _ in dots)], move))


def _value_axes(axes: Axes) -> None:
    x = ACTIONS.numpy()
    axes.plot(x, action_value(ACTIONS).numpy(), color=style.BLACK, lw=1.6, label="$Q(a)$")
    axes.set(xlim=(-1, 1), ylim=(0, 1.45))
    axes.set_xlabel(words("hills.action"))
    axes.set_title(words("hills.policy_title"))


_Curve = tuple[np.ndarray, str, str]  # values, colour, line style


def _objectives(axes: Axes, temperatures: np.ndarray, soft: Kind, tanh: Kind) -> list[_Curve]:
    curves = [
        (soft.objective, style.BLUE, "--", "$\\alpha\\,\\log Z$"),
        (tanh.objective, style.RED, "-", "$E[Q]+\\alpha H$"),
        (tanh.value, style.ORANGE, "-.", "$E[Q]$"),
    ]
    for values, colour, dashes, label in curves:
        axes.plot(temperatures, values, dashes, color=colour, lw=1.7, label=label)
    axes.set(ylim=(0.4, 2.1))
    axes.set_title(words("hills.objective_title"))
    axes.legend(loc="upper left", ncols=3, handlelength=1.8, columnspacing=1.2)
    axes.tick_params(labelbottom=False)
    return [(values, colour, dashes) for values, colour, dashes, _ in curves]


def _entropies(axes: Axes, temperatures: np.ndarray, soft: Kind, tanh: Kind) -> list[_Curve]:
    axes.axhline(np.log(2), color=style.GREY, lw=1)
    axes.text(
        0.98, np.log(2), words("hills.uniform"), transform=axes.get_yaxis_transform(),
        ha="right", va="bottom", color=style.DARK, fontsize=9,
    )  # fmt: skip
    curves = [(soft.entropy, style.BLUE, "--"), (tanh.entropy, style.RED, "-")]
    for values, colour, dashes in curves:
        axes.plot(temperatures, values, dashes, color=colour, lw=1.7)
    axes.set(ylim=(LEAST_ENTROPY, 1.3))
    axes.set_title(words("hills.entropy_title"))
    temperature_axis(axes, temperatures)
    return curves


def _dots(
    axes: Axes, temperatures: np.ndarray, curves: list[_Curve]
) -> list[tuple[Line2D, np.ndarray]]:
    return [
        (axes.plot(temperatures[0], values[0], "o", color=colour, mec=style.WHITE, ms=8)[0], values)
        for values, colour, _ in curves
    ]


def temperature_axis(axes: Axes, temperatures: np.ndarray) -> None:
    """Make the x-axis one of temperatures, logarithmic, with plain numbers."""
    axes.set_xscale("log")
    axes.set_xlim(temperatures[0], temperatures[-1])
    plain_log(axes.xaxis, FixedLocator([0.02, 0.05, 0.1, 0.2, 0.5, 1, 2]))
    axes.set_xlabel(words("hills.temperature_axis"))


class TargetFrame(NamedTuple):
    """The `target`, and `temperature` and `entropy` at every step, both (step,)."""

    target: float
    temperature: np.ndarray
    entropy: np.ndarray


def build_target(
    held: tuple[np.ndarray, np.ndarray], best: tuple[np.ndarray, np.ndarray], *, steps: int
) -> Draw[TargetFrame]:
    """Return a function that draws one frame: the way to a target entropy.

    `held` and `best` are curves, temperatures and entropies, both (temperature,): where an actor's
    steps end at a temperature that is held, and of the best tanh-Gaussian.
    """
    with style.style():
        figure, left, upper, lower = sheet.one_and_two(9.8, 4.5)
        left.plot(*_broken(*held), color=style.BLUE, lw=2, label=words("target.held"))
        left.plot(*_broken(*best), ":", color=style.GREY, lw=1.8, label=words("target.best"))
        (path,) = left.plot([], [], "-", color=style.RED, lw=1, marker="o", ms=3.5, markevery=25,
                            label=words("target.path"))  # fmt: skip
        (end,) = left.plot([], [], "*", color=style.RED, mec=style.WHITE, ms=16, zorder=5,
                           label=words("target.end"))  # fmt: skip
        left.set(ylim=(LEAST_ENTROPY, MOST_ENTROPY))
        left.set_ylabel(words("hills.entropy_axis"))
        left.set_title(words("target.title"))
        temperature_axis(left, best[0])
        blank = np.ones(steps + 1)
        (hot,) = upper.plot(blank, color=style.RED, lw=1.7)
        upper.set(xlim=(0, steps), yscale="log", ylim=(best[0][0], best[0][-1]))
        plain_log(upper.yaxis, FixedLocator([0.02, 0.1, 0.5, 2]))
        upper.set_title(words("target.temperature_title"))
        upper.tick_params(labelbottom=False)
        (random,) = lower.plot(blank, color=style.RED, lw=1.7)
        lower.set(ylim=(LEAST_ENTROPY, MOST_ENTROPY))
        lower.set_title(words("hills.entropy_title"))
        lower.set_xlabel(words("target.step"))
        goals = [axes.axhline(0, color=style.BLACK, lw=1.2, ls="--") for axes in (left, lower)]
        goals[0].set_label(words("target.target"))
        down = (
            0.2 if sheet.is_narrow(9.8) else 0.14
        )  # of a lower panel the name takes a larger share
        legend_below(left, 0.02, down, ncols=sheet.columns(2, 9.8), handlelength=1.8)

    def move(frame: TargetFrame) -> None:
        target, temperature, entropy = frame
        path.set_data(temperature, entropy)
        end.set_data(temperature[-1:], entropy[-1:])
        hot.set_data(np.arange(steps + 1), temperature)
        random.set_data(np.arange(steps + 1), entropy)
        for goal in goals:
            goal.set_ydata([target] * 2)

    moving = [*goals, path, end, hot, random]
    return drawing(figure, (moving, move), followed=[path, hot, random])


def _broken(temperatures: np.ndarray, entropy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a curve with a gap where it jumps, so that no line stands for what is not there."""
    jumps = np.abs(np.diff(entropy, append=entropy[-1])) > 0.3
    # The last point before a jump is given up.
    return temperatures, np.where(jumps, np.nan, entropy)

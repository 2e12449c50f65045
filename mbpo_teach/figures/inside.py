"""Inside a training: its return, the model's error, the length of branches, and its time by part.

Drawn for chapter 7.
"""

from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import FillBetweenPolyCollection
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from mbpo_teach.algorithms.agent import PARTS
from mbpo_teach.algorithms.recorded import Inside
from mbpo_teach.figures import sheet, style
from mbpo_teach.figures.axes import plain_log
from mbpo_teach.figures.plate import Draw, drawing
from mbpo_teach.figures.style import words

_HATCHES = dict(zip(PARTS, ("", "//", "..", "", "xx"), strict=True))


class Frame(NamedTuple):
    """The seed and the report that are shown, both counted from 0."""

    seed: int
    report: int


def build(world: str, runs: Inside) -> Draw[Frame]:
    """Return a function that draws one frame of the trainings in `world`."""
    with style.style():
        narrow = sheet.is_narrow(9.8)
        figure = sheet.single(9.8, 9.2 if narrow else 4.7)
        panels = figure.subplots(*(4, 1) if narrow else (2, 2), sharex=True)
        first, second, third, fourth = panels.flat
        lines = [
            _panel(first, runs.steps, runs.means, "inside.return_title", {"world": world}),
            _panel(second, runs.steps, runs.holdout, "inside.holdout_title", {}),
            _panel(third, runs.steps, runs.length, "inside.length_title", {}),
        ]
        _even_log(second, runs.holdout)
        third.set_ylim(0, np.nanmax(runs.length) + 1)
        third.yaxis.set_major_locator(MaxNLocator(integer=True))
        first.legend(loc="lower right", handlelength=1.6)
        areas = _areas(fourth, runs)
        for axes in panels[-1:].flat:
            axes.set_xlabel(words("live.step"))
        here = [
            axes.axvline(runs.steps[0], color=style.BLACK, lw=1, ls=":")
            for axes in (first, second, third, fourth)
        ]
        dots = [
            axes.plot([], [], "o", color=style.BLUE, mec=style.WHITE, ms=8)[0]
            for axes in (first, second, third)
        ]

    def move(frame: Frame) -> None:
        seed, report = frame
        for line, dot, values in zip(
            lines, dots, (runs.means, runs.holdout, runs.length), strict=True
        ):
            line.set_ydata(values[seed])
            dot.set_data([runs.steps[report]], [values[seed, report]])
        top = np.cumsum(runs.spent[seed], axis=1)
        for part, area in enumerate(areas):
            below = top[:, part - 1] if part else np.zeros(len(runs.steps))
            area.set_data(runs.steps, below, top[:, part])
        for rule in here:
            rule.set_xdata([runs.steps[report]] * 2)

    return drawing(figure, ([*lines, *areas, *here, *dots], move))


def _panel(
    axes: Axes, steps: np.ndarray, curves: np.ndarray, title: str, values: dict[str, str]
) -> Line2D:
    for seed, curve in enumerate(curves):
        label = None if seed else words("inside.others")
        axes.plot(steps, curve, color=style.GREY, lw=0.8, alpha=0.6, label=label)
    (line,) = axes.plot(steps, curves[0], color=style.BLUE, lw=2, label=words("inside.chosen"))
    axes.set(xlim=(0, steps[-1]))
    axes.set_title(words(title, **values))
    return line


def _even_log(axes: Axes, values: np.ndarray) -> None:
    axes.set_yscale("log")
    plain_log(axes.yaxis)
    axes.set_ylim(0.8 * np.nanmin(values), 1.25 * np.nanmax(values))


def _areas(axes: Axes, runs: Inside) -> list[FillBetweenPolyCollection]:
    blank = np.zeros(len(runs.steps))
    colours = (style.GREY, style.ORANGE, style.SKY, style.BLUE, style.YELLOW)
    areas = [
        axes.fill_between(
            runs.steps, blank, blank, facecolor=colour, hatch=_HATCHES[part],
            edgecolor=style.WHITE, lw=0.3, label=words(f"inside.{part}"),
        )
        for part, colour in zip(PARTS, colours, strict=True)
    ]  # fmt: skip
    axes.set(xlim=(0, runs.steps[-1]), ylim=(0, 1.05 * runs.spent.sum(axis=2).max()))
    axes.set_title(words("inside.time_title"))
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(handles[::-1], labels[::-1], loc="upper left", handlelength=1.4)
    return areas

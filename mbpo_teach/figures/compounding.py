"""How errors grow with the length of a rollout: quantiles, references, the law, and e(1) by data.

Drawn for chapter 3.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from mbpo_teach.figures import sheet, style
from mbpo_teach.figures.axes import WHOLE
from mbpo_teach.figures.plate import Draw, Panel, drawing
from mbpo_teach.figures.still import Still
from mbpo_teach.figures.style import words
from mbpo_teach.model.compounding import ACTING, Curves


class ErrorsFrame(NamedTuple):
    """The `curves` by way of acting, in deviations of the data, and the reader's `k`."""

    curves: Mapping[str, Curves]
    k: int


def build_errors(
    *, steps: int, limits: tuple[float, float], mean_guess: float
) -> Draw[ErrorsFrame]:
    """Return a function that draws one frame, a panel for each way of acting.

    `limits` are the lowest and the highest error that will be drawn, `mean_guess` is the error of a
    model that knows nothing.
    """
    with style.style():
        figure, panels = sheet.beside(9.4, 4.3, sharey=True)
        parts = [
            _errors_panel(axes, steps, acting, mean_guess)
            for axes, acting in zip(panels, ACTING, strict=True)
        ]
        for axes, acting in zip(panels, ACTING, strict=True):
            axes.set_title(words(f"compounding.{acting}"))
            axes.set(yscale="log", ylim=limits)
        panels[0].set_ylabel(words("compounding.error"))
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(
            handles, labels, loc="outside lower left", ncols=sheet.columns(3, 9.4), handlelength=2.6
        )
        return drawing(figure, *parts, read=panels)


def _errors_panel(axes: Axes, steps: int, acting: str, mean_guess: float) -> Panel[ErrorsFrame]:
    times = np.arange(1, steps + 1)
    blank = np.ones(steps)
    band = axes.fill_between(
        times, blank, blank, color=style.SKY, alpha=0.35, lw=0, label=words("compounding.band")
    )
    looks = {
        "middle": (style.BLUE, "-", 2.2),
        "single": (style.ORANGE, "--", 1.6),
        "disagreement": (style.PURPLE, "-.", 1.6),
        "one_step": (style.GREEN, ":", 1.8),
        "at_imagined": (style.RED, (0, (5, 1, 1, 1, 1, 1)), 1.6),
        "own": (style.BLACK, "-", 0.9),
    }
    lines = {
        name: axes.plot(
            times, blank, ls=dashes, color=colour, lw=width, label=words(f"compounding.{name}")
        )[0]
        for name, (colour, dashes, width) in looks.items()
    }
    axes.axhline(
        mean_guess, color=style.GREY, lw=1.4, ls="--", label=words("compounding.mean_guess")
    )
    here = axes.axvline(1, color=style.GREY, lw=1)
    (point,) = axes.plot(1, 1, "o", color=style.BLUE, ms=7, **WHOLE)
    axes.set_xlim(0, steps)
    axes.set_xlabel(words("compounding.k"))

    def move(frame: ErrorsFrame) -> None:
        curves, k = frame.curves[acting], frame.k
        band.set_data(times, curves.low, curves.high)
        for name, line in lines.items():
            line.set_ydata(getattr(curves, name))
        here.set_xdata([k, k])
        point.set_data([k], [curves.middle[k - 1]])

    return [here, band, *lines.values(), point], move


class LawFrame(NamedTuple):
    """What was `measured` and what the `law` says, (world, step), k from 1; one `fitted` L each."""

    measured: np.ndarray
    law: np.ndarray
    fitted: Sequence[float]


def build_law(worlds: Sequence[str], *, steps: int, limits: tuple[float, float]) -> Draw[LawFrame]:
    """Return a function that draws one frame, a panel for each world.

    `limits` are the lowest and the highest error that will be drawn.
    """
    with style.style():
        figure, panels = sheet.beside(9.8, 3.8, ratios=[1] * len(worlds), sharey=True)
        parts = [_law_panel(axes, place, steps) for place, axes in enumerate(panels)]
        for axes, world in zip(panels, worlds, strict=True):
            axes.set(xlim=(0, steps), yscale="log", ylim=limits)
            axes.set_title(world)
            axes.set_xlabel(words("compounding.k"))
        panels[0].set_ylabel(words("law.median"))
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(
            handles, labels, loc="outside lower left", ncols=sheet.columns(2, 9.8), handlelength=2.6
        )
        return drawing(figure, *parts)


def _law_panel(axes: Axes, place: int, steps: int) -> Panel[LawFrame]:
    times = np.arange(1, steps + 1)
    (found,) = axes.plot(times, times, color=style.BLUE, lw=2.2, label=words("compounding.middle"))
    (law,) = axes.plot(times, times, "--", color=style.RED, label=words("law.law"))
    note = axes.text(
        0.97, 0.03, "", transform=axes.transAxes, ha="right", va="bottom", color=style.DARK
    )

    def move(frame: LawFrame) -> None:
        found.set_ydata(frame.measured[place])
        law.set_ydata(frame.law[place])
        note.set_text(words("law.fitted", stretch=frame.fitted[place]))

    return [found, law, note], move


def error_by_data(
    sizes: np.ndarray, errors: Mapping[str, np.ndarray], still: Mapping[str, float]
) -> Still:
    """Show e(1) on unseen data against the number of transitions.

    `errors` holds one-step errors (size, row) by world, `still` the mean error of a model which
    expects no change. Left the mean error itself, right its share of that.
    """
    looks = zip(
        errors,
        (style.BLUE, style.RED, style.GREEN, style.ORANGE, style.PURPLE),
        ("o-", "s--", "D-.", "^:", "v-"),
        strict=False,
    )
    with style.style():
        figure = Figure(figsize=(9.4, 3.9))
        panels = figure.subplots(1, 2)
        for world, colour, look in looks:
            mean = errors[world].mean(axis=1)
            for axes, values in zip(panels, (mean, mean / still[world]), strict=True):
                axes.loglog(sizes, values, look, color=colour, ms=5, label=world)
        for axes, key in zip(panels, ("by_data.error", "by_data.share"), strict=True):
            axes.set_xlabel(words("by_data.size"))
            axes.set_title(words(key))
            axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
            axes.xaxis.set_minor_formatter(NullFormatter())
            axes.minorticks_off()
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside right upper")
    first, last = (
        words("film.listed").join(
            f"{world} {error[at].mean():.2g}" for world, error in errors.items()
        )
        for at in (0, -1)
    )
    said = words("by_data.sentence", few=int(sizes[0]), many=int(sizes[-1]), first=first, last=last)
    return Still(figure, said)

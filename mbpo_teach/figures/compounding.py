"""How errors grow with the length of a rollout: quantiles, references, the law, and e(1) by data.

Drawn for chapter 3.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from mbpo_teach.figures import style
from mbpo_teach.figures.plate import Plate
from mbpo_teach.figures.still import Still
from mbpo_teach.figures.style import words

ACTING = ("actions", "policy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Curves:
    """What one panel shows, all from k = 1 on, shape (step,), in deviations of the data.

    `low`, `middle` and `high` are quantiles of the ensemble's e(k) over the starts, `own` the curve
    of one start (NaN after it ended), the others medians.
    """

    low: np.ndarray
    middle: np.ndarray
    high: np.ndarray
    own: np.ndarray
    single: np.ndarray
    disagreement: np.ndarray
    one_step: np.ndarray


def build_errors(
    *, steps: int, limits: tuple[float, float]
) -> Callable[[Mapping[str, Curves], int], Plate]:
    """Return a function ``(curves by way of acting, k) -> plate``.

    `limits` are the lowest and the highest error that will be drawn.
    """
    with style.style():
        figure = Figure(figsize=(9.4, 4.3))
        panels = figure.subplots(1, 2, sharey=True)
        parts = [_errors_panel(axes, steps) for axes in panels]
        for axes, acting in zip(panels, ACTING, strict=True):
            axes.set_title(words(f"compounding.{acting}"))
        panels[0].set_yscale("log")
        panels[0].set_ylim(*limits)
        panels[0].set_ylabel(words("compounding.error"))
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower left", ncols=3, handlelength=2.6)
        plate = Plate(figure, [artist for moving, _ in parts for artist in moving])

    def draw(shown: Mapping[str, Curves], k: int) -> Plate:
        for (_, move), acting in zip(parts, ACTING, strict=True):
            move(shown[acting], k)
        return plate

    return draw


def _errors_panel(axes: Axes, steps: int) -> tuple[list[Artist], Callable[[Curves, int], None]]:
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
        "own": (style.BLACK, "-", 0.9),
    }
    lines = {
        name: axes.plot(
            times, blank, dashes, color=colour, lw=width, label=words(f"compounding.{name}")
        )[0]
        for name, (colour, dashes, width) in looks.items()
    }
    here = axes.axvline(1, color=style.GREY, lw=1)
    (point,) = axes.plot(1, 1, "o", color=style.BLUE, ms=7)
    axes.set_xlim(0, steps)
    axes.set_xlabel(words("compounding.k"))

    def move(curves: Curves, k: int) -> None:
        band.set_data(times, curves.low, curves.high)
        for name, line in lines.items():
            line.set_ydata(getattr(curves, name))
        here.set_xdata([k, k])
        point.set_data([k], [curves.middle[k - 1]])

    return [here, band, *lines.values(), point], move


def build_law(
    worlds: Sequence[str], *, steps: int, limits: tuple[float, float]
) -> Callable[[np.ndarray, np.ndarray, Sequence[float]], Plate]:
    """Return a function ``(measured, law, fitted) -> plate``, one panel for each world.

    `measured` and `law` have shape (world, step), from k = 1 on; `fitted` is one L for each world.
    `limits` are the lowest and the highest error that will be drawn.
    """
    times = np.arange(1, steps + 1)
    with style.style():
        figure = Figure(figsize=(9.8, 3.8))
        panels = figure.subplots(1, len(worlds), sharey=True)
        moving: list[Artist] = []
        for axes, world in zip(panels, worlds, strict=True):
            (found,) = axes.plot(
                times, times, color=style.BLUE, lw=2.2, label=words("compounding.middle")
            )
            (law,) = axes.plot(times, times, "--", color=style.RED, label=words("law.law"))
            note = axes.text(
                0.97, 0.03, "", transform=axes.transAxes, ha="right", va="bottom", color=style.DARK
            )
            moving += [found, law, note]
            axes.set(xlim=(0, steps), yscale="log", ylim=limits)
            axes.set_title(world)
            axes.set_xlabel(words("compounding.k"))
        panels[0].set_ylabel(words("law.median"))
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower left", ncols=2, handlelength=2.6)
        plate = Plate(figure, moving)

    def draw(measured: np.ndarray, law: np.ndarray, fitted: Sequence[float]) -> Plate:
        for panel, (real, drawn, stretch) in enumerate(zip(measured, law, fitted, strict=True)):
            found, line, note = plate.moving[3 * panel : 3 * panel + 3]
            found.set_ydata(real)  # type: ignore[attr-defined]
            line.set_ydata(drawn)  # type: ignore[attr-defined]
            note.set_text(words("law.fitted", stretch=stretch))  # type: ignore[attr-defined]
        return plate

    return draw


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
        ", ".join(f"{world} {error[at].mean():.2g}" for world, error in errors.items())
        for at in (0, -1)
    )
    said = words("by_data.sentence", few=int(sizes[0]), many=int(sizes[-1]), first=first, last=last)
    return Still(figure, said)

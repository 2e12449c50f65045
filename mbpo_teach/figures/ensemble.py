"""The ensemble on a real simulator: training curves, the map of disagreement, calibration.

Drawn for chapter 2.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator, PercentFormatter

from mbpo_teach.figures import sheet, style
from mbpo_teach.figures.plate import Draw, drawing
from mbpo_teach.figures.still import Still
from mbpo_teach.figures.style import words
from mbpo_teach.model.fit import FitReport

_WIDTH = 7.4  # of the calibration figure


def fit_picture(report: FitReport) -> Still:
    """Show every member's holdout error after each epoch, and the weights that were kept."""
    errors = report.curve.numpy()
    kept = errors.argmin(axis=0)
    with style.style():
        figure = Figure(figsize=(7.6, 3.6))
        axes = figure.subplots()
        for member in range(errors.shape[1]):
            elite = member in report.elites
            axes.semilogy(
                errors[:, member],
                "-" if elite else ":",
                color=style.BLUE if elite else style.ORANGE,
                lw=1.2,
                label=None,
            )
            axes.plot(kept[member], errors[kept[member], member], "o", color=style.RED, ms=5)
        # One entry for each kind of line, whichever member came first.
        axes.plot([], [], "-", color=style.BLUE, label=words("fit.elite"))
        axes.plot([], [], ":", color=style.ORANGE, label=words("fit.other"))
        axes.plot([], [], "o", color=style.RED, label=words("fit.kept"))
        axes.set_xlabel(words("fit.epoch"))
        axes.set_ylabel(words("fit.holdout"))
        axes.legend()
    said = words(
        "fit.say",
        members=errors.shape[1],
        epochs=len(errors) - 1,
        steps=report.steps,
        first=errors[0].mean(),
        best=min(report.holdout),
        worst=max(report.holdout),
    )
    return Still(figure, said)


class MapFrame(NamedTuple):
    """`disagreement` and `error`, both (speed, angle), in deviations of a step's change.

    `data` (row, 2) are angle, in rad, and speed, in rad/s.
    """

    disagreement: np.ndarray
    error: np.ndarray
    data: np.ndarray


def build_map(angles: np.ndarray, speeds: np.ndarray) -> Draw[MapFrame]:
    """Return a function that draws one frame: disagreement beside true error, on log colours."""
    extent = (angles[0], angles[-1], speeds[0], speeds[-1])
    with style.style():
        figure, axes = sheet.beside(9.4, 4.0, sharey=True)
        images = []
        for panel, title in zip(axes, ("map.disagreement", "map.error"), strict=True):
            image = panel.imshow(
                np.zeros((len(speeds), len(angles))), extent=extent, origin="lower", aspect="auto",
                interpolation="nearest", cmap="viridis", vmin=-2, vmax=0.5,
            )  # fmt: skip
            panel.set_title(words(title))
            panel.set_xlabel(words("coverage.angle"))
            panel.set(xlim=extent[:2], ylim=extent[2:])
            images.append(image)
        axes[0].set_ylabel(words("coverage.speed"))
        (dots,) = axes[0].plot([], [], ".", color="white", ms=1.6)
        bar = figure.colorbar(images[1], ax=axes, fraction=0.04, pad=0.02, extend="both")
        bar.set_ticks([-2, -1, 0], labels=["0.01", "0.1", "1"])
        bar.set_label(words("map.unit"))

    def move(frame: MapFrame) -> None:
        for image, values in zip(images, (frame.disagreement, frame.error), strict=True):
            image.set_data(np.log10(np.maximum(values, 1e-6)))
        dots.set_data(frame.data[:, 0], frame.data[:, 1])

    return drawing(figure, ([*images, dots], move))


class CoverageFrame(NamedTuple):
    """The share of rows `covered`, (level, target)."""

    covered: np.ndarray


def build_coverage(levels: Sequence[float]) -> Draw[CoverageFrame]:
    """Return a function that draws one frame: coverage against nominal level."""
    with style.style():
        figure = sheet.single(_WIDTH, 4.4)
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color=style.GREY, lw=1, label=words("calibration.ideal"))
        looks = (
            ("cosine", style.BLUE, "-"),
            ("sine", style.ORANGE, "--"),
            ("velocity", style.GREEN, "-."),
            ("reward", style.PURPLE, ":"),
        )
        lines = [
            axes.plot(levels, levels, dashes, color=colour, lw=1.8, label=words(f"target.{name}"))[
                0
            ]
            for name, colour, dashes in looks
        ]
        axes.set(xlim=(0, 1), ylim=(0, 1))
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(MultipleLocator(0.2))
            axis.set_major_formatter(PercentFormatter(1.0))
        axes.set_xlabel(words("calibration.nominal"))
        axes.set_ylabel(words("calibration.covered"))
        # Beside the square or below it: moved far enough, the curves cover every corner.
        if sheet.is_narrow(_WIDTH):
            sheet.name_below(figure, [axes], 1, _WIDTH)
        else:
            figure.legend(loc="outside right upper")

    def move(frame: CoverageFrame) -> None:
        for line, values in zip(lines, frame.covered.T, strict=True):
            line.set_ydata(values)

    return drawing(figure, (lines, move), followed=lines, read=[axes])

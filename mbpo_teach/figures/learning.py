"""Return against real steps: of a training that is going on, and of recorded ones.

Drawn for chapters 6 and 7.
"""

import io
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from mbpo_teach.algorithms.recorded import Trainings
from mbpo_teach.figures import sheet, style
from mbpo_teach.figures.axes import legend_below
from mbpo_teach.figures.plate import Draw, drawing
from mbpo_teach.figures.still import Still
from mbpo_teach.figures.style import words

_DASHES = ("-", "--", "-.", ":")
_LEVELS = {"best": "learning.best", "most": "learning.most"}


class Rival(NamedTuple):
    """A recorded algorithm to compare with, and its name."""

    name: str
    trainings: Trainings


class Frame(NamedTuple):
    """The reports so far, and whether the training was `stopped` by hand.

    `steps` (report,) are real steps; `low`, `mean` and `high` (report,) the least, the mean and the
    largest of a report's returns.
    """

    steps: np.ndarray
    low: np.ndarray
    mean: np.ndarray
    high: np.ndarray
    stopped: bool


def build(
    world: str,
    *,
    total_steps: int,
    lowest: float,
    highest: float,
    best: float | None = None,
    rival: Rival | None = None,
) -> Draw[Frame]:
    """Return a function that draws one frame of a training in `world`.

    Its axes are fixed from the start: real steps up to `total_steps`, returns from `lowest` to
    `highest`; `best` is the mean of the best returns known, and a `rival` stands behind it.
    """
    with style.style():
        figure = sheet.single(8.4, 3.9)
        axes = figure.subplots()
        if best is not None:
            axes.axhline(best, color=style.BLACK, lw=1.2, ls="--", label=words("live.best"))
        if rival is not None:
            axes.plot(
                rival.trainings.steps, rival.trainings.middle, "-.", color=style.ORANGE, lw=1.6,
                label=words("live.rival", name=rival.name, seeds=len(rival.trainings.means)),
            )  # fmt: skip
        band = axes.fill_between(
            [0], [0], [0], color=style.SKY, alpha=0.4, lw=0, label=words("live.range")
        )
        (mean,) = axes.plot([], [], "o-", color=style.BLUE, lw=2, ms=4, label=words("live.mean"))
        here = axes.axvline(0, color=style.GREY, lw=1, ls=":", label=words("live.here"))
        note = axes.annotate(
            "", (0, 0.02), (4, 0), ("data", "axes fraction"), textcoords="offset points",
            color=style.RED, fontsize=9.5, va="bottom",
        )  # fmt: skip
        axes.set(xlim=(0, total_steps), ylim=(lowest, highest))
        axes.set_xlabel(words("live.step"))
        axes.set_ylabel(words("live.return"))
        axes.set_title(words("live.title", world=world))
        legend_below(axes, 0.02, 0.16, ncols=sheet.columns(5, 8.4))

    def move(frame: Frame) -> None:
        step = frame.steps[-1] if len(frame.steps) else 0
        band.set_data(frame.steps, frame.low, frame.high)
        mean.set_data(frame.steps, frame.mean)
        here.set_xdata([step] * 2)
        here.set_color(style.RED if frame.stopped else style.GREY)
        note.set_text(words("live.stopped") if frame.stopped else "")
        late = step > 0.75 * total_steps
        note.set_horizontalalignment("right" if late else "left")
        note.set_position((-4, 0) if late else (4, 0))
        note.xy = (step, note.xy[1])

    return drawing(figure, ([band, mean, here, note], move))


def learning_picture(
    records: Mapping[str, tuple[np.ndarray, np.ndarray]],
    levels: Mapping[str, tuple[str, float]],
) -> Still:
    """Show recorded trainings, one panel for each world: every seed, and their median.

    `records` holds steps (report,) and mean returns (seed, report); `levels` a line to compare
    with: its height, and whether that is the "best" return known or the "most" there is.
    """
    with style.style():
        figure = Figure(figsize=(9.8, 3.9))
        panels = np.atleast_1d(figure.subplots(1, len(records)))
        said = []
        for axes, (world, (steps, means)) in zip(panels, records.items(), strict=True):
            middle = np.median(means, axis=0)
            for place, one in enumerate(means):
                axes.plot(
                    steps, one, _DASHES[place % len(_DASHES)], color=style.SKY, lw=1.1,
                    label=None if place else words("learning.seed"),
                )  # fmt: skip
            axes.plot(
                steps, middle, color=style.BLUE, lw=2.2,
                label=words("learning.median", seeds=len(means)),
            )  # fmt: skip
            kind, level = levels[world]
            axes.axhline(
                level, color=style.BLACK, lw=1.2, ls="--", label=words(_LEVELS[kind], level=level)
            )
            axes.set_xlim(0, steps[-1])
            axes.set_title(world)
            axes.set_xlabel(words("live.step"))
            legend_below(axes, 0.04, 0.16, ncols=2)
            said.append(
                words(
                    "learning.say",
                    world=world,
                    seeds=len(means),
                    steps=int(steps[-1]),
                    first=middle[0],
                    last=middle[-1],
                    low=means[:, -1].min(),
                    high=means[:, -1].max(),
                )
            )
        panels[0].set_ylabel(words("live.return"))
    return Still(figure, "\n".join(said))


def progress_picture(rows: Sequence[Mapping[str, Any]], title: str) -> bytes:
    """Return a PNG of one run: its returns, and below the model's held-out error if it has one.

    `rows` are those of `progress.csv`; each has `step`, `eval_return`, `eval_low`, `eval_high` and
    `model_holdout`, which is None where there was no model.
    """
    steps = [row["step"] for row in rows]
    fitted = [row for row in rows if row["model_holdout"] is not None]
    with style.style():
        figure = Figure(figsize=(8.4, 5.6 if fitted else 3.9))
        panels = figure.subplots(2 if fitted else 1, 1, sharex=True, squeeze=False)[:, 0]
        low, high = ([row[key] for row in rows] for key in ("eval_low", "eval_high"))
        panels[0].fill_between(
            steps, low, high, color=style.SKY, alpha=0.4, lw=0, label=words("train.picture.range")
        )
        panels[0].plot(
            steps, [row["eval_return"] for row in rows], "o-", color=style.BLUE, lw=2, ms=4,
            label=words("train.picture.mean"),
        )  # fmt: skip
        panels[0].set_title(title)
        panels[0].set_ylabel(words("live.return"))
        panels[0].legend(loc="lower right")
        if fitted:
            panels[1].semilogy(
                [row["step"] for row in fitted], [row["model_holdout"] for row in fitted],
                "s--", color=style.RED, ms=4, label=words("train.picture.model"),
            )  # fmt: skip
            panels[1].legend(loc="upper right")
        panels[-1].set_xlabel(words("live.step"))
        drawn = io.BytesIO()
        figure.savefig(drawn)
    return drawn.getvalue()

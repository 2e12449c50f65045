"""Algorithms on the same worlds: return against real steps, and against processor time.

Both are drawn on logarithmic axes: one needs five times the steps of another, and on an even axis
that other would be squeezed into a corner. Drawn for chapter 7.
"""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mbpo_teach.algorithms.recorded import Trainings
from mbpo_teach.figures import style
from mbpo_teach.figures.axes import plain_log
from mbpo_teach.figures.still import Still
from mbpo_teach.figures.style import words


def race_picture(
    worlds: Mapping[str, Mapping[str, Trainings]], levels: Mapping[str, tuple[float, float]]
) -> Still:
    """Show the runs of up to three algorithms in each world, by name of world and of algorithm.

    `levels` holds for each world the return that counts as solved, and the highest that there is
    or that is known.
    """
    with style.style():
        # Of each algorithm: the colour of its median, that of its seeds, and its line.
        looks = (
            (style.BLUE, style.SKY, "-"),
            (style.RED, style.ORANGE, "--"),
            (style.GREEN, style.GREEN, ":"),
        )
        figure = Figure(figsize=(9.8, 2.9 * len(worlds) + 0.7))
        rows = figure.subplots(len(worlds), 2, squeeze=False, sharey="row")
        said = []
        for row, (world, algorithms) in zip(rows, worlds.items(), strict=True):
            solved, most = levels[world]
            for axes in row:
                axes.axhline(solved, color=style.GREY, lw=1, ls=":", label=words("race.solved"))
                axes.axhline(most, color=style.BLACK, lw=1, ls="--", label=words("race.most"))
            for look, (name, runs) in zip(looks, algorithms.items(), strict=False):
                _curves(row[0], name, look, runs.steps[None].repeat(len(runs.means), 0), runs.means)
                _curves(row[1], name, look, runs.seconds, runs.means)
                said.append(_sentence(world, name, runs, solved))
            row[0].set_title(world)
            row[1].set_title(words("race.clock", world=world))
            row[0].set_ylabel(words("live.return"))
            for axes in row:
                axes.set_xscale("log")
                plain_log(axes.xaxis)
            row[1].set_xlim(left=1)
        rows[-1][0].set_xlabel(words("race.steps"))
        rows[-1][1].set_xlabel(words("race.seconds"))
        handles, labels = rows[-1][0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower left", ncols=4, handlelength=2.6)
    return Still(figure, "\n".join(said))


def _curves(
    axes: Axes, name: str, look: tuple[str, str, str], x: np.ndarray, means: np.ndarray
) -> None:
    strong, faint, dashes = look
    for seed, (where, mean) in enumerate(zip(x, means, strict=True)):
        label = None if seed else words("race.seed", name=name)
        axes.plot(where, mean, dashes, color=faint, lw=0.9, alpha=0.8, label=label)
    axes.plot(
        np.median(x, axis=0), np.median(means, axis=0), dashes, color=strong, lw=2.4,
        label=words("race.median", name=name),
    )  # fmt: skip


def _sentence(world: str, name: str, runs: Trainings, solved: float) -> str:
    reached = runs.reached(solved)
    count, total = int(np.isfinite(reached).sum()), len(reached)
    middle = float(np.median(reached))
    return words(
        "race.say",
        world=world,
        name=name,
        solved=solved,
        count=count,
        total=total,
        middle=f"{middle:,.0f}" if np.isfinite(middle) else "∞",
        last=float(np.median(runs.means[:, -1])),
        steps=int(runs.steps[-1]),
        seconds=float(np.median(runs.seconds[:, -1])),
    )

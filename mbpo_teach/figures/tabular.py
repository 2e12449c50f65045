"""Curves of many seeds: the mean as a line, the middle 80 % of the seeds as a band.

Drawn for chapter 1. One seed says little about an algorithm; the band shows how little.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mbpo_teach.figures import sheet, style, worlds
from mbpo_teach.figures.plate import Draw, drawing
from mbpo_teach.figures.still import Still
from mbpo_teach.figures.style import words
from mbpo_teach.figures.worlds import best_count, draw_walls, policy_panel
from mbpo_teach.tables.mazes import Maze

_LATE = 50
"""Episodes at the end over which the earned return is averaged."""

Curves = Mapping[str, np.ndarray]
"""Runs by label, each an array (seed, x)."""


def seed_band(runs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the 10 % and 90 % quantiles over seeds of an array (seed, x), each (x,)."""
    low, high = np.quantile(runs, [0.1, 0.9], axis=0)
    return low, high


def looks() -> tuple[tuple[str, str], ...]:
    """Return colour and line style of the first, second, ... curve of a figure."""
    return (style.BLACK, ":"), (style.ORANGE, "--"), (style.BLUE, "-"), (style.GREEN, "-.")


def draw_curves(axes: Axes, curves: Curves, x: np.ndarray) -> None:
    """Draw mean and band of each entry of `curves` against `x`, shape (x,)."""
    for (label, runs), (colour, line) in zip(curves.items(), looks(), strict=False):
        axes.fill_between(x, *seed_band(runs), color=colour, alpha=0.15, lw=0)
        axes.plot(x, runs.mean(axis=0), color=colour, linestyle=line, lw=1.8, label=label)


def learning_curves(steps: Mapping[int, np.ndarray], *, shortest: int) -> Still:
    """Show steps per episode, arrays (seed, episode), for each number of planning steps."""
    with style.style():
        figure = Figure(figsize=(7.6, 3.5))
        axes = figure.subplots()
        curves = {words("dyna.n", n=n): runs for n, runs in steps.items()}
        count = next(iter(steps.values())).shape[1]
        x = np.arange(1, count + 1)
        draw_curves(axes, curves, x)
        axes.axhline(shortest, color=style.RED, lw=1, label=words("dyna.shortest", n=shortest))
        steps_axis(axes, x)
        axes.legend()
    first = words("dyna.join").join(
        words("dyna.first", n=n, episode=first_below(runs)) for n, runs in steps.items()
    )
    return Still(figure, words("dyna.curves_say", first=first))


def first_below(runs: np.ndarray, *, steps: float = 20.0) -> int | str:
    """Return the first episode in which the mean over seeds is at most `steps`, or "–"."""
    low = np.flatnonzero(runs.mean(axis=0) <= steps)
    return int(low[0]) + 1 if len(low) else "–"


def policies(maze: Maze, tables: Mapping[int, np.ndarray], *, episodes: int) -> Still:
    """Show the best actions in tables (state, action), by number of planning steps."""
    with style.style():
        figure = Figure(figsize=(8.4, 3.0))
        panels = figure.subplots(1, len(tables))
        for axes, (n, q) in zip(panels, tables.items(), strict=True):
            _, move = policy_panel(axes, maze)
            move(worlds.Frame(q))
            axes.set_title(words("dyna.n", n=n))
    known = words("dyna.join").join(
        words("dyna.known", n=n, count=arrow_count(q)) for n, q in tables.items()
    )
    return Still(figure, words("dyna.policies_say", episodes=episodes, known=known))


def arrow_count(q: np.ndarray) -> int:
    """Return how many states have one best action in a table (state, action)."""
    return int((best_count(q) == 1).sum())


def changing_world(maze: Maze, later: Maze, rewards: Curves, *, change_after: int) -> Still:
    """Show both layouts and the cumulative reward, arrays (seed, step), around the change."""
    with style.style():
        figure = Figure(figsize=(8.6, 3.4))
        grid = figure.add_gridspec(2, 2, width_ratios=(1, 2.6))
        for row, (world, key) in enumerate(((maze, "dyna.before"), (later, "dyna.after"))):
            axes = figure.add_subplot(grid[row, 0])
            draw_walls(axes, world.layout)
            axes.set_title(words(key, step=change_after))
        axes = figure.add_subplot(grid[:, 1])
        count = next(iter(rewards.values())).shape[1]
        x = np.arange(1, count + 1)
        draw_curves(axes, rewards, x)
        axes.axvline(change_after, color=style.GREY, lw=1, label=words("dyna.change"))
        reward_axis(axes, x)
        axes.legend()
    final = words("dyna.join").join(
        words(
            "dyna.final", name=name, before=runs[:, change_after - 1].mean(), all=runs[:, -1].mean()
        )
        for name, runs in rewards.items()
    )
    return Still(figure, words("dyna.change_say", final=final))


def cliff(returns: Mapping[int, np.ndarray], optimal: Mapping[int, np.ndarray]) -> Still:
    """Show what the agents earned and what they knew, by number of planning steps.

    Parameters
    ----------
    returns
        Return of each episode while exploring, arrays (seed, episode).
    optimal
        Whether the greedy path after it is a shortest one, arrays (seed, episode).
    """
    with style.style():
        figure = Figure(figsize=(8.8, 3.3))
        left, right = figure.subplots(1, 2)
        count = next(iter(returns.values())).shape[1]
        x = np.arange(1, count + 1)
        draw_curves(left, {words("dyna.n", n=n): runs for n, runs in returns.items()}, x)
        left.axhline(-13, color=style.RED, lw=1, label=words("dyna.best", best="−13"))
        left.set_yscale("symlog", linthresh=10)
        left.set_ylim(-5000, -8)
        left.set_yticks([-1000, -100, -10], labels=["−1000", "−100", "−10"])
        left.minorticks_off()
        left.set_title(words("dyna.earned"))
        left.legend(loc="lower right")
        for (n, flags), (colour, line) in zip(optimal.items(), looks(), strict=False):
            share = flags.mean(axis=0)
            right.plot(x, share, color=colour, linestyle=line, lw=1.8, label=words("dyna.n", n=n))
        right.set(ylim=(-0.03, 1.03))
        right.set_title(words("dyna.knew"))
        for axes in (left, right):
            axes.set(xlim=(1, count))
            axes.set_xlabel(words("dyna.episode"))
    half = words("dyna.join").join(
        words("dyna.half", n=n, episode=_first(flags.mean(axis=0) >= 0.5))
        for n, flags in optimal.items()
    )
    late = words("dyna.join").join(
        words("dyna.late", n=n, value=runs[:, -_LATE:].mean()) for n, runs in returns.items()
    )
    return Still(figure, words("dyna.cliff_say", half=half, count=_LATE, late=late))


def lake(success: Curves, episodes: np.ndarray, *, best: float) -> Still:
    """Show the exact return of the greedy policies, arrays (seed, x), after `episodes` (x,)."""
    with style.style():
        figure = Figure(figsize=(7.6, 3.3))
        axes = figure.subplots()
        draw_curves(axes, success, episodes)
        axes.axhline(best, color=style.RED, lw=1, label=words("dyna.optimum", best=best))
        return_axis(axes, episodes)
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
    final = words("dyna.join").join(
        words("dyna.lake_final", name=name, value=runs[:, -1].mean())
        for name, runs in success.items()
    )
    return Still(figure, words("dyna.lake_say", final=final, best=best))


class SweepFrame(NamedTuple):
    """The value of the setting whose curve is brought forward."""

    value: float


def build_sweep(
    runs: Mapping[float, np.ndarray], x: np.ndarray, *, dress: Callable[[Axes, np.ndarray], None]
) -> Draw[SweepFrame]:
    """Return a function that draws one frame: all mean curves in grey, and one brought forward.

    `runs` holds arrays (seed, x) by the value of the setting; `dress` sets limits and words.
    """
    # A few hundred points are all that the figure has pixels for.
    every = max(1, len(x) // 600)
    some = slice((len(x) - 1) % every, None, every)  # the last point among them
    x = x[some]
    thin = {value: array[:, some] for value, array in runs.items()}
    with style.style():
        figure = sheet.single(7.6, 3.4)
        axes = figure.subplots()
        for array in thin.values():
            axes.plot(x, array.mean(axis=0), color=style.PALE, lw=1)
        band = axes.fill_between(x, 0 * x, 0 * x, color=style.BLUE, alpha=0.2, lw=0)
        (line,) = axes.plot(x, 0 * x, color=style.BLUE, lw=2.2)
        dress(axes, x)

    def move(frame: SweepFrame) -> None:
        chosen = thin[frame.value]
        band.set_data(x, *seed_band(chosen))
        line.set_ydata(chosen.mean(axis=0))

    return drawing(figure, ([band, line], move))


def _first(flags: np.ndarray) -> int | str:
    return int(np.argmax(flags)) + 1 if flags.any() else "–"


def steps_axis(axes: Axes, x: np.ndarray) -> None:
    """Give `axes` the limits and words of steps per episode against episodes `x`."""
    axes.set_yscale("log")
    axes.set(xlim=(1, x[-1]), ylim=(10, 3000))
    axes.set_yticks([10, 14, 20, 50, 100, 1000], labels=["10", "14", "20", "50", "100", "1000"])
    axes.minorticks_off()
    axes.set_xlabel(words("dyna.episode"))
    axes.set_title(words("dyna.steps_axis"))


def reward_axis(axes: Axes, x: np.ndarray) -> None:
    """Give `axes` the limits and words of cumulative reward against real steps `x`."""
    axes.set_xlim(0, x[-1])
    axes.set_ylim(bottom=0)
    axes.set_xlabel(words("dyna.step"))
    axes.set_title(words("dyna.reward_axis"))


def return_axis(axes: Axes, x: np.ndarray) -> None:
    """Give `axes` the limits and words of the frozen lake's return against episodes `x`."""
    axes.set(xlim=(0, x[-1]), ylim=(0, 0.65))
    axes.set_xlabel(words("dyna.episodes"))
    axes.set_title(words("dyna.greedy_return"))

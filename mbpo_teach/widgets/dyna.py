"""The sliders of chapter 1. They move through runs that the chapter has computed."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from mbpo_teach.figures import coverage, style, worlds
from mbpo_teach.figures.plate import Plate
from mbpo_teach.figures.tabular import (
    SweepFrame,
    arrow_count,
    build_sweep,
    first_below,
    return_axis,
    reward_axis,
    seed_band,
    steps_axis,
)
from mbpo_teach.ground.language import text
from mbpo_teach.tables import bins as cells
from mbpo_teach.tables.episodic import expected_steps, greedy_policy, tabular_mdp
from mbpo_teach.tables.mazes import Maze
from mbpo_teach.widgets.lab import Choice, Lab, Slider, View


def steps_lab(name: str, runs: Mapping[float, np.ndarray], *, value: float) -> Lab:
    """Return a slider over one setting of the agent and its steps per episode.

    Parameters
    ----------
    name
        ``"planning_steps"``, ``"alpha"`` or ``"epsilon"``.
    runs
        Arrays (seed, episode) by the value of the setting.
    value
        Where the slider stands at first.
    """

    def make_view() -> View:
        draw = build_sweep(runs, _axis(runs), dress=steps_axis)

        def view(**setting: float) -> tuple[Plate, str]:
            chosen = setting[name]
            steps = runs[chosen]
            first = first_below(steps)
            reached = "dyna.reached" if isinstance(first, int) else "dyna.not_reached"
            sentence = text(
                "dyna.steps_say",
                setting=text(f"dyna.is_{name}", value=f"{chosen:g}"),
                reached=text(reached, first=first, episodes=steps.shape[1]),
                total=steps.sum(axis=1).mean(),
                late=steps[:, -10:].mean(),
                seeds=len(steps),
            )
            return draw(SweepFrame(chosen)), sentence

        return view

    return Lab([_choice(name, runs, value)], make_view)


def lake_lab(
    name: str,
    runs: Mapping[float, np.ndarray],
    episodes: np.ndarray,
    *,
    best: float,
    value: float,
) -> Lab:
    """Return a slider over one setting of the agent and its greedy policy's exact return on ice.

    Parameters
    ----------
    name
        ``"planning_steps"`` or ``"alpha"``.
    runs
        Arrays (seed, x) by the value of the setting.
    episodes
        After how many episodes they were measured, shape (x,).
    best
        The optimal return.
    value
        Where the slider stands at first.
    """

    def dress(axes: Axes, x: np.ndarray) -> None:
        return_axis(axes, x)
        axes.axhline(best, color=style.RED, lw=1)

    def make_view() -> View:
        draw = build_sweep(runs, episodes, dress=dress)

        def view(**setting: float) -> tuple[Plate, str]:
            chosen = setting[name]
            final = runs[chosen][:, -1]
            low, high = np.quantile(final, [0.1, 0.9])
            sentence = text(
                "dyna.lake_sweep_say",
                setting=text(f"dyna.is_{name}", value=f"{chosen:g}"),
                episodes=episodes[-1],
                mean=final.mean(),
                low=low,
                high=high,
                seeds=len(final),
                best=best,
            )
            return draw(SweepFrame(chosen)), sentence

        return view

    return Lab([_choice(name, runs, value)], make_view)


def kappa_lab(runs: Mapping[float, np.ndarray], *, change_after: int, value: float) -> Lab:
    """Return a slider over kappa and the cumulative reward, arrays (seed, step), it brings."""

    def dress(axes: Axes, x: np.ndarray) -> None:
        reward_axis(axes, x)
        axes.axvline(change_after, color=style.GREY, lw=1, linestyle="--")
        axes.set_ylim(0, 1.04 * max(float(seed_band(array)[1].max()) for array in runs.values()))

    def make_view() -> View:
        draw = build_sweep(runs, _axis(runs), dress=dress)

        def view(kappa: float) -> tuple[Plate, str]:
            rewards = runs[kappa]
            low, high = np.quantile(rewards[:, -1], [0.1, 0.9])
            sentence = text(
                "dyna.kappa_say",
                value=f"{kappa:g}",
                before=rewards[:, change_after - 1].mean(),
                total=rewards[:, -1].mean(),
                low=low,
                high=high,
                steps=rewards.shape[1],
                seeds=len(rewards),
            )
            return draw(SweepFrame(kappa)), sentence

        return view

    return Lab([_choice("kappa", runs, value)], make_view)


def arrows_lab(maze: Maze, tables: Mapping[int, np.ndarray], *, value: int) -> Lab:
    """Return sliders over planning steps and episodes, and the maze with the best actions.

    `tables` holds action values, arrays (episode, state, action), by planning steps; entry e is
    the table after e episodes, so entry 0 is the empty one. `value` is the first choice of n.
    """
    episodes = len(next(iter(tables.values()))) - 1
    mdp = tabular_mdp(maze, gamma=0.95)

    def make_view() -> View:
        draw = worlds.build(maze)

        def view(planning_steps: int, episode: int) -> tuple[Plate, str]:
            q = tables[planning_steps][episode]
            steps = expected_steps(mdp, greedy_policy(q))
            arrives = "dyna.arrives" if np.isfinite(steps) else "dyna.never_arrives"
            sentence = text(
                "dyna.arrows_say",
                setting=text("dyna.is_planning_steps", value=planning_steps),
                episode=episode,
                known=arrow_count(q),
                cells=len(maze.cells) - 1,
                arrives=text(arrives, steps=steps),
            )
            return draw(worlds.Frame(q)), sentence

        return view

    controls: list[Slider | Choice] = [
        _choice("planning_steps", tables, value),
        Slider(name="episode", words="dyna.episode_slider", low=0, high=episodes, step=1, value=2),
    ]
    return Lab(controls, make_view, plays=["episode"])


def coverage_lab(
    data: np.ndarray, fresh: np.ndarray, *, low: np.ndarray, high: np.ndarray, value: int
) -> Lab:
    """Return a slider over bins per dimension: how much of a world a table has seen.

    `data` and `fresh` hold a point per row, (row, 3): angle, speed and action.
    """
    grid = (2, 3, 4, 5, 7, 10, 14, 20, 30, 50)
    visited, known, hits = [], [], {}
    for count in grid:
        old, new = (cells.cell_index(x, low=low, high=high, bins=count) for x in (data, fresh))
        hits[count] = cells.visited_grid(data[:, :2], low=low[:2], high=high[:2], bins=count)
        visited.append(cells.visited_share(old, cell_count=count ** len(low)))
        known.append(cells.known_share(new, old))

    def make_view() -> View:
        draw = coverage.build(
            low=low[:2],
            high=high[:2],
            bins=grid,
            visited=np.array(visited),
            known=np.array(known),
        )

        def view(bins: int) -> tuple[Plate, str]:
            at = grid.index(bins)
            sentence = text(
                "coverage.say",
                bins=bins,
                cells=bins ** len(low),
                visited=visited[at],
                known=known[at],
                rows=len(data),
            )
            return draw(coverage.Frame(bins, hits[bins])), sentence

        return view

    options = tuple(grid)
    return Lab(
        [Choice(name="bins", words="coverage.bins_slider", options=options, value=value)], make_view
    )


def _axis(runs: Mapping[Any, np.ndarray]) -> np.ndarray:
    return np.arange(1, next(iter(runs.values())).shape[1] + 1)


def _choice(name: str, runs: Mapping[Any, np.ndarray], value: float) -> Choice:
    return Choice(name=name, words=f"dyna.{name}", options=tuple(runs), value=value)

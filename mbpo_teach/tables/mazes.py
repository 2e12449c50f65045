"""Small worlds drawn as text: the Dyna maze, and two mazes that change while the agent lives.

A maze is a Gymnasium environment over the cells that can be stood on, counted row by row. A step
into a wall or off the edge leaves the agent where it is; entering the goal gives reward 1 and
terminates; every other step gives 0. Here are the environments; `episodic` turns a maze into the
arrays on which values and returns are computed exactly.

Source: Sutton & Barto, *Reinforcement Learning*, 2nd edition, examples 8.1, 8.2 and 8.3. Taught
in chapter 1.
"""

import operator
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.spaces import Discrete

from mbpo_teach.ground import checks
from mbpo_teach.ground.checked import FROM_ONE, checked

DYNA = """
.......#G
..#....#.
S.#....#.
..#......
.....#...
.........
"""

BLOCKING_BEFORE = """
........G
.........
.........
########.
.........
...S.....
"""

BLOCKING_AFTER = """
........G
.........
.........
.########
.........
...S.....
"""

SHORTCUT_BEFORE = BLOCKING_AFTER

SHORTCUT_AFTER = """
........G
.........
.........
.#######.
.........
...S.....
"""

MOVES = ((-1, 0), (0, 1), (1, 0), (0, -1))
"""Row and column change of the actions up, right, down, left (CliffWalking-v1's order)."""


class Maze(gym.Env[Any, Any]):
    """A grid of free cells ``.``, walls ``#``, one start ``S`` and one goal ``G``.

    Parameters
    ----------
    layout
        The maze as text, one line per row.
    later, change_after
        Another layout of the same shape, start and goal, and the number of steps after which it
        takes the place of the first. The count runs on through episodes; ``reset(seed=...)``
        starts a new life at step 0.

    Attributes
    ----------
    cells : tuple of (row, column)
        Where each state lies. Cells that are walls in every layout are no states.
    P : dict
        ``P[state][action]``, a list of (probability, next state, reward, terminated), for the
        layout in force: the same table that toy-text environments carry.

    Raises
    ------
    ValueError
        If a layout is not a rectangle of the four characters with one start and one goal, or if
        the two layouts do not fit together.
    """

    def __init__(
        self, layout: str, *, later: str | None = None, change_after: int | None = None
    ) -> None:
        if (later is None) != (change_after is None):
            raise ValueError("later and change_after must be given together")
        if change_after is not None:
            change_after = checks.whole("change_after", change_after, least=1)
        layouts = [_rows(layout)] if later is None else [_rows(layout), _rows(later)]
        if len({_fixed(rows) for rows in layouts}) > 1:
            raise ValueError("both layouts must have the same shape, start and goal")
        self.cells = _free_cells(layouts)
        self._layouts = layouts
        self._tables = [_moves(rows, self.cells) for rows in layouts]
        self._change_after = change_after
        self.start = self.cells.index(_find(layouts[0], "S"))
        self.goal = self.cells.index(_find(layouts[0], "G"))
        self.initial_state_distrib = np.eye(len(self.cells))[self.start]
        self.observation_space = Discrete(len(self.cells))
        self.action_space = Discrete(len(MOVES))
        self._clock = 0
        self._state = self.start

    @property
    def layout(self) -> tuple[str, ...]:
        """The rows of the layout in force."""
        return self._layouts[self._phase]

    @property
    def P(self) -> dict[int, dict[int, list[tuple[float, int, float, bool]]]]:
        """The transitions of the layout in force, in the form of Gymnasium's toy-text worlds."""
        return {
            state: {
                action: [(1.0, after, float(after == self.goal), after == self.goal)]
                for action, after in enumerate(row)
            }
            for state, row in enumerate(self._tables[self._phase])
        }

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[int, dict[str, Any]]:
        """Go back to the start; with a seed, also back to step 0 of the maze's life."""
        super().reset(seed=seed, options=options)
        if seed is not None:
            self._clock = 0
        self._state = self.start
        return self._state, {}

    def step(self, action: int) -> tuple[int, float, bool, bool, dict[str, Any]]:
        """Move; the walls change before the first move after `change_after` steps.

        Raises
        ------
        ValueError
            If `action` is not 0, 1, 2 or 3.
        """
        try:
            action = operator.index(action)
        except TypeError:
            raise ValueError(f"action must be in [0, {len(MOVES)}), not {action!r}") from None
        if not 0 <= action < len(MOVES):  # a list would take -1 for its last entry
            raise ValueError(f"action must be in [0, {len(MOVES)}), not {action}")
        self._state = self._tables[self._phase][self._state][action]
        self._clock += 1
        done = self._state == self.goal
        return self._state, float(done), done, False, {}

    @property
    def _phase(self) -> int:
        return int(self._change_after is not None and self._clock >= self._change_after)


def dyna_maze() -> Maze:
    """Return the Dyna maze, whose shortest path has 14 steps (example 8.1)."""
    return Maze(DYNA)


@checked(change_after=FROM_ONE)
def blocking_maze(*, change_after: int = 1000) -> Maze:
    """Return the maze whose short way (10 steps) closes and a long one (16) opens (example 8.2)."""
    return Maze(BLOCKING_BEFORE, later=BLOCKING_AFTER, change_after=change_after)


@checked(change_after=FROM_ONE)
def shortcut_maze(*, change_after: int = 3000) -> Maze:
    """Return the maze in which a short way (10 steps) opens beside the long one (example 8.3)."""
    return Maze(SHORTCUT_BEFORE, later=SHORTCUT_AFTER, change_after=change_after)


def _rows(text: str) -> tuple[str, ...]:
    if not isinstance(text, str):
        raise ValueError(f"layout must be text, one line per row, not {text!r}")
    rows = tuple(text.split())
    if not rows or len({len(row) for row in rows}) != 1 or set("".join(rows)) - set(".#SG"):
        raise ValueError(f"layout must be a rectangle of the characters . # S G, not {text!r}")
    for mark in "SG":
        if "".join(rows).count(mark) != 1:
            raise ValueError(f"layout must have exactly one {mark}, not {text!r}")
    return rows


def _find(rows: tuple[str, ...], mark: str) -> tuple[int, int]:
    return next((i, row.index(mark)) for i, row in enumerate(rows) if mark in row)


def _fixed(rows: tuple[str, ...]) -> tuple[object, ...]:
    return len(rows), len(rows[0]), _find(rows, "S"), _find(rows, "G")


def _free_cells(layouts: list[tuple[str, ...]]) -> tuple[tuple[int, int], ...]:
    height, width = len(layouts[0]), len(layouts[0][0])
    return tuple(
        (i, j)
        for i in range(height)
        for j in range(width)
        if any(rows[i][j] != "#" for rows in layouts)
    )


def _moves(rows: tuple[str, ...], cells: tuple[tuple[int, int], ...]) -> list[list[int]]:
    """Return the next state of every state and action.

    A cell that is a wall now keeps its ways out: the agent may stand in it when the walls change.
    """
    number = {cell: state for state, cell in enumerate(cells)}
    table = []
    for i, j in cells:
        targets = [(i + di, j + dj) for di, dj in MOVES]
        table.append(
            [
                number[cell] if cell in number and rows[cell[0]][cell[1]] != "#" else number[i, j]
                for cell in targets
            ]
        )
    return table

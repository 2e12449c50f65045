"""A grid world seen from above: walls, values as colours, best actions as arrows.

Drawn for chapter 1. A cell whose actions are all worth the same has no arrow: the agent would
choose there by chance.
"""

from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, ListedColormap, PowerNorm
from matplotlib.text import Text

from mbpo_teach.figures import sheet, style
from mbpo_teach.figures.plate import Draw, Panel, drawing
from mbpo_teach.tables.mazes import MOVES, Maze


def draw_walls(axes: Axes, layout: tuple[str, ...]) -> list[Text]:
    """Draw walls, start and goal of a layout, rows running down; return the letters S and G."""
    height, width = len(layout), len(layout[0])
    walls = np.array([[mark == "#" for mark in row] for row in layout])
    axes.imshow(
        np.ma.masked_where(~walls, walls),
        cmap=ListedColormap([style.WALL]),
        zorder=2,
    )
    letters: list[Text] = []
    for name in "SG":
        row = next(i for i, line in enumerate(layout) if name in line)
        column = layout[row].index(name)
        letters.append(axes.text(column, row, name, ha="center", va="center", zorder=4))
    axes.set_xticks(np.arange(-0.5, width), labels=[])
    axes.set_yticks(np.arange(-0.5, height), labels=[])
    axes.tick_params(length=0)
    axes.grid(color=style.PALE, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(True)
    axes.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5), aspect="equal")
    return letters


def best_count(q: np.ndarray) -> np.ndarray:
    """Return how many best actions each state of a table (state, action) has, shape (state,).

    Compared exactly, as the agent compares: far from the goal a value of 1e-12 decides.
    """
    return np.asarray((q == q.max(axis=1, keepdims=True)).sum(axis=1))


class Frame(NamedTuple):
    """Action values `q`, shape (state, action), in [0, 1]."""

    q: np.ndarray


def build(maze: Maze) -> Draw[Frame]:
    """Return a function that draws one frame: a maze and the best actions in it."""
    with style.style():
        figure = sheet.single(6.2, 4.1)
        return drawing(figure, policy_panel(figure.subplots(), maze))


def policy_panel(axes: Axes, maze: Maze) -> Panel[Frame]:
    """Return a panel of a maze and the best actions in it.

    Colour grows with the 0.4th power of the value, because values far from the goal are small at
    first.
    """
    letters = draw_walls(axes, maze.layout)
    for letter in letters:  # into the corner, out of the arrow's way
        letter.set(ha="left", va="top")
        letter.set_position((letter.get_position()[0] - 0.44, letter.get_position()[1] - 0.42))
    rows, columns = np.array(maze.cells).T
    # On dark paper half clear at most: the arrows are light there.
    best = style.SKY + ("80" if style.present().dark else "")
    picture = axes.imshow(
        np.zeros((len(maze.layout), len(maze.layout[0]))),
        # From clear to blue, so that walls and grid show through cells without value.
        cmap=LinearSegmentedColormap.from_list("values", [style.SKY + "00", best]),
        norm=PowerNorm(0.4, 0, 1),
    )
    arrows = axes.quiver(
        columns, rows, np.zeros(len(rows)), np.zeros(len(rows)),
        angles="xy", scale_units="xy", scale=1.5, pivot="middle", width=0.008, zorder=3,
        color=style.BLACK,
    )  # fmt: skip

    def move(frame: Frame) -> None:
        q = frame.q
        values = np.zeros((len(maze.layout), len(maze.layout[0])))
        values[rows, columns] = q.max(axis=1)
        picture.set_data(values)
        steps = np.array(MOVES, dtype=float)[q.argmax(axis=1)]
        steps[best_count(q) > 1] = np.nan
        # Rows of the text run down the axis, so a move down is an arrow with positive v.
        arrows.set_UVC(steps[:, 1], steps[:, 0])

    return [picture, *letters, arrows], move

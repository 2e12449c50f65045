"""How wide a figure is, and where its panels stand: side by side, or on a narrow page stacked.

A picture that the browser shrinks has letters that nobody can read. So a figure is drawn as wide as
the page has room for; where that is less than four fifths of its own width, its panels stand one
below the other and its legends are narrower. Used by every figure that moves.
"""

import re
from collections.abc import Callable, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from mbpo_teach.figures import style

# A piece of a line: up to a space or Chinese punctuation, mathematics whole.
_BREAKS = re.compile(r"(?:\$[^$]*\$|[^\s，：；、）])+[\s，：；、）]*")
_INCH = 100  # CSS pixels
_STACKED = 0.8
_SHORTER = 0.85  # a stacked panel, compared with the same panel beside others


def is_narrow(width: float) -> bool:
    """Whether the page is too narrow for a figure that is `width` inches wide."""
    return style.present().width < _STACKED * width * _INCH


def single(width: float, height: float) -> Figure:
    """Return a figure of `width` and `height` inches, or as wide as the page is."""
    return Figure(figsize=(min(width, style.present().width / _INCH), height))


def beside(
    width: float, height: float, *, ratios: Sequence[float] = (1, 1), sharey: bool = False
) -> tuple[Figure, list[Axes]]:
    """Return a figure and its panels: side by side, as wide as `ratios` say, or stacked."""
    count = len(ratios)
    if is_narrow(width):
        figure = single(width, count * _SHORTER * height)
        return figure, list(figure.subplots(count, 1))
    figure = single(width, height)
    return figure, list(figure.subplots(1, count, width_ratios=ratios, sharey=sharey))


def one_and_two(width: float, height: float) -> tuple[Figure, Axes, Axes, Axes]:
    """Return a figure, its large panel, and two beside it that share the horizontal axis."""
    if is_narrow(width):
        figure = single(width, 2 * _SHORTER * height)
        grid = figure.add_gridspec(3, 1, height_ratios=(2, 1, 1))
        cells = [grid[row, 0] for row in range(3)]
    else:
        figure = single(width, height)
        grid = figure.add_gridspec(2, 2, width_ratios=(1.25, 1))
        cells = [grid[:, 0], grid[0, 1], grid[1, 1]]
    large, upper = figure.add_subplot(cells[0]), figure.add_subplot(cells[1])
    return figure, large, upper, figure.add_subplot(cells[2], sharex=upper)


def columns(count: int, width: float) -> int:
    """Return how many columns a legend has that has `count` in a figure of `width` inches."""
    if is_narrow(width):
        return 1
    return count if style.present().width >= _INCH * width else max(1, count - 1)


def name_below(figure: Figure, panels: Sequence[Axes], count: int, width: float) -> None:
    """Name the curves of `panels` below all of them: inside, curves cover every place.

    In `count` columns, or in one where a figure `width` inches wide is stacked.
    """
    named = [axes.get_legend_handles_labels() for axes in panels]
    figure.legend(
        [handle for handles, _ in named for handle in handles],
        [label for _, labels in named for label in labels],
        loc="outside lower left", ncols=1 if is_narrow(width) else count, handlelength=1.8,
    )  # fmt: skip


def fold(figure: Figure) -> None:
    """Break titles and names of axes that would leave the figure or run into what is beside them.

    Lines break at spaces and after Chinese punctuation, never within mathematics.
    """
    figure.draw_without_rendering()
    for axes in figure.axes:
        box = axes.get_position()
        neighbours = [
            other.get_position().x0
            for other in figure.axes
            if other.get_position().x0 > box.x1 and other.get_position().y1 > box.y0
        ]
        end = min([1.0, *neighbours]) * figure.bbox.width
        for text in (axes._left_title, axes.xaxis.label):  # type: ignore[attr-defined]
            _fold(text, lambda box, end=end: box.x1 <= end - 4)  # type: ignore[misc]


def fold_names(axes: Axes, width: float) -> None:
    """Break the names along the vertical axis into lines of at most `width` CSS pixels."""
    names = axes.get_yticklabels()
    pixels = width * style.present().density
    for name in names:
        _fold(name, lambda box: box.width <= pixels)
    axes.set_yticks(axes.get_yticks(), [name.get_text() for name in names])


def _fold(text: Text, fits: Callable[[Bbox], bool]) -> None:
    pieces = _BREAKS.findall(text.get_text())
    lines = [""]
    for piece in pieces:
        text.set_text((lines[-1] + piece).rstrip())
        if lines[-1] and not fits(text.get_window_extent()):
            lines.append(piece)
        else:
            lines[-1] += piece
    text.set_text("\n".join(line.strip() for line in lines))

"""A figure drawn once, whose moving artists are then redrawn in place: how a slider's figure works.

Drawing a matplotlib figure from nothing takes about 80 ms; restoring its fixed parts from memory
and drawing only the curves that a slider moves takes about 10 ms. That is the difference between
a figure that follows the hand and one that trails behind it. Axes limits are therefore fixed for
the life of a plate. Used by every lab.

Every figure that moves speaks one protocol: ``build(...)`` takes what stays and returns a
:data:`Draw`; that takes a frame, a named tuple of everything that changes, and returns the plate.
:func:`drawing` makes it of the figure's panels. A figure that does not move is a
:class:`mbpo_teach.figures.still.Still`.
"""

import io
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from PIL import Image

from mbpo_teach.figures import sheet, style
from mbpo_teach.figures.style import DRAWING


class Plate:
    """A figure and the artists in it that move.

    Parameters
    ----------
    figure
        A figure made with ``matplotlib.figure.Figure`` (not with pyplot, which would show it).
    moving
        The artists that change from frame to frame, in the order in which they are drawn.
    followed
        Those curves among them whose place before the hand moved is worth seeing: each has a
        ghost, thin and behind all that moves, from :meth:`remember` to :meth:`forget`.
    """

    def __init__(
        self, figure: Figure, moving: Sequence[Artist], followed: Sequence[Line2D] = ()
    ) -> None:
        self.figure = figure
        self.moving = tuple(moving)
        self._guess: Callable[[float], None] | None = None
        self._over: tuple[Artist, ...] = ()  # the guess
        self.scales: list[dict[str, Any]] = []
        """Of each panel that can be read off: see :func:`scale_of`."""
        self.ghosts = {line: _ghost(line) for line in followed}
        self._canvas = FigureCanvasAgg(figure)
        for artist in (*self.ghosts.values(), *self.moving):
            artist.set_animated(True)
        self.refresh()

    def let_guess(self, axes: Axes, along: str) -> None:
        """Let a guess be drawn in `axes`, as a value "x" or "y": a line across, with its name."""
        line = (axes.axvline if along == "x" else axes.axhline)(0, visible=False)
        line.set(color=style.PURPLE, lw=2, ls=(0, (1, 1)), animated=True)
        place = axes.get_xaxis_transform() if along == "x" else axes.get_yaxis_transform()
        name = axes.text(
            0, 0, f" {style.words('panel.guess_mark')}", transform=place, visible=False,
            va="bottom", color=style.DARK, fontsize=9, animated=True, in_layout=False,
        )  # fmt: skip

        def draw(guess: float) -> None:
            if along == "x":
                line.set_xdata([guess, guess])
                name.set_position((guess, 0.02))
            else:
                line.set_ydata([guess, guess])
                name.set_position((0.02, guess))
            for artist in (line, name):
                artist.set_visible(True)

        self._guess, self._over = draw, (line, name)

    def refresh(self) -> None:
        """Draw the fixed parts again, after a change to axes, titles or legends."""
        with DRAWING:
            self._canvas.draw()
            # One layout for the life of the plate: labels must not push the axes about.
            self.figure.set_layout_engine("none")
            self._fixed = self._canvas.copy_from_bbox(self.figure.bbox)

    def remember(self) -> None:
        """Leave the ghosts where their curves are now."""
        for line, ghost in self.ghosts.items():
            ghost.set_data(*line.get_data())
            ghost.set_visible(True)

    def forget(self) -> None:
        """Take the ghosts away."""
        for ghost in self.ghosts.values():
            ghost.set_visible(False)

    def mark(self, guess: float) -> None:
        """Draw the number that the reader had guessed over the answer."""
        if self._guess is not None:
            self._guess(guess)

    def image(self) -> Image.Image:
        """Return the present frame."""
        with DRAWING:
            self._canvas.restore_region(self._fixed)
            for artist in (*self.ghosts.values(), *self.moving, *self._over):
                self.figure.draw_artist(artist)
            return Image.fromarray(np.asarray(self._canvas.buffer_rgba())).convert("RGB")

    def png(self) -> bytes:
        """Return the present frame as PNG bytes, in 256 colours.

        A palette picture is encoded in half the time, and is a third of the size, of one in full
        colour; at these few colours nobody sees a difference.
        """
        out = io.BytesIO()
        palette = self.image().quantize(
            256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE
        )
        palette.save(out, format="PNG", compress_level=1)
        return out.getvalue()


def _ghost(line: Line2D) -> Line2D:
    assert line.axes is not None
    ghost = Line2D([], [], color=line.get_color(), lw=1.1, alpha=0.6, visible=False)
    ghost.set_in_layout(False)
    line.axes.add_line(ghost)
    return ghost


def scale_of(axes: Axes) -> dict[str, Any]:
    """Return what turns a place on the picture into numbers: box, limits and scales of a panel.

    The box is left, top, right and bottom, in shares of the picture, from its upper left corner.
    """
    box = axes.get_position()
    kinds = axes.get_xscale(), axes.get_yscale()
    assert set(kinds) <= {"linear", "log"}, "only these can be read off"
    return {
        "box": [box.x0, 1 - box.y1, box.x1, 1 - box.y0],
        "limits": [list(axes.get_xlim()), list(axes.get_ylim())],
        "log": [kind == "log" for kind in kinds],
    }


Frame = TypeVar("Frame")

Draw = Callable[[Frame], Plate]
"""What ``build`` returns: a function that shows one frame and returns the plate."""

Panel = tuple[Sequence[Artist], Callable[[Frame], None]]
"""A part of a figure: the artists in it that move, and the function that moves them to a frame."""


def drawing(
    figure: Figure,
    *panels: Panel[Frame],
    followed: Sequence[Line2D] = (),
    guess: tuple[Axes, str] | None = None,
    read: Sequence[Axes] = (),
) -> Draw[Frame]:
    """Return the function that shows one frame in all panels of a figure.

    The curves `followed` leave a ghost where they were before the hand moved; see :class:`Plate`.
    A number that the reader may `guess` is drawn in these axes, as a value "x" or "y". Of the axes
    `read` the pointer reads off the place that it points at.
    """
    with style.style():  # labels of ticks are made when they are first drawn
        sheet.fold(figure)
        plate = Plate(figure, [artist for moving, _ in panels for artist in moving], followed)
        if guess is not None:
            plate.let_guess(*guess)
        plate.scales = [scale_of(axes) for axes in read]

    def draw(frame: Frame) -> Plate:
        for _, move in panels:
            move(frame)
        return plate

    return draw

"""A figure drawn once, whose moving artists are then redrawn in place.

Drawing a matplotlib figure from nothing takes about 80 ms; restoring its fixed parts from memory
and drawing only the curves that a slider moves takes about 10 ms. That is the difference between
a figure that follows the hand and one that trails behind it. Axes limits are therefore fixed for
the life of a plate. Used by every lab.
"""

import io
from collections.abc import Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from mbpo_teach.figures.style import DRAWING

# How far a colour value of 0 to 255 may be off: 256 colours of a frame's own leave 30 to 55.
_NEAR = 56


class Plate:
    """A figure and the artists in it that move.

    Parameters
    ----------
    figure
        A figure made with ``matplotlib.figure.Figure`` (not with pyplot, which would show it).
    moving
        The artists that change from frame to frame, in the order in which they are drawn.
    """

    def __init__(self, figure: Figure, moving: Sequence[Artist]) -> None:
        self.figure = figure
        self.moving = tuple(moving)
        self._canvas = FigureCanvasAgg(figure)
        self._colours: Image.Image | None = None
        for artist in self.moving:
            artist.set_animated(True)
        self.refresh()

    def refresh(self) -> None:
        """Draw the fixed parts again, after a change to axes, titles or legends."""
        with DRAWING:
            self._canvas.draw()
            # One layout for the life of the plate: labels must not push the axes about.
            self.figure.set_layout_engine("none")
            self._fixed = self._canvas.copy_from_bbox(self.figure.bbox)

    def image(self) -> Image.Image:
        """Return the present frame."""
        with DRAWING:
            self._canvas.restore_region(self._fixed)
            for artist in self.moving:
                self.figure.draw_artist(artist)
            return Image.fromarray(np.asarray(self._canvas.buffer_rgba())).convert("RGB")

    def png(self) -> bytes:
        """Return the present frame as PNG bytes, in the 256 colours that suit it best.

        A palette picture is encoded in half the time, and is a third of the size, of one in full
        colour; at these few colours nobody sees a difference.
        """
        return _encoded(_in_own_colours(self.image()))

    def moving_png(self) -> bytes:
        """Return the present frame as PNG bytes, in an earlier frame's colours if they will do.

        Finding the best colours takes three times as long as drawing with given ones, and from one
        frame to the next they are nearly always the same.
        """
        picture = self.image()
        if self._colours is not None:
            coloured = picture.quantize(palette=self._colours, dither=Image.Dither.NONE)
            if _farthest(picture, coloured) <= _NEAR:
                return _encoded(coloured)
        self._colours = _in_own_colours(picture)
        return _encoded(self._colours)


def _in_own_colours(picture: Image.Image) -> Image.Image:
    return picture.quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)


def _farthest(picture: Image.Image, coloured: Image.Image) -> int:
    """Return by how much a colour value is off at most, of every fourth pixel each way."""
    palette = np.array(coloured.getpalette(), np.int16).reshape(-1, 3)
    off = palette[np.asarray(coloured)[::4, ::4]] - np.asarray(picture)[::4, ::4]
    return int(np.abs(off).max())


def _encoded(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, format="PNG", compress_level=1)
    return out.getvalue()

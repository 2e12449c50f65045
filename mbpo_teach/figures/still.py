"""A figure that does not move, with the sentence that says what it shows. Used by all chapters."""

import io
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mbpo_teach.figures.style import DRAWING


class Still:
    """A finished figure, shown by a notebook as a picture and, without pictures, as `sentence`."""

    def __init__(self, figure: Figure, sentence: str) -> None:
        self.figure = figure
        self.sentence = sentence

    def png(self) -> bytes:
        """Return the figure as PNG bytes."""
        out = io.BytesIO()
        with DRAWING:
            FigureCanvasAgg(self.figure).print_png(out)
        return out.getvalue()

    def _repr_mimebundle_(self, **_options: Any) -> dict[str, Any]:
        return {"image/png": self.png(), "text/plain": self.sentence}

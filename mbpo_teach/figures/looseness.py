"""Why theorem 4.1 is loose: the true gap, the bound C, and the layers of the proof between them.

Drawn for chapter 4.
"""

from typing import NamedTuple

import numpy as np

from mbpo_teach.figures import sheet, style
from mbpo_teach.figures.axes import plain_log
from mbpo_teach.figures.plate import Draw, drawing
from mbpo_teach.figures.style import words

_NAMES = ("gap", "laws", "on_policy", "data", "theorem")
_WIDTH = 9.6
_NARROW_NAMES = 96  # CSS pixels
_LOWEST, _HIGHEST = 1e-4, 100.0


class Frame(NamedTuple):
    """`layers`, in units of return, (5,); `factors` to the layer before, (4,); `trivial` level."""

    layers: np.ndarray
    factors: np.ndarray
    trivial: float


def build() -> Draw[Frame]:
    """Return a function that draws one frame."""
    rows = range(len(_NAMES))
    narrow = sheet.is_narrow(_WIDTH)
    with style.style():
        figure = sheet.single(_WIDTH, 3.9)
        axes = figure.subplots()
        axes.set(xscale="log", xlim=(_LOWEST, _HIGHEST), ylim=(len(_NAMES) - 0.4, -0.9))
        axes.set_yticks(rows, [words(f"looseness.{name}") for name in _NAMES])
        if narrow:
            sheet.fold_names(axes, _NARROW_NAMES)
        axes.tick_params(axis="y", length=0)
        plain_log(axes.xaxis)
        ticks = [1e-4, 1e-2, 1, 100] if narrow else np.logspace(-4, 2, 7)
        axes.set_xticks(ticks)
        axes.set_xlabel(words("looseness.share"))
        axes.axvspan(1, _HIGHEST, color=style.GREY, alpha=0.18, lw=0)
        axes.text(
            _HIGHEST, -0.55, words("bounds.says_nothing"), ha="right", va="center", color=style.DARK
        )
        beside = axes.get_yaxis_transform()
        # On a narrow page there is no room for the factors; the sentence has them.
        places = {"value": 1.35} if narrow else {"value": 1.1, "factor": 1.2}
        for key, where in places.items():
            axes.text(
                where, -0.55, words(f"looseness.{key}"), transform=beside, ha="right", va="center",
                color=style.DARK, fontsize=9,
            )  # fmt: skip
        colours = (style.RED, style.SKY, style.SKY, style.SKY, style.BLUE)
        bars = [
            axes.plot([_LOWEST, 1], [row, row], color=colour, lw=15, solid_capstyle="butt")[0]
            for row, colour in zip(rows, colours, strict=True)
        ]
        values, *factors = (
            [axes.text(where, row, "", transform=beside, ha="right", va="center") for row in rows]
            for where in places.values()
        )

    def move(frame: Frame) -> None:
        for bar, layer in zip(bars, frame.layers, strict=True):
            bar.set_xdata([_LOWEST, np.clip(layer / frame.trivial, _LOWEST, _HIGHEST)])
        for value, layer in zip(values, frame.layers, strict=True):
            value.set_text(f"{layer:.3f}")
        for column in factors:
            for label, factor in zip(column[1:], frame.factors, strict=True):
                label.set_text("" if np.isnan(factor) else f"×{factor:.1f}")

    numbers = [label for column in (values, *factors) for label in column]
    return drawing(figure, ([*bars, *numbers], move))

"""Both forces of theorem 4.3 against the length of a branch, and the measured error above them.

:func:`build_forces` draws the two parts alone, :func:`build` the other bounds beside them. There
the upper panel is a measurement on its own axis, a proxy that enters no theorem; the lower one is
in units of return. They share the axis of k and nothing else. Penalties are drawn as shares of the
trivial level 2 r_max / (1 - gamma), so that the axes stay put; the labels at the axis carry the
units. Above the trivial level the scale is logarithmic. Drawn for chapter 5.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike

from mbpo_teach.figures import sheet, style
from mbpo_teach.figures.axes import WHOLE, mark_best, shade_vacuous
from mbpo_teach.figures.plate import Draw, Panel, drawing
from mbpo_teach.figures.style import words

_WIDTH = 9.8
_PER_DECADE = 0.14  # height of a power of ten above the trivial level
_LEVELS = (0.0, 0.5, 1.0, 10.0, 100.0)  # labelled, in shares of the trivial level
_TOP = 1000.0
_NAME = 0.15  # height of the word at k*, on a narrow page


class Errors(NamedTuple):
    """Measured e(k) for k = 1, 2, ..., each (step,): quantiles, and the median disagreement."""

    low: np.ndarray
    middle: np.ndarray
    high: np.ndarray
    disagreement: np.ndarray


class Frame(NamedTuple):
    """What the lower panel shows, in units of return.

    `shift_part`, `model_part`, `tight` and `pessimistic` (theorem 4.2) have shape (length,), for
    k = 0, 1, ...; `whole` is the penalty of whole rollouts with the same eps_m', `bound` is C,
    `trivial` the trivial level, `best` k* (perhaps infinite), `k` the reader's choice. `gap` is
    |eta - eta_k|, (length,), or None where there is no world in which to compute it.
    """

    k: int
    shift_part: np.ndarray
    model_part: np.ndarray
    tight: np.ndarray
    pessimistic: np.ndarray
    whole: float
    bound: float
    trivial: float
    best: float
    gap: np.ndarray | None

    @property
    def penalty(self) -> np.ndarray:
        """Theorem 4.3's penalty, (length,)."""
        return np.asarray(self.shift_part + self.model_part)


def build_forces(*, longest: int) -> Draw[Frame]:
    """Return a function that draws theorem 4.3's two parts and k*, up to k = `longest`."""
    with style.style():
        figure = sheet.single(_WIDTH, 4.2)
        axes = figure.subplots()
        panel = _penalty_panel(axes, longest)
        sheet.name_below(figure, [axes], 3, _WIDTH)
        totals = [line for line in panel[0] if line.get_label() == words("branches.total")]
        return drawing(
            figure, panel, followed=[line for line in totals if isinstance(line, Line2D)]
        )


def build(errors: Errors, *, world: str) -> Draw[Frame]:
    """Return a function that draws one frame; `errors` were measured in `world`."""
    longest = len(errors.middle)
    with style.style():
        figure, (left, right) = sheet.beside(_WIDTH, 3.7, ratios=(1, 1.7))
        panels = (
            _error_panel(left, errors, world),
            _penalty_panel(right, longest, others=[_bounds_beside, _gap_beside]),
        )
        sheet.name_below(figure, [right], 3, _WIDTH)
        return drawing(figure, *panels)


def height(share: ArrayLike) -> np.ndarray:
    """Return the height at which a share of the trivial level is drawn: even up to 1, then log."""
    even = np.minimum(share, 1.0)
    heights: np.ndarray = even + _PER_DECADE * np.log10(np.maximum(share, 1.0))
    return heights


def _error_panel(axes: Axes, errors: Errors, world: str) -> Panel[Frame]:
    k = np.arange(1, len(errors.middle) + 1)
    axes.fill_between(
        k, errors.low, errors.high, color=style.SKY, alpha=0.35, lw=0, label=words("branches.band")
    )
    axes.plot(k, errors.middle, color=style.BLUE, lw=2, label=words("branches.error"))
    axes.plot(
        k,
        errors.disagreement,
        "-.",
        color=style.PURPLE,
        lw=1.6,
        label=words("branches.disagreement"),
    )
    axes.set_yscale("log")
    axes.set_ylabel(words("branches.error_axis"))
    axes.set_title(words("branches.error_title", world=world))
    axes.set_xlabel(words("bounds.length"))
    axes.set_xlim(0, len(errors.middle))
    axes.set_ylim(bottom=axes.get_ylim()[0] / 20)  # room for the legend
    axes.legend(loc="lower right")
    here = axes.axvline(0, color=style.BLACK, lw=1, ls=":")
    (point,) = axes.plot(1, 1, "o", color=style.BLUE, mec=style.WHITE, ms=8, **WHOLE)

    def move(frame: Frame) -> None:
        here.set_xdata([frame.k] * 2)
        # There is no error before the first step, and no zero on a logarithmic axis.
        point.set_data([frame.k], [errors.middle[frame.k - 1] if frame.k else np.nan])

    return [here, point], move


def _penalty_panel(
    axes: Axes, longest: int, others: Sequence[Callable[[Axes, int], Panel[Frame]]] = ()
) -> Panel[Frame]:
    """Draw theorem 4.3's penalty in its two parts, with k*, and the curves of `others` over it."""
    k = np.arange(longest + 1)
    blank = np.zeros(longest + 1)
    top = float(height(_TOP))
    shade_vacuous(axes, top, words("branches.vacuous"))
    axes.axhline(1, color=style.GREY, lw=1)
    look: dict[str, Any] = {"lw": 0, "alpha": 0.6}
    shift = axes.fill_between(
        k, blank, blank, color=style.SKY, label=words("branches.shift"), **look
    )
    model = axes.fill_between(
        k, blank, blank, color=style.ORANGE, label=words("branches.model"), **look
    )
    (total,) = axes.plot(k, blank, color=style.BLACK, lw=2, label=words("branches.total"))
    beside = [other(axes, longest) for other in others]
    here = axes.axvline(0, color=style.BLACK, lw=1, ls=":")
    (best,) = axes.plot(0, 0, "v", color=style.BLACK, mec=style.WHITE, ms=11, **WHOLE)
    named = axes.text(
        0, 0, "", ha="center", va="bottom", fontsize=11, zorder=4,
        bbox={"facecolor": style.WHITE, "alpha": 0.75, "lw": 0, "pad": 1},
    )  # fmt: skip
    axes.set(xlim=(0, longest), ylim=(-0.02, top), yticks=height(_LEVELS))
    axes.set_xlabel(words("bounds.length"))
    axes.set_ylabel(words("branches.return_axis"))
    axes.set_title(words("branches.penalty_title"))
    # Room for the widest label; the labels themselves are redrawn with each frame.
    axes.set_yticklabels(["", "", "20,000", "", ""], color="none")
    labels = [
        axes.annotate(
            "", (0, float(height(level))), (-6, 0), ("axes fraction", "data"),
            textcoords="offset points", ha="right", va="center",
        )
        for level in _LEVELS
    ]  # fmt: skip

    def move(frame: Frame) -> None:
        lower = height(frame.shift_part / frame.trivial)
        upper = height(frame.penalty / frame.trivial)
        shift.set_data(k, 0, lower)
        model.set_data(k, lower, upper)
        total.set_ydata(upper)
        for _, move_other in beside:
            move_other(frame)
        here.set_xdata([frame.k] * 2)
        _mark_best(frame, upper)
        for label, level in zip(labels, _LEVELS, strict=True):
            value = level * frame.trivial
            label.set_text(f"{value:,.0f}" if value >= 100 else f"{value:.3g}")

    def _mark_best(frame: Frame, upper: np.ndarray) -> None:
        mark_best(best, frame.best, upper + 0.035)
        if frame.best <= longest:
            at = int(frame.best)
            name = f"k* = {at}"
        else:
            at = longest
            name = f"k* = {'∞' if np.isinf(frame.best) else int(frame.best)} → "
        named.set_text(name)
        # Beside the axis of k there is no room on one side of the mark, and at the top none above.
        side = 1 if at < 0.06 * longest else -1 if at > 0.94 * longest else 0
        named.set_horizontalalignment(("center", "left", "right")[side])
        named.set_position((at + 0.02 * side * longest, min(upper[at] + 0.07, top - _NAME)))

    over = [artist for artists, _ in beside for artist in artists]
    return [shift, model, *over, total, here, best, named, *labels], move


def _bounds_beside(axes: Axes, longest: int) -> Panel[Frame]:
    """Draw the other bounds: whole rollouts, the tight variant, theorem 4.2 and C."""
    k = np.arange(longest + 1)
    looks: dict[str, tuple[str, Any, float]] = {
        "whole": (style.GREEN, "-", 2.4),
        "tight": (style.GREEN, "--", 1.8),
        "pessimistic": (style.BLUE, (0, (6, 1.5, 1, 1.5, 1, 1.5)), 1.8),
        "bound": (style.PURPLE, "-.", 1.8),
    }
    lines = {
        name: axes.plot(k, 0 * k, color=color, ls=dashes, lw=width, label=words(f"branches.{name}"))
        for name, (color, dashes, width) in looks.items()
    }

    def move(frame: Frame) -> None:
        for name, (line,) in lines.items():
            share = getattr(frame, name) / frame.trivial
            line.set_ydata(np.broadcast_to(height(share), k.shape))

    return [line for (line,) in lines.values()], move


def _gap_beside(axes: Axes, longest: int) -> Panel[Frame]:
    """Draw the exact gap, where there is a world in which to compute it."""
    k = np.arange(longest + 1)
    (gap,) = axes.plot(k, 0 * k, color=style.RED, lw=2.4, label=words("branches.gap"))

    def move(frame: Frame) -> None:
        nowhere = np.full(k.shape, np.nan)
        gap.set_ydata(nowhere if frame.gap is None else height(frame.gap / frame.trivial))

    return [gap], move

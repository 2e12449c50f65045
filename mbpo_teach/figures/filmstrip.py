"""Real body and imagined ghost, drawn as sticks seen from the side; no renderer is needed.

Drawn for chapter 3: a strip of single moments, a film, and the panel of the lab.
"""

import io
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from PIL import Image

from mbpo_teach.figures import sheet, style
from mbpo_teach.figures.axes import WHOLE
from mbpo_teach.figures.plate import Draw, Panel, drawing
from mbpo_teach.figures.still import Still
from mbpo_teach.figures.style import words
from mbpo_teach.world.limbs import Limbs


class Moment(NamedTuple):
    """A real body and its imagined ghost after `k` steps; either is None where there is none."""

    k: int
    real: Limbs | None
    ghost: Limbs | None


class View(NamedTuple):
    """The part of the world that is shown: forward and up, in metres."""

    forward: tuple[float, float]
    up: tuple[float, float]


def film_strip(strips: Mapping[str, Sequence[Moment]], views: Mapping[str, View]) -> Still:
    """Show a row of moments for each world; every row has as many."""
    columns = len(next(iter(strips.values())))
    # As high as each row's view is, seen at the same width; 0.35 inch are for a title.
    heights = [np.ptp(views[world].up) / np.ptp(views[world].forward) for world in strips]
    width = 9.2 / columns
    with style.style():
        figure = Figure(figsize=(9.2, sum(width * height + 0.35 for height in heights) + 0.3))
        grid = figure.subplots(len(strips), columns, squeeze=False, height_ratios=heights)
        for row, (world, moments) in zip(grid, strips.items(), strict=True):
            for axes, moment in zip(row, moments, strict=True):
                _, move = body_panel(axes, views[world])
                move(moment)
                axes.set_title(f"{world}, $k = {moment.k}$", fontsize=9.5)
        _legend(figure)
    said = words(
        "film.strip_sentence",
        worlds=words("film.listed").join(strips),
        ks=words("film.listed").join(str(moment.k) for moment in next(iter(strips.values()))),
    )
    return Still(figure, said)


class Frame(NamedTuple):
    """A moment, and beside it e(1), e(2), ... of its start, (step,)."""

    moment: Moment
    errors: np.ndarray


def build(view: View, *, steps: int, limits: tuple[float, float]) -> Draw[Frame]:
    """Return a function that draws one frame: the two bodies, and e(k) beside them.

    Errors are drawn on a logarithmic axis between `limits`.
    """
    times = np.arange(1, steps + 1)
    with style.style():
        figure, (left, right) = sheet.beside(8.6, 3.9, ratios=(1, 1.1))
        bodies, show = body_panel(left, view)
        (curve,) = right.plot(times, times, color=style.BLUE, lw=2)
        (point,) = right.plot(1, 1, "o", color=style.BLUE, ms=8, **WHOLE)
        right.set(xlim=(0, steps), yscale="log", ylim=limits)
        right.set_xlabel(words("compounding.k"))
        right.set_title(words("compounding.error"))
        _legend(figure)

    def move(frame: Frame) -> None:
        moment, errors = frame
        show(moment)
        curve.set_ydata(errors)
        point.set_data([moment.k], [errors[moment.k - 1]])

    return drawing(figure, ([*bodies, curve, point], move))


class Film:
    """A film, shown by a notebook as a moving picture and, without pictures, as `sentence`."""

    def __init__(self, gif: bytes, sentence: str) -> None:
        self.gif = gif
        self.sentence = sentence

    def _repr_mimebundle_(self, **_options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        return {"image/gif": self.gif, "text/plain": self.sentence}, {}


def film(world: str, moments: Sequence[Moment], view: View, *, seconds: float) -> Film:
    """Return the moments as a film that lasts `seconds` and begins again."""
    with style.style():
        figure = Figure(figsize=(3.2, 3.0))
        axes = figure.subplots()
        bodies, show = body_panel(axes, view)
        clock = axes.text(
            0.03, 0.95, "", transform=axes.transAxes, va="top", color=style.DARK, fontsize=12
        )
        axes.set_title(world)
        _legend(figure)

    def move(moment: Moment) -> None:
        show(moment)
        clock.set_text(f"k = {moment.k}")

    draw = drawing(figure, ([*bodies, clock], move))
    frames: list[Image.Image] = []
    for moment in moments:
        # Few colours, the same ones in every frame: then only what has moved is stored.
        palette = frames[0] if frames else None
        frames.append(draw(moment).image().quantize(12, palette=palette, dither=Image.Dither.NONE))
    out = io.BytesIO()
    frames[0].save(
        out,
        format="GIF",
        save_all=True,
        append_images=frames[1:],
        duration=round(1000 * seconds / len(frames)),
        loop=0,
    )
    return Film(out.getvalue(), words("film.film_sentence", world=world, last=moments[-1].k))


def body_panel(axes: Axes, view: View) -> Panel[Moment]:
    """Return a panel of the two bodies of a moment."""
    axes.axhline(0, color=style.GREY, lw=1)
    real = PolyCollection([], facecolor=style.BODY, edgecolor=style.DARK, lw=1.2)
    ghost = PolyCollection([], facecolor="none", edgecolor=style.RED, lw=1.6, linestyle="--")
    for body in (real, ghost):
        axes.add_collection(body)
    axes.set(xlim=view.forward, ylim=view.up, xticks=[], yticks=[], aspect="equal")
    for spine in axes.spines.values():
        spine.set_visible(False)

    def move(moment: Moment) -> None:
        for body, limbs in ((real, moment.real), (ghost, moment.ghost)):
            body.set_verts([] if limbs is None else outlines(limbs))

    return [real, ghost], move


def outlines(limbs: Limbs, points: int = 9) -> list[np.ndarray]:
    """Return the outline of each limb seen from the side, (2 * points, 2): forward, up."""
    shapes = []
    for (start, end), radius in zip(limbs.ends[:, :, [0, 2]], limbs.radius, strict=True):
        along = np.arctan2(*(end - start)[::-1])
        turn = along + np.linspace(-np.pi / 2, np.pi / 2, points)
        cap = radius * np.stack([np.cos(turn), np.sin(turn)], axis=1)
        shapes.append(np.concatenate([end + cap, start - cap]))
    return shapes


def _legend(figure: Figure) -> None:
    handles = [
        Patch(facecolor=style.BODY, edgecolor=style.DARK, label=words("film.real")),
        Patch(facecolor="none", edgecolor=style.RED, linestyle="--", label=words("film.ghost")),
    ]
    figure.legend(handles=handles, loc="outside lower left", ncols=2)

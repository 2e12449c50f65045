"""The sliders of chapter 3: errors that grow, the law of their growth, and two bodies.

All of them move through measured arrays, under the names that records use (see
``compounding.named``): "sizes" (size,), "actions.ensemble" (size, start, time) and so on. Some come
from a record, some from a model that the chapter has just trained.
"""

from collections.abc import Callable, Mapping

import numpy as np

from mbpo_teach.figures import filmstrip
from mbpo_teach.figures.axes import decades
from mbpo_teach.figures.compounding import ErrorsFrame, LawFrame, build_errors, build_law
from mbpo_teach.figures.filmstrip import Film, Moment, View, film, film_strip
from mbpo_teach.figures.plate import Plate
from mbpo_teach.figures.still import Still
from mbpo_teach.ground.language import join, text
from mbpo_teach.model.compounding import ACTING, Arrays, Curves, error_curves, place_of
from mbpo_teach.theory.growth import fit_growth, growth
from mbpo_teach.widgets import lab
from mbpo_teach.widgets.lab import Choice, Lab, Slider
from mbpo_teach.world import envs
from mbpo_teach.world.limbs import limbs_at

FITTED = 20
"""The first increments, to which the growth law is fitted."""

_VIEWS = {
    "InvertedPendulum-v5": View((-0.75, 0.75), (-0.2, 0.72)),
    "Hopper-v5": View((-1.2, 0.6), (-0.1, 1.5)),
}


def errors_lab(arrays: Arrays, *, size: int, k: int = 10) -> Lab:
    """Return sliders over k, start state and data size, and e(k) with its references."""
    steps = arrays["actions.ensemble"].shape[2] - 1
    drawn = [
        np.nanquantile(arrays[f"{acting}.{name}"], level, axis=1)[:, 1:]
        for acting in ACTING
        for name, level in (
            ("ensemble", 0.1),
            ("ensemble", 0.9),
            ("one_step", 0.5),
            ("at_imagined", 0.5),
        )
    ]
    mean_guess = float(arrays["mean_guess"])

    def make_view() -> lab.View:
        draw = build_errors(
            steps=steps, limits=decades(*drawn, np.array(mean_guess)), mean_guess=mean_guess
        )

        def view(*, k: int, start: int, size: float) -> tuple[Plate, str]:
            shown = {
                acting: error_curves(arrays, acting, size=size, start=start - 1)
                for acting in ACTING
            }
            said = [
                text("compounding.sentence", k=k, size=int(size), mean_guess=_number(mean_guess))
            ]
            said += [_sentence(acting, found, k, start) for acting, found in shown.items()]
            return draw(ErrorsFrame(shown, k)), join(said)

        return view

    starts = arrays["actions.ensemble"].shape[1]
    return Lab([*_k_and_start(steps, starts, k), _size(arrays, size)], make_view, plays=["k"])


def law_lab(worlds: Mapping[str, Arrays], *, size: int, stretch: float) -> Lab:
    """Return sliders over L and data size, and the growth law beside the median errors.

    The data sizes of all `worlds` are the same. Actions are those of the real rollouts.
    """
    medians = {
        world: np.nanmedian(arrays["actions.ensemble"], axis=1) for world, arrays in worlds.items()
    }
    steps = next(iter(medians.values())).shape[1] - 1
    some = next(iter(worlds.values()))

    def make_view() -> lab.View:
        limits = decades(*(middle[:, 1:] for middle in medians.values()))
        draw = build_law(tuple(worlds), steps=steps, limits=limits)

        def view(*, stretch: float, size: float) -> tuple[Plate, str]:
            found = [middle[place_of(some, size)] for middle in medians.values()]
            law = [[growth(curve[1], stretch, k) for k in range(1, steps + 1)] for curve in found]
            fitted = [fit_growth(curve, until=FITTED)[1] for curve in found]
            head = text("law.sentence", stretch=stretch, size=int(size))
            first, *others = [
                text(
                    "law.world",
                    world=world,
                    fitted=fit,
                    early=_number(curve[10]),
                    early_law=_number(drawn[9]),
                    late=_number(curve[steps]),
                    late_law=_number(drawn[steps - 1]),
                    steps=steps,
                )
                for world, curve, drawn, fit in zip(worlds, found, law, fitted, strict=True)
            ]
            frame = LawFrame(np.array(found)[:, 1:], np.array(law), fitted)
            return draw(frame), join([head, first]) + "\n" + join(others)

        return view

    controls: list[Slider | Choice] = [
        Slider(name="stretch", words="law.stretch", low=0.8, high=1.4, step=0.01, value=stretch),
        _size(some, size),
    ]
    return Lab(controls, make_view)


def film_lab(world: str, arrays: Arrays, *, size: int, k: int = 10) -> Lab:
    """Return sliders over k, start state and data size, and the two bodies of that moment."""
    filmed, steps = arrays["actions.real"].shape[0], arrays["actions.real"].shape[1] - 1
    errors = arrays["actions.ensemble"][:, :filmed, 1:]
    moment = _moments(world, arrays)

    def make_view() -> lab.View:
        draw = filmstrip.build(_VIEWS[world], steps=steps, limits=decades(errors))

        def view(*, k: int, start: int, size: float) -> tuple[Plate, str]:
            at = place_of(arrays, size)
            curve = errors[at, start - 1]
            going = np.isfinite(curve[k - 1])
            said = text(
                "film.sentence" if going else "film.ended",
                k=k,
                start=start,
                size=int(size),
                error=_number(curve[k - 1]),
            )
            return draw(filmstrip.Frame(moment(at, start - 1, k), curve)), said

        return view

    return Lab([*_k_and_start(steps, filmed, k), _size(arrays, size)], make_view, plays=["k"])


def strip(
    worlds: Mapping[str, Arrays], *, size: int, start: int, ks: tuple[int, ...] = (1, 5, 20, 50)
) -> Still:
    """Return the film strip of one start state (counted from 1) in each world."""
    moments = {}
    for world, arrays in worlds.items():
        moment = _moments(world, arrays)
        moments[world] = [moment(place_of(arrays, size), start - 1, k) for k in ks]
    return film_strip(moments, _VIEWS)


def moving_film(world: str, arrays: Arrays, *, size: int, start: int, seconds: float = 6) -> Film:
    """Return the film of one start state (counted from 1), every second step from k = 0 on."""
    moment = _moments(world, arrays)
    at, steps = place_of(arrays, size), arrays["actions.real"].shape[1]
    return film(
        world,
        [moment(at, start - 1, k) for k in range(0, steps, 2)],
        _VIEWS[world],
        seconds=seconds,
    )


def _moments(world: str, arrays: Arrays) -> Callable[[int, int, int], Moment]:
    """Return a function of data size (its place), start and k that sets up the two bodies."""
    env = envs.make(world)

    def moment(size: int, start: int, k: int) -> Moment:
        real, imagined = (
            arrays["actions.real"][start, k],
            arrays["actions.imagined"][size, start, k],
        )
        return Moment(k, limbs_at(env, real), limbs_at(env, imagined))

    return moment


def _sentence(acting: str, found: Curves, k: int, start: int) -> str:
    own = found.own[k - 1]
    return text(
        f"compounding.say_{acting}",
        middle=_number(found.middle[k - 1]),
        low=_number(found.low[k - 1]),
        high=_number(found.high[k - 1]),
        single=_number(found.single[k - 1]),
        disagreement=_number(found.disagreement[k - 1]),
        one_step=_number(found.one_step[k - 1]),
        at_imagined=_number(found.at_imagined[k - 1]),
        start=start,
        own=_number(own) if np.isfinite(own) else text("compounding.ended"),
    )


def _number(value: float) -> str:
    """Return two significant digits, and no powers of ten for large numbers."""
    return f"{value:.2g}" if abs(value) < 100 else f"{value:,.0f}"


def _size(arrays: Arrays, value: int) -> Choice:
    options = tuple(int(size) for size in arrays["sizes"])
    return Choice(name="size", words="compounding.size", options=options, value=value)


def _k_and_start(steps: int, starts: int, k: int) -> tuple[Slider, Slider]:
    return (
        Slider(name="k", words="compounding.k_slider", low=1, high=steps, step=1, value=k),
        Slider(name="start", words="compounding.start", low=1, high=starts, step=1, value=1),
    )

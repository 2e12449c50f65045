"""The toolbox behind every slider figure whose numbers come from Python.

A lab is a panel of sliders around one picture and the sentence that states its numbers. When a
slider moves, the lab's view is called with the new values, and sentence and picture change in one
step. Figures that need no Python (chapter 4's bound explorer) draw in the browser instead, in the
same panel. Used by all chapters.
"""

import json
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import anywidget
import traitlets

from mbpo_teach.figures import style
from mbpo_teach.figures.plate import Plate
from mbpo_teach.figures.style import DRAWING
from mbpo_teach.ground import language
from mbpo_teach.widgets.modules import joined

View = Callable[..., tuple[Plate, str]]
"""A function of the sliders' values that returns the picture and its live sentence.

The sentence takes two lines at most; what stands behind a line break are the other numbers, which
the panel folds away.
"""

_WORDS = (
    "lab", "number", "range", "clamped", "nearest", "rounded", "not_a_number", "reset", "play",
    "stop", "more", "picture", "guess_range", "guessed",
)  # fmt: skip
_RESTS = 0.6  # seconds without a move, as in controls.js
_DIGITS = 9  # more decimals than any slider has steps for


@dataclass(frozen=True, slots=True, kw_only=True)
class Slider:
    """A quantity on an even grid, which the learner moves by hand.

    `name` is the keyword under which the view receives the value, `words` the catalogue key of
    the full-word label. A slider whose `step` is an int gives ints; another one takes, by its
    number box, every value between its ends.
    """

    name: str
    words: str
    low: float
    high: float
    step: float
    value: float

    def __post_init__(self) -> None:
        if not self.step > 0:
            raise ValueError(f"step of slider {self.name!r} must be positive, not {self.step}")
        if not self.low <= self.value <= self.high:
            raise ValueError(
                f"value of slider {self.name!r} must be in [{self.low}, {self.high}],"
                f" not {self.value}"
            )

    @property
    def whole(self) -> bool:
        """Whether the slider gives ints."""
        return isinstance(self.step, int)

    def taken(self, value: float) -> float:
        """Return `value` as the view receives it.

        Raises
        ------
        ValueError
            If it is outside the slider's ends, or no whole number where those are asked for.
        """
        if not self.low <= value <= self.high or (self.whole and value != int(value)):
            kind = "a whole number " if self.whole else ""
            raise ValueError(
                f"value of slider {self.name!r} must be {kind}in [{self.low}, {self.high}],"
                f" not {value}"
            )
        return int(value) if self.whole else float(value)

    def on_page(self) -> dict[str, Any]:
        """Return what the page must know: the values on the slider's stops, and their kind."""
        count = math.floor((self.high - self.low) / self.step + 1e-9) + 1
        stops = [round(self.low + place * self.step, _DIGITS) for place in range(count)]
        return {"name": self.name, "kind": "slider", "stops": stops, "whole": self.whole}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A quantity with a few, perhaps uneven, values: the axes of a recorded or computed grid.

    A number typed into its box goes to the nearest of `options`.
    """

    name: str
    words: str
    options: tuple[float, ...]
    value: float

    def __post_init__(self) -> None:
        self.taken(self.value)

    def taken(self, value: float) -> float:
        """Return the option that equals `value`: itself, for views look recorded runs up by it.

        Raises
        ------
        ValueError
            If there is none.
        """
        if value not in self.options:
            raise ValueError(
                f"value of choice {self.name!r} must be one of {self.options}, not {value}"
            )
        return self.options[self.options.index(value)]

    def on_page(self) -> dict[str, Any]:
        """Return what the page must know: the options, and that there are no others."""
        whole = all(option == int(option) for option in self.options)
        stops = list(self.options)
        return {"name": self.name, "kind": "slider", "stops": stops, "whole": whole, "only": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """A choice between two ways of working, off or on: by hand, or as measured.

    The label says what it means to be on. The view receives a bool.
    """

    name: str
    words: str
    value: bool = False

    def taken(self, value: float) -> bool:
        """Return `value` as the view receives it."""
        return bool(value)

    def on_page(self) -> dict[str, Any]:
        """Return what the page must know."""
        return {"name": self.name, "kind": "switch"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """A number between `low` and `high` for which the catalogue's `words` ask."""

    words: str
    low: float
    high: float


class Panel(anywidget.AnyWidget):
    """A lab in the page (see panel.js and controls.js, which say what the traits are)."""

    _esm = joined("panel")
    controls: traitlets.List[Any] = traitlets.List().tag(sync=True)
    start = traitlets.Dict().tag(sync=True)
    settings: traitlets.List[Any] = traitlets.List().tag(sync=True)
    plays: traitlets.List[Any] = traitlets.List().tag(sync=True)
    words = traitlets.Dict().tag(sync=True)
    lang = traitlets.Unicode().tag(sync=True)
    values = traitlets.Dict().tag(sync=True)
    locked: traitlets.List[Any] = traitlets.List().tag(sync=True)
    frame = traitlets.Dict().tag(sync=True)
    page = traitlets.Dict().tag(sync=True)
    asks: traitlets.List[Any] = traitlets.List().tag(sync=True)
    guess = traitlets.Float(None, allow_none=True).tag(sync=True)


class Lab:
    """Sliders around a picture and the sentence that states its numbers.

    Parameters
    ----------
    controls
        The sliders, in reading order.
    make_view
        Builds the view in the current language, for the current page; called again when the
        reader switches the language, or when the page is another: dark, narrow or of finer pixels.
    locked
        A function of the controls' values that returns, by name, those which are not the reader's
        to set just now: these controls show the value given and cannot be moved. When one is set
        free again it goes back to where the reader had left it.
    settings
        Named values, each a button: the catalogue key of its name, and what it sets.
    plays
        The sliders that can move by themselves: a time, or k.
    guess
        A number to guess first, which is drawn over the answer when the lab first moves.

    Showing a lab in a notebook gives the live widget; a reader without a kernel sees the picture
    and the sentence, which the same output carries.
    """

    def __init__(
        self,
        controls: Sequence[Slider | Choice | Switch],
        make_view: Callable[[], View],
        *,
        locked: Callable[[dict[str, Any]], Mapping[str, float]] | None = None,
        settings: Mapping[str, Mapping[str, float]] | None = None,
        plays: Sequence[str] = (),
        guess: Guess | None = None,
    ) -> None:
        self._make_view = make_view
        self._locked = locked or (lambda values: {})
        self._left: dict[str, float] = {}  # where the reader left a control that is locked now
        self._controls = {control.name: control for control in controls}
        self._settings = settings or {}
        self._guess = guess
        self._page = style.Page()
        self._before: dict[str, Any] | None = None  # what the ghosts of curves show
        self._last_move = -math.inf
        self.values = {control.name: control.taken(control.value) for control in controls}
        start = dict(self.values)
        self.panel = Panel(
            controls=[control.on_page() for control in controls],
            start=start,
            settings=[dict(values) for values in self._settings.values()],
            plays=list(plays),
            asks=[] if guess is None else [guess.low, guess.high],
            values=start,
        )
        self.panel.observe(self._moved, "values")
        self.panel.observe(self._laid, "page")
        speak_from(self.panel)
        language.on_change(self._speak)
        self._speak()

    @property
    def locked(self) -> tuple[str, ...]:
        """The names of the controls that cannot be moved just now."""
        return tuple(self._left)

    def move(self, **values: float) -> None:
        """Move sliders as a hand would: ``lab.move(k=5)``.

        Raises
        ------
        ValueError
            If a name is not one of the sliders', or a slider cannot take the value.
        """
        for name, value in values.items():
            if name not in self._controls:
                known = ", ".join(self._controls)
                raise ValueError(f"{name} is not a slider; sliders are {known}")
            self._controls[name].taken(value)
        self.panel.values = self.panel.values | values

    def _moved(self, change: dict[str, Any]) -> None:
        # From reading the values to sending the picture: a cell may move this lab meanwhile.
        with DRAWING:
            if self.panel.values == self.values:
                return
            now = time.monotonic()
            if now - self._last_move > _RESTS:  # the hand had rested, and begins to move
                self._before = dict(self.values)
                self.plate.remember()
            self._last_move = now
            self.values = {
                name: control.taken(self.panel.values[name])
                for name, control in self._controls.items()
            }
            self._redraw()

    def _laid(self, change: dict[str, Any]) -> None:
        """Draw anew for another page."""
        with DRAWING:
            self._page = style.Page(**change["new"])
            self._speak()

    def _speak(self) -> None:
        with DRAWING:
            labels = {name: language.text(each.words) for name, each in self._controls.items()}
            known = panel_words(labels, self._settings)
            asked = {} if self._guess is None else {"guess": language.text(self._guess.words)}
            self.panel.words = known | asked
            self.panel.lang = language.current()
            with style.drawn_for(self._page):
                self._view = self._make_view()
            self.compare(self._before)

    def compare(self, before: dict[str, Any] | None) -> None:
        """Show the ghosts of what curves were at the values `before`; for None show none."""
        with DRAWING, style.drawn_for(self._page):
            self._before = before
            plate, _ = self._view(**(before or self.values))
            plate.forget() if before is None else plate.remember()
            self._redraw()

    def _lock(self) -> None:
        """Lock and set free what the present values ask for."""
        imposed = self._locked(self.values)
        for name in self._controls:
            if name in imposed and name not in self._left:
                self._left[name] = self.values[name]
            if name in imposed:
                self.values[name] = imposed[name]
            elif name in self._left:
                self.values[name] = self._left.pop(name)

    def _redraw(self) -> None:
        with DRAWING, style.drawn_for(self._page):
            self._lock()
            self.plate, said = self._view(**self.values)
            if self.panel.guess is not None and self._last_move > -math.inf:
                self.plate.mark(self.panel.guess)
            self.sentence = language.join(said.split("\n"))
            with self.panel.hold_sync():
                self.panel.values = dict(self.values)
                self.panel.locked = list(self._left)
                frame = frame_of(self.plate, said, state=self.values)
                self.panel.frame = frame | {"before": json.dumps(self._before)}

    def still(self) -> bytes:
        """Return the present picture as a notebook keeps it: light, at its full width, no ghost."""
        with DRAWING:
            if self._page == style.Page() and self._last_move == -math.inf:
                return self.plate.png()
            with style.drawn_for(style.Page()):
                plate, *_ = self._make_view()(**self.values)
                return plate.png()

    def _repr_mimebundle_(self, **_options: Any) -> dict[str, Any]:
        with DRAWING:
            bundle = view_of(self.panel)
            bundle["image/png"] = self.still()
            bundle["text/plain"] = self.sentence
        return bundle


def view_of(panel: anywidget.AnyWidget) -> dict[str, Any]:
    """Return the output that shows a panel where there is a kernel."""
    bundle = panel._repr_mimebundle_()
    assert bundle is not None
    return dict(bundle[0])


def frame_of(plate: Plate, said: str, *, state: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a panel shows at once: the picture, and what is said of it, as in :data:`View`.

    `state` are the values to which both belong.
    """
    sentence, *more = said.split("\n")
    return {
        "png": plate.png(),
        "sentence": sentence,
        "more": language.join(more),
        "state": json.dumps(state),
        "scales": plate.scales,
        "page": style.present()._asdict(),
    }


def panel_words(labels: Mapping[str, str], settings: Iterable[str]) -> dict[str, Any]:
    """Return the words of a panel in the current language, placeholders unfilled.

    `labels` are those of the controls, by name, `settings` the catalogue keys of named values.
    """
    lang = language.current()
    known = {name: language.catalogue()[f"panel.{name}"][lang] for name in _WORDS}
    named = [language.text(key) for key in settings]
    return known | {"lang": lang, "labels": dict(labels), "settings": named}


def speak_from(panel: Any) -> None:
    """Let the language buttons of a panel, whose trait is `lang`, speak for the whole notebook."""
    panel.lang = language.current()

    def speak(change: dict[str, Any]) -> None:
        if (
            change["new"] != language.current()
        ):  # else every panel that follows would tell all others
            language.use(change["new"])

    panel.observe(speak, "lang")

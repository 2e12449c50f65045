"""The toolbox behind every slider figure whose numbers come from Python.

A lab is a row of sliders, each with a number box, above one sentence and one picture. When a
slider moves, the lab's view is called with the new values, and sentence and picture change in one
step. Figures that need no Python (chapter 4's bound explorer) draw in the browser instead.
Used by all chapters.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets
import traitlets

from mbpo_teach.figures.plate import Plate
from mbpo_teach.figures.style import DRAWING
from mbpo_teach.ground import language

View = Callable[..., tuple[Plate, str]]
"""A function of the sliders' values that returns the picture and its live sentence."""

_LABEL = ipywidgets.Layout(width="19em")
_HANDLE = ipywidgets.Layout(width="24em")
_BOX = ipywidgets.Layout(width="7em")
_DIGITS = 9  # more decimals than any slider has steps for


@dataclass(frozen=True, slots=True, kw_only=True)
class Slider:
    """A quantity on an even grid, which the learner moves by hand.

    `name` is the keyword under which the view receives the value, `words` the catalogue key of
    the full-word label. A slider whose `step` is an int gives ints.
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

    def controls(self) -> tuple[ipywidgets.Widget, ipywidgets.Widget]:
        """Return the handle and the number box, each following the other."""
        whole = isinstance(self.step, int)
        make_handle = ipywidgets.IntSlider if whole else ipywidgets.FloatSlider
        make_box = ipywidgets.BoundedIntText if whole else ipywidgets.BoundedFloatText
        grid = {"min": self.low, "max": self.high, "step": self.step, "value": self.value}
        handle = make_handle(**grid, readout=False, layout=_HANDLE)
        box = make_box(**grid, layout=_BOX)

        # Joined here, not with jslink: the page would send the box's value as a second message,
        # ahead of the handle's, and would show steps of 0.01 as 0.9100000000000001.
        def write(change: dict[str, Any]) -> None:
            box.value = round(change["new"], _DIGITS)

        def read(change: dict[str, Any]) -> None:
            if change["new"] != round(handle.value, _DIGITS):
                handle.value = change["new"]

        handle.observe(write, "value")
        box.observe(read, "value")
        return handle, box


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
        if self.value not in self.options:
            raise ValueError(
                f"value of choice {self.name!r} must be one of {self.options}, not {self.value}"
            )

    def controls(self) -> tuple[ipywidgets.Widget, ipywidgets.Widget]:
        """Return the handle and the number box, which snaps to the nearest option."""
        handle = ipywidgets.SelectionSlider(
            options=[(f"{option:g}", option) for option in self.options],
            value=self.value,
            readout=False,
            layout=_HANDLE,
        )
        box = ipywidgets.FloatText(value=self.value, layout=_BOX)

        def snap(change: dict[str, Any]) -> None:
            handle.value = min(self.options, key=lambda option: abs(option - change["new"]))
            box.value = handle.value

        box.observe(snap, "value")
        handle.observe(lambda change: setattr(box, "value", change["new"]), "value")
        return handle, box


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """A choice between two ways of working, off or on: by hand, or as measured.

    The label says what it means to be on. The view receives a bool.
    """

    name: str
    words: str
    value: bool = False

    def controls(self) -> tuple[ipywidgets.Widget, None]:
        """Return the box to tick; a switch has no number."""
        return ipywidgets.Checkbox(value=self.value, indent=False), None


class Picture(anywidget.AnyWidget):
    """A picture and its sentence in the page, replaced in one step (see picture.js)."""

    _esm = Path(__file__).with_name("picture.js")
    frame = traitlets.Dict().tag(sync=True)


class Lab:
    """Sliders over a picture and the sentence that states its numbers.

    Parameters
    ----------
    controls
        The sliders, top to bottom.
    make_view
        Builds the view in the current language; called again when the reader switches language.
    locked
        A function of the controls' values that returns, by name, those which are not the reader's
        to set just now: these controls show the value given and cannot be moved. When one is set
        free again it goes back to where the reader had left it.

    Showing a lab in a notebook gives the live widget; a reader without a kernel sees the picture
    and the sentence, which the same output carries.
    """

    def __init__(
        self,
        controls: Sequence[Slider | Choice | Switch],
        make_view: Callable[[], View],
        *,
        locked: Callable[[dict[str, Any]], Mapping[str, float]] | None = None,
    ) -> None:
        self._make_view = make_view
        self._locked = locked or (lambda values: {})
        self._left: dict[str, float] = {}  # where the reader left a control that is locked now
        self._controls = tuple(controls)
        self._labels = [ipywidgets.Label(layout=_LABEL) for _ in self._controls]
        self._locking = False
        self._handles: dict[str, ipywidgets.Widget] = {}
        self._boxes: dict[str, ipywidgets.Widget] = {}
        self._switch = language_switch()
        self.picture = Picture()
        rows = []
        for control, label in zip(self._controls, self._labels, strict=True):
            handle, box = control.controls()
            handle.observe(self._redraw, "value")
            self._handles[control.name] = handle
            if box is not None:
                self._boxes[control.name] = box
            rows.append(ipywidgets.HBox([label, handle] if box is None else [label, handle, box]))
        self.box = ipywidgets.VBox([self._switch, *rows, self.picture])
        language.on_change(self._speak)
        self._speak()

    @property
    def values(self) -> dict[str, Any]:
        """The sliders' present values by name."""
        return {
            name: round(handle.value, _DIGITS)
            if isinstance(handle, ipywidgets.FloatSlider)  # a choice's value is a key: exact
            else handle.value
            for name, handle in self._handles.items()
        }

    @property
    def locked(self) -> tuple[str, ...]:
        """The names of the controls that cannot be moved just now."""
        return tuple(self._left)

    def move(self, **values: float) -> None:
        """Move sliders as a hand would: ``lab.move(k=5)``."""
        for name, value in values.items():
            self._handles[name].value = value

    def _speak(self) -> None:
        with DRAWING:
            for control, label in zip(self._controls, self._labels, strict=True):
                name = language.text(control.words)
                label.value = name
                self._handles[control.name].tooltip = name
                if control.name in self._boxes:
                    self._boxes[control.name].tooltip = language.text("lab.number", name=name)
            self._view = self._make_view()
            self._redraw()

    def _lock(self) -> None:
        """Lock and set free what the present values ask for."""
        imposed = self._locked(self.values)
        for name, handle in self._handles.items():
            if name in imposed and name not in self._left:
                self._left[name] = handle.value
            elif name not in imposed and name not in self._left:
                continue
            value = imposed[name] if name in imposed else self._left.pop(name)
            for widget in (handle, self._boxes.get(name)):
                if widget is not None:
                    widget.disabled = name in imposed
            handle.value = value

    def _redraw(self, _change: object = None) -> None:
        # From reading the values to sending the picture: a cell may move this lab meanwhile.
        with DRAWING:
            if self._locking:
                return
            self._locking = True  # moving a locked control is no reason to draw
            try:
                self._lock()
            finally:
                self._locking = False
            values = self.values
            plate, self.sentence = self._view(**values)
            self.plate = plate
            self.picture.frame = {
                "png": plate.png(),
                "sentence": self.sentence,
                "state": json.dumps(values),
            }

    def _repr_mimebundle_(self, **_options: Any) -> dict[str, Any]:
        bundle: dict[str, Any] = dict(self.box._repr_mimebundle_())
        with DRAWING:
            bundle["image/png"] = self.plate.png()
            bundle["text/plain"] = self.sentence
        return bundle


def language_switch() -> ipywidgets.ToggleButtons:
    """Return the visible switch between English and Chinese run-time words."""
    switch = ipywidgets.ToggleButtons(
        options=[("English", "en"), ("中文", "zh")],
        value=language.current(),
        tooltips=["Speak English", "说中文"],
        style={"button_width": "6em"},
    )
    switch.observe(lambda change: language.use(change["new"]), "value")
    language.on_change(lambda: setattr(switch, "value", language.current()))
    return switch

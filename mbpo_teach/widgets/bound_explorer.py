"""The bound explorer of chapter 4: theorems 4.1, 4.2 and 4.3 as six sliders move their numbers.

Everything is computed and drawn in the browser, by ``bound_explorer.js``; Python only hands over
the words and the values to start from, and keeps a picture for readers without a kernel.
"""

import io
from typing import Any

import anywidget
import traitlets

from mbpo_teach.figures import explorer
from mbpo_teach.figures.style import DRAWING
from mbpo_teach.ground import language
from mbpo_teach.widgets.lab import panel_words, speak_from, view_of
from mbpo_teach.widgets.modules import joined

START = {
    "gamma": 0.9,
    "r_max": 1.0,
    "eps_m": 0.01,
    "eps_m_prime": 0.01,
    "eps_pi": 0.1,
    "k": 5,
}
"""Values at which theorem 4.3 says something: k* = 22, at 0.32 of the trivial level."""

LIMITS = {
    "gamma": (0.0, 0.995),
    "r_max": (0.1, 10.0),
    "eps_m": (0.0, 1.0),
    "eps_m_prime": (0.0, 1.0),
    "eps_pi": (0.0, 1.0),
    "k": (0, explorer.LONGEST),
}
"""How far each slider goes, as in bound_explorer.js."""


class Page(anywidget.AnyWidget):
    """The explorer in the page: `values` under the sliders, `words` in one language."""

    _esm = joined("bound_explorer")
    values = traitlets.Dict().tag(sync=True)
    start = traitlets.Dict().tag(sync=True)
    plays = traitlets.List(["k"]).tag(sync=True)
    words = traitlets.Dict().tag(sync=True)
    lang = traitlets.Unicode().tag(sync=True)


class BoundExplorer:
    """The live explorer with its still picture and sentence; made by :func:`explorer_lab`."""

    def __init__(self, values: dict[str, float]) -> None:
        self.page = Page(values=values, start=values, words=words())
        speak_from(self.page)
        language.on_change(self._speak)

    @property
    def values(self) -> dict[str, float]:
        """The sliders' present values by name."""
        return dict(self.page.values)

    @property
    def sentence(self) -> str:
        """The live sentence, in the current language."""
        return explorer.sentence(self.values)

    def move(self, **values: float) -> None:
        """Move sliders as a hand would: ``explorer.move(eps_pi=0.02)``.

        Raises
        ------
        ValueError
            If a name is not one of the sliders', or a value is outside its limits.
        """
        self.page.values = _checked(self.page.values | values)

    def _speak(self) -> None:
        self.page.words = words()
        self.page.lang = language.current()

    def _repr_mimebundle_(self, **_options: Any) -> dict[str, Any]:
        still = io.BytesIO()
        with DRAWING:
            explorer.draw(self.values).savefig(still, format="png")
        bundle = view_of(self.page)
        bundle["image/png"] = still.getvalue()
        bundle["text/plain"] = self.sentence
        return bundle


def explorer_lab(**values: float) -> BoundExplorer:
    """Return the explorer, starting from :data:`START` or from the `values` given by name.

    Raises
    ------
    ValueError
        If a name is not one of the sliders', or a value is outside its limits.
    """
    return BoundExplorer(_checked(START | values))


def words() -> dict[str, Any]:
    """Return the words of the panel and the explorer in the current language."""
    lang, prefix = language.current(), "explorer."
    own = {
        key.removeprefix(prefix): entry[lang]
        for key, entry in language.catalogue().items()
        if key.startswith(prefix)
    }
    return panel_words({name: own[name] for name in LIMITS}, ()) | own


def _checked(values: dict[str, float]) -> dict[str, float]:
    """Return `values` as plain numbers, each within :data:`LIMITS`."""
    checked: dict[str, float] = {}
    for name, value in values.items():
        if name not in LIMITS:
            raise ValueError(f"{name} is not a slider; sliders are {', '.join(LIMITS)}")
        low, high = LIMITS[name]
        whole = name == "k"
        if not low <= value <= high or (whole and value != int(value)):
            kind = "a whole number " if whole else ""
            raise ValueError(f"{name} must be {kind}in [{low}, {high}], not {value}")
        checked[name] = int(value) if whole else float(value)
    return checked

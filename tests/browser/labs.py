"""The labs of a notebook, as the page shows them and as the library makes them anew.

What a lab must show is computed by a second lab, built in the notebook's kernel by the same line
of the notebook (so from the data that the chapter has computed), moved by Python and never shown.
"""

import ast
import base64
import io
import json
import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Locator

from driver import Notebook

VIEW = "application/vnd.jupyter.widget-view+json"

# Runs in the kernel. The second lab speaks `lang` and leaves the page's labs alone.
SECOND_LAB = """
def _second_lab(expression, lang, state, page, before):
    from base64 import b64encode
    from mbpo_teach.ground import language
    from mbpo_teach.figures.explorer import numbers, sentences
    from mbpo_teach.figures.style import DRAWING
    from mbpo_teach.widgets.bound_explorer import BoundExplorer
    # The page's labs draw in another thread of this kernel, and speak another language perhaps.
    DRAWING.acquire()
    chosen, listeners = list(language._chosen), list(language._listeners)
    language._chosen[:] = [lang]
    try:
        lab = eval(expression, globals())
        lab.move(**state)
        if isinstance(lab, BoundExplorer):
            return {"said": sentences(lab.values), "numbers": numbers(lab.values)}
        lab.panel.page = page
        lab.compare(before)
        shown = {"said": [lab.panel.frame["sentence"], lab.panel.frame["more"]]}
        steps = {
            control.name: {"options": control.options}
            if hasattr(control, "options")
            else {"step": control.step, "high": control.high}
            for control in lab._controls.values()
            if hasattr(control, "options") or hasattr(control, "step")
        }
        shown |= {"steps": steps, "locked": lab.locked}
        return shown | {"png": b64encode(lab.plate.png()).decode()}
    finally:
        language._chosen[:], language._listeners[:] = chosen, listeners
        DRAWING.release()
"""

# One stop to the right of where bound_explorer.START stands.
EXPLORER_NEXT = {
    "eps_pi": 0.11,
    "eps_m": 0.011,
    "eps_m_prime": 0.011,
    "gamma": 0.91,
    "r_max": 1.1,
    "k": 6,
}


@dataclass
class Shown:
    """A lab in the page, and the expression that makes it."""

    notebook: Notebook
    at: Locator
    expression: str
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What the library made of each language, state and page: it is asked once for each."""

    @property
    def is_explorer(self) -> bool:
        return self.at.locator(".mbpo-explorer").count() == 1

    @property
    def sliders(self) -> Locator:
        return self.at.locator("input[type=range]")

    @property
    def boxes(self) -> Locator:
        return self.at.locator("input[type=text][data-name]")

    @property
    def names(self) -> list[str]:
        """The sliders' names, in reading order."""
        return self.sliders.evaluate_all(NAMES)

    @property
    def switches(self) -> list[str]:
        """The switches' names, in reading order."""
        return self.at.locator("input[type=checkbox]").evaluate_all(NAMES)

    @property
    def locked(self) -> list[str]:
        """The names of the sliders that the page does not let the reader move."""
        locked = self.at.locator("input[type=range]:disabled").evaluate_all(NAMES)
        assert self.at.locator("input[type=text]:disabled").evaluate_all(NAMES) == locked
        return locked

    @property
    def picture(self) -> Locator:
        return self.at.locator(".picture > [data-state]")

    def wait_until_laid_out(self) -> None:
        """Wait until the picture is drawn for the page's width and the sliders' values."""
        self.at.scroll_into_view_if_needed()  # one that nobody sees is not drawn anew
        self.notebook.page.wait_for_function(
            """(root) => {
              const picture = root.querySelector('.picture > [data-state]');
              if (!picture) return false;
              const state = JSON.parse(picture.dataset.state);
              const shown = [...root.querySelectorAll('input[type=text][data-name]')].every(
                (box) => Math.abs(Number(box.value) - state[box.dataset.name]) < 1e-9);
              const page = JSON.parse(picture.dataset.page ?? 'null');
              const width = root.querySelector('.picture').clientWidth;
              return shown && (!page || page.width === Math.min(20 * Math.floor(width / 20), 1080));
            }""",
            arg=self.at.element_handle(),
        )

    def state(self) -> dict[str, float]:
        """Return the values that picture and sentence show, which must be the same."""
        self.at.locator("[data-state]").nth(1).wait_for()
        states = self.at.locator("[data-state]").evaluate_all(
            "nodes => nodes.map((node) => node.dataset.state)"
        )
        assert len(states) == 2
        assert states[0] == states[1]
        return json.loads(states[0])

    def library(self, lang: str) -> dict[str, Any]:
        """Return what the library makes of the page's present values in `lang`."""
        page, before = (
            json.loads(self.picture.get_attribute(f"data-{name}") or "null")
            for name in ("page", "before")
        )
        arguments = repr((self.expression, lang, self.state(), page, before))
        if arguments not in self.answers:
            self.answers[arguments] = self.notebook.ask(SECOND_LAB, f"_second_lab(*{arguments})")
        return self.answers[arguments]

    def wait_for_values(self, expected: dict[str, float]) -> None:
        """Wait until picture and sentence both show the `expected` values."""
        self.notebook.page.wait_for_function(
            """([root, expected]) => {
              const nodes = [...root.querySelectorAll('[data-state]')];
              const near = (a, b) => Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(b));
              return nodes.length === 2 && nodes.every((node) => {
                const state = JSON.parse(node.dataset.state);
                return Object.entries(expected).every(([name, x]) => near(state[name], x));
              });
            }""",
            arg=[self.at.element_handle(), expected],
        )

    def wait_for_language(self, lang: str) -> None:
        """Wait until the sentence is the library's in this language."""
        self.at.scroll_into_view_if_needed()  # one that nobody sees is not drawn anew
        self.notebook.page.wait_for_function(
            "([node, said]) => node.textContent === said",
            arg=[
                self.at.locator(".said").element_handle(),
                as_set(self.library(lang)["said"][0]),
            ],
            timeout=60_000,  # its state may have moved on since it was asked for: then once more
        )

    def assert_shows_the_library(self, lang: str) -> None:
        """Compare sentence and picture with what the library makes of the page's values."""
        self.wait_until_laid_out()
        expected = self.library(lang)
        said = self.at.locator(".said").text_content()
        more = self.at.locator(".more > p").text_content()
        assert [said, more] == [as_set(each) for each in expected["said"]]
        assert self.at.locator(".more").is_visible() == (more != "")
        assert bool(re.search("[一-鿿]", said)) == (lang == "zh")
        if self.is_explorer:
            shown = json.loads(self.at.locator("svg[data-state]").get_attribute("data-numbers"))
            for name, number in shown.items():
                # JSON has no infinity.
                np.testing.assert_allclose(
                    np.inf if number is None else number, expected["numbers"][name], rtol=1e-9
                )
        else:
            canvas = self.at.locator("canvas[data-state]")
            as_url = canvas.evaluate("canvas => canvas.toDataURL('image/png')")
            shown = _pixels(as_url.partition(",")[2])
            np.testing.assert_array_equal(shown, _pixels(expected["png"]))

    def next_values(self, name: str, lang: str) -> tuple[str, dict[str, float]]:
        """Return the key to press on slider `name`, and the values expected after it."""
        now = self.state()
        if self.is_explorer:
            return "ArrowRight", now | {name: EXPLORER_NEXT[name]}
        steps = self.library(lang)["steps"][name]
        if "options" in steps:
            options = steps["options"]
            place = options.index(now[name])
            forward = place + 1 < len(options)
            after = options[place + 1 if forward else place - 1]
        else:
            forward = now[name] + steps["step"] <= steps["high"] + 1e-9
            after = now[name] + (steps["step"] if forward else -steps["step"])
        return ("ArrowRight" if forward else "ArrowLeft"), now | {name: after}


NAMES = "nodes => nodes.map((node) => node.dataset.name)"


def as_set(words: str) -> str:
    """Return words as the page's text has them, where the subscript of "x_y" is small."""
    return re.sub(r"_(max|m′|m|π|D)", r"\1", words)


def find(notebook: Notebook, cells: list[dict[str, Any]]) -> list[Shown]:
    """Return the notebook's labs: every code cell whose output is a live widget."""
    labs = []
    for place, cell in enumerate(cells):
        if any(VIEW in output.get("data", {}) for output in cell["outputs"]):
            last = ast.parse(cell["source"]).body[-1]
            # A call makes a second lab; a name would only find the first again.
            assert isinstance(last, ast.Expr), cell["source"]
            assert isinstance(last.value, ast.Call), cell["source"]
            at = notebook.page.locator(".jp-CodeCell").nth(place).locator(".jp-Cell-outputArea")
            labs.append(Shown(notebook, at, ast.unparse(last)))
    return labs


def _pixels(base64_png: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(base64_png))).convert("RGB"))

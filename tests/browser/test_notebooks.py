"""The student editions in a real JupyterLab: run, moved by keyboard, switched between languages."""

import dataclasses
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, TimeoutError

import access
import driver
import labs

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
EDITIONS = [
    (lang, path.stem)
    for lang in ("en", "zh")
    for path in sorted((NOTEBOOKS / lang).glob("*.ipynb"))
]


def test_chapters_of_this_course_are_there():
    for lang in ("en", "zh"):
        chapters = {name[:2] for edition, name in EDITIONS if edition == lang}
        assert {"00", "01", "04"} <= chapters


@dataclass
class Edition:
    """A chapter in one language, open in JupyterLab and run from top to bottom."""

    lang: str
    name: str
    notebook: driver.Notebook
    cells: list[dict[str, Any]]
    labs: list[labs.Shown]

    @property
    def page(self) -> Page:
        return self.notebook.page


@pytest.fixture(scope="module", params=EDITIONS, ids=lambda edition: "-".join(edition))
def edition(request, chromium, server):
    lang, name = request.param
    # A copy, because JupyterLab saves what it opens; placed so that linked pictures are found.
    copy = server.folder / "work" / lang / f"{name}.ipynb"
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(NOTEBOOKS / lang / copy.name, copy)
    shutil.copytree(
        NOTEBOOKS.parent / "Illustrations", server.folder / "Illustrations", dirs_exist_ok=True
    )
    # A layout of its own: JupyterLab would bring back the documents of the chapter before.
    own = dataclasses.replace(server, opens=f"doc/workspaces/{lang}-{name}/tree")
    with driver.open_notebook(chromium, own, f"work/{lang}/{copy.name}") as notebook:
        cells = notebook.run()
        yield Edition(lang, name, notebook, cells, labs.find(notebook, cells))


def test_every_cell_runs_and_nothing_complains(edition):
    for cell in edition.cells:
        assert cell["execution_count"], cell["source"]
        errors = [output for output in cell["outputs"] if output["output_type"] == "error"]
        assert errors == [], cell["source"]
    assert edition.notebook.complaints == []


def test_every_slider_moves_by_keyboard_to_the_librarys_numbers(edition):
    assert edition.labs, "a chapter has at least one lab"
    for lab in edition.labs:
        lab.assert_shows_the_library(edition.lang)
        for place, name in enumerate(lab.names):
            if name in lab.locked:
                continue
            key, expected = lab.next_values(name, edition.lang)
            lab.sliders.nth(place).focus()
            edition.page.keyboard.press(key)
            lab.wait_for_values(expected)
            lab.assert_shows_the_library(edition.lang)
    assert edition.notebook.complaints == []


def test_every_number_box_moves_its_slider(edition):
    for lab in edition.labs:
        for place, name in enumerate(lab.names):
            if name in lab.locked:
                continue
            _, expected = lab.next_values(name, edition.lang)
            box = lab.boxes.nth(place)
            box.fill(f"{expected[name]:.9g}")
            box.press("Enter")
            lab.wait_for_values(expected)
            lab.assert_shows_the_library(edition.lang)
            assert box.input_value() == f"{expected[name]:.9g}"


def test_every_switch_turns_by_keyboard_and_locks_what_is_not_the_readers(edition):
    for lab in edition.labs:
        for place, name in enumerate(lab.switches):
            before = lab.state()
            box = lab.at.locator("input[type=checkbox]").nth(place)
            box.focus()
            edition.page.keyboard.press("Space")
            lab.wait_for_values({name: not before[name]})
            lab.assert_shows_the_library(edition.lang)
            assert lab.locked == lab.library(edition.lang)["locked"]
            edition.page.keyboard.press("Space")
            lab.wait_for_values(before)
            lab.assert_shows_the_library(edition.lang)
            assert lab.locked == lab.library(edition.lang)["locked"]


def test_arrow_keys_on_a_slider_leave_the_selected_cell_alone(edition):
    selected = "() => jupyterapp.shell.currentWidget.content.activeCellIndex"
    for lab in edition.labs:
        lab.sliders.first.click()
        before = edition.page.evaluate(selected)
        edition.page.keyboard.press("ArrowDown")
        edition.page.keyboard.press("ArrowDown")
        assert edition.page.evaluate(selected) == before


def test_the_switch_makes_every_lab_speak_the_other_language(edition):
    other = "zh" if edition.lang == "en" else "en"
    for spoken in (other, edition.lang):
        name = {"en": "English", "zh": "中文"}[spoken]
        edition.labs[0].at.get_by_role("button", name=name).click()
        for lab in edition.labs:
            for patience in (4, 3, 2, 1, 0):
                # A busy machine may still be drawing the labs above: look again, then judge.
                try:
                    lab.wait_for_language(spoken)
                    lab.assert_shows_the_library(spoken)
                    break
                except (AssertionError, TimeoutError):
                    if not patience:
                        raise
    assert edition.notebook.complaints == []


def test_slider_picture_and_sentence_fit_one_screen(edition):
    """Within 640 pixels at 1280 by 800, beside the file browser, wherever the sliders stand."""
    page, window = edition.page, edition.page.viewport_size
    page.set_viewport_size({"width": 1280, "height": 800})
    page.evaluate(
        """async () => {
          await jupyterapp.commands.execute('application:set-mode', { mode: 'multiple-document' });
          await jupyterapp.commands.execute('filebrowser:activate');
        }"""
    )
    for lab in edition.labs:
        lab.wait_until_laid_out()
        assert 700 < lab.at.locator(".mbpo-lab").bounding_box()["width"] < 1000
        for key in ("Home", "End"):
            place = lab.at.evaluate(PLACE)
            for handle, name in zip(lab.sliders.all(), lab.names, strict=True):
                if name not in lab.locked:
                    handle.press(key)
            lab.wait_until_laid_out()
            assert lab.at.evaluate(PLACE) == place  # nothing jumps
            height, lines, shrunk = lab.at.evaluate(FIT)
            assert height <= 640 and lines <= 2.1 and shrunk > 0.99, lab.expression
        lab.at.get_by_role("button", name={"en": "Reset", "zh": "复原"}[edition.lang]).click()
    page.evaluate(
        "() => jupyterapp.commands.execute('application:set-mode', { mode: 'single-document' })"
    )
    page.set_viewport_size(window)


# From the top of the panel to the end of the sentence; its lines; how far the picture is shrunk.
PLACE = """(root) => {
  const [lab, picture] = ['.mbpo-lab', '.picture > [data-state]'].map(
    (where) => root.querySelector(where).getBoundingClientRect());
  return [picture.x - lab.x, picture.y - lab.y, picture.width, picture.height];
}"""

FIT = """(root) => {
  const top = root.querySelector('.mbpo-lab').getBoundingClientRect().top;
  const said = root.querySelector('.said');
  const picture = root.querySelector('.picture > [data-state]');
  const lines = said.clientHeight / parseFloat(getComputedStyle(said).lineHeight);
  const page = JSON.parse(picture.dataset.page ?? 'null');
  const drawn = page ? picture.width / page.density : picture.clientWidth;
  return [said.getBoundingClientRect().bottom - top, lines, picture.clientWidth / drawn];
}"""


def use_theme(page, theme):
    """Switch JupyterLab to its theme "Light" or "Dark"."""
    page.evaluate(
        "theme => jupyterapp.commands.execute('apputils:change-theme', { theme })",
        f"JupyterLab {theme}",
    )
    page.wait_for_function(
        "light => document.body.dataset.jpThemeLight === light", arg=str(theme == "Light").lower()
    )


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_pictures_of_labs_and_chapter_are_kept(edition, artefacts, theme):
    page = edition.page
    use_theme(page, theme)
    start = f"{edition.name}-{edition.lang}-{theme.lower()}"
    for number, lab in enumerate(edition.labs):
        lab.at.scroll_into_view_if_needed()
        lab.at.screenshot(path=artefacts / f"{start}-lab{number}.png")
    window = page.viewport_size
    page.set_viewport_size(window | {"height": TALLEST})
    end = page.evaluate(
        """() => {
          document.querySelector('.jp-WindowedPanel-outer').scrollTop = 0;
          return [...document.querySelectorAll('.jp-Cell')].at(-1).getBoundingClientRect().bottom;
        }"""
    )
    whole = {"x": 0, "y": 0, "width": window["width"], "height": min(end + 40, TALLEST)}
    page.screenshot(path=artefacts / f"{start}.png", clip=whole)
    page.set_viewport_size(window)
    assert edition.notebook.complaints == []


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_axe_finds_no_fault_in_what_a_chapter_shows(edition, theme):
    page = edition.page
    use_theme(page, theme)
    assert access.faults(page, ".jp-OutputArea-output, .jp-RenderedMarkdown") == []


# Chromium draws no picture higher than 16,384 pixels.
TALLEST = 16_000

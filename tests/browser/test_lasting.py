"""A chapter that was run and saved, opened the next day: pictures and sentences are still there."""

import json
import shutil
from pathlib import Path

import pytest

import driver
from mbpo_teach.course.lasting import VIEW
from mbpo_teach.ground import language

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
CHAPTERS = [("en", "00_start_here"), ("zh", "00_start_here")]

SAVE = "() => jupyterapp.commands.execute('docmanager:save')"
ALIVE = "() => document.querySelectorAll('[data-state]').length"


@pytest.fixture(scope="module", params=CHAPTERS, ids=lambda chapter: chapter[0])
def saved(request, chromium, tmp_path_factory):
    """A chapter's file after it was run and saved, and the server it was saved by is gone."""
    lang, name = request.param
    folder = tmp_path_factory.mktemp(lang)
    file = folder / "notebooks" / lang / f"{name}.ipynb"
    file.parent.mkdir(parents=True)
    shutil.copy(NOTEBOOKS / lang / file.name, file)
    with (
        driver.jupyterlab(folder) as server,
        driver.open_notebook(chromium, server, f"{lang}/{file.name}") as notebook,
    ):
        shown = [output for cell in notebook.run() for output in cell["outputs"]]
        sentences = [
            output["data"]["text/plain"] for output in shown if VIEW in output.get("data", {})
        ]
        alive = notebook.page.evaluate(ALIVE)
        notebook.page.evaluate(SAVE)
        # The page keeps its sliders, and so does one that is loaded again while the kernel lives.
        assert notebook.page.evaluate(ALIVE) == alive > 0
        notebook.page.reload()
        notebook.page.wait_for_function("() => window.jupyterapp")
        notebook.page.evaluate(driver.OPEN)
        notebook.page.locator("[data-state]").nth(alive - 1).wait_for()
        assert notebook.complaints == []
    return folder, lang, file, sentences


def outputs(file):
    cells = json.loads(file.read_text("utf-8"))["cells"]
    return [output for cell in cells if cell["cell_type"] == "code" for output in cell["outputs"]]


def test_the_file_holds_pictures_with_words_and_no_widget(saved):
    _, _, file, sentences = saved
    kept = outputs(file)
    assert not any(VIEW in output.get("data", {}) for output in kept)
    described = [
        output["metadata"].get("image/png", {}).get("alt")
        for output in kept
        if "image/png" in output.get("data", {})
    ]
    assert all(described) and set(sentences) <= set(described)


@pytest.mark.parametrize(
    "program", [driver.jupyterlab, driver.notebook_7], ids=["lab", "notebook7"]
)
def test_the_next_day_pictures_and_sentences_are_seen(saved, chromium, artefacts, program):
    folder, lang, file, sentences = saved
    with (
        program(folder) as server,
        driver.open_notebook(chromium, server, f"{lang}/{file.name}") as notebook,
    ):
        page = notebook.page
        how = language.say("lasting.how", lang)
        for sentence in sentences:
            said = page.locator(f"p[lang={lang}]", has_text=sentence)
            said.scroll_into_view_if_needed()
            assert said.is_visible()
            picture = said.locator("xpath=ancestor::*[contains(@class,'jp-Cell-outputArea')]//img")
            assert picture.is_visible() and picture.evaluate("img => img.naturalWidth") > 400
        assert page.get_by_text(how).count() == len(sentences)
        assert page.get_by_text("Error displaying widget").count() == 0
        page.screenshot(path=artefacts / f"lasting-{program.__name__}-{lang}.png")

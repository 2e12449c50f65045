"""The first minute in JupyterLab, as a reader meets it: chapter 00 in the default layout."""

import shutil
from pathlib import Path

import pytest

import driver

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"

PLACE = """() => {
  const notebook = jupyterapp.shell.currentWidget.content;
  return [notebook.activeCellIndex, notebook.outerNode.scrollTop];
}"""
UNSAVED = "() => jupyterapp.shell.currentWidget.context.model.dirty"
TRUSTED = """() => [...jupyterapp.shell.currentWidget.content.model.cells]
  .every((cell) => cell.type !== 'code' || cell.trusted)"""
RUN_CHECK = """async () => {
  const notebook = jupyterapp.shell.currentWidget.content;
  notebook.activeCellIndex = notebook.widgets.findIndex((cell) => cell.model.id === '00-1-check');
  await jupyterapp.commands.execute('notebook:run-cell');
  return notebook.activeCell.node.textContent;
}"""
# Two cells were run by the tests before: the count of the last is larger than the stored one.
LAST_HAS_RUN = """(count) => {
  const cells = jupyterapp.shell.currentWidget.context.model.toJSON().cells;
  return cells.filter((cell) => cell.cell_type === 'code').at(-1).execution_count > count;
}"""


@pytest.fixture(scope="module")
def first(chromium, tmp_path_factory):
    folder = tmp_path_factory.mktemp("first")
    file = folder / "notebooks" / "en" / "00_start_here.ipynb"
    file.parent.mkdir(parents=True)
    shutil.copy(NOTEBOOKS / "en" / file.name, file)
    with (
        driver.jupyterlab(folder, opens="lab/tree") as server,
        driver.open_notebook(chromium, server, f"en/{file.name}") as notebook,
    ):
        notebook.page.set_viewport_size({"width": 1280, "height": 800})
        yield notebook


def test_nothing_was_edited_and_no_news_lie_over_the_text(first):
    first.page.wait_for_function(f"() => !({UNSAVED})()")
    assert first.page.locator(".Toastify__toast").count() == 0


def test_a_cell_run_too_early_says_what_to_do(first):
    said = first.page.evaluate(RUN_CHECK)
    assert "NameError" in said
    assert "check is made by a cell further up" in said


def test_a_slider_moves_on_the_first_screen(first):
    page = first.page
    page.locator(".jp-CodeCell .cm-content").first.click()
    page.evaluate("() => { jupyterapp.shell.currentWidget.content.outerNode.scrollTop = 0; }")
    page.keyboard.press("Shift+Enter")
    shown = page.locator("[data-state]").first
    shown.wait_for()
    before = shown.get_attribute("data-state")
    handle = page.locator(".jp-OutputArea input[type=range], .jp-OutputArea .noUi-handle").first
    page.evaluate("() => { jupyterapp.shell.currentWidget.content.outerNode.scrollTop = 0; }")
    box = handle.bounding_box()
    assert box["y"] + box["height"] < 800
    handle.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "before => document.querySelector('[data-state]').dataset.state !== before", arg=before
    )


def test_run_all_leaves_the_reader_where_they_were(first, artefacts):
    page = first.page
    page.locator(".jp-MarkdownCell").nth(1).click()
    before = page.evaluate(PLACE)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    count = page.locator(".jp-CodeCell").count()
    page.wait_for_function(LAST_HAS_RUN, arg=count)
    index, top = page.evaluate(PLACE)
    page.screenshot(path=artefacts / "first-minute.png")
    assert index == before[0] and abs(top - before[1]) < 40
    # What failed above is what the test before ran too early.
    assert first.complaints == []

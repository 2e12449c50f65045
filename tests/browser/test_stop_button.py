"""The stop button of JupyterLab, pressed by a mouse while chapter 07's training runs."""

from pathlib import Path

import nbformat
import pytest

import driver

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


@pytest.mark.parametrize(
    ("lang", "stopped"), [("en", "Stopped by hand"), ("zh", "被手动停止")], ids=["en", "zh"]
)
def test_the_stop_button_ends_the_training_and_keeps_its_reports(
    chromium, server, artefacts, lang, stopped
):
    copy = server.folder / "stopped" / lang / "07_mbpo.ipynb"
    copy.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(up_to_the_live_training(lang), copy)
    with driver.open_notebook(chromium, server, f"stopped/{lang}/{copy.name}") as notebook:
        page = notebook.page
        # Not awaited: the button must be pressed meanwhile.
        page.evaluate("() => { jupyterapp.commands.execute('notebook:run-all-cells'); }")
        page.wait_for_function(
            """() => [...document.querySelectorAll('[data-state]')].some((node) => {
              const seen = JSON.parse(node.dataset.state);
              return seen.state === 'training' && seen.step >= 300;
            })"""
        )
        page.locator('[data-jp-item-name="interrupt"]').click()
        page.get_by_text(stopped).first.wait_for()
        page.wait_for_function(LAST_CELL_HAS_RUN)
        cells = page.evaluate(
            "() => jupyterapp.shell.currentWidget.context.model.toJSON().cells"
            ".filter((cell) => cell.cell_type === 'code')"
        )
        page.screenshot(path=artefacts / f"stopped-{lang}.png")
        live, judged = cells[-2:]
        assert all(output["output_type"] != "error" for cell in cells for output in cell["outputs"])
        kinds = [set(output["data"]) for output in live["outputs"]]
        assert kinds == [{"image/png", "text/plain"}, {"text/plain"}]
        kept = notebook.ask("", "[report.step for report in reports]")
        assert kept[:2] == [200, 300] and 300 <= kept[-1] < 1000
        assert f"{kept[-1]}" in live["outputs"][1]["data"]["text/plain"]
        # What was learned until then is there, and can be judged.
        assert judged["outputs"][0]["text"].splitlines()[0] == "True"
        assert notebook.complaints == []


LAST_CELL_HAS_RUN = """() => {
  const last = [...document.querySelectorAll('.jp-CodeCell')].at(-1);
  return last.querySelector('.jp-OutputArea-output') !== null;
}"""


def up_to_the_live_training(lang):
    """Return the chapter's code cells up to the one that judges what was learned."""
    chapter = nbformat.read(NOTEBOOKS / lang / "07_mbpo.ipynb", as_version=4)
    code = [cell for cell in chapter.cells if cell.cell_type == "code"]
    live = next(place for place, cell in enumerate(code) if "watch(" in cell.source)
    exercises = [cell for cell in code[:live] if "mbpo" in cell.metadata]
    chapter.cells = [cell for cell in code[: live + 2] if cell not in exercises]
    for cell in chapter.cells:
        cell.outputs, cell.execution_count = [], None
    return chapter

"""Exported pages, looked at by axe-core: both languages, both themes, no network."""

from pathlib import Path

import nbformat
import pytest
from nbconvert import HTMLExporter

import access
from mbpo_teach.course.export import Described

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
EDITIONS = [
    (lang, path.stem)
    for lang in ("en", "zh")
    for path in sorted((NOTEBOOKS / lang).glob("*.ipynb"))
]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("lang", "name"), EDITIONS, ids=["-".join(each) for each in EDITIONS])
def test_axe_finds_no_fault_in_an_exported_chapter(chromium, lang, name, theme):
    exporter = HTMLExporter(
        theme=theme, preprocessors=[Described], mathjax_url="", require_js_url=""
    )
    notebook = nbformat.read(NOTEBOOKS / lang / f"{name}.ipynb", as_version=4)
    content, _ = exporter.from_notebook_node(notebook)
    page = chromium.new_page()
    try:
        page.route("**/*", lambda route: route.abort())
        page.set_content(content)
        assert page.locator("html").get_attribute("lang") == lang
        described = page.locator("img[alt]").evaluate_all("all => all.map((img) => img.alt)")
        assert described and not any("No description" in said for said in described)
        assert access.faults(page, ".jp-OutputArea-output, .jp-RenderedMarkdown") == []
    finally:
        page.close()

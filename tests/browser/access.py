"""Faults of access that axe-core finds in a part of a page, each as a line to show."""

import importlib.resources
from typing import Any

from playwright.sync_api import Page

AXE = importlib.resources.files("axe_playwright_python") / "axe.min.js"
"""axe-core 4.12.1, which that package carries: so the tests need neither npm nor a network."""

# The page around it is JupyterLab's or nbconvert's, and so is how a link looks; of what is ours
# nothing is left out.
FIND = """async (where) => {
  const include = [...document.querySelectorAll(where)].filter((node) => node.offsetParent);
  const { violations } = await axe.run({ include }, {
    resultTypes: ['violations'],
    rules: { 'link-in-text-block': { enabled: false } },
  });
  return violations.flatMap(({ id, impact, nodes }) =>
    nodes.map(({ html, failureSummary }) => ({ id, impact, html, why: failureSummary })));
}"""


def faults(page: Page, where: str) -> list[str]:
    """Return one line for each fault in the elements that the selector `where` finds."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = page.evaluate(FIND, where)
    return [f"{each['impact']} {each['id']}: {each['html'][:160]} {each['why']}" for each in found]

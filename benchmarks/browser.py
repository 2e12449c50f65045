"""Key press to new picture, in a real JupyterLab, by the page's own clock.

    python benchmarks/browser.py

Ways to make a slider figure, measured one after the other in one run: the bound explorer, which
computes in the browser; the exact lab of chapter 4 and the lengths lab of chapter 5 (49 states, k
up to 200; its target is 60 ms), whose numbers come from Python; and the usual way,
``ipywidgets.interactive_output`` making the exact lab's figure anew at every move.
"Changed" ends when the new picture is in the page and decoded, "painted" when the browser has
drawn the frame that shows it (at most one 60th of a second more).
"""

import platform
import statistics
import sys
import tempfile
from pathlib import Path

import nbformat
from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "browser"))

import driver

PRESSES = 30

EXPLORER = """
from mbpo_teach.widgets.bound_explorer import explorer_lab
explorer_lab()
"""
LAB = """
from mbpo_teach.widgets.exact_lab import exact_lab
exact_lab()
"""
LENGTHS = """
from mbpo_teach.widgets.lengths import lengths_lab
lab = lengths_lab()
lab.move(twin=True)
lab
"""
USUAL = """
import ipywidgets
from IPython.display import Image, display
from mbpo_teach.widgets.exact_lab import exact_lab

lab = exact_lab()
sliders = {
    name: ipywidgets.FloatSlider(
        min=control.low, max=control.high, step=control.step, value=control.value
    )
    for name, control in lab._controls.items()
}

def draw_anew(**values):
    plate, sentence = lab._make_view()(**values)
    print(sentence)
    display(Image(plate.png()))

ipywidgets.VBox([*sliders.values(), ipywidgets.interactive_output(draw_anew, sliders)])
"""

# name, cell, slider to press (the policy shift of each), picture to watch
WAYS = (
    (
        "bound explorer (browser)",
        EXPLORER,
        "input[data-name=eps_pi][type=range]",
        "svg[data-state]",
    ),
    (
        "exact lab (numbers from Python)",
        LAB,
        "input[data-name=eps_pi][type=range]",
        "canvas[data-state]",
    ),
    (
        "lengths lab (49 states, k to 200)",
        LENGTHS,
        "input[data-name=eps_pi][type=range]",
        "canvas[data-state]",
    ),
    ("usual way (new figure each move)", USUAL, ".noUi-handle >> nth=1", ".widget-output img"),
)

CLOCK = """([root, selector]) => {
  const picture = () => root.querySelector(selector);
  const identity = (node) => node && (node.dataset.state ?? node.src);
  let pressed = null, before = identity(picture());
  window.times = [];
  root.addEventListener('keydown', (event) => { pressed = event.timeStamp; }, true);
  new MutationObserver(async () => {
    const now = picture();
    if (pressed === null || !now || identity(now) === before) return;
    const start = pressed;
    before = identity(now);
    pressed = null;
    if (now.decode) await now.decode();
    const changed = performance.now() - start;
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();  // its message comes after the frame
      port1.onmessage = () => window.times.push([changed, performance.now() - start]);
      port2.postMessage(null);
    });
  }).observe(root, { subtree: true, childList: true, attributes: true });
}"""


def main() -> None:
    """Measure the ways and print them."""
    with (
        tempfile.TemporaryDirectory() as folder,
        driver.jupyterlab(Path(folder)) as server,
        sync_playwright() as playwright,
        driver.browser(playwright) as chromium,
    ):
        cells = [nbformat.v4.new_code_cell(cell.strip()) for _, cell, *_ in WAYS]
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
        nbformat.write(notebook, server.folder / "speed.ipynb")
        with driver.open_notebook(chromium, server, "speed.ipynb") as opened:
            opened.run()
            times = [press(opened.page, place) for place in range(len(WAYS))]
    report(times)


def press(page: Page, place: int) -> list[tuple[float, float]]:
    """Press ArrowRight and return, for each press, milliseconds to changed and to painted."""
    _, _, slider, picture = WAYS[place]
    root = page.locator(".jp-CodeCell").nth(place).locator(".jp-Cell-outputArea")
    root.locator(picture).first.wait_for()
    page.wait_for_timeout(1000)
    page.evaluate(CLOCK, [root.element_handle(), picture])
    root.locator(slider).focus()
    for count in range(1, PRESSES + 1):
        page.keyboard.press("ArrowRight")
        page.wait_for_function("count => window.times.length === count", arg=count, timeout=30_000)
        page.wait_for_timeout(100)
    return page.evaluate("window.times")


def report(times: list[list[tuple[float, float]]]) -> None:
    """Print medians and 95th percentiles, and how much longer the usual way takes."""
    print(f"{PRESSES} key presses each; {platform.machine()}, Python {platform.python_version()}")
    print(f"{'milliseconds, median (p95)':36}{'changed':>18}{'painted':>18}{'usual / this':>15}")
    usual = statistics.median(changed for changed, _ in times[-1])
    for (name, *_), way in zip(WAYS, times, strict=True):
        columns = [summary(column) for column in zip(*way, strict=True)]
        ratio = usual / statistics.median(changed for changed, _ in way)
        print(f"{name:36}{columns[0]:>18}{columns[1]:>18}{ratio:>15.1f}")


def summary(values: tuple[float, ...]) -> str:
    """Return "median (p95)"."""
    p95 = statistics.quantiles(values, n=20)[-1]
    return f"{statistics.median(values):.1f} ({p95:.1f})"


if __name__ == "__main__":
    main()

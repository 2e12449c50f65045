"""Drive a real JupyterLab with the system's Chromium: start, open, run all, read what is shown.

Waiting for the idle icon is a race; this asks JupyterLab itself when a notebook is ready and when
it has run. Every lab in the page carries the state that it shows (``data-state``), so that a test
knows that this picture belongs to that slider value.
"""

import ast
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright

from mbpo_teach.course import server as course_server

CHROMIUM_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# Keep every cell in the page: a test looks at all of them.
SETTINGS = {"notebook-extension/tracker": {"windowingMode": "none"}}
# For what hangs: the 90 s of a chapter, on a machine ten times slower or as busy.
RUN_SECONDS = 900

DARK = "background: #111; color-scheme: dark; --jp-layout-color0: #111; --jp-ui-font-color1: #eee"
"""The style of a dark page that is not JupyterLab."""


def chromium() -> str | None:
    """Return the system's Chromium, or None."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((found for name in names if (found := shutil.which(name))), None)


@contextmanager
def browser(playwright: Playwright) -> Iterator[Browser]:
    """Open the system's Chromium without a window."""
    opened = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_ARGUMENTS)
    try:
        yield opened
    finally:
        opened.close()


@dataclass
class Server:
    """A JupyterLab of our own: nothing of the user's settings, nothing left behind."""

    address: str
    folder: Path
    opens: str


@contextmanager
def jupyterlab(
    folder: Path, *, theme: str = "JupyterLab Light", opens: str = "doc/tree"
) -> Iterator[Server]:
    """Serve `folder` / "notebooks" with the course's JupyterLab; its own files stay in `folder`."""
    command = course_server.command(course_server.PROMPT)
    environment = course_server.environment(os.environ)
    with _serving(folder, command, environment, theme, opens) as running:
        yield running


@contextmanager
def notebook_7(folder: Path) -> Iterator[Server]:
    """Serve `folder` / "notebooks" with Notebook 7 as it is, without anything of the course's."""
    command = [sys.executable, "-m", "notebook"]
    with _serving(folder, command, os.environ, "JupyterLab Light", "notebooks") as running:
        yield running


@contextmanager
def _serving(
    folder: Path, command: list[str], base: Mapping[str, str], theme: str, opens: str
) -> Iterator[Server]:
    notebooks = folder / "notebooks"
    notebooks.mkdir(parents=True, exist_ok=True)
    settings = SETTINGS | {"apputils-extension/themes": {"theme": theme}}
    for name, content in settings.items():
        file = folder / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(content), encoding="utf-8")
    environment = {key: value for key, value in base.items() if key not in HIDDEN} | {
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "IPYTHONDIR": str(folder / "ipython"),
    }
    port = _free_port()
    address = f"http://127.0.0.1:{port}"
    command = [
        *command,
        *("--no-browser", "--expose-app-in-browser", "--allow-root", "--ip=127.0.0.1"),
        *(f"--port={port}", "--ServerApp.port_retries=0", "--IdentityProvider.token="),
        f"--ServerApp.root_dir={notebooks}",
    ]
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            _wait_for(f"{address}/api/status", server, folder / "server.log")
            yield Server(address, notebooks, opens)
        finally:
            server.terminate()  # the server ends its kernels
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


# What a test run or another notebook put into the environment must not reach the kernels.
HIDDEN = ("MBPO_LANG", "JPY_SESSION_NAME", "MPLBACKEND", "PYTHONWARNINGS", "PYTEST_CURRENT_TEST")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + RUN_SECONDS
    while time.monotonic() < end:
        if server.poll() is not None:
            raise RuntimeError(f"JupyterLab ended at once:\n{log.read_text()[-2000:]}")
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.25)
    said = log.read_text()[-2000:]
    raise RuntimeError(f"JupyterLab did not answer within {RUN_SECONDS} s:\n{said}")


OPEN = """async () => {
  const app = window.jupyterapp;
  await app.restored;
  for (let i = 0; i < 12000 && !app.shell.currentWidget?.context; i++)
    await new Promise((done) => setTimeout(done, 50));
  const panel = app.shell.currentWidget;
  await panel.context.ready;
  await panel.sessionContext.ready;
  await panel.sessionContext.session.kernel.info;
}"""

RUN = """async () => {
  const app = window.jupyterapp;
  await app.commands.execute('notebook:run-all-cells');
  const cells = app.shell.currentWidget.context.model.toJSON().cells;
  return cells.filter((cell) => cell.cell_type === 'code' && cell.source.trim());
}"""

ASK = """async (request) => {
  const { kernel } = window.jupyterapp.shell.currentWidget.sessionContext.session;
  const future = kernel.requestExecute({ ...request, store_history: false });
  return (await future.done).content;
}"""


@dataclass
class Notebook:
    """A notebook open in a page, with everything the browser complained about."""

    page: Page
    complaints: list[str] = field(default_factory=list)

    def run(self) -> list[dict[str, Any]]:
        """Run all cells and return the code cells with their outputs."""
        cells: list[dict[str, Any]] = self.page.evaluate(RUN)
        return cells

    def ask(self, code: str, expression: str) -> Any:
        """Run `code` in the notebook's kernel and return the value of `expression`, as JSON."""
        answer = f"__import__('json').dumps({expression})"
        reply = self.page.evaluate(ASK, {"code": code, "user_expressions": {"answer": answer}})
        if reply["status"] != "ok" or reply["user_expressions"]["answer"]["status"] != "ok":
            raise RuntimeError(f"the kernel answered {reply}")
        return json.loads(
            ast.literal_eval(reply["user_expressions"]["answer"]["data"]["text/plain"])
        )


@contextmanager
def open_notebook(chromium: Browser, server: Server, name: str) -> Iterator[Notebook]:
    """Open notebook `name` of the server's folder and wait until its kernel is ready."""
    page = chromium.new_page(viewport={"width": 1280, "height": 1000})
    page.set_default_timeout(RUN_SECONDS * 1000)
    notebook = Notebook(page)

    def keep_error(message: ConsoleMessage) -> None:
        if message.type == "error":
            notebook.complaints.append(f"console: {message.text} ({message.location['url']})")

    page.on("console", keep_error)
    page.on("pageerror", lambda error: notebook.complaints.append(f"page: {error}"))
    try:
        page.goto(f"{server.address}/{server.opens}/{name}")
        page.wait_for_function("() => window.jupyterapp")
        page.evaluate(OPEN)
        yield notebook
    finally:
        # Ends the kernel, so that the next chapter has both cores.
        page.evaluate("() => window.jupyterapp?.shell.currentWidget?.sessionContext.shutdown()")
        page.close()

"""What runs nbval on a lean notebook, inside the isolation: ``python -m ...inside_nbval SECONDS``.

It limits itself, tells how far it is, and gives each cell's exercise and role to the report as
properties: nbval's own "Cell 3" counts from 0 or from 1 depending on its release.
"""

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from queue import Empty
from typing import Any

import pytest

from mbpo_teach.grading.inside_limits import limit

NOTEBOOK, REPORT, PROGRESS = "lean.ipynb", "report.xml", "progress"
OUTPUT_SECONDS = 10


class Reporter:
    """Hooks of pytest around each cell."""

    def __init__(self) -> None:
        self._progress = Path(PROGRESS).resolve()

    def pytest_itemcollected(self, item: Any) -> None:
        """Name the exercise and the role of a cell."""
        mbpo = item.cell.metadata["mbpo"]
        item.user_properties += [("exercise", mbpo["exercise"]), ("role", mbpo["role"])]
        item.output_timeout = OUTPUT_SECONDS

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_call(self, item: Any) -> Iterator[None]:
        """Tell that a cell begins, and then whether it ran out of time or ended the kernel."""
        with self._progress.open("a") as progress:
            progress.write(f"{item.cell_num}\n")
        _notice_death(item.parent.kernel)
        late = item.parent.timed_out
        yield
        if item.parent.timed_out and not late:
            item.user_properties.append(("trouble", "time"))
        elif not item.parent.kernel.is_alive():
            item.user_properties.append(("trouble", "death"))


def _notice_death(kernel: Any) -> None:
    """Let nbval notice at once that its kernel has died; it would wait the whole time of a cell."""
    if "get_message" in vars(kernel):
        return
    wait = kernel.get_message

    def get_message(stream: str, timeout: float) -> Any:
        end = time.monotonic() + timeout
        while True:
            try:
                return wait(stream, timeout=max(0.0, min(0.5, end - time.monotonic())))
            except Empty:
                if not kernel.is_alive():
                    raise RuntimeError("the kernel has died") from None
                if time.monotonic() > end:
                    raise

    kernel.get_message = get_message


def main(seconds: str, memory: str, file: str, total: str) -> int:
    """Run nbval on the notebook in this folder; the report is what counts, not the exit code."""
    limit(int(memory), int(file), int(total))
    # jsonschema would read a grammar of addresses, for two seconds; a notebook has none to check.
    sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
    options = ["--nbval-lax", "--nbval-current-env", f"--nbval-cell-timeout={seconds}"]
    options += ["-p", "nbval.plugin", "-p", "no:cacheprovider", "-p", "no:faulthandler"]
    options += [f"--junitxml={REPORT}", "--color=no", "-q", "--tb=line", "-c", "pytest.ini"]
    return pytest.main([*options, NOTEBOOK], plugins=[Reporter()])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

"""What all tests share: no language from outside, no deadlines, and the chapters' times.

The times are printed at the end, whether or not a test failed.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import settings
from jaxtyping import install_import_hook

# A test is never wrong because the machine was busy.
settings.register_profile("course", deadline=None)
settings.load_profile("course")

# What a shell starts in the background ignores Ctrl-C, and so would all that the tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Two workers share two processors. With two threads each, whoever computes waits for threads that
# wait for a processor: a training of three seconds took ninety. Kernels and commands inherit this.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ["OMP_NUM_THREADS"] = "1"

# Shapes are checked in the tests only, and only in modules that state them. The hook has to stand
# before the first import of any of them.
PACKAGE = Path(__file__).resolve().parents[1] / "mbpo_teach"
install_import_hook(
    [
        ".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts)
        for file in sorted(PACKAGE.rglob("*.py"))
        if "from jaxtyping import" in file.read_text(encoding="utf-8")
    ],
    # As in PEP 484, an int is good where a float is asked for.
    "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))",
)


# Two workers share the files, each file whole: the longest have to begin first, or one worker ends
# long before the other. Whoever splits or renames one of them changes it here.
LONGEST = (
    "browser/test_notebooks.py",
    "notebooks/test_running.py",
    "grading/test_editions.py",
    "grading/test_attacks.py",
    "algorithms/test_model_free.py",
    "grading/test_fuzz.py",
    "grading/test_odd_answers.py",
    "grading/test_classroom.py",
    "grading/test_shown_is_given.py",
    "browser/test_stop_button.py",
    "grading/test_class_workflow.py",
    "widgets/test_chapter05_labs.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    tests = Path(__file__).parent
    first = {tests / name: place for place, name in enumerate(LONGEST)}
    assert all(file.exists() for file in first)
    items.sort(key=lambda item: first.get(item.path, len(first)))


@pytest.fixture(autouse=True)
def no_language_from_outside(monkeypatch):
    """Whoever runs the tests may have chosen a language, or run them from a Chinese notebook."""
    monkeypatch.delenv("MBPO_LANG", raising=False)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)


@pytest.fixture
def one_thread():
    """PyTorch with one thread: so little work costs more when threads share it."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def scheduler(tmp_path_factory):
    """The address of a real Dask scheduler with two workers, each its own process."""
    pytest.importorskip("distributed")
    folder = tmp_path_factory.mktemp("dask")
    file = folder / "scheduler.json"
    options = ["--scheduler-file", str(file), "--no-dashboard"]
    here = os.path.dirname(os.path.abspath(__file__))
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([here, *sys.path])}
    commands = [
        ["distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", *options],
        ["distributed.cli.dask_worker", "--nthreads", "1", "--nworkers", "2", *options],
    ]
    log = (folder / "log").open("wb")
    started = [
        subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=log,
        )
        for command in commands
    ]
    try:
        end = time.monotonic() + 120
        address = ""
        while not address:
            assert time.monotonic() < end, (folder / "log").read_text()
            time.sleep(0.2)
            try:
                address = json.loads(file.read_text())["address"]
            except (FileNotFoundError, ValueError):
                continue  # not there yet, or half of it
        yield address
    finally:
        for process in reversed(started):
            process.terminate()
        for process in started:
            process.wait(timeout=60)
        log.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    lines = [
        f"{value[0]:<24} {value[1]:6.1f} s, {value[2]:6.1f} s of the processors"
        for reports in terminalreporter.stats.values()
        for report in reports
        if isinstance(report, pytest.TestReport) and report.when == "call"
        for name, value in report.user_properties
        if name == "chapter_seconds"
    ]
    if lines:
        terminalreporter.section("chapters, run from top to bottom")
        for line in sorted(lines):
            terminalreporter.line(line)

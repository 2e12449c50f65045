"""One Chromium and one JupyterLab for all browser tests, and a folder for screenshots."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

import driver
from mbpo_teach.ground import language

ARTEFACTS = Path(__file__).parents[2] / "artefacts"


@pytest.fixture(scope="module")
def chromium():
    """The system's Chromium; without one, a visible skip, and in CI a failure."""
    if driver.chromium() is None:
        message = "no Chromium here: the browser tests did not run"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as playwright, driver.browser(playwright) as opened:
        yield opened


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with driver.jupyterlab(tmp_path_factory.mktemp("jupyterlab")) as running:
        yield running


@pytest.fixture(params=["en", "zh"])
def lang(request):
    """Both languages, one after the other, as the one that the package speaks."""
    before = language.current()
    language.use(request.param)
    yield request.param
    language.use(before)


@pytest.fixture(scope="module")
def artefacts():
    ARTEFACTS.mkdir(exist_ok=True)
    return ARTEFACTS

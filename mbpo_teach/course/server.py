"""The course's JupyterLab: what ``python -m mbpo_teach lab`` sets for this one server.

Nothing is written into anybody's configuration: the settings stand in the folder ``jupyter`` beside
this file, and options say where. A learner's own settings come before these, and options on the
command line after them.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

FOLDER = Path(__file__).with_name("jupyter")
"""Default settings, the kernel and the page's extension of the course's JupyterLab."""

PROMPT = (
    "--ServerApp.kernel_websocket_connection_class=mbpo_teach.course.connection.PromptConnection"
)
"""Has JupyterLab connect pages to kernels as :mod:`mbpo_teach.course.connection` says."""

OPTIONS = (
    "--ServerApp.contents_manager_class=mbpo_teach.course.contents.LastingContents",
    f"--LabApp.app_settings_dir={FOLDER / 'settings'}",
    "--HTMLExporter.preprocessors=mbpo_teach.course.export.Described",
    "--ServerApp.log_level=WARN",  # the address, and what is wrong
    "--LabApp.log_level=WARN",
)
"""Pictures that last in files and exports, no news or look for updates, few words in a terminal."""


def command(*options: str) -> list[str]:
    """Return the command that starts JupyterLab as the course has it, with more `options`."""
    return [sys.executable, "-m", "jupyterlab", *OPTIONS, *options]


def environment(base: Mapping[str, str]) -> dict[str, str]:
    """Return `base`, an environment, with what the course's JupyterLab needs in it."""
    paths = [str(FOLDER), *filter(None, [base.get("JUPYTER_PATH")])]
    return {
        **base,
        # A python3 kernel elsewhere in the home folder must not win over this environment's own.
        "JUPYTER_PREFER_ENV_PATH": "1",
        "JUPYTER_PATH": os.pathsep.join(paths),
    }

"""What the course sets for its own JupyterLab, and that it is found where Jupyter looks."""

import json
import os
import tomllib

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_core.paths import jupyter_path
from jupyterlab_server.config import get_federated_extensions
from jupyterlab_server.settings_utils import _get_overrides

from mbpo_teach.course import server
from mbpo_teach.course.workspace import COURSE


def test_jupyter_finds_the_kernel_the_extension_and_the_settings(monkeypatch):
    for name, value in server.environment(os.environ).items():
        monkeypatch.setenv(name, value)
    ours = KernelSpecManager().get_kernel_spec("python3")
    assert ours.argv[0] == "python" and ours.argv[-1] == "--ext=mbpo_teach.course.order"
    assert "mbpo-teach" in get_federated_extensions(jupyter_path("labextensions"))
    overrides, fault = _get_overrides(str(server.FOLDER / "settings"))
    news = overrides["@jupyterlab/apputils-extension:notification"]
    assert not fault and news == {"fetchNews": "false", "checkForUpdates": False}


def test_what_was_in_the_environment_stays():
    made = server.environment({"JUPYTER_PATH": "/elsewhere", "A": "b"})
    assert made["A"] == "b"
    assert made["JUPYTER_PATH"].split(os.pathsep) == [str(server.FOLDER), "/elsewhere"]


def test_a_plain_jupyter_lab_of_this_environment_keeps_pictures_as_well():
    """Setuptools puts the file where Jupyter reads the environment's own configuration."""
    with (COURSE / "pyproject.toml").open("rb") as file:
        placed = tomllib.load(file)["tool"]["setuptools"]["data-files"]
    (name,) = placed["etc/jupyter/jupyter_server_config.d"]
    config = json.loads((COURSE / name).read_text("utf-8"))
    said = {f"--{kind}.{key}" for kind, values in config.items() for key in values}
    assert said <= {option.partition("=")[0] for option in server.OPTIONS}
    assert config["ServerApp"]["contents_manager_class"] in " ".join(server.OPTIONS)

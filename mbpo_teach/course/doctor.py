"""Is this machine ready for the course? One line per check, and a cure where it is not.

``python -m mbpo_teach doctor`` prints these checks, and chapter 00 shows them. A check that itself
breaks counts as failed and hides no other. Nothing here needs the network.
"""

import os
import platform
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from mbpo_teach.ground import language

REQUIREMENTS = Path(__file__).parents[2] / "requirements.txt"
OLDEST_PYTHON = (3, 11)
NEEDED_GIGABYTES = 1.0
WITHOUT_TORCH = (("darwin", "x86_64"), ("win32", "ARM64"))
"""Systems for which the tested version of PyTorch has no package: Intel Macs, Windows on ARM."""

_PIN = re.compile(r"([A-Za-z0-9._-]+)==([^\s;#]+)")
_FALLING_BALL = """
<mujoco>
  <worldbody>
    <body><freejoint/><geom size="0.1"/></body>
  </worldbody>
</mujoco>
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One finding in the current language; `cure` is empty when all is well."""

    name: str
    ok: bool
    message: str
    cure: str


class _Unwell(Exception):
    """What a check found wrong: the catalogue key of the message, and the values in it."""

    def __init__(self, key: str, **values: object) -> None:
        super().__init__(key)
        self.key = key
        self.values = values


def checks() -> list[Check]:
    """Return all findings, in the order in which they should be cured."""
    look = {
        "python": _python,
        "packages": _packages,
        "mujoco": _mujoco,
        "torch": _torch,
        "jupyter": _jupyter,
        "disk": _disk,
    }
    return [_check(name, find) for name, find in look.items()]


def _check(name: str, find: Callable[[], str]) -> Check:
    title = language.text(f"doctor.{name}.name")
    try:
        return Check(name=title, ok=True, message=find(), cure="")
    except _Unwell as found:
        message = language.text(found.key, **found.values)
    except Exception as error:
        said = " ".join(str(error).split())  # one line, however many the error has
        message = language.text("doctor.broken", error=f"{type(error).__name__}: {said[:300]}")
    return Check(name=title, ok=False, message=message, cure=_cure(name))


def _cure(name: str) -> str:
    if name == "mujoco" and (chosen := os.environ.get("MUJOCO_GL")):
        return language.text("doctor.mujoco.renderer", chosen=chosen)
    if name in ("packages", "torch") and (sys.platform, platform.machine()) in WITHOUT_TORCH:
        return language.text("doctor.torch.none")
    return language.text(f"doctor.{name}.cure", python=sys.executable)


def _python() -> str:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < OLDEST_PYTHON:
        raise _Unwell("doctor.python.wrong", version=version)
    return version


def _packages() -> str:
    pins = [match for line in _lines(REQUIREMENTS) if (match := _PIN.match(line))]
    differing = []
    for name, wanted in (pin.groups() for pin in pins):
        try:
            installed = metadata.version(name)
        except metadata.PackageNotFoundError:
            installed = language.text("doctor.packages.missing")
        # "2.13.0+cpu" is a build of 2.13.0, the smaller one for machines without a GPU.
        if installed.partition("+")[0] != wanted:
            differing.append(f"{name} {installed} ≠ {wanted}")
    if differing:
        raise _Unwell("doctor.packages.wrong", differing="; ".join(differing))
    return language.text("doctor.packages.ok", count=len(pins))


def _lines(requirements: Path) -> list[str]:
    if not requirements.is_file():
        raise _Unwell("doctor.packages.nowhere", path=requirements)
    return requirements.read_text(encoding="utf-8").splitlines()


def _mujoco() -> str:
    import mujoco

    model = mujoco.MjModel.from_xml_string(_FALLING_BALL)
    data = mujoco.MjData(model)
    mujoco.mj_step(model, data, 100)
    if not data.qpos[2] < 0:
        raise _Unwell("doctor.mujoco.wrong", height=float(data.qpos[2]))
    return language.text("doctor.mujoco.ok", version=mujoco.__version__)


def _torch() -> str:
    import torch

    ones = torch.ones(64, 64)
    if not torch.equal(ones @ ones, 64 * ones):
        raise _Unwell("doctor.torch.wrong", version=torch.__version__)
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    return language.text("doctor.torch.ok", version=torch.__version__, device=device)


def _jupyter() -> str:
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_core.paths import jupyter_path

    for widgets in ("@jupyter-widgets/jupyterlab-manager", "anywidget"):
        folders = [
            Path(folder, widgets, "package.json") for folder in jupyter_path("labextensions")
        ]
        if not any(file.is_file() for file in folders):
            raise _Unwell("doctor.jupyter.widgets", extension=widgets)
    command = KernelSpecManager().get_kernel_spec("python3").argv
    if not _is_this_python(command[0]):
        raise _Unwell("doctor.jupyter.kernel", command=command[0])
    return language.text("doctor.jupyter.ok", version=metadata.version("jupyterlab"))


def _is_this_python(command: str) -> bool:
    """Whether a kernel started with `command` runs the interpreter that runs this."""
    # Jupyter itself puts the server's interpreter in place of these names.
    if command in ("python", "python3", f"python3.{sys.version_info.minor}"):
        return True
    # Not resolve(): every virtual environment's python is a link to the same system python.
    return Path(command).absolute() == Path(sys.executable).absolute()


def _disk() -> str:
    free = shutil.disk_usage(REQUIREMENTS.parent).free / 1e9
    if free < NEEDED_GIGABYTES:
        raise _Unwell("doctor.disk.wrong", free=free, needed=NEEDED_GIGABYTES)
    return language.text("doctor.disk.ok", free=free)

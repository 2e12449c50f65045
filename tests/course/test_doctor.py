import os
import re
import subprocess
import sys
from collections import namedtuple
from importlib import metadata
from types import SimpleNamespace

import pytest
from jupyter_client import kernelspec
from jupyter_core import paths

from mbpo_teach.course import doctor
from mbpo_teach.ground import language

NAMES = ["Python", "Packages", "MuJoCo", "PyTorch", "JupyterLab", "Disk"]
Version = namedtuple("Version", "major minor micro")


@pytest.fixture(autouse=True)
def english(monkeypatch):
    monkeypatch.setattr(language, "_chosen", ["en"])


def finding(name):
    return next(check for check in doctor.checks() if check.name == name)


def test_this_machine_is_well():
    """The tests run in the environment that requirements.txt describes."""
    found = doctor.checks()
    assert [check.name for check in found] == NAMES
    assert [check for check in found if not check.ok] == []
    assert all(check.message and not check.cure for check in found)


def test_every_finding_has_chinese_words(monkeypatch):
    monkeypatch.setattr(sys, "version_info", Version(3, 10, 1))
    english_words = doctor.checks()
    language.use("zh")
    chinese = doctor.checks()
    assert [check.ok for check in chinese] == [check.ok for check in english_words]
    assert "课程需要 3.11 或更新的版本" in chinese[0].message
    assert re.search("[一-龥]", chinese[0].cure)


def test_the_device_is_named(monkeypatch):
    assert finding("PyTorch").message.endswith("; trainings can run on: cpu")
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.get_device_name", lambda: "a fast card")
    assert finding("PyTorch").message.endswith("; trainings can run on: a fast card")


def test_an_old_python_is_found(monkeypatch):
    monkeypatch.setattr(sys, "version_info", Version(3, 10, 12))
    found = finding("Python")
    assert not found.ok
    assert found.message == "3.10.12; the course needs 3.11 or newer"
    assert "Install Python 3.11" in found.cure


def requirements(monkeypatch, folder, text):
    file = folder / "requirements.txt"
    file.write_text(text)
    monkeypatch.setattr(doctor, "REQUIREMENTS", file)


def test_another_version_is_found(monkeypatch, tmp_path):
    click, numpy = metadata.version("click"), metadata.version("numpy")
    requirements(monkeypatch, tmp_path, f"# pins\nclick==0.1\nnumpy=={numpy}  # why\n-e .\n")
    found = finding("Packages")
    assert not found.ok
    assert found.message.endswith(f": click {click} ≠ 0.1")
    assert found.cure.endswith("-m pip install -r requirements.txt")
    assert sys.executable in found.cure


def test_a_missing_package_is_found(monkeypatch, tmp_path):
    requirements(monkeypatch, tmp_path, "no-such-package==1.0\n")
    assert finding("Packages").message.endswith("no-such-package missing ≠ 1.0")


def test_a_build_of_the_right_version_is_right(monkeypatch, tmp_path):
    requirements(monkeypatch, tmp_path, "torch==2.13.0\nclick==8.5.1\n")
    monkeypatch.setattr(
        doctor.metadata, "version", {"torch": "2.13.0+cpu", "click": "8.5.1"}.__getitem__
    )
    assert doctor._packages() == "all 2 are the tested versions"


def test_missing_requirements_are_found(monkeypatch, tmp_path):
    monkeypatch.setattr(doctor, "REQUIREMENTS", tmp_path / "requirements.txt")
    found = finding("Packages")
    assert not found.ok and str(tmp_path) in found.message


def test_all_pins_of_the_course_are_read():
    pins = [line for line in doctor.REQUIREMENTS.read_text().splitlines() if "==" in line]
    assert f"all {len(pins)} " in finding("Packages").message


@pytest.mark.parametrize(("module", "name"), [("mujoco", "MuJoCo"), ("torch", "PyTorch")])
def test_a_check_that_breaks_hides_no_other(module, name, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)  # importing it raises ModuleNotFoundError
    found = doctor.checks()
    assert [check.name for check in found] == NAMES
    (failed,) = [check for check in found if not check.ok]
    assert failed.name == name
    assert "ModuleNotFoundError" in failed.message
    assert failed.cure.startswith("Install it again")


def test_a_check_that_breaks_at_length_stays_on_one_line(monkeypatch):
    def breaks():
        raise ImportError("libGL.so.1: cannot open\n  shared object file\n" + "x" * 5000)

    monkeypatch.setattr(doctor, "_mujoco", breaks)
    message = finding("MuJoCo").message
    assert "ImportError: libGL.so.1: cannot open shared object file x" in message
    assert "\n" not in message and len(message) < 400


def test_a_simulator_that_does_not_move_is_found(monkeypatch):
    import mujoco

    monkeypatch.setattr(mujoco, "mj_step", lambda *args: None)
    assert finding("MuJoCo").message == "a falling ball ended at height 0.0"


def test_a_wrong_product_is_found(monkeypatch):
    import torch

    monkeypatch.setattr(torch, "ones", torch.zeros)
    monkeypatch.setattr(torch, "equal", lambda *args: False)
    assert finding("PyTorch").message.endswith("a matrix product is wrong")


def test_missing_widgets_are_found(monkeypatch, tmp_path):
    monkeypatch.setattr(paths, "jupyter_path", lambda *parts: [str(tmp_path)])
    found = finding("JupyterLab")
    assert "@jupyter-widgets/jupyterlab-manager" in found.message
    for name in ("@jupyter-widgets/jupyterlab-manager",):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "package.json").write_text("{}")
    assert "extension anywidget" in finding("JupyterLab").message


@pytest.mark.parametrize(
    ("command", "ok"),
    [("python", True), ("python3", True), (sys.executable, True), ("/opt/other/bin/python", False)],
)
def test_a_kernel_of_another_python_is_found(command, ok, monkeypatch):
    manager = SimpleNamespace(get_kernel_spec=lambda name: SimpleNamespace(argv=[command, "-m"]))
    monkeypatch.setattr(kernelspec, "KernelSpecManager", lambda: manager)
    found = finding("JupyterLab")
    assert found.ok is ok
    assert ok or found.message == f"notebooks would run in another Python: {command}"


def test_a_full_disk_is_found(monkeypatch):
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: SimpleNamespace(free=0.2e9))
    found = finding("Disk")
    assert found.message == "0.2 GB free; the course needs 1 GB"
    assert found.cure


def test_importing_the_doctor_is_light():
    code = (
        "import sys; import mbpo_teach.course.doctor;"
        "assert not {'torch', 'mujoco', 'matplotlib', 'jupyter_client'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("chosen", ["nonsense", "osmesa"])
def test_a_wrong_mujoco_gl_is_named_in_the_cure(chosen):
    """In a process of its own: MuJoCo reads it when it is loaded."""
    done = subprocess.run(
        [sys.executable, "-m", "mbpo_teach", "doctor"],
        env=os.environ | {"MUJOCO_GL": chosen},
        capture_output=True,
        text=True,
    )
    lines = done.stdout.splitlines()
    (found,) = [number for number, line in enumerate(lines) if line.startswith("✗ MuJoCo")]
    assert f"MUJOCO_GL is {chosen}" in lines[found + 1] and "Unset it" in lines[found + 1]


@pytest.mark.parametrize("system", doctor.WITHOUT_TORCH)
def test_a_system_without_pytorch_is_told(monkeypatch, system):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setattr(doctor.sys, "platform", system[0])
    monkeypatch.setattr(doctor.platform, "machine", lambda: system[1])
    assert "no package of the tested version for Intel Macs and for Windows on ARM" in (
        doctor._cure("torch")
    )
    assert doctor._cure("packages") == doctor._cure("torch")
    readme = (doctor.REQUIREMENTS.parent / "README.md").read_text(encoding="utf-8")
    assert "Intel Macs" in readme and "Windows on ARM" in readme

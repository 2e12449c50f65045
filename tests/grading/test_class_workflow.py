"""The workflow for a class repository: its steps, run as they are written, on a class of ten.

What would change the machine or needs a network is pretended: sudo, apt-get, sysctl, and pip.
"""

import csv
import json
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest
import yaml

from mbpo_teach.grading import isolation

from .handing_in import ROOT, answered, hand_in, solutions, student_edition

WORKFLOW = ROOT / "docs" / "grade-class.yml"
RIGHT = solutions("04")
WRONG = {
    "04-1": "def total_variation(p, q):\n    return abs(p - q).sum()\n",
    "04-2": "def performance_bound(gamma, r_max, eps_m, eps_pi):\n    return eps_m\n",
}
NAMES = {
    "04-1": "total_variation",
    "04-2": "performance_bound",
    "04-3": "informative_shift",
    "04-4": "exact_return",
}
FORGED = {
    exercise: (
        "import random\n"
        "judge = random._os.sys.modules.get('mbpo_teach.grading.judge')\n"
        "if judge:\n    judge.difference = lambda *args: None\n"
        f"{name} = lambda *args: 1.0\n"
    )
    for exercise, name in NAMES.items()
}
ENDLESS = RIGHT | {"04-3": "def informative_shift(gamma, eps_m):\n    while True:\n        pass\n"}
EXIT = RIGHT | {
    "04-4": "import random\ndef exact_return(*args):\n    random._os._exit(0)\n",
    "04-1": "from mbpo_teach.theory.exact import total_variation\n",
}
P, W, M, R, T, C = "passed", "wrong", "missing", "rejected", "timeout", "crashed"
CLASS = {
    "ada": (answered("04", RIGHT), [P, P, P, P]),
    "bob": (answered("04", RIGHT, "zh"), [P, P, P, P]),
    "cai": (answered("04", RIGHT | WRONG), [W, W, P, P]),
    "dan": (student_edition("04"), [M, M, M, M]),
    "eve": (answered("04", {"04-1": RIGHT["04-1"]}), [P, M, M, M]),
    "fei": (answered("04", RIGHT | {"04-2": "def performance_bound(:"}), [P, R, P, P]),
    "gil": (None, [R, R, R, R]),
    "mallory": (answered("04", FORGED), [W, W, W, W]),
    "oscar": (answered("04", ENDLESS), [P, P, T, P]),
    "trudy": (answered("04", EXIT), [R, P, P, C]),
}

PYTHON = """#!/bin/sh
# Makes an "environment" whose Python is this one with the cloned course, as pip install -e would.
case "$*" in
  "-m venv .venv")
    mkdir -p .venv/bin
    printf '#!/bin/sh\\ncase "$*" in *"pip install"*) exit 0 ;; esac\\n' > .venv/bin/python
    printf 'PYTHONPATH=%s exec %s "$@"\\n' "$PWD" "$REAL_PYTHON" >> .venv/bin/python
    chmod +x .venv/bin/python ;;
  *) exec "$REAL_PYTHON" "$@" ;;
esac
"""


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """Run the steps, and return the class repository's folder and what each step said."""
    home = tmp_path_factory.mktemp("runner")
    course, repository, programs = home / "origin", home / "class", home / "programs"
    if not _clone(course):
        pytest.skip("this copy of the course is no git clone")
    repository.mkdir()
    for student, (notebook, _) in CLASS.items():
        if notebook is None:
            (repository / "submissions" / f"{student}.ipynb").write_text('{"cells": [')
        else:
            hand_in(repository / "submissions", student, notebook)
    programs.mkdir()
    for name, script in {
        "sudo": '#!/bin/sh\nexec "$@"\n',
        "apt-get": '#!/bin/sh\necho "apt-get $*"\n',
        "sysctl": '#!/bin/sh\necho "sysctl $*"\n',
        "python3": PYTHON,
    }.items():
        (programs / name).write_text(script)
        (programs / name).chmod(0o755)
    job = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["jobs"]["grade"]
    (home / "temp").mkdir()
    environment = {
        **job["env"],
        "COURSE": course.as_uri(),
        "TIMEOUT": "20",
        "ISOLATE": isolation.in_force("auto"),
        "RUNNER_TEMP": str(home / "temp"),
        "GITHUB_STEP_SUMMARY": str(home / "summary.md"),
        "PATH": f"{programs}:{os.environ['PATH']}",
        "REAL_PYTHON": sys.executable,
        "HOME": str(home / "home"),
        "LANG": "C.UTF-8",
    }
    said = {}
    for step in job["steps"]:
        if "run" in step:
            # As the runner does it.
            shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
            done = subprocess.run(
                shell, cwd=repository, env=environment, capture_output=True, text=True
            )
            assert done.returncode == 0, (step["name"], done.stdout, done.stderr)
            said[step["name"]] = done.stdout
    return home, said


def _clone(folder):
    """Make a repository of the course as it lies here."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        return False
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    who = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "-q", "-b", "main"], ["add", "-A"], [*who, "commit", "-qm", "all"]):
        subprocess.run(["git", *command], cwd=folder, check=True, capture_output=True)
    return True


def test_everybody_gets_the_grade_that_is_known(ran):
    with (ran[0] / "class/grades/grades.csv").open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    found = {}
    for row in rows:
        found.setdefault(row["student"], []).append(row["status"])
        assert float(row["points"]) == (1.0 if row["status"] == "passed" else 0.0)
    assert found == {student: known for student, (_, known) in CLASS.items()}


def test_the_forger_fooled_nbval_and_not_the_lock(ran):
    data = json.loads((ran[0] / "class/grades/grades.json").read_text(encoding="utf-8"))
    reasons = {mark["reason"] for mark in data["marks"] if mark["student"] == "mallory"}
    assert all(reason.startswith("The check shows its target line, but") for reason in reasons)
    assert data["isolation"] == [isolation.in_force("auto")]


def test_the_summary_is_shown_and_the_junit_report_is_complete(ran):
    home, said = ran
    summary = (home / "summary.md").read_text(encoding="utf-8")
    assert "Submissions graded: 10." in summary and "| ada | ✓ | ✓ | ✓ | ✓ | 4 / 4 |" in summary
    assert "Isolation in force: " in said["Grade"]
    root = ET.parse(home / "class/grades/junit.xml").getroot()
    assert len(list(root.iter("testcase"))) == 40
    assert any("install --yes --no-install-recommends bubblewrap" in text for text in said.values())


def test_nothing_but_the_reports_is_written_into_the_class(ran):
    assert sorted(os.listdir(ran[0] / "class")) == ["grades", "submissions"]
    assert len(os.listdir(ran[0] / "class/submissions")) == 10


def test_the_job_has_no_rights_and_leaves_no_credentials():
    workflow = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))
    assert workflow["permissions"] == {"contents": "read"}
    checkout = workflow["jobs"]["grade"]["steps"][0]
    assert checkout["with"] == {"persist-credentials": False}
    assert "secrets." not in WORKFLOW.read_text(encoding="utf-8")

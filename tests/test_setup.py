"""What stands around the package: requirements, Makefile, CI, licences, README's promises."""

import os
import re
import shutil
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import mbpo_teach
from mbpo_teach.__main__ import main

ROOT = Path(mbpo_teach.__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def _text(files):
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


make = pytest.mark.skipif(
    os.name != "posix" or shutil.which("make") is None, reason="needs make and a POSIX shell"
)


def test_nothing_of_the_course_is_hidden_from_git():
    """A rule for learners' `runs/` once hid the room of that name: a new file there was lost."""
    hidden = ["git", "ls-files", "--others", "--ignored", "--exclude-standard", "--directory"]
    listed = subprocess.run(hidden, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    ours = ("mbpo_teach/", "tests/", "tools/", "docs/", "notebooks/", "benchmarks/")
    made = ("__pycache__/", ".ipynb_checkpoints/", ".egg-info/")
    names = [name for name in listed.split("\n") if name.startswith(ours)]
    assert [name for name in names if not name.endswith(made)] == []
    tracked = ["git", "ls-files", "--cached", "--ignored", "--exclude-standard"]
    assert subprocess.run(tracked, cwd=ROOT, capture_output=True, check=True).stdout == b""


def test_paths_named_in_the_documents_exist():
    said = re.findall(
        r"`((?:tests|tools|docs|mbpo_teach|benchmarks)/[\w/.]+\.\w+)`", _text(DOCUMENTS)
    )
    assert len(said) > 15
    assert [path for path in said if "NN" not in path and not (ROOT / path).exists()] == []


# requirements.txt and pyproject.toml


def pins():
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert lines[-1] == "-e ."
    for line in lines[:-1]:
        # A plain pin: no extras, no markers, no ranges, no comment behind it.
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.]*", line), line
    return {
        canonicalize_name(name): version
        for name, _, version in (line.partition("==") for line in lines[:-1])
    }


def test_torch_is_the_version_that_was_agreed():
    assert pins()["torch"] == "2.13.0"


def test_every_dependency_is_pinned_within_its_range():
    pinned = pins()
    for text in PROJECT["dependencies"]:
        wanted = Requirement(text)
        assert wanted.specifier.contains(pinned[canonicalize_name(wanted.name)]), text


def test_the_versions_agree():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert PROJECT["version"] == mbpo_teach.__version__ == citation["version"]
    assert mbpo_teach.__version__ in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


# Makefile, with a python that only pretends

FAKE_PYTHON = """#!/bin/sh
# Installs nothing: makes the environment's python a link to itself, and writes down what it did.
case "$*" in
  *"version_info"*) exit ${TOO_OLD:-0} ;;
  *"ensurepip"*) exit ${NO_VENV:-0} ;;
  *"import click, mbpo_teach"*) exit ${MOVED:-0} ;;
esac
echo "$*" >> "$LOG"
case "$*" in
  "-m venv .venv") mkdir -p .venv/bin; ln -sf "$FAKE" .venv/bin/python ;;
  *"pip install"*) exit ${PIP_FAILS:-0} ;;
  "-m pytest"*) echo "== 3 passed =="; exit ${TESTS_FAIL:-0} ;;
esac
"""


class Clone:
    """A folder with the Makefile and requirements.txt, and pretended programs before all others."""

    def __init__(self, folder):
        self.folder = folder
        self.log = folder / "log"
        self.programs = folder / "programs"
        self.programs.mkdir()
        shutil.copy(ROOT / "Makefile", folder)
        shutil.copytree(ROOT / ".ci", folder / ".ci")
        (folder / "requirements.txt").write_text("click\n")
        self.fake = self.pretend("python3", FAKE_PYTHON)
        for version in ("3.11", "3.12", "3.13"):
            self.pretend(f"python{version}", FAKE_PYTHON)

    def pretend(self, name, script):
        program = self.programs / name
        program.write_text(script)
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        return program

    def run(self, *command, **variables):
        """Return the exit status, what was done, and what was said."""
        self.log.write_text("")
        environment = {
            "PATH": f"{self.programs}:/usr/bin:/bin",
            "LOG": str(self.log),
            "FAKE": str(self.fake),
            "HOME": str(self.folder / "home"),
        }
        done = subprocess.run(
            command, cwd=self.folder, env=environment | variables, capture_output=True, text=True
        )
        return done.returncode, self.log.read_text().splitlines(), done.stdout + done.stderr

    def make(self, *arguments, **variables):
        return self.run("make", *arguments, **variables)


INSTALL = "-m pip install --quiet --disable-pip-version-check -r requirements.txt"
TEST = "-m pytest -n 2 --dist loadfile --no-loadscope-reorder"


@pytest.fixture
def clone(tmp_path):
    return Clone(tmp_path)


@make
def test_the_first_call_makes_the_environment_and_the_second_does_not(clone):
    assert clone.make("test")[:2] == (0, ["-m venv .venv", INSTALL, TEST])
    assert clone.make("test")[:2] == (0, [TEST])


@make
def test_new_requirements_are_installed_into_the_same_environment(clone):
    clone.make("test")
    os.utime(clone.folder / "requirements.txt", (2**31, 2**31))
    code, done, _ = clone.make("test")
    assert (code, done) == (0, ["-m pip --version", INSTALL, TEST])


@make
def test_a_failed_installation_is_no_environment(clone):
    code, done, _ = clone.make("lab", PIP_FAILS="1")
    assert code != 0 and done == ["-m venv .venv", INSTALL]
    assert clone.make("lab")[1][:2] == ["-m venv .venv", INSTALL]


@make
def test_an_interrupted_installation_is_made_again(clone):
    clone.pretend("python3", FAKE_PYTHON.replace("exit ${PIP_FAILS:-0}", "kill -KILL $PPID"))
    assert clone.make("lab")[0] != 0
    clone.pretend("python3", FAKE_PYTHON)
    assert clone.make("lab")[1][:2] == ["-m venv .venv", INSTALL]


@make
def test_an_interrupted_update_is_made_again(clone):
    clone.make("test")
    os.utime(clone.folder / "requirements.txt", (2**31, 2**31))
    clone.make("test", PIP_FAILS="1")
    assert clone.make("test")[1][:2] == ["-m venv .venv", INSTALL]


@make
def test_an_environment_whose_python_is_gone_is_made_again(clone):
    """A system upgrade removes the Python that .venv/bin/python links to."""
    clone.make("test")
    (clone.folder / ".venv/bin/python").unlink()
    (clone.folder / ".venv/bin/python").symlink_to("/nowhere/python3.11")
    assert clone.make("test")[:2] == (0, ["-m venv .venv", INSTALL, TEST])


@make
def test_an_environment_that_cannot_load_the_course_is_brought_up_to_date(clone):
    """The clone was moved: the editable installation points to where it was."""
    clone.make("test")
    code, done, _ = clone.make("test", MOVED="1")
    assert (code, done) == (0, ["-m pip --version", INSTALL, TEST])
    assert clone.make("test")[1] == [TEST]


@make
def test_an_environment_made_by_hand_is_kept(clone):
    (clone.folder / ".venv/bin").mkdir(parents=True)
    (clone.folder / ".venv/bin/python").symlink_to(clone.fake)
    (clone.folder / ".venv/mine").touch()
    assert clone.make("test")[1] == ["-m pip --version", INSTALL, TEST]
    assert (clone.folder / ".venv/mine").exists()


@make
def test_an_old_python_is_one_clear_sentence(clone):
    code, done, said = clone.make("lab", TOO_OLD="1")
    assert code != 0 and done == []
    assert "needs Python 3.11 or newer" in said and "make PYTHON=" in said


@make
def test_another_python_is_tried_when_the_first_is_too_old(clone):
    clone.pretend("python3", "#!/bin/sh\nexit 1\n")
    clone.fake = clone.programs / "python3.12"
    assert clone.make("test")[:2] == (0, ["-m venv .venv", INSTALL, TEST])


@make
def test_a_python_without_venv_is_one_clear_sentence(clone):
    code, done, said = clone.make("lab", NO_VENV="1")
    assert code != 0 and done == []
    assert "sudo apt install python3-venv" in said


@make
def test_the_edition_reaches_the_course(clone):
    assert clone.make("lab")[1][-1] == "-m mbpo_teach lab --edition en"
    assert clone.make("lab", "EDITION=zh")[1][-1] == "-m mbpo_teach lab --edition zh"


@make
def test_failing_tests_fail_make_and_what_calls_it(clone):
    for target in ("test", "check"):
        assert clone.make(target, TESTS_FAIL="1")[0] != 0
        assert clone.make(target)[0] == 0


@make
def test_check_is_format_lint_types_and_tests(clone):
    clone.make("test")
    done = clone.make("check")[1]
    assert done == ["-m ruff format --check .", "-m ruff check .", "-m mypy", TEST]


# .ci/run

APT = '#!/bin/sh\necho "apt-get $* CI=$CI" >> "$LOG"\n'


def ci(clone, *, chromium, **variables):
    clone.pretend("apt-get", APT)
    clone.pretend("sudo", '#!/bin/sh\necho sudo >> "$LOG"\nexec "$@"\n')
    if chromium:
        clone.pretend("chromium", "#!/bin/sh\n")
    # Only what the script needs, so that this machine's own Chromium is not found.
    for name in ("bash", "sh", "dirname", "id", "make", "ls", "env", "rm", "touch", "mkdir", "ln"):
        link = clone.programs / name
        if not link.exists():
            link.symlink_to(shutil.which(name))
    return clone.run(str(clone.folder / ".ci/run"), PATH=str(clone.programs), **variables)


@make
def test_ci_installs_what_is_missing_and_runs_the_tests(clone):
    code, done, said = ci(clone, chromium=False)
    installed = [line.partition(" CI=")[0] for line in done if line.startswith("apt-get")]
    assert code == 0
    assert installed[0] == "apt-get update"
    assert re.match(r"apt-get install --yes --no-install-recommends chromium( |$)", installed[1])
    assert all(line.endswith("CI=true") for line in done if line.startswith("apt-get"))
    assert done[-1] == TEST
    assert said.splitlines()[-1] == "== 3 passed =="


@make
def test_ci_fails_when_the_tests_fail(clone):
    assert ci(clone, chromium=True, TESTS_FAIL="1")[0] != 0


@make
def test_ci_does_not_install_a_browser_that_is_there(clone):
    _, done, _ = ci(clone, chromium=True)
    assert not any("install" in line and "chromium" in line for line in done)


@pytest.mark.parametrize(("ci", "code", "word"), [("true", 1, "ERROR"), ("", 0, "SKIPPED")])
def test_a_missing_browser_fails_in_ci_and_is_a_visible_skip_elsewhere(ci, code, word, tmp_path):
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--color=no"]
    command += ["tests/browser/test_static_page.py", "-k", "both_ends"]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment | {"PATH": str(tmp_path), "CI": ci},
        capture_output=True,
        text=True,
    )
    assert done.returncode == code, done.stdout
    summary = done.stdout.partition("short test summary")[2]
    assert word in summary and "no Chromium here: the browser tests did not run" in done.stdout


def test_ci_run_can_be_executed():
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_the_public_workflow_runs_the_same():
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    job = workflow["jobs"]["check"]
    oldest = PROJECT["requires-python"].removeprefix(">=")
    assert oldest in job["strategy"]["matrix"]["python"]
    assert any(step.get("run") == ".ci/run" for step in job["steps"])
    assert any("artefacts/" in step.get("with", {}).get("path", "") for step in job["steps"])


# Licences and citation


def test_both_licences_are_named_and_the_first_is_whole():
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Permission is hereby granted, free of charge" in text
    assert "OTHER DEALINGS IN THE\nSOFTWARE." in text
    assert "https://creativecommons.org/licenses/by/4.0/legalcode" in text


def test_the_licence_names_every_folder_of_the_repository():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("this copy of the course is no git clone")
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    folders = {name.partition("/")[0] + "/" for name in listed.stdout.splitlines() if "/" in name}
    assert sorted(folder for folder in folders if folder.strip('"') not in text) == []


def test_the_citation_has_what_its_format_requires():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["cff-version"] == "1.2.0"
    assert {"message", "title", "authors"} <= citation.keys()
    assert citation["type"] in ("software", "dataset")
    assert citation["license"] == ["MIT", "CC-BY-4.0"]
    for reference in citation["references"]:
        assert {"type", "title", "authors"} <= reference.keys()


# What the documents promise


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_in_the_documents_exists(document):
    text = document.read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    code = "\n".join(re.findall(r"```.*?```|`[^`\n]+`|^    .*$", text, re.M | re.S))
    assert set(re.findall(r"\bmake ([a-z]+)", code)) <= targets
    spoken = re.findall(r"python -m mbpo_teach ([a-z| ]+)", code)
    commands = {word for words in spoken for word in words.split()[:1] + words.split("|")[1:]}
    assert {command.strip() for command in commands} <= main.commands.keys()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_file_that_the_documents_link_to_exists(document):
    text = document.read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", text)
    local = [target for target in targets if not re.match(r"[a-z]+:", target)]
    assert [target for target in local if not (document.parent / target).exists()] == []


def test_the_longest_files_begin_first_and_each_worker_has_one_thread(request):
    """A long file that begins last leaves the other worker idle; see tests/conftest.py."""
    (plugin,) = (
        each for each in request.config.pluginmanager.get_plugins() if hasattr(each, "LONGEST")
    )
    tests = Path(__file__).parent
    files = [item.path.relative_to(tests).as_posix() for item in request.session.items]
    order = list(dict.fromkeys(files))
    longest = [name for name in plugin.LONGEST if name in order]
    assert order[: len(longest)] == longest
    if "PYTEST_XDIST_WORKER" in os.environ:
        assert os.environ["OMP_NUM_THREADS"] == "1"

"""Fresh working copies are trusted; nothing that somebody else could have changed is."""

import json
import shutil

import nbformat
import pytest
from nbformat.sign import NotebookNotary
from traitlets.config import Application

from mbpo_teach.course import trust, workspace


@pytest.fixture
def course(tmp_path):
    for edition in ("en", "zh"):
        folder = tmp_path / "notebooks" / edition
        folder.mkdir(parents=True)
        shutil.copy(workspace.COURSE / "notebooks" / edition / "00_start_here.ipynb", folder)
    workspace.prepare(tmp_path)
    return tmp_path


class Server(Application):
    classes = (NotebookNotary,)


def trusted(course, edition="en"):
    """Whether a JupyterLab started with these options trusts the working copy."""
    server = Server()
    server.parse_command_line(trust.options(course))
    notary = NotebookNotary(config=server.config)
    copy = course / "work" / edition / "00_start_here.ipynb"
    found = notary.check_signature(nbformat.read(copy, as_version=4))
    notary.store.close()
    return found


def test_a_fresh_copy_is_trusted_in_both_languages(course):
    assert not trusted(course)
    trust.sign(course)
    assert trusted(course) and trusted(course, "zh")


def test_a_copy_that_was_changed_is_not(course):
    copy = course / "work" / "en" / "00_start_here.ipynb"
    content = json.loads(copy.read_text("utf-8"))
    content["cells"][0]["source"] = ["<script>alert(1)</script>"]
    copy.write_text(json.dumps(content), "utf-8")
    trust.sign(course)
    assert not trusted(course) and trusted(course, "zh")


def test_what_is_no_notebook_stops_nothing(course):
    for folder in ("notebooks", "work"):
        (course / folder / "en" / "00_start_here.ipynb").write_text("{", "utf-8")
    trust.sign(course)
    assert trusted(course, "zh")

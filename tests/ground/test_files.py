"""A file is whole or not there, whatever happens while it is written."""

import os
import subprocess
import sys

import pytest

from mbpo_teach.ground import files

WRITERS = [files.write_whole, files.write_new]
each_writer = pytest.mark.parametrize("write", WRITERS, ids=lambda write: write.__name__)


@each_writer
@pytest.mark.parametrize(
    ("content", "stored"),
    [(b"\x00\r\n", b"\x00\r\n"), ("状态\n", "状态\n".encode()), ("a\ud800b", b"a\\ud800b")],
)
def test_what_is_written_is_there(write, content, stored, tmp_path):
    path = tmp_path / "new" / "folder" / "file"
    write(path, content)
    assert path.read_bytes() == stored
    assert list(path.parent.iterdir()) == [path]


@each_writer
def test_a_file_is_readable_like_any_new_file(write, tmp_path):
    before = os.umask(0o027)
    try:
        write(tmp_path / "file", b"")
        (tmp_path / "plain").touch()
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode == (tmp_path / "plain").stat().st_mode


@each_writer
def test_a_name_as_long_as_names_may_be(write, tmp_path):
    path = tmp_path / ("n" * 255)
    write(path, b"content")
    assert path.read_bytes() == b"content"


def test_write_whole_takes_the_place_of_what_was_there(tmp_path):
    (tmp_path / "file").write_text("old and longer")
    files.write_whole(tmp_path / "file", "new")
    assert (tmp_path / "file").read_text() == "new"


@pytest.mark.parametrize("links", [True, False])
def test_write_new_never_takes_the_place_of_anything(links, tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    path = tmp_path / "file"
    if not links:
        monkeypatch.setattr(os, "link", refuse)
    files.write_new(path, "first")
    with pytest.raises(FileExistsError):
        files.write_new(path, "second")
    assert path.read_text() == "first"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("failure", [OSError, KeyboardInterrupt])
@pytest.mark.parametrize("at", ["fsync", "replace"])
def test_a_write_that_fails_leaves_what_was_there_and_no_litter(at, failure, tmp_path, monkeypatch):
    def failing(*_):
        raise failure

    path = tmp_path / "file"
    path.write_text("old")
    monkeypatch.setattr(os, at, failing)
    with pytest.raises(failure):
        files.write_whole(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("write", "steps"), [("write_whole", ["fsync", "replace"]), ("write_new", ["fsync", "link"])]
)
def test_the_content_is_on_the_disk_before_the_file_has_its_name(
    write, steps, tmp_path, monkeypatch
):
    done = []
    for name in ("fsync", "replace", "link"):
        real = getattr(os, name)
        monkeypatch.setattr(
            os, name, lambda *args, name=name, real=real: (done.append(name), real(*args))
        )
    getattr(files, write)(tmp_path / "file", b"content")
    assert done == steps


KILLED = """
import os, sys
from pathlib import Path
from mbpo_teach.ground import files
setattr(os, sys.argv[2], lambda *_: os._exit(9))
files.write_whole(Path(sys.argv[1]), "new")
"""


@pytest.mark.parametrize("at", ["fsync", "replace"])
def test_a_writer_that_is_killed_leaves_what_was_there(at, tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    killed = subprocess.run([sys.executable, "-c", KILLED, str(path), at], check=False)
    assert killed.returncode == 9
    assert path.read_text() == "old"

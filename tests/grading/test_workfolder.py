"""The work folder is removed whatever is in it, and measured without going down with its depth."""

import os

import pytest

from mbpo_teach.grading import workfolder


def nested(folder, depth, name="d"):
    """Make folders within folders, further down than a path can be long."""
    handle = os.open(folder, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir(name, dir_fd=handle)
        below = os.open(name, os.O_RDONLY, dir_fd=handle)
        os.close(handle)
        handle = below
    return handle


@pytest.mark.parametrize(("depth", "name"), [(1100, "d"), (50, "d" * 250)])
def test_folders_in_folders_by_the_thousand_are_removed(depth, name):
    """Deeper than Python goes down, and than a path can be long."""
    with workfolder.workplace() as folder:
        handle = nested(folder, depth, name)
        os.close(os.open("file", os.O_CREAT, dir_fd=handle))
        os.fchmod(handle, 0)
        os.close(handle)
        assert workfolder.too_much(folder, size=10**9, count=10**6)
    assert not folder.exists()


def test_a_wide_folder_is_removed():
    with workfolder.workplace() as folder:
        for place in (folder, folder / "below"):
            place.mkdir(exist_ok=True)
            for number in range(2500):
                (place / str(number)).touch()
    assert not folder.exists()


def test_what_is_there_is_counted():
    with workfolder.workplace() as folder:
        os.close(nested(folder, 10))
        (folder / "d" / "file").write_bytes(bytes(10_000))
        (folder / "link").symlink_to("/")
        assert not workfolder.too_much(folder, size=100_000, count=12)
        assert workfolder.too_much(folder, size=100_000, count=11)
        assert workfolder.too_much(folder, size=9_000, count=12)


def test_a_folder_that_was_moved_away_is_nobodys_trouble(tmp_path):
    with workfolder.workplace() as folder:
        folder.rename(tmp_path / "moved")
    assert (tmp_path / "moved").exists()


def test_a_link_in_place_of_the_folder_is_not_followed(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").touch()
    with workfolder.workplace() as folder:
        folder.rmdir()
        folder.symlink_to(tmp_path / "mine")
    assert (tmp_path / "mine" / "file").exists()

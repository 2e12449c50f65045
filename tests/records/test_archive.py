"""Records: what is saved is loaded, a file is whole or not there, and no damage goes unnoticed."""

import os
from pathlib import Path

import numpy as np
import pytest

from mbpo_teach.records import archive

SAID = {"command": "python tools/x.py", "seed": 3, "config": {"k": [1, 2]}, "versions": {"a": "1"}}
ARRAYS = {"curve": np.linspace(0, 1, 7, dtype=np.float32), "sizes": np.array([1, 2])}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "toy.npz"


def test_what_is_saved_is_read(path):
    archive.save(path, ARRAYS, SAID | {"note": "真实"})
    record = archive.read(path)
    assert record.provenance == SAID | {"note": "真实"}
    assert record.arrays.keys() == ARRAYS.keys()
    for key, array in ARRAYS.items():
        np.testing.assert_array_equal(record.arrays[key], array)
        assert record.arrays[key].dtype == array.dtype
        with pytest.raises(ValueError, match="read-only"):
            record.arrays[key][0] = 5


def test_the_same_record_is_the_same_file(path, tmp_path):
    archive.save(path, ARRAYS, SAID)
    archive.save(tmp_path / "again.npz", ARRAYS, SAID)
    assert path.read_bytes() == (tmp_path / "again.npz").read_bytes()


def test_a_killed_save_leaves_the_old_record_and_no_litter(path, monkeypatch):
    archive.save(path, ARRAYS, SAID)
    before = path.read_bytes()

    def killed(*_):
        raise KeyboardInterrupt

    for at in ("fsync", "replace"):
        with monkeypatch.context() as patched:
            patched.setattr(os, at, killed)
            with pytest.raises(KeyboardInterrupt):
                archive.save(path, {"curve": np.zeros(3)}, SAID)
        assert path.read_bytes() == before
        assert list(path.parent.iterdir()) == [path]


def test_a_save_that_is_stopped_when_all_is_done_says_so(path, monkeypatch):
    """And nothing else: not that the temporary file, which has its name by then, is missing."""
    replace = os.replace

    def stopped(*names):
        replace(*names)
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", stopped)
    with pytest.raises(KeyboardInterrupt):
        archive.save(path, ARRAYS, SAID)
    assert list(path.parent.iterdir()) == [path]


def test_the_file_is_on_the_disk_before_it_takes_the_name(path, monkeypatch):
    done = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)
        monkeypatch.setattr(
            os, name, lambda *args, name=name, real=real: (done.append(name), real(*args))
        )
    archive.save(path, ARRAYS, SAID)
    assert done == ["fsync", "replace"]


@pytest.mark.parametrize("missing", archive.PROVENANCE)
def test_provenance_must_be_complete(path, missing):
    with pytest.raises(ValueError, match=missing):
        archive.save(path, ARRAYS, {key: value for key, value in SAID.items() if key != missing})
    assert not path.exists()


@pytest.mark.parametrize(
    "arrays", [{"provenance": np.zeros(2)}, {"odd": np.array([{}, []], dtype=object)}]
)
def test_no_objects_and_no_second_provenance(path, arrays):
    with pytest.raises(ValueError, match="arrays must hold numbers"):
        archive.save(path, arrays, SAID)
    assert not path.exists()


def test_every_damage_is_named(path):
    archive.save(path, ARRAYS, SAID)
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 3] ^= 0xFF
    for broken in (b"", b"not a record", whole[:-30], whole[: len(whole) // 2], bytes(flipped)):
        path.write_bytes(broken)
        with pytest.raises(ValueError, match=r"toy\.npz is damaged or is not a record"):
            archive.read(path)


def test_a_pickle_is_never_opened(path, tmp_path):
    class Trap:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "sprung"),))

    np.savez(path, provenance=np.array([Trap()], dtype=object))
    with pytest.raises(ValueError, match="damaged or is not a record"):
        archive.read(path)
    assert not (tmp_path / "sprung").exists()


def test_an_archive_of_something_else_is_no_record(path):
    np.savez(path, curve=np.zeros(3))
    with pytest.raises(ValueError, match="is not a record"):
        archive.read(path)
    np.save(path.with_suffix(".npy"), np.zeros(3))
    path.with_suffix(".npy").rename(path)
    with pytest.raises(ValueError, match="is not a record"):
        archive.read(path)


def test_what_is_not_there_is_said(path):
    with pytest.raises(FileNotFoundError):
        archive.read(path)
    with pytest.raises(ValueError, match=r"name must be one of .*errors_Hopper-v5.*'Hopper'"):
        archive.load("Hopper")
    with pytest.raises(ValueError, match="name must be one of"):
        archive.load("../records/errors_Hopper-v5")


@pytest.mark.parametrize("name", archive.names())
def test_every_record_loads_and_tells_how_it_was_made(name):
    record = archive.load(name)
    assert record.provenance["command"].startswith("python ")
    assert record.provenance["versions"]["torch"]
    folder = Path(archive.__file__).parent
    assert sum(file.stat().st_size for file in folder.iterdir()) < 10_000_000


def test_versions_are_those_of_the_libraries():
    import gymnasium
    import mujoco
    import torch

    said = archive.versions()
    assert said.pop("python").startswith("3.")
    libraries = {"numpy": np, "torch": torch, "gymnasium": gymnasium, "mujoco": mujoco}
    assert said == {name: str(library.__version__) for name, library in libraries.items()}

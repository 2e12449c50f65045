"""Records: numbers that take longer to make than a chapter has, stored with how they were made.

A record is one ``.npz`` file: arrays, and beside them their provenance, that is the command that
made them, its seed, its settings and the versions of the libraries. Whoever doubts a recorded
curve can make it again. Files are written whole or not at all, and nothing in one is ever run:
arrays only, no pickles. Used from chapter 3 on.
"""

import io
import json
import platform
import zipfile
import zlib
from collections.abc import Mapping
from importlib import metadata, resources
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mbpo_teach.ground.checked import checked
from mbpo_teach.ground.files import write_whole

PROVENANCE = ("command", "seed", "config", "versions")
"""What the provenance of every record must tell."""

_KEY = "provenance"
_RECORDS = Path(str(resources.files(__package__)))


class Record(NamedTuple):
    """`arrays` by name, read-only, and their `provenance` (see :data:`PROVENANCE`)."""

    arrays: dict[str, NDArray[Any]]
    provenance: dict[str, Any]


def names() -> tuple[str, ...]:
    """Return the names of the records that come with the course."""
    return tuple(sorted(path.stem for path in _RECORDS.glob("*.npz")))


@checked
def load(name: str) -> Record:
    """Return a record that comes with the course, for example ``"errors_Hopper-v5"``.

    Raises
    ------
    ValueError
        If there is no such record, or its file is damaged.
    """
    if name not in names():
        known = ", ".join(names()) or "none"
        raise ValueError(f"name must be one of the course's records ({known}), not {name!r}")
    return read(_RECORDS / f"{name}.npz")


def versions() -> dict[str, str]:
    """Return the versions of everything that numbers depend on, for a provenance."""
    libraries = ("numpy", "torch", "gymnasium", "mujoco")
    return {"python": platform.python_version()} | {
        name: metadata.version(name) for name in libraries
    }


@checked
def read(path: Path) -> Record:
    """Return the record in the file `path`.

    Raises
    ------
    FileNotFoundError
        If there is no file.
    ValueError
        If the file is damaged or is no record.
    """
    try:
        # Opened here: of a damaged archive NumPy forgets to close the file.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = {key: stored[key] for key in stored.files}
        provenance = json.loads(str(arrays.pop(_KEY)))
        _check(provenance)
    except FileNotFoundError:
        raise
    except (OSError, EOFError, KeyError, ValueError, TypeError, AttributeError,
            zipfile.BadZipFile, zlib.error) as error:  # fmt: skip
        raise ValueError(f"{path.name} is damaged or is not a record of the course") from error
    for array in arrays.values():
        array.flags.writeable = False
    return Record(arrays, provenance)


@checked
def save(path: Path, arrays: Mapping[str, ArrayLike], provenance: Mapping[str, Any]) -> None:
    """Write a record, whole or not at all (:func:`mbpo_teach.ground.files.write_whole`).

    Raises
    ------
    ValueError
        If an array is named like the provenance or holds objects, or if the provenance lacks one of
        :data:`PROVENANCE`.
    """
    _check(provenance)
    columns = {key: np.asarray(value) for key, value in arrays.items()}
    for key, column in columns.items():
        if key == _KEY or column.dtype.hasobject:
            raise ValueError(f"arrays must hold numbers and not be called {_KEY!r}, not {key!r}")
    columns[_KEY] = np.array(json.dumps(provenance, indent=1, ensure_ascii=False))
    packed = io.BytesIO()
    np.savez_compressed(packed, allow_pickle=False, **columns)
    write_whole(path, packed.getvalue())


def _check(provenance: Mapping[str, Any]) -> None:
    missing = [key for key in PROVENANCE if key not in provenance]
    if missing:
        raise ValueError(f"provenance must tell {', '.join(PROVENANCE)}; {missing} is missing")

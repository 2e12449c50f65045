"""The folder in which a program runs: made empty, measured while it runs, and removed after.

Without bubblewrap it is a real folder, and what an answer leaves in it may be anything: folders in
folders by the thousand, or without permissions. Nothing here goes down with the depth of it.
"""

import errno
import os
import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path

_DEEPEST = 40  # no program that is wanted here goes half as deep
_MOST_REMOVED = 1_000_000  # an orphan that goes on making files must not keep the grader


@contextmanager
def workplace() -> Iterator[Path]:
    """Give an empty folder, and remove it after, whatever has been put into it."""
    folder = Path(tempfile.mkdtemp(prefix="mbpo-grading-")).resolve()
    try:
        yield folder
    finally:
        remove(folder)


def too_much(folder: Path, *, size: int, count: int) -> bool:
    """Whether a folder holds more than `size` bytes or `count` files, or is too deep to tell."""
    waiting = [(str(folder), 0)]
    while waiting:
        place, depth = waiting.pop()
        try:
            with os.scandir(place) as entries:
                for entry in entries:
                    size -= _size(entry)
                    count -= 1
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append((entry.path, depth + 1))
                    if size < 0 or count < 0:
                        return True
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                return True
            # Else it is gone, or may not be listed: what is sent to the disk is counted too.
        if depth > _DEEPEST:
            return True
    return False


def remove(folder: Path) -> None:
    """Remove a folder, also where permissions were taken away; links are not followed.

    What is deeper is first moved up, so that no path is ever too long. What cannot be removed
    stays there.
    """
    with suppress(OSError):  # without isolation, an answer may have moved it away
        if folder.is_symlink():
            folder.unlink()
            return
        folder.chmod(0o700)
    left = _MOST_REMOVED
    while left > 0 and (done := _thin_out(folder)):
        left -= done
    with suppress(OSError):
        folder.rmdir()


def _thin_out(folder: Path) -> int:
    """Remove some of what is in a folder and its folders, and move up what is deeper; count it."""
    done = 0
    for entry in _some(folder):
        for inner in _some(entry.path) if _is_folder(entry) else []:
            if _is_folder(inner):
                done += _did(os.rename, inner.path, folder / secrets.token_hex(8))
            else:
                done += _did(os.unlink, inner.path)
        done += _did(os.rmdir if _is_folder(entry) else os.unlink, entry.path)
    return done


def _some(folder: Path | str) -> list[os.DirEntry[str]]:
    with suppress(OSError), os.scandir(folder) as entries:
        return list(islice(entries, 1000))
    return []


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether this is a folder, which may then be entered and moved."""
    with suppress(OSError):
        if entry.is_dir(follow_symlinks=False):
            os.chmod(entry.path, 0o700)
            return True
    return False


def _did(change: Callable[..., None], *paths: Path | str) -> bool:
    with suppress(OSError):
        change(*paths)
        return True
    return False


def _size(entry: os.DirEntry[str]) -> int:
    """Return the bytes that a file takes; a hole in it takes none."""
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError:
        return 0
    return min(status.st_size, status.st_blocks * 512) if status.st_blocks else status.st_size

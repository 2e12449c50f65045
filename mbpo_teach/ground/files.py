"""Files that are whole or not there: a power cut, a kill or Ctrl-C never leaves half of one.

The content goes into a temporary file beside the target, then to the disk, and only then does it
get its name, in one step. Whoever reads meanwhile finds what was there before. And files that
somebody hostile may have made are read without following or waiting for them. Used throughout.
"""

import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def write_whole(path: Path, content: bytes | str) -> None:
    """Write `content` to `path`, in the place of what was there; make its folder if need be.

    Text is written in UTF-8, and a lone surrogate, which only a damaged name or notebook has, as an
    escape.

    Raises
    ------
    OSError
        If it cannot be written; then nothing has changed.
    """
    with _written_beside(path, content) as temporary:
        os.replace(temporary, path)


def write_new(path: Path, content: bytes | str) -> None:
    """Write `content` as :func:`write_whole` does, but only to a `path` where nothing is.

    Raises
    ------
    FileExistsError
        If something is there by the moment at which the file would get its name.
    OSError
        If it cannot be written.
    """
    with _written_beside(path, content) as temporary:
        try:
            os.link(temporary, path)  # unlike a rename, a link never replaces a file
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links
            if path.exists():
                raise FileExistsError(f"{path} is there already") from None
            os.replace(temporary, path)


def remove_leftovers(folder: Path) -> None:
    """Remove, in `folder` and below, the temporary files of processes that were killed writing."""
    for file in folder.rglob(".*.part"):
        written_by = re.fullmatch(r"\..+\.(\d+)-[0-9a-f]{8}\.part", file.name)
        if written_by and not _lives(int(written_by[1])):
            file.unlink(missing_ok=True)


def read_plain(path: Path, most: int) -> bytes:
    """Return the first `most` bytes of a plain file.

    Raises
    ------
    OSError
        If there is none, or it is a link, a folder, a pipe or anything else that is no plain file.
    """
    # Opened without following a link, and looked at only then: nobody can swap it in between.
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise FileNotFoundError(f"{path} is not a plain file")
        parts, left = [], most
        while left > 0 and (part := os.read(handle, min(left, 1 << 20))):
            parts.append(part)
            left -= len(part)
    finally:
        os.close(handle)
    return b"".join(parts)


@contextmanager
def _written_beside(path: Path, content: bytes | str) -> Iterator[Path]:
    """Give a complete temporary file in the folder of `path`; remove it after."""
    if isinstance(content, str):
        content = content.encode("utf-8", "backslashreplace")
    path.parent.mkdir(parents=True, exist_ok=True)
    # In the same folder: a file can be renamed in one step only within one file system.
    temporary = path.with_name(f".{path.name[:40]}.{os.getpid()}-{secrets.token_hex(4)}.part")
    try:
        with open(temporary, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # a rename must never publish an empty file
        yield temporary
    finally:
        # It may have its name already: then there is nothing left to remove.
        temporary.unlink(missing_ok=True)


def _lives(process: int) -> bool:
    if os.name != "posix":
        return True  # there, asking would end it
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass
    return True

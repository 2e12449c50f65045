"""Read files that somebody hostile may have made."""

import os
import stat
from pathlib import Path


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

"""Read the files in a zip that was handed in, in memory: nothing is unpacked to the disk.

So no name in it can lead anywhere, and what it claims to hold costs nothing before it is read.
"""

import io
import zipfile
from collections.abc import Callable, Iterator
from functools import partial

SIGN = b"PK\x03\x04"
"""How a zip begins, whatever it is called."""

_MOST_FILES = 2000
_KINDS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # of others zipfile unpacks any amount at once


class Damaged(Exception):
    """A zip, or a file in it, cannot be read."""


def packed(content: bytes) -> Iterator[tuple[str, Callable[[int], bytes]]]:
    """Yield the name of each file in a zip, and what reads the first bytes of it.

    Raises
    ------
    Damaged
        If it is no zip, or lists more files than anybody hands in. What reads a file raises it if
        the file is damaged, has a password or is packed in an unusual way.
    """
    # zipfile makes an object of each; nothing but their signs tells how many there really are.
    if content.count(b"PK\x01\x02") > _MOST_FILES:
        raise Damaged
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except Exception:  # for what is damaged zipfile has a dozen kinds of errors
        raise Damaged from None
    for entry in archive.infolist():
        if not entry.is_dir():
            yield entry.filename, partial(_read, archive, entry)


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int) -> bytes:
    if entry.compress_type not in _KINDS:
        raise Damaged
    try:
        with archive.open(entry) as file:
            return file.read(most)
    except Exception:
        raise Damaged from None

"""A fresh working copy is trusted: JupyterLab shows no shield over what the course itself made.

Jupyter trusts a notebook whose content carries a signature of this machine. The signatures of the
working copies lie in ``work``, with the key to them; nothing of the learner's own is touched. Only
a copy that equals the published edition is signed; what a learner runs and saves, Jupyter signs.
"""

from contextlib import suppress
from pathlib import Path

import nbformat
from nbformat.sign import NotebookNotary

from mbpo_teach.course.workspace import fresh_copies


def options(course: Path) -> list[str]:
    """Return the options with which JupyterLab looks for signatures in the folder ``work``."""
    return [
        f"--NotebookNotary.{name}={file}"
        for name, file in (("db_file", _database(course)), ("secret_file", _key(course)))
    ]


def sign(course: Path) -> None:
    """Sign every working copy that equals the published edition.

    Raises
    ------
    OSError
        If one of them cannot be read, or the key cannot be written.
    """
    notary = NotebookNotary(db_file=str(_database(course)), secret_file=str(_key(course)))
    for copy in fresh_copies(course):
        with suppress(ValueError):  # what is no notebook JupyterLab will say
            notary.sign(nbformat.read(copy, as_version=4))
    notary.store.close()


def _database(course: Path) -> Path:
    return course / "work" / ".signatures.db"


def _key(course: Path) -> Path:
    return course / "work" / ".signatures.key"

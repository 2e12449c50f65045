"""The browser's modules of the labs, each joined with ``controls.js``, which all of them share.

A widget sends one text to the page, so a module that imports another must be joined with it first;
a static page imports the files as they stand. Used by all labs.
"""

import re
from pathlib import Path

_FOLDER = Path(__file__).parent
_IMPORT = re.compile(r'^import \{[^}]*\} from "\./controls\.js";\n', re.MULTILINE)


def joined(name: str) -> str:
    """Return the module `name`.js of this folder with what it imports in front of it."""
    module, imports = _IMPORT.subn("", (_FOLDER / f"{name}.js").read_text("utf-8"))
    assert imports == 1
    return (_FOLDER / "controls.js").read_text("utf-8") + module

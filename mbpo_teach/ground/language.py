"""Every word the course says at run time, in English and in Chinese.

Figure labels, live sentences and feedback come from one catalogue, the TOML files in
``mbpo_teach/ground/catalogue``. Prose cells are not here: they live in the chapter sources.
All chapters use this module.

The language is, in this order: the one chosen with :func:`use` (the switch above each lab),
the environment variable ``MBPO_LANG``, the folder of the notebook that is running, English. A
kernel is not told which notebook it runs. JupyterLab says it in an environment variable, VS Code in
a name among the learner's own, and most others start the kernel in the notebook's folder; where
none of that is so, ``MBPO_LANG`` remains.
"""

import os
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib import resources
from pathlib import PurePath
from typing import Any

LANGUAGES = ("en", "zh")

_chosen: list[str] = []
_listeners: list[Callable[[], None]] = []


def current() -> str:
    """Return the language in force, ``"en"`` or ``"zh"``."""
    if _chosen:
        return _chosen[-1]
    from_environment = os.environ.get("MBPO_LANG")
    if from_environment:
        return _known(from_environment, "MBPO_LANG")
    # The innermost folder decides: the course may itself lie in one that is called zh, or in the
    # home of a user zh.
    return next((folder for folder in reversed(_folders()) if folder in LANGUAGES), "en")


def _folders() -> tuple[str, ...]:
    """Return the folders above the notebook that is running, the outermost first, if known."""
    if path := os.environ.get("JPY_SESSION_NAME"):
        return PurePath(path).parent.parts
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is None:  # a terminal, whose folder is nobody's choice of a language
        return ()
    if path := shell.user_ns.get("__vsc_ipynb_file__"):
        return PurePath(path).parent.parts
    here = PurePath(os.getcwd()).parts
    below = here[-2:] if here[-1] == "solutions" else here[-1:]
    return below if below[0] in LANGUAGES else ()


def use(language: str) -> None:
    """Speak `language` from now on, and let every open lab redraw its words.

    Raises
    ------
    ValueError
        If `language` is neither ``"en"`` nor ``"zh"``.
    """
    _chosen[:] = [_known(language, "language")]
    for listener in list(_listeners):
        listener()


def on_change(listener: Callable[[], None]) -> None:
    """Call `listener` after each :func:`use`."""
    _listeners.append(listener)


def text(key: str, **values: Any) -> str:
    """Return the words behind `key` in the current language, with `values` filled in.

    Raises
    ------
    KeyError
        If the catalogue has no such key, or the words need a value that was not given.
    """
    return say(key, current(), **values)


def say(key: str, language: str, **values: Any) -> str:
    """Return the words behind `key` in the given language; see :func:`text`."""
    try:
        words = catalogue()[key][language]
    except KeyError:
        raise KeyError(f"the catalogue has no words for {key!r} in {language!r}") from None
    return words.format(**values)


def join(sentences: Iterable[str]) -> str:
    """Return sentences as one text: English puts a space between them, Chinese does not."""
    return ("" if current() == "zh" else " ").join(sentences)


@cache
def catalogue() -> dict[str, dict[str, str]]:
    """Return every entry as ``{key: {"en": words, "zh": words}}``."""
    entries: dict[str, dict[str, str]] = {}
    folder = resources.files(__package__) / "catalogue"
    for file in sorted(folder.iterdir(), key=lambda item: item.name):
        if not file.name.endswith(".toml"):
            continue
        for key, entry in _entries(tomllib.loads(file.read_text(encoding="utf-8")), ()):
            if key in entries:
                raise ValueError(f"{file.name}: {key!r} is in the catalogue already")
            if set(entry) != set(LANGUAGES):
                raise ValueError(f"{file.name}: {key!r} needs exactly one 'en' and one 'zh'")
            entries[key] = entry
    return entries


def _entries(table: dict[str, Any], path: tuple[str, ...]) -> Iterator[tuple[str, dict[str, str]]]:
    if any(isinstance(value, str) for value in table.values()):
        yield ".".join(path), table
    else:
        for name, inner in table.items():
            yield from _entries(inner, (*path, name))


def _known(language: str, name: str) -> str:
    if language not in LANGUAGES:
        raise ValueError(f"{name} must be one of {', '.join(LANGUAGES)}, not {language!r}")
    return language

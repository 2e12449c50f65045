import sys
from types import ModuleType

import pytest

from mbpo_teach.ground import language

from . import toys


@pytest.fixture(autouse=True)
def toy_chapter(monkeypatch):
    """Chapter 99 of the course, for the length of one test, in English."""
    chapter = ModuleType("mbpo_teach.grading.chapter99")
    chapter.EXERCISES = toys.EXERCISES
    monkeypatch.setitem(sys.modules, chapter.__name__, chapter)
    monkeypatch.setattr(language, "_chosen", ["en"])

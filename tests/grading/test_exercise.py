import subprocess
import sys

import pytest

from mbpo_teach.grading import exercise
from mbpo_teach.grading.exercise import Exercise

from . import toys


def test_an_exercise_is_found_by_its_id():
    assert exercise.find("99-2") is toys.PAIR


@pytest.mark.parametrize("unknown", ["99-7", "98-1", "99-0", "99", "a", "", None, 7, "99-1\n"])
def test_an_unknown_id_is_a_clear_error(unknown):
    with pytest.raises(ValueError, match="exercise"):
        exercise.find(unknown)


def test_the_error_names_what_there_is():
    with pytest.raises(ValueError, match="'99-7'; this chapter has 99-1, 99-2, 99-3, 99-4"):
        exercise.find("99-7")


def test_a_chapter_without_exercises_has_none():
    assert exercise.of_chapter("98") == ()


def test_a_missing_dependency_of_a_chapter_is_not_hidden(monkeypatch):
    def broken(name):
        raise ModuleNotFoundError(name="no_such_package")

    monkeypatch.setattr(exercise.importlib, "import_module", broken)
    with pytest.raises(ModuleNotFoundError):
        exercise.of_chapter("97")


@pytest.mark.parametrize("wrong", [-1e-9, 1, float("nan")])
def test_a_tolerance_outside_its_range_is_refused(wrong):
    with pytest.raises(ValueError, match="tolerance of 99-1"):
        Exercise(id="99-1", cases=toys.scaled_cases, reference=toys.scaled, tolerance=wrong)


def test_a_chapter_is_imported_only_when_asked_for():
    code = (
        "import sys; import mbpo_teach.grading.check;"
        "assert not [name for name in sys.modules if 'grading.chapter' in name]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

"""What every exercise of the course promises, whatever it teaches."""

import re
import time
from pathlib import Path

import pytest

import mbpo_teach.grading
from mbpo_teach.grading.compare import difference
from mbpo_teach.grading.exercise import of_chapter
from mbpo_teach.grading.feedback import feedback
from mbpo_teach.grading.judge import expected_values, judge
from mbpo_teach.ground import language, seeding

FILES = sorted(Path(mbpo_teach.grading.__file__).parent.glob("chapter*.py"))
EXERCISES = [exercise for file in FILES for exercise in of_chapter(file.stem[-2:])]
each = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.id)


def stream(seed):
    return seeding.generator(seed, "promises")


def test_a_chapters_exercises_are_numbered_from_one():
    for file in FILES:
        ids = [exercise.id for exercise in of_chapter(file.stem[-2:])]
        assert ids == [f"{file.stem[-2:]}-{i}" for i in range(1, len(ids) + 1)]


@each
def test_the_reference_passes_on_any_seed(exercise):
    for seed in range(3):
        assert judge(exercise, exercise.reference, stream(seed)).right


@each
def test_feedback_comes_in_under_a_second(exercise):
    """The processor's second: a learner's machine may be busy with something else."""
    times = []
    for _ in range(3):
        start = time.process_time()
        verdict = judge(exercise, lambda *args: 0.5, stream(0))
        assert feedback(exercise, verdict)
        times.append(time.process_time() - start)
    assert min(times) < 1


@each
def test_the_number_of_cases_depends_on_no_seed(exercise):
    assert len({len(exercise.cases(stream(seed))) for seed in range(5)}) == 1


@each
def test_the_same_seed_gives_the_same_cases(exercise):
    first, second = (expected_values(exercise, exercise.cases(stream(3))) for _ in range(2))
    assert all(difference(a, b, 0.0) is None for a, b in zip(first, second, strict=True))


@each
def test_no_constant_answer_is_right(exercise):
    """A guess that ignores its inputs, such as the first expected value, must fail somewhere."""
    guess = expected_values(exercise, exercise.cases(stream(0)))[0]
    assert not judge(exercise, lambda *args: guess, stream(0)).right


@each
def test_memorised_answers_fail_on_another_seed(exercise):
    """Answers learned by heart from the visible cases are worth nothing to the grader."""
    memorised = iter(expected_values(exercise, exercise.cases(stream(0))))
    assert not judge(exercise, lambda *args: next(memorised), stream(1)).right


@each
@pytest.mark.parametrize("spoken", language.LANGUAGES)
def test_title_and_hint_are_in_the_catalogue(exercise, spoken):
    for part in ("title", "hint"):
        words = language.say(f"exercise.{exercise.id}.{part}", spoken)
        assert words.strip() and bool(re.search(r"[\u4e00-\u9fff]", words)) == (spoken == "zh")

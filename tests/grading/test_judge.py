import asyncio
import sys
import warnings
from dataclasses import replace

import numpy as np
import pytest

from mbpo_teach.grading.attempt import attempt
from mbpo_teach.grading.exercise import Exercise
from mbpo_teach.grading.judge import judge
from mbpo_teach.ground import seeding

from . import toys


def verdict_on(answer, exercise=toys.SCALED, seed=0):
    return judge(exercise, answer, seeding.generator(seed, "test"))


@pytest.mark.parametrize("exercise", toys.EXERCISES, ids=lambda exercise: exercise.id)
def test_a_reference_passes_its_own_exercise(exercise):
    verdict = verdict_on(exercise.reference, exercise)
    assert verdict.right and verdict.passed == verdict.total > 0


def test_a_wrong_answer_fails_and_shows_its_first_wrong_case():
    verdict = verdict_on(lambda x: 1 / x if x else 0.0, toys.LIMIT)
    assert (verdict.passed, verdict.total, verdict.right) == (1, 2, False)
    assert verdict.failure.case == 1
    assert verdict.failure.arguments == (0.0,)
    assert verdict.failure.difference.kind == "value"


def test_other_seeds_give_other_cases():
    first, second = (verdict_on(lambda scale, row: 0 * row, seed=seed) for seed in (0, 1))
    assert first.failure.arguments[0] != second.failure.arguments[0]


def test_an_answer_that_writes_to_its_inputs_spoils_only_its_own_copies():
    # All cases share one array; the reference must not see what the answer does to it.
    shared = np.ones(3)
    exercise = replace(toys.SCALED, cases=lambda rng: [(2.0, shared), (3.0, shared)])

    def in_place(scale, row):
        row *= scale
        return row

    verdict = verdict_on(in_place, exercise)
    assert (verdict.failure.case, verdict.failure.changed) == (1, (1,))
    assert verdict.failure.difference is None  # the numbers are right, in every case
    np.testing.assert_array_equal(shared, 1)


@pytest.mark.parametrize("absent", [np.nan, np.inf])
def test_an_argument_with_nan_that_stays_as_it_is_is_not_changed(absent):
    """NaN is not equal to itself; the function below does nothing but return a wrong number."""
    row = np.array([1.0, absent])
    exercise = replace(toys.SCALED, cases=lambda rng: [(2.0, row)], reference=lambda s, r: 1.0)
    assert verdict_on(lambda scale, row: 0.0, exercise).failure.changed == ()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda case: case["table"].__setitem__((0, 1), 3.0),
        lambda case: case["pairs"].reverse(),
        lambda case: case["pairs"].append((0, 0)),
        lambda case: case["row"].__setitem__(0, np.nan),
        lambda case: case["row"].sort(),
    ],
)
def test_a_change_in_any_kind_of_argument_is_seen(spoil):
    made = {"table": {(0, 1): 2.0}, "pairs": [(0, 1), (1, 2)], "row": np.array([2.0, 1.0, np.nan])}
    exercise = replace(
        toys.SCALED, cases=lambda rng: [tuple(made.values())], reference=lambda *case: 1.0
    )

    def answer(*case):
        spoil(dict(zip(made, case, strict=True)))
        return 1.0

    verdict = verdict_on(answer, exercise)
    assert not verdict.right and len(verdict.failure.changed) == 1
    assert verdict_on(lambda *case: 1.0, exercise).right


def test_changed_inputs_cannot_be_made_to_look_right():
    """The answer zeroes what it was given, in the hope that the reference sees it."""

    def cheat(scale, row):
        row[:] = 0
        return row

    verdict = verdict_on(cheat)
    assert verdict.passed == 0
    assert verdict.failure.changed == (1,)
    assert np.all(verdict.failure.arguments[1] != 0)


def test_a_reference_that_writes_to_its_inputs_harms_no_answer():
    def reference(scale, row):
        row *= scale
        return row

    assert verdict_on(toys.scaled, replace(toys.SCALED, reference=reference)).right


def test_references_are_computed_before_the_answer_runs():
    calls = []

    def reference(scale, row):
        calls.append("reference")
        return scale * row

    def answer(scale, row):
        calls.append("answer")
        return scale * row

    verdict_on(answer, replace(toys.SCALED, reference=reference))
    assert calls == ["reference"] * 4 + ["answer"] * 4


def test_numpy_told_to_raise_does_not_break_the_reference():
    exercise = Exercise(
        id="99-9", cases=lambda rng: [(np.zeros(1),)], reference=lambda x: np.divide(1, x)
    )
    with np.errstate(all="raise"):
        assert verdict_on(lambda x: np.array([np.inf]), exercise).right


@pytest.mark.parametrize("not_a_function", [3, None, "q", np.ones(2)])
def test_an_answer_must_be_callable(not_a_function):
    with pytest.raises(TypeError, match="must be a function, not"):
        verdict_on(not_a_function)


def test_an_exercise_without_cases_passes_nobody():
    with pytest.raises(ValueError, match="99-1 has no cases"):
        verdict_on(toys.scaled, replace(toys.SCALED, cases=lambda rng: []))


def test_a_reference_that_gives_nan_is_the_courses_mistake():
    with pytest.raises(ValueError, match="reference of 99-1 gives NaN in case 1"):
        verdict_on(toys.scaled, replace(toys.SCALED, reference=lambda scale, row: np.nan))


def stub(scale, row):
    raise NotImplementedError


def unfinished(scale, row):
    raise NotImplementedError("later")


def stops(scale, row):
    sys.exit(3)


class Bare(BaseException):
    def __str__(self):
        raise RuntimeError("no words")


def bare(scale, row):
    raise Bare


def endless(scale, row):
    return endless(scale, row)


@pytest.mark.parametrize(
    ("answer", "trouble", "error"),
    [
        (stub, "stub", ""),
        (unfinished, "stub", ""),
        (stops, "raised", "SystemExit: 3"),
        (bare, "raised", "Bare"),
        (endless, "raised", "RecursionError"),
        (lambda scale: 1, "raised", "TypeError"),
        (lambda scale, row: None, "nothing", ""),
        (lambda scale, row: "3", "not_numbers", "str"),
        (lambda scale, row: (x for x in row), "not_numbers", "generator"),
    ],
)
def test_whatever_an_answer_does_becomes_a_finding(answer, trouble, error):
    found = attempt(answer, (1.0, np.ones(3)))
    assert found.trouble == trouble
    assert found.error.startswith(error)


def test_a_result_that_fights_back_is_not_a_number():
    class Fighter:
        def __array__(self, *args, **kwargs):
            sys.exit(1)

    assert attempt(Fighter, ()).trouble == "not_numbers"


def test_an_error_is_placed_in_the_answer_not_in_the_library_below_it():
    def answer(row):
        row = row + 1
        return np.linalg.inv(row)

    found = attempt(answer, (np.ones((2, 3)),))
    assert found.error.startswith("LinAlgError")
    assert found.line == answer.__code__.co_firstlineno + 2
    assert found.code == "return np.linalg.inv(row)"


def test_an_error_in_a_helper_is_placed_in_the_helper():
    def helper(row):
        return row[7]

    found = attempt(lambda row: helper(row), (np.ones(3),))
    assert found.line == helper.__code__.co_firstlineno + 1


def test_a_call_that_never_reaches_the_answer_has_no_line():
    found = attempt(lambda scale: 1, (1, 2))
    assert (found.line, found.code) == (0, "")


def test_a_librarys_not_implemented_is_not_a_stub():
    found = attempt(lambda: asyncio.AbstractEventLoop().time(), ())
    assert (found.trouble, found.error) == ("raised", "NotImplementedError")


def test_the_stop_button_is_obeyed():
    def stopped():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        attempt(stopped, ())


def test_prints_and_warnings_are_kept_from_the_notebook(capfd):
    def noisy(scale, row):
        print("debug")
        print("error", file=sys.stderr)
        warnings.warn("careful", stacklevel=1)
        np.divide(1, np.zeros(1))
        return scale * row

    found = attempt(noisy, (2.0, np.ones(1)))
    assert found.trouble == "" and found.value == 2
    assert found.printed.startswith("debug\nerror\nUserWarning: careful\nRuntimeWarning: divide")
    assert capfd.readouterr() == ("", "")


def test_megabytes_of_output_are_not_kept():
    def chatty():
        for _ in range(1000):
            print("x" * 10_000)
        return 1

    assert len(attempt(chatty, ()).printed) <= 1000


def test_an_answer_that_closes_its_streams_is_judged_like_any_other():
    def closes():
        print("before")
        sys.stdout.close()
        sys.stderr.close()
        warnings.warn("after", stacklevel=1)
        return 1.0

    tried = attempt(closes, ())
    assert tried.value == 1.0
    assert tried.printed.startswith("before")
    assert "after" in tried.printed


def test_streams_and_filters_are_put_back():
    before = sys.stdout, sys.stderr, warnings.filters[:]

    def rude():
        sys.stdout = sys.stderr = None
        warnings.simplefilter("error")
        return 1

    assert attempt(rude, ()).value == 1
    assert (sys.stdout, sys.stderr, warnings.filters[:]) == before

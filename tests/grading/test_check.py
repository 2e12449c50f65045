import builtins
import io
import os
import subprocess
import sys
import warnings
from typing import NamedTuple

import numpy as np
import pytest

from mbpo_teach.grading.check import check
from mbpo_teach.grading.exercise import find
from mbpo_teach.ground import language

from . import toys


class Result(NamedTuple):
    total: float
    positive: np.ndarray


def leftover_print(scale, row):
    print("still debugging")
    return scale * row


def with_a_warning(scale, row):
    warnings.warn("old function", DeprecationWarning, stacklevel=1)
    return scale * row


class Callable:
    def __call__(self, scale, row):
        return scale * row


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        ("99-1", toys.scaled),
        ("99-1", leftover_print),
        ("99-1", with_a_warning),
        ("99-1", Callable()),
        ("99-1", lambda scale, row: (scale * row).astype(np.float32)),
        ("99-1", lambda scale, row: [scale * x for x in row]),
        ("99-1", lambda scale, row: tuple(scale * row)),
        ("99-2", lambda row: Result(sum(row), [x > 0 for x in row])),
        ("99-2", lambda row: [float(row.sum()), np.where(row > 0, 1, 0)]),
        ("99-3", lambda x: float("inf") if x == 0 else 1 / x),
        ("99-4", lambda row: {"b": list(row), (np.int64(0), 1): float(row[0])}),
    ],
)
def test_right_but_odd_answers_are_right(exercise, answer, capfd):
    check(exercise, answer)
    cases = len({e.id: e for e in toys.EXERCISES}[exercise].cases(np.random.default_rng(0)))
    assert capfd.readouterr() == (f"[{exercise}] {cases}/{cases} ✓\n", "")


def said(capfd, exercise, answer, **options):
    check(exercise, answer, **options)
    out, err = capfd.readouterr()
    assert err == ""
    return out.splitlines()


def test_a_stub_is_not_written_yet(capfd):
    def stub(scale, row):
        raise NotImplementedError

    first, second = said(capfd, "99-1", stub)
    assert first == "[99-1] 0/4 ✗"
    assert second.startswith("Not written yet")


def test_a_wrong_answer_hears_case_result_and_expectation(capfd):
    lines = said(capfd, "99-3", lambda x: 1 / x if x else -1.0)
    assert lines == ["[99-3] 1/2 ✗", "Case 1: x=0", "Came back: -1", "Expected: ∞"]


def wrong(x):
    return 0.0


@pytest.fixture
def hinted(monkeypatch):
    hints = {"exercise.99-3.hint": {"en": "Divide.", "zh": "做除法。"}}
    known = language.catalogue()
    monkeypatch.setattr(language, "catalogue", lambda: known | hints)


def test_the_hint_comes_when_asked_for(capfd, hinted):
    assert said(capfd, "99-3", wrong, hint=True)[-1] == "Hint: Divide."
    language.use("zh")
    assert said(capfd, "99-3", wrong, hint=True)[-1] == "提示：做除法。"


def test_a_failing_check_tells_how_to_ask_for_the_hint(capfd, hinted):
    ask = 'check("99-3", wrong, hint=True)'
    last = said(capfd, "99-3", wrong)[-1]
    assert last == f"For a hint, run this in a new cell: {ask}" and "Divide" not in last
    language.use("zh")
    assert said(capfd, "99-3", wrong)[-1] == f"想看提示，就新建一个单元格运行：{ask}"


def test_a_stub_gets_the_hint_if_asked_and_a_right_answer_none(capfd, hinted):
    def stub(x):
        raise NotImplementedError

    assert said(capfd, "99-3", stub, hint=True)[2:] == ["Hint: Divide."]
    right = find("99-3").reference
    assert said(capfd, "99-3", right, hint=True) == said(capfd, "99-3", right)
    assert len(said(capfd, "99-3", right)) == 1


def test_feedback_speaks_chinese_and_the_first_line_no_language(capfd):
    language.use("zh")
    lines = said(capfd, "99-3", lambda x: 0.0)
    assert lines == ["[99-3] 0/2 ✗", "第 1 组输入：x=0", "你的结果：0", "应当得到：∞"]


def test_an_error_says_where_it_arose(capfd):
    def answer(scale, row):
        return row[7]

    lines = said(capfd, "99-1", answer)
    line = answer.__code__.co_firstlineno + 1
    assert lines[2].startswith("Your function stopped with IndexError: index 7")
    assert lines[3] == f"in line {line} of its cell: return row[7]"


def test_what_a_failing_call_printed_helps_to_find_the_mistake(capfd):
    def answer(scale, row):
        print("\n".join(f"line {i}" for i in range(20)))
        return row

    lines = said(capfd, "99-1", answer)
    assert lines[-6] == "Printed during this call:"
    assert lines[-1] == "    line 4"


def test_half_precision_is_said_to_be_too_coarse(capfd):
    def answer(scale, row):
        return (scale * row).astype(np.float16)

    assert said(capfd, "99-1", answer)[-1].startswith("The result is in half precision")
    assert "half" not in said(capfd, "99-1", lambda scale, row: row)[-1]


def test_a_right_result_with_a_changed_argument_hears_that_alone(capfd):
    def answer(scale, row):
        row *= scale
        return row

    first, case, changed = said(capfd, "99-1", answer)
    assert first == "[99-1] 0/4 ✗" and case.startswith("Case 1: ")
    assert changed == "Your function changes its argument in place: row. Work on a copy."


def test_a_changed_argument_is_named_when_the_answer_is_wrong(capfd):
    def answer(scale, row):
        row += 1
        return row

    assert "in place: row." in said(capfd, "99-1", answer)[-1]


@pytest.mark.parametrize(
    ("exercise", "answer", "line"),
    [
        ("99-1", lambda scale, row: (scale * row)[:, None], "in shape (3, 1), expected (3,)."),
        ("99-1", lambda scale, row: 1.0, "in shape () (a single number), expected (3,)."),
        ("99-1", lambda scale, row: None, "is a `return` missing?"),
        ("99-1", lambda scale, row: "x", "What came back (str) cannot be read as numbers."),
        ("99-1", lambda scale, row: row * np.nan, "nan, which is not a finite number."),
        ("99-1", lambda scale: 1.0, "TypeError: <lambda>() takes 1 positional argument"),
        ("99-2", lambda row: (1, 2, 3), "3 values, expected 2."),
        ("99-2", lambda row: (row.sum(), row < 0), "Came back at [1][0]: "),
        ("99-4", lambda row: {}, "Came back: "),
    ],
)
def test_every_kind_of_mistake_has_its_words(exercise, answer, line, capfd):
    lines = said(capfd, exercise, answer)
    assert lines[0].endswith("✗")
    assert any(line in said_line for said_line in lines[1:])


def test_a_value_in_place_of_the_function_is_explained(capfd):
    first, second = said(capfd, "99-1", np.ones(3))
    assert first == "[99-1] ✗"
    assert "needs the function itself" in second and "ndarray" in second


@pytest.mark.parametrize("unknown", ["99-8", "98-1", "nonsense", 7, None])
def test_an_unknown_exercise_is_explained(unknown, capfd):
    first, second = said(capfd, unknown, toys.scaled)
    assert first == f"[{unknown}] ✗"
    assert "has no exercise" in second


def test_a_mistake_of_the_course_does_not_stop_the_learner(capfd, monkeypatch):
    module = sys.modules["mbpo_teach.grading.check"]  # the package's attribute is the function
    monkeypatch.setattr(module, "judge", lambda *args: 1 / 0)
    assert said(capfd, "99-1", toys.scaled) == [
        "[99-1] ✗",
        "check() failed: ZeroDivisionError: division by zero",
    ]


def test_an_error_whose_message_would_end_the_notebook_is_a_wrong_answer(capfd):
    class Exit(Exception):
        def __str__(self):
            raise SystemExit

    def answer(scale, row):
        raise Exit

    assert said(capfd, "99-1", answer)[2] == "Your function stopped with Exit"


@pytest.mark.parametrize("ending", [SystemExit, GeneratorExit])
def test_only_the_stop_button_passes_through_a_check(capfd, monkeypatch, ending):
    module = sys.modules["mbpo_teach.grading.check"]

    def judge(*args):
        raise raised

    monkeypatch.setattr(module, "judge", judge)
    raised = ending()
    assert said(capfd, "99-1", toys.scaled)[0] == "[99-1] ✗"
    raised = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        check("99-1", toys.scaled)


def test_an_unknown_language_does_not_stop_the_learner(capfd, monkeypatch):
    monkeypatch.setattr(language, "_chosen", [])
    monkeypatch.setenv("MBPO_LANG", "fr")
    assert said(capfd, "99-1", toys.scaled) == ["[99-1] 4/4 ✓"]
    assert said(capfd, "99-1", lambda scale, row: row)[0].startswith("[99-1] ")


def test_a_terminal_without_ticks_gets_an_escape(monkeypatch):
    terminal = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", terminal)
    check("99-1", toys.scaled)
    terminal.flush()
    assert terminal.buffer.getvalue() == b"[99-1] 4/4 \\u2713\n"


def test_a_replaced_print_does_not_change_the_line(capfd, monkeypatch):
    real = builtins.print
    monkeypatch.setattr(builtins, "print", lambda *args: real("[99-1] 4/4 ✓"))
    assert said(capfd, "99-1", lambda scale, row: row)[0] == "[99-1] 0/4 ✗"


def test_an_answer_that_replaces_the_stream_does_not_change_the_line(capfd):
    def answer(scale, row):
        sys.stdout = io.StringIO()
        print("[99-1] 4/4 ✓")
        return row

    assert said(capfd, "99-1", answer)[0] == "[99-1] 0/4 ✗"


def test_an_answer_that_prints_the_target_line_is_still_wrong(capfd):
    def answer(scale, row):
        print("[99-1] 4/4 ✓")
        return row

    assert said(capfd, "99-1", answer)[0] == "[99-1] 0/4 ✗"


def test_what_a_right_answer_displays_does_not_reach_the_notebook(tmp_path):
    """In a notebook's shell, display() goes around sys.stdout."""
    code = """
import sys
from types import SimpleNamespace
from IPython.core.interactiveshell import InteractiveShell
from IPython.display import HTML, display
shell = InteractiveShell.instance()
class Page(type(shell.display_pub)):
    def publish(self, *args, **kwargs):
        sys.__stdout__.write("on the page")
shell.display_pub = Page()
display("before")
from mbpo_teach.grading.check import check
from mbpo_teach.grading.exercise import Exercise
double = Exercise(id="99-1", cases=lambda rng: [(1,), (2,)], reference=lambda x: 2 * x)
sys.modules["mbpo_teach.grading.chapter99"] = SimpleNamespace(EXERCISES=(double,))
def answer(x):
    display(HTML("<b>here</b>"))
    return 2 * x
check("99-1", answer)
"""
    command = [sys.executable, "-c", code]
    environment = os.environ | {"IPYTHONDIR": str(tmp_path), "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(command, capture_output=True, env=environment, check=True)
    assert done.stdout.decode() == "on the page[99-1] 2/2 ✓\n"


def test_the_same_cases_come_at_every_call(capfd):
    first, second = (said(capfd, "99-1", lambda scale, row: row) for _ in range(2))
    assert first == second

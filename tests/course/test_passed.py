import json
import shutil

import pytest

from mbpo_teach.course import passed as marks
from mbpo_teach.course.workspace import COURSE
from mbpo_teach.ground import language

PUBLISHED = COURSE / "notebooks" / "en" / "01_dyna_q.ipynb"


@pytest.fixture
def copy(tmp_path):
    """A fresh working copy of chapter 01."""
    (tmp_path / "en").mkdir()
    return shutil.copy(PUBLISHED, tmp_path / "en" / PUBLISHED.name)


def change(copy, exercise, role, **parts):
    """Set `parts` of the cells of an exercise, as an editor or a run would."""
    notebook = json.loads(copy.read_text("utf-8"))
    for cell in notebook["cells"]:
        if cell["metadata"].get("mbpo") == {"exercise": exercise, "role": role}:
            cell["metadata"].update(parts.pop("metadata", {}))
            cell.update(parts)
    copy.write_text(json.dumps(notebook), "utf-8")


def line(text):
    return [{"name": "stdout", "output_type": "stream", "text": text}]


def test_the_targets_of_a_fresh_copy_are_no_marks(copy):
    assert marks.passed(copy, PUBLISHED) == {"01-1": False, "01-2": False, "01-3": False}


def test_an_answer_whose_check_ran_and_ticks_is_passed(copy):
    change(copy, "01-2", "answer", source="def f(): return 1")
    assert not any(marks.passed(copy, PUBLISHED).values())  # the tick is still the stored target
    change(copy, "01-2", "check", execution_count=3, outputs=line(["[01-2] 8/8 ✓\n"]))
    assert marks.passed(copy, PUBLISHED) == {"01-1": False, "01-2": True, "01-3": False}


def test_run_all_in_a_fresh_kernel_gives_the_stored_counts_and_is_told_by_its_time(copy):
    change(copy, "01-1", "answer", source="def f(): return 1")
    timed = {"execution": {"iopub.execute_input": "2026-11-28T15:00:00Z"}}
    change(copy, "01-1", "check", metadata=timed)
    assert marks.passed(copy, PUBLISHED)["01-1"]


def test_a_cross_is_no_mark_whatever_is_said_below_it(copy):
    change(copy, "01-1", "answer", source="def f(): return 1")
    said = line("[01-1] 3/11 ✗\nthe answer printed ✓")
    change(copy, "01-1", "check", execution_count=99, outputs=said)
    assert not marks.passed(copy, PUBLISHED)["01-1"]


def test_a_check_that_was_run_on_the_stub_is_no_mark(copy):
    change(copy, "01-1", "check", execution_count=99)
    assert not marks.passed(copy, PUBLISHED)["01-1"]


def test_every_chapter_has_a_line_with_its_title(copy, monkeypatch, capsys):
    change(copy, "01-3", "answer", source="def f(): return 1")
    change(copy, "01-3", "check", execution_count=99)
    monkeypatch.chdir(copy.parent)
    monkeypatch.setattr(language, "_chosen", ["en"])
    marks.show_passed()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(list(PUBLISHED.parent.glob("*.ipynb")))
    assert lines[0].split(maxsplit=1) == ["·", "00 · Start here"]  # not begun
    assert lines[1].split(maxsplit=1) == [
        "··✓",
        "01 · Dyna-Q: learning from real and from imagined steps",
    ]


def test_what_is_half_saved_counts_as_not_begun(copy, monkeypatch, capsys):
    copy.write_text('{"cells": [', "utf-8")
    monkeypatch.chdir(copy.parent)
    monkeypatch.setattr(language, "_chosen", ["en"])
    marks.show_passed()
    line = capsys.readouterr().out.splitlines()[1]
    assert line.split(maxsplit=1)[0] == "···"


def test_what_is_no_notebook_is_said(copy):
    copy.write_text("[]", "utf-8")
    with pytest.raises(ValueError, match="must be a notebook with cells"):
        marks.passed(copy, PUBLISHED)


@pytest.mark.parametrize(
    "parts",
    [
        {"cell_type": "markdown", "execution_count": None, "outputs": None},  # the key M
        {"outputs": ["no output"]},
        {"outputs": [{"text": 3}, {"text": [3]}, None]},
        {"metadata": {"mbpo": None}},
        {"metadata": {"mbpo": ["01-1"]}},
        {"metadata": {"mbpo": {"role": "check"}}},
        {"metadata": {"mbpo": {"role": ["check"], "exercise": ["01-1"]}}},
        {"metadata": {"mbpo": {"role": "check", "exercise": ["01-1"]}}},
    ],
)
def test_an_odd_cell_is_no_mark_and_no_error(copy, parts):
    change(copy, "01-2", "answer", source="def f(): return 1")
    change(copy, "01-2", "check", execution_count=3, outputs=line(["[01-2] 8/8 ✓\n"]))
    change(copy, "01-1", "answer", source="def f(): return 1")
    change(copy, "01-1", "check", **{"execution_count": 99, **parts})
    assert marks.passed(copy, PUBLISHED) == {"01-1": False, "01-2": True, "01-3": False}


@pytest.mark.parametrize("key", ["execution_count", "outputs", "source"])
def test_a_cell_without_one_of_its_parts_is_no_error(copy, key):
    notebook = json.loads(copy.read_text("utf-8"))
    for cell in notebook["cells"]:
        if cell["metadata"].get("mbpo"):
            cell.pop(key, None)
    copy.write_text(json.dumps(notebook), "utf-8")
    assert not any(marks.passed(copy, PUBLISHED).values())


def test_a_target_whose_count_was_cleaned_away_is_no_mark(copy):
    change(copy, "01-1", "answer", source="def f(): return 1")
    change(copy, "01-1", "check", execution_count=None)
    assert not marks.passed(copy, PUBLISHED)["01-1"]


def test_exercises_are_those_of_the_chapter(copy):
    notebook = json.loads(copy.read_text("utf-8"))
    for role, source in (("answer", "x = 1"), ("check", "check()")):
        about = {"mbpo": {"exercise": "09-9", "role": role}}  # pasted from another chapter
        cell = {"cell_type": "code", "metadata": about, "source": source, "execution_count": 9}
        notebook["cells"].append({**cell, "outputs": line("[09-9] 1/1 ✓")})
    copy.write_text(json.dumps(notebook), "utf-8")
    assert marks.passed(copy, PUBLISHED) == {"01-1": False, "01-2": False, "01-3": False}
    copy.write_text('{"cells": []}', "utf-8")
    assert marks.passed(copy, PUBLISHED) == {"01-1": False, "01-2": False, "01-3": False}


def test_a_file_nested_without_end_is_no_notebook(copy):
    copy.write_text("[" * 100_000, "utf-8")
    with pytest.raises(ValueError, match="must be a notebook with cells"):
        marks.passed(copy, PUBLISHED)

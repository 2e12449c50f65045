import csv
import io
import json
import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbpo_teach.grading import marks, report
from mbpo_teach.grading.classroom import Report
from mbpo_teach.grading.exercise import Exercise
from mbpo_teach.grading.marks import STATUSES, Mark, from_dict, mark
from mbpo_teach.ground import language

from . import toys

HARD = Exercise(id="99-1", cases=toys.scaled_cases, reference=toys.scaled, points=2.5)
EASY = Exercise(id="99-2", cases=toys.scaled_cases, reference=toys.scaled)
RAISED = {"passed": 1, "total": 4, "error": "ValueError: <b>|`x`|\x1b[31m\nnext"}


def reports(student="ada"):
    first = (
        mark(student, HARD, "passed", "", (("mark.joined", {"cells": 2}),)),
        mark(student, EASY, "wrong", "mark.raised", **RAISED),
    )
    second = (
        mark("白露", HARD, "missing", "mark.stub"),
        mark("白露", EASY, "not_graded", "mark.not_graded", error="ours"),
    )
    return [Report(isolation="bwrap", marks=first), Report(isolation="none", marks=second)]


def all_marks(student="ada"):
    return [mark for each in reports(student) for mark in each.marks]


def test_only_a_passed_exercise_has_points():
    for status in STATUSES:
        assert mark("ada", HARD, status).points == (2.5 if status == "passed" else 0)
    with pytest.raises(ValueError, match=r"status must be one of passed, wrong, .*, not 'good'"):
        mark("ada", HARD, "good")


def test_a_mark_comes_back_from_json():
    for each in all_marks():
        assert from_dict(json.loads(json.dumps(each.as_dict()))) == each


def test_a_reason_is_told_in_the_language_of_the_reader():
    first, second, *_ = all_marks()
    assert first.why() == "2 answer cells were run one after the other."
    language.use("zh")
    assert first.why() == "已依次运行 2 个作答单元格。"
    assert second.why().startswith("4 组结果中有 1 组正确")


def test_csv():
    rows = list(csv.DictReader(io.StringIO(report.as_csv(all_marks()))))
    assert list(rows[0]) == "student chapter exercise points max_points status reason".split()
    assert [row["status"] for row in rows] == ["passed", "wrong", "missing", "not_graded"]
    assert [float(row["points"]) for row in rows] == [2.5, 0, 0, 0]
    assert rows[2]["student"] == "白露"


@pytest.mark.parametrize("student", ["=1+1", "+x", "-x", "@x", "\tx"])
def test_no_name_is_a_formula(student):
    rows = list(csv.DictReader(io.StringIO(report.as_csv(all_marks(student)))))
    assert rows[0]["student"][0] in ("'", "\ufffd")


def test_json_says_the_isolation_and_the_totals():
    data = json.loads(report.as_json(reports(), timeout=30.0))
    assert data["isolation"] == ["bwrap", "none"]
    assert data["timeout"] == 30.0
    assert data["students"][0] == {"student": "ada", "points": 2.5, "max_points": 3.5}
    assert data["marks"][3]["status"] == "not_graded"


def test_junit_has_one_case_for_each_student_and_exercise():
    root = ET.fromstring(report.as_junit(all_marks()).encode())
    (suite,) = root
    assert suite.attrib == {"name": "99", "tests": "4", "failures": "2", "errors": "1"}
    cases = [(case.get("classname"), case.get("name"), [c.tag for c in case]) for case in suite]
    assert cases == [
        ("ada", "99-1", []),
        ("ada", "99-2", ["failure"]),
        ("白露", "99-1", ["failure"]),
        ("白露", "99-2", ["error"]),
    ]


def test_markdown_shows_everything_and_its_text_is_only_text():
    text = report.as_markdown(reports("a|b<script>[x](y)"))
    assert "<script>" not in text and "[x](y)" not in text and "\x1b" not in text
    assert "2.5 / 3.5" in text
    assert "NOT GRADED: 1." in text
    assert "bubblewrap" in text and "none but limits" in text
    assert len({line.count("|") - line.count("\\|") for line in text.splitlines() if "|" in line})


def test_the_table_is_aligned_though_chinese_is_wide():
    lines = report.as_table(reports()).splitlines()
    columns = [report._width(line[: line.index("99-")]) for line in lines[1:5]]
    assert columns == [9, 9, 9, 9]
    assert "\x1b" not in "".join(lines)
    assert report.faults(reports()) == 1


@given(st.text(), st.text())
def test_any_name_and_any_message_make_readable_reports(student, message):
    given = (mark(student, EASY, "wrong", "mark.raised", passed=1, total=2, error=message),)
    each = [Report(isolation="none", marks=given)]
    files = report.files(each, timeout=1.0)
    assert len(list(csv.reader(io.StringIO(files["grades.csv"])))) == 2
    assert len(json.loads(files["grades.json"])["marks"]) == 1
    assert len(list(ET.fromstring(files["junit.xml"].encode()).iter("testcase"))) == 1
    rows = [line for line in files["summary.md"].splitlines() if line.startswith("|")]
    assert len(rows) == 6
    assert all(text.encode("utf-8", "backslashreplace") for text in files.values())
    assert len(report.as_table(each).split("\n")) == 5


def test_every_status_has_its_words():
    for status in marks.STATUSES:
        for spoken in language.LANGUAGES:
            assert language.say(f"grade.status_of.{status}", spoken)


@pytest.mark.parametrize("student", ["a;=1+1", "a;  -x", 'a;"@x', "a;＝x", ' "=x', "a;;+x"])
def test_no_part_of_a_cell_is_a_formula_where_semicolons_part_cells(student):
    text = report.as_csv(all_marks(student))
    for line in text.splitlines():
        for cell in line.split(";"):
            assert not re.match(r"[\s\"]*[=+\-@＝＋－＠]", cell)


def test_a_spreadsheet_program_knows_the_table_for_utf_8():
    text = report.files(reports(), timeout=1.0)["grades.csv"].encode()
    assert text.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(text.decode("utf-8-sig"))))
    assert rows[2]["student"] == "白露"


@pytest.mark.parametrize("sign", ["\x9b", "\u202e", "\u2066", "\u200f", "\x00", "\x7f", "\ud800"])
def test_what_is_not_shown_is_in_no_report(sign):
    each = [
        Report(
            isolation="none",
            marks=(
                mark(
                    f"a{sign}b", EASY, "wrong", "mark.raised", passed=0, total=1, error=f"x{sign}y"
                ),
            ),
        )
    ]
    for name, text in report.files(each, timeout=1.0).items():
        assert sign not in text, name
        assert "a\ufffdb" in text
    assert sign not in report.as_table(each)


def test_a_reason_has_an_end():
    endless = mark("ada", EASY, "rejected", "mark.import", name="a" * 99_900, line=1)
    more = Mark(
        student="ada",
        chapter="99",
        exercise="99-2",
        points=0.0,
        max_points=1.0,
        status="rejected",
        reason=("mark.import", {"name": "b" * 99_900, "line": 1}),
    )
    assert len(json.dumps(endless.as_dict())) < 1000
    for each in (endless, more):
        assert len(each.why()) < 500
        texts = report.files([Report(isolation="none", marks=(each,))], timeout=1.0)
        assert sum(map(len, texts.values())) < 5000

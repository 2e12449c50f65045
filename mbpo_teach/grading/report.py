"""The reports on a class: table, CSV, JSON, Markdown and JUnit XML, each as text.

Names of students and messages of their errors are the students' own text: each format gets them
in a form in which they cannot be anything but text.
"""

import csv
import io
import json
import re
import unicodedata
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterable, Sequence

import mbpo_teach
from mbpo_teach.grading.classroom import Report
from mbpo_teach.grading.marks import STATUSES, Mark, printable
from mbpo_teach.ground import language

COLUMNS = ("student", "chapter", "exercise", "points", "max_points", "status", "reason")
# Where the decimal sign is a comma, spreadsheet programs begin a new cell at each semicolon.
_FORMULA = re.compile(r"((?:^|[;\t])[\s\"']*)([=+\-@＝＋－＠])")
_SIGNS = dict(zip(STATUSES, ("✓", "✗", "–", "⊘", "⌛", "!", "??"), strict=True))


def files(reports: Sequence[Report], *, timeout: float) -> dict[str, str]:
    """Return the content of each report file, by its name."""
    return {
        # Spreadsheet programs take a file for UTF-8 only if it begins with this mark.
        "grades.csv": "\ufeff" + as_csv(_marks(reports)),
        "grades.json": as_json(reports, timeout=timeout),
        "summary.md": as_markdown(reports),
        "junit.xml": as_junit(_marks(reports)),
    }


def as_csv(marks: Iterable[Mark]) -> str:
    """Return one row for each student and exercise."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(COLUMNS)
    for mark in marks:
        rows.writerow(_harmless(cell) for cell in _row(mark))
    return text.getvalue()


def as_json(reports: Sequence[Report], *, timeout: float) -> str:
    """Return everything there is to say, the isolation in force among it."""
    data = {
        "version": mbpo_teach.__version__,
        "timeout": timeout,
        "isolation": isolations(reports),
        "students": [
            {"student": printable(student), "points": points, "max_points": most}
            for student, (points, most) in totals(_marks(reports)).items()
        ],
        "marks": [dict(zip(COLUMNS, _row(mark), strict=True)) for mark in _marks(reports)],
    }
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def as_markdown(reports: Sequence[Report]) -> str:
    """Return a summary for a CI page: a table of students, then every mark that is not full."""
    marks = _marks(reports)
    lines = [f"# {language.text('grade.title')}", "", *_head(reports), ""]
    exercises = sorted({mark.exercise for mark in marks})
    heads = [language.text("grade.student"), *exercises, language.text("grade.points")]
    lines += [_line(heads), _line("---" for _ in heads)]
    for student, (points, most) in totals(marks).items():
        mine = {mark.exercise: _SIGNS[mark.status] for mark in marks if mark.student == student}
        shown = [mine.get(exercise, "") for exercise in exercises]
        lines.append(_line([student, *shown, f"{points:g} / {most:g}"]))
    rest = [mark for mark in marks if mark.status != "passed" or mark.notes]
    if rest:
        heads = [language.text(f"grade.{name}") for name in ("student", "exercise")]
        heads += [language.text("grade.status"), language.text("grade.reason")]
        lines += ["", _line(heads), _line("---" for _ in heads)]
        lines += [_line([mark.student, mark.exercise, _status(mark), mark.why()]) for mark in rest]
    return "\n".join(lines) + "\n"


def as_junit(marks: Iterable[Mark]) -> str:
    """Return JUnit XML with one test case for each student and exercise."""
    root = ET.Element("testsuites")
    suites: dict[str, list[Mark]] = {}
    for mark in marks:
        suites.setdefault(mark.chapter, []).append(mark)
    for chapter, mine in suites.items():
        counts = Counter(mark.status for mark in mine)
        ungraded = counts["not_graded"]
        failures = len(mine) - counts["passed"] - ungraded
        suite = ET.SubElement(root, "testsuite", name=chapter, tests=str(len(mine)))
        suite.attrib |= {"failures": str(failures), "errors": str(ungraded)}
        for mark in mine:
            case = ET.SubElement(suite, "testcase", classname=printable(mark.student))
            case.set("name", mark.exercise or "notebook")
            if mark.status != "passed":
                tag = "error" if mark.status == "not_graded" else "failure"
                ET.SubElement(case, tag, type=mark.status, message=mark.why())
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def as_table(reports: Sequence[Report]) -> str:
    """Return a table for the terminal: a line for each student and exercise."""
    heads = ("student", "exercise", "points", "status", "reason")
    rows = [[language.text(f"grade.{name}") for name in heads]]
    rows += [
        [
            printable(mark.student),
            mark.exercise,
            f"{mark.points:g}/{mark.max_points:g}",
            f"{_SIGNS[mark.status]} {_status(mark)}",
            mark.why(),
        ]
        for mark in _marks(reports)
    ]
    widths = [max(map(_width, column)) for column in list(zip(*rows, strict=True))[:-1]]
    lines = []
    for row in rows:
        padded = [
            cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=False)
        ]
        lines.append("  ".join([*padded, row[-1]]).rstrip())
    return "\n".join([*lines, "", *_head(reports)])


def totals(marks: Iterable[Mark]) -> dict[str, tuple[float, float]]:
    """Return points and the most there are, by student."""
    found: dict[str, tuple[float, float]] = {}
    for mark in marks:
        points, most = found.get(mark.student, (0.0, 0.0))
        found[mark.student] = (points + mark.points, most + mark.max_points)
    return found


def isolations(reports: Iterable[Report]) -> list[str]:
    """Return which isolations were in force; more than one only on a mixed cluster."""
    return sorted({report.isolation for report in reports})


def faults(reports: Iterable[Report]) -> int:
    """Return how many marks are missing through the grader's own fault."""
    return sum(mark.status == "not_graded" for report in reports for mark in report.marks)


def _head(reports: Sequence[Report]) -> list[str]:
    lines = [language.text("grade.graded", count=len(reports))]
    lines += [language.text(f"grade.{way}") for way in isolations(reports)]
    if faults(reports):
        lines.append(language.text("grade.fault", count=faults(reports)))
    return lines


def _marks(reports: Iterable[Report]) -> list[Mark]:
    return [mark for report in reports for mark in report.marks]


def _row(mark: Mark) -> tuple[str | float, ...]:
    head = (printable(mark.student), mark.chapter, mark.exercise)
    return (*head, mark.points, mark.max_points, mark.status, mark.why())


def _status(mark: Mark) -> str:
    return language.text(f"grade.status_of.{mark.status}")


def _harmless(cell: str | float) -> str | float:
    """Return a cell that no spreadsheet takes for a formula, wherever it begins a new cell."""
    return _FORMULA.sub(r"\1'\2", cell) if isinstance(cell, str) else cell


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(_markdown(cell) for cell in cells) + " |"


def _markdown(text: str) -> str:
    text = printable(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text if set(text) == {"-"} else re.sub(r"([\\`*_\[\]!|~#@])", r"\\\1", text)


def _width(text: str) -> int:
    """Return how many columns of a terminal a text takes: a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)

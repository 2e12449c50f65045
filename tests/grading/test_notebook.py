"""What nbval's report says is believed only as far as nbval itself could have said it."""

import pytest

from mbpo_teach.grading import notebook

CASE = (
    '<testcase><properties><property name="exercise" value="00-1"/>'
    '<property name="role" value="answer"/><property name="trouble" value="{}"/>'
    "</properties></testcase>"
)


def read(path, text):
    path.write_text(text, encoding="utf-8")
    return notebook._report(path)


@pytest.mark.parametrize(
    ("said", "believed"),
    [("time", "time"), ("death", "death"), ("", ""), ("passed", ""), ("fault", ""), ("xyz", "")],
)
def test_a_forged_trouble_is_none(said, believed, tmp_path):
    (cell,) = read(tmp_path / "report.xml", f"<testsuites>{CASE.format(said)}</testsuites>")
    assert (cell.exercise, cell.role, cell.trouble) == ("00-1", "answer", believed)


@pytest.mark.parametrize(
    "text",
    [
        "<testsuites>",
        "",
        f'<!DOCTYPE a [<!ENTITY b "c">]><testsuites>{CASE.format("&b;")}</testsuites>',
    ],
)
def test_a_damaged_report_and_one_with_entities_say_nothing(text, tmp_path):
    assert read(tmp_path / "report.xml", text) == []

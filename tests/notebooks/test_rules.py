"""Each rule passes a small right chapter and catches a small broken one."""

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

import chapters

from . import rules, small

GLOSSARY = [{"terms": [{"zh": "策略偏移", "avoid_zh": ["策略误差"]}]}]


def _checked(**changes: Any) -> nbformat.NotebookNode:
    """Return a notebook with one compared cell that follows the rules, but for `changes`."""
    cell = new_code_cell(
        'print("yes")',
        execution_count=1,
        outputs=[new_output("stream", name="stdout", text="yes\n")],
        metadata={"tags": ["nbval-check-output"]},
    )
    cell.update(changes)
    return new_notebook(cells=[cell])


def test_a_right_source_breaks_no_rule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "LEAST_EXERCISES", 1)
    monkeypatch.setattr(rules, "LEAST_CHINESE", 20)
    chapter = small.chapter(tmp_path)
    assert rules.missing_parts(chapter) == []
    assert rules.exercise_faults(chapter) == []
    assert rules.long_cells(chapter) == []
    assert rules.too_little_chinese(chapter) == []
    assert rules.avoided_terms(rules.prose(chapter, "zh"), GLOSSARY) == []


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ("# A passage.", "# # Another title", "en: 2 titles"),
        ("Objectives", "Aims", "en: no objectives"),
        ("Prerequisites", "Before", "en: no prerequisites"),
        ("Reading time", "Length", "en: no reading time"),
        ("运行时间", "时间", "zh: no run time"),
        ("(../zh/09_small.ipynb)", "(../zh/08_other.ipynb)", "en: no link to the other language"),
        ("[glossary](../../docs/glossary.md)", "glossary", "en: no glossary"),
        ("## Quiz", "## Questions", "en: no section of quiz"),
        ("二？<details>否。</details>", "", "zh: fewer than two explained answers"),
        ("## 要点", "## 其他", "zh: no section of take-aways"),
        ("## References", "## Books", "en: no section of references"),
    ],
)
def test_a_missing_part_is_found(tmp_path: Path, old: str, new: str, part: str) -> None:
    found = rules.missing_parts(small.chapter(tmp_path, small.replaced(old, new)))
    assert len(found) == 1
    assert found[0].startswith(part)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('"09-1", "role": "check"', '"09-2", "role": "check"', "09-1: its cells"),
        ('"role": "check"', '"role": "setup"', "09-1: its cells"),
        ('"09-1"', '"08-1"', "exercises ['08-1'] should be ['09-1']"),
        ("<details><summary>提示</summary>加一。</details>", "", "09-1: no hint"),
    ],
)
def test_an_incomplete_exercise_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str, fault: str
) -> None:
    monkeypatch.setattr(rules, "LEAST_EXERCISES", 1)
    found = rules.exercise_faults(small.chapter(tmp_path, small.replaced(old, new)))
    assert any(each.startswith(fault) for each in found)


def test_too_few_exercises_are_found(tmp_path: Path) -> None:
    assert rules.exercise_faults(small.chapter(tmp_path)) == ["1 exercises, at least 3 are due"]


def test_a_hint_of_the_exercise_before_does_not_count(tmp_path: Path) -> None:
    again = small.SOURCE[small.SOURCE.index("# %% mbpo") : small.SOURCE.index("## Quiz")]
    again = again[: again.rindex("# %% [markdown]")].replace("09-1", "09-2")
    found = rules.exercise_faults(small.chapter(tmp_path, small.SOURCE + "\n" + again))
    assert "09-2: no hint in <details> before the answer (en)" in found
    assert not any(each.startswith("09-1") for each in found)


def test_a_long_cell_is_found_and_a_long_docstring_is_not(tmp_path: Path) -> None:
    lines = "\n".join(["    number += 0"] * 16)
    docstring = small.replaced('next number."""', f'next number.\n{lines}\n    """')
    assert rules.long_cells(small.chapter(tmp_path, docstring)) == []
    solution = small.replaced("    ### BEGIN SOLUTION", f"    ### BEGIN SOLUTION\n{lines}")
    assert len(rules.long_cells(small.chapter(tmp_path, solution))) == 1
    narrative = small.replaced("import sys", "import sys\n" * 16)
    assert len(rules.long_cells(small.chapter(tmp_path, narrative))) == 1
    wide = small.replaced("import sys", f"import sys  # {'x' * 90}")
    assert len(rules.long_cells(small.chapter(tmp_path, wide))) == 1


def test_too_little_chinese_is_found(tmp_path: Path) -> None:
    assert len(rules.too_little_chinese(small.chapter(tmp_path))) == 1


def test_an_avoided_term_is_found_unless_quoted() -> None:
    assert rules.avoided_terms("即策略误差。", GLOSSARY) == ["策略误差: the glossary says 策略偏移"]
    assert rules.avoided_terms("所谓“策略误差”。", GLOSSARY) == []
    inside = [{"terms": [{"zh": "价值迭代", "avoid_zh": ["值迭代"]}]}]
    assert rules.avoided_terms("用价值迭代求解。", inside) == []
    assert len(rules.avoided_terms("用值迭代求解。", inside)) == 1


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("See [中文](../zh/01.ipynb).", False),
        ("![a branch](../../Illustrations/分支推演示意图.png)", False),
        ("The file `分支推演示意图.png`.", False),
        ("Model error (模型误差).", True),
    ],
)
def test_chinese_in_english_prose(text: str, holds: bool) -> None:
    notebook = new_notebook(cells=[new_markdown_cell(text)])
    assert bool(rules.chinese_in_english(notebook)) is holds


def test_chinese_in_an_english_output_is_found() -> None:
    printed = new_output("stream", name="stdout", text="好\n")
    shown = new_output("execute_result", data={"text/plain": "好"}, execution_count=1)
    for output in (printed, shown):
        assert len(rules.chinese_in_english(_checked(outputs=[output]))) == 1


def test_chinese_in_code_is_found() -> None:
    assert rules.chinese_in_code(_checked()) == []
    assert len(rules.chinese_in_code(_checked(source='print("好")'))) == 1


@pytest.mark.parametrize("change", [{"outputs": []}, {"execution_count": None}])
def test_a_check_without_a_stored_result_is_found(change: dict[str, Any]) -> None:
    assert rules.unstored_checks(_checked()) == []
    assert len(rules.unstored_checks(_checked(**change))) == 1


def test_a_compared_picture_is_found() -> None:
    assert rules.compared_pictures(_checked()) == []
    picture = new_output("display_data", data={"image/png": "", "text/plain": ""})
    assert len(rules.compared_pictures(_checked(outputs=[picture]))) == 1


def test_stored_widgets_are_found() -> None:
    assert rules.stored_widgets(_checked()) == []
    view = new_output("display_data", data={"application/vnd.jupyter.widget-view+json": {}})
    assert len(rules.stored_widgets(_checked(outputs=[view]))) == 1
    stateful = _checked()
    stateful.metadata["widgets"] = {}
    assert len(rules.stored_widgets(stateful)) == 1


def test_errors_and_stderr_are_found() -> None:
    assert rules.noisy_outputs(_checked()) == []
    error = new_output("error", ename="ValueError", evalue="", traceback=[])
    stderr = new_output("stream", name="stderr", text="warning")
    for output in (error, stderr):
        assert len(rules.noisy_outputs(_checked(outputs=[output]))) == 1


def test_unlocked_cells_are_found(tmp_path: Path) -> None:
    notebook = chapters.notebook(small.chapter(tmp_path), "en", solutions=False)
    assert rules.unlocked_cells(notebook) == []
    for cell in rules.code_cells(notebook):
        cell.metadata.pop("editable", None)
        cell.metadata.pop("deletable", None)
    assert len(rules.unlocked_cells(notebook)) == 3


def test_code_that_differs_between_languages_is_found() -> None:
    other = _checked(source='print("no")')
    other.cells[0].id = "a"
    one = _checked()
    one.cells[0].id = "a"
    assert rules.different_code(one, one) == []
    assert len(rules.different_code(one, other)) == 1
    assert len(rules.different_code(one, new_notebook())) == 1


def test_a_compared_output_that_speaks_a_language_is_found() -> None:
    one, other = _checked(), _checked(outputs=[new_output("stream", name="stdout", text="oui\n")])
    one.cells[0].id = other.cells[0].id = "a"
    assert len(rules.different_code(one, other)) == 1


def test_a_dead_link_is_found(tmp_path: Path) -> None:
    (tmp_path / "there.png").touch()
    text = "[a](https://example.org) [b](#c) ![d](there.png) [e](gone.ipynb)"
    notebook = new_notebook(cells=[new_markdown_cell(text)])
    assert [found.split(": ")[1] for found in rules.dead_links(notebook, tmp_path)] == [
        "gone.ipynb"
    ]


@pytest.mark.parametrize(
    ("text", "stray"),
    [
        ("**bold.** Then", []),
        ("a `**kwargs` and $a**b$", []),
        ("**加粗。**各章", ["**加粗。**各章"]),
        ("**加粗。** 各章", []),
        ("| **a。**b |\n|---|\n| c |", ["**a。**b"]),
    ],
)
def test_bold_type_that_does_not_render_is_found(text: str, stray: list[str]) -> None:
    assert rules.stray_marks(text) == stray


@pytest.mark.parametrize(
    ("old", "new", "number"),
    [
        ("# 一条。", "# 一条，\n# 两条，3 条。", 0),
        ("# 一条。", "# 一条， 两条。", 1),
        ("# 一条。", "# **一条。** 两条。", 0),
        ("# 一条。", "# 一条：\n# - 甲，\n# - 乙。", 0),
        ("# 一条。", "# 一条：\n# 1. 甲。", 0),
        ("# 一条。", "# 一条：\n# $$x$$", 0),
    ],
)
def test_a_space_after_chinese_punctuation_is_found(
    tmp_path: Path, old: str, new: str, number: int
) -> None:
    chapter = small.chapter(tmp_path, small.replaced(old, new))
    assert len(rules.stray_spaces(chapter)) == number


def test_a_reference_that_nobody_cites_is_found(tmp_path: Path) -> None:
    listed = small.replaced("## References\n# None.", "## References\n# 1. One.\n# 2. Two.")
    for passage, uncited in (("A passage [2].", ["en: [1]"]), ("[1] and [2].", [])):
        source = listed.replace("A passage.", passage)
        assert rules.uncited_references(small.chapter(tmp_path, source)) == uncited


def test_a_prediction_that_is_given_away_is_found(tmp_path: Path) -> None:
    folded = "A passage.\n# <details><summary>What was seen</summary>\n#\n# Five.\n#\n# </details>"
    assert (
        rules.spoilt_predictions(small.chapter(tmp_path, small.replaced("A passage.", folded)))
        == []
    )
    open_ = "A passage. **What was seen.** Five."
    found = rules.spoilt_predictions(small.chapter(tmp_path, small.replaced("A passage.", open_)))
    assert len(found) == 1

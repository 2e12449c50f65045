"""tools/chapters.py: a source is checked, and makes four notebooks that differ as they should."""

import re
from pathlib import Path

import nbformat
import pytest

import build_notebooks
import chapters
from chapters import SourceError

from . import rules, small

# Reading a source.


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('tags=["lang-zh"]\n# 一段话', 'tags=["lang-en"]\n# 一段话', "no Chinese twin"),
        ('tags=["lang-en"]\n# A passage', 'tags=["lang-zh"]\n# A passage', "follows no English"),
        ('tags=["lang-en"]\n# A passage', "\n# A passage", "must be prose tagged"),
        ('"role": "answer"', '"role": "reply"', "role"),
        ('mbpo={"exercise": "09-1", "role": "setup"}', 'mbpo="setup"', "NN-i"),
        ('mbpo={"exercise": "09-1", "role": "setup"}', 'mbpo={"role": ["setup"]}', "NN-i"),
        ('"09-1", "role": "check"', '"nine", "role": "check"', "NN-i"),
        ("    ### END SOLUTION\n", "", "BEGIN SOLUTION"),
        ("step = 1", "### BEGIN SOLUTION\nstep = 1\n### END SOLUTION", "BEGIN SOLUTION"),
        ("    ### BEGIN SOLUTION", "### BEGIN SOLUTION", "inside a function"),
        # A slip in a header: the tags, or a whole exercise, would be lost without a word.
        ('{"exercise": "09-1", "role": "setup"}', '["exercise": "09-1"]', "header that says"),
        ('tags=["lang-zh"]\n# 一段话', 'tags=["lang-zh"\n# 一段话', "header that says"),
        ('tags=["lang-zh"]\n# 一段话', 'tags="lang-zh"\n# 一段话', "cannot read it"),
        ('tags=["lang-zh"]\n# 一段话', "tags=null\n# 一段话", "cannot read it"),
        ("# 一段话。<details><summary>提示</summary>加一。</details>\n", "", "is empty"),
    ],
)
def test_a_broken_source_gets_one_sentence(
    tmp_path: Path, old: str, new: str, complaint: str
) -> None:
    source = small.replaced(old, new)
    with pytest.raises(SourceError, match=complaint) as caught:
        chapters.read(small.write(tmp_path, source, stamp=False))
    assert str(caught.value).startswith("09_small.py: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"\n", "empty"),
        (b"# %%\n\xff", "UTF-8"),
        (b"# %% [markdown] tags=3\n# One", "cannot read it"),
        (None, "Is a directory"),
    ],
)
def test_a_damaged_file_gets_one_sentence_and_the_others_their_turn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None, complaint: str
) -> None:
    small.write(tmp_path)
    damaged = tmp_path / "_source" / "08_damaged.py"
    if content is None:
        damaged.mkdir()
    else:
        damaged.write_bytes(content)
    for mode in ("--check", "--stamp"):
        assert build_notebooks.main([mode], tmp_path) == 1
        printed = capsys.readouterr()
        assert printed.err.startswith("not built: 08_damaged.py: ")
        assert complaint in printed.err
        assert "09_small" in printed.out


def test_a_mark_of_byte_order_is_no_part_of_the_source(tmp_path: Path) -> None:
    path = small.write(tmp_path)
    plain = chapters.read(path)
    path.write_text(path.read_text(encoding="utf-8"), encoding="utf-8-sig")
    assert chapters.read(path) == plain


def test_an_english_cell_at_the_end_is_unpaired(tmp_path: Path) -> None:
    source = small.SOURCE + '\n# %% [markdown] tags=["lang-en"]\n# The end.\n'
    with pytest.raises(SourceError, match="no Chinese twin"):
        chapters.read(small.write(tmp_path, source, stamp=False))


def test_a_twin_is_stale_when_its_english_changed_and_fresh_once_stamped(tmp_path: Path) -> None:
    path = small.write(tmp_path)
    assert build_notebooks.stale_cells(chapters.read(path)) == []
    path.write_text(path.read_text().replace("A passage.", "Another passage."))
    assert build_notebooks.stale_cells(chapters.read(path)) == [
        "Another passage. <details><summary>Hint</summary>A"
    ]
    path.write_text(chapters.stamped(path.read_text()))
    assert build_notebooks.stale_cells(chapters.read(path)) == []


def test_stamping_changes_nothing_but_twins() -> None:
    stamped = chapters.stamped(small.SOURCE)
    assert re.sub(r' twin="[0-9a-f]{8}"', "", stamped) == small.SOURCE
    assert stamped.count("twin=") == 3
    assert chapters.stamped(stamped) == stamped


def test_stamping_and_formatting_make_no_chapter_out_of_date(tmp_path: Path) -> None:
    plain = chapters.read(small.write(tmp_path, stamp=False)).digest
    assert plain == small.chapter(tmp_path).digest
    spaced = small.SOURCE.replace("\n\n# %%", "\n\n\n# %%")
    assert plain == small.chapter(tmp_path, spaced).digest
    for old, new in (("一段话", "两段话"), ("return number", "return 1 + number"), ("小章", "章")):
        assert plain != small.chapter(tmp_path, small.replaced(old, new)).digest


def test_stamping_refuses_unpaired_cells() -> None:
    with pytest.raises(SourceError, match="pair them"):
        chapters.stamped(small.replaced('tags=["lang-zh"]\n# 一段话', "\n# 一段话"))


# Making editions.


def test_the_stub_keeps_signature_and_docstring_and_the_solution_loses_its_markers() -> None:
    code = (
        'def f(x: int) -> int:\n    """Doc."""\n    ### BEGIN SOLUTION\n'
        "    y = x\n    return y\n    ### END SOLUTION"
    )
    assert chapters.stubbed(code) == (
        'def f(x: int) -> int:\n    """Doc."""\n    raise NotImplementedError'
    )
    assert chapters.solved(code) == 'def f(x: int) -> int:\n    """Doc."""\n    y = x\n    return y'


def test_editions_differ_only_in_prose_stubs_and_links(tmp_path: Path) -> None:
    chapter = small.chapter(tmp_path)
    english, chinese, solved = (
        chapters.notebook(chapter, language, solutions=solutions)
        for language, solutions in (("en", False), ("zh", False), ("en", True))
    )
    assert [cell.id for cell in english.cells] == [cell.id for cell in chinese.cells]
    assert len({cell.id for cell in english.cells}) == len(english.cells)
    assert rules.different_code(english, chinese) == []
    changed = [a.id for a, b in zip(english.cells, solved.cells, strict=True) if a != b]
    assert changed == [english.cells[0].id, "09-1-answer"]
    for notebook in (english, chinese, solved):
        nbformat.validate(notebook)


def test_a_new_cell_leaves_the_other_ids_alone(tmp_path: Path) -> None:
    before = chapters.notebook(small.chapter(tmp_path), "en", solutions=False)
    longer = small.replaced("# %%\nimport sys", "# %%\nnumber = 1\n\n# %%\nimport sys")
    after = chapters.notebook(small.chapter(tmp_path, longer), "en", solutions=False)
    assert {cell.id for cell in before.cells} < {cell.id for cell in after.cells}


def test_equal_cells_get_different_ids(tmp_path: Path) -> None:
    twice = small.replaced(
        "# %%\nimport sys", "# %%\nnumber = 1\n\n# %%\nnumber = 1\n\n# %%\nimport"
    )
    notebook = chapters.notebook(small.chapter(tmp_path, twice), "en", solutions=False)
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)


def test_check_cells_are_compared_and_locked(tmp_path: Path) -> None:
    notebook = chapters.notebook(small.chapter(tmp_path), "en", solutions=False)
    check = next(cell for cell in notebook.cells if cell.id == "09-1-check")
    assert rules.compared(check)
    assert rules.unlocked_cells(notebook) == []


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("一行，\n两行", "一行，两行"),
        ("一行\n  两行。", "一行两行。"),
        ("完。\nMBPO 是", "完。MBPO 是"),
        ("误差\n$k$ 步", "误差\n$k$ 步"),
        ("如下：\n$$x$$", "如下：\n$$x$$"),
        ("一段。\n\n二段。", "一段。\n\n二段。"),
        ("如下：\n- 甲\n- 乙", "如下：\n- 甲\n- 乙"),
        ("如下：\n* 甲\n1. 乙", "如下：\n* 甲\n1. 乙"),
        ("降到 0.23，\nα = 1 时", "降到 0.23，α = 1 时"),
        ("两回事。\n150 行里", "两回事。150 行里"),
        ("如下：\n12. 甲", "如下：\n12. 甲"),
        ("| 甲 |\n| 乙 |", "| 甲 |\n| 乙 |"),
        ("# 题\n<details>", "# 题\n<details>"),
    ],
)
def test_chinese_lines_are_joined_without_a_space(source: str, shown: str) -> None:
    assert chapters.joined(source) == shown


@pytest.mark.parametrize(
    ("link", "among_solutions"),
    [
        ("../zh/01_dyna_q.ipynb", "../../zh/solutions/01_dyna_q.ipynb"),
        ("01_dyna_q.ipynb", "01_dyna_q.ipynb"),
        ("01_dyna_q.ipynb#quiz", "01_dyna_q.ipynb#quiz"),
        ("solutions/01_dyna_q.ipynb", "01_dyna_q.ipynb"),
        ("../../Illustrations/a.png", "../../../Illustrations/a.png"),
        ("../../docs/glossary.md", "../../../docs/glossary.md"),
        ("https://arxiv.org/abs/1906.08253", "https://arxiv.org/abs/1906.08253"),
        ("#quiz", "#quiz"),
    ],
)
def test_links_are_right_one_folder_deeper(link: str, among_solutions: str) -> None:
    assert (
        chapters.relinked(f"see [this]({link}) now", "en") == f"see [this]({among_solutions}) now"
    )
    assert chapters.relinked(f'<img src="{link}">', "en") == f'<img src="{among_solutions}">'


def test_what_is_to_be_predicted_is_folded_until_the_cell_runs(tmp_path: Path) -> None:
    source = small.replaced("# # 09 · Small\n", "# # 09 · Small\n#\n# **Predict.** How many?\n")
    for solutions in (False, True):
        made = chapters.notebook(small.chapter(tmp_path, source), "en", solutions=solutions)
        folded = [cell.metadata.get("jupyter") for cell in made.cells if cell.cell_type == "code"]
        assert folded == [{"outputs_hidden": True}, None, None, None]

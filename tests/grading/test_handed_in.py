import io
import json
import os
import re
import tempfile
import tracemalloc
import zipfile
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mbpo_teach.grading import handed_in, reading, who
from mbpo_teach.grading.found import is_left_behind
from mbpo_teach.grading.marks import printable
from mbpo_teach.grading.packed import Damaged, packed

from .handing_in import ROOT, answered, hand_in, solutions, student_edition

RIGHT = solutions("00")


def found(*paths, chapters=(), out=None):
    given = handed_in.submissions(ROOT, paths, chapters, out=out)
    return {(each.student, each.chapter): each for each in given}


def test_one_notebook(tmp_path):
    path = hand_in(tmp_path, "ada", student_edition("04"))
    (each,) = handed_in.submissions(ROOT, [path])
    assert (each.student, each.chapter) == ("ada", "04")
    assert reading.answers(each.content) == reading.answers(path.read_bytes())


def test_a_flat_folder_whose_file_names_say_nothing_of_the_chapter(tmp_path):
    hand_in(tmp_path, "04_ada", student_edition("00"))
    hand_in(tmp_path, "bob", student_edition("04", "zh"))
    (tmp_path / "notes.txt").write_text("no notebook")
    (tmp_path / "data").mkdir()
    hand_in(tmp_path / ".hidden", "x", student_edition("00"))
    given = found(tmp_path)
    # Two chapters, and no more than half of the class handed in either.
    assert set(given) == {("04_ada", "00"), ("bob", "04"), ("notes", ""), ("data", "")}
    assert given["notes", ""].trouble == "mark.no_notebook_among"
    assert given["notes", ""].file == "notes.txt"
    assert given["data", ""].trouble == ""


def test_a_folder_per_student(tmp_path):
    hand_in(tmp_path / "ada" / "en", "any", student_edition("00"))
    hand_in(tmp_path / "ada", "other", student_edition("04"))
    hand_in(tmp_path / "白", "x", student_edition("04"))
    (tmp_path / "eve").mkdir()
    (tmp_path / "grades").mkdir()
    given = found(tmp_path, out=tmp_path / "grades")
    # Eve, of whom nothing is known, is marked for what more than half of the others handed in.
    assert set(given) == {("ada", "00"), ("ada", "04"), ("白", "04"), ("eve", "04")}
    nothing = {who for who, each in given.items() if each.content is None}
    assert nothing == {("eve", "04")} and given["eve", "04"].trouble == ""
    asked = found(tmp_path, chapters=["00", "04"], out=tmp_path / "grades")
    assert set(asked) == {(who, number) for who in ("ada", "白", "eve") for number in ("00", "04")}
    assert {each.trouble for each in asked.values()} == {""}


def test_several_paths_and_one_student_in_two_of_them(tmp_path):
    for chapter in ("00", "04"):
        hand_in(tmp_path / chapter, "ada", student_edition(chapter))
    assert set(found(tmp_path / "00", tmp_path / "04")) == {("ada", "00"), ("ada", "04")}


def test_asked_for_chapters_everybody_has_them(tmp_path):
    hand_in(tmp_path, "ada", student_edition("00"))
    given = found(tmp_path, chapters=["00", "04"])
    assert set(given) == {("ada", "00"), ("ada", "04")}
    assert given["ada", "04"].content is None


def test_the_notebook_with_the_most_answers_counts(tmp_path):
    """A whole working folder: both languages, the solutions below each, and checkpoints."""
    for place, notebook in {
        "en": student_edition("00"),
        "zh": answered("00", RIGHT, "zh"),
        "en/solutions": answered("00", RIGHT),
        "zh/.ipynb_checkpoints": student_edition("00"),
    }.items():
        hand_in(tmp_path / "ada" / place, "00_start_here", notebook)
    (each,) = handed_in.submissions(ROOT, [tmp_path])
    assert reading.answers(each.content)["00-1"].source == RIGHT["00-1"]
    assert each.notes == (("mark.several", {"count": 2, "name": "00_start_here.ipynb"}),)
    assert dict(each.left) and [values for _, values in each.left] == [
        {"names": "en/00_start_here.ipynb", "because": "mark.fewer"},
        {"names": "en/solutions", "because": "mark.in_solutions"},
    ]


def test_what_cannot_be_read_is_kept_with_its_reason(tmp_path):
    hand_in(tmp_path, "ada", student_edition("00"))
    (tmp_path / "bob.ipynb").write_text("{")
    (tmp_path / "eve.ipynb").mkdir()
    (tmp_path / "sam.ipynb").symlink_to("/etc/passwd")
    (tmp_path / "uma.ipynb").write_text(json.dumps({"nbformat": 4, "cells": []}))
    given = found(tmp_path)
    # Everybody else handed in chapter 00, so that is what these are taken for.
    assert {key: each.trouble for key, each in given.items()} == {
        ("ada", "00"): "",
        ("bob", "00"): "mark.not_json",
        ("eve", "00"): "mark.no_file",
        ("sam", "00"): "mark.link",
        ("uma", "00"): "mark.no_exercise",
    }


def test_links_to_folders_are_not_followed(tmp_path):
    outside = tmp_path / "outside"
    hand_in(outside, "00_start_here", answered("00", RIGHT))
    hand_in(tmp_path / "class" / "ada", "x", student_edition("00"))
    (tmp_path / "class" / "ada" / "more").symlink_to(outside)
    (tmp_path / "class" / "eve").symlink_to(outside)
    given = found(tmp_path / "class")
    assert given["ada", "00"].notes == ()
    assert given["eve", "00"].content is None and given["eve", "00"].trouble


@pytest.mark.parametrize("leads_to", ["loop", "x" * 300, "/root/x", "nowhere"])
def test_a_link_that_leads_nowhere_is_told_and_stops_nothing(leads_to, tmp_path):
    hand_in(tmp_path, "ada", student_edition("00"))
    (tmp_path / "loop").symlink_to(leads_to)
    (tmp_path / "dan").mkdir()
    (tmp_path / "dan" / "hw.ipynb").symlink_to(leads_to)
    for paths in ([tmp_path], sorted(tmp_path.iterdir())):
        given = found(*paths, out=tmp_path / "grades")
        assert set(given) == {("ada", "00"), ("loop", "00"), ("dan", "00")}
        assert {given[who, "00"].trouble for who in ("loop", "dan")} == {"mark.link"}


def test_a_chapter_that_is_named_twice_counts_once(tmp_path):
    hand_in(tmp_path, "ada", student_edition("00"))
    assert len(handed_in.submissions(ROOT, [tmp_path], ["00", "00"])) == 1


def test_a_notebook_of_a_chapter_that_the_course_lacks(tmp_path):
    text = json.dumps(student_edition("00")).replace('"00-1"', '"77-1"')
    (tmp_path / "ada.ipynb").write_text(text)
    (each,) = handed_in.submissions(ROOT, [tmp_path])
    assert (each.chapter, each.content, each.trouble) == ("", None, "mark.no_exercise")


@pytest.mark.parametrize("path", ["nowhere", "empty"])
def test_nothing_to_grade_is_a_clear_error(path, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"path must be a notebook|paths must hold notebooks"):
        handed_in.submissions(ROOT, [tmp_path / path])


@pytest.mark.parametrize("chapter", ["77", "", "x", "*", "../00"])
def test_a_chapter_that_is_not_there_is_a_clear_error(chapter, tmp_path):
    hand_in(tmp_path, "ada", student_edition("00"))
    with pytest.raises(ValueError, match="chapter must be one of the course's"):
        handed_in.submissions(ROOT, [tmp_path], [chapter])


def names(*paths, chapters=(), out=None):
    return {each.student for each in handed_in.submissions(ROOT, paths, chapters, out=out)}


def content(chapter="00", answers=RIGHT):
    return json.dumps(answered(chapter, answers)).encode()


def put(path, data=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content() if data is None else data)
    return path


def zipped(files, **how):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", **how) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return stream.getvalue()


@pytest.mark.parametrize("name", ["00_start_here.ipynb", "hw.ipynb", "abgabe.json", "x.zip"])
def test_a_pattern_of_the_shell_gives_one_submission_for_each_path(name, tmp_path):
    data = zipped({"00_start_here.ipynb": content()}) if name == "x.zip" else None
    paths = [put(tmp_path / who / name, data) for who in ("ada", "bob", "cyd")]
    for named in (paths, [path.parent for path in paths]):
        submissions = handed_in.submissions(ROOT, named)
        assert [each.student for each in submissions] == ["ada", "bob", "cyd"]
        assert all(each.content for each in submissions)


def test_a_pattern_is_as_the_folder_and_one_student_changes_no_others_name(tmp_path):
    put(tmp_path / "ada" / "en" / "00_start_here.ipynb")
    put(tmp_path / "bob" / "x.ipynb")
    put(tmp_path / "bob" / "essay.pdf", b"%PDF")
    put(tmp_path / "bob" / "04.ipynb", content("04", {}))
    put(tmp_path / "cyd" / "essay.pdf", b"%PDF")
    (tmp_path / "dan").mkdir()
    put(tmp_path / "eve.ipynb")
    (tmp_path / "grades").mkdir()
    wanted = names(tmp_path, out=tmp_path / "grades")
    assert wanted == {"ada", "bob", "cyd", "dan", "eve"}
    assert names(*sorted(tmp_path.iterdir()), out=tmp_path / "grades") == wanted
    put(tmp_path / "mallory" / "x.ipynb")
    put(tmp_path / "mallory" / "y.ipynb")
    assert names(*sorted(tmp_path.iterdir()), out=tmp_path / "grades") == wanted | {
        "mallory/x",
        "mallory/y",
    }


def test_one_file_with_the_courses_own_name_is_known_by_its_folder(tmp_path):
    assert names(put(tmp_path / "ada" / "00_start_here.ipynb")) == {"ada"}
    assert names(put(tmp_path / "ada" / "mine.ipynb")) == {"mine"}


def test_files_of_one_name_and_other_chapters_are_not_one_student(tmp_path):
    one = put(tmp_path / "ada" / "hw.ipynb")
    other = put(tmp_path / "bob" / "hw.ipynb", content("04", {}))
    assert set(found(one, other)) == {("ada", "00"), ("bob", "04")}


def test_one_name_in_two_sections_is_two_students(tmp_path):
    for section in ("a", "b"):
        for student in ("ada", "bob"):
            put(tmp_path / section / f"{student}.ipynb")
    sections = [tmp_path / "a", tmp_path / "b"]
    assert names(*sections) == {"a/ada", "a/bob", "b/ada", "b/bob"}
    assert names(*sorted(tmp_path.glob("*/*.ipynb"))) == {"a/ada", "a/bob", "b/ada", "b/bob"}


def test_a_name_that_even_the_folder_does_not_tell_apart_has_more_of_its_path(tmp_path):
    paths = [put(tmp_path / week / "ada" / "hw.ipynb") for week in ("1", "2")]
    assert names(*paths) == {"1/ada/hw", "2/ada/hw"}


def test_files_of_one_stem_in_one_folder_are_kept_apart(tmp_path):
    for name in ("ada.ipynb", "ada.IPYNB", "ada.ipynb.txt", "ada (1).ipynb", "ada/x.ipynb"):
        put(tmp_path / name)
    (tmp_path / "ada.pdf").write_bytes(b"%PDF")
    wanted = {"ada.ipynb", "ada.IPYNB", "ada.ipynb.txt", "ada (1)", "ada", "ada.pdf"}
    assert names(tmp_path) == wanted


def test_names_that_are_shown_alike_are_not_one(tmp_path):
    put(tmp_path / "a\x9bb.ipynb")
    put(tmp_path / "a\u202eb.ipynb")
    assert len({printable(name) for name in names(tmp_path)}) == 2


def test_a_path_that_is_named_twice_is_graded_once(tmp_path):
    path = put(tmp_path / "ada.ipynb")
    assert len(handed_in.submissions(ROOT, [tmp_path, path, tmp_path])) == 1


@pytest.mark.parametrize(
    "name",
    ["ada.ipynb.txt", "ada.ipynb.json", "ada.IPYNB", "ada", "ada.json", "ada.ipynb.ipynb", "ada.x"],
)
@pytest.mark.parametrize("folder", ["", "ada"])
def test_a_notebook_is_one_whatever_its_name_ends_in(name, folder, tmp_path):
    put(tmp_path / "class" / folder / name)
    (each,) = handed_in.submissions(ROOT, [tmp_path / "class"])
    assert (each.student.removesuffix(".ipynb"), each.chapter, each.trouble) == ("ada", "00", "")
    assert reading.answers(each.content)["00-1"].source == RIGHT["00-1"]


@pytest.mark.parametrize("folder", ["", "fay"])
def test_a_notebook_in_a_zip_is_graded(folder, tmp_path):
    data = zipped(
        {
            "../../up/00_start_here.ipynb": content(),
            "__MACOSX/._x.ipynb": b"\0",
            "hw/data.csv": b"1,2",
            "en/solutions/00_start_here.ipynb": content(),
        },
        compression=zipfile.ZIP_DEFLATED,
    )
    put(tmp_path / "class" / folder / "fay.zip", data)
    before = sorted(tmp_path.rglob("*"))
    (each,) = handed_in.submissions(ROOT, [tmp_path / "class"])
    assert (each.student, each.chapter, each.trouble, each.notes) == ("fay", "00", "", ())
    (left,) = each.left
    assert left[1] == {"names": "fay.zip/hw/data.csv", "because": "mark.no_notebook"}
    assert sorted(tmp_path.rglob("*")) == before


LOCKED = bytearray(zipped({"a.ipynb": b"x"}))
LOCKED[LOCKED.index(b"PK\x01\x02") + 8] |= 1
HARMFUL = {
    "bomb": (zipped({"a.ipynb": bytes(150_000_000)}, compression=zipfile.ZIP_DEFLATED), "large"),
    "lzma": (zipped({"a.ipynb": bytes(10**7)}, compression=zipfile.ZIP_LZMA), "zip"),
    "bzip2": (zipped({"a.ipynb": bytes(10**7)}, compression=zipfile.ZIP_BZIP2), "zip"),
    "many": (zipped({f"{count}.ipynb": b"" for count in range(2001)}), "zip"),
    "locked": (bytes(LOCKED), "zip"),
    "cut": (zipped({"a.ipynb": content()})[:-40], "zip"),
    "zeros": (b"PK\x03\x04" + bytes(100), "zip"),
    "within": (zipped({"b.zip": zipped({"a.ipynb": content()})}), "no_notebook_among"),
    "empty": (zipped({"folder/": b""}) + b"", "no_notebook_among"),
    "essay": (zipped({"essay.docx": b"PK\x03\x04"}), "no_notebook_among"),
}


@pytest.mark.parametrize("name", HARMFUL)
def test_a_zip_that_cannot_be_read_harms_nobody(name, tmp_path):
    data, trouble = HARMFUL[name]
    put(tmp_path / "eve.zip", data)
    tracemalloc.start()
    (each,) = handed_in.submissions(ROOT, [tmp_path])
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (each.student, each.trouble) == ("eve", f"mark.{trouble}")
    assert "eve.zip" in str((each.file, each.left))
    assert most < 350_000_000


@given(st.binary(max_size=60), st.integers(0, 10**6))
def test_a_damaged_zip_is_damaged_and_nothing_else(noise, place):
    data = zipped({"a.ipynb": content(answers={}), "b.txt": b"b"})
    place %= len(data)
    damaged = data[:place] + noise + data[place + len(noise) // 2 :]
    try:
        for _, read in packed(damaged):
            read(10**6)
    except Damaged:
        pass


def test_a_notebook_far_down_is_found(tmp_path):
    put(tmp_path.joinpath("ada", *"home ada Documents uni course work en".split(), "x.ipynb"))
    (each,) = handed_in.submissions(ROOT, [tmp_path])
    assert (each.student, each.chapter, each.left) == ("ada", "00", ())


@pytest.fixture
def pit(tmp_path, monkeypatch):
    """1,500 folders in one another, which neither shutil nor pytest could remove."""
    monkeypatch.chdir(tmp_path)
    folders = ["eve", *["d"] * 1500]
    for folder in folders:
        os.mkdir(folder)
        os.chdir(folder)
    yield tmp_path
    for folder in reversed(folders):
        os.chdir("..")
        os.rmdir(folder)


def test_what_lies_too_deep_is_told(pit):
    hand_in(pit, "ada", student_edition("00"))
    given = found(pit)
    assert set(given) == {("ada", "00"), ("eve", "00")}
    assert given["eve", "00"].trouble == "mark.too_deep"
    assert given["eve", "00"].left[0][1]["name"].startswith("…")


def test_a_folder_that_may_not_be_read_is_told(tmp_path, monkeypatch):
    put(tmp_path / "eve" / "x.ipynb")
    hand_in(tmp_path, "ada", student_edition("00"))

    def refused(real, path):
        if Path(path).name == "eve":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", partial(refused, os.scandir))
    monkeypatch.setattr(os, "listdir", partial(refused, os.listdir))
    for paths in ([tmp_path], [tmp_path / "ada.ipynb", tmp_path / "eve"]):
        assert found(*paths)["eve", "00"].trouble == "mark.unreadable"


def test_files_that_are_no_notebooks_are_named(tmp_path):
    put(tmp_path / "bob" / "essay.pdf", b"%PDF")
    put(tmp_path / "cyd" / "package.json", b"{}")
    put(tmp_path / "dan" / "solutions" / "00_start_here.ipynb")
    hand_in(tmp_path, "ada", student_edition("00"))
    given = found(tmp_path)
    assert (given["bob", "00"].trouble, given["bob", "00"].file) == (
        "mark.no_notebook_among",
        "essay.pdf",
    )
    assert given["cyd", "00"].file == "package.json"
    assert given["dan", "00"].trouble == "mark.in_solutions"


def test_what_else_was_handed_in_is_told_and_bounded(tmp_path):
    put(tmp_path / "ada" / "00_start_here.ipynb")
    put(tmp_path / "ada" / "04.ipynb", content("04", {}))
    put(tmp_path / "ada" / "cut.ipynb", b"{")
    for count in range(300):
        put(tmp_path / "ada" / f"{count}-{'x' * 200}.txt", b"")
    (each,) = handed_in.submissions(ROOT, [tmp_path], ["00"])
    told = {values["because"]: values for _, values in each.left}
    assert told["mark.not_asked"]["names"] == "04.ipynb"
    assert told["mark.not_json"]["names"] == "cut.ipynb"
    assert told["mark.no_notebook"]["count"] == 290
    assert len(told["mark.no_notebook"]["names"]) < 700


LEFT_BEHIND = [
    *("__MACOSX/ada/._x.ipynb", ".ipynb_checkpoints/x.ipynb", ".DS_Store", "Thumbs.db"),
    *(".git/config", "desktop.ini", "._ada.ipynb", "__pycache__/x.pyc", "@eaDir/x"),
]


@pytest.mark.parametrize("folder", ["", "ada"])
def test_what_systems_leave_behind_is_no_student(folder, tmp_path):
    put(tmp_path / "ada" / "x.ipynb")
    for name in LEFT_BEHIND:
        put(tmp_path / folder / name, b"\0")
    for paths in [[tmp_path], sorted(tmp_path.iterdir())][: 1 if folder else 2]:
        (each,) = handed_in.submissions(ROOT, paths)
        assert (each.student, each.left) == ("ada", ())


def test_nobody_changes_what_another_is_marked_for(tmp_path):
    put(tmp_path / "ada" / "x.ipynb")
    put(tmp_path / "bob" / "x.ipynb", b"{")
    before = found(tmp_path)
    for chapter in range(8):
        made_up = json.dumps(student_edition("00")).replace('"00-1"', f'"0{chapter}-1"')
        put(tmp_path / "mallory" / f"{chapter}.ipynb", made_up.encode())
    after = found(tmp_path)
    assert {key for key in after if key[0] != "mallory"} == set(before)
    assert len(after) == len(before) + 8


def test_the_class_is_held_without_its_pictures(tmp_path):
    notebook = student_edition("00")
    picture = {"output_type": "display_data", "data": {"image/png": "A" * 3_000_000}}
    notebook["cells"][1]["outputs"] = [picture]
    for count in range(20):
        hand_in(tmp_path, f"s{count}", notebook)
    tracemalloc.start()
    given = handed_in.submissions(ROOT, [tmp_path])
    held, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(given) == 20 and held < 2_000_000 and most < 30_000_000


def test_of_one_students_many_notebooks_the_best_is_held(tmp_path):
    for count in range(50):
        put(tmp_path / "ada" / f"{count}.ipynb", content(answers={"00-1": "#" * 90_000}))
    tracemalloc.start()
    (each,) = handed_in.submissions(ROOT, [tmp_path])
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert each.notes[0][1]["count"] == 50 and most < 4_000_000


def test_labels_that_were_stripped_are_told(tmp_path):
    for student, is_with_ids in {"ada": True, "bob": False}.items():
        notebook = answered("00", RIGHT)
        for cell in notebook["cells"]:
            cell["metadata"] = {}
            if not is_with_ids:
                del cell["id"]
        hand_in(tmp_path, student, notebook)
    given = found(tmp_path)
    assert given["ada", "00"].notes == (("mark.by_id", {}),)
    assert given["bob", "00"].notes == (("mark.by_check", {}),)
    for each in given.values():
        assert reading.answers(each.content)["00-1"].source == RIGHT["00-1"]


ENDINGS = ["", ".ipynb", ".ipynb.txt", ".IPYNB", ".json", ".zip", ".pdf", ".tar.gz"]
CONTENTS = {
    "right": content(),
    "other": content("04", {}),
    "cut": content()[:-9],
    "zip": zipped({"x.ipynb": content()}),
    "empty": b"",
    "noise": b"\xff\xfe\0",
    "data": b"{}",
}
words = st.text(
    st.characters(codec="utf-8", exclude_characters="/\0", exclude_categories=["Cs", "Cc"]),
    min_size=1,
    max_size=8,
).filter(lambda name: not is_left_behind(name) and not name.startswith("~"))
files = st.tuples(st.sampled_from(ENDINGS), st.sampled_from(sorted(CONTENTS)))
folders = st.lists(st.tuples(st.lists(words, max_size=3), words, files), max_size=4)
trees = st.dictionaries(words, files | folders, min_size=1, max_size=5)


@settings(max_examples=150, deadline=None)
@given(trees, st.sampled_from([[], ["00"], ["00", "04"]]))
def test_the_names_in_the_report_are_the_names_in_the_folder(tree, chapters):
    """Whatever lies in a class: each entry is one student, and each file is in what is told."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = {}
        for student, inside in tree.items():
            if isinstance(inside, tuple):
                made[student + inside[0]] = [
                    put(folder / (student + inside[0]), CONTENTS[inside[1]])
                ]
                continue
            (folder / student).mkdir(exist_ok=True)
            made[student] = []
            for above, file, (ending, kind) in inside:
                with suppress(OSError):  # there may be a file or a folder of this name already
                    made[student].append(
                        put(folder.joinpath(student, *above, file + ending), CONTENTS[kind])
                    )
        given = handed_in.submissions(ROOT, [folder], chapters)
        by_student = {}
        for each in given:
            by_student.setdefault(each.student, []).append(each)
        # One student for each entry, called as it is called, or begun so.
        assert len({printable(student) for student in by_student}) == len(made)
        left = dict(made)
        for student in sorted(by_student, key=len, reverse=True):
            plain = re.sub(r" \(\d+\)$", "", student)
            mine = next(
                entry
                for entry in sorted(left)
                if student == entry
                or plain == entry
                or who._stem(folder / entry) in (student, plain)
            )
            told = str(
                [
                    (each.content and each.chapter, each.file, each.left)
                    for each in by_student[student]
                ]
            )
            graded = any(each.content for each in by_student[student])
            for path in left.pop(mine):
                assert graded or repr(printable(path.name))[1:-1] in told or "more" in told
        assert not left

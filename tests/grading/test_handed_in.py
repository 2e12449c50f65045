import json

import pytest

from mbpo_teach.grading import handed_in, reading

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

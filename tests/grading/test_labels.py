"""The labels of exercises, taken away as cleaning tools do, and found again."""

from hypothesis import given
from hypothesis import strategies as st

from mbpo_teach.grading.labels import labelled

CHECK = 'check("04-2", f)'


def code(source, exercise="", role="", **more):
    metadata = {"mbpo": {"exercise": exercise, "role": role}} if exercise else {}
    return {"cell_type": "code", "source": source, "metadata": metadata, **more}


def parts(*cells):
    return [(each.exercise, each.role, each.known_by, each.source) for each in labelled(cells)]


def test_a_label_is_believed_first():
    cells = [code("def f(): 1", "04-1", "answer", id="04-2-answer"), code(CHECK, "04-1", "check")]
    assert parts(*cells)[0] == ("04-1", "answer", "label", "def f(): 1")


def test_without_a_label_the_id_tells():
    cells = [code("import x", id="04-2-setup"), code("def f(): 1", id="04-2-answer")]
    assert parts(*cells) == [
        ("04-2", "setup", "id", "import x"),
        ("04-2", "answer", "id", "def f(): 1"),
    ]
    assert (
        parts(code("x", id="04-2-answers"))[0][0] == parts(code("x", id="4-2-answer"))[0][0] == ""
    )


def test_without_an_id_the_check_tells():
    for source in ("def f(x):\n    return x", "f = lambda x: x", "f: object = g", "class f: pass",
                   "async def f(): 1", "import math\ndef f(): 1"):  # fmt: skip
        found = parts(code("def g(): 1"), code(source), code("f(1) == f(2)"), code(CHECK))
        assert [each[:2] for each in found] == [
            ("", ""), ("04-2", "answer"), ("", ""), ("04-2", "check")
        ]  # fmt: skip
        assert found[1][2] == "check"


def test_the_last_cell_that_defines_it_is_the_answer():
    found = parts(code("def f(): 1"), code("def f(): 2"), code(CHECK), code("def f(): 3"))
    assert [each[1] for each in found] == ["", "answer", "check", ""]


def test_answer_and_check_in_one_cell_are_parted():
    assert parts(code(f"def f(): 1\n{CHECK}\nf(2)")) == [
        ("04-2", "answer", "check", "def f(): 1\n"),
        ("04-2", "check", "check", f"{CHECK}\nf(2)"),
    ]


def test_an_answer_with_its_label_needs_no_check():
    cells = [code("stub", "04-2", "answer"), code("def f(): 1"), code(CHECK)]
    assert [each[1] for each in parts(*cells)] == ["answer", "", ""]


def test_a_check_of_what_nobody_defines_and_one_in_a_comment_find_nothing():
    assert [each[1] for each in parts(code("g = 1"), code(CHECK))] == ["", "check"]
    assert [each[1] for each in parts(code("def f(): 1"), code(f"# {CHECK}"))] == ["", ""]


@given(st.lists(st.builds(code, st.text() | st.just(CHECK) | st.just("def f(): 1"), st.sampled_from(
    ["", "04-2", "04-3"]), st.sampled_from(["", "answer", "check"]), id=st.sampled_from(
    ["x", "04-2-answer", "04-1-check"]) | st.none())))  # fmt: skip
def test_no_source_is_lost(cells):
    assert "".join(each.source for each in labelled(cells)) == "".join(
        cell["source"] for cell in cells
    )

"""Notebooks by the hundred, valid, damaged and hostile: the grader is neither broken nor fooled.

Hypothesis builds a class of them, of which the first few dozen that have to run are run for real;
most are settled before that, which is part of what is tested.
"""

import json
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mbpo_teach.grading import courtesy, pristine, reading
from mbpo_teach.grading.cells import joined
from mbpo_teach.grading.exercise import find
from mbpo_teach.grading.gathered import gathered
from mbpo_teach.grading.marks import STATUSES

from .handing_in import ROOT, answered, cells, graded, solutions, student_edition
from .test_attacks import ANSWERS, WRONG

RIGHT = solutions("00")["00-1"]
LEAN = pristine.lean(ROOT, "00")
(TASK,) = LEAN.tasks
STUB = TASK.stub
# Each of these costs a run, and some of them their whole time: few are enough.
RUNS = 30
HOSTILE = ["os_exit", "helper", "memorised", "os_walk", "sys_exit_at_once", "in_place"]

words = st.text(alphabet=st.characters(codec="utf-8"), max_size=30)
comments = st.sampled_from(["", "# NBVAL_SKIP\n", "#\tNBVAL_CHECK_OUTPUT\n", "# ok\n", "\n\n"])
wrong = st.one_of(
    st.floats(0.1, 0.9).map(lambda x: f"def discounted_return(rewards, gamma):\n    return {x}\n"),
    st.sampled_from([ANSWERS[name][0] for name in HOSTILE]),
    st.just(WRONG),
)
nothing = st.one_of(
    st.just(STUB),
    words.map(lambda text: f"{text} ("),
    st.sampled_from(["import os\n", "open('x')\n", "%pip list\n", "x.__class__\n", "\0", ""]),
)
# Nothing here is right, whatever is put before it.
not_right = nothing | wrong
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=5,
)


@st.composite
def notebooks(draw, sources):
    """Draw the bytes of a notebook with sources that were drawn, and much that is odd around."""
    notebook = answered("00", {"00-1": draw(comments) + draw(sources)})
    (answer,) = cells(notebook, "answer")
    for cell in draw(st.lists(st.sampled_from(notebook["cells"]), max_size=3)):
        part = draw(st.sampled_from(["source", "metadata", "outputs", "id", "cell_type"]))
        if cell is not answer:
            cell[part] = draw(JSON)
    if draw(st.booleans()):
        notebook["cells"].insert(0, draw(JSON))
    if draw(st.booleans()):
        notebook["cells"] = draw(st.permutations(notebook["cells"]))
    notebook |= draw(st.dictionaries(st.sampled_from(["metadata", "x", "nbformat_minor"]), JSON))
    return json.dumps(notebook, ensure_ascii=draw(st.booleans())).encode()


@st.composite
def damaged(draw):
    """Draw a right notebook of which the end, or some bytes, are gone."""
    content = bytearray(json.dumps(answered("00", {"00-1": RIGHT})).encode())
    if draw(st.booleans()):
        return bytes(content[: draw(st.integers(0, len(content) - 2))])
    for place in draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=5)):
        content[place] = draw(st.sampled_from(b'\x00\xff{}[]"\\'))
    return bytes(content)


@settings(max_examples=300)
@given(notebooks(not_right) | damaged() | st.binary(max_size=200))
def test_the_pristine_parts_stay_as_they_are_whatever_is_handed_in(content):
    try:
        found = gathered(LEAN, content)
    except reading.Unreadable:
        return
    for answer in found.values():
        courtesy.objection(find("00-1"), answer.cells, TASK.setup, isolated=True)
    answers = {name: joined(answer.cells) for name, answer in found.items() if answer.cells}
    merged = pristine.merged(LEAN, answers)
    setup, *own, check = merged["cells"]
    assert [setup, check] == [LEAN.cells[0], LEAN.cells[-1]]
    assert len(own) == sum(len(answer.cells) for answer in found.values()) or not answers
    for cell in own:
        assert cell | {"source": "", "id": ""} == LEAN.cells[1] | {"source": "", "id": ""}
    assert "NBVAL_" not in "".join(
        line for line in json.dumps(merged).splitlines() if line.strip().startswith("#")
    )


def runs(content):
    """Whether grading a notebook runs anything."""
    try:
        answer = gathered(LEAN, content).get("00-1")
    except reading.Unreadable:
        return False
    if answer is None or not answer.cells:
        return False
    return not courtesy.objection(find("00-1"), answer.cells, TASK.setup, isolated=True)


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory):
    """Return the marks of a class that hypothesis made, and the folders around it."""
    home = tmp_path_factory.mktemp("fuzz")
    folder = home / "class"
    folder.mkdir()
    drawn, running = [], []

    @settings(max_examples=300, database=None, suppress_health_check=list(HealthCheck))
    @given(notebooks(not_right) | notebooks(not_right) | damaged())
    def draw(content):
        if runs(content):
            running.append(content)
        if content not in drawn and (content not in running or len(running) <= RUNS):
            (folder / f"student{len(drawn):03}.ipynb").write_bytes(content)
            drawn.append(content)

    draw()
    (folder / "right.ipynb").write_text(json.dumps(answered("00", {"00-1": RIGHT})))
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    marks = graded(folder, home / "out", chapters=["00"], timeout=20.0)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    return home, dict(enumerate(drawn)), marks


def test_every_notebook_gets_a_mark_and_none_is_the_graders_fault(fuzzed):
    _, drawn, marks = fuzzed
    assert len(marks) == len(drawn) + 1 > 100
    statuses = {mark.status for mark in marks.values()}
    assert statuses <= set(STATUSES) - {"not_graded"}
    assert {"passed", "missing", "rejected"} <= statuses


def test_no_wrong_answer_is_awarded(fuzzed):
    _, drawn, marks = fuzzed
    assert marks["right", "00-1"].status == "passed"
    for number, content in drawn.items():
        if marks[f"student{number:03}", "00-1"].points:
            # Damage that hit only prose or a comment has left the answer right.
            source = "".join(gathered(LEAN, content)["00-1"].cells)
            assert "total = reward + gamma * total" in source and "NBVAL" not in source


def test_nothing_is_written_outside_the_output_folder(fuzzed):
    home, _, _ = fuzzed
    assert sorted(os.listdir(home)) == ["class", "out"]
    assert set(os.listdir(home / "out")) == {".seed", "submissions"}
    assert not [name for name in os.listdir(ROOT) if name.startswith("junk")]
    assert student_edition("00")  # the course is still there

"""The child's side of the protocol, spoken by Hypothesis: lines, claims, files, by the hundred.

Whatever a child says or writes, the parent comes to a mark or a reason, in time and in memory that
do not depend on what was claimed. Nothing runs here: in place of the child stands what it wrote.
"""

import base64
import json
import resource
import time
import tracemalloc
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mbpo_teach.grading import inside_nbval, lock, notebook, pristine, transfer, watched, workfolder
from mbpo_teach.grading.exercise import Exercise
from mbpo_teach.grading.pristine import Task
from mbpo_teach.grading.watched import Limits, Place

from .handing_in import ROOT

PLACE = Place(limits=Limits(seconds=1.0), way="none")
MOST_SECONDS, MOST_BYTES = 5.0, 100_000_000

EXERCISES = {
    "99-1": Exercise(id="99-1", cases=lambda rng: [(1.0,), (2.0,)], reference=lambda x: (x, -x)),
    "99-2": Exercise(
        id="99-2", cases=lambda rng: [(1.0,), (2.0,)], reference=lambda x: {"a": x, (1, 2): x}
    ),
    "99-3": Exercise(
        id="99-3",
        cases=lambda rng: [(1.0,), (2.0,)],
        reference=lambda x: np.full((2, 3), x),
        judged=lambda answer, x: (answer.mean(), answer + x),
    ),
}
TASKS = [Task(id=name, setup="", stub="", names=("answer",)) for name in EXERCISES]


@pytest.fixture(scope="module", autouse=True)
def memory_ends():
    """Where a bound is gone, the test fails at once, and not the machine."""
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    with open("/proc/self/status", encoding="ascii") as file:
        now = sum(1024 * int(line.split()[1]) for line in file if line.startswith("VmData:"))
    resource.setrlimit(resource.RLIMIT_DATA, (now + 1_500_000_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


@contextmanager
def bounded():
    """See that what is done within takes little time and little memory."""
    tracemalloc.start()
    start = time.process_time()
    try:
        yield
        seconds, (_, most) = time.process_time() - start, tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert seconds < MOST_SECONDS and most < MOST_BYTES


# What a child may say of a call, from right to absurd.

sizes = st.sampled_from([0, 1, 2, 3, 1000, 10**6, 2**31 - 1, 2**63, 10**30, -1, True, "1", None])
small = st.integers(0, 3)
content = st.one_of(
    st.integers(0, 200).map(lambda size: base64.b64encode(bytes(size)).decode()), st.text()
)
kinds = st.sampled_from(["f8", "f4", "b1", "O", "tuple", "dict", "i8", ""])
claims = st.tuples(kinds, st.lists(sizes, max_size=40) | sizes, content).map(list)


@st.composite
def arrays(draw):
    """Draw an array as a child that is honest would give it."""
    shape = draw(st.lists(small, max_size=3))
    values = draw(st.floats(allow_nan=True))
    return transfer.down(np.full(shape, values))


keys = st.recursive(st.text(max_size=3) | st.integers(), lambda inner: st.lists(inner, max_size=3))
data = st.recursive(
    arrays() | arrays() | claims | st.none(),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(lambda items: ["tuple", *items]),
        st.lists(st.tuples(keys, inner).map(list), max_size=4).map(lambda items: ["dict", *items]),
        st.lists(inner, max_size=3),
    ),
    max_leaves=6,
)
troubles = st.sampled_from(["", "", "", "stub", "raised", "nothing"]) | st.text()
records = st.lists(
    st.tuples(troubles, st.text(), data).map(list) | data | st.dictionaries(st.text(), data),
    max_size=4,
) | st.tuples(*[st.tuples(st.just(""), st.just(""), data).map(list)] * 2).map(list)

COLLIDING = [(2**61 - 1) * number for number in range(40_000)]  # as dictionary keys, all alike
HUGE = [
    "[" * 2_000_000,
    '["tuple",' * 200_000,
    '[["","",["tuple",' + '["tuple",' * 500 + "1" + "]" * 503,
    "1" * 2_000_000,
    f"[{'1' * 1_000_000}]",
    f"[{'[],' * 600_000}[]]",
    f"[{'7,' * 900_000}7]",
    f"[{'NaN,' * 400_000}NaN]",
    json.dumps(["x" * 1_900_000]),
    json.dumps([["", "\ud800" * 300_000, None]] * 2),
    "[{" + '"a":[],' * 100_000 + '"a":1}]',
    json.dumps([["", "", ["dict", *([key, ["b1", [0], ""]] for key in COLLIDING)]]] * 2),
    json.dumps([["", "", ["tuple", *[["b1", [0], ""]] * 80_000]]] * 2),
    json.dumps([["", "", ["f8", [0] * 200_000, ""]]] * 2),
    json.dumps([["", "", ["f8", [2**31 - 1, 0], ""]]] * 2),
    json.dumps([["", "", ["tuple", ["f8", [10**6, 0], ""], ["f8", [10**6, 0], ""]]]] * 2),
    json.dumps([["", "", ["f8", [10**6, 0], ""]]] * 2),
    json.dumps([["", "", ["b1", [1_400_000], base64.b64encode(bytes(1_400_000)).decode()]]] * 2),
]
valid = json.dumps([["", "", transfer.down(np.zeros((2, 3)))]] * 2)


@st.composite
def mutated(draw):
    """Draw what a child rightly says, with some bytes of it replaced, left out or doubled."""
    text = bytearray(valid.encode())
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(text) - 1))
        end = place + draw(st.integers(0, 10))
        new = draw(st.sampled_from([b"", b"[", b"]", b"9" * 40, b'"', b",", b"\\u0000", b"\xff"]))
        text[place:end] = new if draw(st.booleans()) else bytes(text[place:end]) * 2
    return bytes(text)


outputs = st.one_of(
    st.binary(max_size=100),
    mutated(),
    records.map(lambda said: json.dumps(said).encode("utf-8", "replace")),
)
lines = st.lists(st.sampled_from([*EXERCISES, "0", "1", "99", "", "\0", "x" * 100_000]), max_size=5)
progress = st.binary(max_size=50) | lines.map(lambda told: "\n".join(told).encode())
ENDINGS = ["", "time", "memory", "disk", "processes", "budget"]
endings = st.sampled_from(ENDINGS)


def child(written, told, limits):
    """Return what stands for `watched.run`: it writes files, and ends as the real one would."""
    count = 0

    def run(command, folder, *, steps, results=(), **options):
        nonlocal count
        count += 1
        assert count < 40  # each of them might take its whole time
        (folder / watched.PROGRESS).write_bytes(told[count % len(told)])
        for number, name in enumerate(results):
            (folder / name).write_bytes(written[number % len(written)])
        limit = limits[count % len(limits)]
        return watched.Ending(limit=limit, progress=watched._taken(folder, steps), said="")

    return run


def locked(written, told, limits, patch):
    """Return what the lock finds of three answers, or the reason why it found nothing."""
    answers = dict.fromkeys(EXERCISES, "def answer(x):\n    pass\n")
    patch.setattr(lock.watched, "run", child(written, told, limits))
    try:
        found = lock.outputs(TASKS, answers, EXERCISES, seed=1, place=PLACE)
    except RuntimeError as error:  # where nothing tells that it began: the reason is not_graded's
        return str(error)
    assert set(found) == set(EXERCISES)
    for each in found.values():
        assert each.total == 2 and each.ended in {"", "death", *ENDINGS}
        assert len(each.trouble) <= 20 and len(each.error.encode()) <= 800
    return found


@settings(max_examples=100, deadline=None)
@given(st.lists(outputs, min_size=1, max_size=3), st.lists(progress, min_size=1), st.data())
def test_whatever_a_child_hands_out_comes_to_a_mark_or_a_reason(written, told, data):
    limits = data.draw(st.lists(endings, min_size=1))
    with pytest.MonkeyPatch.context() as patch, bounded():
        locked(written, told, limits, patch)


@pytest.mark.parametrize("said", HUGE, ids=lambda said: said[:20])
def test_what_a_child_claims_costs_the_grader_nothing(said, monkeypatch):
    begun = "\n".join(EXERCISES).encode()
    with bounded():
        found = locked([said.encode("utf-8", "replace")], [begun], [""], monkeypatch)
    assert not any(each.passed for each in found.values())


def test_what_is_honest_still_passes(monkeypatch):
    right = [["", "", transfer.down((np.float64(x), np.float64(-x)))] for x in (1.0, 2.0)]
    begun = "\n".join(EXERCISES).encode()
    found = locked([json.dumps(right).encode()], [begun], [""], monkeypatch)
    assert found["99-1"].right and not found["99-2"].right


# nbval's side: a report in XML, and its progress.

LEAN = pristine.lean(ROOT, "04")
IDS = [task.id for task in LEAN.tasks]
words = st.sampled_from([*IDS, "setup", "answer", "check", "time", "death", "exercise", "role"])
properties = st.tuples(words | st.text(max_size=5), words | st.text(max_size=5))


def case(told, tag):
    each = "".join(f"<property name={json.dumps(k)} value={json.dumps(v)}/>" for k, v in told)
    return f"<testcase><properties>{each}</properties>{tag}</testcase>"


tags = st.sampled_from(["", "<failure/>", "<error/>", "<skipped/>", "<", "&b;"])
PARTS = [
    (("exercise", cell["metadata"]["mbpo"]["exercise"]), ("role", cell["metadata"]["mbpo"]["role"]))
    for cell in LEAN.cells
    if cell["cell_type"] == "code"
]
whole = st.lists(tags, min_size=len(PARTS), max_size=len(PARTS)).map(
    lambda drawn: "".join(case(told, tag) for told, tag in zip(PARTS, drawn, strict=True))
)
loose = st.lists(st.builds(case, st.lists(properties, max_size=4), tags), max_size=5).map("".join)
heads = st.sampled_from(
    ["", '<?xml version="1.0" encoding="utf-7"?>', '<?xml version="1.0" encoding="none"?>']
)
codecs = st.sampled_from(["utf-8", "utf-16", "utf-32", "latin-1"])
reports = st.one_of(
    st.binary(max_size=100),
    st.builds(
        lambda head, cases, codec: f"{head}<testsuites>{cases}</testsuites>".encode(
            codec, "replace"
        ),
        heads,
        whole | loose,
        codecs,
    ),
)
numbers = st.lists(st.integers(0, len(PARTS)).map(str) | st.text(max_size=3), max_size=20)
steps = numbers.map(lambda told: "\n".join(told).encode("utf-8", "replace")) | st.integers(
    0, len(PARTS)
).map(lambda count: "\n".join(map(str, range(count))).encode())


@settings(max_examples=100, deadline=None)
@given(st.lists(reports, min_size=1, max_size=3), st.lists(steps, min_size=1), st.data())
def test_whatever_a_child_reports_comes_to_an_outcome(written, told, data):
    limits = data.draw(st.lists(endings, min_size=1))
    known = {notebook.PASSED, notebook.WRONG, notebook.FAULT, notebook.BUDGET, "death"}
    with pytest.MonkeyPatch.context() as patch, bounded():
        run = child(written, told, limits)
        patch.setattr(notebook.watched, "run", lambda *args, variables, **rest: run(*args, **rest))
        found = notebook.outcomes(LEAN, dict.fromkeys(IDS, "pass\n"), PLACE)
    assert set(found) == set(IDS)
    assert set(found.values()) <= known | {"time", "memory", "disk", "processes"}


@settings(max_examples=50, deadline=None)
@given(progress | steps, st.lists(st.sampled_from([*IDS, "0", "1", "2"]), max_size=6))
def test_progress_is_believed_as_far_as_it_was_expected(told, expected):
    with workfolder.workplace() as folder:
        (folder / watched.PROGRESS).write_bytes(told)
        taken = watched._taken(folder, expected)
    assert taken == tuple(expected[: len(taken)])


def test_the_report_is_the_file_that_is_handed_out():
    assert inside_nbval.REPORT == "report.xml"

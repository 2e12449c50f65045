"""The lock on its own: what crosses the border, and that nothing but outputs counts."""

import json

import numpy as np
import pytest

from mbpo_teach.grading import isolation, lock, watched
from mbpo_teach.grading.exercise import Exercise
from mbpo_teach.grading.pristine import Task
from mbpo_teach.grading.watched import Limits, Place
from mbpo_teach.world.transitions import Transition

PLACE = Place(limits=Limits(seconds=20.0), way=isolation.in_force("auto"))


def batches(rng):
    rows = rng.normal(size=(3, 2))
    ended = np.zeros(3, dtype=bool)
    return [(Transition(rows, rows, rng.normal(size=3), rows, ended),) for _ in range(2)]


def bends(rng):
    bend = rng.uniform(1, 2)
    return [(lambda x: bend * np.asarray(x), np.array([1.0, k])) for k in rng.normal(size=3)]


EXERCISES = {
    "99-1": Exercise(id="99-1", cases=batches, reference=lambda batch: batch.reward.sum()),
    "99-2": Exercise(
        id="99-2", cases=bends, reference=lambda bend, x: {"once": bend(x), "twice": bend(bend(x))}
    ),
    "99-3": Exercise(
        id="99-3",
        cases=lambda rng: [(rng.normal(),) for _ in range(2)],
        reference=lambda x: x,
        judged=lambda answer, x: (float(answer) ** 2, answer > 0),
    ),
}
TASKS = [
    Task(id=name, setup="from mbpo_teach.grading.check import check\n", stub="", names=("answer",))
    for name in EXERCISES
]
RIGHT = {
    "99-1": "def answer(batch):\n    return batch.reward.sum()\n",
    "99-2": "def answer(bend, x):\n    return {'once': bend(x), 'twice': bend(bend(x))}\n",
    "99-3": "def answer(x):\n    return x\n",
}


def found(answers, tasks=TASKS, place=PLACE):
    return lock.outputs(tasks, answers, EXERCISES, seed=3, place=place)


def test_inputs_may_be_functions_and_the_courses_own_kinds():
    for outputs in found(RIGHT).values():
        assert outputs.right and outputs.passed == outputs.total > 0


def test_only_the_answers_given_are_tried():
    assert set(found({"99-2": RIGHT["99-2"]})) == {"99-2"}


@pytest.mark.parametrize(
    ("answer", "passed", "trouble"),
    [
        ("def answer(x):\n    raise NotImplementedError\n", 0, "stub"),
        ("def answer(x):\n    return 1 / 0\n", 0, "raised"),
        ("def answer(x):\n    return None\n", 0, "nothing"),
        ("def answer(x):\n    return 'text'\n", 0, "not_numbers"),
        ("def answer(x):\n    return {1: 2}\n", 0, "not_numbers"),  # the judgement cannot read it
        ("def answer(x):\n    return -x\n", 0, ""),
        ("def other(x):\n    return x\n", 0, "raised"),
        ("answer = 7\n", 0, "raised"),
        ("1 / 0\n", 0, "raised"),
    ],
)
def test_what_is_wrong_is_told(answer, passed, trouble):
    (outputs,) = found({"99-3": answer}).values()
    assert (outputs.passed, outputs.trouble, outputs.ended) == (passed, trouble, "")
    assert not outputs.right


def test_every_name_that_is_checked_has_to_be_right():
    two = Task(id="99-3", setup="", stub="", names=("answer", "second"))
    source = RIGHT["99-3"] + "def second(x):\n    return -x\n"
    (outputs,) = found({"99-3": source}, [two]).values()
    assert (outputs.passed, outputs.total) == (2, 4)


@pytest.mark.parametrize(
    "forged",
    [
        "null",
        "[]",
        "{}",
        "7",
        '[["", "", ["f8", [], "AAAAAAAAAAA="]]]',
        '[["", "", null], ["", "", null]]',
        '[[[], [], []], ["", 7, {}]]',
        "[" * 10_000,
        "not JSON",
    ],
)
def test_forged_outputs_are_worth_nothing(forged, monkeypatch):
    def run(command, folder, **options):
        (folder / "outputs-99-3.json").write_text(forged)
        return watched.Ending(limit="", progress=("99-3",), said="")

    monkeypatch.setattr(lock.watched, "run", run)
    (outputs,) = found({"99-3": RIGHT["99-3"]}).values()
    assert not outputs.right and outputs.passed == 0


def test_a_child_that_never_began_is_the_graders_fault(monkeypatch):
    ending = watched.Ending(limit="", progress=(), said="no Python here")
    monkeypatch.setattr(lock.watched, "run", lambda *args, **options: ending)
    with pytest.raises(RuntimeError, match=r"the lock did not start: .*no Python here"):
        found(RIGHT)


def test_an_answer_that_wipes_out_its_beginning_is_at_fault():
    answer = "import os\nopen('progress', 'w').close()\nos._exit(0)\n"
    (outputs,) = found({"99-3": answer}).values()
    assert (outputs.ended, outputs.right) == ("death", False)


def test_time_is_for_the_exercises_there_are_whatever_progress_is_told(monkeypatch):
    seen = []

    def run(command, folder, *, place, **options):
        seen.append(place.limits)
        return watched.Ending(limit="time", progress=("99-3",), said="")

    monkeypatch.setattr(lock.watched, "run", run)
    found({"99-3": RIGHT["99-3"]})
    assert seen[0].total == PLACE.limits.grace + PLACE.limits.seconds


def test_outputs_that_would_fill_the_graders_memory_are_not_read(tmp_path):
    path = tmp_path / "outputs.json"
    path.write_text(f"[{'[],' * 100_000}[]]")
    assert len(lock._records(lock._content(path))) == 100_001
    path.write_text(f"[{'[],' * 1_000_000}[]]")
    assert len(lock._content(path)) == lock._MAX_OUTPUT
    assert lock._records(lock._content(path)) is None


def test_when_the_budget_is_over_what_was_handed_out_counts_and_the_rest_is_told(monkeypatch):
    def run(command, folder, **options):
        (folder / "outputs-99-1.json").write_text("[]")
        return watched.Ending(limit="budget", progress=("99-1", "99-2"), said="")

    monkeypatch.setattr(lock.watched, "run", run)
    outputs = found(RIGHT)
    assert {name: each.ended for name, each in outputs.items()} == {
        "99-1": "",
        "99-2": "budget",
        "99-3": "budget",
    }


def test_a_budget_that_was_over_before_is_not_the_graders_fault():
    over = Place(limits=PLACE.limits, way=PLACE.way, ends=0.0)
    assert {each.ended for each in found(RIGHT, place=over).values()} == {"budget"}


def test_words_of_the_child_are_short_and_can_be_written_down(monkeypatch):
    def run(command, folder, **options):
        told = ["x" * 10_000, "\ud800" * 10_000, None]
        (folder / "outputs-99-3.json").write_text(json.dumps([told, told]))
        return watched.Ending(limit="", progress=("99-3",), said="")

    monkeypatch.setattr(lock.watched, "run", run)
    (outputs,) = found({"99-3": RIGHT["99-3"]}).values()
    assert len(outputs.trouble) == 20 and len(outputs.error.encode()) == 200


def test_the_child_gets_neither_seed_nor_references(monkeypatch):
    seen = {}

    def run(command, folder, **options):
        seen.update((str(path.relative_to(folder)), path.read_bytes()) for path in files(folder))
        return watched.Ending(limit="death", progress=("99-1", "99-2", "99-3"), said="")

    monkeypatch.setattr(lock.watched, "run", run)
    found(RIGHT)
    modules = {name for name in seen if name.startswith("mbpo_teach/")}
    assert not [name for name in modules if "chapter" in name or "judge" in name]
    assert "seed" not in json.loads(seen["job.json"])
    assert "mbpo_teach/world/transitions.py" in modules


def test_an_answer_that_has_changed_meets_other_inputs(monkeypatch):
    """Errors may tell inputs to a student; the next answer must not know them by heart."""
    seen = []

    def run(command, folder, **options):
        seen.append((folder / "cases-99-3").read_bytes())
        return watched.Ending(limit="time", progress=("99-3",), said="")

    monkeypatch.setattr(lock.watched, "run", run)
    for answer in (RIGHT["99-3"], RIGHT["99-3"], RIGHT["99-3"] + "# learned\n"):
        found({"99-3": answer})
    assert seen[0] == seen[1] != seen[2]


def files(folder):
    return [path for path in folder.rglob("*") if path.is_file()]

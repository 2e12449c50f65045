"""No door lets a bad argument pass silently, or answers it with an error of somebody else's."""

import importlib
import inspect
import json
import pkgutil
import subprocess
import sys

import pytest

from mbpo_teach.ground.checked import FROM_ONE, checked
from tests.ground import bad_arguments

ROOMS = (
    "records", "tables", "theory", "nets", "world", "model", "learner", "planner", "algorithms",
)  # fmt: skip


def public(room):
    """Yield the public functions and methods of a room as "room.module:name"."""
    package = importlib.import_module(f"mbpo_teach.{room}")
    for module in pkgutil.iter_modules(package.__path__):
        loaded = importlib.import_module(f"mbpo_teach.{room}.{module.name}")
        for name, value in vars(loaded).items():
            if name.startswith("_") or getattr(value, "__module__", None) != loaded.__name__:
                continue
            where = f"{room}.{module.name}:{name}"
            if inspect.isclass(value):
                for method, held in vars(value).items():
                    if getattr(held, "is_door", False):
                        yield where if method == "__init__" else f"{where}.{method}"
            elif inspect.isroutine(value) and inspect.signature(value).parameters:
                yield where


def test_a_bad_argument_is_one_sentence_that_names_it():
    """By a script of its own: here the hook for jaxtyping would be in the way."""
    script = bad_arguments.__file__
    run = subprocess.run([sys.executable, script], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    assert found["calls"] > 12_000
    assert found["wrong"] == []


@pytest.mark.parametrize("room", ROOMS)
def test_every_public_function_is_tried_or_says_why_not(room):
    reasons = {name for names in bad_arguments.INNER.values() for name in names}
    found = set(public(room))
    assert found - reasons - bad_arguments.DOORS.keys() == set()
    assert {name for name in reasons if name.startswith(room)} <= found


@checked(count=FROM_ONE)
def half(count: int) -> float:
    return count / 2


def called(name, function, *arguments):
    """Call `function` from a module called `name`."""
    module = {"__name__": name, "function": function, "arguments": arguments}
    exec("result = function(*arguments)", module)
    return module["result"]


@pytest.mark.parametrize("name", ["__main__", "mbpo", "mbpo_teacher.theory"])
def test_who_comes_from_outside_is_asked(name):
    assert called(name, half, 4) == 2
    with pytest.raises(ValueError, match="count must be at least 1, not 0"):
        called(name, half, 0)


@pytest.mark.parametrize("name", ["mbpo_teach.theory.bounds", "torch._functorch"])
def test_who_comes_from_within_is_not_asked_again(name):
    assert called(name, half, 0) == 0


COMPILED = """
import warnings, torch
from mbpo_teach.learner.losses import soft_value
from mbpo_teach.nets.compiled import compiled
warnings.simplefilter("error", RuntimeWarning)
update = compiled(lambda q, log_prob: soft_value(q, log_prob, 0.5))
q, log_prob = torch.tensor([[1.0, 2.0], [3.0, 1.0]]), torch.tensor([0.5, torch.inf])
assert update(q, log_prob).tolist() == [0.75, -torch.inf]
"""


def test_a_door_within_a_compiled_function_is_no_longer_there():
    """By a script of its own too: what the hook puts around a function cannot be compiled."""
    run = subprocess.run([sys.executable, "-c", COMPILED], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr

"""No door lets a bad argument pass silently, or answers it with an error of somebody else's."""

import importlib
import json
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("bad_arguments.py")
ROOMS = ("ground", "tables", "theory", "nets", "world", "model", "learner", "algorithms")


@pytest.mark.parametrize("room", ROOMS)
def test_a_bad_argument_is_one_sentence_that_names_it(room):
    """By a script of its own: here the hook for jaxtyping would be in the way."""
    run = subprocess.run([sys.executable, SCRIPT, room], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    assert found["calls"] > 10
    assert found["wrong"] == []


def test_every_door_has_a_valid_call():
    script = SCRIPT.read_text(encoding="utf-8")
    missing = []
    for room in ROOMS:
        package = importlib.import_module(f"mbpo_teach.{room}")
        for module in pkgutil.iter_modules(package.__path__):
            loaded = importlib.import_module(f"mbpo_teach.{room}.{module.name}")
            for name, value in vars(loaded).items():
                if getattr(value, "is_door", False) and value.__module__ == loaded.__name__:
                    if f'"{room}.{module.name}:{name}"' not in script:
                        missing.append(f"{room}.{module.name}:{name}")
    assert missing == []

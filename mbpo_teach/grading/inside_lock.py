"""What calls a student's answers on the grader's inputs, inside the isolation.

It is copied into the child's folder and runs there beside copies of the few modules that it needs;
the course's package, with its references, is not there. It returns outputs only. Whatever an
answer does to this process, it can change nothing but its own outputs.
"""

import importlib.machinery
import json
import os
import pickle
import sys
import types
from copy import deepcopy
from typing import Any

PROGRESS = "progress"


def main() -> None:
    """Run the answers of ``job.json`` in order, as a notebook would, one file of outputs each."""
    from mbpo_teach.grading.inside_limits import limit

    # Without the finders of editable installs, which would find the course again.
    sys.meta_path[:] = [
        importlib.machinery.BuiltinImporter,
        importlib.machinery.FrozenImporter,
        importlib.machinery.PathFinder,
    ]
    with open("job.json", encoding="utf-8") as file:
        job = json.load(file)
    limit(job["memory"], job["file"], job["total"])
    # What an answer prints while it is defined belongs nowhere.
    sys.stdout = sys.stderr = open(os.devnull, "w")
    from mbpo_teach.grading.shell import Shell

    notebook = types.ModuleType("__main__")
    notebook.__dict__["display"] = lambda *things, **options: None  # a notebook always has it
    sys.modules["__main__"] = notebook
    shell = Shell(notebook.__dict__)
    for exercise in job["exercises"]:
        with open(PROGRESS, "a", encoding="utf-8") as progress:
            progress.write(f"{exercise['id']}\n")
        answered = _answered(exercise, shell)
        # It is there already, and cannot be replaced; half of it would be no JSON.
        with open(f"outputs-{exercise['id']}.json", "w", encoding="utf-8") as file:
            json.dump(answered, file)


def _answered(exercise: dict[str, Any], shell: Any) -> list[Any]:
    """Return what each call came to: ``[trouble, error, plain data or null]``, name by name."""
    from mbpo_teach.grading.attempt import attempt, words
    from mbpo_teach.grading.compare import changed
    from mbpo_teach.grading.transfer import down

    defined = ""
    for cell in exercise["cells"]:
        try:
            shell.run(cell)
        except BaseException as error:  # a notebook goes on with the next cell
            defined = words(error)
    with open(f"cases-{exercise['id']}", "rb") as file:
        cases = pickle.load(file)
    answered: list[Any] = []
    for name in exercise["names"]:
        try:
            answer = eval(name, shell.namespace)
        except BaseException as error:
            answered += [["raised", defined or words(error), None] for _ in cases]
            continue
        for case in cases:
            received = deepcopy(case)
            tried = attempt(answer, received)
            value = None if tried.trouble else down(tried.value)
            trouble = tried.trouble or ("changed" if changed(case, received) else "")
            answered.append([trouble, tried.error, value])
    return answered


if __name__ == "__main__":
    main()

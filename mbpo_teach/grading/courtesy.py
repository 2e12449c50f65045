"""Read an answer's syntax tree before it runs, and say kindly what an answer does not need.

This is a courtesy, not the lock: whoever wants to can get around every rule here, for example
through ``torch.sys.modules``. What a mark rests on is in :mod:`mbpo_teach.grading.lock`.
"""

import ast
import warnings
from collections.abc import Collection, Iterator

from mbpo_teach.grading.exercise import COMMON_IMPORTS, Exercise
from mbpo_teach.grading.marks import Reason

MAX_CHARACTERS = 100_000
"""Longest answer that is read; the longest solution of the course has under two thousand."""

_CALLS = frozenset(
    "exec eval open getattr setattr globals vars __import__ compile breakpoint input".split()
)
# Dunders that ordinary code names as attributes: super().__init__(), function.__name__.
_HARMLESS = frozenset(["__init__", "__name__", "__doc__", "__call__", "__post_init__"])


def objection(exercise: Exercise, answer: str, setup: str) -> Reason | None:
    """Return why an answer is not run, or None.

    Parameters
    ----------
    exercise
        The exercise; it says what may be imported, and what it asks to write.
    answer
        The source of the answer.
    setup
        The source of the exercise's setup; what it imports, the answer may import too.
    """
    if len(answer) > MAX_CHARACTERS:
        return "mark.too_long", {"limit": MAX_CHARACTERS}
    try:
        tree = _parsed(answer)
    except SyntaxError as error:
        return "mark.no_python", {"line": error.lineno or 1}
    except (ValueError, RecursionError, MemoryError, OverflowError):
        return "mark.no_python", {"line": 1}
    allowed = {*COMMON_IMPORTS, *exercise.imports, *_imported(_parsed(setup))}
    defined = set(_defined(tree))
    for node in ast.walk(tree):
        found = _import(node, allowed) or _name(node) or _call(node, defined, exercise.library)
        if found:
            key, word = found
            return key, {"name": word, "line": getattr(node, "lineno", 1)}
    return None


def _parsed(source: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an invalid escape in a string is no reason to complain
        return ast.parse(source)


def _import(node: ast.AST, allowed: Collection[str]) -> tuple[str, str] | None:
    for module, name in _imports(node):
        # Allowed is a whole package, one module, or one name of a module.
        if not {module.partition(".")[0], module, f"{module}.{name}"} & set(allowed):
            return "mark.import", module
    return None


def _name(node: ast.AST) -> tuple[str, str] | None:
    if isinstance(node, ast.Attribute):
        name = node.attr
        if name.startswith("__") and name.endswith("__") and name not in _HARMLESS:
            return "mark.dunder", name
    elif isinstance(node, ast.Name):
        name = node.id
        if name in ("__builtins__", "__loader__", "__spec__"):
            return "mark.dunder", name
    else:
        return None
    return ("mark.call", name) if name == "get_ipython" else None


def _call(
    node: ast.AST, defined: Collection[str], library: Collection[str]
) -> tuple[str, str] | None:
    if not isinstance(node, ast.Call):
        return None
    if isinstance(node.func, ast.Name):
        name = node.func.id
        if name in defined:
            return None  # the learner's own function of that name
        if name in _CALLS:
            return "mark.call", name
    elif isinstance(node.func, ast.Attribute):
        name = node.func.attr  # model.eval() and row._replace() are no builtins
        if name in defined:
            return None
    else:
        return None
    return ("mark.library", name) if name in library else None


def _defined(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        for module, name in _imports(node):
            yield f"{module}.{name}" if name else module


def _imports(node: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield the modules that a statement imports, with the name that it takes from each, if any."""
    if isinstance(node, ast.Import):
        yield from ((alias.name, "") for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        module = "." * node.level + (node.module or "")
        yield from ((module, alias.name) for alias in node.names)

"""Read an answer's syntax tree before it runs, and say kindly what an answer does not need.

This is a courtesy, not the lock: whoever wants to can get around every rule here, for example
through ``torch.sys.modules``. What a mark rests on is in :mod:`mbpo_teach.grading.lock`.
"""

import ast
import importlib.util
from collections.abc import Collection, Iterator, Sequence

from mbpo_teach.grading.cells import MAX_CHARACTERS, tree
from mbpo_teach.grading.exercise import COMMON_IMPORTS, ISOLATED_IMPORTS, Exercise
from mbpo_teach.grading.marks import Reason
from mbpo_teach.ground.imports import imported, imports

# Files are not there, nobody answers a question, and code in a string is read by no rule here.
_CALLS = frozenset("exec eval open __import__ compile breakpoint input".split())
# Harmless in isolation, as dunder walks are; without it, if an ordinary name stands there.
_ISOLATED_CALLS = frozenset("getattr setattr delattr globals vars".split())
# Dunders that ordinary code names as attributes: super().__init__(), function.__name__.
_HARMLESS = frozenset(
    "__init__ __name__ __doc__ __class__ __call__ __post_init__ __version__ __len__ __getitem__ "
    "__iter__ __next__ __enter__ __exit__".split()
)
_MOST_SHOWN = 60


def objection(
    exercise: Exercise, cells: Sequence[str], setup: str, *, isolated: bool
) -> Reason | None:
    """Return why an answer is not run, or None.

    Parameters
    ----------
    exercise
        The exercise; it says what may be imported, and what it asks to write.
    cells
        The answer's cells.
    setup
        The source of the exercise's setup; what it imports, the answer may import too.
    isolated
        Whether it would run where there is nothing to be reached: then less is objected to.

    Raises
    ------
    SyntaxError
        If a cell is not Python.
    """
    if sum(map(len, cells)) > MAX_CHARACTERS:
        return "mark.too_long", {"limit": MAX_CHARACTERS}
    trees = [tree(cell) for cell in cells]
    allowed = {*COMMON_IMPORTS, *exercise.imports, *imported(tree(setup))}
    allowed |= set(ISOLATED_IMPORTS) if isolated else set()
    defined = {name for each in trees for name in _defined(each)}
    for each in trees:
        for node in ast.walk(each):
            found = (
                _import(node, allowed)
                or _dunder(node, isolated)
                or _call(node, defined, exercise.library, isolated)
            )
            if found:
                key, word = found
                return key, {"name": word[:_MOST_SHOWN], "line": getattr(node, "lineno", 1)}
    return None


def is_common(node: ast.Import | ast.ImportFrom) -> bool:
    """Whether any answer may have this import."""
    return _import(node, COMMON_IMPORTS) is None


def _import(node: ast.AST, allowed: Collection[str]) -> tuple[str, str] | None:
    for module, name in imports(node):
        package = module.partition(".")[0]
        # Allowed is a whole package, one module, or one name of a module.
        if not {package, module, f"{module}.{name}"} & set(allowed):
            return "mark.import", module
        if package in COMMON_IMPORTS and importlib.util.find_spec(package) is None:
            return "mark.not_installed", package
    return None


def _dunder(node: ast.AST, isolated: bool) -> tuple[str, str] | None:
    name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    if name == "get_ipython":
        return "mark.call", name
    if isolated:
        return None
    if isinstance(node, ast.Attribute):
        return _unusual(name)
    return ("mark.dunder", name) if name in ("__builtins__", "__loader__", "__spec__") else None


def _unusual(name: str) -> tuple[str, str] | None:
    if name.startswith("__") and name.endswith("__") and name not in _HARMLESS:
        return "mark.dunder", name
    return None


def _call(
    node: ast.AST, defined: Collection[str], library: Collection[str], isolated: bool
) -> tuple[str, str] | None:
    if not isinstance(node, ast.Call):
        return None
    if isinstance(node.func, ast.Name):
        name = node.func.id
        if name in defined:
            return None  # the learner's own function of that name
        if name in _CALLS:
            return "mark.call", name
        if name in _ISOLATED_CALLS and not isolated:
            return _by_name(name, node.args)
    elif isinstance(node.func, ast.Attribute):
        name = node.func.attr  # model.eval() and row._replace() are no builtins
        if name in defined:
            return None
    else:
        return None
    return ("mark.library", name) if name in library else None


def _by_name(function: str, arguments: Sequence[ast.expr]) -> tuple[str, str] | None:
    """Object to ``getattr(x, name)``, unless the name stands there and is an ordinary one."""
    if len(arguments) > 1 and isinstance(arguments[1], ast.Constant):
        return _unusual(str(arguments[1].value))
    return "mark.call", function


def _defined(parsed: ast.Module) -> Iterator[str]:
    for node in ast.walk(parsed):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id

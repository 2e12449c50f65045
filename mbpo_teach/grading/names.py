"""Which names a piece of Python uses, and which it defines, as its compiler sees them."""

import ast
import builtins
import dis
from collections.abc import Iterator
from types import CodeType

EVERYWHERE = frozenset(dir(builtins)) | frozenset(
    "__name__ __doc__ __file__ __annotations__ display get_ipython In Out _ __ ___".split()
)
"""Names that a notebook has before anything is run."""


def used(code: CodeType) -> set[str]:
    """Return the names that a cell takes from its surroundings, or from itself."""
    return {
        step.argval
        for part in _parts(code)
        for step in dis.get_instructions(part)
        if step.opname.startswith("LOAD_") and step.opname.endswith(("_NAME", "GLOBAL", "GLOBALS"))
    }


def bound(code: CodeType) -> set[str]:
    """Return the names that a cell defines for the cells below it."""
    return {
        step.argval
        for part in _parts(code)
        for step in dis.get_instructions(part)
        if step.opname == "STORE_GLOBAL" or (part is code and step.opname == "STORE_NAME")
    }


def written_to(statement: ast.stmt) -> set[str]:
    """Return the names of objects that a statement changes: ``x[0] = 1``, ``x.append(1)``."""
    found = set()
    for node in ast.walk(statement):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            place: ast.AST = node.value.func
        elif isinstance(getattr(node, "ctx", None), ast.Store):
            place = node
        else:
            continue
        inner = place
        while isinstance(inner, (ast.Attribute, ast.Subscript)):
            inner = inner.value
        if inner is not place and isinstance(inner, ast.Name):
            found.add(inner.id)
    return found


def _parts(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _parts(constant)

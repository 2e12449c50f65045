"""What a piece of Python imports, read from its syntax tree: nothing is run.

The grader asks it of answers and of the setups of exercises, and the house of its own files.
"""

import ast
from collections.abc import Iterator


def imports(node: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield the modules that a statement imports, with the name that it takes from each, if any."""
    if isinstance(node, ast.Import):
        yield from ((alias.name, "") for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        module = "." * node.level + (node.module or "")
        yield from ((module, alias.name) for alias in node.names)


def imported(tree: ast.AST) -> Iterator[str]:
    """Yield what a tree imports, inside functions too, each name with its module: ``math.pi``."""
    for node in ast.walk(tree):
        for module, name in imports(node):
            yield f"{module}.{name}" if name else module


def of_the_course(source: str) -> set[tuple[str, ...]]:
    """Return what a text imports from the course, inside functions too, below ``mbpo_teach``.

    ``from mbpo_teach.theory import bounds`` and ``from mbpo_teach.theory.bounds import C`` both
    begin with ("theory", "bounds").
    """
    names = (name.split(".") for name in imported(ast.parse(source)))
    return {tuple(place) for package, *place in names if package == "mbpo_teach" and place}

"""A name means one thing: inside a function nothing is called like an import or a function."""

import ast
from pathlib import Path

import pytest

import mbpo_teach

PACKAGE = Path(mbpo_teach.__file__).parent
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def of_the_module(tree):
    """Return the names that a file imports or defines as functions at its top."""
    names = set()
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, FUNCTIONS):
            names.add(node.name)
    return names


def bound_in_functions(tree):
    """Yield name and line of every parameter and local of every function, methods among them."""
    for function in ast.walk(tree):
        if not isinstance(function, (*FUNCTIONS, ast.Lambda)):
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.arg):
                yield node.arg, node.lineno
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                yield node.id, node.lineno
            elif isinstance(node, FUNCTIONS) and node is not function:
                yield node.name, node.lineno


def shadows(source):
    """Return name and line of everything in functions that hides a name of the module."""
    tree = ast.parse(source)
    known = of_the_module(tree)
    return sorted({(line, name) for name, line in bound_in_functions(tree) if name in known})


LABS = {"Lab", "BoundExplorer"}


def makers_of_labs(source):
    """Return the names of the public functions that are annotated to return a lab."""
    return [
        node.name
        for node in ast.parse(source).body
        if isinstance(node, FUNCTIONS)
        and isinstance(node.returns, ast.Name)
        and node.returns.id in LABS
    ]


@pytest.mark.parametrize("file", sorted((PACKAGE / "widgets").glob("*.py")), ids=lambda f: f.stem)
def test_every_function_that_makes_a_lab_is_called_a_lab(file):
    assert [
        name
        for name in makers_of_labs(file.read_text(encoding="utf-8"))
        if not name.endswith("_lab")
    ] == []


def test_the_makers_of_labs_are_found():
    source = "def a() -> Lab: pass\ndef b_lab() -> BoundExplorer: pass\ndef c() -> Still: pass"
    assert makers_of_labs(source) == ["a", "b_lab"]


@pytest.mark.parametrize(
    "file", sorted(PACKAGE.rglob("*.py")), ids=lambda file: str(file.relative_to(PACKAGE))
)
def test_no_local_name_hides_an_import_or_a_function(file):
    assert shadows(file.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("from a import b\ndef f(b): pass", [(2, "b")]),
        ("from a import c as b\ndef f(*, b=1): pass", [(2, "b")]),
        ("import a.b\ndef f():\n    a = 1", [(3, "a")]),
        ("def g(): pass\ndef f():\n    for g in x: pass", [(3, "g")]),
        ("def g(): pass\ndef f():\n    with x as g: pass", [(3, "g")]),
        ("def g(): pass\ndef f():\n    return [g for g in x]", [(3, "g")]),
        ("def g(): pass\ndef f():\n    def g(): pass", [(3, "g")]),
        ("def g(): pass\nclass A:\n    def f(self, g): pass", [(3, "g")]),
        ("def g(): pass\nf = lambda g: 1", [(2, "g")]),
        # A method, an attribute, a keyword of a call and a name read are not locals.
        ("def g(): pass\nclass A:\n    g: int\n    def f(self): self.g = h(g=g)", []),
        ("import a\nclass A:\n    def a(self): pass", []),
        ("def f():\n    g = 1\ndef h(): pass", []),
    ],
)
def test_a_hidden_name_would_be_found(source, found):
    assert shadows(source) == found

"""What a piece of Python imports, from its syntax tree."""

import ast

import pytest

from mbpo_teach.ground.imports import imported, imports, of_the_course


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("import numpy", [("numpy", "")]),
        ("import os.path as place, sys", [("os.path", ""), ("sys", "")]),
        ("from math import pi, tau as turn", [("math", "pi"), ("math", "tau")]),
        ("from . import near", [(".", "near")]),
        ("from ..theory import bounds", [("..theory", "bounds")]),
        ("from math import *", [("math", "*")]),
        ("pi = 3", []),
    ],
)
def test_imports_of_a_statement(statement, found):
    assert list(imports(ast.parse(statement).body[0])) == found


def test_imports_inside_functions_count():
    source = "import numpy\ndef f():\n    if True:\n        from math import pi\n"
    assert sorted(imported(ast.parse(source))) == ["math.pi", "numpy"]


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import mbpo_teach", set()),
        ("import mbpo_teach.theory.bounds as b", {("theory", "bounds")}),
        ("from mbpo_teach.theory import bounds", {("theory", "bounds")}),
        ("from mbpo_teach.theory.bounds import C", {("theory", "bounds", "C")}),
        ("from mbpo_teach import tables, theory", {("tables",), ("theory",)}),
        ("import mbpo_teacher.theory, numpy", set()),
    ],
)
def test_imports_of_the_course(source, found):
    assert of_the_course(source) == found

"""A cell as plain Python, as a notebook takes it, and cells run as a notebook runs them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbpo_teach.grading.cells import MAX_CHARACTERS, apart, joined, python, statements
from mbpo_teach.grading.shell import Shell


@pytest.mark.parametrize(
    ("source", "plain", "lines"),
    [
        ("x = 1", "x = 1", []),
        ("\n%%time\nx = 1", "\n\nx = 1", [2]),
        ("%%bash\nls", "", [1, 2]),
        ("%%timeit\nx = 1", "", [1, 2]),
        ("!echo it's ((\nx = 1", "pass\nx = 1", [1]),
        (
            "def f():\n    %time y = 3\n    !ls\nf??",
            "def f():\n    y = 3\n    pass\npass",
            [2, 3, 4],
        ),
        ("%pip install \\\n --upgrade x\ny = 1", "pass\npass\ny = 1", [1, 2]),
        ("x = (7\n % 2)\n?x", "x = (7\n % 2)\npass", [3]),
        ("x = '''\n% of what?\n!\n'''\n%who", "x = '''\n% of what?\n!\n'''\npass", [5]),
        ("a, b = !ls\nc = %timeit -o a", "pass\npass", [1, 2]),
        ("  x = 1\n  y = 2", "x = 1\ny = 2", []),
    ],
)
def test_what_only_ipython_understands_is_left_out_and_no_line_moves(source, plain, lines):
    assert python(source) == (plain, lines)


@pytest.mark.parametrize(
    "source",
    [
        "def f(:", "x = 1\nls -l /", "%x\n" * 1000, "a\0b", "(" * 500, "-" * 90_000 + "1",
        "x" * (MAX_CHARACTERS + 1), "import a" + ".a" * 40_000,
        "from a\\\n" + ".a" * 40_000 + " import b",
        "\ud800",
    ],
)  # fmt: skip
def test_what_is_not_python_or_too_much_of_it_is_refused_in_one_way(source):
    with pytest.raises(SyntaxError):
        python(source)


@given(st.text() | st.text(alphabet="()[]{}:=+-.,'\"\\\n \tab01@#%!?_"))
def test_any_text_is_python_or_not(text):
    try:
        plain, _ = python(text)
    except SyntaxError:
        return
    statements(plain)
    assert plain == "" or plain.count("\n") == text.count("\n")


@given(st.lists(st.text(alphabet="ab%# \n"), min_size=1))
def test_cells_come_apart_as_they_were_joined(cells):
    found = apart(joined(cells))
    assert len(found) == len(cells)
    for one, other in zip(found, cells, strict=True):
        assert one.rstrip("\n").replace("## %%", "# %%") == other.rstrip("\n").replace(
            "## %%", "# %%"
        )


def test_what_one_cell_settles_holds_for_the_next():
    shell = Shell({})
    shell.run("x = 1\nfrom __future__ import annotations")
    shell.run("def f(y: Unknown):\n    return x + y")
    shell.run("import asyncio\nwaiting = asyncio.create_task(asyncio.sleep(0, 5))")
    shell.run("z = await waiting")
    assert shell.namespace["f"](shell.namespace["z"]) == 6
    shell.close()


@pytest.mark.parametrize("ending", ["raise SystemExit(3)", "1 / 0", "def f(:", "return 3"])
def test_a_cell_that_ends_early_does_not_end_the_next(ending):
    shell = Shell({})
    with pytest.raises((Exception, SystemExit)):
        shell.run(f"x = 1\n{ending}\nx = 2")
    shell.run("y = 3")
    assert shell.namespace["y"] == 3 and shell.namespace.get("x", 1) == 1
    shell.close()

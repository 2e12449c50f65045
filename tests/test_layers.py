"""The order of docs/architecture.md: a file imports only what stands before it."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import mbpo_teach

PACKAGE = Path(mbpo_teach.__file__).parent
ARCHITECTURE = PACKAGE.parent / "docs" / "architecture.md"
LIGHT = [
    "mbpo_teach",
    *(
        "mbpo_teach." + name
        for name in ("seeding", "language", "mdp", "counting", "bounds", "exact")
    ),
    *(
        "mbpo_teach." + name
        for name in ("improvement", "growth", "mazes", "episodic", "dyna", "river", "twin")
    ),
    *("mbpo_teach." + name for name in ("cases", "gains", "drift", "bins", "spread")),
    "mbpo_teach.grading.check",
]


def reading_order():
    """Return the files of the table, in its order: ["seeding", ..., "figures", ..., "__main__"]."""
    rows = re.findall(r"^\| \d \| (.+) \|$", ARCHITECTURE.read_text(encoding="utf-8"), re.M)
    return [name.rstrip("/") for row in rows for name in re.findall(r"`([^`]+)`", row)]


def modules():
    """Yield every Python file of the package with the name that the table knows it by."""
    for file in sorted(PACKAGE.rglob("*.py")):
        name = file.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if name != "__init__":
            yield name, file


def imported(source):
    """Return the names below mbpo_teach that a file's text imports, inside functions too."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "a relative import hides where it points"
            targets = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for target in targets:
            package, _, rest = target.partition(".")
            if package == "mbpo_teach" and rest:  # the package itself imports nothing
                names.add(rest.partition(".")[0])
    return names


def upward(name, source, order):
    """Return the imports of `source`, the file called `name`, that do not point up the page."""
    here = order.index(name)
    return sorted(
        other
        for other in imported(source) - {name}
        if other not in order or order.index(other) > here
    )


def test_the_table_is_read():
    order = reading_order()
    assert order[:5] == ["seeding", "language", "checks", "mdp", "counting"]
    assert order.index("figures") < order.index("widgets") < order.index("grading")
    assert order[-1] == "__main__"
    assert len(order) == len(set(order))


def test_every_file_is_in_the_table():
    assert {name for name, _ in modules()} - set(reading_order()) == set()


@pytest.mark.parametrize(
    ("name", "file"), list(modules()), ids=lambda part: str(part).rpartition("mbpo_teach/")[2]
)
def test_no_import_points_the_wrong_way(name, file):
    assert upward(name, file.read_text(encoding="utf-8"), reading_order()) == []


@pytest.mark.parametrize(
    ("name", "source", "found"),
    [
        ("mdp", "from mbpo_teach import exact", ["exact"]),
        ("mdp", "import mbpo_teach.exact as e", ["exact"]),
        ("mdp", "def f():\n    from mbpo_teach.figures.style import words", ["figures"]),
        ("figures", "from mbpo_teach.widgets.lab import Lab", ["widgets"]),
        ("figures", "from mbpo_teach import grading", ["grading"]),
        ("mdp", "from mbpo_teach import nonsense", ["nonsense"]),
        ("exact", "from mbpo_teach.mdp import TabularMDP\nimport numpy", []),
        ("figures", "from mbpo_teach.figures import style\nfrom mbpo_teach import bounds", []),
    ],
)
def test_a_wrong_import_would_be_found(name, source, found):
    assert upward(name, source, reading_order()) == found


@pytest.mark.parametrize("file", sorted((PACKAGE / "widgets").glob("*.py")), ids=lambda f: f.name)
def test_widgets_share_controls_and_never_numbers(file):
    """What two labs show is computed in the library; of one another they know the lab only."""
    found = re.findall(
        r"from mbpo_teach\.widgets(?:\.(\w+))? import (\w+)", file.read_text(encoding="utf-8")
    )
    assert {module or name for module, name in found} <= {"lab"}


@pytest.mark.parametrize(
    "file",
    [file for room in ("figures", "widgets") for file in sorted((PACKAGE / room).glob("*.py"))],
    ids=lambda file: f"{file.parent.name}/{file.name}",
)
def test_levels_and_thresholds_of_the_theorems_come_from_bounds(file):
    """No figure and no lab divides by 1 - gamma or solves for it."""
    code = re.sub(r'""".*?"""', "", file.read_text(encoding="utf-8"), flags=re.S)
    assert re.search(r"1(\.0)? - [\w.]*gamma", code, re.I) is None


def test_the_package_itself_imports_nothing():
    assert imported((PACKAGE / "__init__.py").read_text(encoding="utf-8")) == set()


@pytest.mark.parametrize("module", LIGHT)
def test_tabular_chapters_load_neither_torch_nor_matplotlib(module):
    code = (
        f"import sys, {module}\n"
        "heavy = {'torch', 'matplotlib', 'IPython', 'ipywidgets', 'mujoco'} & sys.modules.keys()\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_figures_labs_and_exercises_of_the_tabular_chapters_never_load_torch():
    names = [
        *("figures." + name for name in ("tabular", "exact_lab", "explorer", "no_step", "samples")),
        *("figures." + name for name in ("start", "two_errors", "coverage", "lengths", "climb")),
        *("widgets." + name for name in ("lab", "bound_explorer", "dyna", "exact_lab", "no_step")),
        *("widgets." + name for name in ("start", "two_errors", "branches", "lengths", "shift")),
        *("widgets." + name for name in ("whereabouts", "climb")),
        *("grading." + name for name in ("check", "chapter00", "chapter01", "chapter04")),
    ]
    imports = ", ".join(f"mbpo_teach.{name}" for name in names)
    code = f"import sys, {imports}\nassert not {{'torch', 'mujoco'}} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_core_needs_numpy_only():
    """What chapter 4's formulas load: numpy, the standard library, and the course."""
    code = (
        "import sys; before = set(sys.modules); import mbpo_teach.mdp, mbpo_teach.bounds\n"
        "loaded = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "foreign = {name for name in loaded if name not in sys.stdlib_module_names}\n"
        "foreign = {name for name in foreign if 'cython' not in name}  # NumPy's own runtime\n"
        "assert foreign == {'numpy', 'mbpo_teach'}, foreign"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

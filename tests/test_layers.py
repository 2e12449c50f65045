"""The house of docs/architecture.md: a file stands in its room and imports what is above it."""

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import mbpo_teach
import rooms
from mbpo_teach.ground.imports import imported, of_the_course

PACKAGE = Path(mbpo_teach.__file__).parent
DOCS = PACKAGE.parent / "docs"
ARCHITECTURE = (DOCS / "architecture.md").read_text(encoding="utf-8")

# What loads neither torch nor matplotlib: whole rooms, and what an exercise is checked with.
LIGHT_ROOMS = ("ground", "records", "tables", "theory")
LIGHT = [
    "mbpo_teach",
    *(".".join(("mbpo_teach", *place)) for place, _ in rooms.modules() if place[0] in LIGHT_ROOMS),
    *("mbpo_teach.grading." + name for name in ("check", "chapter00", "chapter01", "chapter04")),
]


def table():
    """Return the rows of the table: {"theory": (["bounds", ...], {"ground", "tables"}), ...}."""
    rows = re.findall(r"^\| `([^`]+)` \|(.*)\|(.*)\|$", ARCHITECTURE, re.M)
    return {
        room.rstrip("/"): (re.findall(r"`(\w+)`", files), set(re.findall(r"`(\w+)`", below)))
        for room, files, below in rows
    }


def wrong_imports(place, source, order):
    """Return what the file at `place` imports although it does not stand above it."""
    room, *inside = place
    files = order[room][0]
    found = []
    for other in sorted(of_the_course(source)):
        if other[0] == room:
            # In a room whose files are listed, they too are in the order in which they are read.
            if inside and inside[0] in files and other[1] in files:
                if files.index(other[1]) > files.index(inside[0]):
                    found.append(".".join(other[:2]))
        elif other[0] not in order[room][1]:
            found.append(other[0])
    return found


def test_the_table_is_read():
    order = table()
    assert list(order)[:3] == ["ground", "records", "tables"]
    assert order["records"] == (["archive"], {"ground"})
    assert list(order)[-1] == "__main__"


def test_every_room_stands_on_rooms_above_it():
    above = set()
    for room, (_, below) in table().items():
        assert below <= above, room
        above.add(room)


def test_the_table_names_just_the_rooms_that_are_imported():
    assert {room: below for room, (_, below) in table().items()} == {
        room: set(below) for room, below in rooms.arrows().items()
    }


@pytest.mark.parametrize("room", [room for room, (files, _) in table().items() if files])
def test_every_file_of_a_room_is_in_the_table(room):
    there = {place[1] for place, _ in rooms.modules() if place[0] == room and len(place) > 1}
    assert set(table()[room][0]) == there


@pytest.mark.parametrize("place", [place for place, _ in rooms.modules()], ids="/".join)
def test_no_import_points_the_wrong_way(place):
    source = (PACKAGE.joinpath(*place).with_suffix(".py")).read_text(encoding="utf-8")
    assert wrong_imports(place, source, table()) == []


@pytest.mark.parametrize(
    ("place", "source", "found"),
    [
        (("theory", "bounds"), "from mbpo_teach.theory import exact", ["theory.exact"]),
        (("theory", "bounds"), "import mbpo_teach.theory.exact as e", ["theory.exact"]),
        (("tables", "mdp"), "from mbpo_teach.theory.bounds import gap", ["theory"]),
        (("tables", "mdp"), "def f():\n    from mbpo_teach.figures import style", ["figures"]),
        (("figures", "plate"), "from mbpo_teach.widgets.lab import Lab", ["widgets"]),
        (("tables", "mdp"), "from mbpo_teach import nonsense", ["nonsense"]),
        (("theory", "exact"), "from mbpo_teach.tables.mdp import TabularMDP\nimport numpy", []),
        (("figures", "shift"), "from mbpo_teach.figures import style", []),
    ],
)
def test_a_wrong_import_would_be_found(place, source, found):
    assert wrong_imports(place, source, table()) == found


@pytest.mark.parametrize("place", [place for place, _ in rooms.modules()], ids="/".join)
def test_every_import_names_its_room(place):
    """A relative one would hide where it points."""
    source = (PACKAGE.joinpath(*place).with_suffix(".py")).read_text(encoding="utf-8")
    assert not [name for name in imported(ast.parse(source)) if name.startswith(".")]


def test_no_two_files_import_each_other():
    """Nor in a circle: each file can be read after all that it needs."""
    needs = {
        place: {
            other[: len(place)]
            for other in of_the_course(file.read_text(encoding="utf-8"))
            if len(other) >= 2
        }
        for place, file in rooms.modules()
    }
    while needs:
        ready = {place for place, others in needs.items() if not others & needs.keys() - {place}}
        assert ready, f"a circle among {sorted('.'.join(place) for place in needs)}"
        needs = {place: others for place, others in needs.items() if place not in ready}


@pytest.mark.parametrize("file", sorted((PACKAGE / "widgets").glob("*.py")), ids=lambda f: f.name)
def test_widgets_share_controls_and_never_numbers(file):
    """What two labs show is computed in the library; of one another they know the panel only."""
    found = re.findall(
        r"from mbpo_teach\.widgets(?:\.(\w+))? import (\w+)", file.read_text(encoding="utf-8")
    )
    assert {module or name for module, name in found} <= {"lab", "modules"}


@pytest.mark.parametrize(
    "file",
    [file for room in ("figures", "widgets") for file in sorted((PACKAGE / room).glob("*.py"))],
    ids=lambda file: f"{file.parent.name}/{file.name}",
)
def test_levels_and_thresholds_of_the_theorems_come_from_bounds(file):
    """No figure and no lab divides by 1 - gamma or solves for it."""
    code = re.sub(r'""".*?"""', "", file.read_text(encoding="utf-8"), flags=re.S)
    assert re.search(r"1(\.0)? - [\w.]*gamma", code, re.I) is None


@pytest.mark.parametrize("init", sorted(PACKAGE.rglob("__init__.py")), ids=lambda p: p.parent.name)
def test_a_room_says_its_idea_and_re_exports_nothing(init):
    source = init.read_text(encoding="utf-8")
    assert of_the_course(source) == set()
    name = ".".join(init.parent.relative_to(PACKAGE.parent).parts)
    assert (importlib.import_module(name).__doc__ or "").strip(), name


def test_the_picture_is_drawn_from_the_present_imports():
    drawn = (DOCS / "architecture.svg").read_text(encoding="utf-8")
    assert drawn == rooms.drawn(), "python tools/rooms.py draws it anew"


def test_the_walks_name_what_is_there():
    walks = ARCHITECTURE.partition("## Two walks")[2].partition("\n## ")[0]
    named = re.findall(r"`(\w+)/(\w+)\.([\w.]+)`", walks)
    assert len(named) >= 8
    for room, file, name in named:
        thing = importlib.import_module(f"mbpo_teach.{room}.{file}")
        for part in name.split("."):
            thing = getattr(thing, part)


def test_tests_mirror_the_rooms():
    """A file of tests named like a file of the package stands in the folder named like its room."""
    tests = PACKAGE.parent / "tests"
    homes = {}
    for place, _ in rooms.modules():
        homes.setdefault(place[-1], set()).add(place[0])
    for file in tests.rglob("test_*.py"):
        stem, folder = file.stem.removeprefix("test_"), file.parent.relative_to(tests).parts
        if stem in homes and stem != "__main__":
            assert folder and folder[0] in homes[stem] | {"notebooks", "browser"}, file


@pytest.mark.parametrize("module", LIGHT)
def test_what_is_light_loads_neither_torch_nor_matplotlib(module):
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
        "import sys; before = set(sys.modules)\n"
        "import mbpo_teach.tables.mdp, mbpo_teach.theory.bounds\n"
        "loaded = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "foreign = {name for name in loaded if name not in sys.stdlib_module_names}\n"
        "foreign = {name for name in foreign if 'cython' not in name}  # NumPy's own runtime\n"
        "assert foreign == {'numpy', 'mbpo_teach'}, foreign"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

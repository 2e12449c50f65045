"""Every figure that moves speaks the protocol of figures.plate: build once, then draw frames."""

import importlib
import inspect
import pkgutil
import typing

import pytest
from matplotlib.figure import Figure

from mbpo_teach import figures
from mbpo_teach.figures.plate import Plate, drawing

MODULES = sorted(module.name for module in pkgutil.iter_modules(figures.__path__))


def functions(name):
    """Return the public functions that a file of figures defines, by name."""
    module = importlib.import_module(f"mbpo_teach.figures.{name}")
    return {
        key: function
        for key, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and not key.startswith("_")
    }


def frame_of(function):
    """Return the class of frames that a `build` function's drawing takes."""
    (taken,), drawn = typing.get_args(typing.get_type_hints(function)["return"])
    assert drawn is Plate
    return taken


@pytest.mark.parametrize("name", MODULES)
def test_build_returns_a_function_of_a_frame(name):
    for key, function in functions(name).items():
        if key.startswith("build"):
            frame = frame_of(function)
            assert issubclass(frame, tuple) and frame._fields, key
            assert frame.__module__ == function.__module__ and frame.__name__.endswith("Frame")


@pytest.mark.parametrize("name", sorted({*MODULES} - {"plate"}))
def test_nobody_else_hands_out_plates(name):
    given = {
        key: str(typing.get_type_hints(function).get("return"))
        for key, function in functions(name).items()
        if not key.startswith("build")
    }
    assert {key for key, what in given.items() if "Plate" in what} == set()


def test_there_are_figures_that_move():
    moving = [key for name in MODULES for key in functions(name) if key.startswith("build")]
    assert len(moving) >= 20


def test_a_drawing_moves_every_panel_and_keeps_its_plate():
    figure = Figure(figsize=(2, 1))
    (one,), (two,) = (axes.plot([0, 1], [0, 0]) for axes in figure.subplots(1, 2))
    draw = drawing(
        figure,
        ([one], lambda frame: one.set_ydata([frame, frame])),
        ([two], lambda frame: two.set_ydata([-frame, -frame])),
    )
    plate = draw(3)
    assert plate.moving == (one, two)
    assert (list(one.get_ydata()), list(two.get_ydata())) == ([3, 3], [-3, -3])
    assert draw(4) is plate
    assert list(two.get_ydata()) == [-4, -4]

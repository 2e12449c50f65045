"""Every figure that moves speaks the protocol of figures.plate: build once, then draw frames."""

import importlib
import inspect
import pkgutil
import typing
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.figure import Figure

from mbpo_teach import figures
from mbpo_teach.figures.axes import decades, mark_best, plain_log
from mbpo_teach.figures.levels import zoomed
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


def test_decades_hold_all_positive_numbers():
    assert decades(np.array([0.03, np.nan, 0.0]), np.array([[20.0, np.inf]])) == (0.01, 100.0)
    assert decades(np.array([1.0, 10.0])) == (1.0, 10.0)


def test_a_logarithmic_axis_has_plain_numbers():
    axes = Figure().subplots()
    axes.set(xscale="log", xlim=(1, 3000))
    plain_log(axes.xaxis)
    said = axes.xaxis.get_major_formatter().format_ticks([1, 20, 2000])
    assert said == ["1", "20", "2,000"]
    assert {1, 2, 5, 10, 1000} <= set(axes.xaxis.get_major_locator()().round(6))


def test_the_best_length_is_marked_unless_it_lies_beyond():
    (mark,) = Figure().subplots().plot([0], [0])
    heights = np.array([5.0, 6, 7])
    mark_best(mark, 2.0, heights)
    assert (list(mark.get_xdata()), list(mark.get_ydata())) == ([2], [7])
    for beyond in (3.0, np.inf):
        mark_best(mark, beyond, heights)
        assert np.isnan(mark.get_xdata()).all() and np.isnan(mark.get_ydata()).all()


def test_the_zoom_runs_from_the_lowest_return_to_the_highest():
    axes = Figure().subplots()
    (curve,) = axes.plot([0, 1, 2], [0, 0, 0])
    lines, words, move = zoomed(axes, curve, longest=2, middle=0.6, digits=2)
    branched = np.array([2.0, 3.0, 6.0])
    heights = move(SimpleNamespace(branched=branched, true_return=4.0, model_return=6.0))
    np.testing.assert_allclose(heights, [0, 0.25, 1])
    np.testing.assert_allclose(curve.get_ydata(), heights)
    assert [line.get_ydata() for line in lines] == [[1, 1], [0.5, 0.5], [0, 0]]
    symbols, numbers = [word.get_text() for word in words[:3]], words[3:]
    assert symbols == [r"$\hat{\eta}[\pi]$", r"$\eta[\pi]$", r"$\eta[\pi_D]$"]
    assert [number.get_text() for number in numbers] == [" = 6.00", " = 4.00", " = 2.00"]
    assert [number.xy[1] for number in numbers] == [1, 0.5, 0]
    level = np.array([2.0, 2.0 + 1e-15, 2.0])
    np.testing.assert_allclose(
        move(SimpleNamespace(branched=level, true_return=2.0, model_return=2.0)), 0, atol=1e-9
    )

"""Colours of light and dark pages, and figures as wide as the page has room for."""

import ast
import re
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgb

from mbpo_teach import figures
from mbpo_teach.figures import looseness, sheet, style, worlds
from mbpo_teach.figures.start import Frame, build
from mbpo_teach.figures.style import DARK_PALETTE, LIGHT_PALETTE, Page, drawn_for
from mbpo_teach.tables import mazes
from mbpo_teach.widgets import lengths

FILES = sorted(Path(figures.__file__).parent.glob("*.py"))
NO_LAYERS = looseness.Frame(layers=np.ones(5), factors=np.ones(4), trivial=1.0)
WORDS = {"BLACK": 4.5, "DARK": 4.5}


def luminance(colour):
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("name", sorted({*DARK_PALETTE} - {"WHITE", "PALE", "BODY"}))
def test_lines_and_words_stand_out_on_dark_paper(name):
    light, dark = sorted(map(luminance, (DARK_PALETTE[name], DARK_PALETTE["WHITE"])))[::-1]
    assert (light + 0.05) / (dark + 0.05) >= WORDS.get(name, 3)


def test_the_two_blues_of_one_figure_can_be_told_apart():
    for palette in (LIGHT_PALETTE, DARK_PALETTE):
        light, dark = sorted(luminance(palette[name]) for name in ("SKY", "BLUE"))[::-1]
        assert (light + 0.05) / (dark + 0.05) >= 1.7


@pytest.mark.parametrize("dark", [False, True])
def test_arrows_stand_out_on_cells_of_every_value(dark):
    maze = mazes.dyna_maze()
    with drawn_for(Page(dark=dark)):
        plate = worlds.build(maze)(worlds.Frame(np.zeros((len(maze.cells), 4))))
        paper = np.array(to_rgb(style.WHITE))
    picture, *_, arrows = plate.moving
    arrow = luminance(to_hex(arrows.get_facecolor()[0]))
    for value in (0.0, 0.1, 1.0):
        *colour, alpha = picture.to_rgba(np.array([[value]]))[0, 0]
        cell = luminance(to_hex(alpha * np.array(colour) + (1 - alpha) * paper))
        light, deep = sorted((arrow, cell))[::-1]
        assert (light + 0.05) / (deep + 0.05) >= 3, value


def test_palettes_name_the_same_colours():
    assert DARK_PALETTE.keys() == LIGHT_PALETTE.keys()


def test_a_colour_is_that_of_the_page():
    assert style.BLUE == LIGHT_PALETTE["BLUE"]
    with drawn_for(Page(dark=True)):
        assert style.BLUE == DARK_PALETTE["BLUE"]
    assert style.BLUE == LIGHT_PALETTE["BLUE"]
    with pytest.raises(AttributeError, match="has no attribute 'BLEU'"):
        _ = style.BLEU


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_no_figure_asks_for_a_colour_before_it_is_built(file):
    """Read at import it would be the light one for ever."""
    tree = ast.parse(file.read_text("utf-8"))
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.Lambda)
        for part in (function.body if isinstance(function.body, list) else [function.body])
        for node in ast.walk(part)
    }
    early = [
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "style"
        and node.attr in LIGHT_PALETTE
        and id(node) not in inside
    ]
    assert early == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_no_words_are_smaller_than_eleven_pixels(file):
    sizes = re.findall(
        r"(?:fontsize|labelsize|titlesize)[=\"':]+ ?([\d.]+)", file.read_text("utf-8")
    )
    assert all(float(size) * 100 / 72 >= 11 for size in sizes), sizes


def test_a_dark_page_has_dark_paper_and_finer_pixels_more_of_them():
    plain = build()(Frame(0.9)).image()
    with drawn_for(Page(dark=True, density=2)):
        dark = build()(Frame(0.9)).image()
    assert plain.getpixel((2, 2)) == (255, 255, 255) and dark.getpixel((2, 2)) == (17, 17, 17)
    assert dark.size == (2 * plain.width, 2 * plain.height)


@pytest.mark.parametrize(
    ("width", "wide", "stacked"), [(1080, 840, False), (700, 700, False), (400, 400, True)]
)
def test_panels_stand_side_by_side_or_stacked(width, wide, stacked):
    with drawn_for(Page(width=width)):
        figure = build()(Frame(0.9)).figure
    near, far = (axes.get_position() for axes in figure.axes)
    assert figure.get_figwidth() == pytest.approx(wide / 100)
    assert (far.y1 < near.y0) == stacked
    assert (far.x0 > near.x1) != stacked


def test_legends_are_narrower_on_narrow_pages():
    columns = {}
    for width in (1080, 900, 400):
        with drawn_for(Page(width=width)):
            columns[width] = sheet.columns(3, 9.8)
    assert columns == {1080: 3, 900: 2, 400: 1}


def test_titles_break_before_they_leave_the_figure_and_never_within_mathematics():
    with style.style(), drawn_for(Page(width=300)):
        figure, (upper, lower) = sheet.beside(9.0, 3.0)
        upper.set_title(r"the sum of $a + b + c + d$ and of all that is to come after it")
        lower.set_title("short")
        sheet.fold(figure)
        figure.draw_without_rendering()
    title = upper.get_title(loc="left")
    assert "\n" in title and r"$a + b + c + d$" in title
    assert title.replace("\n", " ").startswith("the sum of") and title.endswith("after it")
    assert upper._left_title.get_window_extent().x1 <= figure.bbox.x1
    assert lower.get_title(loc="left") == "short"


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_names_of_bars_break_on_narrow_pages_never_within_mathematics(lang, monkeypatch):
    monkeypatch.setenv("MBPO_LANG", lang)
    with drawn_for(Page(width=360)):
        plate = looseness.build()(NO_LAYERS)
    names = plate.figure.axes[0].get_yticklabels()
    lines = [line for name in names for line in name.get_text().split("\n")]
    assert len(lines) > len(names) == 5
    assert all(line.count("$") % 2 == 0 for line in lines)


@pytest.mark.parametrize("width", [360, 840, 1080])
def test_names_below_panels_run_into_nothing(width):
    with drawn_for(Page(width=width)):
        figure = lengths.lengths_lab().plate.figure
    (legend,) = figure.legends
    assert not any(axes.get_legend() for axes in figure.axes)
    lowest = min(axes.xaxis.label.get_window_extent().y0 for axes in figure.axes)
    box = legend.get_window_extent()
    assert box.y1 <= lowest and box.y0 >= 0
    assert box.x0 >= 0 and box.x1 <= figure.bbox.width

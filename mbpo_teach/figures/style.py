"""Colours, line styles and words shared by every figure, and the page that it is drawn for.

The colours are Okabe and Ito's, told apart by colour-blind readers too, some of them lighter on
dark paper; each series also has its own line style, so that no figure depends on colour alone.
Used by all chapters.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import matplotlib as mpl
from matplotlib import font_manager

from mbpo_teach.ground import language

# Colours of the page that is drawn for; a figure asks for them when it is built, never before.
BLACK: str
ORANGE: str
SKY: str
GREEN: str
YELLOW: str
BLUE: str
RED: str
PURPLE: str
GREY: str
DARK: str  # for words in a figure
WHITE: str  # the paper
PALE: str  # for areas that say nothing
WALL: str
BODY: str

LIGHT_PALETTE = {
    "BLACK": "#000000",
    "ORANGE": "#E69F00",
    "SKY": "#56B4E9",
    "GREEN": "#009E73",
    "YELLOW": "#F0E442",
    "BLUE": "#0072B2",
    "RED": "#D55E00",
    "PURPLE": "#CC79A7",
    "GREY": "#767676",
    "DARK": "#333333",
    "WHITE": "#FFFFFF",
    "PALE": "#D9D9D9",
    "WALL": "#4D4D4D",
    "BODY": "#B9C4CC",
}

DARK_PALETTE = LIGHT_PALETTE | {
    "BLACK": "#F2F2F2",
    "SKY": "#9AD7F7",
    "GREEN": "#12B886",
    "BLUE": "#4C9FE0",
    "RED": "#F0743A",
    "GREY": "#8F8F8F",
    "DARK": "#D9D9D9",
    "WHITE": "#111111",
    "PALE": "#4A4A4A",
    "WALL": "#B3B3B3",
    "BODY": "#5A656E",
}
"""On JupyterLab's dark paper every line has a contrast of 3:1 and more, every word 4.5:1."""

if not TYPE_CHECKING:

    def __getattr__(name: str) -> str:
        if name not in LIGHT_PALETTE:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return _palette()[name]


class Page(NamedTuple):
    """What a figure is drawn for: `density` pixels of the screen per CSS pixel, `width` CSS pixels.

    As it stands it is the page of a notebook's stored pictures.
    """

    dark: bool = False
    density: float = 1.0
    width: int = 1080


_page = [Page()]


@contextmanager
def drawn_for(page: Page) -> Iterator[None]:
    """Enter the context in which figures are built and drawn for `page`."""
    with DRAWING:
        _page.append(page)
        try:
            yield
        finally:
            _page.pop()


def present() -> Page:
    """Return the page that is drawn for."""
    return _page[-1]


def _palette() -> dict[str, str]:
    return DARK_PALETTE if present().dark else LIGHT_PALETTE


DRAWING = threading.RLock()
"""Held while anything is drawn.

JupyterLab runs what a slider does in a second thread, beside the cell that is running; matplotlib's
settings and fonts belong to both, and two threads that draw at once spoil each other's pictures.
"""

_CJK_FONTS = (
    "Noto Sans CJK SC",
    "Source Han Sans SC",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Microsoft YaHei",
    "PingFang SC",
    "Hiragino Sans GB",
    "Heiti SC",
    "SimHei",
    "Noto Sans CJK JP",
)
"""Those that read best beside mathematics, the best first; any other is looked for after them."""

_NEEDED = "回报误差"


@cache
def cjk_font() -> str | None:
    """Return the name of an installed font with Chinese characters, or None."""
    fonts = font_manager.fontManager.ttflist
    installed = {font.name for font in fonts}
    known = next((name for name in _CJK_FONTS if name in installed), None)
    return known or next((font.name for font in fonts if _has_chinese(font)), None)


def _has_chinese(font: Any) -> bool:
    if font.name.startswith("Last Resort"):  # matplotlib's own, an empty box for every letter
        return False
    try:
        letters = font_manager.get_font(font.fname).get_charmap()
    except (OSError, RuntimeError):  # a file that is gone, or that FreeType cannot read
        return False
    return all(ord(letter) in letters for letter in _NEEDED)


def words(key: str, **values: Any) -> str:
    """Return the catalogue's words for a figure.

    They are in the current language, or in English where that is Chinese and this machine has
    no Chinese font: readable English is better than a row of empty boxes.
    """
    spoken = language.current()
    if spoken == "zh" and cjk_font() is None:
        spoken = "en"
    return language.say(key, spoken, **values)


@contextmanager
def style() -> Iterator[None]:
    """Enter the context in which figures are made: quiet axes, readable at notebook width.

    One thread at a time; see :data:`DRAWING`.
    """
    with DRAWING, mpl.rc_context(_settings()):
        yield


def _settings() -> dict[Any, Any]:
    palette = _palette()
    family = ["DejaVu Sans"]
    if language.current() == "zh" and (font := cjk_font()) is not None:
        # First, not as a fall-back: beside mathematics matplotlib tries one font only.
        family.insert(0, font)
    return {
        "font.family": family,
        "font.size": 10,
        "axes.titlesize": 10.5,
        "axes.titlelocation": "left",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.unicode_minus": True,
        "legend.frameon": False,
        "legend.fontsize": 9,
        "figure.dpi": 100 * present().density,
        "savefig.dpi": 100 * present().density,
        "figure.constrained_layout.use": True,
        "figure.facecolor": palette["WHITE"],
        "savefig.facecolor": palette["WHITE"],
        "axes.facecolor": palette["WHITE"],
        "text.color": palette["BLACK"],
        "axes.labelcolor": palette["BLACK"],
        "axes.edgecolor": palette["BLACK"],
        "patch.edgecolor": palette["BLACK"],
        "xtick.color": palette["BLACK"],
        "ytick.color": palette["BLACK"],
    }

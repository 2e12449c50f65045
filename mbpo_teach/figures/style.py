"""Colours, line styles and words shared by every figure.

The colours are Okabe and Ito's, told apart by colour-blind readers too; each series also has its
own line style, so that no figure depends on colour alone. Used by all chapters.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import matplotlib as mpl
from matplotlib import font_manager

from mbpo_teach.ground import language

BLACK = "#000000"
ORANGE = "#E69F00"
SKY = "#56B4E9"
GREEN = "#009E73"
YELLOW = "#F0E442"
BLUE = "#0072B2"
RED = "#D55E00"
PURPLE = "#CC79A7"
GREY = "#767676"
DARK = "#333333"
"""For words in a figure."""

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
    family = ["DejaVu Sans"]
    if language.current() == "zh" and (font := cjk_font()) is not None:
        # First, not as a fall-back: beside mathematics matplotlib tries one font only.
        family.insert(0, font)
    with (
        DRAWING,
        mpl.rc_context(
            {
                "font.family": family,
                "font.size": 10,
                "axes.titlesize": 10.5,
                "axes.titlelocation": "left",
                "axes.spines.top": False,
                "axes.spines.right": False,
                "axes.unicode_minus": True,
                "legend.frameon": False,
                "legend.fontsize": 9,
                "figure.dpi": 100,
                "savefig.dpi": 100,
                "figure.facecolor": "white",
                "figure.constrained_layout.use": True,
            }
        ),
    ):
        yield

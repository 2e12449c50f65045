"""Draw the pictures in Illustrations/, each from the course's own code.

The pictures with Chinese words need a Chinese font. Letters in an SVG are drawn as paths, so that
it looks the same where the font is missing.
"""

import io
from pathlib import Path

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG

from mbpo_teach.figures import style
from mbpo_teach.figures.spiral import spiral
from mbpo_teach.ground import language
from mbpo_teach.ground.files import write_whole
from mbpo_teach.records import archive
from mbpo_teach.widgets.exact_lab import exact_lab
from pictures import quantised

FOLDER = Path(__file__).parent.parent / "Illustrations"
BRANCHES = {"en": "branched_rollout", "zh": "分支推演示意图"}


def draw_branches(folder: Path) -> None:
    """Draw branched rollouts in both languages, as PNG and SVG, on white for any theme."""
    if style.cjk_font() is None:
        raise RuntimeError("the pictures with Chinese words need a Chinese font installed")
    record = archive.load("branches_Pendulum-v1")
    for spoken, name in BRANCHES.items():
        language.use(spoken)
        figure = spiral(record.arrays)
        png = io.BytesIO()
        FigureCanvasAgg(figure).print_figure(png, dpi=150)
        write_whole(folder / f"{name}.png", quantised(png.getvalue()))
        # The salt and no date: the same picture gives the same file.
        with mpl.rc_context({"svg.fonttype": "path", "svg.hashsalt": name}):
            FigureCanvasSVG(figure).print_figure(folder / f"{name}.svg", metadata={"Date": None})


def main() -> None:
    """Draw every illustration."""
    language.use("en")
    lab = exact_lab()
    lab.move(eps_m=0.1, eps_pi=0.06, gamma=0.7)
    write_whole(FOLDER / "exact_lab.png", lab.plate.png())
    draw_branches(FOLDER)


if __name__ == "__main__":
    main()

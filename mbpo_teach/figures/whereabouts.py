"""Where branches start, where they are after k steps, and where whole imagined rollouts go.

Three maps of the twin's cells, and below them the exact model error met on the way, with a
line where a branch of k steps stops. Drawn for chapter 5.
"""

from typing import NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.image import AxesImage

from mbpo_teach.figures import sheet, style
from mbpo_teach.figures.axes import legend_below
from mbpo_teach.figures.plate import Draw, drawing
from mbpo_teach.figures.style import words


class Frame(NamedTuple):
    """What one frame shows.

    `starts`, `branched` and `whole` are laws over the cells, (angle, velocity); `branch_errors` and
    `whole_errors` the expected one-step error after j imagined steps, each (step,); `k` is how many
    steps the branches of `branched` have gone: such a branch meets the errors of j = 0 to k - 1.
    `true_errors`, (step,), are met by real steps from where branches start, and `eps_m_prime` is
    the theorem's number, the largest such expectation from the world's own starts.
    """

    k: int
    starts: np.ndarray
    branched: np.ndarray
    whole: np.ndarray
    branch_errors: np.ndarray
    whole_errors: np.ndarray
    true_errors: np.ndarray
    eps_m_prime: float


def build(*, steps: int, most: float) -> Draw[Frame]:
    """Return a function that draws one frame; a cell of chance `most` has the darkest colour."""
    with style.style():
        narrow = sheet.is_narrow(9.4)
        figure = sheet.single(9.4, 9.6 if narrow else 4.7)
        rows = 4 if narrow else 2
        grid = figure.add_gridspec(
            rows, 1 if narrow else 3, height_ratios=(1.2,) * (rows - 1) + (1,)
        )
        images: list[AxesImage] = []
        for column, key in enumerate(("starts", "branched", "whole")):
            axes = figure.add_subplot(grid[column, 0] if narrow else grid[0, column])
            images.append(
                axes.imshow(
                    np.zeros((7, 7)), extent=(-np.pi, np.pi, -8, 8), origin="lower", aspect="auto",
                    interpolation="nearest", cmap=mpl.colormaps["Blues"],
                    norm=mpl.colors.PowerNorm(0.5, vmin=0, vmax=most),
                )
            )  # fmt: skip
            axes.set_title(words(f"whereabouts.{key}"))
            axes.set_xticks([-np.pi, 0, np.pi], ["−π", "0", "π"])
            axes.set_xlabel(words("whereabouts.angle"))
            if narrow or column == 0:
                axes.set_ylabel(words("spiral.velocity"))
        bar = figure.colorbar(images[0], ax=figure.axes, fraction=0.03, pad=0.02)
        bar.set_label(words("whereabouts.chance"))
        below = figure.add_subplot(grid[-1, :])
        times = np.arange(steps + 1)
        (branch,) = below.plot(
            times, times, "o-", color=style.BLUE, ms=4, label=words("whereabouts.branch_error")
        )
        (whole,) = below.plot(
            times, times, "s--", color=style.RED, ms=4, label=words("whereabouts.whole_error")
        )
        (true,) = below.plot(
            times, times, "-.", color=style.GREEN, lw=1.8, label=words("whereabouts.true_error")
        )
        (most_true,) = below.plot(
            [-0.5, steps + 0.5], [0, 0], ":", color=style.BLACK, label=words("whereabouts.eps")
        )
        (here,) = below.plot(0, 0, "o", color=style.BLUE, mec=style.WHITE, ms=11)
        stop = below.axvline(0, color=style.BLACK, lw=1.2, ls=":")
        named = below.text(0, 0.78, "", color=style.DARK, fontsize=9)
        below.set(xlim=(-0.5, steps + 0.5), ylim=(0, 0.9), yticks=np.arange(0, 0.9, 0.2))
        below.set_xlabel(words("whereabouts.step"))
        below.set_ylabel(words("two_errors.tv"))
        below.set_title(words("whereabouts.error_title"))
        legend_below(below, 0.01, 0.34, ncols=sheet.columns(4, 9.4))

    def move(frame: Frame) -> None:
        laws = (frame.starts, frame.branched, frame.whole)
        for image, law in zip(images, laws, strict=True):
            image.set_data(law.T)
        branch.set_ydata(frame.branch_errors)
        whole.set_ydata(frame.whole_errors)
        true.set_ydata(frame.true_errors)
        most_true.set_ydata([frame.eps_m_prime] * 2)
        here.set_data([frame.k], [frame.branch_errors[frame.k]])
        stop.set_xdata([frame.k - 0.5] * 2)
        named.set_text(words("whereabouts.stop", k=frame.k))
        to_the_left = frame.k > 0.6 * steps
        named.set_horizontalalignment("right" if to_the_left else "left")
        named.set_x(frame.k - 0.9 if to_the_left else frame.k - 0.1)

    return drawing(figure, ([*images, true, most_true, branch, whole, here, stop, named], move))

"""The parts of soft actor-critic and what feeds what. Drawn for chapter 6.

Each row of the picture ends in a loss: that of the temperature, of the actor, of the critics. A
solid frame holds what steps down the slope of a loss, a dashed one what only follows.
"""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from mbpo_teach.figures import style
from mbpo_teach.figures.still import Still
from mbpo_teach.figures.style import words

_WIDTH, _HEIGHT = 104, 52  # of the drawing, in tenths of an inch


def actor_critic_picture() -> Still:
    """Show actor, twin critics, target critics and temperature, and where their numbers go."""
    with style.style():
        figure = Figure(figsize=(_WIDTH / 10, _HEIGHT / 10))
        axes = figure.subplots()
        axes.set(xlim=(0, _WIDTH), ylim=(0, _HEIGHT))
        axes.axis("off")
        _act(axes)
        _judge(axes)
        _follow(axes)
    return Still(figure, words("actor_critic.say"))


def _act(axes: Axes) -> None:
    """Draw the row of the actor: a state in, an action and its log-density out."""
    _box(axes, 5, 43, 7, 6, "$s$")
    _box(axes, 21, 43, 15, 11, words("actor_critic.actor"), color=style.RED)
    _box(axes, 41, 46.4, 17, 5, words("actor_critic.mean"), color=style.RED)
    _box(axes, 41, 39.6, 17, 5, words("actor_critic.log_std"), color=style.RED)
    _box(axes, 64, 43, 20, 8.5, words("actor_critic.draw"))
    _box(axes, 91.5, 43, 21, 8.5, words("actor_critic.temperature"), color=style.ORANGE)
    _arrow(axes, (8.5, 43), (13.5, 43))
    _arrow(axes, (28.5, 44.5), (32.5, 46.4))
    _arrow(axes, (28.5, 41.5), (32.5, 39.6))
    _arrow(axes, (49.5, 46.4), (54, 44.5))
    _arrow(axes, (49.5, 39.6), (54, 41.5))
    _arrow(axes, (74, 43), (81, 43), "$\\log\\pi$", (77.5, 44.4))
    _said(axes, 64, 50.3, words("actor_critic.noise"))
    _arrow(axes, (64, 49.4), (64, 47.25))


def _judge(axes: Axes) -> None:
    """Draw the row of the critics: a state and an action in, the actor's loss out."""
    for number, height in ((1, 29.4), (2, 23.6)):
        name = words("actor_critic.critic", number=number)
        _box(axes, 41, height, 17, 5, name, color=style.BLUE)
        _arrow(axes, (49.5, height), (54, 26.5))
    _box(axes, 14, 26.5, 24, 8.5, words("actor_critic.pair"))
    _box(axes, 64, 26.5, 20, 6.5, words("actor_critic.smaller"))
    _box(axes, 91.5, 26.5, 21, 8.5, words("actor_critic.actor_loss"), fill=True)
    _arrow(axes, (26, 27.3), (32.5, 29.4))
    _arrow(axes, (26, 25.7), (32.5, 23.6))
    _arrow(axes, (74, 26.5), (81, 26.5))
    _arrow(axes, (57, 38.75), (46, 31.9), "$a$", (50.5, 36.6))
    _arrow(axes, (70, 38.75), (83, 30.75), "$\\log\\pi$", (74.5, 33.5))
    _arrow(axes, (93, 38.75), (93, 30.75), "$\\alpha$", (95, 35))


def _follow(axes: Axes) -> None:
    """Draw the row of the target critics: the next state in, the critics' loss out."""
    for number, height in ((1, 9.9), (2, 4.1)):
        name = words("actor_critic.target_critic", number=number)
        _box(axes, 41, height, 17, 5, name, color=style.BLUE, dashes=(4, 2))
        _arrow(axes, (49.5, height), (53, 7))
    _box(axes, 14, 7, 24, 8.5, words("actor_critic.next"))
    _box(axes, 64, 7, 22, 8.5, words("actor_critic.target"))
    _box(axes, 91.5, 7, 21, 8.5, words("actor_critic.critic_loss"), fill=True)
    _arrow(axes, (26, 7.8), (32.5, 9.9))
    _arrow(axes, (26, 6.2), (32.5, 4.1))
    _arrow(axes, (75, 7), (81, 7), "$y$", (78, 8.4))
    _arrow(axes, (49.5, 22.5), (81, 11), "$Q_i(s,a)$", (68.5, 18.3))
    _arrow(axes, (39, 21.1), (39, 12.4), dashes=(4, 2))
    _said(axes, 37.5, 16.7, words("actor_critic.follow"), ha="right")


def _box(
    axes: Axes, x: float, y: float, width: float, height: float, said: str, *,
    color: str | None = None, dashes: tuple[int, int] | None = None, fill: bool = False,
) -> None:  # fmt: skip
    """Draw a box around (x, y): framed in `color` where it learns, filled where it is a loss."""
    look: dict[str, Any] = {
        "edgecolor": color or style.GREY,
        "facecolor": "#EEEEEE" if fill else "white",
        "lw": 2 if color else 1,
        "ls": (0, dashes) if dashes else "-",
    }
    corner = (x - width / 2, y - height / 2)
    axes.add_patch(Rectangle(corner, width, height, **look))
    _said(axes, x, y, said)


def _said(axes: Axes, x: float, y: float, said: str, *, ha: str = "center") -> None:
    axes.text(x, y, said, ha=ha, va="center", color=style.DARK, linespacing=1.7)


def _arrow(
    axes: Axes, start: tuple[float, float], end: tuple[float, float], said: str = "",
    at: tuple[float, float] = (0, 0), *, dashes: tuple[int, int] | None = None,
) -> None:  # fmt: skip
    look = {"arrowstyle": "-|>", "color": style.DARK, "lw": 1.2, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", end, start, arrowprops={**look, "ls": (0, dashes) if dashes else "-"})
    if said:
        _said(axes, *at, said)

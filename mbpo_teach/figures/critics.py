"""What each loss of SAC does to one action's value, and why there are two critics.

Drawn for chapter 6.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from mbpo_teach.figures import sheet, style
from mbpo_teach.figures.axes import legend_below
from mbpo_teach.figures.plate import Draw, drawing
from mbpo_teach.figures.still import Still
from mbpo_teach.figures.style import words
from mbpo_teach.learner.hills import ACTIONS, action_value, density, policies


def losses_picture(
    critics: Mapping[int, Tensor],
    actors: Mapping[int, Tensor],
    temperature: float,
    heated: Sequence[tuple[float, float]],
    target: float,
) -> Still:
    """Show one loss after the other at work, by number of updates.

    `critics` are both critics on the hills' actions (2, action), `actors` mean and log deviation,
    learned at `temperature`, `heated` the temperature and the entropy at every update.
    """
    with style.style():
        figure = Figure(figsize=(10.4, 3.9))
        left, middle, right = figure.subplots(1, 3, width_ratios=(1, 1, 0.9))
        _critic_panel(left, critics)
        _actor_panel(middle, actors, temperature)
        hot, random = np.array(heated).T
        right.plot(hot, color=style.RED, lw=1.8, label=words("losses.temperature"))
        right.plot(random, color=style.BLUE, lw=1, alpha=0.8, label=words("losses.entropy"))
        right.axhline(target, color=style.BLACK, lw=1.2, ls="--", label=words("target.target"))
        right.set_title(words("losses.temperature_title"))
        right.set_xlabel(words("losses.update"))
        right.set(xlim=(0, len(hot) - 1))
        legend_below(right, 0.04, 0.16)
    worst = [float((q - action_value(ACTIONS)).abs().max()) for q in critics.values()]
    last = policies(*list(actors.values())[-1].double())
    said = words(
        "losses.say", first=worst[0], worst=worst[-1], temperature=temperature,
        action=np.tanh(float(last.mean)), entropy=float(last.entropy),
        before=hot[0], after=hot[-1], target=target,
    )  # fmt: skip
    return Still(figure, said)


def _critic_panel(axes: Axes, critics: Mapping[int, Tensor]) -> None:
    x = ACTIONS.numpy()
    axes.plot(x, action_value(ACTIONS).numpy(), color=style.BLACK, lw=1.6, label="$Q(a)$")
    for (dashes, colour), (updates, both) in zip(_stages(), critics.items(), strict=True):
        for place, q in enumerate(both.numpy()):
            label = None if place else _stage(updates)
            axes.plot(x, q, dashes, color=colour, lw=1.3, label=label)
    axes.set_title(words("losses.critic_title"))
    _action_axis(axes)


def _actor_panel(axes: Axes, actors: Mapping[int, Tensor], temperature: float) -> None:
    x = ACTIONS.numpy()
    axes.plot(x, action_value(ACTIONS).numpy(), color=style.BLACK, lw=1.6, label="$Q(a)$")
    for (dashes, colour), (updates, actor) in zip(_stages(), actors.items(), strict=True):
        axes.plot(
            x, density(*actor.tolist()).numpy(), dashes, color=colour, lw=1.8,
            label=_stage(updates),
        )  # fmt: skip
    axes.set_ylim(0, None)
    axes.set_title(words("losses.actor_title", temperature=f"{temperature:g}"))
    _action_axis(axes)


def _stages() -> tuple[tuple[str, str], ...]:
    return (":", style.PURPLE), ("--", style.GREEN), ("-", style.BLUE)


def _stage(updates: int) -> str:
    return words("losses.after", updates=updates) if updates else words("losses.before")


def _action_axis(axes: Axes) -> None:
    axes.set_xlim(-1, 1)
    axes.set_xlabel(words("hills.action"))
    legend_below(axes, 0.04, 0.16, ncols=2, handlelength=1.6,
                columnspacing=1.2)  # fmt: skip


class TwinsFrame(NamedTuple):
    """The `place` of the present noise, and two `critics` on the hills' actions (2, action)."""

    place: int
    critics: Tensor


def build_twins(
    noises: np.ndarray, optimism: Mapping[str, np.ndarray], worth: Mapping[str, np.ndarray]
) -> Draw[TwinsFrame]:
    """Return a function that draws one frame: noisy critics, and what believing them costs.

    `optimism` and `worth` (noise,) are, for "one" critic and the smaller of "two", the mean
    surplus of belief over truth at the chosen action, and the true value of that action.
    """
    x, truth = ACTIONS.numpy(), action_value(ACTIONS).numpy()
    with style.style():
        figure, left, *panels = sheet.one_and_two(9.8, 4.5)
        left.plot(x, truth, color=style.BLACK, lw=1.8, label="$Q(a)$")
        looks = (
            ("twins.first", style.ORANGE, "--", 1.3),
            ("twins.second", style.PURPLE, ":", 1.3),
            ("twins.smaller", style.BLUE, "-", 1.8),
        )
        lines = [
            left.plot(x, truth, dashes, color=colour, lw=width, label=words(name))[0]
            for name, colour, dashes, width in looks
        ]
        marks = [
            left.plot(0, 0, "o", color=colour, mec=style.WHITE, ms=11)[0]
            for colour in (style.ORANGE, style.BLUE)
        ]
        drops = [left.plot([0, 0], [0, 0], color=mark.get_color(), lw=2)[0] for mark in marks]
        left.set(xlim=(-1, 1), ylim=(-1.6, 3.2))
        left.set_xlabel(words("hills.action"))
        left.set_title(words("twins.title"))
        legend_below(left, 0.02, 0.12, ncols=sheet.columns(2, 9.8), handlelength=1.8)
        panels[0].axhline(0, color=style.GREY, lw=1)
        panels[1].axhline(truth.max(), color=style.GREY, lw=1)
        dots = []
        for axes, curves in zip(panels, (optimism, worth), strict=True):
            for (name, values), colour, dashes in zip(
                curves.items(), (style.ORANGE, style.BLUE), ("--", "-"), strict=True
            ):
                label = words(f"twins.{name}")
                axes.plot(noises, values, dashes, color=colour, lw=1.8, label=label)
                dots.append((axes.plot(0, 0, "o", color=colour, mec=style.WHITE, ms=8)[0], values))
            axes.set_xlim(noises[0], noises[-1])
        panels[0].set_title(words("twins.optimism_title"))
        panels[0].tick_params(labelbottom=False)
        panels[0].legend(loc="upper left")
        panels[1].set_ylim(0.8, 1.36)
        panels[1].set_title(words("twins.worth_title"))
        panels[1].set_xlabel(words("twins.noise_axis"))

    def move(frame: TwinsFrame) -> None:
        place, critics = frame
        smaller = critics.min(dim=0).values
        for line, values in zip(lines, (*critics, smaller), strict=True):
            line.set_ydata(values.numpy())
        for values, mark, drop in zip((critics[0], smaller), marks, drops, strict=True):
            best = int(torch.argmax(values))
            mark.set_data([x[best]], [values[best]])
            drop.set_data([x[best]] * 2, [truth[best], float(values[best])])
        for dot, curve in dots:
            dot.set_data([noises[place]], [curve[place]])

    moving = [*lines, *drops, *marks, *(dot for dot, _ in dots)]
    return drawing(figure, (moving, move), guess=(panels[0], "y"))

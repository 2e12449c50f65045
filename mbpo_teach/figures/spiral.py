"""Branched rollouts drawn from a real trajectory: the picture that gives the method its name.

Angle against angular velocity of a pendulum. Drawn for chapter 5 and for Illustrations/.
"""

from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mbpo_teach.figures import style
from mbpo_teach.figures.style import words

_LARGE: dict[Any, Any] = {"font.size": 12, "legend.fontsize": 11.5, "axes.labelsize": 12.5}


def spiral(arrays: Mapping[str, NDArray[np.float32]]) -> Figure:
    """Draw the record "branches_Pendulum-v1".

    `arrays` holds observations [cos, sin, velocity]: the "real" path (time, 3), "branches"
    (point, copy, time, 3) that start on it, and "whole" rollouts (copy, time, 3) from its start.
    """
    with style.style(), mpl.rc_context(_LARGE):
        figure = Figure(figsize=(9.0, 5.4))
        axes = figure.subplots()
        for number, rollout in enumerate(arrays["whole"]):
            label = words("spiral.whole") if number == 0 else None
            axes.plot(*_plane(rollout), "--", color=style.RED, lw=1.2, alpha=0.85, label=label)
        axes.plot(*_plane(arrays["real"]), color=style.BLACK, lw=2.8, label=words("spiral.real"))
        branches = arrays["branches"].reshape(-1, *arrays["branches"].shape[2:])
        for number, branch in enumerate(branches):
            label = words("spiral.branches", k=len(branch) - 1) if number == 0 else None
            axes.plot(*_plane(branch), color=style.SKY, lw=1.8, zorder=3, label=label)
        starts = np.array([_plane(branch)[:, 0] for branch in arrays["branches"][:, 0]])
        axes.plot(
            *starts.T, "o", color=style.BLUE, mec=style.WHITE, ms=9, zorder=4,
            label=words("spiral.points"),
        )  # fmt: skip
        angle, velocity = _plane(arrays["real"])[:, 0]
        axes.annotate(
            words("spiral.start"), (angle, velocity), (22, -24), textcoords="offset points",
            ha="left", va="top", color=style.DARK, arrowprops={"arrowstyle": "-", "lw": 0.8},
        )  # fmt: skip
        axes.set_xlabel(words("spiral.angle"))
        axes.set_ylabel(words("spiral.velocity"))
        axes.set_xticks(np.pi * np.arange(1, 4), ["π", "2π", "3π"])
        axes.legend(loc="lower right")
    return figure


def _plane(obs: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return angle and velocity, (2, time); the angle goes on past a full turn."""
    angle = np.arctan2(obs[:, 1], obs[:, 0]) % (2 * np.pi)
    return np.array([np.unwrap(angle), obs[:, 2]])

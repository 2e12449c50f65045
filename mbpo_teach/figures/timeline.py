"""The process behind the branched return: for each moment, what is real, what imagined, and now.

The return eta_k adds up one expected reward for each time t. The state at t has had max(t - k, 0)
real steps of pi_D, then min(t, k) imagined steps of pi; the action at t is drawn from pi. Each t
is a process of its own: its row is no continuation of the row above. Paper, section 4.2; computed
exactly by :func:`mbpo_teach.theory.exact.branched_returns`. Drawn for chapter 00.
"""

from typing import Any

from matplotlib.figure import Figure

from mbpo_teach.figures import style
from mbpo_teach.figures.still import Still
from mbpo_teach.figures.style import words

_STEPS: dict[str, Any] = {"lw": 2.5, "marker": "|", "ms": 9}


def timeline(*, k: int, last: int) -> Still:
    """Show the k-branched process, k >= 1, for the rewards at t = 0 to `last`, a row for each."""
    with style.style():
        figure = Figure(figsize=(7.6, 3.3))
        axes = figure.subplots()
        for t in range(last + 1):
            branch = max(t - k, 0)
            real, imagined = range(branch + 1), range(branch, t + 1)
            axes.plot(real, [t] * len(real), color=style.BLACK, **_STEPS)
            axes.plot(imagined, [t] * len(imagined), color=style.BLUE, linestyle="--", **_STEPS)
            axes.plot(t, t, "o", color=style.RED, ms=8)
        for line, key in zip(axes.lines[-3:], ("real", "imagined", "now"), strict=True):
            line.set_label(words(f"timeline.{key}"))
        axes.set(xlim=(-0.2, last + 0.2), ylim=(last + 0.5, -0.5))
        axes.set_xticks(range(last + 1))
        axes.set_yticks(range(last + 1), [words("timeline.reward", t=t) for t in range(last + 1)])
        axes.set_xlabel(words("timeline.steps"))
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return Still(figure, words("timeline.say", k=k, last=last, real=max(last - k, 0)))

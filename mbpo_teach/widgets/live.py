"""A training watched while it runs: a curve that grows, and a sentence that says how far it is.

A training loop is a generator of reports and knows nothing of pictures; this is the one who asks it
for them. The stop button of JupyterLab (an interrupt) ends the training, not the cell: what was
reported until then is returned. Used in chapters 6 and 7.
"""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar

import numpy as np
from IPython.display import display
from torch import Tensor

from mbpo_teach.figures import learning, style
from mbpo_teach.figures.learning import Rival
from mbpo_teach.figures.style import DRAWING
from mbpo_teach.ground import language
from mbpo_teach.widgets.lab import Panel, frame_of, panel_words


class Reported(Protocol):
    """What a report must tell: real steps, returns from the fixed starts (start,), seconds."""

    @property
    def step(self) -> int: ...  # noqa: D102

    @property
    def returns(self) -> Tensor: ...  # noqa: D102

    @property
    def seconds(self) -> float: ...  # noqa: D102


AReport = TypeVar("AReport", bound=Reported)


def watch(
    reports: Iterable[AReport],
    *,
    world: str,
    total_steps: int,
    lowest: float,
    highest: float,
    best: float | None = None,
    rival: Rival | None = None,
) -> list[AReport]:
    """Ask for every report, show each as it comes, and return all of them.

    An interrupt ends the training, and the reports made until then are returned. The picture has
    real steps up to `total_steps` and returns from `lowest` to `highest`; `best` is the mean of the
    best returns known, and a `rival` a recorded algorithm, whose median stands behind the curve.
    In a stored notebook the last picture remains, with its sentence.
    """
    curve = LiveCurve(world, total_steps, lowest=lowest, highest=highest, best=best, rival=rival)
    seen: list[AReport] = []
    curve.show(seen, "training")
    shown = display(  # type: ignore[no-untyped-call]
        curve.panel, display_id=True
    )
    try:
        for report in reports:
            seen.append(report)
            curve.show(seen, "training")
        state = "finished"
    except KeyboardInterrupt:
        state = "stopped"
    curve.show(seen, state)
    # A widget would not outlive its kernel; a picture and a line of text do.
    if shown is not None:
        shown.update(curve.still(), raw=True)
    display({"text/plain": curve.sentence}, raw=True)  # type: ignore[no-untyped-call]
    return seen


class LiveCurve:
    """The picture of one training: `sentence` and `panel` show the reports given last."""

    def __init__(
        self,
        world: str,
        total_steps: int,
        *,
        lowest: float,
        highest: float,
        best: float | None = None,
        rival: Rival | None = None,
    ) -> None:
        self._total, self._rival = total_steps, rival
        self._build = partial(
            learning.build, world, total_steps=total_steps, lowest=lowest, highest=highest,
            best=best, rival=rival,
        )  # fmt: skip
        self._draw, self._page = self._build(), style.Page()
        self._shown: tuple[Sequence[Reported], str] = (), "training"
        self.panel = Panel(words=panel_words({}, ()))
        self.panel.observe(self._laid, "page")
        self.sentence = ""

    def _laid(self, change: dict[str, Any]) -> None:
        """Draw anew for another page: dark, narrow or of finer pixels."""
        with DRAWING:
            self._page = style.Page(**change["new"])
            with style.drawn_for(self._page):
                self._draw = self._build()
            self.show(*self._shown)

    def show(self, reports: Sequence[Reported], state: str) -> None:
        """Draw the reports; `state` is "training", "finished" or "stopped"."""
        with DRAWING, style.drawn_for(self._page):
            self._shown = reports, state
            self.sentence = said(reports, state, total_steps=self._total, rival=self._rival)
            step = reports[-1].step if reports else 0
            self.panel.frame = frame_of(
                self._draw(frame(reports, state)),
                self.sentence,
                state={"step": step, "total": self._total, "state": state},
            )

    def still(self) -> dict[str, Any]:
        """Return the last picture and sentence as an output that needs no kernel."""
        with DRAWING:
            plate = self._build()(frame(*self._shown))
            return {"image/png": plate.png(), "text/plain": self.sentence}


def frame(reports: Sequence[Reported], state: str) -> learning.Frame:
    """Return what the picture shows of the reports."""
    returns = [report.returns.numpy() for report in reports]
    return learning.Frame(
        steps=np.array([report.step for report in reports]),
        low=np.array([each.min() for each in returns]),
        mean=np.array([each.mean() for each in returns]),
        high=np.array([each.max() for each in returns]),
        stopped=bool(reports) and state == "stopped",
    )


def said(
    reports: Sequence[Reported], state: str, *, total_steps: int, rival: Rival | None = None
) -> str:
    """Return the sentence about a training, in the current language."""
    if not reports:
        key = "live.nothing" if state == "stopped" else "live.waiting"
        return language.text(key, total=total_steps)
    last = reports[-1]
    parts = [
        language.text(
            "live.training",
            step=last.step,
            total=total_steps,
            mean=round(last.returns.mean().item()),  # whole numbers know no minus zero
            low=round(last.returns.min().item()),
            high=round(last.returns.max().item()),
        )
    ]
    if rival is not None and last.step >= rival.trainings.steps[0]:
        steps, middle = rival.trainings.steps, rival.trainings.middle
        there = int(np.flatnonzero(steps <= last.step)[-1])
        parts.append(
            language.text(
                "live.against",
                name=rival.name,
                mean=round(float(middle[there])),
                step=int(steps[there]),
            )
        )
    if state == "training":
        if (left := seconds_left(reports, total_steps)) is not None:
            parts.append(language.text("live.left", seconds=left))
    else:
        parts.append(language.text("live.finished" if state == "finished" else "live.interrupted"))
    return language.join(parts)


def seconds_left(reports: Sequence[Reported], total_steps: int) -> float | None:
    """Return how long the rest takes at the pace since the report before, None if there is none.

    The first steps, taken at random without learning, are faster than all later ones.
    """
    if len(reports) < 2:
        return None
    before, last = reports[-2:]
    pace = (last.seconds - before.seconds) / (last.step - before.step)
    return (total_steps - last.step) * pace

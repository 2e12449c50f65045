"""What a terminal of 80 columns says of trainings while they run: numbers first, names last.

Time left is told at the pace between the last two reports: the first steps, taken at random without
learning, are faster than all later ones. Used by the commands `train` and `sweep` of chapter 7.
"""

import unicodedata
from collections.abc import Sequence

from mbpo_teach.ground import language
from mbpo_teach.runs.training import Row

COLUMNS = 79
"""One less than a terminal's 80: in the last column some terminals begin a new line."""


def numbers(row: Row) -> list[str]:
    """Return what a row says in words: the return, k, and the model's error, if there is one."""
    said = [language.text("train.return", mean=f"{row['eval_return']:.1f}")]
    if row["rollout_length"] is not None:
        said.append(f"k={row['rollout_length']}")
        said.append(language.text("train.error", error=f"{row['model_holdout']:.3g}"))
    return said


def training(rows: Sequence[Row], total: int) -> str:
    """Return the line of one training of `total` steps, after these rows."""
    step = rows[-1]["step"] if rows else 0
    said = [language.text("train.step", step=step, total=total)]
    if rows:
        said += numbers(rows[-1])
    if (seconds := seconds_left(rows, total)) is not None:
        said.append(language.text("train.left", time=clock(seconds)))
    return fitted(listed(said))


def one_of_many(name: str, row: Row | None, total: int) -> str:
    """Return the line of one run of a sweep: a name too long for it loses its beginning."""
    share = 100 * row["step"] // total if row else 0
    said = f"{share:3d} %  {listed(numbers(row)) if row else ''}".rstrip() + "  "
    room = COLUMNS - width(said)
    return said + (name if len(name) <= room else "…" + name[len(name) - room + 1 :])


def whole(done: int, runs: int, steps: int, total: int, *, before: int, seconds: float) -> str:
    """Return the line of a whole sweep: `done` of its `runs`, and `steps` of `total`.

    `before` is how many steps were there `seconds` ago, when it was begun or gone on with.
    """
    said = [language.text("train.all", done=done, runs=runs, share=100 * steps // total)]
    if before < steps < total:
        left = seconds * (total - steps) / (steps - before)
        said.append(language.text("train.left", time=clock(left)))
    return fitted(listed(said))


def seconds_left(rows: Sequence[Row], total: int) -> float | None:
    """Return how long the rest takes at the pace between the last two rows, None if untold."""
    if len(rows) < 2 or rows[-1]["step"] >= total:
        return None
    before, last = rows[-2:]
    pace = (last["wall_seconds"] - before["wall_seconds"]) / (last["step"] - before["step"])
    return float((total - last["step"]) * pace)


def clock(seconds: float) -> str:
    """Return a time as ``2:05`` or ``1:02:05``, never as none at all."""
    whole_seconds = max(1, round(seconds))
    minutes, hours = whole_seconds // 60 % 60, whole_seconds // 3600
    start = f"{hours}:{minutes:02d}" if hours else f"{minutes}"
    return f"{start}:{whole_seconds % 60:02d}"


def listed(said: Sequence[str]) -> str:
    """Return words as a list in the current language."""
    return ("，" if language.current() == "zh" else ", ").join(said)


def fitted(line: str) -> str:
    """Return as much of `line` as has room."""
    while width(line) > COLUMNS:
        line = line[:-1]
    return line


def width(text: str) -> int:
    """Return how many columns `text` takes: Chinese letters take two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)

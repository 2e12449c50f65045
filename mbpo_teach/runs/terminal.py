"""Trainings in a terminal: lines, sentences, and a picture at the end.

What the commands `train` and `sweep` do with a run in a folder (:mod:`mbpo_teach.runs.training`).
"""

import csv
import io
import shlex
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import torch
from tqdm import tqdm

from mbpo_teach.figures.learning import progress_picture
from mbpo_teach.ground import language
from mbpo_teach.ground.files import write_whole
from mbpo_teach.runs import lines
from mbpo_teach.runs.sweep import name_of, read_grid
from mbpo_teach.runs.sweep import sweep as sweep_runs
from mbpo_teach.runs.training import PROGRESS, RUN, Row, Run, progress, stored_run, train_in

PICTURE = "learning_curve.png"

COMPILED = {"sac.compile": True, "fit.compile": True}
"""What ``--compile`` sets."""


def train(
    environment: str,
    *,
    algorithm: str | None,
    preset: str | None,
    steps: int | None,
    seed: int | None,
    out: Path | None,
    resume: bool,
    compiled: bool,
    threads: int,
    device: str | None = None,
) -> bool:
    """Train in a folder, and say how far it is; return whether the run reached its end.

    What is None is taken from the run that is gone on with, or is the usual.

    Raises
    ------
    ValueError, OSError
        As :func:`mbpo_teach.runs.training.train_in`.
    """
    said = {"algorithm": algorithm, "preset": preset, "seed": seed, "steps": steps}
    said["device"] = device
    given: dict[str, Any] = {name: value for name, value in said.items() if value is not None}
    if compiled:
        given["settings"] = COMPILED
    run = Run(environment=environment, **given)
    folder = out or Path("runs") / f"{environment}_{run.algorithm}_{run.preset}_{run.seed}"
    if resume and (folder / RUN).exists():
        there = stored_run(folder)
        known = {name: getattr(there, name) for name in (*said, "settings")}
        if there.settings.get("sac.compile"):
            given.pop("settings", None)  # of an earlier version it compiled less, and goes on so
        run = Run(environment=environment, **(known | given))
    torch.set_num_threads(threads)
    total, rows = run.config().total_steps, progress(folder) if resume else []
    click.echo(language.text("train.folder", folder=folder))
    try:
        with _line() as line:
            line.say(lines.training(rows, total))
            for row in train_in(folder, run, resume=resume):
                rows.append(row)
                line.say(lines.training(rows, total))
    except KeyboardInterrupt:
        # All that was given: of a run that is stopped at its very beginning nothing is stored yet.
        options: dict[str, object] = {
            "--algo": algorithm,
            "--preset": preset,
            "--steps": steps,
            "--seed": seed,
            "--out": folder,
            "--device": device,
            "--threads": threads,
        }
        again = [sys.executable, "-m", "mbpo_teach", "train", environment, "--resume"]
        again += [f"{name}={value}" for name, value in options.items() if value is not None]
        again += ["--compile"] if compiled else []
        command = shlex.join(again)
        step = rows[-1]["step"] if rows else 0
        click.echo("\n" + language.text("train.stopped", step=step, command=command))
        return False
    if rows:
        write_whole(folder / PICTURE, progress_picture(rows, f"{environment}, {run.algorithm}"))
        click.echo(
            language.text(
                "train.done",
                step=rows[-1]["step"],
                mean=f"{rows[-1]['eval_return']:.1f}",
                folder=folder,
            )
        )
    return True


def sweep(grid: Path, *, jobs: int | None, scheduler: str | None, out: Path) -> bool:
    """Train every run of a grid with a line of progress for each; return whether all succeeded.

    The last rows of all runs are written to `sweep.csv`.

    Raises
    ------
    ValueError, OSError
        As :func:`mbpo_teach.runs.sweep.read_grid` and :func:`mbpo_teach.ground.spread.spread`.
    """
    runs, ends = read_grid(grid), dict[int, Row]()
    language.current()  # one that there is not is refused now, not after the first run
    out.mkdir(parents=True, exist_ok=True)
    failed = 0
    with _followed(runs, out, ends):
        for position, result in sweep_runs(runs, out.absolute(), jobs=jobs, scheduler=scheduler):
            name = name_of(runs[position])
            if isinstance(result, str):
                failed += 1
                tqdm.write(f"{name}: {result}")
            else:
                ends[position] = result[-1]
                tqdm.write(f"{name}: {lines.listed(lines.numbers(result[-1]))}")
    write_whole(out / "sweep.csv", _ends(runs, ends))
    click.echo(language.text("train.swept", done=len(ends), total=len(runs), folder=out))
    return not failed


class _Line:
    """A line that is written over in a terminal, and once for each report elsewhere."""

    def __init__(self) -> None:
        self._bar = tqdm(bar_format="{desc}") if sys.stderr.isatty() else None

    def say(self, words: str) -> None:
        if self._bar is None:
            click.echo(words)
        else:
            self._bar.set_description_str(words)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


@contextmanager
def _line() -> Iterator[_Line]:
    line = _Line()
    try:
        yield line
    finally:
        line.close()


@contextmanager
def _followed(runs: list[Run], out: Path, ends: Mapping[int, Row]) -> Iterator[None]:
    """Keep a line for each run where its `progress.csv` says, and one for all of them.

    Only if somebody looks at a terminal.
    """
    if not sys.stderr.isatty():
        yield
        return
    totals = [run.config().total_steps for run in runs]
    bars = [tqdm(bar_format="{desc}") for _ in (*runs, "all")]
    start, before, over = time.monotonic(), _steps(runs, out), threading.Event()

    def follow() -> None:
        while True:
            last = over.wait(1)
            for run, total, bar in zip(runs, totals, bars, strict=False):
                bar.set_description_str(lines.one_of_many(name_of(run), _end(run, out), total))
            bars[-1].set_description_str(
                lines.whole(
                    *(len(ends), len(runs), _steps(runs, out), sum(totals)),
                    before=before,
                    seconds=time.monotonic() - start,
                )
            )
            if last:
                return

    follower = threading.Thread(target=follow, daemon=True)
    follower.start()
    try:
        yield
    finally:
        over.set()
        follower.join()
        for bar in bars:
            bar.close()


def _end(run: Run, out: Path) -> Row | None:
    """Return what the last row of a run's `progress.csv` says, if there is one.

    Of a damaged file nothing is said: it is written anew from the checkpoint, when its turn comes.
    """
    path = out / name_of(run) / PROGRESS
    if not path.is_file():
        return None
    try:
        rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
        return {
            "step": int(rows[-1]["step"]),
            "eval_return": float(rows[-1]["eval_return"]),
            "rollout_length": rows[-1]["rollout_length"] or None,
            "model_holdout": float(rows[-1]["model_holdout"] or "nan"),
        }
    except (OSError, csv.Error, LookupError, TypeError, ValueError):
        return None


def _steps(runs: list[Run], out: Path) -> int:
    """Return how many steps all runs have taken."""
    return sum(row["step"] for run in runs if (row := _end(run, out)))


def _ends(runs: list[Run], ends: Mapping[int, Row]) -> bytes:
    names = list(dict.fromkeys(name for run in runs for name in run.settings))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    about = ("environment", "algorithm", "preset", "seed")
    reached = ("step", "eval_return", "wall_seconds")
    writer.writerow([*about, *names, *reached])
    for position, row in sorted(ends.items()):
        run = runs[position]
        settings = [run.settings.get(name, "") for name in names]
        writer.writerow(
            [*(getattr(run, name) for name in about), *settings, *(row[key] for key in reached)]
        )
    return text.getvalue().encode()

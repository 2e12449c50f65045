"""Trainings in a terminal: bars, sentences, and a picture at the end.

What the commands `train` and `sweep` do with a run in a folder (:mod:`mbpo_teach.training`).
"""

import shlex
from pathlib import Path

import click
import torch
from tqdm import tqdm

from mbpo_teach import language
from mbpo_teach.figures.learning import progress_picture
from mbpo_teach.runs import write_whole
from mbpo_teach.training import RUN, Row, Run, progress, stored_run, train_in

PICTURE = "learning_curve.png"


def train(
    environment: str,
    *,
    algorithm: str | None,
    preset: str | None,
    steps: int | None,
    seed: int | None,
    out: Path | None,
    resume: bool,
    threads: int,
) -> bool:
    """Train in a folder, with a progress bar; return whether the run reached its end.

    What is None is taken from the run that is gone on with, or is the usual.

    Raises
    ------
    ValueError, OSError
        As :func:`mbpo_teach.training.train_in`.
    """
    said = {"algorithm": algorithm, "preset": preset, "seed": seed, "steps": steps}
    given = {name: value for name, value in said.items() if value is not None}
    run = Run(environment=environment, **given)  # type: ignore[arg-type]
    folder = out or Path("runs") / f"{environment}_{run.algorithm}_{run.preset}_{run.seed}"
    if resume and (folder / RUN).exists():
        there = stored_run(folder)
        known = {name: getattr(there, name) for name in (*said, "settings")}
        run = Run(environment=environment, **(known | given))
    torch.set_num_threads(threads)
    total, rows = run.config().total_steps, progress(folder) if resume else []
    click.echo(language.text("train.folder", folder=folder))
    bar = tqdm(
        total=total,
        initial=rows[-1]["step"] if rows else 0,
        desc=f"{run.algorithm} {environment}",
        unit=language.text("train.unit"),
    )
    try:
        with bar:
            for row in train_in(folder, run, resume=resume):
                rows.append(row)
                bar.set_postfix_str(_beside(row), refresh=False)
                bar.update(row["step"] - bar.n)
    except KeyboardInterrupt:
        again = ["python", "-m", "mbpo_teach", "train", environment, "--out", str(folder)]
        command = shlex.join([*again, "--threads", str(threads), "--resume"])
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


def _beside(row: Row) -> str:
    """Return what stands beside the bar: the return, k, and the model's error."""
    said = [language.text("train.return", mean=f"{row['eval_return']:.1f}")]
    if row["rollout_length"] is not None:
        said.append(f"k={row['rollout_length']}")
        said.append(language.text("train.error", error=f"{row['model_holdout']:.3g}"))
    return ", ".join(said)

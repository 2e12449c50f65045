"""The course from a terminal: ``python -m mbpo_teach lab``, ``train``, ``grade`` and others."""

import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path

try:
    import click

    from mbpo_teach.course import doctor, server, workspace
    from mbpo_teach.ground import language
except ModuleNotFoundError as missing:  # most often a terminal outside .venv
    sys.exit(
        f"This Python ({sys.executable}) has no {missing.name}; the course's own is"
        " .venv/bin/python, which `make lab` makes. README says how without make, and which systems"
        " PyTorch is missing for.\n"
        f"这个 Python（{sys.executable}）没有安装 {missing.name}。请使用课程自己的"
        " .venv/bin/python，它由 `make lab` 建立；没有 make，或者系统没有对应的 PyTorch 时，"
        "见 README。"
    )

_EDITION = click.Choice(language.LANGUAGES)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """When to Trust Your Model: an interactive course (何时信任你的模型)."""


@main.command()
@click.option("--edition", type=_EDITION, help="Language of the notebooks (MBPO_LANG, else en).")
@click.option("--chapter", default="00", show_default=True, help="Chapter to open.")
@click.option("--no-browser", is_flag=True, help="Print the address and open no browser.")
@click.argument("jupyter_options", nargs=-1, type=click.UNPROCESSED)
def lab(
    edition: str | None, chapter: str, no_browser: bool, jupyter_options: tuple[str, ...]
) -> None:
    """Open JupyterLab on your working copy of a chapter.

    Options after -- go to JupyterLab, for example: lab -- --port=9999
    """
    from mbpo_teach.course import trust

    with _clear_errors():
        edition = _speak(edition)
        notebook = workspace.working_copy(workspace.COURSE, chapter, edition)
        prepared = workspace.prepare(workspace.COURSE)
        trust.sign(workspace.COURSE)
        _check_jupyters_folders()
    if prepared.added:
        click.echo(language.text("cli.added", count=len(prepared.added)))
    if prepared.outdated:
        newer = ", ".join(prepared.outdated)
        names = {"chapters": newer, "first": prepared.outdated[0], "python": sys.executable}
        click.echo(language.text("cli.outdated", **names))
    if prepared.former:
        former = ", ".join(f"work/{name}" for name in prepared.former)
        click.echo(language.text("cli.former", notebooks=former))
    address = notebook.relative_to(workspace.COURSE).as_posix()
    click.echo(language.text("cli.opening", notebook=address))
    command = server.command(
        f"--ServerApp.root_dir={workspace.COURSE}",
        f"--LabApp.default_url=/lab/tree/{address}",
        *trust.options(workspace.COURSE),
    )
    if not _chooses_connection(jupyter_options):
        command.append(server.PROMPT)
    if no_browser:
        command.append("--no-browser")
    if os.name == "posix" and os.geteuid() == 0:
        command.append("--allow-root")  # the only user of a container; Jupyter refuses otherwise
    _become([*command, *jupyter_options])


@main.command()
@click.argument("chapter")
@click.option("--edition", type=_EDITION, help="Reset this language only (else both).")
def reset(chapter: str, edition: str | None) -> None:
    """Put a fresh copy of CHAPTER in place; the old one stays beside it under a dated name."""
    with _clear_errors():
        _speak(edition)
        editions = (edition,) if edition else language.LANGUAGES
        replaced = workspace.reset(workspace.COURSE, chapter, editions=editions)
    for item in replaced:
        names = {
            "notebook": item.notebook.relative_to(workspace.COURSE),
            "kept": item.kept.relative_to(workspace.COURSE),
        }
        click.echo(language.text("cli.replaced", **names))
    click.echo(language.text("cli.reload" if replaced else "cli.unchanged"))


@main.command("doctor")
def check_machine() -> None:
    """Check that this machine is ready for the course, and say what to do where it is not."""
    with _clear_errors():
        found = doctor.checks()
    for check in found:
        click.echo(f"{'✓' if check.ok else '✗'} {check.name}: {check.message}")
        if check.cure:
            click.echo(f"    → {check.cure}")
    sys.exit(0 if all(check.ok for check in found) else 1)


@main.command()
@click.argument("environment")
@click.option(
    "--algo", help="mbpo (the default), sac: SAC alone, without a model, or pets: planning."
)
@click.option("--preset", help="laptop (the default) or authors.")
@click.option("--steps", type=click.IntRange(1), help="Real steps (as many as the preset has).")
@click.option("--seed", type=click.IntRange(0), help="Seed of everything random (0).")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the run (runs/ENVIRONMENT_ALGO_PRESET_SEED).",
)
@click.option("--resume", is_flag=True, help="Go on with the run in that folder.")
@click.option(
    "--compile", "compiled", is_flag=True, help="Compile updates and fits; needs g++ or clang."
)
@click.option("--device", help="cpu (the default) or cuda: a graphics card that PyTorch can use.")
@click.option("--threads", type=click.IntRange(1, 1024), default=1, show_default=True)
def train(
    environment: str,
    algo: str | None,
    preset: str | None,
    steps: int | None,
    seed: int | None,
    out: Path | None,
    resume: bool,
    compiled: bool,
    device: str | None,
    threads: int,
) -> None:
    """Train MBPO, SAC alone, or PETS, in ENVIRONMENT, for example Pendulum-v1.

    Ctrl-C, or worse, loses at most what was learned since the last refit of the model: --resume
    goes on from there to the same curve. With more --steps a finished run goes on.
    """
    with _clear_errors("train.files", "train.broken"):
        click.echo(language.text("train.loading"))
        from mbpo_teach.runs import terminal  # loads PyTorch, which takes seconds

        finished = terminal.train(
            environment,
            algorithm=algo,
            preset=preset,
            steps=steps,
            seed=seed,
            out=out,
            resume=resume,
            compiled=compiled,
            device=device,
            threads=threads,
        )
    sys.exit(0 if finished else 130)


@main.command()
@click.argument("grid", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--jobs", type=click.IntRange(1), help="Runs at a time (one a processor).")
@click.option("--scheduler", help="Address of a Dask scheduler; the runs go to its cluster.")
@click.option(
    "--out",
    default=Path("runs"),
    show_default=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the runs' folders.",
)
def sweep(grid: Path, jobs: int | None, scheduler: str | None, out: Path) -> None:
    """Train every run of GRID, a TOML file: every combination of the settings in it.

    Stopped with Ctrl-C, or killed, and started again, it does only what is missing. The exit code
    is 1 if a run could not be trained.
    """
    with _clear_errors("train.files", "train.broken"):
        click.echo(language.text("train.loading"))
        from mbpo_teach.runs import terminal

        try:
            done = terminal.sweep(grid, jobs=jobs, scheduler=scheduler, out=out)
        except KeyboardInterrupt:
            click.echo("\n" + language.text("train.interrupted"))
            sys.exit(130)
    sys.exit(0 if done else 1)


@main.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--chapter", "chapters", multiple=True, help="Grade this chapter (may be repeated).")
@click.option(
    "--out",
    default=Path("grades"),
    show_default=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for the reports.",
)
@click.option("--jobs", type=click.IntRange(1), help="Submissions at a time (one a processor).")
@click.option(
    "--timeout",
    default=30.0,
    show_default=True,
    help="Seconds for each cell; a whole submission gets 120 and 16 times that.",
)
@click.option(
    "--isolate",
    default="auto",
    show_default=True,
    help="auto, bwrap (refuse to run without bubblewrap) or none.",
)
@click.option("--scheduler", help="Address of a Dask scheduler; the work goes to its cluster.")
def grade(
    paths: tuple[Path, ...],
    chapters: tuple[str, ...],
    out: Path,
    jobs: int | None,
    timeout: float,
    isolate: str,
    scheduler: str | None,
) -> None:
    """Grade a class: notebooks, a folder of them, or a folder per student.

    Killed and started again, it goes on where it stopped. The exit code is 1 only if something
    could not be graded.
    """
    # These load what a learner's commands do not need.
    from tqdm import tqdm

    from mbpo_teach.grading import classroom, handed_in, report
    from mbpo_teach.ground.files import write_whole

    with _clear_errors("grade.files", "grade.broken"):
        given = handed_in.submissions(
            workspace.COURSE, paths, [chapter and chapter.zfill(2) for chapter in chapters], out=out
        )
        ready = classroom.grade_class(
            workspace.COURSE,
            given,
            out,
            timeout=timeout,
            isolate=isolate,
            workers=jobs,
            scheduler=scheduler,
            hidden=[path if os.path.isdir(path) else path.absolute().parent for path in paths],
        )
        reports = {}
        hidden = not sys.stderr.isatty()  # no bar in a file or a pipe
        with tqdm(
            total=len(given), desc=language.text("grade.progress"), unit="", disable=hidden
        ) as bar:
            for position, graded in ready:
                reports[position] = graded
                bar.update()
        in_order = [reports[position] for position in range(len(given))]
        for name, content in report.files(in_order, timeout=timeout).items():
            write_whole(out / name, content)
    click.echo(report.as_table(in_order))
    click.echo(language.text("grade.written", folder=out))
    sys.exit(1 if report.faults(in_order) else 0)


def _speak(edition: str | None) -> str:
    if edition:
        language.use(edition)
    return language.current()


@contextmanager
def _clear_errors(files: str = "cli.files", broken: str = "grade.broken") -> Iterator[None]:
    """Turn what can go wrong into one sentence and exit code 1.

    `files` and `broken` are the words for files and for workers that died.
    """
    try:
        yield
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    except BrokenProcessPool as error:
        raise click.ClickException(language.text(broken, error=error)) from None
    except OSError as error:
        reason = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        raise click.ClickException(language.text(files, reason=reason)) from None


def _check_jupyters_folders() -> None:
    """Raise a `ValueError` where JupyterLab would end in a traceback of its own."""
    from jupyter_core.paths import jupyter_config_dir, jupyter_data_dir, jupyter_runtime_dir

    for folder in (jupyter_config_dir(), jupyter_data_dir(), jupyter_runtime_dir()):
        try:
            os.makedirs(folder, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            names = {"folder": folder, "reason": error.strerror}
            raise ValueError(language.text("cli.home", **names)) from None


def _chooses_connection(jupyter_options: Sequence[str]) -> bool:
    """Return whether pages are to be connected to kernels in a way that is not ours to choose."""
    words = ("gateway", "Gateway", "kernel_websocket_connection_class")
    chosen = any(word in option for option in jupyter_options for word in words)
    return chosen or "JUPYTER_GATEWAY_URL" in os.environ


def _become(command: list[str]) -> None:
    """Run `command` in place of this process, so that Ctrl-C and signals reach it directly."""
    environment = server.environment(os.environ)
    if sys.getfilesystemencoding() != "utf-8":  # LC_ALL=C: Jupyter could not name a Chinese folder
        environment["PYTHONUTF8"] = "1"
    if os.name == "posix":
        os.execve(command[0], command, environment)
    sys.exit(subprocess.call(command, env=environment))


def _spell_what_it_lacks() -> None:
    """Write letters that the terminal's encoding lacks by their numbers, as ``check`` does.

    A Windows console, or a file that it is redirected to, may lack ticks or Chinese, and the first
    of them would end the command, with its work done and its result unsaid.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


if __name__ == "__main__":
    _spell_what_it_lacks()
    main(prog_name="python -m mbpo_teach")

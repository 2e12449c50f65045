"""What surrounds an answer while it runs: bubblewrap where the machine offers it.

In bubblewrap an answer has no network, sees no other process, and finds a read-only system in
which homes, temporary files, the course's solutions and other students' work are not there at
all. It can write to folders that are memory, of a fixed size, and gone with it; what it hands out
goes into a few files that are there already. Without it, limits of time, memory and files remain,
and whatever the grader's own account may do, an answer may do too.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from mbpo_teach.grading import scope, seccomp

WAYS = ("auto", "bwrap", "none")

PACKAGE = Path(__file__).resolve().parents[1]
_EMPTIED = ("/home", "/root", "/tmp", "/var/tmp", "/run", "/mnt", "/media", "/srv")
_TEMPORARY_BYTES = 64_000_000
_BWRAP = (
    *("bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"),
    *("--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"),
)


def in_force(wanted: str) -> str:
    """Return ``"bwrap"`` or ``"none"``: what `wanted`, one of :data:`WAYS`, comes to here.

    Raises
    ------
    ValueError
        If `wanted` is none of them, or is ``"bwrap"`` where that does not work.
    """
    if wanted not in WAYS:
        raise ValueError(f"isolate must be one of {', '.join(WAYS)}, not {wanted!r}")
    if wanted == "none":
        return "none"
    trouble = _trouble_with_bwrap()
    if wanted == "bwrap" and trouble:
        raise ValueError(f"isolate 'bwrap' does not work on this machine: {trouble}")
    return "none" if trouble else "bwrap"


def told(way: str) -> str:
    """Return what a report calls it: with ``"_scope"`` where a control group counts memory."""
    return {"bwrap": "bwrap_scope", "none": "none_scope"}[way] if scope.lent() else way


@contextmanager
def call_filter(way: str) -> Iterator[tuple[int, ...]]:
    """Give the handle from which bubblewrap reads its filter of system calls, if there is one."""
    program = seccomp.program() if way == "bwrap" else b""
    if not program:
        yield ()
        return
    reading, writing = os.pipe()
    try:
        os.write(writing, program)  # far less than a pipe holds
        os.close(writing)
        yield (reading,)
    finally:
        os.close(reading)


def surrounded(
    command: list[str],
    folder: Path,
    *,
    way: str,
    hidden: Iterable[Path],
    package: bool,
    writes: Collection[str],
    room: int,
    filters: Iterable[int],
) -> list[str]:
    """Return the command that runs `command` in `folder` behind the isolation `way`.

    What is in `folder` can be read there, its empty folders can be written to as well, and nothing
    of that is seen outside but what the files `writes` hold in the end.

    Parameters
    ----------
    command
        Program and arguments.
    folder
        The folder it starts in.
    way
        ``"bwrap"`` or ``"none"``.
    hidden
        Folders of which nothing may be seen: what was handed in, and the reports.
    package
        Whether the course's package may be seen. The lock hides it, references and all.
    writes
        Names of files in `folder` that it may write to, but not replace.
    room
        Bytes that it may write to `folder` beside those.
    filters
        What :func:`call_filter` gave.
    """
    if way == "none":
        return command
    emptied = {Path(name).resolve() for name in _EMPTIED}
    # Beside `folder`, others are graded at the same time.
    emptied |= {Path.home().resolve(), PACKAGE.parent, folder.parent.resolve()}
    emptied |= {path.resolve() for path in hidden}
    emptied = {path for path in emptied if path.is_dir() and path != Path("/")}
    empty = ["--size", str(_TEMPORARY_BYTES), "--tmpfs"]
    bwrap = [*_BWRAP, *empty, "/dev/shm"]
    # From the top down, so that a folder within another comes after it, emptied or put back.
    needed = _python_folders()
    for path in _top_down(emptied | needed):
        bwrap += [*empty, str(path)] if path in emptied else []
        bwrap += ["--ro-bind", str(path), str(path)] if path in needed else []
    bwrap += ["--ro-bind" if package else "--tmpfs", str(PACKAGE)] + [str(PACKAGE)] * package
    bwrap += ["--size", str(room), "--tmpfs", str(folder)]
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not any(path.iterdir()):
            bwrap += ["--dir", str(path)]
        else:
            bwrap += ["--bind" if path.name in writes else "--ro-bind", str(path), str(path)]
    closed = emptied - {Path("/tmp")} | {Path("/dev")} | (set() if package else {PACKAGE})
    for path in _top_down(closed):
        bwrap += ["--remount-ro", str(path)]
    bwrap += [part for handle in filters for part in ("--seccomp", str(handle))]
    return [*bwrap, "--chdir", str(folder), "--", *command]


def writable(folder: Path) -> tuple[Path, ...]:
    """Return where a program in bubblewrap may write, each a file system of its own."""
    return folder, Path("/tmp").resolve(), Path("/dev/shm")


def _top_down(paths: Iterable[Path]) -> list[Path]:
    return sorted(paths, key=lambda path: (len(path.parts), path))


def _python_folders() -> set[Path]:
    """Return the folders that this Python needs, as they are called and where they really are."""
    paths = sysconfig.get_paths()
    named = [sys.prefix, sys.base_prefix, paths["purelib"], paths["platlib"], paths["stdlib"]]
    named.append(os.path.dirname(os.path.realpath(sys.executable)))
    folders = {Path(name) for name in named} | {Path(name).resolve() for name in named}
    folders.add(Path(sys.executable).parent)
    return {path for path in folders if path.is_dir() and path != Path("/")}


@cache
def _trouble_with_bwrap() -> str:
    """Return why bubblewrap does not work here, in its own words; nothing if it does."""
    if shutil.which("bwrap") is None:
        return "bubblewrap is not installed"
    try:
        with call_filter("bwrap") as filters:
            command = [*_BWRAP, "--size", "65536", "--tmpfs", "/tmp"]
            command += [part for handle in filters for part in ("--seccomp", str(handle))]
            command.append("true")
            done = subprocess.run(command, capture_output=True, timeout=60, pass_fds=filters)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return "" if done.returncode == 0 else done.stderr.decode(errors="replace").strip()[:200]

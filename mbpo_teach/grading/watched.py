"""Run a program in a folder of its own, watch it, and end all of it when a limit is passed.

The program writes a line to the file ``progress`` whenever it gets somewhere. A limit of time
counts from the last line, so that one answer cannot use up the time of the next. Everything the
program started is found again by a token in its environment, or by its parent, in whatever session
or group it is. Only without bubblewrap can an answer hide an orphan that has no token.
"""

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from mbpo_teach.grading import files, isolation

TOKEN = "MBPO_GRADING"
PROGRESS = "progress"
_POLL = 0.2
_PASSED_ON = (
    "PATH",
    "LANG",
    "LC_ALL",
    "LD_LIBRARY_PATH",
    "SYSTEMROOT",
    "TZ",
    "CUDA_VISIBLE_DEVICES",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one program may use.

    `seconds` are from one line of progress to the next, `grace` are added for the first of them:
    the program has to start. `total` are seconds for all of it. `memory` and `disk` are bytes,
    for all its processes together and for its folder.
    """

    seconds: float
    grace: float = 60.0
    total: float = 1800.0
    memory: int = 3_000_000_000
    disk: int = 100_000_000
    files: int = 2000
    processes: int = 64

    def for_steps(self, steps: int) -> "Limits":
        """Return the limits for a program of so many steps, however many it says it has taken."""
        return replace(self, total=self.grace + steps * self.seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a program runs: its limits, and what :func:`isolation.surrounded` puts around it."""

    limits: Limits
    way: str
    hidden: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a program ended: by itself (`limit` is empty), or by which limit.

    `limit` is ``""``, ``"time"``, ``"memory"``, ``"disk"`` or ``"processes"``; `progress` are the
    lines that it wrote, and `said` is the end of what it printed.
    """

    limit: str
    progress: tuple[str, ...]
    said: str


@contextmanager
def workplace() -> Iterator[Path]:
    """Give an empty folder, and remove it after, whatever has been put into it."""
    folder = Path(tempfile.mkdtemp(prefix="mbpo-grading-")).resolve()
    try:
        yield folder
    finally:
        with suppress(OSError):  # without isolation, an answer may have moved it away
            folder.chmod(0o700)
        _remove(folder)


def run(
    command: list[str],
    folder: Path,
    *,
    place: Place,
    package: bool,
    variables: Mapping[str, str],
) -> Ending:
    """Run `command` in `folder` and return how it ended; what it started does not go on.

    It inherits no variable of the environment but a few harmless ones: a CI machine's secrets are
    in others. `package` is whether the course's package may be seen.
    """
    token = secrets.token_hex(16)
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    home = {name: str(folder / "home") for name in _HOMES}
    (folder / "home").mkdir(exist_ok=True)
    (folder / PROGRESS).touch()
    environment |= {**home, "TMPDIR": str(folder / "home"), **_SINGLE, **variables, TOKEN: token}
    whole = isolation.surrounded(
        command, folder, way=place.way, hidden=place.hidden, package=package
    )
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen(
            whole,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            limit = _watch(process, folder, place.limits, token)
        finally:
            _end(process, token)
    progress = tuple(_text(folder / PROGRESS).splitlines())
    return Ending(limit=limit, progress=progress, said=_text(folder / "said")[-4000:])


_HOMES = (
    *("HOME", "IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"),
    *("MPLCONFIGDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"),
)
# Several submissions run at a time; one that takes all processors would slow the others down.
_SINGLE = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUTF8": "1",
}


def _watch(process: subprocess.Popen[bytes], folder: Path, limits: Limits, token: str) -> str:
    """Wait for the end, or for a limit, and return which."""
    start = time.monotonic()
    size, deadline = 0, start + limits.seconds + limits.grace
    while True:
        try:
            process.wait(_POLL)
            return ""
        except subprocess.TimeoutExpired:
            pass
        now = time.monotonic()
        written = _size(folder / PROGRESS)
        if written != size:
            size, deadline = written, now + limits.seconds
        if now > min(deadline, start + limits.total):
            return "time"
        if _passed_on_disk(folder, limits):
            return "disk"
        running = _processes(token)
        if len(running) > limits.processes:
            return "processes"
        if sum(map(_private_memory, running)) > limits.memory:
            return "memory"
        if sum(map(_written, running)) > limits.disk:
            return "disk"


def _end(process: subprocess.Popen[bytes], token: str) -> None:
    """Kill the program and all that it started, until nothing of it is left."""
    # Stopped first: a child whose parent is dead would be harder to find.
    found: set[int] = set()
    for _ in range(100):
        born = _processes(token) - found
        if not born:
            break
        _signal(born, signal.SIGSTOP)
        found |= born
    for _ in range(100):
        _kill_group(process)
        _signal(found, signal.SIGKILL)
        found = _processes(token)
        if not found:
            break
        time.sleep(0.02)
    process.wait()


def _signal(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(OSError):
            os.kill(pid, number)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    if process.returncode is not None:
        return  # its number may be somebody else's by now; what it left is found by the token
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except OSError:
        pass


def _processes(token: str) -> set[int]:
    """Return the processes that inherited `token`, and all that descend from these.

    One that has wiped out its environment is found by its parent. None are where there is no /proc.
    """
    mark = f"{TOKEN}={token}".encode()
    found: set[int] = set()
    parents: dict[int, int] = {}
    for pid in _all_processes():
        try:
            with open(f"/proc/{pid}/stat", "rb") as file:
                # The name before it, in brackets, may be anything.
                parents[pid] = int(file.read().rpartition(b")")[2].split()[1])
            with open(f"/proc/{pid}/environ", "rb") as file:
                if mark in file.read():
                    found.add(pid)
        except OSError:
            continue  # gone, or somebody else's
    while born := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= born
    return found


def _all_processes() -> list[int]:
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdecimal()]
    except OSError:
        return []


def _private_memory(pid: int) -> int:
    """Return the bytes that a process holds, without the libraries that it shares with others."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
            lines = [line.split() for line in file if line.startswith(("RssAnon:", "RssShmem:"))]
    except OSError:
        return 0
    return sum(1024 * int(line[1]) for line in lines)


def _written(pid: int) -> int:
    """Return the bytes that a process has sent to the disk, in files without a name too."""
    try:
        with open(f"/proc/{pid}/io", encoding="ascii") as file:
            told = dict(line.split(": ") for line in file)
    except OSError:
        return 0
    return int(told["write_bytes"])


def _passed_on_disk(folder: Path, limits: Limits) -> bool:
    size = count = 0
    for place, _, names in os.walk(folder):
        count += 1 + len(names)
        size += sum(_size(Path(place, name)) for name in names)
        if size > limits.disk or count > limits.files:
            return True
    return False


def _size(path: Path) -> int:
    """Return the bytes that a file takes; a hole in it takes none."""
    try:
        status = os.lstat(path)
    except OSError:
        return 0
    return min(status.st_size, status.st_blocks * 512) if status.st_blocks else status.st_size


def _text(path: Path) -> str:
    try:
        return files.read_plain(path, 200_000).decode(errors="replace")
    except OSError:
        return ""


def _remove(folder: Path) -> None:
    """Remove a folder, also where an answer has taken permissions away; links are not followed."""
    for place, below, _ in os.walk(folder):  # a folder is opened before the walk enters it
        for name in below:
            path = os.path.join(place, name)
            if not os.path.islink(path):
                with suppress(OSError):
                    os.chmod(path, 0o700)
    shutil.rmtree(folder, ignore_errors=True)

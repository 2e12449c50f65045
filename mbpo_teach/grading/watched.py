"""Run a program in a folder of its own, watch it, and end all of it when a limit is passed.

The program writes a line to the file ``progress`` whenever it gets somewhere. A limit of time
counts from the last line that was expected, so that one answer cannot use up the time of the next.
All runs of a submission together have to end by a time that is set once.
"""

import math
import os
import secrets
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from mbpo_teach.grading import isolation, processes, scope, workfolder
from mbpo_teach.grading.processes import TOKEN
from mbpo_teach.ground.files import read_plain

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
    for all its processes together and for what they write.
    """

    seconds: float
    grace: float = 60.0
    total: float = 1800.0
    memory: int = 3_000_000_000
    disk: int = 100_000_000
    files: int = 2000
    processes: int = 64
    threads: int = 512

    @property
    def budget(self) -> float:
        """Seconds that one submission may take, all its runs together."""
        return 120.0 + 16 * self.seconds

    @property
    def file(self) -> int:
        """Bytes of one file."""
        return self.disk // 4

    def for_steps(self, steps: int) -> "Limits":
        """Return the limits for a program of so many steps, however many it says it has taken."""
        return replace(self, total=self.grace + steps * self.seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where programs run: their limits, and what :func:`isolation.surrounded` puts around them.

    `ends` is the time, as ``time.monotonic()`` tells it, at which the last of them has to be over.
    """

    limits: Limits
    way: str
    hidden: tuple[Path, ...] = ()
    ends: float = math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a program ended: by itself (`limit` is empty), or by which limit.

    `limit` is ``""``, ``"time"``, ``"budget"`` (the submission's), ``"memory"``, ``"disk"`` or
    ``"processes"``; `progress` are the steps that it told, as far as they were those expected, and
    `said` is the end of what it printed.
    """

    limit: str
    progress: tuple[str, ...]
    said: str


def run(
    command: list[str],
    folder: Path,
    *,
    place: Place,
    package: bool,
    variables: Mapping[str, str],
    steps: Sequence[str],
    results: Sequence[str] = (),
) -> Ending:
    """Run `command` in `folder` and return how it ended; what it started does not go on.

    It inherits no variable of the environment but a few harmless ones: a CI machine's secrets are
    in others. `package` is whether the course's package may be seen. `steps` are the lines of
    progress, in their order. `results` are the names of files in `folder` that it hands out.
    """
    if time.monotonic() > place.ends:
        return Ending(limit="budget", progress=(), said="")
    token = secrets.token_hex(16)
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    home = {name: str(folder / "home") for name in _HOMES}
    (folder / "home").mkdir(exist_ok=True)
    writes = (PROGRESS, *results)
    for name in writes:
        (folder / name).touch()
    # The token comes first: no more than the beginning of an environment is read.
    environment = {TOKEN: token} | environment
    environment |= {**home, "TMPDIR": str(folder / "home"), **_SINGLE, **variables}
    with isolation.call_filter(place.way) as filters:
        whole = isolation.surrounded(
            command,
            folder,
            way=place.way,
            hidden=place.hidden,
            package=package,
            writes=writes,
            room=2 * place.limits.disk,  # so that it is seen to pass its limit
            filters=filters,
        )
        if scope.lent():
            room = place.limits.memory + 2 * place.limits.disk  # of which folders are a part
            threads = place.limits.threads
            whole, environment = scope.around(whole, environment, memory=room, threads=threads)
        with (folder / "said").open("wb") as said:
            process = subprocess.Popen(
                whole,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=filters,
            )
            try:
                limit = _watch(process, folder, place, token, steps)
            finally:
                _end(process, token)
    said_last = _text(folder / "said", 200_000)[-4000:]
    return Ending(limit=limit, progress=_taken(folder, steps), said=said_last)


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


def _watch(
    process: subprocess.Popen[bytes], folder: Path, place: Place, token: str, steps: Sequence[str]
) -> str:
    """Wait for the end, or for a limit, and return which."""
    limits, start = place.limits, time.monotonic()
    taken, deadline = 0, start + limits.seconds + limits.grace
    while True:
        try:
            process.wait(_POLL)
            return ""
        except subprocess.TimeoutExpired:
            pass
        now = time.monotonic()
        told = len(_taken(folder, steps))
        if told > taken:
            taken, deadline = told, now + limits.seconds
        if now > place.ends:
            return "budget"
        if now > min(deadline, start + limits.total):
            return "time"
        if passed := _passed(processes.started(token), folder, limits):
            return passed


def _passed(running: set[int], folder: Path, limits: Limits) -> str:
    """Return the limit that processes and what they wrote have passed, if any."""
    if len(running) > limits.processes:
        return "processes"
    use = processes.use(running)
    if use.threads > limits.threads:
        return "processes"
    if use.memory > limits.memory:
        return "memory"
    size, count = processes.filled(running, isolation.writable(folder))
    if max(size, use.disk) > limits.disk or count > limits.files:
        return "disk"
    if workfolder.too_much(folder, size=limits.disk, count=limits.files):
        return "disk"
    return ""


def _taken(folder: Path, steps: Sequence[str]) -> tuple[str, ...]:
    """Return the steps that a program says it has taken, up to the first that was not the next."""
    told = _text(folder / PROGRESS, sum(len(step) + 1 for step in steps)).splitlines()
    count = 0
    for line, step in zip(told, steps, strict=False):
        if line != step:
            break
        count += 1
    return tuple(steps[:count])


def _end(process: subprocess.Popen[bytes], token: str) -> None:
    """Kill the program and all that it started, until nothing of it is left."""
    # Stopped first: a child whose parent is dead would be harder to find.
    found: set[int] = set()
    for _ in range(100):
        born = processes.started(token) - found
        if not born:
            break
        _signal(born, signal.SIGSTOP)
        found |= born
    for _ in range(100):
        _kill_group(process)
        _signal(found, signal.SIGKILL)
        found = processes.started(token)
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


def _text(path: Path, most: int) -> str:
    try:
        return read_plain(path, most).decode(errors="replace")
    except OSError:
        return ""

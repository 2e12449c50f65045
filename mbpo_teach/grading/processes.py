"""Find the processes that a program started, and tell from /proc what they hold.

Everything the program started is found again by a token in its environment, or by its parent, in
whatever session or group it is. Only without bubblewrap can an answer hide an orphan that has no
token. Where there is no /proc, as on macOS, nothing is found.
"""

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

TOKEN = "MBPO_GRADING"
_MOST_READ = 100_000  # a process may claim gigabytes of environment
_HELD = ("RssAnon:", "RssShmem:", "VmSwap:", "VmPTE:")
_BUFFER = 425_984  # what Linux lets a socket keep on its way, unless the machine was told otherwise


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What some processes hold together: threads, and bytes of memory and of the disk.

    Memory is what no other program shares: what is mapped, swapped out or needed to map it, and
    what no process has mapped: files that are nothing but memory, and what open sockets may keep.
    Disk is what was sent there, or is held in files that were removed.
    """

    threads: int
    memory: int
    disk: int


def started(token: str) -> set[int]:
    """Return the processes that inherited `token`, and all that descend from these.

    One that has wiped out its environment is found by its parent.
    """
    mark = f"{TOKEN}={token}".encode()
    found: set[int] = set()
    parents: dict[int, int] = {}
    for pid in everyone():
        try:
            # The name before it, in brackets, may be anything.
            parents[pid] = int(_read(pid, "stat").rpartition(b")")[2].split()[1])
            if mark in _read(pid, "environ"):
                found.add(pid)
        except (OSError, LookupError, ValueError):
            continue  # gone, or somebody else's
    while born := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= born
    return found


def everyone() -> list[int]:
    """Return the processes that there are."""
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdecimal()]
    except OSError:
        return []


def use(pids: Iterable[int]) -> Use:
    """Return what processes hold together."""
    pids = list(pids)
    held: dict[tuple[int, int], tuple[int, int]] = {}  # by file: bytes of memory, and of the disk
    for pid in pids:
        for name, status in _nameless(pid):
            size = 512 * status.st_blocks
            if stat.S_ISSOCK(status.st_mode):
                sizes = (_BUFFER, 0)
            else:
                sizes = (size, 0) if name.startswith("/memfd:") else (0, size)
            held[status.st_dev, status.st_ino] = sizes
    return Use(
        threads=sum(max(1, _told(pid, ("Threads:",))) for pid in pids),
        memory=sum(1024 * _told(pid, _HELD) for pid in pids)
        + sum(memory for memory, _ in held.values()),
        disk=max(sum(map(_sent, pids)), sum(disk for _, disk in held.values())),
    )


def filled(pids: Iterable[int], folders: Iterable[Path]) -> tuple[int, int]:
    """Return bytes and files in file systems that the processes, and not we, have at `folders`.

    Nothing is walked: the file system itself counts, what was removed but is still open too.
    """
    seen: dict[int, tuple[int, int]] = {}
    folders = list(folders)
    for pid in pids:
        for folder in folders:
            try:
                there = f"/proc/{pid}/root{folder}"
                device = os.stat(there).st_dev
                if device not in seen and device != os.stat(folder).st_dev:
                    told = os.statvfs(there)
                    size = (told.f_blocks - told.f_bfree) * told.f_frsize
                    seen[device] = (size, told.f_files - told.f_ffree)
            except OSError:
                continue
    return sum(size for size, _ in seen.values()), sum(count for _, count in seen.values())


def _read(pid: int, name: str) -> bytes:
    with open(f"/proc/{pid}/{name}", "rb", buffering=0) as file:
        return file.read(_MOST_READ)


def _told(pid: int, names: tuple[str, ...]) -> int:
    """Return the sum of the numbers that /proc tells of a process under `names`."""
    try:
        lines = _read(pid, "status").decode("ascii", "replace").splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith(names))


def _sent(pid: int) -> int:
    try:
        told = dict(line.split(": ") for line in _read(pid, "io").decode("ascii").splitlines())
    except OSError:
        return 0
    return int(told["write_bytes"])


def _nameless(pid: int) -> Iterator[tuple[str, os.stat_result]]:
    """Yield what a process has open that stands in no folder: sockets, and files without a name."""
    try:
        handles = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        return
    for handle in handles:
        path = f"/proc/{pid}/fd/{handle}"
        try:
            status = os.stat(path)
            if stat.S_ISSOCK(status.st_mode) or status.st_nlink == 0:
                yield os.readlink(path), status
        except OSError:
            continue

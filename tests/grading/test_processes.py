"""Memory and threads are counted where no process has them mapped, or there is no call for them."""

import os
import subprocess
import sys

import pytest

from mbpo_teach.grading import processes

from .test_watched import bwrap, each_way, run

MEMFDS = """
import os, time
kept = [os.memfd_create("kept") for _ in range(10)]
for file in kept:
    os.write(file, bytes(20_000_000))
time.sleep(1000)
"""
SOCKETS = """
import socket, time
kept = []
for _ in range(200):
    one, other = socket.socketpair()
    one.setblocking(False)
    kept += [one, other]
    try:
        while True:
            one.send(bytes(60_000))
    except BlockingIOError:
        pass
time.sleep(1000)
"""
THREADS = """
import threading, time
for _ in range(100):
    threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
time.sleep(1000)
"""
# Pages that are only read stand for one page of zeros; the tables that say so are memory.
TABLES = """
import ctypes, mmap, time
libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_void_p
size = 64 << 30
flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000  # without reserve
start = libc.mmap(None, ctypes.c_size_t(size), mmap.PROT_READ, flags, -1, ctypes.c_long(0))
libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(size), 15)  # no huge pages
for place in range(start, start + size, 1 << 21):
    ctypes.c_char.from_address(place).value
time.sleep(1000)
"""
SEGMENTS = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
print(libc.shmget(0, ctypes.c_size_t(1_000_000), 0o1600), ctypes.get_errno())
print(libc.msgget(0, 0o1600), ctypes.get_errno())
print(libc.memfd_create(b"kept", 0), ctypes.get_errno())
print(libc.unshare(0x10000000 | 0x20000), ctypes.get_errno())  # a user namespace, with mounts
print(libc.mount(b"none", b"/tmp", b"tmpfs", 0, None), ctypes.get_errno())
"""


def test_files_that_are_nothing_but_memory_are_counted():
    assert run(MEMFDS, memory=100_000_000)[0].limit == "memory"


@each_way
def test_buffers_of_sockets_are_counted(way):
    assert run(SOCKETS, way=way, memory=100_000_000)[0].limit == "memory"


@each_way
def test_tables_of_pages_are_counted(way):
    assert run(TABLES, way=way, memory=100_000_000)[0].limit == "memory"


@each_way
def test_threads_are_counted(way):
    assert run(THREADS, way=way, threads=50)[0].limit == "processes"
    assert run(THREADS, way=way, threads=150, seconds=1.0, grace=5.0)[0].limit == "time"


@bwrap
def test_bubblewrap_knows_no_call_for_memory_of_nobody_and_for_mounts():
    ending, _ = run(SEGMENTS, way="bwrap")
    assert ending.said.splitlines() == ["-1 38"] * 5


def test_no_more_than_the_beginning_of_an_environment_is_read():
    """A process can claim gigabytes; it is found by the token all the same, which comes first."""
    much = {f"X{number}": "x" * 100_000 for number in range(10)}
    environment = {processes.TOKEN: "much", "PATH": os.environ["PATH"]} | much
    code = "print('there', flush=True); input()"
    child = subprocess.Popen(
        [sys.executable, "-c", code],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert child.stdout.readline() == b"there\n"
        assert len(processes._read(child.pid, "environ")) == processes._MOST_READ
        assert processes.started("much") == {child.pid}
    finally:
        child.communicate(b"\n")


@pytest.mark.parametrize("pids", [[], [2**22 + 1]])
def test_what_is_gone_holds_nothing(pids):
    use = processes.use(pids)
    assert (use.memory, use.disk, use.threads) == (0, 0, len(pids))

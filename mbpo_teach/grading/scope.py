"""A control group around a program, where systemd lends one: there the kernel counts its memory.

It counts what no look at processes shows, such as buffers of sockets on their way, and it counts
at once. Most desktops and servers with systemd have it; containers and CI machines often have not.
"""

import os
import shutil
import subprocess
from functools import cache

_PROBE = 1 << 32  # bytes, in whole pages
_SHOW = 'cat "/sys/fs/cgroup$(sed -n s/^0:://p /proc/self/cgroup)/memory.max"'
_BUS = ("XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS")


@cache
def lent() -> bool:
    """Whether systemd gives this account control groups whose limit of memory is in force."""
    if shutil.which("systemd-run") is None:
        return False
    command = [*_systemd_run(_PROBE, 64), "sh", "-c", _SHOW]
    try:
        done = subprocess.run(command, capture_output=True, timeout=20, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and done.stdout.strip() == str(_PROBE).encode()


def around(
    command: list[str], environment: dict[str, str], *, memory: int, threads: int
) -> tuple[list[str], dict[str, str]]:
    """Return a command that runs `command` in a control group, and the environment for it.

    systemd is reached through two variables, of which the program itself gets nothing.
    """
    bus = {name: os.environ[name] for name in _BUS if name in os.environ}
    removed = [part for name in bus if name not in environment for part in ("-u", name)]
    own = [f"{name}={environment[name]}" for name in bus if name in environment]
    whole = [*_systemd_run(memory, threads), "env", *removed, *own, *command]
    return whole, environment | bus


def _systemd_run(memory: int, threads: int) -> list[str]:
    whose = [] if os.geteuid() == 0 else ["--user"]
    limits = [f"MemoryMax={memory}", "MemorySwapMax=0", f"TasksMax={threads}"]
    properties = [part for limit in limits for part in ("-p", limit)]
    return ["systemd-run", *whose, "--scope", "--quiet", "--collect", *properties, "--"]

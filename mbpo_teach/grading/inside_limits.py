"""The limits that a program inside the isolation sets itself before any answer runs."""

import ctypes
import resource
import signal
import sys

_DEATH_OF_PARENT = 1  # PR_SET_PDEATHSIG of <sys/prctl.h>

FILES = 512
"""Files and sockets that a process may have open: what each holds is memory, too."""


def limit(memory: int, file: int, seconds: int) -> None:
    """Limit this process and all that it starts, each; and end it with whoever started it.

    `memory` and `file` are bytes, the latter of any one file. `seconds` are the processor's: they
    end an answer for which nobody waits any more, because the grader was killed.
    """
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_FSIZE, (file, file))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = FILES if most == resource.RLIM_INFINITY else min(FILES, most)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    if sys.platform == "linux":  # elsewhere it leaves out what malloc takes from mmap
        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
        resource.setrlimit(resource.RLIMIT_MSGQUEUE, (0, 0))
        ctypes.CDLL(None).prctl(_DEATH_OF_PARENT, signal.SIGKILL)

"""The limits that a program inside the isolation sets itself before any answer runs."""

import resource
import sys


def limit(memory: int, file: int) -> None:
    """Limit this process and all that it starts, each: bytes of memory, and of any one file."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (file, file))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":  # elsewhere it leaves out what malloc takes from mmap
        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))

"""A filter of system calls for bubblewrap: no memory that belongs to no process, no new mounts.

Limits are kept by looking at processes and folders. A few calls make memory that is in neither
(shared segments, message queues, files without a folder), or a folder of one's own that has no
limit (a mount in a nested namespace). Computing needs none of them, and behind this filter the
kernel answers that it does not know them. The filter is a program for the kernel's classic packet
filter, as ``seccomp(2)`` describes it.
"""

import platform
import struct

# Numbers from the kernel's tables: of x86-64, and of all newer machines.
_CALLS = {
    "shmget": (29, 194),
    "semget": (64, 190),
    "msgget": (68, 186),
    "mq_open": (240, 180),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "io_uring_setup": (425, 425),
    "userfaultfd": (323, 282),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
}
# Machine: its number, which of the columns above is its own, and where numbers of others begin.
_MACHINES = {"x86_64": (0xC000003E, 0, 0x40000000), "aarch64": (0xC00000B7, 1, 2**32 - 1)}

_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_NUMBER_AT, _MACHINE_AT = 0, 4  # bytes into what the filter is shown of a call
_ALLOWED, _UNKNOWN = 0x7FFF0000, 0x00050000 | 38  # 38 is ENOSYS


def program(machine: str = platform.machine()) -> bytes:
    """Return the filter for a machine; empty for one whose numbers are not known here."""
    if machine not in _MACHINES:
        return b""
    own, column, foreign = _MACHINES[machine]
    numbers = [call[column] for call in _CALLS.values()]
    # A jump counts from the instruction after it; the refusal is the last one.
    steps = [(_LOAD, 0, 0, _MACHINE_AT), (_EQUAL, 0, len(numbers) + 3, own)]
    steps += [(_LOAD, 0, 0, _NUMBER_AT), (_AT_LEAST, len(numbers) + 1, 0, foreign)]
    steps += [(_EQUAL, len(numbers) - i, 0, number) for i, number in enumerate(numbers)]
    steps += [(_RETURN, 0, 0, _ALLOWED), (_RETURN, 0, 0, _UNKNOWN)]
    return b"".join(struct.pack("=HBBI", *step) for step in steps)

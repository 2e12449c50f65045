"""The filter of system calls, run by hand: what it lets through, and what it refuses."""

import struct

import pytest

from mbpo_teach.grading import seccomp

X86, ARM, I386 = 0xC000003E, 0xC00000B7, 0x40000003
ALLOWED, UNKNOWN = 0x7FFF0000, 0x00050026


def verdict(machine, arch, number):
    """Return what the filter says to a call, by the rules of a classic packet filter."""
    program = seccomp.program(machine)
    steps = [struct.unpack_from("=HBBI", program, at) for at in range(0, len(program), 8)]
    place = loaded = 0
    while True:
        code, yes, no, value = steps[place]
        place += 1
        if code == 0x20:
            loaded = {0: number, 4: arch}[value]
        elif code == 0x06:
            return value
        else:
            holds = loaded == value if code == 0x15 else loaded >= value
            place += yes if holds else no


@pytest.mark.parametrize(("machine", "arch", "column"), [("x86_64", X86, 0), ("aarch64", ARM, 1)])
def test_what_is_listed_is_refused_and_nothing_else(machine, arch, column):
    refused = {call[column] for call in seccomp._CALLS.values()}
    assert len(refused) == len(seccomp._CALLS)
    for number in range(500):
        assert verdict(machine, arch, number) == (UNKNOWN if number in refused else ALLOWED)


def test_calls_of_another_machine_are_refused_whatever_their_number():
    assert verdict("x86_64", I386, 3) == verdict("x86_64", ARM, 3) == UNKNOWN
    assert verdict("x86_64", X86, 0x40000000 + 3) == UNKNOWN  # x32, which has numbers of its own


def test_a_machine_that_is_not_known_has_no_filter():
    assert seccomp.program("riscv64") == b""

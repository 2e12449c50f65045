"""A control group is used where systemd lends one that is in force, not where it only says so."""

import os
import subprocess

import pytest

from mbpo_teach.grading import isolation, scope

# What stands for systemd-run: it notes its options, and becomes the program after them.
STANDS_IN = """#!/bin/sh
[ "$REFUSES" ] && { echo "Failed to connect to bus" >&2; exit 1; }
while [ "$1" != "--" ]; do echo "$1" >> "$(dirname "$0")/options"; shift; done
shift
%s exec "$@"
"""


@pytest.fixture
def systemd(tmp_path, monkeypatch):
    """Put a systemd-run first in the path, which answers a question after the limit with `says`."""

    def make(says=""):
        path = tmp_path / "systemd-run"
        path.write_text(STANDS_IN % (f'[ "$1" = sh ] && {{ echo {says}; exit; }};' if says else ""))
        path.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        return tmp_path / "options"

    return make


@pytest.mark.parametrize(("says", "lent"), [("4294967296", True), ("max", False), ("", False)])
def test_a_group_is_lent_only_if_its_limit_is_in_force(says, lent, systemd):
    options = systemd(says)
    assert scope.lent.__wrapped__() is lent
    assert "MemoryMax=4294967296" in options.read_text().split()


def test_without_systemd_or_its_bus_there_is_none(systemd, monkeypatch):
    systemd("4294967296")
    monkeypatch.setenv("REFUSES", "yes")
    assert not scope.lent.__wrapped__()
    monkeypatch.setattr(scope.shutil, "which", lambda name: None)
    assert not scope.lent.__wrapped__()


def test_the_program_runs_in_the_group_and_gets_nothing_of_the_bus(systemd, monkeypatch):
    options = systemd()
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/1000")
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/run/user/1000/bus")
    own = {"PATH": os.environ["PATH"], "XDG_RUNTIME_DIR": "home", "MINE": "1"}
    command, environment = scope.around(["env"], own, memory=5_000_000, threads=7)
    assert environment["DBUS_SESSION_BUS_ADDRESS"] == "unix:path=/run/user/1000/bus"
    done = subprocess.run(command, env=environment, capture_output=True, check=True, text=True)
    seen = dict(line.split("=", 1) for line in done.stdout.splitlines())
    assert {name: seen[name] for name in own} == own
    assert "DBUS_SESSION_BUS_ADDRESS" not in seen
    told = options.read_text().split()
    assert {"MemoryMax=5000000", "MemorySwapMax=0", "TasksMax=7", "--scope"} <= set(told)


@pytest.mark.parametrize(("lent", "told"), [(True, "bwrap_scope"), (False, "bwrap")])
def test_the_report_says_whether_a_group_was_in_force(lent, told, monkeypatch):
    monkeypatch.setattr(isolation.scope, "lent", lambda: lent)
    assert isolation.told("bwrap") == told

"""Every function has graphs of its own; a machine without a compiler says so once and goes on."""

import os
import subprocess
import sys
import tempfile
import warnings

import pytest
import torch

from mbpo_teach.nets import compiled as module
from mbpo_teach.nets.compiled import compiled
from mbpo_teach.runs.training import Run, train_in

NO_COMPILER = """
import warnings, torch
from mbpo_teach.nets.compiled import compiled
def double(x): return (2 * x).sin() + x.cos()
run = compiled(double)
with warnings.catch_warnings(record=True) as heard:
    warnings.simplefilter("always")
    x = torch.arange(1000.0)
    for _ in range(3):
        assert torch.equal(run(x), double(x))
said = [str(one.message) for one in heard if "torch.compile does not work" in str(one.message)]
assert len(said) == 1, [str(one.message) for one in heard]
print(said[0])
"""


FOUR_SETTINGS = """
import warnings
from functools import partial
from typing import NamedTuple
import torch
from mbpo_teach.nets.compiled import compiled
torch._dynamo.config.recompile_limit = 4
class Pair(NamedTuple):
    x: torch.Tensor
    y: torch.Tensor
def wave(pair, pace): return (pace * pair.x).sin() + pair.y.cos()
waves = {float(pace): compiled(partial(wave, pace=float(pace))) for pace in range(4)}
x, y = torch.arange(7.0), torch.ones(7)
# The graph of one tensor in both places, made first, is not that of two.
pairs = Pair(x, x), Pair(x, y), Pair(x.double(), y), Pair(x[:3], y[:3])
with warnings.catch_warnings():
    warnings.simplefilter("error", RuntimeWarning)
    for _ in range(2):
        for pace, run in waves.items():
            for pair in pairs if pace == 0 else pairs[1:2]:
                torch.testing.assert_close(run(pair), wave(pair, pace))
"""


def test_settings_of_one_function_have_graphs_of_their_own_and_other_tensors_too():
    # Learners with many settings in one process: a sweep, or an evening in a notebook.
    result = subprocess.run([sys.executable, "-c", FOUR_SETTINGS], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_without_a_compiler_it_says_so_once_and_goes_on(tmp_path):
    environment = os.environ | {
        "CXX": str(tmp_path / "no-compiler"),
        "TORCHINDUCTOR_CACHE_DIR": str(tmp_path / "cache"),
    }
    result = subprocess.run(
        [sys.executable, "-c", NO_COMPILER], env=environment, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    assert "C++ compiler" in result.stdout


@pytest.mark.parametrize("error", [FileNotFoundError("no cache"), TypeError("limit reached")])
@pytest.mark.parametrize("when", ["made", "called"])
def test_whatever_fails_it_goes_on_uncompiled(monkeypatch, error, when):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(module.torch, "compile", fail if when == "made" else lambda *_, **__: fail)
    run = compiled(lambda x: x + 1)
    with pytest.warns(RuntimeWarning, match=f"updates run uncompiled.*{error}"):
        assert run(torch.zeros(2)).equal(torch.ones(2))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert run(torch.zeros(2)).equal(torch.ones(2))


def test_wrong_input_gets_its_own_error_and_does_not_switch_compiling_off(monkeypatch):
    calls = []

    def fails_on_short(x):
        calls.append("graph")
        if len(x) < 2:
            raise RuntimeError("graph: too short")
        return x + 1

    monkeypatch.setattr(module.torch, "compile", lambda function, **_: fails_on_short)

    def eager(x):
        calls.append("eager")
        if len(x) < 2:
            raise ValueError("x must have two rows or more")
        return x + 1

    run = compiled(eager)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match="two rows"):
            run(torch.zeros(1))
        assert run(torch.zeros(2)).equal(torch.ones(2))
    assert calls == ["graph", "eager", "graph"]


@pytest.mark.parametrize("variable", ["TMPDIR", "TORCHINDUCTOR_CACHE_DIR"])
def test_a_space_in_a_path_is_given_as_the_reason(monkeypatch, tmp_path, variable):
    """What g++ then says, for a temporary file that it took for two."""
    said = (
        "CppCompileError: C++ compile error\n\nCommand:\ng++ /a b\n\ng++: fatal error: is the same"
    )
    folder = tmp_path / "with space"
    folder.mkdir()
    monkeypatch.setenv(variable, str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)

    def fail(*_, **__):
        raise RuntimeError(said)

    monkeypatch.setattr(module.torch, "compile", fail)
    run = compiled(lambda x: x + 1)
    with pytest.warns(RuntimeWarning, match="with space, has a space.*fatal error: is the same"):
        assert run(torch.zeros(2)).equal(torch.ones(2))


def test_a_cache_that_cannot_be_is_not_a_missing_compiler(monkeypatch):
    error = FileNotFoundError(2, "No such file or directory", "/nope")

    def fail(*_, **__):
        raise error

    monkeypatch.setattr(module.torch, "compile", fail)
    with pytest.warns(
        RuntimeWarning, match="PyTorch's cache cannot be .*No such file.*nope"
    ) as told:
        compiled(lambda x: x + 1)(torch.zeros(2))
    assert "compiler" not in str(told[0].message)


def test_a_cache_that_cannot_be_is_told_before_anything_is_trained(monkeypatch, tmp_path):
    """It was called a run that cannot be written."""
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", "/dev/null/nope")
    run = train_in(tmp_path / "run", Run(environment="Pendulum-v1", steps=20))
    with pytest.raises(ValueError, match=r"TORCHINDUCTOR_CACHE_DIR=/dev/null/nope must name"):
        next(run)
    assert not (tmp_path / "run").exists()

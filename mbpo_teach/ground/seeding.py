"""One seed, many independent streams of random numbers, each with a name.

A run that shares one generator between its parts changes everywhere when one part draws once
more. Here each part asks for its own stream by name, so adding a part changes no other part
(design rule: no function of the course touches a global generator). Used from chapter 1 on.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def generator(seed: int, *names: str | int) -> np.random.Generator:
    """Return the NumPy generator for the stream `names` of `seed`.

    The same arguments give the same stream on every machine; different names give
    statistically independent streams.

    Parameters
    ----------
    seed
        A non-negative integer, the seed of the whole run.
    names
        What the stream is for, strings and integers, for example ``"explore"`` or ``"seed", 3``.

    Raises
    ------
    ValueError
        If `seed` is not a non-negative integer, or a name neither a string nor an integer.
    """
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ValueError(f"seed must be a non-negative integer, not {seed!r}")
    spawn_key = tuple(zlib.crc32(_spelled(name).encode()) for name in names)
    return np.random.default_rng(np.random.SeedSequence(int(seed), spawn_key=spawn_key))


def torch_generator(
    seed: int, *names: str | int, device: torch.device | str = "cpu"
) -> torch.Generator:
    """Return the PyTorch generator, on `device`, for the stream `names` of `seed`.

    As :func:`generator`; PyTorch is imported only when this is called. Devices of different kinds
    draw different numbers.
    """
    import torch

    state = generator(seed, "torch", *names).integers(2**63, dtype=np.int64)
    return torch.Generator(device).manual_seed(int(state))


class Streams:
    """The streams of one seed that a run draws from, each made when first asked for, and kept.

    A run that is to be stopped and gone on with has to store where each of them stands.

    Attributes
    ----------
    device
        Where PyTorch's live.
    made
        The generators made so far, by name: NumPy's or PyTorch's.
    """

    def __init__(self, seed: int, device: torch.device | str = "cpu") -> None:
        self.seed, self.device = seed, device
        self.made: dict[str, np.random.Generator | torch.Generator] = {}

    def numpy(self, name: str) -> np.random.Generator:
        """Return the run's :func:`generator` called `name`."""
        if name not in self.made:
            self.made[name] = generator(self.seed, name)
        made = self.made[name]
        assert isinstance(made, np.random.Generator), f"{name} is a stream of PyTorch's"
        return made

    def torch(self, name: str) -> torch.Generator:
        """Return the run's :func:`torch_generator` called `name`."""
        if name not in self.made:
            self.made[name] = torch_generator(self.seed, name, device=self.device)
        made = self.made[name]
        assert not isinstance(made, np.random.Generator), f"{name} is a stream of NumPy's"
        return made

    def moved(self, name: str, step: int) -> None:
        """Begin the stream of PyTorch's called `name` anew, for a run that changes its device.

        Where a generator stands can only be told to another on a device of the same kind. The new
        one depends on the `step` at which the run moves, so that no number comes a second time.
        """
        self.made[name] = torch_generator(self.seed, name, "moved", step, device=self.device)


def _spelled(name: str | int) -> str:
    """Return `name` as repr() spells it, which keeps the integer 1 apart from the string "1"."""
    if isinstance(name, str):
        return repr(str(name))  # NumPy spells its own strings and integers in another way
    if isinstance(name, (int, np.integer)) and not isinstance(name, bool):
        return repr(int(name))
    raise ValueError(f"a stream's name must be a string or an integer, not {name!r}")

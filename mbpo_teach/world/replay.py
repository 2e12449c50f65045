"""The memory of an agent: the last `capacity` transitions, each drawn with equal chance.

A ring of preallocated columns: adding costs the same however full it is, and a full ring forgets
its oldest rows. Lin 1992 (experience replay); the real and the imagined data of Algorithm 2 (Janner
et al. 2019) are one ring each. Taught in chapters 2 and 6.
"""

import os
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from mbpo_teach.ground.checked import FROM_ONE, Allowed, checked
from mbpo_teach.ground.checks import instance, whole
from mbpo_teach.world.transitions import Transition, check_finite, rows

_SIZE, _CAPACITY = Allowed(least=1, most=10**6), Allowed(least=1, most=10**18)


class ReplayBuffer:
    """A ring of transitions.

    What a draw returns depends only on the rows held, in the order in which they came, and on the
    generator: a buffer that is filled again from :meth:`all` draws the same.

    Parameters
    ----------
    capacity
        The most rows that it holds.
    obs_size, act_size
        Numbers of observations and actions.
    device
        Where the rows are kept, and where the generators must live with which they are drawn; rows
        that are added may come from anywhere.
    """

    @checked(capacity=_CAPACITY, obs_size=_SIZE, act_size=_SIZE)
    def __init__(
        self, capacity: int, *, obs_size: int, act_size: int, device: torch.device | str = "cpu"
    ) -> None:
        self.capacity = capacity = whole("capacity", capacity, least=1)
        obs_size = whole("obs_size", obs_size, least=1)
        act_size = whole("act_size", act_size, least=1)
        if torch.device(device).type == "cpu":
            _check_memory(capacity, capacity * (4 * (2 * obs_size + act_size + 1) + 1))
        self._columns = Transition(
            obs=torch.zeros(capacity, obs_size, device=device),
            act=torch.zeros(capacity, act_size, device=device),
            reward=torch.zeros(capacity, device=device),
            next_obs=torch.zeros(capacity, obs_size, device=device),
            terminated=torch.zeros(capacity, dtype=torch.bool, device=device),
        )
        self._oldest = 0
        self._size = 0

    @property
    def device(self) -> torch.device:
        """Where the rows are kept."""
        return self._columns.reward.device

    def __len__(self) -> int:
        """Return the number of rows held."""
        return self._size

    def add(self, batch: Transition) -> None:
        """Add rows, one or many; of more than `capacity`, the last remain.

        Raises
        ------
        ValueError
            If a column has the wrong shape or type, or a number that is not finite. Nothing is
            added then.
        """
        instance("batch", batch, Transition)
        fresh = rows(self._checked(batch), slice(-self.capacity, None))
        count = len(fresh.obs)
        slots = self._slots(self._size + torch.arange(count, device=self.device))
        for column, values in zip(self._columns, fresh, strict=True):
            column[slots] = values
        forgotten = max(0, self._size + count - self.capacity)
        self._oldest = (self._oldest + forgotten) % self.capacity
        self._size += count - forgotten

    @checked(count=FROM_ONE)
    def sample(self, count: int, *, generator: torch.Generator) -> Transition:
        """Return `count` rows drawn uniformly with replacement.

        Raises
        ------
        ValueError
            If the buffer is empty, or `count` is below 1.
        """
        drawn = self._draw(count, generator)
        # Up to three times as fast as column[drawn].
        return Transition(*(column.index_select(0, drawn) for column in self._columns))

    @checked(batches=FROM_ONE, count=FROM_ONE)
    def sample_batches(
        self, batches: int, count: int, *, generator: torch.Generator
    ) -> list[Transition]:
        """Return what `batches` calls of :meth:`sample` return, drawn in one.

        Between two real steps the memory does not change, so all the batches of a step can be drawn
        together; one by one, the draws take a tenth of the time of a small network's compiled step.

        Raises
        ------
        ValueError
            If the buffer is empty, or `batches` or `count` is below 1.
        """
        batches, count = whole("batches", batches, least=1), whole("count", count, least=1)
        drawn = self.sample(batches * count, generator=generator)
        columns = (column.split(count) for column in drawn)
        return [Transition(*parts) for parts in zip(*columns, strict=True)]

    @checked(count=FROM_ONE)
    def sample_states(
        self, count: int, *, generator: torch.Generator
    ) -> Float[Tensor, "batch obs"]:
        """Return `count` observations drawn uniformly with replacement: starts of branches.

        Raises
        ------
        ValueError
            If the buffer is empty, or `count` is below 1.
        """
        return self._columns.obs[self._draw(count, generator)]

    @checked(capacity=_CAPACITY)
    def resized(self, capacity: int) -> "ReplayBuffer":
        """Return a buffer of another capacity with the same rows, the newest if not all fit.

        Algorithm 2's imagined data need more room as branches grow longer (Janner et al. 2019,
        appendix C). A buffer that has the capacity already is returned itself.
        """
        if capacity == self.capacity:
            return self
        obs, act, *_ = self._columns
        sizes = {"obs_size": obs.shape[1], "act_size": act.shape[1]}
        other = ReplayBuffer(capacity, **sizes, device=self.device)
        other.add(self.all())
        return other

    def all(self) -> Transition:
        """Return a copy of every row, the oldest first."""
        return rows(self._columns, self._slots(torch.arange(self._size, device=self.device)))

    def _slots(self, age: Tensor) -> Tensor:
        return (self._oldest + age) % self.capacity

    def _draw(self, count: int, generator: torch.Generator) -> Tensor:
        if self._size == 0:
            raise ValueError("the buffer must hold at least one row before any is drawn from it")
        count = whole("count", count, least=1)
        drawn = torch.randint(self._size, (count,), generator=generator, device=self.device)
        return self._slots(drawn)

    def _checked(self, batch: Transition) -> Transition:
        """Return `batch` as it would be stored, after every check has passed."""
        count: int | None = None
        for name, column, own in zip(batch._fields, batch, self._columns, strict=True):
            if not isinstance(column, Tensor):
                raise ValueError(f"{name} must be a tensor, not {type(column).__name__}")
            if count is None and column.ndim:
                count = len(column)
            wanted = ("rows" if count is None else count, *own.shape[1:])
            if tuple(column.shape) != wanted:
                raise ValueError(f"{name} must have shape {wanted}, not {tuple(column.shape)}")
        if batch.terminated.dtype != torch.bool:
            raise ValueError(f"terminated must be bool, not {batch.terminated.dtype}")
        # Detached: a column written with gradients would keep every graph alive. Converted before
        # the check: 1e300 is finite in float64 and infinite here.
        stored = Transition(
            *(new.detach().to(own) for new, own in zip(batch, self._columns, strict=True))
        )
        if count:
            check_finite(stored)
        return stored


def _check_memory(capacity: int, needed: int) -> None:
    """Refuse what can never fit: the system would give it, and end the process as it fills."""
    there = _memory()
    if there and needed > there:
        raise ValueError(
            f"capacity must be so small that its rows fit into memory, not {capacity}: they need"
            f" {needed // 10**6:,} MB, and there are {there // 10**6:,} MB"
        )


def _memory() -> int:
    """Return the bytes of memory of this machine, or of its container; 0 where nothing says it."""
    if not hasattr(os, "sysconf"):
        return 0
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        return min(machine, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    except (OSError, ValueError):  # no control groups, or "max": no limit
        return machine

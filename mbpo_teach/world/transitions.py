"""A batch of transitions, the one currency between simulator, buffers, model and learner.

Taught in chapter 2. `terminated` means that the world ended there; a time limit is not stored at
all, because it must never stop a bootstrap (Pardo et al. 2018, arXiv 1712.00378).
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from mbpo_teach.ground.checked import checked
from mbpo_teach.ground.checks import shown


class Transition(NamedTuple):
    """Columns of equal length, float32 but for the last.

    `obs` (batch, obs), `act` (batch, act), `reward` (batch,), `next_obs` (batch, obs),
    `terminated` (batch,) bool.
    """

    obs: Tensor
    act: Tensor
    reward: Tensor
    next_obs: Tensor
    terminated: Tensor


def _chooses(batch: Transition, index: Tensor | slice) -> None:
    """Refuse an index that chooses no rows of `batch`."""
    check_sizes(batch)
    if isinstance(index, slice):
        return
    count, kind = len(batch.obs), index.dtype
    if kind == torch.bool:
        good = tuple(index.shape) == (count,)
    else:
        good = index.ndim == 1 and not index.is_floating_point() and not index.is_complex()
        good = good and bool(((index >= -count) & (index < count)).all())
    if not good:
        raise ValueError(
            f"index must be a slice, a mask ({count},) or the numbers of rows from 0 to"
            f" {count - 1}, not {shown(index.tolist())}"
        )


@checked(together=_chooses)
def rows(batch: Transition, index: Tensor | slice) -> Transition:
    """Return some of the transitions, chosen by a slice, an index or a mask."""
    return Transition(*(column[index] for column in batch))


def _alike(batches: Sequence[Transition]) -> None:
    """Refuse batches of different worlds."""
    for batch in batches:
        check_sizes(batch)
    if len({(batch.obs.shape[1], batch.act.shape[1]) for batch in batches}) > 1:
        raise ValueError("batches must have equally many observations and actions per row")


@checked(together=_alike)
def concatenate(batches: Sequence[Transition]) -> Transition:
    """Return all the transitions of `batches`, in order."""
    return Transition(*(torch.cat(columns) for columns in zip(*batches, strict=True)))


def check_finite(batch: Transition) -> None:
    """Raise a `ValueError` naming the first column of a bad shape or type, or with a bad number."""
    check_shapes(batch)
    for name, column in zip(batch._fields, batch, strict=True):
        bad = (~torch.isfinite(column)).nonzero()
        if len(bad):
            row = int(bad[0, 0])
            raise ValueError(
                f"{name} must hold finite numbers; row {row} is {column[row].tolist()}"
            )


def check_shapes(batch: Transition) -> None:
    """Raise a `ValueError` naming the first column of a bad shape, or else of a bad type."""
    check_sizes(batch)
    for name, column in zip(batch._fields, batch, strict=True):
        kind = torch.bool if name == "terminated" else torch.float32
        if column.dtype != kind:
            raise ValueError(f"{name} must be a tensor of {kind}, not of {column.dtype}")


def check_sizes(batch: Transition) -> None:
    """Raise a `ValueError` naming the first column that is no tensor, or of a bad shape.

    Shapes that broadcast would otherwise give wrong numbers without a word.
    """
    for name, column in zip(batch._fields, batch, strict=True):
        if not isinstance(column, Tensor):
            raise ValueError(f"{name} must be a tensor, not {type(column).__name__}")
    for name in ("obs", "act"):
        shape = tuple(getattr(batch, name).shape)
        if len(shape) != 2:
            raise ValueError(f"{name} must have shape (batch, {name}), not {shape}")
    count, width = batch.obs.shape
    wanted = {
        "obs": (count, width),
        "act": (count, batch.act.shape[1]),
        "reward": (count,),
        "next_obs": (count, width),
        "terminated": (count,),
    }
    for name, column in zip(batch._fields, batch, strict=True):
        if tuple(column.shape) != wanted[name]:
            raise ValueError(f"{name} must have shape {wanted[name]}, not {tuple(column.shape)}")

"""Early stopping: when a fit is over, and which of its weights are kept.

Rows that train do not say when to stop; rows that were held out do. Here their error, one number
for each member, is watched after every epoch: each member keeps the weights with which its own was
lowest (:class:`Best`), and the fit is over when no member has made progress for long enough
(:class:`Patience`). Janner et al. 2019, appendix C; taught in chapter 2.
"""

from collections.abc import Iterable

import torch
from jaxtyping import Float
from torch import Tensor

from mbpo_teach.ground.checked import FROM_ZERO, NOT_FINITE, checked
from mbpo_teach.model.dynamics import Ensemble


class Best:
    """The weights with which each member of `model` was best, at first the present ones.

    The limits of the log-variances, which the members share, are kept as they were when last a
    member was better than ever before.

    Attributes
    ----------
    error
        The held-out error of what is kept, (member,).
    """

    @checked(error=NOT_FINITE)
    def __init__(self, model: Ensemble, error: Float[Tensor, " member"]) -> None:
        self.error = error.clone()
        self._own = list(model.networks.parameters())
        self._shared = [model.low_log_var, model.high_log_var]
        self._kept_own = _copies(self._own)
        self._kept_shared = _copies(self._shared)

    def keep(self, error: Float[Tensor, " member"]) -> None:
        """Keep the weights of those members, and only those, that are better than ever before."""
        better = error < self.error
        if not better.any():
            return
        self.error[better] = error[better]
        for kept, parameter in zip(self._kept_own, self._own, strict=True):
            kept[better] = parameter.detach()[better]
        self._kept_shared = _copies(self._shared)

    @torch.no_grad()
    def restore(self) -> None:
        """Put what was kept back into the model."""
        kept = [*self._kept_own, *self._kept_shared]
        for parameter, value in zip([*self._own, *self._shared], kept, strict=True):
            parameter.copy_(value)


class Patience:
    """How long no member has made progress, in epochs and in gradient steps.

    Progress is an error that is lower, by the share `improvement`, than the last one that was
    progress: slow learning is no standstill. Patience is over after so many epochs *and* so many
    steps without.
    """

    @checked(error=NOT_FINITE, improvement=FROM_ZERO)
    def __init__(
        self, error: Float[Tensor, " member"], *, improvement: float, epochs: int, steps: int
    ) -> None:
        self.improvement, self.epochs, self.steps = improvement, epochs, steps
        self._reference = error
        self._stale_epochs = self._stale_steps = 0

    @property
    def over(self) -> bool:
        """Whether it is time to stop."""
        return self._stale_epochs >= self.epochs and self._stale_steps >= self.steps

    def watch(self, error: Float[Tensor, " member"], steps: int) -> None:
        """Take note of the error after one more epoch, which took so many gradient steps."""
        progress = error < self._reference * (1 - self.improvement)
        self._reference = torch.where(progress, error, self._reference)
        if progress.any():
            self._stale_epochs = self._stale_steps = 0
        else:
            self._stale_epochs += 1
            self._stale_steps += steps


@torch.no_grad()
def all_finite(values: Iterable[Tensor]) -> bool:
    """Return whether all numbers are finite; if not, a fit has diverged, or must not begin.

    NaN and infinity outlast abs and max, so one number of each tensor is asked: five times as fast
    as asking all.
    """
    return all(value.abs().max().isfinite() for value in values)


def _copies(values: Iterable[Tensor]) -> list[Tensor]:
    return [value.detach().clone() for value in values]

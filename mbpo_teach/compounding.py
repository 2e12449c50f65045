"""Compounding error of one model, all of it: what chapter 3 draws, from one call.

Real rollouts are given. Beside each the model imagines three things: the rollout of the whole
ensemble, the rollout of each member alone, and, as the reference, one step from every *true* state
along the way. The last does not compound: where e(k) leaves it, the model suffers from its own
earlier errors and not from harder states. Course notes, section "compounding error"; taught in
chapter 3.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from mbpo_teach.dynamics import Ensemble, predict
from mbpo_teach.errors import (
    TimedPolicy,
    disagreement,
    imagine_ensemble,
    imagine_members,
    k_step_error,
)


class Compounding(NamedTuple):
    """Errors and disagreement, each (start, time) and 0 at time 0; NaN after a real termination.

    `ensemble` is e(k) of the members' average, `single` of the best member alone, `disagreement`
    how far the members' rollouts lie apart, and `one_step` the error of a single step from the true
    state just before. `imagined` (start, time, obs) is the ensemble's rollout.
    """

    ensemble: Tensor
    single: Tensor
    disagreement: Tensor
    one_step: Tensor
    imagined: Tensor


def compound(
    model: Ensemble,
    real: Float[Tensor, "start time obs"],
    actions: Float[Tensor, "start step act"],
    act: TimedPolicy,
    scale: Float[Tensor, " obs"],
    *,
    elites: Sequence[int],
) -> Compounding:
    """Imagine beside real rollouts, and measure.

    Parameters
    ----------
    model
        The ensemble; `elites` are the members that are used, best first.
    real, actions
        What happened, from ``errors.real_rollouts``.
    act
        How the imagined rollouts act: ``errors.same_actions(actions)``, or a policy, which then
        answers the states that it is shown.
    scale
        ``errors.observation_scale`` of the data.
    """
    steps = actions.shape[1]
    starts = real[:, 0]
    imagined = imagine_ensemble(model, starts, act, steps=steps, members=elites)
    alone = imagine_members(model, starts, act, steps=steps, members=elites)
    ended = real.isnan().any(dim=-1)
    return Compounding(
        ensemble=k_step_error(imagined, real, scale),
        single=k_step_error(alone[0], real, scale),
        disagreement=disagreement(alone, scale).masked_fill(ended, torch.nan),
        one_step=_from_true_states(model, real, actions, scale, elites),
        imagined=imagined,
    )


def named(acting: str, measured: Compounding) -> dict[str, NDArray[np.float32]]:
    """Return the arrays under the names that records use: ``"actions.ensemble"`` and so on.

    `acting` is ``"actions"`` (the same actions as in the real rollout) or ``"policy"``.
    """
    return {f"{acting}.{name}": array.numpy() for name, array in measured._asdict().items()}


@torch.no_grad()
def _from_true_states(
    model: Ensemble, real: Tensor, actions: Tensor, scale: Tensor, elites: Sequence[int]
) -> Tensor:
    """Return the error of one step from each true state, (start, time), 0 at time 0."""
    before, played = real[:, :-1].flatten(0, 1), actions.flatten(0, 1)
    after = predict(model, before, played, members=elites).mean.mean(dim=0)[:, :-1]
    error = k_step_error(after.unflatten(0, (len(real), -1)), real[:, 1:], scale)
    return torch.nn.functional.pad(error, (1, 0))

"""Compounding error of one model, all of it: what chapter 3 draws, from one call.

Real rollouts are given. Beside each the model imagines three things: the rollout of the whole
ensemble, the rollout of each member alone, and, as the reference, one step from every *true* state
along the way. The last does not compound. Two things can lift e(k) above it: earlier errors that
are handed on, and imagined states at which the model is worse. What measures the second by itself
needs the simulator: :func:`mbpo_teach.model.errors.errors_at_imagined_states`. Taught in chapter 3.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from mbpo_teach.ground.checked import NOT_FINITE, POSITIVE, checked
from mbpo_teach.model.dynamics import Ensemble, predict
from mbpo_teach.model.errors import (
    TimedPolicy,
    disagreement,
    imagine_ensemble,
    imagine_members,
    k_step_error,
)

ACTING = ("actions", "policy")
"""How imagined rollouts act: with the real rollout's actions, or with a policy that sees them."""

Arrays = Mapping[str, NDArray[Any]]
"""Measurements of models of several data sizes, under the names of :func:`named`, beside "sizes".

Errors are then (size, start, time). Beside them stand "actions.at_imagined" and
"policy.at_imagined" (:func:`mbpo_teach.model.errors.errors_at_imagined_states`), perhaps of the
first starts only, and "mean_guess" (:func:`mbpo_teach.model.errors.mean_guess`), one number.
"""


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


@checked(real=NOT_FINITE, actions=NOT_FINITE, scale=POSITIVE)
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
        :func:`mbpo_teach.model.dynamics.column_scale` of the data.
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


@checked(measured=NOT_FINITE)
def named(acting: str, measured: Compounding) -> dict[str, NDArray[np.float32]]:
    """Return the arrays under the names that records use: ``"actions.ensemble"`` and so on.

    `acting` is ``"actions"`` (the same actions as in the real rollout) or ``"policy"``.
    """
    return {
        f"{acting}.{name}": array.detach().numpy() for name, array in measured._asdict().items()
    }


class Curves(NamedTuple):
    """Errors along one way of acting, all from k = 1 on, (step,), in deviations of the data.

    `low`, `middle` and `high` are quantiles (10, 50 and 90 %) of the ensemble's e(k) over the
    starts, `own` is the curve of one start (NaN after it ended), the others are medians.
    """

    low: NDArray[np.floating]
    middle: NDArray[np.floating]
    high: NDArray[np.floating]
    own: NDArray[np.floating]
    single: NDArray[np.floating]
    disagreement: NDArray[np.floating]
    one_step: NDArray[np.floating]
    at_imagined: NDArray[np.floating]


def error_curves(arrays: Arrays, acting: str, *, size: float, start: int) -> Curves:
    """Return the curves of the model of one data size; starts are counted from 0."""
    at = place_of(arrays, size)
    errors = arrays[f"{acting}.ensemble"][at][:, 1:]
    low, middle, high = np.nanquantile(errors, (0.1, 0.5, 0.9), axis=0)
    others = {
        name: np.nanmedian(arrays[f"{acting}.{name}"][at], axis=0)[1:]
        for name in ("single", "disagreement", "one_step", "at_imagined")
    }
    return Curves(low=low, middle=middle, high=high, own=errors[start], **others)


def place_of(arrays: Arrays, size: float) -> int:
    """Return the place of a data size among "sizes".

    Raises
    ------
    ValueError
        If there is no model of that size.
    """
    found = np.flatnonzero(arrays["sizes"] == size)
    if len(found) == 0:
        raise ValueError(f"size must be one of {arrays['sizes'].tolist()}, not {size:g}")
    return int(found[0])


@torch.no_grad()
def _from_true_states(
    model: Ensemble, real: Tensor, actions: Tensor, scale: Tensor, elites: Sequence[int]
) -> Tensor:
    """Return the error of one step from each true state, (start, time), 0 at time 0."""
    before, played = real[:, :-1].flatten(0, 1), actions.flatten(0, 1)
    after = predict(model, before, played, members=elites).mean.mean(dim=0)[:, :-1]
    error = k_step_error(after.unflatten(0, (len(real), -1)), real[:, 1:], scale)
    return torch.nn.functional.pad(error, (1, 0))

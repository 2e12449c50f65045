"""Branched rollouts: many short imagined walks that start from states really visited.

Janner et al. 2019, section 4.2 and Algorithm 2, lines 7 and 8. The model, the policy and the
termination rule are callables, so the true simulator can stand in for the model: then a branched
rollout is nothing but real steps, which is how it is tested. Taught in chapter 5.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mbpo_teach.ground.checked import FROM_ONE, Allowed, checked
from mbpo_teach.ground.checks import instance, whole
from mbpo_teach.world.envs import Policy
from mbpo_teach.world.terminations import Termination
from mbpo_teach.world.transitions import Transition, check_finite

ModelStep = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""Observations (batch, obs) and actions (batch, act) to next observations and rewards (batch,)."""


class Branches(NamedTuple):
    """Imagined transitions and, for each, which step of its branch it is: 1 to k, (batch,)."""

    transitions: Transition
    step: Int[Tensor, " batch"]


@checked(starts=None, length=Allowed(least=1, most=10**6))
@torch.no_grad()
def branched_rollout(
    model_step: ModelStep,
    policy: Policy,
    termination: Termination,
    starts: Float[Tensor, "batch obs"],
    *,
    length: int,
) -> Branches:
    """Walk `length` imagined steps from every start; a branch that terminates stops there.

    Returns the transitions of all branches, ordered by branch step and within a step by start.
    Room for all ``len(starts) * length`` of them is made once; nothing else grows with the length,
    and what branches that ended early left of it is given back.

    Raises
    ------
    ValueError
        If `length` is not a whole number of at least 1, `starts` is not (batch, obs) or empty, or a
        callable returns what a transition cannot hold (another shape or type, a number that is not
        finite): the message says at which step, and nothing of the rollout is returned.
    """
    length = whole("length", length, least=1)
    instance("starts", starts, Tensor)
    if starts.ndim != 2:
        raise ValueError(f"starts must have shape (batch, obs), not {tuple(starts.shape)}")
    if len(starts) == 0:
        raise ValueError("starts must hold at least one state")
    room: Transition | None = None
    taken: list[int] = []
    obs, count = starts, 0
    for step in range(1, length + 1):
        # Copies go out, so that a callable that works in place changes nothing that is kept.
        act = policy(torch.clone(obs))
        next_obs, reward = model_step(torch.clone(obs), torch.clone(act))
        ended = termination(torch.clone(next_obs))
        part = Transition(obs, act, reward, next_obs, ended)
        try:
            check_finite(part)
        except ValueError as error:
            raise ValueError(f"step {step} of the rollout: {error}") from error
        room = _room_for(part, len(starts) * length) if room is None else room
        for column, values in zip(room, part, strict=True):
            column[count : count + len(obs)] = values
        count += len(obs)
        taken.append(len(obs))
        obs = next_obs[~ended]
        if len(obs) == 0:
            break
    assert room is not None
    counts = torch.tensor(taken, device=starts.device)
    steps = torch.arange(1, len(taken) + 1, device=starts.device).repeat_interleave(counts)
    if count == len(room.obs):
        return Branches(room, steps)
    # A slice would hold on to the whole room, and a file of it would store it all.
    return Branches(Transition(*(column[:count].clone() for column in room)), steps)


@checked(step=Allowed(least=-(10**9)), first=FROM_ONE, last=FROM_ONE, last_step=FROM_ONE)
def linear_horizon(step: int, *, first_step: int, last_step: int, first: int, last: int) -> int:
    """Return the rollout length at a real step: `first` up to `first_step`, then on to `last`.

    It grows linearly, reaches `last` at `last_step` and stays; fractions are cut off, as in the
    authors' code. With `first` equal to `last` it is constant. Janner et al. 2019, appendix C
    (Hopper: 1 to 15 over 20,000 to 100,000 steps; the authors' configuration says 150,000).

    Raises
    ------
    ValueError
        If `first_step` is not below `last_step`, or a length is not a whole number of
        at least 1.
    """
    if not first_step < last_step:
        raise ValueError(f"first_step must be below last_step, {last_step}, not {first_step}")
    first, last = whole("first", first, least=1), whole("last", last, least=1)
    done = min(max(step, first_step), last_step) - first_step
    # Whole numbers throughout: a float share just below 1/2 would be cut off one too low.
    return int(first + done * (last - first) // (last_step - first_step))


def _room_for(part: Transition, count: int) -> Transition:
    return Transition(*(column.new_empty(count, *column.shape[1:]) for column in part))

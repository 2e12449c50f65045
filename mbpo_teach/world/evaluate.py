"""How good a policy is: its return from ten starts that are always the same.

A policy is judged without exploration noise, and every algorithm and every peer on the same starts:
from other starts a return of -150 may be worse than one of -200 from these. Taught in chapter 6.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from mbpo_teach.ground.checked import DISCOUNT, checked
from mbpo_teach.ground.checks import whole
from mbpo_teach.records import archive
from mbpo_teach.world.envs import Env, Policy, make

START_SEEDS = tuple(range(1000, 1010))
"""The seeds with which Gymnasium resets the environment, one for each episode."""


class Judged(NamedTuple):
    """Episodes from fixed starts.

    `starts` are the first observations (episode, obs), `returns` the sums of the rewards, and
    `discounted` those of gamma^t r_t, both (episode,).
    """

    starts: Tensor
    returns: Tensor
    discounted: Tensor


@checked
def starting_places(name: str) -> list[Env]:
    """Return one environment for each of :data:`START_SEEDS`, for :func:`returns`.

    Raises
    ------
    ValueError
        If there is no such environment, or it has no time limit.
    """
    places = [make(name) for _ in START_SEEDS]
    for place in places:
        _check_ends(place)
    return places


@checked
def returns(
    envs: Sequence[Env], policy: Policy, *, seeds: Sequence[int] = START_SEEDS
) -> Float[Tensor, " episode"]:
    """Return the undiscounted return of one episode in each of `envs`: see :func:`judged`."""
    return judged(envs, policy, gamma=0.0, seeds=seeds).returns


@checked(gamma=DISCOUNT)
@torch.no_grad()
def judged(
    envs: Sequence[Env], policy: Policy, *, gamma: float, seeds: Sequence[int] = START_SEEDS
) -> Judged:
    """Live one episode in each of `envs`, and return what it earned: see :func:`episodes`.

    The episodes go in step, so that the policy is asked for all actions at once.
    """
    return episodes(envs, lambda _, obs: policy(obs), gamma=gamma, seeds=seeds)


@checked(gamma=DISCOUNT)
def episodes(
    envs: Sequence[Env],
    act: Callable[[list[int], Tensor], Tensor],
    *,
    gamma: float = 0.0,
    seeds: Sequence[int] = START_SEEDS,
) -> Judged:
    """Live one episode in each of `envs`, which go in step, and return what it earned.

    `act` is told which of them go on, by their places among `envs`, and what is seen there,
    (batch, obs): a planner remembers a plan for each. An episode ends where its world does or its
    time runs out.

    Raises
    ------
    ValueError
        If there are not as many seeds as environments, an environment appears twice, a seed is
        not a whole number from 0, `gamma` is not in [0, 1), or an environment has no time limit:
        its episodes might never end.
    """
    seeds = [whole("seeds", seed, least=0) for seed in seeds]
    if not envs or not len({id(env) for env in envs}) == len(envs) == len(seeds):
        raise ValueError(f"envs must hold a different environment for each of {len(seeds)} seeds")
    for env in envs:
        _check_ends(env)
    total = torch.zeros(len(envs), dtype=torch.float64, device="cpu")
    discounted, weight = total.clone(), 1.0
    obs = {
        place: env.start(seed) for place, (env, seed) in enumerate(zip(envs, seeds, strict=True))
    }
    starts = torch.stack([torch.from_numpy(seen) for seen in obs.values()])
    while obs:
        actions = act([*obs], torch.stack([torch.from_numpy(seen) for seen in obs.values()]))
        for place, action in zip(list(obs), actions, strict=True):
            step = envs[place].step(action.numpy())
            total[place] += step.reward
            discounted[place] += weight * step.reward
            obs[place] = step.obs
            if step.terminated or step.truncated:
                del obs[place]
        weight *= gamma
    return Judged(starts, total.float(), discounted.float())


@checked
def best_known(name: str) -> Float[Tensor, " episode"] | None:
    """Return the best returns known from the ten starts, or None where nobody has computed them.

    InvertedPendulum pays 1 for each of its 1000 steps, so nothing is better than 1000. Pendulum's
    are a record: actions found by solving its control problem on a grid, and what they earn.
    """
    if name == "InvertedPendulum-v5":
        return torch.full((len(START_SEEDS),), 1000.0)
    if f"best_{name}" in archive.names():
        return torch.from_numpy(archive.load(f"best_{name}").arrays["returns"].copy())
    return None


def _check_ends(env: Env) -> None:
    if env.time_limit is None:
        raise ValueError(
            f"{env.name} must have a time limit, or an episode in which it is judged might never"
            " end: register it with gymnasium.register(..., max_episode_steps=...)"
        )

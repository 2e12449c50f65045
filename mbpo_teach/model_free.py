"""SAC alone: live, remember, update; no model anywhere.

The measure of what a model is worth: MBPO with nothing but real data is this loop. It is a
generator of reports, and whoever calls it plots, prints and saves. Haarnoja et al. 2018 (arXiv
1812.05905), algorithm 1. Taught in chapter 6.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mbpo_teach.envs import interact, make
from mbpo_teach.evaluate import returns, starting_places
from mbpo_teach.replay import ReplayBuffer
from mbpo_teach.sac import (
    Losses,
    SACConfig,
    SACState,
    initial_state,
    make_update,
    policy_of,
)
from mbpo_teach.seeding import generator, torch_generator


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFreeConfig:
    """How long SAC lives, and how often it learns.

    Attributes
    ----------
    total_steps
        Real steps.
    random_steps
        How many of them, at the start, are uniform random actions without learning.
    updates_per_step
        Gradient steps for each real step after those.
    capacity
        The most real steps that are remembered.
    report_every
        Real steps between reports; there is one after the last step in any case.
    """

    total_steps: int
    random_steps: int = 500
    updates_per_step: int = 1
    capacity: int = 100_000
    report_every: int = 500
    sac: SACConfig = field(default_factory=SACConfig)

    def __post_init__(self) -> None:
        for name in ("total_steps", "random_steps", "updates_per_step", "capacity", "report_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What has been reached after `step` real steps.

    `returns` (10,) are those of the policy without noise from the ten fixed starts; `train_return`
    is that of the last episode lived to its end, None before the first; `losses` are those of the
    last update, None before it; `temperature` is alpha; `learner` holds everything learned;
    `seconds` have passed.
    """

    step: int
    returns: Tensor
    train_return: float | None
    losses: Losses | None
    temperature: float
    learner: SACState
    seconds: float


def train_sac(name: str, config: ModelFreeConfig, *, seed: int) -> Iterator[Report]:
    """Run SAC in the environment `name` and report, every `report_every` steps.

    Raises
    ------
    ValueError
        If the environment is not one of the course's kind (see :func:`mbpo_teach.envs.make`).
    """
    begun = time.perf_counter()
    env, judges = make(name), starting_places(name)
    sizes = {"obs_size": env.obs_size, "act_size": env.act_size}
    learner = initial_state(**sizes, config=config.sac, generator=torch_generator(seed, "weights"))
    update, losses = make_update(config.sac), None
    real = ReplayBuffer(min(config.capacity, config.total_steps), **sizes)
    explore, noise = generator(seed, "explore"), torch_generator(seed, "noise")
    replay, shape = torch_generator(seed, "replay"), (2, config.sac.batch_size, env.act_size)

    def act(obs: NDArray[np.float32]) -> NDArray[np.float32]:
        if len(real) < config.random_steps:
            return explore.uniform(-1, 1, env.act_size).astype(np.float32)
        policy = policy_of(learner, config.sac, act_size=env.act_size, generator=noise)
        return policy(torch.from_numpy(obs)[None])[0].numpy()

    earned, train_return = 0.0, None
    life = interact(env, act, rng=generator(seed, "starts"))
    for step in range(1, config.total_steps + 1):
        lived = next(life)
        real.add(lived)
        earned += lived.reward.item()
        if lived.terminated or env.elapsed == env.time_limit:
            earned, train_return = 0.0, earned
        if step > config.random_steps:
            for _ in range(config.updates_per_step):
                batch = real.sample(config.sac.batch_size, generator=replay)
                learner, losses = update(learner, batch, torch.randn(shape, generator=noise))
        if step % config.report_every == 0 or step == config.total_steps:
            greedy = policy_of(learner, config.sac, act_size=env.act_size)
            yield Report(
                step=step,
                returns=returns(judges, greedy),
                train_return=train_return,
                losses=losses,
                temperature=learner.log_temperature.weights.exp().item(),
                learner=learner,
                seconds=time.perf_counter() - begun,
            )

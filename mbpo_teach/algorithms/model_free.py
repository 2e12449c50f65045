"""SAC alone: live, remember, update; no model anywhere.

The measure of what a model is worth: MBPO with nothing but real data is this loop. It is a
generator of reports, and whoever calls it plots, prints and saves. Haarnoja et al. 2018 (arXiv
1812.05905), algorithm 1. Taught in chapter 6.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch

from mbpo_teach.algorithms.agent import (
    Agent,
    Report,
    behaviour,
    learn,
    live,
    new_agent,
    ready,
    remembered,
    report,
)
from mbpo_teach.ground.checked import checked
from mbpo_teach.ground.checks import instance, whole_fields
from mbpo_teach.learner.sac import SACConfig, make_update
from mbpo_teach.world.evaluate import starting_places
from mbpo_teach.world.transitions import Transition


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
        whole_fields(
            self, "total_steps", "random_steps", "updates_per_step", "capacity", "report_every",
            least=1,
        )  # fmt: skip
        instance("sac", self.sac, SACConfig)


@checked
def sac_agent(
    name: str, config: ModelFreeConfig, *, seed: int, device: torch.device | str = "cpu"
) -> Agent:
    """Return an agent for :func:`train_sac` that has not lived yet."""
    return new_agent(name, config.sac, capacity=remembered(config), seed=seed, device=device)


@checked
def train_sac(
    name: str, config: ModelFreeConfig, *, seed: int, agent: Agent | None = None
) -> Iterator[Report]:
    """Run SAC in the environment `name` and report, every `report_every` steps.

    An `agent` given goes on from where it stands; whenever a report comes, it can be stored.

    Raises
    ------
    ValueError
        If the environment is not one of the course's kind (:func:`mbpo_teach.world.envs.make`), or
        `agent` lives in another one.
    """
    agent = ready(agent or sac_agent(name, config, seed=seed), name, config)
    act = behaviour(agent, config.sac, random_steps=config.random_steps)
    update, judges, losses = make_update(config.sac), starting_places(name), None
    for step in range(agent.step, config.total_steps):
        live(agent, act)
        if step >= config.random_steps:
            losses = learn(agent, update, real_batches(agent, config))
        if agent.step % config.report_every == 0 or agent.step == config.total_steps:
            yield report(agent, config.sac, losses, judges=judges)


@checked
def real_batches(agent: Agent, config: ModelFreeConfig) -> list[Transition]:
    """Return what a real step's updates learn from: batches of steps that were lived."""
    with agent.clock("sac"):
        return agent.memory.sample_batches(
            config.updates_per_step,
            config.sac.batch_size,
            generator=agent.streams.torch("replay"),
        )

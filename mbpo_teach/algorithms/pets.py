"""PETS as a training: live by planning, refit the model, and nothing else.

The ensemble is MBPO's. What MBPO asks of it is experience for a policy; what is asked of it here is
what a plan would earn, anew at every real step (:mod:`mbpo_teach.planner.pets`). So nothing is
learned but the model, and acting costs what learning costs MBPO. Chua et al. 2018 (arXiv
1805.12114), algorithm 1. Taught in chapter 8; settings are in :mod:`mbpo_teach.algorithms.presets`.

Departures from the paper
-------------------------
1. The model is refitted every `model_period` real steps, PETS's after each episode, and from its
   last weights; a fit is :mod:`mbpo_teach.model.fit`'s, with its early stop.
2. The reward is learned, as a further output of the model; PETS is given each world's reward as a
   function of state and action. Where an episode ends is given in both.
3. Candidates are cut off at the ends of the action range (:mod:`mbpo_teach.planner.cem`).
4. All candidates of an iteration meet the same members and the same noise. With five particles and
   noise of its own for each candidate, luck decides who is an elite: one Pendulum of 1000 real
   steps then earned -234, and -195 with noise in common.
5. Progress is judged on the ten fixed starts, whose plans are searched for side by side.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mbpo_teach.algorithms.agent import Clock, live, ready, remembered
from mbpo_teach.ground.checked import checked
from mbpo_teach.ground.checks import instance, whole_fields, widths
from mbpo_teach.ground.seeding import Streams
from mbpo_teach.model.dynamics import Ensemble
from mbpo_teach.model.fit import FitConfig, fit_ensemble
from mbpo_teach.planner.pets import (
    PlannerConfig,
    no_plan,
    plan,
    plan_values,
    shifted,
    trajectory_sampling,
)
from mbpo_teach.world.envs import Act, Env, Interaction, make
from mbpo_teach.world.evaluate import episodes, starting_places
from mbpo_teach.world.replay import ReplayBuffer


@dataclass(frozen=True, slots=True, kw_only=True)
class PETSConfig:
    """How PETS lives, fits and plans.

    Attributes
    ----------
    total_steps
        Real steps.
    random_steps
        How many of them, at the start, are uniform random actions.
    model_period
        Real steps between refits.
    report_every
        Real steps between reports, counted from the random ones; there is one after the last step
        in any case. To judge ten episodes takes ten times as many plans as to live one.
    members, model_hidden
        Networks in the ensemble, and the widths of their hidden layers; `fit.elites` of them plan.
    capacity
        The most real steps that are remembered.
    """

    total_steps: int
    random_steps: int = 200
    model_period: int = 200
    report_every: int = 200
    members: int = 5
    model_hidden: tuple[int, ...] = (200, 200, 200)
    capacity: int = 100_000
    fit: FitConfig = field(
        default_factory=lambda: FitConfig(weight_decay=(2.5e-5, 5e-5, 7.5e-5, 1e-4))
    )
    planner: PlannerConfig = field(default_factory=PlannerConfig)

    def __post_init__(self) -> None:
        whole_fields(
            self, "total_steps", "random_steps", "model_period", "report_every", "members",
            "capacity", least=1,
        )  # fmt: skip
        widths(self, "model_hidden")
        instance("fit", self.fit, FitConfig)
        instance("planner", self.planner, PlannerConfig)
        for name in ("random_steps", "capacity"):
            if getattr(self, name) < 2 * self.members:
                raise ValueError(
                    f"{name} must be at least {2 * self.members}, two for each of {self.members}"
                    f" members, so that the model can be fitted; not {getattr(self, name)}"
                )
        self.fit.check_elites(self.members)

    def refits_at(self, step: int) -> bool:
        """Return whether the model is refitted after `step` real steps, before the next one."""
        since = step - self.random_steps
        return since >= 0 and since % self.model_period == 0

    def reports_at(self, step: int) -> bool:
        """Return whether there is a report after `step` real steps."""
        since = step - self.random_steps
        return step == self.total_steps or (since > 0 and since % self.report_every == 0)


@dataclass(slots=True, kw_only=True)
class PlanningAgent:
    """A training of PETS between two real steps, of which `step` have been lived.

    `elites` are the members that plan, best first, and `holdout` the held-out error of each member,
    both empty before the first fit. `plan` (1, horizon, act) is where the next search begins.
    """

    life: Interaction
    memory: ReplayBuffer
    streams: Streams
    model: Ensemble
    plan: Tensor
    elites: tuple[int, ...] = ()
    holdout: tuple[float, ...] = ()
    clock: Clock = field(default_factory=Clock)
    step: int = 0

    @property
    def env(self) -> Env:
        """The world it lives in."""
        return self.life.env

    @property
    def device(self) -> torch.device:
        """Where the model and the memory live; plans wait on the processor."""
        return self.memory.device


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanningReport:
    """What has been reached after `step` real steps.

    Attributes
    ----------
    returns
        Of planning with the present model, from the ten fixed starts, (10,).
    train_return
        That of the last episode lived to its end, None before the first.
    rollout_length, model_holdout
        H, the length of the plans, and the mean held-out error of the elites: mean squared error in
        scaled units. None before the first fit.
    spent
        How many seconds went into each of :data:`mbpo_teach.algorithms.agent.PARTS` so far;
        planning is in "rollouts".
    """

    step: int
    returns: Tensor
    train_return: float | None
    rollout_length: int | None
    model_holdout: float | None
    spent: dict[str, float]

    @property
    def seconds(self) -> float:
        """How long all of it took, judging included."""
        return sum(self.spent.values())


@checked
def pets_agent(
    name: str, config: PETSConfig, *, seed: int, device: torch.device | str = "cpu"
) -> PlanningAgent:
    """Return an agent for :func:`train_pets` that has not lived yet, on `device`.

    Raises
    ------
    ValueError
        If the environment is not one of the course's kind (:func:`mbpo_teach.world.envs.make`), or
        the layers of the model are not as many as `config.fit.weight_decay` is for, or the
        particles no multiple of the elites.
    """
    # Not when the config is made, so that one can be changed setting by setting.
    config.fit.check_decay(len(config.model_hidden) + 1)
    config.planner.check_members(config.fit.elites)
    env, streams = make(name), Streams(seed, device)
    sizes = {"obs_size": env.obs_size, "act_size": env.act_size}
    return PlanningAgent(
        life=Interaction(env, rng=streams.numpy("starts")),
        memory=ReplayBuffer(remembered(config), **sizes, device=device),
        streams=streams,
        model=Ensemble(
            **sizes,
            members=config.members,
            hidden=config.model_hidden,
            generator=streams.torch("model"),
        ),
        plan=no_plan(1, horizon=config.planner.horizon, act_size=env.act_size),
    )


@checked
def train_pets(
    name: str, config: PETSConfig, *, seed: int, agent: PlanningAgent | None = None
) -> Iterator[PlanningReport]:
    """Run PETS in the environment `name`, and report every `report_every` steps.

    An `agent` given goes on from where it stands; whenever a report comes, it can be stored.

    Raises
    ------
    ValueError
        If the environment is not one of the course's kind (:func:`mbpo_teach.world.envs.make`), or
        `agent` lives in another one.
    """
    agent = ready(agent or pets_agent(name, config, seed=seed), name, config)
    act, judges = planned(agent, config), starting_places(name)
    for step in range(agent.step, config.total_steps):
        if config.refits_at(step):
            fit_model(agent, config)
        live(agent, act)
        if config.reports_at(agent.step):
            yield report(agent, config, judges=judges)


@checked
def planned(agent: PlanningAgent, config: PETSConfig) -> Act:
    """Return how `agent` acts in the world: at random at first, later as it plans."""
    explore, search = agent.streams.numpy("explore"), planning(agent, config, "plans")

    def act(obs: NDArray[np.float32]) -> NDArray[np.float32]:
        if agent.step < config.random_steps:
            return explore.uniform(-1, 1, agent.env.act_size).astype(np.float32)
        if agent.env.elapsed == 0:  # what was planned was for the episode before
            agent.plan = torch.zeros_like(agent.plan)
        with agent.clock("rollouts"):
            actions = search(torch.from_numpy(obs)[None], agent.plan)
        agent.plan = shifted(actions)
        return actions[0, 0].numpy()

    return act


@checked
def fit_model(agent: PlanningAgent, config: PETSConfig) -> None:
    """Fit the ensemble to everything lived, from its present weights, and choose the elites."""
    with agent.clock("fit"):
        fitted = fit_ensemble(
            agent.model, agent.memory.all(), config.fit, generator=agent.streams.torch("fit")
        )
    agent.elites, agent.holdout = fitted.elites, fitted.holdout


def report(agent: PlanningAgent, config: PETSConfig, *, judges: Sequence[Env]) -> PlanningReport:
    """Judge planning with the model of `agent` in the worlds `judges`; return what is reached."""
    with agent.clock("judging"):
        search = planning(agent, config, "judged plans")
        reached = episodes(judges, followed(search, judges, config.planner)).returns
    holdout = [agent.holdout[elite] for elite in agent.elites]
    return PlanningReport(
        step=agent.step,
        returns=reached,
        train_return=agent.life.last_return,
        rollout_length=config.planner.horizon if holdout else None,
        model_holdout=float(np.mean(holdout)) if holdout else None,
        spent=dict(agent.clock.seconds),
    )


Search = Callable[[Tensor, Tensor], Tensor]
"""States (batch, obs) and plans to begin with, (batch, horizon, act), to better plans."""


def planning(agent: PlanningAgent, config: PETSConfig, stream: str) -> Search:
    """Return the planner in the model of `agent`; what it draws comes from its stream `stream`."""
    settings, generator = config.planner, agent.streams.torch(stream)

    def search(obs: Tensor, before: Tensor) -> Tensor:
        obs, before = obs.to(agent.device), before.to(agent.device)
        step = trajectory_sampling(
            agent.model,
            members=agent.elites or range(config.fit.elites),
            propagation=settings.propagation,
            generator=generator,
        )

        def evaluate(plans: Tensor) -> Tensor:
            return plan_values(
                step, agent.env.termination, obs, plans, particles=settings.particles
            )

        return plan(evaluate, before, settings.cem, generator=generator).actions.cpu()

    return search


def followed(
    search: Search, judges: Sequence[Env], config: PlannerConfig
) -> Callable[[list[int], Tensor], Tensor]:
    """Return how `search` acts in the worlds `judges`, with a plan of its own for each of them."""
    plans = no_plan(len(judges), horizon=config.horizon, act_size=judges[0].act_size)

    def act(places: list[int], obs: Tensor) -> Tensor:
        actions = search(obs, plans[places])
        plans[places] = shifted(actions)
        return actions[:, 0]

    return act

"""Model-based policy optimisation: Dyna with a network for the model and SAC for the update.

The agent lives, fits an ensemble to all that it lived, lets the ensemble imagine short branches
from states really visited, and trains SAC on the imagined steps with a few real ones among them.
Janner et al. 2019, Algorithm 2; the numbers beside the lines of :func:`train_mbpo` are its lines.
Taught in chapter 7. Per-environment settings are in :mod:`mbpo_teach.algorithms.presets`.

Departures from the paper
-------------------------
1. A fit and its branches come together, every `model_period` real steps, as in the authors' code;
   Algorithm 2 fits once an epoch and makes branches after every step, between which they hardly
   change.
2. The gradient steps of a refit are bounded, and its patience is counted in gradient steps too: the
   authors' fits grow with the data, so that a run's cost grows with the square of its length. In
   :mod:`mbpo_teach.model.fit` stand all six departures of a fit.
3. What the model predicts is scaled: a change of state by its deviation, the reward by
   max(deviation, 1) (:func:`mbpo_teach.model.dynamics.target_scale` says why). The authors' code
   scales the model's inputs only. SAC sees rewards as they are; actions are in [-1, 1], as theirs.
4. Each step reaches the memory when it is lived; the authors' reach it when the episode is over, so
   that up to three of four refits see nothing new.
5. Progress is judged on ten fixed starts, after every `model_period` steps; the authors' code
   judges one episode an epoch. Both without noise.
6. The rows of an imagined step are dealt out to the elites at random and evenly; the authors' code
   draws an elite for each row independently, and lets every network compute every row. A row meets
   each elite with the same chance either way (:func:`mbpo_teach.model.dynamics.sample_step`).
7. The loss of the temperature is alpha times a bracket, as in SAC's equation 18; the authors' code
   has log alpha in its place (:func:`mbpo_teach.learner.losses.temperature_loss`).
8. The schedule of k counts all real steps, random ones included, and k may change at each refit; in
   the authors' code it counts epochs, of 1000 steps on Hopper, that begin after the random ones.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from functools import partial

import torch

from mbpo_teach.algorithms.agent import (
    Agent,
    Imagination,
    Report,
    behaviour,
    learn,
    live,
    new_agent,
    ready,
    remembered,
    report,
)
from mbpo_teach.ground.checks import instance, number, number_fields, whole, whole_fields, widths
from mbpo_teach.learner.sac import SACConfig, make_update, policy_of
from mbpo_teach.model.dynamics import Ensemble, sample_step
from mbpo_teach.model.fit import FitConfig, fit_ensemble
from mbpo_teach.model.rollout import branched_rollout, linear_horizon
from mbpo_teach.world.evaluate import starting_places
from mbpo_teach.world.replay import ReplayBuffer
from mbpo_teach.world.transitions import Transition, concatenate


@dataclass(frozen=True, slots=True, kw_only=True)
class Horizon:
    """How k grows with real steps: :func:`mbpo_teach.model.rollout.linear_horizon`."""

    first: int = 1
    last: int = 1
    first_step: int = 0
    last_step: int = 1

    def __post_init__(self) -> None:
        whole_fields(self, "first", "last", "last_step", least=1)
        whole_fields(self, "first_step", least=0)
        self.at(0)

    def at(self, step: int) -> int:
        """Return k at a real step."""
        return linear_horizon(step, **asdict(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class MBPOConfig:
    """How MBPO lives, imagines and learns; the defaults are the authors', but for the departures.

    Attributes
    ----------
    total_steps
        Real steps.
    random_steps
        How many of them, at the start, are uniform random actions without learning.
    model_period
        Real steps between refits; branches are imagined and progress is judged as often.
    updates_per_step
        G, SAC's gradient steps for each real step.
    real_ratio
        Share of real transitions in each batch, in [0, 1].
    rollout_batch
        Branches after each refit.
    horizon
        k, the length of the branches.
    retained
        How many refits' branches are remembered.
    members, model_hidden
        Networks in the ensemble, and the widths of their hidden layers.
    first_fit_steps
        The most gradient steps of the first fit; None is `fit.max_steps`, as for those that follow.
        They go on from its weights, with a few new rows: one that may be long costs a run once.
    capacity
        The most real steps that are remembered.
    """

    total_steps: int
    random_steps: int = 5000
    model_period: int = 250
    updates_per_step: int = 20
    real_ratio: float = 0.05
    rollout_batch: int = 100_000
    horizon: Horizon = field(default_factory=Horizon)
    retained: int = 4
    members: int = 7
    model_hidden: tuple[int, ...] = (200, 200, 200, 200)
    first_fit_steps: int | None = None
    capacity: int = 1_000_000
    fit: FitConfig = field(default_factory=FitConfig)
    sac: SACConfig = field(default_factory=SACConfig)

    def __post_init__(self) -> None:
        whole_fields(
            self, "total_steps", "random_steps", "model_period", "updates_per_step",
            "rollout_batch", "retained", "members", "capacity", least=1,
        )  # fmt: skip
        if self.first_fit_steps is not None:
            whole_fields(self, "first_fit_steps", least=1)
        widths(self, "model_hidden")
        number_fields(self, "real_ratio", allowed="in [0, 1]", is_allowed=_is_share)
        for name, kind in (("horizon", Horizon), ("fit", FitConfig), ("sac", SACConfig)):
            instance(name, getattr(self, name), kind)
        for name in ("random_steps", "capacity"):
            if getattr(self, name) < 2 * self.members:
                raise ValueError(
                    f"{name} must be at least {2 * self.members}, two for each of {self.members}"
                    f" members, so that the model can be fitted; not {getattr(self, name)}"
                )
        self.fit.check_elites(self.members)

    @property
    def first_fit(self) -> FitConfig:
        """How the model is fitted for the first time."""
        return replace(self.fit, max_steps=self.first_fit_steps or self.fit.max_steps)

    def refits_at(self, step: int) -> bool:
        """Return whether the model is refitted after `step` real steps, before the next one."""
        since = step - self.random_steps
        return since >= 0 and since % self.model_period == 0


def mbpo_agent(
    name: str, config: MBPOConfig, *, seed: int, device: torch.device | str = "cpu"
) -> Agent:
    """Return an agent for :func:`train_mbpo` that has not lived yet.

    Raises
    ------
    ValueError
        If the environment is not one of the course's kind (:func:`mbpo_teach.world.envs.make`), or
        the layers of the model are not as many as `config.fit.weight_decay` is for.
    """
    # Not when the config is made, so that one can be changed setting by setting.
    config.fit.check_decay(len(config.model_hidden) + 1)
    agent = new_agent(name, config.sac, capacity=remembered(config), seed=seed, device=device)
    sizes = {"obs_size": agent.env.obs_size, "act_size": agent.env.act_size}
    model = Ensemble(
        **sizes,
        members=config.members,
        hidden=config.model_hidden,
        generator=agent.streams.torch("model"),
    )
    memory = ReplayBuffer(1, **sizes, device=device)
    agent.imagination = Imagination(model=model, memory=memory)
    return agent


def train_mbpo(
    name: str, config: MBPOConfig, *, seed: int, agent: Agent | None = None
) -> Iterator[Report]:
    """Run Algorithm 2 in the environment `name`, and report before each refit and at the end.

    An `agent` given goes on from where it stands; whenever a report comes, it can be stored.

    Raises
    ------
    ValueError
        If the environment is not one of the course's kind (:func:`mbpo_teach.world.envs.make`), or
        `agent` lives in another one.
    """
    # fmt: off
    agent = ready(agent or mbpo_agent(name, config, seed=seed), name, config)   # line 1
    act = behaviour(agent, config.sac, random_steps=config.random_steps)
    update, judges, losses = make_update(config.sac), starting_places(name), None
    for step in range(agent.step, config.total_steps):                          # lines 2 and 4
        if config.refits_at(step):                                              # departure 1
            fit_model(agent, config)                                            # line 3
            imagine(agent, config)                                              # lines 6 to 8
        live(agent, act)                                                        # line 5
        if step >= config.random_steps:
            losses = learn(agent, update, mixed_batches(agent, config))         # lines 9 and 10
        if config.refits_at(agent.step) or agent.step == config.total_steps:
            yield report(agent, config.sac, losses, judges=judges)
    # fmt: on


def fit_model(agent: Agent, config: MBPOConfig) -> None:
    """Fit the ensemble to everything lived, from its present weights, and choose the elites."""
    dream = _imagination(agent)
    recipe = config.fit if dream.elites else config.first_fit
    with agent.clock("fit"):
        fitted = fit_ensemble(
            dream.model, agent.memory.all(), recipe, generator=agent.streams.torch("fit")
        )
    dream.elites, dream.holdout = fitted.elites, fitted.holdout


def imagine(agent: Agent, config: MBPOConfig) -> None:
    """Imagine a branch from each of `rollout_batch` states really visited, and remember it."""
    dream, streams = _imagination(agent), agent.streams
    dream.length = config.horizon.at(agent.step)
    with agent.clock("rollouts"):
        starts = agent.memory.sample_states(
            config.rollout_batch, generator=streams.torch("branches")
        )
        model_step = partial(
            sample_step, dream.model, elites=dream.elites, generator=streams.torch("rollouts")
        )
        policy = policy_of(
            agent.learner,
            config.sac,
            act_size=agent.env.act_size,
            generator=streams.torch("imagined actions"),
        )
        branches = branched_rollout(
            model_step, policy, agent.env.termination, starts, length=dream.length
        )
        # Room for the whole branches of the last `retained` refits.
        dream.memory = dream.memory.resized(dream.length * config.rollout_batch * config.retained)
        dream.memory.add(branches.transitions)


def mixed_batches(agent: Agent, config: MBPOConfig) -> list[Transition]:
    """Return a real step's G batches: a share `real_ratio` of each was lived, the rest imagined."""
    real = real_rows(config.sac.batch_size, config.real_ratio)
    imagined, batches = config.sac.batch_size - real, config.updates_per_step
    replay, dreams = agent.streams.torch("replay"), agent.streams.torch("dreams")
    parts = []  # a memory from which no row is needed may still be empty
    with agent.clock("sac"):
        if real:
            parts.append(agent.memory.sample_batches(batches, real, generator=replay))
        if imagined:
            memory = _imagination(agent).memory
            parts.append(memory.sample_batches(batches, imagined, generator=dreams))
        return [concatenate(batch) for batch in zip(*parts, strict=True)]


def row_draws(config: MBPOConfig, length: int) -> float:
    """Return how often an imagined row is drawn before it is forgotten, at k = `length`.

    What is drawn from one refit to the next, over the rows that a refit brings if no branch ends
    early: 12 in the authors' settings with k = 1. `retained` does not matter: a row that stays four
    times as long is one of four times as many.
    """
    length = whole("length", length, least=1)
    imagined = config.sac.batch_size - real_rows(config.sac.batch_size, config.real_ratio)
    drawn = config.model_period * config.updates_per_step * imagined
    return drawn / (length * config.rollout_batch)


def real_rows(batch_size: int, real_ratio: float) -> int:
    """Return how many rows of a batch are real, rounded down as by the authors: 12 of 256 at 0.05.

    Raises
    ------
    ValueError
        If `real_ratio` is not in [0, 1].
    """
    number("real_ratio", real_ratio, "in [0, 1]", _is_share)
    # A product such as 100 * 0.29 falls just below the whole number that is meant.
    return int(batch_size * real_ratio + 1e-9)


def _is_share(value: float) -> bool:
    return 0 <= value <= 1


def _imagination(agent: Agent) -> Imagination:
    assert agent.imagination is not None, "the agent was made for SAC alone"
    return agent.imagination

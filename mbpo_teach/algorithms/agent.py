"""An agent in training: all that it carries from one real step to the next.

A training loop keeps everything that it changes in one place, so that what is stored between two
steps is the whole of it, and a run that was killed goes on as if nothing had happened
(:mod:`mbpo_teach.runs.checkpoint`). SAC alone needs a world, a learner and a memory (chapter 6);
MBPO adds an imagination: a model of the world and the memory of what it dreamt (chapter 7). What
both do at every step has a name here: :func:`live`, :func:`learn`, :func:`report`.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mbpo_teach.ground.seeding import Streams, torch_generator
from mbpo_teach.learner.belief import belief
from mbpo_teach.learner.sac import Losses, SACConfig, SACState, Update, initial_state, policy_of
from mbpo_teach.model.dynamics import Ensemble
from mbpo_teach.model.errors import errors_of_rows
from mbpo_teach.world.envs import Act, Env, Interaction, Policy, make
from mbpo_teach.world.evaluate import judged
from mbpo_teach.world.replay import ReplayBuffer
from mbpo_teach.world.simulator import can_be_set
from mbpo_teach.world.transitions import Transition

PARTS = ("simulator", "fit", "rollouts", "sac", "judging")
"""What a training spends its time on: real steps, refits of the model, imagined steps, updates of
the learner, and evaluations."""

ROWS_JUDGED = 100
"""How many imagined rows a report puts beside the simulator: some hundredths of a second."""


class Clock:
    """How many seconds each of :data:`PARTS` has taken: ``with clock("fit"): ...``.

    Of a block inside another one the time is its own part's alone: who plans while a real step is
    lived imagines. `now` is the clock on the wall, or ``time.process_time`` where others use the
    machine too.
    """

    def __init__(self, now: Callable[[], float] = time.perf_counter) -> None:
        self.seconds, self._now, self._inside = dict.fromkeys(PARTS, 0.0), now, 0.0

    @contextmanager
    def __call__(self, part: str) -> Iterator[None]:
        """Count the time of the block as that of `part`."""
        begun, before = self._now(), self._inside
        self._inside = 0.0
        try:
            yield
        finally:
            spent = self._now() - begun
            self.seconds[part] += spent - self._inside
            self._inside = before + spent


@dataclass(slots=True, kw_only=True)
class Imagination:
    """The model of the world, and what was imagined with it.

    `elites` are the members that imagine, best first, and `holdout` the held-out error of each,
    both empty before the first fit; `length` is that of the last branches, 0 before any.
    """

    model: Ensemble
    memory: ReplayBuffer
    elites: tuple[int, ...] = ()
    holdout: tuple[float, ...] = ()
    length: int = 0

    @property
    def error(self) -> float | None:
        """The mean held-out error of the elites, None before the first fit."""
        if not self.elites:
            return None
        return float(np.mean([self.holdout[elite] for elite in self.elites]))


@dataclass(slots=True, kw_only=True)
class Agent:
    """A training between two real steps, of which `step` have been lived."""

    life: Interaction
    learner: SACState
    memory: ReplayBuffer
    streams: Streams
    imagination: Imagination | None = None
    clock: Clock = field(default_factory=Clock)
    step: int = 0

    @property
    def env(self) -> Env:
        """The world it lives in."""
        return self.life.env

    @property
    def device(self) -> torch.device:
        """Where it learns, remembers and imagines; it lives on the processor."""
        return self.memory.device


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What has been reached after `step` real steps.

    Attributes
    ----------
    returns
        Of the policy without noise, from the ten fixed starts, (10,).
    train_return
        That of the last episode lived to its end, None before the first.
    losses
        Those of the last update, None before it.
    temperature
        alpha.
    learner
        Everything learned.
    spent
        How many seconds went into each of :data:`PARTS` so far.
    believed, gap
        What the critics believe in those starts, and how far they lie apart: means of
        :func:`mbpo_teach.learner.belief.belief`.
    reached
        The mean of the same episodes' discounted returns.
    rollout_length, model_holdout
        k of the last branches, and the mean held-out error of the elites: mean squared error in
        scaled units. None without a model.
    imagined_error
        How wrong imagined rows are: the median error of :data:`ROWS_JUDGED` of those remembered,
        each put beside the simulator (:func:`mbpo_teach.model.errors.errors_of_rows`), in
        deviations of the real data. None without any, and where the simulator cannot be put there.
    """

    step: int
    returns: Tensor
    train_return: float | None
    losses: Losses | None
    temperature: float
    learner: SACState
    spent: dict[str, float]
    believed: float
    gap: float
    reached: float
    rollout_length: int | None = None
    model_holdout: float | None = None
    imagined_error: float | None = None

    @property
    def entropy(self) -> float | None:
        """That of the last update's actions, in nats."""
        return None if self.losses is None else self.losses.entropy.item()

    @property
    def batch_value(self) -> float | None:
        """The mean soft value of the last update's states, as believed: minus the actor's loss."""
        return None if self.losses is None else -self.losses.actor.item()

    @property
    def seconds(self) -> float:
        """How long all of it took, judging included."""
        return sum(self.spent.values())


def new_agent(
    name: str, sac: SACConfig, *, capacity: int, seed: int, device: torch.device | str = "cpu"
) -> Agent:
    """Return an agent that has neither lived nor learned, without an imagination.

    Raises
    ------
    ValueError
        If the environment is not one of the course's kind (see :func:`mbpo_teach.world.envs.make`).
    """
    env, streams = make(name), Streams(seed, device)
    sizes = {"obs_size": env.obs_size, "act_size": env.act_size}
    return Agent(
        life=Interaction(env, rng=streams.numpy("starts")),
        learner=initial_state(**sizes, config=sac, generator=streams.torch("weights")),
        memory=ReplayBuffer(capacity, **sizes, device=device),
        streams=streams,
    )


class Alive(Protocol):
    """What every agent is made of, whether it learns a policy or plans."""

    life: Interaction
    memory: ReplayBuffer
    clock: Clock
    step: int


AliveAgent = TypeVar("AliveAgent", bound=Alive)


class Setting(Protocol):
    """What the settings of every training say of its length and its memory."""

    @property
    def total_steps(self) -> int:
        """Real steps."""

    @property
    def capacity(self) -> int:
        """The most real steps that are remembered."""


def remembered(config: Setting) -> int:
    """Return how many real steps a training remembers at most: it allocates no more."""
    return min(config.capacity, config.total_steps)


def ready(agent: AliveAgent, name: str, config: Setting) -> AliveAgent:
    """Return `agent`, which must live in `name`, its memory enlarged to what `config` needs.

    One that was made for a shorter training goes on as if it had been made for the longer one.

    Raises
    ------
    ValueError
        If it lives in another environment.
    """
    if agent.life.env.name != name:
        raise ValueError(f"agent must live in {name}, not in {agent.life.env.name}")
    agent.memory = agent.memory.resized(max(agent.memory.capacity, remembered(config)))
    return agent


def behaviour(agent: Agent, sac: SACConfig, *, random_steps: int) -> Act:
    """Return how `agent` acts in the world: at random at first, later as its policy draws."""
    explore, noise = agent.streams.numpy("explore"), agent.streams.torch("noise")
    act_size = agent.env.act_size

    def act(obs: NDArray[np.float32]) -> NDArray[np.float32]:
        if agent.step < random_steps:
            return explore.uniform(-1, 1, act_size).astype(np.float32)
        policy = policy_of(agent.learner, sac, act_size=act_size, generator=noise)
        return _in_the_world(policy, agent)(torch.from_numpy(obs)[None])[0].numpy()

    return act


def live(agent: Alive, act: Act) -> None:
    """Live one real step with the policy `act`, and remember it."""
    with agent.clock("simulator"):
        agent.memory.add(agent.life.step(act))
    agent.step += 1


def learn(agent: Agent, update: Update, batches: Sequence[Transition]) -> Losses:
    """Take a gradient step of SAC on each of `batches`, one or more; return the last one's losses.

    Every step has noise of its own, drawn for all of them at once.
    """
    with agent.clock("sac"):
        shape = (len(batches), 2, *batches[0].act.shape)
        noise = torch.randn(shape, generator=agent.streams.torch("noise"), device=agent.device)
        for batch, draw in zip(batches, noise, strict=True):
            agent.learner, losses = update(agent.learner, batch, draw)
    return losses


def report(agent: Agent, sac: SACConfig, losses: Losses | None, *, judges: Sequence[Env]) -> Report:
    """Judge `agent` in the worlds `judges` and return what it has reached.

    Judging changes nothing of what follows.
    """
    dream, act_size = agent.imagination, agent.env.act_size
    with agent.clock("judging"):
        greedy = _in_the_world(policy_of(agent.learner, sac, act_size=act_size), agent)
        found = judged(judges, greedy, gamma=sac.gamma)
        starts = found.starts.to(agent.device)
        believed = belief(agent.learner, sac, starts, act_size=act_size)
        imagined_error = _imagined_error(agent, judges[0]) if dream else None
    return Report(
        step=agent.step,
        returns=found.returns,
        train_return=agent.life.last_return,
        losses=losses,
        temperature=agent.learner.log_temperature.weights.exp().item(),
        learner=agent.learner,
        spent=dict(agent.clock.seconds),
        believed=believed.value.mean().item(),
        gap=believed.gap.mean().item(),
        reached=found.discounted.mean().item(),
        rollout_length=(dream.length or None) if dream else None,
        model_holdout=dream.error if dream else None,
        imagined_error=imagined_error,
    )


def _imagined_error(agent: Agent, env: Env) -> float | None:
    dream = agent.imagination
    if dream is None or not len(dream.memory) or not can_be_set(env):
        return None
    # Not a stream that goes on: to be judged once more, at an end, must not change what follows.
    stream = torch_generator(agent.streams.seed, "judged rows", agent.step, device=agent.device)
    drawn = dream.memory.sample(ROWS_JUDGED, generator=stream)
    scale = dream.model.input_scale[: env.obs_size]
    here = Transition(*(column.cpu() for column in drawn))
    return errors_of_rows(env, here, scale.cpu()).median().item()


def _in_the_world(policy: Policy, agent: Agent) -> Policy:
    """Return `policy`, which lives where `agent` does, for observations of a simulator."""
    return lambda obs: policy(obs.to(agent.device)).cpu()

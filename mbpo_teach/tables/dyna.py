"""Q-learning, Dyna-Q and Dyna-Q+: one algorithm with two settings.

After every real step the agent updates its table of action values, writes the step into a model
(a table of what happened), and then repeats the same update on `planning_steps` remembered steps
drawn at random: Q(s, a) += alpha [r + gamma max_b Q(s', b) - Q(s, a)].

==================  ==============  =====
algorithm           planning_steps  kappa
==================  ==============  =====
Q-learning          0               0
Dyna-Q              n > 0           0
Dyna-Q+             n > 0           > 0
==================  ==============  =====

Source: Sutton & Barto, *Reinforcement Learning*, 2nd edition, sections 8.2 (Tabular Dyna-Q, whose
box has the lines (a) to (f)) and 8.3 (Dyna-Q+ and its footnote). Taught in chapter 1; MBPO, in
chapter 7, is this loop with a network for the model and SAC for the update.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice
from typing import Any, NamedTuple

import gymnasium as gym
import numpy as np
from gymnasium.spaces import Discrete

from mbpo_teach.ground import checks, door
from mbpo_teach.ground.checked import FROM_ONE, checked
from mbpo_teach.ground.seeding import generator

Table = list[list[float]]
"""Action values, ``q[state][action]``: lists, which plain Python reads faster than arrays."""

Pair = tuple[int, int]
"""A state and an action."""

DiscreteEnv = gym.Env[Any, Any]
"""A Gymnasium environment whose states and actions are numbered from 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DynaConfig:
    """What the agent does; the defaults are those of the Dyna maze (example 8.1).

    Parameters
    ----------
    planning_steps
        n, imagined updates after each real step.
    alpha
        Step size of every update, in (0, 1].
    gamma
        Discount, in [0, 1].
    epsilon
        Probability of a random action, in [0, 1].
    kappa
        Dyna-Q+: an imagined reward grows by kappa * sqrt(real steps since the pair was tried).
        Any kappa > 0 also lets planning consider actions that were never tried (the footnote).
    remember_all
        Keep every outcome of a pair and imagine a random one of them. The default keeps the last
        outcome only, as the book does for worlds without chance.
    """

    planning_steps: int = 0
    alpha: float = 0.1
    gamma: float = 0.95
    epsilon: float = 0.1
    kappa: float = 0.0
    remember_all: bool = False

    def __post_init__(self) -> None:
        steps = self.planning_steps
        if isinstance(steps, bool) or not isinstance(steps, (int, np.integer)) or steps < 0:
            raise ValueError(f"planning_steps must be an integer >= 0, not {steps!r}")
        checks.number("alpha", self.alpha, "in (0, 1]", lambda x: 0 < x <= 1)
        checks.number("gamma", self.gamma, "in [0, 1]", lambda x: 0 <= x <= 1)
        checks.number("epsilon", self.epsilon, "in [0, 1]", lambda x: 0 <= x <= 1)
        checks.number("kappa", self.kappa, "in [0, inf)", lambda x: 0 <= x < math.inf)


class Outcome(NamedTuple):
    """What one action led to. Being cut short by a time limit is no part of it."""

    reward: float
    next_state: int
    terminated: bool


class RealStep(NamedTuple):
    """One real step, as :func:`learn` reports it."""

    state: int
    action: int
    outcome: Outcome
    truncated: bool


@dataclass(frozen=True, slots=True, eq=False)
class Episode:
    """One finished episode: its length, its undiscounted return, and the table after it."""

    steps: int
    total_reward: float
    q: np.ndarray


class Model:
    """The table model: for each pair (state, action) that it holds, what happened.

    A dictionary finds the outcomes of a pair; a list of the same pairs beside it can be sampled
    in O(1), where ``list(dictionary)`` would copy the whole table at every imagined step.

    Parameters
    ----------
    keep_all
        Keep every outcome of a pair, not only the last.
    """

    def __init__(self, *, keep_all: bool) -> None:
        self.keep_all = keep_all
        self.pairs: list[Pair] = []
        self.outcomes: dict[Pair, list[Outcome]] = {}
        self.last_tried: dict[Pair, int] = {}

    def record(self, pair: Pair, outcome: Outcome, *, now: int) -> None:
        """Write down what `pair` led to at real step `now`, counted from 1."""
        if pair not in self.outcomes:
            self.pairs.append(pair)
        tried_before = self.last_tried.get(pair, 0) > 0
        if self.keep_all and tried_before:
            self.outcomes[pair].append(outcome)
        else:
            self.outcomes[pair] = [outcome]
        self.last_tried[pair] = now

    def assume(self, state: int, *, action_count: int) -> None:
        """Let the untried actions of a visited state be imagined: no reward, same state again.

        The footnote to Dyna-Q+ in section 8.3. Such a pair counts as last tried at step 0.
        """
        for pair in ((state, action) for action in range(action_count)):
            if pair not in self.outcomes:
                self.pairs.append(pair)
                self.outcomes[pair] = [Outcome(0.0, state, terminated=False)]
                self.last_tried[pair] = 0

    def sample(self, size: int, *, rng: np.random.Generator) -> Iterator[tuple[Pair, Outcome]]:
        """Yield `size` pairs, all equally likely, each with one of its outcomes."""
        if size == 0:
            return
        for index in rng.integers(len(self.pairs), size=size).tolist():
            pair = self.pairs[index]
            outcomes = self.outcomes[pair]
            yield pair, outcomes[int(len(outcomes) * rng.random()) if len(outcomes) > 1 else 0]


@checked
def empty_table(env: DiscreteEnv) -> Table:
    """Return action values of zero for every state and action of `env`.

    Raises
    ------
    ValueError
        If the observations or actions of `env` are not Discrete and counted from 0.
    """
    return [
        [0.0] * _size(env.action_space, "action")
        for _ in range(_size(env.observation_space, "observation"))
    ]


def epsilon_greedy(values: Sequence[float], epsilon: float, *, rng: np.random.Generator) -> int:
    """Return a random action with probability `epsilon`, else a best one, ties broken at random.

    Always taking the first of tied actions would send an agent that knows nothing yet in one
    direction, and make every first episode the same. Arguments are taken as they are: it is called
    at every step.
    """
    if rng.random() < epsilon:
        return int(len(values) * rng.random())
    best = max(values)
    tied = [action for action, value in enumerate(values) if value == best]
    return tied[int(len(tied) * rng.random())] if len(tied) > 1 else tied[0]


def q_update(
    q: Table, pair: Pair, outcome: Outcome, *, alpha: float, gamma: float, bonus: float = 0.0
) -> None:
    """Q(s, a) += alpha [r + bonus + gamma max_b Q(s', b) - Q(s, a)], in place   (equation 6.8).

    Nothing follows a terminated step; after a step cut short by a time limit the future goes on.
    The bonus is for Dyna-Q+ to give, and only to what it imagines.
    Arguments are taken as they are, for a check would take more time than the update.
    """
    state, action = pair
    future = 0.0 if outcome.terminated else max(q[outcome.next_state])
    q[state][action] += alpha * (outcome.reward + bonus + gamma * future - q[state][action])


def learn(env: DiscreteEnv, q: Table, config: DynaConfig, *, seed: int) -> Iterator[RealStep]:
    """Act and learn without end, improving `q` in place; yield every real step after its planning.

    Letters are the lines of the box "Tabular Dyna-Q" in section 8.2. Acting and planning draw
    from streams of their own, so without planning this is Q-learning bit for bit.

    Raises
    ------
    ValueError
        If `env` is not discrete, or `q` has not one row per state and one column per action; or,
        before anything is learned from it, if the world gives a state, a reward or an ending that
        is none.
    """
    if _row_lengths(q) != _row_lengths(empty_table(env)):
        raise ValueError("q must have one row per state and one column per action of env")
    act_rng, plan_rng = generator(seed, "act"), generator(seed, "plan")
    alpha, gamma, kappa = config.alpha, config.gamma, config.kappa
    model = Model(keep_all=config.remember_all)
    name = door.name_of(env)
    door.check_reset(name, env)
    state = _begun(env, name, len(q), seed=int(seed))  # Gymnasium refuses NumPy's integers
    for now in count(1):  # (a) the current state is at hand
        action = epsilon_greedy(q[state], config.epsilon, rng=act_rng)  # (b)
        given, reward, terminated, truncated = door.step(name, env.step(action))  # (c)
        outcome = Outcome(reward, door.state(name, given, len(q)), terminated)
        q_update(q, (state, action), outcome, alpha=alpha, gamma=gamma)  # (d)
        model.record((state, action), outcome, now=now)  # (e)
        if kappa > 0:
            model.assume(state, action_count=len(q[state]))
        for pair, imagined in model.sample(config.planning_steps, rng=plan_rng):  # (f)
            bonus = kappa * math.sqrt(now - model.last_tried[pair]) if kappa > 0 else 0.0
            q_update(q, pair, imagined, alpha=alpha, gamma=gamma, bonus=bonus)
        yield RealStep(state, action, outcome, truncated)
        over = terminated or truncated
        state = _begun(env, name, len(q)) if over else outcome.next_state


learn = checked(q=None)(learn)  # not above: chapter 1 prints the function


@checked
def episodes(env: DiscreteEnv, config: DynaConfig, *, seed: int) -> Iterator[Episode]:
    """Learn from an empty table without end; yield a report after every episode."""
    q = empty_table(env)
    steps, total = 0, 0.0
    for step in learn(env, q, config, seed=seed):
        steps, total = steps + 1, total + step.outcome.reward
        if step.outcome.terminated or step.truncated:
            yield Episode(steps, total, np.array(q))
            steps, total = 0, 0.0


@checked(episode_count=FROM_ONE)
def steps_per_episode(
    make_env: Callable[[], DiscreteEnv],
    config: DynaConfig,
    *,
    episode_count: int,
    seeds: Sequence[int],
) -> np.ndarray:
    """Return the length of each episode, an array (seed, episode)."""
    checks.whole("episode_count", episode_count, least=1)
    checks.whole("number of seeds", len(seeds), least=1)
    return np.array(
        [
            [e.steps for e in islice(episodes(make_env(), config, seed=seed), episode_count)]
            for seed in seeds
        ]
    )


@checked(step_count=FROM_ONE)
def cumulative_reward(
    make_env: Callable[[], DiscreteEnv],
    config: DynaConfig,
    *,
    step_count: int,
    seeds: Sequence[int],
) -> np.ndarray:
    """Return the reward collected up to each real step, an array (seed, step)."""
    checks.whole("step_count", step_count, least=1)
    checks.whole("number of seeds", len(seeds), least=1)
    rewards = []
    for seed in seeds:
        env = make_env()
        steps = learn(env, empty_table(env), config, seed=seed)
        rewards.append([step.outcome.reward for step in islice(steps, step_count)])
    return np.cumsum(rewards, axis=1)


def _begun(env: DiscreteEnv, name: str, states: int, *, seed: int | None = None) -> int:
    """Begin an episode and return its first state."""
    return door.state(name, door.first(name, env.reset(seed=seed)), states)


def _row_lengths(q: Table) -> list[int]:
    try:
        return [len(row) for row in q]
    except TypeError:  # not a table at all
        return []


def _size(space: gym.Space[Any], name: str) -> int:
    if not isinstance(space, Discrete) or space.start != 0:
        raise ValueError(
            f"a table needs a Discrete {name} space that starts at 0, not {space}:"
            " cut it into bins first, or use a network"
        )
    return int(space.n)

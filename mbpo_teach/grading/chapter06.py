"""The exercises of chapter 06: a squashed density, the soft target, the temperature, an update.

The references are written in NumPy, so that checking an answer never waits for PyTorch; a test
compares them with the library. The cases are built so that the usual mistakes show: tanh twice, no
sum over actions, log 0 far out, the larger critic, no entropy, a bootstrap across the end, a step
in the temperature instead of its logarithm, a part of an update that is stale, missing or too new.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from mbpo_teach.grading.exercise import Exercise

Array = np.ndarray
Case = tuple[Any, ...]


def _log_prob(raw: Array, mean: Array, log_std: Array) -> Array:
    gaussian = -0.5 * ((raw - mean) / np.exp(log_std)) ** 2 - log_std - 0.5 * np.log(2 * np.pi)
    slope = 2 * (np.log(2) - raw - np.logaddexp(0, -2 * raw))
    total: Array = (gaussian - slope).sum(axis=-1)
    return total


def _log_prob_cases(rng: np.random.Generator) -> list[Case]:
    one = np.ones((1, 1))
    fixed = [
        (2 * one, 2 * one, 0 * one),  # at the middle of the Gaussian the correction is nearly all
        (0 * one, 0 * one, 0 * one),
        (-3 * one, -2 * one, 0.5 * one),
        # Far out, where 1 - tanh(u)^2 is no longer a number above zero, and where exp overflows: on
        # either side another way of writing log(1 + exp) does.
        (np.array([[20.0], [-20.0]]), np.array([[19.0], [-19.0]]), np.zeros((2, 1))),
        (np.array([[800.0], [-800.0]]), np.array([[800.0], [-800.0]]), np.zeros((2, 1))),
    ]
    random = [
        (rng.normal(size=shape), rng.normal(size=shape), rng.uniform(-2, 1, size=shape))
        for shape in ((5, 1), (4, 3), (6, 2))
    ]
    return fixed + random


def _soft_target(
    reward: Array, terminated: Array, next_q: Array, next_log_prob: Array,
    temperature: float, gamma: float,
) -> Array:  # fmt: skip
    value = next_q.min(axis=0) - temperature * next_log_prob
    target: Array = reward + gamma * np.where(terminated, 0.0, value)
    return target


def _soft_target_cases(rng: np.random.Generator) -> list[Case]:
    def case(rows: int, temperature: float, gamma: float, ended: Array) -> Case:
        return (
            rng.normal(size=rows),
            ended,
            rng.normal(scale=5, size=(2, rows)),
            rng.normal(size=rows),
            temperature,
            gamma,
        )

    one = np.ones(1)
    fixed = [
        (one, np.array([False]), np.array([[2.0], [3.0]]), -one, 0.5, 0.9),
        (one, np.array([True]), np.array([[2.0], [3.0]]), -one, 0.5, 0.9),
        # No entropy; then no future.
        case(3, 0.0, 0.99, np.array([False, True, False])),
        case(3, 0.2, 0.0, np.array([False, True, False])),
        # In each row another critic is the smaller one.
        (np.zeros(2), np.zeros(2, bool), np.array([[1.0, 4.0], [3.0, 2.0]]), np.zeros(2), 0.1, 0.9),
    ]  # fmt: skip
    random = [
        case(rows, float(rng.uniform(0.05, 1)), float(rng.uniform(0.8, 0.99)),
             np.arange(rows) % 3 == 1)
        for rows in (2, 5, 8)
    ]  # fmt: skip
    return fixed + random


def _temperature_step(
    temperature: float, log_prob: Array, target_entropy: float, learning_rate: float
) -> float:
    loss = -temperature * (log_prob + target_entropy).mean()
    return float(np.exp(np.log(temperature) - learning_rate * loss))


def _temperature_step_cases(rng: np.random.Generator) -> list[Case]:
    fixed = [
        (1.0, np.array([0.5]), -1.0, 0.1),  # entropy -0.5, above the target: colder
        (1.0, np.array([2.0]), -1.0, 0.1),  # entropy -2, below it: warmer
        (0.3, np.array([1.0, 1.0]), -1.0, 0.1),  # just right: nothing moves
        (0.05, np.array([-1.0, 3.0, 4.0]), 0.5, 0.3),
        (2.0, np.array([-3.0, -2.0]), -1.0, 0.4),  # a step in alpha itself would end below zero
    ]
    random = [
        (
            float(rng.uniform(0.05, 2)),
            rng.normal(size=int(rows)),
            float(rng.uniform(-3, 0.5)),
            float(rng.uniform(0.01, 0.5)),
        )
        for rows in (3, 6, 9)
    ]
    return fixed + random


State = tuple[Any, Any, Any, Any]  # actor, critics, temperature, target critics


def _update(
    state: State,
    make_target: Callable[..., Any],
    step_critics: Callable[..., Any],
    step_actor: Callable[..., Any],
    step_temperature: Callable[..., Any],
    average_targets: Callable[..., Any],
) -> State:
    actor, critics, temperature, target_critics = state
    target = make_target(actor, target_critics, temperature)
    critics = step_critics(critics, target)
    actor, log_prob = step_actor(actor, critics, temperature)
    return (
        actor,
        critics,
        step_temperature(temperature, log_prob),
        average_targets(target_critics, critics),
    )


def _update_cases(rng: np.random.Generator) -> list[Case]:
    state = (0.5, np.array([1.0, 2.0]), 0.2, np.array([3.0, 1.5]))
    by_hand = (state, *_parts(act=0.8, reward=1.0, gamma=0.9, rate=0.1, tau=0.25))
    return [by_hand, *(_small_learner(rng) for _ in range(5))]


def _small_learner(rng: np.random.Generator) -> Case:
    # All numbers are far enough from zero that every part moves what it is to move.
    draw = rng.uniform
    state = (
        float(draw(0.3, 1.2)),
        draw(0.5, 2.0, size=2),
        float(draw(0.1, 0.5)),
        draw(2.5, 4.0, size=2),
    )
    return state, *_parts(
        act=float(draw(0.4, 0.9)), reward=float(draw(-1, 1)), gamma=float(draw(0.8, 0.99)),
        rate=float(draw(0.1, 0.3)), tau=float(draw(0.1, 0.4)),
    )  # fmt: skip


def _parts(
    *, act: float, reward: float, gamma: float, rate: float, tau: float
) -> tuple[Callable[..., Any], ...]:
    """Return the parts of an update of six numbers; deterministic, and without a memory.

    One state; the actor is the mean m of a Gaussian of deviation 1, whose draw is m itself, so that
    a = tanh(m); the critics are Q_i(a) = w_i a. The one row of the batch is `act`, `reward`. Each
    step goes down the slope of SAC's loss at the learning rate `rate`; the target entropy is -1.
    """

    def log_prob_of(mean: float) -> float:
        return float(-0.5 * np.log(2 * np.pi) - np.log(1 - np.tanh(mean) ** 2))

    def make_target(actor: float, target_critics: Array, temperature: float) -> float:
        next_q = target_critics.min() * np.tanh(actor)
        return float(reward + gamma * (next_q - temperature * log_prob_of(actor)))

    def step_critics(critics: Array, target: float) -> Array:
        return np.asarray(critics - rate * (critics * act - target) * act)

    def step_actor(actor: float, critics: Array, temperature: float) -> tuple[float, float]:
        squashed = np.tanh(actor)
        slope = 2 * temperature * squashed - critics.min() * (1 - squashed**2)
        return float(actor - rate * slope), log_prob_of(actor)

    def step_temperature(temperature: float, log_prob: float) -> float:
        return float(temperature * np.exp(rate * temperature * (log_prob - 1)))

    def average_targets(target_critics: Array, critics: Array) -> Array:
        return np.asarray((1 - tau) * target_critics + tau * critics)

    return make_target, step_critics, step_actor, step_temperature, average_targets


EXERCISES = (
    Exercise(id="06-1", cases=_log_prob_cases, reference=_log_prob),
    Exercise(id="06-2", cases=_soft_target_cases, reference=_soft_target),
    Exercise(id="06-3", cases=_temperature_step_cases, reference=_temperature_step),
    Exercise(id="06-4", cases=_update_cases, reference=_update, library=("sac_update",)),
)

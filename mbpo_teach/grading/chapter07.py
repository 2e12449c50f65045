"""The exercises of chapter 07: a mixed batch, a model step, a supported length, the whole loop.

The references are written in NumPy, so that checking an answer never waits for PyTorch; a test
compares them with the library. The cases are built so that the usual mistakes show: a count that is
rounded up, a memory asked for nothing, one elite for all rows, a variance taken for a deviation, a
reward added to the observation, an error that falls again after it was too large, a length of which
hardly any episode is left to tell. The loop's parts are those of a small world in which a policy of
two numbers steers a point: each part depends on what the others made, so that another order, a part
left out or an old result ends in another policy.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from mbpo_teach.grading.exercise import Exercise

Array = np.ndarray
Case = tuple[Any, ...]
Draw = Callable[[int], Array]
Part = Callable[..., Any]


def _mixed_batch(batch_size: int, real_ratio: float, draw_real: Draw, draw_imagined: Draw) -> Array:
    real = int(batch_size * real_ratio)
    parts = [draw(rows) for draw, rows in ((draw_real, real), (draw_imagined, batch_size - real))
             if rows]  # fmt: skip
    return np.concatenate(parts)


def _mixed_batch_cases(rng: np.random.Generator) -> list[Case]:
    # No product lies just below a whole number, where floats would decide.
    settings = [(256, 0.05), (8, 0.5), (10, 0.25), (7, 0.3), (1, 0.5), (6, 0.0), (6, 1.0)]
    settings += [(int(size), float(share)) for size, share in zip(
        rng.integers(20, 60, size=2), rng.uniform(0.11, 0.49, size=2), strict=True
    )]  # fmt: skip
    return [
        (size, share, _memory(rng.normal(size=(256, 3))), _memory(rng.normal(size=(256, 3))))
        for size, share in settings
    ]


def _memory(rows: Array) -> Draw:
    """Return a function that draws rows, always the same; it refuses to draw none."""

    def draw(count: int) -> Array:
        if count < 1:
            raise ValueError("a memory must be asked for one row at least")
        return rows[:count].copy()

    return draw


def _model_step(
    obs: Array, mean: Array, log_var: Array, elite: Array, noise: Array
) -> tuple[Array, Array]:
    rows = np.arange(len(obs))
    drawn = mean[elite, rows] + np.exp(0.5 * log_var[elite, rows]) * noise
    return obs + drawn[:, :-1], drawn[:, -1]


def _model_step_cases(rng: np.random.Generator) -> list[Case]:
    def case(elites: int, rows: int, width: int, spread: float = 1.0, reach: float = 1.0) -> Case:
        return (
            rng.normal(size=(rows, width)),
            reach * rng.normal(size=(elites, rows, width + 1)),
            rng.normal(-1.0, 1.0, size=(elites, rows, width + 1)),
            rng.integers(elites, size=rows),
            spread * rng.normal(size=(rows, width + 1)),
        )

    one = np.zeros((2, 1, 2))
    by_hand = (
        np.array([[1.0]]),
        one + np.array([[[0.5, 3.0]], [[9.0, 9.0]]]),
        one + np.log(4.0),
        np.array([0]),
        np.array([[0.25, -1.0]]),
    )
    # The mean alone; the noise alone; as many elites as rows, and one elite.
    fixed = [by_hand, case(3, 5, 2, spread=0.0), case(3, 5, 2, reach=0.0), case(4, 4, 2)]
    return [*fixed, case(1, 3, 4), case(5, 12, 3), case(2, 7, 1)]


def _supported_length(errors: Array, tolerance: float, share: float, least: int) -> int:
    for k in range(1, errors.shape[1] + 1):
        running = errors[:, k - 1][~np.isnan(errors[:, k - 1])]
        if len(running) < least or (running <= tolerance).mean() < share:
            return k - 1
    return int(errors.shape[1])


def _supported_length_cases(rng: np.random.Generator) -> list[Case]:
    nan, far = np.nan, np.inf
    growing = np.array([[0.1, 0.2, 0.4, 0.8]] * 4)
    fixed = [
        (growing, 0.5, 0.9, 1),
        (growing, 5.0, 0.9, 1),  # nothing measured speaks against more, but nothing for it
        (growing, 0.05, 0.9, 1),  # not even one step
        (growing, 0.4, 0.9, 1),  # at the tolerance is within it
        (np.array([[0.1, 0.9, 0.2, 0.2]] * 3), 0.5, 0.5, 1),  # falls again after it was too large
        # Two of four within is half of them.
        (np.array([[0.1, 0.1, 0.1], [0.1, 0.2, 0.9], [0.2, 0.7, 0.9], [0.3, 0.8, 0.9]]),
         0.5, 0.5, 1),
        # Episodes end: of those that run all are within, but too few of them are left.
        (np.array([[0.1, 0.1, 0.1], [0.1, 0.1, nan], [0.1, nan, nan], [0.1, nan, nan]]),
         0.5, 0.9, 2),
        (np.array([[0.1, nan], [0.1, nan]]), 0.5, 0.9, 1),
        # A model that blew up is no episode that is over.
        (np.array([[0.1, 0.1], [0.1, far], [0.1, 0.1]]), 0.5, 0.9, 1),
        (np.array([[0.1, 0.1, nan], [0.1, far, far], [0.1, 0.1, 0.1], [0.1, 0.1, nan]]),
         0.5, 0.75, 2),
        (np.array([[nan, nan], [0.1, 0.1]]), 0.5, 0.9, 2),
    ]  # fmt: skip
    random = [_measured(rng, starts, until) for starts, until in ((20, 3), (25, 6), (30, 9))]
    return fixed + random


def _measured(rng: np.random.Generator, starts: int, until: int) -> Case:
    """Return errors that grow, and a tolerance that is met about `until` steps long."""
    k = np.arange(1, 13)
    errors = (
        0.05
        * 1.3**k
        * rng.lognormal(0.0, 0.4, size=(starts, 1))
        * rng.uniform(0.8, 1.2, size=(starts, len(k)))
    )
    ends = rng.integers(4, 30, size=starts)
    errors[k > ends[:, None]] = np.nan
    return errors, float(0.09 * 1.3**until), float(rng.choice([0.5, 0.75, 0.9])), 8


def _whole_loop(
    steps: int, random_steps: int, model_period: int, policy: Array, model: Array, memory: Array,
    act: Part, remember: Part, fit: Part, imagine: Part, mix: Part, update: Part,
) -> Array:  # fmt: skip
    imagined = None
    for step in range(steps):
        since = step - random_steps
        if since >= 0 and since % model_period == 0:
            model = fit(model, memory)
            imagined = imagine(model, policy, memory)
        memory = remember(memory, act(policy, memory))
        if since >= 0:
            for batch in mix(memory, imagined):
                policy = update(policy, batch)
    return policy


def _whole_loop_cases(rng: np.random.Generator) -> list[Case]:
    def case(steps: int, random_steps: int, model_period: int, updates: int) -> Case:
        policy, model = rng.normal(size=(2, 2))
        world, goal = rng.uniform(0.4, 0.8, size=2), float(rng.uniform(0.8, 1.5))
        parts = _parts(world, goal, updates)
        return (steps, random_steps, model_period, policy, model, np.zeros((0, 3)), *parts)

    # Refits at each step, at every second and third, at one step only; a life without learning.
    settings = [(8, 3, 1, 1), (9, 3, 2, 2), (12, 4, 3, 3), (5, 2, 9, 2), (3, 5, 2, 2), (7, 2, 5, 4)]
    return [case(*one) for one in settings]


def _parts(world: Array, goal: float, updates: int) -> tuple[Part, ...]:
    """Return act, remember, fit, imagine, mix, update: a point is to be steered to `goal`.

    `world` (2,) says how much a state and an action count in the next state, and so does a model. A
    transition is (state, action, next state).
    """

    def steer(policy: Array, state: Any) -> Any:
        return np.tanh(policy[0] * state + policy[1])

    def act(policy: Array, memory: Array) -> Array:
        state = memory[-1, 2] if len(memory) else 0.3
        action = steer(policy, state)
        return np.array([state, action, world[0] * state + world[1] * action])

    def remember(memory: Array, transition: Array) -> Array:
        return np.vstack([memory, transition])

    def fit(model: Array, memory: Array) -> Array:
        """Go half the way to the least squares."""
        seen, followed = memory[:, :2], memory[:, 2]
        best = np.linalg.solve(seen.T @ seen + 0.1 * np.eye(2), seen.T @ followed)
        return 0.5 * (model + best)

    def imagine(model: Array, policy: Array, memory: Array) -> Array:
        state = memory[:, 2]
        action = steer(policy, state)
        return np.column_stack([state, action, model[0] * state + model[1] * action])

    def mix(memory: Array, imagined: Array) -> list[Array]:
        """Return the step's batches, each of one real transition and all the imagined ones."""
        return [np.vstack([memory[-1 - i % len(memory)], imagined]) for i in range(updates)]

    def update(policy: Array, batch: Array) -> Array:
        state, action, reached = batch.T
        push = (goal - reached) * (1 - action**2)
        return policy + 0.5 * np.array([np.mean(push * state), np.mean(push)])

    return act, remember, fit, imagine, mix, update


EXERCISES = (
    Exercise(
        id="07-1", cases=_mixed_batch_cases, reference=_mixed_batch,
        library=("mixed_batches", "real_rows"),
    ),
    Exercise(
        id="07-2", cases=_model_step_cases, reference=_model_step, library=("sample_step",)
    ),
    Exercise(id="07-3", cases=_supported_length_cases, reference=_supported_length),
    Exercise(
        id="07-4", cases=_whole_loop_cases, reference=_whole_loop, library=("train_mbpo",)
    ),
)  # fmt: skip

"""How long 30 seeds of the Dyna maze take: n = 50 planning steps, 50 episodes.

python benchmarks/dyna_maze.py

Aim: under 20 s on two cores. Beside it, on fewer seeds, the usual first way of writing the
planning loop: copy the model's keys into a list at every imagined step and pick one of them.
"""

import time
from concurrent.futures import ProcessPoolExecutor

import numpy as np

from mbpo_teach.ground.seeding import generator
from mbpo_teach.tables.dyna import (
    DynaConfig,
    Outcome,
    empty_table,
    epsilon_greedy,
    q_update,
    steps_per_episode,
)
from mbpo_teach.tables.mazes import dyna_maze

SEEDS, EPISODES, PROCESSES = 30, 50, 2
CONFIG = DynaConfig(planning_steps=50)


def ours(seeds: range) -> np.ndarray:
    return steps_per_episode(dyna_maze, CONFIG, episode_count=EPISODES, seeds=seeds)


def naive(seed: int) -> list[int]:
    env, rng = dyna_maze(), generator(seed, "naive")
    q, model, lengths = empty_table(env), {}, []
    rates = {"alpha": CONFIG.alpha, "gamma": CONFIG.gamma}
    for _ in range(EPISODES):
        state, terminated, steps = env.reset()[0], False, 0
        while not terminated:
            action = epsilon_greedy(q[state], CONFIG.epsilon, rng=rng)
            after, reward, terminated, _, _ = env.step(action)
            model[state, action] = Outcome(reward, after, terminated)
            q_update(q, (state, action), model[state, action], **rates)
            for _ in range(CONFIG.planning_steps):
                pairs = list(model.keys())
                pair = pairs[rng.integers(len(pairs))]
                q_update(q, pair, model[pair], **rates)
            state, steps = after, steps + 1
        lengths.append(steps)
    return lengths


def main() -> None:
    shares = [range(part, SEEDS, PROCESSES) for part in range(PROCESSES)]
    start = time.perf_counter()
    with ProcessPoolExecutor(PROCESSES) as pool:
        runs = np.concatenate(list(pool.map(ours, shares)))
    wall = time.perf_counter() - start
    print(f"{SEEDS} seeds over {PROCESSES} processes: {wall:.1f} s (aim: under 20 s)")

    few = range(3)
    start = time.process_time()
    mine = ours(few)
    fast = time.process_time() - start
    start = time.process_time()
    theirs = np.array([naive(seed) for seed in few])
    slow = time.process_time() - start
    # The runs differ in luck, so time is compared per real step.
    ratio = (slow / theirs.sum()) / (fast / mine.sum())
    print(f"per real step, list(model.keys()) at every imagined step: {ratio:.1f} times as long")
    print(f"mean of the last ten episodes: ours {runs[:, -10:].mean():.1f},", end=" ")
    print(f"naive {theirs[:, -10:].mean():.1f} (best epsilon-greedy policy: 15.8)")


if __name__ == "__main__":
    main()

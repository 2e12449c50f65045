"""Makes the two sweeps of chapter 1 that its sliders replay: the ice, and the shortcut maze.

python tools/record_dyna.py                    both, about half a minute on one core
python tools/record_dyna.py ice                one of them

The learning rate on the ice (Dyna-Q that remembers every outcome, n = 10): the exact return of the
greedy policy, ``returns`` (alpha, seed, checkpoint), after every 20 episodes. Curiosity in the
shortcut maze (Dyna-Q+, n = 10, alpha = 1): the ``rewards`` collected, (kappa, seed, step). Ten
seeds each, all of them stored. Every number is bit for bit what the chapter's own cells give.
"""

import argparse
from dataclasses import asdict, replace
from itertools import islice

import gymnasium as gym
import numpy as np

from mbpo_teach.tables import dyna, episodic, mazes
from mbpo_teach.tables.mdp import exact_return
from recording import Arrays, made, provenance, save

SEEDS = range(10)
EPISODES = range(20, 301, 20)
STEPS = 6000
SWEPT = {
    "ice": ("alpha", (0.01, 0.03, 0.1, 0.2, 0.5, 1.0)),
    "shortcut": ("kappa", (0.0, 0.0001, 0.0003, 0.0006, 0.001, 0.0015, 0.002, 0.003)),
}
CONFIGS = {
    "ice": dyna.DynaConfig(gamma=0.99, planning_steps=10, remember_all=True),
    "shortcut": dyna.DynaConfig(planning_steps=10, alpha=1.0),
}


def on_ice(config: dyna.DynaConfig) -> Arrays:
    """Return the exact returns on the ice, (seed, checkpoint)."""
    lake = episodic.tabular_mdp(gym.make("FrozenLake-v1"), gamma=config.gamma)
    runs = []
    for seed in SEEDS:
        learning = dyna.episodes(gym.make("FrozenLake-v1"), config, seed=seed)
        tables = [episode.q for episode in islice(learning, EPISODES[-1])]
        after = [tables[count - 1] for count in EPISODES]
        runs.append([exact_return(lake, episodic.greedy_policy(q)) for q in after])
    return {"returns": np.array(runs)}


def in_shortcut_maze(config: dyna.DynaConfig) -> Arrays:
    """Return the rewards collected up to each real step, (seed, step)."""
    rewards = dyna.cumulative_reward(mazes.shortcut_maze, config, step_count=STEPS, seeds=SEEDS)
    return {"rewards": rewards.astype(np.int32)}


RUN = {"ice": on_ice, "shortcut": in_shortcut_maze}
COUNTED = {"ice": {"episodes": list(EPISODES)}, "shortcut": {"steps": STEPS}}


def said(world: str, swept: object) -> dict:
    """Return the provenance of a record, or of its part for one value."""
    name, _ = SWEPT[world]
    config = asdict(CONFIGS[world]) | {name: swept} | COUNTED[world]
    return provenance(f"python tools/record_dyna.py {world}", seed=list(SEEDS), config=config)


def sweep(world: str) -> Arrays:
    """Return the arrays of one record."""
    name, values = SWEPT[world]
    configs = [replace(CONFIGS[world], **{name: value}) for value in values]
    runs = made(
        RUN[world], configs, said=lambda config: said(world, getattr(config, name)), name=world
    )
    return {key: np.stack([run[key] for run in runs]) for key in runs[0]} | {name: np.array(values)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("worlds", nargs="*", choices=[[], *SWEPT], metavar="WORLD")
    for world in parser.parse_args().worlds or SWEPT:
        save(f"dyna_{world}", sweep(world), said(world, SWEPT[world][1]))


if __name__ == "__main__":
    main()

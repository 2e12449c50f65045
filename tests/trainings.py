"""Trainings of a moment: settings so small that a whole run takes a tenth of a second."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.spaces import Box

from mbpo_teach.algorithms.mbpo import Horizon, MBPOConfig
from mbpo_teach.algorithms.pets import PETSConfig
from mbpo_teach.learner.sac import SACConfig
from mbpo_teach.model.fit import FitConfig
from mbpo_teach.planner.cem import CEMConfig
from mbpo_teach.planner.pets import PlannerConfig
from mbpo_teach.world import terminations

MOMENT = MBPOConfig(
    total_steps=130,
    random_steps=30,
    model_period=20,
    updates_per_step=2,
    rollout_batch=25,
    horizon=Horizon(first=1, last=4, first_step=30, last_step=90),
    retained=2,
    members=3,
    model_hidden=(8,),
    fit=FitConfig(elites=2, weight_decay=(0.0, 0.0), max_steps=6, batch_size=16),
    sac=SACConfig(hidden=(8, 8), batch_size=16),
)
"""Refits after 30, 50, 70, 90 and 110 steps, with branches of 1, 2, 3, 4 and 4 steps."""

PLANNED = PETSConfig(
    total_steps=75,
    random_steps=30,
    model_period=20,
    report_every=15,
    members=3,
    model_hidden=(8,),
    fit=FitConfig(elites=2, weight_decay=(0.0, 0.0), max_steps=6, batch_size=16),
    planner=PlannerConfig(
        horizon=3, particles=2, cem=CEMConfig(candidates=4, elites=2, iterations=2)
    ),
)
"""Refits after 30, 50 and 70 steps, reports after 45, 60 and 75."""

SETTINGS = {
    "random_steps": 20,
    "model_period": 10,
    "updates_per_step": 1,
    "rollout_batch": 10,
    "members": 2,
    "model_hidden": [8],
    "fit.weight_decay": [0.0, 0.0],
    "fit.max_steps": 4,
    "sac.hidden": [8],
    "sac.batch_size": 8,
}
"""The same idea as differences from a preset, for a run in a folder."""


PLANNER_SETTINGS = {
    "random_steps": 20,
    "model_period": 10,
    "report_every": 15,
    "members": 2,
    "model_hidden": [8],
    "fit.weight_decay": [0.0, 0.0],
    "fit.max_steps": 4,
    "planner.horizon": 3,
    "planner.particles": 2,
    "planner.cem.elites": 2,
    "planner.cem.candidates": 4,
    "planner.cem.iterations": 2,
}
"""The same for a run that plans."""


def curve(rows):
    """Return rows of progress.csv without their times, which no two runs share."""
    return [
        {name: value for name, value in row.items() if not name.endswith("_seconds")}
        for row in rows
    ]


def same(one, other):
    """Say whether two learners, or anything made of tensors in tuples, are equal bit for bit."""
    if isinstance(one, tuple):
        return all(same(a, b) for a, b in zip(one, other, strict=True))
    return one.dtype == other.dtype and one.equal(other)


class Ledge(gym.Env):
    """Walk on a line towards 1 and not beyond 2, where it ends; actions go from 2 to 6.

    The reward is 1 - |place - 1|, 4 stands still, and time runs out after 20 steps.
    """

    observation_space = Box(-9, 9, (1,), np.float32)
    action_space = Box(2, 6, (1,), np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.place = self.np_random.uniform(-1, 1)
        return np.array([self.place], np.float32), {}

    def step(self, action):
        assert 2 <= action[0] <= 6
        self.place = float(max(self.place + 0.25 * (action[0] - 4), -5))
        obs = np.array([self.place], np.float32)
        return obs, 1 - abs(self.place - 1), self.place > 2, False, {}


@pytest.fixture(scope="module")
def ledge():
    """Make :class:`Ledge` known for the tests of one file; return its name."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(gym.envs.registration, "registry", dict(gym.registry))
        patched.setattr(terminations, "_TERMINATIONS", dict(terminations._TERMINATIONS))
        gym.register("Ledge-v0", entry_point=Ledge, max_episode_steps=20)
        terminations.register("Ledge-v0", lambda next_obs: next_obs[:, 0] > 2)
        yield "Ledge-v0"

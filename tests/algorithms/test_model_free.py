"""SAC alone: bit-equal reruns, what its reports say, and one environment that it must solve."""

import dataclasses

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.spaces import Box
from trainings import MOMENT

from mbpo_teach.algorithms import agent, model_free
from mbpo_teach.algorithms.mbpo import train_mbpo
from mbpo_teach.algorithms.model_free import ModelFreeConfig, sac_agent, train_sac
from mbpo_teach.learner.sac import SACConfig, make_update
from mbpo_teach.world import terminations

SMALL = SACConfig(hidden=(8, 8), batch_size=16)
SHORT = ModelFreeConfig(total_steps=430, random_steps=300, report_every=100, sac=SMALL)


@pytest.fixture(scope="module")
def reports():
    return list(train_sac("Pendulum-v1", SHORT, seed=3))


def test_it_reports_on_time_and_after_the_last_step(reports):
    assert [report.step for report in reports] == [100, 200, 300, 400, 430]
    assert all(report.returns.shape == (10,) for report in reports)
    assert reports[2].losses is None and reports[3].losses is not None
    seconds = [report.seconds for report in reports]
    assert seconds == sorted(seconds)


def test_the_training_return_is_that_of_the_last_whole_episode(reports):
    """Pendulum's episodes have 200 steps; before the first is over there is no return."""
    assert [report.train_return is None for report in reports] == [True, False, False, False, False]
    assert reports[1].train_return == reports[2].train_return != reports[3].train_return


def test_it_learns_once_for_each_step_after_the_random_ones(reports):
    assert [report.learner.updates.item() for report in reports] == [0, 0, 0, 100, 130]


def test_every_update_has_rows_and_noise_of_its_own(monkeypatch):
    taken = []

    def make(sac):
        update = make_update(sac)

        def kept(learner, batch, noise):
            taken.append((batch.obs, noise))
            return update(learner, batch, noise)

        return kept

    monkeypatch.setattr(model_free, "make_update", make)
    config = dataclasses.replace(SHORT, total_steps=310, updates_per_step=3)
    list(train_sac("Pendulum-v1", config, seed=0))
    for kind in zip(*taken, strict=True):
        assert len({tuple(one.flatten().tolist()) for one in kind}) == len(kind) == 30


def test_the_same_seed_gives_the_same_bits_and_another_others(reports):
    again = list(train_sac("Pendulum-v1", SHORT, seed=3))
    for ours, theirs in zip(reports, again, strict=True):
        assert ours.returns.equal(theirs.returns)
        assert ours.learner.critics.weights.equal(theirs.learner.critics.weights)
    other = next(train_sac("Pendulum-v1", SHORT, seed=4))
    assert not other.learner.actor.weights.equal(reports[0].learner.actor.weights)


def test_judging_more_often_changes_nothing_that_is_learned(reports):
    often = dataclasses.replace(SHORT, report_every=43)
    *_, last = train_sac("Pendulum-v1", often, seed=3)
    assert last.learner.actor.weights.equal(reports[-1].learner.actor.weights)


def test_reports_are_frozen(reports):
    with pytest.raises(dataclasses.FrozenInstanceError):
        reports[0].step = 5


def test_a_time_limit_is_no_end_and_the_first_actions_are_uniform(monkeypatch):
    """What reaches the buffer over three of Pendulum's time limits."""
    stored = []

    class Watched(agent.ReplayBuffer):
        def add(self, rows):
            stored.append(rows)
            super().add(rows)

    monkeypatch.setattr(agent, "ReplayBuffer", Watched)
    config = dataclasses.replace(SHORT, total_steps=620, random_steps=600, report_every=620)
    list(train_sac("Pendulum-v1", config, seed=0))
    assert len(stored) == 620
    assert not any(bool(rows.terminated.any()) for rows in stored)
    actions = torch.cat([rows.act for rows in stored[:600]])
    assert actions.min() < -0.98 and actions.max() > 0.98
    # Uniform: a share of 0.5 beyond a half on either side. An untrained policy has another.
    assert actions.mean().abs() < 0.1 and abs(actions.std() - 3**-0.5) < 0.05
    for edge in (0.25, 0.5, 0.75):
        assert abs((actions.abs() > edge).float().mean() - (1 - edge)) < 0.05


@pytest.mark.parametrize(
    "name", ["total_steps", "random_steps", "updates_per_step", "capacity", "report_every"]
)
def test_a_setting_below_one_is_named(name):
    with pytest.raises(ValueError, match=f"{name} must be at least 1, not 0"):
        ModelFreeConfig(**{"total_steps": 10, name: 0})


def test_settings_of_another_kind_are_named():
    with pytest.raises(ValueError, match=r"^sac must be a SACConfig, not None"):
        ModelFreeConfig(total_steps=10, sac=None)


@pytest.mark.parametrize("train", [train_sac, train_mbpo])
def test_an_agent_of_another_world_does_not_live(train):
    config = MOMENT if train is train_mbpo else SHORT
    agent = sac_agent("InvertedPendulum-v5", SHORT, seed=0)
    with pytest.raises(ValueError, match="agent must live in Pendulum-v1, not in Inverted"):
        next(train("Pendulum-v1", config, seed=0, agent=agent))
    assert agent.step == 0


def test_a_training_that_goes_on_for_longer_is_the_longer_one(reports):
    """The memory of the shorter one would forget."""
    shorter = dataclasses.replace(SHORT, total_steps=310)
    agent = sac_agent("Pendulum-v1", shorter, seed=3)
    list(train_sac("Pendulum-v1", shorter, seed=3, agent=agent))
    assert agent.memory.capacity == 310
    *_, last = train_sac("Pendulum-v1", SHORT, seed=3, agent=agent)
    assert agent.memory.capacity == 430
    assert last.learner.actor.weights.equal(reports[-1].learner.actor.weights)


class Hill(gym.Env):
    """Walk on a line; the reward is -|place - 1|, and episodes last 20 steps."""

    observation_space = Box(-5, 5, (1,), np.float32)
    action_space = Box(-1, 1, (1,), np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.place = self.np_random.uniform(-1, 1)
        return np.array([self.place], np.float32), {}

    def step(self, action):
        self.place = float(np.clip(self.place + 0.5 * action[0], -5, 5))
        obs = np.array([self.place], np.float32)
        return obs, -abs(self.place - 1), False, False, {}


def test_it_solves_a_trivial_world(monkeypatch):
    monkeypatch.setattr(gym.envs.registration, "registry", dict(gym.registry))
    monkeypatch.setattr(terminations, "_TERMINATIONS", dict(terminations._TERMINATIONS))
    gym.register("Hill-v0", entry_point=Hill, max_episode_steps=20)
    terminations.register("Hill-v0", lambda obs: torch.zeros(len(obs), dtype=torch.bool))
    config = ModelFreeConfig(
        total_steps=800,
        random_steps=200,
        report_every=800,
        sac=SACConfig(hidden=(32, 32), batch_size=64, learning_rate=5e-3),
    )
    (report,) = train_sac("Hill-v0", config, seed=0)
    # Standing still costs 20 from the middle; the best possible from a start of -1 is about 3.
    assert report.returns.mean() > -4

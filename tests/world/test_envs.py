"""Simulators behind one door: spaces, actions, endings, collection, environments of one's own."""

from itertools import islice

import gymnasium as gym
import mujoco
import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Dict, Discrete

from mbpo_teach.world import envs, terminations
from mbpo_teach.world.replay import ReplayBuffer
from mbpo_teach.world.warned import mujoco_warnings

SIZES = {
    "Pendulum-v1": (3, 1, 200),
    "InvertedPendulum-v5": (4, 1, 1000),
    "Hopper-v5": (11, 3, 1000),
    "HalfCheetah-v5": (17, 6, 1000),
    "Walker2d-v5": (17, 6, 1000),
    "Ant-v5": (27, 8, 1000),
}


class Line(gym.Env):
    """A point that moves by its action and is over beyond 1; actions go from 0 to 4."""

    def __init__(self, observation_space=None, action_space=None):
        self.observation_space = observation_space or Box(-9, 9, (1,))
        self.action_space = action_space or Box(0, 4, (1,))

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.at = self.np_random.uniform(-1, 0, 1)
        return self.at.copy(), {}

    def step(self, action):
        self.at = self.at + 0.1 * action
        return self.at.copy(), float(action[0]), bool(self.at[0] > 1), False, {}


@pytest.fixture
def line(monkeypatch):
    """Return a function that makes a Line known to Gymnasium, with other spaces if wanted."""
    monkeypatch.setattr(gym.envs.registration, "registry", dict(gym.registry))
    monkeypatch.setattr(terminations, "_TERMINATIONS", dict(terminations._TERMINATIONS))

    def known(**spaces):
        monkeypatch.delitem(gym.envs.registration.registry, "Line-v0", raising=False)
        gym.register("Line-v0", entry_point=lambda: Line(**spaces), max_episode_steps=30)
        return "Line-v0"

    return known


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("name", SIZES)
def test_sizes_and_types(name):
    env = envs.make(name)
    assert (env.obs_size, env.act_size, env.time_limit) == SIZES[name]
    obs = env.reset(rng=rng())
    step = env.step(np.zeros(env.act_size))
    for shown in (obs, step.obs):
        assert (shown.shape, shown.dtype) == ((env.obs_size,), np.float32)
    assert [type(part) for part in step[1:]] == [float, bool, bool]
    env.close()


@pytest.mark.parametrize("name", SIZES)
def test_actions_reach_from_one_end_to_the_other(name):
    """Ours and Gymnasium's own environment, driven by the same actions, see the same world."""
    env = envs.make(name)
    with mujoco_warnings():
        wild = gym.make(name, disable_env_checker=True, **envs._OPTIONS.get(name, {}))
    space, noise = wild.action_space, rng(1)
    obs = env.reset(rng=rng(2))
    expected, _ = wild.reset(seed=int(rng(2).integers(2**31)))
    assert np.array_equal(obs, expected.astype(np.float32))
    low, high = space.low.astype(float), space.high.astype(float)
    for part in (-1.0, 1.0, 0.0, -0.5, *noise.uniform(-1, 1, 20).astype(np.float32).tolist()):
        action = low + (part + 1) / 2 * (high - low)
        step = env.step(np.full(env.act_size, part))
        expected, reward, terminated, _, _ = wild.step(action.astype(np.float32))
        np.testing.assert_array_equal(step.obs, expected.astype(np.float32))
        assert (step.reward, step.terminated) == (reward, terminated)


def test_pendulum_feels_twice_the_action():
    """From rest at the bottom, torque 2 for 0.05 s turns it by 3 * 2 * 0.05 = 0.3 rad/s."""
    env = envs.make("Pendulum-v1")
    env.reset(rng=rng())
    env.simulator.unwrapped.state = np.array([np.pi, 0.0])
    assert env.step([1.0]).obs[2] == pytest.approx(0.3, abs=1e-6)


@pytest.mark.parametrize(
    ("action", "message"),
    [
        ([1.5, 0, 0], r"must lie in \[-1, 1\], not \[1.5, 0.0"),
        ([1.00001, 0, 0], r"must lie in \[-1, 1\]"),
        ([0, -2, 0], r"must lie in \[-1, 1\]"),
        ([0, np.nan, 0], r"must lie in \[-1, 1\], not \[0.0, nan"),
        ([0, 0], r"must have shape \(3,\), not \(2,\)"),
        (0.0, r"must have shape \(3,\), not \(\)"),
    ],
)
def test_a_bad_action_is_refused_and_nothing_moves(action, message):
    env = envs.make("Hopper-v5")
    env.reset(rng=rng())
    before = env.simulator.unwrapped.data.qpos.copy()
    with pytest.raises(ValueError, match=message):
        env.step(action)
    assert env.elapsed == 0
    assert np.array_equal(env.simulator.unwrapped.data.qpos, before)


def test_a_step_before_the_first_reset_is_refused():
    with pytest.raises(ValueError, match="must be reset before"):
        envs.make("Hopper-v5").step(np.zeros(3))


@pytest.mark.parametrize(("name", "limit"), [("Pendulum-v1", 200), ("HalfCheetah-v5", 1000)])
def test_the_time_limit_truncates_and_does_not_terminate(name, limit):
    env = envs.make(name)
    env.reset(rng=rng())
    steps = [env.step(np.zeros(env.act_size)) for _ in range(limit)]
    assert [step.truncated for step in steps] == [False] * (limit - 1) + [True]
    assert not any(step.terminated for step in steps)


def test_a_fall_terminates_and_does_not_truncate():
    env = envs.make("InvertedPendulum-v5")
    env.reset(rng=rng())
    steps = [env.step([1.0]) for _ in range(30)]
    first = next(step for step in steps if step.terminated)
    assert not first.truncated
    assert first.reward == 0.0


def test_collecting_stores_terminations_only():
    """Four time limits of Pendulum are passed, and not one of them is stored."""
    data = envs.collect(envs.make("Pendulum-v1"), steps=850, rng=rng())
    assert not data.terminated.any()
    follows = (data.obs[1:] == data.next_obs[:-1]).all(dim=1)
    assert (~follows).nonzero().flatten().tolist() == [199, 399, 599, 799]


def test_collecting_starts_anew_after_a_fall():
    data = envs.collect(envs.make("InvertedPendulum-v5"), steps=300, rng=rng())
    follows = (data.obs[1:] == data.next_obs[:-1]).all(dim=1)
    assert torch.equal(~follows, data.terminated[:-1])
    assert [tuple(column.shape) for column in data] == [
        (300, 4),
        (300, 1),
        (300,),
        (300, 4),
        (300,),
    ]
    assert [column.dtype for column in data] == [torch.float32] * 4 + [torch.bool]


def test_collecting_is_repeatable_and_random_actions_fill_the_range():
    first, again, other = (
        envs.collect(envs.make("Hopper-v5"), steps=200, rng=rng(seed)) for seed in (5, 5, 6)
    )
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first.obs, other.obs)
    assert first.act.abs().max() <= 1
    assert abs(float(first.act.mean())) < 0.1
    assert float(first.act.std()) == pytest.approx(3**-0.5, abs=0.05)


def test_the_policy_sees_the_observation_and_its_action_is_stored():
    seen = []

    def act(obs):
        seen.append(obs)
        return np.array([np.tanh(obs[2])])

    data = envs.collect(envs.make("Pendulum-v1"), act, steps=50, rng=rng())
    assert torch.equal(data.obs, torch.tensor(np.array(seen)))
    torch.testing.assert_close(data.act[:, 0], data.obs[:, 2].tanh())


def test_a_policy_that_writes_into_its_action_changes_nothing_stored():
    reused = np.zeros(1, np.float32)

    def act(obs):
        reused[0] += 0.01
        return reused

    data = envs.collect(envs.make("Pendulum-v1"), act, steps=20, rng=rng())
    torch.testing.assert_close(data.act[:, 0], 0.01 * torch.arange(1.0, 21.0))


def test_each_step_reaches_the_buffer_when_it_happens():
    """The authors' code hands data over at the end of an episode: refits then see nothing new."""
    env, buffer = envs.make("Pendulum-v1"), ReplayBuffer(100, obs_size=3, act_size=1)
    for count, step in enumerate(islice(envs.interact(env, rng=rng()), 30), start=1):
        buffer.add(step)
        assert len(buffer) == count == env.elapsed


def test_a_life_knows_what_its_episodes_earned():
    """InvertedPendulum pays 1 for each step but the last; pushed aside it falls soon."""
    life = envs.Interaction(envs.make("InvertedPendulum-v5"), rng=rng())
    assert (life.obs, life.earned, life.last_return) == (None, 0.0, None)
    steps, returns = [], []
    for _ in range(40):
        steps.append(life.step(lambda obs: np.ones(1)))
        assert (life.obs is None) == steps[-1].terminated.item()
        if life.obs is None:
            returns.append(life.last_return)
            assert life.last_return == life.earned
        else:
            assert np.array_equal(life.obs, steps[-1].next_obs[0].numpy())
    ends = torch.cat([step.terminated for step in steps]).nonzero().flatten().tolist()
    lengths = np.diff([-1, *ends])
    assert len(ends) > 2 and returns == [length - 1 for length in lengths]
    assert life.earned == 40 - 1 - ends[-1]


def test_a_life_goes_on_when_time_is_up_and_tells_nobody():
    life = envs.Interaction(envs.make("Pendulum-v1"), rng=rng())
    steps = [life.step(lambda obs: np.zeros(1)) for _ in range(200)]
    assert life.obs is None and not any(step.terminated.item() for step in steps)
    earned = sum(step.reward.item() for step in steps)
    assert life.last_return == pytest.approx(earned, rel=1e-6)
    life.step(lambda obs: np.zeros(1))
    assert life.env.elapsed == 1 and life.last_return == pytest.approx(earned, rel=1e-6)
    assert life.earned > earned


def test_no_steps_are_refused():
    with pytest.raises(ValueError, match="steps must be at least 1, not 0"):
        envs.collect(envs.make("Pendulum-v1"), steps=0, rng=rng())


def test_an_environment_of_ones_own(line):
    name = line()
    terminations.register(name, lambda next_obs: next_obs[:, 0] > 1)
    env = envs.make(name)
    assert (env.obs_size, env.act_size, env.time_limit) == (1, 1, 30)
    data = envs.collect(env, steps=500, rng=rng())
    assert torch.equal(env.termination(data.next_obs), data.terminated)
    assert data.terminated.sum() > 20
    # Actions from 0 to 4: action -1 stands still, 1 moves by 0.4.
    torch.testing.assert_close(data.next_obs - data.obs, 0.2 * (data.act + 1))


def test_an_environment_without_termination_function_says_what_to_provide(line):
    with pytest.raises(ValueError, match=r"'Line-v0'.*terminations\.register"):
        envs.make(line())


@pytest.mark.parametrize(
    ("spaces", "message"),
    [
        ({"action_space": Discrete(2)}, r"must have actions that are vectors.*Discrete\(2\)"),
        ({"observation_space": Discrete(5)}, r"must have observations that are vectors"),
        ({"observation_space": Box(0, 255, (8, 8, 3), np.uint8)}, "observations.*8, 8, 3"),
        ({"observation_space": Box(0, 255, (8,), np.uint8)}, "observations.*vectors of real"),
        ({"observation_space": Dict({"a": Box(0, 1, (1,))})}, "observations.*Dict"),
        ({"action_space": Box(-np.inf, np.inf, (1,))}, "bounded actions"),
    ],
)
def test_other_kinds_of_environment_are_refused(line, spaces, message):
    name = line(**spaces)
    terminations.register(name, terminations.never)
    with pytest.raises(ValueError, match=f"Line-v0.*{message}"):
        envs.make(name)


@pytest.mark.parametrize("name", ["Nonsense-v0", "Hopper-v99", "not a name"])
def test_a_name_that_gymnasium_does_not_know(name):
    with pytest.raises(ValueError, match=f"name must be an environment of Gymnasium, not '{name}'"):
        envs.make(name)


def test_gymnasiums_registry_stays_as_it_was():
    envs.make("Ant-v5")
    spec = gym.spec("Ant-v5")
    assert (spec.max_episode_steps, spec.order_enforce, spec.kwargs) == (1000, True, {})


def test_half_cheetah_is_quiet_and_leaves_no_file(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    envs.make("HalfCheetah-v5")
    assert capfd.readouterr().err == ""
    assert list(tmp_path.iterdir()) == []


def test_other_warnings_of_mujoco_become_warnings_of_python(tmp_path, monkeypatch):
    """A simulation that blows up is silently reset by MuJoCo: that must be heard."""
    monkeypatch.chdir(tmp_path)
    env = envs.make("Hopper-v5")
    env.reset(rng=rng())
    env.simulator.unwrapped.data.qvel[:] = np.nan
    with pytest.warns(RuntimeWarning, match="QVEL.*unstable"):
        env.step(np.zeros(3))
    assert list(tmp_path.iterdir()) == []


def test_someone_elses_listener_is_put_back():
    heard = []
    before = mujoco.get_mju_user_warning()
    mujoco.set_mju_user_warning(heard.append)
    try:
        listener = mujoco.get_mju_user_warning()
        with pytest.raises(RuntimeError), mujoco_warnings():
            raise RuntimeError
        assert mujoco.get_mju_user_warning() is listener
    finally:
        mujoco.set_mju_user_warning(before)

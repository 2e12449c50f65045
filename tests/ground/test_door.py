"""Worlds that learners bring: what they give is copied and checked before it is used."""

import os
import subprocess
import sys
from itertools import islice

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Discrete

from mbpo_teach.algorithms.mbpo import MBPOConfig, train_mbpo
from mbpo_teach.algorithms.model_free import ModelFreeConfig, train_sac
from mbpo_teach.ground import door
from mbpo_teach.tables import dyna
from mbpo_teach.world import envs, terminations
from mbpo_teach.world.evaluate import returns, starting_places

LARGEST = np.finfo(np.float32).max


class World(gym.Env):
    """Two numbers that grow by 0.1 in each step."""

    observation_space = Box(-np.inf, np.inf, (2,), np.float64)
    action_space = Box(-1, 1, (1,), np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.place = self.np_random.normal(size=2)
        return self.look(), {}

    def step(self, action):
        self.place = self.place + 0.1
        return self.look(), float(self.place[0]), False, False, {}

    def look(self):
        return self.place.copy()


class Walk(gym.Env):
    """Six places in a row; right of the last but one it ends."""

    observation_space, action_space = Discrete(6), Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.place = 2
        return self.place, {}

    def step(self, action):
        self.place = max(0, self.place + (1 if action else -1))
        return self.place, float(self.place == 5), self.place == 5, False, {}


@pytest.fixture
def known(monkeypatch):
    """Return a function that makes a world known to Gymnasium, and returns its name."""
    monkeypatch.setattr(gym.envs.registration, "registry", dict(gym.registry))
    monkeypatch.setattr(terminations, "_TERMINATIONS", dict(terminations._TERMINATIONS))

    def register(world, limit=20):
        gym.register("Own-v0", entry_point=world, max_episode_steps=limit)
        terminations.register("Own-v0", terminations.never)
        return "Own-v0"

    return register


def rng():
    return np.random.default_rng(0)


def lived(name, steps=5):
    return envs.collect(envs.make(name), steps=steps, rng=rng())


def changed(**parts):
    """Return a World whose steps give something else in some places."""

    class Changed(World):
        def step(self, action):
            given = dict(
                zip(("obs", "reward", "ended", "cut", "info"), super().step(action), strict=True)
            )
            return tuple((given | parts).values())

    return Changed


# What is kept.


def test_a_world_may_return_the_same_array_each_time(known):
    class Buffer(World):
        observation_space = Box(-np.inf, np.inf, (2,), np.float32)
        buffer = np.zeros(2, np.float32)

        def look(self):
            self.buffer[:] = self.place
            return self.buffer

    data = lived(known(Buffer))
    torch.testing.assert_close(data.next_obs - data.obs, torch.full((5, 2), 0.1))
    assert data.obs[1:].equal(data.next_obs[:-1])


def test_a_policy_that_writes_into_what_it_sees_changes_nothing_stored(known):
    def act(obs):
        obs[:] = 7
        return [0.0]

    data = envs.collect(envs.make(known(World)), act, steps=5, rng=rng())
    torch.testing.assert_close(data.next_obs - data.obs, torch.full((5, 2), 0.1))


# Actions.


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
def test_the_farthest_actions_stay_in_the_box(known, dtype):
    """Of 40,000 extreme actions in boxes drawn like these, 5,909 left theirs by a rounding."""
    draws = rng()
    low = draws.uniform(-5, 5, 2000).astype(dtype)
    high = (low + draws.uniform(0.01, 10, 2000)).astype(dtype)

    class Strict(World):
        action_space = Box(low, high, dtype=dtype)

        def step(self, action):
            assert self.action_space.contains(action)
            seen.append(action)
            return super().step(action)

    env, seen = envs.make(known(Strict)), []
    env.reset(rng=rng())
    for end in (-1.0, 1.0, 0.25):
        env.step(np.full(2000, end))
    digit = np.finfo(dtype).eps * (np.abs(low) + np.abs(high))
    for applied, end in zip(seen, (low, high), strict=False):
        assert (np.abs(applied - end) <= digit).all() and (applied == end).mean() > 0.5
    np.testing.assert_allclose(seen[2], low + 0.625 * (high - low), atol=8 * float(digit.max()))


def test_a_symmetric_box_is_reached_as_ever(known):
    class Wide(World):
        action_space = Box(-0.3, 0.3, (1,), np.float32)

        def step(self, action):
            seen.append(action.copy())
            return super().step(action)

    env, seen, asked = envs.make(known(Wide)), [], rng().uniform(-1, 1, 200).astype(np.float32)
    env.reset(rng=rng())
    for action in asked:
        env.step([action])
    assert np.array_equal(np.ravel(seen), np.float32(0.3) * asked)


def test_bounds_of_the_largest_number_overflow_nothing(known):
    class Huge(World):
        action_space = Box(-LARGEST, LARGEST, (1,), np.float32)

        def step(self, action):
            seen.append(float(action[0]))
            return super().step(action)

    env, seen = envs.make(known(Huge)), []
    env.reset(rng=rng())
    for action in (-1, 0, 1):
        env.step([action])
    assert seen == [-LARGEST, 0, LARGEST]


@pytest.mark.parametrize("action", [[0.5 + 9j], ["a"], [None], torch.ones(1, requires_grad=True)])
def test_an_action_that_is_no_numbers_is_one_sentence(known, action):
    env = envs.make(known(World))
    env.reset(rng=rng())
    with pytest.raises(ValueError, match=r"^action must hold numbers, not"):
        env.step(action)


@pytest.mark.parametrize("seed", [None, -1, 0.5, True])
def test_a_start_needs_a_seed(known, seed):
    """Without one Gymnasium starts anywhere, and never again in the same place."""
    with pytest.raises(ValueError, match=r"^seed must be"):
        envs.make(known(World)).start(seed)


# Time.


@pytest.mark.parametrize("train", [train_sac, train_mbpo])
def test_without_a_time_limit_nothing_is_lived(known, train):
    class Counting(World):
        def step(self, action):
            raise AssertionError("a step was lived")

    name = known(Counting, limit=None)
    config = {train_sac: ModelFreeConfig, train_mbpo: MBPOConfig}[train](total_steps=600)
    message = r"^Own-v0 must have a time limit.*register.*max_episode_steps=\.\.\."
    with pytest.raises(ValueError, match=message):
        next(train(name, config, seed=0))
    with pytest.raises(ValueError, match=message):
        starting_places(name)
    with pytest.raises(ValueError, match=message):
        returns([envs.make(name)], lambda obs: torch.zeros(len(obs), 1), seeds=[0])


def test_without_a_time_limit_data_can_be_collected(known):
    assert len(lived(known(World, limit=None), steps=50).obs) == 50


# What a world gives.


class OldReset(World):
    def reset(self):
        self.place = np.zeros(2)
        return self.look()


class BareReset(World):
    def reset(self, **how):
        return super().reset(**how)[0]


class NoReset(World):
    def reset(self, **how):
        super().reset(**how)


class OldStep(World):
    def step(self, action):
        return (*super().step(action)[:2], False, {})


class Wrapped(gym.Wrapper):
    def __init__(self):
        super().__init__(World())

    def reset(self):
        return self.env.reset()


class Short(World):
    def look(self):
        return self.place[:1]


class Lost(World):
    def look(self):
        return np.array([0.0, np.nan])


SEED = r"reset must take seed and options, as in reset\("


@pytest.mark.parametrize(
    ("world", "message"),
    [
        (OldReset, rf"OldReset\.{SEED}"),
        (Wrapped, rf"Wrapped\.{SEED}"),
        (BareReset, r"reset must return \(observation, info\), info a dict, not array\("),
        (NoReset, r"reset must return \(observation, info\), info a dict, not None"),
        (OldStep, r"step must return \(observation, reward, terminated, truncated, info\), not \("),
        (Short, r"the observation must be a vector of 2 finite numbers, not array\(\[1"),
        (Lost, r"the observation must be a vector of 2 finite numbers, not array\(\[ *0\., nan"),
        (changed(obs=np.zeros((1, 2))), "the observation must be a vector of 2 finite numbers"),
        (changed(obs=[1.0, [2.0]]), "the observation must be a vector of 2 finite numbers"),
        (changed(obs=None), "the observation must be .* not None"),
        (changed(obs={"a": 1}), "the observation must be .* not {'a': 1}"),
        (changed(obs=np.array([1.0, 1e300])), r"the observation must be .*1\.0*e\+300"),
        (changed(obs=np.array([1.0, np.inf])), "the observation must be .*inf"),
        (changed(obs=np.array([1.0, 2j])), "the observation must be"),
        (changed(reward=np.array([1.0])), r"the reward must be one finite number, not array\(\[1"),
        (changed(reward=np.nan), "the reward must be one finite number, not nan"),
        (changed(reward=-np.inf), "the reward must be one finite number, not -inf"),
        (changed(reward=np.float32(np.nan)), "the reward must be one finite number, not .*nan"),
        (changed(reward=1e300), r"the reward must be one finite number, not 1e\+300"),
        (changed(reward=None), "the reward must be one finite number, not None"),
        (changed(reward="1"), "the reward must be one finite number, not '1'"),
        (changed(ended=None), "terminated must be True or False, not None"),
        (changed(ended=np.array([True])), "terminated must be True or False, not array"),
        (changed(ended=0.5), r"terminated must be True or False, not 0\.5"),
        (changed(cut={}), "truncated must be True or False, not {}"),
    ],
)
def test_what_a_world_may_not_give_is_one_sentence_with_its_name(known, world, message):
    """The old forms of reset and step among it."""
    with pytest.raises(ValueError, match=f"^Own-v0: .*{message}") as error:
        lived(known(world))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "parts",
    [
        {"obs": [1, 2], "reward": 3},
        {"obs": np.arange(2), "reward": np.float64(3.0), "ended": np.bool_(False), "cut": 0},
        {"obs": torch.arange(2.0), "reward": np.array(3.0), "ended": np.array(False)},
        {"obs": (1.0, 2.0), "reward": True, "info": None},
    ],
)
def test_what_means_the_same_is_taken(known, parts):
    assert lived(known(changed(**parts))).next_obs.shape == (5, 2)


def test_a_world_without_spaces_is_refused(known):
    class Bare(gym.Env):
        pass

    with pytest.raises(ValueError, match=r"Own-v0 must have observations that are vectors.*None"):
        envs.make(known(Bare))


# Tables.


def told(world, count=30):
    config = dyna.DynaConfig(planning_steps=5)
    return list(islice(dyna.episodes(world, config, seed=0), count))


class MinusOne(Walk):
    def step(self, action):
        place, *rest = super().step(action)
        return (place or -1, *rest)


class Half(Walk):
    def step(self, action):
        place, *rest = super().step(action)
        return (place + 0.6, *rest)


class NoReward(Walk):
    def step(self, action):
        place, _, *rest = super().step(action)
        return (place, float("nan"), *rest)


class OldWalk(Walk):
    def reset(self):
        return 2


class OldSteps(Walk):
    def step(self, action):
        place, reward, over, _, info = super().step(action)
        return place, reward, over, info


class BareWalk(Walk):
    def reset(self, **how):
        return super().reset(**how)[0]


class Beyond(Walk):
    def reset(self, **how):
        super().reset(**how)
        return 6, {}


@pytest.mark.parametrize(
    ("world", "message"),
    [
        (MinusOne, "the state must be a whole number from 0 to 5, not -1"),
        (Half, r"the state must be a whole number from 0 to 5, not \d\.6"),
        (Beyond, "the state must be a whole number from 0 to 5, not 6"),
        (NoReward, "the reward must be one finite number, not nan"),
        (OldWalk, rf"OldWalk\.{SEED}"),
        (OldSteps, "step must return"),
        (BareWalk, r"reset must return \(observation, info\), info a dict, not 2"),
    ],
)
def test_a_table_learns_nothing_from_a_state_or_reward_that_is_none(world, message):
    with pytest.raises(ValueError, match=f"^{world.__name__}: {message}"):
        told(world())


def test_nothing_was_learned_when_a_reward_is_refused():
    table = dyna.empty_table(NoReward())
    with pytest.raises(ValueError, match="the reward"):
        next(dyna.learn(NoReward(), table, dyna.DynaConfig(), seed=0))
    assert not np.any(table)


def test_a_table_takes_states_of_numpy():
    class Counted(Walk):
        def step(self, action):
            place, *rest = super().step(action)
            return (np.array(place), *rest)

    ends = [each.q for each in (told(Counted())[-1], told(Walk())[-1])]
    assert np.array_equal(*ends)


def test_a_registered_world_is_called_by_its_name(known):
    assert door.name_of(gym.make(known(World))) == "Own-v0"
    assert door.name_of(World()) == "World"


# Worlds without MuJoCo.


def test_a_wrong_mujoco_gl_is_named_and_stops_no_other_world(tmp_path):
    """MuJoCo cannot be loaded then; Pendulum is trained, stored and gone on with all the same."""
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from trainings import SETTINGS\n"
        "from mbpo_teach.world import envs\n"
        "from mbpo_teach.runs.training import Run, train_in\n"
        "run = Run(environment='Pendulum-v1', settings=SETTINGS, steps=40)\n"
        "rows = train_in(Path(sys.argv[1]), run); next(rows); rows.close()\n"
        "print([row['step'] for row in train_in(Path(sys.argv[1]), run, resume=True)])\n"
        "assert 'mujoco' not in sys.modules\n"
        "try: envs.make('Hopper-v5')\n"
        "except ValueError as error: print(error)\n"
    )
    for wrong in ("nonsense", "osmesa"):
        surroundings = os.environ | {"MUJOCO_GL": wrong, "PYTHONPATH": os.pathsep.join(sys.path)}
        done = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / wrong)],
            env=surroundings,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        steps, said = done.stdout.splitlines()
        assert steps == "[30, 40]"
        assert f"Hopper-v5 cannot be loaded with the environment variable MUJOCO_GL={wrong}" in said

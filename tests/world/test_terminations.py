"""The termination functions against the simulators' own code, thousands of states each."""

import inspect

import numpy as np
import pytest
import torch

from mbpo_teach.world import envs, terminations
from mbpo_teach.world.terminations import hopper, inverted_pendulum

# For each environment the numbers of the observation that its rule looks at, with their limits.
LIMITS = {
    "Pendulum-v1": {},
    "InvertedPendulum-v5": {1: (-0.2, 0.2)},
    "Hopper-v5": {0: (0.7,), 1: (-0.2, 0.2), **dict.fromkeys(range(2, 5), (-100.0, 100.0))},
    "HalfCheetah-v5": {},
    "Walker2d-v5": {0: (0.8, 2.0), 1: (-1.0, 1.0)},
    "Ant-v5": {0: (0.2, 1.0)},
}
HEALTHY = {"Hopper-v5": 1.2, "Walker2d-v5": 1.2, "Ant-v5": 0.6}
MUJOCO = [name for name in LIMITS if name != "Pendulum-v1"]


def judged_by_the_simulator(env, states, monkeypatch):
    """Put each of the states (batch, obs) into the simulator and let its own step judge it.

    The step does everything but move, so that any state can be judged, even one that no physics
    reaches. Returns what it shows, (batch, obs) float64, and its verdicts.
    """
    world = env.simulator.unwrapped
    monkeypatch.setattr(world, "do_simulation", lambda action, frames: None)
    layout = world.observation_structure
    hidden, shown = layout.get("skipped_qpos", 0), layout["qpos"]
    observations, verdicts = [], []
    for state in states:
        world.data.qpos[:] = np.concatenate([np.zeros(hidden), state[:shown]])
        world.data.qvel[:] = state[shown:]
        obs, _, terminated, _, _ = world.step(np.zeros(env.act_size))
        observations.append(obs)
        verdicts.append(bool(terminated))
    return torch.tensor(np.array(observations)), torch.tensor(verdicts)


def healthy_states(name, width, count, rng):
    states = rng.uniform(-0.1, 0.1, (count, width))
    states[:, 0] += HEALTHY.get(name, 0.0)
    return states


def random_states(name, width, count, rng):
    """Wide ones, and healthy ones with one, two or three numbers drawn anew around a limit."""
    scale = 10 ** rng.uniform(-2, 3, (count, 1))
    wide = rng.standard_normal((count, width)) * scale
    near = healthy_states(name, width, count, rng)
    for state in near:
        for place in rng.choice(width, size=rng.integers(1, 4)):
            limit = rng.choice(LIMITS[name].get(place, (0.0,)))
            state[place] = limit + rng.standard_normal() * 10 ** rng.uniform(-6, 1)
    return np.concatenate([wide, near])


@pytest.mark.parametrize("name", MUJOCO)
def test_random_states_end_where_the_simulator_says(name, monkeypatch):
    env, rng = envs.make(name), np.random.default_rng(0)
    states = random_states(name, env.obs_size, 1500, rng)
    # A velocity of 100 ends Hopper's episode and cannot be seen: the test after next.
    shown = env.simulator.unwrapped.observation_structure["qpos"]
    states[:, shown:] = states[:, shown:].clip(-99, 99)
    obs, expected = judged_by_the_simulator(env, states, monkeypatch)
    if LIMITS[name]:
        assert 0.1 < expected.float().mean() < 0.95
    assert torch.equal(env.termination(obs), expected)


@pytest.mark.parametrize("name", MUJOCO)
def test_limits_are_open_or_closed_as_in_the_simulator(name, monkeypatch):
    env, states = envs.make(name), []
    base = healthy_states(name, env.obs_size, 1, np.random.default_rng(1))[0]
    for place, limits in LIMITS[name].items():
        for limit in limits:
            for value in (np.nextafter(limit, -np.inf), limit, np.nextafter(limit, np.inf)):
                states.append(base.copy())
                states[-1][place] = value
    obs, expected = judged_by_the_simulator(env, [base, *states], monkeypatch)
    assert not expected[0]
    assert torch.equal(env.termination(obs), expected)


@pytest.mark.parametrize("name", MUJOCO)
def test_numbers_that_are_not_finite_end_where_the_simulator_says(name, monkeypatch):
    env = envs.make(name)
    base = healthy_states(name, env.obs_size, 1, np.random.default_rng(2))[0]
    shown = env.simulator.unwrapped.observation_structure["qpos"]
    states = []
    for place in range(env.obs_size):
        for value in (np.nan, np.inf, -np.inf):
            if name == "Hopper-v5" and place >= shown and np.isinf(value):
                continue  # clipped to 10 before it is shown
            states.append(base.copy())
            states[-1][place] = value
    obs, expected = judged_by_the_simulator(env, states, monkeypatch)
    assert torch.equal(env.termination(obs), expected)


def test_hopper_hides_velocities_beyond_its_limit(monkeypatch):
    """What the module says an observation cannot tell is so: the simulator ends, we cannot see."""
    env = envs.make("Hopper-v5")
    state = healthy_states("Hopper-v5", 11, 1, np.random.default_rng(3))[0]
    state[-1] = 100.0
    obs, expected = judged_by_the_simulator(env, [state], monkeypatch)
    assert (obs[0, -1], expected[0], hopper(obs)[0]) == (10.0, True, False)


@pytest.mark.parametrize("name", LIMITS)
def test_real_steps_end_where_the_simulator_ends_them(name):
    env = envs.make(name)
    data = envs.collect(env, steps=400, rng=np.random.default_rng(4))
    assert torch.equal(env.termination(data.next_obs), data.terminated)
    assert env.termination(data.next_obs).dtype == torch.bool
    if name in ("InvertedPendulum-v5", "Hopper-v5", "Walker2d-v5"):
        assert 3 < data.terminated.sum() < 200


def test_hand_numbers():
    fallen = torch.tensor([[0.0, 0.21, 0.0, 0.0], [0.0, -0.19, 5.0, -5.0], [0.0, -0.3, 0.0, 0.0]])
    assert inverted_pendulum(fallen).tolist() == [True, False, True]
    bent = torch.zeros(4, 11)
    bent[:, 0] = 1.2
    bent[1, 3], bent[2, 3], bent[3, 0] = -1000.0, 1000.0, 1000.0
    # The bracket of the authors' abs(x < 100) would let row 1 live; the height has no such limit.
    assert hopper(bent).tolist() == [False, True, True, False]


@pytest.mark.parametrize("name", LIMITS)
def test_no_rows_give_no_verdicts(name):
    verdicts = terminations.termination_of(name)(torch.zeros(0, 27))
    assert verdicts.shape == (0,)
    assert verdicts.dtype == torch.bool


def test_an_unknown_environment_says_what_to_provide():
    with pytest.raises(ValueError, match=r"'Foo-v0'.*Hopper-v5.*terminations\.register"):
        terminations.termination_of("Foo-v0")


def test_only_functions_are_registered():
    register = inspect.unwrap(terminations.register)  # as learners have it, without type checks
    with pytest.raises(ValueError, match=r"termination must be a function.*3"):
        register("Foo-v0", 3)
    with pytest.raises(ValueError, match="no termination function"):
        terminations.termination_of("Foo-v0")


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda obs: (obs[:, 0] > 1).int(), "must return a tensor of bool, not torch.int32"),
        (lambda obs: (obs[:, 0] > 1).float(), "must return a tensor of bool, not torch.float32"),
        (lambda obs: (obs[:, 0] > 1).numpy(), "must return a tensor of bool, not ndarray"),
        (lambda obs: None, "must return a tensor of bool, not NoneType"),
        (lambda obs: obs[:, :1] > 1, r"must return shape \(4,\).*, not \(4, 1\)"),
        (lambda obs: (obs > 1).any(), r"must return shape \(4,\).*, not \(\)"),
    ],
)
def test_an_answer_of_another_kind_is_refused(answer, message, monkeypatch):
    """Of 0 and 1 instead of False and True, ~0 and ~1 are the rows -1 and -2."""
    monkeypatch.setattr(terminations, "_TERMINATIONS", dict(terminations._TERMINATIONS))
    terminations.register("Foo-v0", answer)
    with pytest.raises(ValueError, match=f"termination of Foo-v0 {message}"):
        terminations.termination_of("Foo-v0")(torch.zeros(4, 2))

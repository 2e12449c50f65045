"""What chapter 07 claims beyond its labs: its loop, its capstone, and what the records show."""

import inspect
import re

import numpy as np
import pytest
import torch

from mbpo_teach import envs, errors, mbpo, terminations
from mbpo_teach.figures.measured import measured_picture
from mbpo_teach.seeding import generator


@pytest.fixture(autouse=True)
def one_thread():
    """So little work costs more when threads share it."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_the_printed_loop_names_all_ten_lines_of_algorithm_2():
    source = inspect.getsource(mbpo.train_mbpo)
    loop = source.partition("# fmt: off\n")[2].partition("    # fmt: on")[0]
    assert 18 <= len(loop.splitlines()) <= 26  # "twenty lines or so"
    said = re.findall(r"# lines? ([0-9a-z ]+)", loop)
    named = {int(number) for text in said for number in re.findall(r"\d+", text)}
    assert "6 to 8" in said
    assert named | {7} == set(range(1, 11))


# The capstone's world.


def tip_is_low(next_obs):
    sine, cosine = next_obs[:, 1:3], next_obs[:, 3:5]
    both = cosine[:, 0] * cosine[:, 1] - sine[:, 0] * sine[:, 1]
    return ~(0.6 * cosine[:, 0] + 0.6 * both > 1)


@pytest.fixture
def double_pendulum(monkeypatch):
    monkeypatch.setattr(terminations, "_TERMINATIONS", dict(terminations._TERMINATIONS))
    terminations.register("InvertedDoublePendulum-v5", tip_is_low)
    return envs.make("InvertedDoublePendulum-v5")


def test_the_rule_of_the_double_pendulum_is_the_simulators(double_pendulum):
    lived = envs.collect(double_pendulum, steps=1000, rng=generator(7, "capstone"))
    assert lived.obs.shape == (1000, 9)
    assert 50 < lived.terminated.sum() < 500
    assert torch.equal(tip_is_low(lived.next_obs), lived.terminated)


def test_few_of_the_double_pendulums_starts_run_for_long(double_pendulum):
    """A third after five steps, a handful after eight, none after ten."""
    starts = errors.visited_states(
        double_pendulum, count=100, every=3, rng=generator(7, "capstone starts")
    )
    draws = torch.Generator().manual_seed(0)
    real, _ = errors.real_rollouts(
        double_pendulum,
        starts,
        lambda obs, step: 2 * torch.rand(len(obs), 1, generator=draws) - 1,
        steps=12,
    )
    running = (~real[:, 1:].isnan().any(dim=-1)).sum(dim=0)
    assert running[0] == 100  # where a step ends an episode, its observation is still real
    assert 25 <= running[4] <= 45
    assert running[7] <= 10 and running[10] <= 2


@pytest.mark.parametrize("name", ["Reacher-v5", "Swimmer-v5", "Pusher-v5"])
def test_the_other_worlds_that_the_capstone_names_never_terminate(name, monkeypatch):
    monkeypatch.setattr(terminations, "_TERMINATIONS", dict(terminations._TERMINATIONS))
    terminations.register(name, terminations.never)
    lived = envs.collect(envs.make(name), steps=200, rng=generator(7, name))
    assert not lived.terminated.any()


def test_a_measurement_tells_on_how_many_starts_it_rests(monkeypatch):
    monkeypatch.setenv("MBPO_LANG", "en")
    measured = np.array([[0.1, 0.2, np.nan], [0.3, np.nan, np.nan], [0.2, np.inf, np.nan]])
    still = measured_picture("Toy-v0", measured, yardstick=1.5)
    assert still.sentence.splitlines() == [
        "Toy-v0, 3 starts: the k-step error, where one real step moves the world by 1.5.",
        "k = 1: 3 starts still run; median 0.2, nine in ten below 0.28.",
        "k = 2: 2 starts still run; median inf, nine in ten below inf.",
    ]
    bars = [round(bar.get_height()) for bar in still.figure.axes[1].patches]
    assert bars == [3, 2, 0]

"""Returns from fixed starts: against a plain Gymnasium loop, and for what it must refuse."""

import gymnasium as gym
import numpy as np
import pytest
import torch

from mbpo_teach.records import archive
from mbpo_teach.world import envs
from mbpo_teach.world.evaluate import START_SEEDS, best_known, judged, returns, starting_places

WEIGHTS = torch.tensor([0.0, 0.8, 0.0, 0.1])


def by_gymnasium(name, seed, act, *, scale):
    """Return the rewards of one episode as a peer would live it."""
    env = gym.make(name)
    obs, _ = env.reset(seed=seed)
    rewards, over = [], False
    while not over:
        obs, reward, terminated, truncated, _ = env.step(scale * act(obs))
        rewards.append(float(reward))
        over = terminated or truncated
    env.close()
    return np.array(rewards)


@pytest.mark.parametrize(
    ("name", "scale", "weights"),
    [
        ("Pendulum-v1", 2, [0.1, 0.3, -0.2]),
        ("InvertedPendulum-v5", 3, WEIGHTS.tolist()),
    ],
)
def test_they_are_the_returns_of_a_plain_loop(name, scale, weights):
    weights = torch.tensor(weights)

    def policy(obs):
        return (obs @ weights).clamp(-1, 1)[:, None]

    def act(obs):
        return policy(torch.tensor(obs, dtype=torch.float32)[None])[0].numpy()

    places = starting_places(name)
    ours = judged(places, policy, gamma=0.9)
    rewards = [by_gymnasium(name, seed, act, scale=scale) for seed in START_SEEDS]
    theirs = [one.sum() for one in rewards]
    np.testing.assert_allclose(ours.returns.numpy(), theirs, rtol=1e-5)
    assert ours.returns.equal(returns(places, policy))
    discounted = [(one * 0.9 ** np.arange(len(one))).sum() for one in rewards]
    np.testing.assert_allclose(ours.discounted.numpy(), discounted, rtol=1e-5)
    starts = [place.start(seed) for place, seed in zip(places, START_SEEDS, strict=True)]
    np.testing.assert_array_equal(ours.starts.numpy(), starts)
    assert len(set(theirs)) > 1, "a test that cannot tell the starts apart"


def test_the_same_starts_every_time():
    places = starting_places("Pendulum-v1")

    def still(obs):
        return torch.zeros(len(obs), 1)

    assert returns(places, still).equal(returns(places, still))


def test_the_policy_is_asked_for_the_episodes_that_go_on_only():
    asked = []

    def nearly_balancing(obs):
        asked.append(len(obs))
        return (obs @ WEIGHTS).clamp(-1, 1)[:, None]

    returns(starting_places("InvertedPendulum-v5"), nearly_balancing)
    assert asked[0] == 10 and asked == sorted(asked, reverse=True) and asked[-1] < 10


def test_as_many_seeds_as_environments():
    with pytest.raises(ValueError, match="a different environment for each of 10 seeds"):
        returns([envs.make("Pendulum-v1")], lambda obs: torch.zeros(len(obs), 1))


def test_one_environment_cannot_live_two_episodes_at_once():
    with pytest.raises(ValueError, match="must hold a different environment for each of 2 seeds"):
        returns([envs.make("Pendulum-v1")] * 2, lambda obs: torch.zeros(len(obs), 1), seeds=[1, 2])


@pytest.mark.parametrize("seed", [-1, -7])
def test_a_seed_is_no_negative_number(seed):
    with pytest.raises(ValueError, match=r"^seeds must be"):
        returns([envs.make("Pendulum-v1")], lambda obs: torch.zeros(len(obs), 1), seeds=[seed])


def test_a_discount_is_below_one():
    with pytest.raises(ValueError, match=r"^gamma must be in \[0, 1\), not 1$"):
        judged([envs.make("Pendulum-v1")], lambda obs: torch.zeros(len(obs), 1), gamma=1, seeds=[0])


def test_an_episode_that_might_never_end_is_refused():
    env = envs.make("Pendulum-v1")
    env.time_limit = None
    with pytest.raises(ValueError, match="time limit"):
        returns([env], lambda obs: torch.zeros(len(obs), 1), seeds=[0])


# What the course records.


def test_the_best_returns_known_are_returns_of_the_stored_actions():
    record = archive.load("best_Pendulum-v1").arrays
    assert record["actions"].shape == (10, 200)
    step = iter(record["actions"].T)

    def policy(obs):
        return torch.from_numpy(next(step).copy())[:, None]

    played = returns(starting_places("Pendulum-v1"), policy)
    np.testing.assert_allclose(played.numpy(), record["returns"], rtol=1e-5)


def test_no_recorded_run_of_sac_is_better_than_the_best_known():
    """Up to the grid on which the best was computed; and the starts are the same ones."""
    best = archive.load("best_Pendulum-v1").arrays["returns"]
    record = archive.load("sac_Pendulum-v1")
    assert tuple(record.provenance["config"]["start_seeds"]) == START_SEEDS
    assert (record.arrays["returns"] <= best + 0.5).all()


@pytest.mark.parametrize("name", ["Pendulum-v1", "InvertedPendulum-v5"])
def test_every_seed_is_recorded(name):
    record = archive.load(f"sac_{name}")
    seeds, reports = record.arrays["train_return"].shape
    assert seeds == len(record.provenance["seed"]) >= 3
    assert record.arrays["steps"].shape == (reports,)
    assert record.arrays["returns"].shape == (seeds, reports, 10)
    assert np.isfinite(record.arrays["returns"]).all()


def test_the_best_known_is_named_where_it_is_known():
    assert best_known("InvertedPendulum-v5").tolist() == [1000.0] * 10
    record = archive.load("best_Pendulum-v1").arrays["returns"]
    assert best_known("Pendulum-v1").tolist() == record.tolist()
    assert best_known("Hopper-v5") is None

"""Tabular MDPs: hand numbers, oracles, and refusals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mbpo_teach.ground.seeding import generator
from mbpo_teach.tables import mdp


def chain(gamma: float = 0.5) -> mdp.TabularMDP:
    """State 0 pays 1 and stays (action 0) or moves to state 1 (action 1), which pays nothing."""
    return mdp.TabularMDP(
        transition=[[[1, 0], [0, 1]], [[0, 1], [0, 1]]],
        reward=[[1, 1], [0, 0]],
        start=[1, 0],
        gamma=gamma,
    )


def test_returns_by_hand():
    stay, leave = np.array([[1.0, 0], [1, 0]]), np.array([[0.0, 1], [1, 0]])
    assert mdp.exact_return(chain(), stay) == pytest.approx(2.0)
    assert mdp.exact_return(chain(), leave) == pytest.approx(1.0)
    either = np.full((2, 2), 0.5)
    # v = 1 + 0.5 * v / 2
    np.testing.assert_allclose(mdp.state_values(chain(), either), [4 / 3, 0])


def test_return_under_a_model_uses_the_model():
    never_leaves = np.array([[[1.0, 0], [1, 0]], [[0, 1], [0, 1]]])
    leave = np.array([[0.0, 1], [1, 0]])
    assert mdp.exact_return(chain(), leave, never_leaves) == pytest.approx(2.0)


def test_state_distributions_by_hand():
    laws = mdp.state_distributions(chain(), np.full((2, 2), 0.5), horizon=2)
    np.testing.assert_allclose(laws, [[1, 0], [0.5, 0.5], [0.25, 0.75]])


def test_discounted_visits_by_hand():
    """Half of the time the chain leaves: d(0) = 1 + 0.5 d(0) / 2, and all weights add up to 2."""
    visits = mdp.discounted_visits(chain(), np.full((2, 2), 0.5))
    np.testing.assert_allclose(visits, [4 / 3, 2 / 3])
    never_leaves = np.array([[[1.0, 0], [1, 0]], [[0, 1], [0, 1]]])
    imagined = mdp.discounted_visits(chain(), np.full((2, 2), 0.5), never_leaves)
    np.testing.assert_allclose(imagined, [2, 0])


def test_action_values_by_hand():
    """With v = (2, 0): staying pays 1 + 0.5 * 2, leaving pays 1, and nothing follows state 1."""
    np.testing.assert_allclose(mdp.action_values(chain(), [2, 0]), [[2, 1], [0, 0]])
    swapped = chain().transition[:, ::-1]
    np.testing.assert_allclose(mdp.action_values(chain(), [2, 0], swapped), [[1, 2], [0, 0]])


def test_greedy_is_by_hand_and_takes_the_first_of_equals():
    np.testing.assert_array_equal(mdp.greedy(chain(), [2, 0]), [[1, 0], [1, 0]])
    swapped = chain().transition[:, ::-1]
    np.testing.assert_array_equal(mdp.greedy(chain(), [2, 0], swapped), [[0, 1], [1, 0]])


def test_the_best_return_is_that_of_staying():
    assert mdp.best_return(chain()) == pytest.approx(2.0)


def test_value_iteration_in_a_model_is_that_of_the_models_world():
    world = mdp.random_mdp(states=4, actions=3, gamma=0.8, rng=generator(1, "mdp"))
    model = generator(1, "model").dirichlet(np.ones(4), size=(4, 3))
    imagined = mdp.TabularMDP(
        transition=model, reward=world.reward, start=world.start, gamma=world.gamma
    )
    for ours, oracle in zip(
        mdp.value_iteration(world, model), mdp.value_iteration(imagined), strict=True
    ):
        np.testing.assert_array_equal(ours, oracle)
    assert not np.array_equal(mdp.value_iteration(world)[0], mdp.value_iteration(imagined)[0])


@settings(max_examples=50)
@given(st.integers(0, 10**6), st.sampled_from([0.0, 0.5, 0.9, 0.99]))
def test_linear_solve_is_the_discounted_sum(seed, gamma):
    world = mdp.random_mdp(states=4, actions=3, gamma=gamma, rng=generator(seed, "mdp"))
    policy = generator(seed, "policy").dirichlet(np.ones(3), size=4)
    steps = 3000
    laws = mdp.state_distributions(world, policy, horizon=steps)
    summed = gamma ** np.arange(steps + 1) @ laws @ (policy * world.reward).sum(axis=1)
    assert mdp.exact_return(world, policy) == pytest.approx(summed, rel=1e-9, abs=1e-9)
    visits = gamma ** np.arange(steps + 1) @ laws
    np.testing.assert_allclose(mdp.discounted_visits(world, policy), visits, rtol=1e-9, atol=1e-12)
    together = mdp.exact_returns(world, [policy, policy[::-1]])
    one_by_one = [mdp.exact_return(world, each) for each in (policy, policy[::-1])]
    np.testing.assert_allclose(together, one_by_one, rtol=1e-12, atol=1e-12)


@settings(max_examples=50)
@given(st.integers(0, 10**6), st.sampled_from([0.0, 0.5, 0.9, 0.99]))
def test_value_iteration_against_linear_solve(seed, gamma):
    world = mdp.random_mdp(states=5, actions=3, gamma=gamma, rng=generator(seed, "mdp"))
    values, policy = mdp.value_iteration(world, tolerance=1e-9)
    exact = mdp.state_values(world, policy)
    np.testing.assert_allclose(values, exact, atol=1e-8)
    # Optimal: no action is better than the one that the greedy policy takes.
    assert (world.reward + gamma * world.transition @ exact <= exact[:, None] + 1e-8).all()


def test_value_iteration_stops_when_asked_for_more_than_floats_hold():
    world = mdp.random_mdp(states=3, actions=2, gamma=0.999, rng=generator(0))
    values, policy = mdp.value_iteration(world, tolerance=1e-300)
    np.testing.assert_allclose(values, mdp.state_values(world, policy), rtol=1e-8)


def test_an_mdp_cannot_be_changed_afterwards():
    reward = np.array([[1.0, 1], [0, 0]])
    world = mdp.TabularMDP(
        transition=[[[1, 0], [0, 1]], [[0, 1], [0, 1]]], reward=reward, start=[1, 0], gamma=0.5
    )
    reward[0, 0] = 99
    assert world.reward[0, 0] == 1
    with pytest.raises(ValueError, match="read-only"):
        world.reward[0, 0] = 2


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("transition", [[1, 0], [0, 1]], "transition must have shape"),
        ("transition", [[[1, 0], [0, 1]], [[0, 1], [0, 0.5]]], "rows of transition must sum"),
        ("transition", [[[2, -1], [0, 1]], [[0, 1], [0, 1]]], "transition must hold probabilities"),
        ("transition", [[[np.nan, 1], [0, 1]], [[0, 1], [0, 1]]], "transition must hold finite"),
        ("reward", [1, 0], "reward must have shape"),
        ("reward", [[1, np.inf], [0, 0]], "reward must hold finite"),
        ("transition", np.zeros((0, 2, 0)), "a state and an action at least"),
        ("transition", np.zeros((2, 0, 2)), "a state and an action at least"),
        ("start", [0.5, 0.4], "rows of start must sum"),
        ("start", [1, 0, 0], "start must have shape"),
        ("gamma", 1.0, "gamma must be in"),
        ("gamma", float("nan"), "gamma must be in"),
    ],
)
def test_bad_mdps_are_refused(field, value, message):
    good = {
        "transition": chain().transition,
        "reward": chain().reward,
        "start": chain().start,
        "gamma": 0.5,
    }
    with pytest.raises(ValueError, match=message):
        mdp.TabularMDP(**good | {field: value})


def test_bad_policies_and_models_are_refused():
    with pytest.raises(ValueError, match="policy must have shape"):
        mdp.exact_return(chain(), [0.5, 0.5])
    with pytest.raises(ValueError, match="rows of policy must sum"):
        mdp.exact_return(chain(), [[0.5, 0.5], [0.5, 0.4]])
    with pytest.raises(ValueError, match="policy must hold finite numbers"):
        mdp.exact_return(chain(), [[0.5, 0.5], [np.nan, 0.4]])
    with pytest.raises(ValueError, match=r"policies must have shape \(policies, 2, 2\), not"):
        mdp.exact_returns(chain(), np.full((2, 2), 0.5))
    with pytest.raises(ValueError, match="rows of policies must sum"):
        mdp.exact_returns(chain(), [[[0.5, 0.5], [0.5, 0.4]]])
    with pytest.raises(ValueError, match="transition must have shape"):
        mdp.exact_return(chain(), np.full((2, 2), 0.5), np.eye(2))
    with pytest.raises(ValueError, match="horizon must be at least 0"):
        mdp.state_distributions(chain(), np.full((2, 2), 0.5), horizon=-1)
    with pytest.raises(ValueError, match=r"values must have shape \(2,\), not \(3,\)"):
        mdp.action_values(chain(), [0, 0, 0])
    with pytest.raises(ValueError, match="tolerance must be positive"):
        mdp.value_iteration(chain(), tolerance=0)
    with pytest.raises(ValueError, match="states must be at least 1"):
        mdp.random_mdp(states=0, actions=1, gamma=0.5, rng=generator(0))


def test_rewards_too_large_for_a_return_are_refused():
    """Infinite values would make value iteration compare infinities for ever."""
    with pytest.raises(ValueError, match="reward is so large"):
        mdp.TabularMDP(transition=[[[1.0]]], reward=[[1e308]], start=[1.0], gamma=0.99)

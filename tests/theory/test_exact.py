"""The paper's quantities on tabular MDPs: hand numbers, and the branched process simulated."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mbpo_teach.ground.seeding import generator
from mbpo_teach.tables import mdp
from mbpo_teach.theory import exact


def case(seed: int, gamma: float = 0.8):
    rng = generator(seed, "case")
    world = mdp.random_mdp(states=4, actions=3, gamma=gamma, rng=rng)
    model = rng.dirichlet(np.ones(4), size=(4, 3))
    policy, data_policy = rng.dirichlet(np.ones(3), size=(2, 4))
    return world, model, policy, data_policy


def test_total_variation_by_hand():
    assert exact.total_variation([0.5, 0.5], [1, 0]) == pytest.approx(0.5)
    assert exact.total_variation([1, 0], [0, 1]) == pytest.approx(1.0)
    rows = exact.total_variation(np.eye(2), [0.5, 0.5])
    np.testing.assert_allclose(rows, [0.5, 0.5])
    with pytest.raises(ValueError, match="equally many outcomes"):
        exact.total_variation([1, 0], [1, 0, 0])
    for wrong, message in (([3, 4], "sum to one"), ([2, -1], "probab"), ([np.nan, 1], "probab")):
        with pytest.raises(ValueError, match=message):
            exact.total_variation(wrong, [1, 0])
        with pytest.raises(ValueError, match=message):
            exact.policy_shift([[1, 0]], [wrong])


def test_horizon():
    for gamma in (0.0, 0.5, 0.9, 0.99):
        last = exact.horizon(gamma)
        assert gamma**last < 1e-12
        assert last == 1 or gamma ** (last - 1) >= 1e-12
    with pytest.raises(ValueError, match="gamma must be in"):
        exact.horizon(1.0)


def test_model_error_takes_the_worst_time():
    # The model is right in state 0 and wrong by 0.5 in state 1, which is reached at time 1.
    world = mdp.TabularMDP(
        transition=[[[0.0, 1]], [[0, 1]]], reward=[[0.0], [1]], start=[1, 0], gamma=0.9
    )
    model = np.array([[[0.0, 1]], [[0.5, 0.5]]])
    assert exact.model_error(world, model, [[1.0], [1]]) == pytest.approx(0.5)


def test_model_error_weighs_by_the_policy():
    # Action 1 is modelled wrongly everywhere; a policy that takes it half of the time sees half.
    world = mdp.TabularMDP(
        transition=[[[1.0, 0], [1, 0]], [[0, 1], [0, 1]]],
        reward=np.zeros((2, 2)),
        start=[1, 0],
        gamma=0.9,
    )
    model = np.array([[[1.0, 0], [0.6, 0.4]], [[0, 1], [0.4, 0.6]]])
    assert exact.model_error(world, model, np.full((2, 2), 0.5)) == pytest.approx(0.2)


def test_policy_shift_is_the_worst_state():
    assert exact.policy_shift([[1, 0], [0.5, 0.5]], [[1, 0], [0.2, 0.8]]) == pytest.approx(0.3)


def test_mixture_moves_distance_in_proportion():
    world, model, *_ = case(0)
    for share in (0.0, 0.3, 1.0):
        mixed = exact.mixture(world.transition, model, share)
        np.testing.assert_allclose(
            exact.total_variation(mixed, world.transition),
            share * exact.total_variation(model, world.transition),
            atol=1e-15,
        )
    with pytest.raises(ValueError, match="share must be in"):
        exact.mixture(world.transition, model, 1.5)


def test_mixtures_have_the_distance_that_was_asked_for():
    world, wrong, target, data_policy = case(1)
    policy = exact.policy_with_shift(data_policy, target, 0.05)
    assert exact.policy_shift(policy, data_policy) == pytest.approx(0.05, abs=1e-12)
    model = exact.model_with_error(world, wrong, policy, 0.1)
    assert exact.model_error(world, model, policy) == pytest.approx(0.1, abs=1e-12)
    furthest = exact.policy_shift(target, data_policy)
    same = exact.policy_with_shift(data_policy, target, furthest * (1 + 1e-15))
    np.testing.assert_array_equal(same, target)
    np.testing.assert_array_equal(exact.policy_with_shift(target, target, 0.0), target)
    with pytest.raises(ValueError, match=r"eps_pi must be in \[0, 0\], not 0\.1"):
        exact.policy_with_shift(target, target, 0.1)
    with pytest.raises(ValueError, match=r"error must be in \[0, 0\.\d+\], not 1"):
        exact.model_with_error(world, wrong, policy, 1)


def test_truly_best_length_by_hand():
    gap = np.array([0.5, 0.2, 0.1, 0.3, 0.1])
    assert exact.truly_best_length(gap, rounding=0.0) == 2
    assert exact.truly_best_length(gap, rounding=0.11) == 1


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.sampled_from([0.0, 0.5, 0.9]))
def test_branched_returns_against_the_definition(seed, gamma):
    """Section 4.2's process, time step by time step, without the algebra of the fast formula."""
    world, model, policy, data_policy = case(seed, gamma)
    real = np.einsum("sa,sap->sp", data_policy, world.transition)
    imagined = np.einsum("sa,sap->sp", policy, model)
    fast = exact.branched_returns(world, model, policy, data_policy, max_length=6)
    for k in range(7):
        acting = data_policy if k == 0 else policy
        reward = (acting * world.reward).sum(axis=1)
        total, before = 0.0, world.start.copy()  # before: law after the real steps
        for time in range(400):
            law = before @ np.linalg.matrix_power(imagined, min(time, k))
            total += gamma**time * law @ reward
            if time >= k:
                before = before @ real
        assert fast[k] == pytest.approx(total, rel=1e-9, abs=1e-9)


def test_branched_returns_between_their_limits():
    world, model, policy, data_policy = case(5)
    returns = exact.branched_returns(world, model, policy, data_policy, max_length=200)
    assert returns[0] == pytest.approx(mdp.exact_return(world, data_policy))
    assert returns[-1] == pytest.approx(mdp.exact_return(world, policy, model))
    gaps = exact.branched_gaps(world, model, policy, data_policy, max_length=200)
    np.testing.assert_array_equal(gaps, np.abs(returns - mdp.exact_return(world, policy)))
    # A perfect model and an unmoved policy: every k is the true return.
    same = exact.branched_returns(world, world.transition, policy, policy, max_length=5)
    np.testing.assert_allclose(same, mdp.exact_return(world, policy))


def test_bad_arguments_are_named():
    world, model, policy, data_policy = case(0)
    with pytest.raises(ValueError, match="max_length must be at least 0"):
        exact.branched_returns(world, model, policy, data_policy, max_length=-1)
    with pytest.raises(ValueError, match="data_policy must have shape"):
        exact.branched_returns(world, model, policy, [1.0], max_length=1)
    with pytest.raises(ValueError, match="model must have shape"):
        exact.model_error(world, model[:2], policy)


def test_no_distance_exceeds_one():
    """Rows sum to one up to rounding, and the bounds refuse an error of 1.0000000001."""
    off = 1 + 9e-10
    assert exact.total_variation([off, 0], [0, off]) == 1.0
    world = mdp.TabularMDP(
        transition=[[[1, 0.0]], [[0, 1.0]]], reward=[[0.0], [0]], start=[0.3, 0.7], gamma=0.9
    )
    wrong = [[[0, off]], [[off, 0]]]
    assert exact.model_error(world, wrong, [[off], [off]]) == 1.0
    assert exact.policy_shift([[off, 0]], [[0, off]]) == 1.0


@pytest.mark.parametrize("other", [[[0.5, 0.5]], [0.5, 0.5], np.full((2, 2), 0.5), []])
def test_policies_over_other_states_are_not_compared(other):
    with pytest.raises(ValueError, match="the same shape"):
        exact.policy_shift(np.full((3, 2), 0.5), other)

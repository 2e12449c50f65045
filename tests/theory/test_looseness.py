"""The layers between the true gap and C: each holds everywhere, and each bounds the one before."""

import itertools

import numpy as np
import pytest

from mbpo_teach.ground.seeding import generator
from mbpo_teach.tables import mdp
from mbpo_teach.theory import bounds, cases, exact
from mbpo_teach.theory.looseness import Layers, layers


def random_case(number):
    rng = generator(number, "layers")
    world = mdp.random_mdp(states=4, actions=2, gamma=rng.uniform(0, 0.95), rng=rng)
    wrong = rng.dirichlet(np.full(4, 0.3), size=(4, 2))
    data_policy, wanted = rng.dirichlet(np.ones(2), size=(2, 4))
    return cases.Case(
        world,
        exact.mixture(world.transition, wrong, rng.uniform()),
        exact.mixture(data_policy, wanted, 10 ** rng.uniform(-3, 0)),
        data_policy,
    )


def test_by_hand():
    """A model that leaks into the paid state with chance 1/10 a step, where the world never goes.

    The imagined law there at time t is 1 - 0.9^t, so the gap is 2 - 1 / (1 - 0.45) at gamma = 1/2.
    """
    stay = np.eye(2)[:, None, :]
    leak = np.array([[[0.9, 0.1]], [[0.0, 1.0]]])
    world = mdp.TabularMDP(
        transition=stay, reward=np.array([[0.0], [1.0]]), start=np.array([1.0, 0.0]), gamma=0.5
    )
    policy = np.ones((2, 1))
    found = layers(cases.Case(world, leak, policy, policy))
    np.testing.assert_allclose(found, [2 - 1 / 0.55] * 2 + [0.2, 0.2, 0.4], rtol=1e-9)
    np.testing.assert_allclose(found.factors, [1, 1.1, 1, 2], rtol=1e-9)


def test_each_layer_bounds_the_gap_and_the_layer_before_on_random_worlds():
    tight = np.zeros(4)
    for number in range(300):
        case = random_case(number)
        found = layers(case)
        assert (np.array(found[1:]) >= found.gap - 1e-9).all()
        assert found.gap <= found.laws + 1e-9
        assert found.laws <= found.on_policy + 1e-9
        assert found.data <= found.theorem + 1e-9
        if case.eps_m_prime <= case.eps_m + 2 * case.eps_pi:
            assert found.on_policy <= found.data + 1e-9
        shares = 1 / found.factors
        tight = np.fmax(tight, shares)
    assert (tight > 0.5).all()  # no layer is so wide that nothing could ever reach it


def test_the_river_climbs_layer_by_layer_at_every_setting():
    for eps_m, eps_pi, gamma in itertools.product(
        (0.0, 0.02, 0.1, cases.MAX_EPS_M), (0.0, 0.02, 0.2, cases.MAX_EPS_PI), (0.0, 0.5, 0.8, 0.95)
    ):
        case = cases.river_case(eps_m=eps_m, eps_pi=eps_pi, gamma=gamma)
        assert (np.diff(layers(case)) >= -1e-9).all()


def test_the_last_layer_is_the_theorems_and_twice_the_one_before_on_the_river():
    for r_max in (1.0, 3.0):
        found = layers(cases.river_case(eps_m=0.05, eps_pi=0.1, gamma=0.9, r_max=r_max))
        assert found.theorem == pytest.approx(
            bounds.performance_bound(gamma=0.9, r_max=r_max, eps_m=0.05, eps_pi=0.1), rel=1e-9
        )
        assert found.factors[-1] == pytest.approx(2, rel=1e-12)


def test_where_the_data_never_went_the_error_on_policy_can_be_the_larger():
    """The model is wrong in a state that only the new policy reaches: eps_m is 0, eps_m' near 1."""
    transition = np.zeros((3, 2, 3))
    transition[0, 0, 0] = transition[0, 1, 1] = 1
    transition[1, :, 1] = transition[2, :, 2] = 1
    model = transition.copy()
    model[1] = [0, 0, 1]
    world = mdp.TabularMDP(
        transition=transition,
        reward=np.array([[0.0, 0.0], [0.0, 0.0], [1.0, 1.0]]),
        start=np.array([1.0, 0.0, 0.0]),
        gamma=0.9,
    )
    data_policy = np.array([[1.0, 0.0]] * 3)
    policy = np.array([[0.9, 0.1], [1.0, 0.0], [1.0, 0.0]])
    found = layers(cases.Case(world, model, policy, data_policy))
    assert found.gap == pytest.approx(found.laws)  # all that differs is what is paid
    assert found.laws < found.data < found.on_policy


def test_a_perfect_models_factors_are_not_rounding():
    found = layers(cases.river_case(eps_m=0, eps_pi=0.3, gamma=0.9))
    assert np.isnan(found.factors[:3]).all() and found.factors[3] == pytest.approx(2)
    assert np.isnan(Layers(0, 0, 0, 0, 0).factors).all()

"""Cases have just the errors that were asked for, over the whole range of the sliders."""

import itertools

import numpy as np
import pytest

from mbpo_teach.tables import mdp, river, twin
from mbpo_teach.theory import cases, exact

CORNERS = list(itertools.product((0.0, cases.MAX_EPS_M), (0.0, cases.MAX_EPS_PI), (0.0, 0.8, 0.95)))
ERRORS = list(itertools.product((0.0, 0.05, 0.2), (0.0, 0.1, 0.5), (0.0, 0.9, 0.99)))


@pytest.mark.parametrize(("eps_m", "eps_pi", "gamma"), CORNERS)
def test_the_river_has_the_errors_that_were_asked_for(eps_m, eps_pi, gamma):
    world, model, policy, data_policy = cases.river_case(eps_m=eps_m, eps_pi=eps_pi, gamma=gamma)
    assert exact.model_error(world, model, data_policy) == pytest.approx(eps_m, abs=1e-12)
    assert exact.policy_shift(policy, data_policy) == pytest.approx(eps_pi, abs=1e-12)
    (same,) = cases.river_policies([eps_pi])
    np.testing.assert_array_equal(same, policy)


@pytest.mark.parametrize("make", [cases.river_case_on_policy, cases.twin_case_on_policy])
@pytest.mark.parametrize(("eps_m_prime", "eps_pi", "gamma"), ERRORS)
def test_the_error_under_the_current_policy_is_as_asked_for(make, eps_m_prime, eps_pi, gamma):
    world, model, policy, data_policy = make(eps_m_prime=eps_m_prime, eps_pi=eps_pi, gamma=gamma)
    assert exact.model_error(world, model, policy) == pytest.approx(eps_m_prime, abs=1e-12)
    assert exact.policy_shift(policy, data_policy) == pytest.approx(eps_pi, abs=1e-12)


@pytest.mark.parametrize("eps_pi", [0.0, 0.1, 0.9])
def test_a_case_tells_its_own_errors(eps_pi):
    case = cases.twin_case(count=1_000, eps_pi=eps_pi, gamma=0.5)
    assert case.world.gamma == 0.5
    assert case.eps_m == exact.model_error(case.world, case.model, case.data_policy)
    assert case.eps_m_prime == exact.model_error(case.world, case.model, case.policy)
    assert case.eps_pi == pytest.approx(eps_pi, abs=1e-12)
    assert case.eps_m + case.slope * eps_pi == pytest.approx(case.eps_m_prime, abs=1e-12)


def test_a_policy_that_has_not_moved_has_no_slope():
    assert cases.twin_case(count=1_000, eps_pi=0.0, gamma=0.9).slope == 0


def test_best_in_model_is_best_in_the_model_and_not_in_the_world():
    case = cases.best_in_model(cases.twin_case(count=1_000, eps_pi=0.0, gamma=0.9))
    imagined = mdp.TabularMDP(
        transition=case.model, reward=case.world.reward, start=case.world.start, gamma=0.9
    )
    promised = mdp.exact_return(case.world, case.policy, case.model)
    assert promised == pytest.approx(mdp.best_return(imagined))
    assert mdp.exact_return(case.world, case.policy) < mdp.best_return(case.world) - 0.1


def test_the_river_can_be_longer_and_richer():
    case = cases.river_case(eps_m=0.1, eps_pi=0.2, gamma=0.8, r_max=3.0, places=9)
    assert case.policy.shape == (9, 2)
    assert case.world.r_max == 3
    assert (case.policy[:, river.RIGHT] == 0.7).all()
    assert case.eps_m == pytest.approx(0.1, abs=1e-12)


def test_twins_data_are_one_walk_of_the_idle_policy():
    case = cases.twin_case(count=3_000, eps_pi=0.0, gamma=0.9)
    np.testing.assert_array_equal(case.data_policy, twin.idle_policy())
    np.testing.assert_array_equal(case.model, twin.counted_model(3_000))


def test_an_error_out_of_reach_is_named():
    with pytest.raises(ValueError, match=r"eps_pi must be in \[0, 0.5\], not 0.6"):
        cases.river_case(eps_m=0, eps_pi=0.6, gamma=0.8)
    with pytest.raises(ValueError, match=r"error must be in \[0, 0.3[0-9]*\], not 0.4"):
        cases.river_case(eps_m=0.4, eps_pi=0, gamma=0.8)

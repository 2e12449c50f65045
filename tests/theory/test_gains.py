"""No step away from the data is accepted by theorem 4.1, on the river or anywhere."""

import itertools

import numpy as np
import pytest

from mbpo_teach.tables import mdp
from mbpo_teach.theory import bounds, cases, gains


def test_no_step_is_ever_accepted():
    found = gains.random_gains(300, seed=4)
    assert (found.share <= found.ceiling + 1e-12).all()
    assert (found.ceiling < 1).all()
    assert found.share.max() > 0.1  # the cases are not all trivial
    shifts = np.arange(1, 51) * 0.01
    for eps_m, gamma in itertools.product((0.0, 0.1, cases.MAX_EPS_M), (0.0, 0.8, 0.95)):
        found = gains.river_gains(shifts, eps_m=eps_m, gamma=gamma)
        assert (found.share < 0.05).all()
        assert (found.share <= found.ceiling).all()


def test_river_gains_are_the_returns_of_the_case():
    case = cases.river_case(eps_m=0.1, eps_pi=0.2, gamma=0.5)
    found = gains.river_gains(np.array([0.1, 0.2]), eps_m=0.1, gamma=0.5)
    promised = mdp.exact_return(case.world, case.policy, case.model)
    gain = promised - mdp.exact_return(case.world, case.data_policy)
    assert found.gain[1] == pytest.approx(gain, rel=1e-12)
    bound = bounds.performance_bound(gamma=0.5, r_max=1, eps_m=0.1, eps_pi=0.2)
    assert found.bound[1] == bound
    assert found.share[1] == pytest.approx(gain / bound, rel=1e-12)
    assert found.ceiling[1] == pytest.approx((0.05 + 0.2) / (0.05 + 0.4))


def test_the_same_seed_gives_the_same_worlds():
    draw = gains.random_gains.__wrapped__  # drawn anew, not remembered
    one, same, other = (draw(5, seed=seed) for seed in (4, 4, 5))
    np.testing.assert_array_equal(one, same)
    assert (one.gain != other.gain).all()

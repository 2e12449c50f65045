"""Drifting states, branches and policies: limits, hand numbers, and the definition."""

import numpy as np
import pytest

from mbpo_teach.tables import mdp, twin
from mbpo_teach.theory import bounds, cases, drift, exact


def drifted(eps_m, eps_pi):
    case = cases.river_case(eps_m=eps_m, eps_pi=eps_pi, gamma=0.8)
    return drift.state_drift(case, steps=40), case


def test_a_perfect_model_never_drifts_and_a_wrong_one_does_without_policy_shift():
    for eps_pi in (0.0, 0.25, 0.5):
        distances, _ = drifted(0.0, eps_pi)
        np.testing.assert_allclose(distances, 0, atol=1e-12)
    distances, case = drifted(0.1, 0.0)
    assert (np.diff(distances[:20]) > 0).all()
    # The numbers that the chapter quotes.
    np.testing.assert_allclose(distances[[1, 5, 40]], [0.018, 0.093, 0.189], atol=5e-4)
    ceilings = bounds.state_drift_ceiling(np.arange(41), eps_m_prime=case.eps_m_prime)
    assert (distances <= ceilings + 1e-12).all()
    assert drifted(0.1, 0.5)[0][40] == pytest.approx(0.081, abs=5e-4)


def test_whereabouts_against_the_definition():
    case = cases.twin_case(count=1_000, eps_pi=0.3, gamma=0.9)
    found = drift.whereabouts(case, steps=4)
    laws = mdp.state_distributions(case.world, twin.idle_policy(), horizon=400)
    starts = 0.1 * 0.9 ** np.arange(401) @ laws
    steps = np.einsum("sa,sap->sp", case.policy, case.model)
    error = (case.policy * exact.total_variation(case.world.transition, case.model)).sum(axis=1)
    for k in range(5):
        moved = np.linalg.matrix_power(steps, k)
        np.testing.assert_allclose(found.branch[k], starts @ moved, atol=1e-12)
        np.testing.assert_allclose(found.whole[k], case.world.start @ moved, atol=1e-12)
    lived = np.einsum("sa,sap->sp", case.policy, case.world.transition)
    real = [starts @ np.linalg.matrix_power(lived, k) @ error for k in range(5)]
    np.testing.assert_allclose(found.true_errors, real, atol=1e-12)
    np.testing.assert_allclose(found.branch_errors, found.branch @ error, atol=1e-12)
    np.testing.assert_allclose(found.whole_errors, found.whole @ error, atol=1e-12)
    whole = mdp.state_distributions(case.world, case.policy, horizon=400, transition=case.model)
    np.testing.assert_allclose(found.visits, 0.1 * 0.9 ** np.arange(401) @ whole, atol=1e-12)


def test_error_slope_by_hand():
    """A line gives its slope back; of two errors the one further away weighs more."""
    shifts = np.array([0.0, 0.1, 0.2])
    assert drift.error_slope(shifts, 0.3 + 2 * shifts) == pytest.approx(2)
    # (0.1 * 0.1 + 0.2 * 0.3) / (0.1^2 + 0.2^2)
    assert drift.error_slope(shifts, np.array([0.5, 0.6, 0.8])) == pytest.approx(1.4)


def test_shifted_errors_are_those_of_the_cases():
    found = drift.shifted_errors([1_000, 10_000], seeds=2, steps=3)
    np.testing.assert_allclose(found.shifts, [0, 0.3, 0.6, 0.9])
    assert found.errors.shape == (2, 2, 4) and found.slopes.shape == (2, 2)
    case = cases.twin_case(count=10_000, eps_pi=0.6, gamma=0.9)
    model = twin.counted_model(10_000, seed=1)
    expected = exact.model_error(case.world, model, case.policy)
    assert found.errors[1, 1, 2] == pytest.approx(expected, abs=1e-12)
    assert (found.slopes[:, 0] > found.slopes[:, 1]).all()

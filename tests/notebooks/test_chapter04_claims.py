"""What chapter 04 says of computations that no output beside it shows."""

import numpy as np
import pytest

from mbpo_teach.ground.seeding import generator
from mbpo_teach.tables import counting, mdp, river
from mbpo_teach.theory import bounds, cases, drift, exact, gains
from mbpo_teach.theory.looseness import layers

DISCOUNTS = np.round(np.arange(1, 20) * 0.05, 2)
"""The positions of chapter 04's slider of gamma, but for 0."""


def on_the_river(eps_m, eps_pi, gamma):
    return layers(cases.river_case(eps_m=eps_m, eps_pi=eps_pi, gamma=gamma))


def test_the_factors_of_the_layers():
    first = on_the_river(0.02, 0.02, 0.8)
    np.testing.assert_allclose(first.factors, [6.4, 5.9, 3.4, 2], atol=0.05)
    assert first.theorem / first.gap == pytest.approx(250, rel=0.03)
    far = on_the_river(0.02, 0.02, 0.95).factors
    np.testing.assert_allclose(far, [15.5, 12.7, 3.0, 2], atol=0.05)
    near = on_the_river(0.02, 0.02, 0.5).factors
    assert (near[:2] < first.factors[:2]).all() and near[2] > first.factors[2]
    some = np.array([on_the_river(0.02, 0.02, gamma).factors for gamma in DISCOUNTS])
    assert (np.diff(some[:, 0]) > 0).all() and (np.diff(some[:, 2]) < 0).all()
    assert 5.3 < some[DISCOUNTS <= 0.7, 1].min() and some[DISCOUNTS <= 0.7, 1].max() < 5.5
    assert (np.diff(some[DISCOUNTS >= 0.7, 1]) > 0).all()
    better = on_the_river(0.001, 0.02, 0.8).factors  # a better model mends neither of the first two
    np.testing.assert_allclose(better[:2], first.factors[:2], rtol=0.05)
    assert on_the_river(0.02, 0, 0.8).factors[2] == pytest.approx(1)
    perfect = on_the_river(0, 0.1, 0.8)
    np.testing.assert_allclose(perfect[:3], 0, atol=1e-12)
    assert perfect.data > 1


def test_at_the_far_setting_all_that_moves_wrongly_moves_to_the_paid_end():
    case = cases.river_case(eps_m=0.25, eps_pi=0.5, gamma=0.8)
    assert layers(case).factors[0] == pytest.approx(1)
    real, imagined = (
        mdp.state_distributions(case.world, case.policy, horizon=40, transition=moves)
        for moves in (case.world.transition, case.model)
    )
    assert (imagined[:, :-1] <= real[:, :-1] + 1e-12).all()


def test_mostly_drifting_the_laws_differ_where_nothing_is_paid():
    case = cases.river_case(eps_m=0.02, eps_pi=0.02, gamma=0.8)
    real, imagined = (
        mdp.state_distributions(case.world, case.policy, horizon=40, transition=moves)
        for moves in (case.world.transition, case.model)
    )
    apart = np.abs(imagined - real)[2:].sum(axis=0)
    assert apart[-1] < apart[:-1].sum() / 4


def test_the_layers_stand_in_order_on_the_whole_river():
    for eps_m in np.linspace(0, cases.MAX_EPS_M, 6):
        for eps_pi in np.linspace(0, cases.MAX_EPS_PI, 6):
            for gamma in (0.0, 0.3, 0.6, 0.8, 0.95):
                assert (np.diff(on_the_river(eps_m, eps_pi, gamma)) > -1e-9).all()


def test_compounding_error_as_the_chapter_tells_it():
    def apart(eps_m, eps_pi):
        return drift.state_drift(cases.river_case(eps_m=eps_m, eps_pi=eps_pi, gamma=0.8), steps=40)

    np.testing.assert_allclose(apart(0.1, 0)[[1, 5, 40]], [0.018, 0.093, 0.189], atol=5e-4)
    far = apart(0.1, 0.5)
    assert far[40] == pytest.approx(0.081, abs=5e-4) and far[40] < far.max() / 2
    np.testing.assert_allclose(apart(0, 0.5), 0, atol=1e-12)


def test_the_largest_gain_on_the_river_and_on_random_worlds():
    shifts = np.arange(1, 51) * 0.01
    found = {}
    for eps_m in (0.0, 0.05, 0.1, 0.15, 0.2, 0.24, 0.25):
        for gamma in np.arange(20) * 0.05:
            share = gains.river_gains(shifts, eps_m=eps_m, gamma=gamma).share
            where = int(share.argmax())
            found[eps_m, round(shifts[where], 2), round(gamma, 2)] = share[where]
    best = max(found, key=found.__getitem__)
    assert best == (0.25, 0.5, 0.55)
    assert found[best] == pytest.approx(0.053, abs=5e-4)
    assert gains.random_gains(1500, seed=4).share.max() == pytest.approx(0.27, abs=0.005)


def test_inside_the_model_no_gain_exceeds_half_of_the_bound():
    """Nor does theorem 4.1 accept a step where the gain is counted from the model's own return."""
    rng, shares = generator(1, "inside"), []
    for _ in range(300):
        gamma = rng.uniform(0, 0.95)
        world = mdp.random_mdp(states=5, actions=3, gamma=gamma, rng=rng)
        wrong = rng.dirichlet(np.full(5, 0.3), size=(5, 3))
        model = exact.mixture(world.transition, wrong, rng.uniform())
        data_policy = rng.dirichlet(np.ones(3), size=5)
        wanted = mdp.greedy(world, mdp.state_values(world, data_policy, model), model)
        policy = exact.mixture(data_policy, wanted, 10 ** rng.uniform(-3, 0))
        before, after = (mdp.exact_return(world, each, model) for each in (data_policy, policy))
        errors = {
            "gamma": gamma,
            "eps_m": exact.model_error(world, model, data_policy),
            "eps_pi": exact.policy_shift(policy, data_policy),
        }
        most = 2 * world.r_max * errors["eps_pi"] / (1 - gamma) ** 2  # B(0, eps_pi)
        bound = bounds.performance_bound(r_max=world.r_max, **errors)
        assert after - before <= most + 1e-9 and most <= bound / 2 + 1e-9
        shares.append((after - before) / bound)
    assert 0.2 < max(shares) < 0.5


def test_ten_thousand_steps_where_the_discount_is_099():
    world, data_policy = river.river_swim(gamma=0.99), river.swim_evenly()
    errors = []
    for seed in range(20):
        walk = counting.sample_transitions(
            world, data_policy, count=10_000, rng=generator(seed, "walk")
        )
        counted = counting.count_model(*walk, state_count=6, action_count=2)
        errors.append(exact.model_error(world, counted, data_policy))
    limit = 0.01 / 0.99
    assert limit == pytest.approx(0.0101, abs=5e-5)
    assert np.median(errors) == pytest.approx(0.0110, abs=5e-5)
    assert sum(error < limit for error in errors) == 4
    assert bounds.vacuity_threshold(gamma=0.99, eps_m=min(errors)) < 0.001


def test_the_limits_of_the_explorer():
    assert bounds.vacuity_threshold(gamma=0.9, eps_m=0.01) == pytest.approx(0.0455)
    assert bounds.vacuity_threshold(gamma=0.99, eps_m=0.01) == pytest.approx(0.00005)
    assert bounds.vacuity_threshold(gamma=0.8, eps_m=0.25) == pytest.approx(0, abs=1e-12)


def test_the_answers_of_the_quiz():
    bound = bounds.performance_bound(gamma=0.99, r_max=1, eps_m=0.05, eps_pi=0.1)
    trivial = bounds.trivial_level(gamma=0.99, r_max=1)
    assert (round(bound), round(trivial), round(bound / trivial)) == (4990, 200, 25)
    left = bounds.performance_bound(gamma=0.9, r_max=2, eps_m=0, eps_pi=0.1)
    assert left == pytest.approx(4 * 2 * 0.1 / 0.1**2)

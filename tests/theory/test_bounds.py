"""Theorems 4.1 to 4.3 and k*: hand numbers, identities, and random MDPs with exact quantities."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mbpo_teach.tables import mdp
from mbpo_teach.theory import bounds, exact

share = st.floats(0, 1)
discount = st.floats(0, 0.999)


@pytest.mark.parametrize(
    ("gamma", "eps_m", "eps_pi", "expected"),
    [(0.99, 0.1, 0.1, 5980), (0.9, 0.1, 0.1, 58), (0.95, 0.02, 0.05, 95.2), (0, 0.1, 0.1, 0.4)],
)
def test_performance_bound_by_hand(gamma, eps_m, eps_pi, expected):
    bound = bounds.performance_bound(gamma=gamma, r_max=1, eps_m=eps_m, eps_pi=eps_pi)
    assert bound == pytest.approx(expected, rel=1e-9)
    scaled = bounds.performance_bound(gamma=gamma, r_max=2.5, eps_m=eps_m, eps_pi=eps_pi)
    assert scaled == pytest.approx(2.5 * expected, rel=1e-9)


def test_bound_terms_by_hand():
    accumulated, immediate = bounds.bound_terms(gamma=0.9, r_max=1, eps_m=0.1, eps_pi=0.1)
    assert accumulated == pytest.approx(2 * 0.9 * 0.3 / 0.01)
    assert immediate == pytest.approx(4 * 0.1 / 0.1)


@given(discount, share, share)
def test_terms_add_up_to_the_bound(gamma, eps_m, eps_pi):
    arguments = {"gamma": gamma, "r_max": 3.0, "eps_m": eps_m, "eps_pi": eps_pi}
    whole = bounds.performance_bound(**arguments)
    assert sum(bounds.bound_terms(**arguments)) == pytest.approx(whole, rel=1e-9, abs=1e-300)


def test_penalty_of_theorem_42_by_hand():
    penalty = bounds.branched_penalty(np.arange(4), gamma=0.9, r_max=1, eps_m=0.01, eps_pi=0.1)
    np.testing.assert_allclose(penalty, [24, 26.2, 28.6, 31.18], rtol=1e-9)


@given(discount, share, share)
def test_theorem_42_never_says_to_use_the_model(gamma, eps_m, eps_pi):
    penalty = bounds.branched_penalty(
        np.arange(60), gamma=gamma, r_max=1, eps_m=eps_m, eps_pi=eps_pi
    )
    assert penalty[0] <= penalty.min() * (1 + 1e-12)


def test_penalty_of_theorem_43_by_hand():
    lengths = np.array([0, 1, 10, 69, 100])
    penalty = bounds.branched_penalty_on_policy(
        lengths, gamma=0.99, r_max=1, eps_m_prime=0.05, eps_pi=0.1
    )
    np.testing.assert_allclose(penalty, [2000, 1990, 1908.7642, 1689.6741, 1732.0647], atol=5e-5)


def test_the_two_forces_by_hand_and_their_sum():
    at = {"gamma": 0.9, "r_max": 3, "eps_m_prime": 0.01, "eps_pi": 0.1}
    shift, model = bounds.branched_terms([0, 2], **at)
    np.testing.assert_allclose(shift, [60, 48.6])
    np.testing.assert_allclose(model, [0, 1.2])
    np.testing.assert_allclose(shift + model, bounds.branched_penalty_on_policy([0, 2], **at))


def test_tight_penalty_by_hand():
    at = {"gamma": 0.9, "r_max": 2, "eps_m_prime": 0.01, "eps_pi": 0.1}
    assert bounds.branched_penalty_tight(1, **at) == pytest.approx(
        4 * 0.9 * (0.09 + 0.1 * 0.01) / 0.01
    )
    assert bounds.branched_penalty_tight(0, **at) == pytest.approx(4 * 0.1 / 0.01)


@given(discount, share, share)
def test_tight_penalty_is_monotone_and_never_above_theorem_43(gamma, eps_m_prime, eps_pi):
    lengths = np.arange(1, 80)
    at = {"gamma": gamma, "r_max": 1, "eps_m_prime": eps_m_prime, "eps_pi": eps_pi}
    tight = bounds.branched_penalty_tight(lengths, **at)
    loose = bounds.branched_penalty_on_policy(lengths, **at)
    assert (tight <= loose * (1 + 1e-12) + 1e-300).all()
    steps = np.diff(tight)
    slack = 1e-12 * tight.max()
    assert (steps <= slack).all() or (steps >= -slack).all()


def test_whole_rollout_penalty_by_hand():
    at = {"gamma": 0.9, "r_max": 2, "eps_m_prime": 0.01}
    assert bounds.whole_rollout_penalty(**at) == pytest.approx(4 * 0.9 * 0.01 / 0.01)
    # Term by term: 2 r_max gamma^t t eps_m'.
    times = np.arange(1_000)
    assert bounds.whole_rollout_penalty(**at) == pytest.approx(
        (4 * 0.9**times * times * 0.01).sum()
    )


@given(discount, share, share)
def test_whole_rollout_penalty_is_the_tight_variants_limit(gamma, eps_m_prime, eps_pi):
    at = {"gamma": gamma, "r_max": 3, "eps_m_prime": eps_m_prime}
    limit = bounds.branched_penalty_tight(1_000_000, eps_pi=eps_pi, **at)
    assert bounds.whole_rollout_penalty(**at) == pytest.approx(limit, rel=1e-9, abs=1e-300)


@settings(max_examples=300)
@given(discount, share, share)
def test_where_a_branch_is_advised_the_whole_rollout_has_the_smaller_penalty(
    gamma, eps_m_prime, eps_pi
):
    """Bernoulli: gamma^k eps_pi + k (1 - gamma) eps_m' >= eps_m' (gamma^k + k (1 - gamma))."""
    eps_m_prime, eps_pi = sorted((eps_m_prime, eps_pi))
    errors = {"gamma": gamma, "eps_m_prime": eps_m_prime}
    assume(bounds.best_rollout_length(eps_pi=eps_pi, **errors) > 0)
    whole = bounds.whole_rollout_penalty(r_max=1, **errors)
    lengths = np.array([*range(200), 500, 10_000])
    branched = bounds.branched_penalty_on_policy(lengths, r_max=1, eps_pi=eps_pi, **errors)
    assert (whole <= branched * (1 + 1e-12)).all()


@pytest.mark.parametrize(
    ("gamma", "eps_m_prime", "eps_pi", "expected"),
    [
        (0.99, 0.09, 0.1, 11),
        (0.99, 0.01, 0.1, 230),
        (0.9, 0.05, 0.1, 7),
        (0.95, 0.02, 0.05, 18),
        (0.99, 0.2, 0.1, 0),
        (0.99, 0.05, 0.1, 69),
        (0.9, 0.01, 0.1, 22),
        (0.9, 0.0, 0.0, 0),
        (0.9, 0.1, 0.0, 0),
        (0.0, 0.1, 0.2, 1),
        (0.0, 0.0, 0.2, 1),
        (0.0, 0.2, 0.2, 0),
        (0.9, 0.0, 0.1, math.inf),
    ],
)
def test_best_rollout_length_by_hand(gamma, eps_m_prime, eps_pi, expected):
    best = bounds.best_rollout_length(gamma=gamma, eps_m_prime=eps_m_prime, eps_pi=eps_pi)
    assert best == expected


@settings(max_examples=300)
@given(st.floats(0, 0.99), share, share)
def test_best_rollout_length_against_brute_force(gamma, eps_m_prime, eps_pi):
    best = bounds.best_rollout_length(gamma=gamma, eps_m_prime=eps_m_prime, eps_pi=eps_pi)
    at = {"gamma": gamma, "r_max": 1, "eps_m_prime": eps_m_prime, "eps_pi": eps_pi}
    penalties = bounds.branched_penalty_on_policy(np.arange(5000), **at)
    if math.isinf(best):
        assert (np.diff(penalties) <= 0).all()
    else:
        # By penalty, not by index: at a tie either k is right.
        at_best = bounds.branched_penalty_on_policy(best, **at)
        assert at_best <= penalties.min() * (1 + 1e-12) + 1e-300


def test_best_rollout_length_at_a_tie():
    at = {"gamma": 0.5, "eps_m_prime": 0.1 * 0.5**3, "eps_pi": 0.1}
    best = bounds.best_rollout_length(**at)
    penalties = bounds.branched_penalty_on_policy(np.array([best, 3, 4]), r_max=1, **at)
    np.testing.assert_allclose(penalties, penalties[0], rtol=1e-12)


def test_vacuity():
    assert bounds.is_vacuous(gamma=0.99, eps_m=0.02, eps_pi=0.0)
    assert not bounds.is_vacuous(gamma=0.99, eps_m=0.01, eps_pi=0.0)
    assert bounds.is_vacuous(gamma=0.75, eps_m=0.0, eps_pi=0.125)
    assert bounds.penalty_is_vacuous(20.0, gamma=0.9, r_max=1)
    assert bounds.is_vacuous(gamma=0.95, eps_m=0.0, eps_pi=0.025)  # on the line, but for rounding
    assert not bounds.penalty_is_vacuous(19.99, gamma=0.9, r_max=1)
    assert bounds.penalty_is_vacuous(np.inf, gamma=0.9, r_max=1)


@given(discount, share, share)
def test_vacuity_is_the_bound_against_the_trivial_level(gamma, eps_m, eps_pi):
    if abs(gamma * eps_m + 2 * eps_pi - (1 - gamma)) < 1e-9:
        return  # rounding decides on the line itself
    bound = bounds.performance_bound(gamma=gamma, r_max=1, eps_m=eps_m, eps_pi=eps_pi)
    assert bounds.is_vacuous(gamma=gamma, eps_m=eps_m, eps_pi=eps_pi) == (
        bounds.penalty_is_vacuous(bound, gamma=gamma, r_max=1)
    )


def test_trivial_level_and_largest_return_by_hand():
    assert bounds.trivial_level(gamma=0.9, r_max=3) == pytest.approx(60)
    assert bounds.trivial_level(gamma=0, r_max=3) == 6
    assert bounds.largest_return(gamma=0.9, r_max=3) == pytest.approx(30)
    assert bounds.largest_return(gamma=0.75, r_max=1) == 4  # the effective horizon


def test_vacuity_threshold_by_hand():
    assert bounds.vacuity_threshold(gamma=0.9, eps_m=0.01) == pytest.approx(0.0455)
    assert bounds.vacuity_threshold(gamma=0.0, eps_m=1.0) == 0.5
    assert bounds.vacuity_threshold(gamma=0.99, eps_m=0.5) == pytest.approx(-0.2425)


@given(discount, share)
def test_the_threshold_is_where_the_bound_reaches_the_trivial_level(gamma, eps_m):
    shift = bounds.vacuity_threshold(gamma=gamma, eps_m=eps_m)
    if shift >= 0:
        bound = bounds.performance_bound(gamma=gamma, r_max=2, eps_m=eps_m, eps_pi=shift)
        assert bound == pytest.approx(bounds.trivial_level(gamma=gamma, r_max=2), rel=1e-9)
    else:
        assert bounds.is_vacuous(gamma=gamma, eps_m=eps_m, eps_pi=0)


def test_state_drift_ceiling_by_hand():
    ceilings = bounds.state_drift_ceiling([0, 1, 5, 40], eps_m_prime=0.03)
    np.testing.assert_allclose(ceilings, [0, 0.03, 0.15, 1])


def test_ceiling_share_by_hand():
    assert bounds.ceiling_share(gamma=0.5, eps_m=0.1, eps_pi=0.2) == pytest.approx(0.25 / 0.45)
    assert bounds.ceiling_share(gamma=0.5, eps_m=0.1, eps_pi=0.0) == 1
    np.testing.assert_array_equal(
        bounds.ceiling_share(gamma=0.5, eps_m=0, eps_pi=[0.1, 1.0]), [0.5, 0.5]
    )
    for nothing in ({"gamma": 0.0, "eps_m": 0.5}, {"gamma": 0.5, "eps_m": 0.0}):
        with pytest.raises(ValueError, match=r"eps_pi must be positive where gamma \* eps_m is 0"):
            bounds.ceiling_share(eps_pi=[0.1, 0.0], **nothing)


def test_shifted_model_error():
    assert bounds.shifted_model_error(eps_m=0.02, eps_pi=0.1, slope=0.3) == pytest.approx(0.05)
    assert bounds.shifted_model_error(eps_m=0.5, eps_pi=1.0, slope=2.0) == 1.0


def test_scalars_give_scalars_and_arrays_broadcast():
    assert isinstance(bounds.performance_bound(gamma=0.9, r_max=1, eps_m=0, eps_pi=0), float)
    assert isinstance(bounds.is_vacuous(gamma=0.9, eps_m=0, eps_pi=0), bool)
    grid = bounds.performance_bound(
        gamma=0.9, r_max=1, eps_m=np.linspace(0, 1, 3)[:, None], eps_pi=np.linspace(0, 1, 4)
    )
    assert grid.shape == (3, 4)
    assert grid[1, 2] == pytest.approx(
        bounds.performance_bound(gamma=0.9, r_max=1, eps_m=0.5, eps_pi=2 / 3)
    )
    both = bounds.bound_terms(gamma=0.9, r_max=1, eps_m=np.zeros((3, 1)), eps_pi=np.zeros(4))
    assert both[0].shape == both[1].shape == (3, 4)


GOOD = {
    "k": 3,
    "gamma": 0.9,
    "r_max": 1.0,
    "eps_m": 0.1,
    "eps_m_prime": 0.1,
    "eps_pi": 0.1,
    "slope": 0.5,
    "penalty": 1.0,
    "time": 2,
}
BAD = {
    "k": [-1, 1.5, math.nan, math.inf, "3", None, True],
    "gamma": [-0.1, 1.0, 1.5, math.nan, math.inf, -math.inf, "0.9", None, 0.9j],
    "r_max": [0, -1, math.nan, math.inf, None],
    "eps_m": [-0.1, 1.1, math.nan, math.inf, [0.1, 2.0]],
    "eps_m_prime": [-0.1, 1.1, math.nan, -math.inf],
    "eps_pi": [-1e-9, 1 + 1e-9, math.nan, math.inf],
    "slope": [math.nan, math.inf],
    "penalty": [-1.0, math.nan],
    "time": [-1, 1.5, math.nan, math.inf, "3"],
}
FUNCTIONS = {
    "performance_bound": ["gamma", "r_max", "eps_m", "eps_pi"],
    "bound_terms": ["gamma", "r_max", "eps_m", "eps_pi"],
    "branched_penalty": ["k", "gamma", "r_max", "eps_m", "eps_pi"],
    "branched_penalty_on_policy": ["k", "gamma", "r_max", "eps_m_prime", "eps_pi"],
    "branched_penalty_tight": ["k", "gamma", "r_max", "eps_m_prime", "eps_pi"],
    "whole_rollout_penalty": ["gamma", "r_max", "eps_m_prime"],
    "best_rollout_length": ["gamma", "eps_m_prime", "eps_pi"],
    "shifted_model_error": ["eps_m", "eps_pi", "slope"],
    "largest_return": ["gamma", "r_max"],
    "trivial_level": ["gamma", "r_max"],
    "branched_terms": ["k", "gamma", "r_max", "eps_m_prime", "eps_pi"],
    "state_drift_ceiling": ["time", "eps_m_prime"],
    "vacuity_threshold": ["gamma", "eps_m"],
    "ceiling_share": ["gamma", "eps_m", "eps_pi"],
    "is_vacuous": ["gamma", "eps_m", "eps_pi"],
    "penalty_is_vacuous": ["penalty", "gamma", "r_max"],
}


@pytest.mark.parametrize(("function", "names"), FUNCTIONS.items(), ids=str)
def test_bad_arguments_are_named(function, names):
    for name in names:
        for value in BAD[name]:
            arguments = {other: GOOD[other] for other in names} | {name: value}
            with pytest.raises(ValueError, match=f"^{name} must be "):
                getattr(bounds, function)(**arguments)


def test_a_number_just_out_of_range_is_shown_as_it_is():
    with pytest.raises(ValueError, match=r"eps_m must be in \[0, 1\], not 1\.0000001$"):
        bounds.is_vacuous(gamma=0.9, eps_m=[0.5, 1.0000001], eps_pi=0)
    with pytest.raises(ValueError, match=r"k must be a non-negative integer, not -1$"):
        bounds.branched_penalty(-1, gamma=0.9, r_max=1, eps_m=0, eps_pi=0)


def random_case(seed: int):
    """A random MDP with a wrong model and two policies, and its exact quantities."""
    rng = np.random.default_rng(seed)
    gamma = float(rng.choice([0.0, 0.3, 0.7, 0.9, 0.97]))
    states, actions = int(rng.integers(1, 7)), int(rng.integers(1, 4))
    world = mdp.random_mdp(states=states, actions=actions, gamma=gamma, rng=rng)
    other = rng.dirichlet(np.full(states, 0.5), size=(states, actions))
    model = exact.mixture(world.transition, other, rng.uniform() ** 2)
    data_policy = rng.dirichlet(np.ones(actions), size=states)
    policy = exact.mixture(
        data_policy, rng.dirichlet(np.full(actions, 0.3), size=states), rng.uniform() ** 2
    )
    errors = {
        "eps_m": min(exact.model_error(world, model, data_policy), 1.0),
        "eps_m_prime": min(exact.model_error(world, model, policy), 1.0),
        "eps_pi": min(exact.policy_shift(policy, data_policy), 1.0),
    }
    return world, model, policy, data_policy, errors


@settings(max_examples=300)
@given(st.integers(0, 2**32 - 1))
def test_theorems_hold_on_random_mdps(seed):
    world, model, policy, data_policy, errors = random_case(seed)
    true = mdp.exact_return(world, policy)
    shared = {"gamma": world.gamma, "r_max": world.r_max, "eps_pi": errors["eps_pi"]}
    slack = 1e-9 * (1 + world.r_max / (1 - world.gamma))

    imagined = mdp.exact_return(world, policy, model)
    bound = bounds.performance_bound(eps_m=errors["eps_m"], **shared)
    assert true >= imagined - bound - slack
    whole = bounds.whole_rollout_penalty(
        gamma=world.gamma, r_max=world.r_max, eps_m_prime=errors["eps_m_prime"]
    )
    assert abs(true - imagined) <= whole + slack

    lengths = np.arange(31)
    branched = exact.branched_returns(world, model, policy, data_policy, max_length=30)
    for penalty in (
        bounds.branched_penalty(lengths, eps_m=errors["eps_m"], **shared),
        bounds.branched_penalty_on_policy(lengths, eps_m_prime=errors["eps_m_prime"], **shared),
        bounds.branched_penalty_tight(lengths, eps_m_prime=errors["eps_m_prime"], **shared),
    ):
        assert (true >= branched - penalty - slack).all()


@settings(max_examples=300)
@given(st.integers(0, 2**32 - 1))
def test_theorem_41_accepts_no_step_away_from_the_data(seed):
    world, model, policy, data_policy, errors = random_case(seed)
    gain = mdp.exact_return(world, policy, model) - mdp.exact_return(world, data_policy)
    bound = bounds.performance_bound(
        gamma=world.gamma, r_max=world.r_max, eps_m=errors["eps_m"], eps_pi=errors["eps_pi"]
    )
    # Lemma B.3: the gain stays below C by 2 r_max eps_pi / (1 - gamma)^2.
    ceiling = bound - 2 * world.r_max * errors["eps_pi"] / (1 - world.gamma) ** 2
    assert gain <= ceiling + 1e-9 * (1 + bound)
    if bound > 0:
        share = bounds.ceiling_share(
            gamma=world.gamma, eps_m=errors["eps_m"], eps_pi=errors["eps_pi"]
        )
        assert share * bound == pytest.approx(ceiling, rel=1e-9, abs=1e-9)

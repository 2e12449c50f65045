"""Steps that theorem 4.3 accepts raise the true return, in every world tried."""

import numpy as np
import pytest

from mbpo_teach.ground.seeding import generator
from mbpo_teach.tables import mdp, river
from mbpo_teach.theory import bounds, exact, improvement

SETTINGS = {"rounds": 12, "largest_shift": 0.2, "max_length": 40}


def rounds(world, data_policy, seed=0, **settings):
    settings = SETTINGS | {"count": 100_000} | settings
    rng = generator(seed, "improvement")
    return list(improvement.improve(world, data_policy, rng=rng, **settings))


@pytest.mark.parametrize("gamma", [0.0, 0.3, 0.5, 0.7])
def test_on_the_river_accepted_steps_climb_and_the_return_never_drops(gamma):
    world = river.river_swim(gamma=gamma)
    data_policy = np.full((6, 2), 0.5)
    first = before = mdp.exact_return(world, data_policy)
    accepted = 0
    for each in rounds(world, data_policy, count=1_000_000):
        assert each.true_return >= before
        if each.accepted:
            assert each.true_return > before
            assert each.true_return >= each.offer.guarantee
            accepted += 1
        else:
            assert each.true_return == before
        before = each.true_return
    assert accepted >= 2
    assert before > 1.9 * first


def test_on_random_worlds_every_accepted_step_raises_the_true_return():
    accepted = 0
    for seed in range(60):
        rng = generator(seed, "random world")
        gamma = rng.uniform(0, 0.8)
        world = mdp.random_mdp(states=4, actions=3, gamma=gamma, rng=rng)
        data_policy = rng.dirichlet(np.ones(3), size=4)
        before = mdp.exact_return(world, data_policy)
        for each in rounds(world, data_policy, seed, rounds=5, count=int(10 ** rng.uniform(2, 6))):
            if each.accepted:
                accepted += 1
                assert each.true_return > before
                assert each.true_return == mdp.exact_return(world, each.offer.policy)
            before = each.true_return
    assert accepted > 40  # the test is not empty


def test_whole_rollouts_accept_whatever_theorem_43_accepts_on_random_worlds():
    """eps_m' buys the guarantee: with it, branches are not needed. Measured, not proved."""
    branched = whole = 0
    for seed in range(300):
        rng = generator(seed, "branched or whole")
        world = mdp.random_mdp(states=4, actions=3, gamma=rng.uniform(0, 0.8), rng=rng)
        data_policy = rng.dirichlet(np.ones(3), size=4)
        wrong = rng.dirichlet(np.ones(4), size=(4, 3))
        model = exact.mixture(world.transition, wrong, 10 ** rng.uniform(-5, -1))
        present = mdp.exact_return(world, data_policy)
        limits = {"largest_shift": rng.uniform(0.01, 1)}
        offers = [
            improvement.best_offer(world, model, data_policy, max_length=longest, **limits)
            for longest in (40, None)
        ]
        for offer in offers:
            assert mdp.exact_return(world, offer.policy) >= offer.guarantee - 1e-9
        by_branch, by_whole = (offer.guarantee > present + 1e-9 for offer in offers)
        assert by_whole or not by_branch
        branched += by_branch
        whole += by_whole
    assert whole > branched > 50


def test_an_offer_without_branches_is_the_whole_rollouts():
    world, data_policy = river.river_swim(gamma=0.6), np.full((6, 2), 0.5)
    model = exact.mixture(world.transition, river.hopeful_model(), 0.02)
    offer = improvement.best_offer(world, model, data_policy, largest_shift=0.3, max_length=None)
    assert offer.k is None
    assert offer.imagined_return == mdp.exact_return(world, offer.policy, model)
    error = exact.model_error(world, model, offer.policy)
    assert offer.penalty == pytest.approx(2 * 0.6 * error / 0.4**2)


def test_a_policy_that_cannot_move_is_not_accepted():
    world = river.river_swim(gamma=0.5)
    best = mdp.value_iteration(world)[1]
    assert not any(each.accepted for each in rounds(world, best))


def test_a_poor_model_or_a_timid_learner_is_refused():
    world, data_policy = river.river_swim(gamma=0.7), np.full((6, 2), 0.5)
    assert not any(each.accepted for each in rounds(world, data_policy, count=100, rounds=3))
    # A tiny step gains next to nothing, and each model step costs what it costs.
    tiny = rounds(world, data_policy, count=10_000, rounds=3, largest_shift=0.001)
    assert not any(each.accepted for each in tiny)


def test_an_offer_is_theorem_4_3():
    world = river.river_swim(gamma=0.6)
    data_policy = np.full((6, 2), 0.5)
    model = exact.mixture(world.transition, river.hopeful_model(), 0.02)
    offer = improvement.best_offer(world, model, data_policy, largest_shift=0.3, max_length=20)
    assert offer.eps_pi <= 0.3 + 1e-12
    returns = exact.branched_returns(world, model, offer.policy, data_policy, max_length=20)
    penalties = bounds.branched_penalty_on_policy(
        np.arange(21),
        gamma=0.6,
        r_max=1,
        eps_m_prime=exact.model_error(world, model, offer.policy),
        eps_pi=exact.policy_shift(offer.policy, data_policy),
    )
    assert offer.guarantee == pytest.approx((returns - penalties).max())
    assert offer.k == int((returns - penalties).argmax())


def test_bad_settings_are_named():
    world, data_policy = river.river_swim(gamma=0.5), np.full((6, 2), 0.5)
    with pytest.raises(ValueError, match=r"largest_shift must be in \(0, 1\], not 0"):
        rounds(world, data_policy, largest_shift=0)
    for count in (0, -1, 2.5, np.nan, np.inf):
        with pytest.raises(ValueError, match=f"count must be .*at least 1, not {count}"):
            rounds(world, data_policy, count=count)
    with pytest.raises(ValueError, match="max_length must be at least 0"):
        rounds(world, data_policy, max_length=-1)


def test_a_bad_model_or_data_policy_is_named():
    world, data_policy = river.river_swim(gamma=0.5), np.full((6, 2), 0.5)
    limits = {"largest_shift": 0.2, "max_length": 3}
    with pytest.raises(ValueError, match="model must have shape"):
        improvement.best_offer(world, world.transition[:2], data_policy, **limits)
    with pytest.raises(ValueError, match="rows of model must sum to one"):
        improvement.best_offer(world, world.transition * 0.9, data_policy, **limits)
    with pytest.raises(ValueError, match="rows of data_policy must sum to one"):
        improvement.best_offer(world, world.transition, data_policy * 0.9, **limits)

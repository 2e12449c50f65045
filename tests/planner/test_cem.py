"""The cross-entropy method: against optima that are known, and the shape of what it draws."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mbpo_teach.planner.cem import FIRST_VARIANCE, CEMConfig, draw, refit, search

PLAIN = CEMConfig(candidates=300, elites=60, iterations=30, momentum=0.1, least_variance=1e-7)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def nothing_known(batch, horizon, act):
    return torch.zeros(batch, horizon, act), torch.full((batch, horizon, act), FIRST_VARIANCE)


def last(value, config=PLAIN, *, batch=1, horizon=4, act=2, seed=0):
    found = list(search(value, *nothing_known(batch, horizon, act), config, generator=seeded(seed)))
    return found[-1]


def test_it_finds_the_top_of_a_quadratic():
    top = torch.tensor([[0.3, -0.7], [0.0, 0.9], [-0.2, 0.1], [0.5, 0.5]])
    found = last(lambda plans: -((plans - top) ** 2).sum(dim=(2, 3)))
    assert (found.mean[0] - top).abs().max() < 0.02


def test_a_top_beyond_the_range_is_sought_at_its_end():
    found = last(lambda plans: -((plans - 3.0) ** 2).sum(dim=(2, 3)))
    assert (found.mean > 0.98).all() and (found.mean <= 1).all()


def test_every_row_of_a_batch_is_a_search_of_its_own():
    tops = torch.tensor([-0.8, 0.0, 0.6])[:, None, None, None]
    found = last(lambda plans: -((plans - tops) ** 2).sum(dim=(2, 3)), batch=3)
    assert (found.mean - tops[:, 0]).abs().max() < 0.02


def test_it_finds_a_discrete_optimum():
    """Four signs, of the sixteen combinations one is best: nothing here has a gradient."""
    wanted = torch.tensor([1.0, -1.0, -1.0, 1.0])
    found = last(lambda plans: (plans[..., 0].sign() == wanted).sum(dim=2).float(), act=1)
    assert found.mean[0, :, 0].sign().equal(wanted)


def test_with_one_elite_the_best_candidate_seen_is_never_worse_than_random_search():
    def value(plans):
        return torch.sin(5 * plans).sum(dim=(2, 3))

    config = replace(PLAIN, iterations=6)
    found = list(search(value, *nothing_known(1, 4, 2), config, generator=seeded()))
    best = [one.values.max().item() for one in found]
    assert best[-1] > best[0]


def test_one_iteration_by_hand():
    """Values 1, 5, 3, 4: the elites are 0.5 and -0.1; of mean 1 and variance 0.5 a half stays."""
    plans = torch.tensor([0.9, 0.5, 0.2, -0.1]).view(1, 4, 1, 1)
    values = torch.tensor([[1.0, 5.0, 3.0, 4.0]])
    mean, var = torch.ones(1, 1, 1), torch.full((1, 1, 1), 0.5)
    mean, var = refit(mean, var, plans, values, elites=2, momentum=0.5)
    assert mean.item() == pytest.approx(0.5 * 1 + 0.5 * 0.2)
    assert var.item() == pytest.approx(0.5 * 0.5 + 0.5 * 0.09)


def test_a_plan_without_a_value_is_the_worst():
    plans = torch.tensor([0.9, 0.5, 0.2]).view(1, 3, 1, 1)
    values = torch.tensor([[math.nan, -math.inf, -1e30]])
    mean, _ = refit(*nothing_known(1, 1, 1), plans, values, elites=1, momentum=0.0)
    assert mean.item() == pytest.approx(0.2)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(-1, 1, width=32), min_size=3, max_size=3),
    st.lists(st.floats(0, 100, width=32), min_size=3, max_size=3),
    st.integers(0, 10**6),
)
def test_a_plan_never_leaves_the_range(mean, var, seed):
    """Whatever the mean, at an end too, and however wide or narrow the Gaussian."""
    mean, var = (torch.tensor(column).view(1, 3, 1) for column in (mean, var))
    drawn = draw(mean, var, candidates=300, generator=seeded(seed))
    assert torch.isfinite(drawn).all() and (drawn.abs() <= 1).all()


def test_draws_are_those_of_a_truncated_gaussian():
    """Of N(0.8, 0.25) between -1 and 1, by its formula: the mean is 0.8 + 0.5 (p(a)-p(b))/(B-A)."""
    mean, deviation = 0.8, 0.5
    drawn = draw(
        torch.full((1, 1, 1), mean),
        torch.full((1, 1, 1), deviation**2),
        candidates=200_000,
        generator=seeded(),
    ).flatten()
    normal = torch.distributions.Normal(0.0, 1.0)
    low, high = (torch.tensor((end - mean) / deviation) for end in (-1.0, 1.0))
    density = [normal.log_prob(end).exp() for end in (low, high)]
    mass = normal.cdf(high) - normal.cdf(low)
    expected = mean + deviation * (density[0] - density[1]) / mass
    assert drawn.mean().item() == pytest.approx(expected.item(), abs=0.005)
    assert (drawn == 1).float().mean() < 1e-4, "clipped, not truncated"


def test_candidates_share_no_random_number():
    """One number for all of them would give one candidate, drawn many times."""
    drawn = draw(*nothing_known(2, 5, 2), candidates=50, generator=seeded())
    assert drawn.shape == (2, 50, 5, 2)
    assert len(drawn.flatten().unique()) > 0.99 * drawn.numel()


def test_a_search_ends_when_its_variance_is_small_and_not_before():
    config = replace(PLAIN, least_variance=0.01)
    count = len(
        list(
            search(
                lambda plans: -(plans**2).sum(dim=(2, 3)),
                *nothing_known(1, 2, 1),
                config,
                generator=seeded(),
            )
        )
    )
    assert 1 < count < config.iterations
    assert last(lambda plans: -(plans**2).sum(dim=(2, 3)), config).var.max() < 0.01


def test_a_row_that_has_settled_waits_for_the_others():
    """The first row's values are all decided by one plan, the second's never settle."""

    def value(plans):
        steep = -((plans[:1] - 0.5) ** 2).sum(dim=(2, 3))
        return torch.cat([steep, torch.rand(1, plans.shape[1], generator=noise)])

    noise = seeded(5)
    config = replace(PLAIN, iterations=12, least_variance=0.01)
    found = list(search(value, *nothing_known(2, 1, 1), config, generator=seeded()))
    settled = [one.mean[0] for one in found if one.var[0].max() < 0.01]
    assert len(found) == 12 and len(settled) > 2
    assert all(one.equal(settled[0]) for one in settled)


def test_all_candidates_are_valued_in_one_call_for_each_iteration():
    calls = []

    def value(plans):
        calls.append(tuple(plans.shape))
        return plans.sum(dim=(2, 3))

    config = replace(PLAIN, candidates=7, elites=2, iterations=3, least_variance=0.0)
    last(value, config, batch=2, horizon=5, act=1)
    assert calls == [(2, 7, 5, 1)] * 3


def test_the_same_seed_draws_the_same():
    def found(seed):
        return last(lambda plans: -(plans**2).sum(dim=(2, 3)), seed=seed).mean

    assert found(1).equal(found(1)) and not found(1).equal(found(2))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"candidates": 0}, "candidates must be at least 1, not 0"),
        ({"elites": 301}, "elites must be at most the number of candidates, 300, not 301"),
        ({"iterations": 0}, "iterations must be at least 1, not 0"),
        ({"momentum": 1.0}, r"momentum must be in \[0, 1\), not 1.0"),
        ({"least_variance": -1.0}, "least_variance must be at least 0 and finite, not -1.0"),
    ],
)
def test_what_a_search_cannot_be(change, message):
    with pytest.raises(ValueError, match=message):
        replace(PLAIN, **change)


def test_wrong_sizes_are_named():
    mean, var = nothing_known(1, 3, 1)
    with pytest.raises(ValueError, match=r"mean must hold numbers in \[-1, 1\], not \[\[\[2.0"):
        next(search(lambda plans: plans.sum(dim=(2, 3)), mean + 2, var, PLAIN, generator=seeded()))
    with pytest.raises(ValueError, match="elites must be at most 4, as many as plans, not 5"):
        refit(mean, var, torch.zeros(1, 4, 3, 1), torch.zeros(1, 4), elites=5, momentum=0.1)

"""Likelihood, soft clamp and mixtures: hand numbers, torch.distributions, sampling, limits."""

import math

import pytest
import torch

from mbpo_teach.ground.seeding import torch_generator
from mbpo_teach.nets.gaussian import (
    gaussian_nll,
    gaussian_sample,
    log_tanh_slope,
    mixture_moments,
    soft_clamp,
    squashed_log_prob,
)

LOW, HIGH = torch.tensor([-10.0]), torch.tensor([0.5])


def normal(*shape, seed=0):
    return torch.randn(shape, generator=torch_generator(seed, "test"))


def test_a_sample_by_hand():
    """Noise of -1 at a variance of 4 is two below the mean."""
    mean, log_var = torch.tensor([[1.0, 5.0]]), torch.tensor([[1.0, 4.0]]).log()
    drawn = gaussian_sample(mean, log_var, torch.tensor([[0.5, -1.0]]))
    torch.testing.assert_close(drawn, torch.tensor([[1.5, 3.0]]))


def test_likelihood_by_hand():
    """A unit Gaussian one deviation away: (1 + ln 2π) / 2; two outputs add up."""
    one = gaussian_nll(torch.zeros(1, 1), torch.zeros(1, 1), torch.ones(1, 1))
    assert one.item() == pytest.approx(0.5 * (1 + math.log(2 * math.pi)))
    two = gaussian_nll(torch.zeros(1, 2), torch.log(torch.tensor([[1.0, 4.0]])), torch.ones(1, 2))
    assert two.item() == pytest.approx(
        0.5 * (1 + 0.25 + math.log(4) + 2 * math.log(2 * math.pi)), rel=1e-6
    )


def test_likelihood_is_that_of_torch():
    mean, log_var, target = normal(3, 5, 4), 3 * normal(3, 5, 4, seed=1), normal(3, 5, 4, seed=2)
    theirs = torch.distributions.Normal(mean, (0.5 * log_var).exp()).log_prob(target).sum(dim=-1)
    ours = gaussian_nll(mean, log_var, target)
    assert ours.shape == (3, 5)
    torch.testing.assert_close(ours, -theirs, rtol=1e-5, atol=1e-4)


def test_likelihood_is_least_at_the_true_moments():
    """Minimising it recovers mean and deviation of a sample: the trivial fit that must succeed."""
    sample = 3 + 0.5 * normal(4000, 1)
    mean, log_var = torch.zeros(1, requires_grad=True), torch.zeros(1, requires_grad=True)
    optimiser = torch.optim.LBFGS([mean, log_var], max_iter=50)

    def closure():
        optimiser.zero_grad()
        loss = gaussian_nll(mean.expand_as(sample), log_var.expand_as(sample), sample).mean()
        loss.backward()
        return loss

    optimiser.step(closure)
    assert mean.item() == pytest.approx(sample.mean().item(), abs=1e-3)
    assert (0.5 * log_var).exp().item() == pytest.approx(sample.std(correction=0).item(), rel=1e-3)


def test_soft_clamp_by_hand():
    assert soft_clamp(torch.zeros(1, 1), LOW, HIGH).item() == pytest.approx(-0.4740040505, abs=1e-6)
    assert soft_clamp(torch.full((1, 1), 1e4), LOW, HIGH).item() == pytest.approx(
        0.5000275, abs=1e-6
    )
    assert soft_clamp(torch.full((1, 1), -1e4), LOW, HIGH).item() == pytest.approx(-10.0, abs=1e-6)


def test_soft_clamp_in_double_precision_has_the_printed_digits():
    low, high = LOW.double(), HIGH.double()
    assert soft_clamp(torch.zeros(1).double(), low, high).item() == pytest.approx(
        -0.4740040505, abs=1e-10
    )


def test_soft_clamp_leaves_the_middle_alone_and_keeps_order():
    raw = torch.linspace(-30, 20, 501)[:, None]
    bent = soft_clamp(raw, LOW, HIGH)
    assert (bent.diff(dim=0) >= 0).all()
    assert bent.min() >= -10 and bent.max() <= 0.50003
    middle = (raw > -6) & (raw < -4)
    torch.testing.assert_close(bent[middle], raw[middle], atol=0.03, rtol=0)


def test_soft_clamp_has_a_gradient_everywhere():
    """A hard clamp has none outside its limits, and a log-variance that left never comes back."""
    raw = torch.linspace(-30, 20, 501)[:, None].requires_grad_()
    low, high = LOW.clone().requires_grad_(), HIGH.clone().requires_grad_()
    inner, lower, upper = torch.autograd.grad(soft_clamp(raw, low, high).sum(), [raw, low, high])
    assert (inner > 0).all()
    assert lower.item() > 100 and upper.item() > 100


def test_mixture_by_hand():
    """Means 1 and 3, variances 0.5 and 1.5: mean 2, variance 1 + 1."""
    mean, var = mixture_moments(torch.tensor([[[1.0]], [[3.0]]]), torch.tensor([[[0.5]], [[1.5]]]))
    assert (mean.item(), var.item()) == (2.0, 2.0)


def test_mixture_against_sampling_it():
    mean, var = normal(3, 2), normal(3, 2, seed=1).exp()
    member = torch.randint(3, (200_000,), generator=torch_generator(2))
    drawn = mean[member] + var[member].sqrt() * normal(200_000, 2, seed=3)
    ours_mean, ours_var = mixture_moments(mean, var)
    torch.testing.assert_close(drawn.mean(dim=0), ours_mean, atol=0.02, rtol=0)
    torch.testing.assert_close(drawn.var(dim=0), ours_var, atol=0, rtol=0.02)


def test_a_mixture_of_one_is_that_member():
    mean, var = normal(1, 4, 2), normal(1, 4, 2, seed=1).exp()
    ours = mixture_moments(mean, var)
    assert torch.equal(ours[0], mean[0]) and torch.equal(ours[1], var[0])


def test_a_wrong_shape_is_refused():
    """The classic silent broadcast, (batch, 1) against (batch,)."""
    with pytest.raises(ValueError, match="must have shape"):
        gaussian_nll(torch.zeros(4, 1), torch.zeros(4, 1), torch.zeros(4, 4))


# The squashed Gaussian of a policy.


def test_the_slope_of_tanh_by_hand():
    """-2.650 at 2; with tanh applied twice, a textbook's mistake, it would be -0.813."""
    two = torch.tensor([2.0])
    assert log_tanh_slope(two).item() == pytest.approx(-2.650, abs=5e-4)
    assert log_tanh_slope(two.tanh()).item() == pytest.approx(-0.813, abs=5e-4)
    assert log_tanh_slope(torch.zeros(1)).item() == 0


def test_the_slope_of_tanh_stays_finite_and_exact_far_out():
    """log(1 - tanh(u)^2) = log 4 - 2 |u| - 2 log(1 + exp(-2 |u|)); as written it is log(0)."""
    raw = torch.tensor([-20.0, -9.0, -1.0, 0.5, 9.0, 20.0])
    exact = [math.log(4) - 2 * abs(u) - 2 * math.log1p(math.exp(-2 * abs(u))) for u in raw.tolist()]
    torch.testing.assert_close(log_tanh_slope(raw), torch.tensor(exact), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("actions", [1, 2, 3, 8, 17])
def test_squashed_density_is_that_of_torch(actions):
    """An oracle in double precision, out to u = 20, where float32 cannot tell tanh(u) from 1."""
    raw = torch.linspace(-20, 20, 41)[:, None].expand(-1, actions).contiguous()
    mean, log_std = normal(41, actions), normal(41, actions, seed=1)
    distribution = torch.distributions.TransformedDistribution(
        torch.distributions.Normal(mean.double(), log_std.double().exp()),
        [torch.distributions.TanhTransform(cache_size=1)],
    )
    squashed = distribution.transforms[0](raw.double())  # remembers raw, so inverts exactly
    theirs = distribution.log_prob(squashed).sum(dim=-1)
    ours = squashed_log_prob(raw, mean, log_std)
    assert ours.shape == (41,)
    torch.testing.assert_close(ours.double(), theirs, rtol=1e-5, atol=1e-3)


def test_squashed_density_integrates_to_one():
    """No correction, or one too many, and this is not 1: the identity."""
    edges = torch.linspace(-1, 1, 20_001, dtype=torch.float64)
    middle = (edges[1:] + edges[:-1]) / 2
    for mean, log_std in ((0.0, 0.0), (0.7, -1.0), (-0.3, -0.5)):
        raw = torch.atanh(middle)[:, None].float()
        log_prob = squashed_log_prob(raw, torch.full_like(raw, mean), torch.full_like(raw, log_std))
        assert (log_prob.exp().sum() * 1e-4).item() == pytest.approx(1, abs=2e-3)

"""The Monte Carlo total variation: hand numbers, limits, and what it refuses."""

import inspect

import pytest
import torch
from torch.distributions import Normal

from mbpo_teach.ground.seeding import torch_generator
from mbpo_teach.model import dynamics, variation
from mbpo_teach.world.transitions import Transition


def test_monte_carlo_tv_of_two_unit_normals():
    draws = torch.randn(200_000, 1, generator=torch_generator(0, "draws"), dtype=torch.float64)
    log_p, log_q = Normal(0.0, 1.0).log_prob(draws), Normal(1.0, 1.0).log_prob(draws)
    estimate, error = variation.monte_carlo_tv(log_p, log_q)
    assert 0 < float(error) < 2e-3
    assert abs(float(estimate) - 0.3829249) < 4 * float(error)


def test_monte_carlo_tv_limits_and_refusal():
    log_p = torch.zeros(10, 2)
    same, error = variation.monte_carlo_tv(log_p, log_p)
    assert same.tolist() == error.tolist() == [0.0, 0.0]
    apart, _ = variation.monte_carlo_tv(log_p, log_p - 1000)
    assert apart.tolist() == [1.0, 1.0]
    with pytest.raises(ValueError, match="at least two draws"):
        variation.monte_carlo_tv(log_p[:1], log_p[:1])


def test_monte_carlo_tv_refuses_what_is_no_log_density():
    fine, inf = torch.zeros(10, 2), float("inf")
    nowhere, _ = variation.monte_carlo_tv(fine, fine - inf)
    assert nowhere.tolist() == [1.0, 1.0]
    for name, log_p, log_q in (
        ("log_p", fine.fill_diagonal_(float("nan")), torch.zeros(10, 2)),
        ("log_p", torch.full((10, 2), -inf), torch.zeros(10, 2)),
        ("log_q", torch.zeros(10, 2), torch.full((10, 2), float("nan"))),
        ("log_q", torch.zeros(10, 2), torch.full((10, 2), inf)),
    ):
        with pytest.raises(ValueError, match=f"{name} must hold"):
            variation.monte_carlo_tv(log_p, log_q)
    unchecked = inspect.unwrap(variation.monte_carlo_tv)  # as learners have it, without type checks
    with pytest.raises(ValueError, match=r"log_q must have shape \(4, 1\), not \(4, 3\)"):
        unchecked(torch.zeros(4, 1), torch.zeros(4, 3))


def test_with_noise_adds_what_it_says():
    obs = torch.zeros(50_000, 2)
    clean = Transition(obs, obs[:, :1], torch.zeros(50_000), obs + 1, torch.zeros(50_000))
    deviation = torch.tensor([0.1, 0.2, 0.3])
    noisy = variation.with_noise(clean, deviation, generator=torch_generator(0, "noise"))
    torch.testing.assert_close(noisy.next_obs.mean(dim=0), torch.ones(2), atol=5e-3, rtol=0)
    torch.testing.assert_close(noisy.next_obs.std(dim=0), deviation[:2], rtol=0.02, atol=0)
    torch.testing.assert_close(noisy.reward.std(), deviation[2], rtol=0.02, atol=0)


@pytest.mark.parametrize(
    ("deviation", "message"),
    [
        ([0.1, 0.1], r"must have shape \(3,\), not \(2,\)"),
        ([0.1, 0.0, 0.1], "must hold positive, finite numbers"),
        ([0.1, -0.1, 0.1], "must hold positive, finite numbers"),
        ([0.1, 0.1, float("nan")], "must hold positive, finite numbers"),
    ],
)
def test_a_deviation_that_is_none_is_refused(deviation, message):
    """Of two numbers for three targets, one would be added to all of the state alike."""
    model = dynamics.Ensemble(2, 1, members=1, hidden=(), generator=torch_generator(0))
    obs, wrong = torch.zeros(5, 2), torch.tensor(deviation)
    clean = Transition(obs, obs[:, :1], torch.zeros(5), obs, torch.zeros(5))
    with pytest.raises(ValueError, match=f"deviation {message}"):
        variation.with_noise(clean, wrong, generator=torch_generator(0))
    with pytest.raises(ValueError, match=f"deviation {message}"):
        variation.noisy_tv(model, clean, wrong, members=(0,), draws=5, generator=torch_generator(0))


class Exact(dynamics.Ensemble):
    """An "ensemble" whose members predict N(off, width^2) in scaled units."""

    def __init__(self, off, width):
        super().__init__(1, 1, members=2, hidden=(), generator=torch_generator(0))
        self.off, self.width = torch.tensor(off), torch.tensor(width)

    def forward(self, inputs, *, members=None):
        shape = (*inputs.shape[:2], 2)
        index = list(range(2) if members is None else members)
        mean = self.off[index].reshape(-1, 1, 1).expand(shape)
        return mean, (2 * self.width[index].log()).reshape(-1, 1, 1).expand(shape)


def tv_of(net, members):
    obs = torch.zeros(3, 1)
    clean = Transition(obs, obs, torch.zeros(3), obs, torch.zeros(3))
    return variation.noisy_tv(
        net,
        clean,
        torch.tensor([1.0, 1.0]),
        members=members,
        draws=40_000,
        generator=torch_generator(1, "draws"),
    )


def test_noisy_tv_of_a_perfect_model_is_zero():
    estimate, _ = tv_of(Exact([0.0, 0.0], [1.0, 1.0]), (0, 1))
    assert float(estimate.max()) < 1e-6


def test_noisy_tv_against_the_known_distance():
    # Both targets are off by 1 / sqrt(2): together as far apart as N(0, 1) and N(1, 1).
    off = 0.5**0.5
    estimate, error = tv_of(Exact([off, 9.0], [1.0, 1.0]), (0,))
    assert ((estimate - 0.3829249).abs() < 4 * error).all()


def test_noisy_tv_compares_with_the_mixture():
    # Two members far to either side and one in between: the mixture has half the mass at p.
    estimate, error = tv_of(Exact([0.0, 100.0], [1.0, 1.0]), (0, 1))
    assert ((estimate - 0.5).abs() < 4 * error + 1e-6).all()

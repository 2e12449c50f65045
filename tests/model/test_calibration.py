"""Coverage: by hand, against the normal law, and of an ensemble on a noisy Pendulum."""

import pytest
import torch
from torch.distributions import Normal

from mbpo_teach.ground.seeding import generator, torch_generator
from mbpo_teach.model.calibration import coverage, half_width
from mbpo_teach.model.dynamics import Ensemble, predict
from mbpo_teach.model.fit import FitConfig, fit_ensemble
from mbpo_teach.model.variation import with_noise
from mbpo_teach.nets.gaussian import mixture_moments
from mbpo_teach.world import envs


def test_half_width_is_the_normal_quantile():
    assert half_width(0.9) == pytest.approx(1.6448536, abs=1e-6)
    for level in (0.05, 0.5, 0.683, 0.99):
        above = Normal(0.0, 1.0).cdf(torch.tensor(half_width(level)))
        assert float(2 * above - 1) == pytest.approx(level, abs=1e-5)


def test_coverage_by_hand():
    target = torch.tensor([[0.0, 5.0], [0.9, 5.0], [-1.1, 5.0], [2.0, 5.0]])
    mean, deviation = torch.zeros(4, 2), torch.tensor([[1.0, 10.0]]).expand(4, 2)
    # 68.27 % is one deviation, 95.45 % two.
    got = coverage(mean, deviation, target, [0.6827, 0.9544, 0.9546])
    assert got.tolist() == [[0.5, 1.0], [0.75, 1.0], [1.0, 1.0]]


def test_a_true_gaussian_is_calibrated():
    noise = torch.randn(20_000, 1, generator=torch_generator(0, "noise"))
    mean, deviation = torch.full_like(noise, 3.0), torch.full_like(noise, 0.2)
    levels = [0.1, 0.5, 0.9]
    got = coverage(mean, deviation, mean + deviation * noise, levels)[:, 0]
    torch.testing.assert_close(got, torch.tensor(levels), atol=0.015, rtol=0)


@pytest.mark.parametrize("level", [0.0, 1.0, 90, -0.1, float("nan")])
def test_a_level_is_a_share(level):
    with pytest.raises(ValueError, match="level must be in"):
        half_width(level)


def test_intervals_of_a_noisy_pendulum_hold_what_they_claim():
    """90 % intervals hold 80 to 97 % of held-out rows, each output by itself."""
    world = envs.make("Pendulum-v1")
    truth = torch.tensor([0.02, 0.02, 0.1, 0.1])
    data, fresh = (
        with_noise(
            envs.collect(world, steps=1500, rng=generator(0, name)),
            truth,
            generator=torch_generator(0, name),
        )
        for name in ("data", "fresh")
    )
    model = Ensemble(3, 1, members=5, hidden=(64, 64), generator=torch_generator(0, "weights"))
    config = FitConfig(weight_decay=(2.5e-5, 5e-5, 1e-4), max_steps=600, elites=3)
    report = fit_ensemble(model, data, config, generator=torch_generator(0, "fit"))
    with torch.no_grad():
        mean, var = mixture_moments(*predict(model, fresh.obs, fresh.act, members=report.elites))
    target = torch.cat([fresh.next_obs, fresh.reward[:, None]], dim=1)
    held = coverage(mean, var.sqrt(), target, [0.9])[0]
    assert ((held > 0.80) & (held < 0.97)).all(), held
    # Calibrated by luck would be a wide interval: the noise itself is found, too.
    found = var.sqrt().median(dim=0).values / truth
    assert ((found[:3] > 0.8) & (found[:3] < 1.4)).all(), found

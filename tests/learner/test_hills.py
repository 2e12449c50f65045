"""The hill and the peak: what is computed on them agrees with slower ways of computing it."""

import math

import numpy as np
import pytest
import torch
from torch.distributions import Normal, TanhTransform, TransformedDistribution

from mbpo_teach.ground.seeding import torch_generator
from mbpo_teach.learner import hills
from mbpo_teach.learner.losses import actor_loss, temperature_loss

WIDTH = 2 / len(hills.ACTIONS)

pytestmark = pytest.mark.usefixtures("one_thread")


def tensor(*values):
    return torch.tensor(values, dtype=torch.float64)


def test_the_actions_are_the_middles_of_equal_parts():
    assert hills.ACTIONS[0] == pytest.approx(-1 + WIDTH / 2)
    np.testing.assert_allclose(np.diff(hills.ACTIONS.numpy()), WIDTH, rtol=1e-9)
    assert -hills.ACTIONS[0] == hills.ACTIONS[-1]


def test_the_value_by_hand():
    found = hills.action_value(tensor(-0.4, 0.6, 0.1))
    by_hand = [1 + 1.3 * math.exp(-50), 1.3 + math.exp(-1 / 0.18)]
    assert found[:2].tolist() == pytest.approx(by_hand)
    assert found[2].item() == pytest.approx(math.exp(-0.25 / 0.18) + 1.3 * math.exp(-12.5))


@pytest.mark.parametrize("temperature", [0.02, 0.1, 0.5, 2.0])
def test_the_soft_value_is_what_the_best_policy_earns(temperature):
    density, objective = hills.soft_best(temperature)
    assert density.sum().item() * WIDTH == pytest.approx(1)
    value, entropy = hills.value_and_entropy(density)
    assert value + temperature * entropy == pytest.approx(objective)
    # And any other policy earns less, by temperature times the divergence from the best.
    other = hills.density(0.2, -0.5)
    value, entropy = hills.value_and_entropy(other)
    divergence = (other * (other / density).log()).sum().item() * WIDTH
    earned = value + temperature * entropy
    assert earned == pytest.approx(objective - temperature * divergence, abs=1e-6)
    assert earned < objective


def test_the_soft_value_becomes_the_maximum():
    highest = hills.action_value(hills.ACTIONS).max().item()
    assert hills.soft_best(0.001)[1] == pytest.approx(highest, abs=0.01)


@pytest.mark.parametrize(("mean", "log_std"), [(0.0, 0.0), (0.69, -2.5), (-0.4, -1.5), (1.0, 0.5)])
def test_a_density_is_torchs(mean, log_std):
    theirs = TransformedDistribution(
        Normal(tensor(mean), tensor(log_std).exp()), TanhTransform(cache_size=0)
    )
    ours = hills.density(mean, log_std)
    np.testing.assert_allclose(ours, theirs.log_prob(hills.ACTIONS).exp(), rtol=1e-8)


def test_spread_draws_stand_for_random_ones():
    assert hills.NOISE.mean().item() == pytest.approx(0, abs=1e-12)
    assert hills.NOISE.square().mean().item() == pytest.approx(1)
    for mean, log_std in ((0.69, -2.5), (-0.42, -1.5), (-0.1, -0.4)):
        found = hills.policies(tensor(mean), tensor(log_std))
        exact = hills.value_and_entropy(hills.density(mean, log_std))
        assert (found.value.item(), found.entropy.item()) == pytest.approx(exact, abs=6e-3)


def test_the_best_policies_are_better_than_any_other_that_is_tried():
    temperatures = tensor(0.03, 0.15, 0.27, 0.6, 2.0)
    best = hills.best_policies(temperatures)
    earned = best.value + temperatures * best.entropy
    rng = torch_generator(0, "tries")
    for scale in (0.01, 0.1, 1.0):
        for _ in range(30):
            mean, log_std = (
                part + scale * torch.randn(5, generator=rng, dtype=torch.float64)
                for part in (best.mean, best.log_std)
            )
            other = hills.policies(mean, log_std)
            assert (other.value + temperatures * other.entropy < earned + 5e-4).all()
    # No shape earns more than the best of any shape.
    limits = tensor(*(hills.soft_best(float(temperature))[1] for temperature in temperatures))
    assert (earned < limits + 6e-3).all()


def test_learners_take_the_steps_of_the_library_losses():
    """One learner, its gradients by autograd through the losses themselves, and torch's Adam."""
    path = hills.learn(tensor(1.0, 0.3), tensor(-1.0, 0.5), steps=20)
    weights = torch.tensor(hills.START, dtype=torch.float64).requires_grad_()
    log_temperature = torch.tensor(0.3, dtype=torch.float64).log().requires_grad_()
    optimiser = torch.optim.Adam([weights, log_temperature], lr=0.05)
    for step in range(21):
        assert path.temperature[1, step].item() == pytest.approx(
            log_temperature.exp().item(), rel=1e-4
        )
        now = [path.policies.mean[1, step].item(), path.policies.log_std[1, step].item()]
        assert now == pytest.approx(weights.tolist(), abs=1e-4)
        act, log_prob = hills.draws(*weights)
        loss = actor_loss(
            hills.action_value(act).unsqueeze(0), log_prob, log_temperature.exp().detach()
        )
        loss = loss + temperature_loss(log_temperature, log_prob.detach(), 0.5)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


def test_without_targets_temperatures_stay():
    path = hills.learn(tensor(0.1, 1.0), steps=5)
    np.testing.assert_allclose(path.temperature, [[0.1] * 6, [1.0] * 6])


def test_critic_errors_are_smooth_unbiased_and_of_deviation_one():
    errors = hills.critic_errors(2000, generator=torch_generator(1, "errors"))
    assert errors.mean().item() == pytest.approx(0, abs=0.02)
    assert errors.std().item() == pytest.approx(1, abs=0.02)
    assert errors.diff(dim=1).abs().mean().item() < 0.08


def test_beliefs_by_hand():
    critics = torch.zeros(2, len(hills.ACTIONS), dtype=torch.float64)
    critics[0, 10], critics[1, 320] = 5.0, 2.0
    found = hills.greedy_beliefs(critics)
    assert found.believed.tolist() == [5.0, 2.0]
    assert found.true.tolist() == hills.action_value(hills.ACTIONS[[10, 320]]).tolist()

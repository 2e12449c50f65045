"""SAC's equations: hand numbers, what they must not depend on, and where their gradients point."""

import math

import pytest
import torch

from mbpo_teach.learner.losses import (
    actor_loss,
    critic_loss,
    soft_target,
    soft_value,
    temperature_loss,
)

Q = torch.tensor([[3.0, -1.0], [2.0, 5.0]])
LOG_PROB = torch.tensor([-1.0, 0.5])


def test_soft_value_by_hand():
    """The smaller critic, 2 and -1; alpha 0.2 adds 0.2 and takes 0.1."""
    torch.testing.assert_close(soft_value(Q, LOG_PROB, 0.2), torch.tensor([2.2, -1.1]))


def test_at_temperature_zero_the_entropy_is_worth_nothing():
    assert soft_value(Q, LOG_PROB, 0.0).tolist() == [2.0, -1.0]
    assert actor_loss(Q, LOG_PROB, 0.0).item() == -0.5


def test_soft_target_by_hand():
    """What follows an end is worth nothing, however large it is said to be, or not a number."""
    reward = torch.tensor([1.0, 1.0, -2.0])
    ended = torch.tensor([False, True, True])
    value = torch.tensor([10.0, 10.0, math.nan])
    assert soft_target(reward, ended, value, 0.9).tolist() == [10.0, 1.0, -2.0]


def test_with_gamma_zero_the_target_is_the_reward():
    reward, value = torch.tensor([1.0, -3.0]), torch.tensor([100.0, 7.0])
    assert soft_target(reward, torch.zeros(2, dtype=torch.bool), value, 0.0).equal(reward)


def test_critic_loss_by_hand():
    """Errors 1, -2 and 0, 4: halves of (1 + 4) / 2 and of (0 + 16) / 2, added."""
    target = torch.tensor([2.0, 1.0])
    assert critic_loss(Q, target).item() == pytest.approx(0.5 * 2.5 + 0.5 * 8)


def test_actor_loss_by_hand():
    assert actor_loss(Q, LOG_PROB, 0.2).item() == pytest.approx(-(2.2 - 1.1) / 2)


def test_temperature_loss_by_hand_and_its_direction():
    """Entropy 0.25 against a wanted 1: alpha 0.5 must rise; the gradient in log alpha is -0.375."""
    log_temperature = torch.tensor(math.log(0.5), requires_grad=True)
    loss = temperature_loss(log_temperature, LOG_PROB, 1.0)
    assert loss.item() == pytest.approx(-0.5 * (-0.25 + 1.0))
    loss.backward()
    assert log_temperature.grad.item() == pytest.approx(-0.375)
    too_random = torch.tensor(math.log(0.5), requires_grad=True)
    temperature_loss(too_random, LOG_PROB, -1.0).backward()
    assert too_random.grad.item() > 0


@pytest.mark.parametrize("function", [soft_value, actor_loss])
def test_a_column_where_a_row_belongs_is_refused(function):
    """(batch, 1) against (batch,) would broadcast to (batch, batch) without a word."""
    with pytest.raises(ValueError, match="must have shape"):
        function(Q, LOG_PROB[:, None], 0.2)


def test_a_column_of_rewards_is_refused():
    with pytest.raises(ValueError, match="must have shape"):
        soft_target(torch.zeros(2, 1), torch.zeros(2, dtype=torch.bool), torch.zeros(2), 0.9)

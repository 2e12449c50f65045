"""Adam's step: hand numbers, torch.optim as the oracle, a bowl that must be solved."""

import pytest
import torch

from mbpo_teach.ground.seeding import torch_generator
from mbpo_teach.nets.adam import adam_step, pace_at, untrained


def count(number):
    return torch.tensor(number)


def test_the_first_step_by_hand():
    """Both corrections undo the start from zero: the step is the rate, whatever the gradient."""
    trained = untrained(torch.tensor([1.0, 1.0, 1.0]))
    gradient = torch.tensor([1e-3, -50.0, 0.0])
    after = adam_step(trained, gradient, pace_at(count(1), 0.1))
    torch.testing.assert_close(after.weights, torch.tensor([0.9, 1.1, 1.0]), atol=1e-5, rtol=0)
    torch.testing.assert_close(after.mean, 0.1 * gradient)
    torch.testing.assert_close(after.square, 0.001 * gradient**2)


def test_it_is_torchs_adam():
    generator = torch_generator(0, "adam")
    start = torch.randn(3, 7, generator=generator)
    theirs = torch.nn.Parameter(start.clone())
    optimiser = torch.optim.Adam([theirs], lr=3e-3)
    ours = untrained(start)
    for number in range(1, 51):
        theirs.grad = torch.randn(3, 7, generator=generator) * 10.0 ** (number % 5 - 2)
        ours = adam_step(ours, theirs.grad, pace_at(count(number), 3e-3))
        optimiser.step()
    torch.testing.assert_close(ours.weights, theirs.detach(), rtol=1e-5, atol=1e-6)


def test_it_changes_nothing_that_it_was_given():
    trained = untrained(torch.ones(2))
    adam_step(trained, torch.ones(2), pace_at(count(1), 0.1))
    assert trained.weights.eq(1).all() and not trained.mean.any() and not trained.square.any()


def test_it_finds_the_bottom_of_a_bowl():
    trained = untrained(torch.tensor([5.0, -3.0]))
    for number in range(1, 2001):
        slope = torch.tensor([2.0, 200.0]) * (trained.weights - 1)
        trained = adam_step(trained, slope, pace_at(count(number), 0.01))
    assert trained.weights.tolist() == pytest.approx([1, 1], abs=1e-3)

"""What is believed: the smaller critic at the policy's own action, and the gap to the other."""

import torch

from mbpo_teach.ground.seeding import torch_generator
from mbpo_teach.learner.belief import belief
from mbpo_teach.learner.sac import SACConfig, initial_state

CONFIG = SACConfig(hidden=(4,))


def by_hand(weights, inputs, outputs):
    """Return the outputs (batch, out) of one network with a hidden layer of 4."""
    size = inputs.shape[1]
    first, bias, second, last = weights.split([4 * size, 4, 4 * outputs, outputs])
    hidden = (inputs @ first.view(4, size).T + bias).clamp(min=0)
    return hidden @ second.view(outputs, 4).T + last


def test_the_belief_by_hand():
    state = initial_state(3, 2, CONFIG, generator=torch_generator(0))
    obs = torch.randn(6, 3, generator=torch_generator(1))
    mean = by_hand(state.actor.weights[0], obs, 4)[:, :2]
    inputs = torch.cat([obs, mean.tanh()], dim=1)
    one, two = (by_hand(weights, inputs, 1)[:, 0] for weights in state.critics.weights)
    found = belief(state, CONFIG, obs, act_size=2)
    torch.testing.assert_close(found.value, torch.minimum(one, two))
    torch.testing.assert_close(found.gap, (one - two).abs())
    assert (one < two).any() and (two < one).any(), "a test that sees one critic only"

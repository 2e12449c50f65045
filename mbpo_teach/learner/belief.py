"""What the critics believe, to be put beside what is reached.

Critics that learn from a model's mistakes, or from their own, may promise many times what can be
had: they overestimate. It shows where the value that they believe in some states stands beside the
discounted return that the same policy reaches from them. Two critics that are wrong together have a
small gap between them, so their minimum is no help. Fujimoto et al. 2018 (TD3, arXiv 1802.09477);
taught in chapter 6.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from mbpo_teach.learner.sac import SACConfig, SACState, network_sizes, policy_of, q_values


class Belief(NamedTuple):
    """The smaller of the critics' values of each state, and the gap between them, (batch,)."""

    value: Tensor
    gap: Tensor


@torch.no_grad()
def belief(
    state: SACState, config: SACConfig, obs: Float[Tensor, "batch obs"], *, act_size: int
) -> Belief:
    """Return what is believed of the policy without noise: min_i Q_i(s, mu(s)), and max - min.

    Values are soft: they count alpha times the entropy of all later actions, which a return does
    not. With an entropy of -1 and alpha = 0.5 that takes up to 50 away at gamma = 0.99.
    """
    _, sizes = network_sizes(obs.shape[1], act_size, config)
    act = policy_of(state, config, act_size=act_size)(obs)
    q = q_values(state.critics.weights, obs, act, sizes, norm=config.critic_norm)
    low, high = q.aminmax(dim=0)
    return Belief(value=low, gap=high - low)

"""The equations of soft actor-critic, each a function of a batch.

Q(s, a) is the soft return: reward, and alpha times the entropy of all later choices. Haarnoja et
al. 2018 (arXiv 1812.05905), sections 4 and 5; taught in chapter 6.
"""

from jaxtyping import Bool, Float
from torch import Tensor

from mbpo_teach.ground.checked import DISCOUNT, NOT_FINITE, checked


@checked
def soft_value(
    q: Float[Tensor, "critic batch"],
    log_prob: Float[Tensor, " batch"],
    temperature: Float[Tensor, ""] | float,
) -> Float[Tensor, " batch"]:
    """V(s) = min_i Q_i(s, a) - alpha log pi(a | s)   (equation 3, one sample)."""
    return q.min(dim=0).values - temperature * log_prob


def _goes_on(reward: Tensor, terminated: Tensor, next_value: Tensor, gamma: float) -> None:
    """Refuse a next state whose value counts and is no number."""
    if not next_value.masked_fill(terminated, 0.0).isfinite().all():
        raise ValueError("next_value must hold finite numbers wherever the world goes on")


@checked(together=_goes_on, next_value=NOT_FINITE, gamma=DISCOUNT)
def soft_target(
    reward: Float[Tensor, " batch"],
    terminated: Bool[Tensor, " batch"],
    next_value: Float[Tensor, " batch"],
    gamma: float,
) -> Float[Tensor, " batch"]:
    """Y = r + gamma V(s'), and r alone where the world ended   (equation 2).

    A time limit is not an end: there the value of the next state still counts.
    """
    return reward + gamma * next_value.masked_fill(terminated, 0.0)


@checked
def critic_loss(
    q: Float[Tensor, "critic batch"], target: Float[Tensor, " batch"]
) -> Float[Tensor, ""]:
    """Return 1/2 (Q - y)^2, averaged over the batch, added over critics   (equation 5)."""
    return 0.5 * (q - target).square().mean(dim=-1).sum()


@checked
def actor_loss(
    q: Float[Tensor, "critic batch"],
    log_prob: Float[Tensor, " batch"],
    temperature: Float[Tensor, ""] | float,
) -> Float[Tensor, ""]:
    """Return alpha log pi(a | s) - min_i Q_i(s, a), averaged over the batch   (equation 7)."""
    return -soft_value(q, log_prob, temperature).mean()


@checked
def temperature_loss(
    log_temperature: Float[Tensor, ""],
    log_prob: Float[Tensor, " batch"],
    target_entropy: float,
) -> Float[Tensor, ""]:
    """Return -alpha (log pi + target entropy), averaged over the batch   (equation 18).

    Too little entropy raises the temperature. alpha is learned by its logarithm: it stays positive.
    The code of MBPO's authors has log alpha in place of the alpha in front. Its slope along log
    alpha is ours divided by alpha: of the same sign, and zero at the same entropy.
    """
    return -(log_temperature.exp() * (log_prob + target_entropy)).mean()

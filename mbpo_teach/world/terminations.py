"""When an episode is over: each simulator's own rule, for a batch of observations at once.

A model predicts the next observation, not whether the robot has fallen. Imagined episodes must end
where real ones end, so MBPO uses the true rule (Janner et al. 2019, appendix C). Limits are open or
closed exactly as in Gymnasium's v5 environments. Taught in chapters 2 and 5.

What an observation cannot tell
-------------------------------
- Hopper also ends when a velocity reaches 100, but shows velocities clipped at 10.
- float32 rounds: a state within 1e-7 of a limit may fall on the other side of it.
"""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from mbpo_teach.ground.checked import checked

Termination = Callable[[Tensor], Tensor]
"""Next observations (batch, obs) in, bool (batch,) out: which of them end their episode."""


def never(next_obs: Float[Tensor, "batch obs"]) -> Bool[Tensor, " batch"]:
    """Return False for every row (Pendulum, HalfCheetah): only a time limit ends an episode."""
    return torch.zeros(len(next_obs), dtype=torch.bool, device=next_obs.device)


def inverted_pendulum(next_obs: Float[Tensor, "batch obs"]) -> Bool[Tensor, " batch"]:
    """Return where the pole leans by more than 0.2 rad, or a number is not finite."""
    upright = next_obs[:, 1].abs() <= 0.2
    return ~(upright & torch.isfinite(next_obs).all(dim=1))


def hopper(next_obs: Float[Tensor, "batch obs"]) -> Bool[Tensor, " batch"]:
    """Return where the torso is at 0.7 m or lower, leans by 0.2 rad, or a number reaches 100."""
    height, angle = next_obs[:, 0], next_obs[:, 1]
    # The bracket matters: (x < 100).abs() lets -1000 pass. The height has no such limit.
    bounded = (next_obs[:, 1:].abs() < 100).all(dim=1)
    return ~(bounded & (height > 0.7) & (height < torch.inf) & (angle.abs() < 0.2))


def walker2d(next_obs: Float[Tensor, "batch obs"]) -> Bool[Tensor, " batch"]:
    """Return where the torso is not between 0.8 and 2 m, or leans by 1 rad or more."""
    height, angle = next_obs[:, 0], next_obs[:, 1]
    return ~((height > 0.8) & (height < 2.0) & (angle.abs() < 1.0))


def ant(next_obs: Float[Tensor, "batch obs"]) -> Bool[Tensor, " batch"]:
    """Return where the torso is below 0.2 m or above 1 m, or a number is not finite."""
    height = next_obs[:, 0]
    return ~((height >= 0.2) & (height <= 1.0) & torch.isfinite(next_obs).all(dim=1))


_TERMINATIONS: dict[str, Termination] = {
    "Pendulum-v1": never,
    "InvertedPendulum-v5": inverted_pendulum,
    "Hopper-v5": hopper,
    "HalfCheetah-v5": never,
    "Walker2d-v5": walker2d,
    "Ant-v5": ant,
}


def register(name: str, termination: Termination) -> None:
    """Say when an episode of the Gymnasium environment `name` is over, so that it can be used.

    `termination` takes next observations (batch, obs) and returns bool (batch,); an answer of
    another kind is refused when it is given. A second call with the same name replaces the first,
    so that a notebook's cell can be run again.

    Raises
    ------
    ValueError
        If `termination` is not a function.
    """
    if not isinstance(name, str):
        raise ValueError(f"name must be that of an environment of Gymnasium, not {name!r}")
    if not callable(termination):
        raise ValueError(f"termination must be a function of observations, not {termination!r}")

    def answered(next_obs: Tensor) -> Tensor:
        ended = termination(next_obs)
        # The numbers 0 and 1 would be taken for row numbers wherever rows are chosen by them.
        if not isinstance(ended, Tensor) or ended.dtype != torch.bool:
            kind = ended.dtype if isinstance(ended, Tensor) else type(ended).__name__
            raise ValueError(f"termination of {name} must return a tensor of bool, not {kind}")
        if tuple(ended.shape) != (len(next_obs),):
            raise ValueError(
                f"termination of {name} must return shape ({len(next_obs)},), one answer for each"
                f" row, not {tuple(ended.shape)}"
            )
        return ended

    _TERMINATIONS[name] = answered


@checked
def termination_of(name: str) -> Termination:
    """Return the termination function of the environment `name`.

    Raises
    ------
    ValueError
        If none is known.
    """
    if name not in _TERMINATIONS:
        raise ValueError(
            f"no termination function is known for {name!r}, only for {', '.join(_TERMINATIONS)};"
            " give one with terminations.register(name, termination), where termination takes"
            " next observations (batch, obs) and returns bool (batch,)"
        )
    return _TERMINATIONS[name]

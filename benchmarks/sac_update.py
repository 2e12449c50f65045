"""One SAC update: ours, uncompiled and compiled, stable-baselines3's, and the bare products.

    OMP_NUM_THREADS=1 python benchmarks/sac_update.py

Each draws its batches from a full buffer, ours ten at a time, as its training does at G = 10. It
makes one gradient step on critics, policy and temperature and one step of the targets. Targets at
2 x 128, batch 128: 1.6 times as fast as stable-baselines3, compiled 4 times, and within 1.7 of the
bare products; at 2 x 256, batch 256: 1.2, 2 and 1.35.
"""

from collections.abc import Callable
from itertools import pairwise

import torch
from side_by_side import machine, medians

from mbpo_teach.ground.seeding import torch_generator
from mbpo_teach.learner.sac import SACConfig, initial_state, make_update, network_sizes
from mbpo_teach.world.replay import ReplayBuffer
from mbpo_teach.world.transitions import Transition

OBS, ACT, ROWS = 11, 3, 10_000
SIZES = ((128, 128), (256, 256))
UPDATES, TOGETHER, REPEATS = 50, 10, 9
NO_PEER = (
    "stable-baselines3 is not installed; get it with `pip install --no-deps --target build/peers"
    " -r benchmarks/requirements.txt` and run this again with PYTHONPATH=build/peers."
)

Work = Callable[[], object]


def random_rows() -> Transition:
    draw = torch_generator(0, "sac_update")
    obs, act, reward, next_obs, ends = (
        torch.randn(ROWS, *shape, generator=draw) for shape in ((OBS,), (ACT,), (), (OBS,), ())
    )
    return Transition(obs, act.tanh(), reward, next_obs, ends > 2)


def ours(width: int, batch: int, *, compile: bool) -> Work:
    config = SACConfig(hidden=(width, width), batch_size=batch, compile=compile)
    real = ReplayBuffer(ROWS, obs_size=OBS, act_size=ACT)
    real.add(random_rows())
    learner = initial_state(OBS, ACT, config, generator=torch_generator(0))
    update, replay, noise = make_update(config), torch_generator(1), torch_generator(2)

    def work() -> None:
        nonlocal learner
        for _ in range(UPDATES // TOGETHER):
            drawn = real.sample_batches(TOGETHER, batch, generator=replay)
            draws = torch.randn(TOGETHER, 2, batch, ACT, generator=noise)
            for rows, draw in zip(drawn, draws, strict=True):
                learner, _ = update(learner, rows, draw)

    return work


def theirs(width: int, batch: int) -> Work:
    import gymnasium as gym
    import numpy as np
    from gymnasium.spaces import Box
    from stable_baselines3 import SAC
    from stable_baselines3.common.logger import Logger

    class Shape(gym.Env):
        """No world at all: the sizes that the learner asks for."""

        observation_space = Box(-np.inf, np.inf, (OBS,), np.float32)
        action_space = Box(-1, 1, (ACT,), np.float32)

    learner = SAC(
        "MlpPolicy", Shape(), buffer_size=ROWS, batch_size=batch, device="cpu", seed=0,
        policy_kwargs={"net_arch": [width, width]},
    )  # fmt: skip
    learner.set_logger(Logger(folder=None, output_formats=[]))
    columns = [column.numpy() for column in random_rows()]
    for obs, act, reward, next_obs, terminated in zip(*columns, strict=True):
        learner.replay_buffer.add(
            obs[None], next_obs[None], act[None], reward[None], terminated[None], [{}]
        )
    return lambda: learner.train(gradient_steps=UPDATES, batch_size=batch)


def bare_products(width: int, batch: int) -> Work:
    """Return the matrix products of an update alone.

    Forward: the policy at the next states and at its own, the targets, the critics twice. Backward:
    weights and inputs of critics and policy, and through the critics to the policy's action.
    """
    config = SACConfig(hidden=(width, width))
    policy, critic = network_sizes(OBS, ACT, config)

    def layers(sizes: tuple[int, ...], members: int) -> list[tuple[torch.Tensor, ...]]:
        return [
            (
                torch.randn(members, inputs, batch),
                torch.randn(members, outputs, inputs),
                torch.randn(members, outputs, batch),
            )
            for inputs, outputs in pairwise(sizes)
        ]

    actor, critics = layers(policy, 1), layers(critic, 2)

    def work() -> None:
        for _ in range(UPDATES):
            for net, forward, weights, to_inputs in (
                (actor, 2, True, False),
                (critics, 3, True, False),
                (critics, 0, False, True),
            ):
                for depth, (inputs, weight, gradient) in enumerate(net):
                    for _ in range(forward):
                        torch.bmm(weight, inputs)
                    if weights:
                        torch.bmm(gradient, inputs.mT)
                    if depth > 0 or to_inputs:
                        torch.bmm(weight.mT, gradient)

    return work


def main() -> None:
    print(f"{machine()}, median of {REPEATS}")
    for width, batch in SIZES:
        works = {
            "ours": ours(width, batch, compile=False),
            "ours, compiled": ours(width, batch, compile=True),
            "bare products": bare_products(width, batch),
        }
        try:
            import stable_baselines3  # noqa: F401
        except ImportError:
            print(NO_PEER)
        else:
            works["stable-baselines3"] = theirs(width, batch)
        seconds = medians(works, repeats=REPEATS)
        print(f"2 x {width}, batch {batch}")
        for name, taken in seconds.items():
            peer = seconds.get("stable-baselines3", float("nan"))
            print(
                f"  {name:18} {1e3 * taken / UPDATES:6.2f} ms,"
                f" {peer / taken:5.2f} times as fast as stable-baselines3,"
                f" {taken / seconds['bare products']:5.2f} of the bare products"
            )


if __name__ == "__main__":
    main()

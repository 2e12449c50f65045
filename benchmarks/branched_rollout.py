"""A whole branched rollout as MBPO makes it: ours, mbrl-lib's, and the same products bare.

    python benchmarks/branched_rollout.py

100,000 starts, 5 steps each, in Hopper's dimensions (11 observations, 3 actions); 5 elites of 7
members of 4 x 200, a random one for each row and step. Both ask a policy at every step, test for
terminations (none end here, so that both do the same work) and store what was imagined. Target: 1.5
times as many transitions per second as mbrl-lib. Beside it the peak memory that our rollout adds,
against the size of what it returns.
"""

import resource
import sys
from types import SimpleNamespace

import numpy as np
import torch
from ensemble_at_size import (
    ACT,
    ELITES,
    HIDDEN,
    MEMBERS,
    NO_MBRL,
    OBS,
    bare_layers,
    mbrl_imagining,
)
from side_by_side import machine, medians, print_rates

from mbpo_teach.ground.seeding import torch_generator
from mbpo_teach.model import rollout
from mbpo_teach.model.dynamics import Ensemble, sample_step
from mbpo_teach.world import terminations

STARTS, LENGTH = 100_000, 5
TRANSITIONS = STARTS * LENGTH
BLOCK = 512  # rows per elite in a bare product: their activations stay in the cache
REPEATS = 5


def policy(obs: torch.Tensor) -> torch.Tensor:
    return torch.tanh(obs[:, :ACT])


def ours(starts: torch.Tensor):
    generator = torch_generator(0)
    model = Ensemble(OBS, ACT, members=MEMBERS, hidden=HIDDEN, generator=generator)

    def step(obs: torch.Tensor, act: torch.Tensor):
        return sample_step(model, obs, act, elites=ELITES, generator=generator)

    def work(rows: int = STARTS) -> rollout.Branches:
        return rollout.branched_rollout(
            step, policy, terminations.never, starts[:rows], length=LENGTH
        )

    return work


def peer(starts: torch.Tensor):
    """Return mbrl-lib's rollout, written as its MBPO does (mbrl/algorithms/mbpo.py)."""
    import gymnasium
    from mbrl.env.termination_fns import no_termination
    from mbrl.models import ModelEnv
    from mbrl.util.replay_buffer import ReplayBuffer

    box = gymnasium.spaces.Box
    spaces = SimpleNamespace(
        observation_space=box(-np.inf, np.inf, (OBS,)), action_space=box(-1, 1, (ACT,))
    )
    env = ModelEnv(spaces, mbrl_imagining(), no_termination, None, generator=torch_generator(1))
    buffer = ReplayBuffer(TRANSITIONS, (OBS,), (ACT,))

    @torch.no_grad()
    def work() -> None:
        obs = starts.numpy()
        state = env.reset(obs, return_as_np=True)
        ended = np.zeros(STARTS, bool)
        for _ in range(LENGTH):
            act = policy(torch.from_numpy(obs)).numpy()
            next_obs, reward, done, state = env.step(act, state, sample=True)
            going = ~ended
            columns = (obs, act, next_obs, reward[:, 0], done[:, 0], np.zeros(STARTS, bool))
            buffer.add_batch(*(column[going] for column in columns))
            obs, ended = next_obs, ended | done[:, 0]

    return work


def bare_products():
    layers = bare_layers(len(ELITES), BLOCK)

    def work() -> None:
        for _ in range(round(TRANSITIONS / len(ELITES) / BLOCK)):
            for inputs, weight in layers:
                torch.bmm(weight, inputs)

    return work


def peak() -> float:
    """Return the most memory this process ever held, in MB."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def added_memory(work) -> tuple[float, float]:
    """Return the peak that a rollout adds and the size of what it returns, in MB."""
    work(1_000)  # what libraries load at their first use is not the rollout's
    before = peak()
    branches = work()
    columns = (*branches.transitions, branches.step)
    return peak() - before, sum(c.numel() * c.element_size() for c in columns) / 1e6


def main() -> None:
    starts = torch.randn(STARTS, OBS, generator=torch_generator(0, "starts"))
    rolled = ours(starts)
    added, returned = added_memory(rolled)
    print(f"peak memory added {added:.0f} MB, returned {returned:.0f} MB: {added / returned:.1f}x")
    works = {"ours": rolled, "bare products": bare_products()}
    try:
        works["mbrl-lib"] = peer(starts)
    except ImportError:
        print(NO_MBRL)
    seconds = medians(works, repeats=REPEATS)
    print(f"{STARTS:,} starts x {LENGTH} steps, {machine()}, median of {REPEATS}")
    print_rates(seconds, TRANSITIONS)


if __name__ == "__main__":
    main()

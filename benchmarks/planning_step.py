"""One planning step of PETS: ours, mbrl-lib's, and the same multiply-adds as bare products.

    python benchmarks/planning_step.py [REPEATS]

500 candidates times a horizon of 30, 20 particles, 5 iterations, TS1 through 5 members of 3 x 200,
the reward learned, in Hopper's dimensions; no state ends its episode. Target: at least twice as
fast as mbrl-lib's CEM over its `ModelEnv.evaluate_action_sequences`.
"""

import sys
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import torch
from ensemble_at_size import ACT, NO_MBRL, OBS
from side_by_side import machine, medians

from mbpo_teach.ground.seeding import torch_generator
from mbpo_teach.model.dynamics import Ensemble
from mbpo_teach.planner.cem import CEMConfig
from mbpo_teach.planner.pets import no_plan, plan, plan_values, trajectory_sampling
from mbpo_teach.world.terminations import never

MEMBERS, HIDDEN, HORIZON, PARTICLES = 5, (200, 200, 200), 30, 20
# No search ends before its time: both do all iterations.
SEARCH = CEMConfig(candidates=500, elites=50, iterations=5, momentum=0.1, least_variance=0.0)


def ours(start: torch.Tensor):
    """Return our planning step from the state `start` (obs,)."""
    generator = torch_generator(0)
    model = Ensemble(OBS, ACT, members=MEMBERS, hidden=HIDDEN, generator=generator)

    def step() -> None:
        move = trajectory_sampling(
            model, members=range(MEMBERS), propagation="ts1", generator=generator
        )
        plan(
            lambda plans: plan_values(move, never, start[None], plans, particles=PARTICLES),
            no_plan(1, horizon=HORIZON, act_size=ACT),
            SEARCH,
            generator=generator,
        )

    return step


def peer(start: torch.Tensor):
    """Return mbrl-lib's, with the settings of its PETS: TS1 is its propagation "random_model"."""
    from mbrl.models import GaussianMLP, ModelEnv, OneDTransitionRewardModel
    from mbrl.planning import CEMOptimizer

    network = GaussianMLP(
        OBS + ACT,
        OBS + 1,
        "cpu",
        num_layers=len(HIDDEN),
        ensemble_size=MEMBERS,
        hid_size=HIDDEN[0],
        activation_fn_cfg={"_target_": "torch.nn.SiLU"},
        propagation_method="random_model",
    )
    model = OneDTransitionRewardModel(network, normalize=True)
    spaces = SimpleNamespace(observation_space=None, action_space=None)
    world = ModelEnv(
        spaces,
        model,
        lambda act, obs: torch.zeros(len(obs), 1, dtype=torch.bool),
        generator=torch_generator(1),
    )
    search = CEMOptimizer(
        num_iterations=SEARCH.iterations,
        elite_ratio=SEARCH.elites / SEARCH.candidates,
        population_size=SEARCH.candidates,
        lower_bound=[[-1.0] * ACT] * HORIZON,
        upper_bound=[[1.0] * ACT] * HORIZON,
        alpha=SEARCH.momentum,
        device=torch.device("cpu"),
        return_mean_elites=True,
    )
    state = np.asarray(start)

    def step() -> None:
        search.optimize(
            lambda plans: world.evaluate_action_sequences(plans, state, PARTICLES),
            torch.zeros(HORIZON, ACT),
        )

    return step


def bare_products():
    """Return all the products of a planning step with the networks' weights, and nothing else."""
    rows = SEARCH.candidates * PARTICLES // MEMBERS
    sizes = (OBS + ACT, *HIDDEN, 2 * (OBS + 1))
    layers = [
        (torch.randn(MEMBERS, outputs, inputs), torch.randn(MEMBERS, inputs, rows))
        for inputs, outputs in pairwise(sizes)
    ]

    def step() -> None:
        for _ in range(HORIZON * SEARCH.iterations):
            for weight, inputs in layers:
                torch.bmm(weight, inputs)

    return step


def main(repeats: int = 3) -> None:
    start = torch.randn(OBS, generator=torch_generator(2))
    works = {"ours": ours(start), "bare products": bare_products()}
    try:
        works["mbrl-lib"] = peer(start)
    except ImportError:
        print(NO_MBRL)
    seconds = medians(works, repeats=repeats)
    print(
        f"{SEARCH.candidates} candidates x {HORIZON} steps x {PARTICLES} particles x"
        f" {SEARCH.iterations} iterations, {machine()}, median of {repeats}"
    )
    for name, taken in seconds.items():
        print(f"{name:14} {taken:7.2f} s, {taken / seconds['ours']:.2f} times ours")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))

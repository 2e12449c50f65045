"""One imagined step of 20,000 rows: ours, mbrl-lib's, and the same multiply-adds as bare products.

    python benchmarks/model_rollout.py

5 elites of 7 members of 4 x 200, state dimension 11, action dimension 3; a random elite for each
row in both. Target: 1.5 times as many transitions per second as mbrl-lib.
"""

from itertools import pairwise

import torch
from side_by_side import NO_MBRL, machine, medians

from mbpo_teach.dynamics import Ensemble, sample_step
from mbpo_teach.seeding import torch_generator

MEMBERS, ELITES, HIDDEN, OBS, ACT = 7, (5, 0, 3, 1, 6), (200, 200, 200, 200), 11, 3
ROWS = 20_000
REPEATS = 15


def peer(obs: torch.Tensor, act: torch.Tensor):
    """Return mbrl-lib's imagined step with the propagation that its MBPO uses."""
    from mbrl.models import GaussianMLP, OneDTransitionRewardModel

    network = GaussianMLP(
        OBS + ACT,
        OBS + 1,
        "cpu",
        num_layers=len(HIDDEN),
        ensemble_size=MEMBERS,
        hid_size=HIDDEN[0],
        propagation_method="random_model",
        activation_fn_cfg={"_target_": "torch.nn.SiLU"},
    )
    model = OneDTransitionRewardModel(network, normalize=True, num_elites=len(ELITES))
    model.set_elite(ELITES)
    generator = torch_generator(1)

    @torch.no_grad()
    def step() -> None:
        model.sample(act, model.reset(obs, rng=generator), rng=generator)

    return step


def bare_products():
    sizes = (OBS + ACT, *HIDDEN, 2 * (OBS + 1))
    share = ROWS // len(ELITES)
    layers = [
        (torch.randn(len(ELITES), inputs, share), torch.randn(len(ELITES), outputs, inputs))
        for inputs, outputs in pairwise(sizes)
    ]

    def step() -> None:
        for inputs, weight in layers:
            torch.bmm(weight, inputs)

    return step


def main() -> None:
    generator = torch_generator(0)
    obs = torch.randn(ROWS, OBS, generator=generator)
    act = torch.rand(ROWS, ACT, generator=generator)
    model = Ensemble(OBS, ACT, members=MEMBERS, hidden=HIDDEN, generator=generator)
    works = {
        "ours": lambda: sample_step(model, obs, act, elites=ELITES, generator=generator),
        "bare products": bare_products(),
    }
    try:
        works["mbrl-lib"] = peer(obs, act)
    except ImportError:
        print(NO_MBRL)
    seconds = medians(works, repeats=REPEATS)
    print(f"{ROWS:,} rows, {machine()}, median of {REPEATS}")
    for name, taken in seconds.items():
        rate, ratio = ROWS / taken, seconds["ours"] / taken
        print(f"{name:14} {rate:9,.0f} transitions/s, {ratio:.2f} of ours")


if __name__ == "__main__":
    main()

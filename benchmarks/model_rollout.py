"""One imagined step of 20,000 rows: ours, mbrl-lib's, and the same multiply-adds as bare products.

    python benchmarks/model_rollout.py

5 elites of 7 members of 4 x 200, state dimension 11, action dimension 3; a random elite for each
row in both. Target: 1.5 times as many transitions per second as mbrl-lib.
"""

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
from mbpo_teach.model.dynamics import Ensemble, sample_step

ROWS = 20_000
REPEATS = 15


def peer(obs: torch.Tensor, act: torch.Tensor):
    """Return mbrl-lib's imagined step with the propagation that its MBPO uses."""
    model, generator = mbrl_imagining(), torch_generator(1)

    @torch.no_grad()
    def step() -> None:
        model.sample(act, model.reset(obs, rng=generator), rng=generator)

    return step


def bare_products():
    layers = bare_layers(len(ELITES), ROWS // len(ELITES))

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
    print_rates(seconds, ROWS)


if __name__ == "__main__":
    main()

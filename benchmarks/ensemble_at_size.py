"""The ensemble that three benchmarks time, in the authors' size: its bare layers, and mbrl-lib's.

7 members of 4 x 200 with 5 elites, in Hopper's dimensions.
"""

from itertools import pairwise

import torch

MEMBERS, ELITES, HIDDEN, OBS, ACT = 7, (5, 0, 3, 1, 6), (200, 200, 200, 200), 11, 3
NO_MBRL = (
    "mbrl-lib is not installed; get it with `pip install --no-deps --target build/peers"
    " -r benchmarks/requirements.txt` and run this again with PYTHONPATH=build/peers."
)


def bare_layers(members: int, rows: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Return inputs and weights of every layer, for members that get so many rows each."""
    sizes = (OBS + ACT, *HIDDEN, 2 * (OBS + 1))
    return [
        (torch.randn(members, inputs, rows), torch.randn(members, outputs, inputs))
        for inputs, outputs in pairwise(sizes)
    ]


def mbrl_model(**options: object):
    """Return mbrl-lib's model with fresh weights; `options` are more of its network's."""
    from mbrl.models import GaussianMLP, OneDTransitionRewardModel

    network = GaussianMLP(
        OBS + ACT,
        OBS + 1,
        "cpu",
        num_layers=len(HIDDEN),
        ensemble_size=MEMBERS,
        hid_size=HIDDEN[0],
        activation_fn_cfg={"_target_": "torch.nn.SiLU"},
        **options,
    )
    return OneDTransitionRewardModel(network, normalize=True, num_elites=len(ELITES))


def mbrl_imagining():
    """Return it as mbrl-lib's MBPO imagines with it: a random elite for each row."""
    model = mbrl_model(propagation_method="random_model")
    model.set_elite(ELITES)
    return model

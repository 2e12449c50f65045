"""Several networks of one shape, evaluated side by side by one batched matrix product.

Each layer holds the weights of all members in one tensor; a product with the members' inputs is a
single call, several times faster than a loop over networks. With one member it is a plain
multi-layer perceptron. Taught in chapter 2 (ensemble); chapter 6 uses it for twin critics.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

Activation = Callable[[Tensor], Tensor]


class MemberLinear(nn.Module):
    """One linear layer for every member: weight (member, in, out), bias (member, 1, out).

    Weights start from a normal with deviation 1 / (2 sqrt(in)), cut at two deviations, biases
    from zero, as in the authors' models. They live on the generator's device.
    """

    def __init__(
        self, members: int, inputs: int, outputs: int, *, generator: torch.Generator
    ) -> None:
        super().__init__()
        device = generator.device
        weight = torch.empty(members, inputs, outputs, device=device)
        deviation = 1 / (2 * inputs**0.5)
        nn.init.trunc_normal_(
            weight, std=deviation, a=-2 * deviation, b=2 * deviation, generator=generator
        )
        self.weight = nn.Parameter(weight)
        self.bias = nn.Parameter(torch.zeros(members, 1, outputs, device=device))

    def forward(
        self,
        inputs: Float[Tensor, "member batch in"],
        *,
        members: Sequence[int] | None = None,
    ) -> Float[Tensor, "member batch out"]:
        """Return inputs @ weight + bias for all members, or for those in `members` only."""
        if members is None:
            return torch.baddbmm(self.bias, inputs, self.weight)
        chosen = list(members)
        return torch.baddbmm(self.bias[chosen], inputs, self.weight[chosen])


class MemberMLP(nn.Module):
    """A multi-layer perceptron for every member, linear at the end."""

    def __init__(
        self,
        members: int,
        sizes: Sequence[int],
        *,
        activation: Activation = nn.functional.silu,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.activation = activation
        self.layers = nn.ModuleList(
            MemberLinear(members, inputs, outputs, generator=generator)
            for inputs, outputs in pairwise(sizes)
        )

    def forward(
        self,
        inputs: Float[Tensor, "member batch in"],
        *,
        members: Sequence[int] | None = None,
    ) -> Float[Tensor, "member batch out"]:
        """Return the outputs of all members, or of those in `members` only, in that order."""
        hidden = inputs
        for depth, layer in enumerate(self.layers):
            hidden = layer(hidden, members=members)
            if depth + 1 < len(self.layers):
                hidden = self.activation(hidden)
        return hidden

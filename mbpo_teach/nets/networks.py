"""Several networks of one shape, evaluated side by side by one batched matrix product.

Each layer holds the weights of all members in one tensor; a product with the members' inputs is a
single call, several times faster than a loop over networks. With one member it is a plain
multi-layer perceptron. Taught in chapter 2 (ensemble); chapter 6 uses it for twin critics.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mbpo_teach.ground.checked import Allowed, checked
from mbpo_teach.ground.checks import whole

_SIZE = Allowed(least=1, most=10**6)

Activation = Callable[[Tensor], Tensor]

_STABLE = 1e-5  # an example whose features are all alike must not be divided by zero

Layer = tuple[Tensor, Tensor]
"""Weight (member, out, in) and bias (member, out, 1)."""


def mlp(
    layers: Sequence[Layer], inputs: Float[Tensor, "member batch in"], activation: Activation
) -> Float[Tensor, "member batch out"]:
    """Return the outputs of multi-layer perceptrons, one for each member, linear at the end.

    `activation` may write into what it is given, which is a layer's fresh output.

    Inside, a feature is a row and an example a column. Matrix libraries are several times slower
    where a result has few columns than where it has few rows, and a network ends in few outputs.
    """
    hidden = inputs.mT
    for depth, (weight, bias) in enumerate(layers):
        hidden = torch.bmm(weight, hidden).add_(bias)
        if depth + 1 < len(layers):
            hidden = activation(hidden)
    return hidden.mT.contiguous()


def silu(values: Tensor) -> Tensor:
    """Return x times its sigmoid; where gradients are off it is written over `values`."""
    return nn.functional.silu(values, inplace=not torch.is_grad_enabled())


def normalised(
    hidden: Float[Tensor, "member feature batch"],
) -> Float[Tensor, "member feature batch"]:
    """Return each example with mean 0 and deviation 1 over its features.

    Layer normalisation (Ba et al. 2016, arXiv 1607.06450) without gains and offsets of its own: the
    layer that follows has weights enough. A feature is a row here, as inside :func:`mlp`.
    """
    centred = hidden - hidden.mean(dim=1, keepdim=True)
    return centred * torch.rsqrt(centred.square().mean(dim=1, keepdim=True) + _STABLE)


def unpacked(weights: Float[Tensor, "member weight"], sizes: Sequence[int]) -> list[Layer]:
    """Return views of `weights` as layers, the inverse of :meth:`MemberMLP.packed`.

    With all weights of a network in one tensor, an optimiser's step is one formula (chapter 6).

    Raises
    ------
    ValueError
        If the layers of `sizes` have another number of weights.
    """
    shapes = list(pairwise(sizes))
    counts = [count for i, o in shapes for count in (i * o, o)]
    if weights.shape[1] != sum(counts):
        layers, found = ", ".join(map(str, sizes)), weights.shape[1]
        raise ValueError(
            f"weights must hold {sum(counts)} numbers for layers of {layers}, not {found}"
        )
    parts = weights.split(counts, dim=1)
    return [
        (weight.view(-1, outputs, inputs), bias.unsqueeze(2))
        for weight, bias, (inputs, outputs) in zip(parts[::2], parts[1::2], shapes, strict=True)
    ]


class MemberLinear(nn.Module):
    """One linear layer for every member: weight (member, out, in), bias (member, out, 1).

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
        # Drawn as (in, out), then turned: a seed gives the weights with which all records began.
        self.weight = nn.Parameter(weight.mT.contiguous())
        self.bias = nn.Parameter(torch.zeros(members, outputs, 1, device=device))

    def chosen(self, members: Sequence[int] | None = None) -> Layer:
        """Return weight and bias of all members, or of those in `members` only."""
        if members is None:
            return self.weight, self.bias
        chosen = list(members)
        return self.weight[chosen], self.bias[chosen]


class MemberMLP(nn.Module):
    """A multi-layer perceptron for every member, linear at the end."""

    @checked(members=_SIZE, sizes=_SIZE)
    def __init__(
        self,
        members: int,
        sizes: Sequence[int],
        *,
        activation: Activation = silu,
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
        piece: int | None = None,
    ) -> Float[Tensor, "member batch out"]:
        """Return the outputs of all members, or of those in `members` only, in that order.

        `piece` rows at a time go through all layers, so that hidden layers stay in a core's cache;
        None takes all rows at once.

        Raises
        ------
        ValueError
            If `piece` is below 1.
        """
        layers = self.chosen(members)
        if piece is None:
            return mlp(layers, inputs, self.activation)
        parts = inputs.split(whole("piece", piece, least=1), dim=1)
        return torch.cat([mlp(layers, part, self.activation) for part in parts], dim=1)

    def chosen(self, members: Sequence[int] | None = None) -> list[Layer]:
        """Return the layers of all members, or of those in `members` only, for :func:`mlp`."""
        return [cast(MemberLinear, layer).chosen(members) for layer in self.layers]

    def packed(self) -> Float[Tensor, "member weight"]:
        """Return a copy of all weights and biases, one row for each member."""
        return torch.cat([part.detach().flatten(1) for part in self.parameters()], dim=1)

"""A fit's gradient step as one pure function, which can be compiled into one graph.

The loss, its gradient and Adam's step with weight decay: tensors in, tensors out, as
:mod:`mbpo_teach.learner.sac` has its update. It takes the steps of PyTorch's own Adam, up to
rounding; training spreads what rounding begins, so a compiled fit gives another model, as good as
the uncompiled one's, and not the same bits. Used by the fit of chapter 2 where `compile` is set.
"""

from collections.abc import Callable
from functools import lru_cache, partial
from typing import NamedTuple, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mbpo_teach.model.dynamics import Ensemble
from mbpo_teach.nets.adam import Trained, adam_step, pace_at, untrained
from mbpo_teach.nets.compiled import compiled

Loss = Callable[[Ensemble, Tensor, Tensor], Tensor]
"""Model, inputs (member, batch, in) and targets (member, batch, out) to what is made small."""


class FitState(NamedTuple):
    """Everything that a gradient step changes: parameters with Adam's moments, and a count ()."""

    parameters: dict[str, Trained]
    steps: Tensor


class _LossOf(nn.Module):
    """A loss as a module around its model, so that the parameters can be given from outside."""

    def __init__(self, model: Ensemble, loss: Loss) -> None:
        super().__init__()
        self.model, self.loss = model, loss

    def forward(self, inputs: Tensor, targets: Tensor) -> Tensor:
        return self.loss(self.model, inputs, targets)


def fit_step(
    state: FitState,
    inputs: Float[Tensor, "member batch in"],
    targets: Float[Tensor, "member batch out"],
    *,
    loss: nn.Module,
    decay: dict[str, float],
    learning_rate: float,
) -> FitState:
    """Return the state after one gradient step of Adam; `decay` is each parameter's L2 coefficient.

    `loss` is a module of no state of its own: the parameters of `state` stand in for its.
    """
    weights = {name: trained.weights for name, trained in state.parameters.items()}

    def of_weights(weights: dict[str, Tensor]) -> Tensor:
        return cast(Tensor, torch.func.functional_call(loss, weights, (inputs, targets)))

    slopes = torch.func.grad(of_weights)(weights)
    steps = state.steps + 1
    pace = pace_at(steps, learning_rate)
    after = {
        name: adam_step(trained, slopes[name] + decay[name] * trained.weights, pace)
        for name, trained in state.parameters.items()
    }
    return FitState(after, steps)


def compiled_step(
    model: Ensemble,
    loss: Loss,
    *,
    batch_size: int,
    decay: dict[str, float],
    learning_rate: float,
) -> Callable[[Tensor, Tensor], None]:
    """Return what takes one gradient step on inputs and targets, and leaves it in `model`.

    Adam begins anew. The rest of an epoch is of another size in every fit, and would need a graph
    of its own each time: it is filled up with its own rows.
    """
    step = _graph(model, loss, tuple(decay.items()), learning_rate)
    parameters = {f"model.{name}": parameter for name, parameter in model.named_parameters()}
    state = FitState(
        {name: untrained(parameter.detach()) for name, parameter in parameters.items()},
        torch.zeros((), dtype=torch.int64, device=model.input_mean.device),
    )

    @torch.no_grad()
    def take(inputs: Tensor, targets: Tensor) -> None:
        nonlocal state
        if (rows := inputs.shape[1]) < batch_size:
            again = torch.arange(batch_size, device=inputs.device) % rows
            inputs, targets = inputs[:, again], targets[:, again]
        state = step(state, inputs, targets)
        for name, parameter in parameters.items():
            parameter.data = state.parameters[name].weights

    return take


@lru_cache(maxsize=4)
def _graph(
    model: Ensemble, loss: Loss, decay: tuple[tuple[str, float], ...], learning_rate: float
) -> Callable[..., FitState]:
    """Return :func:`fit_step` of a model, compiled; the graph serves all of its refits."""
    by_name = {f"model.{name}": value for name, value in decay}
    step = partial(fit_step, loss=_LossOf(model, loss), decay=by_name, learning_rate=learning_rate)
    return compiled(step)

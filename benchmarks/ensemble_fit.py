"""Training the ensemble: ours, ours compiled, mbrl-lib's, and the bare matrix products.

    python benchmarks/ensemble_fit.py

7 members of 4 x 200, batch 256, 4000 rows of which 800 are held out, 5 epochs. Both train the
limits of the log-variance and judge the held-out rows after each epoch. Bare products are the same
multiply-adds and nothing else. The graph is made before the clock runs, as it is once for all the
refits of a training. Target: 1.3 times as fast as mbrl-lib, compiled 1.8 times.
"""

from collections.abc import Callable

import numpy as np
import torch
from ensemble_at_size import ACT, HIDDEN, MEMBERS, NO_MBRL, OBS, bare_layers, mbrl_model
from side_by_side import machine, medians

from mbpo_teach.ground.seeding import generator, torch_generator
from mbpo_teach.model.dynamics import Ensemble
from mbpo_teach.model.fit import FitConfig, fit_ensemble
from mbpo_teach.world.transitions import Transition

ROWS, HELD, BATCH, EPOCHS = 4000, 800, 256, 5
STEPS = EPOCHS * -(-(ROWS - HELD) // BATCH)
REPEATS = 9


def random_rows() -> Transition:
    rng = generator(0, "ensemble_fit")
    obs = rng.standard_normal((ROWS, OBS), dtype=np.float32)
    act = rng.uniform(-1, 1, (ROWS, ACT)).astype(np.float32)
    noise = rng.standard_normal((ROWS, OBS), dtype=np.float32)
    next_obs = obs + 0.1 * np.tanh(obs[:, ::-1]) + 0.05 * noise
    columns = (obs, act, obs.sum(axis=1), next_obs)
    return Transition(*map(torch.from_numpy, columns), torch.zeros(ROWS, dtype=torch.bool))


def ours(data: Transition, *, compile: bool) -> Callable[[], None]:
    model = Ensemble(OBS, ACT, members=MEMBERS, hidden=HIDDEN, generator=torch_generator(0))
    config = FitConfig(batch_size=BATCH, patience=EPOCHS, max_steps=STEPS, compile=compile)

    def work() -> None:
        report = fit_ensemble(model, data, config, generator=torch_generator(1))
        assert report.steps == STEPS and len(report.curve) == EPOCHS + 1

    return work


def theirs(data: Transition) -> None:
    from mbrl.models import ModelTrainer
    from mbrl.types import TransitionBatch
    from mbrl.util.replay_buffer import BootstrapIterator, TransitionIterator

    model = mbrl_model(learn_logvar_bounds=True)
    obs, act, reward, next_obs, terminated = (column.numpy() for column in data)
    batch = TransitionBatch(obs, act, next_obs, reward, terminated, terminated)
    held, training = batch[:HELD], batch[HELD:]
    rng = generator(0, "mbrl")
    model.update_normalizer(training)
    trainer = ModelTrainer(model, optim_lr=1e-3, weight_decay=5e-5)
    trainer.train(
        BootstrapIterator(
            training, BATCH, MEMBERS, shuffle_each_epoch=True, permute_indices=False, rng=rng
        ),
        TransitionIterator(held, BATCH),
        num_epochs=EPOCHS,
        silent=True,
    )


def bare_products() -> list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """Return inputs, weights and output gradients of every layer, in one batch's shapes."""
    return [
        (inputs, weight, torch.randn(MEMBERS, weight.shape[1], BATCH))
        for inputs, weight in bare_layers(MEMBERS, BATCH)
    ]


def limit(layers: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]) -> None:
    """Forward and both backward products of every step; judging the held-out rows is left out."""
    for _ in range(STEPS):
        for depth, (inputs, weight, gradient) in enumerate(layers):
            torch.bmm(weight, inputs)
            torch.bmm(gradient, inputs.mT)
            if depth > 0:
                torch.bmm(weight.mT, gradient)


def main() -> None:
    data, layers = random_rows(), bare_products()
    works = {
        "ours": ours(data, compile=False),
        "ours, compiled": ours(data, compile=True),
        "bare products": lambda: limit(layers),
    }
    try:
        import mbrl  # noqa: F401
    except ImportError:
        print(NO_MBRL)
    else:
        works["mbrl-lib"] = lambda: theirs(data)
    seconds = medians(works, repeats=REPEATS)
    print(f"{STEPS} gradient steps, {machine()}, median of {REPEATS}")
    for name, taken in seconds.items():
        peer = seconds.get("mbrl-lib", float("nan"))
        print(
            f"{name:14} {taken:6.2f} s, {peer / taken:.2f} times as fast as mbrl-lib,"
            f" {taken / seconds['bare products']:.2f} of the bare products"
        )


if __name__ == "__main__":
    main()

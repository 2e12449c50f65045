"""The gradient step as a pure function: PyTorch's own Adam, eager and compiled."""

import subprocess
import sys
from dataclasses import asdict, replace
from types import SimpleNamespace

import pytest
import torch

from mbpo_teach.ground.seeding import torch_generator
from mbpo_teach.model import fit, fit_step
from mbpo_teach.model.dynamics import Ensemble
from mbpo_teach.model.fit import FitConfig, fit_ensemble
from mbpo_teach.world.transitions import Transition

CONFIG = FitConfig(batch_size=64, weight_decay=(0.3, 0.1), elites=2, max_steps=40, compile=True)


def ensemble():
    return Ensemble(2, 1, members=3, hidden=(16,), generator=torch_generator(0, "weights"))


def data(count=400):
    obs, act, noise = (
        torch.randn(count, size, generator=torch_generator(0, size)) for size in (2, 1, 3)
    )
    next_obs = 0.9 * obs + 0.5 * act + 0.1 * noise[:, :2]
    return Transition(obs, act, obs.sum(dim=1), next_obs, torch.zeros(count) > 0)


@pytest.fixture
def eager(monkeypatch):
    """No graph is made; how often one would be is counted, and what goes through it."""
    seen = {"made": 0, "rows": []}

    def compiled(function):
        seen["made"] += 1

        def graph(state, inputs, targets):
            seen["rows"].append(inputs.shape[1])
            return function(state, inputs, targets)

        return graph

    monkeypatch.setattr(fit_step, "compiled", compiled)
    fit_step._graph.cache_clear()
    yield seen
    fit_step._graph.cache_clear()


def fitted(model, config, seed=0):
    return fit_ensemble(model, data(), config, generator=torch_generator(seed, "fit"))


def test_its_steps_are_those_of_the_uncompiled_fit(eager):
    """The oracle is torch.optim.Adam with its weight decay, which the other fit uses."""
    ours, theirs = ensemble(), ensemble()
    found, wanted = fitted(ours, CONFIG), fitted(theirs, replace(CONFIG, compile=False))
    assert found.steps == wanted.steps == 40 and found.elites == wanted.elites
    torch.testing.assert_close(found.curve, wanted.curve, rtol=1e-3, atol=1e-4)
    for name, value in theirs.state_dict().items():
        torch.testing.assert_close(ours.state_dict()[name], value, rtol=1e-2, atol=1e-3)


def test_decay_acts_here_as_there(eager):
    """Strong enough that one step without it would be another."""
    weak, strong = ensemble(), ensemble()
    fitted(weak, replace(CONFIG, weight_decay=(0.0, 0.0)))
    fitted(strong, CONFIG)
    first = [model.networks.layers[0].weight.square().sum() for model in (weak, strong)]
    assert first[1] < 0.9 * first[0]


def test_one_graph_serves_all_refits_of_a_model_and_batches_of_all_sizes(eager):
    """320 rows are five batches of 64; of 60 there are five, and one of 20 that is filled up."""
    model = ensemble()
    fitted(model, CONFIG)
    fitted(model, replace(CONFIG, max_steps=10), seed=1)
    assert eager == {"made": 1, "rows": [64] * 50}
    fitted(ensemble(), replace(CONFIG, batch_size=60, max_steps=12))
    assert eager["made"] == 2 and eager["rows"][50:] == [60] * 12


def test_a_batch_is_filled_up_with_rows_of_its_own(eager):
    """Each of 20 rows three times: the mean is that of the 20."""
    ours, theirs = ensemble(), ensemble()
    config = replace(CONFIG, batch_size=60, max_steps=12)
    found, wanted = fitted(ours, config), fitted(theirs, replace(config, compile=False))
    torch.testing.assert_close(found.curve, wanted.curve, rtol=1e-3, atol=1e-4)


def test_it_keeps_what_was_best_and_goes_on_from_there(eager):
    model = ensemble()
    first = fitted(model, CONFIG)
    second = fitted(model, CONFIG)
    assert first.holdout == tuple(first.curve.min(dim=0).values.tolist())
    torch.testing.assert_close(second.curve[0], torch.tensor(first.holdout))


def test_a_choice_is_true_or_false():
    with pytest.raises(ValueError, match=r"^compile must be True or False, not 1$"):
        FitConfig.__post_init__(replace_unchecked(compile=1))


def replace_unchecked(**changes):
    """Return settings as a learner may give them; under pytest beartype would refuse the type."""
    return SimpleNamespace(**asdict(FitConfig()) | changes)


# In a process of its own: the tests check every shape on the way, and that cannot be compiled.
COMPILED = """
from dataclasses import replace
import torch
from mbpo_teach.ground.seeding import torch_generator
from mbpo_teach.model.dynamics import Ensemble
from mbpo_teach.model.fit import FitConfig, fit_ensemble
from mbpo_teach.world.transitions import Transition
draw = torch_generator(1)
obs, act, noise = (torch.randn(200, size, generator=draw) for size in (2, 1, 2))
rows = Transition(obs, act, obs.sum(dim=1), obs + act + 0.1 * noise, torch.zeros(200) > 0)
config = FitConfig(batch_size=30, weight_decay=(0.1, 0.1), elites=1, max_steps=20)
curves = []
for compile in (False, True):
    model = Ensemble(2, 1, members=2, hidden=(8,), generator=torch_generator(0))
    for fit in range(2):
        now = replace(config, max_steps=10 + 10 * fit, compile=compile)
        report = fit_ensemble(model, rows, now, generator=torch_generator(fit, "fit"))
        curves.append(report.curve)
torch.testing.assert_close(curves[:2], curves[2:], rtol=1e-3, atol=1e-4)
print("graphs:", torch._dynamo.utils.counters["stats"]["unique_graphs"])
"""


def test_a_compiled_fit_is_one_graph_and_gives_what_the_other_gives():
    result = subprocess.run([sys.executable, "-c", COMPILED], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert "does not work" not in result.stderr
    assert result.stdout == "graphs: 1\n"


def test_the_loss_is_the_one_that_chapter_2_prints():
    """The same function, so that the two fits cannot drift apart."""
    model, rows = ensemble(), data(60)
    inputs = model.scaled_inputs(rows.obs, rows.act).expand(3, -1, -1)
    targets = model.scaled_targets(rows).expand(3, -1, -1)
    loss = fit_step._LossOf(model, fit._loss_with(0.01))
    assert loss(inputs, targets).equal(fit.fit_loss(model, inputs, targets, 0.01))
    assert fit._loss_with(0.01) is fit._loss_with(0.01)

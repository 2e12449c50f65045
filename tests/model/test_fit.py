"""Training: who trains on what, when it stops, what is kept, and what a fit achieves.

The networks are small (2 or 3 members, hidden layers of 16 to 64) so that a busy core does in
seconds what the recipe's 7 x (4 x 200) would take minutes for.
"""

from dataclasses import asdict, replace
from types import SimpleNamespace

import pytest
import torch

from mbpo_teach.ground.seeding import torch_generator
from mbpo_teach.model import errors, fit, variation
from mbpo_teach.model.dynamics import Ensemble, predict, sample_step
from mbpo_teach.model.fit import FitConfig, fit_ensemble
from mbpo_teach.nets.gaussian import mixture_moments
from mbpo_teach.world.transitions import Transition

SMALL = FitConfig(batch_size=64, weight_decay=(1e-5, 1e-5), elites=2, max_steps=200)


def normal(*shape, seed=0):
    return torch.randn(shape, generator=torch_generator(seed, "test"))


def ensemble(obs=2, act=1, members=3, hidden=(16,)):
    return Ensemble(
        obs, act, members=members, hidden=hidden, generator=torch_generator(0, "weights")
    )


def batch(count=400, obs=2, act=1, *, noise=0.1, seed=0):
    """A noisy linear world: s' = 0.9 s + 0.5 a, r = the sum of s, all with the same noise."""
    before, action = normal(count, obs, seed=seed), normal(count, act, seed=seed + 1)
    change = -0.1 * before + 0.5 * action[:, :1] + noise * normal(count, obs, seed=seed + 2)
    reward = before.sum(dim=1) + noise * normal(count, seed=seed + 3)
    return Transition(before, action, reward, before + change, torch.zeros(count) > 0)


def trained(model, data, config=SMALL, seed=0):
    return fit_ensemble(model, data, config, generator=torch_generator(seed, "fit"))


def state(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def same(model, before):
    return all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.fixture
def watched(monkeypatch):
    """Record which scaled rows train, (member, batch, in) per step, and which judge."""
    seen = {"train": [], "judge": []}
    loss, error = fit.fit_loss, fit.holdout_error

    def watched_loss(model, inputs, targets, limit_weight):
        seen["train"].append(inputs)
        return loss(model, inputs, targets, limit_weight)

    def watched_error(model, inputs, targets):
        seen["judge"].append(inputs)
        return error(model, inputs, targets)

    monkeypatch.setattr(fit, "fit_loss", watched_loss)
    monkeypatch.setattr(fit, "holdout_error", watched_error)
    return seen


@pytest.fixture
def scripted(monkeypatch):
    """Replace training: epoch e writes e into every weight, and errors follow a script."""

    def script(errors, steps=4):
        epochs = iter(range(1, 10**6))
        answers = iter([torch.tensor(row, dtype=torch.float32) for row in errors])

        def epoch(model, *_, most, **__):
            number = next(epochs)
            for parameter in model.parameters():
                parameter.data.fill_(float(number))
            return min(steps, most)

        monkeypatch.setattr(fit, "_epoch", epoch)
        monkeypatch.setattr(fit, "holdout_error", lambda *_: next(answers).clone())

    return script


# Who trains on what


def row_numbers(model, inputs):
    """Undo the scales: the first observation of `numbered` is the row's number."""
    return (inputs[..., 0] * model.input_scale[0] + model.input_mean[0]).round().long()


def numbered(count):
    data = batch(count)
    data.obs[:, 0] = torch.arange(count)
    return data


def test_every_member_trains_on_its_own_sample_with_replacement(watched):
    model = ensemble()
    trained(model, numbered(500), replace(SMALL, max_steps=14))
    rows = row_numbers(model, torch.cat(watched["train"], dim=1))
    first, second = rows[:, :400], rows[:, 400:]
    # Each epoch is the same sample in another order.
    assert torch.equal(first.sort(dim=1).values, second.sort(dim=1).values)
    assert not torch.equal(first, second)
    for member in range(3):
        # A sample with replacement holds 1 - 1/e of the rows.
        assert len(first[member].unique()) / 400 == pytest.approx(0.632, abs=0.06)
    assert not torch.equal(first[0].unique(), first[1].unique())


def test_held_out_rows_judge_and_never_train(watched):
    model, data = ensemble(), numbered(500)
    trained(model, data, replace(SMALL, max_steps=70))
    judging = row_numbers(model, torch.cat(watched["judge"]))
    training = row_numbers(model, torch.cat(watched["train"], dim=1))
    assert len(judging.unique()) == 100
    assert not set(judging.tolist()) & set(training.flatten().tolist())


@pytest.mark.parametrize(("count", "cap", "held"), [(500, 30, 30), (500, 5000, 100), (6, 9, 1)])
def test_a_fifth_is_held_out_up_to_a_cap(watched, count, cap, held):
    trained(ensemble(), batch(count), replace(SMALL, holdout_cap=cap, max_steps=1))
    assert len(watched["judge"][0]) == held


def test_the_default_cap_is_the_authors(watched):
    trained(ensemble(), batch(30_000), replace(SMALL, max_steps=1))
    assert len(watched["judge"][0]) == FitConfig().holdout_cap == 5000


def test_scales_come_from_the_training_rows_alone(watched):
    model, data = ensemble(), numbered(500)
    trained(model, data, replace(SMALL, max_steps=1))
    training = torch.ones(500, dtype=torch.bool)
    training[row_numbers(model, watched["judge"][0])] = False
    inputs = torch.cat([data.obs, data.act], dim=1)
    torch.testing.assert_close(model.input_mean, inputs[training].mean(dim=0))
    assert not torch.allclose(model.input_mean, inputs.mean(dim=0))


# What is kept


def test_each_member_keeps_the_weights_of_its_own_best_epoch(scripted):
    """Peers' mistakes: a "best" that keeps nothing, or the wrong members, or all of one epoch."""
    scripted([[5.0, 5, 5], [1, 4, 6], [3, 4, 6], [3, 2, 6], [9, 9, 9], [9, 9, 9], [9, 9, 9]])
    model = ensemble()
    initial = state(model)
    config = replace(SMALL, patience=3, patience_steps=0)
    report = trained(model, batch(), config)
    for name, parameter in model.networks.named_parameters():
        assert (parameter[0] == 1).all(), "best after epoch 1"
        assert (parameter[1] == 3).all(), "best after epoch 3"
        assert torch.equal(parameter[2], initial[f"networks.{name}"][2]), "never better"
    assert report.holdout == (1.0, 2.0, 5.0)
    assert report.elites == (0, 1)
    # The limits belong to all; they stay as they were when last a member was better.
    assert (model.low_log_var == 3).all() and (model.high_log_var == 3).all()


def test_elites_are_ranked_by_what_was_kept_not_by_the_last_epoch(scripted):
    scripted([[9.0, 9, 9], [3, 2, 1], [4, 5, 6], [4, 5, 6]])
    report = trained(ensemble(), batch(), replace(SMALL, patience=2, patience_steps=0))
    assert report.elites == (2, 1)


def test_what_is_kept_has_the_reported_error(watched):
    """The same on a real fit, whose members are best after different epochs."""
    model = ensemble(hidden=(64,))
    data = batch(200, noise=1.0)
    report = trained(model, data, replace(SMALL, learning_rate=0.02))
    best = report.curve.argmin(dim=0)
    assert len(best.unique()) > 1 and (best < len(report.curve) - 1).all()
    held, inputs = watched["judge"][0], model.scaled_inputs(data.obs, data.act)
    again = fit.holdout_error(
        model, held, model.scaled_targets(data)[torch.cdist(held, inputs).argmin(dim=1)]
    )
    assert report.holdout == tuple(report.curve.min(dim=0).values.tolist())
    torch.testing.assert_close(again, torch.tensor(report.holdout))


def test_a_refit_goes_on_from_the_last_weights():
    model, data = ensemble(), batch()
    first = trained(model, data)
    second = trained(model, data)
    torch.testing.assert_close(second.curve[0], torch.tensor(first.holdout))
    assert first.curve[0].mean() > 5 * second.curve[0].mean()


def test_the_limits_are_trained():
    """Peers' mistake, three of four: limits frozen while the loss pretends to train them."""
    model = ensemble()
    before = state(model)
    trained(model, batch())
    assert (model.low_log_var != before["low_log_var"]).all()
    assert (model.high_log_var != before["high_log_var"]).all()


def test_the_cost_draws_the_limits_together():
    """Beside the likelihood's gradient stands the cost's own: the weight, up and down."""
    model, data = ensemble(), batch(50)
    inputs = model.scaled_inputs(data.obs, data.act).expand(3, -1, -1)
    targets = model.scaled_targets(data).expand(3, -1, -1)
    limits = [model.high_log_var, model.low_log_var]
    without, with_cost = (
        torch.autograd.grad(fit.fit_loss(model, inputs, targets, weight), limits)
        for weight in (0.0, 0.5)
    )
    for before, after, pull in zip(without, with_cost, (0.5, -0.5), strict=True):
        torch.testing.assert_close(after - before, torch.full((3,), pull))


def test_decay_acts_on_the_weights_of_its_layer_only():
    plain, first, last = ensemble(), ensemble(), ensemble()
    for model, decay in ((plain, (0.0, 0.0)), (first, (0.9, 0.0)), (last, (0.0, 0.9))):
        optimiser = fit._optimiser(model, replace(SMALL, weight_decay=decay))
        for parameter in model.parameters():
            parameter.data.fill_(1.0)
            parameter.grad = torch.zeros_like(parameter)
        optimiser.step()
    moved = [
        [name for name, value in model.named_parameters() if (value != 1).any()]
        for model in (plain, first, last)
    ]
    assert moved == [[], ["networks.layers.0.weight"], ["networks.layers.1.weight"]]
    assert FitConfig().weight_decay == (2.5e-5, 5e-5, 7.5e-5, 7.5e-5, 1e-4)


# When it stops


@pytest.mark.parametrize(
    ("patience", "patience_steps", "steps"), [(3, 0, 12), (3, 20, 20), (1, 0, 4), (6, 20, 24)]
)
def test_it_stops_when_patience_is_over_in_epochs_and_steps(
    scripted, patience, patience_steps, steps
):
    """Nothing switches that off: the authors' progress bar did."""
    scripted([[1.0, 1, 1]] * 100)
    config = replace(SMALL, patience=patience, patience_steps=patience_steps)
    assert trained(ensemble(), batch(), config).steps == steps


def test_one_member_that_improves_is_enough_to_go_on_and_a_crumb_is_not(scripted):
    crumbs = [[1.0 - 1e-5 * epoch] * 3 for epoch in range(6)]
    better = [[1.0, 1.0, 0.9**epoch] for epoch in range(6)]
    config = replace(SMALL, patience=2, patience_steps=0)
    scripted(crumbs)
    assert trained(ensemble(), batch(), config).steps == 8
    scripted(better + better[-1:] * 2)
    assert trained(ensemble(), batch(), config).steps == 28


def test_small_crumbs_add_up_to_progress(scripted):
    """Slow learning is no standstill: progress is counted from the last error that was progress."""
    scripted([[0.996**epoch] * 3 for epoch in range(13)] + [[0.996**12] * 3] * 4)
    config = replace(SMALL, patience=4, patience_steps=0)
    assert trained(ensemble(), batch(), config).steps == 16 * 4


def test_a_small_buffer_is_not_left_untrained():
    """A trap found by trying: 200 rows are one batch, and six epochs are six gradient steps."""
    model = ensemble(members=2, hidden=(32,))
    report = trained(model, batch(200), FitConfig(weight_decay=(0.0, 0.0), elites=1))
    assert 200 < report.steps < FitConfig().max_steps
    assert min(report.holdout) < 0.1 * report.curve[0].min()


@pytest.mark.parametrize("steps", [1, 7, 15])
def test_no_fit_takes_more_than_the_most_steps(watched, steps):
    report = trained(ensemble(), batch(500), replace(SMALL, max_steps=steps))
    assert report.steps == len(watched["train"]) == steps


# What it achieves


def test_the_same_generator_gives_the_same_bits():
    first, second, other = ensemble(), ensemble(), ensemble()
    assert trained(first, batch()).holdout == trained(second, batch()).holdout
    trained(other, batch(), seed=1)
    assert same(first, state(second)) and not same(first, state(other))


def test_a_linear_gaussian_world_is_recovered():
    """The oracle at 10,000 rows: mean within 5 %, noise within 10 %, honest 90 % intervals."""
    count, noise = 10_000, torch.tensor([0.2, 0.05, 0.5])
    matrix = torch.tensor([[0.9, 0.3], [-0.2, 0.8]])
    obs, act = normal(2 * count, 2), normal(2 * count, 1, seed=1)
    push = torch.tensor([[1.0, 0.4]])
    mean = torch.cat([obs @ matrix.T + act @ push, (2 * obs[:, :1] - act)], dim=1)
    drawn = mean + noise * normal(2 * count, 3, seed=2)
    data = Transition(obs, act, drawn[:, 2], drawn[:, :2], torch.zeros(2 * count) > 0)
    model = ensemble(members=3, hidden=(64, 64))
    config = FitConfig(weight_decay=(1e-5,) * 3, elites=2)
    report = trained(model, Transition(*(column[:count] for column in data)), config)

    ours = mixture_moments(*predict(model, obs[count:], act[count:], members=report.elites))
    torch.testing.assert_close(ours[1].mean(dim=0).sqrt(), noise, rtol=0.1, atol=0)
    base = torch.cat([obs, torch.zeros(2 * count, 1)], dim=1)
    change = (mean - base)[count:]
    error = (ours[0] - base[count:] - change).square().mean(dim=0).sqrt()
    assert (error < 0.05 * change.square().mean(dim=0).sqrt()).all()
    inside = (drawn[count:] - ours[0]).abs() < 1.645 * ours[1].sqrt()
    assert ((inside.float().mean(dim=0) - 0.9).abs() < 0.03).all()


def observation_error(data, test):
    """Return the error of predicted changes over their deviation, and the predicted rewards."""
    model = ensemble(act=data.act.shape[1], members=2, hidden=(32,))
    trained(model, data, replace(SMALL, max_steps=600))
    mean = predict(model, test.obs, test.act).mean.mean(dim=0)
    error = (mean[:, :2] - test.next_obs).square().mean()
    return (error / (test.next_obs - test.obs).var()).sqrt().item(), mean[:, 2]


def test_large_rewards_do_not_drown_the_observations():
    """A trap found by trying: Pendulum's rewards reach -16."""
    data, test = batch(1000, noise=0.02), batch(1000, noise=0.0, seed=9)
    usual, _ = observation_error(data, test)
    large, _ = observation_error(data._replace(reward=16 * data.reward), test)
    assert large < max(1.5 * usual, 0.1)


def test_a_rare_event_neither_drowns_nor_is_drowned():
    """A trap found by trying: InvertedPendulum pays 1 a step, and 0 on the rare last one.

    Here a second action, seldom used, announces the event, so that the scale of the reward alone
    decides whether it is learned.
    """

    def paying(data):
        rare = torch.arange(len(data.obs)) % 100 == 50
        data.act[:, 1] = rare.float()
        return data._replace(reward=1 - rare.float())

    data = paying(batch(2000, act=2, noise=0.02))
    error, reward = observation_error(data, paying(batch(2000, act=2, noise=0.0, seed=9)))
    assert error < 0.1
    assert reward[50::100].max() < 0.5
    assert (reward.round().sum() - 1980).abs() < 5


def test_everything_is_made_where_the_model_and_its_data_are():
    """Peers hard-wire a device. Here what does not ask for one would be made on "meta"."""
    data, first, second = batch(), torch_generator(0), torch_generator(0)
    deviation = torch.ones(3)

    def use(generator):
        model = Ensemble(2, 1, members=3, hidden=(16,), generator=generator)
        report = fit_ensemble(model, data, replace(SMALL, max_steps=8), generator=generator)
        chosen = {"elites": report.elites, "generator": generator}
        start = sample_step(model, data.obs, data.act, **chosen)[0]
        sampled = {"steps": 2, "members": report.elites, "generator": generator}
        members = errors.imagine_members(model, start, lambda obs, _: obs[:, :1], **sampled)
        noisy = variation.with_noise(data, deviation, generator=generator)
        del sampled["steps"]
        tv, _ = variation.noisy_tv(model, noisy, deviation, draws=3, **sampled)
        return members, errors.quantiles(errors.k_step_error(members[0], members[1], start[0])), tv

    expected = use(first)
    with torch.device("meta"):
        found = use(second)
    for one, other in zip(expected, found, strict=True):
        torch.testing.assert_close(other, one, rtol=0, atol=0)


@pytest.mark.parametrize(("obs", "act", "members"), [(1, 1, 1), (1, 3, 2), (5, 1, 2)])
def test_any_sizes(obs, act, members):
    model = ensemble(obs, act, members)
    report = trained(model, batch(100, obs, act), replace(SMALL, elites=1))
    assert min(report.holdout) < report.curve[0].min()
    assert len(report.holdout) == members


# Bad data, and fits that go wrong


def spoiled(name, number):
    data = batch(50)
    getattr(data, name)[7] = number
    return data


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (spoiled("obs", float("nan")), "obs must hold finite numbers; row 7"),
        (spoiled("reward", float("inf")), "reward must hold finite numbers; row 7"),
        (batch(50)._replace(reward=torch.zeros(50, 1)), "reward must have shape"),
        (batch(50)._replace(act=torch.zeros(50, 1).double()), "act must be a tensor of"),
        (batch(50, obs=3), "data must have 2 observations and 1 actions per row, not 3 and 1"),
        (batch(50, act=2), "data must have 2 observations and 1 actions per row, not 2 and 2"),
        (batch(5), "data must hold at least 6 rows, two for each of 3 members, not 5"),
        (batch(0), "data must hold at least 6 rows"),
        (batch(50)._replace(obs=[[0.0, 0.0]] * 50), "obs must be a tensor, not list"),
        (spoiled("next_obs", 1e30), "numbers whose squares float32 can hold"),
    ],
)
def test_bad_data_are_named_and_nothing_is_trained(data, message):
    model = ensemble()
    before = state(model)
    with pytest.raises(ValueError, match=message):
        trained(model, data, replace(SMALL, holdout_share=0.01))
    assert same(model, before)


@pytest.mark.parametrize("name", ["obs", "act", "reward", "next_obs"])
def test_a_held_out_row_too_large_is_named_and_no_fit_that_diverged(name):
    """It has no part in the scales, and would make every error infinite."""
    model, data = ensemble(), batch(50)
    row = torch.randperm(50, generator=torch_generator(0, "fit"))[0]
    getattr(data, name)[row] = 1e30
    if name == "obs":
        data.next_obs[row] = data.obs[row]
    before = state(model)
    with pytest.raises(ValueError, match=f"^{name} must hold numbers whose squared error"):
        trained(model, data)
    assert same(model, before)


def test_weights_that_are_no_numbers_are_no_start():
    model = ensemble()
    model.networks.layers[0].weight.data[1] = torch.nan
    with pytest.raises(ValueError, match="model must have finite weights"):
        trained(model, batch())
    assert (model.input_scale == 1).all()


def test_every_member_has_a_row_to_train_on():
    with pytest.raises(ValueError, match=r"must leave at least 3 rows.*of 6 rows leaves 1"):
        trained(ensemble(), batch(6), replace(SMALL, holdout_share=0.99))


def test_data_with_gradients_train_nothing_but_the_model():
    data = batch()
    again = data._replace(obs=data.obs.clone().requires_grad_())
    first, second = ensemble(), ensemble()
    trained(first, data)
    trained(second, again)
    assert again.obs.grad is None
    assert same(first, state(second))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"elites": 4}, r"^fit\.elites must be at most the number of members, 3, not 4$"),
        (
            {"weight_decay": (0.0,)},
            r"^fit\.weight_decay must have one entry for each of 2 layers of the model, not 1$",
        ),
    ],
)
def test_a_config_that_does_not_fit_the_model_is_refused(change, message):
    model = ensemble()
    before = state(model)
    with pytest.raises(ValueError, match=message):
        trained(model, batch(), replace(SMALL, **change))
    assert same(model, before)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *((field, 0) for field in ("batch_size", "elites", "holdout_cap", "patience", "max_steps")),
        *((field, value) for field in ("learning_rate", "holdout_share") for value in (0, 1)),
        *((field, -1) for field in ("limit_weight", "patience_steps", "improvement")),
        ("learning_rate", float("nan")),
        ("weight_decay", (0.0, -1.0)),
    ],
)
def test_a_config_out_of_range_is_refused_by_name(field, value):
    with pytest.raises(ValueError, match=f"^{field} must "):
        FitConfig(**{field: value})


@pytest.mark.parametrize("value", [2.5, float("nan"), float("inf")])
@pytest.mark.parametrize("field", ["batch_size", "elites", "holdout_cap", "patience", "max_steps"])
def test_counts_are_whole_numbers(field, value):
    # As learners have it: under pytest beartype would refuse the type before we can.
    unchecked = SimpleNamespace(**asdict(FitConfig()) | {field: value})
    with pytest.raises(ValueError, match=f"^{field} must be a whole number"):
        FitConfig.__post_init__(unchecked)


@pytest.mark.parametrize("lost", ["weights", "limits"])
def test_a_diverging_fit_is_reported_and_keeps_what_was_good(monkeypatch, lost):
    """After step 20 of epochs of 5 the gradients of some parameters are no numbers."""
    loss, calls = fit.fit_loss, []

    def breaking(model, inputs, targets, limit_weight):
        calls.append(1)
        value = loss(model, inputs, targets, limit_weight)
        spoiled = model.high_log_var if lost == "limits" else model.networks.layers[0].weight
        # At the last step of an epoch: lost limits do not show in the error of the means.
        return value + float("nan") * spoiled.sum() if len(calls) == 20 else value

    good, model = ensemble(), ensemble()
    report = trained(good, batch(), replace(SMALL, max_steps=15))
    assert report.steps == 15 and not report.diverged
    monkeypatch.setattr(fit, "fit_loss", breaking)
    broken = trained(model, batch())
    assert broken.diverged and broken.steps == 20
    assert broken.holdout == report.holdout and broken.elites == report.elites
    assert same(model, state(good))


def test_an_absurd_learning_rate_harms_nothing():
    model = ensemble()
    report = trained(model, batch(), replace(SMALL, learning_rate=0.99))
    assert all(torch.isfinite(value).all() for value in model.state_dict().values())
    assert (torch.tensor(report.holdout) <= report.curve[0]).all()

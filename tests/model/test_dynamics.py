"""The ensemble: scales, predictions in the world's units, and imagined steps from random elites."""

import pytest
import torch
from torch import nn

from mbpo_teach.ground.seeding import torch_generator
from mbpo_teach.model.dynamics import Ensemble, column_scale, predict, sample_step, target_scale
from mbpo_teach.model.fit import fit_loss
from mbpo_teach.world.transitions import Transition


def normal(*shape, seed=0):
    return torch.randn(shape, generator=torch_generator(seed, "test"))


def ensemble(obs=2, act=1, members=4, hidden=(8,)):
    generator = torch_generator(0, "weights")
    return Ensemble(obs, act, members=members, hidden=hidden, generator=generator)


def batch(count=500, obs=2, act=1, reward=None):
    before = normal(count, obs) * 3 + 1
    after = before + 0.1 * normal(count, obs, seed=1) + 0.5
    reward = normal(count, seed=2) if reward is None else reward
    flags = torch.zeros(count, dtype=torch.bool)
    return Transition(before, normal(count, act, seed=3), reward, after, flags)


def marked(members=4, obs=2):
    """An ensemble whose member m predicts the change m + 1 and the reward 10 (m + 1), surely."""
    model = ensemble(obs=obs, members=members)
    with torch.no_grad():
        for parameter in model.networks.parameters():
            parameter.zero_()
        bias = model.networks.layers[-1].bias
        for member in range(members):
            bias[member, :obs], bias[member, obs] = member + 1, 10 * (member + 1)
        bias[:, obs + 1 :] = -1e3
        model.low_log_var.fill_(-60.0)
    return model


def step_from_zero(model, count, elites, generator=None):
    generator = generator or torch_generator(0)
    zeros = torch.zeros(count, 2), torch.zeros(count, 1)
    return sample_step(model, *zeros, elites=elites, generator=generator)


# Scales


def test_inputs_are_z_scored_and_targets_scaled_on_the_given_rows():
    model, data = ensemble(), batch()
    model.set_scales(data)
    inputs, targets = model.scaled_inputs(data.obs, data.act), model.scaled_targets(data)
    for scaled in (inputs, targets[:, :-1]):
        torch.testing.assert_close(
            scaled.mean(dim=0), torch.zeros(scaled.shape[1]), atol=1e-4, rtol=0
        )
        torch.testing.assert_close(scaled.std(dim=0, correction=0), torch.ones(scaled.shape[1]))


def test_target_scale_by_hand():
    """Changes of -1, 1 and of -3, 3; rewards of deviation 8 and of 0.5."""
    obs, changes = torch.tensor([[0.0, 5.0], [9.0, 9.0]]), torch.tensor([[-1.0, 3.0], [1.0, -3.0]])
    for rewards, expected in (([-8.0, 8.0], 8.0), ([0.0, 1.0], 1.0)):
        targets = torch.cat([changes, torch.tensor(rewards)[:, None]], dim=1)
        assert target_scale(obs, targets).tolist() == [1.0, 3.0, expected]


def test_column_scale_by_hand():
    """A deviation, and 1 for a column that is constant, or as constant as float32 can say."""
    values = torch.tensor([[1.0, 1e4, 5e3], [3.0, 1e4, 5e3 + 5e-4], [5.0, 1e4, 5e3]])
    torch.testing.assert_close(column_scale(values), torch.tensor([(8 / 3) ** 0.5, 1.0, 1.0]))
    torch.testing.assert_close(column_scale(2 * values)[0], torch.tensor(2 * (8 / 3) ** 0.5))


def test_unscaled_by_hand_and_as_the_inverse():
    model, data = ensemble(), batch(20)
    model.target_scale.copy_(torch.tensor([2.0, 3.0, 4.0]))
    model.target_mean.copy_(torch.tensor([0.1, 0.2, 0.3]))
    world = model.unscaled(torch.tensor([[1.0, -1.0, 0.0], [0.0, 2.0, 10.0]]))
    torch.testing.assert_close(world, torch.tensor([[2.1, -2.8, 0.3], [0.1, 6.2, 40.3]]))
    model.set_scales(data)
    there_and_back = model.unscaled(model.scaled_targets(data))
    raw = torch.cat([data.next_obs - data.obs, data.reward[:, None]], dim=1)
    torch.testing.assert_close(there_and_back, raw, rtol=1e-5, atol=1e-5)
    assert model.unscaled(torch.zeros(4, 7, 3)).shape == (4, 7, 3)


def test_a_constant_column_is_not_blown_up():
    """A column that never changes, here far from zero so that it is rounded, has no scale."""
    data = batch()
    data.obs[:, 1] = 1000.1
    data.next_obs[:, 1] = 1000.1 + 6e-5 * (torch.arange(500) % 2)
    data.act[:] = 0.3
    model = ensemble()
    model.set_scales(data)
    assert model.scaled_inputs(data.obs, data.act)[:, 1:].abs().max() < 0.01
    assert model.scaled_targets(data)[:, 1].abs().max() < 0.01


def test_a_slow_column_is_not_taken_for_a_constant_one():
    """A position that spreads over 1000 units and moves 0.1 a step has a real change to learn."""
    data = batch()
    data.obs[:, 0] = 300 * normal(500, seed=5)
    data.next_obs[:, 0] = data.obs[:, 0] + 0.1 * normal(500, seed=6)
    model = ensemble()
    model.set_scales(data)
    assert model.scaled_targets(data)[:, 0].std().item() == pytest.approx(1.0, rel=0.01)


def share_of_gradient(model, data, column):
    """Return the share of the last layer's mean-gradient energy that one output column has."""
    inputs = model.scaled_inputs(data.obs, data.act).expand(model.member_count, -1, -1)
    targets = model.scaled_targets(data).expand(model.member_count, -1, -1)
    model.zero_grad()
    fit_loss(model, inputs, targets, 0.0).backward()
    last = model.networks.layers[-1]
    energy = (last.weight.grad.square().sum(dim=(0, 2)) + last.bias.grad.square().sum(dim=(0, 2)))[
        : model.obs_size + 1
    ]
    return (energy[column] / energy.sum()).item()


def test_large_rewards_do_not_drown_the_observations():
    """Pendulum's rewards reach -16; unscaled they would have nearly all of the gradient."""
    data = batch(reward=-16 * torch.rand(500, generator=torch_generator(4)))
    model = ensemble(members=8)
    unscaled = share_of_gradient(model, data, 2)
    model.set_scales(data)
    assert unscaled > 0.9
    assert share_of_gradient(model, data, 2) < 0.7


def test_a_rare_event_does_not_drown_the_rest():
    """InvertedPendulum's reward is 1, but 0 on one row in a thousand.

    Divided by its own deviation, 0.03, that row would count a thousand times as much as another.
    """
    reward = torch.ones(1000)
    reward[17] = 0.0
    data = batch(1000, reward=reward)
    model = ensemble()
    model.set_scales(data)
    squared = model.scaled_targets(data).square()
    assert squared[17, 2] / squared.sum() < 0.001


def test_numbers_too_large_for_float32_change_no_scale():
    model, data = ensemble(), batch()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    data.next_obs[3, 0] = 1e30
    with pytest.raises(ValueError, match="whose squares float32 can hold"):
        model.set_scales(data)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


# Predictions


def test_one_member_is_a_plain_network():
    """The limit: z-score, Sequential, unscale, all written out."""
    model, data = ensemble(members=1, hidden=(8, 8)), batch(50)
    model.set_scales(data)
    modules = []
    for layer in model.networks.layers:
        linear = nn.Linear(*layer.weight.shape[:0:-1])
        linear.weight.data, linear.bias.data = layer.weight.data[0], layer.bias.data[0, :, 0]
        modules += [linear, nn.SiLU()]
    inputs = torch.cat([data.obs, data.act], dim=1)
    scaled = (inputs - inputs.mean(dim=0)) / inputs.std(dim=0, correction=0)
    mean, raw = nn.Sequential(*modules[:-1])(scaled).chunk(2, dim=1)
    log_var = 0.5 - nn.functional.softplus(0.5 - raw)
    log_var = -10 + nn.functional.softplus(log_var + 10)
    world = mean * model.target_scale + model.target_mean
    world[:, :2] += data.obs
    ours = predict(model, data.obs, data.act)
    torch.testing.assert_close(ours.mean[0], world)
    torch.testing.assert_close(ours.var[0], log_var.exp() * model.target_scale**2)


def test_predictions_are_in_the_units_of_the_world():
    model = marked()
    model.target_scale.copy_(torch.tensor([2.0, 3.0, 4.0]))
    model.target_mean.copy_(torch.tensor([0.1, 0.2, 0.3]))
    mean, var = predict(model, torch.tensor([[5.0, 6.0]]), torch.zeros(1, 1), members=[1])
    torch.testing.assert_close(mean[0, 0], torch.tensor([5 + 4.1, 6 + 6.2, 80.3]))
    assert (var < 1e-20).all()


def test_chosen_members_come_in_the_order_asked():
    model, data = ensemble(), batch(7)
    whole, some = (
        predict(model, data.obs, data.act),
        predict(model, data.obs, data.act, members=[2, 0]),
    )
    torch.testing.assert_close(some.mean, whole.mean[[2, 0]])
    torch.testing.assert_close(some.var, whole.var[[2, 0]])


def test_the_limits_have_a_gradient():
    """Peers' mistake, three of four: limits frozen while the loss pretends to train them."""
    model, data = ensemble(), batch(50)
    inputs = model.scaled_inputs(data.obs, data.act).expand(4, -1, -1)
    targets = model.scaled_targets(data).expand(4, -1, -1)
    fit_loss(model, inputs, targets, 0.0).backward()
    for limit in (model.low_log_var, model.high_log_var):
        assert limit in set(model.parameters())
        assert (limit.grad != 0).all()


# Imagined steps


@pytest.mark.parametrize("count", [1, 2, 3, 5, 7, 64])
def test_rows_come_back_in_order(count):
    """Each row moves from where it was, whatever the shuffle; batch 1 and remainders too."""
    model, elites = marked(), [3, 1, 0]
    obs = 1000.0 * torch.arange(count)[:, None].expand(-1, 2)
    after, reward = sample_step(
        model, obs, torch.zeros(count, 1), elites=elites, generator=torch_generator(0)
    )
    change = after - obs
    assert after.shape == (count, 2) and reward.shape == (count,)
    assert set(change.flatten().tolist()) <= {1.0, 2.0, 4.0}
    # All of a row comes from one member.
    assert torch.equal(change[:, 0], change[:, 1])
    torch.testing.assert_close(reward, 10 * change[:, 0])


def test_each_row_gets_what_one_elite_predicts_for_it():
    """Without noise, against `predict`: a result that is not put back belongs to another row."""
    model, data, elites = ensemble(), batch(700), [3, 1, 0]
    model.set_scales(data)
    with torch.no_grad():
        model.networks.layers[-1].bias[:, 3:] = -1e3
        model.low_log_var.fill_(-60.0)
    after, reward = sample_step(
        model, data.obs, data.act, elites=elites, generator=torch_generator(0)
    )
    means = predict(model, data.obs, data.act, members=elites).mean
    distance = (means - torch.cat([after, reward[:, None]], dim=1)).abs().amax(dim=2)
    assert distance.min(dim=0).values.max() < 1e-4
    assert distance.argmin(dim=0).bincount(minlength=3).min() >= 700 // 3 - 1


def test_no_rows_are_no_rows():
    after, reward = step_from_zero(marked(), 0, [0, 1])
    assert after.shape == (0, 2) and reward.shape == (0,)


@pytest.mark.parametrize("count", [1, 4, 7])
def test_every_row_meets_every_elite_equally_often(count):
    """Uniform for each row, a batch of one and a remainder included; 4.5 deviations of slack."""
    model, elites, draws = marked(), [3, 1, 0], 1000
    generator, seen = torch_generator(0), torch.zeros(count, 4)
    for _ in range(draws):
        _, reward = step_from_zero(model, count, elites, generator)
        seen[torch.arange(count), (reward / 10).round().long() - 1] += 1
    assert not seen[:, 2].any()
    third = 1 / 3
    slack = 4.5 * (draws * third * (1 - third)) ** 0.5
    assert (seen[:, elites] - draws * third).abs().max() < slack


def test_neighbours_do_not_share_their_elite():
    """Of six rows dealt to three elites, one of the five others has the same as the first."""
    generator, model, draws = torch_generator(0), marked(), 1000
    same = 0
    for _ in range(draws):
        _, reward = step_from_zero(model, 6, [0, 1, 2], generator)
        same += int(reward[0].round() == reward[1].round())
    assert same / draws == pytest.approx(1 / 5, abs=4.5 * (0.16 / draws) ** 0.5)


def test_each_elite_computes_its_own_share_and_no_other_member_anything(monkeypatch):
    """Peers' mistakes: elites by `if`, rows one at a time, or all members on all rows."""
    model, shapes = marked(members=5), []
    forward = model.forward
    monkeypatch.setattr(
        model,
        "forward",
        lambda inputs, **chosen: shapes.append(inputs.shape[:2]) or forward(inputs, **chosen),
    )
    with torch.no_grad():
        for parameter in model.networks.parameters():
            parameter[[1, 2]] = float("nan")
    after, reward = step_from_zero(model, 10, [0, 3, 4])
    assert torch.isfinite(after).all() and torch.isfinite(reward).all()
    assert shapes == [(3, 4)]


def test_the_same_generator_gives_the_same_bits():
    model, data = ensemble(), batch(11)
    model.set_scales(data)

    def step(seed):
        generator = torch_generator(seed)
        return sample_step(model, data.obs, data.act, elites=[0, 2, 3], generator=generator)

    assert all(torch.equal(*pair) for pair in zip(step(1), step(1), strict=True))
    assert not torch.equal(step(1)[0], step(2)[0])


def test_sampling_has_the_predicted_moments():
    """The oracle: many draws of one row against the moments of its one elite."""
    model, data = ensemble(), batch()
    model.set_scales(data)
    obs, act = data.obs[:1], data.act[:1]
    count = 100_000
    after, reward = sample_step(
        model,
        obs.expand(count, -1),
        act.expand(count, -1),
        elites=[2],
        generator=torch_generator(0),
    )
    drawn = torch.cat([after, reward[:, None]], dim=1)
    mean, var = predict(model, obs, act, members=[2])
    deviation = var[0, 0].sqrt()
    assert ((drawn.mean(dim=0) - mean[0, 0]).abs() < 4.5 * deviation / count**0.5).all()
    torch.testing.assert_close(drawn.std(dim=0), deviation, rtol=0.02, atol=0)


def test_a_step_keeps_no_gradient():
    model, data = ensemble(), batch(4)
    after, _ = sample_step(model, data.obs, data.act, elites=[0], generator=torch_generator(0))
    assert not after.requires_grad and not predict(model, data.obs, data.act).mean.requires_grad


# Sizes and bad input


@pytest.mark.parametrize(("obs", "act"), [(1, 1), (1, 3), (4, 1), (27, 8)])
def test_any_sizes(obs, act):
    """Peers' mistake: sizes hard-wired."""
    model, data = ensemble(obs, act), batch(9, obs, act)
    model.set_scales(data)
    after, reward = sample_step(
        model, data.obs, data.act, elites=[1, 2], generator=torch_generator(0)
    )
    assert after.shape == (9, obs) and reward.shape == (9,)
    assert predict(model, data.obs, data.act).mean.shape == (4, 9, obs + 1)


@pytest.mark.parametrize("name", ["obs", "act", "members"])
def test_a_size_of_zero_is_refused(name):
    with pytest.raises(ValueError, match=rf"^{name}(_size)? must be at least 1, not 0$"):
        ensemble(**{name: 0})


def test_an_empty_layer_is_refused():
    with pytest.raises(ValueError, match=r"^hidden must be at least 1, not 0$"):
        ensemble(hidden=(8, 0))


@pytest.mark.parametrize("elites", [[], [4], [-1, 2]])
def test_elites_that_are_no_members_are_refused(elites):
    with pytest.raises(ValueError, match=r"^elites must name one or more of the members 0 to 3"):
        step_from_zero(marked(), 2, elites)


@pytest.mark.parametrize("members", [[], [4], [-1], [0, 7]])
def test_members_that_there_are_not_are_refused(members):
    data = batch(5)
    with pytest.raises(ValueError, match="members must name one or more of the members 0 to 3"):
        predict(ensemble(), data.obs, data.act, members=members)


def test_widths_that_add_up_are_not_taken_for_each_other():
    """One observation and two actions are three inputs, as two and one are."""
    model, wrong = ensemble(obs=2, act=1), (torch.zeros(5, 1), torch.zeros(5, 2))
    message = "obs and act must have 2 and 1 numbers per row, not 1 and 2"
    with pytest.raises(ValueError, match=message):
        predict(model, *wrong)
    with pytest.raises(ValueError, match=message):
        sample_step(model, *wrong, elites=[0], generator=torch_generator(0))

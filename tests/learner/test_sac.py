"""The update: gradients by finite differences, its identities, compiled against eager.

Every mistake that peers made here has a test that fails when it is made again: an end of time taken
for an end of the world, tanh applied twice, a bound of the actions forgotten, no sum over actions.
"""

import math
import subprocess
import sys

import pytest
import torch

from mbpo_teach.ground.seeding import torch_generator
from mbpo_teach.learner import sac
from mbpo_teach.learner.sac import (
    SACConfig,
    actor_loss,
    critic_loss,
    gradient,
    initial_state,
    network_sizes,
    policy_gaussian,
    policy_of,
    q_values,
    sac_update,
    sample_action,
    soft_target,
    soft_value,
)
from mbpo_teach.world.transitions import Transition

OBS, ACT, ROWS = 3, 2, 16
CONFIG = SACConfig(hidden=(8, 8), batch_size=ROWS)


def normal(*shape, seed=0):
    return torch.randn(shape, generator=torch_generator(seed, "test"))


def batch(rows=ROWS, *, act=ACT, terminated=None):
    if terminated is None:
        terminated = normal(rows, seed=5) > 1
    action = normal(rows, act, seed=2).tanh()
    return Transition(
        normal(rows, OBS, seed=1),
        action,
        normal(rows, seed=3),
        normal(rows, OBS, seed=4),
        terminated,
    )


def learner(config=CONFIG, act=ACT):
    return initial_state(OBS, act, config, generator=torch_generator(0))


def noise(rows=ROWS, act=ACT):
    return normal(2, rows, act, seed=6)


def flat(state):
    """Return every tensor of a state, one after the other."""
    return [*state.actor, *state.critics, *state.log_temperature, state.targets, state.updates]


# The policy.


@pytest.mark.parametrize("act", [1, 3, 17])
def test_actions_lie_inside_the_bounds_and_have_their_density(act):
    state = learner(act=act)
    sizes, _ = network_sizes(OBS, act, CONFIG)
    mean, log_std = policy_gaussian(state.actor.weights, 10 * normal(64, OBS), sizes)
    action, log_prob = sample_action(mean, log_std, normal(64, act, seed=6))
    assert action.shape == (64, act) and action.abs().max() < 1
    assert log_prob.shape == (64,)
    raw = mean + log_std.exp() * normal(64, act, seed=6)
    theirs = torch.distributions.Normal(mean, log_std.exp()).log_prob(raw)
    correction = torch.log(1 - action.double() ** 2)
    torch.testing.assert_close(
        log_prob.double(), (theirs - correction).sum(dim=1).double(), rtol=1e-3, atol=1e-3
    )


def test_the_density_is_exact_where_the_deviation_is_lost_in_the_rounding_of_the_mean():
    noise, mean = normal(64, 1, seed=6), torch.full((64, 1), 2.0)
    action, log_prob = sample_action(mean, torch.full((64, 1), -20.0), noise)
    assert (action == action[0]).all()  # float32 has no number nearer to tanh(2)
    standard = torch.distributions.Normal(0.0, 1.0).log_prob(noise.double())
    by_hand = standard + 20 - math.log(1 - math.tanh(2.0) ** 2)
    torch.testing.assert_close(log_prob.double(), by_hand[:, 0], rtol=1e-6, atol=0)


def test_log_deviations_are_limited():
    weights = learner().actor.weights
    sizes, _ = network_sizes(OBS, ACT, CONFIG)
    for factor in (1e6, -1e6):
        _, log_std = policy_gaussian(factor * weights, 100 * normal(50, OBS), sizes)
        assert log_std.min() >= -20 and log_std.max() <= 2


def test_the_policy_is_the_tanh_of_the_mean_when_it_is_judged():
    state, obs = learner(), normal(5, OBS)
    sizes, _ = network_sizes(OBS, ACT, CONFIG)
    judged = policy_of(state, CONFIG, act_size=ACT)
    assert judged(obs).equal(policy_gaussian(state.actor.weights, obs, sizes)[0].tanh())
    assert judged(obs).equal(judged(obs))
    drawn = policy_of(state, CONFIG, act_size=ACT, generator=torch_generator(1))
    assert not drawn(obs).equal(drawn(obs))


def test_each_critic_sees_the_state_and_the_action():
    state, (obs, act, *_) = learner(), batch()
    _, sizes = network_sizes(OBS, ACT, CONFIG)
    q = q_values(state.critics.weights, obs, act, sizes)
    assert q.shape == (2, ROWS)
    assert not q[0].equal(q[1])
    assert not q_values(state.critics.weights, obs, -act, sizes).equal(q)
    assert not q_values(state.critics.weights, -obs, act, sizes).equal(q)


# The update.


def test_the_gradients_are_those_of_finite_differences():
    """In double precision, for all three losses as the update composes them."""
    state, rows, drawn = learner(), batch(), noise().double()
    obs, act, reward, next_obs, terminated = (
        column if column.dtype == torch.bool else column.double() for column in rows
    )
    actor_sizes, critic_sizes = network_sizes(OBS, ACT, CONFIG)
    actor, critics = state.actor.weights.double(), state.critics.weights.double()
    next_act, next_log_prob = sample_action(
        *policy_gaussian(actor, next_obs, actor_sizes), drawn[0]
    )
    value = soft_value(q_values(critics, next_obs, next_act, critic_sizes), next_log_prob, 0.3)
    target = soft_target(reward, terminated, value, 0.9)

    def of_critics(weights):
        return (critic_loss(q_values(weights, obs, act, critic_sizes), target),)

    def of_actor(weights):
        own, log_prob = sample_action(*policy_gaussian(weights, obs, actor_sizes), drawn[1])
        return actor_loss(q_values(critics, obs, own, critic_sizes), log_prob, 0.3), log_prob

    for loss, weights in ((of_critics, critics), (of_actor, actor)):
        slope, values = gradient(loss, weights)
        assert not any(value.requires_grad for value in (slope, *values))
        assert all(map(torch.equal, values, loss(weights))) and len(values) == len(loss(weights))
        for seed in range(5):
            direction = normal(*weights.shape, seed=seed).double()
            step = 1e-6
            ahead, behind = loss(weights + step * direction)[0], loss(weights - step * direction)[0]
            numeric = (ahead - behind) / (2 * step)
            assert (slope * direction).sum().item() == pytest.approx(numeric.item(), rel=1e-5)


def test_one_update_by_hand():
    """The same step, written out with torch.optim and autograd's own backward."""
    before, rows, drawn = learner(), batch(), noise()
    # Targets of their own: at the start they are the critics, and one could stand for the other.
    before = before._replace(targets=before.targets + 0.1 * normal(*before.targets.shape, seed=7))
    config = SACConfig(hidden=(8, 8), batch_size=ROWS, learning_rate=0.01, tau=0.1, gamma=0.9)
    after, losses = sac_update(before, rows, drawn, config)
    actor_sizes, critic_sizes = network_sizes(OBS, ACT, config)
    actor, critics, log_temperature = (
        torch.nn.Parameter(part.weights.clone())
        for part in (before.actor, before.critics, before.log_temperature)
    )
    optimisers = [torch.optim.Adam([part], lr=0.01) for part in (critics, actor, log_temperature)]
    with torch.no_grad():
        act, log_prob = sample_action(*policy_gaussian(actor, rows.next_obs, actor_sizes), drawn[0])
        smaller = q_values(before.targets, rows.next_obs, act, critic_sizes).min(dim=0).values
        alive = (~rows.terminated).float()
        target = rows.reward + 0.9 * alive * (smaller - log_temperature.exp() * log_prob)
    errors = q_values(critics, rows.obs, rows.act, critic_sizes) - target
    (0.5 * (errors**2).mean(dim=1)).sum().backward()
    optimisers[0].step()
    act, log_prob = sample_action(*policy_gaussian(actor, rows.obs, actor_sizes), drawn[1])
    smaller = q_values(critics.detach(), rows.obs, act, critic_sizes).min(dim=0).values
    (1.0 * log_prob - smaller).mean().backward()
    (-(log_temperature.exp() * (log_prob.detach() - ACT))).mean().backward()
    optimisers[1].step()
    optimisers[2].step()
    torch.testing.assert_close(after.actor.weights, actor.detach(), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(after.critics.weights, critics.detach(), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(after.log_temperature.weights, log_temperature.detach())
    slowly = 0.9 * before.targets + 0.1 * after.critics.weights
    torch.testing.assert_close(after.targets, slowly)
    # Adam's first step has one size whatever the gradient; its moment tells how large that was.
    torch.testing.assert_close(after.critics.mean, 0.1 * critics.grad, rtol=1e-3, atol=1e-6)
    torch.testing.assert_close(after.actor.mean, 0.1 * actor.grad, rtol=1e-3, atol=1e-6)
    assert after.updates.item() == 1
    assert losses.entropy.item() == pytest.approx(-log_prob.mean().item(), rel=1e-4)


def updated(state=None, rows=None, config=CONFIG, steps=1):
    state, rows = state or learner(config), rows or batch()
    for _ in range(steps):
        state, _ = sac_update(state, rows, noise(len(rows.obs)), config)
    return state


def test_with_gamma_zero_the_future_does_not_count():
    config = SACConfig(hidden=(8, 8), gamma=0.0)
    rows = batch()
    elsewhere = rows._replace(next_obs=rows.next_obs + 100)
    here, there = (updated(rows=data, config=config) for data in (rows, elsewhere))
    assert here.critics.weights.equal(there.critics.weights)


def test_what_follows_an_end_does_not_count_and_what_follows_anything_else_does():
    """A buffer stores no time limit at all; `terminated` is the only column that stops here."""
    for terminated in (True, False):
        rows = batch(terminated=torch.full((ROWS,), terminated))
        elsewhere = rows._replace(next_obs=rows.next_obs + 1)
        same = updated(rows=rows).critics.weights.equal(updated(rows=elsewhere).critics.weights)
        assert same is terminated


def test_the_same_arguments_give_the_same_bits_and_change_nothing_given():
    state, rows = learner(), batch()
    copies = [part.clone() for part in flat(state)]
    first, second = (flat(updated(state, rows, steps=3)) for _ in range(2))
    assert all(one.equal(other) for one, other in zip(first, second, strict=True))
    assert all(part.equal(copy) for part, copy in zip(flat(state), copies, strict=True))
    assert not any(part.requires_grad for part in first)


def test_it_solves_a_bandit():
    """One state, reward -10 (a - 0.5)^2: the mean goes to 0.5 and the critics to the reward.

    The temperature goes where the entropy is the one wanted.
    """
    config = SACConfig(hidden=(32, 32), gamma=0.0, learning_rate=0.01, target_entropy=-1.0)
    state = initial_state(1, 1, config, generator=torch_generator(0))
    generator = torch_generator(1)
    obs, alive = torch.zeros(64, 1), torch.zeros(64, dtype=torch.bool)
    entropies = []
    for _ in range(800):
        act = 2 * torch.rand(64, 1, generator=generator) - 1
        rows = Transition(obs, act, -10 * (act[:, 0] - 0.5) ** 2, obs, alive)
        drawn = torch.randn(2, 64, 1, generator=generator)
        state, losses = sac_update(state, rows, drawn, config)
        entropies.append(losses.entropy.item())
    mean = policy_of(state, config, act_size=1)(torch.zeros(1, 1)).item()
    assert mean == pytest.approx(0.5, abs=0.15)
    _, sizes = network_sizes(1, 1, config)
    q = q_values(state.critics.weights, torch.zeros(2, 1), torch.tensor([[-0.5], [0.5]]), sizes)
    torch.testing.assert_close(q, torch.tensor([[-10.0, 0.0]]).expand(2, -1), atol=0.6, rtol=0)
    assert sum(entropies[-50:]) / 50 == pytest.approx(-1.0, abs=0.3)


# Critics whose hidden layers are normalised.

NORMED = SACConfig(hidden=(8, 8), batch_size=ROWS, critic_norm=True)


def plain_critic(weights, obs, act):
    """Return the values of one critic of 2 x 8, written out with PyTorch's own layer_norm."""
    hidden, layers = torch.cat([obs, act], dim=1), ((OBS + ACT, 8), (8, 8), (8, 1))
    for inputs, outputs in layers:
        weight, bias, weights = weights.split(
            [inputs * outputs, outputs, len(weights) - (inputs + 1) * outputs]
        )
        hidden = hidden @ weight.view(outputs, inputs).T + bias
        if outputs > 1:
            hidden = torch.nn.functional.layer_norm(hidden, (outputs,)).relu()
    return hidden[:, 0]


def test_a_normalised_critic_is_a_network_with_layer_norm():
    state, (obs, act, *_) = learner(), batch()
    _, sizes = network_sizes(OBS, ACT, NORMED)
    found = q_values(state.critics.weights, obs, act, sizes, norm=True)
    wanted = torch.stack([plain_critic(weights, obs, act) for weights in state.critics.weights])
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)
    far = q_values(state.critics.weights, 1e6 * obs, 1e6 * act, sizes, norm=True)
    assert far.abs().max() < 10, "far from the data it promises no more"
    assert q_values(state.critics.weights, 1e6 * obs, act, sizes).abs().max() > 1e4


def test_critics_targets_and_actor_all_see_the_normalised_critics(monkeypatch):
    """Targets, critics and the actor's own: three evaluations, and the policy is not normalised."""
    asked, q_values = [], sac.q_values

    def watched(*args, norm, **more):
        asked.append(norm)
        return q_values(*args, norm=norm, **more)

    plain, normed = updated(), updated(config=NORMED)
    assert not plain.critics.weights.equal(normed.critics.weights)
    assert not plain.actor.weights.equal(normed.actor.weights)
    monkeypatch.setattr(sac, "q_values", watched)
    assert updated(config=NORMED).critics.weights.equal(normed.critics.weights)
    assert asked == [True] * 3


# The configuration.


@pytest.mark.parametrize(
    "wrong",
    [
        {"hidden": ()},
        {"hidden": (0,)},
        {"batch_size": 0},
        {"learning_rate": 0.0},
        {"learning_rate": float("nan")},
        {"gamma": 1.0},
        {"gamma": -0.1},
        {"tau": 0.0},
        {"tau": 1.5},
        {"target_entropy": float("inf")},
        {"target_entropy": 10**400},
    ],
)
def test_a_wrong_setting_is_named(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        SACConfig(**wrong)


@pytest.mark.parametrize(
    ("name", "shaped"),
    [
        ("reward", lambda rows: rows._replace(reward=rows.reward[:1])),
        ("reward", lambda rows: rows._replace(reward=rows.reward[:, None])),
        ("terminated", lambda rows: rows._replace(terminated=rows.terminated[0])),
        ("obs", lambda rows: rows._replace(obs=rows.obs.double())),
        ("obs", lambda rows: Transition(*(column[:0] for column in rows))),
    ],
)
def test_a_batch_that_would_broadcast_is_refused(name, shaped):
    with pytest.raises(ValueError, match=f"^{name} must"):
        sac_update(learner(), shaped(batch()), normal(2, ROWS, ACT), CONFIG)


def test_weights_of_other_layers_are_refused():
    other = SACConfig(hidden=(9, 8), batch_size=ROWS)
    with pytest.raises(ValueError, match=r"^weights must hold \d+ numbers for layers of 3, 9, 8,"):
        sac_update(learner(), batch(), normal(2, ROWS, ACT), other)


def test_sizes_below_one_are_named():
    with pytest.raises(ValueError, match="act_size must be at least 1, not 0"):
        initial_state(3, 0, CONFIG, generator=torch_generator(0))


# Compiled.


# In a process of its own: the tests check every shape on the way, and that cannot be compiled.
COMPILED = """
import sys
from dataclasses import replace
from functools import partial
import torch
from mbpo_teach.world.replay import ReplayBuffer
from mbpo_teach.learner.sac import SACConfig, initial_state, make_update
from mbpo_teach.ground.seeding import torch_generator
from mbpo_teach.world.transitions import Transition
OBS, ACT, ROWS, ALL = 3, 2, 15, 100
norm = sys.argv[1] == "normalised"
config = SACConfig(hidden=(8, 8), batch_size=ROWS, critic_norm=norm)
compiled = make_update(replace(config, compile=True))
eager = make_update(config)
ours = theirs = initial_state(OBS, ACT, config, generator=torch_generator(0))
draw = partial(torch.randn, generator=torch_generator(1))
memory = ReplayBuffer(ALL, obs_size=OBS, act_size=ACT)
memory.add(
    Transition(draw(ALL, OBS), draw(ALL, ACT).tanh(), draw(ALL), draw(ALL, OBS), draw(ALL) > 1)
)
batches = memory.sample_batches(20, ROWS, generator=torch_generator(2))
for batch, noise in zip(batches, draw(20, 2, ROWS, ACT), strict=True):
    ours, losses = compiled(ours, batch, noise)
    theirs, expected = eager(theirs, batch, noise)
    torch.testing.assert_close(losses, expected, rtol=1e-4, atol=1e-4)
torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-4)
print("graphs:", torch._dynamo.utils.counters["stats"]["unique_graphs"])
"""


@pytest.mark.parametrize("critics", ["plain", "normalised"])
def test_compiled_updates_are_one_graph_and_give_what_eager_ones_give(critics):
    command = [sys.executable, "-c", COMPILED, critics]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert "does not work" not in result.stderr
    assert result.stdout == "graphs: 1\n"

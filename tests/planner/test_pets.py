"""PETS's planner: against the true simulator, a table of members, and its usual mistakes."""

from dataclasses import replace

import pytest
import torch

from mbpo_teach.model.dynamics import Ensemble, predict
from mbpo_teach.nets.networks import mlp, silu
from mbpo_teach.planner.cem import FIRST_VARIANCE, CEMConfig
from mbpo_teach.planner.pets import (
    PlannerConfig,
    in_world_units,
    no_plan,
    plan,
    plan_values,
    shifted,
    trajectory_sampling,
    with_reward,
)
from mbpo_teach.world.envs import make
from mbpo_teach.world.simulator import get_state, set_from_obs
from mbpo_teach.world.terminations import never


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def ensemble(members=5, *, obs=3, act=2, low=-10.0, high=0.5, seed=0):
    """An untrained model, whose scales are no ones and zeros."""
    model = Ensemble(obs, act, members=members, hidden=(16, 16), generator=seeded(seed))
    with torch.no_grad():
        model.low_log_var.fill_(low)
        model.high_log_var.fill_(high)
        for name, buffer in model.named_buffers():
            buffer.copy_(torch.rand(buffer.shape, generator=seeded(7)) + 0.5)
            if name.endswith("mean"):
                buffer.sub_(1.0)
    return model


def line(obs, act):
    """Walk on a line: the reward is the place that is reached."""
    next_obs = obs + act
    return next_obs, next_obs[..., 0]


def beyond_one(next_obs):
    return next_obs[:, 0] > 1


# The value of a plan.


@pytest.mark.parametrize("name", ["Pendulum-v1", "InvertedPendulum-v5"])
def test_with_the_true_world_a_plans_value_is_what_it_earns(name):
    """One particle, and the simulator in the model's place, over an episode's end too."""
    env = make(name)
    start = torch.from_numpy(env.start(3))
    plans = 2 * torch.rand(1, 6, 40, 1, generator=seeded()) - 1

    def step(obs, act):
        """Every row in the simulator, put into its state."""
        rows = []
        for row, action in zip(obs[0], act, strict=True):
            set_from_obs(env, row.numpy())
            rows.append(env.step(action.numpy()))
        next_obs = torch.stack([torch.from_numpy(one.obs) for one in rows])
        return next_obs[None], torch.tensor([[one.reward for one in rows]])

    values = plan_values(step, env.termination, start[None], plans, particles=1)[0]
    lengths = []
    for actions, value in zip(plans[0], values, strict=True):
        env.start(3)
        set_from_obs(env, start.numpy())
        earned = 0.0
        for action in actions:
            lived = env.step(action.numpy())
            earned += lived.reward
            if lived.terminated:
                break
        lengths.append(get_state(env).elapsed)
        assert value.item() == pytest.approx(earned, rel=1e-4)
    assert (min(lengths) < 40) == (name == "InvertedPendulum-v5"), "no plan that falls"


def test_nothing_is_earned_after_the_end_and_the_last_step_is_paid():
    """From 0 in steps of 0.6: 0.6, 1.2 and over; without an end it would be 0.6 + 1.2 + 1.8."""
    plans = torch.full((1, 1, 3, 1), 0.6)
    start = torch.zeros(1, 1)
    value = plan_values(line, beyond_one, start, plans, particles=2)
    assert value.item() == pytest.approx(1.8)
    assert plan_values(line, never, start, plans, particles=2).item() == pytest.approx(3.6)


def test_who_has_ended_stays_ended_even_if_the_model_leads_back():
    plans = torch.tensor([0.9, 0.9, -1.0, -0.5]).view(1, 1, 4, 1)
    value = plan_values(line, beyond_one, torch.zeros(1, 1), plans, particles=1)
    assert value.item() == pytest.approx(0.9 + 1.8)


def test_beyond_its_end_a_world_may_be_infinite():
    def explosive(obs, act):
        next_obs, reward = line(obs, act)
        return torch.where(obs > 1, torch.nan, next_obs), torch.where(obs[..., 0] > 1, 1e38, reward)

    plans = torch.full((1, 1, 5, 1), 0.9)
    value = plan_values(explosive, beyond_one, torch.zeros(1, 1), plans, particles=1)
    assert value.item() == pytest.approx(2.7)


def test_particles_are_averaged_over_what_they_earn_not_over_where_they_are():
    """Two particles at -1 and 1, each paid the square of its place: 1, and not the square of 0."""

    def split(obs, act):
        sides = torch.tensor([-1.0, 1.0])[:, None, None].expand_as(obs)
        return sides, sides[..., 0] ** 2

    plans = torch.zeros(1, 3, 1, 1)
    values = plan_values(split, never, torch.zeros(1, 1), plans, particles=2)
    assert values.tolist() == [[1.0, 1.0, 1.0]]


def test_every_plan_starts_from_its_own_start():
    starts = torch.tensor([[0.0], [0.5]])
    plans = torch.tensor([[0.1, 0.2], [0.3, 0.4]])[:, :, None, None]
    values = plan_values(line, never, starts, plans, particles=3)
    torch.testing.assert_close(values, torch.tensor([[0.1, 0.2], [0.8, 0.9]]))


# Particles through the ensemble.


def test_scales_and_the_clamp_put_into_the_weights_change_nothing():
    """Mean and variance are those of `predict`, which scales, clamps and scales back each time."""
    model = ensemble()
    obs, act = torch.randn(40, 3, generator=seeded(1)), torch.randn(40, 2, generator=seeded(2))
    members = [3, 0]
    layers, low, high = in_world_units(model, members)
    mean, raw = mlp(layers, torch.cat([obs, act], 1).expand(2, -1, -1), silu).chunk(2, dim=-1)
    expected = predict(model, obs, act, members=members)
    moved = torch.cat([mean[..., :-1] + obs, mean[..., -1:]], dim=-1)
    torch.testing.assert_close(moved, expected.mean, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(low + high * raw.sigmoid(), expected.var, rtol=1e-3, atol=1e-6)


def certain(members=5):
    """A model without variance: what a particle does tells which member moved it."""
    return ensemble(members, low=-80.0, high=-79.0)


def movers(propagation, *, steps=6, particles=10, rows=4, seed=0):
    """Return which member moved each particle of each row at each step, (step, particle, row)."""
    model = certain()
    step = trajectory_sampling(
        model, members=range(5), propagation=propagation, generator=seeded(seed)
    )
    obs = torch.randn(particles, rows, 3, generator=seeded(3))
    act = torch.randn(rows, 2, generator=seeded(4))
    found = []
    for _ in range(steps):
        after, _ = step(obs, act)
        flat = obs.flatten(0, 1)
        each = predict(model, flat, act.repeat(particles, 1)).mean[..., :3]
        distance = (each - after.flatten(0, 1)).norm(dim=-1)
        assert distance.min(dim=0).values.max() < 1e-4
        found.append(distance.argmin(dim=0).view(particles, rows))
        obs = after
    return torch.stack(found)


def test_ts_infinity_keeps_its_member_and_ts1_does_not():
    kept, mixed = movers("ts_infinity"), movers("ts1")
    assert (kept == kept[0]).all()
    assert not (mixed == mixed[0]).all()
    assert {*mixed[:, 0, 0].tolist()} > {mixed[0, 0, 0].item()}


@pytest.mark.parametrize("propagation", ["ts1", "ts_infinity"])
def test_every_candidate_meets_every_member_equally_often_and_in_the_same_order(propagation):
    found = movers(propagation)
    for step in found:
        for row in step.T:
            assert row.bincount(minlength=5).tolist() == [2] * 5
        assert (step == step[:, :1]).all(), "a candidate that meets kinder members looks better"


def test_particles_share_no_noise_and_candidates_share_all_of_it():
    """Two equal plans are worth the same; two particles of one plan never are."""
    model = ensemble(1, low=-1.0, high=0.0)
    step = trajectory_sampling(model, members=[0], propagation="ts1", generator=seeded())
    after, reward = step(torch.zeros(6, 5, 3), torch.zeros(5, 2))
    assert len(after[:, 0, 0].unique()) == len(reward[:, 0].unique()) == 6
    assert after.equal(after[:, :1].expand_as(after)) and reward.equal(reward[:, :1].expand(6, 5))


def test_noise_is_as_wide_as_the_member_says():
    model = ensemble(1, low=-1.0, high=0.0)
    step = trajectory_sampling(model, members=[0], propagation="ts_infinity", generator=seeded())
    obs, act = torch.zeros(4000, 1, 3), torch.zeros(1, 2)
    expected = predict(model, obs[0], act)
    after, reward = step(obs, act)
    drawn = torch.cat([after[:, 0], reward], dim=1)
    torch.testing.assert_close(drawn.mean(dim=0), expected.mean[0, 0], rtol=0, atol=0.06)
    torch.testing.assert_close(drawn.var(dim=0), expected.var[0, 0], rtol=0.1, atol=0)


def test_one_certain_member_is_plain_planning_with_a_function():
    """No particle differs from another, and the value is that of a rollout of the member's mean."""
    model = certain(1)
    start = torch.randn(1, 3, generator=seeded(1))
    plans = 2 * torch.rand(1, 8, 6, 2, generator=seeded(2)) - 1
    values = []
    for actions in plans[0]:
        obs, earned = start, 0.0
        for action in actions:
            mean = predict(model, obs, action[None]).mean[0]
            obs, earned = mean[:, :3], earned + mean[0, 3].item()
        values.append(earned)
    for propagation in ("ts1", "ts_infinity"):
        for particles in (1, 4):
            step = trajectory_sampling(
                model, members=[0], propagation=propagation, generator=seeded()
            )
            ours = plan_values(step, never, start, plans, particles=particles)
            torch.testing.assert_close(ours[0], torch.tensor(values), rtol=1e-3, atol=1e-4)


def test_a_given_reward_replaces_the_learned_one():
    def reward(obs, act, next_obs):
        return obs[:, 0] + 10 * act[:, 0] + 100 * next_obs[:, 0]

    plans = torch.full((1, 1, 2, 1), 0.5)
    value = plan_values(with_reward(line, reward), never, torch.zeros(1, 1), plans, particles=3)
    assert value.item() == pytest.approx(0 + 5 + 50 + 0.5 + 5 + 100)


# The plan.


def toward(target):
    """Return how plans are valued that are to stay at `target`."""
    return lambda plans: -((plans - target) ** 2).sum(dim=(2, 3))


def test_what_is_left_of_a_plan_is_where_the_next_search_begins():
    left = shifted(torch.tensor([0.1, 0.2, 0.3]).view(1, 3, 1))
    torch.testing.assert_close(left.flatten(), torch.tensor([0.2, 0.3, 0.0]))
    assert no_plan(2, horizon=3, act_size=1).shape == (2, 3, 1)


def test_a_search_begins_at_the_plan_before_with_the_first_variance():
    """With momentum 0.9 and one iteration, nine tenths of the plan before are still there."""
    before = torch.full((1, 2, 1), 0.5)
    config = CEMConfig(candidates=20, elites=2, iterations=1, momentum=0.9)
    found = plan(toward(-1.0), before, config, generator=seeded())
    assert (0.3 <= found.actions).all() and (found.actions < 0.5).all()
    assert (found.var >= 0.9 * FIRST_VARIANCE - 1e-6).all()
    assert found.iterations == 1


def test_a_wrong_number_of_particles_is_named():
    step = trajectory_sampling(ensemble(), members=range(5), propagation="ts1", generator=seeded())
    with pytest.raises(ValueError, match="particles must be a multiple of 5 members, not 4"):
        step(torch.zeros(4, 2, 3), torch.zeros(2, 2))
    config = PlannerConfig(particles=4)
    with pytest.raises(
        ValueError, match="particles must be a multiple of 5, the members that plan"
    ):
        config.check_members(5)
    with pytest.raises(ValueError, match="members must name one or more of the members 0 to 4"):
        trajectory_sampling(ensemble(), members=[5], propagation="ts1", generator=seeded())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"horizon": 0}, "horizon must be at least 1, not 0"),
        ({"particles": 0}, "particles must be at least 1, not 0"),
    ],
)
def test_what_a_planner_cannot_be(change, message):
    with pytest.raises(ValueError, match=message):
        replace(PlannerConfig(), **change)


def test_no_particle_is_named():
    with pytest.raises(ValueError, match="particles must be at least 1, not 0"):
        plan_values(line, never, torch.zeros(2, 1), torch.zeros(2, 3, 4, 1), particles=0)

"""MBPO: with real data only it is SAC, Algorithm 2 step by step, and a world it must solve.

Every mistake that peers made here has a test that fails when it is made again: an end of time taken
for an end of the world, a wrong rule for the end of imagined branches, elites that are never chosen
again, a schedule of k that is computed and not used, actions that are not scaled, real data that
wait for the end of the episode, and a policy that imagines without noise.
"""

import dataclasses
import functools
import inspect
import re
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from trainings import MOMENT, ledge, same

from mbpo_teach.algorithms import mbpo
from mbpo_teach.algorithms.agent import PARTS
from mbpo_teach.algorithms.mbpo import (
    Horizon,
    MBPOConfig,
    mbpo_agent,
    mixed_batches,
    real_rows,
    row_draws,
    train_mbpo,
)
from mbpo_teach.algorithms.model_free import ModelFreeConfig, train_sac
from mbpo_teach.ground import seeding
from mbpo_teach.learner.sac import SACConfig, policy_of
from mbpo_teach.model.fit import FitConfig
from mbpo_teach.world.replay import ReplayBuffer
from mbpo_teach.world.transitions import Transition, concatenate, rows

__all__ = ["ledge"]  # a fixture

WORLDS = ("Pendulum-v1", "InvertedPendulum-v5")


@pytest.fixture(scope="module")
def reports():
    return list(train_mbpo("InvertedPendulum-v5", MOMENT, seed=3))


@functools.cache
def watched(name, config=MOMENT, seed=0):
    """Train, and tell what was fitted, imagined and learned from."""
    agent = mbpo_agent(name, config, seed=seed)
    seen = SimpleNamespace(
        agent=agent, fits=[], branches=[], elites=[], updates=[], taken=[], dreams=[]
    )
    fit_ensemble, sample_step = mbpo.fit_ensemble, mbpo.sample_step
    branched_rollout, make_update = mbpo.branched_rollout, mbpo.make_update

    def fit(model, data, *args, **more):
        fitted = fit_ensemble(model, data, *args, **more)
        seen.fits.append((data, fitted))
        return fitted

    def step(*args, elites, **more):
        seen.elites.append((len(seen.fits), elites))
        return sample_step(*args, elites=elites, **more)

    def walk(model_step, policy, termination, starts, *, length):
        walked = branched_rollout(model_step, policy, termination, starts, length=length)
        lived, learner = agent.memory.all().obs, agent.learner
        seen.branches.append(
            SimpleNamespace(starts=starts, walked=walked, lived=lived, learner=learner)
        )
        return walked

    def make(sac):
        update = make_update(sac)

        def counted(learner, batch, noise):
            seen.updates.append((agent.step, len(agent.memory), len(batch.obs)))
            seen.taken.append((batch.obs, noise))
            return update(learner, batch, noise)

        return counted

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(mbpo, "fit_ensemble", fit)
        patched.setattr(mbpo, "sample_step", step)
        patched.setattr(mbpo, "branched_rollout", walk)
        patched.setattr(mbpo, "make_update", make)
        seen.reports = []
        for report in train_mbpo(name, config, seed=seed, agent=agent):
            seen.reports.append(report)
            dreams = agent.imagination.memory
            seen.dreams.append((dreams.capacity, dreams.all()))
    return seen


MANY = dataclasses.replace(MOMENT, rollout_batch=500)

# Many branches, and time for episodes that end in both ways.
LONGER = dataclasses.replace(MOMENT, total_steps=200, rollout_batch=200)


# Identities.


@pytest.mark.parametrize("name", WORLDS)
def test_with_real_data_only_it_is_sac_bit_for_bit(name):
    """The model is fitted and imagines all the same; nothing of it may reach the learner."""
    short = dataclasses.replace(MOMENT, total_steps=100, random_steps=40)
    alone = ModelFreeConfig(
        total_steps=100, random_steps=40, updates_per_step=2, report_every=20, sac=MOMENT.sac
    )
    theirs = list(train_sac(name, alone, seed=5))[1:]
    ours = list(train_mbpo(name, dataclasses.replace(short, real_ratio=1.0), seed=5))
    assert [report.step for report in ours] == [40, 60, 80, 100]
    for report, sac in zip(ours, theirs, strict=True):
        assert report.step == sac.step and same(report.learner, sac.learner)
        assert report.returns.equal(sac.returns) and report.train_return == sac.train_return
        assert report.temperature == sac.temperature
    assert ours[-1].learner.updates == 120
    *_, mixed = train_mbpo(name, short, seed=5)
    assert not same(mixed.learner, ours[-1].learner), "a test that sees no difference"


def test_the_same_seed_gives_the_same_bits_and_another_others(reports):
    again = train_mbpo("InvertedPendulum-v5", MOMENT, seed=3)
    for ours, theirs in zip(reports, again, strict=True):
        assert same(ours.learner, theirs.learner) and ours.returns.equal(theirs.returns)
        for name in ("step", "train_return", "rollout_length", "model_holdout", "temperature"):
            assert getattr(ours, name) == getattr(theirs, name)
    other = next(train_mbpo("InvertedPendulum-v5", MOMENT, seed=4))
    assert not same(other.learner, reports[0].learner)


def test_everything_is_made_where_the_agent_lives(reports):
    """What does not say where it is made would be made on "meta", which has no numbers."""
    with torch.device("meta"):
        agent = mbpo_agent("InvertedPendulum-v5", MOMENT, seed=3, device="cpu")
        again = list(train_mbpo("InvertedPendulum-v5", MOMENT, seed=3, agent=agent))
    for ours, theirs in zip(again, reports, strict=True):
        assert same(ours.learner, theirs.learner) and ours.returns.equal(theirs.returns)
        assert ours.imagined_error == theirs.imagined_error and ours.believed == theirs.believed


def test_streams_and_memories_are_made_on_the_device_asked_for(monkeypatch):
    """Weights live where their stream does. "meta" has none: here they are the processor's."""
    here, asked = torch.Generator, []
    monkeypatch.setattr(torch, "Generator", lambda where: asked.append(where) or here("cpu"))
    agent = mbpo_agent("Pendulum-v1", MOMENT, seed=3, device="meta")
    assert asked == ["meta", "meta"], "for the learner's weights and the model's"
    assert agent.device.type == agent.imagination.memory.device.type == "meta"


def test_no_global_generator_is_touched():
    torch.manual_seed(1)
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    next(train_mbpo("InvertedPendulum-v5", MOMENT, seed=0))
    assert torch.get_rng_state().equal(before[0])
    np.testing.assert_array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002


# What is reported, and the text of the loop.


def test_it_reports_before_each_refit_and_after_the_last_step(reports):
    assert [report.step for report in reports] == [30, 50, 70, 90, 110, 130]
    assert [report.rollout_length for report in reports] == [None, 1, 2, 3, 4, 4]
    assert [report.model_holdout is None for report in reports] == [True] + [False] * 5
    assert [report.losses is None for report in reports] == [True] + [False] * 5
    assert [report.learner.updates.item() for report in reports] == [0, 40, 80, 120, 160, 200]
    assert all(report.returns.shape == (10,) for report in reports)
    config = dataclasses.replace(MOMENT, total_steps=55)
    assert [report.step for report in train_mbpo("Pendulum-v1", config, seed=0)] == [30, 50, 55]


def test_times_are_told_by_part_and_only_grow(reports):
    for before, after in pairwise(reports):
        assert tuple(after.spent) == PARTS
        assert all(before.spent[part] <= after.spent[part] for part in PARTS)
        assert after.seconds == sum(after.spent.values()) > before.seconds
    assert all(reports[-1].spent[part] > 0 for part in PARTS)


def test_reports_are_frozen(reports):
    with pytest.raises(dataclasses.FrozenInstanceError):
        reports[0].step = 5
    assert not reports[-1].learner.actor.weights.equal(reports[0].learner.actor.weights)


def test_the_reported_error_is_the_elites():
    seen = watched("Pendulum-v1")
    for (_, fitted), report in zip(seen.fits, seen.reports[1:], strict=True):
        worst = sum(sorted(fitted.holdout)[:2]) / 2
        assert report.model_holdout == pytest.approx(worst)


def test_the_loop_is_short_and_has_the_lines_of_algorithm_2_beside_it():
    text = inspect.getsource(train_mbpo)
    assert len(text.splitlines()) <= 60
    assert inspect.isgeneratorfunction(inspect.unwrap(train_mbpo))
    beside = set()
    for first, joint, last in re.findall(r"# lines? (\d+)(?: (to|and) (\d+))?", text):
        numbers = range(int(first), int(last or first) + 1)
        beside |= {*numbers} if joint != "and" else {int(first), int(last)}
    assert beside == set(range(1, 11))


def test_it_refits_each_period_from_the_last_random_step_on():
    at = [step for step in range(131) if MOMENT.refits_at(step)]
    assert at == [30, 50, 70, 90, 110, 130]
    longer = dataclasses.replace(MOMENT, model_period=200)
    assert [step for step in range(500) if longer.refits_at(step)] == [30, 230, 430]


# Algorithm 2, line by line.


def test_real_steps_reach_memory_fit_and_learner_when_they_are_lived():
    """The authors' reach them at the end of the episode: refits then see nothing new."""
    seen = watched("Pendulum-v1")
    assert [len(data.obs) for data, _ in seen.fits] == [30, 50, 70, 90, 110]
    expected = [(step, step, 16) for step in range(31, 131) for _ in range(2)]
    assert seen.updates == expected
    follows = seen.agent.memory.all()
    assert follows.obs[1:].equal(follows.next_obs[:-1])


def test_the_first_actions_are_uniform_and_learn_nothing():
    seen = watched("Pendulum-v1")
    explore = seeding.generator(0, "explore").uniform(-1, 1, (30, 1)).astype(np.float32)
    acts = seen.agent.memory.all().act
    assert acts[:30].equal(torch.from_numpy(explore))
    assert not acts[30:60].equal(acts[:30])


@pytest.mark.parametrize(("first", "steps"), [(None, [6, 6, 6]), (9, [9, 6, 6]), (2, [2, 6, 6])])
def test_the_first_fit_has_a_bound_of_its_own(first, steps):
    config = dataclasses.replace(MOMENT, total_steps=75, first_fit_steps=first)
    agent = mbpo_agent("Pendulum-v1", config, seed=0)
    taken = []
    for step in (30, 50, 70):
        agent.step = step
        agent.memory.add(rows(random_rows(step), slice(30 if step == 30 else 20)))
        fitted = fitting(agent, config)
        taken.append(fitted.steps)
    assert taken == steps


def fitting(agent, config):
    """Refit the model of `agent`; return what the fit reports."""
    told, fit_ensemble = [], mbpo.fit_ensemble
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(
            mbpo,
            "fit_ensemble",
            lambda *a, **more: told.append(fit_ensemble(*a, **more)) or told[0],
        )
        mbpo.fit_model(agent, config)
    return told[0]


def random_rows(seed):
    draw = functools.partial(torch.randn, generator=seeding.torch_generator(seed, "rows"))
    alive = torch.zeros(30, dtype=torch.bool)
    return Transition(draw(30, 3), draw(30, 1).tanh(), draw(30), draw(30, 3), alive)


def test_the_elites_of_the_last_fit_imagine():
    """And of no earlier one: a list of elites that is made once is soon a list of any members."""
    seen = watched("Pendulum-v1")
    ranked = [tuple(np.argsort(fitted.holdout)[:2].tolist()) for _, fitted in seen.fits]
    assert len({frozenset(best) for best in ranked}) > 1, "a test that sees no difference"
    assert [number for number, _ in seen.elites] == [1, 2, 2, 3, 3, 3, *[4] * 4, *[5] * 4]
    assert all(tuple(elites) == ranked[number - 1] for number, elites in seen.elites)


def test_branches_start_from_states_really_visited_all_of_them_alike():
    seen = watched("Pendulum-v1", MANY)
    for branch in seen.branches:
        same_state = (branch.starts[:, None] == branch.lived).all(dim=2)
        assert len(branch.starts) == 500 and same_state.sum(dim=1).eq(1).all()
        times = same_state.sum(dim=0)
        expected = 500 / len(branch.lived)
        # Six standard deviations of how often one of them is drawn.
        assert (times - expected).abs().max() < 6 * expected**0.5


def test_imagined_actions_are_drawn_from_the_present_policy():
    """Not its means: the same state twice gives two actions."""
    seen = watched("Pendulum-v1", MANY)
    for branch in seen.branches:
        acts, starts = branch.walked.transitions.act[:500], branch.starts
        assert len(acts.unique()) == 500 > len(starts.unique(dim=0))
        greedy = policy_of(branch.learner, MOMENT.sac, act_size=1)(starts)
        assert (acts - greedy).abs().mean() > 0.3
        assert acts.min() > -1 and acts.max() < 1
    one, other = (seen.branches[place].learner.actor.weights for place in (0, -1))
    assert not one.equal(other), "a test in which no policy is older than another"


def test_branches_are_as_long_as_the_schedule_says_and_reach_the_memory():
    """Pendulum ends no branch, so each has k steps: 1, 2, 3, 4, 4 of them here."""
    seen = watched("Pendulum-v1")
    lengths = [MOMENT.horizon.at(step) for step in (30, 50, 70, 90, 110)]
    assert lengths == [1, 2, 3, 4, 4]
    for k, branch in zip(lengths, seen.branches, strict=True):
        assert branch.walked.step.tolist() == [i for i in range(1, k + 1) for _ in range(25)]
    held, reached = None, []
    for k, branch, (capacity, dreams) in zip(lengths, seen.branches, seen.dreams[1:], strict=True):
        fresh = branch.walked.transitions
        held = fresh if held is None else concatenate([held, fresh])
        held = rows(held, slice(-k * 25 * 2, None))
        assert capacity == k * 25 * 2
        assert same(tuple(dreams), tuple(held))
        reached.append(len(dreams.obs))
    assert reached == [25, 75, 150, 200, 200]


def test_a_shorter_horizon_keeps_the_newest():
    shrinking = Horizon(first=3, last=1, first_step=30, last_step=50)
    seen = watched("Pendulum-v1", dataclasses.replace(MOMENT, horizon=shrinking, total_steps=60))
    (_, old), (capacity, dreams) = seen.dreams[1:]
    assert (len(old.obs), capacity, len(dreams.obs)) == (75, 50, 50)
    fresh = seen.branches[1].walked.transitions
    assert same(tuple(dreams), tuple(concatenate([rows(old, slice(-25, None)), fresh])))


def test_a_time_limit_is_no_end_and_an_end_is_one(ledge):
    """Of the episodes on the ledge some end by a fall and some because time runs out."""
    seen = watched(ledge, LONGER)
    lived = seen.agent.memory.all()
    assert lived.terminated.equal(lived.next_obs[:, 0] > 2)
    assert lived.terminated.any()
    new_episodes = (lived.obs[1:] != lived.next_obs[:-1]).any(dim=1)
    out_of_time = new_episodes & ~lived.terminated[:-1]
    assert out_of_time.any(), "a test in which time never runs out"
    pendulum = watched(
        "Pendulum-v1",
        dataclasses.replace(MOMENT, total_steps=450, random_steps=400, model_period=50),
    )
    assert not pendulum.agent.memory.all().terminated.any()


def test_branches_end_where_the_world_does(ledge):
    """By its own rule, applied to imagined states; nothing goes on from beyond the end."""
    seen = watched(ledge, LONGER)
    walked = concatenate([branch.walked.transitions for branch in seen.branches])
    assert walked.terminated.equal(walked.next_obs[:, 0] > 2)
    assert 0 < walked.terminated.sum() < len(walked.obs)
    assert walked.obs.max() <= 2
    capacity, dreams = seen.dreams[-1]
    assert dreams.terminated.any() and len(dreams.obs) <= capacity


def test_the_pole_falls_in_imagination_as_it_does_in_the_world():
    seen = watched("InvertedPendulum-v5", LONGER)
    lived, (_, dreams) = seen.agent.memory.all(), seen.dreams[-1]
    for steps in (lived, dreams):
        fallen = steps.next_obs[:, 1].abs() > 0.2
        assert steps.terminated.equal(fallen)
        assert 0 < fallen.sum() < len(fallen)
        assert steps.obs[:, 1].abs().max() <= 0.2


def test_actions_reach_from_one_bound_of_the_world_to_the_other(ledge):
    """What is stored lies in [-1, 1]; the place moves by half of it, so the world got 4 + 2 a."""
    lived = watched(ledge, LONGER).agent.memory.all()
    assert lived.act.min() < -0.9 and lived.act.max() > 0.9
    torch.testing.assert_close(lived.next_obs - lived.obs, 0.5 * lived.act)


@pytest.mark.parametrize(("ratio", "real"), [(0.0, 0), (0.05, 12), (0.5, 128), (1.0, 256)])
def test_a_batch_is_real_and_imagined_in_the_ratio_asked_for(ratio, real):
    assert real_rows(256, ratio) == real
    config = dataclasses.replace(
        MOMENT, real_ratio=ratio, sac=SACConfig(hidden=(8, 8), batch_size=256)
    )
    agent = mbpo_agent("Pendulum-v1", config, seed=0)
    agent.imagination.memory = ReplayBuffer(50, obs_size=3, act_size=1)
    for memory, mark in ((agent.memory, 1.0), (agent.imagination.memory, -1.0)):
        if (mark == 1.0 and real) or (mark == -1.0 and real < 256):  # else it may be empty
            number = mark * torch.arange(1.0, 51.0)
            wide = number[:, None].expand(-1, 3)
            memory.add(Transition(wide, wide[:, :1], number, wide, number > 0))
    batches = mixed_batches(agent, config)
    assert len(batches) == config.updates_per_step > 1
    for batch in batches:
        assert [len(column) for column in batch] == [256] * 5
        assert (batch.reward > 0).sum() == real
        assert batch.obs[:, 0].equal(batch.reward) and batch.terminated.equal(batch.reward > 0)
    one, other, *_ = batches
    again, *_ = mixed_batches(agent, config)
    assert not one.reward.equal(other.reward) and not one.reward.equal(again.reward)


def test_every_update_has_rows_and_noise_of_its_own():
    for kind in zip(*watched("Pendulum-v1").taken, strict=True):
        assert len({tuple(one.flatten().tolist()) for one in kind}) == len(kind) > 100


def test_real_rows_are_rounded_down_but_not_by_rounding_errors():
    assert [real_rows(256, 0.05), real_rows(100, 0.29), real_rows(10, 0.19)] == [12, 29, 1]


# It works, and what it refuses.


def test_how_often_an_imagined_row_is_drawn():
    """The authors' settings: 250 x 20 x 244 of 100,000; the moment's: 20 x 2 x 16 of 25 k."""
    assert row_draws(MBPOConfig(total_steps=1), 1) == pytest.approx(12.2)
    assert row_draws(MBPOConfig(total_steps=1, retained=1), 1) == pytest.approx(12.2)
    assert row_draws(MOMENT, 4) == pytest.approx(20 * 2 * 16 / 25 / 4)
    with pytest.raises(ValueError, match="length must be at least 1, not 0"):
        row_draws(MOMENT, 0)


def test_it_solves_a_trivial_world(ledge):
    config = MBPOConfig(
        total_steps=220,
        random_steps=100,
        model_period=40,
        updates_per_step=5,
        rollout_batch=200,
        retained=2,
        members=3,
        model_hidden=(32,),
        fit=FitConfig(
            elites=2,
            weight_decay=(0.0, 0.0),
            max_steps=150,
            learning_rate=1e-2,
            batch_size=64,
        ),
        sac=SACConfig(
            hidden=(32, 32),
            batch_size=64,
            learning_rate=5e-3,
            gamma=0.9,
            tau=0.05,
            target_entropy=-1.0,
        ),
    )
    first, *_, last = train_mbpo(ledge, config, seed=1)
    # Standing still in the middle earns 0. From -1 the best is 17, from 1 it is 20. Five seeds
    # reached 12.5 to 17.3 here, this one 17.3; so there is room for another machine's rounding.
    assert first.returns.mean() < 0
    assert last.returns.mean() > 12


BAD = {
    "total_steps": [0, -3, 2.5, True, "10"],
    "random_steps": [0, 5.0],
    "model_period": [0, None],
    "updates_per_step": [0, 1.5],
    "rollout_batch": [0, 1e5],
    "retained": [0, False],
    "members": [0, 2.0],
    "capacity": [0, 1e6],
    "first_fit_steps": [0, 6000.0],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in BAD.items() for value in values]
)
def test_a_count_that_is_none_is_named(name, value):
    with pytest.raises(ValueError) as refused:
        dataclasses.replace(MOMENT, **{name: value})
    assert str(refused.value) in (
        f"{name} must be a whole number of at least 1, not {value!r}",
        f"{name} must be at least 1, not {value}",
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"real_ratio": 1.01}, r"real_ratio must be in \[0, 1\], not 1.01"),
        ({"real_ratio": -0.1}, r"real_ratio must be in \[0, 1\], not -0.1"),
        ({"real_ratio": "half"}, r"real_ratio must be in \[0, 1\], not 'half'"),
        ({"capacity": 5}, "capacity must be at least 6, two for each of 3 members.*not 5"),
        ({"real_ratio": float("nan")}, r"real_ratio must be in \[0, 1\], not nan"),
        ({"random_steps": 5}, "random_steps must be at least 6, two for each of 3 members.*not 5"),
        ({"members": 1}, "fit.elites must be at most the number of members, 1, not 2"),
        ({"model_hidden": 8}, "model_hidden must be a tuple of widths, not 8"),
        ({"model_hidden": (8, 0)}, "model_hidden must be at least 1, not 0"),
        ({"model_hidden": (8.5,)}, "model_hidden must be a whole number of at least 1, not 8.5"),
    ],
)
def test_a_wrong_setting_is_one_sentence(settings, message):
    with pytest.raises(ValueError, match=message) as refused:
        dataclasses.replace(MOMENT, **settings)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"first": 0}, "first must be at least 1, not 0"),
        ({"last": 2.5}, "last must be a whole number of at least 1, not 2.5"),
        ({"first": True}, "first must be a whole number of at least 1, not True"),
        ({"first": "3"}, "first must be a whole number of at least 1, not '3'"),
        ({"first_step": 5, "last_step": 5}, "first_step must be below last_step, 5, not 5"),
        ({"last_step": 10.5}, "last_step must be a whole number of at least 1, not 10.5"),
    ],
)
def test_a_wrong_horizon_is_one_sentence(settings, message):
    with pytest.raises(ValueError, match=message):
        Horizon(**settings)


def test_decays_for_another_model_are_refused_before_anything_is_lived():
    deep = dataclasses.replace(MOMENT, model_hidden=(8, 8))
    with pytest.raises(ValueError, match=r"^fit\.weight_decay must have .* 3 layers .*, not 2"):
        next(train_mbpo("Pendulum-v1", deep, seed=0))


def test_an_unknown_world_is_one_sentence():
    with pytest.raises(ValueError, match="name must be an environment of Gymnasium"):
        next(train_mbpo("Nonsense-v0", MOMENT, seed=0))

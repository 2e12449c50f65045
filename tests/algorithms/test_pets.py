"""PETS as a training: what it does at each step, and a world that it must solve."""

from dataclasses import replace

import pytest
import torch
from trainings import PLANNED, ledge

from mbpo_teach.algorithms import pets
from mbpo_teach.algorithms.agent import PARTS
from mbpo_teach.algorithms.pets import followed, pets_agent, planned, planning, train_pets
from mbpo_teach.planner.cem import CEMConfig
from mbpo_teach.planner.pets import PlannerConfig
from mbpo_teach.world.envs import make
from mbpo_teach.world.evaluate import Judged

__all__ = ["ledge"]  # a fixture


@pytest.fixture
def one_judge(monkeypatch):
    """Nothing is judged: ten episodes of 200 steps would be the whole test."""
    monkeypatch.setattr(pets, "episodes", lambda judges, act: Judged(*[torch.zeros(10)] * 3))


@pytest.fixture
def watched(monkeypatch):
    """What every search began with, found, and saw, and the steps lived before each fit."""
    seen = {"before": [], "found": [], "fits": []}
    search, fit = pets.plan, pets.fit_model

    def kept(evaluate, before, config, *, generator):
        found = search(evaluate, before, config, generator=generator)
        seen["before"].append(before.clone())
        seen["found"].append(found.actions.clone())
        return found

    def fitted(agent, config):
        seen["fits"].append(agent.step)
        fit(agent, config)

    monkeypatch.setattr(pets, "plan", kept)
    monkeypatch.setattr(pets, "fit_model", fitted)
    return seen


def test_it_plans_at_every_step_after_the_random_ones_and_refits_on_time(watched, one_judge):
    agent = pets_agent("Pendulum-v1", PLANNED, seed=1)
    reports = list(train_pets("Pendulum-v1", PLANNED, seed=1, agent=agent))
    assert [report.step for report in reports] == [45, 60, 75]
    assert watched["fits"] == [30, 50, 70]
    assert len(watched["found"]) == 45
    first_actions = torch.stack([found[0, 0] for found in watched["found"]])
    assert agent.memory.all().act[30:].equal(first_actions), "the first action of each plan is done"
    assert all(report.rollout_length == 3 and report.model_holdout > 0 for report in reports)
    assert {*reports[-1].spent} == {*PARTS} and reports[-1].spent["rollouts"] > 0
    assert reports[-1].spent["sac"] == 0


def test_each_search_begins_at_the_plan_before_shifted_by_one(watched, one_judge):
    list(train_pets("Pendulum-v1", PLANNED, seed=1))
    assert watched["before"][0].abs().max() == 0
    for before, found in zip(watched["before"][1:], watched["found"], strict=False):
        assert before[:, :-1].equal(found[:, 1:]) and before[:, -1].abs().max() == 0


def test_a_new_episode_begins_with_no_plan(watched, one_judge):
    """A pole falls within some dozen steps; what was planned for it is of no use to the next."""
    config = replace(PLANNED, total_steps=130)
    agent = pets_agent("InvertedPendulum-v5", config, seed=0)
    begins = []

    act = planned(agent, config)
    for step in range(130):
        if config.refits_at(step):
            pets.fit_model(agent, config)
        begins.append(agent.life.obs is None)
        pets.live(agent, act)
    blank = [before.abs().max().item() == 0 for before in watched["before"]]
    assert sum(begins[30:]) >= 3
    for begin, empty in zip(begins[30:], blank, strict=True):
        assert empty or not begin
    assert not all(blank)


def test_every_start_is_judged_with_a_plan_of_its_own():
    """Poles fall one after the other; each plan holds its place's number, and stays with it."""
    asked = []

    def search(obs, before):
        if not asked:
            before = before + torch.tensor([-0.9, 0.2, 0.6])[:, None, None]
        asked.extend(before[:, 0, 0].tolist())
        return before[:, :1].expand_as(before).clone()

    judges = [make("InvertedPendulum-v5") for _ in range(3)]
    act = followed(search, judges, PlannerConfig(horizon=2))
    reached = pets.episodes(judges, act, seeds=(0, 1, 2)).returns
    steps = [sum(abs(one - code) < 1e-6 for one in asked) for code in (-0.9, 0.2, 0.6)]
    # A pole that falls is paid 1 for each step but the last.
    assert steps == [int(one) + 1 for one in reached] and steps[0] < max(steps)
    assert sum(steps) == len(asked)


def test_judging_changes_nothing_of_what_is_lived(monkeypatch):
    """It draws from a stream of its own."""
    lived = []
    for judged in (True, False):
        if not judged:
            monkeypatch.setattr(
                pets, "episodes", lambda judges, act: Judged(*[torch.zeros(10)] * 3)
            )
        agent = pets_agent("InvertedPendulum-v5", PLANNED, seed=2)
        list(train_pets("InvertedPendulum-v5", PLANNED, seed=2, agent=agent))
        lived.append(agent.memory.all().obs)
    assert lived[0].equal(lived[1])


def test_the_same_seed_lives_the_same(one_judge):
    def lived(seed):
        agent = pets_agent("Pendulum-v1", PLANNED, seed=seed)
        list(train_pets("Pendulum-v1", PLANNED, seed=seed, agent=agent))
        return agent.memory.all().obs

    assert lived(1).equal(lived(1)) and not lived(1).equal(lived(2))


def test_it_learns_to_stay_on_the_ledge(ledge):
    """The trivial world: walk up to the edge and not over it; a plan asks where it ends."""
    config = replace(
        PLANNED,
        total_steps=110,
        random_steps=100,
        report_every=60,
        fit=replace(PLANNED.fit, max_steps=200, batch_size=32, learning_rate=1e-2),
        planner=PlannerConfig(
            horizon=4, particles=2, cem=CEMConfig(candidates=30, elites=5, iterations=3)
        ),
    )
    agent = pets_agent(ledge, config, seed=0)
    reports = list(train_pets(ledge, config, seed=0, agent=agent))
    chance = pets.episodes(
        pets.starting_places(ledge),
        lambda places, obs: 2 * torch.rand(len(obs), 1, generator=seeded()) - 1,
    )
    assert reports[-1].returns.mean() > chance.returns.mean() + 3


def seeded():
    return torch.Generator().manual_seed(0)


def test_a_planner_uses_the_elites(monkeypatch):
    chosen = []
    real = pets.trajectory_sampling

    def kept(model, *, members, propagation, generator):
        chosen.append(tuple(members))
        return real(model, members=members, propagation=propagation, generator=generator)

    monkeypatch.setattr(pets, "trajectory_sampling", kept)
    agent = pets_agent("Pendulum-v1", PLANNED, seed=1)
    agent.elites = (2, 0)
    obs = torch.from_numpy(make("Pendulum-v1").start(0))[None]
    planning(agent, PLANNED, "plans")(obs, agent.plan)
    assert chosen == [(2, 0)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"random_steps": 5}, "random_steps must be at least 6, two for each of 3 members"),
        ({"report_every": 0}, "report_every must be at least 1, not 0"),
        ({"members": 1}, "fit.elites must be at most the number of members, 1, not 2"),
    ],
)
def test_what_a_training_cannot_be(change, message):
    with pytest.raises(ValueError, match=message):
        replace(PLANNED, **change)


def test_particles_that_cannot_be_dealt_out_are_refused_before_a_step_is_lived():
    config = replace(PLANNED, planner=PlannerConfig(particles=3))
    with pytest.raises(ValueError, match="particles must be a multiple of 2"):
        pets_agent("Pendulum-v1", config, seed=0)

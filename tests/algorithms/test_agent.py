"""An agent between two steps: its clock, its report, and how it acts."""

import dataclasses
from itertools import count

import numpy as np
import pytest
import torch
from trainings import MOMENT

from mbpo_teach.algorithms import agent as agents
from mbpo_teach.algorithms.agent import (
    PARTS,
    ROWS_JUDGED,
    Clock,
    behaviour,
    learn,
    live,
    new_agent,
    report,
)
from mbpo_teach.algorithms.mbpo import mbpo_agent, train_mbpo
from mbpo_teach.ground import seeding
from mbpo_teach.learner.belief import belief
from mbpo_teach.learner.sac import Losses, policy_of
from mbpo_teach.model.errors import errors_of_rows
from mbpo_teach.world.evaluate import Judged, judged, starting_places
from mbpo_teach.world.transitions import Transition


@pytest.fixture
def clock():
    """A clock on which each look at the time is one second later."""
    ticks = count()
    return Clock(lambda: next(ticks))


def test_a_clock_adds_up_by_part(clock):
    assert clock.seconds == dict.fromkeys(PARTS, 0.0)
    for part in ("fit", "sac", "fit"):
        with clock(part):
            pass
    assert clock.seconds == {**dict.fromkeys(PARTS, 0.0), "fit": 2, "sac": 1}


def test_time_inside_another_part_is_counted_once(clock):
    """Looks at 0, 1, 2 and 3: of three seconds two are the outer part's, whatever the order."""
    for outer, inner in (("simulator", "rollouts"), ("fit", "fit")):
        with clock(outer), clock(inner):
            pass
    assert clock.seconds == {
        **dict.fromkeys(PARTS, 0.0), "simulator": 2, "rollouts": 1, "fit": 3
    }  # fmt: skip


def test_a_clock_counts_what_fails_too(clock):
    with pytest.raises(ZeroDivisionError), clock("rollouts"):
        1 / 0  # noqa: B018
    assert clock.seconds["rollouts"] == 1


def test_a_part_that_there_is_not_is_no_part(clock):
    with pytest.raises(KeyError), clock("lunch"):
        pass


def test_a_report_before_anything_was_learned():
    agent = mbpo_agent("Pendulum-v1", MOMENT, seed=0)
    judges = starting_places("Pendulum-v1")
    said = report(agent, MOMENT.sac, None, judges=judges)
    assert (said.step, said.train_return, said.losses) == (0, None, None)
    assert (said.rollout_length, said.model_holdout, said.temperature) == (None, None, 1.0)
    assert (said.entropy, said.batch_value, said.imagined_error) == (None, None, None)
    assert said.returns.shape == (10,) and said.returns.max() < 0
    assert said.seconds == said.spent["judging"] > 0
    agent.clock.seconds["fit"] = 5.0
    assert said.spent["fit"] == 0.0, "a report must not change afterwards"


def test_a_report_names_the_error_of_the_elites_only(monkeypatch):
    zeros = torch.zeros(10)
    nothing = Judged(torch.zeros(10, 3), zeros, zeros)
    monkeypatch.setattr(agents, "judged", lambda judges, policy, *, gamma: nothing)
    agent = mbpo_agent("Pendulum-v1", MOMENT, seed=0)
    dream = agent.imagination
    dream.elites, dream.holdout, dream.length = (2, 0), (0.1, 9.0, 0.3), 4
    said = report(agent, MOMENT.sac, None, judges=[agent.env])
    assert said.model_holdout == pytest.approx(0.2) and said.rollout_length == 4
    with pytest.raises(dataclasses.FrozenInstanceError):
        said.step = 3


def test_what_is_believed_stands_beside_what_is_reached():
    config = dataclasses.replace(MOMENT, total_steps=32)
    agent = mbpo_agent("Hopper-v5", config, seed=0)
    *_, last = train_mbpo("Hopper-v5", config, seed=0, agent=agent)
    judges = starting_places("Hopper-v5")
    before = {name: digits(made) for name, made in agent.streams.made.items()}
    said = report(agent, MOMENT.sac, last.losses, judges=judges)
    after = {name: digits(made) for name, made in agent.streams.made.items()}
    assert after == before, "judging takes nothing from the training"

    greedy = policy_of(agent.learner, MOMENT.sac, act_size=3)
    there = judged(judges, greedy, gamma=MOMENT.sac.gamma)
    believed = belief(agent.learner, MOMENT.sac, there.starts, act_size=3)
    assert said.believed == believed.value.mean().item()
    assert said.gap == believed.gap.mean().item() > 0
    assert said.reached == there.discounted.mean().item() < said.returns.mean().item()
    assert (said.batch_value, said.entropy) == (-last.losses.actor, last.losses.entropy)

    drawing = seeding.torch_generator(0, "judged rows", 32)
    drawn = agent.imagination.memory.sample(ROWS_JUDGED, generator=drawing)
    scale = agent.imagination.model.input_scale[:11]
    errors = errors_of_rows(judges[0], drawn, scale)
    assert said.imagined_error == errors.median().item() > 0


def digits(made):
    """Return where a stream stands, as something that can be compared."""
    torches = isinstance(made, torch.Generator)
    return made.get_state().tolist() if torches else made.bit_generator.state


def test_it_acts_at_random_first_and_then_as_its_policy_draws():
    agent = new_agent("Hopper-v5", MOMENT.sac, capacity=10, seed=4)
    act, obs = behaviour(agent, MOMENT.sac, random_steps=2), np.zeros(11, np.float32)
    uniform = seeding.generator(4, "explore").uniform(-1, 1, (2, 3)).astype(np.float32)
    for step in range(2):
        agent.step = step
        np.testing.assert_array_equal(act(obs), uniform[step])
    agent.step = 2
    first, second = act(obs), act(obs)
    assert first.shape == (3,) and not np.array_equal(first, second), "it has to explore"
    moved = agent.learner.actor.weights.clone() + 1
    agent.learner = agent.learner._replace(actor=agent.learner.actor._replace(weights=moved))
    assert act(obs).min() > 0.9, "it acts as the learner is now"
    with pytest.raises(ValueError, match="name must be an environment of Gymnasium"):
        new_agent("Nonsense-v0", MOMENT.sac, capacity=10, seed=4)


def test_a_step_that_is_lived_is_counted_remembered_and_timed(clock):
    agent = new_agent("Pendulum-v1", MOMENT.sac, capacity=10, seed=4)
    agent.clock, seen = clock, []

    def act(obs):
        seen.append((agent.step, obs))
        return np.full(1, 0.5, np.float32)

    for _ in range(3):
        live(agent, act)
    lived = agent.memory.all()
    assert agent.step == len(agent.memory) == 3
    assert [step for step, _ in seen] == [0, 1, 2], "it acts before the step is counted"
    assert lived.obs.equal(torch.from_numpy(np.stack([obs for _, obs in seen])))
    assert lived.obs[1:].equal(lived.next_obs[:-1]) and (lived.act == 0.5).all()
    assert clock.seconds == dict.fromkeys(PARTS, 0.0) | {"simulator": 3}


def test_learning_takes_a_step_for_each_batch_with_noise_of_its_own(clock):
    """The noise is the stream's next, (batch, 2, row, act), and losses are the last update's."""
    agent, taken = new_agent("Hopper-v5", MOMENT.sac, capacity=10, seed=4), []
    agent.clock, first = clock, agent.learner
    flags, zeros = torch.zeros(5, dtype=torch.bool), torch.zeros(5)
    batches = [
        Transition(torch.full((5, 11), number), torch.zeros(5, 3), zeros, torch.zeros(5, 11), flags)
        for number in (1.0, 2.0)
    ]

    def update(learner, batch, noise):
        taken.append((learner, batch, noise))
        counted = learner._replace(updates=learner.updates + 1)
        return counted, Losses(*(batch.obs[0, 0] * torch.ones(4)))

    losses = learn(agent, update, batches)
    noise = seeding.torch_generator(4, "noise")
    assert [batch for _, batch, _ in taken] == batches
    assert torch.stack([draw for *_, draw in taken]).equal(torch.randn(2, 2, 5, 3, generator=noise))
    assert taken[0][0] is first and taken[1][0].updates == 1 and agent.learner.updates == 2
    assert losses.critic == 2.0 and clock.seconds["sac"] == sum(clock.seconds.values()) == 1
    learn(agent, update, batches[:1])
    assert taken[-1][2].equal(torch.randn(1, 2, 5, 3, generator=noise)[0])

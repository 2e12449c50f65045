"""Branched rollouts against the true simulator, a Python loop, and by hand."""

import inspect
import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mbpo_teach.ground.seeding import generator
from mbpo_teach.model import errors, rollout
from mbpo_teach.world import envs, simulator, terminations
from mbpo_teach.world.transitions import rows


def counting_step(obs, act):
    """A world that adds the action to the state and pays the state."""
    return obs + act, obs[:, 0]


def one(obs):
    return torch.ones(len(obs), 1)


def beyond(limit):
    return lambda obs: obs[:, 0] >= limit


def test_branches_by_hand():
    starts = torch.tensor([[0.0], [2.0]])
    found = rollout.branched_rollout(counting_step, one, beyond(3), starts, length=3)
    # 0 -> 1 -> 2 -> 3 ends at its third step, 2 -> 3 at its first.
    assert found.transitions.obs[:, 0].tolist() == [0, 2, 1, 2]
    assert found.transitions.next_obs[:, 0].tolist() == [1, 3, 2, 3]
    assert found.transitions.reward.tolist() == [0, 2, 1, 2]
    assert found.transitions.terminated.tolist() == [False, True, False, True]
    assert found.step.tolist() == [1, 1, 2, 3]


@given(st.lists(st.integers(0, 8), min_size=1, max_size=6), st.integers(1, 6), st.integers(1, 9))
def test_branches_against_a_loop(starts, length, limit):
    found = rollout.branched_rollout(
        counting_step, one, beyond(limit), torch.tensor(starts)[:, None].float(), length=length
    )
    expected = []
    for start in starts:
        state = start
        for step in range(1, length + 1):
            expected.append((step, state, state + 1, state + 1 >= limit))
            state += 1
            if state >= limit:
                break
    moves = found.transitions
    columns = (found.step, moves.obs[:, 0], moves.next_obs[:, 0], moves.terminated)
    got = [tuple(row) for row in zip(*(c.tolist() for c in columns), strict=True)]
    assert sorted(got) == sorted(expected)
    assert found.step.tolist() == sorted(found.step.tolist())


def test_with_the_true_simulator_a_branch_is_real_steps():
    env = envs.make("Hopper-v5")
    states = errors.visited_states(env, count=5, every=9, rng=generator(0, "states"))
    actions = torch.tensor(generator(0, "act").uniform(-1, 1, (6, 3)), dtype=torch.float32)

    def policy(obs):  # a function of the observation, so that both walks act alike
        return torch.tanh(obs[:, :6] @ actions)

    real, _ = errors.real_rollouts(env, states, lambda obs, _: policy(obs), steps=6)

    def simulator_step(obs, act):
        steps = []
        for one_obs, one_act in zip(obs, act, strict=True):
            simulator.set_from_obs(env, one_obs.numpy())
            steps.append(env.step(one_act.numpy()))
        return torch.tensor(np.stack([s.obs for s in steps])), torch.tensor(
            [s.reward for s in steps]
        )

    found = rollout.branched_rollout(
        simulator_step, policy, terminations.termination_of("Hopper-v5"), real[:, 0], length=6
    )
    alive = ~real.isnan().any(dim=-1)
    for step in range(1, 7):
        reached = rows(found.transitions, found.step == step).next_obs
        # Observations are rounded to float32 between the steps of the branch only.
        torch.testing.assert_close(reached, real[alive[:, step], step], atol=5e-3, rtol=0)
    assert len(found.step) == int(alive[:, 1:].sum())
    env.close()


def test_a_branch_stops_when_all_have_ended():
    found = rollout.branched_rollout(counting_step, one, beyond(1), torch.zeros(4, 1), length=1000)
    assert found.step.tolist() == [1, 1, 1, 1]


def test_bad_rollouts_are_refused():
    starts = torch.zeros(2, 1)
    with pytest.raises(ValueError, match="length must be at least 1"):
        rollout.branched_rollout(counting_step, one, beyond(9), starts, length=0)
    with pytest.raises(ValueError, match="starts must hold at least one state"):
        rollout.branched_rollout(counting_step, one, beyond(9), starts[:0], length=1)

    with pytest.raises(ValueError, match="step 2 of the rollout: reward must hold finite numbers"):
        rollout.branched_rollout(
            lambda obs, act: (obs + 1, obs[:, 0] / (1 - obs[:, 0])), one, beyond(9), starts,
            length=3,
        )  # fmt: skip


def test_bad_starts_are_refused_also_where_no_test_checks_shapes():
    walk = inspect.unwrap(rollout.branched_rollout)  # without beartype, as learners have it
    with pytest.raises(ValueError, match=r"starts must have shape \(batch, obs\), not \(2,\)"):
        walk(counting_step, one, beyond(9), torch.zeros(2), length=1)
    with pytest.raises(ValueError, match="step 1 of the rollout: obs must be a tensor of torch"):
        walk(counting_step, one, beyond(9), torch.zeros(2, 1, dtype=torch.long), length=1)


NOT_A_COLUMN = {
    "act must have shape": {"policy": lambda obs: torch.ones(len(obs))},
    "act must hold finite": {"policy": lambda obs: torch.full((len(obs), 1), torch.nan)},
    # The classic: a reward of shape (batch, 1) that broadcasts to (batch, batch) later.
    r"reward must have shape \(2,\)": {"model_step": lambda obs, act: (obs + 1, obs)},
    r"next_obs must have shape \(2, 1\)": {
        "model_step": lambda obs, act: ((obs + 1)[:1], obs[:, 0])
    },
    "next_obs must hold finite": {"model_step": lambda obs, act: (obs / 0, obs[:, 0])},
    "next_obs must be a tensor of torch.float32": {
        "model_step": lambda obs, act: ((obs + 1).double(), obs[:, 0])
    },
    r"terminated must have shape \(2,\)": {"termination": lambda obs: obs > 9},
    # As an index, 0 and 1 would choose rows instead of telling which branches go on.
    "terminated must be a tensor of torch.bool": {"termination": lambda obs: obs[:, 0].long()},
    "obs must hold finite": {"starts": torch.tensor([[torch.nan], [0.0]])},
}


@pytest.mark.parametrize("message", NOT_A_COLUMN)
def test_a_callable_that_returns_no_column_is_refused(message):
    def later(obs, act):
        return obs * 0 + 1, obs[:, 0] * 0 + 1

    given = {
        "model_step": later,
        "policy": one,
        "termination": terminations.never,
        "starts": torch.zeros(2, 1),
    }
    with pytest.raises(ValueError, match=f"step 1 of the rollout: {message}"):
        rollout.branched_rollout(**given | NOT_A_COLUMN[message], length=2)


def test_callables_that_work_in_place_change_nothing_that_is_kept():
    def step_in_place(obs, act):
        reward = obs[:, 0].clone()
        obs += act
        act.zero_()
        return obs, reward

    def policy_in_place(obs):
        return obs.fill_(1)

    def end_in_place(obs):
        ended = obs[:, 0] >= 3
        obs.zero_()
        return ended

    starts = torch.tensor([[0.0], [2.0]])
    found = rollout.branched_rollout(step_in_place, policy_in_place, end_in_place, starts, length=3)
    expected = rollout.branched_rollout(counting_step, one, beyond(3), starts, length=3)
    assert starts.tolist() == [[0], [2]]
    for got, wanted in zip(found.transitions, expected.transitions, strict=True):
        assert torch.equal(got, wanted)


@pytest.mark.parametrize(("limit", "length"), [(1, 1000), (3, 5), (99, 4)])
def test_what_is_returned_holds_no_more_memory_than_it_shows(limit, length):
    starts = torch.zeros(4, 1)
    found = rollout.branched_rollout(counting_step, one, beyond(limit), starts, length=length)
    for column in (*found.transitions, found.step):
        assert len(column) == 4 * min(limit, length)
        assert column.untyped_storage().nbytes() == column.numel() * column.element_size()


@given(st.integers(0, 120_000), st.integers(1, 15), st.integers(1, 15))
def test_a_schedule_reaches_the_rollout(step, first, last):
    """The port whose schedule was computed and never applied made one step, always."""
    k = rollout.linear_horizon(step, first_step=20_000, last_step=100_000, first=first, last=last)
    found = rollout.branched_rollout(
        counting_step, one, terminations.never, torch.zeros(3, 1), length=k
    )
    assert len(found.step) == 3 * k
    assert found.step.max() == k
    assert min(first, last) <= k <= max(first, last)
    assert step > 20_000 or k == first
    assert step < 100_000 or k == last


def test_a_constant_schedule():
    lengths = {
        rollout.linear_horizon(step, first_step=0, last_step=7, first=4, last=4)
        for step in range(-3, 12)
    }
    assert lengths == {4}


@given(st.integers(1, 300), st.integers(1, 60), st.integers(1, 60), st.data())
def test_linear_horizon_cuts_off_the_exact_fraction(span, first, last, data):
    done = data.draw(st.integers(0, span))
    k = rollout.linear_horizon(5 + done, first_step=5, last_step=5 + span, first=first, last=last)
    assert k == math.floor(first + Fraction(done, span) * (last - first))


def test_linear_horizon_by_hand():
    hopper = {"first_step": 20_000, "last_step": 100_000, "first": 1, "last": 15}
    expected = {
        0: 1,
        20_000: 1,
        25_714: 1,
        25_715: 2,
        60_000: 8,
        99_999: 14,
        100_000: 15,
        10**9: 15,
    }
    assert {step: rollout.linear_horizon(step, **hopper) for step in expected} == expected
    # One step per epoch: as a float the share 31/58 times 58 is 30.999.
    assert rollout.linear_horizon(31, first_step=0, last_step=58, first=1, last=59) == 32


def test_bad_schedules_are_refused():
    with pytest.raises(ValueError, match="first_step must be below last_step"):
        rollout.linear_horizon(0, first_step=5, last_step=5, first=1, last=2)
    with pytest.raises(ValueError, match="last must be at least 1"):
        rollout.linear_horizon(0, first_step=0, last_step=5, first=1, last=0)

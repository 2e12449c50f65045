"""The ring buffer against a deque of the same length."""

from collections import deque

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mbpo_teach.world.replay import ReplayBuffer
from mbpo_teach.world.transitions import Transition, concatenate, rows

OBS, ACT = 3, 2


def batch(first, count):
    """Return rows that can be told apart: row i is made of the number first + i."""
    number = torch.arange(first, first + count, dtype=torch.float32)
    return Transition(
        obs=number[:, None] + torch.arange(OBS) / 10,
        act=-number[:, None] - torch.arange(ACT) / 10,
        reward=number * 2,
        next_obs=number[:, None] + 1 + torch.arange(OBS) / 10,
        terminated=number % 3 == 0,
    )


def filled(capacity, *counts):
    buffer, first = ReplayBuffer(capacity, obs_size=OBS, act_size=ACT), 0
    for count in counts:
        buffer.add(batch(first, count))
        first += count
    return buffer


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def equal(one, other):
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


@given(
    capacity=st.integers(1, 12),
    counts=st.lists(st.integers(0, 30) | st.just(1), max_size=12),
    seed=st.integers(0, 2**31),
)
def test_it_holds_what_a_deque_holds(capacity, counts, seed):
    buffer, oracle = ReplayBuffer(capacity, obs_size=OBS, act_size=ACT), deque(maxlen=capacity)
    added = 0
    for count in counts:
        fresh = batch(added, count)
        buffer.add(fresh)
        oracle.extend(rows(fresh, slice(i, i + 1)) for i in range(count))
        added += count
        assert len(buffer) == len(oracle)
        if oracle:
            assert equal(buffer.all(), concatenate(list(oracle)))
            drawn = torch.randint(len(oracle), (7,), generator=seeded(seed))
            expected = concatenate([oracle[i] for i in drawn])
            assert equal(buffer.sample(7, generator=seeded(seed)), expected)
            assert torch.equal(buffer.sample_states(7, generator=seeded(seed)), expected.obs)


def test_a_new_buffer_is_empty():
    buffer = filled(5)
    assert (len(buffer), buffer.capacity) == (0, 5)
    assert [len(column) for column in buffer.all()] == [0] * 5


def test_every_row_is_drawn_equally_often():
    """Also after the ring has gone round: 20,000 draws of 10 rows, six standard deviations."""
    buffer = filled(10, 13)
    drawn = buffer.sample(20_000, generator=seeded()).reward / 2
    counts = torch.bincount(drawn.long(), minlength=13)
    assert counts[:3].sum() == 0
    assert (counts[3:] - 2000).abs().max() < 6 * (20_000 * 0.1 * 0.9) ** 0.5


def test_rows_stay_together():
    drawn = filled(6, 4, 5).sample(100, generator=seeded())
    number = drawn.reward / 2
    for column, expected in zip(drawn, batch(0, 9), strict=True):
        assert torch.equal(column, expected[number.long()])


def test_a_buffer_filled_again_draws_the_same():
    """So a run that is stopped and goes on sees the same batches, wherever the ring began."""
    old = filled(10, 7, 8)
    new = ReplayBuffer(10, obs_size=OBS, act_size=ACT)
    new.add(old.all())
    assert equal(old.sample(50, generator=seeded(1)), new.sample(50, generator=seeded(1)))
    for buffer in (old, new):
        buffer.add(batch(100, 3))
    assert equal(old.all(), new.all())


def test_the_same_generator_draws_the_same_and_goes_on():
    buffer, generator = filled(10, 10), seeded(3)
    first = buffer.sample(20, generator=generator)
    assert equal(first, buffer.sample(20, generator=seeded(3)))
    assert not equal(first, buffer.sample(20, generator=generator))


def test_batches_drawn_together_are_those_drawn_one_by_one():
    buffer, together, single = filled(10, 13), seeded(4), seeded(4)
    for drawn in buffer.sample_batches(3, 7, generator=together):
        assert equal(drawn, buffer.sample(7, generator=single))
    assert torch.rand(1, generator=together) == torch.rand(1, generator=single)


def test_what_is_given_and_what_is_drawn_are_copies():
    buffer, given_rows = filled(10), batch(0, 4)
    buffer.add(given_rows)
    for column in (*given_rows, *buffer.all(), *buffer.sample(4, generator=seeded())):
        column.zero_()
    buffer.sample_states(4, generator=seeded()).zero_()
    assert equal(buffer.all(), batch(0, 4))


def test_columns_are_single_precision_and_bool():
    buffer, doubles = filled(10), batch(0, 4)
    buffer.add(doubles._replace(obs=doubles.obs.double(), reward=doubles.reward.long()))
    assert [column.dtype for column in buffer.all()] == [torch.float32] * 4 + [torch.bool]
    assert equal(buffer.all(), batch(0, 4))


def test_gradients_are_left_behind():
    buffer = filled(10)
    weight = torch.ones((), requires_grad=True)
    buffer.add(batch(0, 4)._replace(act=batch(0, 4).act * weight))
    assert not any(column.requires_grad for column in buffer.all())


BAD = {
    "obs": [
        (torch.zeros(4, OBS + 1), r"obs must have shape \(4, 3\), not \(4, 4\)"),
        (torch.zeros(OBS), r"obs must have shape \(3, 3\), not \(3,\)"),
        (torch.tensor(1.0), r"obs must have shape \('rows', 3\), not \(\)"),
        (torch.full((4, OBS), torch.nan), "obs must hold finite numbers; row 0"),
        ([[0.0] * OBS] * 4, "obs must be a tensor, not list"),
    ],
    "act": [(torch.zeros(3, ACT), r"act must have shape \(4, 2\), not \(3, 2\)")],
    "reward": [
        (torch.zeros(4, 1), r"reward must have shape \(4,\), not \(4, 1\)"),
        (torch.tensor([0.0, 0.0, 0.0, torch.inf]), "reward must hold finite numbers; row 3"),
        (torch.full((4,), 1e300, dtype=torch.float64), "reward must hold finite numbers; row 0"),
    ],
    "next_obs": [
        (torch.zeros(4, OBS).index_fill(0, torch.tensor(2), torch.nan), "next_obs.*row 2")
    ],
    "terminated": [
        (torch.zeros(4), "terminated must be bool, not torch.float32"),
        (torch.zeros(4, 1, dtype=torch.bool), r"terminated must have shape \(4,\), not \(4, 1\)"),
    ],
}


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [(column, value, message) for column, cases in BAD.items() for value, message in cases],
)
def test_bad_rows_are_refused_and_nothing_is_half_written(column, value, message):
    buffer = filled(6, 5)
    with pytest.raises(ValueError, match=message):
        buffer.add(batch(50, 4)._replace(**{column: value}))
    assert equal(buffer.all(), batch(0, 5))
    buffer.add(batch(5, 1))
    assert equal(buffer.all(), batch(0, 6))


def test_drawing_needs_rows_and_a_count():
    with pytest.raises(ValueError, match="must hold at least one row"):
        filled(5).sample(1, generator=seeded())
    with pytest.raises(ValueError, match="count must be at least 1, not 0"):
        filled(5, 5).sample_states(0, generator=seeded())
    with pytest.raises(ValueError, match="batches must be at least 1, not 0"):
        filled(5, 5).sample_batches(0, 3, generator=seeded())
    with pytest.raises(ValueError, match="count must be at least 1, not 0"):
        filled(5, 5).sample_batches(3, 0, generator=seeded())


@pytest.mark.parametrize("name", ["capacity", "obs_size", "act_size"])
def test_sizes_are_positive(name):
    sizes = {"capacity": 5, "obs_size": 3, "act_size": 1, name: 0}
    with pytest.raises(ValueError, match=f"{name} must be at least 1, not 0"):
        ReplayBuffer(sizes.pop("capacity"), **sizes)


@pytest.mark.parametrize("grow", [None, ReplayBuffer(5, obs_size=3, act_size=1).resized])
def test_what_no_memory_holds_is_one_sentence(grow):
    """The system gives it, and ends the process when it is filled."""
    make = grow or (lambda capacity: ReplayBuffer(capacity, obs_size=3, act_size=1))
    with pytest.raises(
        ValueError,
        match=r"capacity must be so small that its rows fit into memory, not 1000000000000: they"
        r" need 33,000,000 MB, and there are [1-9][\d,]* MB$",
    ):
        make(10**12)


# Another size.


@given(
    capacity=st.integers(1, 12),
    other=st.integers(1, 12),
    counts=st.lists(st.integers(0, 20), max_size=4),
)
def test_another_size_keeps_the_newest_that_fit(capacity, other, counts):
    buffer, oracle = filled(capacity, *counts), deque(maxlen=capacity)
    fresh = batch(0, sum(counts))
    oracle.extend(rows(fresh, slice(i, i + 1)) for i in range(sum(counts)))
    before = buffer.all()
    resized = buffer.resized(other)
    oracle = deque(oracle, maxlen=other)
    assert (resized.capacity, len(resized)) == (other, len(oracle))
    assert equal(buffer.all(), before)
    for added in range(3):
        if oracle:
            assert equal(resized.all(), concatenate(list(oracle)))
        resized.add(batch(1000 + added, 1))
        oracle.append(batch(1000 + added, 1))


def test_the_same_size_is_the_same_buffer():
    buffer = filled(5, 3)
    assert buffer.resized(5) is buffer and buffer.resized(6) is not buffer
    with pytest.raises(ValueError, match="capacity must be at least 1, not 0"):
        buffer.resized(0)

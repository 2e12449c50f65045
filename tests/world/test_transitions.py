"""The columns of a batch: choosing, joining, and refusing bad data by name."""

import pytest
import torch

from mbpo_teach.ground.seeding import torch_generator
from mbpo_teach.world.transitions import Transition, check_finite, concatenate, rows


def batch(count=4, obs=3, act=2, seed=0):
    generator = torch_generator(seed, "test")

    def normal(*shape):
        return torch.randn(shape, generator=generator)

    ended = torch.rand(count, generator=generator) < 0.5
    return Transition(
        normal(count, obs), normal(count, act), normal(count), normal(count, obs), ended
    )


@pytest.mark.parametrize(
    "index", [slice(1, 3), torch.tensor([3, 0, 0]), torch.tensor([True, False, True, False])]
)
def test_rows_chooses_the_same_rows_of_each_column(index):
    whole = batch()
    for column, chosen in zip(whole, rows(whole, index), strict=True):
        assert torch.equal(column[index], chosen)


def test_concatenate_undoes_rows():
    whole = batch()
    again = concatenate([rows(whole, slice(0, 1)), rows(whole, slice(1, None))])
    assert all(torch.equal(*pair) for pair in zip(whole, again, strict=True))


def test_a_time_limit_is_not_stored():
    """Peers' mistake: time limits stored as terminals. There is no column to confuse them with."""
    assert Transition._fields == ("obs", "act", "reward", "next_obs", "terminated")


def test_good_data_pass():
    check_finite(batch())
    check_finite(batch(obs=1, act=1))
    check_finite(batch(count=0))


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("name", ["obs", "act", "reward", "next_obs"])
def test_a_bad_number_is_named_with_its_row(name, number):
    bad = batch()
    getattr(bad, name)[2] = number
    with pytest.raises(ValueError, match=f"^{name} must hold finite numbers; row 2 is .*{number}"):
        check_finite(bad)


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("obs", torch.zeros(4)),
        ("act", torch.zeros(4)),
        ("act", torch.zeros(3, 2)),
        ("reward", torch.zeros(4, 1)),
        ("next_obs", torch.zeros(4, 2)),
        ("terminated", torch.zeros(4, 1, dtype=torch.bool)),
    ],
)
def test_a_wrong_shape_is_named(name, column):
    """(batch, 1) rewards broadcast against (batch,) to (batch, batch): the classic bug."""
    with pytest.raises(ValueError, match=f"^{name} must have shape"):
        check_finite(batch()._replace(**{name: column}))


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("obs", torch.zeros(4, 3, dtype=torch.float64)),
        ("reward", torch.zeros(4, dtype=torch.int64)),
        ("terminated", torch.zeros(4)),
    ],
)
def test_a_wrong_type_is_named(name, column):
    with pytest.raises(ValueError, match=f"^{name} must be a tensor of torch"):
        check_finite(batch()._replace(**{name: column}))

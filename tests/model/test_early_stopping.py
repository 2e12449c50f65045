"""Early stopping by hand: what is kept, what is put back, and when patience is over."""

import pytest
import torch

from mbpo_teach.ground.seeding import torch_generator
from mbpo_teach.model.dynamics import Ensemble
from mbpo_teach.model.early_stopping import Best, Patience, all_finite


def numbers(*values):
    return torch.tensor(values, dtype=torch.float32)


@pytest.fixture
def model():
    return Ensemble(2, 1, members=3, hidden=(4,), generator=torch_generator(0, "weights"))


def write(model, number):
    """Let every weight and every limit be `number`."""
    for parameter in model.parameters():
        parameter.data.fill_(float(number))


def read(model):
    """Return the number in each member's weights, and that in the limits; all of a kind agree."""
    (own,) = {tuple(part.flatten(1).unique(dim=1).T.tolist()[0]) for part in own_parts(model)}
    shared = torch.cat([model.low_log_var, model.high_log_var])
    assert (shared == shared[0]).all()
    return own, shared[0].item()


def own_parts(model):
    return list(model.networks.parameters())


# What is kept.


def test_each_member_gets_the_weights_of_its_own_lowest_error_back(model):
    write(model, 0)
    best = Best(model, numbers(5, 5, 5))
    for epoch, error in enumerate([(1, 6, 5), (3, 4, 5), (0.5, 9, 5), (2, 9, 9)], start=1):
        write(model, epoch)
        best.keep(numbers(*error))
    best.restore()
    # Equal is no better: the third member is as it was at the start. The limits belong to all, and
    # stay as they were when last one of them was better.
    assert read(model) == ((3.0, 2.0, 0.0), 3.0)
    assert best.error.tolist() == [0.5, 4, 5]


def test_what_was_never_better_leaves_the_model_as_it_was(model):
    before = {name: value.clone() for name, value in model.state_dict().items()}
    best = Best(model, numbers(1, 1, 1))
    write(model, 7)
    best.keep(numbers(2, float("nan"), float("inf")))
    best.restore()
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert best.error.tolist() == [1, 1, 1]


def test_an_error_that_is_given_is_not_written_over(model):
    first, second = numbers(5, 5, 5), numbers(1, 9, 9)
    Best(model, first).keep(second)
    assert first.tolist() == [5, 5, 5] and second.tolist() == [1, 9, 9]


# When it is over.


def watched(errors, *, epochs, steps, each=10, improvement=0.1):
    """Return after how many of the errors, of one member, patience is over; None if it is not."""
    patience = Patience(numbers(1), improvement=improvement, epochs=epochs, steps=steps)
    assert not patience.over
    for count, error in enumerate(errors, start=1):
        patience.watch(numbers(error), each)
        if patience.over:
            return count
    return None


@pytest.mark.parametrize(
    ("epochs", "steps", "after"), [(3, 0, 3), (1, 0, 1), (3, 30, 3), (3, 31, 4), (1, 55, 6)]
)
def test_it_is_over_when_epochs_and_steps_have_passed_without_progress(epochs, steps, after):
    assert watched([1.0] * 9, epochs=epochs, steps=steps) == after


def test_progress_begins_the_count_anew():
    """Of both: 40 steps in all, but only 20 since the third epoch."""
    errors = [1.0, 1.0, 0.5, 0.5, 0.5]
    assert watched(errors, epochs=3, steps=0) is None
    assert watched(errors, epochs=1, steps=30) is None
    assert watched([*errors, 0.5], epochs=3, steps=30) == 6


def test_progress_is_a_share_of_the_last_error_that_was_progress():
    """Steps of 4 % add up to more than 10 %; one of 10 % exactly is not below nine tenths."""
    slowly = [0.96**epoch for epoch in range(1, 13)]
    assert watched(slowly, epochs=3, steps=0) is None
    assert watched(slowly, epochs=2, steps=0) == 2
    assert watched([0.5], epochs=1, steps=0, improvement=0.5) == 1
    assert watched([0.49], epochs=1, steps=0, improvement=0.5) is None


def test_one_member_is_enough_and_each_is_compared_with_itself():
    patience = Patience(numbers(1, 0.1), improvement=0.1, epochs=1, steps=0)
    patience.watch(numbers(2, 0.05), 10)
    assert not patience.over
    # 0.5 is below the first member's 1, which its 2 has not replaced.
    patience.watch(numbers(0.5, 0.3), 10)
    assert not patience.over
    patience.watch(numbers(0.46, 0.046), 10)
    assert patience.over


@pytest.mark.parametrize("lost", [float("nan"), float("inf"), -float("inf")])
def test_one_number_lost_among_many_is_seen(lost):
    many = torch.arange(-500.0, 500.0)
    assert all_finite([many, many])
    assert not all_finite([many, torch.where(many == 7, lost, many)])

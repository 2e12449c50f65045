"""The exercises of chapter 02: the references are the library's, and typical mistakes fail."""

import numpy as np
import pytest
import torch

from mbpo_teach.grading.exercise import find
from mbpo_teach.grading.judge import judge
from mbpo_teach.ground import seeding
from mbpo_teach.nets import gaussian


def right(exercise_id, answer):
    return judge(find(exercise_id), answer, seeding.generator(0, "mistakes")).right


def nll(mean, log_var, target):
    return 0.5 * ((target - mean) ** 2 / np.exp(log_var) + log_var + np.log(2 * np.pi)).sum(-1)


def test_the_references_are_the_librarys_functions():
    rng = seeding.generator(1, "reference")
    one, two, three = rng.normal(size=(3, 4, 5, 2))
    tensors = [torch.tensor(array) for array in (one, two, three)]
    np.testing.assert_allclose(
        find("02-1").reference(one, two, three), gaussian.gaussian_nll(*tensors)
    )
    theirs = gaussian.mixture_moments(tensors[0], tensors[1].exp())
    for mine, other in zip(find("02-2").reference(one, np.exp(two)), theirs, strict=True):
        np.testing.assert_allclose(mine, other)
    limits = torch.tensor([-10.0, -10.0]), torch.tensor([0.5, 0.5])
    np.testing.assert_allclose(
        find("02-3").reference(9 * one, -10.0, 0.5), gaussian.soft_clamp(9 * tensors[0], *limits)
    )


def test_the_numbers_that_the_chapter_quotes():
    def one(value):
        return np.full((1, 1), value)

    assert find("02-1").reference(one(0.0), one(0.0), one(2.0))[0] == pytest.approx(
        2.9189, abs=5e-5
    )
    mean, var = find("02-2").reference(np.array([[[-1.0]], [[1.0]]]), np.zeros((2, 1, 1)))
    assert (float(mean[0, 0]), float(var[0, 0])) == (0.0, 1.0)
    assert find("02-3").reference(np.array([0.0]), -10.0, 0.5)[0] == pytest.approx(
        -0.4740040505, abs=1e-9
    )


@pytest.mark.parametrize(
    "mistake",
    [
        lambda m, v, y: 0.5 * ((y - m) ** 2 / np.exp(v) + np.log(2 * np.pi)).sum(-1),  # no log
        lambda m, v, y: 0.5 * ((y - m) ** 2 / np.exp(v / 2) + v + np.log(2 * np.pi)).sum(-1),
        lambda m, v, y: 0.5 * ((y - m) ** 2 / v + np.log(np.abs(v) + 1e-9)).sum(-1),
        lambda m, v, y: 0.5 * ((y - m) ** 2 / np.exp(v) + v).sum(-1),  # no log 2 pi
        lambda m, v, y: ((y - m) ** 2 / np.exp(v) + v + np.log(2 * np.pi)).sum(-1),  # no half
        lambda m, v, y: -nll(m, v, y),
        lambda m, v, y: nll(m, v, y).mean(),
        lambda m, v, y: nll(m, v, y)[:, None],
        lambda m, v, y: nll(m, v, y) / m.shape[-1],
    ],
)
def test_a_wrong_likelihood_fails(mistake):
    with np.errstate(all="ignore"):
        assert not right("02-1", mistake)


@pytest.mark.parametrize(
    "mistake",
    [
        lambda m, v: (m.mean(0), v.mean(0)),  # disagreement forgotten
        lambda m, v: (m.mean(0), m.var(0)),  # noise forgotten
        lambda m, v: (m.mean(0), v.mean(0) + m.std(0)),
        lambda m, v: (m.mean(0), v.mean(0) / len(v) + m.var(0)),
        lambda m, v: (m.mean(0), v.mean(0) + m.var(0, ddof=1)),
        lambda m, v: (m.mean(1), v.mean(1) + m.var(1)),  # rows in place of members
        lambda m, v: (m.mean(), v.mean() + m.var()),
        lambda m, v: v.mean(0) + m.var(0),
    ],
)
@pytest.mark.filterwarnings("ignore:Degrees of freedom", "ignore:invalid value")
def test_a_wrong_mixture_fails(mistake):
    assert not right("02-2", mistake)


@pytest.mark.parametrize(
    "mistake",
    [
        np.clip,
        lambda raw, low, high: high - np.logaddexp(0, high - raw),  # the lower limit forgotten
        lambda raw, low, high: low + np.logaddexp(0, raw - low),
        lambda raw, low, high: low + (high - low) / (1 + np.exp(-np.clip(raw, -50, 50))),
        lambda raw, low, high: np.clip(high - np.logaddexp(0, high - raw), low, None),
        # The other order is another function.
        lambda raw, low, high: high - np.logaddexp(0, high - (low + np.logaddexp(0, raw - low))),
    ],
)
def test_a_wrong_clamp_fails(mistake):
    assert not right("02-3", mistake)

"""The soft clamp of chapter 02 must hold where exp overflows, in double and in single precision."""

import numpy as np
import pytest
import torch

from mbpo_teach.grading.exercise import find
from mbpo_teach.grading.judge import judge
from mbpo_teach.ground import seeding
from mbpo_teach.nets import gaussian


def softplus(x):
    return np.logaddexp(0, x)


def clamped(raw, low, high, soft=softplus):
    return low + soft(high - soft(high - raw) - low)


def right(answer):
    return judge(find("02-3"), answer, seeding.generator(0, "check", "02-3")).right


def test_a_clamp_without_overflow_is_right_in_either_precision():
    assert right(clamped)
    assert right(lambda raw, low, high: clamped(raw.astype(np.float32), low, high))
    assert right(
        lambda raw, low, high: clamped(
            torch.from_numpy(raw), low, high, torch.nn.functional.softplus
        )
    )


def test_the_reference_is_the_librarys():
    for raw, low, high in find("02-3").cases(seeding.generator(1, "check", "02-3")):
        limits = (torch.tensor([limit], dtype=torch.float64) for limit in (low, high))
        ours = gaussian.soft_clamp(torch.from_numpy(raw)[:, None], *limits)[:, 0]
        np.testing.assert_allclose(find("02-3").reference(raw, low, high), ours.numpy(), rtol=1e-9)


@pytest.mark.parametrize(
    "soft",
    [
        lambda x: np.log(1 + np.exp(x)),
        lambda x: np.log1p(np.exp(x)),
        lambda x: np.log(1 + np.exp(np.float32(1) * x)),
        lambda x: np.log(1 + np.exp(np.minimum(x, 700))),
        lambda x: np.maximum(x, 0),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_a_naive_softplus_is_wrong_at_either_bend(soft, first):
    def answer(raw, low, high):
        below = high - (soft if first else softplus)(high - raw)
        return low + (softplus if first else soft)(below - low)

    assert not right(answer)

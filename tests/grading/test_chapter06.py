"""The references of chapter 06 are the library's equations; usual mistakes in them are found."""

import numpy as np
import pytest
import torch

from mbpo_teach.grading.exercise import find
from mbpo_teach.grading.judge import judge
from mbpo_teach.ground import seeding
from mbpo_teach.learner import losses
from mbpo_teach.nets import gaussian

pytestmark = pytest.mark.filterwarnings("ignore:(overflow|divide|invalid):RuntimeWarning")


def right(exercise_id, answer):
    return judge(find(exercise_id), answer, seeding.generator(0, "check", exercise_id)).right


def cases(exercise_id):
    return find(exercise_id).cases(seeding.generator(1, "check", exercise_id))


def test_the_references_are_the_librarys():
    for case in cases("06-1"):
        ours = gaussian.squashed_log_prob(*map(torch.from_numpy, case)).numpy()
        np.testing.assert_allclose(find("06-1").reference(*case), ours, rtol=1e-12)
    for reward, terminated, q, log_prob, temperature, gamma in cases("06-2"):
        value = losses.soft_value(torch.tensor(q), torch.tensor(log_prob), temperature)
        ours = losses.soft_target(
            torch.tensor(reward), torch.tensor(terminated), value, gamma
        ).numpy()
        reference = find("06-2").reference(reward, terminated, q, log_prob, temperature, gamma)
        np.testing.assert_allclose(reference, ours, rtol=1e-12)
    for temperature, log_prob, target, rate in cases("06-3"):
        log_temperature = torch.tensor(temperature).log().double().requires_grad_()
        losses.temperature_loss(log_temperature, torch.tensor(log_prob), target).backward()
        ours = (log_temperature - rate * log_temperature.grad).exp().item()
        reference = find("06-3").reference(temperature, log_prob, target, rate)
        assert reference == pytest.approx(ours, rel=1e-6)


def test_the_first_cases_by_hand():
    """At the Gaussian's middle -log sqrt(2 pi) stands beside the correction -2.650."""
    answer = find("06-1").reference(*cases("06-1")[0]).item()
    assert answer == pytest.approx(-0.9189385 + 2.6500055)
    both = [find("06-2").reference(*case).item() for case in cases("06-2")[:2]]
    assert both == pytest.approx([1 + 0.9 * (2 + 0.5), 1])
    steps = [find("06-3").reference(*case) for case in cases("06-3")[:3]]
    assert steps == pytest.approx([np.exp(-0.05), np.exp(0.1), 0.3])


def gaussian_part(raw, mean, log_std):
    return -0.5 * ((raw - mean) / np.exp(log_std)) ** 2 - log_std - 0.5 * np.log(2 * np.pi)


def slope(raw):
    return 2 * (np.log(2) - raw - np.logaddexp(0, -2 * raw))


def naive_slope(raw):
    return 2 * (np.log(2) - raw - np.log(1 + np.exp(-2 * raw)))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda u, m, s: gaussian_part(u, m, s).sum(-1),
        lambda u, m, s: (gaussian_part(u, m, s) + slope(u)).sum(-1),
        lambda u, m, s: (gaussian_part(u, m, s) - slope(np.tanh(u))).sum(-1),  # tanh twice
        lambda u, m, s: (gaussian_part(u, m, s) - slope(u)).mean(-1),
        lambda u, m, s: gaussian_part(u, m, s).sum(-1) - slope(u)[..., 0],
        lambda u, m, s: gaussian_part(u, m, s) - slope(u),
        lambda u, m, s: (gaussian_part(u, m, 0.5 * s) - slope(u)).sum(-1),
        lambda u, m, s: (gaussian_part(u, m, s) - np.log(1 - np.tanh(u) ** 2 + 1e-6)).sum(-1),
        lambda u, m, s: (gaussian_part(u, m, s) - np.log(1 - np.tanh(u) ** 2)).sum(-1),
        # What overflows far out, on the one side or the other.
        lambda u, m, s: (gaussian_part(u, m, s) - naive_slope(u)).sum(-1),
        lambda u, m, s: (gaussian_part(u, m, s) - naive_slope(-u)).sum(-1),
        lambda u, m, s: (gaussian_part(u, m, s) + 2 * np.log(np.cosh(u))).sum(-1),
        lambda u, m, s: (gaussian_part(u, m, s) - naive_slope(u.astype(np.float32))).sum(-1),
    ],
)
def test_wrong_log_densities(wrong):
    assert not right("06-1", wrong)


def test_log_cosh_is_right_too():
    def with_cosh(raw, mean, log_std):
        log_cosh = np.logaddexp(raw, -raw) - np.log(2)
        return (gaussian_part(raw, mean, log_std) + 2 * log_cosh).sum(axis=-1)

    assert right("06-1", with_cosh)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda r, d, q, p, a, g: r + g * ~d * (q.max(0) - a * p),
        lambda r, d, q, p, a, g: r + g * ~d * (q.mean(0) - a * p),
        lambda r, d, q, p, a, g: r + g * ~d * (q[0] - a * p),
        lambda r, d, q, p, a, g: r + g * ~d * q.min() - g * ~d * a * p,
        lambda r, d, q, p, a, g: r + g * ~d * q.min(0),
        lambda r, d, q, p, a, g: r + g * ~d * (q.min(0) + a * p),
        lambda r, d, q, p, a, g: r + g * (q.min(0) - a * p),  # across the end
        lambda r, d, q, p, a, g: r + g * d * (q.min(0) - a * p),
        lambda r, d, q, p, a, g: ~d * (r + g * (q.min(0) - a * p)),
        lambda r, d, q, p, a, g: r + g * ~d * q.min(0) - a * p,
        lambda r, d, q, p, a, g: (r + g * ~d * (q.min(0) - a * p))[:, None],
    ],
)
def test_wrong_targets(wrong):
    assert not right("06-2", wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda a, p, h, r: a * np.exp(-r * a * (p + h).mean()),  # downhill the wrong way
        lambda a, p, h, r: a * np.exp(r * (p + h).mean()),  # the slope in alpha, not in log alpha
        lambda a, p, h, r: a + r * (p + h).mean(),
        lambda a, p, h, r: a * np.exp(r * a * (p - h).mean()),
        lambda a, p, h, r: a * np.exp(r * a * (p + h).sum()),
        lambda a, p, h, r: np.log(a) + r * a * (p + h).mean(),
    ],
)
def test_wrong_temperatures(wrong):
    assert not right("06-3", wrong)


def test_a_plain_formula_is_right():
    assert right("06-3", lambda a, p, h, r: a * np.exp(r * a * (np.mean(p) + h)))

"""The references of chapter 07 are the library's steps; usual mistakes in them are found."""

import numpy as np
import pytest
import torch

from mbpo_teach.algorithms import mbpo
from mbpo_teach.grading.exercise import find
from mbpo_teach.grading.judge import judge
from mbpo_teach.ground import seeding
from mbpo_teach.model.dynamics import Ensemble, predict, sample_step


def right(exercise_id, answer):
    return judge(find(exercise_id), answer, seeding.generator(0, "check", exercise_id)).right


def cases(exercise_id):
    return find(exercise_id).cases(seeding.generator(1, "check", exercise_id))


def test_the_number_of_real_rows_is_the_librarys():
    for batch_size, ratio, draw_real, draw_imagined in cases("07-1"):
        answer = find("07-1").reference(batch_size, ratio, draw_real, draw_imagined)
        real = mbpo.real_rows(batch_size, ratio)
        assert len(answer) == batch_size
        if real:
            np.testing.assert_array_equal(answer[:real], draw_real(real))
        if real < batch_size:
            np.testing.assert_array_equal(answer[real:], draw_imagined(batch_size - real))
    assert mbpo.real_rows(256, 0.05) == 12


def test_a_model_step_is_the_librarys():
    """One elite and no noise to speak of: the library's draw is its mean, and so is the answer."""
    draws = seeding.torch_generator(7, "model")
    model = Ensemble(3, 1, members=2, hidden=(8,), generator=draws)
    with torch.no_grad():
        model.high_log_var.fill_(-40)
        model.low_log_var.fill_(-50)
    obs, act = torch.randn(5, 3, generator=draws), torch.rand(5, 1, generator=draws)
    ours = sample_step(model, obs, act, elites=[1], generator=draws)
    said = predict(model, obs, act)
    change = said.mean - torch.cat([obs, torch.zeros(5, 1)], dim=1)
    answer = find("07-2").reference(
        obs.numpy(), change.numpy(), said.var.log().numpy(), np.ones(5, int), np.ones((5, 4))
    )
    for one, other in zip(answer, ours, strict=True):
        np.testing.assert_allclose(one, other.numpy(), atol=1e-5)


def test_the_first_cases_by_hand():
    size, ratio, *draws = cases("07-1")[0]
    assert (size, ratio) == (256, 0.05)
    batch = find("07-1").reference(size, ratio, *draws)
    assert np.array_equal(batch[11], draws[0](12)[11]) and np.array_equal(batch[12], draws[1](1)[0])
    next_obs, reward = find("07-2").reference(*cases("07-2")[0])
    assert (next_obs.item(), reward.item()) == (2.0, 1.0)
    supported = [find("07-3").reference(*case) for case in cases("07-3")[:11]]
    assert supported == [3, 4, 0, 3, 1, 2, 2, 1, 1, 2, 0]


def batch_with(count):
    def answer(size, ratio, draw_real, draw_imagined):
        real = count(size, ratio)
        parts = [draw(n) for draw, n in ((draw_real, real), (draw_imagined, size - real)) if n > 0]
        return np.concatenate(parts)

    return answer


def test_counting_down_is_right():
    assert right("07-1", batch_with(lambda size, ratio: int(size * ratio)))
    assert right("07-1", batch_with(lambda size, ratio: int(np.floor(ratio * size))))


@pytest.mark.parametrize(
    "wrong",
    [
        batch_with(lambda size, ratio: round(size * ratio)),
        batch_with(lambda size, ratio: int(np.ceil(size * ratio))),
        batch_with(lambda size, ratio: size - int(size * ratio)),
        batch_with(lambda size, ratio: max(1, int(size * ratio))),
        # A memory asked for no row.
        lambda n, p, r, m: np.concatenate([r(int(n * p)), m(n - int(n * p))]),
        # Imagined first; one row by one; too few.
        lambda n, p, r, m: batch_with(lambda size, ratio: n - int(n * p))(n, p, m, r),
        lambda n, p, r, m: m(n),
        lambda n, p, r, m: batch_with(lambda size, ratio: int(n * p))(n, p, r, m)[:-1],
    ],
)
def test_wrong_batches(wrong):
    assert not right("07-1", wrong)


def picked(array, elite):
    return array[elite, np.arange(len(elite))]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda o, m, v, e, z: stepped(o, m[0] + np.exp(0.5 * v[0]) * z),  # one elite for all rows
        lambda o, m, v, e, z: stepped(o, m.mean(0) + np.exp(0.5 * v.mean(0)) * z),
        lambda o, m, v, e, z: stepped(o, picked(m, e) + np.exp(picked(v, e)) * z),  # variance
        lambda o, m, v, e, z: stepped(o, picked(m, e) + picked(v, e) * z),
        lambda o, m, v, e, z: stepped(o, picked(m, e)),  # no noise
        lambda o, m, v, e, z: stepped(o, picked(m, e) - np.exp(0.5 * picked(v, e)) * z),
        lambda o, m, v, e, z: stepped(0 * o, picked(m, e) + np.exp(0.5 * picked(v, e)) * z),
        lambda o, m, v, e, z: stepped(o, picked(m, e) + np.exp(0.5 * picked(v, e)) * z)[::-1],
        lambda o, m, v, e, z: (
            stepped(o, picked(m, e) + np.exp(0.5 * picked(v, e)) * z)[0],
            (picked(m, e) + np.exp(0.5 * picked(v, e)) * z)[:, -1:],
        ),
        # The elite's own number taken for the row's.
        lambda o, m, v, e, z: stepped(
            o, m[np.arange(len(o)) % len(m), np.arange(len(o))] + np.exp(0.5 * picked(v, e)) * z
        ),
    ],
)
def test_wrong_model_steps(wrong):
    assert not right("07-2", wrong)


def stepped(obs, drawn):
    return obs + drawn[:, :-1], drawn[:, -1]


def test_a_loop_over_rows_is_right():
    def slow(obs, mean, log_var, elite, noise):
        drawn = np.empty_like(noise)
        for row, one in enumerate(elite):
            drawn[row] = mean[one, row] + np.sqrt(np.exp(log_var[one, row])) * noise[row]
        return stepped(obs, drawn)

    assert right("07-2", slow)


def longest(passes, *, stop=True):
    """Return the answer that goes through the lengths with another idea of what passes."""

    def answer(errors, tolerance, share, least):
        supported = 0
        for k in range(1, errors.shape[1] + 1):
            if passes(errors[:, k - 1], tolerance, share, least):
                supported = k
            elif stop:
                break
        return supported

    return answer


def running(column):
    return column[~np.isnan(column)]


def honest(column, tolerance, share, least):
    left = running(column)
    return len(left) >= least and (left <= tolerance).mean() >= share


def test_the_honest_rule_is_right():
    assert right("07-3", longest(honest))


@pytest.mark.parametrize(
    "wrong",
    [
        longest(honest, stop=False),  # the last length that passes, across one that does not
        longest(lambda c, t, s, n: (running(c) <= t).mean() >= s if len(running(c)) else False),
        longest(lambda c, t, s, n: len(running(c)) >= n and (c <= t).mean() >= s),  # NaN is large
        longest(lambda c, t, s, n: len(running(c)) >= n and np.median(running(c)) <= t),
        longest(lambda c, t, s, n: len(running(c)) >= n and running(c).mean() <= t),
        longest(lambda c, t, s, n: len(running(c)) >= n and (running(c) < t).mean() >= s),
        longest(lambda c, t, s, n: len(running(c)) >= n and (running(c) <= t).mean() > s),
        longest(lambda c, t, s, n: len(running(c)) > n and (running(c) <= t).mean() >= s),
        # A branch that blew up left out, as if its episode were over.
        longest(lambda c, t, s, n: honest(np.where(np.isinf(c), np.nan, c), t, s, n)),
        lambda e, t, s, n: longest(honest)(e, t, s, n) + 1,
        lambda e, t, s, n: max(1, longest(honest)(e, t, s, n)),
        lambda e, t, s, n: longest(honest)(e, t, s, n) - 1,
    ],
)
def test_wrong_lengths(wrong):
    assert not right("07-3", wrong)

"""The references of chapter 07 are the library's steps; usual mistakes in them are found."""

import functools
import itertools

import numpy as np
import pytest
import torch

from mbpo_teach.algorithms import mbpo
from mbpo_teach.grading import chapter07
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


# The whole loop, from its parts.


def whole_loop(order=("fit", "imagine", "live", "learn"), *, due=None, learns=None, **changes):
    """Return the loop with its four blocks in another order, or with one thing done otherwise."""
    due = due or (lambda step, first, period: step >= first and (step - first) % period == 0)
    learns = learns or (lambda step, first: step >= first)

    def answer(steps, first, period, policy, model, memory, *parts):
        act, remember, fit, imagine, mix, update = parts
        now = {"policy": policy, "model": model, "memory": memory, "imagined": np.zeros((0, 3))}
        start = dict(now)

        def block_fit():
            now["model"] = fit(now["model"], now["memory"])

        def block_imagine():
            now["imagined"] = imagine(now["model"], now["policy"], now["memory"])

        def block_live():
            now["memory"] = remember(now["memory"], act(now["policy"], now["memory"]))

        def block_learn():
            for batch in mix(now["memory"], now["imagined"]):
                now["policy"] = update(now["policy"], batch)

        blocks = {"fit": block_fit, "imagine": block_imagine, "live": block_live,
                  "learn": block_learn}  # fmt: skip
        blocks |= {
            name: functools.partial(make, now, start, parts) for name, make in changes.items()
        }
        for step in range(steps):
            for name in order:
                refits = name in ("fit", "imagine") and not due(step, first, period)
                if not refits and (name != "learn" or learns(step, first)):
                    blocks[name]()
        return now["policy"]

    return answer


RIGHT = ("fit", "imagine", "live", "learn")
ORDERS = list(itertools.permutations(RIGHT))
LESS = [order for n in range(4) for order in itertools.combinations(RIGHT, n)]


def test_the_loop_is_right_in_its_order():
    assert right("07-4", whole_loop())
    assert right("07-4", lambda *args: np.float32(whole_loop()(*args)))


@pytest.mark.parametrize("order", [order for order in ORDERS if order != RIGHT] + LESS)
def test_no_other_order_and_no_part_left_out(order):
    assert not right("07-4", whole_loop(order))
    assert not right("07-4", lambda *args: np.float32(whole_loop(order)(*args)))


def test_a_loop_that_begins_elsewhere_is_the_same():
    """What is done before the next step may as well be done after this one."""
    turned = whole_loop(
        ("live", "learn", "fit", "imagine"),
        due=lambda step, first, period: step + 1 >= first and (step + 1 - first) % period == 0,
    )
    assert right("07-4", turned)


def changed(name, value):
    """Return a block that puts `value` of what is there now, was at first, and the parts."""

    def block(now, start, parts):
        now[name] = value(now, start, parts)

    return block


def learn_from(batches):
    def block(now, start, parts):
        for batch in batches(now, start, parts[4]):
            now["policy"] = parts[5](now["policy"], batch)

    return block


def remember_late(now, start, parts):
    """The step that was remembered is the one before."""
    row = parts[0](now["policy"], now["memory"])
    now["memory"] = parts[1](now["memory"], now.get("row", row))
    now["row"] = row


@pytest.mark.parametrize(
    "wrong",
    [
        # A refit at each step, counted from the first step of all, one step late, only once.
        whole_loop(due=lambda step, first, period: step >= first),
        whole_loop(due=lambda step, first, period: step >= first and step % period == 0),
        whole_loop(due=lambda step, first, period: step > first and (step - first) % period == 1),
        whole_loop(due=lambda step, first, period: step == first),
        # Learning one step late, or not from the step just lived.
        whole_loop(learns=lambda step, first: step > first),
        # A model that forgets its last weights; branches of the first policy; of the first model.
        whole_loop(fit=changed("model", lambda now, start, p: p[2](start["model"], now["memory"]))),
        whole_loop(imagine=changed(
            "imagined", lambda now, start, p: p[3](now["model"], start["policy"], now["memory"]))),
        whole_loop(imagine=changed(
            "imagined", lambda now, start, p: p[3](start["model"], now["policy"], now["memory"]))),
        # Branches that pile up.
        whole_loop(imagine=changed("imagined", lambda now, start, p: np.vstack(
            [now["imagined"], p[3](now["model"], now["policy"], now["memory"])]))),
        # The first policy acts; the memory forgets; a step is remembered too late.
        whole_loop(live=changed("memory", lambda now, start, p: p[1](
            now["memory"], p[0](start["policy"], now["memory"])))),
        whole_loop(live=changed("memory", lambda now, start, p: p[1](
            start["memory"], p[0](now["policy"], now["memory"])))),
        whole_loop(live=remember_late),
        # One update for each step; all updates from the same batch; the memories swapped; one only.
        whole_loop(learn=learn_from(lambda now, start, mix: mix(
            now["memory"], now["imagined"])[:1])),
        whole_loop(learn=learn_from(lambda now, start, mix: [
            mix(now["memory"], now["imagined"])[0] for _ in mix(now["memory"], now["imagined"])])),
        whole_loop(learn=learn_from(lambda now, start, mix: mix(
            now["imagined"], now["memory"]))),
        whole_loop(learn=learn_from(lambda now, start, mix: mix(
            now["memory"], now["memory"]))),
        whole_loop(learn=learn_from(lambda now, start, mix: mix(
            now["memory"], start["imagined"]))),
        whole_loop(learn=learn_from(lambda now, start, mix: mix(
            now["memory"][:-1], now["imagined"]))),
    ],
)  # fmt: skip
def test_wrong_loops(wrong):
    assert not right("07-4", wrong)


def test_the_toy_is_learned():
    """The parts make sense together: who learns for longer comes nearer to the goal."""
    world, goal = np.array([0.5, 0.6]), 1.0
    parts = chapter07._parts(world, goal, 3)

    def distance(steps):
        policy, model, memory = np.zeros(2), np.zeros(2), np.zeros((0, 3))
        policy = find("07-4").reference(steps, 3, 2, policy, model, memory, *parts)
        lived = np.zeros((0, 3))
        for _ in range(20):
            lived = parts[1](lived, parts[0](policy, lived))
        return abs(lived[-1, 2] - goal)

    assert distance(60) < 0.2 < distance(3)

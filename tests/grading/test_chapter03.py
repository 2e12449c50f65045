"""The exercises of chapter 03 catch what is usually got wrong, and accept what is right."""

import subprocess
import sys

import numpy as np
import pytest

from mbpo_teach.grading.exercise import find
from mbpo_teach.grading.judge import judge
from mbpo_teach.ground import seeding


def right(exercise, answer):
    exercise = find(exercise)
    return [judge(exercise, answer, seeding.generator(seed, "judge")).right for seed in range(3)]


def norm_then_scale(imagined, real, scale):
    return np.nanmedian(np.linalg.norm(imagined - real, axis=-1) / scale.mean(), axis=0)


def quotient(one_step, stretch, k):
    return one_step * (k if stretch == 1 else (stretch**k - 1) / (stretch - 1))


def line(errors, until, *, of=np.diff, keep=lambda x: x > 0, turn=np.exp):
    values = of(errors[: until + 1])
    used = keep(values)
    return turn(np.polyfit(np.flatnonzero(used), np.log(np.abs(values[used])), 1)[0])


WRONG = {
    "03-1": {
        "forgets the scale": lambda i, r, s: np.nanmedian(np.linalg.norm(i - r, axis=-1), axis=0),
        "multiplies by the scale": lambda i, r, s: np.nanmedian(
            np.linalg.norm((i - r) * s, axis=-1), axis=0
        ),
        "scales the norm": norm_then_scale,
        "adds absolute values": lambda i, r, s: np.nanmedian(
            (np.abs(i - r) / s).sum(axis=-1), axis=0
        ),
        "averages over dimensions": lambda i, r, s: np.nanmedian(
            np.sqrt((((i - r) / s) ** 2).mean(axis=-1)), axis=0
        ),
        "forgets the root": lambda i, r, s: np.nanmedian(
            (((i - r) / s) ** 2).sum(axis=-1), axis=0
        ),
        "norm over starts": lambda i, r, s: np.nanmedian(
            np.linalg.norm((i - r) / s, axis=0), axis=-1
        ),
        "median over time": lambda i, r, s: np.nanmedian(
            np.linalg.norm((i - r) / s, axis=-1), axis=1
        ),
        "mean": lambda i, r, s: np.nanmean(np.linalg.norm((i - r) / s, axis=-1), axis=0),
        "lets NaN through": lambda i, r, s: np.median(
            np.linalg.norm((i - r) / s, axis=-1), axis=0
        ),
        "takes NaN for zero": lambda i, r, s: np.median(
            np.nan_to_num(np.linalg.norm((i - r) / s, axis=-1)), axis=0
        ),
        "one start": lambda i, r, s: np.linalg.norm((i - r) / s, axis=-1)[0],
    },
    "03-2": {
        "divides by zero": lambda e, L, k: e * (L**k - 1) / (L - 1),
        "adds up only": lambda e, L, k: e * k,
        "stretches only": lambda e, L, k: e * L**k,
        "one step too many": lambda e, L, k: e * sum(L**i for i in range(k + 1)),
        "one step too few": lambda e, L, k: e * sum(L**i for i in range(k - 1)),
        "forgets e": lambda e, L, k: sum(L**i for i in range(k)),
    },
    "03-3": {
        "slope, not L": lambda c, n: line(c, n, turn=float),
        "base ten": lambda c, n: line(c, n, turn=lambda x: 10**x),
        "errors, not increments": lambda c, n: line(c, n, of=lambda x: x[1:]),
        "the whole curve": lambda c, n: line(c, len(c) - 1),
        "one increment too few": lambda c, n: line(c, n - 1),
        "absolute increments": lambda c, n: line(c, n, keep=lambda x: x != 0),
        "mean ratio": lambda c, n: float(
            np.mean(np.diff(c[: n + 1])[1:] / np.diff(c[: n + 1])[:-1])
        ),
        "closes the gaps": lambda c, n: np.exp(
            np.polyfit(*(lambda d: (np.arange(len(d)), np.log(d)))(
                np.diff(c[: n + 1])[np.diff(c[: n + 1]) > 0]), 1)[0]
        ),
    },
}  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("exercise", "mistake"), [(e, m) for e, mistakes in WRONG.items() for m in mistakes]
)
def test_a_usual_mistake_is_found(exercise, mistake):
    assert not any(right(exercise, WRONG[exercise][mistake]))


def loop(imagined, real, scale):
    curve = []
    for k in range(real.shape[1]):
        running = ~np.isnan(real[:, k]).any(axis=1)
        away = (imagined[running, k] - real[running, k]) / scale
        curve.append(np.median(np.sqrt((away**2).sum(axis=1))))
    return curve


def step_by_step(one_step, stretch, k):
    error = 0.0
    for _ in range(k):
        error = stretch * error + one_step
    return error


def by_covariance(errors, until):
    increments = np.diff(errors)[:until]
    k = np.arange(until)[increments > 0]
    y = np.log(increments[increments > 0])
    return np.exp(((k - k.mean()) * (y - y.mean())).sum() / ((k - k.mean()) ** 2).sum())


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [("03-1", loop), ("03-2", step_by_step), ("03-2", quotient), ("03-3", by_covariance)],
)
def test_another_right_way_is_right(exercise, answer):
    assert all(right(exercise, answer))


def test_the_exercises_need_neither_torch_nor_matplotlib():
    code = (
        "import sys\nfrom mbpo_teach.grading.exercise import find\nfind('03-1')\n"
        "assert not {'torch', 'matplotlib', 'mujoco'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

"""Usual mistakes in the exercises of chapter 05 are found; equally right answers are not marked."""

import math

import numpy as np
import pytest

from mbpo_teach.grading.chapter05 import length_judged
from mbpo_teach.grading.compare import plain
from mbpo_teach.grading.exercise import Impossible, find
from mbpo_teach.grading.feedback import feedback
from mbpo_teach.grading.judge import judge
from mbpo_teach.ground import language, seeding
from mbpo_teach.model import rollout
from mbpo_teach.theory import bounds


def right(exercise_id, answer):
    return judge(find(exercise_id), answer, seeding.generator(0, "check", exercise_id)).right


@pytest.mark.parametrize(
    "wrong",
    [
        lambda k, g, r, m, p: 2 * r * (g**k * p / (1 - g) + k * m / (1 - g)),
        lambda k, g, r, m, p: 2 * r * (g ** (k + 1) * p / (1 - g) ** 2 + k * m / (1 - g)),
        lambda k, g, r, m, p: 2 * r * (g**k * p / (1 - g) ** 2 + m / (1 - g)),
        lambda k, g, r, m, p: 2 * (g**k * p / (1 - g) ** 2 + k * m / (1 - g)),
        lambda k, g, r, m, p: r * (g**k * p / (1 - g) ** 2 + k * m / (1 - g)),
        lambda k, g, r, m, p: bounds.branched_penalty(k, gamma=g, r_max=r, eps_m=m, eps_pi=p),
    ],
)
def test_wrong_penalties(wrong):
    assert not right("05-1", wrong)


def test_the_penalty_as_the_theorem_prints_it_is_right():
    def penalty(k, g, r, m, p):
        shift = g ** (k + 1) * p / (1 - g) ** 2 + g**k * p / (1 - g)
        return 2 * r * (shift + k * m / (1 - g))

    assert right("05-1", penalty)


def formula(gamma, eps_m_prime, eps_pi, rounded=math.ceil):
    if eps_m_prime >= eps_pi:
        return 0
    if gamma == 0:
        return 1
    if eps_m_prime == 0:
        return math.inf
    return rounded(math.log(eps_m_prime / eps_pi) / math.log(gamma))


def scanned(gamma, eps_m_prime, eps_pi, last=False):
    """Try every length; at a tie take the first, or the last."""
    if eps_m_prime == 0 and eps_pi > 0 and gamma > 0:
        return math.inf
    k = np.arange(3000)
    penalty = bounds.branched_penalty_on_policy(
        k, gamma=gamma, r_max=1, eps_m_prime=eps_m_prime, eps_pi=eps_pi
    )
    best = np.flatnonzero(penalty <= penalty.min() * (1 + 1e-12))
    return int(best[-1 if last else 0])


def test_every_right_length_is_right():
    assert right("05-2", formula)
    assert right("05-2", lambda *case: float(formula(*case)))
    assert right("05-2", scanned)
    assert right("05-2", lambda g, m, p: scanned(g, m, p, last=m > 0 or p > 0))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda *case: formula(*case, rounded=math.floor),
        lambda *case: formula(*case, rounded=round),
        lambda *case: formula(*case, rounded=float),
        lambda *case: formula(*case) + 1,
        lambda *case: -formula(*case),
        lambda *case: min(formula(*case), 10_000),  # a perfect model has no finite best length
        lambda g, m, p: formula(g, m, p) if m < p else -5000,
        lambda g, m, p: formula(g, m, p) if g > 0 else 0,
        lambda g, m, p: np.array([formula(g, m, p)]),
        lambda g, m, p: math.nan,
    ],
)
def test_wrong_lengths(wrong):
    assert not right("05-2", wrong)


def test_feedback_on_a_length_tells_its_penalty(monkeypatch):
    monkeypatch.setattr(language, "_chosen", ["en"])
    verdict = judge(find("05-2"), lambda *case: 3, seeding.generator(0, "check", "05-2"))
    lines = feedback(find("05-2"), verdict)
    assert lines[1] == "Came back: 3"
    assert lines[2] == "For r_max = 1 the penalty there is 15.18; at k* it is 6.36954"
    assert length_judged(3, 0.9, 0.01, 0.1)[0] == pytest.approx(15.18)


@pytest.mark.parametrize("impossible", [-68, 1.5, math.nan, -math.inf, (2000.0, False), [22.0]])
def test_an_impossible_length_is_refused_in_words_before_anything_is_compared(
    impossible, monkeypatch
):
    monkeypatch.setattr(language, "_chosen", ["en"])
    with pytest.raises(Impossible):
        length_judged(plain(impossible), 0.99, 0.2, 0.1)
    verdict = judge(find("05-2"), lambda *case: impossible, seeding.generator(0, "check", "05-2"))
    lines = feedback(find("05-2"), verdict)
    assert lines[1].startswith("Came back: ") and verdict.passed == 0
    assert lines[2] == "A length counts steps: it is a whole number, 0 or more, or math.inf."
    assert not any("penalty" in line for line in lines)


def test_a_penalty_in_place_of_the_length_is_wrong():
    assert not right("05-2", lambda *case: length_judged(np.asarray(formula(*case)), *case))


def walk(starts, policy, model_step, has_ended, length, **mistake):
    rows, obs, act = [], starts, policy(starts)
    for step in range(1, length + 1):
        if "one_action" not in mistake:
            act = policy(obs)
        next_obs, reward = model_step(obs, act[: len(obs)])
        ended = has_ended(next_obs)
        if "drop_last" in mistake:
            obs, reward, next_obs = obs[~ended], reward[~ended], next_obs[~ended]
            ended = ended[~ended]
        rows.append((obs, reward, next_obs, ended, np.full(len(obs), step)))
        obs = next_obs if "go_on" in mistake else next_obs[~ended]
        if "restart" in mistake:
            obs = starts[: len(obs)]
    return tuple(np.concatenate(column) for column in zip(*rows, strict=True))


def test_a_right_walk_with_and_without_the_early_stop():
    assert right("05-3", walk)


@pytest.mark.parametrize("mistake", ["one_action", "drop_last", "go_on", "restart"])
def test_wrong_walks(mistake):
    assert not right("05-3", lambda *case: walk(*case, **{mistake: True}))


def test_walks_of_a_wrong_order_or_length():
    def by_start(starts, *rest):
        walks = [walk(starts[i : i + 1], *rest) for i in range(len(starts))]
        return tuple(np.concatenate(column) for column in zip(*walks, strict=True))

    assert not right("05-3", by_start)
    assert not right("05-3", lambda *case: walk(*case[:-1], case[-1] + 1))
    assert not right("05-3", lambda *case: (*walk(*case)[:4], walk(*case)[4] - 1))


def test_schedules():
    assert right(
        "05-4",
        lambda step, a, b, first, last: rollout.linear_horizon(
            step, first_step=a, last_step=b, first=first, last=last
        ),
    )
    for wrong in (
        lambda step, a, b, x, y: int(x + (step - a) / (b - a) * (y - x)),
        lambda step, a, b, x, y: round(x + min(max((step - a) / (b - a), 0), 1) * (y - x)),
        lambda step, a, b, x, y: x + min(max((step - a) / (b - a), 0), 1) * (y - x),
        lambda step, a, b, x, y: int(x + min(max(step / b, 0), 1) * (y - x)),
        lambda step, a, b, x, y: x,  # a schedule that is never applied
    ):
        assert not right("05-4", wrong)

"""The exercises of chapter 01 tell the usual mistakes from right answers, on any seed."""

import pytest

from mbpo_teach.grading.exercise import find
from mbpo_teach.grading.judge import judge
from mbpo_teach.ground import seeding

FUTURES = {
    "the value of the same action": lambda q, s, a, n, done, cut: 0 if done else q[n, a],
    "no value below zero": lambda q, s, a, n, done, cut: 0 if done else max(0, q[n].max()),
    "nothing after a time limit": lambda q, s, a, n, done, cut: 0 if done or cut else q[n].max(),
    "no end ever": lambda q, s, a, n, done, cut: q[n].max(),
    "the state left behind": lambda q, s, a, n, done, cut: 0 if done else q[s].max(),
    "the largest of the table": lambda q, s, a, n, done, cut: 0 if done else q.max(),
    "the mean": lambda q, s, a, n, done, cut: 0 if done else q[n].mean(),
}


@pytest.mark.parametrize("future", FUTURES.values(), ids=FUTURES.keys())
def test_a_wrong_future_fails_on_every_seed(future):
    def answer(q, state, action, reward, next_state, terminated, truncated, alpha, gamma):
        surprise = gamma * future(q, state, action, next_state, terminated, truncated)
        q = q.copy()
        q[state, action] += alpha * (reward + surprise - q[state, action])
        return q

    for seed in range(100):
        assert not judge(find("01-1"), answer, seeding.generator(seed, "wrong")).right


def in_place(q, state, action, reward, next_state, terminated, truncated, alpha, gamma):
    future = 0.0 if terminated else q[next_state].max()
    q[state, action] += alpha * (reward + gamma * future - q[state, action])
    return q


def plan_in_place(q, model, pairs, alpha, gamma):
    for state, action in pairs:
        reward, next_state, end = model[state, action]
        in_place(q, state, action, reward, next_state, end, False, alpha, gamma)
    return q


@pytest.mark.parametrize(("exercise", "answer"), [("01-1", in_place), ("01-2", plan_in_place)])
def test_a_new_table_is_asked_for(exercise, answer):
    verdict = judge(find(exercise), answer, seeding.generator(0, "check", exercise))
    assert verdict.failure.changed == (0,) and verdict.failure.difference is None

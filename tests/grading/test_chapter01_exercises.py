"""The exercises of chapter 01: right answers pass, the usual mistakes do not."""

from itertools import islice

import numpy as np
import pytest

from mbpo_teach.grading import chapter01
from mbpo_teach.grading.check import check
from mbpo_teach.ground import language
from mbpo_teach.tables import dyna, mazes


@pytest.fixture(autouse=True)
def english(monkeypatch):
    monkeypatch.setattr(language, "_chosen", ["en"])


def passes(exercise_id, answer, capsys):
    check(exercise_id, answer)
    return capsys.readouterr().out.splitlines()[0].endswith("✓")


def wrong_update(future_of):
    def answer(q, state, action, reward, next_state, terminated, truncated, alpha, gamma):
        new = np.array(q)
        future = future_of(q, state, action, next_state, terminated, truncated)
        new[state, action] += alpha * (reward + gamma * future - q[state, action])
        return new

    return answer


def right_future(q, state, action, after, terminated, truncated):
    return 0.0 if terminated else q[after].max()


MISTAKES = {
    "time limit ends the world": lambda q, s, a, n, term, trunc: (
        0.0 if term or trunc else q[n].max()
    ),
    "never ends": lambda q, s, a, n, term, trunc: q[n].max(),
    "mistakes the flags": lambda q, s, a, n, term, trunc: 0.0 if trunc else q[n].max(),
    "both flags needed": lambda q, s, a, n, term, trunc: 0.0 if term and trunc else q[n].max(),
    "old state": lambda q, s, a, n, term, trunc: 0.0 if term else q[s].max(),
    "not below zero": lambda q, s, a, n, term, trunc: 0.0 if term else max(0.0, q[n].max()),
    "same action": lambda q, s, a, n, term, trunc: 0.0 if term else q[n, a],
    "mean": lambda q, s, a, n, term, trunc: 0.0 if term else q[n].mean(),
    "whole table": lambda q, s, a, n, term, trunc: 0.0 if term else q.max(),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_01_1_catches(mistake, capsys):
    assert not passes("01-1", wrong_update(MISTAKES[mistake]), capsys)


def test_01_1_accepts_another_right_way(capsys):
    assert passes("01-1", wrong_update(right_future), capsys)

    def weighted(q, s, a, r, n, terminated, truncated, alpha, gamma):
        q = q.copy()
        q[s, a] = (1 - alpha) * q[s, a] + alpha * (r + gamma * (not terminated) * max(q[n]))
        return q

    assert passes("01-1", weighted, capsys)


def frozen_table(q, model, pairs, alpha, gamma):
    new = q.copy()
    for s, a in pairs:
        reward, after, terminated = model[s, a]
        future = 0.0 if terminated else q[after].max()
        new[s, a] += alpha * (reward + gamma * future - q[s, a])
    return new


PLANS = {
    "reads the old table": frozen_table,
    "ignores the end": lambda q, m, p, a, g: chapter01.plan(
        q, {k: (r, n, False) for k, (r, n, _) in m.items()}, p, a, g
    ),
    "plans everything once": lambda q, m, p, a, g: chapter01.plan(q, m, list(m), a, g),
    "each pair once": lambda q, m, p, a, g: chapter01.plan(q, m, list(dict.fromkeys(p)), a, g),
    "backwards": lambda q, m, p, a, g: chapter01.plan(q, m, p[::-1], a, g),
    "first pair only": lambda q, m, p, a, g: chapter01.plan(q, m, p[:1], a, g),
    "does nothing": lambda q, m, p, a, g: q,
}


@pytest.mark.parametrize("mistake", PLANS)
def test_01_2_catches(mistake, capsys):
    assert not passes("01-2", PLANS[mistake], capsys)


def test_01_2_agrees_with_the_library_and_the_corridor(capsys):
    q = np.zeros((3, 2))
    corridor = {(0, 1): (0.0, 1, False), (1, 1): (0.0, 2, False), (2, 1): (1.0, 2, True)}
    learned = chapter01.plan(q, corridor, [(2, 1), (1, 1), (0, 1)], 0.5, 0.9)
    assert learned[:, 1] == pytest.approx([0.10125, 0.225, 0.5])
    assert (q == 0).all()

    def with_library(q, model, pairs, alpha, gamma):
        table = q.tolist()
        for pair in pairs:
            dyna.q_update(table, pair, dyna.Outcome(*model[pair]), alpha=alpha, gamma=gamma)
        return np.array(table)

    assert passes("01-2", with_library, capsys)


def bonus(formula, *, untried=(0.0, True), last=0):
    def answer(model, last_tried, state, action, now, kappa):
        reward, same = untried
        default = (reward, state if same else 0, False)
        reward, after, terminated = model.get((state, action), default)
        waited = now - last_tried.get((state, action), last)
        return reward + formula(kappa, waited), after, terminated

    return answer


@pytest.mark.parametrize(
    "answer",
    [
        bonus(lambda kappa, waited: kappa * waited),
        bonus(lambda kappa, waited: np.sqrt(kappa * waited)),
        bonus(lambda kappa, waited: 0.0),
        bonus(lambda kappa, waited: kappa * np.sqrt(waited), untried=(0.0, False)),
        bonus(lambda kappa, waited: kappa * np.sqrt(waited), untried=(1.0, True)),
        bonus(lambda kappa, waited: kappa * np.sqrt(waited), last=1),
        bonus(lambda kappa, waited: kappa * np.sqrt(waited + 1)),
        lambda model, tried, s, a, now, kappa: (*model[s, a][:2], model[s, a][2]),
    ],
    ids=[
        "no root", "root over all", "no bonus", "wrong state", "optimistic", "clock from 1",
        "one step late", "no untried pairs",
    ],
)  # fmt: skip
def test_01_3_catches(answer, capsys):
    assert not passes("01-3", answer, capsys)


def test_01_3_accepts_another_right_way(capsys):
    assert passes("01-3", bonus(lambda kappa, waited: kappa * waited**0.5), capsys)


def test_01_3_is_what_the_library_imagines():
    env = mazes.Maze("S..G")
    q = dyna.empty_table(env)
    config = dyna.DynaConfig(planning_steps=500, alpha=1.0, gamma=0.0, kappa=0.01, epsilon=0.0)
    steps = list(islice(dyna.learn(env, q, config, seed=0), 40))
    model, last = {}, {}
    for now, step in enumerate(steps, start=1):
        model[step.state, step.action], last[step.state, step.action] = step.outcome, now
    for state in {step.state for step in steps}:
        for action in range(4):
            reward, *_ = chapter01.imagine(model, last, state, action, 40, 0.01)
            assert q[state][action] == pytest.approx(reward)

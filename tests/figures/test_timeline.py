"""The picture of the branched return shows the process that the exact computation uses."""

import numpy as np
import pytest

from mbpo_teach.figures.timeline import timeline
from mbpo_teach.ground import language
from mbpo_teach.tables.mdp import TabularMDP
from mbpo_teach.theory.exact import branched_returns


def rows(k, last):
    """Return (real steps, imagined steps, now) of each row."""
    (axes,) = timeline(k=k, last=last).figure.axes
    parts = [line.get_xdata() for line in axes.lines]
    return [
        (len(real) - 1, len(imagined) - 1, int(now[0]))
        for real, imagined, now in zip(parts[::3], parts[1::3], parts[2::3], strict=True)
    ]


@pytest.mark.parametrize("k", [1, 3, 9])
def test_each_row_has_its_real_and_its_imagined_steps(k):
    assert rows(k, 6) == [(max(t - k, 0), min(t, k), t) for t in range(7)]


def test_the_rows_add_up_to_the_exact_branched_return():
    """In this world a real step leads one state on, an imagined one stays: rewards tell which."""
    count, gamma = 60, 0.5
    onward, still = np.eye(count, k=1), np.eye(count)
    onward[-1, -1] = 1
    reward = np.linspace(0, 1, count)[:, None]
    world = TabularMDP(
        transition=onward[:, None], reward=reward, start=np.eye(count)[0], gamma=gamma
    )
    policy = np.ones((count, 1))
    exact = branched_returns(world, still[:, None], policy, policy, max_length=3)[3]
    drawn = sum(gamma**now * reward[real, 0] for real, _, now in rows(3, count - 2))
    assert drawn == pytest.approx(exact, abs=1e-12)


@pytest.mark.parametrize(
    ("spoken", "words"), [("en", "after 3 real steps and 3 imagined"), ("zh", "3 步真实、3 步想象")]
)
def test_its_sentence_counts_the_steps_of_the_last_row(spoken, words, monkeypatch):
    monkeypatch.setattr(language, "_chosen", [spoken])
    picture = timeline(k=3, last=6)
    assert words in picture.sentence and picture.png().startswith(b"\x89PNG")

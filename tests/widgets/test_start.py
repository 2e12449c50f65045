"""Chapter 00: the first slider and the warm-up exercise."""

import numpy as np
import pytest

from mbpo_teach.figures.start import STEPS, Frame, build
from mbpo_teach.grading.chapter00 import EXERCISES, discounted_return
from mbpo_teach.grading.check import check
from mbpo_teach.ground import language
from mbpo_teach.widgets.start import discount_lab


@pytest.mark.parametrize(
    ("rewards", "gamma", "expected"),
    [
        ([1.0, 1.0, 1.0], 0.5, 1.75),
        ([3.0], 0.9, 3.0),
        ([], 0.9, 0.0),
        ([2.0, 5.0, 7.0], 0.0, 2.0),
        ([0.0, 0.0, 1.0], 0.1, 0.01),
    ],
)
def test_discounted_return_by_hand(rewards: list[float], gamma: float, expected: float) -> None:
    assert discounted_return(rewards, gamma) == pytest.approx(expected, abs=1e-12)


def test_discounted_return_agrees_with_the_definition() -> None:
    for rewards, gamma in EXERCISES[0].cases(np.random.default_rng(1)):
        direct = sum(gamma**t * reward for t, reward in enumerate(rewards))
        assert discounted_return(rewards, gamma) == pytest.approx(direct, abs=1e-12)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda rewards, gamma: sum(rewards),
        lambda rewards, gamma: sum(gamma ** (t + 1) * r for t, r in enumerate(rewards)),
        lambda rewards, gamma: discounted_return(rewards[::-1], gamma),
        lambda rewards, gamma: discounted_return(rewards[:-1], gamma),
        lambda rewards, gamma: (1 - gamma) * discounted_return(rewards, gamma),
    ],
    ids=["undiscounted", "one step late", "backwards", "last reward lost", "normalised"],
)
def test_the_usual_mistakes_do_not_pass(wrong, capsys: pytest.CaptureFixture[str]) -> None:
    check("00-1", wrong)
    assert capsys.readouterr().out.splitlines()[0].endswith("✗")


def test_another_right_way_passes(capsys: pytest.CaptureFixture[str]) -> None:
    check("00-1", lambda rewards, gamma: sum(gamma**t * r for t, r in enumerate(rewards)))
    assert capsys.readouterr().out == "[00-1] 8/8 ✓\n"


@pytest.mark.parametrize("gamma", [0.0, 0.5, 0.9, 0.99])
def test_the_figure_shows_the_weights_and_the_horizon(gamma: float) -> None:
    weights, horizon, here = build()(Frame(gamma)).moving
    np.testing.assert_allclose(weights.get_ydata(), [gamma**t for t in STEPS])
    level = sum(gamma**t for t in range(10_000))
    np.testing.assert_allclose(horizon.get_xdata(), [level, level])
    assert (here.get_xdata()[0], here.get_ydata()[0]) == pytest.approx((gamma, level))


@pytest.mark.parametrize(
    ("spoken", "sentence"),
    [("en", "γ = 0.99: effective horizon 100.0 steps"), ("zh", "γ = 0.99：有效视野 100.0 步")],
)
def test_the_lab_says_its_numbers_in_both_languages(
    spoken: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(language, "_chosen", [spoken])
    lab = discount_lab()
    before = lab.panel.frame
    lab.move(gamma=0.99)
    assert lab.sentence.startswith(sentence)
    assert lab.panel.frame["state"] == '{"gamma": 0.99}'
    assert lab.panel.frame["png"] != before["png"]

"""The labs of chapter 4 show what the library computes, over the whole range of their sliders."""

import itertools
import re

import numpy as np
import pytest
from matplotlib.lines import Line2D
from matplotlib.text import Text

from mbpo_teach.ground import language
from mbpo_teach.tables import mdp
from mbpo_teach.theory import bounds, cases, exact, gains
from mbpo_teach.theory.looseness import layers
from mbpo_teach.widgets import exact_lab, looseness, no_step, two_errors


@pytest.fixture(autouse=True)
def english(monkeypatch):
    monkeypatch.setenv("MBPO_LANG", "en")
    monkeypatch.setattr(language, "_chosen", [])
    monkeypatch.setattr(language, "_listeners", [])


CORNERS = list(itertools.product((0.0, cases.MAX_EPS_M), (0.0, cases.MAX_EPS_PI), (0.0, 0.8, 0.95)))


@pytest.mark.parametrize(("eps_m", "eps_pi", "gamma"), CORNERS)
def test_exact_lab_frames_keep_the_theorem(eps_m, eps_pi, gamma):
    frame = exact_lab.measure(eps_m=eps_m, eps_pi=eps_pi, gamma=gamma, r_max=3.0)
    case = cases.river_case(eps_m=eps_m, eps_pi=eps_pi, gamma=gamma, r_max=3.0)
    world, model, policy, data_policy = case
    assert frame.true_return == pytest.approx(mdp.exact_return(world, policy))
    assert frame.model_return == pytest.approx(mdp.exact_return(world, policy, model))
    assert frame.eps_m_prime == pytest.approx(exact.model_error(world, model, policy))
    here = int(np.argmin(np.abs(frame.shifts - eps_pi)))
    assert frame.true_returns[here] == pytest.approx(frame.true_return)
    assert frame.model_returns[here] == pytest.approx(frame.model_return)
    assert (frame.true_returns >= frame.model_returns - frame.bound - 1e-9).all()
    np.testing.assert_allclose(
        frame.branched[[0, -1]],
        [mdp.exact_return(world, data_policy), frame.model_return],
        rtol=1e-2,  # 40 steps are not infinitely many
    )


def test_exact_lab_says_what_the_library_gives():
    lab = exact_lab.exact_lab()
    lab.move(eps_m=0.05, eps_pi=0.03, gamma=0.75, r_max=2)
    frame = exact_lab.measure(eps_m=0.05, eps_pi=0.03, gamma=0.75, r_max=2)
    bound = bounds.performance_bound(gamma=0.75, r_max=2, eps_m=0.05, eps_pi=0.03)
    assert f"True return {frame.true_return:.3f}" in lab.sentence
    assert f"model return {frame.model_return:.3f}" in lab.sentence
    assert f"C = {bound:.3f}" in lab.sentence
    assert "says nothing" not in lab.sentence
    lab.move(gamma=0.95)
    assert "says nothing" in lab.sentence
    before = lab.panel.frame["png"]
    lab.move(eps_pi=0.5)
    assert lab.panel.frame["png"] != before


def test_exact_lab_speaks_chinese():
    lab = exact_lab.exact_lab()
    english = lab.sentence
    language.use("zh")
    assert lab.sentence.startswith("真实回报")
    language.use("en")
    assert lab.sentence == english


def test_the_chapters_claim_about_gap_and_bound():
    """Chapter 4 says: within the sliders' range the gap is never more than 4.5 % of C."""
    shares = []
    for eps_m, eps_pi, gamma in itertools.product(
        np.linspace(0, cases.MAX_EPS_M, 6), np.linspace(0, 0.5, 6), np.linspace(0, 0.95, 20)
    ):
        if eps_m == eps_pi == 0:
            continue
        frame = exact_lab.measure(eps_m=eps_m, eps_pi=eps_pi, gamma=gamma, r_max=1)
        bound = bounds.performance_bound(gamma=gamma, r_max=1, eps_m=eps_m, eps_pi=eps_pi)
        if bound > 0:
            shares.append(abs(frame.true_return - frame.model_return) / bound)
    assert 0.03 < max(shares) < 0.045


def test_the_chapters_claim_about_the_branched_return():
    """Chapter 4 says: at the first setting it passes the true return between k = 1 and k = 2."""
    first = exact_lab.exact_lab().values
    frame = exact_lab.measure(**first)
    assert frame.branched[1] < frame.true_return < frame.branched[2]


def test_no_step_lab_says_what_the_library_gives():
    lab = no_step.no_step_lab(cases=20)
    lab.move(eps_m=0.1, eps_pi=0.2, gamma=0.5)
    found = gains.river_gains(np.array([0.2]), eps_m=0.1, gamma=0.5)
    assert f"gains {found.gain[0]:.3f} " in lab.sentence
    assert f"C = {found.bound[0]:.3f}." in lab.sentence
    assert f"{(0.05 + 0.2) / (0.05 + 0.4):.1%}" in lab.sentence


def test_the_two_errors_lab_says_what_the_library_gives():
    assert "0.093 apart after 5 steps" in two_errors.two_errors_lab().sentence


def curves(plate):
    return {line.get_label(): line for line in plate.moving if isinstance(line, Line2D)}


@pytest.mark.parametrize("gamma", [0.0, 0.8, 0.95])
def test_equal_returns_are_a_level_line_and_not_rounding_blown_up(gamma):
    """With a perfect model and an unmoved policy every branched return is the same."""
    lab = exact_lab.exact_lab()
    lab.move(eps_m=0, eps_pi=0, gamma=gamma)
    branched = [line for line in lab.plate.moving if isinstance(line, Line2D)]
    (curve,) = [line for line in branched if len(line.get_xdata()) == 41 and line.get_ms() == 4]
    assert np.ptp(curve.get_ydata()) < 1e-6


def red_pixels(lab):
    red, green, blue = (np.asarray(lab.plate.image(), dtype=int)[..., i] for i in range(3))
    return int(((red > 180) & (green < 130) & (blue < 60)).sum())


@pytest.mark.parametrize(
    ("make", "inside", "edges"),
    [
        (
            exact_lab.exact_lab,
            {"eps_m": 0.02, "eps_pi": 0.02, "gamma": 0.0},  # without a future there is no gap
            [
                {"eps_m": 0.0, "eps_pi": 0.0},
                {"eps_m": cases.MAX_EPS_M, "eps_pi": 0.0},
                {"eps_m": 0.0, "eps_pi": 0.5},
            ],
        ),
        (no_step.no_step_lab, {"eps_pi": 0.25}, [{"eps_pi": 0.5}]),
    ],
)
def test_marks_are_whole_at_the_ends_of_the_sliders(make, inside, edges):
    lab = make() if make is exact_lab.exact_lab else make(cases=20)
    lab.move(**inside)
    whole = red_pixels(lab)
    for edge in edges:
        lab.move(**edge)
        assert red_pixels(lab) == pytest.approx(whole, rel=0.15)


def test_the_diamond_leaves_the_map_where_the_error_does():
    lab = exact_lab.exact_lab()
    diamond = curves(lab.plate)["exact $\\epsilon_m'$, $\\epsilon_\\pi$"]
    assert diamond.get_visible()
    lab.move(eps_m=cases.MAX_EPS_M, eps_pi=0.5)
    assert not diamond.get_visible()
    lab.move(eps_pi=0.0)  # there both errors are the same, on the edge of the map
    assert diamond.get_visible()


@pytest.mark.parametrize("lang", language.LANGUAGES)
def test_no_curve_crosses_the_legend_of_the_no_step_lab(lang):
    language.use(lang)
    lab = no_step.no_step_lab(cases=20)
    left = lab.plate.figure.axes[0]
    box = left.get_legend().get_window_extent()
    for eps_m, gamma in itertools.product((0.0, 0.1, cases.MAX_EPS_M), (0.0, 0.8, 0.95)):
        lab.move(eps_m=eps_m, gamma=gamma)
        for line in curves(lab.plate).values():
            points = left.transData.transform(line.get_xydata())
            assert box.count_contains(points) == 0


def test_the_layers_lab_says_what_the_library_gives():
    lab = looseness.looseness_lab()
    assert [float(number) for number in re.findall(r"\d\.\d{3}", lab.sentence)] == [
        0.011, 0.070, 0.416, 1.400, 2.800
    ]  # fmt: skip
    lab.move(eps_m=0.1, eps_pi=0.3, gamma=0.95)
    found = layers(cases.river_case(eps_m=0.1, eps_pi=0.3, gamma=0.95))
    assert all(f"{bound:.3f}" in lab.sentence for bound in found)
    assert f"{found.theorem / 40:.0%} of the trivial level" in lab.sentence


def test_the_bars_of_the_layers_lab_are_the_layers():
    lab = looseness.looseness_lab()
    for setting in ({}, {"eps_m": 0.0}, {"eps_m": cases.MAX_EPS_M, "eps_pi": 0.5, "gamma": 0.95}):
        lab.move(**setting)
        values = lab.values
        found = layers(cases.river_case(**values))
        shares = np.array(found) / bounds.trivial_level(gamma=values["gamma"], r_max=1)
        lines = [artist for artist in lab.plate.moving if isinstance(artist, Line2D)]
        ends = [line.get_xdata()[1] for line in lines]
        np.testing.assert_allclose(ends, np.maximum(shares, 1e-4), rtol=1e-12)
        assert max(shares) < 100  # inside the axes
        shown = [text.get_text() for text in lab.plate.moving if isinstance(text, Text)]
        assert shown[:5] == [f"{bound:.3f}" for bound in found]
        assert shown[5:] == ["", *("" if np.isnan(f) else f"×{f:.1f}" for f in found.factors)]


def test_where_the_exact_lab_says_nothing_it_is_grey():
    """And not the blue of the band below it, which the legend gives another meaning."""
    lab = exact_lab.exact_lab()
    lab.move(eps_m=0.02, eps_pi=0.02, gamma=0.8)
    axes = lab.plate.figure.axes[0]
    x, y = axes.transData.transform((0.3, -0.5))
    picture = np.asarray(lab.plate.image(), dtype=int)
    red, green, blue = picture[picture.shape[0] - int(y), int(x)]
    assert max(red, green, blue) - min(red, green, blue) < 12

"""The labs and figures of chapter 2 show what the library computes."""

import numpy as np
import pytest
import torch

from mbpo_teach.figures import curve
from mbpo_teach.figures import ensemble as figures
from mbpo_teach.ground import language
from mbpo_teach.ground.seeding import generator, torch_generator
from mbpo_teach.model import curves
from mbpo_teach.model.calibration import coverage
from mbpo_teach.model.curves import Fitted
from mbpo_teach.model.disagreement import disagreement_and_error, rank_correlation
from mbpo_teach.model.dynamics import Ensemble, predict
from mbpo_teach.model.fit import FitReport
from mbpo_teach.widgets import ensemble as labs
from mbpo_teach.world import envs


@pytest.fixture(autouse=True)
def english(monkeypatch):
    monkeypatch.setenv("MBPO_LANG", "en")
    monkeypatch.setattr(language, "_chosen", [])
    monkeypatch.setattr(language, "_listeners", [])


GRID = torch.linspace(-4, 4, 161)


@pytest.fixture
def spread_lab():
    """Fits that nobody trained, so that every number can be told from every other."""
    draws = torch_generator(0, "fits")
    data, fits = {}, {}
    for noise in (0.1, 0.3):
        for count in (20, 50, 150):
            data[count, noise] = curves.sample_curve(count, noise=noise, generator=draws)
            fits[count, noise] = Fitted(
                torch.randn(4, 161, generator=draws), torch.rand(4, 161, generator=draws)
            )
    return labs.spread_lab(data, fits, GRID), fits


def test_spread_lab_says_what_the_fits_give(spread_lab):
    lab, fits = spread_lab
    assert lab.values == {"members": 4, "count": 150, "noise": 0.3}
    lab.move(members=3, count=50, noise=0.1)
    _, noisy, unsure = curves.mean_and_deviations(fits[50, 0.1], 3)
    gap = (GRID > -0.8) & (GRID < 1.0)
    side = (GRID > 1.2) & (GRID < 2.8)
    assert "Members: 3; points: 50." in lab.sentence
    assert f"reaches {unsure[gap].max():.2f}" in lab.sentence
    assert f"it is {unsure[side].mean():.2f} on average" in lab.sentence
    assert f"aleatoric one {noisy[side].mean():.2f}." in lab.sentence


def test_every_slider_of_the_spread_lab_changes_the_picture(spread_lab):
    lab, _ = spread_lab
    seen = {lab.plate.png()}
    for values in ({"members": 1}, {"count": 20}, {"noise": 0.1}):
        lab.move(**values)
        seen.add(lab.plate.png())
    assert len(seen) == 4


def test_one_member_cannot_disagree(spread_lab):
    lab, _ = spread_lab
    lab.move(members=1)
    assert "reaches 0.00" in lab.sentence


@pytest.fixture(scope="module")
def pendulum():
    world = envs.make("Pendulum-v1")
    data = envs.collect(world, steps=200, rng=generator(0, "gather"))
    model = Ensemble(3, 1, members=3, hidden=(8,), generator=torch_generator(0, "weights"))
    model.set_scales(data)
    return world, model, data


def test_map_compares_with_the_simulator(pendulum):
    """The error on the map is that of the next step of a pendulum, by its own equations."""
    world, model, _ = pendulum
    angle, speed, torque = 0.7, -1.5, 0.4
    obs = torch.tensor([[np.cos(angle), np.sin(angle), speed]], dtype=torch.float32)
    apart, error = disagreement_and_error(world, model, obs, torque)
    faster = speed + 0.05 * (15 * np.sin(angle) + 3 * 2 * torque)
    after = angle + 0.05 * faster
    real = torch.tensor([np.cos(after), np.sin(after), faster], dtype=torch.float32)
    with torch.no_grad():
        each = predict(model, obs, torch.tensor([[torque]])).mean[:, 0, :3]
    scale = model.target_scale[:3]
    assert error == pytest.approx(float(((each.mean(0) - real) / scale).norm()), rel=1e-3)
    by_hand = float((each.var(0, correction=0) / scale**2).sum().sqrt())
    assert apart == pytest.approx(by_hand, rel=1e-3)


def test_map_lab_says_what_it_draws(pendulum):
    world, model, data = pendulum
    other = Ensemble(3, 1, members=3, hidden=(8,), generator=torch_generator(1, "weights"))
    other.set_scales(data)
    lab = labs.map_lab(world, {100: (other, data), 200: (model, data)})
    assert lab.values == {"count": 200, "torque": 0.0}
    first = lab.plate.png()
    lab.move(torque=0.5)
    assert "200 rows, torque 1.0 N m" in lab.sentence
    obs = torch.tensor([[1.0, 0.0, 6.8], [-1.0, 0.0, 6.8]])
    spread, _ = disagreement_and_error(world, model, obs, 0.5)
    assert f"disagree by {spread[0]:.2f} at 6.8 rad/s with the pole upright" in lab.sentence
    assert f"and by {spread[1]:.2f} at the same speed with the pole hanging" in lab.sentence
    second = lab.plate.png()
    lab.move(count=100)
    assert len({first, second, lab.plate.png()}) == 3


def test_rank_correlation_by_hand():
    values = np.array([3.0, 1.0, 2.0, 9.0])
    assert rank_correlation(values, np.exp(values)) == pytest.approx(1.0)
    assert rank_correlation(values, -values) == pytest.approx(-1.0)
    # Ranks 2 0 1 3 and 2 1 0 3: 1 - 6 * (1 + 1) / (4 * 15).
    assert rank_correlation(values, np.array([3.0, 2.0, 1.0, 9.0])) == pytest.approx(0.8)


def test_calibration_lab_counts_held_out_rows():
    draws = torch_generator(0, "rows")
    mean, target = torch.zeros(500, 4), torch.randn(500, 4, generator=draws)
    deviation = torch.tensor([1.0, 0.5, 2.0, 1.5]).expand(500, 4)
    lab = labs.calibration_lab(mean, deviation, target)
    before = lab.plate.png()
    for factor in (1.0, 0.5, 3.0):
        lab.move(factor=factor)
        shares = coverage(mean, factor * deviation, target, [0.9])[0]
        for share, name in zip(shares, ("cosine", "sine", "velocity", "reward"), strict=True):
            assert f"{share:.1%} ({name})" in lab.sentence
    assert lab.plate.png() != before


def test_still_figures_say_their_numbers():
    points = curves.sample_curve(30, noise=0.3, generator=torch_generator(0, "points"))
    mean = curves.curve(GRID) + 0.25
    one = curve.one_network(points, GRID, mean, torch.full_like(GRID, 0.5))
    assert "30 points" in one.sentence
    assert "off by up to 0.25" in one.sentence
    assert "is 0.50 on average" in one.sentence
    deviations = {
        kind: torch.tensor([[low, high]]).repeat(2, 1)
        for kind, low, high in (("none", 1e-6, 50.0), ("fixed", 0.01, 1.2), ("trained", 0.1, 0.4))
    }
    far = curve.limits_picture(torch.tensor([-2.0, 2.0]), deviations, noise=0.3)
    assert "without limits 1e-06 and 50, with fixed limits 0.01 and 1.2" in far.sentence
    hard = torch.full((10, 3), 1.28)
    soft = torch.linspace(1.28, 0.1, 10)[:, None].repeat(1, 3)
    story = curve.clamp_picture(hard, soft, truth=0.1)
    assert (
        "After 10 steps, 3 networks behind a soft clamp and 0 behind a hard one, of 3 each"
        in story.sentence
    )


def test_grey_means_no_data_in_every_figure_of_the_curve(spread_lab):
    points = curves.sample_curve(500, noise=0.3, generator=torch_generator(0, "points"))
    flat = torch.full_like(GRID, 0.5)
    frame = curve.SpreadFrame(points, flat, flat, flat, flat)
    far = torch.linspace(-8, 8, 321)
    kinds = {kind: torch.full((2, 321), 0.3) for kind in ("none", "fixed", "trained")}
    figures_of_the_curve = (
        curve.one_network(points, GRID, flat, flat).figure,
        curve.build_spread(GRID)(frame).figure,
        curve.limits_picture(far, kinds, noise=0.3).figure,
    )
    for axes in (axes for figure in figures_of_the_curve for axes in figure.axes):
        spans = [patch for patch in axes.patches if patch.get_alpha() == 0.18]
        grey = sorted((patch.get_x(), patch.get_x() + patch.get_width()) for patch in spans)
        left, right = axes.get_xlim()
        assert np.ravel(grey) == pytest.approx([left, -3, -0.8, 1, 3, right])
        inside = [(points.x > start) & (points.x < end) for start, end in grey]
        assert not torch.stack(inside).any()


def test_fit_picture_marks_the_kept_weights():
    errors = torch.tensor([[1.0, 1.0], [0.2, 0.5], [0.4, 0.3]])
    report = FitReport(elites=(0,), holdout=(0.2, 0.3), curve=errors, steps=20, diverged=False)
    picture = figures.fit_picture(report)
    (axes,) = picture.figure.axes
    dots = {
        (float(line.get_xdata()[0]), round(float(line.get_ydata()[0]), 3))
        for line in axes.lines
        if line.get_marker() == "o" and len(line.get_xdata())
    }
    assert dots == {(1.0, 0.2), (2.0, 0.3)}
    assert "from 1.00 to 0.2000 for the best member and 0.3000 for the worst" in picture.sentence


def test_the_labs_speak_chinese(spread_lab):
    lab, _ = spread_lab
    language.use("zh")
    assert lab.sentence.startswith("成员数 4")
    assert curve.clamp_picture(torch.ones(2, 1), torch.ones(2, 1), 0.1).sentence.startswith("真实")

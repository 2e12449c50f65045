"""The labs of chapter 3 show what was recorded, and the chapter's claims about it hold."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from mbpo_teach.figures.filmstrip import Moment, View, film, outlines
from mbpo_teach.ground import language
from mbpo_teach.ground.seeding import generator
from mbpo_teach.model.errors import disagreement, real_rollouts, visited_states
from mbpo_teach.records import archive
from mbpo_teach.theory.growth import fit_growth, growth
from mbpo_teach.widgets import compounding
from mbpo_teach.world import envs
from mbpo_teach.world.limbs import Limbs, limbs_at

WORLDS = ("InvertedPendulum-v5", "Hopper-v5")
SIMULATORS = (*WORLDS, "HalfCheetah-v5", "Walker2d-v5", "Ant-v5")


@pytest.fixture(autouse=True)
def english(monkeypatch):
    monkeypatch.setenv("MBPO_LANG", "en")
    monkeypatch.setattr(language, "_chosen", [])
    monkeypatch.setattr(language, "_listeners", [])


def arrays(world):
    return archive.load(f"errors_{world}").arrays


def median(world, name="actions.ensemble"):
    return np.nanmedian(arrays(world)[name], axis=1)


# What the records hold.


@pytest.mark.parametrize("world", SIMULATORS)
def test_one_step_errors_fall_as_data_grow(world):
    found = arrays(world)
    assert list(found["sizes"]) == [300, 1_000, 3_000, 10_000]
    assert not found["diverged"].any()
    assert found["held_out"].shape == (4, 2_000)
    means = found["held_out"].mean(axis=1)
    assert (np.diff(means) < 0).all()
    assert means[0] < found["still"].mean()


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("acting", ["actions", "policy"])
def test_recorded_rollouts_and_recorded_errors_agree(world, acting):
    found = arrays(world)
    real, imagined = found[f"{acting}.real"], found[f"{acting}.imagined"]
    again = np.linalg.norm((imagined - real) / found["scale"], axis=-1)
    np.testing.assert_allclose(
        again, found[f"{acting}.ensemble"][:, : len(real)], rtol=1e-3, atol=1e-6
    )
    assert found[f"{acting}.ensemble"].shape == (4, 100, 51)
    np.testing.assert_allclose(
        found[f"{acting}.one_step"][:, :, 1], found[f"{acting}.ensemble"][:, :, 1], rtol=1e-3
    )


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("acting", ["actions", "policy"])
def test_a_first_step_is_taken_from_a_true_state(world, acting):
    """Where nothing is inherited yet, the three ways to measure one step agree."""
    found = arrays(world)
    first = found[f"{acting}.at_imagined"][:, :, 1]
    assert found[f"{acting}.at_imagined"].shape == (4, 12, 51)
    np.testing.assert_allclose(first, found[f"{acting}.ensemble"][:, :12, 1], rtol=1e-2, atol=1e-5)
    assert not found[f"{acting}.at_imagined"][:, :, 0].any()


@pytest.mark.parametrize("world", WORLDS)
def test_a_model_that_knows_nothing_is_off_by_about_the_root_of_the_dimensions(world):
    found = arrays(world)
    level, root = float(found["mean_guess"]), len(found["scale"]) ** 0.5
    assert 0.5 * root < level < root


# What the chapter says of them.


def test_the_pole_as_the_chapter_tells_it():
    pole = median("InvertedPendulum-v5")
    np.testing.assert_allclose(pole[:, 1], [0.0012, 0.0007, 0.0006, 0.0005], atol=5e-5)
    assert list((pole > 1).argmax(axis=1)) == [36, 37, 39, 39]
    growing = pole[1, 2:] / pole[1, 1:-1]  # nearly one factor at each step, but not at the first
    assert growing[:6].min() > 1.23 and (abs(growing[9:] - 1.2) < 0.03).all()
    assert pole[1, 10] == pytest.approx(0.0073, abs=5e-5)
    corrected = median("InvertedPendulum-v5", "policy.ensemble")
    assert corrected[1, 50] == pytest.approx(0.005, abs=1e-3)
    alone = median("InvertedPendulum-v5", "actions.single")
    assert 3.5 < alone[1, 10] / pole[1, 10] < 4.5
    apart = median("InvertedPendulum-v5", "actions.disagreement")
    assert 2.5 < apart[1, 10] / pole[1, 10] < 4
    # Against what it estimates, a member's error, the spread is about right.
    np.testing.assert_allclose(apart[:, 10] / alone[:, 10], [1.01, 0.77, 1.15, 1.17], atol=0.006)
    # The eigenvalue of the simulator is 1.199.
    assert all(1.18 < fit_growth(curve, until=40)[1] < 1.2 for curve in pole)


def test_the_hopper_as_the_chapter_tells_it():
    found = arrays("Hopper-v5")
    hopper, apart = median("Hopper-v5"), median("Hopper-v5", "actions.disagreement")
    low, high = np.nanquantile(found["actions.ensemble"][3], (0.1, 0.9), axis=0)
    assert (low[1], high[1]) == pytest.approx((0.008, 0.21), abs=0.005)
    assert high[1] / low[1] == pytest.approx(25, abs=1)
    assert (high[5:] > 1).all()
    alone = median("Hopper-v5", "actions.single")
    assert apart[3, 10] / hopper[3, 10] == pytest.approx(0.36, abs=0.005)
    ratio = apart[:, [1, 10]] / alone[:, [1, 10]]
    np.testing.assert_allclose(ratio[3], [0.31, 0.34], atol=0.006)
    np.testing.assert_allclose(ratio[0], [0.53, 0.73], atol=0.006)
    assert 1 < alone[3, 10] / hopper[3, 10] < 1.1
    assert (hopper[0, 1], hopper[3, 1]) == pytest.approx((0.045, 0.024), abs=5e-4)
    assert hopper[:, 50].min() > 1.1 and hopper[:, 50].max() < 2.0
    ended = np.isnan(found["actions.ensemble"][0, :, 50]).mean()
    assert ended == pytest.approx(1 / 6, abs=0.02)
    last = found["actions.ensemble"][:, :12, 50]
    assert (last[0, 9], last[3, 9]) == pytest.approx((1.5, 0.11), abs=0.05)
    assert (last[0, 0], last[3, 0]) == pytest.approx((2.8, 5.2), abs=0.05)


def test_inherited_error_and_leaving_the_data_as_the_chapter_tells_them():
    """The pole's error is handed on; the hopper's steps themselves get worse."""
    ks = [1, 10, 50]
    pole = {
        name: median("InvertedPendulum-v5", f"policy.{name}")[3]
        for name in ("ensemble", "one_step")
    }
    at = median("InvertedPendulum-v5", "policy.at_imagined")[3]
    np.testing.assert_allclose(at[5:], 0.0003, atol=1.5e-4)
    first_twelve = np.nanmedian(arrays("InvertedPendulum-v5")["policy.ensemble"][3, :12], axis=0)
    assert first_twelve[50] / first_twelve[1] == pytest.approx(8, abs=0.5)
    np.testing.assert_allclose(pole["one_step"][5:], at[5:], atol=2e-4)
    hopper = arrays("Hopper-v5")
    at = median("Hopper-v5", "policy.at_imagined")[3]
    true = np.nanmedian(hopper["policy.one_step"][3, :12], axis=0)
    np.testing.assert_allclose(at[ks], [0.019, 0.028, 0.144], atol=5e-4)
    np.testing.assert_allclose(true[[1, 50]], [0.019, 0.008], atol=5e-4)
    # Along the same actions the pole's two curves lie on each other for thirty steps.
    curves = arrays("InvertedPendulum-v5")
    true, at = (
        np.nanmedian(curves[f"actions.{name}"][1, :12], axis=0)[1:31]
        for name in ("one_step", "at_imagined")
    )
    np.testing.assert_allclose(at, true, rtol=0.5)
    # The pole with nobody to look at it falls, in the model: there it leaves the data too.
    fallen = median("InvertedPendulum-v5", "actions.at_imagined")[3]
    assert fallen[20] < 0.001 and fallen[50] == pytest.approx(0.08, abs=0.005)


def heights(rollout):
    """Return the height of the lower end of the hopper's foot above the floor, (time,), in m."""
    env = envs.make("Hopper-v5")
    bodies = (limbs_at(env, obs) for obs in rollout)
    return np.array(
        [
            np.nan if body is None else (body.ends[-1, :, 2] - body.radius[-1]).min()
            for body in bodies
        ]
    )


def test_the_ghosts_foot_leaves_the_ground_as_the_film_shows():
    found = arrays("Hopper-v5")
    error = found["actions.ensemble"][0, 0]
    assert (error[10], error[20]) == pytest.approx((0.27, 1.6), abs=0.01)
    real, ghost = heights(found["actions.real"][0]), heights(found["actions.imagined"][0, 0])
    assert abs(real[10:51]).max() < 0.02
    assert ghost[10] < 0 and ghost[20] > 0.015
    assert ghost[50] == pytest.approx(0.05, abs=0.005)


def test_a_foot_in_the_floor_is_no_state_of_the_world():
    """The policy's rollouts in the model of 10,000 transitions; a real foot sinks in a little."""
    found = arrays("Hopper-v5")
    ghost = np.array([heights(rollout) for rollout in found["policy.imagined"][3]])
    real = np.array([heights(rollout) for rollout in found["policy.real"]])
    inside = ghost < -0.01
    assert inside[:, 1:].mean() == pytest.approx(0.25, abs=0.01)
    assert ghost.min() == pytest.approx(-0.11, abs=0.005)
    assert np.nanmin(real) > -0.02
    error = found["policy.at_imagined"][3][:, 1:]
    assert np.median(error[inside[:, :-1]]) == pytest.approx(0.25, abs=0.005)
    assert np.median(error[~inside[:, :-1]]) == pytest.approx(0.05, abs=0.005)


def test_brakes_bring_nearly_every_rod_to_rest():
    pendulum = envs.make("Pendulum-v1")
    starts = visited_states(pendulum, count=100, every=17, rng=generator(3, "starts"))
    braked, _ = real_rollouts(pendulum, starts, lambda obs, _: -obs[:, 2:].clamp(-1, 1), steps=50)
    assert (braked[:, 50, 2].abs() < 0.2).float().mean() > 0.9


def test_few_hard_steps_decide_the_hoppers_mean():
    errors = np.sort(arrays("Hopper-v5")["held_out"])
    assert errors[3, -100:].sum() / errors[3].sum() == pytest.approx(0.6, abs=0.005)
    np.testing.assert_allclose(np.median(errors, axis=1)[[0, 3]], [0.036, 0.022], atol=5e-4)


def test_what_five_independent_members_disagree_by():
    """Twice the error of their average, and 0.89 of a member's own, in root mean square."""
    off = torch.randn(5, 100_000, 1, 1, generator=torch.Generator().manual_seed(0))
    apart = disagreement(off, torch.ones(1)).square().mean().sqrt()
    average, own = off.mean(dim=0).square().mean().sqrt(), off.square().mean().sqrt()
    assert float(apart / average) == pytest.approx(2, abs=0.02)
    assert float(apart / own) == pytest.approx(0.89, abs=0.01)


def test_the_steps_that_a_smaller_error_adds_in_the_quiz_and_beside_the_law():
    assert np.log(2) / np.log(1.2) == pytest.approx(3.8, abs=0.01)
    assert np.log(2.4) / np.log(1.2) == pytest.approx(5, abs=0.25)
    # Quiz 5: twentyfold in twenty steps needs no stretch.
    assert growth(0.01, 1.0, 20) == pytest.approx(20 * growth(0.01, 1.0, 1))


# The labs.


@pytest.mark.parametrize("world", WORLDS)
def test_errors_lab_says_what_was_recorded(world):
    found = arrays(world)
    lab = compounding.errors_lab(found, size=1_000)
    lab.move(k=20, start=3, size=3_000)
    for acting in ("actions", "policy"):
        curve = found[f"{acting}.ensemble"][2, :, 20]
        numbers = [*np.nanquantile(curve, (0.5, 0.1, 0.9)), curve[2]]
        middle, low, high, own = map(compounding._number, numbers)
        assert f"median error {middle}, 80 % of starts between {low} and {high}" in lab.sentence
        assert f"start 3: {own}" in lab.sentence
        said = (
            compounding._number(np.nanmedian(found[f"{acting}.{name}"][2, :, 20]))
            for name in ("one_step", "at_imagined")
        )
        assert "one step from true states {}, from imagined ones {}".format(*said) in lab.sentence
    assert f"always predicting the mean is off by {found['mean_guess']:.2g}." in lab.sentence
    before = lab.panel.frame["png"]
    for change in ({"k": 21}, {"start": 4}, {"size": 300}):
        lab.move(**change)
        assert lab.panel.frame["png"] != before
        before = lab.panel.frame["png"]


@pytest.mark.parametrize("key", ["mean_guess", "actions.at_imagined", "policy.at_imagined"])
def test_errors_lab_draws_what_was_measured(key):
    found = dict(arrays("Hopper-v5"))
    before = compounding.errors_lab(found, size=1_000).panel.frame["png"]
    found[key] = 0.7 * found[key]
    assert compounding.errors_lab(found, size=1_000).panel.frame["png"] != before


def test_a_start_that_ended_is_said_to_have_ended():
    found = arrays("Hopper-v5")
    start = int(np.isnan(found["actions.ensemble"][0, :, 50]).argmax())
    lab = compounding.errors_lab(found, size=300, k=50)
    lab.move(start=start + 1)
    assert f"start {start + 1}: the real episode had ended" in lab.sentence


def test_law_lab_draws_the_law_and_reads_the_growth_rate():
    worlds = {world: arrays(world) for world in WORLDS}
    lab = compounding.law_lab(worlds, size=1_000, stretch=1.1)
    lab.move(stretch=0.9, size=10_000)
    for world in WORLDS:
        curve = median(world)[3]
        by_law = compounding._number(growth(curve[1], 0.9, 50))
        assert f"{compounding._number(curve[50])} and {by_law} at k = 50" in lab.sentence
        fitted = fit_growth(curve, until=compounding.FITTED)[1]
        assert f"L read off the curve: {fitted:.2f}" in lab.sentence


def test_film_lab_and_strip_show_bodies():
    found = arrays("Hopper-v5")
    lab = compounding.film_lab("Hopper-v5", found, size=300)
    before = lab.panel.frame["png"]
    lab.move(k=50, start=2, size=10_000)
    error = compounding._number(found["actions.ensemble"][3, 1, 50])
    assert f"{error} deviations away" in lab.sentence
    assert lab.panel.frame["png"] != before
    strip = compounding.strip({"Hopper-v5": found}, size=300, start=1)
    assert strip.sentence.startswith("Real body and imagined ghost in Hopper-v5, after k = 1, 5")
    assert len(strip.figure.axes) == 4


def test_where_the_real_episode_ended_only_the_ghost_is_left():
    found = dict(arrays("Hopper-v5"))
    for key in ("actions.real", "actions.ensemble"):
        found[key] = found[key].copy()
    found["actions.real"][0, 5:] = np.nan
    found["actions.ensemble"][:, 0, 5:] = np.nan
    lab = compounding.film_lab("Hopper-v5", found, size=300, k=7)
    assert "the real episode had ended; only the imagined body is left" in lab.sentence


def test_the_labs_speak_chinese():
    lab = compounding.errors_lab(arrays("Hopper-v5"), size=300)
    english = lab.sentence
    language.use("zh")
    assert lab.sentence.startswith("模型用 300 条转移训练")
    language.use("en")
    assert lab.sentence == english


# The drawing.


def test_outline_of_a_limb_by_hand():
    """An upright stick from (0, 0, 0) to (0, 0, 1), radius 0.1: a stadium around it."""
    limb = Limbs(np.array([[[0.0, 5.0, 0.0], [0.0, 5.0, 1.0]]]), np.array([0.1]))
    (outline,) = outlines(limb)
    np.testing.assert_allclose(outline.min(axis=0), [-0.1, -0.1], atol=1e-12)
    np.testing.assert_allclose(outline.max(axis=0), [0.1, 1.1], atol=1e-12)
    x, y = outline.T
    area = 0.5 * abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))
    assert area == pytest.approx(0.2 + np.pi * 0.01, rel=0.01)


def test_the_film_moves_and_is_small():
    shown = compounding.moving_film("Hopper-v5", arrays("Hopper-v5"), size=300, start=1)
    assert len(shown.gif) < 120_000
    bundle, _ = shown._repr_mimebundle_()
    assert set(bundle) == {"image/gif", "text/plain"}
    picture = Image.open(io.BytesIO(shown.gif))
    assert picture.n_frames == 26
    frames = []
    for at in (0, 10, 25):
        picture.seek(at)
        frames.append(np.asarray(picture.convert("RGB")))
    assert (frames[0] != frames[1]).any() and (frames[1] != frames[2]).any()


def test_a_film_without_a_ghost_can_be_drawn():
    limb = Limbs(np.array([[[0.0, 0.0, 0.0], [0.0, 0.0, 1.0]]]), np.array([0.1]))
    moments = [Moment(0, limb, limb), Moment(1, None, limb), Moment(2, limb, None)]
    shown = film("toy", moments, View((-1, 1), (0, 1)), seconds=1)
    assert Image.open(io.BytesIO(shown.gif)).n_frames == 3
    assert "from k = 0 to k = 2" in shown.sentence

"""Figures and sliders of chapter 01 show the numbers they are given."""

import numpy as np
import pytest

from mbpo_teach.figures import coverage, tabular, worlds
from mbpo_teach.ground import language
from mbpo_teach.tables import bins, mazes
from mbpo_teach.widgets import dyna as labs


@pytest.fixture(autouse=True)
def english(monkeypatch):
    monkeypatch.setattr(language, "_chosen", ["en"])
    monkeypatch.setattr(language, "_listeners", [])


@pytest.fixture
def runs():
    """Three seeds, four episodes, by planning steps."""
    return {
        0: np.array([[40.0, 30, 25, 21], [80, 70, 30, 22], [60, 50, 35, 29]]),
        5: np.array([[40.0, 22, 14, 14], [80, 20, 16, 14], [60, 15, 15, 14]]),
    }


def data_of(band):
    """Return lower and upper edge of a filled band over the points of its first half."""
    vertices = band.get_paths()[0].vertices
    return vertices[:, 1].min(), vertices[:, 1].max()


# ---- curves


def test_spread_is_the_middle_80_per_cent_of_the_seeds():
    low, high = tabular.seed_band(np.arange(11.0)[:, None] * [1, 2])
    assert low == pytest.approx([1, 2]) and high == pytest.approx([9, 18])


def test_first_below_counts_episodes_from_one_and_means_over_seeds(runs):
    assert tabular.first_below(runs[0]) == "–"
    assert tabular.first_below(runs[5]) == 2
    assert tabular.first_below(runs[0], steps=30) == 3


def test_learning_curves_draw_the_means(runs):
    still = tabular.learning_curves(runs, shortest=14)
    (axes,) = still.figure.axes
    for line, steps in zip(axes.lines, runs.values(), strict=False):
        assert line.get_xdata().tolist() == [1, 2, 3, 4]
        assert line.get_ydata() == pytest.approx(steps.mean(axis=0))
    assert axes.lines[2].get_ydata()[0] == 14
    assert "n = 0: –; n = 5: 2" in still.sentence


def test_a_still_is_a_picture_with_a_sentence(runs):
    bundle = tabular.learning_curves(runs, shortest=14)._repr_mimebundle_()
    assert bundle["image/png"].startswith(b"\x89PNG") and "episode" in bundle["text/plain"]


@pytest.mark.parametrize("spoken", language.LANGUAGES)
def test_every_figure_is_drawn_in_both_languages_without_a_warning(runs, spoken):
    """Warnings are errors: a missing glyph or a layout that does not fit would raise."""
    language.use(spoken)
    maze = mazes.dyna_maze()
    later = mazes.Maze(mazes.BLOCKING_AFTER)
    q = np.zeros((47, 4))
    flags = {n: array < 25 for n, array in runs.items()}
    stills = [
        tabular.learning_curves(runs, shortest=14),
        tabular.policies(maze, {0: q, 50: q}, episodes=2),
        tabular.changing_world(later, later, {"Dyna-Q": runs[0].cumsum(1)}, change_after=2),
        tabular.cliff({n: -array for n, array in runs.items()}, flags),
        tabular.lake({"Dyna-Q": runs[0] / 100}, np.arange(1, 5) * 20, best=0.54),
    ]
    for still in stills:
        assert len(still.png()) > 5000 and len(still.sentence) > 10


def test_cliff_counts_the_first_episode_in_which_half_of_the_seeds_know(runs):
    knew = {0: np.array([[0, 0, 1, 1], [0, 1, 1, 1]]), 5: np.zeros((2, 4))}
    still = tabular.cliff({n: -array for n, array in runs.items()}, knew)
    assert "n = 0: 2; n = 5: –" in still.sentence
    share = still.figure.axes[1].lines[0].get_ydata()
    assert share == pytest.approx([0, 0.5, 1, 1])


def test_cliff_states_what_the_last_fifty_episodes_earned():
    earned = np.concatenate([np.full((2, 10), -1000.0), np.full((2, 49), -40), [[-90], [-40]]], 1)
    still = tabular.cliff({5: earned}, {5: np.ones((2, 60))})
    assert still.sentence.endswith("Mean return of the last 50 episodes: n = 5: -40.")


def test_changing_world_states_the_reward_at_the_change_and_at_the_end():
    rewards = np.array([[1.0, 2, 3, 9], [1, 4, 5, 11]])
    maze = mazes.Maze(mazes.BLOCKING_BEFORE)
    still = tabular.changing_world(maze, maze, {"Dyna-Q": rewards}, change_after=2)
    assert "Dyna-Q: 3 before the change, 10 in the end" in still.sentence


def test_a_sweep_brings_the_chosen_curve_forward(runs):
    draw = tabular.build_sweep(runs, np.arange(1, 5), dress=tabular.steps_axis)
    for n, steps in runs.items():
        band, line = draw(tabular.SweepFrame(n)).moving
        assert line.get_ydata() == pytest.approx(steps.mean(axis=0))
        low, high = tabular.seed_band(steps)
        assert data_of(band) == pytest.approx((low.min(), high.max()))


def test_a_long_sweep_is_thinned_but_keeps_its_last_point():
    rewards = np.arange(1.0, 6001)[None, :]
    draw = tabular.build_sweep({1: rewards}, np.arange(1, 6001), dress=tabular.reward_axis)
    line = draw(tabular.SweepFrame(1)).moving[1]
    assert len(line.get_xdata()) <= 1200
    assert line.get_xdata()[-1] == line.get_ydata()[-1] == 6000
    assert (line.get_xdata() == line.get_ydata()).all()


# ---- the maze from above


def test_an_arrow_points_where_its_action_leads():
    figure = tabular.Figure()
    maze = mazes.dyna_maze()
    moving, move = worlds.policy_panel(figure.subplots(), maze)
    q = np.zeros((47, 4))
    q[maze.start, 2] = 0.5  # down
    q[5] = [0.3, 0.3, 0, 0]  # a tie
    q[6, 1] = 1e-15  # small, and yet it decides
    move(worlds.Frame(q))
    picture, arrows = moving[0], moving[-1]
    # Rows run down the axis, so "down" is a positive step along it.
    assert (arrows.U[maze.start], arrows.V[maze.start]) == (0, 1)
    assert (
        arrows.Umask.sum() == 45 and not arrows.Umask[[maze.start, 6]].any()
    )  # a tie has no arrow
    assert picture.get_array()[maze.cells[maze.start]] == 0.5
    assert picture.get_array()[maze.cells[5]] == 0.3
    assert tabular.arrow_count(q) == 2


# ---- sliders


def test_the_steps_slider_says_its_numbers(runs):
    lab = labs.steps_lab("planning_steps", runs, value=5)
    assert "n = 5: 20 steps or fewer for the first time in episode 2" in lab.sentence
    total = runs[5].sum(axis=1).mean()
    assert f"{total:.0f} real steps" in lab.sentence and "3 seeds" in lab.sentence
    lab.move(planning_steps=0)
    assert "n = 0: never 20 steps or fewer within 4 episodes" in lab.sentence


def test_the_kappa_slider_says_its_numbers():
    rewards = np.array([[1.0, 2, 3, 9], [1, 4, 5, 11]])
    lab = labs.kappa_lab({0.0: rewards, 0.001: rewards + 1}, change_after=2, value=0.0)
    lab.move(kappa=0.001)
    assert lab.sentence.startswith("κ = 0.001: 4 goals before the change and 11 after all 4 steps")


def test_the_lake_slider_says_its_numbers():
    values = {0.1: np.array([[0.1, 0.2], [0.3, 0.4]]), 1.0: np.array([[0.0, 0.0], [0.0, 0.1]])}
    lab = labs.lake_lab("alpha", values, np.array([20, 40]), best=0.54, value=0.1)
    assert "α = 0.1: after 40 episodes" in lab.sentence and " is 0.30 " in lab.sentence
    assert lab.sentence.endswith("; the optimum is 0.54.")
    lab.move(alpha=1.0)
    assert " is 0.05 " in lab.sentence


def test_the_lake_slider_can_move_the_planning_steps():
    values = {1: np.array([[0.1, 0.2], [0.3, 0.4]]), 10: np.array([[0.0, 0.0], [0.0, 0.1]])}
    lab = labs.lake_lab("planning_steps", values, np.array([20, 40]), best=0.54, value=10)
    assert "n = 10: after 40 episodes" in lab.sentence and " is 0.05 " in lab.sentence
    lab.move(planning_steps=1)
    assert "n = 1: after 40 episodes" in lab.sentence and " is 0.30 " in lab.sentence


def test_the_arrows_slider_computes_how_long_the_arrows_take():
    maze = mazes.Maze("S.G")
    learned = np.zeros((3, 4))
    learned[0, 1], learned[1, 1] = 0.9, 1.0
    wrong = np.zeros((3, 4))
    wrong[0, 3] = 1.0
    lab = labs.arrows_lab(maze, {0: np.array([np.zeros((3, 4)), learned, wrong])}, value=0)
    assert "takes" not in lab.sentence and "never ends" in lab.sentence  # stands at 2
    lab.move(episode=1)
    assert "2 of 2 cells" in lab.sentence and "takes 2 steps on average" in lab.sentence
    lab.move(episode=0)
    # From S a move in four leads on; from the middle one ends, one leads back: 4 + 8 steps.
    assert "0 of 2 cells" in lab.sentence and "takes 12 steps on average" in lab.sentence


def test_the_coverage_slider_counts_cells():
    rng = np.random.default_rng(0)
    data, fresh = rng.uniform(-1, 1, size=(2, 300, 3))
    low, high = -np.ones(3), np.ones(3)
    lab = labs.coverage_lab(data, fresh, low=low, high=high, value=2)
    assert "2 bins per dimension make 8 cells" in lab.sentence and "100.0% of new" in lab.sentence
    lab.move(bins=20)
    old, new = (bins.cell_index(x, low=low, high=high, bins=20) for x in (data, fresh))
    assert f"{np.isin(new, old).mean():.1%} of new steps" in lab.sentence
    assert f"{len(set(old.tolist())) / 8000:.1%} of them" in lab.sentence


def test_the_coverage_picture_shows_the_visited_cells():
    ends = {"low": np.array([-1.0, -1.0]), "high": np.array([1.0, 1.0])}
    draw = coverage.build(**ends, bins=(1, 2, 3, 4), visited=np.ones(4), known=np.zeros(4))
    hit = bins.visited_grid(np.array([[-0.9, 0.9]]), **ends, bins=2)
    plate = draw(coverage.Frame(2, hit))
    # Row 0 is the lowest speed; the point lies at a low angle and a high speed.
    assert plate.moving[0].get_array().tolist() == [[0, 0], [1, 0]]
    assert list(plate.moving[1].get_xdata()) == [2, 2]


@pytest.mark.parametrize("name", ["planning_steps", "alpha", "epsilon"])
def test_a_steps_slider_speaks_chinese_too(runs, name):
    language.use("zh")
    lab = labs.steps_lab(name, runs, value=5)
    assert lab.sentence.startswith(language.say(f"dyna.is_{name}", "zh", value=5))
    assert "3 个种子" in lab.sentence

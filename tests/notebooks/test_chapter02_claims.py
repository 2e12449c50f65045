"""What the prose of chapter 02 says beyond the stored outputs: other positions of the sliders."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

import chapters
from build_notebooks import NOTEBOOKS
from mbpo_teach.ground.seeding import torch_generator
from mbpo_teach.model import curves
from mbpo_teach.model.calibration import coverage
from mbpo_teach.model.curves import GAP, inside, mean_and_deviations, noise_deviation
from mbpo_teach.model.disagreement import (
    disagreement_and_error,
    pendulum_observations,
    pendulum_states,
)
from mbpo_teach.nets.networks import MemberMLP

pytestmark = pytest.mark.usefixtures("one_thread")

LEFT, RIGHT = (-2.8, -1.0), (1.2, 2.8)
BINS = 8


@pytest.fixture(scope="module")
def chapter():
    """The names that the chapter's own cells define, up to the noisy Pendulum."""
    names = {}
    source = chapters.read(Path(NOTEBOOKS, "_source", "02_ensemble.py"))
    for cell in source.cells:
        if cell.code and cell.role not in ("answer", "check"):
            exec(cell.code, names)
        if cell.named == "hand":
            return names
    raise AssertionError("chapter 02 has no cell named hand")


@pytest.fixture(scope="module")
def spreads(chapter):
    """Aleatoric and epistemic deviation of all seven members, by size of data and noise."""
    return {key: mean_and_deviations(fit, 7)[1:] for key, fit in chapter["fits"].items()}


def average(values, chapter, ends):
    return float(values[inside(chapter["grid"], ends)].mean())


def test_other_initial_weights_are_another_guess_and_as_sure_of_it(chapter):
    grid, guesses = chapter["grid"], []
    for seed in (0, 1):
        network = MemberMLP(1, (1, 32, 32, 2), generator=torch_generator(seed, "single"))
        chapter["train"](chapter["points"], network, lambda raw: raw)
        mean, deviation = chapter["look"](network, lambda raw: raw, grid)
        assert 0.1 < average(deviation[0], chapter, GAP) < 0.2
        guesses.append(mean[0][inside(grid, GAP)])
    assert (guesses[0] - guesses[1]).abs().max() > 0.1


def test_on_the_right_500_points_show_the_noise_and_on_the_left_misfit_hides_it(chapter, spreads):
    for noise in (0.1, 0.3, 0.5):
        truth = noise_deviation(chapter["grid"], noise)
        found = average(spreads[500, noise][0], chapter, RIGHT)
        assert found == pytest.approx(average(truth, chapter, RIGHT), rel=0.2)
    assert average(spreads[500, 0.1][0], chapter, LEFT) == pytest.approx(0.05, abs=0.02)
    assert average(noise_deviation(chapter["grid"], 0.1), chapter, LEFT) < 0.015


def test_twenty_points_take_noise_for_curve(chapter, spreads):
    truth = average(noise_deviation(chapter["grid"], 0.3), chapter, RIGHT)
    assert average(spreads[20, 0.3][0], chapter, RIGHT) < truth / 2


def test_more_data_leave_disagreement_in_the_gap(chapter, spreads):
    few, many = (spreads[size, 0.3][1] for size in (20, 500))
    assert average(many, chapter, RIGHT) < average(few, chapter, RIGHT)
    assert average(many, chapter, GAP) < average(few, chapter, GAP)
    assert average(many, chapter, GAP) > 2 * average(many, chapter, LEFT)


def test_with_few_members_one_newcomer_changes_the_gap_several_times_over(chapter):
    grid = chapter["grid"]
    reached = [
        float(mean_and_deviations(chapter["fits"][150, 0.3], members)[2][inside(grid, GAP)].max())
        for members in range(1, 8)
    ]
    assert reached[0] == 0
    assert max(after / before for before, after in pairwise(reached[1:])) > 2


def test_the_bootstrap_matters_for_small_data(chapter, monkeypatch):
    """The same rows for all members, against a sample for each: medians over three seeds."""
    sizes, grid = (20, 500), chapter["grid"]
    data = [chapter["data"][size, 0.3] for size in sizes]
    in_gap = inside(grid, GAP)
    on_data = (grid.abs() < curves.EDGE) & ~in_gap

    def disagreement():
        found = []
        for seed in range(3):
            fits = curves.fit_curves(
                data, grid, members=7, steps=400, generator=torch_generator(seed, "bootstrap")
            )
            unsure = [mean_and_deviations(fit, 7)[2] for fit in fits]
            found.append([[float(u[at].mean()) for at in (on_data, in_gap)] for u in unsure])
        return np.median(found, axis=0)

    own = disagreement()
    monkeypatch.setattr(torch, "randint", lambda count, size, **_: torch.arange(count).expand(size))
    same = disagreement()
    (small, _), (large, gap) = same / own
    assert small < 0.5
    assert large == pytest.approx(1, abs=0.3)
    assert gap == pytest.approx(1, abs=0.3)


@pytest.fixture(scope="module")
def maps(chapter):
    """Disagreement, error and whether there are data near by, by number of rows; torque 0."""
    angles, speeds = np.linspace(-np.pi, np.pi, 41), np.linspace(-8, 8, 41)
    found = {}
    for count, (model, data) in chapter["fits_of_pendulum"].items():
        apart, error = disagreement_and_error(
            chapter["pendulum"], model, pendulum_observations(angles, speeds), 0.0
        )
        edges = [np.linspace(-np.pi, np.pi, BINS + 1), np.linspace(-8, 8, BINS + 1)]
        seen, *_ = np.histogram2d(*pendulum_states(data.obs).T, bins=edges)
        places = [
            np.clip(np.digitize(axis, edge) - 1, 0, BINS - 1)
            for axis, edge in zip((angles, speeds), edges, strict=True)
        ]
        empty = (seen[np.ix_(*places)] == 0).T.ravel()
        found[count] = apart, error, empty
    return found


def test_where_there_are_no_data_members_err_by_more_than_they_disagree(maps):
    apart, error, empty = maps[2000]
    ratio = (error / apart)[empty]
    assert empty.sum() > 100
    assert (ratio > 1).mean() > 0.9
    assert 2 < np.median(ratio) < 4


@pytest.mark.parametrize(("count", "least", "most"), [(500, 0.35, 0.65), (2000, 0.75, 0.9)])
def test_avoiding_disagreement_avoids_error(maps, count, least, most):
    apart, error, _ = maps[count]
    disagreed, erred = (values > np.quantile(values, 0.75) for values in (apart, error))
    assert least < (disagreed & erred).sum() / erred.sum() < most


@pytest.mark.parametrize(("factor", "least", "most"), [(0.5, 0.55, 0.65), (2.0, 0.99, 1.0)])
def test_half_and_twice_the_deviation(chapter, factor, least, most):
    shares = coverage(chapter["mean"], factor * chapter["deviation"], chapter["happened"], [0.9])[0]
    assert least <= float(shares.min())
    assert float(shares.max()) <= most


def test_errors_on_the_plain_pendulum_are_large_in_few_rows(chapter):
    model, report, fresh = (chapter[name] for name in ("model", "report", "fresh"))
    mean, _, happened = chapter["judge"](model, report.elites, fresh)
    squared = (happened - mean).square().sort(dim=0).values
    worst = squared[-len(squared) // 20 :].sum(dim=0) / squared.sum(dim=0)
    assert float(worst.min()) > 0.4  # of a Gaussian's it would be 0.28

"""Cells of a continuous world, by hand."""

import numpy as np
import pytest

from mbpo_teach.tables import bins

LOW, HIGH = (-1.0, 0.0), (1.0, 4.0)


def cells(points, count):
    return bins.cell_index(points, low=LOW, high=HIGH, bins=count).tolist()


def test_cells_are_counted_along_the_last_dimension_first():
    assert cells([[-0.5, 1.0], [-0.5, 3.0], [0.5, 1.0], [0.5, 3.0]], 2) == [0, 1, 2, 3]


def test_the_edges_and_what_lies_beyond_belong_to_the_outermost_bins():
    assert cells([[-1.0, 0.0], [1.0, 4.0], [-9.0, 9.0]], 4) == [0, 15, 3]
    assert cells([[-1e300, 1e300]], 4) == [3]


def test_one_bin_knows_one_cell():
    assert cells(np.random.default_rng(0).normal(size=(20, 2)), 1) == [0] * 20


def test_shares():
    assert bins.visited_share(np.array([0, 0, 3]), cell_count=8) == 0.25
    assert bins.known_share(np.array([3, 5, 5, 0]), np.array([0, 0, 3])) == 0.5


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="bins must be at least 1, not 0"):
        cells([[0.0, 0.0]], 0)
    with pytest.raises(ValueError, match="low must be below high"):
        bins.cell_index([[0.0]], low=[1.0], high=[1.0], bins=2)
    with pytest.raises(ValueError, match="high must hold finite numbers"):
        bins.cell_index([[0.0]], low=[0.0], high=[np.inf], bins=2)
    with pytest.raises(ValueError, match=r"low and high must have shape \(dimension,\)"):
        bins.cell_index([[0.0]], low=0, high=1, bins=2)
    for points in ([0.0, 0.0], [[0.0]], [[0.0, 0.0, 0.0]]):
        with pytest.raises(ValueError, match=r"points must have shape \(row, 2\)"):
            cells(points, 2)
    for value in (np.nan, np.inf):
        with pytest.raises(ValueError, match="points must hold finite numbers only"):
            cells([[0.0, value]], 2)

"""A continuous world cut into bins, so that a table can hold it, and what that costs.

Every dimension is cut into the same number of equal bins; a cell of the table is one bin of each.
The number of cells is bins ** dimensions, and a table knows only the cells that it has visited.
Taught at the end of chapter 1.
"""

import numpy as np
from numpy.typing import ArrayLike

from mbpo_teach.ground.checked import FROM_ONE, MAY_BE_EMPTY, Allowed, checked
from mbpo_teach.ground.checks import whole


@checked(points=MAY_BE_EMPTY, bins=Allowed(least=1, most=10_000))
def cell_index(points: ArrayLike, *, low: ArrayLike, high: ArrayLike, bins: int) -> np.ndarray:
    """Return the number of the cell that each point lies in, shape (row,).

    Parameters
    ----------
    points
        One point per row, shape (row, dimension).
    low, high
        The ranges that are cut, shape (dimension,); a point outside counts for the outermost bin.
    bins
        Bins per dimension.

    Raises
    ------
    ValueError
        If `bins` is not a whole number of at least 1, a range is not finite or empty, or `points`
        are not rows of finite numbers, one for each dimension.
    """
    points, low, high = (np.asarray(value, dtype=float) for value in (points, low, high))
    bins = whole("bins", bins, least=1)
    if low.ndim != 1 or low.shape != high.shape:
        raise ValueError(
            f"low and high must have shape (dimension,), not {low.shape}, {high.shape}"
        )
    if not (np.isfinite(high - low) & (low < high)).all():
        raise ValueError(f"low must be below high in every dimension, not {low} and {high}")
    if points.ndim != 2 or points.shape[1] != len(low):
        raise ValueError(f"points must have shape (row, {len(low)}), not {points.shape}")
    if not np.isfinite(points).all():
        raise ValueError("points must hold finite numbers only")
    # Cut off first: a whole number as large as a far point may not exist.
    along = (np.clip((points - low) / (high - low), 0, 1) * bins).astype(int)
    along = np.minimum(along, bins - 1)
    return np.asarray(np.ravel_multi_index(tuple(along.T), (bins,) * len(low)))


@checked(bins=Allowed(least=1, most=10_000))
def visited_grid(points: np.ndarray, *, low: ArrayLike, high: ArrayLike, bins: int) -> np.ndarray:
    """Return which cells of a plane hold a point (row, 2): (bins, bins), first dimension first."""
    counts = np.bincount(cell_index(points, low=low, high=high, bins=bins), minlength=bins**2)
    return np.asarray(counts.reshape(bins, bins) > 0)


@checked(visited=MAY_BE_EMPTY, cell_count=FROM_ONE)
def visited_share(visited: np.ndarray, *, cell_count: int) -> float:
    """Return the share of all cells that occur among `visited`, the cells of the data."""
    return len(np.unique(visited)) / cell_count


@checked(visited=MAY_BE_EMPTY)
def known_share(fresh: np.ndarray, visited: np.ndarray) -> float:
    """Return the share of `fresh`, the cells of new data, that occur among `visited`."""
    return float(np.isin(fresh, visited).mean())

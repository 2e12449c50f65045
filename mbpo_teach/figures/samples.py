"""The exact model error of a counted model, falling as transitions are added.

Drawn for chapter 4.
"""

import numpy as np
from matplotlib.figure import Figure

from mbpo_teach.figures import style
from mbpo_teach.figures.still import Still
from mbpo_teach.figures.style import words


def error_by_samples(counts: np.ndarray, errors: np.ndarray) -> Still:
    """Show exact model errors, shape (seed, count), against the number of transitions."""
    low, middle, high = np.quantile(errors, [0.1, 0.5, 0.9], axis=0)
    with style.style():
        figure = Figure(figsize=(7.6, 3.5))
        axes = figure.subplots()
        axes.fill_between(counts, low, high, color=style.BLUE, alpha=0.2, lw=0)
        axes.loglog(counts, middle, "o-", color=style.BLUE, ms=4, label=words("samples.error"))
        # Anchored at the last point, where the law of large numbers has set in.
        root = middle[-1] * np.sqrt(counts[-1] / counts)
        axes.loglog(counts, root, "--", color=style.BLACK, lw=1, label=words("samples.root"))
        axes.set_xlabel(words("samples.count"))
        axes.set_ylabel(words("bounds.eps_m"))
        axes.legend()
    said = words(
        "samples.sentence",
        seeds=len(errors),
        few=int(counts[0]),
        many=int(counts[-1]),
        first=middle[0],
        last=middle[-1],
    )
    return Still(figure, said)

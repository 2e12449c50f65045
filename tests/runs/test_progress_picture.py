"""The picture at the end of a training: a PNG, with the curves of the rows that it is given."""

import io

import matplotlib.image
import pytest

from mbpo_teach.figures import learning
from mbpo_teach.ground import language


@pytest.fixture(autouse=True)
def english(monkeypatch):
    monkeypatch.setattr(language, "_chosen", ["en"])
    monkeypatch.setattr(language, "_listeners", [])


@pytest.fixture
def drawn(monkeypatch):
    """The figures that are made."""
    figures = []

    class Kept(learning.Figure):
        def __init__(self, *args, **more):
            super().__init__(*args, **more)
            figures.append(self)

    monkeypatch.setattr(learning, "Figure", Kept)
    return figures


def rows(*errors):
    return [
        {
            "step": 100 * (number + 1),
            "eval_return": -900.0 + 200 * number,
            "eval_low": -1500.0,
            "eval_high": -100.0 + number,
            "model_holdout": error,
        }
        for number, error in enumerate(errors)
    ]


def test_with_a_model_there_are_two_panels(drawn):
    picture = learning.progress_picture(rows(None, 0.5, 0.25, 0.1), "Pendulum-v1, mbpo")
    (figure,) = drawn
    returns, errors = figure.axes
    assert returns.get_title(loc="left") == "Pendulum-v1, mbpo"
    assert returns.lines[0].get_xdata().tolist() == [100, 200, 300, 400]
    assert returns.lines[0].get_ydata().tolist() == [-900, -700, -500, -300]
    edges = returns.collections[0].get_paths()[0].vertices[:, 1]
    assert (edges.min(), edges.max()) == (-1500, -97)
    # Before the first fit there is no error, and no point for it.
    assert errors.lines[0].get_xdata().tolist() == [200, 300, 400]
    assert errors.lines[0].get_ydata().tolist() == [0.5, 0.25, 0.1]
    assert errors.get_yscale() == "log"
    labels = [text.get_text() for axes in figure.axes for text in axes.get_legend().get_texts()]
    assert labels == [
        "lowest to highest",
        "mean return from ten fixed starts",
        "model: held-out error of the elites",
    ]
    image = matplotlib.image.imread(io.BytesIO(picture))
    assert picture.startswith(b"\x89PNG") and len(picture) < 120_000
    assert image.shape[0] > 300 and image.shape[1] > 500
    assert image[..., :3].std() > 0.05, "an empty picture"


def test_without_a_model_there_is_one(drawn):
    picture = learning.progress_picture(rows(None, None), "Pendulum-v1, sac")
    (figure,) = drawn
    (returns,) = figure.axes
    assert returns.lines[0].get_ydata().tolist() == [-900, -700]
    assert picture.startswith(b"\x89PNG")


def test_one_row_is_drawn_too():
    assert learning.progress_picture(rows(None), "a").startswith(b"\x89PNG")
    assert learning.progress_picture(rows(0.3), "a").startswith(b"\x89PNG")

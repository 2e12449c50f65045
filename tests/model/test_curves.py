"""The curve with a gap: its data, its fits, and the two deviations."""

import pytest
import torch

from mbpo_teach.ground.seeding import torch_generator
from mbpo_teach.model import curves
from mbpo_teach.model.curves import EDGE, GAP, Fitted, Points


def stream(name="test"):
    return torch_generator(0, name)


def test_no_point_lies_in_the_gap_or_beyond_the_edge():
    x, y = curves.sample_curve(2000, noise=0.3, generator=stream())
    assert x.shape == y.shape == (2000, 1)
    assert not ((x > GAP[0]) & (x < GAP[1])).any()
    assert (x.abs() <= EDGE).all()
    assert (x < GAP[0]).any()
    assert (x > GAP[1]).any()


def test_the_curve_and_its_noise_by_hand():
    x = torch.tensor([0.0, 100.0, -100.0])
    torch.testing.assert_close(curves.curve(x)[0], torch.tensor(0.0))
    # Half-way between a tenth of the noise and all of it; then the two ends.
    torch.testing.assert_close(curves.noise_deviation(x, 2.0), torch.tensor([1.1, 2.0, 0.2]))


def test_noise_only_stretches_the_same_draws():
    quiet, loud = (curves.sample_curve(50, noise=noise, generator=stream()) for noise in (0.1, 0.5))
    torch.testing.assert_close(quiet.x, loud.x)
    curve = curves.curve(quiet.x)
    torch.testing.assert_close(5 * (quiet.y - curve), loud.y - curve, rtol=1e-3, atol=1e-5)


@pytest.mark.filterwarnings("error")
def test_each_ensemble_learns_its_own_data():
    """Three data sets of different sizes, stacked: each fit is about its own, noise included."""
    x = torch.linspace(-1, 1, 200)[:, None]
    unit = torch.randn(200, 1, generator=stream("unit"))
    data = [
        Points(x, 1 + 0.1 * unit),
        Points(x[:90], -1 + 0.3 * unit[:90]),
        Points(x[::4], 0 * x[::4]),
    ]
    grid = torch.linspace(-0.9, -0.3, 7)
    fits = curves.fit_curves(data, grid, members=3, steps=400, generator=stream("fit"))
    assert [tuple(fit.mean.shape) for fit in fits] == [(3, 7)] * 3
    for fit, mean, deviation in zip(fits, (1.0, -1.0, 0.0), (0.1, 0.3, None), strict=True):
        torch.testing.assert_close(fit.mean.mean(), torch.tensor(mean), atol=0.15, rtol=0)
        if deviation is not None:
            assert deviation / 1.6 < float(fit.var.mean().sqrt()) < deviation * 1.6


def test_members_train_on_different_samples():
    points = curves.sample_curve(30, noise=0.5, generator=stream())
    x, y, counts = curves._bootstraps([points, points], 4, stream("boot"))
    assert x.shape == y.shape == (8, 30, 1)
    assert counts.flatten().tolist() == [30.0] * 8
    pairs = set(zip(points.x.flatten().tolist(), points.y.flatten().tolist(), strict=True))
    samples = [
        tuple(sorted(zip(a.flatten().tolist(), b.flatten().tolist(), strict=True)))
        for a, b in zip(x, y, strict=True)
    ]
    assert len(set(samples)) == 8
    for sample in samples:
        assert set(sample) < pairs  # x and y stay together; some rows are never drawn


def test_the_gap_is_where_members_disagree():
    points = curves.sample_curve(150, noise=0.1, generator=stream())
    grid = torch.tensor([-2.0, 0.1, 2.0])
    (fit,) = curves.fit_curves([points], grid, members=7, steps=500, generator=stream("fit"))
    _, noisy, unsure = curves.mean_and_deviations(fit, 7)
    assert unsure[1] > 2 * unsure[[0, 2]].max()
    assert noisy[2] > 2 * noisy[0]


def test_deviations_by_hand():
    fitted = Fitted(torch.tensor([[1.0], [3.0], [99.0]]), torch.tensor([[4.0], [14.0], [0.0]]))
    mean, noisy, unsure = curves.mean_and_deviations(fitted, 2)
    assert (float(mean), float(noisy), float(unsure)) == (2.0, 3.0, 1.0)
    assert float(curves.mean_and_deviations(fitted, 1)[2]) == 0.0


@pytest.mark.parametrize("name", ["members", "steps"])
def test_bad_numbers_are_named(name):
    points = curves.sample_curve(5, noise=0.1, generator=stream())
    numbers = {"members": 1, "steps": 1} | {name: 0}
    with pytest.raises(ValueError, match=f"{name} must be at least 1, not 0"):
        curves.fit_curves([points], torch.zeros(1), generator=stream(), **numbers)

"""Compounding error from one call: against the pieces in errors.py, a perfect model, and NaN."""

import numpy as np
import pytest
import torch

from mbpo_teach.ground.seeding import torch_generator
from mbpo_teach.model import errors
from mbpo_teach.model.compounding import compound, error_curves, named, place_of
from mbpo_teach.model.dynamics import Ensemble, predict
from mbpo_teach.world.transitions import Transition

ELITES = (2, 0)
SCALE = torch.tensor([0.5, 2.0])


@pytest.fixture
def model():
    net = Ensemble(2, 1, members=3, hidden=(8,), generator=torch_generator(0, "net"))
    obs = torch.randn(50, 2, generator=torch_generator(0, "obs"))
    act = torch.randn(50, 1, generator=torch_generator(0, "act"))
    net.set_scales(
        Transition(obs, act, obs[:, 0], obs + 0.1 * act, torch.zeros(50, dtype=torch.bool))
    )
    return net


def policy(obs, step):
    return torch.tanh(obs[:, :1])


def in_the_model(model, act, steps=6, starts=4):
    """Return a world that is the ensemble itself: rollouts (start, time, obs) and actions."""
    states = [torch.randn(starts, 2, generator=torch_generator(0, "starts"))]
    actions = []
    for step in range(steps):
        actions.append(act(states[-1], step))
        mean = predict(model, states[-1], actions[-1], members=ELITES).mean.mean(dim=0)
        states.append(mean[:, :-1])
    return torch.stack(states, dim=1), torch.stack(actions, dim=1)


def test_the_ensemble_makes_no_error_about_itself(model):
    real, actions = in_the_model(model, policy)
    for act in (policy, errors.same_actions(actions)):
        found = compound(model, real, actions, act, SCALE, elites=ELITES)
        for curve in (found.ensemble, found.one_step):
            torch.testing.assert_close(curve, torch.zeros(4, 7), atol=1e-5, rtol=0)
        # The members follow themselves, and so they leave their average.
        assert (found.disagreement[:, 1:] > 1e-3).all()
        assert (found.single[:, 1:] > 1e-3).all()
        torch.testing.assert_close(found.imagined, real, atol=1e-5, rtol=0)


def test_against_the_pieces(model):
    real, actions = in_the_model(model, policy)
    real = real + 0.3 * torch.randn(real.shape, generator=torch_generator(1, "off"))
    act = errors.same_actions(actions)
    found = compound(model, real, actions, act, SCALE, elites=ELITES)
    alone = errors.imagine_members(model, real[:, 0], act, steps=6, members=ELITES)
    torch.testing.assert_close(found.single, errors.k_step_error(alone[0], real, SCALE))
    torch.testing.assert_close(found.disagreement, errors.disagreement(alone, SCALE))
    # One step from a true state, by hand: start 3, from time 4 to 5.
    mean = predict(model, real[3:, 4], actions[3:, 4], members=ELITES).mean.mean(dim=0)[0, :-1]
    expected = float(((mean - real[3, 5]) / SCALE).norm())
    assert float(found.one_step[3, 5]) == pytest.approx(expected, rel=1e-5)
    # Its first step is the rollout's first step.
    torch.testing.assert_close(found.one_step[:, 1], found.ensemble[:, 1])
    assert not found.one_step[:, 0].any()


def test_what_has_ended_is_nan_everywhere_but_in_imagination(model):
    real, actions = in_the_model(model, policy)
    real[1, 3:] = torch.nan
    actions[1, 3:] = torch.nan
    found = compound(model, real, actions, policy, SCALE, elites=ELITES)
    for curve in (found.ensemble, found.single, found.disagreement, found.one_step):
        gone = torch.isnan(curve)
        assert gone[1, 3:].all()
        assert not gone[[0, 2, 3]].any()
        assert not gone[1, :3].any()
    assert torch.isfinite(found.imagined).all()


def test_names_are_those_of_records(model):
    real, actions = in_the_model(model, policy)
    arrays = named("policy", compound(model, real, actions, policy, SCALE, elites=ELITES))
    assert set(arrays) == {
        f"policy.{name}" for name in ("ensemble", "single", "disagreement", "one_step", "imagined")
    }
    assert all(isinstance(array, np.ndarray) for array in arrays.values())


def test_curves_of_measured_arrays_by_hand():
    """Three starts, time 0 and two steps, two data sizes; the last start ends after one step."""
    errors = np.array([[0.0, 1, 10], [0, 2, 20], [0, 3, np.nan]])
    arrays = {"sizes": np.array([300, 1000])}
    for factor, name in enumerate(("ensemble", "single", "disagreement", "one_step"), start=1):
        arrays[f"policy.{name}"] = np.stack([errors, factor * 100 * errors])
    # Of the first two starts only, as in a record.
    arrays["policy.at_imagined"] = np.stack([errors[:2], 500 * errors[:2]])
    found = error_curves(arrays, "policy", size=1000, start=1)
    np.testing.assert_allclose(found.middle, [200, 1500])
    np.testing.assert_allclose(found.low, [120, 1100])
    np.testing.assert_allclose(found.high, [280, 1900])
    np.testing.assert_allclose(found.own, [200, 2000])
    np.testing.assert_allclose(found.single, [400, 3000])
    np.testing.assert_allclose(found.disagreement, [600, 4500])
    np.testing.assert_allclose(found.one_step, [800, 6000])
    np.testing.assert_allclose(found.at_imagined, [750, 7500])
    assert np.isnan(error_curves(arrays, "policy", size=300, start=2).own).tolist() == [False, True]
    assert place_of(arrays, 300) == 0
    with pytest.raises(ValueError, match=r"size must be one of \[300, 1000\], not 7"):
        place_of(arrays, 7)

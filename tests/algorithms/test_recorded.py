"""Recorded trainings as chapter 7 reads them; see also tests/notebooks/test_chapter07.py."""

import numpy as np
import pytest

from mbpo_teach.algorithms import recorded
from mbpo_teach.records import archive


@pytest.mark.parametrize("algorithm", ["mbpo", "sac", "control"])
def test_trainings_are_those_of_the_record(algorithm):
    found = recorded.trainings(algorithm, "Pendulum-v1")
    arrays = archive.load(f"{algorithm}_Pendulum-v1").arrays
    np.testing.assert_array_equal(found.steps, arrays["steps"])
    np.testing.assert_array_equal(found.means, arrays["returns"].mean(axis=2))
    assert found.seconds.shape == found.means.shape
    assert (np.diff(found.seconds, axis=1) > 0).all()
    np.testing.assert_array_equal(found.middle, np.median(found.means, axis=0))


def test_the_inside_is_that_of_the_record():
    found = recorded.inside("Pendulum-v1")
    arrays = archive.load("mbpo_Pendulum-v1").arrays
    np.testing.assert_array_equal(found.holdout, arrays["model_holdout"])
    np.testing.assert_array_equal(found.length, arrays["rollout_length"])
    assert found.spent.shape[:2] == found.means.shape


@pytest.mark.parametrize("name", recorded.FACTORS)
def test_the_presets_value_is_among_those_of_a_setting(name):
    found = recorded.factor(name)
    assert found.name == name and found.world == recorded.FACTORS[name]
    assert 0 <= found.preset < len(found.values)
    assert (np.diff(found.values) > 0).all()
    assert found.whole.shape == found.seconds.shape == found.means.shape[:2]

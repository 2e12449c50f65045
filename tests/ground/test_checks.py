"""A wrong argument is named with its value and its range, whatever kind of thing it is."""

import math
from fractions import Fraction

import numpy as np
import pytest

from mbpo_teach.ground import checks
from mbpo_teach.ground.seeding import generator
from mbpo_teach.tables import counting, dyna, episodic, mazes, mdp
from mbpo_teach.theory import bounds, exact

ODD = ["3", None, 2.5, math.nan, math.inf, 1j, [1], True]


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3)])
def test_whole_numbers_of_every_kind_are_taken(value):
    taken = checks.whole("count", value, least=3)
    assert taken == 3 and type(taken) is int


@pytest.mark.parametrize("value", [0.5, np.float32(0.5), Fraction(1, 2)])
def test_numbers_of_every_kind_are_taken(value):
    taken = checks.discount(value)
    assert taken == 0.5 and type(taken) is float


def test_the_sentence_names_argument_range_and_value():
    for value, shown in ((2, "2"), (np.int64(-1), "-1"), ("3", "'3'"), (None, "None")):
        with pytest.raises(ValueError, match=rf"^count must be .*at least 3, not {shown}$"):
            checks.whole("count", value, least=3)
    for value, shown in ((1, "1"), (math.nan, "nan"), ("0.9", "'0.9'"), (True, "True")):
        with pytest.raises(ValueError, match=rf"^gamma must be in \[0, 1\), not {shown}$"):
            checks.discount(value)


WORLD = mdp.random_mdp(states=3, actions=2, gamma=0.9, rng=generator(0, "world"))
POLICY = np.full((3, 2), 0.5)
WHOLE = {
    "horizon": lambda x: mdp.state_distributions(WORLD, POLICY, horizon=x),
    "state_count": lambda x: counting.count_model([], [], [], state_count=x, action_count=1),
    "action_count": lambda x: counting.count_model([], [], [], state_count=1, action_count=x),
    "count": lambda x: counting.sample_transitions(WORLD, POLICY, count=x, rng=generator(0)),
    "states": lambda x: mdp.random_mdp(states=x, actions=1, gamma=0.5, rng=generator(0)),
    "actions": lambda x: mdp.random_mdp(states=1, actions=x, gamma=0.5, rng=generator(0)),
    "max_length": lambda x: exact.branched_returns(
        WORLD, WORLD.transition, POLICY, POLICY, max_length=x
    ),
    "change_after": lambda x: mazes.Maze("S.G", later="S#G", change_after=x),
    "episode_count": lambda x: dyna.steps_per_episode(
        mazes.dyna_maze, dyna.DynaConfig(), episode_count=x, seeds=[0]
    ),
    "step_count": lambda x: dyna.cumulative_reward(
        mazes.dyna_maze, dyna.DynaConfig(), step_count=x, seeds=[0]
    ),
    "planning_steps": lambda x: dyna.DynaConfig(planning_steps=x),
}
REAL = {
    "gamma": lambda x: mdp.random_mdp(states=1, actions=1, gamma=x, rng=generator(0)),
    "tolerance": lambda x: mdp.value_iteration(WORLD, tolerance=x),
    "share": lambda x: exact.mixture(POLICY, POLICY, x),
    "alpha": lambda x: dyna.DynaConfig(alpha=x),
    "epsilon": lambda x: dyna.DynaConfig(epsilon=x),
    "kappa": lambda x: dyna.DynaConfig(kappa=x),
}


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("value", [*ODD, -1], ids=repr)
def test_no_odd_count_gets_through(name, value):
    # None as a count of episodes would let islice run for ever.
    with pytest.raises(ValueError, match=rf"^(later and )?{name} must be "):
        WHOLE[name](value)


@pytest.mark.parametrize("name", REAL)
@pytest.mark.parametrize("value", ["0.5", None, math.nan, 1j, [0.5], True, -1], ids=repr)
def test_no_odd_number_gets_through(name, value):
    with pytest.raises(ValueError, match=rf"^{name} must be "):
        REAL[name](value)


@pytest.mark.parametrize("array", ["a", [["a"]], [[1.0], [1.0, 2.0]], [[1j]]], ids=repr)
def test_what_is_no_array_of_numbers_is_named(array):
    good = {"transition": np.ones((1, 1, 1)), "reward": [[1.0]], "start": [1.0], "gamma": 0.5}
    for name in ("transition", "reward", "start"):
        with pytest.raises(ValueError, match=f"^{name} must be an array of real numbers"):
            mdp.TabularMDP(**good | {name: array})
    for call, name in (
        (lambda: mdp.exact_return(WORLD, array), "policy"),
        (lambda: mdp.exact_return(WORLD, POLICY, array), "transition"),
        (lambda: exact.model_error(WORLD, array, POLICY), "model"),
        (lambda: exact.total_variation(array, [1.0]), "p"),
        (lambda: exact.policy_shift(POLICY, array), "data_policy"),
        (lambda: episodic.greedy_policy(array), "q"),
        (lambda: episodic.expected_steps(WORLD, array), "policy"),
    ):
        with pytest.raises(ValueError, match=f"^{name} must be an array of real numbers"):
            call()


def test_bounds_name_ragged_rows_endless_digits_and_shapes_that_do_not_fit():
    at = {"gamma": 0.9, "r_max": 1.0, "eps_m": 0.1, "eps_pi": 0.1}
    for value in ([[0.1], [0.1, 0.2]], 10**5000):
        with pytest.raises(ValueError, match=r"^gamma must be in \[0, 1\), not "):
            bounds.performance_bound(**at | {"gamma": value})
    with pytest.raises(ValueError, match=r"broadcast.*gamma \(2,\).*eps_m \(3,\)"):
        bounds.performance_bound(**at | {"gamma": [0.1, 0.2], "eps_m": [0.1, 0.2, 0.3]})

"""Mazes and toy-text worlds as exact MDPs, with "over" as one more state."""

import math

import gymnasium as gym
import numpy as np
import pytest

from mbpo_teach.tables import episodic, mazes
from mbpo_teach.tables.mdp import TabularMDP, exact_return, value_iteration

UP, RIGHT, DOWN, LEFT = range(4)


def uniform(mdp):
    return np.full(mdp.reward.shape, 1 / mdp.action_count)


def deterministic_policy(mdp, path):
    policy = np.eye(mdp.action_count)[np.zeros(mdp.state_count, dtype=int)]
    for state, action in path:
        policy[state] = np.eye(mdp.action_count)[action]
    return policy


def test_dyna_maze_shortest_path_value_and_random_walk():
    maze = mazes.dyna_maze()
    mdp = episodic.tabular_mdp(maze, gamma=0.95)
    values, best = value_iteration(mdp)
    assert episodic.expected_steps(mdp, best) == pytest.approx(14)
    assert values[maze.start] == pytest.approx(0.95**13, abs=1e-9)
    assert episodic.expected_steps(mdp, uniform(mdp)) == pytest.approx(868.73, abs=5e-3)


def test_dyna_maze_best_epsilon_greedy_policy():
    mdp = episodic.tabular_mdp(mazes.dyna_maze(), gamma=0.95)

    def mixed(table):
        return 0.9 * table + 0.1 * table.mean(axis=1, keepdims=True)

    noisy = TabularMDP(
        transition=mixed(mdp.transition), reward=mixed(mdp.reward), start=mdp.start, gamma=0.95
    )
    best = mixed(value_iteration(noisy)[1])
    assert episodic.expected_steps(mdp, best) == pytest.approx(15.8125, abs=5e-5)


def test_cliff_walking_ends_where_gymnasium_would_go_on():
    world = gym.make("CliffWalking-v1")
    mdp = episodic.tabular_mdp(world, gamma=0.9)
    over = mdp.state_count - 1
    assert over == 48
    assert (mdp.transition[over, :, over] == 1).all() and (mdp.reward[over] == 0).all()
    # Entering the goal (state 47) is terminated: it leads to "over", never to 47.
    assert mdp.transition[35, DOWN, over] == 1 and not mdp.transition[35, DOWN, 47]
    assert mdp.reward[35, DOWN] == -1


@pytest.mark.parametrize("gamma", [0.5, 0.9, 0.99])
def test_cliff_walking_shortest_path(gamma):
    mdp = episodic.tabular_mdp(gym.make("CliffWalking-v1"), gamma=gamma)
    along_the_edge = [(36, UP), *((24 + i, RIGHT) for i in range(11)), (35, DOWN)]
    policy = deterministic_policy(mdp, along_the_edge)
    assert episodic.expected_steps(mdp, policy) == pytest.approx(13)
    assert exact_return(mdp, policy) == pytest.approx(-sum(gamma**t for t in range(13)))
    assert mdp.start @ value_iteration(mdp)[0] == pytest.approx(exact_return(mdp, policy))


@pytest.mark.parametrize(
    "name", ["FrozenLake-v1", "FrozenLake8x8-v1", "CliffWalking-v1", "Taxi-v4"]
)
def test_toy_text_worlds_become_valid_mdps_with_their_own_rewards(name):
    world = gym.make(name)
    mdp = episodic.tabular_mdp(world, gamma=0.9)
    for state, choices in world.unwrapped.P.items():
        for action, outcomes in choices.items():
            expected = sum(p * r for p, _, r, _ in outcomes)
            assert mdp.reward[state, action] == pytest.approx(expected)
            ending = sum(p for p, _, _, terminated in outcomes if terminated)
            assert mdp.transition[state, action, -1] == pytest.approx(ending)


def test_the_table_agrees_with_what_the_frozen_lake_does():
    world = gym.make("FrozenLake-v1")
    mdp = episodic.tabular_mdp(world, gamma=0.9)
    world.reset(seed=3)
    counts = np.zeros(mdp.state_count)
    for _ in range(3000):
        world.unwrapped.s = 14
        after, _, terminated, _, _ = world.unwrapped.step(2)
        counts[-1 if terminated else after] += 1
    assert counts / 3000 == pytest.approx(mdp.transition[14, 2], abs=0.05)


def test_a_thing_that_is_no_world_is_refused():
    with pytest.raises(ValueError, match="env must carry its transitions in P"):
        episodic.tabular_mdp("maze", gamma=0.9)


@pytest.mark.parametrize("name", ["Blackjack-v1", "Pendulum-v1"])
def test_a_world_without_a_table_is_refused(name):
    with pytest.raises(ValueError, match="env must carry its transitions in P"):
        episodic.tabular_mdp(gym.make(name), gamma=0.9)


def test_expected_steps_of_a_two_cell_walk_by_hand():
    """From S half of the moves of "up or right" go to G: two steps on average."""
    mdp = episodic.tabular_mdp(mazes.Maze("SG"), gamma=0.5)
    policy = np.full((3, 4), [0.5, 0.5, 0, 0])
    assert episodic.expected_steps(mdp, policy) == pytest.approx(2)
    assert exact_return(mdp, policy) == pytest.approx(0.5 / (1 - 0.5 * 0.5))


def test_a_policy_that_can_miss_the_end_for_ever_takes_infinitely_many_steps():
    mdp = episodic.tabular_mdp(mazes.Maze("SG"), gamma=0.5)
    assert math.isinf(episodic.expected_steps(mdp, np.eye(4)[[UP] * 3]))
    # A branch without return: right ends at once, down leads into a corner which is never left.
    mdp = episodic.tabular_mdp(mazes.Maze("SG\n.#"), gamma=0.5)
    policy = np.eye(4)[[DOWN] * 4]
    policy[0] = [0, 0.5, 0.5, 0]
    assert math.isinf(episodic.expected_steps(mdp, policy))


def test_equally_good_actions_share_the_greedy_policy():
    policy = episodic.greedy_policy(np.array([[1.0, 1.0, 0.0, 0.0], [0.0, -1.0, 2.0, 0.0]]))
    assert policy.tolist() == [[0.5, 0.5, 0, 0], [0, 0, 1, 0], [0.25] * 4]


@pytest.mark.parametrize("table", [[0.0, 1.0], [[math.nan, 1.0]], [[]], [[[1.0]]]])
def test_a_table_without_best_actions_is_refused(table):
    with pytest.raises(ValueError, match="q must be a table"):
        episodic.greedy_policy(table)


def test_expected_steps_take_a_policy_on_the_same_world():
    mdp = episodic.tabular_mdp(mazes.Maze("SG"), gamma=0.5)
    with pytest.raises(ValueError, match="policy must have shape"):
        episodic.expected_steps(mdp, np.full((2, 4), 0.25))
    with pytest.raises(ValueError, match="rows of policy must sum to one"):
        episodic.expected_steps(mdp, np.full((3, 4), 0.5))

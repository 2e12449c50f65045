"""What chapter 01 says of slider positions and runs that no stored output shows, and quiz 5."""

from itertools import islice

import gymnasium as gym
import numpy as np
import pytest

from mbpo_teach.figures.tabular import arrow_count
from mbpo_teach.ground.seeding import generator
from mbpo_teach.records import archive
from mbpo_teach.tables import bins, dyna, episodic, mazes
from mbpo_teach.tables.mdp import exact_return


def maze_steps(seeds, **settings):
    """Return steps per episode in the Dyna maze, (seed, 50), as the chapter computes them."""
    config = dyna.DynaConfig(**settings)
    return dyna.steps_per_episode(mazes.dyna_maze, config, episode_count=50, seeds=range(seeds))


def arrows(n, seed, episodes):
    """Return the tables after each of the first episodes, (episode, state, action)."""
    learning = dyna.episodes(mazes.dyna_maze(), dyna.DynaConfig(planning_steps=n), seed=seed)
    return np.array([episode.q for episode in islice(learning, episodes)])


def visits(policy):
    """Return expected visits to each state from each, and the steps out of each to the goal."""
    world = episodic.tabular_mdp(mazes.dyna_maze(), gamma=0.95)
    walk = np.einsum("sa,sat->st", policy, world.transition)[:-1, :-1]  # the last is "over"
    return np.linalg.inv(np.eye(len(walk)) - walk)


def test_always_the_first_of_equals_pushes_against_the_upper_edge():
    upwards = np.full((48, 4), 0.1 / 4)
    upwards[:, 0] += 0.9
    maze = mazes.dyna_maze()
    spent = visits(upwards)[maze.start]
    top = len(maze.layout[0].replace("#", "")) - 1  # cells of the upper edge, less the goal
    assert 0.925 * spent[:top].sum() / spent.sum() > 0.9


def test_chance_does_not_explain_the_first_episode_of_the_book():
    """Mean and deviation of a random walk to the goal, exactly; the book says about 1700."""
    often = visits(np.full((48, 4), 1 / 4))
    steps = often.sum(axis=1)
    variance = (2 * often @ steps - steps - steps**2)[mazes.dyna_maze().start]
    assert steps[mazes.dyna_maze().start] == pytest.approx(868.73, abs=0.005)
    assert (variance / 30) ** 0.5 == pytest.approx(144, abs=0.5)


@pytest.mark.parametrize(("n", "lengths"), [(0, (14, 15, 1)), (5, (20, 10, 0)), (50, (19, 9, 2))])
def test_greedy_paths_after_fifty_episodes(n, lengths):
    """How many of the thirty seeds have a path of 14, of 16 and of 18 steps."""
    world = episodic.tabular_mdp(mazes.dyna_maze(), gamma=0.95)
    policies = [episodic.greedy_policy(arrows(n, seed, 50)[-1]) for seed in range(30)]
    found = [round(episodic.expected_steps(world, policy), 6) for policy in policies]
    assert tuple(found.count(steps) for steps in (14, 16, 18)) == lengths


@pytest.mark.parametrize(("n", "total"), [(0, 5084), (1, 2576), (50, 1813)])
def test_real_steps_of_fifty_episodes(n, total):
    steps = maze_steps(30, planning_steps=n)
    assert round(steps.sum(axis=1).mean()) == total
    assert 955 < steps[:, 0].mean() < 965  # "some 960", the same walk whatever n


@pytest.mark.parametrize(("epsilon", "late"), [(0.0, 14.8), (0.4, 27.0)])
def test_the_plateau_of_little_and_of_much_exploration(epsilon, late):
    steps = maze_steps(15, planning_steps=5, epsilon=epsilon)
    assert steps[:, -10:].mean() == pytest.approx(late, abs=0.2)


def test_arrows_after_one_episode():
    """One whatever n with the chapter's seed; with other seeds up to three."""
    assert {arrow_count(arrows(n, 1, 1)[0]) for n in (0, 1, 2, 5, 10, 20, 50)} == {1}
    assert [arrow_count(arrows(50, seed, 1)[0]) for seed in range(6)] == [1, 1, 3, 2, 1, 2]


def test_without_planning_each_episode_adds_one_arrow():
    counts = [arrow_count(q) for q in arrows(0, 1, 20)]
    assert counts == list(range(1, 21))


def test_three_episodes_are_enough_for_five_planning_steps():
    world = episodic.tabular_mdp(mazes.dyna_maze(), gamma=0.95)
    after = arrows(5, 1, 8)
    steps = [episodic.expected_steps(world, episodic.greedy_policy(q)) for q in after]
    assert steps[1] >= 20 and steps[2] == pytest.approx(16)
    assert arrow_count(after[2]) == 35
    assert all(13.9 < count < 16.1 for count in steps[3:])


def on_ice(seeds, **settings):
    """Return the exact return of the greedy policy after 300 episodes on the ice, (seed,)."""
    lake = episodic.tabular_mdp(gym.make("FrozenLake-v1"), gamma=0.99)
    config = dyna.DynaConfig(gamma=0.99, **settings)
    returns = []
    for seed in range(seeds):
        learning = dyna.episodes(gym.make("FrozenLake-v1"), config, seed=seed)
        (last,) = islice(learning, 299, 300)
        returns.append(exact_return(lake, episodic.greedy_policy(last.q)))
    return np.array(returns)


@pytest.mark.parametrize(
    ("alpha", "value"), [(0.01, 0.24), (0.03, 0.46), (0.2, 0.50), (0.5, 0.23), (1.0, 0.03)]
)
def test_learning_rates_on_the_ice(alpha, value):
    """In the record; tests/tools/test_recording.py makes two of its ten seeds again."""
    record = archive.load("dyna_ice").arrays
    (returns,) = record["returns"][record["alpha"] == alpha]
    assert returns[:, -1].mean() == pytest.approx(value, abs=0.006)


@pytest.mark.parametrize(
    ("kappa", "goals"),
    [(0, 295.4), (0.0001, 298.5), (0.0003, 298.7), (0.0006, 345), (0.0015, 290), (0.003, 47)],
)
def test_curiosity_in_the_shortcut_maze(kappa, goals):
    record = archive.load("dyna_shortcut").arrays
    (rewards,) = record["rewards"][record["kappa"] == kappa]
    assert rewards[:, -1].mean() == pytest.approx(goals, abs=0.5)


@pytest.fixture(scope="module")
def pushed():
    """6000 steps of a pendulum, pushed as the chapter pushes it: angle, speed, torque."""
    pendulum, rng, rows = gym.make("Pendulum-v1"), generator(0, "torque"), []
    (cosine, sine, speed), _ = pendulum.reset(seed=0)
    for _ in range(6000):
        torque = rng.uniform(-2, 2, size=1).astype(np.float32)
        rows.append([np.arctan2(sine, cosine), speed, torque[0]])
        (cosine, sine, speed), _, _, truncated, _ = pendulum.step(torque)
        if truncated:
            (cosine, sine, speed), _ = pendulum.reset()
    return np.array(rows)


@pytest.mark.parametrize(
    ("count", "known", "visited"),
    [(10, 0.997, 0.83), (20, 0.64, 0.42), (30, 0.26, 0.16), (50, 0.08, 0.04)],
)
def test_coverage_of_the_pendulum(pushed, count, known, visited):
    high = np.array([np.pi, 8.0, 2.0])
    cells = bins.cell_index(pushed, low=-high, high=high, bins=count)
    assert bins.known_share(cells[5000:], cells[:5000]) == pytest.approx(known, abs=0.005)
    share = bins.visited_share(cells[:5000], cell_count=count**3)
    assert share == pytest.approx(visited, abs=0.005)


def test_no_state_of_the_pendulum_returns(pushed):
    assert len(np.unique(pushed[:, :2], axis=0)) == len(pushed)


# Quiz 5.


def test_on_the_ice_a_wrong_model_is_better_trusted_less():
    none, one, ten = (on_ice(20, planning_steps=n) for n in (0, 1, 10))
    assert none.mean() < ten.mean() < one.mean() - 0.1
    difference = one - ten
    assert difference.mean() > 1.5 * difference.std(ddof=1) / len(difference) ** 0.5


def test_in_the_blocking_maze_most_seeds_step_into_the_gap_and_many_turn_back():
    """The way round the wall leads through its place (3, 0); 20 seeds, as in the chapter."""
    gap, entered, turned_back = 3 * 9, 0, 0
    for seed in range(20):
        env, config = mazes.blocking_maze(), dyna.DynaConfig(planning_steps=10, alpha=1.0)
        steps = islice(dyna.learn(env, dyna.empty_table(env), config, seed=seed), 1000, 3000)
        outcomes = [step.outcome for step in steps]
        inside = any(outcome.next_state == gap for outcome in outcomes)
        entered += inside
        turned_back += inside and sum(outcome.reward for outcome in outcomes) <= 2
    assert (entered, turned_back) == (18, 10)


def test_in_the_blocking_maze_less_planning_is_no_cure():
    goals, later = [], []
    for n in (0, 1, 2, 5, 10):
        config = dyna.DynaConfig(planning_steps=n, alpha=1.0)
        rewards = dyna.cumulative_reward(
            mazes.blocking_maze, config, step_count=3000, seeds=range(20)
        )
        goals.append(rewards[:, -1].mean())
        later.append((rewards[:, -1] - rewards[:, 999]).mean())  # after the wall has moved
    assert [round(count) for count in goals] == [6, 39, 59, 59, 83]
    assert [round(count) for count in later] == [3, 14, 20, 14, 30]

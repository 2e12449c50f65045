"""Mazes as environments (theory: Sutton & Barto, examples 8.1 to 8.3)."""

import math

import pytest
from gymnasium.utils.env_checker import check_env

from mbpo_teach.tables import episodic, mazes
from mbpo_teach.tables.mdp import value_iteration

MAKERS = (mazes.dyna_maze, mazes.blocking_maze, mazes.shortcut_maze)
UP, RIGHT, DOWN, LEFT = range(4)


def shortest(layout):
    mdp = episodic.tabular_mdp(mazes.Maze(layout), gamma=0.95)
    return episodic.expected_steps(mdp, value_iteration(mdp)[1])


@pytest.mark.parametrize("make", MAKERS)
def test_gymnasiums_own_checker_finds_nothing(make):
    check_env(make(), skip_render_check=True)


def test_the_dyna_maze_has_47_cells_and_moves_as_drawn():
    maze = mazes.dyna_maze()
    assert maze.observation_space.n == len(maze.cells) == 47
    assert maze.cells[maze.start] == (2, 0) and maze.cells[maze.goal] == (0, 8)
    state, _ = maze.reset(seed=0)
    assert maze.cells[state] == (2, 0)
    assert maze.cells[maze.step(LEFT)[0]] == (2, 0)  # the edge
    assert maze.cells[maze.step(RIGHT)[0]] == (2, 1)
    assert maze.cells[maze.step(RIGHT)[0]] == (2, 1)  # a wall
    assert maze.cells[maze.step(UP)[0]] == (1, 1)
    assert maze.cells[maze.step(DOWN)[0]] == (2, 1)


def test_only_the_goal_gives_reward_and_terminates():
    maze = mazes.Maze("S.G")
    maze.reset(seed=0)
    assert maze.step(RIGHT) == (1, 0.0, False, False, {})
    assert maze.step(RIGHT) == (2, 1.0, True, False, {})
    assert maze.reset()[0] == 0


@pytest.mark.parametrize(
    ("before", "after", "lengths"),
    [
        (mazes.BLOCKING_BEFORE, mazes.BLOCKING_AFTER, (10, 16)),
        (mazes.SHORTCUT_BEFORE, mazes.SHORTCUT_AFTER, (16, 10)),
    ],
)
def test_the_change_makes_the_way_longer_or_shorter(before, after, lengths):
    assert (shortest(before), shortest(after)) == pytest.approx(lengths)


@pytest.mark.parametrize(
    ("make", "change"), [(mazes.blocking_maze, 1000), (mazes.shortcut_maze, 3000)]
)
def test_the_walls_move_after_the_books_number_of_steps_across_episodes(make, change):
    maze = make()
    before = maze.layout
    maze.reset(seed=0)
    for step in range(change):
        assert maze.layout == before
        maze.step(step % 4)
        if step % 100 == 0:
            maze.reset()  # a new episode, the same life
    assert maze.layout != before
    maze.reset()
    assert maze.layout != before
    maze.reset(seed=0)  # a new life
    assert maze.layout == before


def test_a_cell_that_becomes_a_wall_lets_the_agent_out_and_not_in():
    maze = mazes.Maze("S.G\n...", later="S#G\n...", change_after=1)
    maze.reset(seed=0)
    assert maze.cells[maze.step(RIGHT)[0]] == (0, 1)  # now the walls change
    assert maze.cells[maze.step(DOWN)[0]] == (1, 1)
    assert maze.cells[maze.step(UP)[0]] == (1, 1)


@pytest.mark.parametrize(
    ("layout", "options", "message"),
    [
        ("", {}, "rectangle"),
        ("S.\nG", {}, "rectangle"),
        ("S.xG", {}, "characters"),
        ("..G", {}, "exactly one S"),
        ("S.GG", {}, "exactly one G"),
        ("S.G", {"later": "S#G"}, "together"),
        ("S.G", {"change_after": 3}, "together"),
        ("S.G", {"later": "S#G", "change_after": 0}, "at least 1, not 0"),
        ("S.G", {"later": "S#G", "change_after": float("nan")}, "at least 1, not nan"),
        ("S.G", {"later": "SG.", "change_after": 3}, "same shape, start and goal"),
        ("S.G", {"later": "S.G\n...", "change_after": 3}, "same shape"),
    ],
)
def test_a_bad_layout_is_refused(layout, options, message):
    with pytest.raises(ValueError, match=message):
        mazes.Maze(layout, **options)


@pytest.mark.parametrize("action", [-1, 4, 1.0, "up", None, math.nan, [1]])
def test_an_action_that_does_not_exist_is_refused(action):
    maze = mazes.dyna_maze()
    maze.reset(seed=0)
    with pytest.raises(ValueError, match=r"action must be in \[0, 4\), not"):
        maze.step(action)


def test_the_table_follows_the_environment():
    maze = mazes.shortcut_maze(change_after=5)
    for _ in range(2):
        table = maze.P
        for state in range(maze.observation_space.n):
            for action in range(4):
                maze._state, clock = state, maze._clock
                after, reward, terminated, _, _ = maze.step(action)
                maze._clock = clock
                assert table[state][action] == [(1.0, after, reward, terminated)]
        maze._clock = 5


@pytest.mark.parametrize("layout", [None, 5, ["S.G"], b"S.G"])
def test_a_layout_that_is_no_text_is_refused(layout):
    with pytest.raises(ValueError, match="layout must be text"):
        mazes.Maze(layout)

"""Q-learning, Dyna-Q and Dyna-Q+ against hand numbers, an independent loop, and exact optima."""

import math
from collections import Counter
from itertools import islice

import gymnasium as gym
import numpy as np
import pytest

from mbpo_teach.ground.seeding import generator
from mbpo_teach.tables import dyna, episodic, mazes
from mbpo_teach.tables.dyna import DynaConfig, Model, Outcome
from mbpo_teach.tables.mdp import value_iteration


class Scripted(gym.Env):
    """A world of two states that plays back (next state, reward, terminated, truncated)."""

    def __init__(self, script, states=2, actions=1):
        self.observation_space = gym.spaces.Discrete(states)
        self.action_space = gym.spaces.Discrete(actions)
        self.script, self.resets = list(script), 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.resets += 1
        return 0, {}

    def step(self, action):
        return *self.script.pop(0), {}


class Bandit(gym.Env):
    """One state; the reward of the only action is drawn from 0 and 1 with equal chance."""

    observation_space = gym.spaces.Discrete(1)
    action_space = gym.spaces.Discrete(1)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return 0, {}

    def step(self, action):
        return 0, float(self.np_random.integers(2)), True, False, {}


def after_steps(env, config, count, seed=0):
    q = dyna.empty_table(env)
    steps = list(islice(dyna.learn(env, q, config, seed=seed), count))
    return q, steps


# ---- one update


def test_the_update_by_hand():
    q = [[0.0, 0.5], [2.0, -1.0]]
    dyna.q_update(q, (0, 0), Outcome(1.0, 1, False), alpha=0.1, gamma=0.95)
    assert q[0][0] == pytest.approx(0.29)  # 0.1 (1 + 0.95 * 2)
    dyna.q_update(q, (0, 1), Outcome(1.0, 1, True), alpha=0.1, gamma=0.95)
    assert q[0][1] == pytest.approx(0.55)  # 0.5 + 0.1 (1 - 0.5)
    assert q[1] == [2.0, -1.0]


def test_a_state_that_leads_back_to_itself_uses_its_old_value():
    q = [[1.0]]
    dyna.q_update(q, (0, 0), Outcome(1.0, 0, False), alpha=0.5, gamma=0.5)
    assert q[0][0] == pytest.approx(1.25)


@pytest.mark.parametrize(
    ("terminated", "truncated", "expected"),
    [(True, False, 1.0), (False, True, 1.9), (False, False, 1.9), (True, True, 1.0)],
)
def test_only_termination_stops_the_bootstrap(terminated, truncated, expected):
    env = Scripted([(1, 1.0, terminated, truncated)])
    q = [[0.0], [1.0]]
    config = DynaConfig(alpha=1.0, gamma=0.9)
    next(dyna.learn(env, q, config, seed=0))
    assert q[0][0] == pytest.approx(expected)


@pytest.mark.parametrize("ending", [(True, False), (False, True)])
def test_planning_remembers_termination_and_forgets_truncation(ending):
    terminated, truncated = ending
    env = Scripted([(1, 1.0, terminated, truncated), (0, 0.0, False, False)])
    q = [[0.0], [1.0]]
    config = DynaConfig(planning_steps=50, alpha=1.0, gamma=0.9)
    next(dyna.learn(env, q, config, seed=0))
    assert q[0][0] == pytest.approx(1.0 if terminated else 1.9)


def test_an_episode_that_is_over_is_followed_by_a_reset_and_no_other():
    script = [(1, 0.0, False, False), (1, 0.0, False, True), (1, 0.0, True, False), (1, 0.0, 0, 0)]
    env = Scripted(script)
    _, steps = after_steps(env, DynaConfig(), 4)
    assert [step.state for step in steps] == [0, 1, 0, 0]
    assert env.resets == 3


# ---- choosing actions


def test_ties_are_broken_evenly_and_only_between_the_best():
    rng = generator(0, "ties")
    counts = Counter(dyna.epsilon_greedy([1.0, 0.0, 1.0], 0.0, rng=rng) for _ in range(4000))
    assert set(counts) == {0, 2} and counts[0] == pytest.approx(2000, abs=150)


def test_epsilon_is_the_share_of_random_actions_over_all_actions():
    rng = generator(0, "explore")
    counts = Counter(dyna.epsilon_greedy([0.0, 0.0, 1.0, 0.0], 0.2, rng=rng) for _ in range(8000))
    assert counts[2] == pytest.approx(8000 * 0.85, abs=150)
    assert all(counts[a] == pytest.approx(8000 * 0.05, abs=100) for a in (0, 1, 3))


# ---- Q-learning as the special case


def plain_q_learning(env, config, *, seed, episodes):
    """Q-learning as a book writes it, with NumPy's table, sharing nothing but the stream."""
    rng = generator(seed, "act")
    q = np.zeros((env.observation_space.n, env.action_space.n))
    lengths = []
    state, _ = env.reset(seed=seed)
    for _ in range(episodes):
        steps = 0
        while True:
            if rng.random() < config.epsilon:
                action = int(q.shape[1] * rng.random())
            else:
                tied = np.flatnonzero(q[state] == q[state].max())
                action = int(tied[int(len(tied) * rng.random())] if len(tied) > 1 else tied[0])
            after, reward, terminated, truncated, _ = env.step(action)
            target = reward + config.gamma * (0.0 if terminated else q[after].max())
            q[state, action] += config.alpha * (target - q[state, action])
            state, steps = after, steps + 1
            if terminated or truncated:
                break
        lengths.append(steps)
        state, _ = env.reset()
    return lengths, q


@pytest.mark.parametrize("world", ["Dyna", "FrozenLake-v1", "CliffWalking-v1"])
def test_no_planning_is_q_learning_bit_for_bit(world):
    def make():
        return mazes.dyna_maze() if world == "Dyna" else gym.make(world)

    config = DynaConfig(planning_steps=0, alpha=0.3, gamma=0.97)
    for seed in range(3):
        lengths, q = plain_q_learning(make(), config, seed=seed, episodes=15)
        runs = list(islice(dyna.episodes(make(), config, seed=seed), 15))
        assert [run.steps for run in runs] == lengths
        assert (runs[-1].q == q).all()


def test_planning_does_not_disturb_the_first_blind_walk():
    runs = [
        next(dyna.episodes(mazes.dyna_maze(), DynaConfig(planning_steps=n), seed=5)).steps
        for n in (0, 3, 50)
    ]
    assert len(set(runs)) == 1


@pytest.mark.parametrize("kappa", [0.0, 0.01])
def test_the_same_seed_gives_the_same_run(kappa):
    config = DynaConfig(planning_steps=7, kappa=kappa, remember_all=True)

    def run(seed):
        return after_steps(gym.make("FrozenLake-v1"), config, 400, seed=seed)

    assert run(3) == run(3)
    assert run(3) != run(4)


# ---- the model


def test_the_model_keeps_the_last_outcome_or_all_of_them():
    first, second = Outcome(0.0, 1, False), Outcome(1.0, 2, True)
    for keep_all, kept in ((False, [second]), (True, [first, second])):
        model = Model(keep_all=keep_all)
        model.record((0, 0), first, now=1)
        model.record((0, 0), second, now=4)
        assert model.outcomes == {(0, 0): kept}
        assert model.pairs == [(0, 0)] and model.last_tried == {(0, 0): 4}


def test_pairs_and_their_outcomes_are_drawn_evenly():
    model = Model(keep_all=True)
    for now, (pair, outcome) in enumerate([((0, 0), 1), ((0, 1), 2), ((0, 1), 3)], start=1):
        model.record(pair, Outcome(0.0, outcome, False), now=now)
    drawn = list(model.sample(8000, rng=generator(0, "plan")))
    counts = Counter((pair, outcome.next_state) for pair, outcome in drawn)
    assert counts[(0, 0), 1] == pytest.approx(4000, abs=200)
    assert counts[(0, 1), 2] == pytest.approx(2000, abs=200)
    assert counts[(0, 1), 3] == pytest.approx(2000, abs=200)


def test_a_draw_does_not_go_through_the_table():
    """O(1): planning must cost the same however many pairs the table holds."""

    class LookedUpOnly(dict):
        def __iter__(self):
            raise AssertionError("every pair of the table was looked at")

        keys = values = items = __iter__

    model = Model(keep_all=True)
    for state in range(20):
        model.record((state, 0), Outcome(0.0, state, False), now=state + 1)
    model.outcomes = LookedUpOnly(model.outcomes)
    assert len(list(model.sample(50, rng=generator(0, "plan")))) == 50


def test_acting_and_planning_have_streams_of_their_own(monkeypatch):
    asked = []

    def noted(seed, *names):
        asked.append(names)
        return generator(seed, *names)

    monkeypatch.setattr(dyna, "generator", noted)
    maze = mazes.dyna_maze()
    next(dyna.learn(maze, dyna.empty_table(maze), DynaConfig(planning_steps=1), seed=0))
    assert len(asked) == len(set(asked)) == 2


def test_the_footnote_assumes_untried_actions_until_they_are_tried():
    for keep_all in (False, True):
        model = Model(keep_all=keep_all)
        model.record((3, 1), Outcome(1.0, 4, True), now=6)
        model.assume(3, action_count=3)
        model.assume(3, action_count=3)
        assert sorted(model.pairs) == [(3, 0), (3, 1), (3, 2)]
        assert model.outcomes[3, 0] == [Outcome(0.0, 3, False)]
        assert model.outcomes[3, 1] == [Outcome(1.0, 4, True)]
        assert model.last_tried == {(3, 0): 0, (3, 1): 6, (3, 2): 0}
        # Once tried, only what really happened is remembered.
        model.record((3, 0), Outcome(0.5, 2, False), now=9)
        assert model.outcomes[3, 0] == [Outcome(0.5, 2, False)]
        assert len(model.pairs) == 3


def test_without_a_bonus_only_met_pairs_are_imagined():
    """One visited pair: planning can change no other entry."""
    env = Scripted([(1, 1.0, False, False)], actions=3)
    q, steps = after_steps(env, DynaConfig(planning_steps=200), 1)
    changed = [(s, a) for s in range(2) for a in range(3) if q[s][a] != 0]
    assert changed == [(0, steps[0].action)]


def test_the_bonus_by_hand():
    """One state, two actions, alpha = 1, gamma = 0: the table shows the last imagined reward."""
    env = Scripted([(0, 0.25, False, False)] * 9, states=1, actions=2)
    config = DynaConfig(planning_steps=60, alpha=1.0, gamma=0.0, kappa=0.01, epsilon=0.0)
    q, steps = after_steps(env, config, 9)
    last = {action: 0 for action in range(2)}
    for now, step in enumerate(steps, start=1):
        last[step.action] = now
    for action in range(2):
        known = 0.25 if last[action] else 0.0
        assert q[0][action] == pytest.approx(known + 0.01 * math.sqrt(9 - last[action]))


def test_curiosity_visits_what_chance_alone_would_not():
    """With epsilon = 0 and no reward anywhere Dyna-Q+ still tries every action of every cell."""
    env = mazes.Maze("S...\n....\n...G")
    q = dyna.empty_table(env)
    config = DynaConfig(planning_steps=20, alpha=0.5, kappa=0.1, epsilon=0.0)
    steps = islice(dyna.learn(env, q, config, seed=0), 2000)
    assert len({(step.state, step.action) for step in steps}) == 11 * 4


# ---- learning


@pytest.mark.parametrize("n", [0, 5, 50])
def test_every_agent_solves_a_corridor_exactly(n):
    env = mazes.Maze("S....G")
    config = DynaConfig(planning_steps=n, alpha=0.5, gamma=0.9, epsilon=0.3)
    episode = next(islice(dyna.episodes(env, config, seed=0), 400, None))
    values, best = value_iteration(episodic.tabular_mdp(env, gamma=0.9))
    assert episode.q.max(axis=1)[:5] == pytest.approx(values[:5], abs=1e-6)
    assert (episode.q.argmax(axis=1)[:5] == best.argmax(axis=1)[:5]).all()


def test_planning_saves_real_steps_in_the_dyna_maze():
    """Means over 30 seeds first fall to 20 steps near episodes 28, 6 and 3 (theory, section 6)."""
    first = {}
    for n in (0, 5, 50):
        config = DynaConfig(planning_steps=n)
        runs = dyna.steps_per_episode(mazes.dyna_maze, config, episode_count=40, seeds=range(30))
        first[n] = int(np.argmax(runs.mean(axis=0) <= 20)) + 1
    assert 22 <= first[0] <= 34
    assert 4 <= first[5] <= 9
    assert 2 <= first[50] <= 4


def test_remembering_all_outcomes_estimates_a_chance_and_the_last_does_not():
    """Half of the rewards are 1: with planning the value goes to 1/2, or follows the last one."""

    def value(remember_all):
        config = DynaConfig(planning_steps=200, alpha=0.02, epsilon=0.0, remember_all=remember_all)
        return after_steps(Bandit(), config, 400, seed=1)[0][0][0]

    assert value(True) == pytest.approx(0.5, abs=0.15)
    assert abs(value(False) - 0.5) > 0.4


def test_dyna_q_plus_collects_more_when_the_way_is_blocked():
    def total(kappa):
        config = DynaConfig(planning_steps=10, alpha=1.0, kappa=kappa)
        rewards = dyna.cumulative_reward(
            mazes.blocking_maze, config, step_count=3000, seeds=range(8)
        )
        assert rewards.shape == (8, 3000) and (np.diff(rewards) >= 0).all()
        return rewards[:, -1].mean()

    assert total(0.001) > 1.3 * total(0.0)


# ---- reports and errors


def test_reports_are_frozen_and_their_tables_are_copies():
    episode, later = islice(
        dyna.episodes(mazes.dyna_maze(), DynaConfig(planning_steps=5), seed=0), 2
    )
    assert not np.array_equal(episode.q, later.q)
    assert episode.total_reward == 1.0 and episode.q.shape == (47, 4)
    with pytest.raises(AttributeError):
        episode.steps = 3


def test_lengths_are_those_of_the_episodes_seed_by_seed():
    env = gym.make("CliffWalking-v1")
    steps = dyna.steps_per_episode(lambda: env, DynaConfig(), episode_count=3, seeds=[0, 1])
    assert steps.shape == (2, 3)
    for seed, lengths in enumerate(steps):
        runs = islice(dyna.episodes(env, DynaConfig(), seed=seed), 3)
        for run, length in zip(runs, lengths, strict=True):
            assert run.steps == length and run.total_reward <= -length


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        ("planning_steps", -1, ">= 0"),
        ("planning_steps", 2.5, ">= 0"),
        ("planning_steps", True, ">= 0"),
        ("alpha", 0.0, r"\(0, 1\]"),
        ("alpha", 1.1, r"\(0, 1\]"),
        ("alpha", math.nan, r"\(0, 1\]"),
        ("gamma", -0.1, r"\[0, 1\]"),
        ("gamma", 1.01, r"\[0, 1\]"),
        ("epsilon", math.nan, r"\[0, 1\]"),
        ("epsilon", 2, r"\[0, 1\]"),
        ("kappa", -1e-9, r"\[0, inf\)"),
        ("kappa", math.inf, r"\[0, inf\)"),
    ],
)
def test_a_bad_setting_is_named_with_its_value_and_range(field, value, allowed):
    with pytest.raises(ValueError, match=rf"^{field} must be .*{allowed}, not .*"):
        DynaConfig(**{field: value})


def test_a_whole_number_of_numpy_is_a_whole_number():
    assert DynaConfig(planning_steps=np.int64(5)).planning_steps == 5


@pytest.mark.parametrize(
    ("observations", "actions", "message"),
    [
        (gym.spaces.Box(-1, 1), gym.spaces.Discrete(2), "Discrete observation space.*not Box"),
        (gym.spaces.Discrete(2), gym.spaces.Box(-1, 1), "Discrete action space.*not Box"),
        (gym.spaces.Discrete(2, start=1), gym.spaces.Discrete(2), "starts at 0, not Discrete"),
    ],
)
def test_a_world_that_is_not_discrete_is_refused(observations, actions, message):
    env = Scripted([])
    env.observation_space, env.action_space = observations, actions
    with pytest.raises(ValueError, match=message):
        next(dyna.episodes(env, DynaConfig(), seed=0))
    with pytest.raises(ValueError, match=message):
        next(dyna.learn(env, [[0.0]], DynaConfig(), seed=0))


@pytest.mark.parametrize("table", [[[0.0] * 4], [0.0] * 47, None])
def test_a_table_of_the_wrong_shape_is_refused(table):
    with pytest.raises(ValueError, match="q must have one row per state"):
        next(dyna.learn(mazes.dyna_maze(), table, DynaConfig(), seed=0))


def test_seeds_may_come_from_numpy():
    """Gymnasium's reset refuses them; ``seeds=np.arange(30)`` is how one writes thirty seeds."""
    settings = {"config": DynaConfig(), "episode_count": 2}
    of_numpy = dyna.steps_per_episode(mazes.dyna_maze, seeds=np.arange(2), **settings)
    assert (of_numpy == dyna.steps_per_episode(mazes.dyna_maze, seeds=[0, 1], **settings)).all()


def test_no_seeds_are_refused():
    for record in (
        lambda: dyna.steps_per_episode(mazes.dyna_maze, DynaConfig(), episode_count=1, seeds=[]),
        lambda: dyna.cumulative_reward(mazes.dyna_maze, DynaConfig(), step_count=1, seeds=[]),
    ):
        with pytest.raises(ValueError, match="seeds must hold at least one value"):
            record()

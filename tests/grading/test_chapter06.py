"""The references of chapter 06 are the library's equations; usual mistakes in them are found."""

from functools import partial
from itertools import permutations

import numpy as np
import pytest
import torch

from mbpo_teach.grading.exercise import find
from mbpo_teach.grading.judge import judge
from mbpo_teach.ground import seeding
from mbpo_teach.learner import losses, sac
from mbpo_teach.nets import gaussian
from mbpo_teach.nets.adam import adam_step, pace_at
from mbpo_teach.world.transitions import Transition

pytestmark = pytest.mark.filterwarnings("ignore:(overflow|divide|invalid):RuntimeWarning")


def right(exercise_id, answer):
    return judge(find(exercise_id), answer, seeding.generator(0, "check", exercise_id)).right


def cases(exercise_id):
    return find(exercise_id).cases(seeding.generator(1, "check", exercise_id))


def test_the_references_are_the_librarys():
    for case in cases("06-1"):
        ours = gaussian.squashed_log_prob(*map(torch.from_numpy, case)).numpy()
        np.testing.assert_allclose(find("06-1").reference(*case), ours, rtol=1e-12)
    for reward, terminated, q, log_prob, temperature, gamma in cases("06-2"):
        value = losses.soft_value(torch.tensor(q), torch.tensor(log_prob), temperature)
        ours = losses.soft_target(
            torch.tensor(reward), torch.tensor(terminated), value, gamma
        ).numpy()
        reference = find("06-2").reference(reward, terminated, q, log_prob, temperature, gamma)
        np.testing.assert_allclose(reference, ours, rtol=1e-12)
    for temperature, log_prob, target, rate in cases("06-3"):
        log_temperature = torch.tensor(temperature).log().double().requires_grad_()
        losses.temperature_loss(log_temperature, torch.tensor(log_prob), target).backward()
        ours = (log_temperature - rate * log_temperature.grad).exp().item()
        reference = find("06-3").reference(temperature, log_prob, target, rate)
        assert reference == pytest.approx(ours, rel=1e-6)


def test_the_first_cases_by_hand():
    """At the Gaussian's middle -log sqrt(2 pi) stands beside the correction -2.650."""
    answer = find("06-1").reference(*cases("06-1")[0]).item()
    assert answer == pytest.approx(-0.9189385 + 2.6500055)
    both = [find("06-2").reference(*case).item() for case in cases("06-2")[:2]]
    assert both == pytest.approx([1 + 0.9 * (2 + 0.5), 1])
    steps = [find("06-3").reference(*case) for case in cases("06-3")[:3]]
    assert steps == pytest.approx([np.exp(-0.05), np.exp(0.1), 0.3])


def gaussian_part(raw, mean, log_std):
    return -0.5 * ((raw - mean) / np.exp(log_std)) ** 2 - log_std - 0.5 * np.log(2 * np.pi)


def slope(raw):
    return 2 * (np.log(2) - raw - np.logaddexp(0, -2 * raw))


def naive_slope(raw):
    return 2 * (np.log(2) - raw - np.log(1 + np.exp(-2 * raw)))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda u, m, s: gaussian_part(u, m, s).sum(-1),
        lambda u, m, s: (gaussian_part(u, m, s) + slope(u)).sum(-1),
        lambda u, m, s: (gaussian_part(u, m, s) - slope(np.tanh(u))).sum(-1),  # tanh twice
        lambda u, m, s: (gaussian_part(u, m, s) - slope(u)).mean(-1),
        lambda u, m, s: gaussian_part(u, m, s).sum(-1) - slope(u)[..., 0],
        lambda u, m, s: gaussian_part(u, m, s) - slope(u),
        lambda u, m, s: (gaussian_part(u, m, 0.5 * s) - slope(u)).sum(-1),
        lambda u, m, s: (gaussian_part(u, m, s) - np.log(1 - np.tanh(u) ** 2 + 1e-6)).sum(-1),
        lambda u, m, s: (gaussian_part(u, m, s) - np.log(1 - np.tanh(u) ** 2)).sum(-1),
        # What overflows far out, on the one side or the other.
        lambda u, m, s: (gaussian_part(u, m, s) - naive_slope(u)).sum(-1),
        lambda u, m, s: (gaussian_part(u, m, s) - naive_slope(-u)).sum(-1),
        lambda u, m, s: (gaussian_part(u, m, s) + 2 * np.log(np.cosh(u))).sum(-1),
        lambda u, m, s: (gaussian_part(u, m, s) - naive_slope(u.astype(np.float32))).sum(-1),
    ],
)
def test_wrong_log_densities(wrong):
    assert not right("06-1", wrong)


def test_log_cosh_is_right_too():
    def with_cosh(raw, mean, log_std):
        log_cosh = np.logaddexp(raw, -raw) - np.log(2)
        return (gaussian_part(raw, mean, log_std) + 2 * log_cosh).sum(axis=-1)

    assert right("06-1", with_cosh)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda r, d, q, p, a, g: r + g * ~d * (q.max(0) - a * p),
        lambda r, d, q, p, a, g: r + g * ~d * (q.mean(0) - a * p),
        lambda r, d, q, p, a, g: r + g * ~d * (q[0] - a * p),
        lambda r, d, q, p, a, g: r + g * ~d * q.min() - g * ~d * a * p,
        lambda r, d, q, p, a, g: r + g * ~d * q.min(0),
        lambda r, d, q, p, a, g: r + g * ~d * (q.min(0) + a * p),
        lambda r, d, q, p, a, g: r + g * (q.min(0) - a * p),  # across the end
        lambda r, d, q, p, a, g: r + g * d * (q.min(0) - a * p),
        lambda r, d, q, p, a, g: ~d * (r + g * (q.min(0) - a * p)),
        lambda r, d, q, p, a, g: r + g * ~d * q.min(0) - a * p,
        lambda r, d, q, p, a, g: (r + g * ~d * (q.min(0) - a * p))[:, None],
    ],
)
def test_wrong_targets(wrong):
    assert not right("06-2", wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda a, p, h, r: a * np.exp(-r * a * (p + h).mean()),  # downhill the wrong way
        lambda a, p, h, r: a * np.exp(r * (p + h).mean()),  # the slope in alpha, not in log alpha
        lambda a, p, h, r: a + r * (p + h).mean(),
        lambda a, p, h, r: a * np.exp(r * a * (p - h).mean()),
        lambda a, p, h, r: a * np.exp(r * a * (p + h).sum()),
        lambda a, p, h, r: np.log(a) + r * a * (p + h).mean(),
    ],
)
def test_wrong_temperatures(wrong):
    assert not right("06-3", wrong)


def test_a_plain_formula_is_right():
    assert right("06-3", lambda a, p, h, r: a * np.exp(r * a * (np.mean(p) + h)))


# One whole update. An answer is a way through the parts: which version of what goes into which.


def test_the_first_update_by_hand():
    """One state, a = tanh(m), Q_i(a) = w_i a; the row is action 0.8, reward 1."""
    m, alpha = 0.5, 0.2
    a = np.tanh(m)
    log_pi = -0.9189385332 - np.log(1 - a**2)
    y = 1 + 0.9 * (1.5 * a - alpha * log_pi)  # the smaller target critic
    w = [w - 0.1 * (0.8 * w - y) * 0.8 for w in (1.0, 2.0)]
    # d/dm of alpha log pi(tanh m) - w tanh m, where log pi rises by 2 tanh m.
    after = m - 0.1 * (alpha * 2 * a - w[0] * (1 - a**2))
    slow = [0.75 * 3.0 + 0.25 * w[0], 0.75 * 1.5 + 0.25 * w[1]]
    alpha *= np.exp(0.1 * alpha * (log_pi - 1))
    answer = find("06-4").reference(*cases("06-4")[0])
    for part, wanted in zip(answer, (after, w, alpha, slow), strict=True):
        np.testing.assert_allclose(part, wanted, rtol=1e-8)


STEPS = ("target", "critics", "actor", "temperature", "average")


def in_order(order):
    """Return an update that takes its steps in this order, each from the newest there is."""

    def update(state, make_target, step_critics, step_actor, step_temperature, average_targets):
        actor, critics, temperature, targets = state
        for step in order:
            if step == "target":
                y = make_target(actor, targets, temperature)
            elif step == "critics":
                critics = step_critics(critics, y)
            elif step == "actor":
                actor, log_prob = step_actor(actor, critics, temperature)
            elif step == "temperature":
                temperature = step_temperature(temperature, log_prob)
            else:
                targets = average_targets(targets, critics)
        return actor, critics, temperature, targets

    return update


RIGHT = [
    ("target", "critics", "actor", "temperature", "average"),
    ("target", "critics", "actor", "average", "temperature"),
    ("target", "critics", "average", "actor", "temperature"),
]


@pytest.mark.parametrize("order", [*permutations(STEPS)], ids="-".join)
def test_an_order_is_right_if_and_only_if_all_parts_get_what_they_should(order):
    """The targets may be averaged at any time after the critics' step: nothing else reads them."""
    assert right("06-4", in_order(order)) == (order in RIGHT)


@pytest.mark.parametrize("missing", STEPS)
def test_no_step_can_be_left_out(missing):
    assert not right("06-4", in_order([step for step in STEPS if step != missing]))


@pytest.mark.parametrize("twice", STEPS[1:])
def test_no_step_can_be_taken_twice(twice):
    order = [step for step in STEPS for _ in range(1 + (step == twice))]
    assert not right("06-4", in_order(order))


def with_parts(**given):
    """Return an update in the right order in which some parts get something else.

    `given` maps a step to a function of everything there is, before and after, by name.
    """

    def update(state, make_target, step_critics, step_actor, step_temperature, average_targets):
        names = ("actor", "critics", "temperature", "targets")
        old = dict(zip(names, state, strict=True))
        new_targets = average_targets(old["targets"], old["critics"])
        early, log_prob = step_actor(old["actor"], old["critics"], old["temperature"])
        hot = step_temperature(old["temperature"], log_prob)
        there = {**old, "new_actor": early, "hot": hot, "new_targets": new_targets}

        def take(step, part, *usual):
            return part(*(given[step](there) if step in given else usual))

        y = take("target", make_target, old["actor"], old["targets"], old["temperature"])
        there["y"] = y
        critics = take("critics", step_critics, old["critics"], y)
        there["new_critics"] = critics
        there["averaged"] = average_targets(old["targets"], critics)
        actor, log_prob = take("actor", step_actor, old["actor"], critics, old["temperature"])
        # What the actor that has moved already would have drawn.
        there["new_log_prob"] = step_actor(actor, critics, old["temperature"])[1]
        temperature = take("temperature", step_temperature, old["temperature"], log_prob)
        targets = take("average", average_targets, old["targets"], critics)
        return actor, critics, temperature, targets

    return update


def test_the_usual_way_through_the_parts_is_right():
    assert right("06-4", with_parts())


@pytest.mark.parametrize(
    "given",
    [
        # The target: of an actor, a temperature, target critics that have moved; of the critics.
        {"target": lambda it: (it["new_actor"], it["targets"], it["temperature"])},
        {"target": lambda it: (it["actor"], it["targets"], it["hot"])},
        {"target": lambda it: (it["actor"], it["new_targets"], it["temperature"])},
        {"target": lambda it: (it["actor"], it["critics"], it["temperature"])},
        # The critics' step: taken by the target critics.
        {"critics": lambda it: (it["targets"], it["y"])},
        # The actor's: against the old critics or the target critics, at the new temperature.
        {"actor": lambda it: (it["actor"], it["critics"], it["temperature"])},
        {"actor": lambda it: (it["actor"], it["targets"], it["temperature"])},
        {"actor": lambda it: (it["actor"], it["averaged"], it["temperature"])},
        {"actor": lambda it: (it["actor"], it["new_critics"], it["hot"])},
        # The temperature's: by what the moved actor would have drawn.
        {"temperature": lambda it: (it["temperature"], it["new_log_prob"])},
        # The average: towards the old critics, of the critics instead of the targets, turned round.
        {"average": lambda it: (it["targets"], it["critics"])},
        {"average": lambda it: (it["critics"], it["new_critics"])},
        {"average": lambda it: (it["new_critics"], it["targets"])},
    ],
)
def test_no_part_may_be_given_what_is_stale_or_too_new(given):
    assert not right("06-4", with_parts(**given))


def test_the_library_updates_in_this_order():
    """With the library's own parts the reference is `sac_update`, bit for bit."""
    rows, obs_size, act_size = 16, 3, 2

    def normal(*shape, seed):
        return torch.randn(shape, generator=seeding.torch_generator(seed, "test"))

    config = sac.SACConfig(hidden=(8, 8), learning_rate=0.01, tau=0.1, gamma=0.9)
    batch = Transition(
        normal(rows, obs_size, seed=1),
        normal(rows, act_size, seed=2).tanh(),
        normal(rows, seed=3),
        normal(rows, obs_size, seed=4),
        normal(rows, seed=5) > 1,
    )
    noise = normal(2, rows, act_size, seed=6)
    state = sac.initial_state(obs_size, act_size, config, generator=seeding.torch_generator(0))
    # Targets of their own: at the start they are the critics, and one could stand for the other.
    state = state._replace(targets=state.targets + 0.1 * normal(*state.targets.shape, seed=7))
    after, _ = sac.sac_update(state, batch, noise, config)

    actor_sizes, critic_sizes = sac.network_sizes(obs_size, act_size, config)
    step = partial(adam_step, pace=pace_at(state.updates + 1, config.learning_rate))

    def drawn(weights, obs, noise):
        return sac.sample_action(*sac.policy_gaussian(weights, obs, actor_sizes), noise)

    def make_target(actor, targets, log_temperature):
        with torch.no_grad():
            act, log_prob = drawn(actor.weights, batch.next_obs, noise[0])
            q = sac.q_values(targets, batch.next_obs, act, critic_sizes)
            value = losses.soft_value(q, log_prob, log_temperature.weights.exp())
            return losses.soft_target(batch.reward, batch.terminated, value, config.gamma)

    def step_critics(critics, target):
        def loss(weights):
            q = sac.q_values(weights, batch.obs, batch.act, critic_sizes)
            return (losses.critic_loss(q, target),)

        return step(critics, sac.gradient(loss, critics.weights)[0])

    def step_actor(actor, critics, log_temperature):
        def loss(weights):
            act, log_prob = drawn(weights, batch.obs, noise[1])
            q = sac.q_values(critics.weights, batch.obs, act, critic_sizes)
            return losses.actor_loss(q, log_prob, log_temperature.weights.exp()), log_prob

        slope, (_, log_prob) = sac.gradient(loss, actor.weights)
        return step(actor, slope), log_prob

    def step_temperature(log_temperature, log_prob):
        loss = losses.temperature_loss(log_temperature.weights, log_prob, -float(act_size))
        return step(log_temperature, loss)

    def average_targets(targets, critics):
        return targets.lerp(critics.weights, config.tau)

    before = (state.actor, state.critics, state.log_temperature, state.targets)
    parts = (make_target, step_critics, step_actor, step_temperature, average_targets)
    actor, critics, log_temperature, targets = find("06-4").reference(before, *parts)
    pairs = zip(
        [*actor, *critics, *log_temperature, targets],
        [*after.actor, *after.critics, *after.log_temperature, after.targets],
        strict=True,
    )
    assert all(torch.equal(ours, theirs) for ours, theirs in pairs)
    # Another order gives another learner: the target from an actor that has moved.
    wrong = in_order(("actor", "target", "critics", "temperature", "average"))(before, *parts)
    assert not torch.equal(wrong[1].weights, after.critics.weights)

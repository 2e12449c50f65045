"""k-step errors: hand numbers and oracles."""

import warnings

import numpy as np
import pytest
import torch

from mbpo_teach.ground.seeding import generator, torch_generator
from mbpo_teach.model import dynamics, errors
from mbpo_teach.world import envs, simulator
from mbpo_teach.world.transitions import Transition


@pytest.fixture
def model():
    net = dynamics.Ensemble(2, 1, members=3, hidden=(8,), generator=torch_generator(0, "net"))
    obs = torch.randn(50, 2, generator=torch_generator(0, "obs"))
    data = Transition(
        obs, torch.randn(50, 1), torch.randn(50), obs + 0.1 * torch.randn(50, 2), torch.zeros(50)
    )
    net.set_scales(data)
    return net


def policy(obs, step):
    return torch.tanh(obs[:, :1]) + 0.1 * step


def test_members_follow_themselves(model):
    starts = torch.randn(4, 2)
    rollouts = errors.imagine_members(model, starts, policy, steps=3, members=(2, 0))
    assert rollouts.shape == (2, 4, 4, 2)
    for row, member in enumerate((2, 0)):
        obs = starts
        for step in range(3):
            with torch.no_grad():
                mean = dynamics.predict(model, obs, policy(obs, step), members=(member,)).mean[0]
            obs = mean[:, :-1]
            torch.testing.assert_close(rollouts[row, :, step + 1], obs)


def test_the_ensemble_follows_the_average(model):
    starts = torch.randn(4, 2)
    rollout = errors.imagine_ensemble(model, starts, policy, steps=2, members=(0, 1, 2))
    obs = starts
    for step in range(2):
        with torch.no_grad():
            mean = dynamics.predict(model, obs, policy(obs, step)).mean
        obs = mean.mean(dim=0)[:, :-1]
        torch.testing.assert_close(rollout[:, step + 1], obs)


def test_sampled_rollouts_are_reproducible_and_noisy(model):
    starts = torch.randn(4, 2)

    def sampled(seed):
        return errors.imagine_members(
            model, starts, policy, steps=2, members=(0,), generator=torch_generator(seed)
        )

    torch.testing.assert_close(sampled(1), sampled(1), rtol=0, atol=0)
    assert not torch.equal(sampled(1), sampled(2))


def test_a_sampled_ensemble_is_a_rollout_with_a_random_member_at_each_step(model):
    """As MBPO imagines: against `sample_step`, step by step with the same generator."""
    starts, members = torch.randn(4, 2), (2, 0)

    def sampled(seed):
        return errors.imagine_ensemble(
            model, starts, policy, steps=3, members=members, generator=torch_generator(seed)
        )

    found, drawing, obs = sampled(1), torch_generator(1), starts
    for step in range(3):
        obs, _ = dynamics.sample_step(
            model, obs, policy(obs, step), elites=members, generator=drawing
        )
        torch.testing.assert_close(found[:, step + 1], obs, rtol=0, atol=0)
    assert not torch.equal(found, sampled(2))


def test_same_actions_play_back(model):
    actions = torch.randn(4, 3, 1)
    act = errors.same_actions(actions)
    torch.testing.assert_close(act(torch.randn(4, 2), 2), actions[:, 2])


def test_k_step_error_by_hand():
    real = torch.zeros(1, 2, 2)
    imagined = torch.tensor([[[0.0, 0.0], [3.0, 8.0]]])
    error = errors.k_step_error(imagined, real, torch.tensor([1.0, 2.0]))
    torch.testing.assert_close(error, torch.tensor([[0.0, 5.0]]))


@pytest.mark.parametrize("lost", [float("nan"), float("inf"), -float("inf")])
def test_a_model_that_blew_up_is_infinitely_wrong_and_not_over(lost):
    """Taken for an episode that had ended, the worst rollouts would leave the quantiles."""
    nan = float("nan")
    imagined = torch.tensor([[[0.0], [lost]], [[0.0], [lost]], [[0.0], [2.0]]])
    real = torch.tensor([[[0.0], [0.0]], [[0.0], [nan]], [[0.0], [0.0]]])
    error = errors.k_step_error(imagined, real, torch.ones(1))
    assert error[0, 1] == float("inf") and error[2, 1] == 2.0
    assert torch.equal(error.isnan(), torch.tensor([[False, False], [False, True], [False] * 2]))
    found = errors.quantiles(error, (0.0, 0.5, 1.0))
    assert found[:, 1].tolist() == [2.0, float("inf"), float("inf")]


def in_the_simulator(env, start, actions, kick):
    """Return an "imagined" rollout that is right but for a `kick` of its fourth step."""
    states = [torch.tensor(start, dtype=torch.float32)]
    for step, action in enumerate(actions):
        simulator.set_from_obs(env, states[-1].numpy())
        after = torch.from_numpy(env.step(action.numpy()).obs.copy())
        states.append(after + (kick if step == 3 else 0))
    return torch.stack(states)[None]


def test_at_imagined_states_only_the_step_that_erred_is_in_error():
    """It is handed on from then on, and e(k) grows; the steps after it are right all the same."""
    env = envs.make("InvertedPendulum-v5")
    actions = torch.full((1, 6, 1), 0.1)
    kick, scale = torch.tensor([0.0, 0.03, 0.0, 0.04]), torch.full((4,), 0.5)
    real = in_the_simulator(env, [0.0, 0.01, 0.0, 0.0], actions[0], torch.zeros(4))
    imagined = in_the_simulator(env, [0.0, 0.01, 0.0, 0.0], actions[0], kick)
    act = errors.same_actions(actions)
    found = errors.errors_at_imagined_states(env, imagined, real, act, scale)
    expected = torch.tensor([[0, 0, 0, 0, 0.1, 0, 0]])
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
    handed_on = errors.k_step_error(imagined, real, scale)[0]
    assert (handed_on[5:] > 0.1).all() and (handed_on[5:].diff() > 0).all()
    env.close()


def test_an_imagined_policy_answers_what_is_imagined():
    env = envs.make("InvertedPendulum-v5")
    seen = []

    def watching(obs, step):
        seen.append(obs)
        return obs[:, 1:2]

    imagined = torch.randn(2, 4, 4, generator=torch_generator(0, "any")) * 0.05
    errors.errors_at_imagined_states(env, imagined, imagined * 0, watching, torch.ones(4))
    assert torch.equal(torch.stack(seen, dim=1), imagined[:, :3])
    env.close()


def test_at_imagined_states_the_gap_to_the_circle_is_not_counted_again():
    """A cosine and a sine 3 % too long, whose changes are the world's: only handed-on error."""
    env = envs.make("Pendulum-v1")
    actions = torch.full((1, 1, 1), 0.5)
    right = torch.tensor([np.cos(0.5), np.sin(0.5), 1.0], dtype=torch.float32)
    simulator.set_from_obs(env, right.numpy())
    change = torch.from_numpy(env.step(actions[0, 0].numpy()).obs.copy()) - right
    long = right * torch.tensor([1.03, 1.03, 1.0])
    imagined = torch.stack([long, long + change])[None]
    found = errors.errors_at_imagined_states(
        env, imagined, imagined, errors.same_actions(actions), torch.ones(3)
    )
    torch.testing.assert_close(found, torch.zeros(1, 2), atol=1e-6, rtol=0)


def test_at_imagined_states_what_has_ended_is_nan_and_what_blew_up_infinite():
    env = envs.make("Pendulum-v1")
    nan = float("nan")
    imagined, real = torch.zeros(2, 3, 3), torch.zeros(2, 3, 3)
    imagined[..., 0] = 1
    imagined[0, 1:] = float("inf")
    real[1, 2] = nan
    found = errors.errors_at_imagined_states(
        env, imagined, real, errors.same_actions(torch.zeros(2, 2, 1)), torch.ones(3)
    )
    expected = torch.tensor([[0, float("inf"), float("inf")], [0, 0, nan]])
    torch.testing.assert_close(found, expected, equal_nan=True)


def test_rows_are_judged_each_by_itself():
    env = envs.make("Hopper-v5")
    rng = generator(0, "rows")
    lived = envs.collect(env, steps=40, rng=rng)
    kick, scale = torch.zeros(40, 11), torch.full((11,), 0.5)
    kick[7, :2] = torch.tensor([3.0, 4.0])
    imagined = lived._replace(next_obs=lived.next_obs + kick)
    found = errors.errors_of_rows(env, imagined, scale)
    assert found.shape == (40,) and found[7] == pytest.approx(10, abs=0.3)
    assert found.median() < 1e-3, "velocities beyond 10 and feet on the ground aside"


def test_a_state_in_which_the_simulator_flies_apart_is_wrong_and_no_warning():
    env = envs.make("Hopper-v5")
    wild = torch.full((1, 11), 1e12)
    still = torch.zeros(1, 3), torch.zeros(1), wild, torch.zeros(1, dtype=torch.bool)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = errors.errors_of_rows(env, Transition(wild, *still), torch.ones(11))
    assert found.item() > 1e3


def test_the_guess_of_the_mean_by_hand():
    obs = torch.tensor([[0.0, 0.0], [2.0, 0.0], [1.0, 6.0]])
    # The mean is (1, 2); the distances are sqrt(1 + 1), sqrt(1 + 1) and 2.
    scale = torch.tensor([1.0, 2.0])
    assert errors.mean_guess(obs, scale) == pytest.approx(2**0.5)


def test_the_guess_of_the_mean_is_near_the_root_of_the_dimensions():
    obs = torch.randn(2_000, 12, generator=torch_generator(0, "obs"))
    assert errors.mean_guess(obs, torch.ones(12)) == pytest.approx(12**0.5, rel=0.05)


def test_disagreement_by_hand():
    members = torch.tensor([[[[0.0, 0.0]]], [[[2.0, 4.0]]]])
    apart = errors.disagreement(members, torch.tensor([1.0, 2.0]))
    torch.testing.assert_close(apart, torch.tensor([[2.0**0.5]]))


def test_quantiles_leave_out_what_has_ended():
    nan = float("nan")
    values = torch.tensor([[1.0, nan], [2.0, 5.0], [3.0, 7.0]])
    torch.testing.assert_close(
        errors.quantiles(values, (0.0, 0.5, 1.0)),
        torch.tensor([[1.0, 5.0], [2.0, 6.0], [3.0, 7.0]]),
    )


def test_real_rollouts_repeat_the_simulator():
    """The same actions from the same state give the same rollout, from a state of mid-episode."""
    env = envs.make("Hopper-v5")
    states = errors.visited_states(env, count=3, every=7, rng=generator(0, "states"))
    rng = generator(0, "actions")
    actions = torch.tensor(rng.uniform(-1, 1, size=(3, 15, 3)), dtype=torch.float32)
    obs, played = errors.real_rollouts(env, states, errors.same_actions(actions), steps=15)
    again, _ = errors.real_rollouts(env, states, errors.same_actions(actions), steps=15)
    torch.testing.assert_close(obs, again, rtol=0, atol=0, equal_nan=True)
    alive = ~played.isnan()
    torch.testing.assert_close(played[alive], actions[alive], rtol=0, atol=0)
    # What is NaN stays NaN, and begins after a termination.
    ended = obs.isnan().any(dim=-1)
    assert not ended[:, 0].any()
    assert (ended[:, 1:] >= ended[:, :-1]).all()
    env.close()


@pytest.mark.parametrize("name", ["count", "every"])
def test_no_states_are_refused(name):
    sizes = {"count": 2, "every": 3, name: 0}
    with pytest.raises(ValueError, match=f"{name} must be at least 1, not 0"):
        errors.visited_states(envs.make("Pendulum-v1"), **sizes, rng=generator(0, "states"))


def test_the_true_simulator_makes_no_error():
    env = envs.make("Pendulum-v1")
    states = errors.visited_states(env, count=4, every=11, rng=generator(1, "states"))
    policy_obs, actions = errors.real_rollouts(env, states, lambda obs, _: obs[:, :1], steps=20)
    replayed, _ = errors.real_rollouts(env, states, errors.same_actions(actions), steps=20)
    error = errors.k_step_error(replayed, policy_obs, torch.ones(3))
    assert float(error.max()) == 0.0
    env.close()

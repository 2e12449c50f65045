"""What chapter 06 claims beyond its labs: numbers in its prose, and its three losses by hand."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.distributions import Normal

from mbpo_teach.figures.critics import losses_picture
from mbpo_teach.figures.learning import learning_picture
from mbpo_teach.ground.seeding import generator, torch_generator
from mbpo_teach.learner import hills, sac
from mbpo_teach.learner.losses import actor_loss, critic_loss, temperature_loss
from mbpo_teach.nets.gaussian import log_tanh_slope
from mbpo_teach.nets.networks import MemberMLP
from mbpo_teach.records import archive
from mbpo_teach.tables.mdp import TabularMDP, exact_return
from mbpo_teach.world import envs
from mbpo_teach.world.evaluate import best_known

WIDTH = 2 / len(hills.ACTIONS)

pytestmark = pytest.mark.usefixtures("one_thread")


def test_tanh_twice_is_no_density():
    raw = hills.ACTIONS.atanh()
    right, twice = (
        ((Normal(0.0, 1.0).log_prob(raw) - slope).exp().sum() * WIDTH).item()
        for slope in (log_tanh_slope(raw), log_tanh_slope(raw.tanh()))
    )
    assert right == pytest.approx(1, abs=5e-4)
    assert twice == pytest.approx(0.771, abs=5e-4)
    assert log_tanh_slope(torch.tensor(1.0)).item() == pytest.approx(-0.868, abs=5e-4)  # its floor
    assert log_tanh_slope(torch.tensor(2.0).tanh()).item() == pytest.approx(-0.813, abs=5e-4)


def test_false_ends_lose_a_third_of_the_future():
    """The number -66.9, by an MDP in which one step in 200 leads out of the world."""
    for share, value in ((0.0, -100.0), (1 / 200, -66.9)):
        world = TabularMDP(
            transition=np.array([[[1 - share, share]], [[0.0, 1.0]]]),
            reward=np.array([[-1.0], [0.0]]),
            start=np.array([1.0, 0.0]),
            gamma=0.99,
        )
        assert exact_return(world, np.ones((2, 1))) == pytest.approx(value, abs=0.05)


def test_no_pendulum_transition_is_ever_an_end():
    lived = envs.collect(envs.make("Pendulum-v1"), steps=600, rng=generator(6, "time limit"))
    assert len(lived.reward) == 600
    assert not lived.terminated.any()


def test_no_policy_has_more_entropy_than_the_uniform_one():
    means, log_stds = torch.meshgrid(
        torch.linspace(-1, 1, 21).double(), torch.linspace(-1, 0.5, 31).double(), indexing="ij"
    )
    assert hills.policies(means, log_stds).entropy.max().item() < math.log(2)
    assert hills.soft_best(100.0)[1] / 100 == pytest.approx(math.log(2), abs=0.01)


@pytest.fixture(scope="module")
def losses():
    """The chapter's three trainings, one after the other."""
    torch.set_num_threads(1)
    draws = torch_generator(6, "losses")
    critics = MemberMLP(2, (1, 64, 64, 1), generator=draws)

    def q_of(act):
        return critics(3 * act.reshape(1, -1, 1).expand(2, -1, -1)).squeeze(-1)

    def draw(actor):
        mean, log_std = actor.expand(128, 2).split(1, dim=1)
        act, log_prob = sac.sample_action(mean, log_std, torch.randn(128, 1, generator=draws))
        return act[:, 0], log_prob

    def step(optimiser, loss):
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    learned, moved, heated = {}, {}, []
    optimiser = torch.optim.Adam(critics.parameters(), lr=1e-2)
    for update in range(301):
        if update in (0, 30, 300):
            learned[update] = q_of(hills.ACTIONS.float()).detach()
        act = 2 * torch.rand(128, generator=draws) - 1
        reward = hills.action_value(act) + 0.3 * torch.randn(128, generator=draws)
        step(optimiser, critic_loss(q_of(act), reward))
    actor = torch.zeros(2, requires_grad=True)
    optimiser = torch.optim.Adam([actor], lr=0.03)
    for update in range(301):
        if update in (0, 60, 300):
            moved[update] = actor.detach().clone()
        act, log_prob = draw(actor)
        step(optimiser, actor_loss(q_of(act), log_prob, 0.1))
    log_temperature = torch.tensor(0.1).log().requires_grad_()
    paces = [{"params": [actor], "lr": 0.03}, {"params": [log_temperature], "lr": 0.01}]
    optimiser = torch.optim.Adam(paces)
    for _ in range(401):
        act, log_prob = draw(actor)
        temperature = log_temperature.exp().detach()
        heated.append((temperature.item(), -log_prob.mean().item()))
        loss = actor_loss(q_of(act), log_prob, temperature)
        step(optimiser, loss + temperature_loss(log_temperature, log_prob.detach(), -0.6))
    return learned, moved, heated


def test_the_critic_loss_finds_the_hill_first_and_then_the_peak(losses):
    learned, _, _ = losses
    truth = hills.action_value(hills.ACTIONS)
    hill, peak = (int((hills.ACTIONS - action).abs().argmin()) for action in (-0.4, 0.6))
    for both in learned[30]:
        assert both[hill] > 0.6
        assert both[peak] < 0.8
    for both in learned[300]:
        assert (both - truth)[hill].abs() < 0.15
        assert 0.9 < both[peak] < 1.3  # a little low
        assert (both - truth).abs().max() < 0.45


def test_the_actor_loss_ends_on_the_hill(losses):
    _, moved, _ = losses
    mean, log_std = moved[300].double()
    assert mean.tanh().item() == pytest.approx(-0.4, abs=0.1)
    assert hills.policies(mean, log_std).entropy.item() == pytest.approx(-0.95, abs=0.2)
    better = hills.best_policies(torch.tensor([0.1], dtype=torch.float64))
    assert better.mean.tanh().item() == pytest.approx(0.6, abs=0.01)


def test_the_temperature_loss_holds_the_entropy_at_its_target(losses):
    _, _, heated = losses
    temperatures, entropies = np.array(heated).T
    assert entropies[:10].mean() < -0.8
    assert entropies[-200:].mean() == pytest.approx(-0.6, abs=0.05)
    assert temperatures[-1] == pytest.approx(0.17, abs=0.03)


def test_the_picture_of_the_losses_says_what_was_learned(losses, monkeypatch):
    monkeypatch.setenv("MBPO_LANG", "en")
    learned, moved, heated = losses
    said = losses_picture(learned, moved, 0.1, heated, -0.6).sentence
    assert f"from 0.10 to {heated[-1][0]:.2f}." in said
    assert f"mean action at {moved[300][0].tanh():.2f}" in said


def test_recorded_curves_are_drawn_with_their_median(monkeypatch):
    monkeypatch.setenv("MBPO_LANG", "en")
    steps = np.arange(250, 1250, 250)
    means = np.array(
        [[-900.0, -400, -200, -150], [-800, -700, -300, -160], [-950, -900, -850, -840]]
    )
    still = learning_picture({"Toy-v0": (steps, means)}, {"Toy-v0": ("best", -120.0)})
    assert still.sentence == (
        "Toy-v0, 3 seeds: the median of the mean return goes from -900 to -160 in 1,000 real steps"
        " (at the end, seeds from -840 to -150)."
    )
    (axes,) = still.figure.axes
    drawn = [line.get_ydata() for line in axes.lines]
    assert any(np.array_equal(np.median(means, axis=0), y) for y in drawn)
    for one in means:
        assert any(np.array_equal(one, y) for y in drawn)


# The live run, as the chapter tells it, and the stored edition shows it.


def test_the_live_run_ends_as_it_is_told():
    """The digits are those of the machine that built the notebooks; another's may differ."""
    root = Path(__file__).resolve().parents[2] / "notebooks"
    for language in ("en", "zh"):
        cells = json.loads((root / f"{language}/06_sac.ipynb").read_text("utf-8"))["cells"]
        shown = json.dumps([cell.get("outputs", []) for cell in cells])
        assert "4,000" in shown and " -177" in shown and "-351" in shown
        told = "".join(line for cell in cells for line in cell["source"])
        assert "$-177$" in told and "$-351$" in told


# The recorded runs, as the chapter tells them.


def means(world):
    record = archive.load(f"sac_{world}").arrays
    return record["steps"], record["returns"].mean(axis=2)


def test_all_five_pendulums_come_near_the_best_known_and_stay():
    steps, curves = means("Pendulum-v1")
    best = best_known("Pendulum-v1").mean().item()
    assert round(best) == -158
    reached = [steps[(curve >= -200).argmax()] for curve in curves]
    assert (min(reached), max(reached)) == (3250, 5750)
    falls = []
    for curve, when in zip(curves, reached, strict=True):
        assert (curve[steps >= when] >= -200).all()
        climbing = curve[steps <= when]
        climbing = climbing[climbing[:10].argmin() :]  # after the fall at the very beginning
        best_so_far = np.maximum.accumulate(climbing)
        deepest = (best_so_far - climbing).argmax()
        falls.append((round(float(best_so_far[deepest])), round(float(climbing[deepest]))))
    assert (curves[:, -1] > best - 22).all()
    lost = [before - after for before, after in falls]
    assert sum(loss > 0 for loss in lost) == 4 and lost[1] == 0
    assert falls[int(np.argmax(lost))] == (-389, -909)


def test_all_five_poles_stand_at_the_end_and_few_before_step_8000():
    steps, curves = means("InvertedPendulum-v5")
    assert (curves[:, -1] == 1000).all()
    first = [int(steps[(curve >= 950).argmax()]) for curve in curves]
    assert min(first) == 8000 and first[3] == 10_000
    fallen = curves[:, steps <= 7500]
    assert 20 < fallen.min() < 25 and 150 < fallen.max() < 160
    lost = [
        int((curve[steps > when] < 950).sum()) for curve, when in zip(curves, first, strict=True)
    ]
    assert sorted(lost) == [0, 0, 0, 1, 1]

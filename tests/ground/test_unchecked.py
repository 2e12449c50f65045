"""What a user meets, whose Python checks no types: the tests' own hook would be there first."""

import subprocess
import sys

COUNTS = """
import numpy as np, torch
from mbpo_teach.world.replay import ReplayBuffer
from mbpo_teach.learner.sac import SACConfig
from mbpo_teach.world.transitions import Transition

config = SACConfig(hidden=(np.int16(256),) * 2, batch_size=np.uint8(8), tau=np.float32(0.5))
assert config == SACConfig(hidden=(256, 256), batch_size=8, tau=0.5)
kinds = {type(value) for value in (*config.hidden, config.batch_size)}
assert kinds == {int} and type(config.tau) is float

column = torch.arange(16.0)
batch = Transition(column[:, None], column[:, None], column, column[:, None], column > 3)
memory = ReplayBuffer(np.uint8(60), obs_size=1, act_size=1)
memory.add(batch)
assert type(memory.capacity) is int and memory.all().obs.equal(batch.obs)

def said(call):
    try:
        call()
    except ValueError as error:
        return str(error)

from mbpo_teach.world.envs import make
from mbpo_teach.world.evaluate import returns
for seed in (None, 1.5):
    wrong = f"seeds must be a whole number of at least 0, not {seed!r}"
    assert said(lambda: returns([make("Pendulum-v1")], abs, seeds=[seed])) == wrong
for name in (None, 3, ["Pendulum-v1"]):
    wrong = f"name must be that of an environment of Gymnasium, not {name!r}"
    assert said(lambda: make(name)) == wrong
assert said(lambda: make("Hopper-v3")).startswith("name must be an environment of Gymnasium")
for count in (2.5, True, None):
    wrong = f"must be a whole number of at least 1, not {count!r}"
    assert said(lambda: ReplayBuffer(count, obs_size=1, act_size=1)) == f"capacity {wrong}"
    assert said(lambda: memory.sample(count, generator=torch.Generator())) == f"count {wrong}"
"""

SHAPES = """
import torch
from mbpo_teach.learner.sac import SACConfig, initial_state, sac_update
from mbpo_teach.world.transitions import Transition

config = SACConfig(hidden=(8, 8), batch_size=16)
state = initial_state(3, 2, config, generator=torch.Generator())
batch = Transition(*(torch.zeros(16, *end) for end in ((3,), (2,), (), (3,))), torch.zeros(16) > 0)
for noise in [torch.zeros(shape) for shape in ((16, 2), (2, 1, 2), (2, 16, 1), (3, 16, 2))] + [
    torch.zeros(2, 16, 2, dtype=torch.float64)
]:
    try:
        sac_update(state, batch, noise, config)
    except ValueError as error:
        assert str(error).startswith("noise must have shape (2, 16, 2) of torch.float32"), error
    else:
        raise AssertionError(noise.shape)
"""

PLANNING = """
import torch
from mbpo_teach.model.dynamics import Ensemble
from mbpo_teach.planner.cem import CEMConfig, search
from mbpo_teach.planner.pets import PlannerConfig, plan_values, trajectory_sampling
from mbpo_teach.world.terminations import never

def said(call):
    try:
        call()
    except ValueError as error:
        return str(error)

def first(mean, var, value):
    return next(search(value, mean, var, CEMConfig(), generator=torch.Generator()))

none, wide, one = torch.zeros(1, 3, 1), torch.ones(1, 3, 1), torch.zeros(1, 1)
wrong = "mean must have shape (batch, horizon, act), not (1, 3)"
assert said(lambda: first(none[..., 0], wide[..., 0], len)) == wrong
wrong = "var must have shape (batch, horizon, act) with horizon = 3 as in mean, not (1, 2, 1)"
assert said(lambda: first(none, wide[:, :2], len)) == wrong
wrong = "value must return shape (1, 500), not (500,)"
assert said(lambda: first(none, wide, lambda plans: plans.sum(dim=(0, 2, 3)))) == wrong
for kind, given, wrong in (
    (CEMConfig, {"elites": 2.5}, "elites must be a whole number of at least 1, not 2.5"),
    (PlannerConfig, {"horizon": True}, "horizon must be a whole number of at least 1, not True"),
    (PlannerConfig, {"cem": None}, "cem must be a CEMConfig, not None"),
    (PlannerConfig, {"propagation": 2}, "propagation must be one of ts1, ts_infinity, not 2"),
):
    assert said(lambda: kind(**given)) == wrong
plans = torch.zeros(2, 3, 4, 1)
same = lambda obs, act: (obs, obs)
wrong = "plans must have shape (batch, candidate, horizon, act) with batch = 1 as in starts, not"
assert said(lambda: plan_values(same, never, one, plans, particles=1)).startswith(wrong)
wrong = "step must return shapes (2, 6, 1) and (2, 6), not (2, 6, 1) and (2, 6, 1)"
assert said(lambda: plan_values(same, never, one.expand(2, 1), plans, particles=2)) == wrong
draw = torch.Generator()
model = Ensemble(1, 1, members=2, hidden=(4,), generator=draw)
wrong = "propagation must be one of ts1, ts_infinity, not 'ts2'"
given = {"members": [0], "propagation": "ts2", "generator": draw}
assert said(lambda: trajectory_sampling(model, **given)) == wrong
"""

DOORS = """
import numpy as np, torch
from mbpo_teach.tables import bins
from mbpo_teach.model import curves
from mbpo_teach.world import envs
from mbpo_teach.model import errors
from mbpo_teach.theory import growth
from mbpo_teach.model import rollout
from mbpo_teach.ground import spread
from mbpo_teach.world import terminations
from mbpo_teach.model import variation
from mbpo_teach.model.dynamics import Ensemble
from mbpo_teach.ground.seeding import generator, torch_generator

env = envs.make("Pendulum-v1")
data = envs.collect(env, steps=np.int64(20), rng=generator(0))
model = Ensemble(3, 1, members=2, hidden=(), generator=torch_generator(0))
line = torch.linspace(-1, 1, 5)
points = curves.sample_curve(9, noise=0.1, generator=torch_generator(0))

def walk(k):
    step = lambda obs, act: (obs, obs[:, 0])
    return rollout.branched_rollout(step, lambda obs: obs, terminations.never, data.obs, length=k)

def grow(first=1, last=1):
    return rollout.linear_horizon(3, first_step=0, last_step=5, first=first, last=last)

def see(count=1, every=1):
    return errors.visited_states(env, count=count, every=every, rng=generator(0))

def fit(members=1, steps=1):
    draw = torch_generator(0)
    return curves.fit_curves([points], line, members=members, steps=steps, generator=draw)

def differ(draws):
    draw = torch_generator(0)
    return variation.noisy_tv(
        model, data, torch.ones(4), members=(0,), draws=draws, generator=draw
    )

DOORS = {
    "bins": lambda n: bins.cell_index([[0.5]], low=[0.0], high=[1.0], bins=n),
    "steps of envs": lambda n: envs.collect(env, steps=n, rng=generator(0)),
    "count": lambda n: see(count=n),
    "every": lambda n: see(every=n),
    "members": lambda n: fit(members=n),
    "steps": lambda n: fit(steps=n),
    "length": walk,
    "first": lambda n: grow(first=n),
    "last": lambda n: grow(last=n),
    "workers": lambda n: spread.spread(abs, [1], workers=n),
    "draws": differ,
    "k": lambda n: growth.growth(0.1, 1.0, n),
    "until": lambda n: growth.fit_growth(np.arange(5.0) ** 2, until=n),
}
for door, call in DOORS.items():
    call(np.int64(2))
    for value in (2.5, True, "3", float("nan"), None, -1):
        if value is None and door == "workers":
            continue
        try:
            call(value)
        except ValueError as error:
            said = str(error)
        else:
            raise AssertionError(f"{door} accepts {value!r}")
        assert said.startswith(f"{door.split()[0]} must be "), (door, value, said)
        assert said.endswith(f", not {value!r}"), (door, value, said)
"""


def run(script):
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_counts_of_numpy_are_pythons_and_what_is_no_count_is_named():
    """A NumPy count that stayed one wraps around, and cannot be written into a checkpoint."""
    run(COUNTS)


def test_plans_of_wrong_shapes_are_refused():
    run(PLANNING)


def test_noise_that_would_broadcast_is_refused():
    run(SHAPES)


def test_every_door_takes_whole_numbers_only():
    run(DOORS)

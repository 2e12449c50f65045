"""Calls every door with one bad argument at a time: python bad_arguments.py [room ...].

Prints what became of the calls as JSON, {"counts": {...}, "wrong": [...]}. It runs by itself, and
not inside pytest, whose hook for jaxtyping a reader has not got. A valid call of each door stands
in :data:`DOORS`; the bad ones are made from it.
"""

import copy
import importlib
import itertools
import json
import math
import re
import signal
import sys
import tempfile
import types
import warnings
from pathlib import Path

import numpy as np
import torch

from mbpo_teach.algorithms.mbpo import Horizon, MBPOConfig, mbpo_agent
from mbpo_teach.algorithms.model_free import ModelFreeConfig
from mbpo_teach.algorithms.pets import PETSConfig, pets_agent
from mbpo_teach.ground.seeding import generator, torch_generator
from mbpo_teach.learner.sac import SACConfig, initial_state
from mbpo_teach.model import curves
from mbpo_teach.model.compounding import Compounding
from mbpo_teach.model.dynamics import Ensemble
from mbpo_teach.model.errors import real_rollouts, same_actions
from mbpo_teach.model.fit import FitConfig
from mbpo_teach.planner.cem import CEMConfig
from mbpo_teach.planner.pets import PlannerConfig
from mbpo_teach.records import archive
from mbpo_teach.tables import dyna, mazes, river
from mbpo_teach.theory.cases import river_case
from mbpo_teach.world import envs, simulator, terminations
from mbpo_teach.world.replay import ReplayBuffer

SECONDS = 10
"""No call with one bad argument may take longer."""

torch.set_num_threads(1)
RNG, DRAW = (lambda: generator(0)), (lambda: torch_generator(0))
ENV = envs.make("Pendulum-v1")
DATA = envs.collect(ENV, steps=24, rng=RNG())
MODEL = Ensemble(3, 1, members=2, hidden=(4,), generator=DRAW())
WORLD = river.river_swim(gamma=0.9)
RIGHT, EVEN, HOPEFUL = river.swim_right(), river.swim_evenly(), river.hopeful_model()
CASE = river_case(eps_m=0.1, eps_pi=0.1, gamma=0.9)
STATE = simulator.get_state(ENV)
REAL, ACTS = real_rollouts(ENV, [STATE], lambda obs, step: torch.zeros(len(obs), 1), steps=3)
ACT = same_actions(ACTS)
POINTS = curves.sample_curve(9, noise=0.1, generator=DRAW())
FITTED = curves.Fitted(torch.zeros(2, 5), torch.ones(2, 5))
DYNA = dyna.DynaConfig(planning_steps=2)
SAC = SACConfig(hidden=(4,), batch_size=4)
MBPO = MBPOConfig(
    total_steps=4, random_steps=4, model_period=4, members=2, model_hidden=(4,), capacity=50,
    rollout_batch=4, sac=SAC, fit=FitConfig(elites=1, weight_decay=(0.0, 0.0), max_steps=2),
)  # fmt: skip
FREE = ModelFreeConfig(total_steps=4, random_steps=4, report_every=4, sac=SAC)
CEM = CEMConfig(candidates=4, elites=2, iterations=1)
PETS = PETSConfig(
    total_steps=4, random_steps=4, report_every=4, members=2, model_hidden=(4,), capacity=50,
    fit=MBPO.fit, planner=PlannerConfig(horizon=2, particles=1, cem=CEM),
)  # fmt: skip
COURSE = Path(__file__).parents[2]
FOLDER = Path(tempfile.mkdtemp())
ONES, ZEROS = torch.ones, torch.zeros
REWARD, END = ZEROS(4), torch.zeros(4, dtype=torch.bool)
DOUBLE = torch.float64
SMALL = {"gamma": 0.9, "r_max": 1.0, "eps_m": 0.1, "eps_pi": 0.1}
PRIME = {"gamma": 0.9, "r_max": 1.0, "eps_m_prime": 0.1, "eps_pi": 0.1}


def some(source, *names):
    return {name: source[name] for name in names}


def memory():
    held = ReplayBuffer(50, obs_size=3, act_size=1)
    held.add(DATA)
    return held


def agent():
    made = mbpo_agent("Pendulum-v1", MBPO, seed=0)
    made.memory.add(DATA)
    made.imagination.memory.add(DATA)
    made.imagination.elites = (0,)
    return made


def planning_agent():
    made = pets_agent("Pendulum-v1", PETS, seed=0)
    made.memory.add(DATA)
    return made


def gaussians():
    return {"mean": ZEROS(4, 2), "log_std": ZEROS(4, 2)}


def plans():
    return {"mean": ZEROS(2, 3, 1), "var": ONES(2, 3, 1)}


def total(plans):
    return plans.sum(dim=(2, 3))


def still(obs, act):
    return obs, obs[..., 0]


def linear(obs, act):
    return obs, obs[:, 0]


def zero_actions(obs):
    return torch.zeros(len(obs), 1)


# Each entry is a door, written room.module:name, and a function that returns a valid call.
DOORS = {
    "ground.seeding:generator": lambda: {"seed": 0},
    "ground.seeding:torch_generator": lambda: {"seed": 0},
    "ground.spread:spread": lambda: {"work": repr, "jobs": [1], "workers": 1},
    "records.archive:load": lambda: {"name": archive.names()[0]},
    "records.archive:read": lambda: {"path": FOLDER / "there.npz"},
    "records.archive:save": None,
    "tables.bins:cell_index": lambda: {
        "points": np.zeros((3, 1)), "low": [-1.0], "high": [1.0], "bins": 3,
    },
    "tables.bins:visited_grid": lambda: {
        "points": np.zeros((3, 2)), "low": [-1.0, -1.0], "high": [1.0, 1.0], "bins": 3,
    },
    "tables.bins:visited_share": lambda: {"visited": np.arange(3), "cell_count": 5},
    "tables.bins:known_share": lambda: {"fresh": np.arange(3), "visited": np.arange(2)},
    "tables.counting:relative_frequencies": lambda: {"counts": np.ones((2, 2, 2))},
    "tables.counting:count_model": lambda: {
        "states": [0, 1], "actions": [0, 0], "next_states": [1, 0],
        "state_count": 2, "action_count": 1,
    },
    "tables.counting:sample_transitions": lambda: {
        "mdp": WORLD, "policy": EVEN, "count": 3, "rng": RNG(),
    },
    "tables.counting:transition_counts": lambda: {
        "mdp": WORLD, "policy": EVEN, "count": 3, "rng": RNG(),
    },
    "tables.dyna:DynaConfig": lambda: {
        "planning_steps": 1, "alpha": 0.1, "gamma": 0.9, "epsilon": 0.1, "kappa": 0.1,
    },
    "tables.dyna:empty_table": lambda: {"env": mazes.dyna_maze()},
    "tables.dyna:learn": lambda: {
        "env": mazes.dyna_maze(), "q": dyna.empty_table(mazes.dyna_maze()), "config": DYNA,
        "seed": 0,
    },
    "tables.dyna:episodes": lambda: {"env": mazes.dyna_maze(), "config": DYNA, "seed": 0},
    "tables.dyna:steps_per_episode": lambda: {
        "make_env": mazes.dyna_maze, "config": DYNA, "episode_count": 1, "seeds": [0],
    },
    "tables.dyna:cumulative_reward": lambda: {
        "make_env": mazes.dyna_maze, "config": DYNA, "step_count": 3, "seeds": [0],
    },
    "tables.episodic:tabular_mdp": lambda: {"env": mazes.dyna_maze(), "gamma": 0.9},
    "tables.episodic:greedy_policy": lambda: {"q": np.zeros((3, 2))},
    "tables.episodic:expected_steps": lambda: {"mdp": WORLD, "policy": EVEN},
    "tables.mazes:Maze": lambda: {"layout": mazes.DYNA},
    "tables.mazes:blocking_maze": lambda: {"change_after": 5},
    "tables.mazes:shortcut_maze": lambda: {"change_after": 5},
    "tables.mdp:TabularMDP": lambda: {
        "transition": WORLD.transition, "reward": WORLD.reward, "start": WORLD.start,
        "gamma": 0.9,
    },
    "tables.mdp:policy_transition": lambda: {"transition": WORLD.transition, "policy": EVEN},
    "tables.mdp:policy_reward": lambda: {"reward": WORLD.reward, "policy": EVEN},
    "tables.mdp:state_values": lambda: {"mdp": WORLD, "policy": EVEN, "transition": HOPEFUL},
    "tables.mdp:exact_return": lambda: {"mdp": WORLD, "policy": EVEN, "transition": HOPEFUL},
    "tables.mdp:exact_returns": lambda: {
        "mdp": WORLD, "policies": np.stack([EVEN, RIGHT]), "transition": HOPEFUL,
    },
    "tables.mdp:state_distributions": lambda: {"mdp": WORLD, "policy": EVEN, "horizon": 3},
    "tables.mdp:discounted_visits": lambda: {"mdp": WORLD, "policy": EVEN},
    "tables.mdp:action_values": lambda: {"mdp": WORLD, "values": WORLD.start},
    "tables.mdp:greedy": lambda: {"mdp": WORLD, "values": WORLD.start},
    "tables.mdp:value_iteration": lambda: {"mdp": WORLD, "tolerance": 0.1},
    "tables.mdp:best_return": lambda: {"mdp": WORLD},
    "tables.mdp:random_mdp": lambda: {"states": 3, "actions": 2, "gamma": 0.9, "rng": RNG()},
    "tables.pendulum:step": lambda: {
        "angle": np.zeros(2), "speed": np.zeros(2), "torque": np.zeros(2),
    },
    "tables.pendulum:wrapped": lambda: {"angle": np.zeros(2)},
    "tables.river:river_swim": lambda: {"gamma": 0.9, "places": 6, "r_max": 1.0},
    "tables.river:hopeful_model": lambda: {"places": 6},
    "tables.river:swim_right": lambda: {"places": 6},
    "tables.river:swim_evenly": lambda: {"places": 6},
    "tables.twin:pendulum_twin": lambda: {"gamma": 0.9},
    "tables.twin:counted_model": lambda: {"count": 30, "seed": 5},
    "theory.bounds:performance_bound": lambda: SMALL,
    "theory.bounds:bound_terms": lambda: SMALL,
    "theory.bounds:branched_penalty": lambda: SMALL | {"k": 2},
    "theory.bounds:branched_penalty_on_policy": lambda: PRIME | {"k": 2},
    "theory.bounds:branched_terms": lambda: PRIME | {"k": 2},
    "theory.bounds:branched_penalty_tight": lambda: PRIME | {"k": 2},
    "theory.bounds:whole_rollout_penalty": lambda: some(PRIME, "gamma", "eps_m_prime") | {
        "r_max": 1.0,
    },
    "theory.bounds:best_rollout_length": lambda: some(PRIME, "gamma", "eps_m_prime", "eps_pi"),
    "theory.bounds:shifted_model_error": lambda: {"eps_m": 0.1, "eps_pi": 0.1, "slope": 1.0},
    "theory.bounds:largest_return": lambda: some(SMALL, "gamma", "r_max"),
    "theory.bounds:trivial_level": lambda: some(SMALL, "gamma", "r_max"),
    "theory.bounds:vacuity_threshold": lambda: some(SMALL, "gamma", "eps_m"),
    "theory.bounds:ceiling_share": lambda: some(SMALL, "gamma", "eps_m", "eps_pi"),
    "theory.bounds:state_drift_ceiling": lambda: {"time": 3, "eps_m_prime": 0.1},
    "theory.bounds:is_vacuous": lambda: some(SMALL, "gamma", "eps_m", "eps_pi"),
    "theory.bounds:penalty_is_vacuous": lambda: {"penalty": 1.0, "gamma": 0.9, "r_max": 1.0},
    "theory.exact:total_variation": lambda: {"p": EVEN, "q": RIGHT},
    "theory.exact:horizon": lambda: {"gamma": 0.9},
    "theory.exact:model_error": lambda: {"mdp": WORLD, "model": HOPEFUL, "policy": EVEN},
    "theory.exact:policy_shift": lambda: {"policy": EVEN, "data_policy": RIGHT},
    "theory.exact:branched_returns": lambda: {
        "mdp": WORLD, "model": HOPEFUL, "policy": RIGHT, "data_policy": EVEN, "max_length": 3,
    },
    "theory.exact:branched_gaps": lambda: {
        "mdp": WORLD, "model": HOPEFUL, "policy": RIGHT, "data_policy": EVEN, "max_length": 3,
    },
    "theory.exact:truly_best_length": lambda: {"gap": np.array([1.0, 0.5]), "rounding": 0.1},
    "theory.exact:mixture": lambda: {"first": EVEN, "second": RIGHT, "share": 0.5},
    "theory.exact:policy_with_shift": lambda: {
        "data_policy": EVEN, "target": RIGHT, "eps_pi": 0.1,
    },
    "theory.exact:model_with_error": lambda: {
        "mdp": WORLD, "wrong": HOPEFUL, "policy": EVEN, "error": 0.1,
    },
    "theory.cases:river_case": lambda: SMALL | {"places": 6},
    "theory.cases:river_policies": lambda: {"shifts": [0.1, 0.2], "places": 6},
    "theory.cases:river_case_on_policy": lambda: some(PRIME, "gamma", "eps_m_prime", "eps_pi"),
    "theory.cases:twin_case": lambda: {"count": 300, "eps_pi": 0.1, "gamma": 0.9},
    "theory.cases:best_in_model": lambda: {"case": CASE},
    "theory.cases:twin_case_on_policy": lambda: some(PRIME, "gamma", "eps_m_prime", "eps_pi"),
    "theory.drift:state_drift": lambda: {"case": CASE, "steps": 3},
    "theory.drift:whereabouts": lambda: {"case": CASE, "steps": 3},
    "theory.drift:shifted_errors": lambda: {"counts": [300], "seeds": 1, "steps": 2},
    "theory.drift:error_slope": lambda: {
        "shifts": np.array([0.0, 0.1]), "errors": np.array([[0.1, 0.2]]),
    },
    "theory.looseness:layers": lambda: {"case": CASE},
    "theory.gains:river_gains": lambda: {
        "shifts": np.array([0.1, 0.2]), "eps_m": 0.1, "gamma": 0.9,
    },
    "theory.gains:random_gains": lambda: {"count": 2, "seed": 0},
    "theory.growth:growth": lambda: {"one_step": 0.1, "stretch": 1.1, "k": 3},
    "theory.growth:fit_growth": lambda: {"errors": np.arange(5.0) ** 2, "until": 3},
    "theory.improvement:best_offer": lambda: {
        "mdp": WORLD, "model": HOPEFUL, "data_policy": EVEN, "largest_shift": 0.5,
        "max_length": 3,
    },
    "theory.improvement:improve": lambda: {
        "mdp": WORLD, "data_policy": EVEN, "rounds": 1, "count": 30, "largest_shift": 0.5,
        "max_length": 3, "rng": RNG(),
    },
    "nets.gaussian:gaussian_nll": lambda: {
        "mean": ZEROS(4, 2), "log_var": ZEROS(4, 2), "target": ONES(4, 2),
    },
    "nets.gaussian:gaussian_sample": lambda: {
        "mean": ZEROS(4, 2), "log_var": ZEROS(4, 2), "noise": ONES(4, 2),
    },
    "nets.gaussian:soft_clamp": lambda: {"raw": ZEROS(4, 2), "low": -ONES(2), "high": ONES(2)},
    "nets.gaussian:mixture_moments": lambda: {"mean": ZEROS(2, 4, 2), "var": ONES(2, 4, 2)},
    "nets.gaussian:squashed_log_prob": lambda: {"raw": ZEROS(4, 2)} | gaussians(),
    "nets.gaussian:log_tanh_slope": lambda: {"raw": ZEROS(4)},
    "nets.networks:MemberMLP": lambda: {
        "members": 2, "sizes": (2, 4, 1), "activation": torch.relu, "generator": DRAW(),
    },
    "world.transitions:rows": lambda: {"batch": DATA, "index": torch.arange(3)},
    "world.transitions:concatenate": lambda: {"batches": [DATA, DATA]},
    "world.terminations:register": lambda: {
        "name": "Pendulum-v1", "termination": terminations.never,
    },
    "world.terminations:termination_of": lambda: {"name": "Pendulum-v1"},
    "world.envs:make": lambda: {"name": "Pendulum-v1"},
    "world.envs:Env.reset": lambda: {"self": ENV, "rng": RNG()},
    "world.envs:Env.start": lambda: {"self": ENV, "seed": 0},
    "world.envs:Env.step": lambda: {"self": ENV, "action": [0.5]},
    "world.envs:Interaction": lambda: {"env": ENV, "rng": RNG()},
    "world.envs:interact": lambda: {"env": ENV, "rng": RNG()},
    "world.envs:collect": lambda: {"env": ENV, "steps": 3, "rng": RNG()},
    "world.simulator:get_state": lambda: {"env": ENV},
    "world.simulator:set_state": lambda: {"env": ENV, "state": STATE},
    "world.simulator:set_from_obs": lambda: {"env": ENV, "obs": [1.0, 0.0, 0.0]},
    "world.simulator:can_be_set": lambda: {"env": ENV},
    "world.simulator:known_simulator": lambda: {"env": ENV},
    "world.limbs:limbs_at": lambda: {"env": ENV, "obs": np.array([1.0, 0.0, 0.0], np.float32)},
    "world.limbs:limbs": lambda: {"env": ENV},
    "world.replay:ReplayBuffer": lambda: {"capacity": 9, "obs_size": 3, "act_size": 1},
    "world.replay:ReplayBuffer.add": lambda: {"self": memory(), "batch": DATA},
    "world.replay:ReplayBuffer.sample": lambda: {
        "self": memory(), "count": 3, "generator": DRAW(),
    },
    "world.replay:ReplayBuffer.sample_batches": lambda: {
        "self": memory(), "batches": 2, "count": 3, "generator": DRAW(),
    },
    "world.replay:ReplayBuffer.sample_states": lambda: {
        "self": memory(), "count": 3, "generator": DRAW(),
    },
    "world.replay:ReplayBuffer.resized": lambda: {"self": memory(), "capacity": 9},
    "world.evaluate:starting_places": lambda: {"name": "Pendulum-v1"},
    "world.evaluate:returns": lambda: {"envs": [ENV], "policy": zero_actions, "seeds": [1]},
    "world.evaluate:judged": lambda: {
        "envs": [ENV], "policy": zero_actions, "gamma": 0.9, "seeds": [1],
    },
    "world.evaluate:episodes": lambda: {
        "envs": [ENV], "act": lambda places, obs: zero_actions(obs), "gamma": 0.9, "seeds": [1],
    },
    "world.evaluate:best_known": lambda: {"name": "Pendulum-v1"},
    "model.dynamics:Ensemble": lambda: {
        "obs_size": 3, "act_size": 1, "members": 2, "hidden": (4,), "generator": DRAW(),
    },
    "model.dynamics:predict": lambda: {
        "model": MODEL, "obs": ZEROS(4, 3), "act": ZEROS(4, 1), "members": [0],
    },
    "model.dynamics:sample_step": lambda: {
        "model": MODEL, "obs": ZEROS(4, 3), "act": ZEROS(4, 1), "elites": [0],
        "generator": DRAW(),
    },
    "model.dynamics:raw_targets": lambda: {"batch": DATA},
    "model.dynamics:target_scale": lambda: {"obs": DATA.obs, "targets": ONES(24, 4)},
    "model.dynamics:column_scale": lambda: {"values": DATA.obs},
    "model.early_stopping:Best": lambda: {"model": MODEL, "error": ONES(2)},
    "model.early_stopping:Patience": lambda: {
        "error": ONES(2), "improvement": 0.1, "epochs": 2, "steps": 2,
    },
    "model.fit:FitConfig": lambda: {"learning_rate": 0.1, "elites": 1, "limit_weight": 0.1},
    "model.fit:fit_ensemble": lambda: {
        "model": copy.deepcopy(MODEL), "data": DATA, "config": MBPO.fit, "generator": DRAW(),
    },
    "model.fit:fit_loss": lambda: {
        "model": MODEL, "inputs": ZEROS(2, 4, 4), "targets": ZEROS(2, 4, 4),
        "limit_weight": 0.1,
    },
    "model.fit:holdout_error": lambda: {
        "model": MODEL, "inputs": ZEROS(4, 4), "targets": ZEROS(4, 4),
    },
    "model.curves:curve": lambda: {"x": ZEROS(4)},
    "model.curves:noise_deviation": lambda: {"x": ZEROS(4), "noise": 0.1},
    "model.curves:inside": lambda: {"x": ZEROS(4), "ends": (0.0, 1.0)},
    "model.curves:sample_curve": lambda: {"count": 3, "noise": 0.1, "generator": DRAW()},
    "model.curves:fit_curves": lambda: {
        "data": [POINTS], "grid": ONES(5), "members": 1, "steps": 1, "generator": DRAW(),
    },
    "model.curves:mean_and_deviations": lambda: {"fitted": FITTED, "members": 2},
    "model.calibration:half_width": lambda: {"level": 0.9},
    "model.calibration:coverage": lambda: {
        "mean": ZEROS(4, 2), "deviation": ONES(4, 2), "target": ZEROS(4, 2), "levels": [0.9],
    },
    "model.rollout:branched_rollout": lambda: {
        "model_step": linear, "policy": zero_actions, "termination": terminations.never,
        "starts": ZEROS(4, 3), "length": 2,
    },
    "model.rollout:linear_horizon": lambda: {
        "step": 3, "first_step": 0, "last_step": 5, "first": 1, "last": 4,
    },
    "model.errors:visited_states": lambda: {"env": ENV, "count": 1, "every": 1, "rng": RNG()},
    "model.errors:real_rollouts": lambda: {
        "env": ENV, "states": [STATE], "act": ACT, "steps": 2,
    },
    "model.errors:same_actions": lambda: {"actions": ACTS},
    "model.errors:imagine_members": lambda: {
        "model": MODEL, "starts": REAL[:, 0], "act": ACT, "steps": 2, "members": [0, 1],
        "generator": DRAW(),
    },
    "model.errors:imagine_ensemble": lambda: {
        "model": MODEL, "starts": REAL[:, 0], "act": ACT, "steps": 2, "members": [0, 1],
        "generator": DRAW(),
    },
    "model.errors:k_step_error": lambda: {
        "imagined": ZEROS(2, 3, 4, 2), "real": ONES(3, 4, 2), "scale": ONES(2),
    },
    "model.errors:errors_at_imagined_states": lambda: {
        "env": ENV, "imagined": REAL.clone(), "real": REAL, "act": ACT, "scale": ONES(3),
    },
    "model.errors:errors_of_rows": lambda: {
        "env": ENV, "imagined": DATA, "scale": ONES(3),
    },
    "model.errors:mean_guess": lambda: {"obs": DATA.obs, "scale": ONES(3)},
    "model.errors:disagreement": lambda: {"imagined": ZEROS(2, 3, 4, 2), "scale": ONES(2)},
    "model.errors:quantiles": lambda: {"errors": ONES(3, 4), "levels": (0.1, 0.9)},
    "model.variation:monte_carlo_tv": lambda: {"log_p": ZEROS(3, 4), "log_q": ZEROS(3, 4)},
    "model.variation:with_noise": lambda: {
        "clean": DATA, "deviation": ONES(4), "generator": DRAW(),
    },
    "model.variation:noisy_tv": lambda: {
        "model": MODEL, "clean": DATA, "deviation": ONES(4), "members": [0], "draws": 2,
        "generator": DRAW(),
    },
    "model.disagreement:pendulum_observations": lambda: {
        "angles": np.zeros(2), "speeds": np.zeros(2),
    },
    "model.disagreement:pendulum_states": lambda: {"obs": ZEROS(4, 3)},
    "model.disagreement:disagreement_and_error": lambda: {
        "env": ENV, "model": MODEL, "obs": DATA.obs[:2], "torque": 0.5,
    },
    "model.disagreement:rank_correlation": lambda: {
        "first": np.arange(3.0), "second": np.arange(3.0),
    },
    "model.compounding:compound": lambda: {
        "model": MODEL, "real": REAL, "actions": ACTS, "act": ACT, "scale": ONES(3),
        "elites": [0],
    },
    "model.compounding:named": lambda: {
        "acting": "actions", "measured": Compounding(*[ONES(2, 3)] * 4, ONES(2, 3, 1)),
    },
    "learner.losses:soft_value": lambda: {
        "q": ZEROS(2, 4), "log_prob": ZEROS(4), "temperature": 0.5,
    },
    "learner.losses:soft_target": lambda: {
        "reward": REWARD, "terminated": END, "next_value": ZEROS(4), "gamma": 0.9,
    },
    "learner.losses:critic_loss": lambda: {"q": ZEROS(2, 4), "target": ZEROS(4)},
    "learner.losses:actor_loss": lambda: {
        "q": ZEROS(2, 4), "log_prob": ZEROS(4), "temperature": 0.5,
    },
    "learner.losses:temperature_loss": lambda: {
        "log_temperature": ZEROS(()), "log_prob": ZEROS(4), "target_entropy": -1.0,
    },
    "learner.sac:SACConfig": lambda: {"hidden": (4,), "batch_size": 4, "tau": 0.1},
    "learner.sac:make_update": lambda: {"config": SAC},
    "learner.sac:initial_state": lambda: {
        "obs_size": 3, "act_size": 1, "config": SAC, "generator": DRAW(),
    },
    "learner.sac:sample_action": lambda: gaussians() | {"noise": ZEROS(4, 2)},
    "learner.sac:policy_of": lambda: {
        "state": initial_state(3, 1, SAC, generator=DRAW()), "config": SAC, "act_size": 1,
    },
    "learner.hills:action_value": lambda: {"act": ZEROS(4)},
    "learner.hills:soft_best": lambda: {"temperature": 0.5},
    "learner.hills:value_and_entropy": lambda: {"law": ONES(400, dtype=DOUBLE) / 2},
    "learner.hills:density": lambda: {"mean": 0.1, "log_std": 0.1},
    "learner.hills:draws": lambda: {
        "mean": ZEROS(2, dtype=DOUBLE), "log_std": ZEROS(2, dtype=DOUBLE),
    },
    "learner.hills:policies": lambda: {
        "mean": ZEROS(2, dtype=DOUBLE), "log_std": ZEROS(2, dtype=DOUBLE),
    },
    "learner.hills:best_policies": lambda: {"temperatures": ONES(2, dtype=DOUBLE)},
    "learner.hills:learn": lambda: {
        "temperatures": ONES(2, dtype=DOUBLE), "targets": -ONES(2, dtype=DOUBLE), "steps": 2,
    },
    "learner.hills:path_to": lambda: {"target": -0.5},
    "learner.hills:critic_errors": lambda: {"count": 2, "generator": DRAW()},
    "learner.hills:greedy_beliefs": lambda: {"critics": ONES(2, 400, dtype=DOUBLE)},
    "learner.hills:noisy_critics": lambda: {"noise": 0.1},
    "planner.cem:CEMConfig": lambda: {
        "candidates": 4, "elites": 2, "iterations": 1, "momentum": 0.1, "least_variance": 0.1,
    },
    "planner.cem:search": lambda: plans() | {"value": total, "config": CEM, "generator": DRAW()},
    "planner.cem:draw": lambda: plans() | {"candidates": 4, "generator": DRAW()},
    "planner.cem:refit": lambda: plans() | {
        "plans": ZEROS(2, 4, 3, 1), "values": ZEROS(2, 4), "elites": 2, "momentum": 0.1,
    },
    "planner.pets:PlannerConfig": lambda: {
        "horizon": 2, "particles": 2, "propagation": "ts1", "cem": CEM,
    },
    "planner.pets:plan": lambda: {
        "evaluate": total, "before": ZEROS(2, 3, 1), "config": CEM, "generator": DRAW(),
    },
    "planner.pets:no_plan": lambda: {"batch": 1, "horizon": 3, "act_size": 1},
    "planner.pets:shifted": lambda: {"actions": ZEROS(2, 3, 1)},
    "planner.pets:plan_values": lambda: {
        "step": still, "termination": terminations.never, "starts": ZEROS(2, 3),
        "plans": ZEROS(2, 4, 3, 1), "particles": 2,
    },
    "planner.pets:trajectory_sampling": lambda: {
        "model": MODEL, "members": [0], "propagation": "ts1", "generator": DRAW(),
    },
    "planner.pets:in_world_units": lambda: {"model": MODEL, "members": [0]},
    "planner.pets:with_reward": lambda: {"step": still, "reward": lambda obs, act, next: act},
    "algorithms.agent:new_agent": lambda: {
        "name": "Pendulum-v1", "sac": SAC, "capacity": 9, "seed": 0,
    },
    "algorithms.agent:behaviour": lambda: {"agent": agent(), "sac": SAC, "random_steps": 1},
    "algorithms.agent:live": lambda: {"agent": agent(), "act": lambda obs: [0.0]},
    "algorithms.mbpo:Horizon": lambda: {"first": 1, "last": 2, "first_step": 0, "last_step": 5},
    "algorithms.mbpo:MBPOConfig": lambda: {
        "total_steps": 9, "members": 2, "fit": MBPO.fit, "sac": SAC, "horizon": Horizon(),
    },
    "algorithms.mbpo:mbpo_agent": lambda: {"name": "Pendulum-v1", "config": MBPO, "seed": 0},
    "algorithms.mbpo:train_mbpo": lambda: {"name": "Pendulum-v1", "config": MBPO, "seed": 0},
    "algorithms.mbpo:fit_model": lambda: {"agent": agent(), "config": MBPO},
    "algorithms.mbpo:imagine": lambda: {"agent": agent(), "config": MBPO},
    "algorithms.mbpo:mixed_batches": lambda: {"agent": agent(), "config": MBPO},
    "algorithms.mbpo:real_rows": lambda: {"batch_size": 4, "real_ratio": 0.5},
    "algorithms.model_free:ModelFreeConfig": lambda: {"total_steps": 9, "sac": SAC},
    "algorithms.model_free:sac_agent": lambda: {
        "name": "Pendulum-v1", "config": FREE, "seed": 0,
    },
    "algorithms.model_free:train_sac": lambda: {
        "name": "Pendulum-v1", "config": FREE, "seed": 0,
    },
    "algorithms.model_free:real_batches": lambda: {"agent": agent(), "config": FREE},
    "algorithms.pets:PETSConfig": lambda: {
        "total_steps": 9, "members": 2, "fit": MBPO.fit, "planner": PETS.planner,
    },
    "algorithms.pets:pets_agent": lambda: {"name": "Pendulum-v1", "config": PETS, "seed": 0},
    "algorithms.pets:train_pets": lambda: {
        "name": "Pendulum-v1", "config": PETS, "seed": 0, "agent": planning_agent(),
    },
    "algorithms.pets:planned": lambda: {"agent": planning_agent(), "config": PETS},
    "algorithms.pets:fit_model": lambda: {"agent": planning_agent(), "config": PETS},
    "algorithms.presets:preset": lambda: {"which": "laptop", "name": "Pendulum-v1"},
    "algorithms.presets:laptop": lambda: {"name": "Pendulum-v1"},
    "algorithms.presets:planning": lambda: {"which": "laptop", "name": "Pendulum-v1"},
    "algorithms.presets:without_model": lambda: {"config": MBPO},
    "algorithms.presets:changed": lambda: {"config": MBPO, "settings": {"sac.tau": 0.5}},
    "algorithms.recorded:trainings": lambda: {"algorithm": "mbpo", "world": "Pendulum-v1"},
    "algorithms.recorded:inside": lambda: {"world": "Pendulum-v1"},
    "algorithms.recorded:factor": lambda: {"name": "rollout_length"},
    "runs.training:train_in": None,
    "runs.training:progress": lambda: {"folder": FOLDER},
    "runs.training:stored_run": lambda: {"folder": FOLDER},
    "course.workspace:chapters": lambda: {"course": COURSE},
    "course.workspace:working_copy": lambda: {
        "course": COURSE, "chapter": "01", "edition": "en",
    },
    "course.workspace:prepare": None,
    "course.workspace:reset": None,
}  # fmt: skip

INNER = {
    "called at every step, for less time than a check would take": (
        "tables.dyna:epsilon_greedy", "tables.dyna:q_update",
    ),
    "what an update is made of, which checks its batch as a whole": (
        "learner.sac:gradient", "learner.sac:network_sizes", "learner.sac:policy_gaussian",
        "learner.sac:q_values", "learner.sac:sac_update", "nets.adam:adam_step",
        "nets.adam:pace_at", "nets.adam:untrained", "nets.compiled:compiled", "nets.networks:mlp",
        "nets.networks:normalised", "nets.networks:silu", "nets.networks:unpacked",
    ),
    "what a fit is made of": (
        "model.dynamics:raw_inputs", "model.early_stopping:all_finite",
        "model.fit_step:compiled_step", "model.fit_step:fit_step",
    ),
    "what a training is made of": (
        "algorithms.agent:learn", "algorithms.agent:ready", "algorithms.agent:report",
        "algorithms.agent:remembered", "algorithms.mbpo:row_draws", "algorithms.pets:followed",
        "algorithms.pets:planning", "algorithms.pets:report", "learner.belief:belief",
        "nets.device:found", "nets.device:known",
    ),
    "reached through termination_of, which checks what they are asked": (
        "world.terminations:ant", "world.terminations:hopper",
        "world.terminations:inverted_pendulum", "world.terminations:never",
        "world.terminations:walker2d",
    ),
    "reads a record, which was checked when it was loaded": (
        "algorithms.recorded:factor_of", "algorithms.recorded:inside_of",
        "algorithms.recorded:preset_value", "algorithms.recorded:with_preset",
        "model.compounding:error_curves", "model.compounding:place_of",
    ),
    "is itself a check": (
        "tables.mdp:as_floats", "tables.mdp:check_distributions", "tables.mdp:checked_policy",
        "tables.mdp:distributions", "tables.mdp:dynamics", "theory.cases:check_case",
        "world.transitions:check_finite", "world.transitions:check_shapes",
        "world.transitions:check_sizes",
    ),
}  # fmt: skip
"""Public functions that are no doors, each with the reason."""

MAY_BE_INFINITE = {
    "records.archive:load",
    "algorithms.recorded:inside",  # NaN where there was no model yet
    "model.compounding:compound",  # NaN after a termination, in what is given and what comes back
    "model.compounding:named",
    "model.dynamics:predict",
    "model.errors:disagreement",
    "model.errors:errors_at_imagined_states",
    "model.errors:k_step_error",
    "model.errors:quantiles",
    "model.errors:same_actions",
    "model.early_stopping:Best",
    "model.early_stopping:Patience",
    "tables.episodic:expected_steps",
    "theory.bounds:best_rollout_length",
}
"""Doors whose results say by NaN or infinity what they say in their docstrings."""

SCALARS = {
    "None": None, "nan": math.nan, "inf": math.inf, "-inf": -math.inf, "-1": -1, "0": 0,
    "2.5": 2.5, "True": True, "text": "three", "complex": 1 + 2j, "empty": [], "huge": 10**12,
    "object": object(), "dict": {}, "nested": [[1], [2, 3]], "bytes": b"1",
}  # fmt: skip


def variants(value):
    """Yield the bad values that a valid one suggests, with a name for each."""
    yield from SCALARS.items()
    if isinstance(value, torch.Tensor):
        real = value.is_floating_point()
        for name, bad in (("nan", math.nan), ("inf", math.inf), ("negative", -1.0)):
            if real:
                yield f"all {name}", torch.full_like(value, bad)
        yield "no rows", value[:0] if value.ndim else value.new_empty(0)
        yield "one more dimension", value.unsqueeze(-1)
        yield "one row more", torch.cat([value, value[:1]]) if value.ndim else value[None]
        yield "other type", value.to(torch.float32 if value.dtype == DOUBLE else DOUBLE)
        yield "whole numbers", value.to(torch.int64)
        yield "complex tensor", value.to(torch.complex64)
        yield "a list", value.tolist()
        if real:
            yield "with gradients", value.clone().requires_grad_()
    elif isinstance(value, np.ndarray):
        for name, bad in (("nan", np.nan), ("inf", np.inf), ("negative", -1.0)):
            yield f"all {name}", np.full(value.shape, bad)
        yield "no rows", value[:0]
        yield "one more dimension", value[..., None]
        yield "one row more", np.concatenate([value, value[:1]])
        yield "float32", value.astype(np.float32)
        yield "complex array", value.astype(complex)
        yield "words", value.astype(str)
        yield "a tensor with gradients", torch.tensor(value, dtype=DOUBLE, requires_grad=True)
    elif isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
        for name, bad in SCALARS.items():
            yield f"{name} inside", type(value)([bad])
    elif hasattr(value, "_fields"):
        for field in value._fields:
            for name, bad in itertools.islice(variants(getattr(value, field)), 40):
                yield f"{field} {name}", value._replace(**{field: bad})
    elif isinstance(value, Path):
        yield "as text", str(value)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield "a tensor with gradients", torch.tensor(0.5, requires_grad=True)
        yield "an array", np.array([0.5, 0.5])


class TookTooLong(BaseException):
    pass


def _stop(*_):
    raise TookTooLong


def is_finite(value, depth=4):
    if isinstance(value, torch.Tensor):
        return not value.is_floating_point() or bool(value.isfinite().all())
    if isinstance(value, np.ndarray):
        return value.dtype.kind not in "fc" or bool(np.isfinite(value).all())
    if isinstance(value, (float, np.floating)):
        return math.isfinite(value)
    if isinstance(value, dict) and depth:
        return all(is_finite(each, depth - 1) for each in value.values())
    if isinstance(value, (list, tuple)) and depth:
        return all(is_finite(each, depth - 1) for each in value)
    return True


def outcome(door, name, arguments, seconds=SECONDS):
    """Return what became of a call: a kind, and a few words."""
    signal.signal(signal.SIGALRM, _stop)
    signal.alarm(seconds)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = door(**arguments)
            if isinstance(result, types.GeneratorType):
                result = next(result, None)
    except (ValueError, FileNotFoundError) as error:
        said = str(error)
        # A preset is called so on the command line too; branched steps are told as transitions.
        known = {name, "obs", "preset", *getattr(arguments.get(name), "_fields", ())}
        mentioned = any(re.search(rf"\b{re.escape(word)}", said) for word in known)
        if isinstance(arguments.get(name), (str, Path)):  # a path is named by itself
            mentioned = mentioned or str(arguments[name]) in said
        own = type(error) in (ValueError, FileNotFoundError) and "\n" not in said
        return ("refused" if own and mentioned else "unclear"), said[:150]
    except TookTooLong:
        return "hang", f"longer than {seconds} s"
    except Exception as error:
        return "foreign", f"{type(error).__name__}: {error}"[:150]
    finally:
        signal.alarm(0)
    return ("accepted" if is_finite(result) else "not finite"), ""


def find(where):
    module, name = where.split(":")
    found = importlib.import_module(f"mbpo_teach.{module}")
    for part in name.split("."):
        found = getattr(found, part)
    return found


def main(rooms):
    counts, wrong, calls = {}, [], 0
    for where, valid in DOORS.items():
        if valid is None or (rooms and where.split(".")[0] not in rooms):
            continue
        door = find(where)
        if where not in ("records.archive:read", "runs.training:stored_run"):
            kind, said = outcome(door, "", valid(), 300)
            assert kind == "accepted" or where in MAY_BE_INFINITE, (where, kind, said)
        for name in valid():
            if name == "self":
                continue
            for how, bad in variants(valid()[name]):
                kind, said = outcome(door, name, valid() | {name: bad})
                if kind == "not finite" and where in MAY_BE_INFINITE:
                    kind = "accepted"
                calls += 1
                counts[kind] = counts.get(kind, 0) + 1
                if kind not in ("accepted", "refused"):
                    wrong.append([where, name, how, kind, said])
    print(json.dumps({"calls": calls, "counts": counts, "wrong": wrong}, ensure_ascii=False))


if __name__ == "__main__":
    main(set(sys.argv[1:]))

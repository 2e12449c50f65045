"""The whole of MBPO on a robot: real steps per second, ours beside mbrl-lib's.

    OMP_NUM_THREADS=1 PYTHONPATH=build/peers python benchmarks/robot_steps.py

Hopper-v5 with the authors' sizes: 7 members of 4 x 200, SAC of 2 x 256, batches of 256, G = 20,
100,000 branches of one step for each refit. Timed are 500 real steps with two refits, from just
before the second refit to just before the fourth: the first ones make the graphs. Judging is left
out. Each fit ends as its own recipe says, ours after 2000 gradient steps at most; mbrl-lib's is a
fit of the authors' kind, which has no bound. Where the time goes stands beside it. With --updates
and --period a try is shorter, and says less. Target: compiled, 3 times mbrl-lib's steps per second.
"""

import tempfile
import time
from collections.abc import Callable
from functools import partial

import click
import gymnasium as gym
import torch
from ensemble_at_size import ACT, NO_MBRL, OBS
from side_by_side import machine

from mbpo_teach.algorithms.agent import Clock
from mbpo_teach.algorithms.mbpo import MBPOConfig, mbpo_agent, train_mbpo
from mbpo_teach.algorithms.presets import changed, preset

ENV, SEED = "Hopper-v5", 0
PARTS = ("fit", "rollouts", "sac")

Spent = dict[str, float]
"""Seconds in all, and in each of :data:`PARTS`; the rest is the simulator and what lies between."""


def sized(updates: int, period: int, *, compile: bool) -> MBPOConfig:
    settings = {"updates_per_step": updates, "model_period": period, "horizon.last": 1}
    settings |= {"sac.compile": compile, "fit.compile": compile}
    return changed(preset("authors", ENV), settings)


def ours(config: MBPOConfig, now: Callable[[], float]) -> Spent:
    first = config.random_steps + config.model_period
    config = changed(config, {"total_steps": first + 2 * config.model_period})
    agent, spent = mbpo_agent(ENV, config, seed=SEED), {}
    agent.clock = Clock(now)
    for report in train_mbpo(ENV, config, seed=SEED, agent=agent):
        spent[report.step] = report.spent | {"all": now() - report.spent["judging"]}
    before, after = spent[first], spent[config.total_steps]
    return {part: after[part] - before[part] for part in ("all", *PARTS)}


def theirs(config: MBPOConfig, now: Callable[[], float]) -> Spent:
    from mbrl.algorithms import mbpo
    from mbrl.env.termination_fns import hopper
    from mbrl.third_party.pytorch_sac_pranz24.sac import SAC
    from mbrl.util import common

    clock, standing = Clock(now), []

    def timed(part: str, function: Callable[..., object]) -> Callable[..., object]:
        def run(*args: object, **more: object) -> object:
            if part == "fit":
                standing.append(dict(clock.seconds) | {"all": now()})
                if len(standing) == 4:
                    raise _Over
            with clock(part):
                return function(*args, **more)

        return run

    fit = "train_model_and_save_model_and_data"
    setattr(common, fit, timed("fit", getattr(common, fit)))
    roll = mbpo.rollout_model_and_populate_sac_buffer
    mbpo.rollout_model_and_populate_sac_buffer = timed("rollouts", roll)
    updates = timed("sac", SAC.update_parameters)
    SAC.update_parameters = lambda self, *args, **more: updates(self, *args, **more)
    with tempfile.TemporaryDirectory() as folder:
        try:
            worlds = (gym.make(ENV), gym.make(ENV))
            mbpo.train(*worlds, hopper, their_settings(config), silent=True, work_dir=folder)
        except _Over:
            pass
    _, before, _, after = standing
    return {part: after[part] - before[part] for part in ("all", *PARTS)}


class _Over(Exception):
    """All is measured."""


def their_settings(config: MBPOConfig):
    """Return the same sizes in mbrl-lib's words, all else as in its own settings for Hopper."""
    import omegaconf

    overrides = {
        "num_steps": config.random_steps + 4 * config.model_period,
        "epoch_length": 4 * config.model_period,  # it judges at the end of an epoch: never here
        "num_elites": config.fit.elites,
        "patience": 5,
        "model_lr": config.fit.learning_rate,
        "model_wd": 1e-5,
        "model_batch_size": config.fit.batch_size,
        "validation_ratio": config.fit.holdout_share,
        "freq_train_model": config.model_period,
        "effective_model_rollouts_per_step": config.rollout_batch // config.model_period,
        "rollout_schedule": [20, 150, 1, 15],
        "num_sac_updates_per_step": config.updates_per_step,
        "sac_updates_every_steps": 1,
        "num_epochs_to_retain_sac_buffer": 1,
        "sac_batch_size": config.sac.batch_size,
    }
    learner = {
        "gamma": config.sac.gamma,
        "tau": config.sac.tau,
        "alpha": 0.2,
        "policy": "Gaussian",
        "target_update_interval": 1,
        "automatic_entropy_tuning": True,
        "target_entropy": config.sac.target_entropy,
        "hidden_size": config.sac.hidden[0],
        "device": "cpu",
        "lr": config.sac.learning_rate,
    }
    space = {
        "_target_": "gymnasium.spaces.Box",
        "_convert_": "all",
        "low": -1.0,
        "high": 1.0,
        "shape": [ACT],
    }
    algorithm = {
        "name": "mbpo",
        "normalize": True,
        "normalize_double_precision": True,
        "target_is_delta": True,
        "learned_rewards": True,
        "freq_train_model": config.model_period,
        "real_data_ratio": 0.0,
        "sac_samples_action": True,
        "initial_exploration_steps": config.random_steps,
        "random_initial_explore": True,
        "num_eval_episodes": 1,
        "agent": {
            "_target_": "mbrl.third_party.pytorch_sac_pranz24.sac.SAC",
            "num_inputs": OBS,
            "action_space": space,
            "args": learner,
        },
    }
    model = {
        "_target_": "mbrl.models.GaussianMLP",
        "_recursive_": False,  # it makes its activation itself
        "device": "cpu",
        "num_layers": len(config.model_hidden),
        "in_size": OBS + ACT,
        "out_size": OBS + 1,
        "ensemble_size": config.members,
        "hid_size": config.model_hidden[0],
        "deterministic": False,
        "propagation_method": "random_model",
        "learn_logvar_bounds": True,
        "activation_fn_cfg": {"_target_": "torch.nn.SiLU"},
    }
    return omegaconf.OmegaConf.create(
        {
            "seed": SEED,
            "device": "cpu",
            "log_frequency_agent": 10**9,
            "algorithm": algorithm,
            "dynamics_model": model,
            "overrides": overrides,
        }
    )


@click.command()
@click.option("--updates", type=click.IntRange(min=1), default=20, help="G.")
@click.option("--period", type=click.IntRange(min=1), default=250, help="Real steps for a refit.")
def main(updates: int, period: int) -> None:
    """Time ours, uncompiled and compiled, and mbrl-lib's, one after the other."""
    now = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    works = {
        "ours, compiled": partial(ours, sized(updates, period, compile=True)),
        "ours": partial(ours, sized(updates, period, compile=False)),
    }
    try:
        import mbrl  # noqa: F401
    except ImportError:
        print(NO_MBRL)
    else:
        # First: what it takes, the ratios of the others are printed with.
        works = {"mbrl-lib": partial(theirs, sized(updates, period, compile=False)), **works}
    print(f"G = {updates}, {2 * period} real steps with two refits, {machine()}")
    peer = float("nan")
    for name, work in works.items():
        spent = work(now)
        peer = spent["all"] if name == "mbrl-lib" else peer
        rest = spent["all"] - sum(spent[part] for part in PARTS)
        where = ", ".join(f"{part} {spent[part]:.1f}" for part in PARTS)
        print(
            f"{name:14} {2 * period / spent['all']:6.2f} steps/s,"
            f" {peer / spent['all']:.2f} times mbrl-lib's; {spent['all']:.1f} s: {where},"
            f" all else {rest:.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main()

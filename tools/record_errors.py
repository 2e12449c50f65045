"""Makes the records of chapter 3: model errors on MuJoCo's simulators, from real simulator data.

python tools/record_errors.py                 all five environments, about half an hour on one core
python tools/record_errors.py Hopper-v5       one of them
python tools/record_errors.py --imagined      only what follows from recorded rollouts, a minute

For each environment and data size one ensemble is trained on part of the same 10,000 transitions.
Stored are its one-step errors on data it has not seen and, for the two environments of chapter 3's
labs, the k-step errors from states met while acting. From the imagined rollouts that a record
holds (those of the first FILMED starts) follow the errors at imagined states: no model is needed,
since the rollout itself says what the model predicted there. Every finished part is kept
(:mod:`recording`): a run that was interrupted goes on where it stopped.

Random actions end an episode of InvertedPendulum after 6 steps on average, of Hopper after 23: too
soon to see errors grow. There the data come from a linear policy with noise, found by a small
random search; elsewhere from uniform random actions. Those transitions are shuffled before a part
is taken: 3,000 steps in a row are a few episodes of an ant that lies as it fell, and a sample of
nothing else.
"""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import asdict

import numpy as np
import torch
from tqdm import tqdm

from mbpo_teach.ground.seeding import generator, torch_generator
from mbpo_teach.model import errors
from mbpo_teach.model.compounding import compound, named
from mbpo_teach.model.dynamics import Ensemble, column_scale, predict
from mbpo_teach.model.fit import FitConfig, fit_ensemble
from mbpo_teach.records import archive
from mbpo_teach.world import envs
from mbpo_teach.world.transitions import Transition, rows
from recording import keep, kept, provenance, save

SEED = 3
SIZES = (300, 1_000, 3_000, 10_000)
HELD_OUT = 2_000
STARTS, EVERY, STEPS = 100, 17, 50
FILMED = 12
MEMBERS, HIDDEN = 7, (128, 128, 128, 128)
# A second, slower pass over the same split: at the first rate the error of an easy world such as
# InvertedPendulum is the optimiser's jitter, and says nothing of the data.
FITS = (
    FitConfig(learning_rate=1e-3, max_steps=3_000, patience_steps=1_000),
    FitConfig(learning_rate=1e-4, max_steps=2_000, patience_steps=1_000),
)
NOISE = 0.3
SEARCH = {"rounds": 30, "population": 40, "kept": 8, "steps": 250}

WITH_POLICY = ("InvertedPendulum-v5", "Hopper-v5")
ALL = (*WITH_POLICY, "HalfCheetah-v5", "Walker2d-v5", "Ant-v5")


def said(name: str) -> dict:
    """Return what every record and part says of itself."""
    by_policy = name in WITH_POLICY
    return provenance(
        f"python tools/record_errors.py {name}",
        seed=SEED,
        config={
            "environment": name,
            "data": "linear policy with uniform noise"
            if by_policy
            else "uniform actions, shuffled",
            "noise": NOISE,
            "search": SEARCH,
            "sizes": SIZES,
            "held_out": HELD_OUT,
            "starts": STARTS,
            "every": EVERY,
            "steps": STEPS,
            "members": MEMBERS,
            "hidden": HIDDEN,
            "fits": [asdict(fit) for fit in FITS],
        },
    )


def said_of_imagined(name: str) -> dict:
    """Return what a record says of the arrays that follow from its rollouts."""
    arrays = ("actions.at_imagined", "policy.at_imagined", "mean_guess")
    return provenance(
        f"python tools/record_errors.py --imagined {name}",
        seed=SEED,
        config={"arrays": arrays, "starts": FILMED},
    )


def part(name: str, piece: str, make: Callable[[], dict]) -> dict:
    """Return a piece of a record: a kept one if the same settings made it, else made now."""
    about = said(name) | {"piece": piece}
    if (arrays := kept(about)) is None:
        arrays = make()
        keep(about, arrays)
    return arrays


def linear_policy(weights: np.ndarray) -> errors.TimedPolicy:
    """Return the policy clip(W s + b), whose `weights` (act, obs + 1) have b as last column."""
    matrix, bias = torch.tensor(weights[:, :-1]).float(), torch.tensor(weights[:, -1]).float()
    return lambda obs, step: (obs @ matrix.T + bias).clamp(-1, 1)


def noisy(weights: np.ndarray, rng: np.random.Generator) -> envs.Act:
    """Return the data-collecting policy: the linear one plus uniform noise."""
    matrix, bias = weights[:, :-1], weights[:, -1]

    def act(obs: np.ndarray) -> np.ndarray:
        noise = NOISE * rng.uniform(-1, 1, len(bias))
        return np.clip(matrix @ obs + bias + noise, -1, 1)

    return act


def search_policy(env: envs.Env) -> np.ndarray:
    """Return weights (act, obs + 1), by the cross-entropy method on returns of noisy episodes."""
    rng = generator(SEED, env.name, "search")
    centre = np.zeros((env.act_size, env.obs_size + 1))
    width = np.full(centre.shape, 0.5)
    for _ in tqdm(range(SEARCH["rounds"]), desc=f"{env.name} policy"):
        tried = centre + width * rng.standard_normal((SEARCH["population"], *centre.shape))
        scores = [episode_return(env, weights, rng) for weights in tried]
        best = tried[np.argsort(scores)[-SEARCH["kept"] :]]
        centre, width = best.mean(axis=0), best.std(axis=0) + 0.02
    return centre


def episode_return(env: envs.Env, weights: np.ndarray, rng: np.random.Generator) -> float:
    act, obs, total = noisy(weights, rng), env.reset(rng=rng), 0.0
    for _ in range(SEARCH["steps"]):
        step = env.step(act(obs))
        obs, total = step.obs, total + step.reward
        if step.terminated:
            break
    return total


def same_data(env: envs.Env, weights: np.ndarray | None) -> tuple[Transition, Transition]:
    """Return the largest training set and the held-out one, from different random streams."""
    sets = []
    for stream, steps in (("data", SIZES[-1]), ("held out", HELD_OUT)):
        rng = generator(SEED, env.name, stream)
        act = None if weights is None else noisy(weights, rng)
        sets.append(envs.collect(env, act, steps=steps, rng=rng))
    data, held_out = sets
    if weights is None:
        order = generator(SEED, env.name, "order").permutation(len(data.obs))
        data = rows(data, torch.from_numpy(order))
    return data, held_out


def real_side(env: envs.Env, weights: np.ndarray) -> dict:
    """Return the real rollouts from visited states: noisy actions, and the policy without noise."""
    rng = generator(SEED, env.name, "starts")
    states = errors.visited_states(env, noisy(weights, rng), count=STARTS, every=EVERY, rng=rng)
    noise = NOISE * torch.tensor(rng.uniform(-1, 1, (STEPS, STARTS, env.act_size))).float()
    policy = linear_policy(weights)
    acting = {
        "actions": lambda obs, step: (policy(obs, step) + noise[step]).clamp(-1, 1),
        "policy": policy,
    }
    found = {}
    for mode, act in acting.items():
        real, actions = errors.real_rollouts(env, states, act, steps=STEPS)
        found |= {f"{mode}.real": real.numpy(), f"{mode}.acts": actions.numpy()}
    return found


def model_side(env: envs.Env, size: int, weights: np.ndarray | None, real: dict) -> dict:
    """Train on the first `size` rows; return the model's errors."""
    data, held_out = same_data(env, weights)
    scale = column_scale(data.obs)
    model = Ensemble(
        env.obs_size, env.act_size, members=MEMBERS, hidden=HIDDEN,
        generator=torch_generator(SEED, env.name, size, "weights"),
    )  # fmt: skip
    for config in FITS:
        stream = torch_generator(SEED, env.name, size, "fit")
        report = fit_ensemble(model, rows(data, slice(size)), config, generator=stream)
    elites = report.elites
    mean = predict(model, held_out.obs, held_out.act, members=elites).mean.mean(dim=0)[:, :-1]
    found = {
        "held_out": ((mean - held_out.next_obs) / scale).norm(dim=-1),
        # What a model would be off by that expects no change at all.
        "still": ((held_out.obs - held_out.next_obs) / scale).norm(dim=-1),
        "scale": scale,
        "diverged": report.diverged,
    }
    for mode in ("actions", "policy") if real else ():
        happened, played = (torch.tensor(real[f"{mode}.{what}"]) for what in ("real", "acts"))
        act = errors.same_actions(played) if mode == "actions" else linear_policy(weights)
        measured = compound(model, happened, played, act, scale, elites=elites)
        found |= named(mode, measured)
        found[f"{mode}.imagined"] = found[f"{mode}.imagined"][:FILMED]
    return {key: np.asarray(value) for key, value in found.items()}


def imagined_side(env: envs.Env, arrays: Mapping[str, np.ndarray]) -> dict:
    """Return the errors at imagined states and of a model that knows nothing, from a record.

    The real actions are not recorded; the same seed gives them again.
    """
    weights, scale = arrays["weights"], torch.tensor(arrays["scale"])
    played = torch.tensor(real_side(env, weights)["actions.acts"][:FILMED])
    acting = {"actions": errors.same_actions(played), "policy": linear_policy(weights)}
    found: dict = {"mean_guess": errors.mean_guess(same_data(env, weights)[0].obs, scale)}
    for mode, act in acting.items():
        real = torch.tensor(arrays[f"{mode}.real"])
        found[f"{mode}.at_imagined"] = torch.stack(
            [
                errors.errors_at_imagined_states(env, rollouts, real, act, scale)
                for rollouts in torch.tensor(arrays[f"{mode}.imagined"])
            ]
        )
    return {key: np.asarray(value, np.float32) for key, value in found.items()}


def add_imagined(name: str) -> None:
    """Add to a record what follows from its rollouts; every other array stays as it is."""
    record, env = archive.load(f"errors_{name}"), envs.make(name)
    save(
        f"errors_{name}",
        record.arrays | imagined_side(env, record.arrays),
        record.provenance | {"imagined": said_of_imagined(name)},
    )
    env.close()


def record(name: str) -> None:
    """Make the record of one environment."""
    env = envs.make(name)
    weights, real = None, {}
    if name in WITH_POLICY:
        weights = part(name, "policy", lambda: {"weights": search_policy(env)})["weights"]
        real = part(name, "real", lambda: real_side(env, weights))
    models = [
        part(name, str(size), lambda size=size: model_side(env, size, weights, real))
        for size in tqdm(SIZES, desc=f"{name} models")
    ]
    arrays = {"sizes": np.array(SIZES)}
    arrays |= {key: np.stack([model[key] for model in models]) for key in models[0]}
    for key in ("scale", "still"):
        arrays[key] = arrays[key][0]  # the same for every size
    if weights is not None:
        arrays["weights"] = weights
    for mode in ("actions", "policy") if real else ():
        arrays[f"{mode}.real"] = real[f"{mode}.real"][:FILMED]
    about = said(name)
    if real:
        arrays |= imagined_side(env, arrays)
        about |= {"imagined": said_of_imagined(name)}
    save(f"errors_{name}", arrays, about)
    env.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("environments", nargs="*", help=", ".join(ALL))
    parser.add_argument(
        "--imagined", action="store_true", help="only what follows from recorded rollouts"
    )
    asked = parser.parse_args()
    allowed = WITH_POLICY if asked.imagined else ALL
    chosen = asked.environments or allowed
    if unknown := set(chosen) - set(allowed):
        parser.error(f"no such environment: {', '.join(sorted(unknown))}")
    # One thread: the last digits of a sum depend on how many share it.
    torch.set_num_threads(1)
    for name in chosen:
        (add_imagined if asked.imagined else record)(name)


if __name__ == "__main__":
    main()

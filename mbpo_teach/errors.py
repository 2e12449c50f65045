"""How wrong the model is after k steps, and what can be said about its one-step error.

Compounding error: start imagined and real rollouts in the same states, take the same actions (or
follow the same policy), and measure the distance e(k) between them, every dimension divided by
its deviation in the data. A deterministic simulator is at total variation 1 from every Gaussian, so
eps_m itself cannot be measured there; what is measured instead is called a proxy, and is never put
into a theorem. Where the true dynamics are a known density, the total variation is estimated by
Monte Carlo. Janner et al. 2019, section 4; taught in chapters 3 and 5.
"""

import math
from collections.abc import Callable, Sequence
from itertools import islice

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mbpo_teach.dynamics import Ensemble, predict, raw_targets, sample_step
from mbpo_teach.envs import Act as RealAct
from mbpo_teach.envs import Env, interact
from mbpo_teach.gaussian import gaussian_nll
from mbpo_teach.simulator import SimulatorState, get_state, known_simulator, set_state
from mbpo_teach.transitions import Transition

Act = Callable[[Tensor, int], Tensor]
"""A function of observations (row, obs) and the time step that returns actions (row, act)."""


def visited_states(
    env: Env, act: RealAct | None = None, *, count: int, every: int, rng: np.random.Generator
) -> list[SimulatorState]:
    """Return `count` states met while acting, `every` steps apart; none where an episode ended.

    Raises
    ------
    ValueError
        If `count` or `every` is below 1.
    """
    for name, number in (("count", count), ("every", every)):
        if number < 1:
            raise ValueError(f"{name} must be at least 1, not {number}")
    states: list[SimulatorState] = []
    steps = interact(env, act, rng=rng)
    while len(states) < count:
        latest = list(islice(steps, every))[-1]
        if not bool(latest.terminated):
            states.append(get_state(env))
    return states


def real_rollouts(
    env: Env, states: Sequence[SimulatorState], act: Act, *, steps: int
) -> tuple[Float[Tensor, "start time obs"], Float[Tensor, "start step act"]]:
    """Run the simulator from each state; return observations, time 0 to `steps`, and actions.

    Observations after a termination, and the actions there, are NaN; time limits are ignored.
    """
    observations = torch.full((len(states), steps + 1, env.obs_size), torch.nan)
    actions = torch.full((len(states), steps, env.act_size), torch.nan)
    running = dict(enumerate(states))
    for row, state in running.items():
        set_state(env, state)
        shown = known_simulator(env)._get_obs()
        observations[row, 0] = torch.from_numpy(np.asarray(shown, np.float32))
    for step in range(steps):
        wanted = act(observations[:, step], step)
        for row, state in list(running.items()):
            set_state(env, state)
            actions[row, step] = wanted[row]
            after = env.step(wanted[row].numpy())
            observations[row, step + 1] = torch.from_numpy(after.obs)
            running[row] = get_state(env)
            if after.terminated:
                del running[row]
    return observations, actions


def same_actions(actions: Float[Tensor, "start step act"]) -> Act:
    """Return an `Act` that plays back recorded actions, whatever is observed."""
    return lambda obs, step: actions[:, step]


@torch.no_grad()
def imagine_members(
    model: Ensemble,
    starts: Float[Tensor, "start obs"],
    act: Act,
    *,
    steps: int,
    members: Sequence[int],
    generator: torch.Generator | None = None,
) -> Float[Tensor, "member start time obs"]:
    """Return one rollout per member and start, time 0 to `steps`; each follows itself only.

    Without a `generator` each step is the predicted mean; with one it is sampled. Actions are
    asked for member by member, so that a policy sees the states that this member imagines.
    """
    states = [starts.expand(len(members), -1, -1)]
    for step in range(steps):
        obs = states[-1]
        actions = torch.stack([act(each, step) for each in obs])
        mean, log_var = model(model.scaled_inputs(obs, actions), members=members)
        if generator is not None:
            noise = torch.randn(mean.shape, generator=generator, device=mean.device)
            mean = mean + (0.5 * log_var).exp() * noise
        states.append(obs + model.unscaled(mean)[..., :-1])
    return torch.stack(states, dim=2)


@torch.no_grad()
def imagine_ensemble(
    model: Ensemble,
    starts: Float[Tensor, "start obs"],
    act: Act,
    *,
    steps: int,
    members: Sequence[int],
    generator: torch.Generator | None = None,
) -> Float[Tensor, "start time obs"]:
    """Return one rollout per start of the ensemble as a whole.

    Without a `generator` it follows the average of the members' means. With one, each step is
    sampled from one random member, as MBPO's rollouts are (Janner et al. 2019, appendix C).
    """
    states = [starts]
    for step in range(steps):
        obs = states[-1]
        action = act(obs, step)
        if generator is None:
            mean = predict(model, obs, action, members=members).mean
            states.append(mean.mean(dim=0)[:, :-1])
        else:
            after, _ = sample_step(model, obs, action, elites=members, generator=generator)
            states.append(after)
    return torch.stack(states, dim=1)


def k_step_error(
    imagined: Float[Tensor, "*member start time obs"],
    real: Float[Tensor, "start time obs"],
    scale: Float[Tensor, " obs"],
) -> Float[Tensor, "*member start time"]:
    """Return e(k) = || (imagined - real) / scale ||, time by time; no unit.

    `scale` is the deviation of each dimension in the data
    (:func:`mbpo_teach.dynamics.column_scale`). Where the real rollout had ended the error is NaN,
    as `real` is. Where the imagined one has left the finite numbers and the real one goes on, the
    error is infinite: a model that blew up must not look like an episode that is over.
    """
    distance: Tensor = ((imagined - real) / scale).norm(dim=-1)
    ended = real.isnan().any(dim=-1)
    return distance.masked_fill(distance.isnan(), torch.inf).masked_fill(ended, torch.nan)


def predicted_spread(
    imagined: Float[Tensor, "member start time obs"], scale: Float[Tensor, " obs"]
) -> Float[Tensor, "start time"]:
    """Return how far the members' rollouts lie apart, on the scale of :func:`k_step_error`.

    The root of the summed variance of the members about their mean: the error that the ensemble
    itself would expect if its members were as far from the truth as from each other.
    """
    variance = (imagined / scale).var(dim=0, correction=0)
    return variance.sum(dim=-1).sqrt()


def quantiles(
    errors: Float[Tensor, "start time"], levels: Sequence[float] = (0.1, 0.5, 0.9)
) -> Float[Tensor, "level time"]:
    """Return quantiles over the starts that are still running (not NaN), at each time.

    A quantile between a finite and an infinite error is infinite.
    """
    wanted = torch.tensor(levels, dtype=errors.dtype, device=errors.device)
    above = errors.nanquantile(wanted, dim=0, interpolation="higher")
    return torch.where(above.isinf(), above, errors.nanquantile(wanted, dim=0))


def monte_carlo_tv(
    log_p: Float[Tensor, "draw batch"], log_q: Float[Tensor, "draw batch"]
) -> tuple[Float[Tensor, " batch"], Float[Tensor, " batch"]]:
    """Estimate D_TV(p || q) = E_p[max(0, 1 - q / p)] and its standard error.

    Parameters
    ----------
    log_p, log_q
        Log-densities of both at points drawn *from p*, which must be a density: a deterministic
        simulator is none. At least two draws.

    Raises
    ------
    ValueError
        If there are fewer than two draws, if the shapes differ, or if a log-density is NaN or
        infinite where it cannot be: only `log_q` may be minus infinity.
    """
    if log_p.shape != log_q.shape:
        raise ValueError(f"log_q must have shape {tuple(log_p.shape)}, not {tuple(log_q.shape)}")
    if not torch.isfinite(log_p).all():
        raise ValueError("log_p must hold finite numbers: the points are drawn from p")
    if not (log_q < torch.inf).all():
        raise ValueError("log_q must hold numbers below infinity, and no NaN")
    draws = len(log_p)
    if draws < 2:
        raise ValueError(f"log_p must hold at least two draws, not {draws}")
    # expm1 keeps digits where p and q nearly agree.
    gaps = (-torch.expm1(log_q - log_p)).clamp(min=0)
    return gaps.mean(dim=0), gaps.std(dim=0) / draws**0.5


def with_noise(
    clean: Transition, deviation: Float[Tensor, " out"], *, generator: torch.Generator
) -> Transition:
    """Add Gaussian noise to the next observations and rewards of a deterministic simulator.

    `deviation`, one positive number per target [change of observation, reward], in units of the
    world. Conditioned on observation and action the target is then N(clean target, deviation^2):
    a density known exactly, of full rank in the space in which the model predicts, which is what
    :func:`noisy_tv` needs. Nothing is clipped afterwards.

    Raises
    ------
    ValueError
        If `deviation` has another shape, or a number that is not positive and finite.
    """
    _check_deviation(deviation, clean)
    shape = len(clean.obs), len(deviation)
    noise = deviation * torch.randn(shape, generator=generator, device=deviation.device)
    return clean._replace(
        next_obs=clean.next_obs + noise[:, :-1], reward=clean.reward + noise[:, -1]
    )


@torch.no_grad()
def noisy_tv(
    model: Ensemble,
    clean: Transition,
    deviation: Float[Tensor, " out"],
    *,
    members: Sequence[int],
    draws: int,
    generator: torch.Generator,
) -> tuple[Float[Tensor, " batch"], Float[Tensor, " batch"]]:
    """Estimate D_TV between the noisy world of :func:`with_noise` and the members' mixture.

    `clean` holds the noiseless transitions at whose observations and actions the two are compared.
    The mixture is what a rollout uses that picks a random elite for each step. Returns estimate and
    standard error per row; averaged over states of the data-collecting policy at each time, the
    largest such average is the eps_m of theorem 4.1.

    Raises
    ------
    ValueError
        If `deviation` has another shape, or a number that is not positive and finite, or if there
        are fewer than two `draws`.
    """
    _check_deviation(deviation, clean)
    centre = raw_targets(clean)
    unit = torch.randn(draws, *centre.shape, generator=generator, device=centre.device)
    targets = centre + deviation * unit
    log_p = -gaussian_nll(
        centre.expand_as(targets), (2 * deviation.log()).expand_as(targets), targets
    )
    prediction = predict(model, clean.obs, clean.act, members=members)
    # Predictions are of the next observation, targets of its change.
    mean = torch.cat(
        [prediction.mean[..., :-1] - clean.obs, prediction.mean[..., -1:]], dim=-1
    ).unsqueeze(1)
    log_var = prediction.var.log().unsqueeze(1)
    each = torch.stack(
        [
            -gaussian_nll(one.expand_as(targets), spread.expand_as(targets), targets)
            for one, spread in zip(mean, log_var, strict=True)
        ]
    )
    log_q = each.logsumexp(dim=0) - math.log(len(members))
    return monte_carlo_tv(log_p, log_q)


def _check_deviation(deviation: Tensor, clean: Transition) -> None:
    outputs = clean.obs.shape[1] + 1
    # Of two numbers for three targets the second would be added to both halves of a state.
    if tuple(deviation.shape) != (outputs,):
        raise ValueError(f"deviation must have shape ({outputs},), not {tuple(deviation.shape)}")
    if not ((deviation > 0) & torch.isfinite(deviation)).all():
        raise ValueError(f"deviation must hold positive, finite numbers, not {deviation.tolist()}")

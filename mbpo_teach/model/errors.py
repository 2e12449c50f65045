"""How wrong the model is after k steps.

Compounding error: start imagined and real rollouts in the same states, take the same actions (or
follow the same policy), and measure the distance e(k) between them, every dimension divided by
its deviation in the data. It is no total variation, and is never put into a theorem: for that see
:mod:`mbpo_teach.model.variation`. Janner et al. 2019, section 4; taught in chapters 3 and 5.
"""

import warnings
from collections.abc import Callable, Sequence
from itertools import islice

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mbpo_teach.ground.checked import (
    FROM_ONE,
    MAY_BE_EMPTY,
    NOT_FINITE,
    POSITIVE,
    SHARE,
    Allowed,
    checked,
)
from mbpo_teach.ground.checks import whole
from mbpo_teach.model.dynamics import Ensemble, predict, sample_step
from mbpo_teach.nets.gaussian import gaussian_sample
from mbpo_teach.world.envs import Act, Env, interact
from mbpo_teach.world.simulator import (
    SimulatorState,
    get_state,
    known_simulator,
    set_from_obs,
    set_state,
)
from mbpo_teach.world.transitions import Transition, check_sizes

TimedPolicy = Callable[[Tensor, int], Tensor]
"""A function of observations (row, obs) and the time step that returns actions (row, act)."""


@checked(count=FROM_ONE, every=FROM_ONE)
def visited_states(
    env: Env, act: Act | None = None, *, count: int, every: int, rng: np.random.Generator
) -> list[SimulatorState]:
    """Return `count` states met while acting, `every` steps apart; none where an episode ended.

    Raises
    ------
    ValueError
        If `count` or `every` is not a whole number of at least 1.
    """
    count, every = whole("count", count, least=1), whole("every", every, least=1)
    states: list[SimulatorState] = []
    steps = interact(env, act, rng=rng)
    while len(states) < count:
        latest = list(islice(steps, every))[-1]
        if not bool(latest.terminated):
            states.append(get_state(env))
    return states


@checked(states=MAY_BE_EMPTY, steps=Allowed(most=10**6))
def real_rollouts(
    env: Env, states: Sequence[SimulatorState], act: TimedPolicy, *, steps: int
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


@checked(actions=NOT_FINITE)
def same_actions(actions: Float[Tensor, "start step act"]) -> TimedPolicy:
    """Return what plays back recorded actions, whatever is observed."""
    return lambda obs, step: actions[:, step]


@checked(members=None, steps=Allowed(most=10**6))
@torch.no_grad()
def imagine_members(
    model: Ensemble,
    starts: Float[Tensor, "start obs"],
    act: TimedPolicy,
    *,
    steps: int,
    members: Sequence[int],
    generator: torch.Generator | None = None,
) -> Float[Tensor, "member start time obs"]:
    """Return one rollout per member and start, time 0 to `steps`; each follows itself only.

    Without a `generator` each step is the predicted mean; with one it is sampled. Actions are
    asked for member by member, so that a policy sees the states that this member imagines.
    """
    model.check_members("members", members)
    states = [starts.expand(len(members), -1, -1)]
    for step in range(steps):
        obs = states[-1]
        actions = torch.stack([act(each, step) for each in obs])
        _check_actions(actions[0], starts)
        mean, log_var = model(model.scaled_inputs(obs, actions), members=members)
        if generator is not None:
            noise = torch.randn(mean.shape, generator=generator, device=mean.device)
            mean = gaussian_sample(mean, log_var, noise)
        states.append(obs + model.unscaled(mean)[..., :-1])
    return torch.stack(states, dim=2)


@checked(members=None, steps=Allowed(most=10**6))
@torch.no_grad()
def imagine_ensemble(
    model: Ensemble,
    starts: Float[Tensor, "start obs"],
    act: TimedPolicy,
    *,
    steps: int,
    members: Sequence[int],
    generator: torch.Generator | None = None,
) -> Float[Tensor, "start time obs"]:
    """Return one rollout per start of the ensemble as a whole.

    Without a `generator` it follows the average of the members' means. With one, each step is
    sampled from one random member, as MBPO's rollouts are (Janner et al. 2019, appendix C).
    """
    model.check_members("members", members)
    states = [starts]
    for step in range(steps):
        obs = states[-1]
        action = act(obs, step)
        _check_actions(action, starts)
        if generator is None:
            mean = predict(model, obs, action, members=members).mean
            states.append(mean.mean(dim=0)[:, :-1])
        else:
            after, _ = sample_step(model, obs, action, elites=members, generator=generator)
            states.append(after)
    return torch.stack(states, dim=1)


@checked(imagined=NOT_FINITE, real=NOT_FINITE, scale=POSITIVE)
def k_step_error(
    imagined: Float[Tensor, "*member start time obs"],
    real: Float[Tensor, "start time obs"],
    scale: Float[Tensor, " obs"],
) -> Float[Tensor, "*member start time"]:
    """Return e(k) = || (imagined - real) / scale ||, time by time; no unit.

    `scale` is the deviation of each dimension in the data
    (:func:`mbpo_teach.model.dynamics.column_scale`). Where the real rollout had ended the error is
    NaN, as `real` is. Where the imagined one has left the finite numbers and the real one goes on,
    the error is infinite: a model that blew up must not look like an episode that is over.
    """
    distance: Tensor = ((imagined - real) / scale).norm(dim=-1)
    ended = real.isnan().any(dim=-1)
    return distance.masked_fill(distance.isnan(), torch.inf).masked_fill(ended, torch.nan)


@checked(imagined=NOT_FINITE, real=NOT_FINITE, scale=POSITIVE)
@torch.no_grad()
def errors_at_imagined_states(
    env: Env,
    imagined: Float[Tensor, "start time obs"],
    real: Float[Tensor, "start time obs"],
    act: TimedPolicy,
    scale: Float[Tensor, " obs"],
) -> Float[Tensor, "start time"]:
    """Return the error of each imagined step by itself; no unit, 0 at time 0.

    The simulator is put into the imagined state and takes the action that was taken there; `act` is
    the one that `imagined` followed. Nothing is inherited: what is left is how wrong the model is
    at this place. NaN where the real rollout had ended, infinite where the imagined one has left
    the finite numbers. `scale` is as in :func:`k_step_error`.

    Two traps. An imagined observation need be no state at all (Pendulum: a cosine and a sine off
    the circle). The simulator starts from the nearest one, and so the *changes* are compared, lest
    that gap, which earlier steps left, be counted once more. And a simulator answers from
    impossible states too (a foot inside the floor), violently: that is part of the error.
    """
    truth = torch.full_like(imagined, torch.nan)
    truth[:, 0] = imagined[:, 0]
    for step in range(imagined.shape[1] - 1):
        before, wanted = imagined[:, step], act(imagined[:, step], step)
        usable = before.isfinite().all(dim=-1) & wanted.isfinite().all(dim=-1)
        for row in usable.nonzero().flatten().tolist():
            set_from_obs(env, before[row].numpy())
            shown = np.asarray(known_simulator(env)._get_obs(), np.float32)
            change = env.step(wanted[row].numpy()).obs - shown
            truth[row, step + 1] = before[row] + torch.from_numpy(change)
    distance: Tensor = ((imagined - truth) / scale).norm(dim=-1)
    ended = real.isnan().any(dim=-1)
    return distance.masked_fill(distance.isnan(), torch.inf).masked_fill(ended, torch.nan)


def _scaled_rows(env: Env, imagined: Transition, scale: Tensor) -> None:
    check_sizes(imagined)
    size = imagined.obs.shape[1]
    if len(scale) != size:
        raise ValueError(f"scale must have shape ({size},), not {tuple(scale.shape)}")


@checked(together=_scaled_rows, scale=POSITIVE)
def errors_of_rows(
    env: Env, imagined: Transition, scale: Float[Tensor, " obs"]
) -> Float[Tensor, " batch"]:
    """Return the error of each imagined transition by itself; no unit.

    :func:`errors_at_imagined_states` for branches of one step each, whose actions are at hand.
    Where a state is impossible the simulator may fly apart, and says so; here that is part of the
    answer, and no warning.
    """
    pairs = torch.stack([imagined.obs, imagined.next_obs], dim=1)
    played = same_actions(imagined.act.unsqueeze(1))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="MuJoCo: ")
        return errors_at_imagined_states(env, pairs, pairs, played, scale)[:, 1]


@checked(scale=POSITIVE)
def mean_guess(obs: Float[Tensor, "row obs"], scale: Float[Tensor, " obs"]) -> float:
    """Return the median error of a model that knows nothing and always predicts the data's mean.

    Each dimension adds about 1 to the square, so this is near the root of their number, and lower
    where a few rows lie far out.
    """
    return float(((obs - obs.mean(dim=0)) / scale).norm(dim=-1).median())


@checked(imagined=NOT_FINITE, scale=POSITIVE)
def disagreement(
    imagined: Float[Tensor, "member start time obs"], scale: Float[Tensor, " obs"]
) -> Float[Tensor, "start time"]:
    """Return how far the members' rollouts lie apart, on the scale of :func:`k_step_error`.

    The root of the summed variance of the members about their mean: an estimate of the error of a
    *single member*. The members' average is better wherever their errors differ (√n times for n
    independent unbiased members), so it is not what this is to be compared with.
    """
    variance = (imagined / scale).var(dim=0, correction=0)
    return variance.sum(dim=-1).sqrt()


@checked(errors=NOT_FINITE, levels=SHARE)
def quantiles(
    errors: Float[Tensor, "start time"], levels: Sequence[float] = (0.1, 0.5, 0.9)
) -> Float[Tensor, "level time"]:
    """Return quantiles over the starts that are still running (not NaN), at each time.

    A quantile between a finite and an infinite error is infinite.
    """
    wanted = torch.tensor(levels, dtype=errors.dtype, device=errors.device)
    above = errors.nanquantile(wanted, dim=0, interpolation="higher")
    return torch.where(above.isinf(), above, errors.nanquantile(wanted, dim=0))


def _check_actions(actions: Tensor, starts: Tensor) -> None:
    if actions.ndim != 2 or len(actions) != len(starts):
        raise ValueError(
            f"act must return one action for each of {len(starts)} starts, not shape"
            f" {tuple(actions.shape)}"
        )

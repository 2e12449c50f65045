"""Checkpoints: an agent between two real steps, in one file, to go on from bit for bit.

What is stored: the networks of the learner with Adam's moments and the temperature; the ensemble
with its scales and log-variance limits, its elites and their errors (the ensemble's optimiser is
made anew at every refit, so there is none to store); of an agent that plans, the ensemble and the
plan from which the next search begins; the memories; where every stream of random
numbers stands; the simulator's state with its own generator and the steps of the episode; counters
and times. MuJoCo's state is all that it integrates from, warm start included.

A file is written whole or not at all, and damage is found by its checksums. It holds tensors,
numbers and words, and is read with ``weights_only=True``: a checkpoint from a stranger cannot run
code. What no training can have stored, a step of -1 or a weight that is NaN, is refused. Its size
is that of the memories, 4 bytes a number: 2.6 MB for Pendulum's laptop preset, 66 MB for Hopper's
authors' one with k = 1. One from a graphics card goes on without one, and the reverse; its streams
of random numbers begin anew then (:meth:`mbpo_teach.ground.seeding.Streams.moved`). Used by
``python -m mbpo_teach train`` (chapter 7).
"""

import io
import math
import pickle
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mbpo_teach.algorithms.agent import PARTS, Agent, Imagination
from mbpo_teach.algorithms.pets import PlanningAgent
from mbpo_teach.ground.checks import number, whole
from mbpo_teach.ground.files import write_whole
from mbpo_teach.learner.sac import SACState
from mbpo_teach.nets.adam import Trained
from mbpo_teach.world.replay import ReplayBuffer
from mbpo_teach.world.simulator import SimulatorState, get_state, set_state
from mbpo_teach.world.transitions import Transition

_NAME = "mbpo_teach checkpoint"
_KIND = f"{_NAME}, format 2"  # in 1, weights were (in, out)

Stored = dict[str, Any]


def save(path: Path, agent: Agent | PlanningAgent, about: Mapping[str, Any]) -> None:
    """Write `agent` to `path`, and `about` beside it: numbers, words, lists and dicts of them.

    Whoever reads `path` while this is running, or after it was killed, finds what was there before.

    Raises
    ------
    ValueError
        If the environment is one whose state cannot be read, or `about` holds what could not be
        read back. Nothing is written then.
    """
    trial, packed = io.BytesIO(), io.BytesIO()
    try:
        torch.save(dict(about), trial)
        torch.load(io.BytesIO(trial.getvalue()), weights_only=True)
    except (pickle.PickleError, AttributeError, TypeError) as error:
        why = f"must hold numbers, words, lists and dicts of them only, not {dict(about)!r}"
        raise ValueError(f"about {why}") from error
    torch.save({"kind": _KIND, "about": dict(about), "agent": _stored(agent)}, packed)
    write_whole(path, packed.getvalue())


def load(path: Path, agent: Agent | PlanningAgent) -> dict[str, Any]:
    """Put `agent`, newly made with the same settings, where the one in `path` stood.

    Returns what `about` was when it was saved.

    Raises
    ------
    FileNotFoundError
        If there is no file.
    ValueError
        If the file is damaged, is no checkpoint of the course, or is one of another kind of agent.
        `agent` is of no further use then; the file is as it was.
    """
    about, stored = _read(path)
    try:
        _restore(agent, stored)
    except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError, RuntimeError,
            AssertionError) as error:  # fmt: skip
        why = str(error).partition("\n")[0]  # PyTorch's may go on with a stack of C++
        raise ValueError(
            f"{path.name} holds another kind of agent than this run's: {why}"
        ) from error
    return about


def read_about(path: Path) -> dict[str, Any]:
    """Return what `about` was when `path` was saved; errors as for :func:`load`."""
    return _read(path)[0]


def _read(path: Path) -> tuple[dict[str, Any], Stored]:
    if path.exists() and not path.is_file():  # a pipe would be waited for, for ever
        raise ValueError(f"{path.name} is no file, so it is not a checkpoint of the course")
    content = path.read_bytes()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            # PyTorch packs nothing. What is packed may be a thousand times as large as its file.
            if sum(entry.file_size for entry in archive.infolist()) > len(content):
                raise ValueError("its entries are larger than it is")
            if damaged := archive.testzip():  # PyTorch does not look at the checksums
                raise ValueError(f"{damaged} is damaged")
        inside = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        kind, about, agent = inside["kind"], inside["about"], inside["agent"]
        if not isinstance(kind, str) or not kind.startswith(_NAME):
            raise ValueError("it is of no kind that is known")
        if not isinstance(about, dict) or not isinstance(agent, dict):
            raise ValueError("about and agent are no dicts")
    except (RuntimeError, ValueError, LookupError, TypeError, AttributeError, EOFError, OSError,
            ArithmeticError, AssertionError, MemoryError, pickle.UnpicklingError,
            zipfile.BadZipFile, struct.error, zlib.error) as error:  # fmt: skip
        raise ValueError(f"{path.name} is damaged or is not a checkpoint of the course") from error
    if kind != _KIND:
        raise ValueError(
            f"{path.name} is a {kind}, of another version of the course; this one reads {_KIND!r}"
            " only. Begin anew in another folder"
        )
    return about, agent


def _stored(agent: Agent | PlanningAgent) -> Stored:
    life = agent.life
    return {
        "environment": agent.env.name,
        "step": agent.step,
        "seconds": dict(agent.clock.seconds),
        "memory": _stored_memory(agent.memory),
        "device": agent.device.type,
        "streams": {name: _state_of(made) for name, made in agent.streams.made.items()},
        "life": {
            "obs": None if life.obs is None else torch.from_numpy(life.obs.copy()),
            "earned": life.earned,
            "last_return": life.last_return,
            # Between two episodes there is nothing: the next start sets everything anew.
            "simulator": None if life.obs is None else _stored_simulator(agent),
        },
        **(_stored_planner(agent) if isinstance(agent, PlanningAgent) else _stored_learner(agent)),
    }


def _stored_learner(agent: Agent) -> Stored:
    """Return what is learned of a policy, and what is imagined to learn it."""
    dream = agent.imagination
    return {
        "learner": {
            name: [*part] if isinstance(part, Trained) else part
            for name, part in agent.learner._asdict().items()
        },
        "imagination": None
        if dream is None
        else {
            **_stored_model(dream),
            "memory": _stored_memory(dream.memory),
            "length": dream.length,
        },
    }


def _stored_planner(agent: PlanningAgent) -> Stored:
    """Return what is learned of the world, and what is planned in it."""
    return {"planner": {**_stored_model(agent), "plan": agent.plan.clone()}}


def _stored_model(fitted: Imagination | PlanningAgent) -> Stored:
    return {
        "model": dict(fitted.model.state_dict()),
        "elites": list(fitted.elites),
        "holdout": list(fitted.holdout),
    }


def _restore(agent: Agent | PlanningAgent, stored: Stored) -> None:
    if stored["environment"] != agent.env.name:
        raise ValueError(f"it lived in {stored['environment']}, not in {agent.env.name}")
    agent.step = whole("step", stored["step"], least=0)
    agent.clock.seconds = {part: _spent(part, stored["seconds"][part]) for part in PARTS}
    agent.memory = _filled(agent.memory, stored["memory"])
    moved = stored.get("device", "cpu") != agent.device.type
    for name, state in stored["streams"].items():
        if isinstance(state, torch.Tensor) and moved:
            agent.streams.moved(name, agent.step)
        elif isinstance(state, torch.Tensor):
            agent.streams.torch(name).set_state(state)
        else:
            agent.streams.numpy(name).bit_generator.state = state
    _relive(agent, stored["life"])
    if isinstance(agent, PlanningAgent):
        _replan(agent, stored["planner"])
    else:
        _relearn(agent, stored)


def _relearn(agent: Agent, stored: Stored) -> None:
    """Put what `agent` has learned and imagined back."""
    agent.learner = _learner(agent.learner, stored["learner"])
    dreamt, dream = stored["imagination"], agent.imagination
    if (dreamt is None) != (dream is None):
        raise ValueError("only one of them has a model")
    if dream is not None:
        _refit(dream, dreamt)
        dream.memory = _filled(dream.memory, dreamt["memory"])
        dream.length = whole("length", dreamt["length"], least=0)


def _replan(agent: PlanningAgent, planned: Stored) -> None:
    """Put the model of `agent` back, and where its next plan begins."""
    _refit(agent, planned)
    _check_alike("plan", planned["plan"], agent.plan)
    if not (planned["plan"].abs() <= 1).all():
        raise ValueError("plan must lie in [-1, 1]")
    agent.plan = planned["plan"]


def _refit(fresh: Imagination | PlanningAgent, stored: Stored) -> None:
    """Put a fitted model back."""
    for name, ours in fresh.model.state_dict().items():
        _check_alike(name, stored["model"][name], ours)
    fresh.model.load_state_dict(stored["model"])
    fresh.elites = tuple(int(elite) for elite in stored["elites"])
    fresh.holdout = tuple(_finite("holdout", error) for error in stored["holdout"])
    members = range(fresh.model.member_count if fresh.elites else 0)
    if len(fresh.holdout) != len(members) or not {*fresh.elites} <= {*members}:
        raise ValueError(f"elites {fresh.elites} have the errors {fresh.holdout}")


def _relive(agent: Agent | PlanningAgent, lived: Stored) -> None:
    """Put the life of `agent` back into the middle of its episode, or between two."""
    life, obs, simulator = agent.life, lived["obs"], lived["simulator"]
    life.earned, last = _finite("earned", lived["earned"]), lived["last_return"]
    life.last_return = None if last is None else _finite("last_return", last)
    if (obs is None) != (simulator is None):
        raise ValueError("there is an observation without a simulator's state, or the reverse")
    if obs is not None:
        _check_alike("obs", obs, torch.zeros(agent.env.obs_size, device="cpu"))
        life.obs = obs.numpy().copy()
        _set_simulator(agent, simulator)


def _learner(fresh: SACState, stored: Stored) -> SACState:
    """Return the learner that is stored, if it has the shapes of `fresh`."""
    parts: Stored = {}
    for name, part in fresh._asdict().items():
        trained = isinstance(part, Trained)
        new, old = (stored[name], [*part]) if trained else ([stored[name]], [part])
        for theirs, ours in zip(new, old, strict=True):
            _check_alike(name, theirs, ours)
        new = [part.to(fresh.targets.device) for part in new]
        parts[name] = Trained(*new) if trained else new[0]
    return SACState(**parts)


def _check_alike(name: str, theirs: torch.Tensor, ours: torch.Tensor) -> None:
    if theirs.shape != ours.shape or theirs.dtype != ours.dtype:
        raise ValueError(f"{name} has shape {tuple(theirs.shape)}, not {tuple(ours.shape)}")
    if not torch.isfinite(theirs).all():
        raise ValueError(f"{name} must hold finite numbers")


def _finite(name: str, value: Any) -> float:
    return number(name, value, "a finite number", math.isfinite)


def _spent(part: str, seconds: Any) -> float:
    return number(f"seconds of {part}", seconds, "at least 0", lambda x: 0 <= x < math.inf)


def _stored_memory(memory: ReplayBuffer) -> Stored:
    return {"capacity": memory.capacity, "rows": [*memory.all()]}


def _filled(memory: ReplayBuffer, stored: Stored) -> ReplayBuffer:
    # What is drawn depends on the rows and their order only, not on where in the ring they lie.
    rows = Transition(*stored["rows"])
    memory = memory.resized(whole("capacity", stored["capacity"], least=max(1, len(rows.obs))))
    if len(rows.obs):
        memory.add(rows)
    return memory


def _state_of(made: np.random.Generator | torch.Generator) -> Any:
    if isinstance(made, torch.Generator):
        return made.get_state()
    return made.bit_generator.state


def _stored_simulator(agent: Agent | PlanningAgent) -> Stored:
    state = get_state(agent.env)
    return {
        "integration": torch.from_numpy(state.integration.copy()),
        "body_positions": torch.from_numpy(state.body_positions.copy()),
        "elapsed": state.elapsed,
        "generator": agent.env.simulator.unwrapped.np_random.bit_generator.state,
    }


def _set_simulator(agent: Agent | PlanningAgent, stored: Stored) -> None:
    # A simulator that was never started has parts that only a start makes.
    agent.env.start(0)
    state = SimulatorState(
        integration=stored["integration"].numpy(),
        body_positions=stored["body_positions"].numpy(),
        elapsed=stored["elapsed"],
        name=agent.env.name,
    )
    set_state(agent.env, state)
    agent.env.simulator.unwrapped.np_random.bit_generator.state = stored["generator"]

"""MBPO as chapter 17 of Hands-on-RL does it, written anew from what it does, to race against.

The method (github.com/boyu-ai/Hands-on-RL): five networks of four layers of 200 with fixed limits
of the log-variance, refitted every 50 real steps in batches of 64 until no member's held-out error
has fallen by a tenth for more than 5 epochs, or for 22; then one imagined step from each of 1000
states, one state at a time; SAC with one hidden layer of 128, rewards moved to about [-1, 1], ten
updates for each real step, batches half real and half imagined; a first episode with the untrained
policy.

Three of its mistakes are mended: time limits are not stored as terminals, the log-density applies
tanh once, and nothing that is only evaluated keeps gradients. What it keeps as its best members it
never puts back, and neither does this.
"""

import copy
import itertools
import random
from collections import deque
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from mbpo_teach.ground.seeding import generator
from mbpo_teach.nets.gaussian import gaussian_nll, soft_clamp, squashed_log_prob
from mbpo_teach.world.envs import Env, Interaction
from mbpo_teach.world.transitions import Transition, concatenate

MEMBERS, MODEL_WIDTH, MODEL_BATCH, MODEL_RATE = 5, 200, 64, 1e-3
HOLDOUT, IMPROVEMENT, PATIENCE, MOST_EPOCHS = 0.1, 0.1, 5, 22
WIDTH, GAMMA, TAU, TARGET_ENTROPY, FIRST_TEMPERATURE = 128, 0.98, 0.005, -1.0, 0.01
ACTOR_RATE, CRITIC_RATE, TEMPERATURE_RATE = 5e-4, 5e-3, 1e-3
FIRST_STEPS, REFIT, STARTS, REMEMBERED = 200, 50, 1000, 10_000
UPDATES, REAL, IMAGINED = 10, 32, 32


class Layer(nn.Module):
    """A linear layer of every member."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        width = 0.5 / inputs**0.5
        weight = torch.empty(MEMBERS, inputs, outputs)
        self.weight = nn.Parameter(nn.init.trunc_normal_(weight, 0, width, -2 * width, 2 * width))
        self.bias = nn.Parameter(torch.zeros(MEMBERS, 1, outputs))

    def forward(self, inputs: Tensor) -> Tensor:
        return torch.baddbmm(self.bias, inputs, self.weight)


class Model(nn.Module):
    """The ensemble: observations and actions to changes and rewards."""

    def __init__(self, obs_size: int, act_size: int) -> None:
        super().__init__()
        sizes = [obs_size + act_size, *[MODEL_WIDTH] * 4, 2 * (obs_size + 1)]
        layers = [[Layer(*pair), nn.SiLU()] for pair in itertools.pairwise(sizes)]
        self.network = nn.Sequential(*itertools.chain(*layers))[:-1]
        self.low, self.high = torch.tensor(-10.0), torch.tensor(0.5)
        self.optimiser = torch.optim.Adam(self.parameters(), lr=MODEL_RATE)

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        mean, raw = self.network(inputs).chunk(2, dim=-1)
        return mean, soft_clamp(raw, self.low, self.high)

    def fit(self, data: Transition) -> None:
        inputs = torch.cat([data.obs, data.act], dim=1)
        targets = torch.cat([data.next_obs - data.obs, data.reward[:, None]], dim=1)
        held, training = torch.randperm(len(inputs)).tensor_split([int(HOLDOUT * len(inputs))])
        best, stale = torch.full((MEMBERS,), torch.inf), 0
        for _ in range(MOST_EPOCHS):
            orders = [training[torch.randperm(len(training))] for _ in range(MEMBERS)]
            for index in torch.stack(orders).split(MODEL_BATCH, dim=1):
                loss = gaussian_nll(*self(inputs[index]), targets[index]).mean(dim=1).sum()
                self.optimiser.zero_grad()
                loss.backward()
                self.optimiser.step()
            with torch.no_grad():
                mean, _ = self(inputs[held].expand(MEMBERS, -1, -1))
            error = (mean - targets[held]).square().mean(dim=(1, 2))
            better = error < (1 - IMPROVEMENT) * best
            best = torch.where(better, error, best)
            stale = 0 if better.any() else stale + 1
            if stale > PATIENCE:
                break

    @torch.no_grad()
    def imagine(self, obs: Tensor, act: Tensor) -> Transition:
        """Return one imagined step from one state, by a member drawn at random."""
        mean, log_var = self(torch.cat([obs, act], dim=1).expand(MEMBERS, -1, -1))
        drawn = mean + (log_var / 2).exp() * torch.randn_like(mean)
        change, reward = drawn[torch.randint(MEMBERS, ())].split([obs.shape[1], 1], dim=1)
        return Transition(obs, act, reward[0], obs + change, torch.zeros(1, dtype=torch.bool))


class Policy(nn.Module):
    """A squashed Gaussian: actions in [-1, 1] and their log-densities."""

    def __init__(self, obs_size: int, act_size: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(obs_size, WIDTH)
        self.mean, self.deviation = nn.Linear(WIDTH, act_size), nn.Linear(WIDTH, act_size)

    def forward(self, obs: Tensor) -> tuple[Tensor, Tensor]:
        hidden = self.hidden(obs).relu()
        mean, std = self.mean(hidden), functional.softplus(self.deviation(hidden))
        raw = mean + std * torch.randn_like(mean)
        return raw.tanh(), squashed_log_prob(raw, mean, std.log())

    def greedy(self, obs: Tensor) -> Tensor:
        return self.mean(self.hidden(obs).relu()).tanh()

    @torch.no_grad()
    def act(self, obs: NDArray[np.float32]) -> Tensor:
        return self(torch.from_numpy(obs))[0]


class Critic(nn.Module):
    """Q(s, a), (batch,)."""

    def __init__(self, obs_size: int, act_size: int) -> None:
        super().__init__()
        sizes = obs_size + act_size
        self.network = nn.Sequential(nn.Linear(sizes, WIDTH), nn.ReLU(), nn.Linear(WIDTH, 1))

    def forward(self, obs: Tensor, act: Tensor) -> Tensor:
        return self.network(torch.cat([obs, act], dim=1)).squeeze(1)


class SAC:
    """Policy, two critics with slow copies, and temperature, each with an Adam of its own."""

    def __init__(self, obs_size: int, act_size: int) -> None:
        self.policy = Policy(obs_size, act_size)
        self.critics = [Critic(obs_size, act_size) for _ in range(2)]
        self.targets = copy.deepcopy(self.critics)
        self.log_temperature = torch.tensor(FIRST_TEMPERATURE).log().requires_grad_()
        adam = torch.optim.Adam
        self.policy_optimiser = adam(self.policy.parameters(), lr=ACTOR_RATE)
        self.critic_optimisers = [adam(c.parameters(), lr=CRITIC_RATE) for c in self.critics]
        self.temperature_optimiser = adam([self.log_temperature], lr=TEMPERATURE_RATE)

    def update(self, batch: Transition) -> None:
        obs, act, reward, next_obs, terminated = batch
        temperature = self.log_temperature.exp().detach()
        with torch.no_grad():
            next_act, log_prob = self.policy(next_obs)
            first, second = (target(next_obs, next_act) for target in self.targets)
            value = torch.minimum(first, second) - temperature * log_prob
            goal = (reward + 8) / 8 + GAMMA * ~terminated * value
        for critic, optimiser in zip(self.critics, self.critic_optimisers, strict=True):
            descend(optimiser, functional.mse_loss(critic(obs, act), goal))

        own_act, log_prob = self.policy(obs)
        first, second = (critic(obs, own_act) for critic in self.critics)
        loss = (temperature * log_prob - torch.minimum(first, second)).mean()
        descend(self.policy_optimiser, loss)
        excess = (-log_prob - TARGET_ENTROPY).detach().mean()
        descend(self.temperature_optimiser, self.log_temperature.exp() * excess)

        with torch.no_grad():
            for critic, target in zip(self.critics, self.targets, strict=True):
                for new, slow in zip(critic.parameters(), target.parameters(), strict=True):
                    slow.lerp_(new, TAU)


def descend(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()


def learn(env: Env, *, seed: int) -> Iterator[tuple[int, Policy]]:
    """Live and learn without end; yield the number of real steps and the policy after each."""
    torch.manual_seed(seed)
    chance, life = random.Random(seed), Interaction(env, rng=generator(seed, "starts"))
    model, sac = Model(env.obs_size, env.act_size), SAC(env.obs_size, env.act_size)
    real: deque[Transition] = deque(maxlen=REMEMBERED)
    dreams: deque[Transition] = deque(maxlen=STARTS)

    def draw(memory: deque[Transition], count: int) -> list[Transition]:
        return chance.sample(memory, min(count, len(memory)))

    for step in itertools.count():
        if step >= FIRST_STEPS and step % REFIT == 0:
            model.fit(concatenate(list(real)))
            for start in draw(real, STARTS):
                with torch.no_grad():
                    act, _ = sac.policy(start.obs)
                dreams.append(model.imagine(start.obs, act))
        real.append(life.step(sac.policy.act))
        if step >= FIRST_STEPS:
            for _ in range(UPDATES):
                sac.update(concatenate(draw(real, REAL) + draw(dreams, IMAGINED)))
        yield step + 1, sac.policy

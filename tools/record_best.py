"""Finds the best returns known for the ten starts from which Pendulum-v1 is judged.

python tools/record_best.py        about a minute

A pendulum has two numbers of state, so its control problem can be solved backwards in time on a
grid. The policy that comes out is then run in the real simulator, with one step of exact lookahead
over finer torques, and its actions are stored: whoever plays them gets these returns again. They
are the best known, not proven to be the best possible.
"""

import numpy as np
from tqdm import tqdm

from mbpo_teach.tables.pendulum import step, wrapped
from mbpo_teach.world.envs import make
from mbpo_teach.world.evaluate import START_SEEDS
from recording import provenance, save

NAME, STEPS = "Pendulum-v1", 200
ANGLES, SPEEDS, TORQUES, FINE_TORQUES = 241, 241, 21, 401


def corners(angle: np.ndarray, speed: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the four grid points around each state and their weights; angles go in a circle."""
    column = (wrapped(angle) + np.pi) / (2 * np.pi) * ANGLES
    row = (speed + 8) / 16 * (SPEEDS - 1)
    left, low = np.floor(column).astype(int), np.minimum(row.astype(int), SPEEDS - 2)
    right_share, high_share = column - left, row - low
    return [
        ((low + up) * ANGLES + (left + right) % ANGLES,
         np.abs(1 - up - high_share) * np.abs(1 - right - right_share))
        for up in (0, 1)
        for right in (0, 1)
    ]  # fmt: skip


def interpolated(value: np.ndarray, around: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    return sum(weight * value.take(place) for place, weight in around)


def solve() -> np.ndarray:
    """Return the value of every grid point with 0 to STEPS - 1 steps left, (step, point)."""
    angle, speed, torque = np.meshgrid(
        np.arange(ANGLES) / ANGLES * 2 * np.pi - np.pi,
        np.linspace(-8, 8, SPEEDS),
        np.linspace(-2, 2, TORQUES),
        indexing="xy",
    )
    next_angle, next_speed, reward = step(angle, speed, torque)
    around = [
        (place, weight.astype(np.float32)) for place, weight in corners(next_angle, next_speed)
    ]
    values = [np.zeros(ANGLES * SPEEDS, np.float32)]
    for _ in tqdm(range(STEPS - 1), desc="backwards"):
        values.append((reward + interpolated(values[-1], around)).max(axis=-1).ravel())
    return np.stack(values).astype(np.float32)


def play(values: np.ndarray, seed: int) -> tuple[np.ndarray, float]:
    """Return actions in [-1, 1] and their return in the simulator, started from `seed`."""
    env = make(NAME)
    env.start(seed)
    torques, actions, total = np.linspace(-2, 2, FINE_TORQUES), [], 0.0
    for left in range(STEPS - 1, -1, -1):
        angle, speed = env.simulator.unwrapped.state
        angle = wrapped(angle)
        *after, reward = step(np.full(FINE_TORQUES, angle), np.full(FINE_TORQUES, speed), torques)
        worth = reward + interpolated(values[left], corners(*after))
        actions.append(np.float32(torques[worth.argmax()] / 2))
        total += env.step(actions[-1:]).reward
    return np.array(actions), total


def main() -> None:
    values = solve()
    played = [play(values, seed) for seed in START_SEEDS]
    grid = [ANGLES, SPEEDS, TORQUES, FINE_TORQUES]
    said = provenance(
        "python tools/record_best.py",
        seed=START_SEEDS,
        config={"environment": NAME, "steps": STEPS, "grid": grid},
    )
    actions, returns = (np.array(column, np.float32) for column in zip(*played, strict=True))
    save(f"best_{NAME}", {"actions": actions, "returns": returns}, said)
    print(np.round(returns, 1), "mean", round(float(returns.mean()), 2))


if __name__ == "__main__":
    main()

"""The sticks of a stick figure, against what is known of the bodies."""

import numpy as np
import pytest

from mbpo_teach.world import envs, simulator
from mbpo_teach.world.limbs import limbs, limbs_at

COUNT = {
    "InvertedPendulum-v5": 2,  # cart, pole
    "Hopper-v5": 4,  # torso, thigh, leg, foot
    "HalfCheetah-v5": 8,  # torso, head, three parts of each leg
    "Walker2d-v5": 7,
    "Ant-v5": 13,  # a ball, three parts of each leg
}


def at(name, obs):
    env = envs.make(name)
    simulator.set_from_obs(env, obs)
    return limbs(env)


@pytest.mark.parametrize(
    ("angle", "tip"),
    [(0.0, (0, 0, 1)), (np.pi, (0, 0, -1)), (np.pi / 2, (-1, 0, 0))],
)
def test_pendulum_is_one_rod_from_the_pivot(angle, tip):
    found = at("Pendulum-v1", [np.cos(angle), np.sin(angle), 3.0])
    np.testing.assert_allclose(found.ends, [[(0, 0, 0), tip]], atol=1e-12)
    assert found.radius.shape == (1,)


def test_inverted_pendulum_by_hand():
    """A pole of 0.6 m, leaning by 0.5 rad, on a cart 0.3 m to the right of the middle."""
    found = at("InvertedPendulum-v5", [0.3, 0.5, 0.0, 0.0])
    pole = found.ends[np.argmax(found.ends[:, :, 2].max(axis=1))]
    pole = pole[np.argsort(pole[:, 2])]
    np.testing.assert_allclose(pole[0], [0.3, 0, 0], atol=1e-6)
    top = [0.3 + 0.6 * np.sin(0.5), 0, 0.6 * np.cos(0.5)]
    np.testing.assert_allclose(pole[1], top, atol=2e-3)  # the model's pole is bent by 1 mm


@pytest.mark.parametrize("name", COUNT)
def test_limbs_hang_together(name):
    """Each has an end on the line of another one; the ground and the rail are not among them."""
    env, rng = envs.make(name), np.random.default_rng(0)
    env.reset(rng=rng)
    for _ in range(20):
        env.step(rng.uniform(-1, 1, env.act_size))
    ends, radius = limbs(env)
    assert ends.shape == (COUNT[name], 2, 3)
    assert radius.shape == (COUNT[name],)
    assert (radius > 0).all()
    for i, limb in enumerate(ends):
        gaps = [
            distance(point, other) for j, other in enumerate(ends) if j != i for point in limb
        ] + [distance(point, limb) for j, other in enumerate(ends) if j != i for point in other]
        assert min(gaps) < 0.07


def distance(point, limb):
    """Return how far a point is from a stick."""
    start, along = limb[0], limb[1] - limb[0]
    share = np.clip((point - start) @ along / max(along @ along, 1e-12), 0, 1)
    return np.linalg.norm(point - start - share * along)


@pytest.mark.parametrize("name", COUNT)
def test_real_body_and_its_observation_have_the_same_shape(name):
    """Only the place along the ground is lost; drawing moves nothing."""
    env, rng = envs.make(name), np.random.default_rng(1)
    env.reset(rng=rng)
    for _ in range(25):
        obs = env.step(rng.uniform(-1, 1, env.act_size)).obs
    before = simulator.get_state(env)
    real, imagined = limbs(env), at(name, obs)
    after = simulator.get_state(env)
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))
    shift = (real.ends - imagined.ends)[0, 0]
    assert abs(shift[2]) < 1e-5
    np.testing.assert_allclose(real.ends - shift, imagined.ends, atol=1e-5)
    if name == "InvertedPendulum-v5":
        np.testing.assert_allclose(shift, 0, atol=1e-6)
    np.testing.assert_array_equal(real.radius, imagined.radius)


def test_hopper_stands_at_its_height():
    """At rest the torso is a stick of 0.4 m around the height that the observation begins with."""
    found = at("Hopper-v5", [1.25, *np.zeros(10)])
    top = found.ends[np.argmax(found.ends[..., 2].max(axis=1))]
    np.testing.assert_allclose(sorted(top[:, 2]), [1.05, 1.45], atol=1e-6)
    assert found.ends[..., 2].min() == pytest.approx(0.1, abs=0.06)


def test_limbs_of_an_observation_and_of_none():
    obs = np.array([0.6, 0.8, 1.0], np.float32)
    env = envs.make("Pendulum-v1")
    np.testing.assert_array_equal(limbs_at(env, obs).ends, at("Pendulum-v1", obs).ends)
    assert limbs_at(env, np.full(3, np.nan, np.float32)) is None

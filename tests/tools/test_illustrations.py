"""The drawing of branched rollouts shows a real path, and is drawn from its record alone."""

import re

import numpy as np
import pytest
import torch
from PIL import Image

import draw_illustrations
import pictures
from mbpo_teach.figures import branches, style
from mbpo_teach.model import errors
from mbpo_teach.records import archive
from mbpo_teach.world import envs, simulator

RECORD = "branches_Pendulum-v1"


@pytest.fixture(scope="module")
def record():
    return archive.load(RECORD)


def test_the_record_says_how_it_was_made(record):
    assert record.provenance["command"] == "python tools/record_branches.py"
    assert record.provenance["config"]["environment"] == "Pendulum-v1"


def test_the_path_is_the_simulators(record):
    config = record.provenance["config"]
    env = envs.make("Pendulum-v1")
    start = simulator.SimulatorState(np.array([config["start"], 0.0]), np.empty((0, 3)), 0)
    steps = len(record.arrays["real"]) - 1
    real, _ = errors.real_rollouts(
        env, [start], lambda obs, _: (config["pump"] * obs[:, 2:3]).clamp(-1, 1), steps=steps
    )
    torch.testing.assert_close(real[0], torch.tensor(record.arrays["real"]), rtol=1e-3, atol=1e-3)
    env.close()


def test_branches_start_on_the_path_and_stay_by_it_while_whole_rollouts_drift(record):
    real, whole, branched = (record.arrays[name] for name in ("real", "whole", "branches"))
    first, every = record.provenance["config"]["points"]
    points = first + every * np.arange(len(branched))
    np.testing.assert_array_equal(branched[:, :, 0], np.repeat(real[points, None], 4, axis=1))
    np.testing.assert_array_equal(whole[:, 0], np.repeat(real[None, 0], len(whole), axis=0))
    times = points[:, None] + np.arange(branched.shape[2])
    near = np.linalg.norm(branched - real[times][:, None], axis=-1)
    far = np.linalg.norm(whole - real, axis=-1)
    assert near.max() < 1.5
    assert near[..., -1].mean() < 0.3
    assert far[:, -1].min() > 3


def test_the_pictures_are_there_in_both_languages():
    for name in draw_illustrations.BRANCHES.values():
        svg = (draw_illustrations.FOLDER / f"{name}.svg").read_text(encoding="utf-8")
        assert "<text" not in svg  # letters are paths, whatever fonts a reader has
        assert "#ffffff" in svg  # on white, so that it can be read in a dark theme
        png = draw_illustrations.FOLDER / f"{name}.png"
        assert png.stat().st_size <= pictures.LIMIT
        with Image.open(png) as image:
            assert image.width >= 1200
            assert image.convert("RGB").getpixel((0, 0)) == (255, 255, 255)


def test_drawing_again_gives_the_same_files(tmp_path, monkeypatch):
    if style.cjk_font() is None:
        pytest.skip("no Chinese font is installed")
    monkeypatch.setattr("mbpo_teach.ground.language._chosen", ["en"])
    for folder in (tmp_path / "one", tmp_path / "two"):
        folder.mkdir()
        draw_illustrations.draw_branches(folder)
    for name in draw_illustrations.BRANCHES.values():
        one, two = (
            (tmp_path / folder / f"{name}.svg").read_text("utf-8") for folder in ("one", "two")
        )
        assert one == two
        committed = (draw_illustrations.FOLDER / f"{name}.svg").read_text("utf-8")
        # The curves at least, on every machine; fonts differ.
        assert _widest_path(one) == _widest_path(committed)


def _widest_path(svg: str) -> int:
    """Return how many points the longest curve has: the real path."""
    return max(len(re.findall("[ML]", path)) for path in re.findall('d="([^"]*)"', svg))


def test_the_scale_is_even_up_to_the_trivial_level_and_logarithmic_above():
    np.testing.assert_allclose(branches.height([0, 0.3, 1]), [0, 0.3, 1])
    tenfold = np.diff(branches.height([1, 10, 100]))
    assert tenfold[0] == pytest.approx(tenfold[1])
    assert (np.diff(branches.height(np.geomspace(0.01, 300, 50))) > 0).all()

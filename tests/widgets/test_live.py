"""A training watched live: what it shows, and what the stop button leaves."""

import io
import itertools
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from jupyter_client.manager import start_new_kernel
from PIL import Image

from mbpo_teach.algorithms.model_free import ModelFreeConfig, train_sac
from mbpo_teach.algorithms.recorded import Trainings
from mbpo_teach.figures.learning import Rival
from mbpo_teach.ground import language
from mbpo_teach.learner.sac import SACConfig
from mbpo_teach.widgets import live

SETTING = {"world": "Toy-v0", "lowest": -100.0, "highest": 0.0}


@dataclass
class Toy:
    step: int
    returns: torch.Tensor
    seconds: float


def toys(count, *, stop_before=None):
    for place in range(1, count + 1):
        if place == stop_before:
            raise KeyboardInterrupt
        yield Toy(10 * place, torch.arange(-10.0, 0.0) * (count + 1 - place), 2.0 * place)


@pytest.fixture(autouse=True)
def english(monkeypatch):
    monkeypatch.setattr(language, "_chosen", ["en"])
    monkeypatch.setattr(language, "_listeners", [])


@pytest.fixture
def frames(monkeypatch):
    """Every frame that a watched training shows."""
    seen = []
    show = live.LiveCurve.show

    def keep(self, reports, state):
        show(self, reports, state)
        seen.append(dict(self.panel.frame) | {"left": self.sentence})

    monkeypatch.setattr(live.LiveCurve, "show", keep)
    return seen


def test_a_training_is_shown_report_by_report(frames):
    reports = live.watch(toys(3), total_steps=30, **SETTING)
    assert [report.step for report in reports] == [10, 20, 30]
    states = [json.loads(frame["state"]) for frame in frames]
    assert [state["step"] for state in states] == [0, 10, 20, 30, 30]
    assert [state["state"] for state in states] == ["training"] * 4 + ["finished"]
    assert {state["total"] for state in states} == {30}
    said = [frame["sentence"] for frame in frames]
    assert said[0] == "Training for 30 real steps; the first report is on its way."
    assert said[1].startswith("Step 10 of 30: mean return -16 from the ten fixed starts")
    assert "left" not in said[1]
    assert said[2].endswith("About 2 s left.")
    assert said[4].endswith("(worst -10, best -1). Finished.")
    pictures = [np.asarray(Image.open(io.BytesIO(frame["png"]))) for frame in frames]
    assert len({picture.shape for picture in pictures}) == 1
    for before, after in itertools.pairwise(pictures[:4]):
        assert (before != after).any()


def test_the_time_left_follows_the_latest_pace():
    first, second, third = (
        Toy(step, torch.zeros(10), s) for step, s in ((10, 1), (20, 2), (30, 7))
    )
    assert live.seconds_left([first], 50) is None
    assert live.seconds_left([first, second], 50) == pytest.approx(3.0)
    assert live.seconds_left([first, second, third], 50) == pytest.approx(10.0)


def test_an_interrupt_keeps_the_reports_and_says_where(frames):
    reports = live.watch(toys(5, stop_before=3), total_steps=50, **SETTING)
    assert [report.step for report in reports] == [10, 20]
    assert json.loads(frames[-1]["state"]) == {"step": 20, "total": 50, "state": "stopped"}
    assert frames[-1]["sentence"].endswith("what was learned until then is kept.")
    assert frames[-1]["png"] != frames[-2]["png"]  # "stopped here" stands in the picture


def test_an_interrupt_before_the_first_report(frames):
    assert live.watch(toys(5, stop_before=1), total_steps=50, **SETTING) == []
    assert frames[-1]["sentence"].startswith("Stopped by hand before the first report")


def test_other_errors_are_not_swallowed():
    def broken():
        yield from toys(1)
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        live.watch(broken(), total_steps=50, **SETTING)


def test_a_rival_stands_behind_and_is_named(frames):
    means = np.array([[-90.0, -80, -10], [-70, -60, -10]])
    rival = Rival("SAC", Trainings(np.array([15, 25, 90]), means, np.ones_like(means)))
    live.watch(toys(3), total_steps=30, rival=rival, **SETTING)
    alone = len(frames)
    live.watch(toys(3), total_steps=30, **SETTING)
    said = [frame["sentence"] for frame in frames[:alone]]
    assert "SAC" not in said[1]  # it has no report yet at step 10
    assert "SAC had a recorded median of -80 at step 15." in said[2]
    assert "SAC had a recorded median of -70 at step 25. Finished." in said[-1]
    assert frames[0]["png"] != frames[alone]["png"]


def test_both_languages():
    for spoken, word in (("en", "Finished."), ("zh", "训练完成。")):
        language.use(spoken)
        assert live.said(list(toys(2)), "finished", total_steps=20).endswith(word)


def test_a_real_training_is_the_same_watched_or_not():
    config = ModelFreeConfig(
        total_steps=30, random_steps=10, report_every=10,
        sac=SACConfig(hidden=(8,), batch_size=8),
    )  # fmt: skip
    watched = live.watch(
        train_sac("Pendulum-v1", config, seed=3), world="Pendulum-v1", total_steps=30,
        lowest=-1800, highest=0, best=-140,
    )  # fmt: skip
    alone = list(train_sac("Pendulum-v1", config, seed=3))
    for one, other in zip(watched, alone, strict=True):
        assert torch.equal(one.returns, other.returns)


# A slow training which is really interrupted, as a process and as a kernel.
SLOW = textwrap.dedent("""
    import time
    from dataclasses import dataclass
    import torch
    from mbpo_teach.widgets.live import watch

    @dataclass
    class Toy:
        step: int
        returns: torch.Tensor
        seconds: float

    def slow():
        for step in range(1, 2001):
            yield Toy(step, torch.full((10,), -50.0), 0.05 * step)
            time.sleep(0.05)

    reports = watch(slow(), world="Toy-v0", total_steps=2000, lowest=-100, highest=0)
""")


def test_a_signal_to_a_process():
    code = SLOW.replace("time.sleep", "print(step, flush=True); time.sleep")
    code += 'print("kept", len(reports), reports[-1].step)'
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True,
        env=os.environ | {"MBPO_LANG": "en"},
    ) as process:  # fmt: skip
        for line in process.stdout:
            if line.strip() == "3":
                process.send_signal(signal.SIGINT)
                break
        rest, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    word, count, step = rest.strip().splitlines()[-1].split()
    assert word == "kept"
    assert int(count) == int(step) >= 3
    assert "Stopped by hand" in rest


def test_the_stop_button_in_a_kernel(monkeypatch):
    """The interrupted cell ends without an error; its stored output is a picture and a sentence."""
    monkeypatch.setenv("MBPO_LANG", "en")
    manager, client = start_new_kernel(kernel_name="python3")
    try:
        asked = client.execute(SLOW)
        outputs, frames, stopped = [], 0, False
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            message = client.get_iopub_msg(timeout=60)
            kind, content = message["header"]["msg_type"], message["content"]
            if kind == "comm_msg" and content["data"].get("method") == "update":
                frames += 1
                if frames == 4 and not stopped:
                    stopped = True
                    manager.interrupt_kernel()
            if message["parent_header"].get("msg_id") != asked:
                continue
            if kind in ("display_data", "update_display_data", "error", "stream"):
                outputs.append((kind, content))
            if kind == "status" and content["execution_state"] == "idle":
                break
        assert [kind for kind, _ in outputs] == [
            "display_data", "update_display_data", "display_data",
        ]  # fmt: skip
        begun, ended, sentence = (content["data"] for _, content in outputs)
        assert "application/vnd.jupyter.widget-view+json" in begun
        assert set(ended) == {"image/png", "text/plain"}
        assert ended["image/png"].startswith("iVBOR")
        assert ended["text/plain"] == sentence["text/plain"]
        assert "Stopped by hand" in sentence["text/plain"]
        reply = client.execute_interactive("assert len(reports) >= 3", timeout=60)
        assert reply["content"]["status"] == "ok"
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)

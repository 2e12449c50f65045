import math
import os
import subprocess
import sys

import pytest

from mbpo_teach.ground import language
from mbpo_teach.runs import lines, terminal


@pytest.fixture(params=["en", "zh"], autouse=True)
def lang(request, monkeypatch):
    monkeypatch.setattr(language, "_chosen", [request.param])
    return request.param


def row(step, *, seconds=0.0, mean=-179.94, k=1, error=0.012345):
    return {
        "step": step,
        "eval_return": mean,
        "rollout_length": k,
        "model_holdout": error,
        "wall_seconds": seconds,
    }


LONGEST = {"mean": -12345.6, "k": 15, "error": 1.23e-05}
NAME = "InvertedDoublePendulum-v5_mbpo_laptop_real_ratio=0.05_updates_per_step=20_seed=3"


def test_a_training_says_its_numbers_and_the_time_left(lang):
    said = lines.training([row(1000, seconds=10), row(2000, seconds=70)], 5000)
    assert (
        said
        == {
            "en": "2000/5000 steps, return -179.9, k=1, model error 0.0123, 3:00 left",
            "zh": "2000/5000 步，回报 -179.9，k=1，模型误差 0.0123，还需 3:00",
        }[lang]
    )


def test_all_of_it_has_room_in_80_columns(lang):
    rows = [row(99_000, **LONGEST), row(100_000, seconds=1800, **LONGEST)]
    said = lines.training(rows, 125_000)
    assert lines.width(said) < 80 and "12:30:00" in said and "k=15" in said
    for each in (rows[-1], None):
        said = lines.one_of_many(NAME, each, 125_000)
        assert lines.width(said) < 80 and said.endswith("=3")
    assert "-12345.6" in lines.one_of_many(NAME, rows[-1], 125_000)
    said = lines.whole(99, 128, 10**7, 10**8, before=0, seconds=99_999)
    assert lines.width(said) < 80 and "249:59:51" in said


@pytest.mark.parametrize("rows", [[], [row(500)], [row(400, seconds=1), row(500, seconds=2)]])
def test_no_time_left_is_told_before_it_is_known_nor_at_the_end(rows):
    assert ":" not in lines.training(rows, 500)


def test_what_is_left_is_never_no_time_at_all():
    assert "0:01" in lines.training([row(998, seconds=1.0), row(999, seconds=1.001)], 1000)


def test_the_random_steps_are_no_measure_of_the_others():
    rows = [row(0), row(1000, seconds=0.5), row(1100, seconds=60.5)]
    assert math.isclose(lines.seconds_left(rows, 1200), 60)


def test_a_sweep_gone_on_with_counts_its_own_pace():
    assert "1:00" in lines.whole(3, 4, 300, 400, before=200, seconds=60)
    assert ":" not in lines.whole(2, 4, 200, 400, before=200, seconds=60)


def test_without_a_model_there_is_only_the_return(lang):
    said = lines.numbers({**row(5), "rollout_length": None})
    assert len(said) == 1


SPOKEN = {"en": "Loading", "zh": "正在加载"}


def test_in_a_pipe_each_row_is_one_plain_line(lang, tmp_path):
    command = [sys.executable, "-m", "mbpo_teach", "train", "Pendulum-v1", "--algo", "sac"]
    command += ["--steps", "5", "--out", str(tmp_path / "run")]
    environment = os.environ | {"MBPO_LANG": lang, "PYTHONUTF8": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    said = done.stdout.splitlines()
    assert said[0].startswith(SPOKEN[lang]) and done.stderr == ""
    assert "\r" not in done.stdout and "█" not in done.stdout
    assert len([line for line in said if line.startswith("5/5 ")]) == 1
    assert len(said) == len(set(said))


def test_the_first_word_needs_no_second_of_the_processor(tmp_path):
    """What is loaded before it is light: in the same process, PyTorch is not there yet."""
    code = (
        "import sys, time\nfrom mbpo_teach import __main__ as m\n"
        "def echo(words):\n"
        "    heavy = {'torch', 'matplotlib'} & set(sys.modules)\n"
        "    print(words, len(heavy), time.process_time())\n"
        "    raise SystemExit\n"
        "m.click.echo = echo\nm.main(['train', 'Pendulum-v1'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    *_, heavy, seconds = done.stdout.split()
    assert heavy == "0" and float(seconds) < 1


def test_a_terminal_is_written_over(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with terminal._line() as line:
        line.say("one")
        line.say("two")
    shown = capsys.readouterr()
    assert shown.out == "" and "\rtwo" in shown.err

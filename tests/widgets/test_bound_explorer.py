"""The bound explorer's module computes what `theory.bounds` computes, and says it alike."""

import io
import itertools
import json
import math
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import sync_playwright

import driver
from mbpo_teach.figures import explorer
from mbpo_teach.ground import language
from mbpo_teach.theory import bounds
from mbpo_teach.widgets import bound_explorer as widget
from mbpo_teach.widgets.modules import joined

MODULE = joined("bound_explorer")

# Runs in node and in Chromium alike: calls[i] = [name of an export, arguments].
CALL = """(module, calls) => JSON.stringify(
  calls.map(([name, args]) =>
    typeof module[name] === 'function' ? module[name](...args) : module[name]),
  (_, x) => (x === Infinity ? 'Infinity' : x))"""

Call = Callable[[list[tuple[str, list[Any]]]], list[Any]]


def _in_node(folder: Path) -> Call:
    copy = folder / "module.mjs"  # node takes a lone .js for the older kind of module
    copy.write_text(MODULE, encoding="utf-8")
    script = (
        f"import * as module from {json.dumps(copy.as_uri())};"
        "import {readFileSync} from 'node:fs';"
        f"process.stdout.write(({CALL})(module, JSON.parse(readFileSync(0))));"
    )

    def call(calls: list[tuple[str, list[Any]]]) -> list[Any]:
        command = ["node", "--input-type=module", "--eval", script]
        done = subprocess.run(command, input=json.dumps(calls).encode(), capture_output=True)
        assert done.returncode == 0, done.stderr.decode()
        return _parsed(done.stdout.decode())

    return call


def _parsed(answer: str) -> list[Any]:
    return json.loads(answer, object_hook=_numbers, parse_constant=float)


def _numbers(values: dict[str, Any]) -> dict[str, Any]:
    return {key: math.inf if x == "Infinity" else x for key, x in values.items()}


@pytest.fixture(scope="module", params=["node", "chromium"])
def call(request, tmp_path_factory):
    """Call the module's exports in one of the engines."""
    if request.param == "node":
        if shutil.which("node") is None:
            pytest.skip("no node here: Chromium runs the module instead")
        yield _in_node(tmp_path_factory.mktemp("node"))
        return
    if driver.chromium() is None:
        if os.environ.get("CI"):
            pytest.fail("CI has no Chromium")
        pytest.skip("no Chromium here")
    with sync_playwright() as playwright, driver.browser(playwright) as chromium:
        page = chromium.new_page()
        page.route("**/*", lambda route: route.fulfill(body="", content_type="text/html"))
        page.goto("http://module.test/")
        as_url = "data:text/javascript;charset=utf-8," + quote(MODULE)
        page.evaluate("async (url) => { window.module = await import(url); }", as_url)
        yield lambda calls: _parsed(
            page.evaluate(f"(calls) => ({CALL})(window.module, calls)", calls)
        )


GAMMAS = (0.0, 0.05, 0.5, 0.9, 0.95, 0.995, 0.99999)
EPSILONS = (0.0, 1e-12, 0.001, 0.01, 0.1, 1.0)
# gamma, r_max, eps_m at the outer stops of the sliders, and on the line where the threshold is 0.
EDGES = [
    *itertools.product(*(widget.LIMITS[name] for name in ("gamma", "r_max", "eps_m"))),
    (0.5, 1.0, 1.0),
]
LENGTHS = (0, 1, 2, 7, 100, 100_000)
GRID = [
    {"gamma": gamma, "r_max": r_max, "eps_m": eps_m, "eps_m_prime": eps_m_prime, "eps_pi": eps_pi}
    for gamma, eps_m, eps_m_prime, eps_pi in itertools.product(GAMMAS, EPSILONS, EPSILONS, EPSILONS)
    for r_max in (0.3, 10.0)
]


def _columns(*names: str) -> dict[str, np.ndarray]:
    return {name: np.array([values[name] for values in GRID]) for name in names}


def _same(answers: list[Any], expected: np.ndarray) -> None:
    # Below 1e-290 a power is subnormal and has lost digits in either language.
    np.testing.assert_allclose(np.array(answers, float), expected, rtol=1e-12, atol=1e-290)


OF_C = ("gamma", "r_max", "eps_m", "eps_pi")
ON_POLICY = ("gamma", "r_max", "eps_m_prime", "eps_pi")


def test_bound_and_terms_are_the_librarys(call):
    c = _columns(*OF_C)
    _same(call([("performanceBound", [v]) for v in GRID]), bounds.performance_bound(**c))
    terms = np.array(call([("boundTerms", [v]) for v in GRID]))
    first, second = bounds.bound_terms(**c)
    _same(terms[:, 0], first)
    _same(terms[:, 1], second)


@pytest.mark.parametrize(
    ("export", "penalty", "names"),
    [
        ("branchedPenalty", bounds.branched_penalty, OF_C),
        ("branchedPenaltyOnPolicy", bounds.branched_penalty_on_policy, ON_POLICY),
        ("branchedPenaltyTight", bounds.branched_penalty_tight, ON_POLICY),
    ],
)
def test_penalties_are_the_librarys(call, export, penalty, names):
    for k in LENGTHS:
        _same(call([(export, [k, v]) for v in GRID]), penalty(k, **_columns(*names)))


def test_whole_rollout_penalty_is_the_librarys(call):
    names = ("gamma", "r_max", "eps_m_prime")
    answers = call([("wholeRolloutPenalty", [v]) for v in GRID])
    _same(answers, bounds.whole_rollout_penalty(**_columns(*names)))


def test_best_rollout_length_has_the_librarys_penalty(call):
    ties = [
        {"gamma": gamma, "r_max": 1.0, "eps_m_prime": eps_pi * gamma**j, "eps_pi": eps_pi}
        for gamma in (0.05, 0.5, 0.9, 0.99)
        for eps_pi in (0.003, 0.1, 1.0)
        for j in range(12)
    ]
    cases = ties + [{name: v[name] for name in ON_POLICY} for v in GRID]
    answers = call([("bestRolloutLength", [v]) for v in cases])
    kinds = set()
    for values, answer in zip(cases, answers, strict=True):
        answer = math.inf if answer == "Infinity" else answer
        asked = {name: values[name] for name in ("gamma", "eps_m_prime", "eps_pi")}
        expected = bounds.best_rollout_length(**asked)
        kinds.add("infinite" if expected == math.inf else "zero" if expected == 0 else "between")
        if math.isinf(expected):
            assert answer == expected, values
        else:
            # At a tie two neighbours are equally good: compare penalties, not lengths.
            there = bounds.branched_penalty_on_policy(answer, **values)
            least = bounds.branched_penalty_on_policy(expected, **values)
            assert there == pytest.approx(least, rel=1e-12), values
    assert kinds == {"zero", "between", "infinite"}


def test_vacuous_where_the_library_says_so(call):
    answers = call([("isVacuous", [v]) for v in GRID])
    expected = bounds.is_vacuous(**_columns("gamma", "eps_m", "eps_pi"))
    assert answers == expected.tolist()
    assert 0 < sum(answers) < len(answers)
    on_the_line = {"gamma": 0.95, "eps_m": 0.0, "eps_pi": 0.025}
    assert call([("isVacuous", [on_the_line])]) == [bounds.is_vacuous(**on_the_line)] == [True]

    trivial = bounds.trivial_level(gamma=0.95, r_max=3.0)
    for penalty in (0.0, 0.99 * trivial, trivial, 1.01 * trivial):
        setting = {"gamma": 0.95, "r_max": 3.0}
        answer = call([("penaltyIsVacuous", [penalty, setting])])
        assert answer == [bounds.penalty_is_vacuous(penalty, **setting)]


def test_threshold_and_trivial_level_are_the_librarys(call):
    """Over the grid and at its edges: no discount, no model error, and a threshold below zero."""
    thresholds = bounds.vacuity_threshold(**_columns("gamma", "eps_m"))
    _same(call([("vacuityThreshold", [v]) for v in GRID]), thresholds)
    assert thresholds.min() < 0 < thresholds.max()
    levels = bounds.trivial_level(**_columns("gamma", "r_max"))
    _same(call([("trivialLevel", [v]) for v in GRID]), levels)
    edges = [{"gamma": gamma, "r_max": r_max, "eps_m": eps_m} for gamma, r_max, eps_m in EDGES]
    for export, formula, names in (
        ("vacuityThreshold", bounds.vacuity_threshold, ("gamma", "eps_m")),
        ("trivialLevel", bounds.trivial_level, ("gamma", "r_max")),
    ):
        expected = [formula(**{name: v[name] for name in names}) for v in edges]
        _same(call([(export, [v]) for v in edges]), np.array(expected))


def test_threshold_is_where_the_bound_turns_vacuous(call):
    for gamma, eps_m in itertools.product((0.0, 0.5, 0.9, 0.99), (0.0, 0.005)):
        [shift] = call([("vacuityThreshold", [{"gamma": gamma, "eps_m": eps_m}])])
        assert bounds.is_vacuous(gamma=gamma, eps_m=eps_m, eps_pi=shift * 1.001)
        assert not bounds.is_vacuous(gamma=gamma, eps_m=eps_m, eps_pi=shift * 0.999)


def test_sliders_reach_what_python_allows(call):
    [stops] = call([("STOPS", [])])
    assert set(stops) == set(widget.LIMITS) == set(widget.START)
    for name, values in stops.items():
        assert (values[0], values[-1]) == widget.LIMITS[name]
        assert values == sorted(set(values))
        assert widget.START[name] in values


SENTENCES = [
    widget.START,
    widget.START | {"k": 0},
    widget.START | {"eps_pi": 0.0},
    widget.START | {"eps_m_prime": 0.0},
    widget.START | {"gamma": 0.0},
    widget.START | {"gamma": 0.995, "r_max": 10.0, "eps_m": 1.0, "eps_pi": 1.0, "k": 100},
    widget.START | {"gamma": 0.99, "eps_m_prime": 0.05},
    widget.START | {"eps_pi": 0.02, "r_max": 2.5},
    widget.START | {"gamma": 0.05, "eps_m_prime": 0.0, "k": 9},
]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_browser_and_python_say_the_same(call, lang, speak):
    speak(lang)
    pairs = call([("sentences", [values, widget.words()]) for values in SENTENCES])
    assert pairs == [list(explorer.sentences(values)) for values in SENTENCES]
    answers = [language.join(pair) for pair in pairs]
    assert not any("{" in answer or "NaN" in answer for answer in answers)
    assert all(("性能界" in answer) == (lang == "zh") for answer in answers)
    for values, answer in zip(SENTENCES, answers, strict=True):
        assert explorer.number(explorer.numbers(values)["whole"]) in answer.split("ε_m′")[-1]


def test_browser_and_python_write_numbers_the_same(call):
    rng = np.random.default_rng(0)
    xs = [
        0.0,
        1e-5,
        1e-4,
        0.5,
        999.96,
        1000.0,
        1000.5,
        2e6,
        100.25,
        *(10 ** rng.uniform(-5, 7, 500)),
    ]
    assert call([("format", [x]) for x in xs]) == [explorer.number(x) for x in xs]
    assert explorer.number(math.inf) == "∞"
    assert explorer.number(5980.0) == "5,980"


def test_numbers_of_the_start_by_hand():
    shown = explorer.numbers(widget.START)
    assert shown["bound"] == pytest.approx(41.8)
    assert (shown["first"], shown["second"]) == pytest.approx((37.8, 4))
    assert shown["best"] == 22
    assert shown["least_ratio"] == pytest.approx(0.32, abs=0.005)
    assert shown["threshold"] == pytest.approx(0.0455)
    assert (shown["whole"], shown["whole_ratio"]) == pytest.approx((1.8, 0.09))


@pytest.fixture
def speak():
    before = language.current()
    yield language.use
    language.use(before)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_notebook_keeps_picture_and_sentence(lang, speak):
    speak(lang)
    shown = widget.explorer_lab(eps_pi=0.02)
    bundle = shown._repr_mimebundle_()
    assert bundle["text/plain"] == explorer.sentence(widget.START | {"eps_pi": 0.02})
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert len(bundle["image/png"]) < 120_000
    assert Image.open(io.BytesIO(bundle["image/png"])).width == 920


@pytest.mark.parametrize("values", SENTENCES)
def test_every_still_picture_draws(values):
    explorer.draw(values).savefig(io.BytesIO(), format="png")


def test_still_picture_marks_the_values():
    left, right = explorer.draw(widget.START).axes
    marks = {
        (float(line.get_xdata()[0]), round(float(line.get_ydata()[0]), 6))
        for line in (*left.lines, *right.lines)
        if line.get_marker() in ("o", "D")
    }
    shown = explorer.numbers(widget.START)
    drawn = ("branched", "on_policy", "tight", "whole")
    heights = [shown[name] / shown["trivial"] for name in drawn]
    expected = [(0.1, shown["ratio"]), *((5, h) for h in heights), (22, shown["least_ratio"])]
    assert marks == {(x, round(height, 6)) for x, height in expected}


@pytest.mark.parametrize(
    ("lang", "named"), [("en", "k* = 22: 0.3185×"), ("zh", "k* = 22：0.3185×")]
)
def test_the_best_length_is_named_in_the_language(lang, named, speak, monkeypatch):
    speak(lang)
    monkeypatch.setattr(
        explorer.style, "words", language.text
    )  # whether or not there is a Chinese font
    _, right = explorer.draw(widget.START).axes
    assert named in [text.get_text() for text in right.texts]


def test_moving_and_switching_language_reach_the_page(speak):
    speak("en")
    shown = widget.explorer_lab()
    shown.move(k=7, gamma=0.95)
    assert shown.page.values == widget.START | {"k": 7, "gamma": 0.95}
    assert "k = 7" in shown.sentence
    language.use("zh")
    assert shown.page.words["lang"] == "zh"
    assert shown.page.words["eps_pi"] == "策略偏移 ε_π"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"gamma": 1.0}, r"gamma must be in \[0.0, 0.995\], not 1.0"),
        ({"eps_m": math.nan}, r"eps_m must be in \[0.0, 1.0\], not nan"),
        ({"k": 2.5}, r"k must be a whole number in \[0, 100\], not 2.5"),
        ({"k": 101}, "k must be a whole number"),
        ({"epsilon": 0.1}, "epsilon is not a slider; sliders are gamma, r_max"),
    ],
)
def test_bad_values_are_refused_by_name(values, message):
    with pytest.raises(ValueError, match=message):
        widget.explorer_lab(**values)

"""The bound explorer in a page without a kernel: the same file, and a model of a few lines."""

import json
import math
from pathlib import Path

import pytest

import driver
from labs import as_set
from mbpo_teach.figures import explorer
from mbpo_teach.ground import language
from mbpo_teach.widgets import bound_explorer as widget

PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>The bound explorer</title>
<style>body { margin: 16px; %(style)s }</style>
<div id="explorer"></div>
<script type="module">
import explorer from "./bound_explorer.js";
const state = %(state)s;
const listeners = {};
const model = {
  get: (name) => state[name],
  set: (name, value) => { state[name] = value; },
  save_changes: () => { window.saved = structuredClone(state.values); },
  on: (event, listener) => { listeners[event] = listener; },
  off: (event) => { delete listeners[event]; },
};
window.change = (name, value) => { state[name] = value; listeners[`change:${name}`](); };
window.cleanUp = explorer.render({ model, el: document.querySelector("#explorer") });
window.listeners = listeners;
</script></html>"""

NEXT = {"eps_pi": 0.11, "eps_m": 0.011, "eps_m_prime": 0.011, "gamma": 0.91, "r_max": 1.1, "k": 6}


@pytest.fixture
def visit(chromium):
    """Open the static page; every complaint of the browser fails the test."""
    complaints, pages = [], []

    def visit(values=widget.START, width=940, style=""):
        page = chromium.new_page(viewport={"width": width, "height": 900})
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        state = {"values": values, "start": values, "plays": ["k"], "words": widget.words()}
        state = json.dumps(state)
        content = PAGE % {"state": state, "style": style}

        def answer(route):
            if route.request.url.endswith(".js"):
                name = route.request.url.rpartition("/")[2]
                module = (Path(widget.__file__).parent / name).read_text("utf-8")
                route.fulfill(body=module, content_type="text/javascript; charset=utf-8")
            else:
                route.fulfill(body=content, content_type="text/html; charset=utf-8")

        page.route("**/*", answer)
        page.goto("http://static.test/")
        page.wait_for_selector("svg[data-state]")
        pages.append(page)
        return page

    yield visit
    for page in pages:
        page.close()
    assert complaints == []


def shown(page):
    """Return the values and numbers of the picture, which must be those of the sentence."""
    svg, said = page.locator("svg"), page.locator(".said")
    values = json.loads(svg.get_attribute("data-state"))
    assert json.loads(said.get_attribute("data-state")) == values
    texts = [said.text_content(), page.locator(".more > p").text_content()]
    assert texts == [as_set(each) for each in explorer.sentences(values)]
    return values, json.loads(svg.get_attribute("data-numbers"))


def test_every_slider_moves_sentence_and_picture_by_keyboard(visit, lang):
    page = visit()
    assert shown(page)[0] == widget.START
    expected = dict(widget.START)
    for name in ("eps_pi", "eps_m", "gamma", "r_max", "eps_m_prime", "k"):
        before = page.locator("svg").inner_html()
        page.focus(f"input[type=range][data-name={name}]")
        page.keyboard.press("ArrowRight")
        expected[name] = NEXT[name]
        values, numbers = shown(page)
        assert values == pytest.approx(expected)
        assert numbers == pytest.approx(explorer.numbers(expected))
        assert page.locator(f"input[type=text][data-name={name}]").input_value() == str(NEXT[name])
        assert page.locator("svg").inner_html() != before
    assert page.evaluate("saved") == pytest.approx(expected)


def test_marks_stand_where_the_numbers_put_them(visit, lang):
    page = visit()
    numbers = explorer.numbers(widget.START)
    for name in ("bound", "branched", "on_policy", "tight", "whole"):
        ratio = numbers[name] / numbers["trivial"]
        # 290 pixels high; 0.6 of them linear up to 1, the rest logarithmic up to 1000.
        share = 0.6 * ratio if ratio <= 1 else 0.6 + 0.4 * math.log(ratio, 1000)
        mark = page.locator(f"[data-mark={name}]")
        assert float(mark.get_attribute("cy")) == pytest.approx(290 * (1 - share))


def test_keys_reach_both_ends_of_every_slider(visit):
    page = visit()
    for name, limits in widget.LIMITS.items():
        for key, limit in zip(("Home", "End"), limits, strict=True):
            page.focus(f"input[type=range][data-name={name}]")
            page.keyboard.press(key)
            assert shown(page)[0][name] == limit
            assert "NaN" not in page.locator("svg").inner_html()


@pytest.mark.parametrize(
    ("typed", "used", "complains"),
    [
        ("0.0123", 0.0123, False),
        ("0,02", 0.02, False),
        ("０．０５", 0.05, False),
        ("1e-3", 0.001, False),
        ("7", 1, True),
        ("-1", 0, True),
        ("", 0.1, True),
        ("abc", 0.1, True),
        ("NaN", 0.1, True),
        ("Infinity", 1, True),
    ],
)
def test_number_boxes_take_any_value_and_say_what_they_change(visit, lang, typed, used, complains):
    page = visit()
    box = page.locator("input[type=text][data-name=eps_pi]")
    box.fill(typed)
    box.press("Enter")
    assert shown(page)[0] == widget.START | {"eps_pi": used}
    assert box.input_value() == f"{used:g}"
    key = "clamped" if typed in ("7", "-1", "Infinity") else "not_a_number"
    name = language.text("explorer.eps_pi")
    said = language.text(f"panel.{key}", name=name, low=0, high=1, value=f"{used:g}")
    assert page.locator("[role=alert]").text_content() == (as_set(said) if complains else "")


def test_k_is_rounded_and_said(visit):
    page = visit()
    box = page.locator("input[type=text][data-name=k]")
    box.fill("7.6")
    box.press("Enter")
    assert shown(page)[0]["k"] == 8
    assert page.locator("[role=alert]").text_content() != ""


@pytest.mark.parametrize(
    ("changes", "mark"),
    [
        ({}, "k* = 22: 0.3185×"),
        ({"eps_m_prime": 0.2}, "k* = 0: 1×"),
        ({"gamma": 0.99}, "k* = 230 →"),
        ({"eps_m_prime": 0}, "k* = ∞ →"),
    ],
)
def test_best_length_is_named_even_where_it_cannot_be_drawn(visit, lang, changes, mark):
    page = visit(widget.START | changes)
    said = mark.replace(": ", "：") if lang == "zh" else mark
    assert page.get_by_text(said, exact=True).is_visible()
    star = page.locator("[data-mark=best]")
    assert star.is_visible() == ("→" not in mark)


def test_the_pointer_reads_the_penalty_at_any_length(visit, lang):
    page = visit(width=940)
    area = page.locator("svg rect[fill=transparent]").nth(1)
    size = area.bounding_box()
    area.hover(position={"x": 0.3 * size["width"], "y": 60})
    penalty = explorer.numbers(widget.START | {"k": 30})
    ratio = explorer.number(penalty["on_policy"] / penalty["trivial"])
    said = page.locator("[data-mark=read]").nth(1)
    assert said.text_content() == language.text("explorer.here_k", k=30, ratio=ratio)
    page.mouse.move(2, 2)
    assert said.text_content() == ""


def test_words_and_values_change_live(visit, lang):
    page = visit()
    other = "zh" if lang == "en" else "en"
    language.use(other)
    page.evaluate("words => change('words', words)", widget.words())
    shown(page)  # the sentence is in the other language
    assert page.get_by_text(language.text("explorer.right")).is_visible()
    page.evaluate("values => change('values', values)", widget.START | {"k": 50})
    assert shown(page)[0]["k"] == 50
    page.evaluate("cleanUp()")
    assert page.evaluate("Object.keys(listeners)") == []


def test_every_control_has_a_name_in_full_words(visit, lang):
    page = visit()
    for name in widget.LIMITS:
        words = language.text(f"explorer.{name}").replace("_", "")
        assert page.get_by_role("slider", name=words, exact=True).count() == 1
        number = language.text("panel.number", name=language.text(f"explorer.{name}"))
        assert page.get_by_role("textbox", name=number, exact=True).count() == 1


CORNERS = {
    "start": {},
    "zero": {"gamma": 0, "eps_m": 0, "eps_m_prime": 0, "eps_pi": 0, "k": 0},
    "one": {"gamma": 0.995, "eps_m": 1, "eps_m_prime": 1, "eps_pi": 1, "k": 100, "r_max": 10},
    "endless": {"gamma": 0.99, "eps_m_prime": 0, "k": 60},
    "together": {"eps_pi": 0, "eps_m": 0.3, "eps_m_prime": 0.3, "k": 50},
}


@pytest.mark.parametrize("width", [600, 940])
@pytest.mark.parametrize("corner", CORNERS)
def test_nothing_leaves_the_picture_or_jumps(visit, lang, artefacts, width, corner):
    page = visit(width=width, style=driver.DARK if width == 600 else "")
    height = page.locator("svg").bounding_box()["height"]
    page.evaluate("values => change('values', values)", widget.START | CORNERS[corner])
    assert page.locator("svg").bounding_box()["height"] == height
    outer = page.locator("svg").bounding_box()
    for box in page.evaluate(BOXES):
        assert outer["x"] - 1 <= box["left"] and box["right"] <= outer["x"] + outer["width"] + 1, (
            box
        )
    for one, other in page.evaluate(OVERLAPS):
        pytest.fail(f"{one!r} and {other!r} overlap")
    picture = artefacts / f"explorer-static-{corner}-{lang}-{width}.png"
    page.locator(".mbpo-explorer").screenshot(path=picture)


BOXES = """() => [...document.querySelectorAll('svg text, svg circle')].map((node) => {
  const { left, right } = node.getBoundingClientRect();
  return { left, right, text: node.textContent };
})"""

OVERLAPS = """() => {
  const texts = [...document.querySelectorAll('svg text')].filter((node) => node.textContent);
  const boxes = texts.map((node) => node.getBoundingClientRect());
  const meet = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
    && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 4;
  const found = [];
  for (let i = 0; i < texts.length; i++)
    for (let j = 0; j < i; j++)
      if (meet(boxes[i], boxes[j])) found.push([texts[i].textContent, texts[j].textContent]);
  return found;
}"""

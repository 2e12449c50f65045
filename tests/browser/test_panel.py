"""The panel around every lab's picture, in a page without a kernel: names, keys, typed numbers."""

import json
from pathlib import Path

import pytest

import driver
from mbpo_teach.ground import language
from mbpo_teach.widgets import lab as widget

FOLDER = Path(widget.__file__).parent
PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>A panel</title>
<style>body { margin: 16px; %(style)s }</style>
<div id="lab"></div>
<script type="module">
import panel from "./panel.js";
const state = %(state)s;
const listeners = {};
window.state = state;
const model = {
  get: (name) => state[name],
  set: (name, value) => {
    state[name] = value;
    listeners[`change:${name}`]?.();
  },
  save_changes: () => {},
  on: (event, listener) => { listeners[event] = listener; },
  off: (event) => { delete listeners[event]; },
};
window.model = model;
window.cleanUp = panel.render({ model, el: document.querySelector("#lab") });
window.listeners = listeners;
</script></html>"""

CONTROLS = (
    widget.Slider(name="gamma", words="exact_lab.gamma", low=0, high=0.95, step=0.05, value=0.8),
    widget.Slider(name="k", words="branches.k_slider", low=0, high=20, step=1, value=5),
    widget.Choice(name="count", words="branches.count", options=(0.01, 300, 30_000), value=300),
    widget.Slider(name="eps_m", words="exact_lab.eps_m", low=0, high=0.3, step=0.005, value=0.02),
    widget.Switch(name="measured", words="branches.measured"),
)
START = {control.name: control.value for control in CONTROLS}


@pytest.fixture
def visit(chromium):
    """Open a panel of all kinds of controls; every complaint of the browser fails the test."""
    complaints, contexts = [], []

    def visit(width=900, style="", density=1, locked=(), lang="", asks=(), **media):
        labels = {control.name: language.text(control.words) for control in CONTROLS}
        state = {
            "controls": [control.on_page() for control in CONTROLS],
            "start": START,
            "values": START,
            "settings": [{"k": 20, "gamma": 0.9}],
            "plays": ["k"],
            "words": widget.panel_words(labels, ["branches.total"])
            | {"guess": language.text("start.guess")},
            "lang": lang,
            "locked": list(locked),
            "asks": asks,
            "guess": None,
            "frame": {},
            "page": {},
        }
        context = chromium.new_context(
            viewport={"width": width + 32, "height": 700}, device_scale_factor=density, **media
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        content = PAGE % {"state": json.dumps(state), "style": style}

        def answer(route):
            name = route.request.url.rpartition("/")[2]
            if name.endswith(".js"):
                body = (FOLDER / name).read_text("utf-8")
                route.fulfill(body=body, content_type="text/javascript; charset=utf-8")
            else:
                route.fulfill(body=content, content_type="text/html; charset=utf-8")

        page.route("**/*", answer)
        page.goto("http://panel.test/")
        page.wait_for_function("() => window.cleanUp")
        return page

    yield visit
    for context in contexts:
        context.close()
    assert complaints == []


def values(page):
    return page.evaluate("state.values")


def box(page, name):
    return page.locator(f"input[type=text][data-name={name}]")


def handle(page, name):
    return page.locator(f"input[type=range][data-name={name}]")


def test_every_control_is_named_and_says_its_range(visit, lang):
    page = visit()
    for control in CONTROLS[:-1]:
        words = language.text(control.words)
        name = words.replace("_", "")
        assert page.get_by_role("slider", name=name, exact=True).count() == 1
        number = language.text("panel.number", name=words)
        assert page.get_by_role("textbox", name=number, exact=True).count() == 1
        stops = control.on_page()["stops"]
        told = page.locator("#" + handle(page, control.name).get_attribute("aria-describedby"))
        said = language.text("panel.range", low=f"{stops[0]:g}", high=f"{stops[-1]:g}")
        assert told.text_content() == said
    ticked = language.text("branches.measured")
    assert page.get_by_role("checkbox", name=ticked, exact=True).count() == 1
    assert page.locator("label[for] sub").text_content() == "m"


def test_values_are_spoken_as_they_are_shown(visit):
    page = visit()
    spoken = {}
    for name, key in (("gamma", "ArrowRight"), ("count", "End"), ("eps_m", "ArrowRight")):
        handle(page, name).focus()
        page.keyboard.press(key)
        spoken[name] = handle(page, name).get_attribute("aria-valuetext")
        assert box(page, name).input_value() == spoken[name]
    assert spoken == {"gamma": "0.85", "count": "30000", "eps_m": "0.025"}
    assert values(page) == START | {"gamma": 0.85, "count": 30_000, "eps_m": 0.025}


@pytest.mark.parametrize(
    ("name", "typed", "used", "key"),
    [
        ("eps_m", "0.0123", 0.0123, None),
        ("eps_m", "0,02", 0.02, None),
        ("eps_m", " ０．０５ ", 0.05, None),
        ("eps_m", "1e-3", 0.001, None),
        ("eps_m", "7", 0.3, "clamped"),
        ("eps_m", "−1", 0, "clamped"),
        ("eps_m", "abc", 0.02, "not_a_number"),
        ("eps_m", "", 0.02, "not_a_number"),
        ("k", "2.7", 3, "rounded"),
        ("k", "7,0", 7, None),
        ("count", "30000", 30_000, None),
        ("count", "20000", 30_000, "nearest"),
        ("count", "0,01", 0.01, None),
    ],
)
def test_typed_numbers_are_kept_or_corrected_with_a_word(visit, lang, name, typed, used, key):
    page = visit()
    box(page, name).fill(typed)
    box(page, name).press("Enter")
    assert values(page) == START | {name: used}
    assert box(page, name).input_value() == f"{used:g}"
    notice = page.locator("[role=alert]")
    assert notice.is_visible() == (key is not None)
    if key is not None:
        control = next(each for each in CONTROLS if each.name == name)
        stops = control.on_page()["stops"]
        said = language.text(
            f"panel.{key}",
            name=language.text(control.words),
            low=f"{stops[0]:g}",
            high=f"{stops[-1]:g}",
            value=f"{used:g}",
            typed=typed.strip(),
        )
        assert notice.text_content() == said.replace("_", "")
        handle(page, "k").press("ArrowLeft")
        assert not notice.is_visible()


def test_thousands_may_be_grouped_where_numbers_are_whole():
    whole = widget.Choice(name="n", words="", options=(1_000, 30_000), value=1_000)
    assert whole.on_page()["whole"]
    assert not CONTROLS[2].on_page()["whole"]


def test_an_arrow_goes_on_from_a_typed_value(visit):
    page = visit()
    box(page, "eps_m").fill("0.0123")
    box(page, "eps_m").press("Enter")
    handle(page, "eps_m").press("ArrowRight")
    assert values(page)["eps_m"] == 0.015


def test_what_is_locked_cannot_be_moved(visit):
    page = visit(locked=["k"])
    assert handle(page, "k").is_disabled() and box(page, "k").is_disabled()
    assert not handle(page, "gamma").is_disabled()
    page.evaluate("model.set('locked', [])")
    assert not handle(page, "k").is_disabled()


def test_buttons_set_named_values_and_go_back(visit, lang):
    page = visit()
    page.get_by_role("button", name=language.text("branches.total")).click()
    assert values(page) == START | {"k": 20, "gamma": 0.9}
    page.get_by_role("checkbox").check()
    assert values(page)["measured"] is True
    page.get_by_role("button", name=language.text("panel.reset"), exact=True).click()
    assert values(page) == START
    assert not page.get_by_role("checkbox").is_checked()


def play(page):
    name = language.text("branches.k_slider")
    return page.get_by_role("button", name=language.text("panel.play", name=name), exact=True)


def test_k_plays_to_its_end_and_stops_there(visit, lang):
    page = visit()
    play(page).click()
    assert not play(page).is_visible()  # it says "stop" now
    page.wait_for_function("() => state.values.k === 20")
    play(page).wait_for()
    play(page).click()  # from the beginning again, and by hand no further
    page.wait_for_function("() => state.values.k === 2")
    handle(page, "gamma").press("ArrowRight")
    stopped = values(page)["k"]
    page.wait_for_timeout(700)
    assert values(page)["k"] == stopped < 20


def test_who_wants_less_motion_plays_step_by_step(visit):
    page = visit(reduced_motion="reduce")
    play(page).click()
    page.wait_for_timeout(700)
    assert values(page)["k"] == 6


def test_the_sentence_is_announced_once_when_the_hand_rests(visit):
    page = visit()
    page.evaluate(
        """() => {
          window.said = [];
          const status = document.querySelector('[role=status]');
          new MutationObserver(() => window.said.push(status.textContent))
            .observe(status, { childList: true });
        }"""
    )
    frame = "(k) => model.set('frame', { png: window.png, sentence: `k ${k}`, more: 'and more',"
    frame += " state: `${k}`, page: { density: 1 } })"
    page.evaluate(
        """async () => {
          const canvas = new OffscreenCanvas(8, 4);
            canvas.getContext('2d');
            const blob = await canvas.convertToBlob();
          window.png = new Uint8Array(await blob.arrayBuffer());
        }"""
    )
    page.evaluate(frame, 0)
    page.wait_for_function("document.querySelector('canvas').dataset.state === '0'")
    page.wait_for_timeout(900)
    assert page.evaluate("said") == []  # nobody has moved anything
    for k in (6, 7, 8):
        handle(page, "k").press("ArrowRight")
        page.evaluate(frame, k)
        page.wait_for_function(f"document.querySelector('canvas').dataset.state === '{k}'")
    page.wait_for_timeout(900)
    assert page.evaluate("said") == ["k 8"]
    assert page.locator("[role=status], [aria-live]").count() == 1
    assert page.locator(".more p").text_content() == "and more"
    assert not page.locator(".more p").is_visible()


def test_targets_are_large_enough(visit, lang):
    page = visit(lang=lang)
    small = page.evaluate(
        """() => [...document.querySelectorAll('input, button')].map((node) => {
          const { width, height } = node.getBoundingClientRect();
          return [node.outerHTML.slice(0, 90), width, height];
        }).filter(([, width, height]) => width < 24 || height < 24)"""
    )
    assert small == []


@pytest.mark.parametrize(("width", "columns"), [(400, 1), (590, 1), (700, 2), (900, 3), (1060, 3)])
def test_controls_stand_in_columns_by_width(visit, width, columns):
    page = visit(width=width)
    places = page.locator(".control").evaluate_all("nodes => nodes.map((n) => n.offsetLeft)")
    assert len(set(places)) == columns
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("style", ["", driver.DARK], ids=["light", "dark"])
def test_track_handle_and_focus_can_be_seen(visit, style):
    """WCAG asks for 3:1; what the style sheet says, against the page's own paper."""
    page = visit(style=style)
    page.wait_for_function(
        "dark => document.querySelector('.mbpo-lab').classList.contains('dark') === dark",
        arg=bool(style),
    )
    colours = page.evaluate(
        """() => {
          const style = getComputedStyle(document.querySelector('.mbpo-lab'));
          return ['--blue', '--edge'].map((name) => style.getPropertyValue(name).trim());
        }"""
    )
    paper = "#111111" if style else "#FFFFFF"
    for colour in colours:
        assert contrast(colour, paper) >= 3, colour
    handle(page, "k").focus()
    page.keyboard.press("ArrowRight")  # a key: then the focus is one that is shown
    outline = handle(page, "k").evaluate("node => getComputedStyle(node).outline")
    assert "3px" in outline and "solid" in outline


def contrast(one, other):
    levels = sorted(luminance(colour) for colour in (one, other))
    return (levels[1] + 0.05) / (levels[0] + 0.05)


def luminance(colour):
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("density", [1, 2])
@pytest.mark.parametrize("style", ["", driver.DARK], ids=["light", "dark"])
def test_python_is_told_the_page(visit, style, density):
    page = visit(width=700, style=style, density=density)
    expected = {"dark": bool(style), "density": density, "width": 680}
    assert page.evaluate("state.page") == expected
    page.set_viewport_size({"width": 432, "height": 700})
    page.wait_for_function("() => state.page.width === 380")
    page.evaluate("document.body.dataset.jpThemeLight = 'false'")
    page.wait_for_function("() => state.page.dark === true")


def test_a_lab_out_of_sight_asks_for_no_picture_until_it_is_seen(visit):
    page = visit(style="padding-top: 3000px")
    page.wait_for_timeout(500)
    assert page.evaluate("state.page") == {}
    page.locator(".mbpo-lab").scroll_into_view_if_needed()
    page.wait_for_function("() => state.page.width > 0")


def test_nothing_listens_when_the_lab_is_gone(visit):
    page = visit()
    page.evaluate("cleanUp()")
    assert page.evaluate("Object.keys(listeners)") == []


def test_every_language_button_says_its_language(visit, lang):
    page = visit(lang=lang)
    for spoken, name in (("en", "English"), ("zh", "中文")):
        button = page.get_by_role("button", name=name, exact=True)
        assert button.get_attribute("aria-pressed") == str(spoken == lang).lower()
        assert button.get_attribute("lang") == spoken
    page.get_by_role("button", name="中文" if lang == "en" else "English", exact=True).click()
    assert page.evaluate("state.lang") == ("zh" if lang == "en" else "en")


def test_a_guess_is_asked_for_kept_and_corrected_with_a_word(visit, lang):
    page = visit(asks=(0, 120))
    box = page.get_by_role("textbox", name=language.text("start.guess"), exact=True)
    notice = page.locator("[role=alert]")
    for typed, guess, said in (
        ("300", None, language.text("panel.guess_range", low=0, high=120)),
        ("52,5", 52.5, language.text("panel.guessed")),
        ("many", 52.5, language.text("panel.guess_range", low=0, high=120)),
    ):
        box.fill(typed)
        box.press("Enter")
        assert page.evaluate("state.guess") == guess
        assert notice.text_content() == said
    assert values(page) == START


def test_the_pointer_reads_numbers_off_the_picture(visit):
    page = visit()
    page.evaluate(
        """async () => {
          const canvas = new OffscreenCanvas(400, 200);
          canvas.getContext('2d');
          const blob = await canvas.convertToBlob();
          const png = new Uint8Array(await blob.arrayBuffer());
          const scales = [{ box: [0.25, 0, 0.75, 0.5], limits: [[0, 40], [0.01, 100]],
            log: [false, true] }];
          model.set('frame', { png, scales, sentence: '', more: '', state: '0',
            page: { density: 1 } });
        }"""
    )
    page.wait_for_function("document.querySelector('canvas').dataset.state === '0'")
    picture, read = page.locator("canvas"), page.locator(".read")
    picture.hover(position={"x": 200, "y": 50})
    assert read.text_content() == "20, 1"
    picture.hover(position={"x": 100, "y": 199})
    assert read.text_content() == ""

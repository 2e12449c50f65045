import io
import json
import threading
import time
from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from mbpo_teach.figures import style
from mbpo_teach.figures.plate import Plate
from mbpo_teach.figures.still import Still
from mbpo_teach.ground import language
from mbpo_teach.widgets.lab import Choice, Guess, Lab, Slider, Switch


@pytest.fixture(autouse=True)
def english(monkeypatch):
    monkeypatch.setattr(language, "_chosen", ["en"])
    monkeypatch.setattr(language, "_listeners", [])


@pytest.fixture(autouse=True)
def words(monkeypatch):
    known = language.catalogue() | {
        "toy.k": {"en": "Rollout length k", "zh": "分支推演长度 k"},
        "toy.error": {"en": "Model error", "zh": "模型误差"},
        "toy.say": {"en": "k is {k}", "zh": "k 等于 {k}"},
    }
    monkeypatch.setattr(language, "catalogue", lambda: known)


def line_plate(level=0.0):
    with style.style():
        figure = Figure(figsize=(3, 2))
        axes = figure.add_subplot(xlim=(0, 1), ylim=(0, 10))
        (line,) = axes.plot([0, 1], [level, level], color=style.RED, linewidth=3)
    return Plate(figure, [line]), line


def make_view():
    plate, line = line_plate()

    def view(k, error):
        line.set_ydata([k, k])
        return plate, language.text("toy.say", k=k)

    return view


def lab():
    return Lab(
        [
            Slider(name="k", words="toy.k", low=0, high=10, step=1, value=3),
            Choice(name="error", words="toy.error", options=(0.01, 0.1, 1.0), value=0.1),
        ],
        make_view,
    )


# The plate.


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def rows_of_red(image):
    red = np.array(mpl.colors.to_rgb(style.RED)) * 255
    return np.flatnonzero((np.abs(image - red).max(axis=2) < 40).any(axis=1))


def test_a_frame_equals_the_figure_drawn_from_nothing():
    plate, line = line_plate(level=2.0)
    line.set_ydata([7.0, 7.0])
    fresh, _ = line_plate(level=7.0)
    np.testing.assert_array_equal(pixels(plate.png()), pixels(fresh.png()))


def test_an_artist_that_moved_leaves_no_trace():
    plate, line = line_plate(level=2.0)
    before = rows_of_red(pixels(plate.png()))
    line.set_ydata([8.0, 8.0])
    after = rows_of_red(pixels(plate.png()))
    assert len(before) and len(after)
    assert after.max() < before.min()  # higher up, and nothing left below


def test_a_frame_costs_no_layout():
    """The axes stand still: a label that grows must not push them about."""
    plate, _ = line_plate()
    axes = plate.figure.axes[0]
    place = axes.get_position().bounds
    axes.set_ylabel("a much longer label\nthan before")
    plate.refresh()
    assert axes.get_position().bounds == place


def test_refresh_draws_the_fixed_parts_again():
    plate, _ = line_plate()
    before = pixels(plate.png())
    plate.figure.axes[0].set_title("new")
    np.testing.assert_array_equal(pixels(plate.png()), before)
    plate.refresh()
    assert (pixels(plate.png()) != before).any()


def test_image_and_png_show_the_same():
    """The PNG has 256 colours; nobody sees the difference."""
    plate, _ = line_plate()
    np.testing.assert_allclose(np.asarray(plate.image()), pixels(plate.png()), atol=20)


# The style.


def test_figures_use_chinese_words_where_there_is_a_font(monkeypatch):
    language.use("zh")
    monkeypatch.setattr(style, "cjk_font", lambda: "Some CJK Font")
    assert style.words("toy.k") == "分支推演长度 k"


def test_figures_fall_back_to_english_without_a_chinese_font(monkeypatch):
    language.use("zh")
    monkeypatch.setattr(style, "cjk_font", lambda: None)
    assert style.words("toy.k") == "Rollout length k"
    with style.style():
        assert mpl.rcParams["font.family"] == ["DejaVu Sans"]


def test_the_style_ends_with_its_block():
    mpl.get_backend()  # looking it up settles it, and changes rcParams
    before = dict(mpl.rcParams)
    with style.style():
        assert mpl.rcParams["axes.spines.top"] is False
    assert dict(mpl.rcParams) == before
    assert mpl.rcParams["axes.spines.top"] is True


def test_the_font_found_has_chinese_characters():
    name = style.cjk_font()
    if name is None:
        pytest.skip("no Chinese font is installed")
    font = mpl.font_manager.get_font(mpl.font_manager.findfont(name))
    assert all(ord(character) in font.get_charmap() for character in "策略偏移模型误差推演")


def test_any_installed_font_with_chinese_characters_is_found(monkeypatch):
    """Systems call theirs by many names; matplotlib's own placeholder for all letters is none."""
    name = style.cjk_font()
    if name is None:
        pytest.skip("no Chinese font is installed")
    every = mpl.font_manager.fontManager.ttflist
    chinese = replace(next(font for font in every if font.name == name), name="Nobody's Song")
    latin = [font for font in every if font.name.startswith(("DejaVu", "Last Resort"))]
    for fonts, found in (([*latin, chinese], "Nobody's Song"), (latin, None)):
        style.cjk_font.cache_clear()
        monkeypatch.setattr(mpl.font_manager.fontManager, "ttflist", fonts)
        assert style.cjk_font() == found
    style.cjk_font.cache_clear()


# Sliders.


def test_a_value_outside_the_slider_is_refused():
    with pytest.raises(ValueError, match=r"value of slider 'k' must be in \[0, 10\], not 11"):
        Slider(name="k", words="toy.k", low=0, high=10, step=1, value=11)


@pytest.mark.parametrize("step", [0, -0.1])
def test_a_slider_that_cannot_move_is_refused(step):
    with pytest.raises(ValueError, match=f"step of slider 'k' must be positive, not {step}"):
        Slider(name="k", words="toy.k", low=0, high=10, step=step, value=3)


def test_a_choice_gives_its_option_to_the_last_digit():
    """Views look recorded runs up by it, and 0.1 + 0.2 is not 0.3."""
    options = (0.1 + 0.2, 1 / 3)
    toy = Lab(
        [Choice(name="error", words="toy.error", options=options, value=options[0])], one_view
    )
    assert toy.values == {"error": options[0]}
    toy.move(error=options[1])
    assert toy.values == {"error": options[1]}


def one_view():
    plate, _ = line_plate()
    return lambda error: (plate, "")


def test_a_value_outside_the_choice_is_refused():
    with pytest.raises(ValueError, match=r"value of choice 'k' must be one of \(1, 2\), not 3"):
        Choice(name="k", words="toy.k", options=(1, 2), value=3)


@pytest.mark.parametrize(("step", "kind"), [(1, int), (0.5, float)])
def test_a_whole_step_gives_whole_numbers(step, kind):
    slider = Slider(name="k", words="toy.k", low=0, high=10, step=step, value=3)
    assert type(slider.taken(3.0)) is kind and type(slider.taken(3)) is kind
    assert slider.on_page()["whole"] == (kind is int)


def test_the_stops_of_a_slider_are_plain_decimals_from_end_to_end():
    slider = Slider(name="x", words="toy.k", low=0.0, high=0.7, step=0.1, value=0.5)
    assert slider.on_page()["stops"] == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]
    assert slider.on_page()["stops"][3] != 3 * 0.1  # which is 0.30000000000000004


@pytest.mark.parametrize("value", [-1, 11, 2.5, float("nan")])
def test_a_lab_is_not_moved_where_its_slider_cannot_go(value):
    made = lab()
    said = rf"value of slider 'k' must be a whole number in \[0, 10\], not {value}"
    with pytest.raises(ValueError, match=said):
        made.move(k=value)
    with pytest.raises(ValueError, match=r"value of choice 'error' must be one of"):
        made.move(error=0.2)
    with pytest.raises(ValueError, match="gamma is not a slider; sliders are k, error"):
        made.move(gamma=0.5)
    assert made.values == dict(made.panel.values) == {"k": 3, "error": 0.1}


def test_a_slider_takes_what_lies_between_its_stops():
    slider = Slider(name="x", words="toy.k", low=0.0, high=1.0, step=0.25, value=0.5)
    assert slider.taken(0.0123) == 0.0123


# The lab.


def test_a_lab_starts_at_its_sliders_values():
    made = lab()
    assert made.values == {"k": 3, "error": 0.1}
    assert made.sentence == "k is 3"


def test_picture_sentence_and_state_change_in_one_message():
    made = lab()
    frames = []
    made.panel.observe(lambda change: frames.append(change["new"]), "frame")
    before = made.panel.frame["png"]
    made.move(k=7)
    assert len(frames) == 1
    assert frames[0]["sentence"] == "k is 7"
    assert json.loads(frames[0]["state"]) == {"k": 7, "error": 0.1}
    assert frames[0]["png"] != before


def test_each_slider_redraws_with_its_own_value():
    made = lab()
    made.move(error=1.0)
    assert json.loads(made.panel.frame["state"]) == {"k": 3, "error": 1.0}


def test_no_figure_is_made_by_a_move(monkeypatch):
    made = lab()
    plate = made.plate
    made.move(k=9)
    assert made.plate is plate


def test_labels_and_words_of_the_panel_speak_the_language():
    made = lab()
    assert made.panel.words["labels"] == {"k": "Rollout length k", "error": "Model error"}
    assert made.panel.words["number"] == "{name}, as a number"
    language.use("zh")
    assert made.panel.words["labels"] == {"k": "分支推演长度 k", "error": "模型误差"}
    assert (made.panel.words["lang"], made.panel.lang) == ("zh", "zh")
    assert made.sentence == made.panel.frame["sentence"] == "k 等于 3"


def test_a_switch_of_language_keeps_the_sliders():
    made = lab()
    made.move(k=8)
    language.use("zh")
    assert made.values["k"] == 8
    assert made.sentence == "k 等于 8"


def test_every_panel_follows_the_language_button_of_one(monkeypatch):
    labs = [lab() for _ in range(4)]
    drawn = []
    for each in labs:
        each.panel.observe(lambda change: drawn.append(change["owner"]), "frame")
    labs[1].panel.lang = "zh"
    assert [each.panel.lang for each in labs] == ["zh"] * 4
    assert language.current() == "zh"
    assert len(drawn) == 4  # each once


def test_a_reader_without_a_kernel_gets_picture_and_sentence():
    bundle = lab()._repr_mimebundle_()
    assert bundle["text/plain"] == "k is 3"
    assert bundle["image/png"].startswith(b"\x89PNG")
    assert "application/vnd.jupyter.widget-view+json" in bundle


def test_the_stored_picture_is_the_present_one():
    made = lab()
    made.move(k=9)
    bundle = made._repr_mimebundle_()
    np.testing.assert_array_equal(pixels(bundle["image/png"]), pixels(made.panel.frame["png"]))
    assert bundle["text/plain"] == "k is 9"


# A switch, and what it locks.


def lab_with_a_switch():
    controls = [
        Switch(name="measured", words="toy.say"),
        Slider(name="k", words="toy.k", low=0, high=10, step=1, value=3),
        Choice(name="error", words="toy.error", options=(0.01, 0.1, 1.0), value=0.1),
    ]

    def view_of(plate, line):
        def view(measured, k, error):
            line.set_ydata([k, k])
            return plate, f"{measured} {k}"

        return view

    return Lab(
        controls,
        lambda: view_of(*line_plate()),
        locked=lambda values: {"k": 7} if values["measured"] else {"error": values["error"]},
    )


@pytest.fixture
def switch_words(monkeypatch, words):
    known = language.catalogue() | {"toy.say": {"en": "As measured", "zh": "按测量值"}}
    monkeypatch.setattr(language, "catalogue", lambda: known)


def test_a_switch_gives_true_or_false_and_is_a_box_to_tick(switch_words):
    made = lab_with_a_switch()
    assert made.values["measured"] is False
    made.move(measured=True)
    assert made.values["measured"] is True
    assert json.loads(made.panel.frame["state"])["measured"] is True
    assert made.panel.controls[0] == {"name": "measured", "kind": "switch"}


def test_what_is_locked_shows_its_value_and_cannot_be_moved(switch_words):
    made = lab_with_a_switch()
    assert made.locked == ("error",)
    frames = []
    made.panel.observe(lambda change: frames.append(change["new"]["sentence"]), "frame")
    made.move(measured=True)
    assert frames == ["True 7"]  # one message, with the locked value in it
    assert made.locked == ("k",)
    assert made.panel.locked == ["k"]
    assert made.panel.values == {"measured": True, "k": 7, "error": 0.1}


def test_a_control_set_free_goes_back_to_where_the_reader_left_it(switch_words):
    made = lab_with_a_switch()
    made.move(k=5)
    made.move(measured=True)
    made.move(measured=False)
    assert made.values == {"measured": False, "k": 5, "error": 0.1}
    assert made.panel.locked == ["error"]


# Two threads: JupyterLab runs what a slider does beside the cell that is running.


def in_a_thread(work):
    """Start `work` in another thread; return the thread and what happens there, in order."""
    happened = []

    def run():
        happened.append("begun")
        work()
        happened.append("done")

    thread = threading.Thread(target=run)
    thread.start()
    while not happened:
        time.sleep(0.001)
    return thread, happened


def enter_style():
    with style.style():
        pass


@pytest.mark.parametrize(
    "name", ["style", "picture", "refresh", "still", "lab moves", "lab speaks", "lab is shown"]
)
def test_nothing_is_drawn_while_another_thread_draws(name):
    plate, _ = line_plate()
    still = Still(plate.figure, "a line")
    ours = lab()
    work = {
        "style": enter_style,
        "picture": plate.png,
        "refresh": plate.refresh,
        "still": still.png,
        "lab moves": lambda: ours.move(k=7),
        "lab speaks": lambda: language.use("zh"),
        "lab is shown": lambda: ours._repr_mimebundle_(),
    }[name]
    with style.style():
        thread, happened = in_a_thread(work)
        thread.join(0.2)
        assert happened == ["begun"]
    thread.join(30)
    assert happened == ["begun", "done"]


def test_a_figure_made_beside_a_moving_lab_is_the_same_as_one_made_alone():
    def pictures():
        return [make_view()(k, 0.1)[0].png() for k in range(10)]

    alone = pictures()
    moved = lab()
    stop = threading.Event()

    def move():
        while not stop.is_set():
            for k in range(10):
                moved.move(k=k)
            moved._speak()

    thread, _ = in_a_thread(move)
    try:
        assert all(pictures() == alone for _ in range(5))
    finally:
        stop.set()
        thread.join(30)


# The ghost of what was before.


def followed_lab():
    def make():
        plate, line = line_plate()
        plate = Plate(plate.figure, [line], [line])

        def view(k, error):
            line.set_ydata([k, k])
            return plate, language.text("toy.say", k=k)

        return view

    return Lab(list(lab()._controls.values()), make)


def ghost_of(made):
    (ghost,) = made.plate.ghosts.values()
    return list(ghost.get_ydata()) if ghost.get_visible() else None


def test_a_curve_leaves_its_ghost_where_the_hand_took_it_up(monkeypatch):
    made = followed_lab()
    assert ghost_of(made) is None
    made.move(k=5)
    made.move(k=7)  # the same movement
    assert ghost_of(made) == [3, 3]
    assert json.loads(made.panel.frame["before"]) == {"k": 3, "error": 0.1}
    monkeypatch.setattr("mbpo_teach.widgets.lab._RESTS", 0)
    made.move(k=9)
    assert ghost_of(made) == [7, 7]
    made.compare(None)
    assert ghost_of(made) is None and made.values["k"] == 9


def test_no_ghost_is_stored_and_another_page_keeps_it():
    made = followed_lab()
    made.move(k=5)
    fresh, _ = line_plate(level=5.0)
    np.testing.assert_array_equal(pixels(made.still()), pixels(fresh.png()))
    made.compare({"k": 4, "error": 0.1})
    made.panel.page = {"dark": True, "density": 2, "width": 400}
    assert ghost_of(made) == [4, 4]


# A guess.


def guessing_lab():
    def make():
        plate, line = line_plate()
        plate.let_guess(plate.figure.axes[0], "y")

        def view(k, error):
            line.set_ydata([k, k])
            return plate, language.text("toy.say", k=k)

        return view

    guess = Guess(words="toy.say", low=0, high=10)
    return Lab(list(lab()._controls.values()), make, guess=guess)


@pytest.fixture
def guess_words(monkeypatch, words):
    known = language.catalogue() | {"toy.say": {"en": "How high?", "zh": "多高？"}}
    monkeypatch.setattr(language, "catalogue", lambda: known)


def test_a_guess_is_drawn_when_the_lab_first_moves_and_not_before(guess_words):
    made = guessing_lab()
    assert made.panel.asks == [0, 10] and made.panel.words["guess"] == "How high?"
    line, name = made.plate._over
    made.panel.guess = 8.0
    assert not line.get_visible()
    made.move(k=4)
    assert line.get_visible() and list(line.get_ydata()) == [8, 8]
    assert name.get_text().strip() == "your guess"
    made.panel.page = {"dark": True, "density": 1, "width": 500}
    line, _ = made.plate._over
    assert line.get_visible() and list(line.get_ydata()) == [8, 8]


def test_nothing_is_drawn_where_nothing_was_guessed_and_no_guess_is_stored(guess_words):
    made = guessing_lab()
    made.move(k=4)
    assert not made.plate._over[0].get_visible()
    made.panel.guess = 8.0
    made.move(k=5)
    fresh, _ = line_plate(level=5.0)
    np.testing.assert_array_equal(pixels(made.still()), pixels(fresh.png()))


def test_other_labs_ask_nothing():
    assert lab().panel.asks == []

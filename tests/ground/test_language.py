import ast
import dataclasses
import re
import string
from pathlib import Path

import pytest

import mbpo_teach
from mbpo_teach.grading.exercise import of_chapter
from mbpo_teach.ground import language
from mbpo_teach.model.fit import FitConfig

PACKAGE = Path(mbpo_teach.__file__).parent
SOURCES = PACKAGE.parent / "notebooks" / "_source"
CHINESE = re.compile(r"[\u4e00-\u9fff]")

SPEAKERS = {"text", "say", "words"}


@pytest.fixture(autouse=True)
def nothing_chosen(monkeypatch):
    monkeypatch.setattr(language, "_chosen", [])
    monkeypatch.setattr(language, "_listeners", [])
    monkeypatch.delenv("MBPO_LANG", raising=False)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)


# Which language: the chosen one, MBPO_LANG, the notebook's folder, English.


def test_english_is_the_last_resort():
    assert language.current() == "en"


@pytest.mark.parametrize(
    ("path", "spoken"),
    [
        # The path is the whole one, and the course may lie below a folder of that name.
        ("/home/zh/course/work/en/04.ipynb", "en"),
        ("/home/zh/course/work/en/solutions/04.ipynb", "en"),
        ("/home/en/course/work/zh/04.ipynb", "zh"),
        ("/home/en/course/work/zh/solutions/04.ipynb", "zh"),
        ("/home/li/notes/zh", "en"),
        ("work/zh/04_when_to_trust.ipynb", "zh"),
        ("/home/me/course/notebooks/zh/solutions/01_dyna_q.ipynb", "zh"),
        ("work/en/04_when_to_trust.ipynb", "en"),
        ("work/en/zh.ipynb", "en"),
        ("homework/zhang/04.ipynb", "en"),
        ("", "en"),
    ],
)
def test_the_folder_of_the_notebook_decides(path, spoken, monkeypatch):
    monkeypatch.setenv("JPY_SESSION_NAME", path)
    assert language.current() == spoken


class Shell:
    """What IPython gives where a notebook runs; `names` are the learner's."""

    def __init__(self, **names):
        self.user_ns = names


@pytest.mark.parametrize(
    ("folder", "names", "spoken"),
    [
        ("work/zh", {}, "zh"),
        ("work/zh/solutions", {}, "zh"),
        ("work/en", {}, "en"),
        ("zh/work/en", {}, "en"),
        ("zh/project", {}, "en"),
        ("solutions", {}, "en"),
        ("elsewhere", {"__vsc_ipynb_file__": "/home/li/course/work/zh/04.ipynb"}, "zh"),
        ("work/zh", {"__vsc_ipynb_file__": "/home/zh/course/work/en/04.ipynb"}, "en"),
    ],
)
def test_other_front_ends_than_jupyter_are_asked_too(folder, names, spoken, tmp_path, monkeypatch):
    """Jupyter names the notebook to its kernel, VS Code among the names, others by the folder."""
    (tmp_path / folder).mkdir(parents=True)
    monkeypatch.chdir(tmp_path / folder)
    assert language.current() == "en"  # no notebook: the folder of a terminal says nothing
    import IPython

    monkeypatch.setattr(IPython, "get_ipython", lambda: Shell(**names))
    assert language.current() == spoken


def test_a_chinese_notebook_speaks_chinese_wherever_it_is_run(tmp_path):
    """A kernel as nbclient starts it: in the notebook's folder, and told nothing."""
    from jupyter_client.manager import start_new_kernel

    folder = tmp_path / "work" / "zh"
    folder.mkdir(parents=True)
    manager, client = start_new_kernel(cwd=str(folder))
    try:
        said = []
        client.execute_interactive(
            "from mbpo_teach.ground import language; print(language.current())",
            output_hook=lambda message: said.append(message["content"].get("text", "")),
            timeout=120,
        )
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    assert "".join(said).strip() == "zh"


def test_the_environment_variable_goes_before_the_folder(monkeypatch):
    monkeypatch.setenv("JPY_SESSION_NAME", "work/zh/04.ipynb")
    monkeypatch.setenv("MBPO_LANG", "en")
    assert language.current() == "en"


def test_an_empty_environment_variable_says_nothing(monkeypatch):
    monkeypatch.setenv("JPY_SESSION_NAME", "work/zh/04.ipynb")
    monkeypatch.setenv("MBPO_LANG", "")
    assert language.current() == "zh"


def test_the_chosen_language_goes_before_all(monkeypatch):
    monkeypatch.setenv("MBPO_LANG", "en")
    language.use("zh")
    assert language.current() == "zh"
    language.use("en")
    assert language.current() == "en"


def test_an_unknown_language_is_refused(monkeypatch):
    with pytest.raises(ValueError, match="language must be one of en, zh, not 'fr'"):
        language.use("fr")
    assert language.current() == "en"
    monkeypatch.setenv("MBPO_LANG", "fr")
    with pytest.raises(ValueError, match="MBPO_LANG must be one of en, zh, not 'fr'"):
        language.current()


def test_listeners_hear_of_each_change():
    heard = []
    language.on_change(lambda: heard.append(language.current()))
    language.use("zh")
    language.use("en")
    assert heard == ["zh", "en"]


def test_a_listener_may_add_a_listener():
    language.on_change(lambda: language.on_change(lambda: None))
    language.use("zh")


# Words.


def test_words_are_filled_in_the_current_language():
    assert language.text("panel.number", name="n") == "n, as a number"
    language.use("zh")
    assert language.text("panel.number", name="n") == "n（直接填数值）"
    assert language.say("panel.number", "en", name="n") == "n, as a number"


@pytest.mark.parametrize(("key", "spoken"), [("no.such.key", "en"), ("panel.number", "fr")])
def test_unknown_words_are_an_error(key, spoken):
    with pytest.raises(KeyError, match="the catalogue has no words"):
        language.say(key, spoken)


def test_a_missing_value_is_an_error():
    with pytest.raises(KeyError, match="name"):
        language.text("panel.number")


def read_from(folder, monkeypatch):
    monkeypatch.setattr(language.resources, "files", lambda package: folder)
    return language.catalogue.__wrapped__()


def test_a_catalogue_is_read_from_all_its_files(tmp_path, monkeypatch):
    folder = tmp_path / "catalogue"
    folder.mkdir()
    (folder / "a.toml").write_text('[a.b]\nen = "x"\nzh = "好"\n', encoding="utf-8")
    (folder / "b.toml").write_text('[c]\nen = "y"\nzh = "行"\n', encoding="utf-8")
    (folder / "notes.txt").write_text("not a catalogue", encoding="utf-8")
    assert read_from(tmp_path, monkeypatch) == {
        "a.b": {"en": "x", "zh": "好"},
        "c": {"en": "y", "zh": "行"},
    }


@pytest.mark.parametrize(
    ("second", "complaint"),
    [
        ('[a]\nen = "x"\nzh = "y"', "'a' is in the catalogue already"),
        ('[b]\nen = "x"', "'b' needs exactly one 'en' and one 'zh'"),
        ('[b]\nen = "x"\nzh = "y"\nfr = "z"', "'b' needs exactly one 'en' and one 'zh'"),
    ],
)
def test_a_faulty_catalogue_is_refused(second, complaint, tmp_path, monkeypatch):
    folder = tmp_path / "catalogue"
    folder.mkdir()
    (folder / "1.toml").write_text('[a]\nen = "x"\nzh = "y"', encoding="utf-8")
    (folder / "2.toml").write_text(second, encoding="utf-8")
    with pytest.raises(ValueError, match=f"2.toml: {complaint}"):
        read_from(tmp_path, monkeypatch)


# The course's own catalogue.


def placeholders(words):
    return sorted(
        (name, form or "")
        for _, name, form, _ in string.Formatter().parse(words)
        if name is not None
    )


def test_both_languages_have_the_same_placeholders():
    differing = [
        key
        for key, entry in language.catalogue().items()
        if placeholders(entry["en"]) != placeholders(entry["zh"])
    ]
    assert differing == []


def test_each_language_keeps_to_itself():
    english = [key for key, entry in language.catalogue().items() if CHINESE.search(entry["en"])]
    assert english == []


def test_no_words_are_empty_or_padded():
    padded = [
        key
        for key, entry in language.catalogue().items()
        for words in entry.values()
        if not words.strip() or words != words.strip()
        if key not in PADDED
    ]
    assert padded == []


# Joined to other words, between which English has a space.
PADDED = {"dyna.join", "film.listed", "grading.place"}


def test_sentences_are_joined_as_the_language_does(monkeypatch):
    assert language.join(["One.", "Two."]) == "One. Two."
    monkeypatch.setenv("MBPO_LANG", "zh")
    assert language.join(["一。", "二。"]) == "一。二。"


def test_titles_and_hints_take_no_values():
    """They are shown as they are; a brace in LaTeX would break the feedback."""
    faulty = [
        key
        for key, entry in language.catalogue().items()
        if key.startswith("exercise.") and (placeholders(entry["en"]) or placeholders(entry["zh"]))
    ]
    assert faulty == []


# Which keys the code uses.


def literals():
    """Return every string in the code, and every f-string as a pattern with its parts as groups."""
    strings, patterns = set(), set()
    for file in [*PACKAGE.rglob("*.py"), *SOURCES.glob("*.py")]:
        nodes = list(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
        pieces = {
            id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values
        }
        for node in nodes:
            if isinstance(node, ast.Constant) and id(node) not in pieces:
                strings.add(str(node.value))
            elif isinstance(node, ast.JoinedStr):
                parts = [
                    re.escape(part.value) if isinstance(part, ast.Constant) else r"([\w-]+)"
                    for part in node.values
                ]
                patterns.add("".join(parts))
    for file in PACKAGE.rglob("*.js"):
        strings.update(re.findall(r"\w+", file.read_text(encoding="utf-8")))
    return strings, patterns


def test_every_entry_is_used():
    """An entry is used if its key stands in the code, or a pattern and the words put into it."""
    strings, patterns = literals()
    matchers = [re.compile(pattern) for pattern in patterns if re.match(r"\w+\\\.", pattern)]

    def put_together(key):
        matches = (matcher.fullmatch(key) for matcher in matchers)
        return any(match and set(match.groups()) <= strings for match in matches)

    unused = [
        key
        for key in language.catalogue()
        if not (key in strings or put_together(key) or belongs_to_an_exercise(key))
    ]
    assert unused == []


def belongs_to_an_exercise(key):
    match = re.fullmatch(r"exercise\.((\d\d)-\d+)\.(title|hint)", key)
    return match and match[1] in {exercise.id for exercise in of_chapter(match[2])}


def test_every_key_in_the_code_exists():
    """What looks like a key of one of the catalogue's tables must be one, or name a setting."""
    settings = {f"fit.{field.name}" for field in dataclasses.fields(FitConfig)}
    tables = {key.partition(".")[0] for key in language.catalogue()}
    strings, _ = literals()
    looks_like_one = {
        string
        for string in strings
        if re.fullmatch(r"\w+(\.[\w-]+)+", string)
        and string.partition(".")[0] in tables
        and not re.search(r"\.(py|js|toml|ipynb)$", string)
    }
    assert sorted(looks_like_one - language.catalogue().keys() - settings) == []


def test_every_key_given_to_a_speaker_exists():
    """The same for calls, where even a key of an unknown table is seen."""
    missing = set()
    for file in [*PACKAGE.rglob("*.py"), *SOURCES.glob("*.py")]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            for argument in spoken_arguments(node):
                if argument not in language.catalogue():
                    missing.add((file.name, argument))
    assert missing == set()


def spoken_arguments(node):
    """Yield the literal keys in text(key), say(key, ...), words(key) and label(words=key)."""
    if not isinstance(node, ast.Call):
        return
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    owner = getattr(getattr(node.func, "value", None), "id", "")
    candidates = [keyword.value for keyword in node.keywords if keyword.arg == "words"]
    if name in SPEAKERS and owner in ("", "language", "style"):
        candidates += node.args[:1]
    for value in candidates:
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            yield value.value

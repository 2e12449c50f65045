import json
import os
import re
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from mbpo_teach.course import workspace

NOON = datetime(2026, 3, 4, 12, 0, 0)
NAMES = [
    f"{edition}/{folder}{chapter}"
    for edition in ("en", "zh")
    for folder in ("", "solutions/")
    for chapter in ("00_start_here.ipynb", "04_when_to_trust.ipynb")
]


@pytest.fixture
def course(tmp_path):
    for name in NAMES:
        publish(tmp_path, name, f"{name}, first edition")
    return tmp_path


def publish(course, name, content):
    file = course / "notebooks" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)


def work(course, name):
    return course / "work" / name


def files(course):
    """Return the content of every file of the learner, by path below work."""
    folder = course / "work"
    return {
        file.relative_to(folder).as_posix(): file.read_text()
        for file in folder.rglob("*")
        if file.is_file() and file.suffix == ".ipynb"
    }


def test_chapters_are_those_that_are_published(course):
    assert workspace.chapters(course) == ("00", "04")


def test_missing_copies_are_made_and_mirror_the_editions(course):
    assert sorted(workspace.prepare(course).added) == sorted(NAMES)
    assert files(course) == {name: f"{name}, first edition" for name in NAMES}


def test_a_second_call_does_nothing(course):
    workspace.prepare(course)
    assert workspace.prepare(course) == workspace.Prepared(added=(), outdated=())


def test_an_answer_is_never_overwritten(course):
    workspace.prepare(course)
    work(course, NAMES[0]).write_text("my answer")
    publish(course, NAMES[0], "second edition")
    workspace.prepare(course)
    assert work(course, NAMES[0]).read_text() == "my answer"


def test_a_newer_edition_is_reported_until_the_reset(course):
    workspace.prepare(course)
    publish(course, "zh/04_when_to_trust.ipynb", "second edition")
    assert workspace.prepare(course).outdated == ("04",)
    assert workspace.prepare(course).outdated == ("04",)
    workspace.reset(course, "04", now=NOON)
    assert workspace.prepare(course).outdated == ()


def test_an_answer_alone_is_no_newer_edition(course):
    workspace.prepare(course)
    work(course, NAMES[0]).write_text("my answer")
    assert workspace.prepare(course).outdated == ()


def test_a_chapter_that_an_update_brings_is_added(course):
    workspace.prepare(course)
    publish(course, "en/05_branched_rollout.ipynb", "new")
    assert workspace.prepare(course).added == ("en/05_branched_rollout.ipynb",)


def test_a_copy_that_the_learner_deleted_is_made_again(course):
    workspace.prepare(course)
    work(course, NAMES[0]).unlink()
    assert workspace.prepare(course).added == (NAMES[0],)


@pytest.mark.parametrize("record", ["", "{", "[1]", "\xff", "[" * 100_000])
def test_a_damaged_record_costs_nothing_but_the_notice(course, record):
    workspace.prepare(course)
    work(course, NAMES[0]).write_text("my answer")
    (course / "work" / ".editions.json").write_bytes(record.encode("latin-1"))
    assert workspace.prepare(course) == workspace.Prepared(added=(), outdated=())
    assert work(course, NAMES[0]).read_text() == "my answer"


@pytest.mark.skipif(os.name != "posix", reason="pipes")
def test_a_pipe_in_the_place_of_the_record_is_not_waited_for(course):
    workspace.prepare(course)
    record = course / "work" / ".editions.json"
    record.unlink()
    os.mkfifo(record)
    assert workspace.prepare(course) == workspace.Prepared(added=(), outdated=())
    workspace.reset(course, "04", now=NOON)
    assert record.is_file()


def test_a_reset_keeps_the_old_copy_under_a_dated_name(course):
    workspace.prepare(course)
    name = "en/04_when_to_trust.ipynb"
    work(course, name).write_text("my answer")
    (replaced,) = workspace.reset(course, "04", now=NOON)
    assert replaced.notebook == work(course, name)
    assert replaced.kept == work(course, "en/04_when_to_trust.2026-03-04-120000.ipynb")
    assert replaced.notebook.read_text() == f"{name}, first edition"
    assert replaced.kept.read_text() == "my answer"


def test_many_resets_in_one_second_lose_nothing(course):
    workspace.prepare(course)
    name = "en/04_when_to_trust.ipynb"
    for i in range(5):
        work(course, name).write_text(f"answer {i}")
        workspace.reset(course, "04", now=NOON)
    kept = {content for content in files(course).values() if content.startswith("answer")}
    assert kept == {f"answer {i}" for i in range(5)}


def test_a_reset_leaves_equal_copies_and_other_chapters_alone(course):
    workspace.prepare(course)
    work(course, "en/00_start_here.ipynb").write_text("my answer")
    before = files(course)
    assert workspace.reset(course, "04", now=NOON) == []
    assert files(course) == before


def test_a_reset_of_one_language_leaves_the_other_alone(course):
    workspace.prepare(course)
    for edition in ("en", "zh"):
        work(course, f"{edition}/04_when_to_trust.ipynb").write_text("my answer")
    (replaced,) = workspace.reset(course, "04", editions=["zh"], now=NOON)
    assert replaced.notebook.parent.name == "zh"
    assert work(course, "en/04_when_to_trust.ipynb").read_text() == "my answer"


def test_a_reset_before_anything_else_makes_the_copies(course):
    assert workspace.reset(course, "04", now=NOON) == []
    assert set(files(course)) == set(NAMES)


def test_a_chapter_may_be_named_without_its_zero(course):
    workspace.prepare(course)
    work(course, "en/04_when_to_trust.ipynb").write_text("my answer")
    assert len(workspace.reset(course, "4", now=NOON)) == 1


@pytest.mark.parametrize("wrong", ["", "9", "05", "004", "../..", "04_when_to_trust"])
def test_a_wrong_chapter_is_refused_before_anything_is_written(course, wrong):
    with pytest.raises(ValueError, match="chapter must be one of 00, 04, not"):
        workspace.reset(course, wrong)
    assert not (course / "work").exists()


def test_a_folder_without_notebooks_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="no notebooks in"):
        workspace.prepare(tmp_path)


def test_the_working_copy_of_a_chapter(course):
    path = workspace.working_copy(course, "04", "zh")
    assert path == work(course, "zh/04_when_to_trust.ipynb")


def test_no_temporary_file_is_left(course):
    workspace.prepare(course)
    work(course, NAMES[0]).write_text("my answer")
    workspace.reset(course, "00", now=NOON)
    assert not [file for file in (course / "work").rglob("*.part")]


def test_a_copy_is_readable_like_any_new_file(course):
    workspace.prepare(course)
    plain = course / "plain"
    plain.touch()
    assert work(course, NAMES[0]).stat().st_mode == plain.stat().st_mode


def test_a_file_that_appears_meanwhile_is_not_overwritten(course, monkeypatch):
    """Two windows start the course at once, or an answer is saved between look and copy."""
    real = os.link

    def late(source, target):
        Path(target).write_text("my answer")
        real(source, target)

    monkeypatch.setattr(os, "link", late)
    workspace.prepare(course)
    assert set(files(course).values()) == {"my answer"}


def test_a_file_system_without_links_works(course, monkeypatch):
    def refuse(source, target):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    workspace.prepare(course)
    work(course, NAMES[0]).write_text("my answer")
    workspace.reset(course, "00", now=NOON)
    assert "my answer" in files(course).values()
    assert files(course)[NAMES[0]] == f"{NAMES[0]}, first edition"


KILLED_AT = """
import os, sys
from pathlib import Path
from mbpo_teach.course import workspace

left = int(sys.argv[2])

def deadly(function):
    def call(*args, **kwargs):
        global left
        if left == 0:
            os._exit(9)
        left -= 1
        return function(*args, **kwargs)
    return call

for name in ("fsync", "link", "replace"):
    setattr(os, name, deadly(getattr(os, name)))
workspace.reset(Path(sys.argv[1]), "04")
"""


def test_killed_at_any_step_of_a_reset_nothing_is_lost(course):
    workspace.prepare(course)
    name = "en/04_when_to_trust.ipynb"
    for step in range(20):
        work(course, name).write_text(f"answer {step}")
        command = [sys.executable, "-c", KILLED_AT, str(course), str(step)]
        code = subprocess.run(command, check=False).returncode
        assert f"answer {step}" in files(course).values()
        assert work(course, name).read_text() in (f"answer {step}", f"{name}, first edition")
        if code == 0:
            break
    assert code == 0 and step >= 4  # it was killed several times, and came through in the end
    assert work(course, name).read_text() == f"{name}, first edition"


def test_killed_while_copying_no_half_copy_stands(course):
    for step in range(0, 60, 5):
        command = [sys.executable, "-c", KILLED_AT, str(course), str(step)]
        subprocess.run(command, check=False)
        assert all(files(course)[name] == f"{name}, first edition" for name in files(course))


# Saves in the midst of a reset, full disks, kills, and chapters with another name.

WRITER = """
import os, sys
from pathlib import Path
copy, number = Path(sys.argv[1]), 0
while not copy.with_name("stop").exists():
    number += 1
    if sys.argv[2] == "in place":
        copy.write_text(f"answer {number}")
    else:
        beside = copy.with_name("beside")
        beside.write_text(f"answer {number}")
        os.replace(beside, copy)
    print(number, flush=True)
"""


@pytest.mark.parametrize("how", ["in place", "beside"])
def test_a_save_during_a_reset_is_in_the_copy_or_in_the_dated_one(course, how):
    """An editor that saves without a pause: its last save is there, whenever it was made."""
    workspace.prepare(course)
    copy = work(course, "en/04_when_to_trust.ipynb")
    command = [sys.executable, "-c", WRITER, str(copy), how]
    for round_ in range(5):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            writer.stdout.readline()
            workspace.reset(course, "04", editions=["en"], now=NOON)
            copy.with_name("stop").touch()
            said = ["1", *writer.stdout.read().split()]
        copy.with_name("stop").unlink()
        assert f"answer {said[-1]}" in files(course).values(), round_
        for file in copy.parent.glob("04*-*.ipynb"):
            file.unlink()


def saving(copy, how):
    """Save an answer as editors do: into the file itself, or by a renaming over it."""
    beside = copy.with_name("beside")
    (copy if how == "in place" else beside).write_text("saved meanwhile")
    if how == "beside":
        os.replace(beside, copy)


@pytest.mark.parametrize("how", ["in place", "beside"])
@pytest.mark.parametrize("step", range(6))
def test_a_save_before_any_step_of_a_reset_is_kept(course, how, step, monkeypatch):
    workspace.prepare(course)
    copy = work(course, "en/04_when_to_trust.ipynb")
    copy.write_text("my answer")
    left = [step]

    def after(name):
        real = getattr(os, name)

        def call(*args, **options):
            result = real(*args, **options)
            left[0] -= 1
            if left[0] == -1:
                saving(copy, how)
            return result

        return call

    for name in ("fsync", "link"):
        monkeypatch.setattr(os, name, after(name))
    workspace.reset(course, "04", now=NOON)
    monkeypatch.undo()
    assert left[0] >= 0 or "saved meanwhile" in files(course).values()
    assert step > 1 or left[0] < 0  # the first two are steps of every reset


def test_a_system_that_swaps_no_names_keeps_the_old_copy_all_the_same(course, monkeypatch):
    def refuse(one, other):
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr(workspace, "_swap", refuse)
    test_a_reset_keeps_the_old_copy_under_a_dated_name(course)


@pytest.mark.parametrize("step", range(2))
def test_a_full_disk_leaves_no_copy_that_is_not_whole(course, step, monkeypatch):
    workspace.prepare(course)
    copy = work(course, "en/04_when_to_trust.ipynb")
    copy.write_text("my answer")
    before, left, real = files(course), [step], os.fsync

    def full(handle):
        left[0] -= 1
        if left[0] < 0:
            os.ftruncate(handle, os.fstat(handle).st_size // 2)
            raise OSError(28, "No space left on device")
        real(handle)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        workspace.reset(course, "04", now=NOON)
    there = files(course)
    assert "my answer" in there.values()
    assert set(there.values()) <= {*before.values(), "en/04_when_to_trust.ipynb, first edition"}
    assert not [*(course / "work").rglob("*.part")]


@pytest.mark.skipif(os.name != "posix", reason="processes are not asked elsewhere")
def test_what_a_killed_process_was_writing_is_removed(course):
    workspace.prepare(course)
    work(course, NAMES[0]).write_text("my answer")
    subprocess.run([sys.executable, "-c", KILLED_AT, str(course), "0"], check=False)
    assert [*(course / "work").rglob("*.part")]
    running = course / "work" / "en" / f".00_start_here.ipynb.{os.getpid()}-0123abcd.part"
    own = course / "work" / "en" / ".notes.part"
    for file in (running, own):
        file.write_text("half of it")
    workspace.prepare(course)
    assert {*(course / "work").rglob("*.part")} == {running, own}


def test_answers_in_a_chapter_that_was_renamed_are_told(course):
    workspace.prepare(course)
    for edition in ("en", "zh"):
        old = course / "notebooks" / edition / "04_when_to_trust.ipynb"
        old.rename(old.with_name("04_trust.ipynb"))
    assert workspace.prepare(course).former == ()  # nobody has answered anything
    work(course, "zh/04_when_to_trust.ipynb").write_text("my answer")
    for _ in range(2):
        assert workspace.prepare(course).former == ("zh/04_when_to_trust.ipynb",)
    work(course, "zh/04_when_to_trust.ipynb").unlink()
    assert workspace.prepare(course).former == ()


# The course's own notebooks.


def links(notebook):
    """Yield the relative targets in the prose of a notebook."""
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "markdown":
            source = "".join(cell["source"])
            for target in re.findall(r"\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"", source):
                address = (target[0] or target[1]).partition("#")[0]
                if address and not re.match(r"[a-z]+:", address):
                    yield address


def published():
    folder = workspace.COURSE / "notebooks"
    return sorted(
        file for edition in ("en", "zh") for file in (folder / edition).rglob("[0-9][0-9]_*.ipynb")
    )


@pytest.mark.parametrize("notebook", published(), ids=lambda file: "/".join(file.parts[-3:]))
def test_links_work_from_the_published_and_from_the_working_copy(notebook):
    """A link to a notebook leads to a working copy: saving a published one changes the clone."""
    name = notebook.relative_to(workspace.COURSE / "notebooks")
    for address in links(notebook):
        assert (notebook.parent / address).resolve().is_file(), address
        from_work = os.path.normpath(workspace.COURSE / "work" / name.parent / address)
        below = Path(from_work).relative_to(workspace.COURSE)
        if address.endswith(".ipynb"):
            assert below.parts[0] == "work", address
            assert (workspace.COURSE / "notebooks" / Path(*below.parts[1:])).is_file(), address
        else:
            assert (workspace.COURSE / below).is_file(), address

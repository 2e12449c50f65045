import asyncio
import copy
import types

import nbformat
import pytest
from tornado.web import HTTPError
from traitlets.config import Configurable

from mbpo_teach.course.contents import LastingContents
from mbpo_teach.course.lasting import VIEW, lasting, with_widgets, without_widgets
from mbpo_teach.ground import language

WIDGET = {"model_id": "1f", "version_major": 2, "version_minor": 0}


def output(**data):
    return {"output_type": "execute_result", "execution_count": 1, "metadata": {}, "data": data}


def lab(sentence="k = 3 < 5"):
    return output(**{VIEW: WIDGET, "image/png": "iVBO", "text/plain": sentence})


def notebook(*outputs):
    cell = nbformat.v4.new_code_cell("lab()", id="a", outputs=[], metadata={"trusted": True})
    made = nbformat.v4.new_notebook(cells=[cell], metadata={"widgets": {"state": {}}})
    return dict(nbformat.from_dict({**made, "cells": [{**cell, "outputs": list(outputs)}]}))


@pytest.mark.parametrize(("lang", "sentence"), [("en", "k = 3 < 5"), ("zh", "长度 k = 3")])
def test_a_lab_becomes_its_picture_and_its_words(lang, sentence):
    picture, words = lasting(lab(sentence))
    assert picture["data"] == {"image/png": "iVBO", "text/plain": sentence}
    assert picture["metadata"] == {"image/png": {"alt": sentence}}
    how = language.say("lasting.how", lang)
    assert words["data"]["text/plain"] == f"{sentence}\n{how}"
    assert f'<p lang="{lang}">{sentence.replace("<", "&lt;")}</p>' in words["data"]["text/html"]


def test_a_picture_that_never_moved_is_described_and_gets_no_advice():
    (kept,) = lasting(output(**{"image/png": "iVBO", "text/plain": "three curves"}))
    assert kept["metadata"] == {"image/png": {"alt": "three curves"}}


@pytest.mark.parametrize(
    "other",
    [
        output(**{"image/png": "iVBO", "text/plain": "<Figure size 640x480 with 1 Axes>"}),
        output(**{VIEW: WIDGET, "text/plain": "IntSlider(value=0)"}),
        output(**{"text/plain": "7"}),
        {"output_type": "stream", "name": "stdout", "text": "7\n"},
    ],
)
def test_everything_else_stays_as_it_is(other):
    assert lasting(copy.deepcopy(other)) == [other]


def test_the_state_of_widgets_goes_with_the_last_of_them():
    assert "widgets" not in without_widgets(notebook(lab()))[0]["metadata"]
    other = output(**{VIEW: WIDGET, "text/plain": "IntSlider(value=0)"})
    assert "widgets" in without_widgets(notebook(lab(), other))[0]["metadata"]


def test_what_was_left_out_can_be_put_back():
    page = notebook(lab(), lab("n = 1"))
    page["cells"][0]["outputs"][1]["data"]["image/png"] = "other"
    file, views = without_widgets(page)
    assert len(file["cells"][0]["outputs"]) == 4
    assert without_widgets(file)[0] == file  # saved once more without being run
    with_widgets(file, views)
    shown = file["cells"][0]["outputs"]
    assert [each["data"] for each in shown] == [
        each["data"] for each in page["cells"][0]["outputs"]
    ]


class Server(Configurable):
    """A server with one kernel, in a process that may be another later."""

    process = 1

    @property
    def session_manager(self):
        return self

    kernel_manager = session_manager

    async def get_session(self, path):
        if self.process is None:
            raise HTTPError(404)
        return {"kernel": {"id": "k"}}

    def get_kernel(self, _):
        return types.SimpleNamespace(provisioner=types.SimpleNamespace(pid=self.process))


@pytest.mark.parametrize(("later", "lives"), [(1, True), (2, False), (None, False)])
def test_a_page_loaded_again_has_its_sliders_while_their_kernel_lives(tmp_path, later, lives):
    contents = LastingContents(root_dir=str(tmp_path))
    contents.parent = server = Server()

    async def there_and_back():
        await contents.save({"type": "notebook", "content": notebook(lab())}, "a.ipynb")
        assert VIEW not in (tmp_path / "a.ipynb").read_text("utf-8")
        server.process = later
        return await contents.get("a.ipynb")

    loaded = asyncio.run(there_and_back())["content"]["cells"][0]["outputs"]
    assert (VIEW in loaded[0]["data"]) == lives
    assert len(loaded) == (1 if lives else 2)


ODD = [
    {"output_type": "display_data", "data": {"image/png": "iVBO", "text/plain": "words"}},
    {**lab(), "metadata": None},
    output(**{VIEW: WIDGET, "image/png": ["iV", "BO"], "text/plain": ["k = 3", " < 5"]}),
    output(**{VIEW: WIDGET, "image/png": {"no": "picture"}, "text/plain": "words"}),
    output(**{VIEW: WIDGET, "image/png": "iVBO", "text/plain": 3}),
    output(**{VIEW: WIDGET, "image/png": "iVBO", "text/plain": [3, None]}),
]


@pytest.mark.parametrize("odd", ODD)
def test_whatever_a_cell_put_out_the_answer_is_saved_and_can_be_opened(tmp_path, odd):
    contents = LastingContents(root_dir=str(tmp_path))
    contents.parent = Server()
    asyncio.run(contents.save({"type": "notebook", "content": notebook(odd)}, "a.ipynb"))
    assert '"lab()"' in (tmp_path / "a.ipynb").read_text("utf-8")
    loaded = asyncio.run(contents.get("a.ipynb"))
    assert loaded["content"]["cells"][0]["source"] == "lab()"


def test_a_notebook_whose_pictures_cannot_be_seen_to_is_written_as_it_came(tmp_path, monkeypatch):
    def broken(_):
        raise RecursionError

    monkeypatch.setattr("mbpo_teach.course.contents.without_widgets", broken)
    contents = LastingContents(root_dir=str(tmp_path))
    asyncio.run(contents.save({"type": "notebook", "content": notebook(lab())}, "a.ipynb"))
    assert '"lab()"' in (tmp_path / "a.ipynb").read_text("utf-8")


def test_a_picture_in_lines_gets_its_sliders_back():
    page = notebook(output(**{VIEW: WIDGET, "image/png": ["iV", "BO"], "text/plain": "k = 3"}))
    file, views = without_widgets(page)
    file["cells"][0]["outputs"][0]["data"]["image/png"] = "iVBO"  # as Jupyter reads it
    with_widgets(file, views)
    assert [each["data"][VIEW] for each in file["cells"][0]["outputs"]] == [WIDGET]

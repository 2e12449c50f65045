"""A notebook of habits whose own run shows the target line gets the mark, by hundreds.

Hypothesis composes the notebooks. Each is run here twice, in this process: by IPython from top to
bottom, as a student runs it, and as the grader runs what it gathers of it. A few are graded as a
class besides, in processes of their own, with nbval and whatever isolates here.
"""

import asyncio
import contextlib
import io
import json

import pytest
from hypothesis import HealthCheck, Phase, event, given, seed, settings
from hypothesis import strategies as st
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from mbpo_teach.grading import pristine
from mbpo_teach.grading.courtesy import objection
from mbpo_teach.grading.exercise import find
from mbpo_teach.grading.gathered import gathered
from mbpo_teach.grading.judge import judge
from mbpo_teach.grading.shell import Shell
from mbpo_teach.ground import seeding

from .handing_in import ROOT, graded, hand_in, solutions

LEAN = pristine.lean(ROOT, "00")
(TASK,) = LEAN.tasks
HALF = "def weight(gamma, t):\n    return gamma ** t\n"
TABLE = "kept = {}\nkept['one'] = 1.0\nkept.update(two=2.0)\n"
CONSTANT = "one: float = 1.0\n"

# Answers, each with what it needs from elsewhere; two of them are wrong.
ANSWERS = {
    solutions("00")["00-1"]: [],
    "def discounted_return(rewards, gamma):\n"
    "    return sum((weight(gamma, t) * r for t, r in enumerate(rewards)), 0.0)\n": [HALF],
    "def discounted_return(rewards, gamma):\n"
    "    return kept['one'] * sum(r * weight(gamma, t) for t, r in enumerate(rewards))\n": [
        TABLE,
        HALF,
    ],
    "discounted_return = lambda rewards, gamma: sum(\n"
    "    one * math.pow(gamma, t) * r for t, r in enumerate(rewards))\n": [
        CONSTANT,
        "import math\n",
    ],
    "class Return:\n    def __call__(self, rewards, gamma):\n"
    "        return float(np.polyval(rewards[::-1], gamma)) if rewards else 0.0\n"
    "discounted_return = Return()\n": ["import numpy as np\n"],
    "def discounted_return(rewards, gamma):\n    return sum(rewards)\n": [],
    "def discounted_return(rewards, gamma):\n"
    "    rewards.reverse()\n"
    "    return sum(r * gamma**t for t, r in enumerate(rewards[::-1]))\n": [],
}
WRONG = list(ANSWERS)[-2:]
ABOVE = st.sampled_from(
    [
        "", "%matplotlib inline\n", "%%time\n", "%%capture\n", "!echo it's\n", "%pip --version\n",
        "import time, sys, json, decimal, contextlib, pprint\nstart = time.time()\n",
        "from __future__ import annotations\n", "import asyncio\nawait asyncio.sleep(0)\n",
        "%time scale = 2\n", "# NBVAL_SKIP\n", "assert __name__ == '__main__'\n", "\n\n",
    ]
)  # fmt: skip
BELOW = st.sampled_from(
    [
        "", "discounted_return?\n", "%timeit -n1 -r1 discounted_return([1.0], 0.5)\n", "1 / 0\n",
        "print(discounted_return([1.0], 0.5))\n", "x = !ls\n", "display(discounted_return)\n",
        "for number in [1]:\n    %time number\n", "await asyncio.sleep(0)\n",
        "getattr(print, 'x', 1)\n",
    ]
)  # fmt: skip
# Cells of no consequence, or of a bad one if they were taken for the answer.
SCRATCH = st.sampled_from(
    [
        "def discounted_return(rewards, gamma)\n    return 0.0\n",
        "def discounted_return(rewards, gamma):\n    return 7.0\n",
        "def discounted_return(rewards, gamma):\n    raise NotImplementedError\n\n1 / zero\n",
        "weight = 3\n", "total = 5\n", "del total\n", "gamma = 0.9\nrewards = [1.0]\n",
        "%%bash\nls\n", "%%timeit -n1 -r1\nweight = 1\n", "import os\n", "print('found')\n",
    ]
)  # fmt: skip


def cell(source, role=""):
    mbpo = {"mbpo": {"exercise": "00-1", "role": role}} if role else {}
    shown = {"metadata": mbpo, "source": source, "outputs": [], "execution_count": None}
    return {"cell_type": "code", "id": str(abs(hash(source)))[:8], **shown}


@st.composite
def notebooks(draw):
    """Draw an answer, and the cells of a notebook with it, from top to bottom."""
    answer, needed = draw(st.sampled_from(list(ANSWERS.items())))
    label = st.sampled_from(["", "answer"])
    parts = [*needed, draw(ABOVE) + answer + draw(BELOW)]
    if draw(st.booleans()):  # all in one cell
        parts = ["".join(parts)] if not parts[-1].startswith("%%") else parts
    own = [cell(part, draw(label)) for part in parts]
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(own)))
        own.insert(place, cell(draw(SCRATCH), draw(label)))
    if draw(st.booleans()):
        own.insert(0, cell(TASK.stub, "answer"))
    setup, check = cell(TASK.setup, "setup"), cell('check("00-1", discounted_return)', "check")
    place = draw(st.integers(0, len(own)))
    above = own[:place] if draw(st.booleans()) else []
    cells = [*above, setup, *own[len(above) :], check]
    if draw(st.booleans()):  # a try of another day
        cells.append(cell(draw(SCRATCH), draw(label)))
    return answer, cells


@pytest.fixture(scope="module")
def ipython(tmp_path_factory):
    config = Config()
    config.HistoryManager.enabled = False
    shell = InteractiveShell(config=config, ipython_dir=str(tmp_path_factory.mktemp("ipython")))
    shell.system = lambda command: None  # nothing outside is part of the question
    shell.getoutput = lambda command, *rest, **options: []
    for kind in ("line", "cell"):
        for magic in ("pip", "bash", "matplotlib"):
            shell.register_magic_function(lambda *given: None, kind, magic)
    loop = asyncio.new_event_loop()
    shell.loop_runner = loop.run_until_complete
    yield shell
    loop.close()


def shows(ipython, cells):
    """Whether the target line stands below the check after a run from top to bottom."""
    ipython.reset(new_session=False)
    ipython.compile.reset_compiler_flags()
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        for each in cells:
            ipython.run_cell(each["source"])
    return "[00-1] 8/8 ✓" in out.getvalue()


def given_mark(content):
    """Whether the answer that is gathered is right on other inputs; else a documented reason."""
    found = gathered(LEAN, content).get("00-1")
    if found is None or not found.cells:
        return "missing"
    if reason := objection(find("00-1"), found.cells, TASK.setup, isolated=False):
        return reason[0]
    namespace = {"__name__": "__main__", "display": lambda *things: None}
    shell = Shell(namespace)
    with contextlib.redirect_stdout(io.StringIO()):
        for source in (TASK.setup, *found.cells):
            with contextlib.suppress(BaseException):
                shell.run(source)
    shell.close()
    answer = namespace.get("discounted_return", 0)
    stream = seeding.generator(1, "grade", "00-1")
    return "passed" if callable(answer) and judge(find("00-1"), answer, stream).right else "wrong"


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(drawn=notebooks())
def test_what_the_notebook_shows_the_grader_gives(ipython, drawn):
    answer, cells = drawn
    content = json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    shown, mark = shows(ipython, cells), given_mark(content.encode())
    event(f"shown {shown}, {mark}")
    # The one reason that is documented: `import os` where nothing isolates.
    assert mark in ("passed", "mark.import") or not shown
    assert mark != "passed" or answer not in WRONG


def test_and_gives_it_in_a_process_of_its_own(ipython, tmp_path):
    handed_in = []

    @seed(20)
    @settings(max_examples=10, database=None, phases=[Phase.generate], deadline=None)
    @given(drawn=notebooks())
    def hand_in_one(drawn):
        answer, cells = drawn
        content = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        hand_in(tmp_path / "class", f"s{len(handed_in)}", content)
        handed_in.append((answer, shows(ipython, cells)))

    hand_in_one()
    marks = graded(tmp_path / "class", tmp_path / "out")
    found = [marks[f"s{place}", "00-1"] for place in range(len(handed_in))]
    for (answer, shown), mark in zip(handed_in, found, strict=True):
        assert mark.status == "passed" or mark.reason[0] == "mark.import" or not shown
        assert mark.status != "passed" or answer not in WRONG
    assert len(found) == 10 and sum(mark.status == "passed" for mark in found) >= 4

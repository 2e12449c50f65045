"""Submissions graded per minute, for classes of 10, 40 and 160.

    python benchmarks/grading.py            10, 40 and 160 submissions of chapter 04
    python benchmarks/grading.py 40         one class only

Half of the class hands in the solutions, a third a wrong answer among them, the rest a stub among
them; every submission really runs. Target: 40 submissions of one chapter in at most 4 minutes on
two cores. Wall time needs an idle machine; the processors' seconds for one submission, printed
first, hardly change on a busy one.
"""

import json
import os
import platform
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mbpo_teach.course import workspace
from mbpo_teach.grading import classroom, handed_in
from mbpo_teach.ground.spread import spread

CHAPTER = "04"
SIZES = (10, 40, 160)


def main() -> None:
    """Grade each class and print how fast that was."""
    sizes = [int(size) for size in sys.argv[1:]] or SIZES
    print(f"chapter {CHAPTER}; {os.cpu_count()} cores; {platform.machine()}, load", end=" ")
    print(f"{os.getloadavg()[0]:.1f} at the start; Python {platform.python_version()}")
    print(f"processor seconds for one submission, without bubblewrap: {processor_seconds():.1f}")
    print("submissions  isolation  seconds  submissions per minute", flush=True)
    for size in sizes:
        with made(size) as jobs:
            start = time.perf_counter()
            reports = [report for _, report in spread(classroom.work, jobs)]
            seconds = time.perf_counter() - start
        statuses = {mark.status for report in reports for mark in report.marks}
        assert statuses <= {"passed", "wrong", "missing"}, statuses
        rate = 60 * size / seconds
        print(f"{size:11}  {reports[0].isolation:9}  {seconds:7.1f}  {rate:22.1f}", flush=True)


def processor_seconds() -> float:
    """Return what one submission costs; bubblewrap would hide what runs within it."""
    with made(6, isolate="none") as jobs:
        before = used()
        for job in jobs:
            classroom.work(job)
        return (used() - before) / len(jobs)


def used() -> float:
    """Return the processor seconds of this process and of its children that have ended."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(times.ru_utime + times.ru_stime for times in both)


@contextmanager
def made(size: int, isolate: str = "auto") -> Iterator[list[classroom.Job]]:
    """Hand in the notebooks of a class, and give the jobs that grade them."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        hand_in(folder / "class", size)
        yield [
            classroom.Job(
                course=workspace.COURSE,
                submission=submission,
                seed=1,
                timeout=60.0,
                isolate=isolate,
                hidden=(folder,),
            )
            for submission in handed_in.submissions(workspace.COURSE, [folder / "class"])
        ]


def hand_in(folder: Path, size: int) -> None:
    """Write the notebooks of a class."""
    folder.mkdir()
    (solved,) = (workspace.COURSE / "notebooks/en/solutions").glob(f"{CHAPTER}_*.ipynb")
    for number in range(size):
        notebook = json.loads(solved.read_text(encoding="utf-8"))
        answers = [
            cell
            for cell in notebook["cells"]
            if cell["metadata"].get("mbpo", {}).get("role") == "answer"
        ]
        if number % 6 in (1, 3):
            answers[1]["source"] += "\nperformance_bound = lambda *numbers: sum(numbers)"
        elif number % 6 == 5:
            answers[2]["source"] = "def informative_shift(*numbers):\n    raise NotImplementedError"
        (folder / f"student{number:03}.ipynb").write_text(json.dumps(notebook))


if __name__ == "__main__":
    main()

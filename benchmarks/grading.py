"""Submissions graded per minute, for classes of 10, 40 and 160.

    python benchmarks/grading.py            10, 40 and 160 submissions of chapter 04
    python benchmarks/grading.py 40         one class only

Half of the class hands in the solutions, a third a wrong answer among them, the rest a stub among
them; every submission really runs. Target: 40 submissions of one chapter in at most 4 minutes on
two cores. Beside the wall time stands the processors' time, which a busy machine changes less:
half of it is about what two idle cores need.
"""

import json
import os
import platform
import resource
import sys
import tempfile
import time
from pathlib import Path

from mbpo_teach import workspace
from mbpo_teach.grading import classroom, handed_in
from mbpo_teach.spread import spread

CHAPTER = "04"
SIZES = (10, 40, 160)


def main() -> None:
    """Grade each class and print how fast that was."""
    sizes = [int(size) for size in sys.argv[1:]] or SIZES
    print(f"chapter {CHAPTER}; {os.cpu_count()} cores; {platform.machine()}, load", end=" ")
    print(f"{os.getloadavg()[0]:.1f} at the start; Python {platform.python_version()}")
    print("submissions  isolation  seconds  processor seconds  submissions per minute", flush=True)
    for size in sizes:
        isolation, seconds, processor = grade(size)
        rate = 60 * size / seconds
        print(
            f"{size:11}  {isolation:9}  {seconds:7.1f}  {processor:17.1f}  {rate:22.1f}", flush=True
        )


def grade(size: int) -> tuple[str, float, float]:
    """Return isolation, wall time and processor time of grading a class of `size`."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        hand_in(folder / "class", size)
        start = time.perf_counter()
        jobs = [
            classroom.Job(
                course=workspace.COURSE,
                submission=submission,
                seed=1,
                timeout=60.0,
                isolate="auto",
                hidden=(folder,),
            )
            for submission in handed_in.submissions(workspace.COURSE, [folder / "class"])
        ]
        done = [result for _, result in spread(timed, jobs)]
        seconds = time.perf_counter() - start
    statuses = {mark.status for report, _ in done for mark in report.marks}
    assert statuses == {"passed", "wrong", "missing"}, statuses
    return done[0][0].isolation, seconds, sum(used for _, used in done)


def timed(job: classroom.Job) -> tuple[classroom.Report, float]:
    """Grade one submission; return its report and the seconds that processors worked for it."""
    before = used()
    report = classroom.work(job)
    return report, used() - before


def used() -> float:
    """Return the processor seconds of this process and of its children that have ended."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(times.ru_utime + times.ru_stime for times in both)


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

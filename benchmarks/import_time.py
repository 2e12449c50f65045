"""CPU seconds of importing the course's core in a fresh process, beside NumPy alone.

    python benchmarks/import_time.py

Target: under 0.3 s. Most of it is NumPy's; the difference is ours.
"""

import statistics
import subprocess
import sys

REPEATS = 11
CASES = {
    "python alone": "",
    "numpy alone": "import numpy",
    "the course's core": "import mbpo_teach, mbpo_teach.theory.bounds, mbpo_teach.tables.mdp",
}
MEASURE = "\nimport time\nprint(time.process_time())"


def cpu_seconds(statement: str) -> float:
    """Return the median CPU time of a process that runs `statement` and nothing else."""
    command = [sys.executable, "-c", statement + MEASURE]
    times = [
        float(subprocess.run(command, capture_output=True, check=True).stdout)
        for _ in range(REPEATS)
    ]
    return statistics.median(times)


def main() -> None:
    for name, statement in CASES.items():
        print(f"{name:18} {cpu_seconds(statement):.3f} s (median of {REPEATS})")


if __name__ == "__main__":
    main()

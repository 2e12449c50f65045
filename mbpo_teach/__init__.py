"""When to Trust Your Model: the code behind the chapters, in the order in which they teach it.

Each folder is a room with one idea (docs/architecture.md). Import what a chapter names, for example
``from mbpo_teach.theory import bounds``. The package itself loads neither torch nor matplotlib.
"""

__version__ = "0.1.0"

"""When to Trust Your Model: the code behind the chapters, in the order in which they teach it.

Import the module that a chapter names, for example ``from mbpo_teach import bounds``. Importing
the package itself loads neither torch nor matplotlib.
"""

__version__ = "0.1.0"

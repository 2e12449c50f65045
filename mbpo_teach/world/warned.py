"""What MuJoCo complains of, heard as Python's warnings."""

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def mujoco_warnings() -> Iterator[None]:
    """Turn MuJoCo's warnings into Python's; by itself it writes a MUJOCO_LOG.TXT wherever it runs.

    One is left out: HalfCheetah's model, which comes with Gymnasium, uses `settotalmass`, which
    MuJoCo 4 calls deprecated and obeys.
    """
    # Whoever uses it has loaded it; a world without MuJoCo must run where MuJoCo does not.
    mujoco = sys.modules.get("mujoco")
    if mujoco is None:
        yield
        return
    heard: list[str] = []
    before = mujoco.get_mju_user_warning()
    mujoco.set_mju_user_warning(heard.append)
    try:
        yield
    finally:
        mujoco.set_mju_user_warning(before)
    # Not inside the callback: an exception cannot travel through MuJoCo's C code.
    for message in heard:
        if "'settotalmass' is deprecated" not in message:
            warnings.warn(f"MuJoCo: {message}", RuntimeWarning, stacklevel=3)

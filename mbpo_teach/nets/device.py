"""Where a training computes: on the processor, or on a graphics card that PyTorch can use.

Networks, memories and streams of random numbers all live in one place; only the simulators stay on
the processor. Two kinds of device round differently and draw other random numbers, so a seed gives
one curve on each. Used by ``python -m mbpo_teach train --device`` (chapter 7).
"""

import torch

DEVICES = ("cpu", "cuda")


def known(name: str) -> str:
    """Return `name` if there are devices of that name, on this machine or on others.

    Raises
    ------
    ValueError
        If it is none of :data:`DEVICES`.
    """
    if name not in DEVICES:
        raise ValueError(f"device must be one of {', '.join(DEVICES)}, not {name!r}")
    return name


def found(name: str) -> torch.device:
    """Return the device `name` of this machine.

    Raises
    ------
    ValueError
        If this machine has none.
    """
    if known(name) == "cuda" and not torch.cuda.is_available():
        raise ValueError(
            "device must be 'cpu' on this machine, where PyTorch finds no graphics card that it can"
            f" use, not {name!r}"
        )
    return torch.device(name)

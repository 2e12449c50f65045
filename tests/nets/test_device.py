"""Where a training computes: what there is, and one sentence for what there is not."""

import pytest
import torch

from mbpo_teach.nets import device


def test_a_processor_is_always_there():
    assert device.found("cpu") == torch.device("cpu")


@pytest.mark.parametrize("name", ["gpu", "", "cuda:7", "meta"])
def test_a_device_of_no_kind_is_named(name):
    with pytest.raises(ValueError, match=rf"^device must be one of cpu, cuda, not '{name}'$"):
        device.found(name)


@pytest.mark.parametrize("there", [True, False])
def test_a_graphics_card_is_found_or_refused(monkeypatch, there):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    assert device.known("cuda") == "cuda", "a run may be of another machine"
    if there:
        assert device.found("cuda") == torch.device("cuda")
        return
    with pytest.raises(ValueError, match=r"^device must be 'cpu' on this machine.*not 'cuda'$"):
        device.found("cuda")

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbpo_teach.ground import seeding

names = st.lists(st.integers(0, 99) | st.text(max_size=4), max_size=3).map(tuple)


def draw(seed, *stream):
    return seeding.generator(seed, *stream).integers(2**62)


@given(st.integers(0, 2**64), names)
def test_the_same_arguments_give_the_same_stream(seed, stream):
    assert draw(seed, *stream) == draw(seed, *stream)


@given(st.integers(0, 2**64), names, names)
def test_another_name_is_another_stream(seed, first, second):
    if first != second:
        assert draw(seed, *first) != draw(seed, *second)


def test_another_seed_is_another_stream():
    assert len({draw(seed, "explore") for seed in range(100)}) == 100


def test_the_integer_one_is_not_the_string_one():
    assert draw(0, 1) != draw(0, "1")


def test_names_do_not_run_together():
    assert draw(0, "ab") != draw(0, "a", "b")


def test_the_order_of_names_counts():
    assert draw(0, "a", "b") != draw(0, "b", "a")


def test_a_stream_is_known_by_its_numbers():
    """These numbers are what recorded results rest on: they must never change."""
    rng = seeding.generator(0, "explore")
    assert rng.integers(1000, size=4).tolist() == [52, 75, 41, 512]


def test_a_fresh_process_gives_the_same_stream():
    """Python hashes strings differently in each process; the names must not go through hash()."""
    code = (
        "from mbpo_teach.ground.seeding import generator\n"
        "print(generator(3, 'fit', 1).integers(2**62))"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
    assert int(printed) == draw(3, "fit", 1)


def test_streams_are_uncorrelated():
    first, second = (seeding.generator(0, name).normal(size=20_000) for name in ("a", "b"))
    # The standard error of a correlation of 20,000 pairs is 0.007.
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.04


def test_numpy_integers_are_seeds():
    assert draw(np.int64(3), "a") == draw(3, "a")


def test_a_name_from_numpy_is_the_same_name():
    """``for n in np.arange(3)`` and ``for n in range(3)`` have to ask for the same streams."""
    assert draw(0, np.int64(3), np.str_("a")) == draw(0, 3, "a")


@pytest.mark.parametrize("wrong", [1.5, None, True, object(), ("seed", 3)])
def test_what_is_not_a_name_is_refused(wrong):
    with pytest.raises(ValueError, match="name must be a string or an integer, not"):
        seeding.generator(0, "a", wrong)


def test_no_global_generator_is_touched():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    draw(0, "a")
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@pytest.mark.parametrize("wrong", [-1, 1.0, "1", None, True, np.array([1])])
def test_what_is_not_a_seed_is_refused(wrong):
    with pytest.raises(ValueError, match="seed must be a non-negative integer, not"):
        seeding.generator(wrong, "a")


# The streams of a run.


def test_a_stream_is_made_once_and_goes_on():
    streams = seeding.Streams(3)
    first = streams.numpy("explore").integers(2**62)
    assert streams.numpy("explore") is streams.numpy("explore")
    assert [first, streams.numpy("explore").integers(2**62)] == (
        seeding.generator(3, "explore").integers(2**62, size=2).tolist()
    )


def test_torch_has_streams_of_the_same_names():
    torch = pytest.importorskip("torch")
    streams = seeding.Streams(3)
    expected = torch.rand(4, generator=seeding.torch_generator(3, "noise"))
    assert torch.rand(4, generator=streams.torch("noise")).equal(expected)
    assert not torch.rand(4, generator=streams.torch("noise")).equal(expected)
    assert {*streams.made} == {"noise"}
    with pytest.raises(AssertionError, match=r"noise is a stream of PyTorch's"):
        streams.numpy("noise")
    streams.numpy("explore")
    with pytest.raises(AssertionError, match=r"explore is a stream of NumPy's"):
        streams.torch("explore")


def test_asking_for_one_stream_changes_no_other():
    one, other = seeding.Streams(3), seeding.Streams(3)
    one.numpy("a").normal(size=5)
    assert one.numpy("b").integers(2**62) == other.numpy("b").integers(2**62)
    assert list(one.made) == ["a", "b"] and list(other.made) == ["b"]

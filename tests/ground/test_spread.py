import os
import signal
import subprocess
import sys
import time
from concurrent.futures.process import BrokenProcessPool
from types import SimpleNamespace

import pytest

from mbpo_teach.ground.spread import spread


def square(number):
    return number * number


def process(number):
    time.sleep(0.2)
    return os.getpid()


def fail_at_three(number):
    if number == 3:
        raise RuntimeError("three")
    return number


def forbidden(number):
    raise AssertionError("this was stored already")


SQUARES = [(i, i * i) for i in range(6)]


@pytest.mark.parametrize("workers", [1, 2, 4, None])
def test_every_job_is_done_once(workers):
    assert sorted(spread(square, range(6), workers=workers)) == SQUARES


def test_several_processes_work():
    found = {pid for _, pid in spread(process, range(6), workers=2)}
    assert len(found) == 2 and os.getpid() not in found


def test_one_worker_is_this_process_and_keeps_the_order():
    assert list(spread(square, range(6), workers=1)) == SQUARES
    assert {pid for _, pid in spread(process, range(2), workers=1)} == {os.getpid()}


def test_nothing_to_do():
    assert list(spread(square, [], workers=2)) == []


def test_stored_results_come_first_and_their_jobs_are_not_done():
    stored = {0: 0, 2: 4, 5: 25}.get
    found = list(spread(square, range(6), workers=2, stored=stored))
    assert found[:3] == [(0, 0), (2, 4), (5, 25)]
    assert sorted(found) == SQUARES
    assert list(spread(forbidden, [0, 2], workers=2, stored=stored)) == [(0, 0), (1, 4)]


def test_new_results_are_stored_before_they_are_seen():
    kept = {0: 0, 2: 4}
    results = spread(square, range(6), workers=2, stored=kept.get, store=kept.__setitem__)
    assert list(kept) == [0, 2]
    assert [next(results), next(results)] == [(0, 0), (2, 4)]
    position, _ = next(results)
    assert position in kept
    list(results)
    assert kept == dict(SQUARES)


def test_results_come_as_they_are_ready():
    """Whoever stores each at once loses at most what was under way."""
    results = spread(square, range(1000), workers=1)
    assert next(results) == (0, 0)


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_is_raised(workers):
    with pytest.raises(RuntimeError, match="three"):
        list(spread(fail_at_three, range(6), workers=workers))


@pytest.mark.parametrize("workers", [0, -1, True, 2.5, "2"])
def test_a_wrong_number_of_workers_is_refused_at_once(workers):
    with pytest.raises(ValueError, match="workers must be"):
        spread(square, [1], workers=workers)


def test_without_dask_there_is_a_clear_error(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ValueError, match=r"needs Dask, which is not installed: pip install"):
        spread(square, [1], scheduler="tcp://127.0.0.1:1")


def test_neither_joblib_nor_dask_is_loaded_before_it_is_needed():
    code = (
        "import sys, mbpo_teach.ground.spread as s\n"
        "list(s.spread(abs, [1, 2], workers=1))\n"
        "assert not {'joblib', 'distributed'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# A real scheduler and a real worker, each its own process.


@pytest.mark.parametrize("workers", [None, 1, 3])
def test_a_cluster_does_the_same(scheduler, workers):
    jobs = [3, 1, 4, 1, 5, 9, 2, 6]
    found = spread(square, jobs, scheduler=scheduler, workers=workers, stored={4: 16}.get)
    assert sorted(found) == [(i, job * job) for i, job in enumerate(jobs)]


def test_a_cluster_works_elsewhere(scheduler):
    assert os.getpid() not in {pid for _, pid in spread(process, range(4), scheduler=scheduler)}


def test_an_error_on_a_cluster_is_raised(scheduler):
    with pytest.raises(RuntimeError, match="three"):
        list(spread(fail_at_three, range(6), scheduler=scheduler))


def outlive(number):
    """What Dask says of a job when it has given up: that one worker after the other died."""
    from distributed import KilledWorker

    raise KilledWorker("job", SimpleNamespace(address="tcp://127.0.0.1:9"), 3)


def test_a_job_that_workers_die_of_is_an_error_of_its_own(scheduler):
    with pytest.raises(BrokenProcessPool, match="all those workers died while running it"):
        list(spread(outlive, [1], scheduler=scheduler))


def die(number):
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_process_that_dies_is_the_same_error():
    with pytest.raises(BrokenProcessPool):
        list(spread(die, [1, 2], workers=2))


def test_a_scheduler_that_does_not_answer_is_a_clear_error():
    pytest.importorskip("distributed")
    with pytest.raises(ValueError, match="must be the address of a running Dask scheduler"):
        list(spread(square, [1], scheduler="nonsense://nowhere"))

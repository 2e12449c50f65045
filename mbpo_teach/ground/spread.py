"""Many jobs over the processes of this machine, or over a Dask cluster.

``spread(work, jobs)`` yields results as they come, each with the position of its job. With `store`
each result is kept at once; killed and started again with `stored`, only the rest is done.
Used by the commands that grade a class and that sweep over settings.
"""

import _thread
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import Any, TypeVar

from mbpo_teach.ground.checked import MAY_BE_EMPTY, checked
from mbpo_teach.ground.checks import whole

Job = TypeVar("Job")
Result = TypeVar("Result")


@checked(jobs=MAY_BE_EMPTY, workers=None)
def spread(
    work: Callable[[Job], Result],
    jobs: Iterable[Job],
    *,
    workers: int | None = None,
    scheduler: str | None = None,
    stored: Callable[[Job], Result | None] | None = None,
    store: Callable[[Job, Result], None] | None = None,
) -> Iterator[tuple[int, Result]]:
    """Yield ``(position, work(jobs[position]))`` in the order in which the results are ready.

    An exception in `work` is raised here, and what has not begun by then is not begun.

    Parameters
    ----------
    work
        A function of one job. It runs in other processes, so it, its jobs and its results must be
        picklable.
    jobs
        The jobs.
    workers
        How many processes; one for each processor, if None. With 1 everything runs in this
        process. On a cluster it is how many jobs are handed out at a time; None hands out all.
    scheduler
        The address of a Dask scheduler, such as ``"tcp://10.0.0.5:8786"``. None stays on this
        machine. The workers of the cluster need this package in the same version.
    stored
        The result of a job from an earlier run, or None if there is none. Stored results come
        first.
    store
        Called in this process with each job and its new result, before the result is yielded.

    Raises
    ------
    ValueError
        If `workers` is not a whole number of at least 1, if there is no Dask, or if no scheduler
        answers.
    BrokenProcessPool
        If the process of a worker died; on a cluster, if a few did so over the same job.
    """
    workers = None if workers is None else whole("workers", workers, least=1)
    connect = None if scheduler is None else _client(scheduler)
    return _results(work, list(jobs), workers, connect, stored, store)


def _results(
    work: Callable[[Job], Result],
    jobs: Sequence[Job],
    workers: int | None,
    connect: Callable[[], Any] | None,
    stored: Callable[[Job], Result | None] | None,
    store: Callable[[Job, Result], None] | None,
) -> Iterator[tuple[int, Result]]:
    left = []
    for position, job in enumerate(jobs):
        result = None if stored is None else stored(job)
        if result is None:
            left.append((position, job))
        else:
            yield position, result
    if not left:
        return
    if connect is not None:
        fresh = _on_cluster(work, left, workers, connect)
    elif workers == 1 or len(left) == 1:
        fresh = (_placed(work, *job) for job in left)
    else:
        fresh = _in_processes(work, left, workers)
    for position, new in fresh:
        if store is not None:
            store(jobs[position], new)
        yield position, new


def _in_processes(
    work: Callable[[Job], Result], jobs: Sequence[tuple[int, Job]], workers: int | None
) -> Iterator[tuple[int, Result]]:
    from joblib import Parallel, delayed

    # One job at a time: jobs take seconds or more, and a batch would hold back finished results.
    pool = Parallel(
        n_jobs=min(workers or os.cpu_count() or 1, len(jobs)),
        batch_size=1,
        pre_dispatch="n_jobs",
        return_as="generator_unordered",
    )
    yield from pool(delayed(_beside)(os.getpid(), work, *job) for job in jobs)


def _on_cluster(
    work: Callable[[Job], Result],
    jobs: Sequence[tuple[int, Job]],
    workers: int | None,
    connect: Callable[[], Any],
) -> Iterator[tuple[int, Result]]:
    from concurrent.futures.process import BrokenProcessPool

    from distributed import KilledWorker, as_completed

    waiting = iter(jobs)
    with connect() as client:

        def begin(count: int) -> list[Any]:
            # Not pure: two equal jobs are two jobs.
            chosen = [job for _, job in zip(range(count), waiting, strict=False)]
            return [client.submit(_placed, work, *job, pure=False) for job in chosen]

        running = as_completed(begin(workers or len(jobs)))
        for future in running:
            try:
                result = future.result()
            except KilledWorker as error:  # a job that one worker after the other died of
                raise BrokenProcessPool(str(error)) from None
            future.release()
            running.update(begin(1))
            yield result


def _beside(
    parent: int, work: Callable[[Job], Result], position: int, job: Job
) -> tuple[int, Result]:
    _end_with(parent)
    return _placed(work, position, job)


@cache
def _end_with(parent: int) -> None:
    """End this process soon after its parent: who was killed can tell its workers nothing.

    First as Ctrl-C does, so that a job ends what it has started.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        _thread.interrupt_main()
        time.sleep(5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _placed(work: Callable[[Job], Result], position: int, job: Job) -> tuple[int, Result]:
    return position, work(job)


def _client(address: str) -> Callable[[], Any]:
    """Return what connects to the scheduler at `address`; say now if that cannot work."""
    try:
        from distributed import Client
    except ImportError:
        raise ValueError(
            f"scheduler {address!r} needs Dask, which is not installed: pip install distributed"
        ) from None

    def connect() -> Any:
        try:
            return Client(address, timeout=10)
        except (OSError, ValueError, TimeoutError) as error:
            raise ValueError(
                f"scheduler must be the address of a running Dask scheduler, not {address!r}: "
                f"{error}"
            ) from None

    return connect

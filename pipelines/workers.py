"""Work on many items at once, their results in order: here, on this machine's cores, or on Ray.

Holds: ``Workers`` (where and how many) and :func:`map_in_order`, which the stages that look at one
page at a time run through. At most a few tasks a worker are under way or waiting, so memory does
not grow with the number of items.

Keeps out: what is done to an item. Ray is asked for by an address and imported only then; its
workers need this package and a way to the same store.
"""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any, TypeVar

import cv2

from pipelines.errors import ServiceError

T = TypeVar("T")
R = TypeVar("R")
Task = Callable[[T], list[R]]

TASKS_A_WORKER = 2
"""Tasks under way or waiting for each worker: the next one is there when one is done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workers:
    """Where work is done.

    Attributes:
        count: Processes of this machine; 1 works in the calling process, 0 is one a core.
        ray_address: Of a Ray cluster (``auto``, ``ray://host:10001``, or ``local`` for one that is
            started here); empty: no Ray. The cluster's own cores count then.
    """

    count: int = 1
    ray_address: str = ""

    @property
    def is_one(self) -> bool:
        """Whether nothing is gained by cutting the work into tasks."""
        return self.count == 1 and not self.ray_address


def map_in_order(task: Task[T, R], items: Iterable[T], workers: Workers) -> Generator[R]:
    """What ``task`` makes of every item, in the items' order.

    Args:
        task: Makes a list of results of one item; must be picklable unless one process does all.
        items: Taken one by one as workers come free.
        workers: Where.

    Raises:
        ServiceError: If a worker is killed from outside, or Ray is wanted and not there.
    """
    if workers.ray_address:
        return _on_ray(task, items, workers.ray_address)
    count = workers.count or os.cpu_count() or 1
    if count == 1:
        return (result for item in items for result in task(item))
    return _on_cores(task, items, count)


def _on_cores(task: Task[T, R], items: Iterable[T], count: int) -> Generator[R]:
    # Spawned, not forked: the parent may run threads (a graph, a server), which fork breaks.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(count, mp_context=context, initializer=_one_thread) as pool:
        try:
            yield from _bounded(
                items,
                TASKS_A_WORKER * count,
                lambda item: pool.submit(task, item),
                lambda future: future.result(),
            )
        except BrokenProcessPool:
            raise ServiceError(
                f"One of {count} worker processes was killed, most likely for want of memory. "
                f"What was stored stays: run again with fewer (BEITIE_THREADS)."
            ) from None
        finally:
            pool.shutdown(cancel_futures=True)


def _on_ray(task: Task[T, R], items: Iterable[T], address: str) -> Generator[R]:
    try:
        import ray
    except ImportError:
        raise ServiceError(
            f"Work is to run on Ray at {address!r}, but Ray is not installed here. Install "
            f"`beitie[ray]`, or unset BEITIE_RAY."
        ) from None
    is_ours = not ray.is_initialized()
    if is_ours:
        try:
            ray.init(address=address, log_to_driver=False, include_dashboard=False)
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise ServiceError(
                f"No Ray cluster answers at {address!r} ({error}). Start one (`ray start --head`), "
                f"or unset BEITIE_RAY."
            ) from None
    try:
        resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        count = max(1, int(resources.get("CPU", 1)))
        remote: Any = ray.remote(num_cpus=1)(_alone)
        # The task carries the store and the parameters: sent once, not with every item.
        shared = ray.put(task)
        yield from _bounded(
            items, TASKS_A_WORKER * count, lambda item: remote.remote(shared, item), ray.get
        )
    except (ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError) as error:
        raise ServiceError(
            f"A Ray worker died ({error}). What was stored stays: run again."
        ) from None
    finally:
        if is_ours:
            ray.shutdown()


def _bounded(
    items: Iterable[T],
    most: int,
    start: Callable[[T], Any],
    finish: Callable[[Any], list[R]],
) -> Iterator[R]:
    """Start tasks as items come, finish them in order, never more than ``most`` at once."""
    waiting: deque[Any] = deque()
    for item in items:
        waiting.append(start(item))
        if len(waiting) >= most:
            yield from finish(waiting.popleft())
    while waiting:
        yield from finish(waiting.popleft())


def _one_thread() -> None:
    """Keep OpenCV from starting a thread a core in each of the workers."""
    cv2.setNumThreads(1)


def _alone(task: Task[T, R], item: T) -> list[R]:
    _one_thread()
    return task(item)

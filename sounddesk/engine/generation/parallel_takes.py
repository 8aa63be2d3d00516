"""Several takes at once on a CPU: a share of them on each core instead of every operation spread over all cores.

The layers of a small U-Net are too short to be split well: on two cores one take ran only 1.3 times as fast as on one,
while two streams of takes, one thread each, ran 1.9 times as fast (takes of 10 s). More cores were not
measured.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from collections.abc import Sequence
from concurrent.futures import Future
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import wait
from typing import Final
from typing import TypeVar

import torch

from sounddesk.domain.errors import Cancelled

_Result = TypeVar("_Result")

_POLL_S: Final = 0.05


def split_into_batches(chosen: range, *, threads: int) -> list[list[range]]:
    """Batches one after the other, each of streams that run side by side and share `threads` evenly.

    The first batch has as many streams as there are threads, or takes if those are fewer; takes that do not divide
    evenly are a second batch of one stream, on all threads.
    """
    streams = min(threads, len(chosen))
    each = len(chosen) // streams
    even = each * streams
    batches = [[chosen[index * each : (index + 1) * each] for index in range(streams)]]
    return [*batches, [chosen[even:]]] if even < len(chosen) else batches


def parallel_map(
    work: Callable[[range, Callable[[int, int], None]], _Result],
    streams: Sequence[range],
    *,
    on_step: Callable[[int], None],
) -> list[_Result]:
    """`work(takes, on_step)` for each of `streams`, each in a thread of its own with an even share of torch's threads.

    Args:
        work: reports (step, steps) after each step.
        on_step: called in this thread with the steps done so far, summed over all takes; raising stops every stream
            after its running step.
    """
    if len(streams) == 1:
        takes = streams[0]
        return [work(takes, lambda step, _total: on_step(step * len(takes)))]
    threads = torch.get_num_threads()
    stop = threading.Event()
    done = [0] * len(streams)

    def stream(index: int) -> _Result:
        # Of this thread only; torch passes it on to OpenMP and MKL.
        torch.set_num_threads(max(1, threads // len(streams)))

        def step_done(step: int, _total: int) -> None:
            done[index] = step * len(streams[index])
            if stop.is_set():
                raise Cancelled

        return work(streams[index], step_done)

    try:
        with ThreadPoolExecutor(len(streams), thread_name_prefix="takes") as pool:
            futures = [pool.submit(stream, index) for index in range(len(streams))]
            try:
                _watch(futures, done, on_step)
            except BaseException:
                stop.set()
                raise
    finally:
        # New threads take the number that was set last.
        torch.set_num_threads(threads)
    return [future.result() for future in futures]


def _watch(futures: Sequence[Future[_Result]], done: Sequence[int], on_step: Callable[[int], None]) -> None:
    """Wait for all, passing progress on; raises what `on_step` or the first failed stream raised."""
    reported = 0
    waiting: set[Future[_Result]] = set(futures)
    while waiting:
        finished, waiting = wait(waiting, timeout=_POLL_S)
        for future in finished:
            future.result()
        # Also without news: a cancellation is noticed here.
        if waiting or sum(done) != reported:
            reported = sum(done)
            on_step(reported)

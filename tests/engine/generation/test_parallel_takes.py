from __future__ import annotations

import threading
import time

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sounddesk.domain.errors import Cancelled
from sounddesk.engine.generation.parallel_takes import parallel_map
from sounddesk.engine.generation.parallel_takes import split_into_batches


@given(st.integers(0, 5), st.integers(1, 20), st.integers(1, 9))
def test_every_take_is_in_one_stream_and_only_even_shares_run_side_by_side(
    start: int, count: int, threads: int
) -> None:
    chosen = range(start, start + count)
    rounds = split_into_batches(chosen, threads=threads)
    assert [take for streams in rounds for takes in streams for take in takes] == list(chosen)
    for streams in rounds:
        assert len(streams) == 1 or len(streams) == min(threads, count)
        assert len({len(takes) for takes in streams}) == 1
        assert streams[0]
    assert len(rounds) <= 2


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("two_threads")
def test_streams_run_side_by_side_on_one_thread_each_and_report_here() -> None:
    together = threading.Barrier(2, timeout=10)
    reports: list[tuple[int, int]] = []

    def work(takes: range, on_step) -> tuple[int, list[int]]:
        together.wait()
        for step in range(3):
            on_step(step + 1, 3)
        return torch.get_num_threads(), list(takes)

    here = threading.get_ident()
    results = parallel_map(
        work, [range(2), range(2, 4)], on_step=lambda done: reports.append((threading.get_ident(), done))
    )
    assert results == [(1, [0, 1]), (1, [2, 3])]
    assert reports[-1] == (here, 12)
    assert {thread for thread, _ in reports} == {here}
    assert torch.get_num_threads() == 2
    inside = []
    thread = threading.Thread(target=lambda: inside.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    assert inside == [2]


@pytest.mark.usefixtures("two_threads")
def test_a_cancellation_here_stops_every_stream() -> None:
    steps: list[int] = []

    def work(takes: range, on_step) -> None:
        for step in range(10_000):
            time.sleep(0.005)
            steps.append(step)
            on_step(step + 1, 10_000)

    def cancel(_done: int) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        parallel_map(work, [range(1), range(1, 2)], on_step=cancel)
    assert len(steps) < 5_000
    assert torch.get_num_threads() == 2


@pytest.mark.usefixtures("two_threads")
def test_what_one_stream_raises_comes_out_and_stops_the_other() -> None:
    steps: list[int] = []

    def work(takes: range, on_step) -> None:
        if takes.start:
            raise MemoryError("full")
        for step in range(10_000):
            time.sleep(0.005)
            steps.append(step)
            on_step(step + 1, 10_000)

    with pytest.raises(MemoryError, match="full"):
        parallel_map(work, [range(1), range(1, 2)], on_step=lambda _done: None)
    assert len(steps) < 5_000

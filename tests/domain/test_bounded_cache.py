from __future__ import annotations

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sounddesk.domain.bounded_cache import BoundedCache


def test_what_was_used_longest_ago_is_forgotten_first() -> None:
    cache = BoundedCache[str, int](max_items=2)
    cache.put("a", 1)
    cache.put("b", 2)
    assert cache.get("a") == 1
    cache.put("c", 3)
    assert cache.get("b") is None
    assert (cache.get("a"), cache.get("c"), len(cache)) == (1, 3, 2)
    assert "a" in cache and "b" not in cache
    cache.clear()
    assert len(cache) == 0


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 40)), max_size=40), st.integers(0, 4), st.integers(0, 60))
def test_stays_within_both_bounds_and_keeps_the_newest_that_fit(
    puts: list[tuple[int, int]], max_items: int, max_bytes: int
) -> None:
    cache = BoundedCache[int, int](max_items=max_items, max_bytes=max_bytes, size_bytes=lambda size: size)
    model: list[tuple[int, int]] = []
    for key, size in puts:
        cache.put(key, size)
        model = [entry for entry in model if entry[0] != key] + [(key, size)]
        while model and (len(model) > max_items or sum(s for _, s in model) > max_bytes):
            model.pop(0)
        assert len(cache) == len(model) <= max_items
        assert cache.total_bytes == sum(s for _, s in model) <= max_bytes
    for key, size in model:
        assert cache.get(key) == size


def test_two_threads_make_a_value_once() -> None:
    cache = BoundedCache[str, int](max_items=2)
    made: list[int] = []
    start = threading.Barrier(4)

    def make() -> int:
        time.sleep(0.05)
        made.append(1)
        return len(made)

    def ask() -> None:
        start.wait()
        assert cache.get_or_make("image", make) == 1

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [1]


def test_a_failure_keeps_nothing_and_locks_nobody_out() -> None:
    cache = BoundedCache[str, int](max_items=2)

    def fail() -> int:
        raise OSError("no")

    with pytest.raises(OSError, match="no"):
        cache.get_or_make("a", fail)
    assert "a" not in cache
    # Whoever makes a value may look up another one.
    assert cache.get_or_make("a", lambda: cache.get_or_make("b", lambda: 1) + 1) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [({}, "without a bound"), ({"max_items": -1}, "0 or more"), ({"max_bytes": 8}, "size_bytes")],
)
def test_refusals(options: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        BoundedCache[str, int](**options)

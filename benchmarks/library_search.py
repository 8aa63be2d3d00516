"""How long a search among 100,000 events takes, and how much memory a scan.

python -m benchmarks.library_search [--events 100000] [--repeats 20]

The index holds random embeddings in recordings of ten events each; the kinds and the text encoder are the starter's.
Printed are the medians of a search by an object's condition, by words and by likeness, once the library is in memory:
wall time, and the time of this process on its cores, which other programs do not lengthen.
"""

from __future__ import annotations

import itertools
import statistics
import tempfile
import time
from collections.abc import Callable
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.common import parser
from sounddesk.domain.recordings import SoundEvent
from sounddesk.domain.recordings import SoundFormat
from sounddesk.engine.library.kind_space import KindSpace
from sounddesk.engine.library.search import LibrarySearch
from sounddesk.engine.library.search import ObjectQuery
from sounddesk.storage.library.library import Library
from sounddesk.storage.library.library_rows import IndexedRecording

EVENTS_EACH = 10
WIDTH = 512


def main(arguments: Sequence[str] | None = None) -> None:
    options_of = parser(__doc__)
    options_of.add_argument("--events", type=int, default=100_000)
    options_of.add_argument("--repeats", type=int, default=20)
    options = options_of.parse_args(arguments)
    kinds = KindSpace.load()
    with tempfile.TemporaryDirectory() as folder, Library(Path(folder) / "library.sqlite") as library:
        fill(library, Path(folder), kinds, events=options.events)
        search = LibrarySearch(library, kinds)
        condition = kinds.encode(["a dog barks"])[0]
        begin = time.perf_counter()
        found = search.of_object(ObjectQuery(condition=condition))
        loading_s = time.perf_counter() - begin
        event_id = found[0].event_id
        numbers = itertools.count()
        times_ms = {
            "object": median_ms(lambda: search.of_object(ObjectQuery(condition=condition)), options.repeats),
            # Other words each time: the vector of the last ones is kept.
            "words": median_ms(lambda: search.of_text(f"dog bark {next(numbers)}"), options.repeats),
            "likeness": median_ms(lambda: search.like(event_id), options.repeats),
        }
    listed = ", ".join(f"{name} {wall:.0f} ms ({busy:.0f} of the cores)" for name, (wall, busy) in times_ms.items())
    print(f"{options.events} events: {listed}; brought into memory in {loading_s:.1f} s")


def fill(library: Library, folder: Path, kinds: KindSpace, *, events: int) -> None:
    """Recordings of random sounds, named after the kinds."""
    rng = np.random.default_rng(0)
    folder_id = library.add_folder(folder)
    vectors = kinds.encode(list(kinds.kinds)).astype(np.float16)
    shape = SoundFormat(frames=480_000, sample_rate_hz=48_000, channels=1, encoding="PCM_24")
    laid = tuple(
        SoundEvent(start_s=float(each), end_s=each + 0.5, peak_db=-10.0, level_db=-20.0) for each in range(EVENTS_EACH)
    )
    for start in range(0, events // EVENTS_EACH, 1000):
        rows = []
        for number in range(start, min(start + 1000, events // EVENTS_EACH)):
            kind = number % len(kinds.kinds)
            rows.append(
                IndexedRecording(
                    path=folder / f"{kinds.kinds[kind]}_{number}.wav", size=1, mtime_ns=1, sha256=f"{number:064x}",
                    analysis="1", format=shape, behaviour="repeating", words=(kinds.kinds[kind], "", "", ""),
                    events=laid, embeddings=rng.random((EVENTS_EACH, WIDTH), np.float32).astype(np.float16),
                    words_vector=vectors[kind],
                )
            )  # fmt: skip
        library.put(folder_id, rows)


def median_ms(work: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Medians of the wall time of `work` and of the time on the cores."""
    wall, busy = [], []
    for _ in range(repeats):
        begin, begin_busy = time.perf_counter(), time.process_time()
        work()
        wall.append(time.perf_counter() - begin)
        busy.append(time.process_time() - begin_busy)
    return 1000 * statistics.median(wall), 1000 * statistics.median(busy)


if __name__ == "__main__":
    main()

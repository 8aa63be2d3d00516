"""One process that reads damaged files of one format, under limits, and reports every one that ends as none should.

python -m tests.fuzz.child FORMAT FOLDER FILES [FIRST]

A line of JSON per report on standard output: `{"at": 7, "read": 5, "refused": 2}` before a file is read, with how
often the files before it were read and refused, `{"at": 7, "fault": "..."}` after a fault, `{"end": true, ...}` at the
end, with the processor time of the slowest reading. The file being read lies in FOLDER, so that it is there when the
process dies of it. Files in FOLDER/replay are read first, as they are, and count as the first.
"""

from __future__ import annotations

import contextlib
import faulthandler
import io
import json
import random
import resource
import signal
import sys
import tempfile
import time
import traceback
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sounddesk.domain.errors import SounddeskError
from tests.fuzz.formats import FORMATS
from tests.fuzz.formats import Format

# Beyond what the process holds after it has read a whole file of the format.
MEMORY_BYTES = 2 << 30
CPU_S = 10
# A decoder that never comes back to Python.
HANG_S = 90

_FORBIDDEN = {
    "subprocess.Popen", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system", "os.startfile",
    "socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto",
    "webbrowser.open", "ftplib.connect", "urllib.Request",
}  # fmt: skip


class TooLong(BaseException):
    """The file took more than its seconds; no reader catches this."""


class Watch:
    """Sees what no reader may do."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seen: list[str] = []
        self.on = False
        sys.addaudithook(self._look)

    def _look(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.on:
            return
        if event in _FORBIDDEN:
            self.seen.append(f"{event}{arguments!r}"[:300])
            raise PermissionError(event)
        if event == "open" and isinstance(arguments[0], str | bytes) and self._writes(arguments):
            name = arguments[0] if isinstance(arguments[0], str) else arguments[0].decode(errors="replace")
            if not Path(name).absolute().is_relative_to(self.folder) and not name.startswith("/dev/"):
                self.seen.append(f"writes {name!r}"[:300])

    @staticmethod
    def _writes(arguments: tuple[Any, ...]) -> bool:
        mode, flags = arguments[1], arguments[2]
        return bool(set(mode or "") & set("wax+")) or bool(isinstance(flags, int) and flags & 3)


def damaged(format_: Format, seeds: list[bytes], index: int) -> bytes:
    """The file of that number: always the same."""
    rng = random.Random(zlib.crc32(format_.name.encode()) * 1_000_003 + index)
    data = rng.choice(seeds)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        # A mutator that understands the format may meet what another one has done to it.
        with contextlib.suppress(Exception):
            data = rng.choice(format_.mutators)(rng, data or b"\0", seeds)
    return data


@contextlib.contextmanager
def limits(seconds: int = CPU_S) -> Iterator[None]:
    def stop(*_: Any) -> None:
        raise TooLong

    signal.signal(signal.SIGPROF, stop)
    faulthandler.dump_traceback_later(HANG_S, exit=True)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        faulthandler.cancel_dump_traceback_later()


class Slowest:
    """Processor time in seconds of the longest reading so far."""

    def __init__(self) -> None:
        self.seconds = 0.0

    @contextlib.contextmanager
    def timed(self) -> Iterator[None]:
        begin = time.process_time()
        try:
            yield
        finally:
            self.seconds = max(self.seconds, time.process_time() - begin)


def fault_of(format_: Format, path: Path, watch: Watch, slowest: Slowest) -> tuple[str, int]:
    """What went wrong with a file ('' for nothing), and how many readers took it."""
    read = 0
    for reader in format_.readers:
        watch.seen.clear()
        try:
            with limits(), slowest.timed():
                watch.on = True
                reader(path)
            read += 1
        except SounddeskError as error:
            if not str(error) or len(str(error)) > 4100:
                return f"{reader.__name__}: a message of {len(str(error))} characters: {str(error)[:200]!r}", read
        except TooLong:
            return f"{reader.__name__}: more than {CPU_S} s", read
        except BaseException as error:  # noqa: BLE001
            where = "".join(traceback.format_exception(error)[-4:])
            return f"{reader.__name__}: {type(error).__name__}: {error}"[:400] + "\n" + where[-1800:], read
        finally:
            watch.on = False
        if watch.seen:
            return f"{reader.__name__}: {watch.seen[0]}", read
    return "", read


def virtual_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def main(name: str, folder: Path, files: int, first: int) -> None:
    format_ = FORMATS[name]
    folder = folder.resolve()
    tempfile.tempdir = str(folder / "tmp")
    path = folder / "tmp" / "in" / format_.file
    path.parent.mkdir(parents=True)
    seeds = format_.seeds()
    watch = Watch(folder)
    report = sys.stdout
    # Readers may tell of progress; the reports go on their own way.
    sys.stdout = io.StringIO()
    for number, seed in enumerate(seeds):
        path.write_bytes(seed)
        problems = []
        for reader in format_.readers:
            try:
                reader(path)
            except SounddeskError as error:
                problems.append(str(error))
        # What is refused whole shows nothing when it is refused damaged.
        if len(problems) == len(format_.readers):
            print(json.dumps({"at": 0, "fault": f"seed {number} is refused: {problems[0]}"}), file=report, flush=True)
    if sys.platform == "linux":
        limit = virtual_bytes() + MEMORY_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    replay = sorted((folder / "replay").iterdir())
    taken = refused = 0
    slowest = Slowest()
    for index in range(first, len(replay) + files):
        known = index < len(replay)
        data = replay[index].read_bytes() if known else damaged(format_, seeds, index - len(replay))
        for old in path.parent.iterdir():
            if old != path and old.is_file() and old.name != "still.png":
                old.unlink()
        path.write_bytes(data)
        counts = {"read": taken, "refused": refused}
        print(json.dumps({"at": index, **counts}), file=report, flush=True)
        fault, read = fault_of(format_, path, watch, slowest)
        taken += read
        refused += len(format_.readers) - read - bool(fault)
        if fault:
            (folder / "faults").mkdir(exist_ok=True)
            (folder / "faults" / str(index)).write_bytes(data)
            print(json.dumps({"at": index, "fault": fault}), file=report, flush=True)
    counts = {"read": taken, "refused": refused}
    print(json.dumps({"end": True, "slowest_s": slowest.seconds, **counts}), file=report, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]) if len(sys.argv) > 4 else 0)

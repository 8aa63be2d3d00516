"""Scans the folders of a library: only what changed, in batches, resumable; files are never touched.

What is done is kept after every batch, so that a scan that was killed goes on where it was. Several processes may scan
one library: each claims a file before it reads it, and every second one begins at the end. At its end a scan waits for
what others are still reading, and reads it itself where they were killed.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from collections.abc import Sequence
from concurrent.futures import Future
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from sounddesk.audio.exporters.ucs import words_of_cat_id
from sounddesk.audio.files.wav_io import SoundFileError
from sounddesk.audio.recordings.recording_tags import folder_words
from sounddesk.audio.recordings.recording_tags import recording_words
from sounddesk.audio.recordings.recording_tags import words_of_name
from sounddesk.domain.recordings import RecordingTags
from sounddesk.domain.sound_suffixes import SOUND_SUFFIXES
from sounddesk.engine.library.event_encoder import EventEncoder
from sounddesk.engine.library.examining import ExaminedRecording
from sounddesk.engine.library.examining import examine
from sounddesk.engine.library.kind_space import KindSpace
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.tasks import StageReporter
from sounddesk.storage.library.library import Library
from sounddesk.storage.library.library_rows import IndexedRecording
from sounddesk.storage.library.library_rows import LibraryFolder
from sounddesk.storage.library.library_rows import Vectors
from sounddesk.storage.library.scan_claims import ScanClaims

# Another number scans everything again.
_ANALYSIS: Final = 1
_READERS: Final = 2
_BATCH_FILES: Final = 32
_BATCH_S: Final = 3.0
_WAIT_S: Final = 0.2


@dataclass(frozen=True, kw_only=True)
class _File:
    path: Path
    size: int
    mtime_ns: int


@dataclass(frozen=True, kw_only=True)
class _Work:
    """What a thread made of a file: not claimed where another process is at work on it, nothing where it was done."""

    claimed: bool
    examined: ExaminedRecording | None = None


@dataclass(kw_only=True)
class ScanReport:
    """What a scan did.

    Attributes:
        scanned, unchanged, moved, missing: recordings; those that are gone are kept in the library.
        problems: files that cannot be used, with the reason.
        absent: folders that were not there, with how many recordings of theirs are waiting.
        seconds: length of what was scanned.
        elapsed_s: how long it took.
        beside: another process was scanning the same library.
    """

    scanned: int = 0
    unchanged: int = 0
    moved: int = 0
    missing: int = 0
    seconds: float = 0.0
    elapsed_s: float = 0.0
    beside: bool = False
    problems: list[tuple[Path, str]] = field(default_factory=list)
    absent: list[tuple[Path, int]] = field(default_factory=list)

    def line(self) -> str:
        parts = [f"{self.scanned} scanned", f"{self.unchanged} as they were"]
        parts += [f"{self.moved} found under another name"] if self.moved else []
        parts += [f"{self.missing} not there any more (kept)"] if self.missing else []
        parts += [f"{len(self.problems)} that cannot be used"] if self.problems else []
        speed = f", {self.seconds / self.elapsed_s:.0f} x real time" if self.scanned and self.elapsed_s > 0 else ""
        return f"recordings: {', '.join(parts)}{speed}"


class LibraryEars:
    """What a scan hears and reads with, loaded at the first file."""

    def __init__(self, *, encoder: EventEncoder | None = None, kinds: KindSpace | None = None) -> None:
        self._encoder = encoder
        self._kinds = kinds

    @property
    def encoder(self) -> EventEncoder:
        """Raises: EngineError."""
        if self._encoder is None:
            self._encoder = EventEncoder()
        return self._encoder

    @property
    def kinds(self) -> KindSpace:
        """Raises: EngineError."""
        if self._kinds is None:
            self._kinds = KindSpace.load()
        return self._kinds


def scan(
    library: Library,
    *,
    ears: LibraryEars | None = None,
    folders: Sequence[LibraryFolder] | None = None,
    on_progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
) -> ScanReport:
    """Bring the library up to date with its folders.

    Args:
        folders: only these.

    Raises:
        EngineError: the encoder cannot be loaded.
        LibraryError: the index cannot be written.
        Cancelled: through `cancel`, within a block of a file; what was done is kept.
    """
    begin = time.monotonic()
    with ScanClaims(library) as claims:
        report = ScanReport(beside=claims.scan > 0)
        for folder in library.folders() if folders is None else folders:
            _FolderScan(library, folder, claims, ears or LibraryEars(), report, cancel=cancel).run(on_progress)
    report.elapsed_s = time.monotonic() - begin
    return report


class _FolderScan:
    """The scan of one folder."""

    def __init__(
        self,
        library: Library,
        folder: LibraryFolder,
        claims: ScanClaims,
        ears: LibraryEars,
        report: ScanReport,
        *,
        cancel: CancelToken | None,
    ) -> None:
        self._library = library
        self._folder = folder
        self._claims = claims
        self._ears = ears
        self._report = report
        self._cancel = cancel
        self._waiting: list[IndexedRecording] = []
        self._done: list[Path] = []
        self._kept_at = time.monotonic()

    def run(self, on_progress: OnProgress | None) -> None:
        library, folder = self._library, self._folder
        known = library.known_files(folder.id)
        files = {os.fsencode(each.path): each for each in sound_files(folder.path, cancel=self._cancel)}
        if known and not files:
            # An empty mount point looks like an emptied folder: nothing is taken for gone.
            self._absent(len(known))
            return
        if not folder.path.is_dir():
            self._absent(len(known))
            return
        library.set_present(folder.id, True)
        gone = [each.id for path, each in known.items() if path not in files and not each.missing]
        library.set_missing(gone, True)
        analysis = f"{_ANALYSIS}-{self._ears.encoder.name}" if files else ""
        todo = [
            each
            for path, each in files.items()
            if path not in known
            or known[path].missing
            or (known[path].size, known[path].mtime_ns, known[path].analysis) != (each.size, each.mtime_ns, analysis)
        ]
        self._report.unchanged += len(files) - len(todo)
        reporter = StageReporter(stage="scan", total=len(todo), on_progress=on_progress, cancel=self._cancel)
        if self._claims.scan % 2:
            todo.reverse()
        moved_before = self._report.moved
        try:
            for done, (file, examined) in enumerate(self._examined(todo, analysis), start=1):
                if examined is not None:
                    if not self._take(file, examined, analysis):
                        self._absent(len(known))
                        return
                    self._done.append(file.path)
                    self._keep()
                reporter.step(done)
        finally:
            self._keep(force=True)
            self._claims.release()
        self._report.missing += max(0, len(gone) - (self._report.moved - moved_before))

    def _absent(self, recordings: int) -> None:
        self._library.set_present(self._folder.id, False)
        self._report.absent.append((self._folder.path, recordings))

    def _examined(self, todo: Sequence[_File], analysis: str) -> Iterator[tuple[_File, ExaminedRecording | None]]:
        """Files read ahead by other threads, in order; None for one that another process has done meanwhile.

        Those that another process is at work on come last.
        """
        elsewhere: list[_File] = []
        with ThreadPoolExecutor(_READERS, thread_name_prefix="scan") as pool:
            ahead: list[tuple[_File, Future[_Work]]] = []
            rest = iter(todo)
            try:
                while True:
                    while len(ahead) <= _READERS and (file := next(rest, None)) is not None:
                        ahead.append((file, pool.submit(self._work, file, analysis)))
                    if not ahead:
                        break
                    file, future = ahead.pop(0)
                    work = future.result()
                    if work.claimed:
                        yield file, work.examined
                    else:
                        elsewhere.append(file)
            finally:
                for _, future in ahead:
                    future.cancel()
        for file in elsewhere:
            # Nothing is held while waiting: the other one may be waiting for it.
            self._keep(force=True)
            while not (work := self._work(file, analysis)).claimed:
                if self._cancel is not None:
                    self._cancel.raise_if_cancelled()
                time.sleep(_WAIT_S)
            yield file, work.examined

    def _work(self, file: _File, analysis: str) -> _Work:
        if not self._claims.claim(file.path):
            return _Work(claimed=False)
        if self._library.is_current(file.path, file.size, file.mtime_ns, analysis):
            self._claims.release([file.path])
            return _Work(claimed=True)
        return _Work(claimed=True, examined=examine(file.path, cancel=self._cancel))

    def _take(self, file: _File, examined: ExaminedRecording, analysis: str) -> bool:
        """Keep what was read of a file; False where the whole folder has gone."""
        embeddings: Vectors | None = None
        problem = examined.problem
        if not problem:
            try:
                vectors = list(self._ears.encoder.embed(examined.window_sounds()))
                rows = np.zeros((len(examined.events), self._ears.encoder.width), dtype=np.float16)
                for window, vector in zip(examined.windows, vectors, strict=True):
                    rows[list(window.events)] = vector
                embeddings = rows
            except SoundFileError as error:
                problem = str(error)
        if problem and not file.path.exists():
            # Gone since it was listed: a file that somebody moved, or the whole disk.
            return self._folder.path.is_dir()
        # It is told behind the path, wherever it is told.
        problem = problem.removeprefix(f"{file.path} ")
        if problem:
            self._report.problems.append((file.path, problem))
        words = words_of(file.path, examined.tags, root=self._folder.path)
        if not problem and self._was_moved(file, examined, words):
            return True
        self._waiting.append(
            IndexedRecording(
                path=file.path,
                size=file.size,
                mtime_ns=file.mtime_ns,
                sha256=examined.sha256,
                analysis=analysis,
                format=examined.format,
                tags=examined.tags,
                behaviour=examined.behaviour,
                words=words,
                events=() if problem else examined.events,
                embeddings=embeddings,
                problem=problem,
            )
        )
        self._report.scanned += 1
        self._report.seconds += examined.format.seconds if examined.format else 0.0
        return True

    def _was_moved(self, file: _File, examined: ExaminedRecording, words: tuple[str, str, str, str]) -> bool:
        missing = self._library.missing_with_content(examined.sha256)
        # A file that is where it was before is no copy of another one that is gone.
        if not missing or any(before == file.path for _, before in missing):
            return False
        moved = self._library.move(
            missing[0][0],
            folder_id=self._folder.id,
            path=file.path,
            size=file.size,
            mtime_ns=file.mtime_ns,
            words=words,
        )
        self._report.moved += moved
        return moved

    def _keep(self, *, force: bool = False) -> None:
        """Write what has come together, where it is enough or long ago, and give its claims back."""
        due = len(self._done) >= _BATCH_FILES or time.monotonic() - self._kept_at >= _BATCH_S
        if not (due or force):
            return
        if self._waiting:
            self._write()
        self._claims.release(self._done)
        self._done = []
        self._kept_at = time.monotonic()

    def _write(self) -> None:
        said = [recording_words(each.path, each.tags, root=self._folder.path) for each in self._waiting]
        vectors = self._ears.kinds.encode([text or "sound" for text in said]).astype(np.float16)
        ready = [
            replace(each, words_vector=vector if text else None)
            for each, text, vector in zip(self._waiting, said, vectors, strict=True)
        ]
        self._library.put(self._folder.id, ready)
        self._waiting = []


def words_of(path: Path, tags: RecordingTags, *, root: Path) -> tuple[str, str, str, str]:
    """What the full-text index knows of a recording: its name, its folders, what is told of it, and its category."""
    name = path.name.removeprefix(tags.cat_id)
    return (
        f"{words_of_name(name)} {path.stem}",
        folder_words(path, root=root),
        f"{tags.description}\n{tags.keywords}",
        f"{words_of_cat_id(tags.cat_id)} {tags.cat_id}",
    )


def sound_files(folder: Path, *, cancel: CancelToken | None = None) -> list[_File]:
    """Sound files below a folder, in order of their names; hidden ones and folders behind links are left out.

    Raises:
        Cancelled: through `cancel`.
    """
    found = []
    for root, folders, names in os.walk(folder):
        if cancel is not None:
            cancel.raise_if_cancelled()
        folders[:] = sorted(each for each in folders if not each.startswith("."))
        for name in sorted(names):
            # Other systems leave a file '._dog.wav' beside each 'dog.wav'.
            if name.startswith(".") or Path(name).suffix.lower() not in SOUND_SUFFIXES:
                continue
            path = Path(root, name)
            try:
                facts = path.stat()
            except OSError:
                continue
            if stat.S_ISREG(facts.st_mode):
                found.append(_File(path=path, size=facts.st_size, mtime_ns=facts.st_mtime_ns))
    return found

"""What the library's thread is asked for, and what it answers; free of Qt."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

import numpy as np

from sounddesk.app.runtime.heavy_imports import gil_friendly_imports
from sounddesk.domain.recordings import FoundEvent
from sounddesk.domain.tiled_mask import TiledMask
from sounddesk.domain.timeline import PROJECT_RATE_HZ
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.types import RgbImage
from sounddesk.storage.library.library import Library

if TYPE_CHECKING:
    from sounddesk.audio.files.pcm import Waveform
    from sounddesk.engine.library.library_takes import LibraryTake
    from sounddesk.engine.library.scan import ScanReport
    from sounddesk.engine.library.search import EventFilter
    from sounddesk.engine.library.search import LibrarySearch
    from sounddesk.engine.session import EngineSession

MOST_FOUND = 100
_AUDITION_S = 20.0


@dataclass(frozen=True, kw_only=True, eq=False)
class SoughtObject:
    """An object of the image, to find recordings for.

    Attributes:
        bundle: whose networks look at it.
        by_user: the name was typed.
    """

    image: RgbImage
    mask: TiledMask
    name: str
    by_user: bool
    prompt: str
    bundle: str
    device: str


@dataclass(frozen=True, kw_only=True, eq=False)
class SearchJob:
    """Find recordings: by words, for an object, or like an event; exactly one of them."""

    words: str = ""
    sought: SoughtObject | None = None
    like: int | None = None
    starred_only: bool = False
    commercial_only: bool = False
    behaviour: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class TakeJob:
    """Lay a recording out as a take of an object."""

    found: FoundEvent
    object_id: str
    seconds: float
    seed: int


@dataclass(frozen=True, kw_only=True, eq=False)
class AuditionJob:
    """Read an event to play it."""

    found: FoundEvent


@dataclass(frozen=True, kw_only=True, eq=False)
class StarJob:
    """Mark recordings as favourites, or take the mark away."""

    recording_ids: tuple[int, ...]
    on: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class SearchAnswer:
    """What was found, and how many recordings there are to find."""

    found: tuple[FoundEvent, ...]
    recordings: int


LibraryJob = SearchJob | TakeJob | AuditionJob | StarJob


@dataclass(eq=False)
class LibraryWork:
    """Does the jobs, on the thread of a worker; what it needs is opened at the first one.

    Args:
        open_library: called once.
    """

    open_library: Callable[[], Library]
    _library: Library | None = None
    _search: LibrarySearch | None = None
    _session: EngineSession | None = None
    _session_of: tuple[str, str] = ("", "")
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def close(self) -> None:
        """Let go of everything; the thread has ended."""
        if self._session is not None:
            self._session.unload()
        if self._library is not None:
            self._library.close()
        self._session = self._library = self._search = None

    def do(self, job: LibraryJob, cancel: CancelToken) -> Any:
        """The answer to a job.

        Raises:
            SounddeskError: it cannot be done.
            Cancelled: through `cancel`.
        """
        if isinstance(job, SearchJob):
            return self._find(job, cancel)
        if isinstance(job, StarJob):
            for each in job.recording_ids:
                self.library.star(each, job.on)
            return None
        return self._take(job) if isinstance(job, TakeJob) else _heard(job.found)

    @property
    def library(self) -> Library:
        """The user's library. Raises: LibraryError."""
        if self._library is None:
            self._library = self.open_library()
        return self._library

    def _take(self, job: TakeJob) -> LibraryTake:
        from sounddesk.engine.library.library_takes import arranged_take
        from sounddesk.engine.library.remembered_recordings import remember_recording

        remember_recording(job.found.recording.sha256, job.found.recording.path)
        return arranged_take(self.library, job.found, seconds=job.seconds, seed=job.seed)

    def _find(self, job: SearchJob, cancel: CancelToken) -> SearchAnswer:
        count = self.library.count()
        if not count:
            return SearchAnswer(found=(), recordings=0)
        with gil_friendly_imports():
            search = self._opened_search()
        cancel.raise_if_cancelled()
        wanted = _filter_of(job)
        if job.like is not None:
            found = search.like(job.like, wanted=wanted, limit=MOST_FOUND)
        elif job.sought is not None:
            found = self._for_object(search, job.sought, wanted)
        else:
            found = search.of_text(job.words, wanted=wanted, limit=MOST_FOUND, unfinished=True)
        return SearchAnswer(found=tuple(found), recordings=count)

    def _opened_search(self) -> LibrarySearch:
        from sounddesk.engine.library.kind_space import KindSpace
        from sounddesk.engine.library.search import LibrarySearch

        if self._search is None:
            self._search = LibrarySearch(self.library, KindSpace.load())
        return self._search

    def _for_object(self, search: LibrarySearch, sought: SoughtObject, wanted: EventFilter) -> list[FoundEvent]:
        from sounddesk.engine.bundles.installed_bundles import find_bundle
        from sounddesk.engine.library.object_conditions import object_query
        from sounddesk.engine.library.object_conditions import shares_text_space
        from sounddesk.engine.library.search import ObjectQuery
        from sounddesk.engine.session import EngineSession
        from sounddesk.engine.types import ObjectRequest

        query = ObjectQuery(name=sought.name, by_user=sought.by_user, prompt=sought.prompt)
        if shares_text_space(find_bundle(sought.bundle)):
            asked = (sought.bundle, sought.device)
            if self._session is None or self._session_of != asked:
                if self._session is not None:
                    self._session.unload()
                self._session, self._session_of = EngineSession.open(bundle=sought.bundle, device=sought.device), asked
            mask = sought.mask.to_array().astype(np.float32) / np.float32(255)
            request = ObjectRequest(name=sought.name, mask=mask, seed=0, prompt=sought.prompt or None)
            query = object_query(self._session, sought.image, request, by_user=sought.by_user)
        return search.of_object(query, wanted=wanted, limit=MOST_FOUND)


def scan_library(
    open_library: Callable[[], Library], report: Callable[[object], None], cancel: CancelToken
) -> ScanReport:
    """Bring the library up to date, on the thread of a worker of its own. Raises: SounddeskError, Cancelled."""
    with gil_friendly_imports():
        from sounddesk.engine.library.scan import scan

    with open_library() as library:
        return scan(library, on_progress=report, cancel=cancel)


def add_folder(open_library: Callable[[], Library], folder: Path) -> None:
    """Take a folder into the library. Raises: LibraryError."""
    with open_library() as library:
        library.add_folder(folder)


def _filter_of(job: SearchJob) -> EventFilter:
    from sounddesk.engine.library.search import EventFilter

    behaviours: Any = (job.behaviour,) if job.behaviour else ()
    return EventFilter(starred_only=job.starred_only, commercial_only=job.commercial_only, behaviours=behaviours)


def _heard(found: FoundEvent) -> Waveform:
    """The event, mono at the project rate; of a long one the beginning. Raises: SoundFileError."""
    from sounddesk.audio.files.sound_stream import SoundStream
    from sounddesk.audio.resample import resample

    rate = found.recording.format.sample_rate_hz
    start, stop = round(found.event.start_s * rate), round(found.event.end_s * rate)
    with SoundStream(found.recording.path) as stream:
        samples = stream.mono(start, min(stop, start + round(_AUDITION_S * rate)))
    return resample(samples, from_hz=rate, to_hz=PROJECT_RATE_HZ)

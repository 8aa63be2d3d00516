"""Frames of movies, one at a time, and where each is named as if it were a file in the movie.

'/shots/street.mov/street.0012.png' is the twelfth frame of street.mov: what plans, tells and hashes frames by their
paths then needs to know nothing of movies. Frames are counted from 1, as image sequences made of a movie are.
"""

from __future__ import annotations

import hashlib
import threading
from bisect import bisect_right
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from itertools import pairwise
from pathlib import Path
from typing import Any
from typing import Final

import numpy as np

from sounddesk.domain.bounded_cache import BoundedCache
from sounddesk.domain.errors import Cancelled
from sounddesk.domain.errors import MissingPackageError
from sounddesk.domain.frame_sequence import Frame
from sounddesk.domain.picture_suffixes import MOVIE_SUFFIXES
from sounddesk.domain.timecode import TimecodeRate
from sounddesk.domain.timecode import exact_rate
from sounddesk.domain.timecode import format_timecode
from sounddesk.domain.timecode import may_drop_frames
from sounddesk.domain.timecode import parse_timecode
from sounddesk.engine.images.image_file import LoadedImage
from sounddesk.engine.images.image_file import load_image
from sounddesk.engine.images.picture_decoding import MAX_PIXELS
from sounddesk.engine.images.picture_decoding import MIN_SIDE_PX
from sounddesk.engine.images.picture_decoding import ImageFileError
from sounddesk.engine.media_file import open_media
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.types import RgbImage
from sounddesk.storage.foreign_file import open_foreign_file

# An hour at 240 frames per second, and some.
_MAX_FRAMES: Final = 1_000_000
# Decoded frames that are kept: the one that is followed, the one that is rendered, and the one read ahead.
_KEPT_FRAMES: Final = 3
_OPEN_MOVIES: Final = 2
# Steps between frames that differ by more of themselves are no rounding.
_UNEVEN: Final = Fraction(1, 10)
_FILM_RATES: Final = (
    Fraction(24),
    Fraction(25),
    Fraction(30),
    Fraction(50),
    Fraction(60),
    Fraction(120),
    Fraction(240),
)
_SLOWEST_FILM: Final = 20
# Frames that a jump goes back further where it landed behind what was asked for.
_STEP_BACK: Final = 8
_DIGITS: Final = 4
_PIECE_BYTES: Final = 1 << 22

# By path, size and time of the last change.
_FileKey = tuple[Path, int, int]


@dataclass(frozen=True, kw_only=True)
class MovieFacts:
    """What a movie says of itself.

    Attributes:
        times: presentation time of each frame in units of `time_base`, in the order in which they are shown.
        offsets: frames of `rate` from the first one's time to each one's; 0, 1, 2 and so on unless the rate varies.
        rate: how its frames are counted.
        start_timecode: of its first frame, 'hh:mm:ss:ff'; None where it has none.
        width, height: in pixels as stored.
    """

    path: Path
    times: tuple[int, ...]
    offsets: tuple[int, ...]
    rate: TimecodeRate
    start_timecode: str | None
    width: int
    height: int

    @property
    def n_frames(self) -> int:
        return len(self.times)

    @property
    def varies(self) -> bool:
        """Whether its frames are not evenly apart, as phones and screen recorders make them."""
        return self.offsets[-1] != self.n_frames - 1 or len(set(self.offsets)) != self.n_frames

    @property
    def length(self) -> int:
        """How long it is, in frames of `rate`."""
        return self.offsets[-1] + 1

    def index_at(self, offset: int) -> int:
        """The frame that is shown so many frames of `rate` after the first; `offset` is from 0 to `length` - 1."""
        return bisect_right(self.offsets, offset) - 1

    @property
    def start_s(self) -> float:
        """Seconds from midnight to its first frame; 0 without timecode."""
        if self.start_timecode is None:
            return 0.0
        return self.rate.time_of(parse_timecode(self.start_timecode, rate=self.rate))

    def timecode_of(self, index: int) -> str:
        """'hh:mm:ss:ff' of a frame, counted from 0."""
        return format_timecode(self.rate.frame_at(self.start_s) + self.offsets[index], rate=self.rate)

    def frame_path(self, index: int) -> Path:
        """The name of a frame, counted from 0, as if it was a file in the movie."""
        digits = max(_DIGITS, len(str(self.n_frames)))
        return self.path / f"{self.path.stem}.{index + 1:0{digits}d}.png"


def movie_frames(facts: MovieFacts) -> tuple[Frame, ...]:
    """The frames of a movie as a batch plans them, in order."""
    paths = [facts.frame_path(index) for index in range(facts.n_frames)]
    return tuple(
        Frame(
            path=path,
            index=index,
            offset=facts.offsets[index],
            number=index + 1,
            pattern=f"{facts.path.stem}.#.png",
            # Letters of the movie's name as they are safe in file names, so the number must not be cut off.
            output=f"frame_{path.stem.rpartition('.')[2]}",
        )
        for index, path in enumerate(paths)
    )


def is_movie(path: Path) -> bool:
    """Whether a path is a file that is named like a movie."""
    return path.suffix.lower() in MOVIE_SUFFIXES and path.is_file()


def read_movie_facts(path: Path, *, cancel: CancelToken | None = None) -> MovieFacts:
    """What a movie holds, without decoding a frame of it.

    Raises:
        ImageFileError: it cannot be read, has no picture, or too many or too large ones.
        MissingPackageError: PyAV is not installed.
        Cancelled: through `cancel`; a long movie takes seconds to look through.
    """
    if not path.exists():
        raise ImageFileError(f"movie {str(path)!r} does not exist: check the path")
    return _FACTS.get_or_make(_key_of(path), lambda: _read_facts(path.resolve(), cancel or CancelToken()))


def load_frame(path: Path) -> LoadedImage:
    """A frame as pixels: an image file, or a frame of a movie by its name in it.

    Raises:
        ImageFileError: it cannot be read.
        MissingPackageError: it is of a movie, and PyAV is not installed.
    """
    if not is_movie(path.parent):
        return load_image(path)
    movie = path.parent
    # By its state, so that one that was exported again is not read by the times of the one before.
    reader = _READERS.get_or_make(_key_of(movie), lambda: MovieReader(read_movie_facts(movie)))
    pixels = reader.frame(_index_of(path))
    height, width = pixels.shape[:2]
    return LoadedImage(pixels=pixels, sha256=movie_frame_sha256(path), width=width, height=height, notes=())


def movie_frame_sha256(path: Path, *, cancel: CancelToken | None = None) -> str:
    """Stands for a frame of a movie: the movie's bytes and which frame it is. Raises: OSError; Cancelled."""
    movie = _HASHES.get_or_make(_key_of(path.parent), lambda: _hash_file(path.parent, cancel or CancelToken()))
    return hashlib.sha256(f"{movie}:{_index_of(path)}".encode()).hexdigest()


class MovieReader:
    """Reads frames by number; those that follow each other cost one decoding each. May be used from any thread."""

    def __init__(self, facts: MovieFacts) -> None:
        self._facts = facts
        self._lock = threading.Lock()
        self._kept = BoundedCache[int, RgbImage](max_items=_KEPT_FRAMES)
        self._stack = ExitStack()
        self._container: Any = None
        self._frames: Iterator[Any] | None = None
        self._next = 0

    def frame(self, index: int, *, cancel: CancelToken | None = None) -> RgbImage:
        """Frame `index`, counted from 0, as sRGB uint8[H, W, 3].

        Raises:
            ImageFileError: there is no such frame, or it cannot be decoded.
            Cancelled: through `cancel`; from a key frame far away there is much to decode.
        """
        if not 0 <= index < self._facts.n_frames:
            raise ImageFileError(f"{self._facts.path.name} has no frame {index + 1}: it has {self._facts.n_frames}")
        with self._lock:
            try:
                return self._kept.get_or_make(index, lambda: self._decoded(index, cancel or CancelToken()))
            except Cancelled:
                self._frames = None
                raise
            except (OSError, ValueError, StopIteration, EOFError) as error:
                self._frames = None
                raise ImageFileError(
                    f"frame {index + 1} of {str(self._facts.path)!r} cannot be decoded ({error}): export it again"
                ) from error

    def close(self) -> None:
        with self._lock:
            self._stack.close()
            self._container = self._frames = None

    def _decoded(self, index: int, cancel: CancelToken) -> RgbImage:
        if self._container is None:
            self._container = self._stack.enter_context(open_media(self._facts.path))
        # Over a second's frames decoding on is quicker than a jump to the key frame before.
        if self._frames is None or not self._next <= index <= self._next + self._facts.rate.nominal:
            self._frames = self._from_before(index)
        for frame in self._frames:
            cancel.raise_if_cancelled()
            if frame.pts is not None and frame.pts >= self._facts.times[index]:
                self._next = bisect_right(self._facts.times, frame.pts)
                pixels = frame.to_ndarray(format="rgb24")
                turns = round(getattr(frame, "rotation", 0) / 90) % 4
                return np.ascontiguousarray(np.rot90(pixels, turns))
        raise EOFError("the movie ends before it")

    def _from_before(self, index: int) -> Iterator[Any]:
        """Frames from a key frame on that is shown no later than this one."""
        stream, times = self._container.streams.video[0], self._facts.times
        back = 0
        while True:
            # Containers look for the time of decoding, which in a key frame lies before that of showing.
            self._container.seek(times[max(0, index - back)], stream=stream, backward=True)
            frames = iter(self._container.decode(stream))
            first = next(frames)
            if back >= index or (first.pts is not None and first.pts <= times[index]):
                return chain([first], frames)
            back = max(_STEP_BACK, 2 * back)


def _key_of(path: Path) -> _FileKey:
    found = path.stat()
    return path.resolve(), found.st_size, found.st_mtime_ns


def _hash_file(path: Path, cancel: CancelToken) -> str:
    found = hashlib.sha256()
    with open_foreign_file(path) as file:
        while piece := file.read(_PIECE_BYTES):
            cancel.raise_if_cancelled()
            found.update(piece)
    return found.hexdigest()


def _read_facts(path: Path, cancel: CancelToken) -> MovieFacts:
    try:
        import av
    except ImportError:
        raise MissingPackageError(
            "PyAV is not installed, which reads movies",
            remedy="pip install 'sounddesk[movie]', or give a folder of frames",
        ) from None
    name = repr(str(path))
    try:
        with open_media(path) as container:
            if not container.streams.video:
                raise ImageFileError(f"movie {name} has no picture: give one that has")
            stream = container.streams.video[0]
            width, height = stream.codec_context.width, stream.codec_context.height
            if width * height > MAX_PIXELS or min(width, height) < MIN_SIDE_PX:
                raise ImageFileError(
                    f"movie {name} is {width} x {height} px: at least {MIN_SIDE_PX} px on a side and at most "
                    f"{MAX_PIXELS // 1_000_000} megapixels are read"
                )
            times = []
            for packet in container.demux(stream):
                cancel.raise_if_cancelled()
                if packet.pts is not None and not packet.is_discard:
                    times.append(packet.pts)
                if len(times) > _MAX_FRAMES:
                    raise ImageFileError(f"movie {name} has more than {_MAX_FRAMES:,} frames: cut it")
            if not times:
                raise ImageFileError(f"movie {name} has no frames: was the recording finished?")
            time_base = Fraction(stream.time_base)
            own = Fraction(stream.average_rate or stream.guessed_rate or 24)
            tags = [container.metadata, *(each.metadata for each in container.streams)]
    except (av.error.FFmpegError, OSError) as error:
        raise ImageFileError(f"movie {name} cannot be read ({error}): export it again as MOV or MP4") from error
    told = next((each["timecode"] for each in tags if "timecode" in each), None)
    shown = tuple(sorted(set(times)))
    varying = _rate_of_varying([(after - before) * time_base for before, after in pairwise(shown)], tick_s=time_base)
    frames_per_s = min(max(varying or exact_rate(own), Fraction(1)), Fraction(240))
    rate = TimecodeRate(frames_per_s, bool(told and ";" in told and may_drop_frames(frames_per_s)))
    try:
        if told is not None:
            parse_timecode(told, rate=rate)
    except ValueError:
        told = None
    # By the time they are shown at, where they are not evenly apart.
    offsets = (round((each - shown[0]) * time_base * frames_per_s) for each in shown) if varying else range(len(shown))
    return MovieFacts(
        path=path,
        times=shown,
        offsets=tuple(offsets),
        rate=rate,
        start_timecode=told,
        width=width,
        height=height,
    )


def _rate_of_varying(steps_s: Sequence[Fraction], *, tick_s: Fraction) -> Fraction | None:
    """Frames per second to count frames at that are not evenly apart; None where they are.

    Args:
        steps_s: from each frame to the next.
        tick_s: what times are rounded to in the file.
    """
    if not steps_s:
        return None
    in_order = sorted(steps_s)
    most = in_order[len(in_order) // 2]
    if all(abs(step - most) <= max(2 * tick_s, most * _UNEVEN) for step in (in_order[0], in_order[-1])):
        return None
    # Two steps together, as a frame that is late makes the next one shorter. The quicker quarter of them, because a
    # part that is slower and frames that were left out make steps longer.
    pairs = sorted((one + other) / 2 for one, other in pairwise(steps_s)) or in_order
    quick = 1 / pairs[len(pairs) // 4]
    if quick < _SLOWEST_FILM:
        return Fraction(max(1, round(quick)))
    return min(_FILM_RATES, key=lambda each: abs(each - quick))


_FACTS: Final = BoundedCache[_FileKey, MovieFacts](max_items=_OPEN_MOVIES)
_READERS: Final = BoundedCache[_FileKey, MovieReader](max_items=_OPEN_MOVIES)
_HASHES: Final = BoundedCache[_FileKey, str](max_items=_OPEN_MOVIES)


def _index_of(path: Path) -> int:
    return int(path.stem.rpartition(".")[2]) - 1

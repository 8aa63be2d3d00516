"""Where the frames of a batch come from: a folder of images, or a movie."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sounddesk.batch.manifest import hash_file
from sounddesk.domain.frame_sequence import Frame
from sounddesk.domain.frame_sequence import find_frames
from sounddesk.domain.frame_sequence import left_out

if TYPE_CHECKING:
    from sounddesk.engine.images.movie_file import MovieFacts


def movie_of(source: Path) -> MovieFacts | None:
    """The movie that a batch is made of; None for a folder. Raises: BadInputError."""
    from sounddesk.engine.images.movie_file import is_movie
    from sounddesk.engine.images.movie_file import read_movie_facts

    return read_movie_facts(source) if is_movie(source) else None


def source_name(source: Path) -> str:
    """What stands for the frames in seeds and titles: the folder's name, or the movie's without its ending."""
    resolved = source.resolve()
    return resolved.stem if resolved.is_file() else resolved.name


def frames_of(source: Path) -> tuple[Frame, ...]:
    """All frames of a folder or a movie, in order. Raises: BadInputError."""
    movie = movie_of(source)
    if movie is None:
        return find_frames(source)
    from sounddesk.engine.images.movie_file import movie_frames

    return movie_frames(movie)


def source_notes(source: Path) -> tuple[str, ...]:
    """What she should know of the source itself."""
    movie = movie_of(source)
    if movie is not None:
        start = f", starts at {movie.start_timecode}" if movie.start_timecode else ""
        varies = ", unevenly: they are placed by the times they are shown at" if movie.varies else ""
        return (f"{source.name}: {movie.n_frames} frames at {movie.rate} per second{start}{varies}",)
    others = left_out(source)
    return (f"left out, not read here: {others}",) if others else ()


def hash_frame(path: Path) -> str:
    """SHA-256 that stands for a frame's bytes. Raises: OSError."""
    from sounddesk.engine.images.movie_file import is_movie
    from sounddesk.engine.images.movie_file import movie_frame_sha256

    return movie_frame_sha256(path) if is_movie(path.parent) else hash_file(path)

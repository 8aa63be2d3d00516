"""Where recordings come from, for the recipes of takes: file, hash, originator, licence."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sounddesk.audio.files.sound_stream import SoundStream
from sounddesk.audio.recordings.recording_tags import read_tags
from sounddesk.domain.recordings import Recording
from sounddesk.domain.recordings import RecordingTags
from sounddesk.domain.recordings import forbidden_line
from sounddesk.engine.verified_files import hash_file
from sounddesk.storage.library.library import Library
from sounddesk.storage.library.library_schema import LibraryError


def recording_facts(recording: Recording) -> dict[str, Any]:
    """Where a recording of the library comes from, JSON-ready."""
    return _facts(
        recording.path,
        sha256=recording.sha256,
        tags=recording.tags,
        licence=recording.licence,
        commercial=recording.commercial,
    )


def file_facts(path: Path, *, library_path: Path | None = None) -> dict[str, Any]:
    """The same of any sound file: what it says itself, and the licence that the user's library knows it under.

    Args:
        library_path: of the index, where there is one.

    Raises:
        SoundFileError, OSError: it cannot be read.
    """
    sha256 = hash_file(path).sha256
    with SoundStream(path) as stream:
        tags = read_tags(path, stream.texts)
    if library_path is not None and library_path.is_file():
        known = None
        # A library that cannot be used is told where it is used; the sound can be.
        with contextlib.suppress(LibraryError), Library(library_path) as library:
            known = library.with_content(sha256)
        if known is not None:
            return _facts(path, sha256=sha256, tags=tags, licence=known.licence, commercial=known.commercial)
    return _facts(path, sha256=sha256, tags=tags, licence=tags.licence, commercial=None)


def _facts(path: Path, *, sha256: str, tags: RecordingTags, licence: str, commercial: bool | None) -> dict[str, Any]:
    # Without its folders, which are nobody else's: by its hash it is found again (`linked_recordings`).
    return {
        "file": path.name,
        "sha256": sha256,
        "originator": tags.originator,
        "originator_reference": tags.originator_reference,
        "licence": licence,
        "commercial": commercial,
    }


def licence_notes(recordings: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """What must be known of recordings, by their facts, before their sound is used for paid work."""
    return tuple(forbidden_line(each) for each in recordings if each["commercial"] is False)

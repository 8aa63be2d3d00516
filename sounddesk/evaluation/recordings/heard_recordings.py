"""Which recordings a bundle was trained on, as its own table of sources says."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from sounddesk.domain.errors import EngineError
from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.evaluation.recordings.recording_folder import ReferenceRecording
from sounddesk.storage.text_formats import FieldError
from sounddesk.storage.text_formats import read_csv

SOURCES_DOCUMENT: Final = "sources.csv"
"""Document of a bundle: every file that it was made with, as `table.csv` of the prepared set."""


@dataclass(frozen=True, kw_only=True)
class HeardRecordings:
    """What is known about the training of a bundle.

    Attributes:
        known: whether the bundle says anything.
        trained: kind and name of the recordings that it learned from.
        trained_sha256: of their files.
    """

    known: bool
    trained: frozenset[tuple[str, str]]
    trained_sha256: frozenset[str]

    def has(self, recording: ReferenceRecording) -> bool:
        """Whether the bundle learned from it: by name, or by content for files of other names."""
        if (recording.kind, recording.id) in self.trained:
            return True
        return bool(self.trained_sha256) and _sha256(recording) in self.trained_sha256

    def text(self, recordings: list[ReferenceRecording]) -> str:
        """For the end of a figure: 'of 91 recordings the bundle heard none in training'."""
        if not self.known:
            return f"what the bundle heard in training is not known ({len(recordings)} recordings)"
        heard = sum(self.has(each) for each in recordings)
        return f"of {len(recordings)} recordings the bundle heard {heard or 'none'} in training"


def heard_by(bundle: Bundle) -> HeardRecordings:
    """Read the bundle's table of sources; nothing is known where it has none. Raises: EngineError, a damaged one."""
    if SOURCES_DOCUMENT not in bundle.manifest.documents:
        return HeardRecordings(known=False, trained=frozenset(), trained_sha256=frozenset())
    path = bundle.document(SOURCES_DOCUMENT)
    try:
        table = read_csv(path, columns=("role", "split", "kind", "id", "sha256"))
        rows = [row for row in table if row["role"] == "recording" and row["split"] == "train"]
        return HeardRecordings(
            known=True,
            trained=frozenset((row["kind"], row["id"]) for row in rows),
            trained_sha256=frozenset(row["sha256"] for row in rows),
        )
    except (OSError, FieldError) as error:
        raise EngineError(f"{path} cannot be read ({error}): install the bundle again") from error


def _sha256(recording: ReferenceRecording) -> str:
    try:
        return hashlib.sha256(recording.path.read_bytes()).hexdigest()
    except OSError:
        return ""

"""A folder in which a long measurement keeps each sound that it made, so that a stopped one goes on where it was."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Final

import numpy as np

from sounddesk.audio.files.wav_io import encode_wav
from sounddesk.domain.errors import BadInputError
from sounddesk.engine.types import Waveform
from sounddesk.evaluation.recordings.excerpts import Band
from sounddesk.evaluation.recordings.sound_embedding import Embedding
from sounddesk.storage.atomic_file import translate_os_errors
from sounddesk.storage.atomic_file import write_file
from sounddesk.storage.closing import Closing
from sounddesk.storage.folder_lock import FolderLock
from sounddesk.storage.own_file import append_text
from sounddesk.storage.own_file import make_own_folders
from sounddesk.storage.text_formats import parse_json

JOURNAL_NAME: Final = "journal.jsonl"
SOUNDS_FOLDER: Final = "sounds"
_LOCK: Final = ".lock"
# Rows of another version of the measurement are not used.
_VERSION: Final = 1


@dataclass(frozen=True, kw_only=True, eq=False)
class JournalSound:
    """One sound of a measurement.

    Attributes:
        file: relative to the folder.
        peak: of what was made, before any matching; over 1 is beyond full scale.
        embeddings: by band, float32[width].
        facts: anything else that was noted, ready for JSON.
    """

    file: str
    peak: float
    embeddings: Mapping[Band, Embedding]
    facts: Mapping[str, Any]


def sound_key(*parts: object) -> str:
    """A short name for what a sound depends on; equal parts give equal keys."""
    text = "\n".join([str(_VERSION), *(str(part) for part in parts)])
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:24]


class SoundJournal(Closing):
    """Sounds by key, in a folder of its own.

    Args:
        folder: made where missing; one that holds anything but an earlier measurement is refused.

    Raises:
        BadInputError: the folder holds other things.
        OutputError: it cannot be written, or another process is writing there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        journal = folder / JOURNAL_NAME
        if folder.exists() and not folder.is_dir():
            raise BadInputError(f"{folder} is a file: choose a folder")
        if folder.is_dir() and not journal.is_file() and any(each.name != _LOCK for each in folder.iterdir()):
            raise BadInputError(f"{folder} holds other files: name an empty folder, or one of an earlier measurement")
        with translate_os_errors(folder, what="cannot make"):
            folder.mkdir(parents=True, exist_ok=True)
            make_own_folders(folder, Path(SOUNDS_FOLDER))
        self._lock = FolderLock(folder / _LOCK, folder=folder, work="measurement")
        self._rows = _read(journal)
        with translate_os_errors(journal):
            self._file = append_text(journal)

    def close(self) -> None:
        self._file.close()
        self._lock.release()

    def get(self, key: str) -> JournalSound | None:
        """The sound of an earlier run, where its file is still there."""
        found = self._rows.get(key)
        return found if found is not None and (self._folder / found.file).is_file() else None

    def add(
        self,
        key: str,
        waveform: Waveform,
        *,
        sample_rate_hz: int,
        peak: float,
        embeddings: Mapping[Band, Embedding],
        facts: Mapping[str, Any] | None = None,
    ) -> JournalSound:
        """Keep a sound float32[n]; its file is there before its row is. Raises: OutputError."""
        file = f"{SOUNDS_FOLDER}/{key}.wav"
        data, _ = encode_wav(waveform, sample_rate_hz=sample_rate_hz, wav_format="PCM_16")
        write_file(self._folder / file, data)
        made = JournalSound(file=file, peak=peak, embeddings=embeddings, facts=facts or {})
        row = {
            "key": key,
            "file": file,
            "peak": peak,
            "embeddings": {band: _encode(vector) for band, vector in embeddings.items()},
            "facts": dict(made.facts),
        }
        with translate_os_errors(self._folder / JOURNAL_NAME):
            self._file.write(json.dumps(row) + "\n")
            self._file.flush()
        self._rows[key] = made
        return made


def _read(journal: Path) -> dict[str, JournalSound]:
    """Whole rows; one that a crash cut off is left out."""
    rows: dict[str, JournalSound] = {}
    if not journal.is_file():
        return rows
    for line in journal.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            row = parse_json(line)
            # A name of our own making: nothing outside of the folder is ever read.
            file = f"{SOUNDS_FOLDER}/{Path(str(row['file'])).name}"
            embeddings = {band: _decode(text) for band, text in row["embeddings"].items()}
            rows[str(row["key"])] = JournalSound(
                file=file, peak=float(row["peak"]), embeddings=embeddings, facts=dict(row["facts"])
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
    return rows


def _encode(vector: Embedding) -> str:
    return base64.b64encode(vector.astype("<f4").tobytes()).decode()


def _decode(text: str) -> Embedding:
    return np.frombuffer(base64.b64decode(text, validate=True), dtype="<f4").astype(np.float32)

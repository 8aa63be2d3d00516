"""Real recordings to compare takes with: a folder that holds KIND/*.flac."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from sounddesk.audio.files.wav_io import read_sound
from sounddesk.audio.resample import resample
from sounddesk.domain.errors import BadInputError
from sounddesk.engine.types import Waveform
from sounddesk.evaluation.picture_folder import normal_name
from sounddesk.evaluation.recordings.excerpts import loudest_part
from sounddesk.evaluation.recordings.recording_folder import ENDINGS

MIN_SECONDS: Final = 0.2
"""In less there is nothing for the classifier to judge."""


@dataclass(frozen=True, kw_only=True, eq=False)
class RealRecording:
    """The part of a recording that is shown: mono float32[n], and the file it is from."""

    file: Path
    waveform: Waveform


def find_recordings(directory: Path) -> dict[str, list[Path]]:
    """Sound files by the `normal_name` of their folder, in the order of their names.

    Raises:
        BadInputError: not a folder, or without a sound file in KIND folders.
    """
    if not directory.is_dir():
        raise BadInputError(f"{directory} is not a folder: name one that holds KIND/*.flac recordings")
    found: dict[str, list[Path]] = {}
    for folder in sorted(path for path in directory.iterdir() if path.is_dir()):
        files = sorted(path for path in folder.iterdir() if path.suffix.lower() in ENDINGS)
        if files:
            found.setdefault(normal_name(folder.name), []).extend(files)
    if not found:
        raise BadInputError(f"{directory} holds no recording: it needs KIND/*.flac (or WAV, OGG, AIFF)")
    return found


def read_recording(
    recordings: Mapping[str, Sequence[Path]], kind: str, *, seconds: float, sample_rate_hz: int
) -> RealRecording | None:
    """The first usable recording of a kind, its loudest `seconds`; None without one.

    Those that cannot be read, are silent or shorter than `MIN_SECONDS` are not usable.
    """
    for file in recordings.get(normal_name(kind), ()):
        try:
            sound = read_sound(file)
        except ValueError:
            continue
        mono = sound.mono
        if len(mono) < MIN_SECONDS * sound.sample_rate_hz or not np.isfinite(mono).all() or not mono.any():
            continue
        part = loudest_part(mono, n_samples=max(1, round(seconds * sound.sample_rate_hz)))
        return RealRecording(file=file, waveform=resample(part, from_hz=sound.sample_rate_hz, to_hz=sample_rate_hz))
    return None

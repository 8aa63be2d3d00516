"""Reads one recording for the library: its hash, its shape, what it says of itself, its events. No networks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Final

import numpy as np

from sounddesk.audio.files.pcm import Waveform
from sounddesk.audio.files.sound_stream import SoundStream
from sounddesk.audio.files.wav_io import SoundFileError
from sounddesk.audio.recordings.event_cutting import cut_events
from sounddesk.audio.recordings.event_cutting import sound_curves
from sounddesk.audio.recordings.recording_tags import read_tags
from sounddesk.domain.recordings import Behaviour
from sounddesk.domain.recordings import RecordingTags
from sounddesk.domain.recordings import SoundEvent
from sounddesk.domain.recordings import SoundFormat
from sounddesk.engine.library.event_windows import EventWindow
from sounddesk.engine.library.event_windows import event_windows
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.verified_files import hash_file

# What lies in memory anyway is not read twice.
_KEPT_SAMPLES: Final = 1 << 21


@dataclass(frozen=True, kw_only=True, eq=False)
class ExaminedRecording:
    """A recording as it was read.

    Attributes:
        problem: why it cannot be used; '' where it can. The other values are then as far as they are known.
        windows: what the encoder is to hear.
        sounds: of the windows, for a short file; None where they are read when they are needed.
    """

    path: Path
    sha256: str = ""
    format: SoundFormat | None = None
    tags: RecordingTags = field(default_factory=RecordingTags)
    behaviour: Behaviour = "silent"
    events: tuple[SoundEvent, ...] = ()
    windows: tuple[EventWindow, ...] = ()
    sounds: tuple[Waveform, ...] | None = None
    problem: str = ""

    def window_sounds(self) -> Iterator[tuple[Waveform, int]]:
        """Each window's samples float32[n] and their rate. Raises: SoundFileError."""
        assert self.format is not None
        rate = self.format.sample_rate_hz
        if self.sounds is not None:
            yield from ((sound, rate) for sound in self.sounds)
            return
        with SoundStream(self.path) as stream:
            for window in self.windows:
                yield stream.mono(round(window.start_s * rate), round(window.end_s * rate)), rate


def examine(path: Path, *, cancel: CancelToken | None = None) -> ExaminedRecording:
    """Read a recording once, in blocks; a file that cannot be used is one with a problem, never an exception.

    Raises:
        Cancelled: through `cancel`, between two blocks.
    """
    sha256 = ""
    try:
        sha256 = hash_file(path, on_bytes=None if cancel is None else lambda _: cancel.raise_if_cancelled()).sha256
        return _examine(path, sha256, cancel=cancel)
    except SoundFileError as error:
        return ExaminedRecording(path=path, sha256=sha256, problem=str(error))
    except OSError as error:
        return ExaminedRecording(path=path, sha256=sha256, problem=f"cannot be read: {error.strerror or error}")


def _examine(path: Path, sha256: str, *, cancel: CancelToken | None) -> ExaminedRecording:
    kept: list[Waveform] | None = []
    with SoundStream(path) as stream:
        shape = stream.format
        if shape.frames > _KEPT_SAMPLES:
            kept = None

        def blocks() -> Iterator[Waveform]:
            for block in stream.mono_blocks():
                if cancel is not None:
                    cancel.raise_if_cancelled()
                if kept is not None:
                    kept.append(block)
                yield block

        curves = sound_curves(blocks(), sample_rate_hz=shape.sample_rate_hz)
        tags = read_tags(path, stream.texts)
    cut = cut_events(curves)
    problem = "" if cut.events else "is silent: nothing in it is louder than -70 dBFS"
    windows = tuple(event_windows(cut.events, seconds=curves.seconds))
    sounds = None
    if kept is not None:
        whole, rate = np.concatenate(kept), shape.sample_rate_hz
        sounds = tuple(whole[round(each.start_s * rate) : round(each.end_s * rate)].copy() for each in windows)
    return ExaminedRecording(
        path=path,
        sha256=sha256,
        format=shape,
        tags=tags,
        behaviour=cut.behaviour,
        events=cut.events,
        windows=windows,
        sounds=sounds,
        problem=problem,
    )

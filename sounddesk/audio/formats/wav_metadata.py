"""The chunks of metadata in a WAV file: `bext` before the samples, cue points, loops and iXML behind them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING
from typing import Final

from sounddesk.audio.files.pcm import bits_of
from sounddesk.audio.files.riff_chunks import BroadcastInfo
from sounddesk.audio.files.riff_chunks import CuePoint
from sounddesk.audio.files.riff_chunks import SampleLoop
from sounddesk.audio.files.riff_chunks import bext_chunk
from sounddesk.audio.files.riff_chunks import cue_chunks
from sounddesk.audio.files.riff_chunks import ixml_chunk
from sounddesk.audio.files.riff_chunks import smpl_chunk

if TYPE_CHECKING:
    from sounddesk.audio.formats.audio_format import AudioFormat
    from sounddesk.audio.formats.audio_metadata import AudioMetadata
    from sounddesk.audio.metering.loudness import LoudnessReading

# Words of EBU R 98 for a number of channels.
_MODES: Final = {1: "mono", 2: "stereo"}


def bext_of(metadata: AudioMetadata, audio_format: AudioFormat, reading: LoudnessReading | None) -> bytes:
    """The `bext` chunk; of equal length with and without a reading."""
    channels = _MODES[metadata.n_channels]
    bits = bits_of(audio_format.subtype) or 32
    # EBU R 98: one line per step of the signal's history.
    history = [
        f"A=PCM,F={rate},M={_MODES[count]},T={_plain(bundle)} generated" for rate, count, bundle in metadata.sources
    ]
    dithered = ";TPDF dither" if metadata.dithered else ""
    history.append(f"A=PCM,F={metadata.sample_rate_hz},W={bits},M={channels},T={metadata.software}{dithered}")
    info = BroadcastInfo(
        description=metadata.description,
        originator=metadata.software,
        originator_reference=metadata.reference,
        date=metadata.created.strftime("%Y-%m-%d"),
        time=metadata.created.strftime("%H:%M:%S"),
        time_reference_samples=metadata.time_reference,
        loudness_lufs=None if reading is None else _finite(reading.integrated_lufs),
        loudness_range_lu=None if reading is None else _finite(reading.loudness_range_lu),
        true_peak_dbtp=None if reading is None else _finite(reading.true_peak_dbtp),
        max_momentary_lufs=None if reading is None else _finite(reading.max_momentary_lufs),
        max_short_term_lufs=None if reading is None else _finite(reading.max_short_term_lufs),
        coding_history="\r\n".join(history),
    )
    return bext_chunk(info)


def tail_chunks(metadata: AudioMetadata) -> bytes:
    """`cue `, labels, `smpl` and `iXML`: what may stand behind the samples."""
    rate = metadata.sample_rate_hz
    points = [CuePoint(frame=marker.frame, label=marker.label) for marker in metadata.markers]
    loops = []
    if metadata.loop is not None:
        first, last = metadata.loop
        loops.append(SampleLoop(start_frame=first, end_frame=last))
    name = metadata.title
    ixml = ixml_chunk(
        project=metadata.project,
        scene=metadata.scene,
        take=metadata.take,
        note=metadata.description,
        tracks=[f"{name} L", f"{name} R"] if metadata.n_channels == 2 else [name],
        start_samples=metadata.time_reference,
        sample_rate_hz=rate,
        timecode_rate=metadata.timecode_rate,
        extra=dict(metadata.own),
    )
    return cue_chunks(points) + smpl_chunk(loops, sample_rate_hz=rate) + ixml


def _plain(text: str) -> str:
    """Text for a field of the coding history, which commas separate."""
    return text.replace(",", ";").replace("\r", " ").replace("\n", " ")


def _finite(value: float | None) -> float | None:
    return None if value is None or math.isinf(value) else value

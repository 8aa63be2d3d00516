"""Aligned stems and their mix as files: one stereo WAV per lane, all of one start, length and rate."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sounddesk.audio.atomic_file import OutputError
from sounddesk.audio.atomic_file import explained
from sounddesk.audio.pcm import WavFormat
from sounddesk.audio.pcm import count_clipped
from sounddesk.audio.pcm import round_to_grid
from sounddesk.audio.resample import resample
from sounddesk.audio.timeline_mix import PROJECT_RATE_HZ
from sounddesk.audio.timeline_mix import Mono
from sounddesk.audio.timeline_mix import Stereo
from sounddesk.audio.timeline_mix import TimelineMix
from sounddesk.audio.wav_io import write_wav
from sounddesk.domain.project import Project


@dataclass(frozen=True, kw_only=True)
class StemExport:
    """What was written.

    Attributes:
        files: stems in the order of lanes, the mix last.
        clipped_samples: samples cut off at full scale in all files together; 0 is what one wants.
    """

    files: tuple[Path, ...]
    clipped_samples: int


def export_stems(
    project: Project,
    samples_of: Callable[[str], Mono | None],
    folder: Path,
    *,
    stems: Mapping[str, str],
    mix: str | None,
    wav_format: WavFormat = "PCM_24",
    sample_rate_hz: int = PROJECT_RATE_HZ,
) -> StemExport:
    """Write post-fader stems and the mix of all lanes. Nothing is overwritten; after an error nothing new remains.

    While the master fader is at 0 dB and the limiter off, the mix is the sum of all lanes' files to the last bit,
    because the stems are rounded to the format's grid first; no longer where a stem clips, which the report says.

    Args:
        samples_of: a take's samples at 48 kHz; None leaves its clips silent.
        folder: made where it is missing.
        stems: file name of each lane that is wanted, by object id.
        mix: file name of the mix; None for none.

    Raises:
        OutputError: a file exists already, or cannot be written.
        ValueError: nothing to write.
    """
    names = [*stems.values(), *([mix] if mix else [])]
    if not names:
        raise ValueError("there is nothing to write: choose stems or the mix")
    taken = next((name for name in names if (folder / name).exists()), None)
    if taken is not None:
        raise OutputError(f"{folder / taken} exists already: choose another folder or other names")
    timeline = TimelineMix(project, samples_of)
    plain = project.master.gain_db == 0.0 and not project.master.limiter
    written: list[Path] = []
    clipped = 0

    def write(name: str, samples: Stereo) -> None:
        nonlocal clipped
        clipped += count_clipped(samples, wav_format=wav_format)
        write_wav(folder / name, samples, sample_rate_hz=sample_rate_hz, wav_format=wav_format)
        written.append(folder / name)

    def at_rate(samples: Stereo) -> Stereo:
        return resample(samples, from_hz=PROJECT_RATE_HZ, to_hz=sample_rate_hz)

    with explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
    try:
        total = np.zeros((round(timeline.frames * sample_rate_hz / PROJECT_RATE_HZ), 2), dtype=np.float64)
        for index, object_id in enumerate(timeline.object_ids):
            stem = at_rate(timeline.stem(index, 0, timeline.frames))
            if plain:
                stem = round_to_grid(stem, wav_format=wav_format)
            total += stem
            if object_id in stems:
                write(stems[object_id], stem)
        if mix is not None:
            write(mix, total.astype(np.float32) if plain else timeline.master([total], len(total)))
    except BaseException:
        for path in written:
            with contextlib.suppress(OSError):
                path.unlink()
        raise
    return StemExport(files=tuple(written), clipped_samples=clipped)

"""Aligned stems and their mix as files: one stereo WAV per lane, all of one start, length and rate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sounddesk.audio.output_folder import OutputFolder
from sounddesk.audio.pcm import WavFormat
from sounddesk.audio.pcm import count_clipped
from sounddesk.audio.pcm import round_to_grid
from sounddesk.audio.timeline_mix import PROJECT_RATE_HZ
from sounddesk.audio.timeline_mix import Mono
from sounddesk.audio.timeline_mix import TimelineMix
from sounddesk.audio.wav_io import encode_wav
from sounddesk.domain.naming import unique_file_stems
from sounddesk.domain.project import Project


@dataclass(frozen=True, kw_only=True)
class StemExport:
    """What was written.

    Attributes:
        folder: where; another than asked for if that one existed.
        files: names, stems in the order of lanes, 'mix.wav' last.
        clipped_samples: samples cut off at full scale in all files together; 0 is what one wants.
        peak: largest absolute sample of the mix before writing.
    """

    folder: Path
    files: tuple[str, ...]
    clipped_samples: int
    peak: float


def stem_file_names(project: Project) -> tuple[str, ...]:
    """File names of the stems, in the order of lanes."""
    stems = unique_file_stems([each.name for each in project.objects], taken=("mix",))
    return tuple(f"{stem}.wav" for stem in stems)


def export_stems(
    project: Project,
    samples_of: Callable[[str], Mono | None],
    folder: Path,
    *,
    wav_format: WavFormat = "PCM_24",
    on_progress: Callable[[int, int], None] | None = None,
    check_cancelled: Callable[[], None] | None = None,
) -> StemExport:
    """Write every lane's post-fader stem and the mix, whole or not at all.

    While the master fader is at 0 dB and the limiter off, the mix is the sum of the files to the last bit, because
    the stems are rounded to the format's grid first. That no longer holds where a stem clips; the report says so.

    Args:
        samples_of: a take's samples at 48 kHz; None leaves its clips silent.
        check_cancelled: called between files; raises to stop.

    Raises:
        OutputError: the folder cannot be written.
        ValueError: no object.
    """
    if not project.objects:
        raise ValueError("there is no object to export: select one and generate its sound first")
    mix = TimelineMix(project, samples_of)
    names = stem_file_names(project)
    plain = project.master.gain_db == 0.0 and not project.master.limiter
    total = np.zeros((mix.frames, 2), dtype=np.float64)
    clipped = 0
    with OutputFolder(folder, needed_bytes=(len(names) + 1) * mix.frames * 8) as output:
        for index, name in enumerate(names):
            if check_cancelled is not None:
                check_cancelled()
            stem = mix.stem(index, 0, mix.frames)
            if plain:
                stem = round_to_grid(stem, wav_format=wav_format)
            total += stem
            clipped += count_clipped(stem, wav_format=wav_format)
            output.write(name, encode_wav(stem, sample_rate_hz=PROJECT_RATE_HZ, wav_format=wav_format)[0])
            if on_progress is not None:
                on_progress(index + 1, len(names) + 1)
        master = total.astype(np.float32) if plain else mix.master([total.astype(np.float32)], mix.frames)
        clipped += count_clipped(master, wav_format=wav_format)
        output.write("mix.wav", encode_wav(master, sample_rate_hz=PROJECT_RATE_HZ, wav_format=wav_format)[0])
        written = output.commit()
    return StemExport(
        folder=written,
        files=(*names, "mix.wav"),
        clipped_samples=clipped,
        peak=float(np.abs(master).max()) if len(master) else 0.0,
    )

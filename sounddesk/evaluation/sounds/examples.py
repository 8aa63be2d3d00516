"""Some clips with all systems' sounds side by side, as files beside the report (the paper's figure 3)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from sounddesk.audio.files.wav_io import SoundFile
from sounddesk.audio.files.wav_io import encode_wav
from sounddesk.audio.files.wav_io import read_sound
from sounddesk.audio.pictures.spectrogram_image import encode_jpeg
from sounddesk.audio.pictures.spectrogram_image import encode_png
from sounddesk.audio.pictures.spectrogram_image import spectrogram_image
from sounddesk.audio.resample import resample
from sounddesk.engine.images.image_file import load_image
from sounddesk.engine.images.picture_decoding import ImageFileError
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.tasks import StageReporter
from sounddesk.evaluation.evaluation_clip import EvaluationClip
from sounddesk.evaluation.sounds.sounds_result import Example
from sounddesk.evaluation.sounds.sounds_result import ExampleSound
from sounddesk.evaluation.sounds.system_sounds import SystemSounds
from sounddesk.storage.atomic_file import write_file
from sounddesk.storage.own_file import make_own_folders

FOLDER: Final = "examples"
_RATE_HZ: Final = 16_000
_SECONDS: Final = 10.0
_WIDTH: Final = 320
_HEIGHT: Final = 120
_PICTURE_SIDE: Final = 480


def write_examples(
    out: Path,
    clips: Sequence[EvaluationClip],
    systems: Sequence[SystemSounds],
    real: SystemSounds,
    *,
    count: int,
    progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
) -> tuple[Example, ...]:
    """Write `count` of the clips that every system has, spread over the manifest. Raises: OutputError, Cancelled."""
    whole = [clip for clip in clips if all(clip.id in system.sounds for system in systems)]
    chosen = [whole[index * len(whole) // count] for index in range(min(count, len(whole)))] if count else []
    reporter = StageReporter(stage="examples", total=len(chosen), on_progress=progress, cancel=cancel)
    found = []
    for number, clip in enumerate(dict.fromkeys(clip.id for clip in chosen), start=1):
        this = next(each for each in chosen if each.id == clip)
        sounds = []
        for index, system in enumerate((real, *systems)):
            if clip in system.sounds:
                name = f"{FOLDER}/{number:02d}-{index}"
                sounds.append(_write_sound(out, name, system.name, read_sound(system.sounds[clip].path)))
        told = ", ".join(text for text in (this.caption, this.object and f"selected: {this.object}") if text)
        picture = _write_picture(out, f"{FOLDER}/{number:02d}.jpg", this)
        found.append(Example(clip=clip, told=told, picture=picture, sounds=tuple(sounds)))
        reporter.step(number)
    return tuple(found)


def _write_sound(out: Path, name: str, system: str, sound: SoundFile) -> ExampleSound:
    samples = sound.samples[: round(_SECONDS * sound.sample_rate_hz)]
    limited = np.clip(samples, -1.0, 1.0)
    with_file = ExampleSound(system=system, file=f"{name}.wav", spectrogram=f"{name}.png")
    make_own_folders(out, Path(FOLDER))
    data, _ = encode_wav(limited, sample_rate_hz=sound.sample_rate_hz, wav_format="PCM_16")
    write_file(out / with_file.file, data)
    mono = SoundFile(samples=limited, sample_rate_hz=sound.sample_rate_hz, encoding="").mono
    narrow = resample(mono, from_hz=sound.sample_rate_hz, to_hz=_RATE_HZ)
    image = spectrogram_image(narrow, sample_rate_hz=_RATE_HZ, width=_WIDTH, height=_HEIGHT)
    write_file(out / with_file.spectrogram, encode_png(image))
    return with_file


def _write_picture(out: Path, name: str, clip: EvaluationClip) -> str:
    """The picture, made smaller; '' where there is none."""
    if clip.image is None:
        return ""
    try:
        image = load_image(clip.image).pixels
    except ImageFileError:
        return ""
    step = max(1, max(image.shape[:2]) // _PICTURE_SIDE)
    make_own_folders(out, Path(FOLDER))
    write_file(out / name, encode_jpeg(np.ascontiguousarray(image[::step, ::step])))
    return name

"""`sounddesk study new`: sounds, pictures and the file of a study, in a folder of its own."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Final

import cv2
import numpy as np

from sounddesk.audio.files.wav_io import SoundFile
from sounddesk.audio.files.wav_io import encode_wav
from sounddesk.audio.files.wav_io import read_sound
from sounddesk.audio.pictures.spectrogram_image import encode_jpeg
from sounddesk.domain.errors import BadInputError
from sounddesk.engine.images.image_file import load_image
from sounddesk.engine.images.mask_file import load_mask
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.tasks import StageReporter
from sounddesk.engine.types import RgbImage
from sounddesk.evaluation.evaluation_clip import EvaluationClip
from sounddesk.evaluation.evaluation_clip import read_clip_manifest
from sounddesk.evaluation.sounds.system_sounds import SystemSounds
from sounddesk.evaluation.sounds.system_sounds import find_sounds
from sounddesk.evaluation.sounds.system_sounds import noise_like
from sounddesk.evaluation.sounds.system_sounds import parse_systems
from sounddesk.evaluation.study.study_design import CONTROL
from sounddesk.evaluation.study.study_design import StudySample
from sounddesk.evaluation.study.study_design import StudyTerms
from sounddesk.evaluation.study.study_design import choose_clips
from sounddesk.evaluation.study.study_file import MEDIA_FOLDER
from sounddesk.evaluation.study.study_file import STUDY_FILE
from sounddesk.evaluation.study.study_file import study_bytes
from sounddesk.storage.output_folder import OutputFolder

_LONGEST_SIDE: Final = 1024
_OUTLINE = ((255, 255, 255), (214, 39, 40))


@dataclass(frozen=True, kw_only=True)
class NewStudy:
    """A study that was made."""

    folder: Path
    samples: tuple[StudySample, ...]
    terms: StudyTerms

    def line(self) -> str:
        real = sum(each.system != CONTROL for each in self.samples)
        return (
            f"study of {real} samples and {len(self.samples) - real} controls: "
            f"'sounddesk study serve {self.folder}' opens it to listeners"
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "study": str(self.folder),
            "samples": sum(each.system != CONTROL for each in self.samples),
            "controls": sum(each.system == CONTROL for each in self.samples),
            "with_object": sum(each.has_object for each in self.samples),
            "least_seconds": self.terms.least_seconds,
        }


def make_study(
    *,
    system: Sequence[str],
    manifest: Path,
    out: Path,
    clips: int,
    controls: int,
    terms: StudyTerms,
    progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
) -> NewStudy:
    """Draw clips that every system has, and write the study: all of it or nothing.

    Args:
        system: NAME=FOLDER of each.
        clips: how many; each is rated by the sound of every system.
        controls: how many samples are noise, as long and loud as a system's sound for the same clip.

    Raises:
        BadInputError: manifest, folders or pictures cannot be used, or there are too few clips.
        OutputError: `out` cannot be written.
        Cancelled: through `cancel`; nothing was written.
    """
    folders = parse_systems(system)
    every = read_clip_manifest(manifest).clips
    reporter = StageReporter(stage="files", total=len(every) * len(folders), on_progress=progress, cancel=cancel)
    systems = [
        find_sounds(name, folder, every, reporter=reporter, done=index * len(every))
        for index, (name, folder) in enumerate(folders.items())
    ]
    usable = [clip for clip in every if all(clip.id in each.sounds for each in systems)]
    if len(usable) < clips or clips < 1:
        raise BadInputError(f"{len(usable)} clips have a sound of every system, and {clips} are asked for")
    chosen = choose_clips(usable, count=clips, seed=terms.seed)
    planned = _plan(chosen, systems, controls=controls, seed=terms.seed)
    reporter = StageReporter(stage="samples", total=len(planned), on_progress=progress, cancel=cancel)
    samples = []
    with OutputFolder(out) as target:
        pictures: dict[str, bytes] = {}
        for number, (clip, outlined, name) in enumerate(planned, start=1):
            by_name: Mapping[str, SystemSounds] = {each.name: each for each in systems}
            source = by_name.get(name, systems[0])
            sound = read_sound(source.sounds[clip.id].path)
            target.write(f"{MEDIA_FOLDER}/{number}.wav", _wav(noise_like(clip, sound) if name == CONTROL else sound))
            if clip.image is not None:
                if clip.id not in pictures:
                    pictures[clip.id] = _picture(clip, outlined=outlined)
                target.write(f"{MEDIA_FOLDER}/{number}.jpg", pictures[clip.id])
            samples.append(
                StudySample(
                    number=number,
                    clip=clip.id,
                    system=name,
                    text=clip.caption,
                    has_picture=clip.image is not None,
                    has_object=outlined and clip.image is not None,
                )
            )
            reporter.step(number)
        target.write(STUDY_FILE, study_bytes(terms, samples))
        place = target.commit()
    return NewStudy(folder=out.with_name(place.name), samples=tuple(samples), terms=terms)


def _plan(
    chosen: Sequence[tuple[EvaluationClip, bool]], systems: Sequence[SystemSounds], *, controls: int, seed: int
) -> list[tuple[EvaluationClip, bool, str]]:
    """Clip, whether its object is outlined, and system of each sample, shuffled so that numbers tell nothing."""
    rng = np.random.default_rng((seed, 1))
    planned = [(clip, outlined, each.name) for clip, outlined in chosen for each in systems]
    for place in rng.choice(len(chosen), size=controls, replace=controls > len(chosen)):
        clip, outlined = chosen[int(place)]
        planned.append((clip, outlined, CONTROL))
    return [planned[int(index)] for index in rng.permutation(len(planned))]


def _wav(sound: SoundFile) -> bytes:
    """16 bit, which every browser plays; what lies beyond full scale is scaled down."""
    peak = float(np.abs(sound.samples).max(initial=0.0))
    samples = sound.samples / peak if peak > 1.0 else sound.samples
    return encode_wav(samples, sample_rate_hz=sound.sample_rate_hz, wav_format="PCM_16")[0]


def _picture(clip: EvaluationClip, *, outlined: bool) -> bytes:
    """The picture, at most 1024 px, its object outlined in red and white."""
    if clip.image is None:
        raise BadInputError(f"clip {clip.id!r} has no picture")
    loaded = load_image(clip.image)
    image: RgbImage = loaded.pixels
    scale = min(1.0, _LONGEST_SIDE / max(image.shape[:2]))
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA) if scale < 1 else image.copy()
    if outlined and clip.mask is not None:
        mask = load_mask(clip.mask, image_size=(loaded.width, loaded.height), orientation=loaded.orientation)
        shape = cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
        contours, _ = cv2.findContours(shape, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        for width, colour in zip((6, 3), _OUTLINE, strict=True):
            cv2.drawContours(small, contours, -1, colour, width)
    return encode_jpeg(np.ascontiguousarray(small))

"""The files of one frame: stems, mix, masks, thumbnail and a recipe that `sounddesk render` can follow."""

from __future__ import annotations

import hashlib
import io
import math
import platform
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any
from typing import Final

import numpy as np

from sounddesk import __version__
from sounddesk.audio.files.pcm import Waveform
from sounddesk.audio.files.riff_chunks import with_chunks
from sounddesk.audio.files.wav_io import encode_wav
from sounddesk.audio.files.wav_io import read_sound
from sounddesk.audio.mixing import linear_to_db
from sounddesk.audio.mixing import mix_stems
from sounddesk.audio.resample import resample
from sounddesk.batch.jobs import FrameJob
from sounddesk.batch.jobs import ObjectJob
from sounddesk.batch.jobs import RenderSettings
from sounddesk.domain.errors import OutputError
from sounddesk.domain.mask import mask_sha256
from sounddesk.domain.render_recipe import FileReference
from sounddesk.domain.render_recipe import ImageReference
from sounddesk.domain.render_recipe import RecipeObject
from sounddesk.domain.render_recipe import RenderRecipe
from sounddesk.domain.render_recipe import Sampling
from sounddesk.domain.render_recipe import path_from
from sounddesk.domain.render_recipe import recorded_selection
from sounddesk.domain.timeline import PROJECT_RATE_HZ
from sounddesk.engine.types import GeneratedTake
from sounddesk.engine.types import steps_of
from sounddesk.storage.atomic_file import translate_os_errors
from sounddesk.storage.atomic_file import write_file
from sounddesk.storage.own_file import make_own_folders
from sounddesk.storage.render_recipe_file import recipe_to_text

if TYPE_CHECKING:
    from PIL import Image

    from sounddesk.engine.images.scene_objects import SoundingObject

WAV_FORMAT: Final = "PCM_24"
MIX_FILE: Final = "mix.wav"
RECIPE_FILE: Final = "recipe.json"
THUMBNAIL_FILE: Final = "thumbnail.jpg"
STILL_FILE: Final = "frame.png"
# Of an object that was looked for and is not in the frame, unlike one without a mask file.
EMPTY_MASK_NOTE: Final = "its mask is empty in this frame"
_THUMBNAIL_PX: Final = 320


@dataclass(frozen=True, kw_only=True, eq=False)
class SceneOfFrame:
    """What a worker found in a frame: its size, and what sounds in it with its masks.

    Attributes:
        objects: a job and its object with the mask; what is absent from the frame is left out.
        thumbnail: bytes of a JPEG.
        still: PNG of a frame that is no file of its own, so that its recipe has an image to name.
        segmenter: which one answered; None where it was not asked.
        notes: on the masks.
        empty: names of the objects whose mask has no pixel here.
    """

    width: int
    height: int
    objects: tuple[tuple[ObjectJob, SoundingObject], ...]
    thumbnail: bytes
    still: bytes | None = None
    segmenter: str | None = None
    notes: tuple[str, ...] = ()
    empty: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True, eq=False)
class Stem:
    """A take as it is written: 48 kHz, on the grid of the file format; `gain_db` below 0 where it would clip."""

    samples: Waveform
    gain_db: float


def stem_of(take: GeneratedTake, *, seconds: float) -> Stem:
    """A take at the project rate. Its gain is 0 dB unless resampling pushed a peak over full scale."""
    samples = resample(
        take.waveform,
        from_hz=take.sample_rate_hz,
        to_hz=PROJECT_RATE_HZ,
        n_samples=round(seconds * PROJECT_RATE_HZ),
    )
    mixed = mix_stems([samples], wav_format=WAV_FORMAT)
    if mixed.clipped_samples:
        mixed = mix_stems([samples], common_gain_db=mixed.needed_gain_db, wav_format=WAV_FORMAT)
    return Stem(samples=mixed.stems[0], gain_db=mixed.common_gain_db)


def write_sound(out: Path, name: str, samples: Waveform, *, chunks: tuple[bytes, bytes] = (b"", b"")) -> str:
    """Write a WAV file below `out` and return the SHA-256 of its bytes.

    Args:
        chunks: of metadata, before and behind the samples.

    Raises:
        OutputError: it cannot be written.
    """
    data, _ = encode_wav(samples, sample_rate_hz=PROJECT_RATE_HZ, wav_format=WAV_FORMAT)
    return write_below(out, name, with_chunks(data, before_data=chunks[0], after_data=chunks[1]))


def write_below(out: Path, name: str, data: bytes) -> str:
    """Write a file below `out`, whole or not at all, and return the SHA-256 of its bytes. Raises: OutputError."""
    path = out / name
    with translate_os_errors(path):
        make_own_folders(out, path.relative_to(out).parent)
    write_file(path, data)
    return hashlib.sha256(data).hexdigest()


def levels_of(samples: Waveform) -> dict[str, float | None]:
    """Integrated loudness and sample peak, to 0.1 dB; None for what cannot be measured (too short, silence)."""
    from sounddesk.audio.metering.loudness import integrated_loudness

    lufs = integrated_loudness(samples, sample_rate_hz=PROJECT_RATE_HZ)
    return {"lufs": _rounded(lufs), "peak_dbfs": _rounded(linear_to_db(float(np.abs(samples).max())))}


def write_whole_frame(
    job: FrameJob,
    scene: SceneOfFrame,
    settings: RenderSettings,
    *,
    stems: Mapping[tuple[str, int], str],
    words: Mapping[str, str],
) -> tuple[dict[str, str], dict[str, float | None], tuple[str, ...]]:
    """Mix, masks, thumbnail and recipe of a frame whose stems are all written.

    Args:
        stems: path of each stem below the output folder, by object and number of take.
        words: by object, what its takes were made from, where that is words and they were made in this run.

    Returns:
        Files with their hashes (the mix first), levels of the mix, and notes.

    Raises:
        OutputError: a file cannot be written, or a stem that was written is gone.
    """
    out, folder = settings.out, job.output
    files: dict[str, str] = {}
    mixed = [each for each in scene.objects if each[0].planned.kind != "blend"]
    notes: tuple[str, ...] = ()
    levels: dict[str, float | None] = {}
    mix_gain_db = 0.0
    if mixed:
        samples = [_read_stem(out / stems[each.name, 1]) for each, _ in mixed]
        mix = mix_stems(samples, wav_format=WAV_FORMAT)
        if mix.clipped_samples:
            mix_gain_db = mix.needed_gain_db
            mix = mix_stems(samples, common_gain_db=mix_gain_db, wav_format=WAV_FORMAT)
            notes = (f"the mix is {-mix_gain_db:g} dB lower than the sum of the stems, so that it does not clip",)
        files[f"{folder}/{MIX_FILE}"] = write_sound(out, f"{folder}/{MIX_FILE}", mix.mix)
        levels = levels_of(mix.mix)
    for each, sounding in scene.objects:
        name = f"{folder}/{_mask_file(each)}"
        files[name] = write_below(out, name, png_of(sounding.coverage))
    name = f"{folder}/{THUMBNAIL_FILE}"
    files[name] = write_below(out, name, scene.thumbnail)
    if scene.still is not None:
        name = f"{folder}/{STILL_FILE}"
        files[name] = write_below(out, name, scene.still)
    if scene.objects:
        recipe = _recipe(job, scene, settings, stems=stems, words=words, common_gain_db=mix_gain_db)
        name = f"{folder}/{RECIPE_FILE}"
        files[name] = write_below(out, name, recipe_to_text(recipe).encode("ascii"))
    return files, levels, notes


def thumbnail_of(pixels: Any, objects: Sequence[SoundingObject]) -> bytes:
    """A small JPEG of a frame with its masks."""
    from sounddesk.engine.images.masks_picture import draw_masks

    named = [(each.name, each.mask) for each in objects if each.kind == "object"]
    buffer = io.BytesIO()
    draw_masks(pixels, named, longest_side_px=_THUMBNAIL_PX).save(buffer, format="JPEG", quality=80)
    return buffer.getvalue()


def _read_stem(path: Path) -> Waveform:
    try:
        return read_sound(path).samples
    except ValueError as error:
        raise OutputError(f"a stem that was written is gone: {error}") from error


def _recipe(
    job: FrameJob,
    scene: SceneOfFrame,
    settings: RenderSettings,
    *,
    stems: Mapping[tuple[str, int], str],
    words: Mapping[str, str],
    common_gain_db: float,
) -> RenderRecipe:
    """The recipe by which `sounddesk render --recipe` makes this frame again."""
    return RenderRecipe(
        image=ImageReference(
            path=STILL_FILE if scene.still is not None else path_from(settings.out / job.output, job.path),
            sha256=job.image_sha256 if scene.still is None else hashlib.sha256(scene.still).hexdigest(),
            width=scene.width,
            height=scene.height,
        ),
        objects=tuple(
            RecipeObject(
                name=each.name,
                kind=each.planned.kind,
                selection=recorded_selection(sounding.selection),
                mask=FileReference(name=_mask_file(each), sha256=mask_sha256(sounding.mask)),
                seeds=tuple(take.seed for take in each.takes),
                hint=each.planned.hint,
                words=words.get(each.name),
                files=tuple(Path(stems[each.name, take.number]).name for take in each.takes),
            )
            for each, sounding in scene.objects
        ),
        seed=job.planner.seed,
        seconds=settings.seconds,
        takes=job.planner.takes,
        sampling=Sampling(
            preset=settings.sampling.preset,
            steps=steps_of(settings.sampling),
            guidance=settings.sampling.guidance,
            eta=settings.sampling.eta,
        ),
        grounding=settings.grounding,
        bundle=FileReference(name=settings.bundle_name, sha256=settings.bundle_sha256),
        segmenter=None if scene.segmenter is None else FileReference(name=scene.segmenter, sha256=None),
        common_gain_db=common_gain_db,
        sample_rate_hz=PROJECT_RATE_HZ,
        wav_format=WAV_FORMAT,
        made_with={"sounddesk": __version__, "python": platform.python_version()},
    )


def _mask_file(each: ObjectJob) -> str:
    return f"masks/{each.file_stem}.png"


def _rounded(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else round(value, 1)


def png_of(pixels: Any) -> bytes:
    """A PNG of uint8[H, W] or uint8[H, W, 3]."""
    from PIL import Image as PilImage

    picture: Image.Image = PilImage.fromarray(pixels)
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG")
    return buffer.getvalue()

"""The files of a finished render, written into its output folder."""

from __future__ import annotations

import io
import math
import platform
from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any
from typing import Final

from sounddesk import __version__
from sounddesk.cli.render_plan import RenderPlan
from sounddesk.cli.stem_assembly import WAV_FORMAT
from sounddesk.cli.stem_assembly import Stems
from sounddesk.domain.mask import mask_sha256
from sounddesk.domain.naming import unique_file_stems
from sounddesk.domain.recordings import recordings_of
from sounddesk.domain.render_recipe import FileReference
from sounddesk.domain.render_recipe import ImageReference
from sounddesk.domain.render_recipe import RecipeObject
from sounddesk.domain.render_recipe import RenderRecipe
from sounddesk.domain.render_recipe import Sampling
from sounddesk.domain.render_recipe import path_from
from sounddesk.domain.render_recipe import recorded_selection
from sounddesk.domain.timeline import PROJECT_RATE_HZ
from sounddesk.engine.generation.sound_edits import edit_facts
from sounddesk.engine.images.masks_picture import draw_masks
from sounddesk.engine.licence import licence_line
from sounddesk.storage.render_recipe_file import recipe_to_text

if TYPE_CHECKING:
    from PIL import Image

    from sounddesk.audio.files.pcm import Waveform
    from sounddesk.storage.output_folder import OutputFolder

MIX_FILE: Final = "mix.wav"
RECIPE_FILE: Final = "recipe.json"
MASKS_FILE: Final = "masks.png"
SPECTROGRAMS_FILE: Final = "spectrograms.png"
# Before the names of all sounds of a bundle with random weights.
MEANINGLESS_PREFIX: Final = "MEANINGLESS-"
MEANINGLESS_FILE: Final = "MEANINGLESS.txt"
# Names of the render's own sounds; an object of one of these names gets a number.
_OWN_STEMS: Final = ("mix", "blend", "ambience")
_BYTES_PER_SAMPLE: Final = 3
_PICTURES_BYTES: Final = 20_000_000


@dataclass(frozen=True, kw_only=True)
class WrittenObject:
    """What was written for one object: its sounds (one per take) and its mask, relative to the folder."""

    name: str
    kind: str
    files: tuple[str, ...]
    mask: str
    gain_db: float
    suggested_gain_db: float | None
    loudness_lufs: float | None

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "kind": self.kind,
            "files": list(self.files),
            "mask": self.mask,
            "gain_db": self.gain_db,
            "suggested_gain_db": self.suggested_gain_db,
            "loudness_lufs": self.loudness_lufs,
        }


def needed_bytes(plan: RenderPlan) -> int:
    """What the render will take on the disk, about."""
    sounds = len(plan.scene.objects) * plan.takes + 1
    masks = len(plan.scene.objects) * plan.scene.image.width * plan.scene.image.height // 8
    return round(sounds * plan.seconds * PROJECT_RATE_HZ * _BYTES_PER_SAMPLE) + masks + _PICTURES_BYTES


def write_render(
    plan: RenderPlan, stems: Stems, folder: OutputFolder, *, out: Path, between: Callable[[], None]
) -> tuple[WrittenObject, ...]:
    """Stage every file of the render.

    Args:
        plan: what was asked for.
        stems: what was made.
        folder: where it goes; nothing shows before its commit.
        out: the folder that was asked for; the recipe's path of the image is relative to it.
        between: called before each file; raises to cancel.

    Raises:
        OutputError: a file cannot be written.
    """
    file_stems = file_stems_of(plan)
    sounds = _write_sounds(plan, stems, folder, file_stems=file_stems, between=between)
    masks = {}
    for entry in plan.scene.objects:
        between()
        masks[entry.name] = f"masks/{file_stems[entry.name]}.png"
        folder.write(masks[entry.name], _png(_grey(entry.coverage)))
    between()
    objects = [(entry.name, entry.mask) for entry in plan.scene.objects if entry.kind == "object"]
    folder.write(MASKS_FILE, _png(draw_masks(plan.scene.image.pixels, objects)))
    between()
    folder.write(SPECTROGRAMS_FILE, _spectrograms(stems))
    suggested = stems.suggested_gains_db
    written = tuple(
        WrittenObject(
            name=entry.name,
            kind=entry.kind,
            files=sounds[entry.name].files,
            mask=masks[entry.name],
            gain_db=stems.gains_db.get(entry.name, 0.0),
            suggested_gain_db=suggested.get(entry.name),
            loudness_lufs=sounds[entry.name].loudness_lufs,
        )
        for entry in plan.scene.objects
    )
    if plan.bundle.is_random:
        folder.write(MEANINGLESS_FILE, _meaningless_text(plan).encode("utf-8"))
    recipe = make_recipe(plan, stems, written, out=out)
    folder.write(RECIPE_FILE, recipe_to_text(recipe).encode("ascii"))
    return written


def file_stems_of(plan: RenderPlan) -> dict[str, str]:
    """File name without ending, by object name; blend and ambience keep theirs."""
    users = [entry.name for entry in plan.scene.objects if entry.kind == "object"]
    stems = dict(zip(users, unique_file_stems(users, taken=_OWN_STEMS), strict=True))
    stems.update({entry.name: entry.kind for entry in plan.scene.objects if entry.kind != "object"})
    return {name: f"{prefix_of(plan)}{stem}" for name, stem in stems.items()}


def prefix_of(plan: RenderPlan) -> str:
    """What the names of all sounds begin with."""
    return MEANINGLESS_PREFIX if plan.bundle.is_random else ""


def _meaningless_text(plan: RenderPlan) -> str:
    return (
        f"The bundle {plan.bundle.name} has random weights. Every sound in this folder is noise and means nothing:\n"
        "it was made to try all stages at full size.\n"
    )


def take_file(stem: str, number: int) -> str:
    """'dog.wav' for the first take (number 0), 'dog.take2.wav' for the second."""
    return f"{stem}.wav" if number == 0 else f"{stem}.take{number + 1}.wav"


@dataclass(frozen=True, kw_only=True)
class _Sounds:
    files: tuple[str, ...]
    loudness_lufs: float | None


def _write_sounds(
    plan: RenderPlan,
    stems: Stems,
    folder: OutputFolder,
    *,
    file_stems: Mapping[str, str],
    between: Callable[[], None],
) -> dict[str, _Sounds]:
    from sounddesk.audio.files.wav_io import encode_wav

    def write(name: str, samples: Waveform) -> None:
        between()
        data, _ = encode_wav(samples, sample_rate_hz=PROJECT_RATE_HZ, wav_format=WAV_FORMAT)
        folder.write(name, data)

    files: dict[str, list[str]] = {entry.name: [] for entry in plan.scene.objects}
    loudness: dict[str, float | None] = {}
    for number in range(plan.takes):
        mixed = stems.mix_of_take(number)
        sounding = dict(zip(stems.names, mixed.stems, strict=True))
        if stems.blend_name is not None:
            sounding[stems.blend_name] = stems.blend_of_take(number).stems[0]
        for name, samples in sounding.items():
            files[name].append(take_file(file_stems[name], number))
            write(files[name][-1], samples)
            if number == 0:
                loudness[name] = _loudness_lufs(samples)
        if number == 0:
            write(f"{prefix_of(plan)}{MIX_FILE}", mixed.mix)
    return {name: _Sounds(files=tuple(names), loudness_lufs=loudness[name]) for name, names in files.items()}


def make_recipe(plan: RenderPlan, stems: Stems, written: tuple[WrittenObject, ...], *, out: Path) -> RenderRecipe:
    """The recipe that makes this render again."""
    image = plan.scene.image
    facts = stems.takes[plan.scene.objects[0].name][0].recipe
    return RenderRecipe(
        image=ImageReference(
            path=path_from(out, plan.scene.image_path), sha256=image.sha256, width=image.width, height=image.height
        ),
        objects=tuple(
            RecipeObject(
                name=entry.name,
                kind=entry.kind,
                selection=recorded_selection(entry.selection),
                mask=FileReference(name=one.mask, sha256=mask_sha256(entry.mask)),
                seeds=plan.seeds[entry.name],
                hint=entry.hint,
                words=stems.takes[entry.name][0].recipe["prompt"] if plan.grounding != "object" else None,
                gain_db=one.gain_db,
                suggested_gain_db=one.suggested_gain_db,
                files=one.files,
            )
            for entry, one in zip(plan.scene.objects, written, strict=True)
        ),
        seed=plan.seed,
        seconds=plan.seconds,
        takes=plan.takes,
        sampling=Sampling(
            preset=plan.sampling.preset,
            steps=facts["steps"],
            guidance=plan.sampling.guidance,
            eta=plan.sampling.eta,
        ),
        grounding=plan.grounding,
        bundle=FileReference(name=plan.bundle_name, sha256=plan.bundle.sha256),
        segmenter=plan.scene.segmenter,
        common_gain_db=stems.common_gain_db,
        sample_rate_hz=PROJECT_RATE_HZ,
        wav_format=WAV_FORMAT,
        made_with={
            "sounddesk": __version__,
            "python": platform.python_version(),
            "device": str(facts["device"]),
            "network_dtype": str(facts["network_dtype"]),
            "licence of the weights": licence_line(plan.bundle.manifest.licence),
            **({"weights": "random, the sounds mean nothing"} if plan.bundle.is_random else {}),
        },
        made_of_recordings=_recording_facts(plan, stems),
    )


def _recording_facts(plan: RenderPlan, stems: Stems) -> dict[str, Any] | None:
    """How takes were made of recordings, and of which; None where they were not."""
    asked = plan.recordings
    if asked.from_library:
        used = {name: [recordings_of(take.recipe) for take in takes] for name, takes in stems.takes.items()}
        return {"how": "arranged", "recordings": used}
    if asked.source is None:
        return None
    first, *_ = stems.takes.values()
    (facts,) = recordings_of(first[0].recipe)
    return {"how": asked.edit.word, **facts, **edit_facts(asked.edit)}


def _spectrograms(stems: Stems) -> bytes:
    """The sheet of the first takes: stems, blend, mix."""
    from PIL import Image

    from sounddesk.audio.pictures.spectrogram_sheet import SheetRow
    from sounddesk.audio.pictures.spectrogram_sheet import spectrogram_sheet

    mixed = stems.mix_of_take(0)
    rows = [SheetRow(name=name, samples=samples) for name, samples in zip(stems.names, mixed.stems, strict=True)]
    if stems.blend_name is not None:
        rows.append(SheetRow(name=stems.blend_name, samples=stems.blend_of_take(0).stems[0]))
    sheet = spectrogram_sheet(rows, mix=SheetRow(name="mix", samples=mixed.mix), sample_rate_hz=PROJECT_RATE_HZ)
    return _png(Image.fromarray(sheet))


def _loudness_lufs(samples: Waveform) -> float | None:
    from sounddesk.audio.metering.loudness import integrated_loudness

    loudness = integrated_loudness(samples, sample_rate_hz=PROJECT_RATE_HZ)
    return None if loudness is None or not math.isfinite(loudness) else round(loudness, 1)


def _grey(coverage: Any) -> Image.Image:
    from PIL import Image

    return Image.fromarray(coverage)


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return buffer.getvalue()

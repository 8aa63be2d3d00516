"""A result of a batch as a project: its image, objects with masks, and takes on the timeline, as if made by hand."""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import replace
from pathlib import Path
from typing import Any
from typing import Final

import numpy as np
import numpy.typing as npt

from sounddesk.app.runtime.heavy_imports import map_opencv_library
from sounddesk.audio.files.wav_io import read_sound
from sounddesk.domain.batch_manifest import Key
from sounddesk.domain.batch_manifest import Row
from sounddesk.domain.errors import BadInputError
from sounddesk.domain.errors import SounddeskError
from sounddesk.domain.picture_suffixes import MOVIE_SUFFIXES
from sounddesk.domain.project import ImageInfo
from sounddesk.domain.project import MovieFrame
from sounddesk.domain.project import Project
from sounddesk.domain.project import ProjectSettings
from sounddesk.domain.render_recipe import RecipeObject
from sounddesk.domain.render_recipe import RenderRecipe
from sounddesk.domain.scene import MixerStrip
from sounddesk.domain.scene import SceneObject
from sounddesk.domain.seeds import take_seed
from sounddesk.domain.take import Take
from sounddesk.domain.take import waveform_of
from sounddesk.domain.take_placement import with_take_placed
from sounddesk.domain.tiled_mask import TiledMask
from sounddesk.engine.bundles.bundle_reference import portable_reference
from sounddesk.engine.bundles.installed_bundles import find_bundle
from sounddesk.engine.bundles.installed_bundles import find_recorded
from sounddesk.engine.bundles.installed_bundles import reference_to
from sounddesk.storage.codec import decode
from sounddesk.storage.project_file import read_project
from sounddesk.storage.project_reader import ProjectContents
from sounddesk.storage.render_recipe_file import recipe_from_json
from sounddesk.storage.text_formats import FieldError
from sounddesk.storage.text_formats import read_json

_RECIPE: Final = "recipe.json"
# Keys of a bed's settings that are those of a project.
_TIMECODE: Final = ("start_timecode_s", "frame_rate", "drop_frame")


class ResultError(BadInputError):
    """A result that cannot be opened; the message names the file and the remedy."""


@dataclass(frozen=True, kw_only=True, eq=False)
class OpenedResult:
    """A project that has no file yet (give it to `ProjectStore.new`), and what the user should know."""

    contents: ProjectContents
    notes: tuple[str, ...] = ()


def recipe_of(frame: Row | None) -> str | None:
    """The recipe below the output folder of a frame that is complete; None where nothing sounds in it."""
    if frame is None or frame.status != "done":
        return None
    return next((name for name in frame.files if name.rpartition("/")[2] == _RECIPE), None)


def project_of_frame(
    out: Path, frame: str, rows: Mapping[Key, Row], *, source: Path | None = None, like: Path | None = None
) -> OpenedResult:
    """One frame with all of its objects and takes.

    Args:
        out: output folder of the batch.
        rows: of its manifest, the newest of each key.
        source: the folder or the movie that the frames come from.
        like: the project that the batch was asked for with; colours and words come from its objects of same names.

    Raises:
        ResultError, EngineError, ProjectFileError: a file is missing, damaged or of another size than then.
    """
    name = recipe_of(rows.get((frame, "", 0)))
    if name is None:
        raise ResultError(f"{frame} is not complete: resume the batch to render what is missing")
    folder = (out / name).parent
    recipe = _read_recipe(folder / _RECIPE)
    file, info, notes = _read_image(folder / recipe.image.path, recipe)
    movie, timecode = (None, {}) if source is None else _of_movie(source, frame, rows.get((frame, "", 0)))
    info = replace(info, movie=movie)
    asked = Project() if like is None else read_project(like).project
    known = {each.name: each for each in asked.objects}
    members = {each.name: {asked.object(one).name for one in each.members} for each in asked.objects if each.members}
    project = Project(
        image=info,
        settings=ProjectSettings(
            seconds=recipe.seconds,
            timeline_s=recipe.seconds,
            preset=recipe.sampling.preset,
            steps=recipe.sampling.steps,
            guidance=recipe.sampling.guidance,
            grounding=recipe.grounding,
            bundle=_bundle_of(recipe),
            seed=recipe.seed,
            **timecode,
        ),
    )
    ids: dict[str, str] = {}
    # A blend's members have to be there before it.
    for entry in sorted(recipe.objects, key=lambda each: each.kind == "blend"):
        mixed = [ids[one] for one in ids if entry.kind == "blend" and one in members.get(entry.name, ids)]
        project, ids[entry.name] = _with_object(
            project, entry, folder=folder, members=tuple(mixed), like=known.get(entry.name)
        )
    project = project.with_object_order([ids[entry.name] for entry in recipe.objects])
    takes = []
    for entry in recipe.objects:
        for number, (seed, sound) in enumerate(zip(entry.seeds, entry.files, strict=False), start=1):
            row = rows.get((frame, entry.name, number))
            facts = _facts(recipe, entry, seed=seed, row=row)
            takes.append(_take(folder / sound, ids[entry.name], number=number, seed=seed, row=row, facts=facts))
    project = _placed(project, takes)
    contents = ProjectContents(project=project, takes=tuple(takes), images={info.sha256: file})
    return OpenedResult(contents=contents, notes=notes)


def project_of_beds(out: Path, rows: Iterable[Row], *, like: Path) -> OpenedResult:
    """The project that the batch was asked for with, and its continuous sounds as takes.

    Args:
        rows: of beds; those that are not done are left out.

    Raises:
        ResultError, ProjectFileError: a file is missing or damaged.
    """
    contents = read_project(like)
    project = contents.project
    by_name = {each.name: each for each in project.objects}
    takes = []
    rows, named = list(rows), portable_reference(project.settings.bundle)
    for row in rows:
        owner = by_name.get(row.object)
        if owner is None or row.status != "done" or row.file is None or row.frame:
            continue
        facts = {key: value for key, value in row.settings.items() if key not in ("automation", "joins_s", *_TIMECODE)}
        facts |= {"bundle": named.rpartition("@")[0] or named, "seed": row.seed, "name": owner.name, "kind": owner.kind}
        takes.append(
            _take(out / row.file, owner.id, number=row.take, seed=row.seed or 0, row=row, facts={**facts, "bed": True})
        )
    if not takes:
        raise ResultError("none of the continuous sounds is complete: resume the batch to render what is missing")
    length = min(3600.0, max(take.seconds for take in takes))
    project = _placed(project.with_settings(timeline_s=length, **_timecode_of(rows)), takes)
    return OpenedResult(contents=replace(contents, project=project, takes=tuple(takes)), notes=())


def _timecode_of(beds: Iterable[Row]) -> dict[str, Any]:
    """When the shot begins and how its frames are counted, as settings of a project; empty where beds do not say."""
    for row in beds:
        try:
            values = decode(tuple[float, float, bool], [row.settings[key] for key in _TIMECODE])
            found: dict[str, Any] = dict(zip(_TIMECODE, values, strict=True))
            ProjectSettings(**found)
        except (KeyError, ValueError):
            continue
        return found
    return {}


def _bundle_of(recipe: RenderRecipe) -> str:
    """The recipe's bundle as a project names it; with its hash where the name alone would find another one, or none."""
    name, sha256 = recipe.bundle.name, recipe.bundle.sha256
    try:
        if find_bundle(name).sha256 == sha256:
            return portable_reference(name)
        found = find_recorded(name, sha256 or "")
    except SounddeskError:
        return Path(name).name
    return reference_to(found)


def _of_movie(source: Path, frame: str, row: Row | None) -> tuple[MovieFrame | None, dict[str, Any]]:
    """Which frame of the movie this is, and its time as settings of a project; neither for a folder of frames."""
    number = Path(frame).stem.rpartition(".")[2]
    is_movie = source.suffix.lower() in MOVIE_SUFFIXES and source.is_file() and number.isdecimal()
    if not is_movie or row is None or row.image_sha256 is None:
        return None, {}
    from sounddesk.engine.images.movie_file import read_movie_facts

    movie = MovieFrame(movie=source.name, frame=max(1, int(number)), sha256=row.image_sha256)
    try:
        facts = read_movie_facts(source)
    except SounddeskError:
        # Its sounds can be opened without it.
        return movie, {}
    if movie.frame > facts.n_frames:
        # Another one by now.
        return movie, {}
    start_s = facts.start_s + facts.rate.time_of(facts.offsets[movie.frame - 1])
    return movie, dict(zip(_TIMECODE, (start_s, float(facts.rate.frames_per_s), facts.rate.drop_frame), strict=True))


def _read_recipe(path: Path) -> RenderRecipe:
    try:
        return recipe_from_json(read_json(path))
    except OSError as error:
        raise ResultError(f"{path} cannot be read ({error.strerror}): resume the batch to make it again") from error
    except FieldError as error:
        raise ResultError(f"{path} cannot be used: {error}") from error


def _read_image(path: Path, recipe: RenderRecipe) -> tuple[bytes, ImageInfo, tuple[str, ...]]:
    map_opencv_library()
    from sounddesk.engine.images.image_file import load_image

    # Out of the '..' that lead from the results to the frames.
    path = path.resolve()
    image = load_image(path)
    file = path.read_bytes()
    sha256 = hashlib.sha256(file).hexdigest()
    if (image.width, image.height) != (recipe.image.width, recipe.image.height):
        raise ResultError(
            f"{path} is {image.width} x {image.height} pixels and was {recipe.image.width} x {recipe.image.height} "
            "when it was rendered: resume the batch to render it again"
        )
    notes = tuple(image.notes)
    if sha256 != recipe.image.sha256:
        notes = (*notes, f"{path.name} has changed since its sounds were made.")
    return file, ImageInfo(sha256=sha256, name=path.name, width=image.width, height=image.height), notes


def _with_object(
    project: Project, entry: RecipeObject, *, folder: Path, members: tuple[str, ...], like: SceneObject | None
) -> tuple[Project, str]:
    assert project.image is not None
    size = project.image.width, project.image.height
    mask = TiledMask.empty(width=size[0], height=size[1])
    # What is derived from other objects stays so: it follows when their masks are edited.
    if entry.selection.how not in ("union", "complement"):
        mask = TiledMask.from_array(_read_mask(folder / entry.mask.name, size=size))
    # An ambience is no part of a blend.
    members = tuple(each for each in members if project.object(each).kind == "object")
    numbered, object_id = project.with_new_id("o")
    made = SceneObject(
        id=object_id,
        name=entry.name,
        kind=entry.kind,
        members=members,
        mask=mask,
        colour=project.next_colour() if like is None else like.colour,
        hint=entry.hint or "",
        negative_hint="" if like is None else like.negative_hint,
        seed=entry.seeds[0] if entry.seeds else take_seed(project.settings.seed, name=entry.name, take=0),
        # Beside its members a blend would sound twice.
        strip=MixerStrip(muted=entry.kind == "blend"),
    )
    return numbered.with_object(made), object_id


def _read_mask(path: Path, *, size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """Coverage uint8[H, W]: all shades of it, unlike a mask that is imported."""
    from sounddesk.engine.images.mask_file import load_saved_coverage
    from sounddesk.engine.images.picture_decoding import ImageFileError

    try:
        coverage = load_saved_coverage(path)
    except ImageFileError as error:
        raise ResultError(f"mask {path} cannot be read: resume the batch to make it again") from error
    if coverage.shape != (size[1], size[0]):
        raise ResultError(f"mask {path} is {coverage.shape[1]} x {coverage.shape[0]} pixels, unlike the image")
    return coverage


def _facts(recipe: RenderRecipe, entry: RecipeObject, *, seed: int, row: Row | None) -> dict[str, Any]:
    """What the desk keeps of a take that it made itself, as far as the batch wrote it down."""
    return {
        "engine_version": recipe.made_with.get("sounddesk", ""),
        "bundle": Path(recipe.bundle.name).name,
        "bundle_sha256": recipe.bundle.sha256,
        "seed": seed,
        "seconds": recipe.seconds,
        "sample_rate_hz": recipe.sample_rate_hz,
        "preset": recipe.sampling.preset,
        "steps": recipe.sampling.steps,
        "guidance": recipe.sampling.guidance,
        "eta": recipe.sampling.eta,
        "image_sha256": recipe.image.sha256,
        "name": entry.name,
        "kind": entry.kind,
        "mask_sha256": entry.mask.sha256 if row is None else row.mask_sha256,
        "hint": entry.hint,
    }


def _take(path: Path, object_id: str, *, number: int, seed: int, row: Row | None, facts: dict[str, Any]) -> Take:
    try:
        sound = read_sound(path)
        return Take(
            id=uuid.uuid4().hex,
            object_id=object_id,
            number=number,
            seed=seed,
            waveform=waveform_of(sound.samples),
            sample_rate_hz=sound.sample_rate_hz,
            recipe=facts,
            created=row.finished if row is not None and row.finished else dt.datetime.now(dt.UTC).isoformat(),
            notes=() if row is None else row.notes,
        )
    except ValueError as error:
        raise ResultError(f"{error}; resume the batch to make it again") from error


def _placed(project: Project, takes: Iterable[Take]) -> Project:
    """The first take of each object on its lane."""
    for take in takes:
        if take.number == 1:
            project = with_take_placed(project, take.object_id, take.id, take.seconds)
    return project

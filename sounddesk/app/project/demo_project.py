"""The demos: the images that ship with sounddesk and their masks, as a fresh project each time."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Final

import numpy as np

from sounddesk.app.project.project_reading import Images
from sounddesk.app.runtime.heavy_imports import map_opencv_library
from sounddesk.domain.clip_edits import with_room_for_clips
from sounddesk.domain.project import ImageInfo
from sounddesk.domain.project import Project
from sounddesk.domain.scene import SceneObject
from sounddesk.domain.seeds import take_seed
from sounddesk.domain.take import Take
from sounddesk.domain.take_placement import with_take_placed
from sounddesk.domain.tiled_mask import TiledMask
from sounddesk.engine.images.demo_scene import demo_masks
from sounddesk.resources_folder import resource
from sounddesk.storage.project_reader import ProjectContents
from sounddesk.storage.text_formats import read_json

FARM: Final = "farm"
# What each shows, by its name; the first one is *the* demo of the manual.
DEMOS: Final = {FARM: "Four animals on a meadow", "shore": "Horses by a windmill", "meadow": "A bee and an owl"}
# The sounds of a demo begin one after the other, so that each is heard for itself first.
_APART_S: Final = 1.0
# Together the takes of the farm are beyond full scale for a moment: its mix stays below -1 dBTP.
_CLIP_DB: Final = -2.0
# A sample beyond -30 dBFS is heard in a room.
_HEARD: Final = 10 ** (-30 / 20)


def demo_folder(name: str) -> Path:
    """Where a demo's files are. Raises: FileNotFoundError."""
    return resource("demo") if name == FARM else resource(f"demo/{name}")


def demo_image(name: str) -> Path:
    """The image file of a demo. Raises: FileNotFoundError."""
    return demo_folder(name) / ("scene.webp" if name == FARM else "scene.jpg")


def demo_project(name: str = FARM, *, with_takes: bool = True) -> tuple[ProjectContents, Images]:
    """A project that has no file: the demo's image with one object per mask, each with a finished take on its lane, so
    that the first press of Space is heard.

    Args:
        name: one of `DEMOS`.
        with_takes: False for the objects alone.

    Returns:
        The project, and its image decoded. Give both to `ProjectStore.new`.

    Raises:
        EngineError, FileNotFoundError: the shipped files are missing or damaged.
    """
    map_opencv_library()
    from sounddesk.engine.images.image_file import image_from_bytes
    from sounddesk.engine.images.mask_file import load_mask

    folder, path = demo_folder(name), demo_image(name)
    file = path.read_bytes()
    scene = image_from_bytes(file, name=path.name)
    shown = "demo" if name == FARM else name
    image = ImageInfo(sha256=scene.sha256, name=f"{shown}{path.suffix}", width=scene.width, height=scene.height)
    project = Project(image=image)
    for object_name, file_of_mask in demo_masks(folder).items():
        mask = load_mask(file_of_mask, image_size=(scene.width, scene.height))
        project, object_id = project.with_new_id("o")
        seed = take_seed(project.settings.seed, name=object_name, take=0)
        project = project.with_object(
            SceneObject(
                id=object_id, name=object_name, mask=TiledMask.from_array(mask), seed=seed, colour=project.next_colour()
            )
        )
    takes = _takes(folder / "takes", project) if with_takes else ()
    # The one that is heard soonest begins: a press on the still is answered at once.
    for number, take in enumerate(sorted(takes, key=_onset_s)):
        project = with_take_placed(project, take.object_id, take.id, take.seconds)
        clip = dataclasses.replace(project.clips_of(take.object_id)[0], start_s=_APART_S * number, gain_db=_CLIP_DB)
        project = with_room_for_clips(project.with_clip(clip))
    contents = ProjectContents(project=project, takes=takes, images={scene.sha256: file})
    return contents, [(file, scene.pixels)]


def _onset_s(take: Take) -> float:
    """When a take is first heard, in seconds."""
    heard = np.abs(take.waveform) > _HEARD
    return float(heard.argmax()) / take.sample_rate_hz if heard.any() else take.seconds


def _takes(folder: Path, project: Project) -> tuple[Take, ...]:
    """The shipped take of each object, in the project's order."""
    from sounddesk.audio.files.wav_io import read_sound

    records = {str(each["name"]): each["recipe"] for each in read_json(folder / "takes.json")["takes"]}
    takes = []
    for each in project.objects:
        sound = read_sound(folder / f"{each.name}.flac")
        take = Take(
            id=f"demo-{each.name}",
            object_id=each.id,
            number=1,
            seed=int(records[each.name]["seed"]),
            waveform=sound.samples,
            sample_rate_hz=sound.sample_rate_hz,
            recipe=records[each.name],
            created="2026-11-30T00:00:00+00:00",
        )
        takes.append(take)
    return tuple(takes)

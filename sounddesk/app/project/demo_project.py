"""The demo: the image that ships with sounddesk and its masks, as a fresh project each time."""

from __future__ import annotations

import hashlib

from sounddesk.app.runtime.heavy_imports import map_opencv_library
from sounddesk.domain.project import ImageInfo
from sounddesk.domain.project import Project
from sounddesk.domain.scene import SceneObject
from sounddesk.domain.seeds import take_seed
from sounddesk.domain.tiled_mask import TiledMask
from sounddesk.resources_folder import resource
from sounddesk.storage.project_reader import ProjectContents
from sounddesk.storage.text_formats import read_json


def demo_project() -> ProjectContents:
    """A project that has no file: the demo image with one object per mask. Give it to `ProjectStore.new`.

    Raises:
        EngineError, FileNotFoundError: the shipped files are missing or damaged.
    """
    map_opencv_library()
    from sounddesk.engine.images.image_file import load_image
    from sounddesk.engine.images.mask_file import load_mask

    folder = resource("demo")
    file = (folder / "scene.png").read_bytes()
    scene = load_image(folder / "scene.png")
    sha256 = hashlib.sha256(file).hexdigest()
    image = ImageInfo(sha256=sha256, name="demo.png", width=scene.width, height=scene.height)
    project = Project(image=image)
    for each in read_json(folder / "scene.json")["objects"]:
        name = str(each["name"])
        mask = load_mask(folder / "masks" / f"{name}.png", image_size=(scene.width, scene.height))
        project, object_id = project.with_new_id("o")
        seed = take_seed(project.settings.seed, name=name, take=0)
        project = project.with_object(
            SceneObject(
                id=object_id, name=name, mask=TiledMask.from_array(mask), seed=seed, colour=project.next_colour()
            )
        )
    return ProjectContents(project=project, images={sha256: file})

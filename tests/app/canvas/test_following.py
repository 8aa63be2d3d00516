"""The canvas follows the document, in whatever order the signals of a change arrive."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import pytest

from sounddesk.app.canvas.image_canvas import ImageCanvas
from sounddesk.app.project.document import Document
from sounddesk.app.project.selection import SelectionModel
from sounddesk.app.workers.segmentation_worker import SegmentationWorker
from sounddesk.domain.project import Project
from sounddesk.domain.scene import SceneObject
from sounddesk.domain.tiled_mask import TiledMask
from tests.app.conftest import wait_until


def smaller(document: Document) -> tuple[Project, np.ndarray]:
    """A project around an image of 40 x 30 pixels with an object whose id the open project has, too."""
    pixels = np.full((30, 40, 3), 50, np.uint8)
    info = dataclasses.replace(document.project.image, sha256="0" * 64, width=40, height=30)
    mask = TiledMask.from_array(np.ones((30, 40), bool))
    return Project(image=info, objects=(SceneObject(id="o1", name="left", mask=mask, seed=1),)), pixels


@pytest.fixture
def selection(still: Document) -> SelectionModel:
    return SelectionModel(still)


@pytest.fixture
def canvas(still: Document, selection: SelectionModel) -> Iterator[ImageCanvas]:
    segment = SegmentationWorker()
    made = ImageCanvas(still, selection, segment)
    yield made
    segment.close()


def test_a_project_with_a_smaller_image_is_opened_while_an_object_is_selected(
    still: Document, selection: SelectionModel, canvas: ImageCanvas, problems: list[str]
) -> None:
    selection.select_objects(["o1"])
    wait_until(lambda: canvas._scene.masks_are_ready)
    seen = []
    selection.objects_changed.connect(lambda: seen.append((selection.object_ids, still.project.image.width)))
    project, pixels = smaller(still)
    import hashlib

    file = b"a smaller image"
    info = dataclasses.replace(project.image, sha256=hashlib.sha256(file).hexdigest())
    still.replace(dataclasses.replace(project, image=info), takes=(), images=[(file, pixels)])
    # The selection let go while what it referred to was still there.
    assert seen == [((), 96)]
    wait_until(lambda: canvas._scene.masks_are_ready)
    assert canvas.current_object() is None
    assert not problems


def test_another_image_and_another_selection_in_one_step(
    still: Document, selection: SelectionModel, canvas: ImageCanvas, problems: list[str]
) -> None:
    """The selection drops what is gone before the canvas hears of the other image."""
    selection.select_objects(["o1", "o2"])
    wait_until(lambda: canvas._scene.masks_are_ready)
    before = still.project
    project, pixels = smaller(still)
    info = still.add_image(b"a smaller image", pixels, name="small.png")
    still.commit("Another image", dataclasses.replace(project, image=info))
    assert selection.object_ids == ("o1",)
    wait_until(lambda: canvas._scene.masks_are_ready)
    still.undo()
    assert still.project == before
    wait_until(lambda: canvas._scene.masks_are_ready)
    assert not problems

"""Which object of the image lies under a point, and its outline."""

from __future__ import annotations

from sounddesk.app.workers.mask_change import MaskChange
from sounddesk.app.workers.mask_change import mask_change
from sounddesk.domain.mask import Box
from sounddesk.domain.project import Project
from sounddesk.domain.scene import SceneObject
from sounddesk.domain.tiled_mask import TiledMask

# Of 255: what counts as a pixel of the mask.
_HALF = 128


def objects_at(project: Project, x: float, y: float) -> list[SceneObject]:
    """The visible objects whose masks hold the pixel, the smallest first: a wheel can be reached that lies on a cart.

    Blends and ambiences are left out: they are what the objects make of the image.
    """
    image = project.image
    if image is None or not (0 <= x < image.width and 0 <= y < image.height):
        return []
    pixel = Box(left=int(x), top=int(y), right=int(x) + 1, bottom=int(y) + 1)
    # Of equal ones the upper one first.
    found = [
        each
        for each in reversed(project.objects)
        if each.kind == "object" and each.visible and each.mask.region(pixel)[0, 0] >= _HALF
    ]
    return sorted(found, key=_extent)


def object_to_select(
    project: Project, x: float, y: float, *, current: str | None, keep_current: bool = False
) -> SceneObject | None:
    """The object that a click selects: the next one under it where the current one is among them; None for none.

    `keep_current`: none either where the current one is among them, as a click there is about it.
    """
    found = objects_at(project, x, y)
    ids = [each.id for each in found]
    if not found or (keep_current and current in ids):
        return None
    return found[(ids.index(current) + 1) % len(found)] if current in ids else found[0]


class LastOutline:
    """The outline of the object that was asked for last, which is asked for at every move of the mouse over it."""

    def __init__(self) -> None:
        self._kept: tuple[TiledMask, MaskChange | None] | None = None

    def of(self, each: SceneObject) -> MaskChange | None:
        """As a mask that comes into the image; None for an empty one."""
        if self._kept is None or self._kept[0] is not each.mask:
            self._kept = (each.mask, mask_change(None, each.mask.to_bool()))
        return self._kept[1]


def _extent(each: SceneObject) -> int:
    box = each.mask.bounding_box
    return 0 if box is None else box.width * box.height

"""Which object of the image lies under a point."""

from __future__ import annotations

from sounddesk.domain.mask import Box
from sounddesk.domain.project import Project
from sounddesk.domain.scene import SceneObject

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


def _extent(each: SceneObject) -> int:
    box = each.mask.bounding_box
    return 0 if box is None else box.width * box.height

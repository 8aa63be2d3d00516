"""All visible masks as one coloured picture over the image, kept up to date tile by tile."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Final

import numpy as np
from PySide6.QtGui import QColor
from PySide6.QtGui import QImage

from sounddesk.domain.mask import Box
from sounddesk.domain.project import Project
from sounddesk.domain.scene import SceneObject
from sounddesk.domain.tiled_mask import TILE
from sounddesk.domain.tiled_mask import tile_columns

_PLAIN, _SELECTED = 80, 125
# How much darker the picture is around what is edited, in shares of 255.
_DIM: Final = 90


class MaskOverlay:
    """ARGB32_Premultiplied at image size, with half, quarter and eighth sizes for when the view is zoomed out.

    A change marks tiles; `refresh` redraws marked ones within a time budget, those in sight first, so that opening a
    project with many masks never holds the window up.
    """

    LEVELS: Final = 4

    def __init__(self, width: int, height: int) -> None:
        self._size = (width, height)
        self._pixels = [
            np.zeros((-(-height // 2**level), -(-width // 2**level), 4), dtype=np.uint8) for level in range(self.LEVELS)
        ]
        self._images = [
            QImage(p.data, p.shape[1], p.shape[0], 4 * p.shape[1], QImage.Format.Format_ARGB32_Premultiplied)
            for p in self._pixels
        ]
        self._dirty: set[int] = set()
        self._objects: tuple[SceneObject, ...] = ()
        self._selected: frozenset[str] = frozenset()
        self._opacity = 1.0
        self._dims_rest = False

    def set_opacity(self, opacity: float) -> None:
        """How much the masks cover, from 0 for their outlines alone to 1; marks all of them."""
        if opacity != self._opacity:
            self._opacity = opacity
            for each in self._objects:
                if each.visible:
                    self._mark_covered(each)
            if self._dims_rest:
                self._mark_all()

    def show(self, project: Project, selected: Iterable[str], *, dims_rest: bool = False) -> None:
        """Take over the project's objects and the selection; marks what looks different now.

        `dims_rest`: darken the picture around the selected objects, where they have masks.
        """
        selected = frozenset(selected)
        dims_rest = dims_rest and any(
            each.id in selected and each.visible and any(tile != b"\x00" for tile in each.mask.tiles)
            for each in project.objects
        )
        if dims_rest != self._dims_rest:
            self._dims_rest = dims_rest
            self._mark_all()
        old = {each.id: each for each in self._objects}
        new = {each.id: each for each in project.objects}
        order_changed = [o for o in old if o in new] != [o for o in new if o in old]
        for object_id in {*old, *new}:
            before, after = old.get(object_id), new.get(object_id)
            looks_same = (
                before is not None
                and after is not None
                and before.colour == after.colour
                and before.visible == after.visible
                and (object_id in self._selected) == (object_id in selected)
            )
            if looks_same and not order_changed:
                assert before is not None
                assert after is not None
                if before.visible and before.mask is not after.mask:
                    box = before.mask.changed_box(after.mask)
                    if box is not None:
                        self._mark(box)
                continue
            for each in (before, after):
                if each is not None and each.visible:
                    self._mark_covered(each)
        self._objects = tuple(project.objects)
        self._selected = selected

    @property
    def is_clean(self) -> bool:
        return not self._dirty

    def refresh(self, *, budget_s: float, in_sight: Box | None = None) -> list[Box]:
        """Redraw marked tiles for at most about `budget_s`; the image boxes that were redrawn."""
        deadline_s = time.perf_counter() + budget_s
        done = []
        for index in sorted(self._dirty, key=lambda index: not self._touches(index, in_sight)):
            done.append(self._draw(index))
            self._dirty.discard(index)
            if time.perf_counter() > deadline_s:
                break
        return done

    def level_for(self, device_scale: float) -> QImage:
        """The picture for a zoom of `device_scale` device pixels per image pixel."""
        level = 0
        while level + 1 < self.LEVELS and device_scale * 2 ** (level + 1) <= 1.0:
            level += 1
        return self._images[level]

    def _touches(self, index: int, box: Box | None) -> bool:
        if box is None:
            return False
        row, column = divmod(index, tile_columns(self._size[0]))
        x, y = column * TILE, row * TILE
        return x < box.right and x + TILE > box.left and y < box.bottom and y + TILE > box.top

    def _mark(self, box: Box) -> None:
        columns = tile_columns(self._size[0])
        for row in range(box.top // TILE, (box.bottom - 1) // TILE + 1):
            for column in range(box.left // TILE, (box.right - 1) // TILE + 1):
                self._dirty.add(row * columns + column)

    def _mark_all(self) -> None:
        width, height = self._size
        self._mark(Box(left=0, top=0, right=width, bottom=height))

    def _mark_covered(self, each: SceneObject) -> None:
        self._dirty.update(index for index, tile in enumerate(each.mask.tiles) if tile != b"\x00")

    def _draw(self, index: int) -> Box:
        width, height = self._size
        row, column = divmod(index, tile_columns(width))
        x, y = column * TILE, row * TILE
        box = Box(left=x, top=y, right=min(x + TILE, width), bottom=min(y + TILE, height))
        out = np.zeros((box.height, box.width, 4), dtype=np.uint16)
        if self._dims_rest:
            out[..., 3] = self._dimming(index, box)
        for each in self._objects:
            if each.visible and each.mask.tiles[index] != b"\x00":
                self._blend(out, each, box)
        for level, pixels in enumerate(self._pixels):
            step = 2**level
            part = out[::step, ::step].astype(np.uint8)
            top, left = y // step, x // step
            pixels[top : top + part.shape[0], left : left + part.shape[1]] = part
        return box

    def _dimming(self, index: int, box: Box) -> np.ndarray:
        """How opaque the darkness around the selected objects is, uint16[H, W]."""
        rest = np.full((box.height, box.width), round(_DIM * self._opacity), dtype=np.uint16)
        for each in self._objects:
            if each.id in self._selected and each.visible and each.mask.tiles[index] != b"\x00":
                rest = rest * (255 - each.mask.region(box).astype(np.uint16)) // 255
        return rest

    def _blend(self, out: np.ndarray, each: SceneObject, box: Box) -> None:
        coverage = each.mask.region(box)
        selected = each.id in self._selected
        strength = round((_SELECTED if selected else _PLAIN) * self._opacity)
        alpha = coverage.astype(np.uint16) * strength // 255
        inside = coverage >= 128
        edge = inside & ~_eroded(inside, 2 if selected else 1)
        alpha[edge] = 255 if selected else 200
        colour = QColor(each.colour)
        rest = 255 - alpha
        for channel, value in enumerate((colour.blue(), colour.green(), colour.red(), 255)):
            out[..., channel] = (value * alpha + out[..., channel] * rest) // 255


def _eroded(inside: np.ndarray, times: int) -> np.ndarray:
    """Without its rim; the border of the tile does not count as a rim."""
    out = inside
    for _ in range(times):
        shrunk = out.copy()
        shrunk[1:] &= out[:-1]
        shrunk[:-1] &= out[1:]
        shrunk[:, 1:] &= out[:, :-1]
        shrunk[:, :-1] &= out[:, 1:]
        out = shrunk
    return out

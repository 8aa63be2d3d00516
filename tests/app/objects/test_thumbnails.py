from __future__ import annotations

from PySide6.QtGui import QColor

from sounddesk.app.objects.thumbnails import Thumbnails
from sounddesk.app.objects.thumbnails import cut_out
from sounddesk.app.project.document import Document
from sounddesk.domain.tiled_mask import TiledMask
from tests.app.conftest import wait_until


def test_the_object_is_bright_and_what_is_around_it_is_dim(still: Document) -> None:
    left = still.project.objects[0]
    assert still.image is not None
    picture = cut_out(still.image, left.mask, side=40)
    assert (picture.width(), picture.height()) == (40, 40)
    assert picture.pixelColor(20, 20).getRgb()[:3] == (200, 60, 40)
    assert picture.pixelColor(0, 0).lightness() < 40
    assert cut_out(still.image, TiledMask.empty(width=96, height=64), side=40).isNull()


def test_a_row_has_its_colour_at_once_and_its_cut_out_soon(still: Document) -> None:
    thumbnails = Thumbnails()
    ready: list[str] = []
    thumbnails.ready.connect(ready.append)
    left, right = still.project.objects
    first = thumbnails.icon_of(left, still.image).pixmap(200, 200).toImage()
    assert first.pixelColor(2, 20) == QColor(left.colour)
    wait_until(lambda: ready == [left.id])
    made = thumbnails.icon_of(left, still.image).pixmap(200, 200).toImage()
    assert made != first
    # Another mask is another cut-out; until it is there the old one is shown.
    thumbnails.icon_of(right.__class__(id=left.id, name="x", mask=right.mask, seed=0), still.image)
    wait_until(lambda: ready == [left.id, left.id])
    thumbnails.close()

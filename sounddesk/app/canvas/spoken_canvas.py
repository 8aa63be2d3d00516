"""The canvas in words, for a screen reader: the objects of the image as its children."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication
from PySide6.QtCore import QPointF
from PySide6.QtCore import QRectF
from PySide6.QtGui import QAccessible

from sounddesk.app.canvas.image_canvas import ImageCanvas
from sounddesk.app.look.accessible_parts import AccessiblePart
from sounddesk.app.look.accessible_parts import AccessibleParts
from sounddesk.domain.scene import SceneObject


class SpokenCanvas(AccessibleParts):
    """Objects in the order of their list, each where its mask is."""

    def __init__(self, canvas: ImageCanvas) -> None:
        super().__init__(canvas, QAccessible.Role.List)
        self._canvas = canvas
        canvas.selection.objects_changed.connect(self.tell_selection)

    def parts(self) -> list[AccessiblePart]:
        """Objects, with what a look at their mask would tell."""
        selected = self._canvas.selection.object_ids
        return [
            AccessiblePart(
                key=each.id,
                name=each.name,
                description=self._described(each),
                rect=self._where(each).toAlignedRect(),
                selected=each.id in selected,
            )
            for each in self._canvas.document.project.objects
        ]

    def _where(self, each: SceneObject) -> QRectF:
        box = each.mask.bounding_box
        if box is None:
            return QRectF()
        to_widget = self._canvas.viewport.to_widget
        return QRectF(QPointF(*to_widget(box.left, box.top)), QPointF(*to_widget(box.right, box.bottom)))

    @staticmethod
    def _described(each: SceneObject) -> str:
        box = each.mask.bounding_box
        words = [_tr("hidden")] if not each.visible else []
        words += [_tr("locked")] if each.locked else []
        if box is None:
            return ", ".join([*words, _tr("without a mask")])
        across = 100 * (box.left + box.right) / 2 / each.mask.width
        down = 100 * (box.top + box.bottom) / 2 / each.mask.height
        place = _tr("{across:.0f} % from the left, {down:.0f} % from the top").format(across=across, down=down)
        return ", ".join([*words, place])


def _tr(text: str) -> str:
    return str(QCoreApplication.translate("canvas", text))

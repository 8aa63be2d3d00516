from __future__ import annotations

from sounddesk.app.canvas.overlay import MaskOverlay
from sounddesk.app.project.document import Document


def test_masks_can_be_their_outlines_alone(still: Document) -> None:
    overlay = MaskOverlay(96, 64)
    overlay.show(still.project, ())

    def alphas() -> tuple[int, int]:
        """On the rim of the left object's mask, and in its middle."""
        while not overlay.is_clean:
            overlay.refresh(budget_s=1.0)
        picture = overlay.level_for(1.0)
        return picture.pixelColor(8, 30).alpha(), picture.pixelColor(24, 32).alpha()

    rim, inside = alphas()
    assert rim > inside > 0
    overlay.set_opacity(0.5)
    assert alphas() == (rim, inside // 2)
    overlay.set_opacity(0.0)
    assert alphas() == (rim, 0)

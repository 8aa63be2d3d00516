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


def test_the_picture_is_darker_around_what_is_edited(still: Document) -> None:
    overlay = MaskOverlay(96, 64)

    def alphas() -> tuple[int, int, int]:
        """In the middle of the left object, in that of the right one, and beside both."""
        while not overlay.is_clean:
            overlay.refresh(budget_s=1.0)
        picture = overlay.level_for(1.0)
        return tuple(picture.pixelColor(x, y).alpha() for x, y in ((24, 32), (72, 32), (1, 1)))

    overlay.show(still.project, ["o1"])
    plain = alphas()
    assert plain[2] == 0
    overlay.show(still.project, ["o1"], dims_rest=True)
    left, right, beside = alphas()
    assert (left, beside) == (plain[0], 90) and right > plain[1]
    overlay.show(still.project, ["o2"], dims_rest=True)
    assert alphas()[1] == plain[0]
    # Where nothing is selected, nothing is edited.
    overlay.show(still.project, (), dims_rest=True)
    assert alphas()[2] == 0
    overlay.show(still.project, ["o1"], dims_rest=True)
    overlay.set_opacity(0.0)
    assert alphas() == (0, 0, 0)

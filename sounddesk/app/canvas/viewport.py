"""Where the image lies in the widget: zoom, pan and the way from one to the other. Free of widgets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MIN_SCALE: Final = 0.01
MAX_SCALE: Final = 64.0


@dataclass(frozen=True, kw_only=True)
class Viewport:
    """Image pixel (x, y) is at widget position (left + x * scale, top + y * scale), in logical pixels."""

    scale: float = 1.0
    left: float = 0.0
    top: float = 0.0

    def to_image(self, x: float, y: float) -> tuple[float, float]:
        return (x - self.left) / self.scale, (y - self.top) / self.scale

    def to_widget(self, x: float, y: float) -> tuple[float, float]:
        return self.left + x * self.scale, self.top + y * self.scale

    def zoomed(self, factor: float, *, at_x: float, at_y: float) -> Viewport:
        """Zoomed so that the image point under (at_x, at_y) of the widget stays there."""
        scale = min(MAX_SCALE, max(MIN_SCALE, self.scale * factor))
        x, y = self.to_image(at_x, at_y)
        return Viewport(scale=scale, left=at_x - x * scale, top=at_y - y * scale)

    def moved(self, dx: float, dy: float) -> Viewport:
        return Viewport(scale=self.scale, left=self.left + dx, top=self.top + dy)


def fitted(*, image: tuple[int, int], widget: tuple[int, int], margin: float = 12.0, below: float = 0.0) -> Viewport:
    """The whole image in the middle of the widget; both as (width, height). Never enlarged beyond 8 times.

    `below`: room that is kept free at the lower edge.
    """
    height = widget[1] - below
    room_x, room_y = max(1.0, widget[0] - 2 * margin), max(1.0, height - 2 * margin)
    scale = max(MIN_SCALE, min(room_x / image[0], room_y / image[1], 8.0))
    return Viewport(scale=scale, left=(widget[0] - image[0] * scale) / 2, top=(height - image[1] * scale) / 2)

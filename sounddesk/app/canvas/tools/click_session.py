"""The clicks that belong to one object, and what the segmenter answered to them."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field

from sounddesk.app.workers.segmentation_worker import FoundMask
from sounddesk.domain.mask import BoolMask
from sounddesk.domain.scene import SceneObject
from sounddesk.domain.tiled_mask import TiledMask
from sounddesk.engine.segmenters.protocol import Point
from sounddesk.engine.segmenters.protocol import Prompt


@dataclass(eq=False)
class ClickSession:
    """Clicks gather until the object is another one, or its mask was changed by something else.

    Attributes:
        object_id: the object that they correct; None while the first answer is awaited that makes it.
        base: the mask that the object had before the first click; `hint`: its pixels, for the segmenter.
        mask: the mask that it has by the last answer.
        beside: the object that was selected when the first click was made.
        points, labels: the clicks; True belongs to the object.
        answered: how many of them the mask follows.
        job: what is awaited.
        candidates, index: the answer, and which of it is shown.
    """

    object_id: str | None = None
    base: TiledMask | None = None
    hint: BoolMask | None = None
    mask: TiledMask | None = None
    beside: str | None = None
    points: list[Point] = field(default_factory=list)
    labels: list[bool] = field(default_factory=list)
    answered: int = 0
    job: int | None = None
    candidates: tuple[FoundMask, ...] = ()
    index: int = 0

    @classmethod
    def on(cls, current: SceneObject) -> ClickSession:
        """Corrections of an object: its mask is corrected by the clicks, not replaced."""
        mask = current.mask
        if mask.is_empty:
            return cls(object_id=current.id, mask=mask)
        return cls(object_id=current.id, base=mask, hint=mask.to_bool(), mask=mask)

    def goes_on_with(self, *, positive: bool) -> bool:
        """Whether a click of this kind joins these.

        On a mask that was there before, those that add and those that remove each begin from what there is then.
        """
        return self.hint is None or self.job is not None or not self.labels or self.labels[-1] == positive

    def prompt(self, *more: tuple[Point, bool]) -> Prompt:
        """All clicks, and perhaps some that are not made yet."""
        return Prompt(
            points=(*self.points, *(point for point, _ in more)),
            labels=(*self.labels, *(label for _, label in more)),
            mask_hint=self.hint,
        )

    def add(self, point: Point, *, positive: bool) -> None:
        self.points.append(point)
        self.labels.append(positive)

    def take_back(self) -> int:
        """Without the clicks that were not answered; how many."""
        count = len(self.points) - self.answered
        del self.points[self.answered :]
        del self.labels[self.answered :]
        return count

    @property
    def waiting(self) -> int:
        return 0 if self.job is None else len(self.points) - self.answered

"""A page of the objects that a segmenter gets most wrong, with the clicks drawn in."""

from __future__ import annotations

import heapq
import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from sounddesk.engine.segmenters.protocol import Prompt
from sounddesk.engine.types import BoolMask
from sounddesk.engine.types import RgbImage
from sounddesk.storage.atomic_file import translate_os_errors
from sounddesk.storage.atomic_file import write_file
from sounddesk.storage.html_page import render_template

_TEMPLATE: Final = Path(__file__).with_name("worst_objects.html")
_TITLE: Final = "The objects that are most wrong"
_EXPLANATION: Final = (
    "The mask is tinted, the true outline is drawn in white. Green crosses are clicks on the object, red ones clicks "
    "beside it. The number is the overlap after these clicks."
)
_MOST: Final = 24
_SIDE_PX: Final = 480
# Around the object and its mask, in shares of the longer side of both.
_MARGIN: Final = 0.12
_TINT: Final = (40, 120, 255)
_OUTLINE: Final = (255, 255, 255)
_POSITIVE: Final = (40, 220, 60)
_NEGATIVE: Final = (240, 50, 40)
_JPEG_QUALITY: Final = 85


@dataclass(frozen=True, kw_only=True)
class ShownObject:
    """One object as it stands on the page."""

    overlap: float
    label: str
    photograph: str
    file: str


class WorstObjects:
    """Collects pictures of the worst objects of each segmenter; `most` of each are kept."""

    def __init__(self, *, most: int = _MOST) -> None:
        self._most = most
        # The worst ones as a heap with the best of them on top: (-overlap, order, object, picture).
        self._kept: dict[str, list[tuple[float, int, ShownObject, bytes]]] = {}
        self._order = itertools.count()

    def add(
        self,
        segmenter: str,
        *,
        image: RgbImage,
        truth: BoolMask,
        answer: BoolMask,
        prompt: Prompt,
        overlap: float,
        label: str,
        photograph: str,
    ) -> None:
        """Offer one answer; its picture is drawn only where it is among the worst so far."""
        kept = self._kept.setdefault(segmenter, [])
        if len(kept) == self._most and overlap >= -kept[0][0]:
            return
        order = next(self._order)
        shown = ShownObject(overlap=overlap, label=label, photograph=photograph, file=f"object-{order:04d}.jpg")
        heapq.heappush(kept, (-overlap, order, shown, _jpeg(draw_answer(image, truth, answer, prompt))))
        if len(kept) > self._most:
            heapq.heappop(kept)

    def write(self, folder: Path) -> Path:
        """Write `index.html` and its pictures, the worst first; the page. Raises: OutputError."""
        with translate_os_errors(folder, what="cannot make"):
            folder.mkdir(parents=True, exist_ok=True)
        segmenters = []
        for name, kept in self._kept.items():
            worst = sorted(kept, key=lambda each: (each[2].overlap, each[1]))
            for _, _, shown, picture in worst:
                write_file(folder / shown.file, picture)
            segmenters.append({"name": name, "objects": [each[2] for each in worst]})
        page = folder / "index.html"
        text = render_template(_TEMPLATE, title=_TITLE, explanation=_EXPLANATION, segmenters=segmenters)
        write_file(page, text.encode("utf-8"))
        return page


def draw_answer(image: RgbImage, truth: BoolMask, answer: BoolMask, prompt: Prompt) -> RgbImage:
    """The part of the image around the object and its mask: mask tinted, true outline and clicks drawn in."""
    rows, columns = np.nonzero(truth | answer)
    margin = round(_MARGIN * (1 + max(np.ptp(rows), np.ptp(columns)))) + 4
    top, left = max(0, int(rows.min()) - margin), max(0, int(columns.min()) - margin)
    part = np.s_[top : int(rows.max()) + margin, left : int(columns.max()) + margin]
    drawn = image[part].copy()
    inside = answer[part]
    drawn[inside] = (0.5 * drawn[inside] + 0.5 * np.array(_TINT)).astype(np.uint8)
    scale = _SIDE_PX / max(drawn.shape[:2])
    drawn = np.ascontiguousarray(cv2.resize(drawn, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
    size = (drawn.shape[1], drawn.shape[0])
    outline = cv2.resize(truth[part].astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    contours, _ = cv2.findContours(outline, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(drawn, contours, -1, _OUTLINE, 1)
    for (x, y), label in zip(prompt.points, prompt.labels, strict=True):
        centre = round((x - left) * scale), round((y - top) * scale)
        cv2.drawMarker(drawn, centre, _POSITIVE if label else _NEGATIVE, cv2.MARKER_CROSS, 14, 3)
    return drawn


def _jpeg(picture: RgbImage) -> bytes:
    quality = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
    return cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), quality)[1].tobytes()

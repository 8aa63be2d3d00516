"""GrabCut on a crop around the object, and the pieces it needs: work image, trimaps, connected parts, edges.

Rother, Kolmogorov, Blake, '"GrabCut": interactive foreground extraction using iterated graph cuts', 2004,
as OpenCV runs it: two colour mixtures (object and surroundings) refitted in turn with a minimum cut. Its cost
grows with the pixels, so it is run on small crops whose side follows the size of the object looked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from sounddesk.engine.segmenters.protocol import Point
from sounddesk.engine.types import BoolMask
from sounddesk.engine.types import FloatMask
from sounddesk.engine.types import RgbImage

WORK_SIDE_PX: Final = 512
Trimap = npt.NDArray[np.uint8]
Window = tuple[int, int, int, int]

_MIN_CROP_PX: Final = 8
# How far, on the 0..255 scale, a colour may be from a seed's and still be meant by it; the first that keeps clear
# of the seeds of the other kind is taken.
_FLOOD_TOLERANCES: Final = (32, 16, 8)
# Guided filter: radius in work pixels, and the variance below which an edge of the guide is taken for noise,
# on a scale where object and surroundings differ by 1.
_GUIDE_RADIUS_PX: Final = 3
_GUIDE_NOISE: Final = 0.03


@dataclass(frozen=True, kw_only=True, eq=False)
class WorkImage:
    """The image at the size that segmenting runs at, and what the quality measures read.

    Attributes:
        rgb: sRGB uint8[h, w, 3], the longer side at most `WORK_SIDE_PX`.
        gradient: float32[h, w], length of the Lab gradient per pixel (CIE units), the largest of 3 x 3.
        colour_bin: int32[h, w], index of the Lab colour in a coarse histogram of `N_COLOUR_BINS`.
        scale_x: work pixels per image pixel, horizontally.
        scale_y: the same vertically (they differ by rounding).
    """

    rgb: RgbImage
    gradient: npt.NDArray[np.float32]
    colour_bin: npt.NDArray[np.int32]
    scale_x: float
    scale_y: float

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in work pixels."""
        return self.rgb.shape[0], self.rgb.shape[1]

    @property
    def diagonal(self) -> float:
        return float(np.hypot(*self.size))

    def to_work(self, points: Sequence[Point]) -> tuple[Point, ...]:
        """Image to work coordinates."""
        return tuple((x * self.scale_x, y * self.scale_y) for x, y in points)


_BINS_L: Final = 8
_BINS_AB: Final = 12
N_COLOUR_BINS: Final = _BINS_L * _BINS_AB * _BINS_AB


@dataclass(frozen=True, kw_only=True)
class Seeds:
    """Points in work coordinates that must, and must not, belong to the object."""

    positive: tuple[Point, ...] = ()
    negative: tuple[Point, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Crop:
    """A window of the work image, resized so that its longer side has a given length.

    Attributes:
        rgb: uint8[h, w, 3].
        window: (left, top, right, bottom) in work pixels.
        scale: crop pixels per work pixel.
    """

    rgb: RgbImage
    window: Window
    scale: float

    @property
    def size(self) -> tuple[int, int]:
        return self.rgb.shape[0], self.rgb.shape[1]

    def to_crop(self, point: Point) -> Point:
        return (point[0] - self.window[0]) * self.scale, (point[1] - self.window[1]) * self.scale

    def distance_from(self, point: Point) -> npt.NDArray[np.float32]:
        """Distance of each crop pixel's centre from a point in work coordinates, in work pixels."""
        height, width = self.size
        x, y = self.to_crop(point)
        across = (np.arange(width, dtype=np.float32) + 0.5 - x) ** 2
        down = (np.arange(height, dtype=np.float32) + 0.5 - y) ** 2
        return np.asarray(np.sqrt(down[:, None] + across[None, :]) / self.scale, dtype=np.float32)

    def shrink(self, mask: BoolMask) -> BoolMask:
        """A work-size mask at crop size."""
        left, top, right, bottom = self.window
        height, width = self.size
        part = mask[top:bottom, left:right].astype(np.uint8)
        return np.asarray(cv2.resize(part, (width, height), interpolation=cv2.INTER_NEAREST) > 0)

    def expand(self, mask: BoolMask, work_size: tuple[int, int]) -> BoolMask:
        """A crop-size mask at work size."""
        left, top, right, bottom = self.window
        how = cv2.INTER_AREA if self.scale > 1 else cv2.INTER_LINEAR
        full = np.zeros(work_size, bool)
        part = cv2.resize(mask.astype(np.float32), (right - left, bottom - top), interpolation=how)
        full[top:bottom, left:right] = part > 0.5
        return full


def make_work_image(image: RgbImage) -> WorkImage:
    """Resize and measure an sRGB uint8[H, W, 3] image, once for all its prompts."""
    height, width = image.shape[:2]
    scale = min(1.0, WORK_SIDE_PX / max(height, width))
    work_width, work_height = max(1, round(width * scale)), max(1, round(height * scale))
    rgb = np.asarray(cv2.resize(image, (work_width, work_height), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    lab = np.asarray(cv2.cvtColor(rgb.astype(np.float32) / 255.0, cv2.COLOR_RGB2LAB))
    smooth = cv2.GaussianBlur(lab, (0, 0), 0.8)
    across = cv2.Sobel(smooth, cv2.CV_32F, 1, 0) / 8.0
    down = cv2.Sobel(smooth, cv2.CV_32F, 0, 1) / 8.0
    gradient = np.sqrt((across**2).sum(axis=2) + (down**2).sum(axis=2))
    light = np.clip(lab[..., 0] * (_BINS_L / 100.0), 0, _BINS_L - 1).astype(np.int32)
    chroma = np.clip((lab[..., 1:] + 100.0) * (_BINS_AB / 200.0), 0, _BINS_AB - 1).astype(np.int32)
    return WorkImage(
        rgb=rgb,
        gradient=np.asarray(cv2.dilate(gradient, np.ones((3, 3), np.uint8)), dtype=np.float32),
        colour_bin=np.asarray((light * _BINS_AB + chroma[..., 0]) * _BINS_AB + chroma[..., 1], dtype=np.int32),
        scale_x=work_width / width,
        scale_y=work_height / height,
    )


def window_around(box: tuple[float, float, float, float], *, margin: float, work: WorkImage) -> Window:
    """A box in work coordinates, grown by `margin` on each side and kept inside the image."""
    height, width = work.size
    left, top = max(0, int(box[0] - margin)), max(0, int(box[1] - margin))
    right, bottom = min(width, int(np.ceil(box[2] + margin)) + 1), min(height, int(np.ceil(box[3] + margin)) + 1)
    return left, top, max(right, left + 1), max(bottom, top + 1)


def bounds_of(mask: BoolMask) -> Window:
    """(left, top, right, bottom) of a mask that is not empty; right and bottom exclusive."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def make_crop(work: WorkImage, window: Window, *, side_px: int, enlarge: bool = True) -> Crop:
    """The window with its longer side `side_px` long; left smaller where `enlarge` is off and it is."""
    left, top, right, bottom = window
    part = work.rgb[top:bottom, left:right]
    scale = side_px / max(part.shape[:2])
    if not enlarge:
        scale = min(1.0, scale)
    size = tuple(max(_MIN_CROP_PX, round(extent * scale)) for extent in (part.shape[1], part.shape[0]))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return Crop(rgb=np.asarray(cv2.resize(part, size, interpolation=how)), window=window, scale=scale)


def plant(trimap: Trimap, crop: Crop, seeds: Seeds, *, radius_px: float) -> None:
    """Mark seeds in the trimap as certain, as discs of `radius_px` crop pixels; negative ones win where both fall."""
    height, width = trimap.shape
    for points, label in ((seeds.positive, cv2.GC_FGD), (seeds.negative, cv2.GC_BGD)):
        for point in points:
            x, y = crop.to_crop(point)
            if -radius_px <= x < width + radius_px and -radius_px <= y < height + radius_px:
                centre = min(max(int(x), 0), width - 1), min(max(int(y), 0), height - 1)
                cv2.circle(trimap, centre, int(radius_px), int(label), thickness=-1)


def claim(trimap: Trimap, crop: Crop, seeds: Seeds, *, radius: float) -> None:
    """Mark what a seed probably speaks for: a disc, and all that is connected to it in nearly the same colour.

    A seed alone moves the cut by a few pixels; a user who clicks a second time means the whole part.

    Args:
        trimap: changed in place to probable labels.
        crop: what it belongs to.
        seeds: in work coordinates.
        radius: of the disc in work pixels, at most half the way to the nearest seed of the other kind.
    """
    smooth = cv2.GaussianBlur(crop.rgb, (0, 0), 1.0)
    height, width = crop.size
    clicks = ((seeds.positive, seeds.negative, cv2.GC_PR_FGD), (seeds.negative, seeds.positive, cv2.GC_PR_BGD))
    for points, opposite, label in clicks:
        for point in points:
            room = min((float(np.hypot(point[0] - x, point[1] - y)) / 2 for x, y in opposite), default=radius)
            trimap[crop.distance_from(point) < min(radius, room)] = label
            x, y = crop.to_crop(point)
            if not (0 <= x < width and 0 <= y < height):
                continue
            others = [(int(u), int(v)) for u, v in map(crop.to_crop, opposite) if 0 <= u < width and 0 <= v < height]
            for tolerance in _FLOOD_TOLERANCES:
                flooded = np.zeros((height + 2, width + 2), np.uint8)
                flags = 4 | cv2.FLOODFILL_MASK_ONLY | cv2.FLOODFILL_FIXED_RANGE | (1 << 8)
                cv2.floodFill(smooth, flooded, (int(x), int(y)), 0, (tolerance,) * 3, (tolerance,) * 3, flags)
                area = flooded[1:-1, 1:-1] > 0
                if not any(area[v, u] for u, v in others):
                    trimap[area] = label
                    break


def run_grabcut(crop: Crop, trimap: Trimap, *, iterations: int) -> BoolMask:
    """GrabCut from a trimap of OpenCV's four labels; the same input gives the same mask.

    Returns:
        bool at crop size; the trimap's own guess where it has only one side, which has no cut.
    """
    guess = (trimap == cv2.GC_FGD) | (trimap == cv2.GC_PR_FGD)
    if guess.all() or not guess.any():
        return guess
    # The mixtures start from k-means with OpenCV's per-thread random numbers.
    cv2.setRNGSeed(0)
    labels = trimap.copy()
    background, foreground = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(crop.rgb, labels, (0, 0, 0, 0), background, foreground, iterations, cv2.GC_INIT_WITH_MASK)
    return np.asarray((labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD))


def keep_parts(mask: BoolMask, points: Sequence[Point], *, least_share: float) -> BoolMask:
    """The connected parts under the points; without points, those of at least `least_share` of the largest."""
    if points:
        # Flooding visits no other part.
        height, width = mask.shape
        marked = mask.astype(np.uint8)
        for x, y in points:
            column, row = min(max(int(x), 0), width - 1), min(max(int(y), 0), height - 1)
            if marked[row, column] == 1:
                cv2.floodFill(marked, None, (column, row), 2)
        return np.asarray(marked == 2)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    if count <= 1:
        return mask
    areas = stats[1:, cv2.CC_STAT_AREA]
    wanted = np.flatnonzero(areas >= least_share * areas.max()) + 1
    return np.asarray(np.isin(labels, wanted))


def fill_holes(mask: BoolMask, *, except_at: Sequence[Point] = ()) -> BoolMask:
    """Fill what the mask encloses, apart from holes with a point (a negative click) in them."""
    padded = np.pad(~mask, 1, constant_values=True).astype(np.uint8)
    _, labels = cv2.connectedComponents(padded, connectivity=8)
    open_labels = {int(labels[0, 0])}
    height, width = mask.shape
    for x, y in except_at:
        column, row = int(x), int(y)
        if 0 <= column < width and 0 <= row < height and not mask[row, column]:
            open_labels.add(int(labels[row + 1, column + 1]))
    return np.asarray(mask | ~np.isin(labels[1:-1, 1:-1], list(open_labels)))


def full_size_probability(image: RgbImage, work: WorkImage, mask: BoolMask) -> FloatMask:
    """A work-size mask at image size, its edge drawn to the image's own: float32[H, W] in 0..1.

    He, Sun, Tang, 'Guided image filtering', 2010, in its fast form (He, Sun, 2015): the linear model of each
    neighbourhood is fitted at work size and applied at full size. The guide is the colour direction in
    which object and surroundings differ most near the edge.
    """
    height, width = image.shape[:2]
    left, top, right, bottom = window_around(bounds_of(mask), margin=4 * _GUIDE_RADIUS_PX, work=work)
    inside = mask[top:bottom, left:right]
    rgb = work.rgb[top:bottom, left:right].astype(np.float32) / 255.0
    direction = _contrast_direction(rgb, inside)
    guide, share = rgb @ direction, inside.astype(np.float32)

    def mean(values: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        side = 2 * _GUIDE_RADIUS_PX + 1
        return np.asarray(cv2.blur(values, (side, side), borderType=cv2.BORDER_REPLICATE), dtype=np.float32)

    guide_mean, share_mean = mean(guide), mean(share)
    slope = (mean(guide * share) - guide_mean * share_mean) / (mean(guide * guide) - guide_mean**2 + _GUIDE_NOISE)
    offset = share_mean - slope * guide_mean
    model = np.dstack([mean(slope), mean(offset)])

    x0, x1 = int(left / work.scale_x), min(width, int(np.ceil(right / work.scale_x)))
    y0, y1 = int(top / work.scale_y), min(height, int(np.ceil(bottom / work.scale_y)))
    # Pixel centres of the full-size window, in the window's own work coordinates.
    to_window = np.array(
        [
            [work.scale_x, 0.0, (x0 + 0.5) * work.scale_x - 0.5 - left],
            [0.0, work.scale_y, (y0 + 0.5) * work.scale_y - 0.5 - top],
        ]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    fine = cv2.warpAffine(model, to_window, (x1 - x0, y1 - y0), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    fine_guide = cv2.transform(image[y0:y1, x0:x1].astype(np.float32), direction[None] / 255.0)
    probability = np.zeros((height, width), np.float32)
    probability[y0:y1, x0:x1] = np.clip(fine[..., 0] * fine_guide + fine[..., 1], 0.0, 1.0)
    return probability


def _contrast_direction(rgb: npt.NDArray[np.float32], inside: BoolMask) -> npt.NDArray[np.float32]:
    """float32[3] that maps the mean colours on either side of the edge to values 1 apart."""
    band = np.ones((4 * _GUIDE_RADIUS_PX + 1,) * 2, np.uint8)
    bits = inside.astype(np.uint8)
    inner, outer = inside & (cv2.erode(bits, band) == 0), ~inside & (cv2.dilate(bits, band) > 0)
    if not inner.any() or not outer.any():
        return np.full(3, 1 / 3, np.float32)
    difference = rgb[inner].mean(axis=0) - rgb[outer].mean(axis=0)
    # A difference under 2 % of the range is noise and would be blown up.
    return np.asarray(difference / max(float(difference @ difference), 4e-4), dtype=np.float32)

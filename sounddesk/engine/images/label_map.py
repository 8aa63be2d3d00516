"""Pictures of masks that hold several objects: each id, palette entry or colour is one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from sounddesk.domain.mask import BoolMask

_MOST_IDS: Final = 4096
_LARGEST_ID: Final = 1 << 24
# A value belongs to an id, not to a soft edge, where at least half of its pixels lie among their like.
_INNER_SHARE: Final = 0.5
# Soft edges between ids are thin; colours that fill areas are no mattes, so there they may be wider.
_EDGE_SHARE: Final = 0.05
_EDGE_SHARE_OF_COLOURS: Final = 0.25
# A matte's grey that fills areas is lighter than this; ids are small numbers.
_LARGEST_ID_BESIDE_WHITE: Final = 64
_VOID: Final = 255


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelMap:
    """Which pixel belongs to which object.

    Attributes:
        values: int32[H, W]; 0 is no object.
        names: of each value but 0 that occurs, in ascending order: '3', or '#80ff00' of a picture in colours.
        void: whether 255, which marks 'ignore' in maps of few ids, was left out.
    """

    values: npt.NDArray[np.int32]
    names: Mapping[int, str]
    void: bool = False

    def mask(self, value: int) -> BoolMask:
        """bool[H, W] of one object."""
        found: BoolMask = self.values == value
        return found

    def value_of(self, name: str) -> int | None:
        """The value of a name, as `names` spells it."""
        return next((value for value, each in self.names.items() if each == name.strip().lower()), None)


def label_map_of(image: Image.Image) -> LabelMap | None:
    """The objects of a picture that holds at least two; None for a matte, hard or soft, of one.

    A matte is told from a map by how its values lie: ids fill areas, soft edges do not.
    """
    if "transparency" in image.info or image.mode in ("LA", "La", "PA", "RGBa", "CMYK", "LAB", "1", "F"):
        return None
    if image.mode == "RGBA":
        if image.getchannel("A").getextrema()[0] != _VOID:
            return None
        image = image.convert("RGB")
    if image.mode == "P":
        return _of_palette(image)
    values = np.asarray(image)
    if values.ndim == 3:
        if (values[..., 0] == values[..., 1]).all() and (values[..., 0] == values[..., 2]).all():
            return _of_numbers(values[..., 0])
        packed = values.astype(np.int32)
        return _of_values(packed[..., 0] << 16 | packed[..., 1] << 8 | packed[..., 2], is_colour=True)
    return _of_numbers(values)


def _of_palette(image: Image.Image) -> LabelMap | None:
    colours = np.zeros((256, 3), dtype=np.uint8)
    entries = np.asarray(image.getpalette("RGB") or [], dtype=np.uint8).reshape(-1, 3)
    colours[: len(entries)] = entries
    indices = np.asarray(image)
    used = np.flatnonzero(np.bincount(indices.reshape(-1), minlength=256))
    if (colours[used] == colours[used][:, :1]).all():
        return _of_numbers(colours[indices][..., 0])
    values = indices.astype(np.int32)
    if colours[0].any():
        # Where the first entry is no black, the background is whichever is.
        black = [int(each) for each in used if not colours[each].any()]
        values = np.where(values == black[0], 0, values + 1).astype(np.int32) if len(black) == 1 else values + 1
    return _of_values(values, is_colour=False)


def _of_numbers(values: npt.NDArray[Any]) -> LabelMap | None:
    """Of grey levels; white among values that are no small numbers means a matte."""
    if int(values.min()) < 0 or int(values.max()) >= _LARGEST_ID:
        return None
    found = _of_values(values.astype(np.int32), is_colour=False)
    if found is None:
        return None
    white = 65535 if values.dtype.itemsize > 1 and int(values.max()) > _VOID else _VOID
    if int(values.max()) == white and min(found.names) >= _LARGEST_ID_BESIDE_WHITE:
        return None
    return found


def _of_values(values: npt.NDArray[np.int32], *, is_colour: bool) -> LabelMap | None:
    counts = np.bincount(values.reshape(-1))
    counts[0] = 0
    present = np.flatnonzero(counts)
    if not len(present) >= 2:
        return None
    inner = np.bincount(values[_among_their_like(values)], minlength=len(counts))
    solid = present[inner[present] >= _INNER_SHARE * counts[present]]
    between = present[inner[present] < _INNER_SHARE * counts[present]]
    edges = _EDGE_SHARE_OF_COLOURS if is_colour else _EDGE_SHARE
    if len(solid) < 2 or len(solid) > _MOST_IDS or counts[between].sum() > edges * counts.sum():
        return None
    # A few thin objects are objects; many values between the ids are soft edges.
    if len(between) <= len(solid):
        solid, between = present, between[:0]
    if len(between):
        values = _nearest(values, np.concatenate([[0], solid]).astype(np.int32), between, is_colour=is_colour)
    void = not is_colour and _VOID in solid and len(solid) > 2
    if void:
        solid = solid[solid != _VOID]
        values = np.where(values == _VOID, 0, values).astype(np.int32)
    names = {int(each): f"#{int(each):06x}" if is_colour else str(int(each)) for each in solid}
    return LabelMap(values=values, names=names, void=bool(void))


def _among_their_like(values: npt.NDArray[np.int32]) -> BoolMask:
    """Pixels whose neighbours above, below, left and right, as far as there are any, hold the same."""
    same: BoolMask = np.ones(values.shape, dtype=np.bool_)
    down, across = values[1:] == values[:-1], values[:, 1:] == values[:, :-1]
    same[1:] &= down
    same[:-1] &= down
    same[:, 1:] &= across
    same[:, :-1] &= across
    return same


def _nearest(
    values: npt.NDArray[np.int32], ids: npt.NDArray[np.int32], between: npt.NDArray[Any], *, is_colour: bool
) -> npt.NDArray[np.int32]:
    """Values of soft edges become the id, or the background, that they are nearest to."""

    def parts(codes: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        if not is_colour:
            return codes.astype(np.int64)[:, None]
        return np.stack([codes >> 16, codes >> 8 & 255, codes & 255], axis=1).astype(np.int64)

    table = np.arange(int(values.max()) + 1, dtype=np.int32)
    known = parts(ids)
    for code in between:
        distance = ((parts(np.array([code])) - known) ** 2).sum(axis=1)
        table[code] = ids[int(distance.argmin())]
    return table[values]

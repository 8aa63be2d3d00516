"""Pictures of masks to arrays: `bool[H, W]` selections, soft coverage, and saved coverage value for value."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from sounddesk.engine.images.label_map import LabelMap
from sounddesk.engine.images.label_map import label_map_of
from sounddesk.engine.images.picture_decoding import DecodedPicture
from sounddesk.engine.images.picture_decoding import ImageFileError
from sounddesk.engine.images.picture_decoding import decode_picture
from sounddesk.engine.images.picture_decoding import read_picture_bytes
from sounddesk.engine.images.pixel_conversion import split_alpha
from sounddesk.engine.images.upright import turned
from sounddesk.engine.images.upright import turns_sideways
from sounddesk.engine.types import BoolMask
from sounddesk.engine.types import FloatMask

# A grey mask whose brightest pixel is darker than this holds noise, not a selection.
_FAINTEST_MASK_LEVEL: Final = 16
_MOST_NAMED: Final = 12


class EmptyMaskError(ImageFileError):
    """A mask file that selects nothing."""


class SeveralMasksError(ImageFileError):
    """A mask file that holds several objects where one is meant."""


def load_mask(
    path: str | os.PathLike[str],
    *,
    image_size: tuple[int, int],
    part: str | None = None,
    orientation: int = 1,
    notes: list[str] | None = None,
) -> BoolMask:
    """Read which pixels belong to an object.

    A file with transparency selects where it is at least half opaque; any other file selects where it is
    at least half as bright as its brightest pixel (brightest channel), so that masks written as 0 and 255,
    0 and 1, or in one label colour all mean what their maker meant. Of a label map one id is selected.

    Args:
        path: a grey, alpha, palette or binary picture file, PNG by habit.
        image_size: (width, height) of the image that the mask is for, in pixels. A mask of another size
            and the same aspect ratio (to one mask pixel) is resized.
        part: which id of a label map, e.g. '3', or '#80ff00' of one in colours.
        orientation: how the image was turned upright (see `LoadedImage`); a mask that was drawn on it unturned is
            turned likewise.
        notes: takes what was done, one sentence each.

    Returns:
        bool[H, W] at image size.

    Raises:
        EmptyMaskError: it selects nothing.
        SeveralMasksError: a label map, and `part` names none of its ids.
        ImageFileError: as `load_image`, and for another aspect ratio.
    """
    told = [] if notes is None else notes
    return MaskPicture(path, image_size=image_size, orientation=orientation, notes=told).mask(part)


class MaskPicture:
    """A picture of masks, decoded once; `labels` are its ids where it is a label map.

    Args and errors as `load_mask`.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, image_size: tuple[int, int], orientation: int, notes: list[str]
    ) -> None:
        self._file = Path(path)
        self._decoded = _decode(self._file)
        self._image_size, self._orientation, self._notes = image_size, orientation, notes
        self.labels: LabelMap | None = label_map_of(self._decoded.image)

    def mask(self, part: str | None = None) -> BoolMask:
        """The object, or one id of a label map, bool[H, W] at image size."""
        name = str(self._file)
        if self.labels is not None:
            value = None if part is None else self.labels.value_of(part)
            if value is None:
                raise SeveralMasksError(several_masks_text(name, list(self.labels.names.values()), part=part))
            coverage = self.labels.mask(value).astype(np.float32)
        elif part is not None:
            raise ImageFileError(f"mask {name!r} holds one object, and none named {part!r}: leave out '#{part}'")
        else:
            # Thresholded before any resize: the half-way line between two hard pixels is where the edge was.
            coverage = (_soft_coverage(self._decoded.image, file=self._file) >= 0.5).astype(np.float32)
        mask = _fitted(
            coverage,
            self._decoded,
            file=self._file,
            image_size=self._image_size,
            orientation=self._orientation,
            notes=self._notes,
        )
        if not mask.any():
            raise EmptyMaskError(f"mask {name!r} is empty: paint the object white on black, or opaque on transparent")
        return mask


def load_coverage(path: str | os.PathLike[str]) -> FloatMask:
    """How much of each pixel belongs to the object, float32[H, W] in 0..1 at the file's own size.

    Transparency where there is any, else brightness in terms of the brightest pixel, whatever the depth.

    Raises:
        SeveralMasksError: it is a label map of several objects.
        ImageFileError: as `load_mask`.
    """
    file = Path(path)
    image = _decode(file).image
    labels = label_map_of(image)
    if labels is not None:
        raise SeveralMasksError(several_masks_text(str(file), list(labels.names.values()), part=None))
    return _soft_coverage(image, file=file)


def load_saved_coverage(path: str | os.PathLike[str]) -> npt.NDArray[np.uint8]:
    """Coverage that sounddesk wrote, uint8[H, W], value for value. Raises: ImageFileError."""
    file = Path(path)
    image = decode_picture(
        read_picture_bytes(file, what="mask"), name=str(file), what="mask", notes=[], min_side_px=1
    ).image
    return np.array(image.convert("L"), dtype=np.uint8)


def several_masks_text(name: str, parts: list[str], *, part: str | None) -> str:
    """What to say where one mask of several must be chosen."""
    shown = ", ".join(parts[:_MOST_NAMED]) + (", ..." if len(parts) > _MOST_NAMED else "")
    wrong = "" if part is None else f", none of them {part!r}"
    return f"mask {name!r} holds {len(parts)} objects ({shown}){wrong}: choose one as FILE#{parts[0]}"


def _decode(file: Path) -> DecodedPicture:
    return decode_picture(read_picture_bytes(file, what="mask"), name=str(file), what="mask", notes=[])


def _fitted(
    coverage: FloatMask,
    decoded: DecodedPicture,
    *,
    file: Path,
    image_size: tuple[int, int],
    orientation: int,
    notes: list[str],
) -> BoolMask:
    """A mask at image size, turned as its picture was where it lies as that does in its file."""
    width, height = image_size
    unturned = orientation != 1 and decoded.orientation == 1
    if not _same_shape(coverage.shape, (height, width)):
        swapped = _same_shape(coverage.shape, (width, height))
        if not (swapped and unturned and turns_sideways(orientation)):
            hint = "give a mask with the image's aspect ratio"
            if swapped:
                hint = "its sides are swapped: was it drawn on the unturned picture?"
            raise ImageFileError(
                f"mask {str(file)!r} is {coverage.shape[1]} x {coverage.shape[0]} px, but the image is "
                f"{width} x {height} px: {hint}"
            )
        coverage = np.ascontiguousarray(turned(coverage, orientation))
        notes.append(f"mask {file.name} was drawn on the unturned picture: turned with it")
    elif unturned and (not turns_sideways(orientation) or width == height):
        notes.append(
            f"the picture is turned by its EXIF tag, and the mask {file.name} has none: if it lies wrong, it was drawn "
            "on the unturned picture"
        )
    if coverage.shape != (height, width):
        how = cv2.INTER_AREA if coverage.shape[1] > width else cv2.INTER_LINEAR
        coverage = np.asarray(cv2.resize(coverage, (width, height), interpolation=how), dtype=np.float32)
    mask: BoolMask = coverage >= 0.5
    return mask


def _same_shape(own: tuple[int, ...], wanted: tuple[int, int]) -> bool:
    """The same aspect ratio, to one pixel of the mask. Both (height, width)."""
    height, width = own[0], own[1]
    across = abs(width - height * wanted[1] / wanted[0])
    down = abs(height - width * wanted[0] / wanted[1])
    return min(across, down) <= 1.0


def _soft_coverage(image: Image.Image, *, file: Path) -> FloatMask:
    """How much of each pixel is selected, float32[H, W] in 0..1."""
    if image.mode.startswith(("I", "F")):
        level = np.nan_to_num(np.asarray(image).astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0).clip(0.0, None)
        faintest = 0.0
    else:
        colour, alpha = split_alpha(image, notes=[])
        if alpha is not None and alpha.getextrema()[0] != 255:
            return np.asarray(alpha, dtype=np.float32) / np.float32(255)
        if colour.mode not in ("L", "RGB"):
            colour = colour.convert("RGB")
        values = np.asarray(colour)
        level = (values if values.ndim == 2 else values.max(axis=2)).astype(np.float32)
        faintest = float(_FAINTEST_MASK_LEVEL)
    brightest = float(level.max())
    if brightest <= 0.0:
        return np.zeros_like(level)
    binary = bool(np.isin(level, (0.0, brightest)).all())
    if brightest < faintest and not binary:
        raise ImageFileError(
            f"mask {str(file)!r} is nearly black (brightest pixel {brightest:g} of 255): paint the object white"
        )
    return np.asarray(level / np.float32(brightest), dtype=np.float32)

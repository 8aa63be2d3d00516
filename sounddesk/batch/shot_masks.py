"""Where each object is in each frame of a shot, worked out only as far as somebody asks."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

from sounddesk.batch.frame_masks import MaskFinder
from sounddesk.batch.frame_masks import blend_and_ambience
from sounddesk.batch.frame_source import hash_frame
from sounddesk.batch.jobs import PlannedObject
from sounddesk.batch.jobs import RenderSettings
from sounddesk.batch.manifest import hash_file
from sounddesk.batch.manifest import hash_of
from sounddesk.batch.options import BatchObject
from sounddesk.batch.options import BatchOptions
from sounddesk.batch.trackers import choose_tracking
from sounddesk.domain.errors import BadInputError
from sounddesk.domain.errors import EngineError
from sounddesk.domain.frame_sequence import Frame
from sounddesk.domain.frame_sequence import mask_files_by_frame
from sounddesk.domain.selection import PROMPTED
from sounddesk.domain.selection import ObjectSpec
from sounddesk.domain.selection import Selection
from sounddesk.domain.selection import split_mask_reference
from sounddesk.domain.tiled_mask import TiledMask
from sounddesk.engine.segmenters.entry import MaskTracking
from sounddesk.engine.segmenters.entry import Tracker
from sounddesk.storage.codec import encode

if TYPE_CHECKING:
    from sounddesk.engine.images.image_file import LoadedImage


class FrameHashes:
    """SHA-256 of the frames' files, each read once."""

    def __init__(self, frames: Sequence[Frame]) -> None:
        self._frames = frames
        self._known: dict[int, str | None] = {}

    def of(self, index: int) -> str | None:
        """Of the frame at this place; None where the file cannot be read."""
        if index not in self._known:
            try:
                self._known[index] = hash_frame(self._frames[index].path)
            except OSError:
                self._known[index] = None
        return self._known[index]


class ShotMasks:
    """The objects of each frame as jobs need them.

    `planned` costs no pixels: it says what an object's mask follows from. `with_masks` carries the masks along, through
    every frame from the reference on, so that a shard or a resumed run gets the very same ones.

    Args:
        frames: all frames of the folder, also those that `every` leaves out.

    Raises:
        BadInputError: an object's masks or mask file cannot be used.
    """

    def __init__(
        self, options: BatchOptions, settings: RenderSettings, frames: Sequence[Frame], hashes: FrameHashes
    ) -> None:
        self._options = options
        self._frames = frames
        self._hashes = hashes
        self._finder = MaskFinder(settings)
        self._tracking: MaskTracking = choose_tracking(options.follow, device=settings.device)
        self._per_frame = {
            each.name: mask_files_by_frame(each.masks_folder, frames)
            for each in options.objects
            if each.masks_folder is not None
        }
        self._mask_hashes = {
            each.name: _hash_mask_file(each)
            for each in options.objects
            if each.selection.how == "mask_file" and each.masks_folder is None
        }
        self._reference = self._find_reference()
        # Chains of image hashes, and trackers, from the reference forwards (1) and backwards (-1).
        self._chains: dict[int, list[str]] = {}
        self._trackers: dict[int, tuple[Tracker, int]] = {}
        self._at_reference: dict[str, Any] | None = None

    def planned(self, frame: Frame) -> tuple[PlannedObject, ...]:
        """What sounds in a frame; masks that are followed are still missing."""
        objects = [self._plan(each, frame) for each in self._options.objects]
        return blend_and_ambience(objects, blend=self._options.blend, ambience=self._options.ambience)

    def without_masks(self, frames: Sequence[Frame]) -> dict[str, tuple[str, ...]]:
        """Names of the frames that have no mask file, by object; objects that have one for each frame are left out."""
        lacking = {
            name: tuple(frame.name for frame in frames if frame.name not in files)
            for name, files in self._per_frame.items()
        }
        return {name: names for name, names in lacking.items() if names}

    def with_masks(self, frame: Frame) -> tuple[PlannedObject, ...]:
        """What sounds in a frame, with the masks that are followed or fixed.

        Raises:
            BadInputError: the reference frame cannot be read, or an object cannot be found in it.
        """
        masks = self._followed(frame)
        return tuple(
            dataclasses.replace(each, mask=masks[each.name]) if each.name in masks else each
            for each in self.planned(frame)
        )

    def _plan(self, each: BatchObject, frame: Frame) -> PlannedObject:
        selection = each.selection
        may_be_absent = False
        if each.name in self._per_frame:
            path = self._per_frame[each.name].get(frame.name)
            selection = Selection(how="whole") if path is None else Selection(how="mask_file", mask_file=str(path))
            source: Any = ["file", None if path is None else _hash_or_error(path)]
            may_be_absent = True
        elif each.kind != "object" and each.mask is None:
            source = [each.kind, list(each.members)]
        else:
            source = self._source(each)
            if self._is_followed(each):
                source = [self._tracking.name, source, self._chain(frame.index)]
                may_be_absent = True
        return PlannedObject(
            name=each.name,
            kind=each.kind,
            selection=selection,
            source=source,
            mask=each.mask if not self._is_followed(each) else None,
            may_be_absent=may_be_absent,
            hint=each.hint,
            negative_hint=each.negative_hint,
            members=each.members,
        )

    def _source(self, each: BatchObject) -> Any:
        """What an object's mask in the reference frame follows from."""
        if each.mask is not None:
            return ["mask", each.mask.sha256]
        if each.selection.how == "mask_file":
            _, part = split_mask_reference(each.selection.mask_file or "")
            # Without a part as ever, so that batches from before are resumed.
            return ["file", self._mask_hashes[each.name], *([] if part is None else [part])]
        asked = ["asked", encode(each.selection), self._finder.segmenter.segmenter.name]
        if each.selection.how == "words":
            asked.append(self._finder.prompter.name)
        # In 'each', the frame itself is asked, and its hash is part of the inputs anyway.
        return asked if self._options.follow == "each" else [*asked, self._hashes.of(self._reference)]

    def _is_followed(self, each: BatchObject) -> bool:
        return (
            self._options.follow in ("auto", "flow")
            and each.masks_folder is None
            and (each.mask is not None or each.selection.how in (*PROMPTED, "mask_file"))
        )

    def _is_fixed_by_clicks(self, each: BatchObject) -> bool:
        return self._options.follow == "fixed" and each.selection.how in PROMPTED

    def _followed(self, frame: Frame) -> dict[str, TiledMask]:
        """Masks in `frame` of the objects that are followed, or fixed where clicks found them."""
        fixed = [each for each in self._options.objects if self._is_fixed_by_clicks(each)]
        if fixed:
            masks = self._masks_at_reference(fixed)
            return {name: TiledMask.from_array(mask) for name, mask in masks.items()}
        moving = [each for each in self._options.objects if self._is_followed(each)]
        if not moving:
            return {}
        direction = 1 if frame.index >= self._reference else -1
        at = self._trackers.get(direction)
        # Frames are asked for in order; one that lies behind, as after a retry, starts the way again.
        if at is None or (frame.index - at[1]) * direction < 0:
            start = self._tracking.start(self._pixels(self._reference), self._masks_at_reference(moving))
            at = (start, self._reference)
        tracker, place = at
        while place != frame.index:
            place += direction
            try:
                pixels = self._pixels(place)
            except BadInputError:
                # A broken frame is passed over; the next whole one is compared with the last whole one.
                continue
            tracker.advance(pixels)
        self._trackers[direction] = (tracker, place)
        return {name: TiledMask.from_array(mask) for name, mask in tracker.masks.items()}

    def _masks_at_reference(self, objects: Sequence[BatchObject]) -> dict[str, Any]:
        from sounddesk.engine.images.scene_objects import check_prompts
        from sounddesk.engine.images.scene_objects import file_masks

        if self._at_reference is None:
            loaded = self._image(self._reference)
            image, width, height = loaded.pixels, loaded.width, loaded.height
            specs = [ObjectSpec(name=each.name, selection=each.selection) for each in objects if each.mask is None]
            try:
                check_prompts(specs, width=width, height=height)
                masks: dict[str, Any] = dict(
                    file_masks(
                        specs, width=width, height=height, image_name=loaded.name, orientation=loaded.orientation
                    )
                )
                asked = [spec for spec in specs if spec.name not in masks]
                if asked:
                    masks.update(self._finder.ask(asked, image))
            except EngineError as error:
                raise BadInputError(f"in {self._frames[self._reference].name}: {error}") from error
            for each in objects:
                if each.mask is not None:
                    masks[each.name] = _at_size(each, width=width, height=height)
            self._at_reference = masks
        return self._at_reference

    def _pixels(self, index: int) -> Any:
        return self._image(index).pixels

    def _image(self, index: int) -> LoadedImage:
        from sounddesk.engine.images.movie_file import load_frame

        try:
            return load_frame(self._frames[index].path)
        except EngineError as error:
            raise BadInputError(str(error)) from error

    def _find_reference(self) -> int:
        """The frame that the masks belong to: the project's image, else the first one that can be read."""
        wanted = self._options.reference_sha256
        if wanted is not None:
            found = next((frame.index for frame in self._frames if self._hashes.of(frame.index) == wanted), None)
            if found is not None:
                return found
        if not any(self._is_followed(each) or self._is_fixed_by_clicks(each) for each in self._options.objects):
            return 0
        for frame in self._frames:
            with contextlib.suppress(BadInputError):
                self._pixels(frame.index)
                return frame.index
        raise BadInputError(f"no frame in {self._options.folder} can be read: check the files")

    def _chain(self, index: int) -> str:
        """Stands for all images from the reference to this frame."""
        direction = 1 if index >= self._reference else -1
        chain = self._chains.setdefault(direction, [hash_of([self._hashes.of(self._reference)])])
        while len(chain) <= abs(index - self._reference):
            place = self._reference + direction * len(chain)
            chain.append(hash_of([chain[-1], self._hashes.of(place)]))
        return chain[abs(index - self._reference)]


def _at_size(each: BatchObject, *, width: int, height: int) -> Any:
    from sounddesk.domain.mask import fit_to_image

    assert each.mask is not None
    coverage = each.mask.to_array()
    if coverage.shape == (height, width):
        return coverage
    try:
        return fit_to_image(coverage >= 128, width=width, height=height).astype("uint8") * 255
    except ValueError as error:
        raise BadInputError(f"{each.name!r}: {error}") from error


def _hash_mask_file(each: BatchObject) -> str:
    path, _ = split_mask_reference(each.selection.mask_file or "")
    try:
        return hash_file(path)
    except OSError as error:
        raise BadInputError(f"{each.name!r}: mask {path} cannot be read ({error.strerror}): check the path") from error


def _hash_or_error(path: Path) -> str:
    try:
        return hash_file(path)
    except OSError as error:
        raise BadInputError(f"mask {path} cannot be read ({error.strerror}): check its permissions") from error

"""The undoable state of a project as one immutable value; takes and image bytes lie beside it and never change."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from dataclasses import field
from typing import Annotated
from typing import Any
from typing import Final

import numpy as np

from sounddesk.domain.crossfades import Fades
from sounddesk.domain.crossfades import fades_of_lane
from sounddesk.domain.grounding_mode import GroundingMode
from sounddesk.domain.levels import FADER_BOTTOM_DB
from sounddesk.domain.levels import check_gain_db
from sounddesk.domain.levels import summed_gain_db
from sounddesk.domain.limits import Range
from sounddesk.domain.limits import TimeS
from sounddesk.domain.mixer_effects import FaderGroup
from sounddesk.domain.mixer_effects import Reverb
from sounddesk.domain.object_names import NamedBy
from sounddesk.domain.scene import MixerStrip
from sounddesk.domain.scene import SceneObject
from sounddesk.domain.scene import check_unique_names
from sounddesk.domain.scene import free_name
from sounddesk.domain.seeds import check_seed
from sounddesk.domain.seeds import take_seed
from sounddesk.domain.tiled_mask import TiledMask
from sounddesk.domain.timecode import TimecodeRate
from sounddesk.domain.timeline import Clip
from sounddesk.domain.timeline import Marker

# Told apart also by people who see few colours: Okabe and Ito (2008), without black, then lighter kin.
OBJECT_COLOURS: Final = (
    "#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7",
    "#f5c971", "#a5d6f3", "#66c9ac", "#7fb2d8", "#f09a66", "#e3b7d2",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class MovieFrame:
    """Which frame of a movie an image is.

    Attributes:
        movie: name of the movie's file, without folders.
        frame: counted from 1.
        sha256: by which a batch over the movie knows the frame again.
    """

    movie: str
    frame: Annotated[int, Range(1, 1_000_000_000)]
    sha256: str


@dataclass(frozen=True, kw_only=True)
class ImageInfo:
    """The project's image: SHA-256 of its file, its name, and its size in pixels once upright.

    Attributes:
        movie: where the image is a frame of a movie, which one.
    """

    sha256: str
    name: str
    width: int
    height: int
    movie: MovieFrame | None = None

    @property
    def frame_sha256(self) -> str:
        """What stands for the image among the frames of a batch."""
        return self.sha256 if self.movie is None else self.movie.sha256


@dataclass(frozen=True, kw_only=True)
class TakeMark:
    """What the user says of a take: a name, a star."""

    take_id: str
    name: str = ""
    starred: bool = False


@dataclass(frozen=True, kw_only=True)
class MasterBus:
    """The master section: the sum, the reverb that strips send to, and groups of faders.

    Attributes:
        gain_db: fader of the sum, -60 to 60.
        limiter: off by default, because nothing changes the sound silently.
        reverb: what strips send to comes back from it into the sum.
        groups: faders for several strips at once.
    """

    gain_db: float = 0.0
    limiter: bool = False
    reverb: Reverb = field(default_factory=Reverb, metadata={"omit_default": True})
    groups: tuple[FaderGroup, ...] = field(default=(), metadata={"omit_default": True})

    def __post_init__(self) -> None:
        check_gain_db(self.gain_db)
        if len({group.id for group in self.groups}) != len(self.groups):
            raise ValueError("two groups of faders have one id")


@dataclass(frozen=True, kw_only=True)
class ProjectSettings:
    """How takes are made and time is counted.

    Attributes:
        seconds: length of takes where the object says nothing else, 1 to 60 s.
        timeline_s: length of the timeline and of every exported stem.
        frame_rate: frames per second of the ruler and the snapping grid, 1 to 240.
        drop_frame: whether timecode leaves numbers out to keep up with the clock; at 29.97 and 59.94 only.
        start_timecode_s: what the ruler shows at 0.
        crossfades: whether clips that overlap on a lane fade into each other; otherwise they add up.
        preset, steps, guidance: of the denoising loop (`SamplingSettings`).
        bundle: name or folder.
        grounding: whether takes follow the objects themselves or words for them.
        seed: seeds of new objects derive from it.
        export_on_save: JSON of the export that every save repeats; empty for none.
        embed_recordings: whether the file holds the recordings that takes are made of; otherwise it links to them.
        paid_work: recordings whose licence forbids that are named before an export.
    """

    seconds: float = 10.0
    timeline_s: float = 10.0
    frame_rate: float = 25.0
    drop_frame: bool = False
    start_timecode_s: TimeS = 0.0
    crossfades: bool = True
    preset: str = "fast"
    steps: int | None = None
    guidance: Annotated[float, Range(0.0, 1000.0)] = 2.0
    bundle: str = "starter"
    grounding: GroundingMode = "object"
    seed: int = 0
    export_on_save: str = ""
    embed_recordings: bool = field(default=False, metadata={"omit_default": True})
    paid_work: bool = field(default=True, metadata={"omit_default": True})

    def __post_init__(self) -> None:
        check_seed(self.seed)
        if not 1.0 <= self.seconds <= 60.0:
            raise ValueError(f"length is {self.seconds:g} s: choose from 1 s to 60 s")
        if not 1.0 <= self.timeline_s <= 3600.0:
            raise ValueError(f"timeline lasts {self.timeline_s:g} s: choose from 1 s to 3600 s")
        if not math.isfinite(self.frame_rate):
            raise ValueError(f"frame rate is {self.frame_rate:g}: choose from 1 to 240 frames per second")
        _ = self.timecode_rate

    @property
    def timecode_rate(self) -> TimecodeRate:
        """How frames and timecode are counted."""
        return TimecodeRate.of(self.frame_rate, drop_frame=self.drop_frame)


@dataclass(frozen=True, kw_only=True)
class Project:
    """Everything that undo can bring back.

    `objects` are in the order of lanes and strips. Every clip's lane and every blend's member is one of them.
    Ids are never used again within a project: `next_id` counts them.

    Raises:
        ValueError: two objects of one name or id, a clip without a lane, a mask of another size than the image.
    """

    image: ImageInfo | None = None
    objects: tuple[SceneObject, ...] = ()
    clips: tuple[Clip, ...] = ()
    markers: tuple[Marker, ...] = ()
    take_marks: tuple[TakeMark, ...] = ()
    master: MasterBus = field(default_factory=MasterBus)
    settings: ProjectSettings = field(default_factory=ProjectSettings)
    next_id: int = 1

    def __post_init__(self) -> None:
        ids = [each.id for each in self.objects]
        check_unique_names(each.name for each in self.objects)
        if len(set(ids)) != len(ids):
            raise ValueError("two objects have one id")
        lost = next((clip for clip in self.clips if clip.object_id not in ids), None)
        if lost is not None:
            raise ValueError(f"clip {lost.id!r} is on the lane {lost.object_id!r}, which does not exist")
        if len({clip.id for clip in self.clips}) != len(self.clips):
            raise ValueError("two clips have one id")
        for each in self.objects:
            size = (each.mask.width, each.mask.height)
            if self.image is not None and size != (self.image.width, self.image.height):
                raise ValueError(f"mask of {each.name!r} is {size[0]} x {size[1]} pixels, unlike the image")
            if any(member not in ids or member == each.id for member in each.members):
                raise ValueError(f"blend {each.name!r} has a member that does not exist")

    # ------------------------------------------------------------------ reading

    def object(self, object_id: str) -> SceneObject:
        """Raises: KeyError."""
        for each in self.objects:
            if each.id == object_id:
                return each
        raise KeyError(object_id)

    def clip(self, clip_id: str) -> Clip:
        """Raises: KeyError."""
        for each in self.clips:
            if each.id == clip_id:
                return each
        raise KeyError(clip_id)

    def clips_of(self, object_id: str) -> tuple[Clip, ...]:
        """Clips on an object's lane, by start."""
        return tuple(sorted((c for c in self.clips if c.object_id == object_id), key=lambda c: (c.start_s, c.id)))

    def group(self, group_id: str) -> FaderGroup | None:
        """A group of faders; None for one that is not there."""
        return next((each for each in self.master.groups if each.id == group_id), None)

    def heard_strip(self, object_id: str) -> MixerStrip:
        """An object's strip as it is heard: with fader and mute of its group in its own."""
        strip = self.object(object_id).strip
        group = self.group(strip.group_id)
        if group is None:
            return strip
        gain_db = summed_gain_db(strip.gain_db, group.gain_db)
        return dataclasses.replace(strip, gain_db=gain_db, muted=strip.muted or group.muted)

    @property
    def sends_to_reverb(self) -> bool:
        """Whether a lane with clips is heard in the reverb."""
        strips = [self.heard_strip(object_id) for object_id in dict.fromkeys(clip.object_id for clip in self.clips)]
        sending = any(strip.send_db > FADER_BOTTOM_DB and not strip.muted for strip in strips)
        return sending and self.master.reverb.gain_db > FADER_BOTTOM_DB

    @functools.cached_property
    def fades(self) -> dict[str, Fades]:
        """The fades with which every clip sounds, by its id: see `fades_of_lane`."""
        found: dict[str, Fades] = {}
        for each in self.objects:
            found |= fades_of_lane(self.clips_of(each.id), crossfades=self.settings.crossfades)
        return found

    def mark_of(self, take_id: str) -> TakeMark:
        """What the user said of a take, or an empty mark."""
        return next((mark for mark in self.take_marks if mark.take_id == take_id), TakeMark(take_id=take_id))

    def sounding_mask(self, object_id: str) -> TiledMask:
        """The mask that the object is generated from: its own; a blend's union; an ambience's own, or where that is
        empty the complement of all other objects (the whole image where nothing is left over).
        """
        found = self.object(object_id)
        if found.kind == "object" or (found.kind == "ambience" and not found.mask.is_empty):
            return found.mask
        others = found.members if found.kind == "blend" else tuple(o.id for o in self.objects if o.kind == "object")
        coverage = np.zeros((found.mask.height, found.mask.width), dtype=np.uint8)
        for each in others:
            np.maximum(coverage, self.object(each).mask.to_array(), out=coverage)
        if found.kind == "ambience":
            coverage = 255 - coverage
            if not (coverage >= 128).any():
                coverage[...] = 255
        return TiledMask.from_array(coverage)

    def has_sounding_mask(self, object_id: str) -> bool:
        """Whether there is anything to generate the object from; without making that mask, which takes long at 4K."""
        found = self.object(object_id)
        if found.kind == "blend":
            return any(not self.object(each).mask.is_empty for each in found.members)
        # An ambience has the whole image where nothing else is left.
        return found.kind == "ambience" or not found.mask.is_empty

    def next_colour(self) -> str:
        """The first colour of the palette that the fewest objects use."""
        counts = [sum(each.colour == colour for each in self.objects) for colour in OBJECT_COLOURS]
        return OBJECT_COLOURS[counts.index(min(counts))]

    # ------------------------------------------------------------------ edits: each returns a new project

    def with_new_id(self, prefix: str) -> tuple[Project, str]:
        """A project whose counter moved on, and the fresh id."""
        return dataclasses.replace(self, next_id=self.next_id + 1), f"{prefix}{self.next_id}"

    def with_object(self, added: SceneObject, *, index: int | None = None) -> Project:
        """With one more object, last or at `index`."""
        objects = list(self.objects)
        objects.insert(len(objects) if index is None else index, added)
        return dataclasses.replace(self, objects=tuple(objects))

    def with_new_object(self, *, name: str, mask: TiledMask, named_by: NamedBy = "user") -> tuple[Project, str]:
        """With one more object, named `name` or 'name 2' and so on where that is taken; its id beside."""
        numbered, object_id = self.with_new_id("o")
        free = free_name(name, (each.name for each in self.objects))
        made = SceneObject(
            id=object_id,
            name=free,
            mask=mask,
            seed=take_seed(self.settings.seed, name=free, take=0),
            colour=self.next_colour(),
            named_by=named_by,
        )
        return numbered.with_object(made), object_id

    def with_changed_object(self, object_id: str, **changes: Any) -> Project:
        """With some fields of an object replaced. Raises: KeyError; ValueError for a locked object's fields."""
        found = self.object(object_id)
        if found.locked and set(changes) - {"locked", "visible", "colour", "strip"}:
            raise ValueError(f"{found.name!r} is locked: unlock it first")
        changed = dataclasses.replace(found, **changes)
        return dataclasses.replace(self, objects=tuple(changed if o is found else o for o in self.objects))

    def with_strip(self, object_id: str, **changes: Any) -> Project:
        """With some fields of an object's mixer strip replaced."""
        strip = dataclasses.replace(self.object(object_id).strip, **changes)
        return self.with_changed_object(object_id, strip=strip)

    def without_objects(self, object_ids: Iterable[str]) -> Project:
        """Without these objects and their clips and markers; blends and groups lose them. Takes stay in the library."""
        gone = set(object_ids)
        kept = []
        for each in self.objects:
            if each.id in gone:
                continue
            if any(member in gone for member in each.members):
                members = tuple(member for member in each.members if member not in gone)
                each = dataclasses.replace(each, members=members)
            kept.append(each)
        return dataclasses.replace(
            self,
            objects=tuple(kept),
            clips=tuple(clip for clip in self.clips if clip.object_id not in gone),
            markers=tuple(marker for marker in self.markers if marker.object_id not in gone),
        ).without_empty_groups()

    def with_object_order(self, object_ids: Iterable[str]) -> Project:
        """With the objects in this order; those not named follow in their old order."""
        wanted = [self.object(each) for each in object_ids]
        return dataclasses.replace(self, objects=(*wanted, *(o for o in self.objects if o not in wanted)))

    def with_clip(self, clip: Clip) -> Project:
        """With one clip added, or replaced where its id exists."""
        if any(each.id == clip.id for each in self.clips):
            return dataclasses.replace(self, clips=tuple(clip if c.id == clip.id else c for c in self.clips))
        return dataclasses.replace(self, clips=(*self.clips, clip))

    def without_clips(self, clip_ids: Iterable[str]) -> Project:
        gone = set(clip_ids)
        return dataclasses.replace(self, clips=tuple(clip for clip in self.clips if clip.id not in gone))

    def with_marker(self, marker: Marker) -> Project:
        """With one marker added, or replaced where its id exists; in order of time."""
        others = [each for each in self.markers if each.id != marker.id]
        return dataclasses.replace(self, markers=tuple(sorted((*others, marker), key=lambda m: (m.time_s, m.id))))

    def without_markers(self, marker_ids: Iterable[str]) -> Project:
        gone = set(marker_ids)
        return dataclasses.replace(self, markers=tuple(each for each in self.markers if each.id not in gone))

    def with_mark(self, mark: TakeMark) -> Project:
        """With a take's name or star changed."""
        others = tuple(each for each in self.take_marks if each.take_id != mark.take_id)
        plain = mark == TakeMark(take_id=mark.take_id)
        return dataclasses.replace(self, take_marks=others if plain else (*others, mark))

    def without_empty_groups(self) -> Project:
        """Without groups of faders that no strip is in."""
        used = {each.strip.group_id for each in self.objects}
        groups = tuple(group for group in self.master.groups if group.id in used)
        return self if groups == self.master.groups else self.with_master(groups=groups)

    def with_settings(self, **changes: Any) -> Project:
        return dataclasses.replace(self, settings=dataclasses.replace(self.settings, **changes))

    def with_master(self, **changes: Any) -> Project:
        return dataclasses.replace(self, master=dataclasses.replace(self.master, **changes))

"""What a worker is told: values that travel between processes and machines."""

from __future__ import annotations

import time
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Any

from sounddesk.batch.manifest import hash_of
from sounddesk.domain.batch_manifest import Row
from sounddesk.domain.grounding_mode import GroundingMode
from sounddesk.domain.naming import unique_file_stems
from sounddesk.domain.scene import ObjectKind
from sounddesk.domain.seeds import frame_take_seed
from sounddesk.domain.selection import Selection
from sounddesk.domain.tiled_mask import TiledMask
from sounddesk.domain.timecode import TimecodeRate
from sounddesk.engine.types import SamplingSettings

# Names of the frame's own sounds; an object of one of these names gets a number.
_OWN_STEMS = ("mix", "blend", "ambience")


@dataclass(frozen=True, kw_only=True)
class RenderSettings:
    """What holds for every frame of a batch.

    Attributes:
        bundle: its folder.
        bundle_sha256: of its manifest.
        bundle_name: of the bundle, as recipes say it.
        device: as `EngineSession.open` takes it.
        sam: a SAM checkpoint, for objects that are selected in each frame.
        out: the batch's output folder.
        grounding: whether takes follow the objects themselves or words for them.
        library: index of the recordings that beds are laid out of; None where beds are generated.
        cpu_threads: of each worker. Always 1: with another number sums come out in another order and files differ.
    """

    bundle: Path
    bundle_sha256: str
    bundle_name: str
    device: str
    sam: Path | None
    seconds: float
    sampling: SamplingSettings
    out: Path
    grounding: GroundingMode = "object"
    library: Path | None = None
    cpu_threads: int = 1

    def facts(self) -> dict[str, Any]:
        """What decides the sound beside image, mask, hint and seed; ready for JSON."""
        # Batches of before it could be chosen go on as they are.
        words: dict[str, Any] = {} if self.grounding == "object" else {"grounding": self.grounding}
        if self.library is not None:
            words["from_library"] = True
        return {
            "bundle_sha256": self.bundle_sha256,
            "seconds": self.seconds,
            **self.sampling.to_json(),
            **words,
        }


@dataclass(frozen=True, kw_only=True)
class TakeJob:
    """One take: `number` from 1, its seed, and the hash of everything that decides it."""

    number: int
    seed: int
    input_sha256: str


@dataclass(frozen=True, kw_only=True)
class PlannedObject:
    """An object of one frame before its takes are numbered.

    Attributes:
        selection: how its mask is found, where `mask` is None.
        source: JSON-ready value that stands for the mask: equal sources give equal masks on equal images.
        mask: its mask, where it is known already; scaled to the frame where sizes differ.
        may_be_absent: an empty mask means that the object is not in this frame, not that the input is wrong.
        members: of a blend, the names it is made of; none means all objects.
    """

    name: str
    kind: ObjectKind = "object"
    selection: Selection
    source: Any
    mask: TiledMask | None = None
    may_be_absent: bool = False
    hint: str | None = None
    negative_hint: str | None = None
    members: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ObjectJob:
    """An object of one frame with its takes and the beginning of its files' names."""

    planned: PlannedObject
    file_stem: str
    takes: tuple[TakeJob, ...]

    @property
    def name(self) -> str:
        return self.planned.name


@dataclass(frozen=True, kw_only=True)
class TakePlanner:
    """Numbers takes: seeds and input hashes follow from names and contents, never from order or from other frames.

    Attributes:
        settings_sha256: hash of `RenderSettings.facts`.
        project: name of the project or of the folder of frames.
    """

    settings_sha256: str
    project: str
    seed: int
    takes: int

    def plan(self, objects: Sequence[PlannedObject], *, frame: str, image_sha256: str) -> tuple[ObjectJob, ...]:
        """The takes of all objects of one frame."""
        stems = file_stems(objects)
        return tuple(
            ObjectJob(
                planned=each,
                file_stem=stems[each.name],
                takes=tuple(
                    self.take(each, frame=frame, image_sha256=image_sha256, number=number)
                    for number in range(1, self.takes + 1)
                ),
            )
            for each in objects
        )

    def take(self, each: PlannedObject, *, frame: str, image_sha256: str, number: int) -> TakeJob:
        """One take of one object."""
        seed = frame_take_seed(self.seed, project=self.project, frame=frame, name=each.name, take=number - 1)
        return TakeJob(number=number, seed=seed, input_sha256=self.hash_inputs(each, image_sha256, seed))

    def hash_inputs(self, each: PlannedObject, image_sha256: str, seed: int) -> str:
        """The hash of everything that decides a take."""
        return hash_of(
            {
                "settings": self.settings_sha256,
                "image": image_sha256,
                "source": each.source,
                "kind": each.kind,
                "hint": each.hint,
                "negative_hint": each.negative_hint,
                "seed": seed,
            }
        )


@dataclass(frozen=True, kw_only=True)
class FrameJob:
    """One frame to render, or what is missing of it.

    Attributes:
        frame: file name; `output` is its folder in the batch's output folder.
        image_sha256: of the file when the work was planned.
        objects: what sounds; empty with `auto`, where the worker proposes them.
        auto: stands for the proposing segmenter in the objects' sources; None where objects are named.
        blend, ambience: with `auto`, also all proposed objects as one sound, and the rest of the scene.
        done: files of takes that need not be made again, by object and number of take.
    """

    frame: str
    path: Path
    output: str
    image_sha256: str
    planner: TakePlanner
    objects: tuple[PlannedObject, ...]
    auto: str | None = None
    blend: bool = False
    ambience: bool = False
    done: Mapping[tuple[str, int], str] = field(default_factory=dict)

    @property
    def input_sha256(self) -> str:
        """Hash of everything that decides the files of the frame as a whole: that of all its takes together."""
        objects = self.planner.plan(self.objects, frame=self.frame, image_sha256=self.image_sha256)
        named = [[each.name, take.input_sha256] for each in objects for take in each.takes]
        planner = [self.planner.settings_sha256, self.planner.project, self.planner.seed, self.planner.takes]
        return hash_of([self.frame, self.image_sha256, self.auto, self.blend, self.ambience, planner, named])

    def row(self, **values: Any) -> Row:
        """A row of the manifest about the frame as a whole."""
        return Row(
            frame=self.frame,
            object="",
            kind="frame",
            take=0,
            input_sha256=self.input_sha256,
            image_sha256=self.image_sha256,
            finished=now(),
            **values,
        )

    def is_ended_by(self, row: Row) -> bool:
        """Whether this row is the last that this job gives."""
        return row.frame == self.frame and not row.object

    def failed_row(self, message: str) -> Row:
        """The row that says that nothing came of it."""
        return self.row(status="failed", error=message)


@dataclass(frozen=True, kw_only=True)
class BedFrame:
    """A frame that a bed follows: when it is, and what is in it."""

    frame: str
    path: Path
    time_s: float
    objects: tuple[PlannedObject, ...]


@dataclass(frozen=True, kw_only=True)
class BedJob:
    """One continuous sound of one object over the whole shot.

    Attributes:
        file: name in the folder of beds.
        take: from 1.
        seconds: of the shot.
        start_timecode_s: from midnight to its first sample; None where nothing says so.
        timecode_rate: how the frames of the shot are counted.
        shot: name of what the frames come from.
    """

    name: str
    kind: ObjectKind
    hint: str | None
    file: str
    take: int
    seed: int
    seconds: float
    input_sha256: str
    frames: tuple[BedFrame, ...] = ()
    start_timecode_s: float | None = None
    timecode_rate: TimecodeRate | None = None
    shot: str = ""

    def row(self, **values: Any) -> Row:
        """A row of the manifest about this bed."""
        return Row(
            frame="",
            object=self.name,
            kind="bed",
            take=self.take,
            input_sha256=self.input_sha256,
            seed=self.seed,
            finished=now(),
            **values,
        )

    def is_ended_by(self, row: Row) -> bool:
        """Whether this row is the last that this job gives."""
        return (row.frame, row.object, row.take) == ("", self.name, self.take)

    def failed_row(self, message: str) -> Row:
        """The row that says that nothing came of it."""
        return self.row(status="failed", error=message)


Job = FrameJob | BedJob


def file_stems(objects: Sequence[PlannedObject]) -> dict[str, str]:
    """File name without ending, by object name; the blend and the ambience of a scene keep theirs."""
    own: dict[str, str] = {each.name: each.name for each in objects if each.kind != "object" and each.name == each.kind}
    others = [each.name for each in objects if each.name not in own]
    return {**own, **dict(zip(others, unique_file_stems(others, taken=_OWN_STEMS), strict=True))}


def now() -> str:
    """UTC, ISO 8601, to the microsecond, so that rows of several manifests can be put in order."""
    seconds = time.time()
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{int(seconds % 1 * 1e6):06d}Z"


def take_file(stem: str, number: int) -> str:
    """'dog.wav' for the first take, 'dog.take2.wav' for the second."""
    return f"{stem}.wav" if number == 1 else f"{stem}.take{number}.wav"

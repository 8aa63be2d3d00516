"""What the user asked a batch for."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Literal

from sounddesk.domain.frame_sequence import Shard
from sounddesk.domain.grounding_mode import GroundingMode
from sounddesk.domain.scene import ObjectKind
from sounddesk.domain.selection import Selection
from sounddesk.domain.tiled_mask import TiledMask
from sounddesk.engine.types import SamplingSettings

if TYPE_CHECKING:
    from sounddesk.domain.project import Project

Follow = Literal["auto", "flow", "fixed", "each"]
ExecutorName = Literal["local", "ray"]


@dataclass(frozen=True, kw_only=True)
class BatchObject:
    """One object of the shot.

    Attributes:
        selection: how it is selected in the reference frame.
        mask: its mask there, where it comes from a project.
        masks_folder: a mask file for each frame, in place of one that is followed.
        members: of a blend, the names of its objects; none means all.
    """

    name: str
    selection: Selection
    kind: ObjectKind = "object"
    hint: str | None = None
    negative_hint: str | None = None
    mask: TiledMask | None = None
    masks_folder: Path | None = None
    members: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class BatchOptions:
    """A batch as it was asked for.

    Attributes:
        folder: holds the frames.
        out: where everything goes.
        project: stands in the seeds: name of the project or of the folder of frames.
        reference_sha256: of the image file that the masks belong to; None or unknown means the first frame.
        auto: propose the objects in each frame.
        follow: 'auto' carries masks along by SAM 2 where one is installed, else by optical flow; 'flow' by optical
            flow in any case; 'fixed' leaves them where they are, 'each' asks the
            segmenter in each frame with the same clicks or box.
        every: render each Nth frame; masks are followed through all of them.
        bed: one continuous sound per object over the whole shot, in place of one per frame.
        library: index of the recordings that beds are laid out of; None where beds are generated.
        frames_per_s: of the folder, for the bed's length.
        start_timecode_s: seconds from midnight to the first frame, where a movie or a project says so; beds carry it.
        grounding: whether takes follow the objects themselves or words for them.
        workers: processes.
    """

    folder: Path
    out: Path
    project: str
    objects: tuple[BatchObject, ...] = ()
    reference_sha256: str | None = None
    auto: bool = False
    blend: bool = False
    ambience: bool = False
    follow: Follow = "auto"
    every: int = 1
    bed: bool = False
    library: Path | None = None
    frames_per_s: float = 24.0
    start_timecode_s: float | None = None
    seconds: float = 10.0
    takes: int = 1
    seed: int = 0
    sampling: SamplingSettings = field(default_factory=SamplingSettings)
    grounding: GroundingMode = "object"
    bundle: str = "starter"
    device: str = "auto"
    sam: Path | None = None
    resume: bool = False
    shard: Shard = field(default_factory=Shard)
    workers: int = 1
    executor: ExecutorName = "local"


def objects_of_project(project: Project) -> tuple[BatchObject, ...]:
    """The objects of a project with masks; those without one, and blends without members, are left out."""
    names = {each.id: each.name for each in project.objects}
    objects = []
    for each in project.objects:
        own = None if each.mask.is_empty else each.mask
        if each.kind == "object" and own is None:
            continue
        if each.kind == "blend" and not each.members:
            continue
        how: Literal["whole", "union", "complement"] = "union" if each.kind == "blend" else "complement"
        objects.append(
            BatchObject(
                name=each.name,
                kind=each.kind,
                selection=Selection(how="whole" if own is not None else how),
                hint=each.hint or None,
                negative_hint=each.negative_hint or None,
                mask=None if each.kind == "blend" else own,
                members=tuple(names[member] for member in each.members),
            )
        )
    return tuple(objects)

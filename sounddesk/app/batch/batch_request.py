"""What the user asked a batch for, as the queue keeps it and as `sounddesk batch` is told."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from typing import Final
from typing import Literal

from sounddesk.domain.limits import Range
from sounddesk.domain.preset import PresetName
from sounddesk.domain.project import Project
from sounddesk.engine.specs import MAX_BED_SECONDS
from sounddesk.engine.specs import MIN_SECONDS
from sounddesk.storage.atomic_file import translate_os_errors

# The first thing that a batch writes into its output folder.
BATCH_FILE: Final = "batch.json"
Follow = Literal["auto", "flow", "fixed"]


@dataclass(frozen=True, kw_only=True)
class BatchRequest:
    """One batch.

    Attributes:
        folder: holds the frames; or a movie.
        out: where everything goes.
        name: of the project or of the folder of frames.
        project: a copy of the project as it was when the batch was asked for; None proposes objects in each frame.
        follow: 'auto' carries masks along by SAM 2 where one is installed, else by optical flow as 'flow' does; 'fixed'
            leaves them where they are.
        ambience: with proposed objects, also the rest of the scene.
        bed: one continuous sound per object over the whole shot, in place of one per frame.
        frames_per_s: of the folder, for the bed's length.
        every: render each Nth frame.
        seconds: of each sound; a bed lasts as long as the shot.
        sam: a SAM checkpoint to propose objects with.
        workers: processes.
    """

    folder: Path
    out: Path
    name: str
    project: Path | None = None
    follow: Follow = "auto"
    ambience: bool = False
    bed: bool = False
    frames_per_s: Annotated[float, Range(0.01, 1000.0)] = 24.0
    every: Annotated[int, Range(1, 1_000_000)] = 1
    seconds: Annotated[float, Range(1.0, 60.0)] = 10.0
    preset: PresetName = "fast"
    bundle: str = "starter"
    device: str = "auto"
    sam: Path | None = None
    workers: Annotated[int, Range(1, 256)] = 1

    def arguments(self) -> list[str]:
        """The command line after `sounddesk`. A batch that has begun is gone on with."""
        found = ["batch", str(self.folder), "--out", str(self.out), "--every", str(self.every)]
        found += ["--bundle", self.bundle, "--preset", self.preset, "--device", self.device]
        found += ["--workers", str(self.workers), "--events", "--quiet"]
        if self.project is not None:
            found += ["--project", str(self.project), "--follow", self.follow]
        else:
            found += ["--auto"]
            found += ["--ambience"] if self.ambience else []
            found += ["--sam", str(self.sam)] if self.sam is not None else []
        found += ["--bed", "--fps", repr(self.frames_per_s)] if self.bed else ["--seconds", repr(self.seconds)]
        # Never into a folder that holds something else: without --resume the command refuses that.
        found += ["--resume"] if has_begun(self.out) else []
        return found


def has_begun(out: Path) -> bool:
    """Whether a batch has written into this folder before."""
    return (out / BATCH_FILE).is_file()


def check_output(out: Path, *, folder: Path, taken: Iterable[Path]) -> None:
    """Refuse an output folder that cannot be used; it is made where it is missing.

    Args:
        folder: of the frames.
        taken: output folders of the batches in the queue.

    Raises:
        ValueError: it holds something else, or belongs to another batch.
        OutputError: it cannot be written.
    """
    out = out.absolute()
    if out == folder.absolute():
        raise ValueError("The sounds cannot go into the folder of the frames itself: choose a folder of their own.")
    if any(out == other.absolute() for other in taken):
        raise ValueError(f"Another batch of the queue writes into {out}: choose another folder.")
    if out.exists() and not out.is_dir():
        raise ValueError(f"{out} is a file: choose a folder.")
    with translate_os_errors(out):
        if out.is_dir() and not has_begun(out) and any(not each.name.startswith(".") for each in out.iterdir()):
            raise ValueError(f"{out} holds other files: choose a new or empty folder.")
        out.mkdir(parents=True, exist_ok=True)
        # Permissions, full disks and read-only shares show only when something is written.
        with tempfile.TemporaryFile(dir=out) as file:
            file.write(b"sounddesk")


def check_bed_length(count: int, *, frames_per_s: float) -> None:
    """Refuse a shot that is too short or too long for a bed. Raises: ValueError."""
    seconds = count / frames_per_s
    if not MIN_SECONDS <= seconds <= MAX_BED_SECONDS:
        raise ValueError(
            f"{count} frames at {frames_per_s:g} per second last {seconds:.3g} s, and a continuous sound lasts "
            f"{MIN_SECONDS:g} s to {MAX_BED_SECONDS:g} s: choose another frame rate."
        )


def sounding_names(project: Project) -> tuple[str, ...]:
    """The objects of a project that a batch renders: those with a mask, blends with members, ambiences."""
    return tuple(
        each.name
        for each in project.objects
        if each.kind == "ambience" or (each.members if each.kind == "blend" else not each.mask.is_empty)
    )

"""A library of recordings whose kinds are known, named as their makers named them."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sounddesk.domain.errors import BadInputError
from sounddesk.engine.library.scan import LibraryEars
from sounddesk.engine.library.scan import ScanReport
from sounddesk.engine.library.scan import scan
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.evaluation.recordings.recording_folder import ReferenceRecording
from sounddesk.storage.library.library import Library

_MOST_NAME: Final = 150


@dataclass(frozen=True, kw_only=True, eq=False)
class ReferenceLibrary:
    """A scanned library, and the kind of each of its files by path."""

    library: Library
    kind_of: dict[Path, str]
    report: ScanReport


def build_reference_library(
    recordings: Sequence[ReferenceRecording],
    folder: Path,
    *,
    ears: LibraryEars,
    progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
) -> ReferenceLibrary:
    """Copy recordings into `folder` under the names that they had before they were sorted by kind, and scan them.

    The folder and the name that a prepared set gives them would tell the kind; those of their makers tell what they
    tell.

    Raises:
        BadInputError: there are none.
        Cancelled: through `cancel`.
    """
    if not recordings:
        raise BadInputError("no recording is left to make a library of: name a set with more of them")
    kind_of = {}
    for number, each in enumerate(recordings):
        target = folder / "recordings" / f"{number:05d}" / maker_path(each)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(each.path, target)
        kind_of[target] = each.kind
    library = Library(folder / "library.sqlite")
    library.add_folder(folder / "recordings")
    report = scan(library, ears=ears, on_progress=progress, cancel=cancel)
    return ReferenceLibrary(library=library, kind_of=kind_of, report=report)


def maker_path(recording: ReferenceRecording) -> Path:
    """Folders and name of a recording in the collection that it came from; without those, its own name.

    Example:
        >>> origin = "tuxpaint:animals/dogs/dog.ogg"
        >>> recording = ReferenceRecording(
        ...     kind="dog", id="d1", path=Path("dog/d1.flac"), split="test", origin=origin, source_rate_hz=None
        ... )
        >>> maker_path(recording).as_posix()
        'animals/dogs/dog.flac'
    """
    member = recording.origin.partition(":")[2] or recording.id
    parts = [part for part in member.split("/") if part not in ("", ".", "..")]
    name = Path(parts[-1]).stem if "." in parts[-1][-5:] else parts[-1]
    return Path(*parts[:-1], f"{name[:_MOST_NAME]}{recording.path.suffix}")

"""A folder that has everything of a project as files that any program reads."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sounddesk.audio.files.wav_io import write_wav
from sounddesk.domain.naming import safe_file_stem
from sounddesk.domain.naming import unique_file_stems
from sounddesk.domain.recordings import names_of_recordings
from sounddesk.engine.library.linked_recordings import COLLECTED_FOLDER
from sounddesk.engine.library.linked_recordings import RecordingFinder
from sounddesk.engine.library.linked_recordings import places_beside
from sounddesk.engine.verified_files import whole_folder
from sounddesk.storage.atomic_file import translate_os_errors
from sounddesk.storage.atomic_file import write_file
from sounddesk.storage.library.library import default_library_path
from sounddesk.storage.png_mask import encode_mask_png
from sounddesk.storage.project_file import write_project
from sounddesk.storage.project_reader import ProjectContents
from sounddesk.storage.project_schema import SUFFIX


@dataclass(frozen=True, kw_only=True)
class Collected:
    """The new folder, and a line for each recording that is not in it."""

    folder: Path
    problems: tuple[str, ...]


def collect_project(
    contents: ProjectContents, folder: Path, *, path: Path | None, extract: Callable[[str, Path], bool]
) -> Collected:
    """Write '<name> collected' (or '… 2' and so on) into `folder`.

    In it: the project file, the image as it was given, one PNG per mask, one 32-bit float WAV and one recipe per take,
    and the recordings that takes are made of.

    Args:
        path: of the project's file, whose name the folder gets; None for one that was never saved.
        extract: writes a recording that the project holds, by its hash, to a file; False where it holds none.

    Raises:
        OutputError: it cannot be written; the message says why.
    """
    stem = safe_file_stem(path.stem if path is not None else "project")
    made, number = folder / f"{stem} collected", 1
    while made.exists():
        number += 1
        made = folder / f"{stem} collected {number}"
    # Only a whole folder gets its name; `whole_folder` removes what a failure leaves.
    with translate_os_errors(made), whole_folder(made, overwrite=False) as part:
        _write(contents, part, stem=stem)
        problems = _copy_recordings(contents, part, folder=None if path is None else path.parent, extract=extract)
    return Collected(folder=made, problems=tuple(problems))


def _copy_recordings(
    contents: ProjectContents, made: Path, *, folder: Path | None, extract: Callable[[str, Path], bool]
) -> list[str]:
    """Copy the recordings, where the project looks for them; a line for each that is not there or was changed."""
    names = names_of_recordings(take.recipe for take in contents.takes)
    if not names:
        return []
    target, problems = made / COLLECTED_FOLDER, []
    target.mkdir()
    with RecordingFinder(folder=folder, library_path=default_library_path()) as finder:
        for sha256, name in names.items():
            place = next((each for each in places_beside(target, sha256, name) if not each.exists()), None)
            found = finder.find(sha256, name)
            if place is not None and found is not None:
                shutil.copyfile(found, place)
            elif place is None or not extract(sha256, place):
                problems.append(f"{name} was not collected, since it is not there or was changed; its takes are there")
    return problems


def _write(contents: ProjectContents, made: Path, *, stem: str) -> None:
    (made / "masks").mkdir(parents=True)
    (made / "takes").mkdir()
    write_project(made / f"{stem}{SUFFIX}", contents)
    project = contents.project
    for sha256, file in contents.images.items():
        current = project.image is not None and project.image.sha256 == sha256
        given = Path(project.image.name if current and project.image else sha256[:12])
        write_file(made / f"{safe_file_stem(given.stem)}{given.suffix}", file)
    stems = dict(
        zip((o.id for o in project.objects), unique_file_stems([o.name for o in project.objects]), strict=True)
    )
    for each in project.objects:
        write_file(made / "masks" / f"{stems[each.id]}.png", encode_mask_png(each.mask.to_array()))
    labels = [f"{stems.get(take.object_id, 'deleted')}_take{take.number:02d}" for take in contents.takes]
    for take, take_stem in zip(contents.takes, unique_file_stems(labels), strict=True):
        path = made / "takes" / f"{take_stem}.wav"
        write_wav(path, take.waveform, sample_rate_hz=take.sample_rate_hz, wav_format="FLOAT")
        write_file(path.with_suffix(".json"), (json.dumps(dict(take.recipe), indent=2) + "\n").encode())

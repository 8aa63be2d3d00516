"""A folder that has everything of a project as files that any program reads."""

from __future__ import annotations

import json
from pathlib import Path

from sounddesk.audio.files.wav_io import write_wav
from sounddesk.domain.naming import safe_file_stem
from sounddesk.domain.naming import unique_file_stems
from sounddesk.engine.verified_files import whole_folder
from sounddesk.storage.atomic_file import translate_os_errors
from sounddesk.storage.atomic_file import write_file
from sounddesk.storage.png_mask import encode_mask_png
from sounddesk.storage.project_file import write_project
from sounddesk.storage.project_reader import ProjectContents
from sounddesk.storage.project_schema import SUFFIX


def collect_project(contents: ProjectContents, folder: Path, *, name: str) -> Path:
    """Write '<name> collected' (or '… 2' and so on) into `folder`; the new folder.

    In it: the project file, the image as it was given, one PNG per mask, one 32-bit float WAV and one recipe per take.

    Raises:
        OutputError: it cannot be written; the message says why.
    """
    stem = safe_file_stem(name)
    made, number = folder / f"{stem} collected", 1
    while made.exists():
        number += 1
        made = folder / f"{stem} collected {number}"
    # Only a whole folder gets its name; `whole_folder` removes what a failure leaves.
    with translate_os_errors(made), whole_folder(made, overwrite=False) as part:
        _write(contents, part, stem=stem)
    return made


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

"""A project read from its file or a working copy, with its image decoded; on whatever thread asks."""

from __future__ import annotations

import os
from dataclasses import dataclass
from dataclasses import replace
from pathlib import Path

from sounddesk.app.project.file_lock import FileLock
from sounddesk.app.project.recovery import Recoverable
from sounddesk.domain.errors import OutputError
from sounddesk.engine.types import RgbImage
from sounddesk.storage.project_file import ProjectDatabase
from sounddesk.storage.project_reader import ProjectContents

# File and pixels of every image.
Images = list[tuple[bytes, RgbImage]]


@dataclass(frozen=True, kw_only=True, eq=False)
class ReadProject:
    """A project that is ready to be shown.

    Attributes:
        lock: of its file, or of the working copy.
        read_only: why it cannot be saved under its name; None where it can.
        database: of the working copy; None for a file.
    """

    contents: ProjectContents
    images: Images
    lock: FileLock
    read_only: OutputError | None = None
    database: ProjectDatabase | None = None


def read_project_file(path: Path) -> ReadProject:
    """A project file, locked. Raises: ProjectFileError, FileInUseError, EngineError, OSError."""
    lock = FileLock(path) if path.exists() else None
    try:
        database = ProjectDatabase.open(path)
        try:
            contents = _without_folders(database.read())
        finally:
            database.close()
        assert lock is not None
        return ReadProject(
            contents=contents,
            images=decode_images(contents),
            lock=lock,
            read_only=why_read_only(path, newer_major=contents.newer_major),
        )
    except BaseException:
        if lock is not None:
            lock.release()
        raise


def read_working_copy(item: Recoverable) -> ReadProject:
    """What a crash left behind, locked and open. Raises: as `read_project_file`."""
    lock = FileLock(item.working_path)
    try:
        database = ProjectDatabase.open(item.working_path, name=item.name)
        try:
            contents = _without_folders(database.read())
            return ReadProject(contents=contents, images=decode_images(contents), lock=lock, database=database)
        except BaseException:
            database.close()
            raise
    except BaseException:
        lock.release()
        raise


def decode_images(contents: ProjectContents) -> Images:
    """Pixels of a project's image files. Raises: EngineError."""
    from sounddesk.app.project.image_opening import decode_image

    info = contents.project.image
    name = info.name if info is not None else "image"
    return [(file, decode_image(file, name=name).pixels) for file in contents.images.values()]


def _without_folders(contents: ProjectContents) -> ProjectContents:
    """Projects of older versions may name the folder of their bundle, which is nobody else's business."""
    from sounddesk.engine.bundles.bundle_reference import portable_reference

    project = contents.project
    bundle = portable_reference(project.settings.bundle)
    return replace(contents, project=project.with_settings(bundle=bundle))


def why_read_only(path: Path, *, newer_major: bool) -> OutputError | None:
    """Why a project cannot be saved under its name, with the remedy; None where it can."""
    if newer_major:
        return OutputError(
            f"{path.name} was made by a newer sounddesk. It can be looked at; what this version does not know is not "
            "shown.",
            remedy="To change it install the newest version, or use 'Save as' to keep what you see.",
        )
    if path.exists() and not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
        return OutputError(f"{path.name} is read-only.", remedy="Use 'Save as' to keep changes under another name.")
    return None


def file_stamp(path: Path) -> tuple[int, int] | None:
    """Tells whether another program wrote the file; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size

"""The queue of batches on disk: it outlives the window, and a copy of each batch's project lies beside it."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from pathlib import Path
from typing import Annotated
from typing import Final
from typing import Literal

from sounddesk.app.batch.batch_request import BatchRequest
from sounddesk.app.project.file_lock import FileLock
from sounddesk.domain.limits import Count
from sounddesk.domain.limits import Range
from sounddesk.domain.naming import safe_file_stem
from sounddesk.storage.atomic_file import translate_os_errors
from sounddesk.storage.atomic_file import write_file
from sounddesk.storage.codec import encode
from sounddesk.storage.codec import load
from sounddesk.storage.path_text import user_state_folder
from sounddesk.storage.project_file import write_project
from sounddesk.storage.project_reader import ProjectContents
from sounddesk.storage.project_schema import SUFFIX
from sounddesk.storage.text_formats import FieldError

QUEUE_FILE: Final = "queue.json"
FORMAT: Final[Literal["sounddesk-batch-queue"]] = "sounddesk-batch-queue"
VERSION: Final = 1
State = Literal["waiting", "running", "paused", "done", "failed", "cancelled"]


@dataclass(frozen=True, kw_only=True)
class BatchEntry:
    """One batch of the queue.

    Attributes:
        id: unique for good, the name of its folder beside the queue.
        state: one of `State`.
        done, total: frames, or beds; 0 of 0 while that is not known.
        message: why it failed, or what is missing of it.
        stopping: it was asked to end and has not ended yet.
    """

    id: str
    request: BatchRequest
    state: State = "waiting"
    done: Count = 0
    total: Count = 0
    message: str = ""
    stopping: bool = field(default=False, metadata={"omit_default": True})

    @property
    def is_active(self) -> bool:
        """Whether it runs or waits for its turn."""
        return self.state in ("waiting", "running")


@dataclass(frozen=True, kw_only=True)
class _Queue:
    """What the file says."""

    format: Literal["sounddesk-batch-queue"] = field(default=FORMAT, metadata={"required": True})
    version: Annotated[int, Range(VERSION, VERSION)] = field(default=VERSION, metadata={"required": True})
    batches: tuple[BatchEntry, ...]


def queue_folder() -> Path:
    """Where the queue lies: `sounddesk/batches` in the user's state folder."""
    return user_state_folder() / "batches"


class QueueFile:
    """The file of the queue, held by one window at a time.

    Raises:
        FileInUseError: another window has it.
        OutputError: its folder cannot be written.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or queue_folder()
        with translate_os_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(self.folder / QUEUE_FILE)

    def read(self) -> tuple[list[BatchEntry], str]:
        """The batches, and what the user should know; what had not ended is paused.

        A file that cannot be read is put aside, not overwritten.
        """
        path = self.folder / QUEUE_FILE
        try:
            entries = load(_Queue, path, unknown="ignore").batches
        except FileNotFoundError:
            return [], ""
        except (OSError, FieldError) as error:
            aside = path.with_suffix(".unreadable.json")
            with contextlib.suppress(OSError):
                path.replace(aside)
            return [], f"The queue of batches cannot be read and begins anew: {error}. The old one is {aside}"
        return [replace(each, state="paused") if each.is_active else each for each in entries], ""

    def write(self, entries: Iterable[BatchEntry]) -> None:
        """Write the queue whole or not at all. Raises: OutputError."""
        data = encode(_Queue(batches=tuple(entries)))
        write_file(self.folder / QUEUE_FILE, json.dumps(data, indent=1).encode("ascii") + b"\n")

    def keep_project(self, entry_id: str, contents: ProjectContents, *, name: str) -> Path:
        """A copy of a project for a batch, without takes and clips. Raises: OutputError, sqlite3.Error."""
        folder = self.folder / entry_id
        # The file's name stands in the seeds: that of the project.
        path = folder / f"{safe_file_stem(name)}{SUFFIX}"
        project = replace(contents.project, clips=(), markers=(), take_marks=())
        image = project.image
        images = {} if image is None else {image.sha256: contents.images[image.sha256]}
        with translate_os_errors(path):
            folder.mkdir(parents=True, exist_ok=True)
            write_project(path, ProjectContents(project=project, images=images))
        return path

    def forget(self, entry_id: str) -> None:
        """Remove what was kept for a batch; its results stay."""
        shutil.rmtree(self.folder / entry_id, ignore_errors=True)

    def close(self) -> None:
        """Let another window have it."""
        self._lock.release()

"""Recorded tasks in a file of JSON Lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from sounddesk.domain.errors import BadInputError
from sounddesk.domain.recorded_task import RecordedTask
from sounddesk.storage.atomic_file import translate_os_errors
from sounddesk.storage.codec import decode
from sounddesk.storage.codec import encode
from sounddesk.storage.path_text import user_data_folder
from sounddesk.storage.text_formats import FieldError
from sounddesk.storage.text_formats import read_json_lines

LOG_NAME: Final = "recorded_tasks.jsonl"


def own_task_log() -> Path:
    """Where this user's tasks are."""
    return user_data_folder() / LOG_NAME


def append_task(path: Path, task: RecordedTask) -> None:
    """Add a task at the end of the file, which is made where it is missing. Raises: OutputError."""
    line = json.dumps(encode(task), ensure_ascii=False)
    with translate_os_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            # First, so that a line that a crash cut off does not swallow this one.
            file.write(f"\n{line}\n" if file.tell() else f"{line}\n")


def read_tasks(path: Path) -> list[RecordedTask]:
    """The tasks of a file, in its order. Raises: BadInputError, which names the line."""
    found = []
    try:
        for number, data in read_json_lines(path):
            try:
                found.append(decode(RecordedTask, data))
            except FieldError as error:
                raise BadInputError(f"{path}, line {number}: {error}") from None
    except OSError as error:
        raise BadInputError(
            f"cannot read {path} ({error.strerror}): record a task in the window first (Help, Record a task)"
        ) from error
    except FieldError as error:
        raise BadInputError(f"{error}: correct it, or leave this log out") from error
    return found

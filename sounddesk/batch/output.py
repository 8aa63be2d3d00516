"""The batch's output folder: whose it is, who may write it now, and what a killed run left lying about."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterable
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from typing import Final

from sounddesk.batch.manifest import manifest_name
from sounddesk.domain.errors import BadInputError
from sounddesk.domain.errors import OutputError
from sounddesk.domain.frame_sequence import Shard
from sounddesk.storage.atomic_file import translate_os_errors
from sounddesk.storage.atomic_file import write_file
from sounddesk.storage.batch_rows import GLOB
from sounddesk.storage.folder_lock import FolderLock
from sounddesk.storage.leftovers import remove_leftovers
from sounddesk.storage.text_formats import read_json

BATCH_FILE: Final = "batch.json"
FORMAT: Final = "sounddesk-batch"
VERSION: Final = "1.0"

_LOCK: Final = ".sounddesk-batch-{index}-of-{count}.lock"
_LOCK_NAME: Final = re.compile(r"\.sounddesk-batch-(\d+)-of-(\d+)\.lock")


class OpenedOutput:
    """The output folder of a run, which may be moved away while the batch runs."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._identity = _identity(out)

    def check(self) -> None:
        """Raises: OutputError, another folder or none stands at its path now."""
        if _identity(self._out) != self._identity:
            raise OutputError(
                f"{self._out} was moved, removed or replaced while the batch ran: "
                "move it back, or go on with --resume where it is now"
            )


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        found = folder.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


@contextlib.contextmanager
def opened_output(
    out: Path, *, shard: Shard, resume: bool, settings: dict[str, Any], outputs: Iterable[str]
) -> Iterator[OpenedOutput]:
    """Inside the block this run alone writes its shard of `out`.

    Args:
        settings: what decides the results, ready for JSON; shards of one batch must agree on it.
        outputs: folders of this shard's frames; temporary files that killed processes left there are removed.

    Raises:
        BadInputError: the folder holds something else, or a batch that is not to be resumed.
        OutputError: it cannot be written, or another run is writing there.
    """
    _check(out, shard=shard, resume=resume, settings=settings)
    with translate_os_errors(out):
        out.mkdir(parents=True, exist_ok=True)
    lock = FolderLock(out / _LOCK.format(index=shard.index, count=shard.count), folder=out)
    try:
        _refuse_other_splits(out, shard)
        _write_settings(out, settings)
        folders = {out / name for name in outputs}
        try:
            # What a killed run left, and afterwards what killed workers of this one did.
            remove_leftovers(out)
            _remove_temporary_files(folders)
            yield OpenedOutput(out)
        finally:
            _remove_temporary_files(folders)
    finally:
        lock.release()


def _check(out: Path, *, shard: Shard, resume: bool, settings: dict[str, Any]) -> None:
    if out.exists() and not out.is_dir():
        raise BadInputError(f"cannot write into {out}: it is a file: choose a folder")
    if resume or not out.exists():
        return
    with translate_os_errors(out, what="cannot read"):
        holds_something = any(not each.name.startswith(".") for each in out.iterdir())
    if not holds_something:
        return
    known = _read_settings(out)
    if known is None:
        raise BadInputError(f"{out} holds other files: choose a new or empty folder")
    own = out / manifest_name(shard)
    if own.exists() or (shard.is_whole and any(out.glob(GLOB))):
        raise BadInputError(f"{out} holds a batch already: add --resume to go on with it, or choose another folder")
    if known != settings:
        raise BadInputError(
            f"{out} holds shards of a batch with other settings: give each shard the same options, or add --resume"
        )


def _refuse_other_splits(out: Path, shard: Shard) -> None:
    """Two runs may share a folder only as different shards of one split."""
    for path in out.glob(_LOCK.format(index="*", count="*")):
        match = _LOCK_NAME.fullmatch(path.name)
        if match is not None and int(match[2]) != shard.count:
            # Held by a living process: refused with its name. A file that a dead one left is taken and removed.
            FolderLock(path, folder=out).release()


def _read_settings(out: Path) -> Any:
    try:
        data = read_json(out / BATCH_FILE)
    except (OSError, ValueError):
        return None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        return None
    return data.get("settings")


def _write_settings(out: Path, settings: dict[str, Any]) -> None:
    if _read_settings(out) != settings:
        data = {"format": FORMAT, "version": VERSION, "settings": settings}
        write_file(out / BATCH_FILE, json.dumps(data, indent=2).encode("ascii") + b"\n")


def _remove_temporary_files(folders: Iterable[Path]) -> None:
    for folder in folders:
        if folder.is_symlink():
            continue
        for path in (*folder.glob(".*.tmp"), *folder.glob("*/.*.tmp")):
            if path.parent.is_symlink():
                continue
            with contextlib.suppress(OSError):
                path.unlink()

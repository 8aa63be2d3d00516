"""Writes the batch's memory: a JSON line per frame and object, only appended, so a kill costs at most the last line."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from sounddesk.domain.batch_manifest import Row
from sounddesk.domain.errors import DiskFullError
from sounddesk.domain.frame_sequence import Shard
from sounddesk.storage.atomic_file import translate_os_errors
from sounddesk.storage.batch_rows import row_to_json
from sounddesk.storage.closing import Closing
from sounddesk.storage.foreign_file import open_foreign_file
from sounddesk.storage.own_file import open_own_file


class ManifestWriter(Closing):
    """Appends rows to one manifest; one process writes it at a time.

    Raises:
        OutputError: it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with translate_os_errors(path):
            self._descriptor = open_own_file(path, append=True)
            size = os.fstat(self._descriptor).st_size
            # A kill may have left half a line: ended here, it spoils no other.
            if size and _last_byte(self._descriptor, size) != b"\n":
                os.write(self._descriptor, b"\n")

    def append(self, row: Row) -> None:
        """Write a row and wait until it is on the disk. Raises: OutputError."""
        line = json.dumps(row_to_json(row), ensure_ascii=True, separators=(",", ":")).encode("ascii") + b"\n"
        with translate_os_errors(self._path):
            written = os.write(self._descriptor, line)
            if written != len(line):
                raise DiskFullError(f"cannot write {self._path}: the disk is full: free some space")
            os.fsync(self._descriptor)

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def manifest_name(shard: Shard) -> str:
    """'manifest.jsonl', or 'manifest-2-of-8.jsonl' for a shard."""
    return "manifest.jsonl" if shard.is_whole else f"manifest-{shard.index}-of-{shard.count}.jsonl"


def is_intact(row: Row, out: Path) -> bool:
    """Whether every file of a row is there with the content that was written."""
    return all(_hash_or_none(out / name) == sha256 for name, sha256 in row.files.items())


def hash_of(value: Any) -> str:
    """SHA-256 of a JSON-ready value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=True).encode("ascii")).hexdigest()


def hash_file(path: Path) -> str:
    """SHA-256 of a file's bytes. Raises: OSError."""
    with open_foreign_file(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _hash_or_none(path: Path) -> str | None:
    try:
        return hash_file(path)
    except OSError:
        return None


def _last_byte(descriptor: int, size: int) -> bytes:
    os.lseek(descriptor, size - 1, os.SEEK_SET)
    return os.read(descriptor, 1)

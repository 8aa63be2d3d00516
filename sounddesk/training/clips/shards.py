"""Data sets of clips as plain files: folders and manifests as they are, WebDataset shards unpacked while in use.

Shards are tar files of samples, for sets too large for single files. A sample holds `json` (the manifest row without
paths), `mp4` (or another video) or an image and a sound, and perhaps `mask.png`. `webdataset` reads and writes them,
because clusters already speak its layout.
"""

from __future__ import annotations

import json
import os
import tarfile
import tempfile
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from typing import Final

from sounddesk.storage.atomic_file import atomic_path
from sounddesk.storage.atomic_file import translate_os_errors
from sounddesk.storage.foreign_file import open_foreign_file
from sounddesk.storage.text_formats import FieldError
from sounddesk.storage.text_formats import parse_json
from sounddesk.training.clips.clip_manifest import AUDIO_SUFFIXES
from sounddesk.training.clips.clip_manifest import IMAGE_SUFFIXES
from sounddesk.training.clips.clip_manifest import VIDEO_SUFFIXES
from sounddesk.training.clips.clip_manifest import ClipSet
from sounddesk.training.clips.clip_manifest import ClipSource
from sounddesk.training.clips.clip_manifest import clip_from_row
from sounddesk.training.clips.clip_manifest import read_clips
from sounddesk.training.clips.clip_manifest import row_of_clip
from sounddesk.training.data.data_error import DataError

_ROLES: Final = {"video": VIDEO_SUFFIXES, "image": IMAGE_SUFFIXES, "audio": AUDIO_SUFFIXES}
_PATH_KEYS: Final = (*_ROLES, "mask")
# Shards of WebDataset hold some thousand samples. A sample is in memory as a whole, with all that follows of its key.
_MOST_MEMBERS: Final = 100_000
_MOST_SAMPLE_BYTES: Final = 1 << 30
# Long names and the like, which tarfile reads as a whole and keeps.
_MOST_HEADER_BYTES: Final = 1 << 16
_MOST_GLOBAL_HEADERS: Final = 1000
_HEADER_TYPES: Final = (
    tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE,
)  # fmt: skip


def _webdataset() -> Any:
    try:
        import webdataset
    except ImportError as error:
        raise DataError("shards need webdataset: pip install 'sounddesk[shards]'") from error
    return webdataset


def write_shards(clips: Sequence[ClipSource], folder: Path, *, clips_per_shard: int = 1000) -> list[Path]:
    """Pack clips into `folder/clips-000000.tar` and so on; the files written.

    Raises:
        DataError: webdataset is not installed, or a file of a clip is missing.
    """
    library = _webdataset()
    folder.mkdir(parents=True, exist_ok=True)
    for number, first in enumerate(range(0, len(clips), clips_per_shard)):
        # An open file, because webdataset takes names for addresses and for commands to run.
        path = folder / f"clips-{number:06d}.tar"
        with atomic_path(path) as part, part.open("xb") as file, library.TarWriter(file) as sink:
            for index, clip in enumerate(clips[first : first + clips_per_shard], start=first):
                sink.write(_sample(clip, key=f"{index:09d}"))
    return sorted(folder.glob("clips-*.tar"))


def _sample(clip: ClipSource, *, key: str) -> dict[str, Any]:
    row = {name: value for name, value in row_of_clip(clip, Path()).items() if name not in _PATH_KEYS}
    sample: dict[str, Any] = {"__key__": key, "json": json.dumps(row).encode()}
    for path in clip.files():
        sample[path.suffix[1:].lower()] = _content(clip, path)
    if clip.mask is not None:
        sample["mask.png"] = _content(clip, clip.mask)
    return sample


def _content(clip: ClipSource, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"clip {clip.id!r}: {path} cannot be read: {error.strerror}") from error


def read_shards(data: Path, folder: Path) -> ClipSet:
    """Unpack the shards at `data` (one tar or a folder of them) into `folder`; a broken shard is skipped and listed.

    Raises:
        DataError: webdataset is not installed.
        OutputError: `folder` cannot be written to.
    """
    _webdataset()
    shards = [data] if data.suffix == ".tar" else sorted(data.glob("*.tar"))
    clips: list[ClipSource] = []
    skipped: dict[str, str] = {}
    for number, shard in enumerate(shards):
        # Not named after the shard: its name comes from others and may be '..'.
        unpacked = folder / f"{number:06d}"
        try:
            for sample in _samples(shard):
                name = f"{shard.stem}/{sample['__key__']}"
                try:
                    clips.append(_unpack(sample, unpacked, where=f"{shard}, sample {sample['__key__']}"))
                except DataError as error:
                    skipped[name] = str(error)
        except (tarfile.TarError, OSError, ValueError, EOFError) as error:
            skipped[str(shard)] = f"cannot be read to its end: {error}"
        _date_as(shard, unpacked)
    return ClipSet(clips=tuple(clips), skipped=skipped)


def _samples(shard: Path) -> Iterator[dict[str, Any]]:
    """The samples of a shard, grouped by webdataset, which never sees its name: it would run `pipe:...` as a command.

    Raises:
        tarfile.TarError, OSError, ValueError: it is no plain tar file, or damaged; samples before that are given.
    """
    from webdataset.tariterators import group_by_keys

    # Uncompressed and without holes: what is read is never larger than the file.
    with open_foreign_file(shard) as file, tarfile.open(fileobj=file, mode="r|", tarinfo=_Member) as tar:
        yield from group_by_keys(_members(tar, str(shard)))


class _Member(tarfile.TarInfo):
    """Refuses headers that are larger than any name, before they are read."""

    def _proc_member(self, tar: tarfile.TarFile) -> tarfile.TarInfo:
        if self.type in _HEADER_TYPES and self.size > _MOST_HEADER_BYTES:
            raise tarfile.ReadError(f"it has a header of {self.size:,} bytes: pack it again")
        found: tarfile.TarInfo = super()._proc_member(tar)  # type: ignore[misc]
        return found


def _members(tar: tarfile.TarFile, shard: str) -> Iterator[dict[str, Any]]:
    key, key_bytes = "", 0
    for number, member in enumerate(tar):
        if member.issparse():
            raise tarfile.ReadError(f"{member.name[:100]!r} is a sparse file: pack it again")
        if number >= _MOST_MEMBERS or len(tar.pax_headers) > _MOST_GLOBAL_HEADERS:
            raise tarfile.ReadError(
                f"has more than {_MOST_MEMBERS:,} files or {_MOST_GLOBAL_HEADERS:,} headers: split it"
            )
        # As webdataset groups them: by all before the first dot of the last name.
        folder, _, name = member.name.rpartition("/")
        before, key = key, f"{folder}/{name.partition('.')[0]}"
        key_bytes = member.size + (key_bytes if key == before else 0)
        if key_bytes > _MOST_SAMPLE_BYTES:
            raise tarfile.ReadError(
                f"the sample {key[-100:]!r} is larger than {_MOST_SAMPLE_BYTES >> 30} GiB: split it"
            )
        content = tar.extractfile(member) if member.isreg() else None
        if content is not None:
            yield {"fname": member.name, "data": content.read(), "__url__": shard}
        # Each header read would be kept otherwise.
        tar.members = []  # type: ignore[attr-defined]


def _unpack(sample: dict[str, Any], folder: Path, *, where: str) -> ClipSource:
    folder.mkdir(parents=True, exist_ok=True)
    try:
        row = parse_json(sample.get("json", b"{}"))
    except FieldError as error:
        raise DataError(f"{where}: its json cannot be read: {error}") from error
    if not isinstance(row, dict):
        raise DataError(f"{where}: its json is no JSON object")
    named = next((key for key in _PATH_KEYS if key in row), None)
    if named is not None:
        raise DataError(f"{where}: its json names a file as {named!r}: pack the file into the shard instead")
    row.setdefault("id", str(sample["__key__"]))
    if "txt" in sample:
        row.setdefault("caption", sample["txt"].decode("utf-8", errors="replace").strip())
    for role, suffixes in _ROLES.items():
        for suffix in suffixes:
            if suffix[1:] in sample and role not in row:
                row[role] = _write(folder, sample, suffix[1:])
    if "mask.png" in sample:
        row["mask"] = _write(folder, sample, "mask.png")
    return clip_from_row(row, folder=folder, where=where)


def _date_as(shard: Path, folder: Path) -> None:
    """Give unpacked files the shard's time: a cache knows them again after the next unpacking."""
    time_ns = shard.stat().st_mtime_ns
    for path in folder.glob("*"):
        os.utime(path, ns=(time_ns, time_ns))


def _write(folder: Path, sample: dict[str, Any], suffix: str) -> str:
    # Keys come out of a file of others: only their last part names a file here.
    name = f"{Path(str(sample['__key__'])).name}.{suffix}"
    # A full disk ends the reading: it is no fault of the shard's.
    with translate_os_errors(folder / name):
        (folder / name).write_bytes(sample[suffix])
    return name


@contextmanager
def unpacked_shards(data: Path) -> Iterator[ClipSet]:
    """The clips of shards as plain files in a temporary folder, which goes at the end of the block."""
    with tempfile.TemporaryDirectory(prefix="sounddesk-shards-") as scratch:
        yield read_shards(data, Path(scratch))


@contextmanager
def open_clips(data: Path) -> Iterator[ClipSet]:
    """The clips of any data set (folder, manifest or shards); inside the block their files can be read.

    Raises:
        DataError: no data set there, or a manifest with a wrong key.
    """
    if data.suffix == ".tar" or (data.is_dir() and any(data.glob("*.tar"))):
        with unpacked_shards(data) as clips:
            yield clips
    else:
        yield read_clips(data)

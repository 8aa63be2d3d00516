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

from sounddesk.storage.text_formats import FieldError
from sounddesk.storage.text_formats import parse_json
from sounddesk.training.clips.clip_manifest import AUDIO_SUFFIXES
from sounddesk.training.clips.clip_manifest import IMAGE_SUFFIXES
from sounddesk.training.clips.clip_manifest import VIDEO_SUFFIXES
from sounddesk.training.clips.clip_manifest import ClipSet
from sounddesk.training.clips.clip_manifest import ClipSource
from sounddesk.training.clips.clip_manifest import DataError
from sounddesk.training.clips.clip_manifest import clip_from_row
from sounddesk.training.clips.clip_manifest import read_clips
from sounddesk.training.clips.clip_manifest import row_of_clip

_ROLES: Final = {"video": VIDEO_SUFFIXES, "image": IMAGE_SUFFIXES, "audio": AUDIO_SUFFIXES}


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
    pattern = str(folder / "clips-%06d.tar")
    with library.ShardWriter(pattern, maxcount=clips_per_shard, verbose=0) as sink:
        for index, clip in enumerate(clips):
            row = {key: value for key, value in row_of_clip(clip, Path()).items() if key not in (*_ROLES, "mask")}
            sample: dict[str, Any] = {"__key__": f"{index:09d}", "json": json.dumps(row).encode()}
            for path in clip.files():
                sample[path.suffix[1:].lower()] = _content(clip, path)
            if clip.mask is not None:
                sample["mask.png"] = _content(clip, clip.mask)
            sink.write(sample)
    return sorted(folder.glob("clips-*.tar"))


def _content(clip: ClipSource, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"clip {clip.id!r}: {path} cannot be read: {error.strerror}") from error


def read_shards(data: Path, folder: Path) -> ClipSet:
    """Unpack the shards at `data` (one tar or a folder of them) into `folder`; a broken shard is skipped and listed.

    Raises:
        DataError: webdataset is not installed.
    """
    library = _webdataset()
    shards = [data] if data.suffix == ".tar" else sorted(data.glob("*.tar"))
    clips: list[ClipSource] = []
    skipped: dict[str, str] = {}
    for shard in shards:
        try:
            for sample in library.WebDataset(str(shard), shardshuffle=False, empty_check=False):
                name = f"{shard.stem}/{sample['__key__']}"
                try:
                    clips.append(_unpack(sample, folder / shard.stem, where=f"{shard}, sample {sample['__key__']}"))
                except DataError as error:
                    skipped[name] = str(error)
        except (tarfile.TarError, OSError, ValueError, EOFError) as error:
            skipped[str(shard)] = f"cannot be read to its end: {error}"
        _date_as(shard, folder / shard.stem)
    return ClipSet(clips=tuple(clips), skipped=skipped)


def _unpack(sample: dict[str, Any], folder: Path, *, where: str) -> ClipSource:
    folder.mkdir(parents=True, exist_ok=True)
    try:
        row = parse_json(sample.get("json", b"{}"))
    except FieldError as error:
        raise DataError(f"{where}: its json cannot be read: {error}") from error
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

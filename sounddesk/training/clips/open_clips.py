"""Any data set of clips as plain files: folder and manifest as they are, shards unpacked while they are needed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sounddesk.training.clips.clip_manifest import ClipSet
from sounddesk.training.clips.clip_manifest import read_clips


@contextmanager
def open_clips(data: Path) -> Iterator[ClipSet]:
    """The clips of `data`; inside the block their files can be read.

    Raises:
        DataError: no data set there, or a manifest with a wrong key.
    """
    if data.suffix == ".tar" or (data.is_dir() and any(data.glob("*.tar"))):
        from sounddesk.training.clips.shards import unpacked_shards

        with unpacked_shards(data) as clips:
            yield clips
    else:
        yield read_clips(data)

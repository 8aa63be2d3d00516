"""`sounddesk train check`: can every clip be read, and is training data kept apart from test data?"""

from __future__ import annotations

import csv
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.tasks import StageReporter
from sounddesk.engine.verified_files import hash_file
from sounddesk.training.clips.clip_manifest import ClipSource
from sounddesk.training.clips.media_reader import MediaError
from sounddesk.training.clips.media_reader import read_clip
from sounddesk.training.clips.shards import open_clips
from sounddesk.training.data.data_error import DataError

CHECK_RATE_HZ = 16_000


@dataclass(frozen=True, kw_only=True)
class DataReport:
    """Result of a check of a data set.

    Attributes:
        clips: usable clips by split.
        hours: their sound by split.
        broken: what cannot be used, with the reason; training skips it.
        leaks: pairs 'training file = test file' of equal content; training refuses the data set.
        without_caption: usable training clips that have no caption.
    """

    clips: dict[str, int]
    hours: dict[str, float]
    broken: dict[str, str]
    leaks: tuple[str, ...]
    without_caption: tuple[str, ...]

    @property
    def usable(self) -> bool:
        """Whether a training run would accept the data set."""
        return not self.leaks and self.clips.get("train", 0) > 0

    def lines(self) -> list[str]:
        """The report for a reader."""
        text = [
            f"{split}: {self.clips[split]} clips, {self.hours[split]:.2f} h"
            for split in self.clips
            if self.clips[split]
        ]
        text += [f"broken: {name}: {reason}" for name, reason in self.broken.items()]
        text += [f"no caption: {name}" for name in self.without_caption]
        text += [f"in training and test: {leak}" for leak in self.leaks]
        return text or ["no clips"]

    def to_json(self) -> dict[str, Any]:
        return {"usable": self.usable, **asdict(self)}


def find_leaks(files_of: Iterable[tuple[str, str, str]]) -> tuple[str, ...]:
    """Files (split, content hash, name) of equal content in two splits, as 'name = name', training first."""
    found: dict[str, dict[str, str]] = {}
    for split, digest, name in files_of:
        found.setdefault(digest, {}).setdefault(split, name)
    order = ("train", "validation", "test")
    return tuple(
        " = ".join(of_split[split] for split in order if split in of_split)
        for of_split in found.values()
        if len(of_split) > 1
    )


def refuse_leaks(clips: Sequence[ClipSource]) -> None:
    """Raises: DataError, when a file of a training clip has the content of one of a test clip."""
    if {clip.split for clip in clips} != {"train", "test"}:
        return
    leaks = find_leaks(_hashes(clips))
    if leaks:
        more = f" and {len(leaks) - 1} more" if len(leaks) > 1 else ""
        raise DataError(
            f"in training and test: {leaks[0]}{more}: remove one of each ('sounddesk train check' lists all)"
        )


def _hashes(clips: Sequence[ClipSource]) -> Iterable[tuple[str, str, str]]:
    for clip in clips:
        # One long video may serve several clips: the same file within one split is no leak.
        for path in clip.files():
            if path.is_file():
                yield clip.split, hash_file(path).sha256, str(path)


def check_data(
    data: Path, *, seconds: float = 10.0, progress: OnProgress | None = None, cancel: CancelToken | None = None
) -> DataReport:
    """Read every clip once and compare the splits.

    Args:
        data: folder, manifest, shards, or what `train prepare starter` made.
        seconds: length of a training clip.

    Raises:
        DataError: no data set there, or a manifest with a wrong key.
        Cancelled: through `cancel`.
    """
    if (data / "table.csv").is_file():
        return _check_table(data, progress=progress, cancel=cancel)
    with open_clips(data) as found:
        broken = dict(found.skipped)
        clips = {"train": 0, "test": 0}
        hours = {"train": 0.0, "test": 0.0}
        nameless = []
        reporter = StageReporter(stage="check", total=len(found.clips), on_progress=progress, cancel=cancel)

        def heard_s(clip: ClipSource) -> float | str:
            try:
                return read_clip(clip, seconds=seconds, sample_rate_hz=CHECK_RATE_HZ, frame_times_s=(0.0,)).heard_s
            except (MediaError, ValueError) as error:
                return str(error)

        for index, (clip, result) in enumerate(_in_threads(heard_s, found.clips)):
            if isinstance(result, str):
                broken[clip.id] = result
            else:
                clips[clip.split] += 1
                hours[clip.split] += result / 3600
                if not clip.caption and clip.split == "train":
                    nameless.append(clip.id)
            reporter.step(index + 1)
        leaks = find_leaks(_hashes(found.clips))
    return DataReport(
        clips=clips,
        hours={split: round(value, 4) for split, value in hours.items()},
        broken=broken,
        leaks=leaks,
        without_caption=tuple(nameless),
    )


def _in_threads(
    work: Callable[[ClipSource], float | str], clips: Sequence[ClipSource]
) -> Iterable[tuple[ClipSource, float | str]]:
    with ThreadPoolExecutor(max_workers=2) as pool:
        yield from zip(clips, pool.map(work, clips), strict=True)


def _check_table(data: Path, *, progress: OnProgress | None, cancel: CancelToken | None) -> DataReport:
    """The starter's own layout: every file there, of the content that the table says, and no content in two splits."""
    with (data / "table.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    broken: dict[str, str] = {}
    clips = {"train": 0, "validation": 0, "test": 0}
    hours = {"train": 0.0, "validation": 0.0, "test": 0.0}
    hashes = []
    reporter = StageReporter(stage="check", total=len(rows), on_progress=progress, cancel=cancel)
    for index, row in enumerate(rows):
        path = data / row["path"]
        digest = hash_file(path).sha256 if path.is_file() else None
        if digest is None:
            broken[row["path"]] = "is missing"
        elif row.get("sha256") not in (None, "", digest):
            broken[row["path"]] = "differs from its sha256 in table.csv"
        else:
            hashes.append((row["split"], digest, row["path"]))
            if row["role"] == "recording":
                clips[row["split"]] += 1
                hours[row["split"]] += float(row.get("duration_s") or 0.0) / 3600
        reporter.step(index + 1)
    return DataReport(
        clips=clips,
        hours={split: round(value, 4) for split, value in hours.items()},
        broken=broken,
        leaks=find_leaks(hashes),
        without_caption=(),
    )

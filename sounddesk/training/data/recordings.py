"""A prepared data set: its kinds, its recordings in memory and random crops of them, and its test pictures."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from sounddesk.engine.starter.kinds_document import KINDS_DOCUMENT
from sounddesk.engine.starter.kinds_document import read_kind_rows
from sounddesk.storage.atomic_file import atomic_path

Samples = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class Recording:
    """One recording: its kind, its split ('train' or 'test') and float32 samples at the data set's rate.

    `origin` is the file it was cut from: recordings of one origin sound alike.
    """

    kind: str
    id: str
    split: str
    samples: Samples
    origin: str = ""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of sounding thing and how it behaves over time.

    `repeat`: 'one-shot', 'repeating' or 'continuous'. `imagenet_classes`: which of ImageNet's 1,000 classes are of it.
    """

    name: str
    caption: str
    alt_captions: tuple[str, ...]
    repeat: str
    imagenet_classes: tuple[int, ...] = ()


def read_kinds(data_dir: Path) -> list[Kind]:
    """The kinds of a prepared data set, in the order of its `kinds.json`. Raises: FieldError, OSError."""
    return [
        Kind(
            name=row.kind,
            caption=row.caption,
            alt_captions=row.alt_captions,
            repeat=row.repeat,
            imagenet_classes=row.imagenet_classes,
        )
        for row in read_kind_rows(data_dir / KINDS_DOCUMENT)
    ]


def read_rows(data_dir: Path, role: str) -> list[dict[str, str]]:
    """Rows of `table.csv` with that role ('recording', 'picture', 'background')."""
    with (data_dir / "table.csv").open(newline="") as file:
        return [row for row in csv.DictReader(file) if row["role"] == role]


def read_recordings(data_dir: Path, *, splits: Sequence[str] = ("train",)) -> list[Recording]:
    """All recordings of the given splits, in table order."""
    recordings = []
    for row in read_rows(data_dir, "recording"):
        if row["split"] in splits:
            samples, _ = soundfile.read(data_dir / row["path"], dtype="float32")
            origin = f"{row['source']}:{row['member'].partition('#')[0]}"
            recordings.append(
                Recording(kind=row["kind"], id=row["id"], split=row["split"], samples=samples, origin=origin)
            )
    return recordings


def folds_of(recordings: Sequence[Recording], count: int) -> list[int | None]:
    """Assign the recordings of each kind to `count` folds, those of one origin to the same fold.

    None for kinds of a single origin: without it nobody could learn the kind.
    """
    origins: dict[str, list[str]] = {}
    for recording in recordings:
        known = origins.setdefault(recording.kind, [])
        if recording.origin not in known:
            known.append(recording.origin)
    return [
        origins[recording.kind].index(recording.origin) % count if len(origins[recording.kind]) > 1 else None
        for recording in recordings
    ]


def random_crop(samples: Samples, length: int, rng: np.random.Generator) -> Samples:
    """`length` samples from a random place; a shorter recording is placed at random in silence."""
    if len(samples) >= length:
        start = int(rng.integers(len(samples) - length + 1))
        return samples[start : start + length]
    out = np.zeros(length, dtype=np.float32)
    start = int(rng.integers(length - len(samples) + 1))
    out[start : start + len(samples)] = samples
    return out


def scale_peak(samples: Samples, peak: float) -> Samples:
    """Zero mean and absolute peak `peak`; silence stays silence (AudioLDM 1.1)."""
    centred = samples - samples.mean()
    return (centred / (np.abs(centred).max() + 1e-8) * peak).astype(np.float32)


def copy_test_pictures(data_dir: Path, target: Path) -> Path:
    """Copy the test pictures of `data_dir` to `target`/KIND/*.png, as the evaluation reads them; returns `target`.

    Pictures that are there already stay.
    """
    for row in read_rows(data_dir, "picture"):
        if row["split"] == "test":
            place = target / row["kind"] / Path(row["path"]).name
            if not place.exists():
                place.parent.mkdir(parents=True, exist_ok=True)
                with atomic_path(place) as part:
                    shutil.copyfile(data_dir / row["path"], part)
    return target

"""Where the clips of a data set are: a folder, a JSONL manifest, or WebDataset shards."""

from __future__ import annotations

import json
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import field
from dataclasses import fields
from pathlib import Path
from typing import Any
from typing import Final

from sounddesk.domain.picture_suffixes import PICTURE_SUFFIXES
from sounddesk.storage.atomic_file import write_file
from sounddesk.storage.text_formats import FieldError
from sounddesk.storage.text_formats import read_json_lines
from sounddesk.training.data.data_error import DataError

MANIFEST_NAME: Final = "clips.jsonl"
VIDEO_SUFFIXES: Final = (".mp4", ".mkv", ".webm", ".mov", ".avi", ".m4v")
AUDIO_SUFFIXES: Final = (".wav", ".flac", ".ogg", ".opus", ".mp3", ".m4a")
IMAGE_SUFFIXES: Final = PICTURE_SUFFIXES
SPLITS: Final = ("train", "test")
# Some three million clips.
_MAX_MANIFEST_BYTES: Final = 1 << 30
_MAX_CAPTION_BYTES: Final = 64 << 10


@dataclass(frozen=True, kw_only=True)
class ClipSource:
    """One clip of a data set: a video, or an image with a sound.

    Attributes:
        id: unique in its data set.
        caption: what is heard; the attention's query in training.
        video: file with frames and sound; else `image` and `audio`.
        mask: image of the sounding object, bright or opaque where it is; optional.
        start_s: where the clip begins in the file's sound (and video).
        split: 'train' or 'test'.
        labels: names of the sound events, e.g. of AudioSet; optional.
        audio_caption: what an audio captioner said; frame_captions: what an image captioner said of each second.
        matching_score: of the audio-visual matching model, 0 to 1; None where it was not scored.
    """

    id: str
    caption: str = ""
    video: Path | None = None
    image: Path | None = None
    audio: Path | None = None
    mask: Path | None = None
    start_s: float = 0.0
    split: str = "train"
    labels: tuple[str, ...] = ()
    audio_caption: str = ""
    frame_captions: tuple[str, ...] = ()
    matching_score: float | None = None

    def __post_init__(self) -> None:
        if self.split not in SPLITS:
            raise DataError(f"clip {self.id!r}: split is {self.split!r}: choose 'train' or 'test'")
        if (self.video is None) == (self.image is None or self.audio is None):
            raise DataError(f"clip {self.id!r}: name a 'video', or an 'image' and an 'audio'")
        if self.start_s < 0:
            raise DataError(f"clip {self.id!r}: start_s is {self.start_s}: choose 0 or more")

    def files(self) -> tuple[Path, ...]:
        """Files that hold picture and sound (not the mask, which may well be shared)."""
        return tuple(path for path in (self.video, self.image, self.audio) if path is not None)


@dataclass(frozen=True, kw_only=True)
class ClipSet:
    """The clips of a data set, and what was skipped with the reason."""

    clips: tuple[ClipSource, ...]
    skipped: Mapping[str, str] = field(default_factory=dict)

    def of_split(self, split: str) -> tuple[ClipSource, ...]:
        return tuple(clip for clip in self.clips if clip.split == split)


_FIELDS: Final = tuple(entry.name for entry in fields(ClipSource))
_PATHS: Final = ("video", "image", "audio", "mask")


def read_clips(data: Path) -> ClipSet:
    """The clips of a manifest file, of a folder that holds `clips.jsonl`, or of a plain folder.

    Raises:
        DataError: nothing there, or a manifest with a wrong key (the line is named).
    """
    if data.is_file() and data.suffix == ".jsonl":
        return _from_manifest(data)
    if (data / MANIFEST_NAME).is_file():
        return _from_manifest(data / MANIFEST_NAME)
    if data.is_dir():
        return _from_folder(data)
    raise DataError(f"{data} is no data set: name a folder of videos or of images with sounds, or a .jsonl manifest")


def write_clips(path: Path, clips: Sequence[ClipSource]) -> None:
    """Write a manifest as a whole; paths below its folder become relative to it."""
    lines = [json.dumps(row_of_clip(clip, path.parent), ensure_ascii=False) for clip in clips]
    write_file(path, "".join(line + "\n" for line in lines).encode())


def row_of_clip(clip: ClipSource, folder: Path) -> dict[str, Any]:
    """The manifest row of a clip, without empty fields; paths below `folder` are relative to it."""
    row: dict[str, Any] = {}
    for key, value in asdict(clip).items():
        if value in (None, "", ()) or (key == "start_s" and value == 0.0):
            continue
        if isinstance(value, Path):
            value = value.relative_to(folder) if value.is_relative_to(folder) else value
            value = value.as_posix()
        row[key] = value
    return row


def _from_manifest(path: Path) -> ClipSet:
    clips = list(_rows(path))
    seen: set[str] = set()
    for clip in clips:
        if clip.id in seen:
            raise DataError(f"{path}: id {clip.id!r} occurs twice: give every clip an id of its own")
        seen.add(clip.id)
    return ClipSet(clips=tuple(clips))


def _rows(path: Path) -> Iterator[ClipSource]:
    try:
        for number, row in read_json_lines(path, max_bytes=_MAX_MANIFEST_BYTES):
            where = f"{path}, line {number}"
            if not isinstance(row, dict):
                raise DataError(f"{where} is not a JSON object")
            yield clip_from_row(row, folder=path.parent, where=where)
    except FieldError as error:
        raise DataError(str(error)) from error
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}): check its permissions") from error


def clip_from_row(row: Mapping[str, Any], *, folder: Path, where: str) -> ClipSource:
    """One manifest row as a clip; relative paths start at `folder`. Raises: DataError, the key is named."""
    for key in row:
        if key not in _FIELDS:
            raise DataError(f"{where}: unknown key {key!r}; known are {', '.join(_FIELDS)}")
    if not isinstance(row.get("id"), str) or not row["id"]:
        raise DataError(f"{where}: key 'id' is missing or no text")
    values: dict[str, Any] = {}
    for key, value in row.items():
        if key in _PATHS:
            if not isinstance(value, str):
                raise DataError(f"{where}: {key} is {value!r}: a path is needed")
            value = folder / value
        elif key in ("labels", "frame_captions"):
            if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
                raise DataError(f"{where}: {key} is {value!r}: a list of texts is needed")
            value = tuple(value)
        elif key in ("start_s", "matching_score"):
            if not isinstance(value, int | float) or isinstance(value, bool):
                raise DataError(f"{where}: {key} is {value!r}: a number is needed")
            value = float(value)
        elif not isinstance(value, str):
            raise DataError(f"{where}: {key} is {value!r}: a text is needed")
        values[key] = value
    try:
        return ClipSource(**values)
    except DataError as error:
        raise DataError(f"{where}: {error}") from error


def _from_folder(folder: Path) -> ClipSet:
    """Videos, and images with a sound of the same name beside them.

    NAME.txt is the caption, NAME.mask.png the mask. What lies below a folder 'test' is kept apart for testing.
    """
    clips: list[ClipSource] = []
    skipped: dict[str, str] = {}
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    by_stem: dict[Path, dict[str, Path]] = {}
    for path in files:
        by_stem.setdefault(path.with_suffix(""), {})[path.suffix.lower()] = path
    for stem, own in sorted(by_stem.items()):
        name = stem.relative_to(folder).as_posix()
        pick = {kind: next((own[s] for s in suffixes if s in own), None) for kind, suffixes in _KINDS.items()}
        if stem.suffix == ".mask" or not any(pick.values()):
            continue
        if pick["video"] is None and (pick["image"] is None or pick["audio"] is None):
            there, missing = ("image", "sound") if pick["image"] else ("sound", "image")
            skipped[name] = (
                f"an {there} without a {missing} of the same name"
                if there == "image"
                else (f"a {there} without an {missing} of the same name")
            )
            continue
        media = {"video": pick["video"]} if pick["video"] else {"image": pick["image"], "audio": pick["audio"]}
        caption_file, mask = stem.parent / f"{stem.name}.txt", stem.parent / f"{stem.name}.mask.png"
        try:
            caption = _caption(caption_file)
        except DataError as error:
            skipped[name] = str(error)
            continue
        clips.append(
            ClipSource(
                id=name,
                caption=caption,
                mask=mask if mask.is_file() else None,
                split="test" if "test" in Path(name).parts[:-1] else "train",
                **media,
            )
        )
    if not clips and not skipped:
        raise DataError(f"{folder} holds no clips: put videos there, or images with sounds of the same names")
    return ClipSet(clips=tuple(clips), skipped=skipped)


def _caption(file: Path) -> str:
    if not file.is_file():
        return ""
    try:
        with file.open("rb") as stream:
            data = stream.read(_MAX_CAPTION_BYTES + 1)
        text = data.decode("utf-8").strip()
    except OSError as error:
        raise DataError(f"{file.name} cannot be read ({error.strerror}): check its permissions") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{file.name} is not UTF-8 at byte {error.start}: save it as UTF-8") from error
    if len(data) > _MAX_CAPTION_BYTES:
        raise DataError(f"{file.name} is longer than {_MAX_CAPTION_BYTES >> 10} kB: a caption is a sentence")
    return text


_KINDS: Final = {"video": VIDEO_SUFFIXES, "image": IMAGE_SUFFIXES, "audio": AUDIO_SUFFIXES}

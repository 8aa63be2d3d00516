"""AudioCaps (Kim et al. 2019): train.csv, val.csv and test.csv with audiocap_id, youtube_id, start_time, caption."""

from __future__ import annotations

from pathlib import Path

from sounddesk.domain.errors import BadInputError
from sounddesk.evaluation.protocols.registry import PROTOCOLS
from sounddesk.evaluation.protocols.registry import ProtocolEntry
from sounddesk.evaluation.protocols.registry import PublishedClip
from sounddesk.storage.text_formats import FieldError
from sounddesk.storage.text_formats import read_csv

_SECONDS = 10.0


def read(path: Path) -> list[PublishedClip]:
    """One clip for each cut, with the first of its captions. Raises: BadInputError."""
    try:
        rows = read_csv(path, columns=("youtube_id", "start_time", "caption"))
    except OSError as error:
        raise BadInputError(f"cannot read {path} ({error.strerror}): name AudioCaps' test.csv") from error
    except FieldError as error:
        raise BadInputError(f"{error}: name AudioCaps' test.csv as it was published") from error
    clips: dict[str, PublishedClip] = {}
    for row in rows:
        try:
            start = float(row["start_time"])
            clip = PublishedClip(
                video=row["youtube_id"].strip(), start_s=start, end_s=start + _SECONDS, caption=row["caption"].strip()
            )
            clips.setdefault(clip.id, clip)
        except (ValueError, OverflowError) as error:
            raise BadInputError(f"{path}: start_time is {row['start_time']!r}: expected seconds") from error
    return list(clips.values())


PROTOCOLS.register(
    ProtocolEntry(name="audiocaps", label="AudioCaps", summary="test.csv, the first caption of each clip", read=read)
)

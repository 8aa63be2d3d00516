"""One HTML page of a batch: thumbnails, players, levels and what failed. Needs no server and no script."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sounddesk.batch.frame_files import MIX_FILE
from sounddesk.batch.frame_files import THUMBNAIL_FILE
from sounddesk.domain.batch_manifest import Row
from sounddesk.domain.batch_manifest import newest_rows
from sounddesk.domain.frame_sequence import natural_key
from sounddesk.storage.atomic_file import translate_os_errors
from sounddesk.storage.atomic_file import write_file
from sounddesk.storage.batch_rows import read_rows
from sounddesk.storage.html_page import escape_undecodable
from sounddesk.storage.html_page import render_template

PAGE_FILE: Final = "index.html"

_TEMPLATE: Final = Path(__file__).with_suffix(".html")


@dataclass(frozen=True, kw_only=True)
class _Sound:
    """A line of the page. Without a file and an error, the object is not in the frame.

    Attributes:
        spoken: what a screen reader says of the player.
    """

    label: str
    spoken: str = ""
    file: str | None = None
    error: str | None = None
    levels: str = ""


@dataclass(frozen=True, kw_only=True)
class _Frame:
    """A row of the page. `error` is what broke the whole frame."""

    name: str
    thumbnail: str | None
    sounds: tuple[_Sound, ...]
    error: str | None


def write_summary(out: Path, *, title: str) -> Path:
    """Write `index.html` from all manifests in the folder, and return its path. Raises: OutputError."""
    page = out / PAGE_FILE
    with translate_os_errors(out, what="cannot read"):
        rows = list(newest_rows(read_rows(out)).values())
    write_file(page, summary_page(rows, title=title).encode("utf-8"))
    return page


def summary_page(rows: Sequence[Row], *, title: str) -> str:
    """The page as HTML. Says nothing of times, so that two runs with the same result give the same page."""
    by_frame: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_frame[row.frame].append(row)
    beds = by_frame.pop("", [])
    frames = sorted(by_frame, key=natural_key)
    return render_template(
        _TEMPLATE,
        title=title,
        beds=_sounds(beds),
        frames=[_frame(frame, by_frame[frame]) for frame in frames],
        failed=[
            escape_undecodable(frame) for frame in frames if any(row.status == "failed" for row in by_frame[frame])
        ],
    )


def _frame(name: str, rows: Sequence[Row]) -> _Frame:
    whole = next((row for row in rows if not row.object), None)
    reason = (whole.error or "failed") if whole is not None and whole.status == "failed" else None
    # What broke the whole frame is told once, not again for each of its objects; and the other way round.
    told = [row for row in rows if row.object and not (row.status == "failed" and row.error == reason)]
    if any(row.status == "failed" for row in told):
        reason = None
    sounds = _sounds(told)
    mix = _file_named(whole, MIX_FILE)
    if whole is not None and mix is not None:
        sounds = (*sounds, _Sound(label="mix", spoken=f"mix of {name}", file=mix, levels=_levels(whole)))
    return _Frame(
        name=escape_undecodable(name), thumbnail=_file_named(whole, THUMBNAIL_FILE), sounds=sounds, error=reason
    )


def _sounds(rows: Sequence[Row]) -> tuple[_Sound, ...]:
    sounds = []
    for row in sorted(rows, key=lambda row: (natural_key(row.object), row.take)):
        label = row.object if row.take < 2 else f"{row.object}, take {row.take}"
        if row.status == "done" and row.file is not None:
            spoken = f"{label} of {row.frame or 'the shot'}"
            sounds.append(_Sound(label=label, spoken=spoken, file=row.file, levels=_levels(row)))
        elif row.status == "absent":
            sounds.append(_Sound(label=label))
        else:
            sounds.append(_Sound(label=label, error=row.error or "failed"))
    return tuple(sounds)


def _levels(row: Row) -> str:
    lufs, peak = row.levels.get("lufs"), row.levels.get("peak_dbfs")
    texts = [f"{lufs:.1f} LUFS" if lufs is not None else "", f"peak {peak:.1f} dBFS" if peak is not None else ""]
    return ", ".join(text for text in texts if text)


def _file_named(row: Row | None, ending: str) -> str | None:
    if row is None:
        return None
    return next((name for name in row.files if name.endswith(f"/{ending}")), None)

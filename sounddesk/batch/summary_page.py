"""One HTML page of a batch: thumbnails, players, levels and what failed. Needs no server and no script."""

from __future__ import annotations

import html
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from urllib.parse import quote

from sounddesk.batch.frame_files import MIX_FILE
from sounddesk.batch.frame_files import THUMBNAIL_FILE
from sounddesk.domain.batch_manifest import Row
from sounddesk.domain.batch_manifest import newest_rows
from sounddesk.domain.frame_sequence import natural_key
from sounddesk.storage.atomic_file import translate_os_errors
from sounddesk.storage.atomic_file import write_file
from sounddesk.storage.batch_rows import read_rows
from sounddesk.storage.html_page import audio_player
from sounddesk.storage.html_page import html_page
from sounddesk.storage.html_page import picture

PAGE_FILE: Final = "index.html"

_STYLE: Final = """\
table { width: 100%; }
img { max-width: 320px; }
.failed { color: #c33; font-weight: 600; }
td.level { white-space: nowrap; font-variant-numeric: tabular-nums; }
"""


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
    failed = [frame for frame in frames if any(row.status == "failed" for row in by_frame[frame])]
    summary = f"{len(frames)} frames" + (
        f', <span class="failed">{len(failed)} failed</span>: {_links(failed)}' if failed else ", none failed"
    )
    parts = [f"<h1>{html.escape(title)}</h1>", f"<p>{summary}</p>" if frames else ""]
    if beds:
        parts += ["<h2>Beds over the whole shot</h2>", "<table>", *_sounds(beds), "</table>"]
    if frames:
        parts += ["<table>", "<tr><th>frame</th><th>sounds</th></tr>"]
        parts += [_frame(frame, by_frame[frame]) for frame in frames]
        parts += ["</table>"]
    return html_page(parts, title=title, style=_STYLE)


def _frame(name: str, rows: Sequence[Row]) -> str:
    whole = next((row for row in rows if not row.object), None)
    reason = (whole.error or "failed") if whole is not None and whole.status == "failed" else None
    # What broke the whole frame is told once, not again for each of its objects; and the other way round.
    sounds = [row for row in rows if row.object and not (row.status == "failed" and row.error == reason)]
    if any(row.status == "failed" for row in sounds):
        reason = None
    thumbnail = _file_named(whole, THUMBNAIL_FILE)
    image = "" if thumbnail is None else f"{picture(thumbnail, alt='')}<br>"
    lines = _sounds(sounds)
    mix = _file_named(whole, MIX_FILE)
    if whole is not None and mix is not None:
        lines.append(_line("mix", audio_player(mix, label=f"mix of {name}"), _levels(whole)))
    if reason is not None:
        lines.append(f'<tr><td colspan="3" class="failed">{html.escape(reason)}</td></tr>')
    return (
        f'<tr id="{html.escape(name)}"><td>{image}{html.escape(name)}</td><td><table>{"".join(lines)}</table></td></tr>'
    )


def _links(frames: Sequence[str]) -> str:
    """Frames by name; a click leads to their row."""
    return ", ".join(f'<a href="#{quote(name)}">{html.escape(name)}</a>' for name in frames)


def _sounds(rows: Sequence[Row]) -> list[str]:
    lines = []
    for row in sorted(rows, key=lambda row: (natural_key(row.object), row.take)):
        label = row.object if row.take < 2 else f"{row.object}, take {row.take}"
        if row.status == "done" and row.file is not None:
            lines.append(
                _line(label, audio_player(row.file, label=f"{label} of {row.frame or 'the shot'}"), _levels(row))
            )
        elif row.status == "absent":
            lines.append(_line(label, '<span class="quiet">not in this frame</span>', ""))
        else:
            lines.append(_line(label, f'<span class="failed">{html.escape(row.error or "failed")}</span>', ""))
    return lines


def _line(label: str, middle: str, level: str) -> str:
    return f'<tr><td>{html.escape(label)}</td><td>{middle}</td><td class="level">{level}</td></tr>'


def _levels(row: Row) -> str:
    lufs, peak = row.levels.get("lufs"), row.levels.get("peak_dbfs")
    texts = [f"{lufs:.1f} LUFS" if lufs is not None else "", f"peak {peak:.1f} dBFS" if peak is not None else ""]
    return ", ".join(text for text in texts if text)


def _file_named(row: Row | None, ending: str) -> str | None:
    if row is None:
        return None
    return next((name for name in row.files if name.endswith(f"/{ending}")), None)

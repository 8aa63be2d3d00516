"""The gallery as one HTML page: worst kinds first, with a confusion table and an index that can be filtered."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sounddesk.audio.mel_bands import LOWEST_HZ
from sounddesk.audio.pictures.spectrogram_sheet import levels_text
from sounddesk.domain.naming import unique_file_stems
from sounddesk.evaluation.gallery.gallery_result import FIGURES_FILE
from sounddesk.evaluation.gallery.gallery_result import SPECTROGRAM_RANGE_DB
from sounddesk.evaluation.gallery.gallery_result import GalleryResult
from sounddesk.evaluation.gallery.gallery_result import HeardSound
from sounddesk.evaluation.gallery.gallery_result import Outcome
from sounddesk.storage.html_page import render_template

_TEMPLATE: Final = Path(__file__).with_suffix(".html")
_OUTCOMES: Final[dict[Outcome, str]] = {
    "right": "right",
    "silent": "silent",
    "picture": "picture failed",
    "sound": "sound failed",
    "wrong": "wrong",
}


def gallery_page(result: GalleryResult) -> str:
    """The page as HTML. Holds no times, so that the same result gives the same page."""
    names = [kind.name for kind in result.kinds]
    failures = [
        f"{result.outcomes[name]} {text}"
        for name, text in _OUTCOMES.items()
        if name != "right" and result.outcomes.get(name)
    ]
    return render_template(
        _TEMPLATE,
        title=f"Gallery of {result.bundle}",
        result=result,
        anchors={name: f"kind-{stem}" for name, stem in zip(names, unique_file_stems(names), strict=True)},
        outcomes=_OUTCOMES,
        failures=failures,
        figures_file=FIGURES_FILE,
        lowest_hz=LOWEST_HZ,
        range_db=SPECTROGRAM_RANGE_DB,
        level=_level,
        left_out=_left_out(result),
    )


def _level(sound: HeardSound) -> str:
    return ", ".join(levels_text(sound.levels).split("   "))


def _left_out(result: GalleryResult) -> list[str]:
    lines = []
    if result.without_picture:
        lines.append(f"Known kinds without a usable picture: {', '.join(result.without_picture)}.")
    if result.pictures.skipped_kinds:
        lines.append(f"Folders of unknown kinds: {', '.join(result.pictures.skipped_kinds)}.")
    return lines + [f"{name} {reason}." for name, reason in result.pictures.skipped_pictures.items()]

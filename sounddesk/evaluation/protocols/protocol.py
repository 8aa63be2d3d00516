"""`sounddesk evaluate protocol`: a published list and a folder of media become a manifest for `evaluate sounds`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
from pathlib import Path
from typing import Any
from typing import Final

import numpy as np

from sounddesk.domain.errors import BadInputError
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.tasks import StageReporter
from sounddesk.evaluation.evaluation_clip import EvaluationClip
from sounddesk.evaluation.evaluation_clip import clips_to_json_lines
from sounddesk.evaluation.protocols.balanced_split import balanced_split
from sounddesk.evaluation.protocols.caption_snippets import snippets_of
from sounddesk.evaluation.protocols.media_folder import MediaFolder
from sounddesk.evaluation.protocols.published_lines import lines_of
from sounddesk.evaluation.protocols.registry import PROTOCOLS
from sounddesk.evaluation.protocols.registry import PublishedClip
from sounddesk.storage.html_page import render_template
from sounddesk.storage.output_folder import OutputFolder

MANIFEST_FILE: Final = "clips.jsonl"
TRAIN_FILE: Final = "train.txt"
EXAMPLES_FILE: Final = "examples.jsonl"
PAGE_FILE: Final = "categories.html"
SUMMARY_FILE: Final = "protocol.json"
MASKS_FOLDER: Final = "masks"


@dataclass(frozen=True, kw_only=True)
class ProtocolResult:
    """A manifest that was written.

    Attributes:
        listed: clips of the list that were asked for.
        found: those with media.
        incomplete: how many of these lack a picture, or a sound.
        hours: of each category, where a balanced split was asked for.
        to_be_masked: clips of the examples whose mask is still to be drawn.
    """

    label: str
    folder: Path
    listed: int
    found: int
    incomplete: Mapping[str, int]
    hours: Mapping[str, float]
    test_hours: Mapping[str, float]
    examples: int
    to_be_masked: int

    def line(self) -> str:
        return f"{self.label}: {self.found} of {self.listed} clips have media: {self.folder / MANIFEST_FILE}"

    def details(self) -> list[str]:
        told = [f"{count} without {what}" for what, count in self.incomplete.items() if count]
        told += [f"{name}: {self.test_hours.get(name, 0):.2f} h of {hours:.2f} h" for name, hours in self.hours.items()]
        if self.to_be_masked:
            told.append(
                f"{self.to_be_masked} of {self.examples} examples name an object: draw its mask and save it as "
                f"{self.folder / MASKS_FOLDER}/ID.png"
            )
        return told

    def to_json(self) -> dict[str, Any]:
        return {
            "measure": "protocol",
            "protocol": self.label,
            "manifest": str(self.folder / MANIFEST_FILE),
            "listed": self.listed,
            "found": self.found,
            "without": dict(self.incomplete),
            "hours": dict(self.hours),
            "test_hours": dict(self.test_hours),
            "examples": self.examples,
            "to_be_masked": self.to_be_masked,
        }


def run(
    *,
    name: str,
    media: Path,
    out: Path,
    table: Path | None = None,
    only: Path | None = None,
    split: str = "",
    hours: float = 0.0,
    examples: int = 0,
    seed: int = 0,
    progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
) -> ProtocolResult:
    """Read a published list and write the clips that have media.

    Args:
        name: of the protocol.
        media: folder with pictures and sounds, called by id.
        table: the list; not asked for where the media are the list.
        only: only these clips, by id of video or of clip in each line.
        split: only these of a list that says which is which.
        hours: draw a balanced test set of so many hours, and write what is left to train on.
        examples: draw so many clips for listeners, half of them with an object of their caption to be outlined.

    Raises:
        BadInputError: list or media cannot be used.
        OutputError: `out` cannot be written.
        Cancelled: through `cancel`; nothing was written.
    """
    entry = PROTOCOLS.get(name)
    if table is None and not entry.takes_folder:
        raise BadInputError(f"{entry.label} is read from a list: name it with --table ({entry.summary})")
    published = entry.read(media if entry.takes_folder else table or media)
    if split:
        published = [clip for clip in published if clip.split == split]
    if only is not None:
        wanted = {Path(text.split(",")[0].strip()).stem for _, text in lines_of(only)}
        published = [clip for clip in published if wanted & {clip.video, *clip.stems()}]
    if not published:
        raise BadInputError(f"no clip of {entry.label} is left: look at --table, --split and --only")
    place = MediaFolder(media)
    parts = balanced_split(published, hours=hours, seed=seed) if hours else None
    chosen: Sequence[PublishedClip] = parts.test if parts else published
    reporter = StageReporter(stage="media", total=len(chosen), on_progress=progress, cancel=cancel)
    clips: dict[str, EvaluationClip] = {}
    for done, clip in enumerate(chosen, start=1):
        found = place.clip_of(clip)
        if found is not None:
            clips.setdefault(found.id, found)
        reporter.step(done)
    if not clips:
        raise BadInputError(
            f"{media} has neither picture nor sound of any of {len(chosen)} clips: call them by id, as "
            f"{chosen[0].stems()[0]}.jpg and .wav"
        )
    drawn = draw_examples([*clips.values()], count=examples, seed=seed)
    with OutputFolder(out) as target:
        target.write(MANIFEST_FILE, clips_to_json_lines([*clips.values()]))
        if parts:
            target.write(TRAIN_FILE, "".join(f"{clip.id}\n" for clip in parts.train).encode())
            page = render_template(
                Path(__file__).with_name("categories.html"),
                title=f"Categories of {entry.label}",
                hours=parts.hours,
                test_hours=parts.test_hours,
            )
            target.write(PAGE_FILE, page.encode("utf-8"))
        if drawn:
            target.write(EXAMPLES_FILE, clips_to_json_lines(drawn))
        result = ProtocolResult(
            label=entry.label,
            folder=out,
            listed=len(chosen),
            found=len(clips),
            incomplete={
                "a picture": sum(clip.image is None for clip in clips.values()),
                "a sound": sum(clip.reference is None for clip in clips.values()),
            },
            hours=parts.hours if parts else {},
            test_hours=parts.test_hours if parts else {},
            examples=len(drawn),
            to_be_masked=sum(clip.mask is not None for clip in drawn),
        )
        target.write(SUMMARY_FILE, (json.dumps(result.to_json(), indent=1) + "\n").encode())
        where = target.commit()
    return replace(result, folder=out.with_name(where.name))


def draw_examples(clips: Sequence[EvaluationClip], *, count: int, seed: int) -> list[EvaluationClip]:
    """Clips with a picture for listeners, half of them with a thing of their caption, whose mask is `masks/ID.png`."""
    rng = np.random.default_rng((seed, 2))
    seen = [clip for clip in clips if clip.image is not None and clip.caption]
    chosen = [seen[int(place)] for place in sorted(rng.permutation(len(seen))[:count])]
    with_object = {int(each) for each in rng.permutation(len(chosen))[: len(chosen) // 2]}
    drawn = []
    for place, clip in enumerate(chosen):
        if place in with_object:
            snippets = snippets_of(clip.caption) or (clip.caption,)
            snippet = snippets[int(rng.integers(len(snippets)))]
            drawn.append(replace(clip, object=snippet, mask=Path(MASKS_FOLDER) / f"{clip.id}.png"))
        else:
            drawn.append(replace(clip, object="", mask=None))
    return drawn

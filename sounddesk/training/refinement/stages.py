"""Appendix B in order: read, match, filter, rephrase. Every stage restarts, and says how much it removed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from pathlib import Path
from typing import Any
from typing import Final
from typing import Literal

from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.tasks import StageReporter
from sounddesk.storage.atomic_file import write_file
from sounddesk.storage.own_file import append_text
from sounddesk.storage.text_formats import parse_json
from sounddesk.training.clips.clip_manifest import MANIFEST_NAME
from sounddesk.training.clips.clip_manifest import ClipSource
from sounddesk.training.clips.clip_manifest import read_clips
from sounddesk.training.clips.clip_manifest import write_clips
from sounddesk.training.clips.data_check import refuse_leaks
from sounddesk.training.clips.media_reader import MediaError
from sounddesk.training.clips.media_reader import read_clip
from sounddesk.training.data.data_error import DataError
from sounddesk.training.refinement.audio_filter import make_tagger
from sounddesk.training.refinement.audio_filter import unwanted
from sounddesk.training.refinement.rephrasing import CaptionCache
from sounddesk.training.refinement.rephrasing import ChatModel
from sounddesk.training.refinement.rephrasing import EndpointChat
from sounddesk.training.refinement.rephrasing import LocalChat
from sounddesk.training.refinement.rephrasing import plan_rephrasing
from sounddesk.training.refinement.rephrasing import rephrase
from sounddesk.training.svg_charts import histogram_svg

REPORT_NAME: Final = "report.json"
HISTOGRAM_NAME: Final = "matching_scores.svg"


@dataclass(frozen=True, kw_only=True)
class MatchingStage:
    """`model`: export of a matching run; None leaves the stage out."""

    model: Path | None = None
    bundle: str = "starter"
    threshold: float = 0.6


@dataclass(frozen=True, kw_only=True)
class FilterStage:
    """`folder`: of the tagger; without one only the clips' own labels count. `classes`: what goes out."""

    tagger: Literal["classifier", "transformers"] = "transformers"
    folder: Path | None = None
    threshold: float = 0.5
    classes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RephrasingStage:
    """`folder` of a local chat model, or `url` and `model` of an endpoint; none of them leaves captions as they are."""

    folder: Path | None = None
    url: str | None = None
    model: str = ""
    key_variable: str | None = None

    def chat(self) -> ChatModel | None:
        if self.folder is not None:
            return LocalChat(self.folder)
        if self.url is not None:
            return EndpointChat(url=self.url, model=self.model, key_variable=self.key_variable)
        return None

    @property
    def name(self) -> str:
        return str(self.folder) if self.folder is not None else f"{self.url}#{self.model}"


@dataclass(frozen=True, kw_only=True)
class RefinementRecipe:
    """Settings of all stages; `seconds` is the length of a clip."""

    seconds: float = 10.0
    matching: MatchingStage = field(default_factory=MatchingStage)
    audio_filter: FilterStage = field(default_factory=FilterStage)
    rephrasing: RephrasingStage = field(default_factory=RephrasingStage)


@dataclass(frozen=True, kw_only=True)
class StageReport:
    """What a stage did: clips and hours before and after, and why each clip went."""

    stage: str
    clips_in: int
    clips_out: int
    hours_in: float
    hours_out: float
    removed: dict[str, str]

    def line(self) -> str:
        return (
            f"{self.stage}: {self.clips_in} -> {self.clips_out} clips, {self.hours_in:.3f} h -> {self.hours_out:.3f} h "
            f"({self.hours_in - self.hours_out:.3f} h removed)"
        )


@dataclass
class _Kept:
    """Per-clip results of a stage, appended as they are made."""

    path: Path

    def __post_init__(self) -> None:
        self.values: dict[str, Any] = {}
        for line in self.path.read_text(encoding="utf-8").splitlines() if self.path.is_file() else []:
            try:
                key, value = parse_json(line)
                self.values[key] = value
            except (ValueError, TypeError):
                continue  # cut off by a kill

    def get(self, key: str, make: Callable[[], Any]) -> Any:
        if key not in self.values:
            self.values[key] = make()
            torn = self.path.is_file() and not self.path.read_bytes().endswith(b"\n")
            with append_text(self.path) as file:
                file.write(("\n" if torn else "") + json.dumps([key, self.values[key]]) + "\n")
        return self.values[key]


class Refinement:
    """The stages over one data set, with their results in `out`.

    Args:
        data: folder or manifest of clips.
        out: gets `clips.jsonl`, `report.json`, a histogram of the scores, and what restarts need.
    """

    def __init__(
        self,
        data: Path,
        out: Path,
        recipe: RefinementRecipe,
        *,
        progress: OnProgress | None = None,
        cancel: CancelToken | None = None,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.data = data
        self.out = out
        self.recipe = recipe
        self.progress = progress
        self.cancel = cancel
        self.tell = tell
        self.heard_h: dict[str, float] = {}
        out.mkdir(parents=True, exist_ok=True)

    def run(self, *, dry_run: bool = False) -> list[StageReport]:
        """All stages in order; those whose settings did not change take what they found before.

        With `dry_run` captions are not rephrased: the prompts are written to `prompts.jsonl` instead.

        Raises:
            DataError: no clips, or training clips equal to test clips.
            ChatError: the chat model cannot be asked.
            Cancelled: what was done stays.
        """
        found = read_clips(self.data)
        refuse_leaks(found.clips)
        reports = []
        clips: list[ClipSource] = list(found.clips)
        stages: list[tuple[str, Callable[[list[ClipSource]], tuple[list[ClipSource], dict[str, str]]]]] = [
            ("read", self._read),
            ("matching", self._match),
            ("audio filter", self._filter),
            ("rephrasing", self._plan if dry_run else self._rephrase),
        ]
        for name, stage in stages:
            before = clips
            clips, removed = stage(before)
            if name == "read":
                removed = {**found.skipped, **removed}
            reports.append(
                StageReport(
                    stage=name,
                    clips_in=len(before),
                    clips_out=len(clips),
                    hours_in=self._hours(before),
                    hours_out=self._hours(clips),
                    removed=removed,
                )
            )
            write_file(
                self.out / REPORT_NAME,
                (json.dumps([asdict(r) for r in reports], indent=1, ensure_ascii=False) + "\n").encode(),
            )
        if not clips:
            raise DataError(f"no clip is left of {self.data}: {self.out / REPORT_NAME} says why each went")
        write_clips(self.out / MANIFEST_NAME, [_absolute(clip) for clip in clips])
        return reports

    def _hours(self, clips: Sequence[ClipSource]) -> float:
        return sum(self.heard_h.get(clip.id, 0.0) for clip in clips)

    def _kept(self, stage: str, *settings: object) -> _Kept:
        digest = hashlib.sha256(repr((self.recipe.seconds, *settings)).encode()).hexdigest()[:12]
        folder = self.out / "stages"
        folder.mkdir(exist_ok=True)
        return _Kept(folder / f"{stage}-{digest}.jsonl")

    def _reporter(self, stage: str, clips: Sequence[ClipSource]) -> StageReporter:
        return StageReporter(stage=stage, total=len(clips), on_progress=self.progress, cancel=self.cancel)

    def _read(self, clips: list[ClipSource]) -> tuple[list[ClipSource], dict[str, str]]:
        kept = self._kept("read")
        good, removed = [], {}
        reporter = self._reporter("read", clips)

        def heard(clip: ClipSource) -> float | str:
            try:
                media = read_clip(clip, seconds=self.recipe.seconds, sample_rate_hz=16_000, frame_times_s=(0.0,))
            except (MediaError, ValueError) as error:
                return str(error)
            return media.heard_s / 3600

        for index, clip in enumerate(clips):
            result = kept.get(_clip_key(clip), lambda clip=clip: heard(clip))  # type: ignore[misc]
            if isinstance(result, str):
                removed[clip.id] = result
            else:
                self.heard_h[clip.id] = result
                good.append(clip)
            reporter.step(index + 1)
        return good, removed

    def _match(self, clips: list[ClipSource]) -> tuple[list[ClipSource], dict[str, str]]:
        stage = self.recipe.matching
        if stage.model is None:
            self.tell("matching: no model is set, every clip stays")
            return clips, {}
        from sounddesk.training.refinement.clip_scores import ClipScorer

        weights = hashlib.sha256((stage.model / "model.safetensors").read_bytes()).hexdigest()
        kept = self._kept("matching", weights, stage.bundle)
        scorer: list[ClipScorer] = []

        def score(clip: ClipSource) -> float:
            if not scorer:
                scorer.append(ClipScorer(Path(str(stage.model)), bundle=stage.bundle))
            return scorer[0].score(clip, seconds=self.recipe.seconds)

        scored = []
        reporter = self._reporter("matching", clips)
        for index, clip in enumerate(clips):
            value = kept.get(_clip_key(clip), lambda clip=clip: round(score(clip), 6))  # type: ignore[misc]
            scored.append(replace(clip, matching_score=float(value)))
            reporter.step(index + 1)
        scores = [float(clip.matching_score or 0.0) for clip in scored]
        write_file(self.out / HISTOGRAM_NAME, histogram_svg(scores, threshold=stage.threshold).encode())
        good = [clip for clip in scored if float(clip.matching_score or 0.0) >= stage.threshold]
        low = {
            c.id: f"scored {c.matching_score:.3f}" for c in scored if float(c.matching_score or 0.0) < stage.threshold
        }
        return good, low

    def _filter(self, clips: list[ClipSource]) -> tuple[list[ClipSource], dict[str, str]]:
        stage = self.recipe.audio_filter
        tagger = make_tagger(stage.tagger, stage.folder) if stage.folder is not None else None
        if tagger is None:
            self.tell("audio filter: no tagger is set, only labels count")
        kept = self._kept("filter", stage.tagger, stage.folder)
        good, removed = [], {}
        reporter = self._reporter("audio filter", clips)

        def tags(clip: ClipSource) -> dict[str, float]:
            if tagger is None:
                return {}
            media = read_clip(clip, seconds=self.recipe.seconds, sample_rate_hz=16_000, frame_times_s=(0.0,))
            heard = tagger.tag(media.waveform, sample_rate_hz=16_000)
            return {name: round(share, 4) for name, share in heard.items() if share >= 0.05}

        for index, clip in enumerate(clips):
            heard = kept.get(_clip_key(clip), lambda clip=clip: tags(clip))  # type: ignore[misc]
            reason = unwanted(heard, clip.labels, classes=stage.classes, threshold=stage.threshold)
            if reason is None:
                good.append(clip)
            else:
                removed[clip.id] = reason
            reporter.step(index + 1)
        return good, removed

    def _rephrase(self, clips: list[ClipSource]) -> tuple[list[ClipSource], dict[str, str]]:
        model = self.recipe.rephrasing.chat()
        if model is None:
            self.tell("rephrasing: no chat model is set, captions stay")
            return clips, {}
        cache = CaptionCache(self.out / "stages" / "captions.jsonl")
        return (
            rephrase(clips, model=model, cache=cache, progress=self.progress, cancel=self.cancel, tell=self.tell),
            {},
        )

    def _plan(self, clips: list[ClipSource]) -> tuple[list[ClipSource], dict[str, str]]:
        cache = CaptionCache(self.out / "stages" / "captions.jsonl")
        plan = plan_rephrasing(clips, model_name=self.recipe.rephrasing.name, cache=cache)
        rows = [json.dumps({"id": i, "system": s, "user": u}, ensure_ascii=False) for i, s, u in plan.prompts]
        write_file(self.out / "prompts.jsonl", "".join(row + "\n" for row in rows).encode())
        self.tell(
            f"dry run: {len(plan.prompts)} prompts in {self.out / 'prompts.jsonl'}, {plan.cached} answered already"
        )
        return clips, {}


def _clip_key(clip: ClipSource) -> str:
    """A clip and the state of its files."""
    files = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in clip.files() if path.is_file()]
    return hashlib.sha256(repr((clip.id, clip.start_s, files)).encode()).hexdigest()[:24]


def _absolute(clip: ClipSource) -> ClipSource:
    paths = {name: getattr(clip, name) for name in ("video", "image", "audio", "mask")}
    return replace(clip, **{name: path.resolve() for name, path in paths.items() if path is not None})

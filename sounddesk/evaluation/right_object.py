"""Does each object's take sound like that object? `sounddesk evaluate right-object`.

Scenes hold two to four objects of different kinds. Every object gets a take through its true mask, all takes of a
scene in one batch, exactly as `sounddesk render` makes them. A judge chooses among the kinds in that scene; the take is
right when it chooses the object's own kind. A silent take is wrong. Chance is one divided by the number of objects.
Kinds that bundle or judge do not know are left out.

The judge that ships learned from real recordings that the starter never heard, so memorising them does not help. Its
ceiling is what it says of real recordings in the place of the takes, which nobody can expect takes to pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
from pathlib import Path
from typing import Any
from typing import Final

import numpy as np

from sounddesk.domain.grounding_mode import GroundingMode
from sounddesk.domain.preset import PresetName
from sounddesk.engine.session import EngineSession
from sounddesk.engine.specs import check_seconds
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.tasks import StageReporter
from sounddesk.engine.types import GeneratedTake
from sounddesk.engine.types import GenerationRequest
from sounddesk.engine.types import ObjectRequest
from sounddesk.engine.types import SamplingSettings
from sounddesk.evaluation.evaluation_scenes import EvaluationScene
from sounddesk.evaluation.evaluation_scenes import draw_scene
from sounddesk.evaluation.evaluation_scenes import read_backgrounds
from sounddesk.evaluation.judge.independent_judge import Ceiling
from sounddesk.evaluation.metrics.confusion import ConfusedKind
from sounddesk.evaluation.metrics.confusion import confusion_rows
from sounddesk.evaluation.metrics.proportion import Proportion
from sounddesk.evaluation.picture_folder import PictureFolder
from sounddesk.evaluation.picture_folder import read_bundle_kinds
from sounddesk.evaluation.picture_folder import read_picture_folder
from sounddesk.evaluation.rendered_figures import RenderedFigures
from sounddesk.evaluation.sound_classifier import SoundJudge
from sounddesk.resources_folder import SHIPPED_BUNDLE

OBJECT_COUNTS: Final = (2, 3, 4)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Classification of one take.

    Attributes:
        kind: the object's own.
        among: kinds in the scene.
        chosen: the classifier's choice among them; None for a silent take.
        chosen_of_all: its choice among all kinds it knows.
    """

    kind: str
    among: tuple[str, ...]
    chosen: str | None
    chosen_of_all: str | None

    @property
    def right(self) -> bool:
        return self.chosen == self.kind


@dataclass(frozen=True, kw_only=True, eq=False)
class RightObjectResult(RenderedFigures):
    """Figures of one evaluation; `verdicts` holds every take, scene after scene.

    Attributes:
        grounding: what the takes followed.
        ceiling, ceiling_of_all: what real recordings reach in the same questions; None with a classifier of one's own.
    """

    scenes: int
    known_kinds: int
    verdicts: tuple[Verdict, ...]
    pictures: PictureFolder
    grounding: GroundingMode = "object"
    ceiling: Ceiling | None = None
    ceiling_of_all: Ceiling | None = None

    @property
    def accuracy(self) -> Proportion:
        """Takes chosen right among the kinds of their scene."""
        return Proportion(hits=sum(v.right for v in self.verdicts), trials=len(self.verdicts))

    @property
    def accuracy_of_all(self) -> Proportion:
        """Takes chosen right among all kinds that the classifier knows."""
        return Proportion(hits=sum(v.chosen_of_all == v.kind for v in self.verdicts), trials=len(self.verdicts))

    @property
    def chance(self) -> float:
        """Expected accuracy of a blind choice among the kinds of each scene."""
        return float(np.mean([1.0 / len(v.among) for v in self.verdicts]))

    @property
    def silent(self) -> int:
        """Takes without sound, which count as wrong."""
        return sum(v.chosen is None for v in self.verdicts)

    def of_count(self, count: int) -> Proportion:
        """Accuracy in scenes of `count` objects."""
        chosen = [v for v in self.verdicts if len(v.among) == count]
        return Proportion(hits=sum(v.right for v in chosen), trials=len(chosen))

    @property
    def confusion(self) -> tuple[ConfusedKind, ...]:
        """Kinds taken for others of their scene."""
        return confusion_rows((v.kind, v.chosen) for v in self.verdicts)

    @property
    def confusion_of_all(self) -> tuple[ConfusedKind, ...]:
        """Kinds taken for others of all kinds that the classifier knows."""
        return confusion_rows((v.kind, v.chosen_of_all) for v in self.verdicts)

    def line(self) -> str:
        """The result in one line."""
        ceiling = "" if self.ceiling is None else f", ceiling {self.ceiling.text()}"
        by_words = "" if self.grounding == "object" else f" by {self.grounding}"
        of_all = "" if self.ceiling_of_all is None else f" (ceiling {self.ceiling_of_all.share:.3f})"
        return (
            f"right object{by_words} {self.accuracy.text()}, chance {self.chance:.3f}{ceiling}; "
            f"{self.accuracy_of_all.share:.3f} among all {self.known_kinds} kinds{of_all}; {self.scenes} scenes of "
            f"{OBJECT_COUNTS[0]} to {OBJECT_COUNTS[-1]} objects, {self.silent} silent takes, "
            f"{self.pictures.pictures} pictures of {len(self.pictures.cut_outs)} kinds, "
            f"{len(self.pictures.skipped_kinds)} kinds and {len(self.pictures.skipped_pictures)} pictures skipped, "
            f"{self.settings_text()}"
        )

    def to_json(self) -> dict[str, Any]:
        by_kind: dict[str, list[int]] = {}
        for verdict in self.verdicts:
            row = by_kind.setdefault(verdict.kind, [0, 0])
            row[0] += verdict.right
            row[1] += 1
        counts = sorted({len(v.among) for v in self.verdicts})
        return {
            "measure": "right-object",
            "grounding": self.grounding,
            **self.settings_json(),
            "scenes": self.scenes,
            "accuracy": self.accuracy.to_json(),
            "chance": self.chance,
            "accuracy_of_all_kinds": self.accuracy_of_all.to_json(),
            "ceiling": None if self.ceiling is None else self.ceiling.to_json(),
            "ceiling_of_all_kinds": None if self.ceiling_of_all is None else self.ceiling_of_all.to_json(),
            "known_kinds": self.known_kinds,
            "by_object_count": {str(count): self.of_count(count).to_json() for count in counts},
            "silent_takes": self.silent,
            "by_kind": dict(sorted(by_kind.items())),
            "confusion": [row.to_json() for row in self.confusion],
            "confusion_of_all_kinds": [row.to_json() for row in self.confusion_of_all],
            "wrong": [[v.kind, v.chosen, v.chosen_of_all] for v in self.verdicts if not v.right],
            "folder": self.pictures.to_json(),
        }


def run(
    pictures_dir: Path,
    *,
    bundle: str | Path = SHIPPED_BUNDLE,
    scenes: int = 50,
    seed: int = 0,
    preset: PresetName = "fast",
    sampling: SamplingSettings | None = None,
    seconds: float = 10.0,
    grounding: GroundingMode = "object",
    backgrounds: Path | None = None,
    classifier: Path | None = None,
    device: str = "auto",
    progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
) -> RightObjectResult:
    """Measure a bundle on scenes composed of the cut-outs in `pictures_dir`.

    Args:
        pictures_dir: holds KIND/*.png cut-outs with alpha.
        sampling: every setting of the denoising loop; replaces `preset`.
        seconds: length of each take.
        grounding: what takes follow: their objects, as in the paper, or words, as in its captioning baselines.
        backgrounds: folder of photographs; by default plain, gradient and noise backgrounds are made.
        classifier: folder of a sound classifier, in the place of the judge that ships.

    Raises:
        EngineError: pictures, bundle or classifier cannot be used.
        ValueError: a value out of range.
        Cancelled: through `cancel`, within one denoising step.
    """
    if scenes < 1:
        raise ValueError(f"scenes is {scenes}: choose 1 or more")
    check_seconds(seconds)
    settings = sampling or SamplingSettings(preset=preset)
    judge = SoundJudge.load_independent() if classifier is None else SoundJudge.load(classifier)
    photographs = read_backgrounds(backgrounds) if backgrounds is not None else []
    verdicts: list[Verdict] = []
    with EngineSession.open(bundle=bundle, device=device) as session:
        judged = set(judge.kinds)
        kinds = [kind.name for kind in read_bundle_kinds(session.bundle) if kind.name in judged]
        folder = read_picture_folder(pictures_dir, kinds)
        reporter = StageReporter(stage="right object", total=scenes, on_progress=progress, cancel=cancel)
        for index in range(scenes):
            scene = draw_scene(folder.cut_outs, counts=OBJECT_COUNTS, seed=seed, index=index, backgrounds=photographs)
            request = replace(
                scene_request(scene, seed=seed, index=index, seconds=seconds, sampling=settings), grounding=grounding
            )
            takes = session.generate(request, cancel=cancel)
            verdicts += judge_takes(judge, takes, scene.kinds)
            reporter.step(index + 1)
        opened = session.bundle
    return RightObjectResult(
        bundle=opened.name,
        bundle_sha256=opened.sha256,
        scenes=scenes,
        seed=seed,
        seconds=seconds,
        sampling=settings,
        known_kinds=len(judge.kinds),
        grounding=grounding,
        verdicts=tuple(verdicts),
        pictures=folder,
        ceiling=judge.ceiling([(verdict.kind, verdict.among) for verdict in verdicts]),
        ceiling_of_all=judge.ceiling([(verdict.kind, judge.kinds) for verdict in verdicts]),
    )


def scene_request(
    scene: EvaluationScene, *, seed: int, index: int, seconds: float, sampling: SamplingSettings
) -> GenerationRequest:
    """One take per object of a scene, each with a seed of its own drawn from (seed, index)."""
    # A third number keeps these apart from the draws that composed the scene.
    rng = np.random.default_rng((seed, index, 1))
    takes = tuple(
        ObjectRequest(name=kind, mask=mask, seed=int(rng.integers(2**63 - 1)))
        for kind, mask in zip(scene.kinds, scene.composed.masks, strict=True)
    )
    return GenerationRequest(image=scene.composed.image, takes=takes, seconds=seconds, sampling=sampling)


def judge_takes(judge: SoundJudge, takes: Sequence[GeneratedTake], kinds: Sequence[str]) -> list[Verdict]:
    """The verdict on each take of a scene; `kinds` are those of its objects, in the same order."""
    verdicts = []
    for take, kind in zip(takes, kinds, strict=True):
        scores = judge.log_probabilities(take.mono, sample_rate_hz=take.sample_rate_hz)
        verdicts.append(
            Verdict(
                kind=kind,
                among=tuple(kinds),
                chosen=judge.choose(scores, kinds),
                chosen_of_all=judge.choose(scores, judge.kinds),
            )
        )
    return verdicts

"""Does the attention of a name fall on the named object? `sounddesk evaluate grounding`.

In scenes of four objects of different kinds, each object is asked for by its kind's caption. The patch with the
largest attention weight (eq. 4 of the paper; the lowest index of several) has to fall in the object's region.
A patch lies in an object's region when the object's mask covers some of it and no other object's mask
covers more of it. As a stricter figure, 'on the object' asks that at least half of the patch is covered.
Chance is what a patch drawn at random would score on the same scenes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Final

import numpy as np
import numpy.typing as npt

from sounddesk.engine.generation.patch_weights import patch_coverage
from sounddesk.engine.models.image_encoder import fit_mask
from sounddesk.engine.session import EngineSession
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.tasks import StageReporter
from sounddesk.evaluation.evaluation_scenes import draw_scene
from sounddesk.evaluation.evaluation_scenes import read_backgrounds
from sounddesk.evaluation.metrics.proportion import Proportion
from sounddesk.evaluation.picture_folder import PictureFolder
from sounddesk.evaluation.picture_folder import read_bundle_kinds
from sounddesk.evaluation.picture_folder import read_picture_folder
from sounddesk.resources_folder import SHIPPED_BUNDLE

OBJECTS_PER_SCENE: Final = 4
ON_OBJECT_COVERAGE: Final = 0.5


@dataclass(frozen=True, kw_only=True, eq=False)
class GroundingResult:
    """Figures of one evaluation.

    Attributes:
        in_region: objects whose strongest patch lies in their region.
        on_object: of those, patches covered by the object at least half.
        chance: expected share of `in_region` for a random patch.
        by_kind: `in_region` for each kind.
    """

    bundle: str
    bundle_sha256: str
    scenes: int
    seed: int
    in_region: Proportion
    on_object: Proportion
    chance: float
    by_kind: dict[str, Proportion]
    pictures: PictureFolder

    def line(self) -> str:
        """The result in one line."""
        return (
            f"grounding {self.in_region.text()}, chance {self.chance:.3f}; "
            f"{self.on_object.share:.3f} with the patch at least half on the object; {self.scenes} scenes of "
            f"{OBJECTS_PER_SCENE} objects, {self.pictures.pictures} pictures of {len(self.pictures.cut_outs)} kinds, "
            f"{len(self.pictures.skipped_kinds)} kinds and {len(self.pictures.skipped_pictures)} pictures skipped, "
            f"bundle {self.bundle}, seed {self.seed}"
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "measure": "grounding",
            "bundle": self.bundle,
            "bundle_sha256": self.bundle_sha256,
            "scenes": self.scenes,
            "objects_per_scene": OBJECTS_PER_SCENE,
            "seed": self.seed,
            "accuracy": self.in_region.to_json(),
            "on_object": self.on_object.to_json(),
            "chance": self.chance,
            "by_kind": {kind: [p.hits, p.trials] for kind, p in sorted(self.by_kind.items())},
            "folder": self.pictures.to_json(),
        }


def run(
    pictures_dir: Path,
    *,
    bundle: str | Path = SHIPPED_BUNDLE,
    scenes: int = 200,
    seed: int = 0,
    backgrounds: Path | None = None,
    device: str = "auto",
    progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
) -> GroundingResult:
    """Measure a bundle on scenes composed of the cut-outs in `pictures_dir`.

    Args:
        pictures_dir: holds KIND/*.png cut-outs with alpha.
        backgrounds: folder of photographs; by default plain, gradient and noise backgrounds are made.

    Raises:
        EngineError: pictures or bundle cannot be used.
        ValueError: no scene asked for.
        Cancelled: through `cancel`.
    """
    if scenes < 1:
        raise ValueError(f"scenes is {scenes}: choose 1 or more")
    photographs = read_backgrounds(backgrounds) if backgrounds is not None else []
    with EngineSession.open(bundle=bundle, device=device) as session:
        captions = {kind.name: kind.caption for kind in read_bundle_kinds(session.bundle)}
        folder = read_picture_folder(pictures_dir, list(captions))
        geometry = session.bundle.manifest.grounding.get("geometry", "squash")
        in_region: dict[str, list[bool]] = {}
        on_object, chances = 0, []
        reporter = StageReporter(stage="grounding", total=scenes, on_progress=progress, cancel=cancel)
        for index in range(scenes):
            scene = draw_scene(
                folder.cut_outs, counts=(OBJECTS_PER_SCENE,), seed=seed, index=index, backgrounds=photographs
            )
            masks = [fit_mask(mask, geometry=geometry).astype(np.bool_) for mask in scene.composed.masks]
            coverages = [patch_coverage(mask, grid=session.patch_grid) for mask in masks]
            regions = patch_regions(coverages)
            texts = [captions[kind] for kind in scene.kinds]
            strongest = session.attention_maps(scene.composed.image, texts).argmax(axis=1)
            for kind, patch, coverage, region in zip(scene.kinds, strongest, coverages, regions, strict=True):
                in_region.setdefault(kind, []).append(bool(region[patch]))
                on_object += bool(region[patch] and coverage[patch] >= ON_OBJECT_COVERAGE)
                chances.append(float(region.mean()))
            reporter.step(index + 1)
        opened = session.bundle
    by_kind = {kind: Proportion(hits=sum(hits), trials=len(hits)) for kind, hits in in_region.items()}
    trials = sum(p.trials for p in by_kind.values())
    return GroundingResult(
        bundle=opened.name,
        bundle_sha256=opened.sha256,
        scenes=scenes,
        seed=seed,
        in_region=Proportion(hits=sum(p.hits for p in by_kind.values()), trials=trials),
        on_object=Proportion(hits=on_object, trials=trials),
        chance=float(np.mean(chances)),
        by_kind=by_kind,
        pictures=folder,
    )


def patch_regions(coverages: Sequence[npt.NDArray[np.float32]]) -> npt.NDArray[np.bool_]:
    """Which patches lie in each object's region, bool[N, P], from its coverages float32[P].

    A patch is in the region of the object that covers most of it; where two cover the same share, in both.
    """
    stacked = np.stack(coverages)
    return (stacked > 0) & (stacked >= stacked.max(axis=0, keepdims=True))

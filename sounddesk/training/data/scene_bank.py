"""Composed training scenes, encoded once by the frozen image encoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sounddesk.engine.generation.patch_weights import patch_coverage
from sounddesk.engine.images.image_file import load_cut_out
from sounddesk.engine.images.image_file import load_image
from sounddesk.engine.images.scene_composition import ComposedScene
from sounddesk.engine.images.scene_composition import CutOut
from sounddesk.engine.images.scene_composition import compose_scene
from sounddesk.engine.images.scene_composition import vary_cut_out
from sounddesk.engine.models.image_encoder import ImageEncoder
from sounddesk.engine.types import RgbImage
from sounddesk.training.data.recordings import read_rows


@dataclass(frozen=True, kw_only=True, eq=False)
class PictureSet:
    """Cut-outs by kind and backgrounds of one split; `sources` names the collection of each cut-out."""

    cut_outs: dict[str, list[CutOut]]
    backgrounds: list[RgbImage]
    sources: dict[str, list[str]] = field(default_factory=dict)


def read_pictures(data_dir: Path, *, split: str) -> PictureSet:
    """Pictures of a prepared data set; cut-outs uint8[H, W, 4], backgrounds uint8[H, W, 3].

    Raises:
        ImageFileError: one of them cannot be read.
    """
    cut_outs: dict[str, list[CutOut]] = {}
    sources: dict[str, list[str]] = {}
    for row in read_rows(data_dir, "picture"):
        if row["split"] == split:
            cut_outs.setdefault(row["kind"], []).append(load_cut_out(data_dir / row["path"]))
            sources.setdefault(row["kind"], []).append(row["source"])
    backgrounds = []
    for row in read_rows(data_dir, "background"):
        if row["split"] == split:
            backgrounds.append(load_image(data_dir / row["path"]).pixels)
    return PictureSet(cut_outs=cut_outs, backgrounds=backgrounds, sources=sources)


def random_background(pictures: PictureSet, rng: np.random.Generator) -> RgbImage:
    """A photograph, or in one of five cases a plain tint with a gradient."""
    if pictures.backgrounds and rng.random() < 0.8:
        return pictures.backgrounds[int(rng.integers(len(pictures.backgrounds)))]
    top, bottom = rng.uniform(40, 255, 3), rng.uniform(40, 255, 3)
    ramp = np.linspace(0, 1, 256)[:, None, None]
    return np.broadcast_to(top * (1 - ramp) + bottom * ramp, (256, 256, 3)).astype(np.uint8)


def random_scene(
    pictures: PictureSet, kinds: Sequence[str], *, count: int, rng: np.random.Generator, vary: bool = True
) -> tuple[ComposedScene, list[str]]:
    """A scene of `count` different kinds, and the kinds in the order of its masks."""
    chosen = [kinds[int(i)] for i in rng.choice(len(kinds), size=count, replace=False)]
    cut_outs = []
    for kind in chosen:
        options = pictures.cut_outs[kind]
        cut_out = options[int(rng.integers(len(options)))]
        cut_outs.append(vary_cut_out(cut_out, rng) if vary else cut_out)
    height, width = (720, 960) if rng.random() < 0.7 else (960, 720)
    background = random_background(pictures, rng)
    return compose_scene(cut_outs, background=background, height=height, width=width, rng=rng), chosen


@dataclass(frozen=True, kw_only=True, eq=False)
class SceneBank:
    """Encoded scenes and their objects, one row per object.

    Attributes:
        patches: float16[S, P, D] of the scenes.
        scene: int64[O], the scene of each object.
        kind: int64[O], index into `kinds`.
        coverage: float32[O, P], the object's true share of each patch.
    """

    kinds: tuple[str, ...]
    patches: Tensor
    scene: npt.NDArray[np.int64]
    kind: npt.NDArray[np.int64]
    coverage: npt.NDArray[np.float32]

    def objects_by_kind(self) -> list[npt.NDArray[np.int64]]:
        """Rows of each kind, in the order of `kinds`."""
        return [np.flatnonzero(self.kind == index) for index in range(len(self.kinds))]


def build_scene_bank(
    pictures: PictureSet,
    kinds: Sequence[str],
    *,
    encoder: ImageEncoder,
    scenes: int,
    seed: int,
    counts: Sequence[int] = (1, 2, 3, 4, 4),
    vary: bool = True,
) -> SceneBank:
    """Compose and encode `scenes` scenes; each draws from its own generator (seed, index)."""
    known = [kind for kind in kinds if pictures.cut_outs.get(kind)]
    index_of = {kind: index for index, kind in enumerate(kinds)}
    patches, scene_rows, kind_rows, coverages = [], [], [], []
    for index in range(scenes):
        rng = np.random.default_rng((seed, index))
        count = min(len(known), counts[int(rng.integers(len(counts)))])
        scene, chosen = random_scene(pictures, known, count=count, rng=rng, vary=vary)
        patches.append(encoder.encode([scene.image])[0].half())
        for kind, mask in zip(chosen, scene.masks, strict=True):
            scene_rows.append(index)
            kind_rows.append(index_of[kind])
            coverages.append(patch_coverage(mask, grid=encoder.grid))
    return SceneBank(
        kinds=tuple(kinds),
        patches=torch.stack(patches),
        scene=np.array(scene_rows, dtype=np.int64),
        kind=np.array(kind_rows, dtype=np.int64),
        coverage=np.stack(coverages),
    )

"""Training scenes, composed or parts of photographs, encoded once by the frozen image encoder, one file each."""

from __future__ import annotations

from abc import ABC
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from typing import Generic
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import torch
from safetensors.numpy import save_file
from safetensors.torch import load_file
from torch import Tensor

from sounddesk.engine.images.crowded_scenes import FORMATS
from sounddesk.engine.images.crowded_scenes import compose_crowded_scene
from sounddesk.engine.images.crowded_scenes import in_one_piece
from sounddesk.engine.images.scene_composition import CutOut
from sounddesk.engine.images.scene_composition import fit_background
from sounddesk.engine.images.scene_composition import vary_cut_out
from sounddesk.engine.models.image_encoder import TimmPatchEncoder
from sounddesk.engine.models.image_encoder import fit_image
from sounddesk.engine.starter.segmenter_pyramid import small_colours
from sounddesk.engine.types import BoolMask
from sounddesk.engine.types import RgbImage
from sounddesk.storage.atomic_file import atomic_path
from sounddesk.training.data.photograph_scenes import OutlinedPhotograph
from sounddesk.training.data.photograph_scenes import draw_photograph
from sounddesk.training.data.scene_bank import PictureSet
from sounddesk.training.data.scene_bank import random_background

Item = TypeVar("Item")

# Share of the objects of a composed scene that are cut from photographs, where any are.
_PHOTOGRAPHED: Final = 0.7


@dataclass(frozen=True, kw_only=True, eq=False)
class DrawnScene:
    """A scene when it is made.

    Attributes:
        masks: bool[H, W] of each object, at the image's size.
        feature_maps: the encoder's maps of it, one for each of `MAP_STRIDES`.
        colours: uint8[1, 3, S / 2, S / 2] as `small_colours` gives them.
    """

    image: RgbImage
    masks: tuple[BoolMask, ...]
    feature_maps: Sequence[Tensor]
    colours: npt.NDArray[np.uint8]


def draw_crowded(
    pictures: PictureSet, rng: np.random.Generator, *, retextured: float, photographed: Sequence[CutOut] = ()
) -> tuple[RgbImage, tuple[npt.NDArray[np.bool_], ...]]:
    """A scene of 2 to 7 varied cut-outs, kinds evenly; `retextured` of them filled with a photograph.

    Where there are objects cut from photographs, they make up most of every other scene.
    """
    kinds = [kind for kind in sorted(pictures.cut_outs) if pictures.cut_outs[kind]]
    share = _PHOTOGRAPHED if photographed and rng.random() < 0.5 else 0.0
    cut_outs = []
    for _ in range(int(rng.integers(2, 8))):
        if share and rng.random() < share:
            cut_outs.append(vary_cut_out(photographed[int(rng.integers(len(photographed)))], rng))
            continue
        options = pictures.cut_outs[kinds[int(rng.integers(len(kinds)))]]
        cut_out = vary_cut_out(options[int(rng.integers(len(options)))], rng)
        if pictures.backgrounds and rng.random() < retextured:
            cut_out = retexture(cut_out, pictures.backgrounds[int(rng.integers(len(pictures.backgrounds)))], rng)
        cut_outs.append(cut_out)
    height, width = FORMATS[int(rng.integers(len(FORMATS)))]
    scene = compose_crowded_scene(
        cut_outs,
        background=random_background(pictures, rng),
        photographs=pictures.backgrounds,
        height=height,
        width=width,
        rng=rng,
    )
    return scene.image, scene.masks


def retexture(cut_out: CutOut, photograph: RgbImage, rng: np.random.Generator) -> CutOut:
    """The cut-out's shape and some of its shading, filled with a part of a photograph.

    Nearly all pictures are drawings: without this the network could learn that whatever is drawn is the object.
    """
    height, width = cut_out.shape[:2]
    texture = fit_background(photograph, height=height, width=width, rng=rng).astype(np.float32)
    shading = cut_out[..., :3].mean(axis=2, keepdims=True) / 255.0
    strength = rng.uniform(0, 0.7)
    tint = rng.uniform(0.7, 1.3, 3)
    filled = texture * tint * (1 - strength + strength * 1.5 * shading)
    return np.dstack([np.clip(filled, 0, 255), cut_out[..., 3]]).astype(np.uint8)


def only_one_piece(pictures: PictureSet) -> PictureSet:
    """Keep only cut-outs in one piece: a click on others would be ambiguous."""
    kept = {kind: [one for one in cut_outs if in_one_piece(one)] for kind, cut_outs in pictures.cut_outs.items()}
    return PictureSet(cut_outs={kind: found for kind, found in kept.items() if found}, backgrounds=pictures.backgrounds)


class SceneFiles(ABC, Generic[Item]):
    """Scenes 0 to `scenes` - 1 of `seed` in `folder`, each made when it is first asked for.

    Args:
        retextured: share of the objects that are filled with a photograph.
        photographs: with outlined objects.
        photograph_share: of the scenes that are parts of these; the others are composed.
    """

    def __init__(
        self,
        folder: Path,
        *,
        pictures: PictureSet,
        encoder: TimmPatchEncoder,
        scenes: int,
        seed: int,
        retextured: float,
        photographs: Sequence[OutlinedPhotograph] = (),
        photograph_share: float = 0.0,
    ) -> None:
        self._folder = folder
        self._pictures = only_one_piece(pictures)
        self._encoder = encoder
        self._scenes = scenes
        self._seed = seed
        self._retextured = retextured
        self._photographs = photographs
        self._photograph_share = photograph_share if photographs else 0.0
        self._photographed = [cut_out for photograph in photographs for cut_out in photograph.cut_outs()]
        folder.mkdir(parents=True, exist_ok=True)

    def __len__(self) -> int:
        return self._scenes

    def __getitem__(self, index: int) -> Item:
        """Scene `index`, from its file; made first where there is none."""
        file = self._folder / f"{index:05d}.safetensors"
        if not file.exists():
            self._make(index, file)
        return self._read(load_file(file))

    @torch.no_grad()
    def _make(self, index: int, file: Path) -> None:
        encoder = self._encoder
        rng = np.random.default_rng((self._seed, index))
        masks: tuple[BoolMask, ...] = ()
        while not masks:
            image, masks = self._drawn(rng)
        fitted = fit_image(image, size=encoder.image_size, geometry=encoder.geometry)
        _, feature_maps = encoder.patches_and_maps(encoder.normalised([fitted]))
        drawn = DrawnScene(image=image, masks=masks, feature_maps=feature_maps, colours=small_colours(fitted)[None])
        arrays = self._arrays(drawn, rng)
        with atomic_path(file) as part:
            save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, part)

    def _drawn(self, rng: np.random.Generator) -> tuple[RgbImage, tuple[BoolMask, ...]]:
        if self._photograph_share and rng.random() < self._photograph_share:
            return draw_photograph(self._photographs, cut_outs=self._photographed, rng=rng)
        return draw_crowded(self._pictures, rng, retextured=self._retextured, photographed=self._photographed)

    @abstractmethod
    def _arrays(self, drawn: DrawnScene, rng: np.random.Generator) -> dict[str, npt.NDArray[np.generic]]:
        """What is kept of a scene."""

    @abstractmethod
    def _read(self, stored: dict[str, Tensor]) -> Item:
        """A scene from what was kept of it."""

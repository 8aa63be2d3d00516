"""Crowded training scenes, encoded once by the frozen image encoder and kept on disk, one file each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
from safetensors.numpy import save_file
from safetensors.torch import load_file
from torch import Tensor

from sounddesk.domain.mask import quantise_probability
from sounddesk.engine.images.crowded_scenes import FORMATS
from sounddesk.engine.images.crowded_scenes import compose_crowded_scene
from sounddesk.engine.images.crowded_scenes import in_one_piece
from sounddesk.engine.images.scene_composition import CutOut
from sounddesk.engine.images.scene_composition import fit_background
from sounddesk.engine.images.scene_composition import vary_cut_out
from sounddesk.engine.models.image_encoder import MAP_STRIDES
from sounddesk.engine.models.image_encoder import TimmPatchEncoder
from sounddesk.engine.models.image_encoder import fit_image
from sounddesk.engine.starter.segmenter_config import MASK_STRIDE
from sounddesk.engine.starter.segmenter_pyramid import small_colours
from sounddesk.engine.types import RgbImage
from sounddesk.storage.atomic_file import atomic_path
from sounddesk.training.data.scene_bank import PictureSet
from sounddesk.training.data.scene_bank import random_background


@dataclass(frozen=True, kw_only=True, eq=False)
class EncodedScene:
    """One scene as the network meets it, of S x S encoder pixels.

    Attributes:
        taps: float32[1, C, S / stride, S / stride] for each of `MAP_STRIDES`.
        colours: float32[1, 3, S / 2, S / 2], about -1 to 1.
        shares: float32[K, S / 4, S / 4], how much of each cell belongs to the object.
        boxes: float32[K, 4], the objects' bounds in encoder pixels.
    """

    taps: list[Tensor]
    colours: Tensor
    shares: npt.NDArray[np.float32]
    boxes: npt.NDArray[np.float32]


def draw_crowded(
    pictures: PictureSet, rng: np.random.Generator, *, retextured: float
) -> tuple[RgbImage, tuple[npt.NDArray[np.bool_], ...]]:
    """A scene of 2 to 7 varied cut-outs, kinds evenly; `retextured` of them filled with a photograph."""
    kinds = [kind for kind in sorted(pictures.cut_outs) if pictures.cut_outs[kind]]
    cut_outs = []
    for _ in range(int(rng.integers(2, 8))):
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


class ScenePool:
    """Scenes 0 to `scenes` - 1 of `seed` in `folder`, each made when it is first asked for."""

    def __init__(
        self,
        folder: Path,
        *,
        pictures: PictureSet,
        encoder: TimmPatchEncoder,
        scenes: int,
        seed: int,
        retextured: float,
    ) -> None:
        self._folder = folder
        self._pictures = only_one_piece(pictures)
        self._encoder = encoder
        self._scenes = scenes
        self._seed = seed
        self._retextured = retextured
        folder.mkdir(parents=True, exist_ok=True)

    def __len__(self) -> int:
        return self._scenes

    def __getitem__(self, index: int) -> EncodedScene:
        """Scene `index`, from its file; made first where there is none."""
        if not self._file(index).exists():
            self._make(index)
        stored = load_file(self._file(index))
        return EncodedScene(
            taps=[stored[f"stride_{stride}"].float() for stride in MAP_STRIDES],
            colours=stored["colours"].float() / 127.5 - 1,
            shares=stored["shares"].numpy().astype(np.float32) / 255.0,
            boxes=stored["boxes"].numpy(),
        )

    def _file(self, index: int) -> Path:
        return self._folder / f"{index:05d}.safetensors"

    @torch.no_grad()
    def _make(self, index: int) -> None:
        size = self._encoder.image_size
        rng = np.random.default_rng((self._seed, index))
        masks: tuple[npt.NDArray[np.bool_], ...] = ()
        while not masks:
            image, masks = draw_crowded(self._pictures, rng, retextured=self._retextured)
        fitted = fit_image(image, size=size, geometry=self._encoder.geometry)
        _, taps = self._encoder.patches_and_maps(self._encoder.normalised([fitted]))
        arrays: dict[str, npt.NDArray[np.generic]] = {
            f"stride_{stride}": tap.half().numpy() for stride, tap in zip(MAP_STRIDES, taps, strict=True)
        }
        arrays["colours"] = small_colours(fitted)[None]
        side = size // MASK_STRIDE
        shares = [cv2.resize(mask.astype(np.float32), (side, side), interpolation=cv2.INTER_AREA) for mask in masks]
        arrays["shares"] = quantise_probability(np.stack(shares))
        arrays["boxes"] = np.stack([_bounds(mask, size=size) for mask in masks])
        with atomic_path(self._file(index)) as part:
            save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, part)


def _bounds(mask: npt.NDArray[np.bool_], *, size: int) -> npt.NDArray[np.float32]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    down, across = size / mask.shape[0], size / mask.shape[1]
    return np.array(
        [columns[0] * across, rows[0] * down, (columns[-1] + 1) * across, (rows[-1] + 1) * down], dtype=np.float32
    )

"""Light tuning of the image encoder on the starter's own pictures, before the grounding is learned on it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch import nn

from sounddesk.engine.encoders.image import TimmPatchEncoder
from sounddesk.engine.encoders.image import fit_image
from sounddesk.engine.encoders.image import load_image_encoder
from sounddesk.engine.encoders.text import SentenceEncoder
from sounddesk.engine.encoders.text import load_text_encoder
from sounddesk.engine.scene_composition import CutOut
from sounddesk.engine.scene_composition import compose_scene
from sounddesk.engine.scene_composition import vary_cut_out
from sounddesk.training.encoder_conversion import prepare_encoders
from sounddesk.training.grounding_task import kind_vectors
from sounddesk.training.named_set import NamedPictures
from sounddesk.training.recordings import read_kinds
from sounddesk.training.scene_bank import random_background
from sounddesk.training.scene_bank import read_pictures

# Heights and widths of training pictures in shares of the encoder's: it sees every image squashed to a square.
_FORMATS: Final = ((1.0, 1.0), (0.75, 1.0), (0.75, 1.0), (1.0, 0.75))


@dataclass(frozen=True, kw_only=True)
class EncoderModelRecipe:
    """How the encoder is tuned.

    Attributes:
        image_size: side of the square training pictures, one object each: about the size at which the encoder meets
            an object of a four-object scene.
        temperature: of the contrastive loss between pooled patches and the kinds' text vectors.
        feature_noise: Gaussian noise on the pooled features, in standard deviations of each feature.
        head_factor: on the learning rate of the linear map to text vectors, which is thrown away afterwards.
        restyled: share of the pictures that are drawn in another manner (`restyle`).
        frozen_blocks: the first blocks stay as they are, and with them the stem and what a segmenter was trained on; 5
            of EfficientNet's 7 leave what lies after stride 16.
        start_share: how much of the starting weights the export keeps (0 to 1): the mean of before and after knows new
            pictures better than either (Wortsman et al. 2022, robust fine-tuning).
        named_share: share of the pictures that show something else than the kinds, drawn by several artists
            (`prepare starter` makes them): what a thing has in common over manners is learned on many things.
    """

    image_size: int = 320
    temperature: float = 0.07
    feature_noise: float = 1.0
    label_smoothing: float = 0.05
    head_factor: float = 3.0
    restyled: float = 0.0
    frozen_blocks: int = 0
    start_share: float = 0.0
    named_share: float = 0.0

    def __post_init__(self) -> None:
        for key in ("start_share", "named_share"):
            share = getattr(self, key)
            if not 0.0 <= share <= 1.0:
                raise ValueError(f"{key} is {share}: choose from 0 to 1")


def restyle(cut_out: CutOut, rng: np.random.Generator) -> CutOut:
    """Another manner of the same picture: grey, other colours, flat areas, soft, or ink on paper; uint8[H, W, 4].

    Every artist of the sources draws many kinds in one manner. What is recognised shall be the thing, not the artist.
    """
    rgb = np.ascontiguousarray(cut_out[..., :3])
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    manner = int(rng.integers(5))
    drawn: npt.NDArray[Any]
    if manner == 0:
        drawn = np.repeat(grey[..., None], 3, axis=2)
    elif manner == 1:
        hsv = cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV)
        hsv[..., 0] = (hsv[..., 0].astype(np.int32) + int(rng.integers(-18, 19))) % 180
        drawn = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)
    elif manner == 2:
        step = int(rng.integers(32, 80))
        drawn = rgb // step * step + step // 2
    elif manner == 3:
        drawn = cv2.GaussianBlur(rgb, (0, 0), float(max(cut_out.shape) * rng.uniform(0.005, 0.02)))
    else:
        reach = max(3, int(min(grey.shape) * 0.06) | 1)
        ink = cv2.adaptiveThreshold(grey, 255, cv2.ADAPTIVE_THRESH_GAUSSIAN_C, cv2.THRESH_BINARY, reach, 6)
        drawn = np.repeat(ink[..., None], 3, axis=2)
    return np.dstack([drawn, cut_out[..., 3]]).astype(np.uint8)


def _pooled(features: Tensor, shares: Sequence[npt.NDArray[np.float32]]) -> Tensor:
    """Patches float32[B, C, h, w] averaged with the masks' shares, B maps of any size: float32[B, C]."""
    grid = (features.shape[3], features.shape[2])
    coverage = torch.from_numpy(
        np.stack([cv2.resize(share, grid, interpolation=cv2.INTER_AREA) for share in shares])
    ).flatten(1)
    floor = torch.minimum(coverage.amax(dim=1) * 0.99, torch.tensor(0.3))[:, None]
    weights = coverage * (coverage >= floor)
    weights = weights / weights.sum(dim=1, keepdim=True)
    return (features.float().flatten(2) * weights[:, None]).sum(dim=2)


class _Tuned(nn.Module):
    def __init__(self, backbone: nn.Module, width: int, text_width: int, *, named: bool) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = nn.Linear(width, text_width)
        if named:
            self.named_head = nn.Linear(width, text_width)


class EncoderTask:
    """One object on a varied background; its patches, pooled with its mask, have to name its kind.

    Batch-norm statistics stay as ImageNet left them. `inputs.encoders` is the folder of the converted encoders.
    """

    def __init__(self, recipe: EncoderModelRecipe, *, data_dir: Path, inputs: dict[str, Path]) -> None:
        self.recipe = recipe
        self.encoders = inputs["encoders"]
        if not (self.encoders / "image_encoder" / "config.json").exists():
            prepare_encoders(self.encoders)
        text_encoder = load_text_encoder("SentenceEncoder", self.encoders / "text_encoder")
        image_encoder = load_image_encoder("TimmPatchEncoder", self.encoders / "image_encoder")
        assert isinstance(text_encoder, SentenceEncoder)
        assert isinstance(image_encoder, TimmPatchEncoder)
        self.image_encoder = image_encoder
        self.kinds = read_kinds(data_dir)
        self.targets, _ = kind_vectors(self.kinds, text_encoder)
        self.pictures = read_pictures(data_dir, split="train")
        self.known = [index for index, kind in enumerate(self.kinds) if self.pictures.cut_outs.get(kind.name)]
        self.named = NamedPictures.read(data_dir) if recipe.named_share else None
        if self.named is not None:
            self.named_targets = text_encoder.encode([f"a picture of a {name}" for name in self.named.names])
        backbone = next(image_encoder.children())
        backbone.requires_grad_(True)
        if recipe.frozen_blocks:
            for part in (backbone.conv_stem, backbone.bn1, *backbone.blocks[: recipe.frozen_blocks]):  # type: ignore[index,union-attr]
                part.requires_grad_(False)
        self.tuned = _Tuned(backbone, image_encoder.width, text_encoder.width, named=bool(recipe.named_share))
        self.module: nn.Module = self.tuned
        self.learning_rate_factors: Mapping[str, float] = {"head": recipe.head_factor, "named_head": recipe.head_factor}

    def loss(self, rng: np.random.Generator, batch_size: int) -> tuple[Tensor, dict[str, float]]:
        self.tuned.backbone.eval()
        size = self.recipe.image_size
        images, shares, wanted, others = [], [], [], []
        for _ in range(batch_size):
            other = self.named is not None and rng.random() < self.recipe.named_share
            index, drawn = self.named.draw(rng) if self.named is not None and other else self._draw(rng)
            cut_out = vary_cut_out(drawn, rng)
            if rng.random() < self.recipe.restyled:
                cut_out = restyle(cut_out, rng)
            background = random_background(self.pictures, rng)
            height, width = (round(share * size) for share in _FORMATS[int(rng.integers(len(_FORMATS)))])
            scene = compose_scene(
                [cut_out], background=background, height=height, width=width, rng=rng, fill=(0.5, 0.98)
            )
            images.append(fit_image(scene.image, size=size, geometry="squash"))
            shares.append(scene.masks[0].astype(np.float32))
            wanted.append(index)
            others.append(other)
        pixels = (torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float() - 127.0) / 128.0
        features: Tensor = self.tuned.backbone.forward_features(pixels)  # type: ignore[operator]
        pooled = _pooled(features, shares)
        noise = self.recipe.feature_noise * pooled.detach().std(dim=0, unbiased=False) * torch.randn_like(pooled)
        named, answers = torch.tensor(others), torch.tensor(wanted)
        pooled = pooled + noise
        loss, accuracy = self._naming(self.tuned.head(pooled), answers, ~named, targets=self.targets)
        figures = {"accuracy": accuracy}
        if self.named is not None:
            vectors = self.tuned.named_head(pooled)
            more, figures["named_accuracy"] = self._naming(vectors, answers, named, targets=self.named_targets)
            loss = loss + more
        return loss / batch_size, figures

    def _draw(self, rng: np.random.Generator) -> tuple[int, CutOut]:
        kind = self.known[int(rng.integers(len(self.known)))]
        options = self.pictures.cut_outs[self.kinds[kind].name]
        return kind, options[int(rng.integers(len(options)))]

    def _naming(self, vectors: Tensor, answers: Tensor, rows: Tensor, *, targets: Tensor) -> tuple[Tensor, float]:
        """Summed contrastive loss of some rows of a batch, and the share of them that is named rightly."""
        logits = nn.functional.normalize(vectors[rows].float(), dim=-1) @ targets.T / self.recipe.temperature
        smoothing = self.recipe.label_smoothing
        loss = nn.functional.cross_entropy(logits, answers[rows], label_smoothing=smoothing, reduction="sum")
        right = int((logits.argmax(dim=-1) == answers[rows]).sum())
        return loss, right / max(1, len(logits))

    def export(self, folder: Path) -> None:
        """Both encoders, as the grounding recipe takes them for `inputs.encoders`."""
        for name in ("image_encoder", "text_encoder"):
            shutil.copytree(self.encoders / name, folder / name, dirs_exist_ok=True)
        state = {key: value.contiguous() for key, value in self.tuned.backbone.state_dict().items()}
        kept = {key: value for key, value in state.items() if "num_batches" not in key}
        from safetensors.torch import load_file

        start = load_file(folder / "image_encoder" / "model.safetensors")
        share = self.recipe.start_share
        tuned = {key: kept[key] if key in kept else state[key] for key in start}
        mixed = {
            key: torch.lerp(value.float(), start[key].float(), share).to(value.dtype) if share else value
            for key, value in tuned.items()
            if value.is_floating_point()
        }
        save_file({**tuned, **mixed}, folder / "image_encoder" / "model.safetensors")

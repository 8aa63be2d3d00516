"""Training of the grounding: text-image attention that learns to localise objects from captions alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch import nn

from sounddesk.engine.bundles.component_classes import load_image_encoder
from sounddesk.engine.bundles.component_classes import load_text_encoder
from sounddesk.engine.generation.patch_weights import rescale_to_attention
from sounddesk.engine.models.grounding import GroundingConfig
from sounddesk.engine.models.grounding import ObjectConditioner
from sounddesk.engine.models.text_encoder import SentenceEncoder
from sounddesk.engine.starter.class_branch import ClassifyingPatchEncoder
from sounddesk.engine.starter.conditioner import PrototypeConditioner
from sounddesk.engine.starter.conditioner import PrototypeConfig
from sounddesk.storage.atomic_file import atomic_path
from sounddesk.training.data.audio_queries import audio_queries
from sounddesk.training.data.data_error import DataError
from sounddesk.training.data.kind_vectors import kind_vectors
from sounddesk.training.data.kind_vectors import read_kind_map
from sounddesk.training.data.recordings import Kind
from sounddesk.training.data.recordings import read_kinds
from sounddesk.training.data.recordings import read_recordings
from sounddesk.training.data.scene_bank import SceneBank
from sounddesk.training.data.scene_bank import build_scene_bank
from sounddesk.training.data.scene_bank import read_pictures
from sounddesk.training.preparation.encoder_conversion import prepare_encoders
from sounddesk.training.tasks.registry import TASKS
from sounddesk.training.tasks.registry import TaskEntry
from sounddesk.training.tasks.registry import from_inputs


@dataclass(frozen=True, kw_only=True)
class GroundingModelRecipe:
    """What the grounding run does.

    Attributes:
        width: d; the text width, so that the warm start fits.
        scenes: composed scenes, encoded once.
        temperature: of the contrastive loss between condition vectors and the kinds' text vectors.
        mask_share: share of batches whose weights come from the true mask by the mask rule; 0 is the paper.
        key_noise, value_noise: Gaussian noise on patch features before W_K (per patch) and before W_V (the same
            for all patches of a scene, so that it survives the weighted mean), in standard deviations of
            each feature; against memorising single pictures.
        warm_start_steps, warm_start_noise: of the linear kind map that W_K and W_V start from; 0 steps start at random.
        kind_map: 'fitted' fits it on the scenes; 'encoder' takes the one that the encoder was tuned with
            (`inputs.encoders` holds it), which has seen far more views of every picture.
        prototypes: keep the kinds' text vectors in the grounding and draw conditions to them at use.
        prototype_temperature: how sharply.
        closer_look, class_weight, class_floor, kind_weight: of `PrototypeConfig`; classes and kinds are those of the
            encoder, where it has some.
        query: what asks for a place; 'audio' is ablation (v).
        sharpness: spread of the initial attention scores over the patches of a scene.
    """

    width: int = 384
    scenes: int = 3000
    temperature: float = 0.07
    mask_share: float = 0.0
    key_noise: float = 0.5
    value_noise: float = 1.0
    warm_start_steps: int = 300
    warm_start_noise: float = 2.0
    kind_map: Literal["fitted", "encoder"] = "fitted"
    sharpness: float = 3.0
    prototypes: bool = True
    prototype_temperature: float = 0.05
    closer_look: bool = False
    class_weight: float = 1.0
    class_floor: float = 0.01
    kind_weight: float = 0.5
    mlp_factor: int = 1
    heads: int = 1
    score: str = "dot"
    position: str = "post"
    query: Literal["text", "audio"] = "text"
    seed: int = 0


def class_kinds(kinds: list[Kind], *, classes: int) -> Tensor:
    """Which of the encoder's classes are of which kind, by the kinds' own lists: float32[classes, K] of 0 and 1.

    Raises:
        DataError: a kind lists a class that there is not.
    """
    table = torch.zeros(classes, len(kinds))
    for column, kind in enumerate(kinds):
        for row in kind.imagenet_classes:
            if not 0 <= row < classes:
                raise DataError(f"kind {kind.name!r} lists class {row}, the encoder has {classes}")
            table[row, column] = 1.0
    return table


def fit_kind_map(
    features: Tensor, kinds: Tensor, targets: Tensor, *, temperature: float, noise: float, steps: int, seed: int
) -> tuple[Tensor, Tensor]:
    """A linear map from features [n, D] to the kinds' text vectors [K, Lt]: weight [Lt, D] and bias [Lt].

    Contrastive loss over kinds on standardised features with Gaussian noise of `noise` standard deviations, which
    on few pictures a kind generalises better than ridge regression (held-out, 4 objects: 0.89 against 0.87).
    """
    mean, std = features.mean(dim=0), features.std(dim=0) + 1e-3
    standard = (features - mean) / std
    generator = torch.Generator().manual_seed(seed)
    linear = nn.Linear(features.shape[1], targets.shape[1])
    with torch.no_grad():
        linear.weight.normal_(std=features.shape[1] ** -0.5, generator=generator)
        linear.bias.zero_()
    optimiser = torch.optim.AdamW(linear.parameters(), lr=1e-3, weight_decay=0.1)
    for _ in range(steps):
        rows = torch.randint(len(standard), (256,), generator=generator)
        noisy = standard[rows] + noise * torch.randn(256, standard.shape[1], generator=generator)
        vectors = nn.functional.normalize(linear(noisy), dim=-1)
        loss = nn.functional.cross_entropy(vectors @ targets.T / temperature, kinds[rows])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    weight = linear.weight.detach() / std
    return weight, linear.bias.detach() - weight @ mean


@torch.no_grad()
def warm_start(
    conditioner: ObjectConditioner, weight: Tensor, bias: Tensor, *, scores_std: float, sharpness: float
) -> None:
    """Start W_K and W_V as the kind map, W_Q as a multiple of the identity and the MLP as zero beside its residual.

    So attention starts as 'which patch looks like this text' and a condition as 'what text do these patches look
    like'. The bias goes into the value positions; on the keys it would not change a softmax. Queries of another width
    than the text's have no such map and start at random; without positions the bias is left out.
    """
    config = conditioner.config
    conditioner.to_v.weight.copy_(weight)
    if config.text_width == config.width:
        conditioner.to_k.weight.copy_(weight)
        conditioner.to_q.weight.copy_(torch.eye(config.width) * sharpness / scores_std * config.width**0.5)
    if config.position != "off":
        conditioner.position_k.zero_()
        conditioner.position_v.copy_(bias.expand_as(conditioner.position_v))
    last = conditioner.mlp[-1]
    assert isinstance(last, nn.Linear)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)


class GroundingTask:
    """Contrastive loss between the condition of (caption of one object, scene) and the kinds' text vectors.

    No mask enters (unless `mask_share` is set): the attention has to find the named object because only its
    patches let the value path name the kind. `inputs.encoders` is the folder of the converted encoders and of the
    encoded scenes; what is missing there is made.
    """

    def __init__(self, recipe: GroundingModelRecipe, *, data_dir: Path, inputs: dict[str, Path]) -> None:
        self.recipe = recipe
        encoders = inputs["encoders"]
        if not (encoders / "image_encoder" / "config.json").exists():
            prepare_encoders(encoders)
        text_encoder = load_text_encoder("SentenceEncoder", encoders / "text_encoder")
        image_encoder = load_image_encoder("TimmPatchEncoder", encoders / "image_encoder")
        assert isinstance(text_encoder, SentenceEncoder)
        self.kinds = read_kinds(data_dir)
        self.targets, self.variants = kind_vectors(self.kinds, text_encoder)
        # What asks: the words of a kind, or its sounds.
        self.queries = self.variants
        if recipe.query == "audio":
            self.queries = audio_queries(self.kinds, read_recordings(data_dir))
        query_width = self.queries[0].shape[1]
        options: dict[str, Any] = {"heads": recipe.heads, "score": recipe.score, "position": recipe.position}
        shape: dict[str, Any] = dict(
            text_width=query_width,
            patch_width=image_encoder.width,
            grid=image_encoder.grid,
            width=recipe.width,
            out_width=text_encoder.width,
            mlp_factor=recipe.mlp_factor,
            mlp_residual=True,
            **options,
        )
        if recipe.prototypes:
            self.conditioner = self._prototype_conditioner(shape, image_encoder)
        else:
            self.conditioner = ObjectConditioner(GroundingConfig(**shape))
        self.learning_rate_factors: Mapping[str, float] = {}
        self.module: nn.Module = self.conditioner
        self.conditioner.null_vector.copy_(text_encoder.encode([""])[0])
        bank_file = encoders / f"scene_bank_{recipe.scenes}_{recipe.seed}.pt"
        self.bank = self._bank(bank_file, data_dir, image_encoder)
        self.feature_std = self.bank.patches[:64].float().flatten(0, 1).std(dim=0)
        if recipe.kind_map == "encoder":
            self._start_from(*read_kind_map(encoders))
        elif recipe.warm_start_steps:
            self._warm_start()

    def _prototype_conditioner(self, shape: dict[str, Any], image_encoder: Any) -> ObjectConditioner:
        """A conditioner that keeps the kinds' text vectors, told by the encoder's classes where the recipe asks."""
        recipe = self.recipe
        told = recipe.closer_look and isinstance(image_encoder, ClassifyingPatchEncoder)
        config = PrototypeConfig(
            **shape,
            prototypes=len(self.kinds),
            prototype_temperature=recipe.prototype_temperature,
            closer_look=recipe.closer_look,
            classes=image_encoder.classes if told else 0,
            kinds=image_encoder.kinds if told else 0,
            class_weight=recipe.class_weight,
            class_floor=recipe.class_floor,
            kind_weight=recipe.kind_weight,
        )
        conditioner = PrototypeConditioner(config)
        conditioner.get_buffer("prototypes").copy_(self.targets)
        if config.classes:
            conditioner.get_buffer("class_prototypes").copy_(class_kinds(self.kinds, classes=config.classes))
        return conditioner

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
        made = {
            "kinds": names,
            "patches": bank.patches,
            "scene": torch.from_numpy(bank.scene),
            "kind": torch.from_numpy(bank.kind),
            "coverage": torch.from_numpy(bank.coverage),
        }
        with atomic_path(file) as part:
            torch.save(made, part)
        return bank

    def _warm_start(self) -> None:
        """Fit the kind map on the objects' own patches, pooled with their known masks, and start from it."""
        coverage = torch.from_numpy(self.bank.coverage)
        share = coverage * (coverage >= torch.minimum(coverage.amax(dim=1) * 0.99, torch.tensor(0.3))[:, None])
        share = share / share.sum(dim=1, keepdim=True)
        scenes = torch.from_numpy(self.bank.scene)
        pooled = torch.stack([w @ self.bank.patches[s].float() for w, s in zip(share, scenes, strict=True)])
        kinds = torch.from_numpy(self.bank.kind)
        weight, bias = fit_kind_map(
            pooled,
            kinds,
            self.targets,
            temperature=self.recipe.temperature,
            noise=self.recipe.warm_start_noise,
            steps=self.recipe.warm_start_steps,
            seed=self.recipe.seed,
        )
        self._start_from(weight, bias)

    def _start_from(self, weight: Tensor, bias: Tensor) -> None:
        scores = self.bank.patches[:64].float() @ weight.T @ self.targets.T
        spread = float(scores.std(dim=1).mean())
        warm_start(self.conditioner, weight, bias, scores_std=spread, sharpness=self.recipe.sharpness)

    def batch(self, rng: np.random.Generator, batch_size: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Random objects, kinds evenly: (text [B, Lt], patches [B, P, D], kind [B], coverage [B, P])."""
        by_kind = [rows for rows in self.bank.objects_by_kind() if len(rows)]
        rows = np.array(
            [
                by_kind[int(k)][int(rng.integers(len(by_kind[int(k)])))]
                for k in rng.integers(len(by_kind), size=batch_size)
            ]
        )
        kinds = self.bank.kind[rows]
        text = torch.stack([self.queries[k][int(rng.integers(len(self.queries[k])))] for k in kinds])
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


TASKS.register(
    TaskEntry(
        name="grounding",
        summary="the text-image attention",
        model_recipe=GroundingModelRecipe,
        make=from_inputs(GroundingTask),
    )
)

"""Training of the starter's segmenter: masks from simulated clicks, boxes and corrections on crowded scenes.

SAM's recipe (Kirillov et al. 2023, appendix A, 'Training algorithm'): the first prompt is a click or a noisy box,
each further one a click where the last answer was wrong, with that answer as a mask prompt; focal and dice loss 20 : 1,
the least one of an ambiguous click's masks, and a squared error on the predicted IoU.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch import nn
from torch.nn import functional

from sounddesk.engine.models.image_encoder import TimmPatchEncoder
from sounddesk.engine.models.quantised_weights import fingerprint
from sounddesk.engine.models.quantised_weights import load_weights
from sounddesk.engine.starter.segmenter_config import StarterSegmenterConfig
from sounddesk.engine.starter.segmenter_network import StarterSegmenterNetwork
from sounddesk.engine.starter.segmenter_pyramid import ImageEmbedding
from sounddesk.training.data.scene_bank import read_pictures
from sounddesk.training.loop.recipe import TrainingRecipeError
from sounddesk.training.tasks.registry import TASKS
from sounddesk.training.tasks.registry import TaskEntry
from sounddesk.training.tasks.registry import from_inputs
from sounddesk.training.tasks.starter.segmenter_prompts import click_in
from sounddesk.training.tasks.starter.segmenter_prompts import correction
from sounddesk.training.tasks.starter.segmenter_prompts import loose_box
from sounddesk.training.tasks.starter.segmenter_refit import refit_to_encoder
from sounddesk.training.tasks.starter.segmenter_scenes import EncodedScene
from sounddesk.training.tasks.starter.segmenter_scenes import ScenePool

_FOCAL_GAMMA: Final = 2.0


@dataclass(frozen=True, kw_only=True)
class SegmenterModelRecipe:
    """Network and scenes.

    Attributes:
        width, depth, heads, mlp_width: of the network (`StarterSegmenterConfig`).
        scenes: composed and encoded once, some 2.8 MB each, in `inputs.scenes`.
        retextured: share of objects whose colours are replaced by a part of a photograph.
        prompts: objects asked for in each scene of a batch.
        rounds: most prompts to one object; the number is drawn from 1 to this for each scene; 0 for the affinity alone.
        boxes: share of scenes whose first prompt is a box.
        mask_prompts: share of corrections that get the answer before as a mask prompt.
        focal_weight: of the focal loss beside the dice loss.
        affinity_places: places in each scene for which the affinity alone has to give the mask, without the decoder. It
            is far cheaper than prompts, so most of what tells objects apart is learned this way.
        frozen_pyramid: train the decoder alone, which halves the time of a step.
        refit_scenes: looked at by both encoders where `inputs.before` names the one that `inputs.start` was trained on.
    """

    width: int = 96
    depth: int = 2
    heads: int = 4
    mlp_width: int = 384
    scenes: int = 2400
    retextured: float = 0.3
    prompts: int = 3
    rounds: int = 3
    boxes: float = 0.35
    mask_prompts: float = 0.75
    focal_weight: float = 20.0
    affinity_places: int = 16
    frozen_pyramid: bool = False
    refit_scenes: int = 300
    seed: int = 0


class SegmenterTask:
    """Pyramid and decoder learn; the image encoder is frozen.

    `inputs`: 'encoders' and 'scenes', see above, and perhaps 'start', the export of a run to go on from, and 'before',
    the encoders of that run, where 'encoders' were tuned further behind stride 16.
    """

    def __init__(self, recipe: SegmenterModelRecipe, *, data_dir: Path, inputs: dict[str, Path]) -> None:
        encoder = TimmPatchEncoder.load(inputs["encoders"] / "image_encoder").requires_grad_(False)
        self.recipe = recipe
        pictures = read_pictures(data_dir, split="train")
        self.pool = ScenePool(
            inputs["scenes"],
            pictures=pictures,
            encoder=encoder,
            scenes=recipe.scenes,
            seed=recipe.seed,
            retextured=recipe.retextured,
        )
        config = StarterSegmenterConfig(
            image_size=encoder.image_size,
            tap_widths=tuple(each.shape[1] for each in self.pool[0].feature_maps),
            width=recipe.width,
            depth=recipe.depth,
            heads=recipe.heads,
            mlp_width=recipe.mlp_width,
            encoder_fingerprint=fingerprint(encoder.backbone.state_dict()),
        )
        self.network = StarterSegmenterNetwork(config)
        if "before" in inputs and "start" not in inputs:
            raise TrainingRecipeError(
                "inputs.before has no use without inputs.start: name the segmenter that was trained on it"
            )
        if "start" in inputs:
            self.network.load_state_dict(load_weights(inputs["start"] / "segmenter" / "model.safetensors"))
            if "before" in inputs:
                lost = refit_to_encoder(
                    self.network,
                    before=TimmPatchEncoder.load(inputs["before"] / "image_encoder").requires_grad_(False),
                    after=encoder,
                    pictures=pictures,
                    scenes=recipe.refit_scenes,
                    seed=recipe.seed,
                )
                logging.getLogger(__name__).warning("refit to the new encoder: %.3f of the variance lost", lost)
        if recipe.frozen_pyramid:
            self.network.pyramid.requires_grad_(False)
            self.network.reach.requires_grad_(False)
        self.module: nn.Module = self.network
        self.learning_rate_factors: Mapping[str, float] = {}

    def loss(self, rng: np.random.Generator, batch_size: int) -> tuple[Tensor, dict[str, float]]:
        scenes = [self.pool[int(index)] for index in rng.integers(len(self.pool), size=batch_size)]
        feature_maps = [torch.cat(maps) for maps in zip(*(scene.feature_maps for scene in scenes), strict=True)]
        embeddings = self.network.embed(feature_maps, torch.cat([scene.colours for scene in scenes]))
        total = torch.zeros(())
        figures: dict[str, list[float]] = {}
        for index, scene in enumerate(scenes):
            if self.recipe.affinity_places:
                total = total + self._kin_loss(embeddings[index], scene, rng, figures) / batch_size
            if self.recipe.rounds:
                total = total + self._scene_loss(embeddings[index], scene, rng, figures) / batch_size
        return total, {name: float(np.mean(values)) for name, values in figures.items()}

    def export(self, folder: Path) -> None:
        self.network.save(folder / "segmenter")

    def _kin_loss(
        self, embedding: ImageEmbedding, scene: EncodedScene, rng: np.random.Generator, figures: dict[str, list[float]]
    ) -> Tensor:
        chosen = rng.integers(len(scene.shares), size=self.recipe.affinity_places)
        shares = torch.from_numpy(scene.shares[chosen])
        clicks = np.array([[click_in(truth, rng)] for truth in truths_of(shares)], np.float32)
        losses, overlaps = mask_losses(
            self.network.affinity(embedding, torch.from_numpy(clicks)), shares, focal_weight=self.recipe.focal_weight
        )
        figures.setdefault("affinity", []).append(overlaps.mean().item())
        return losses.mean()

    def _scene_loss(
        self, embedding: ImageEmbedding, scene: EncodedScene, rng: np.random.Generator, figures: dict[str, list[float]]
    ) -> Tensor:
        """Mean loss over the rounds of `prompts` objects of one scene."""
        recipe = self.recipe
        chosen = rng.integers(len(scene.shares), size=recipe.prompts)
        shares = torch.from_numpy(scene.shares[chosen])
        truths = truths_of(shares)
        boxes = None
        points = np.zeros((recipe.prompts, 0, 2), np.float32)
        labels = np.zeros((recipe.prompts, 0), np.int64)
        if rng.random() < recipe.boxes:
            size = self.network.config.image_size
            boxes = torch.from_numpy(np.stack([loose_box(scene.boxes[i], size=size, rng=rng) for i in chosen]))
        else:
            points = np.array([[click_in(truth, rng)] for truth in truths], np.float32)
            labels = np.ones((recipe.prompts, 1), np.int64)
        earlier = None
        total = torch.zeros(())
        rounds = int(rng.integers(1, recipe.rounds + 1))
        for index in range(rounds):
            logits, scores = self.network.decode(
                embedding,
                points=torch.from_numpy(points),
                labels=torch.from_numpy(labels),
                boxes=boxes,
                earlier=earlier,
            )
            ambiguous = index == 0 and boxes is None
            used = logits.shape[1] if ambiguous else 1
            losses, overlaps = mask_losses(logits[:, :used], shares, focal_weight=recipe.focal_weight)
            total = total + losses[:, 0].mean() + (scores[:, :used] - overlaps).square().mean()
            if ambiguous:
                total = total + losses[:, 1:].amin(dim=1).mean()
            overlap = overlaps[:, 0].mean().item()
            figures.setdefault("first" if index == 0 else "corrected", []).append(overlap)
            if index + 1 < rounds:
                answers = (logits[:, 0] > 0).numpy()
                clicks = [correction(answer, truth, rng) for answer, truth in zip(answers, truths, strict=True)]
                points = np.concatenate([points, np.array([[click] for click, _ in clicks], np.float32)], axis=1)
                labels = np.concatenate([labels, np.array([[label] for _, label in clicks], np.int64)], axis=1)
                earlier = logits[:, :1].detach() if rng.random() < recipe.mask_prompts else None
        return total / rounds


def truths_of(shares: Tensor) -> npt.NDArray[np.bool_]:
    """Cells of objects by their shares float32[B, S, S]; bool[B, S, S], none empty.

    An object thinner than half a cell has no cell of its own: its fullest ones stand for it.
    """
    least = torch.clamp(shares.amax(dim=(1, 2), keepdim=True) * 0.99, max=0.5)
    return np.asarray((shares > least).numpy(), dtype=np.bool_)


def mask_losses(logits: Tensor, shares: Tensor, *, focal_weight: float) -> tuple[Tensor, Tensor]:
    """Loss and IoU of every mask: float32[B, M] each, from logits [B, M, S, S] and true shares [B, S, S].

    The focal loss takes shares of 0 to 1 as Li et al., 'Generalized Focal Loss', 2020, eq. 4; on shares of 0 and 1 it
    is the common one without class weights.
    """
    targets = shares[:, None].expand_as(logits)
    probabilities = torch.sigmoid(logits)
    entropy = functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    focal = (entropy * (targets - probabilities).abs() ** _FOCAL_GAMMA).mean(dim=(2, 3))
    shared = (probabilities * targets).sum(dim=(2, 3))
    dice = 1 - (2 * shared + 1) / (probabilities.sum(dim=(2, 3)) + targets.sum(dim=(2, 3)) + 1)
    with torch.no_grad():
        found, true = logits > 0, targets > 0.5
        union = (found | true).sum(dim=(2, 3)).clamp(min=1)
        overlaps = (found & true).sum(dim=(2, 3)) / union
    return focal_weight * focal + dice, overlaps


TASKS.register(
    TaskEntry(
        name="segmenter", summary="the segmenter", model_recipe=SegmenterModelRecipe, make=from_inputs(SegmenterTask)
    )
)

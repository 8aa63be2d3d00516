"""The starter's promptable network: a light pyramid over the bundle's image encoder, and SAM's own prompt parts.

Kirillov et al., 'Segment Anything', 2023, appendix A, with EfficientNet-Lite0 in place of the ViT. The embedding has
a stride of 16 and the masks one of 4, as there. What the encoder knows about edges at the strides 8 and 4 joins the
decoder where it reaches them (Ravi et al., 'SAM 2', 2024, section 4): once per image, so that a click pays nothing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

import torch
from segment_anything.modeling import MaskDecoder
from segment_anything.modeling import PromptEncoder
from segment_anything.modeling import TwoWayTransformer
from torch import Tensor
from torch import nn
from torch.nn import functional

from sounddesk.engine.models.quantised_weights import load_weights
from sounddesk.engine.models.quantised_weights import save_weights
from sounddesk.engine.models.weight_budget import build_within
from sounddesk.engine.starter.segmenter_config import MASK_STRIDE
from sounddesk.engine.starter.segmenter_config import StarterSegmenterConfig
from sounddesk.engine.starter.segmenter_pyramid import FeaturePyramid
from sounddesk.engine.starter.segmenter_pyramid import ImageEmbedding
from sounddesk.engine.starter.segmenter_pyramid import doubled
from sounddesk.engine.starter.segmenter_refiner import RefinerConfig
from sounddesk.engine.starter.segmenter_refiner import RegionRefiner
from sounddesk.storage.codec import load

CANDIDATES: Final = 3
"""Masks for an ambiguous click, beside the single one for every other prompt."""

_SURE_LOGIT: Final = 8.0
_SEED_RADIUS_PX: Final = 10.0
# Places along each diagonal of a box.
_INNER: Final = 9
# Places along each side of a box, outside it.
_AROUND: Final = 7
# Places along each side of the grid in a box.
_WITHIN: Final = 6


class DetailMaskDecoder(MaskDecoder):
    """SAM's mask decoder, with the finer maps of the pyramid added while its masks grow to stride 4."""

    def decode(
        self, embedding: ImageEmbedding, *, position: Tensor, sparse: Tensor, dense: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Masks for B prompts on one image: logits [B, 4, 4 G, 4 G] and predicted IoUs [B, 4]; see `predict_masks`."""
        count = sparse.shape[0]
        own = torch.cat([self.iou_token.weight, self.mask_tokens.weight])
        tokens = torch.cat([own.expand(count, -1, -1), sparse], dim=1)
        image = embedding.coarse + dense
        answers, image_tokens = self.transformer(image, position.expand_as(image), tokens)
        grow, norm, activate, grow_again, activate_again = self.output_upscaling
        grown = activate(norm(grow(image_tokens.transpose(1, 2).reshape(image.shape)) + embedding.middle))
        grown = activate_again(grow_again(grown) + embedding.fine)
        weights = torch.stack(
            [network(answers[:, 1 + index]) for index, network in enumerate(self.output_hypernetworks_mlps)], dim=1
        )
        logits = (weights @ grown.flatten(2)).unflatten(2, grown.shape[2:])
        return logits, self.iou_prediction_head(answers[:, 0])


def seeded(guess: Tensor, *, points: Tensor, labels: Tensor, boxes: Tensor | None) -> Tensor:
    """A guess, logits float32[B, 1, S, S], with what the prompts say for certain written into it.

    Discs around the clicks and everything outside the box get sure logits, as in Sofiiuk et al., 'Reviving Iterative
    Training with Mask Guidance', 2021, section 3.
    """
    mask = guess.clamp(-_SURE_LOGIT, _SURE_LOGIT)
    # Centres of the cells, in the same pixels as the prompts.
    cells = (torch.arange(guess.shape[-1], device=points.device) + 0.5) * MASK_STRIDE - 0.5
    across, down = cells[None, None, None, :], cells[None, None, :, None]
    if boxes is not None:
        left, top, right, bottom = boxes[:, :, None, None, None].unbind(dim=1)
        inside = (across >= left) & (across <= right) & (down >= top) & (down <= bottom)
        mask = torch.where(inside, mask, -_SURE_LOGIT)
    for index in range(points.shape[1]):
        x, y = points[:, index, :, None, None, None].unbind(dim=1)
        near = (across - x) ** 2 + (down - y) ** 2 <= _SEED_RADIUS_PX**2
        value = (labels[:, index].float() * 2 - 1)[:, None, None, None] * _SURE_LOGIT
        mask = torch.where(near, value, mask)
    return mask


def _diagonals(boxes: Tensor) -> Tensor:
    """Places along the inner halves of the boxes' diagonals: float32[B, 2, n, 2]."""
    corners = boxes.reshape(-1, 2, 2)
    middle, half = corners.mean(dim=1, keepdim=True), (corners[:, 1:] - corners[:, :1]) / 4
    steps = torch.linspace(-1, 1, _INNER, device=boxes.device)[:, None]
    return torch.stack([middle + half * steps, middle + half * torch.cat([steps, -steps], dim=1)], dim=1)


def _around(boxes: Tensor) -> Tensor:
    """Places a little outside the boxes' sides and corners: float32[B, n, 2]."""
    corners = boxes.reshape(-1, 2, 2)
    middle, half = corners.mean(dim=1, keepdim=True), (corners[:, 1:] - corners[:, :1]) / 2 + 2 * MASK_STRIDE
    steps = torch.linspace(-1, 1, _AROUND, device=boxes.device)
    ones = torch.ones_like(steps)
    sides = [torch.stack(pair, dim=1) for pair in ((steps, ones), (steps, -ones), (ones, steps), (-ones, steps))]
    return middle + half * torch.cat(sides)


def _within(boxes: Tensor) -> Tensor:
    """Places on a grid over the inner four fifths of the boxes: float32[B, n, 2]."""
    corners = boxes.reshape(-1, 2, 2)
    middle, half = corners.mean(dim=1, keepdim=True), (corners[:, 1:] - corners[:, :1]) * 0.4
    steps = torch.linspace(-1, 1, _WITHIN, device=boxes.device)
    places = torch.stack(torch.meshgrid(steps, steps, indexing="ij"), dim=2).flatten(0, 1)
    return middle + half * places


class StarterSegmenterNetwork(nn.Module):
    """Pyramid, prompt encoder and mask decoder."""

    def __init__(self, config: StarterSegmenterConfig) -> None:
        super().__init__()
        side = config.embedding_side
        self.config = config
        self.pyramid = FeaturePyramid(config)
        self.prompt_encoder = PromptEncoder(
            embed_dim=config.width,
            image_embedding_size=(side, side),
            input_image_size=(config.image_size, config.image_size),
            mask_in_chans=16,
        )
        self.mask_decoder = DetailMaskDecoder(
            num_multimask_outputs=CANDIDATES,
            transformer=TwoWayTransformer(
                depth=config.depth, embedding_dim=config.width, mlp_dim=config.mlp_width, num_heads=config.heads
            ),
            transformer_dim=config.width,
            iou_head_depth=3,
            iou_head_hidden_dim=config.width,
        )
        # Squared distance within which places belong together.
        self.reach = nn.Parameter(torch.tensor(2.0))
        self.what = nn.Linear(config.width + config.width // 4 + config.width // 8, config.width)
        self.refiner = RegionRefiner(
            RefinerConfig(
                side=config.refiner_side,
                widths=config.refiner_widths,
                tap_widths=config.tap_widths[: config.refiner_taps],
            )
        )

    def embed(self, feature_maps: Sequence[Tensor], colours: Tensor) -> ImageEmbedding:
        """See `FeaturePyramid.forward`."""
        result: ImageEmbedding = self.pyramid(feature_maps, colours)
        return result

    def decode(
        self,
        embedding: ImageEmbedding,
        *,
        points: Tensor,
        labels: Tensor,
        boxes: Tensor | None = None,
        earlier: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Masks for B prompts on one image: logits [B, 4, 4 G, 4 G] and predicted IoUs [B, 4].

        The first mask answers every prompt, the other three the ways in which a single click can be meant.

        Args:
            embedding: of one image.
            points: float32[B, n, 2] in encoder pixels; n may be 0 where there are boxes or earlier answers.
            labels: int64[B, n], 1 on the object, 0 off it.
            boxes: float32[B, 4].
            earlier: logits float32[B, 1, 4 G, 4 G] of the answer before the last click.
        """
        guess = self._guess(embedding, points=points, labels=labels, boxes=boxes)
        if earlier is not None:
            guess = (guess + earlier.clamp(-_SURE_LOGIT, _SURE_LOGIT)) / 2
        sparse, dense = self.prompt_encoder(
            points=(points, labels) if points.shape[1] else None,
            boxes=boxes,
            masks=seeded(guess, points=points, labels=labels, boxes=boxes),
        )
        sparse = sparse + self._features_at(embedding, points, boxes=boxes, tokens=sparse.shape[1])
        logits, scores = self.mask_decoder.decode(
            embedding, position=self.prompt_encoder.get_dense_pe(), sparse=sparse, dense=dense
        )
        return logits + guess, scores

    def affinity(self, embedding: ImageEmbedding, places: Tensor, *, halved: bool = False) -> Tensor:
        """Logits that a pixel belongs to what lies at each of B x k places: float32[B, k, 4 G, 4 G].

        Args:
            embedding: of one image.
            places: float32[B, k, 2] in encoder pixels.
            halved: give maps of half the size, a quarter of the work.
        """
        grid = ((places + 0.5) / self.config.image_size * 2 - 1)[None]
        there = functional.grid_sample(embedding.affinity, grid, align_corners=False)[0].flatten(1)
        affinity = functional.avg_pool2d(embedding.affinity, 2) if halved else embedding.affinity
        flat = affinity[0].flatten(1)
        distance = there.square().sum(dim=0)[:, None] + flat.square().sum(dim=0)[None] - 2 * there.T @ flat
        return (self.reach - distance).unflatten(1, affinity.shape[2:]).unflatten(0, places.shape[:2])

    def _guess(self, embedding: ImageEmbedding, *, points: Tensor, labels: Tensor, boxes: Tensor | None) -> Tensor:
        """What affinity alone says, logits float32[B, 1, 4 G, 4 G]; the decoder adds to it.

        High where a pixel is like a positive click and unlike a negative one; or like many places in a box and unlike
        those around it.
        """
        side = embedding.affinity.shape[-1]
        guess = torch.zeros(len(points), 1, side, side, device=points.device)
        bound = _SURE_LOGIT
        if boxes is not None:
            guess = doubled(self._box_guess(embedding, boxes))
        if points.shape[1]:
            affinity = self.affinity(embedding, points).clamp(-bound, bound)
            positive = (labels == 1)[:, :, None, None]
            mine = torch.where(positive, affinity, -bound).amax(dim=1, keepdim=True)
            others = torch.where(positive, -bound, affinity).amax(dim=1, keepdim=True)
            guess = (mine if boxes is None else torch.maximum(guess, mine)) - functional.relu(others)
        return guess

    def _box_guess(self, embedding: ImageEmbedding, boxes: Tensor) -> Tensor:
        """Share of the places in a box that a pixel is like, against its affinity with places around: [B, 1, 2 G, 2 G].

        Places in the box that are themselves like those around it do not count. The constants were chosen on
        training scenes.
        """
        last = self.config.image_size - 1
        around, within = _around(boxes), _within(boxes)
        beyond = ((around < 0) | (around > last)).any(dim=2)[:, :, None, None]
        outside = self.affinity(embedding, around.clamp(0, last), halved=True).masked_fill(beyond, -_SURE_LOGIT)
        outside = outside.amax(dim=1, keepdim=True)
        grid = ((within + 0.5) / self.config.image_size * 2 - 1)[:, :, None]
        there = functional.grid_sample(outside, grid, align_corners=False)[:, 0]
        weight = torch.sigmoid(-2 * there)[..., None]
        affinity = torch.sigmoid(self.affinity(embedding, within, halved=True))
        share = (affinity * weight).sum(dim=1, keepdim=True) / weight.sum(dim=1, keepdim=True).clamp(min=0.5)
        return (12 * (share - 0.1 - 0.25 * torch.sigmoid(outside))).clamp(-_SURE_LOGIT, _SURE_LOGIT)

    def _features_at(self, embedding: ImageEmbedding, points: Tensor, *, boxes: Tensor | None, tokens: int) -> Tensor:
        """What lies at each prompt token, so that the decoder need not find it first: float32[B, tokens, W].

        For a click the features there, for a box's corners those along its diagonals.
        """
        places = points[:, :, None].expand(-1, -1, _INNER, -1)
        if boxes is None:
            # SAM's padding point.
            places = torch.cat([places, places.new_zeros(len(points), 1, _INNER, 2)], dim=1)
        else:
            places = torch.cat([places, _diagonals(boxes)], dim=1)
        grid = ((places + 0.5) / self.config.image_size * 2 - 1).reshape(1, -1, 1, 2)
        maps = [embedding.coarse, embedding.middle, embedding.fine]
        found = [functional.grid_sample(one, grid, align_corners=False)[0, :, :, 0].T for one in maps]
        joined = torch.cat(found, dim=1).unflatten(0, (len(points), tokens, _INNER)).mean(dim=2)
        what: Tensor = self.what(joined)
        if boxes is None:
            what = torch.cat([what[:, :-1], torch.zeros_like(what[:, -1:])], dim=1)
        return what

    def save(self, folder: Path) -> None:
        """Write `config.json` and `model.safetensors`."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.json").write_text(json.dumps(asdict(self.config), indent=1) + "\n", encoding="utf-8")
        save_weights(self.state_dict(), folder / "model.safetensors", storage="float32")

    @classmethod
    def load(cls, folder: Path) -> StarterSegmenterNetwork:
        """Read what `save` wrote. Raises: ValueError, TypeError, RuntimeError, EngineError for anything else."""
        config = load(StarterSegmenterConfig, folder / "config.json")
        network = build_within(lambda: cls(config), folder)
        network.load_state_dict(load_weights(folder / "model.safetensors"))
        return network.eval().requires_grad_(False)

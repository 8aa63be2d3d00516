"""The starter's promptable network: a light pyramid over the bundle's image encoder, and SAM's own prompt parts.

Kirillov et al., 'Segment Anything', 2023, appendix A, with EfficientNet-Lite0 in place of the ViT. The embedding has
a stride of 16 and the masks one of 4, as there. What the encoder knows about edges at the strides 8 and 4 joins the
decoder where it reaches them (Ravi et al., 'SAM 2', 2024, section 4): once per image, so that a click pays nothing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch
from segment_anything.modeling import MaskDecoder
from segment_anything.modeling import PromptEncoder
from segment_anything.modeling import TwoWayTransformer
from torch import Tensor
from torch import nn
from torch.nn import functional

from sounddesk.engine.models.quantised_weights import load_weights
from sounddesk.engine.models.quantised_weights import save_weights
from sounddesk.engine.starter.segmenter_refiner import RefinerConfig
from sounddesk.engine.starter.segmenter_refiner import RegionRefiner
from sounddesk.engine.types import RgbImage

EMBEDDING_STRIDE: Final = 16
MASK_STRIDE: Final = 4
COLOUR_STRIDE: Final = 2
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


@dataclass(frozen=True, kw_only=True)
class StarterSegmenterConfig:
    """Shape of the network.

    Attributes:
        image_size: side of the square image that the encoder sees.
        tap_widths: channels of the encoder's maps at the strides 4, 8, 16 and 32.
        width: channels of the embedding.
        depth, heads, mlp_width: of SAM's two-way transformer.
        refiner_side, refiner_widths: of the refiner (`RefinerConfig`).
        encoder_fingerprint: of the weights of the image encoder that it was trained on (`quantised_weights`); with
            another one its masks are worth nothing.
    """

    image_size: int = 640
    tap_widths: tuple[int, ...] = (24, 40, 112, 320)
    width: int = 128
    depth: int = 2
    heads: int = 4
    mlp_width: int = 512
    kinship_width: int = 24
    refiner_side: int = 128
    refiner_widths: tuple[int, ...] = (32, 64, 96, 128)
    encoder_fingerprint: str = ""

    @property
    def embedding_side(self) -> int:
        return self.image_size // EMBEDDING_STRIDE

    @property
    def mask_side(self) -> int:
        """Side of the square masks, and of the earlier answer that a prompt may hold."""
        return self.image_size // MASK_STRIDE

    @property
    def colour_side(self) -> int:
        """Side of the small image that goes in beside the encoder's maps."""
        return self.image_size // COLOUR_STRIDE


class _ChannelNorm(nn.Module):
    """Layer norm over the channels of [N, C, H, W]."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)

    def forward(self, features: Tensor) -> Tensor:
        normed: Tensor = self.norm(features.permute(0, 2, 3, 1))
        return normed.permute(0, 3, 1, 2)


class _Block(nn.Module):
    """Residual depthwise 5 x 5 convolution and pointwise MLP (ConvNeXt's block, Liu et al. 2022)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(width, width, 5, padding=2, groups=width)
        self.norm = _ChannelNorm(width)
        self.expand = nn.Conv2d(width, 2 * width, 1)
        self.contract = nn.Conv2d(2 * width, width, 1)

    def forward(self, features: Tensor) -> Tensor:
        hidden = functional.gelu(self.expand(self.norm(self.depthwise(features))))
        result: Tensor = features + self.contract(hidden)
        return result


@dataclass(frozen=True, kw_only=True, eq=False)
class ImageEmbedding:
    """What the decoder needs of an image, or of N of them.

    Attributes:
        coarse: float32[N, W, G, G], stride 16.
        middle: float32[N, W / 4, 2 G, 2 G], stride 8.
        fine: float32[N, W / 8, 4 G, 4 G], stride 4.
        kinship: float32[N, A, 4 G, 4 G]; two places of one object lie near each other in these A dimensions.
    """

    coarse: Tensor
    middle: Tensor
    fine: Tensor
    kinship: Tensor

    def __getitem__(self, index: int) -> ImageEmbedding:
        """One image of several, still with N = 1."""
        part = slice(index, index + 1)
        return ImageEmbedding(
            coarse=self.coarse[part], middle=self.middle[part], fine=self.fine[part], kinship=self.kinship[part]
        )


def small_colours(fitted: RgbImage) -> RgbImage:
    """What goes into the pyramid beside the encoder's maps of an image uint8[S, S, 3]: uint8[3, S / 2, S / 2]."""
    side = fitted.shape[0] // COLOUR_STRIDE
    small = cv2.resize(fitted, (side, side), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(small.transpose(2, 0, 1)).astype(np.uint8)


class FeaturePyramid(nn.Module):
    """From the encoder's maps and the image's colours to the three maps of an `ImageEmbedding`."""

    def __init__(self, config: StarterSegmenterConfig) -> None:
        super().__init__()
        stride_4, stride_8, stride_16, stride_32 = config.tap_widths
        width = config.width
        self.from_32 = nn.Conv2d(stride_32, width, 1)
        self.from_16 = nn.Conv2d(stride_16, width, 1)
        self.from_8 = nn.Conv2d(4 * stride_8, width, 1)
        self.from_4 = nn.Conv2d(16 * stride_4, width, 1)
        self.where = nn.Conv2d(2, width, 1)
        self.blocks = nn.Sequential(_Block(width), _Block(width), _Block(width))
        self.norm = _ChannelNorm(width)
        self.middle_in = nn.Conv2d(stride_8 + width, width // 4, 1)
        self.middle_block = _Block(width // 4)
        self.fine_in = nn.Conv2d(stride_4 + 3 * (MASK_STRIDE // COLOUR_STRIDE) ** 2 + width // 4, width // 8, 1)
        self.fine_block = _Block(width // 8)
        self.kin_of_middle = nn.Conv2d(width // 4 + 2, config.kinship_width, 1)
        self.kin_of_fine = nn.Conv2d(width // 8, config.kinship_width, 1)
        with torch.no_grad():
            # So that distances start about as long as those that shall be told apart.
            for layer in (self.kin_of_middle, self.kin_of_fine):
                layer.weight.mul_(0.3)

    def forward(self, taps: Sequence[Tensor], colours: Tensor) -> ImageEmbedding:
        """Maps float32[N, C, S, S] of the strides 4, 8, 16 and 32; colours float32[N, 3, 8 G, 8 G] about -1 to 1."""
        at_4, at_8, at_16, at_32 = taps
        coarse = self.from_16(at_16) + functional.interpolate(self.from_32(at_32), scale_factor=2.0, mode="nearest")
        coarse = coarse + self.from_8(functional.pixel_unshuffle(at_8, 2))
        coarse = coarse + self.from_4(functional.pixel_unshuffle(at_4, 4))
        coarse = self.norm(self.blocks(coarse + self.where(_places(coarse))))
        middle = self.middle_block(self.middle_in(torch.cat([at_8, _doubled(coarse)], dim=1)))
        folded = functional.pixel_unshuffle(colours, MASK_STRIDE // COLOUR_STRIDE)
        fine = self.fine_block(self.fine_in(torch.cat([at_4, folded, _doubled(middle)], dim=1)))
        kinship = _doubled(self.kin_of_middle(torch.cat([middle, 3 * _places(middle)], dim=1))) + self.kin_of_fine(fine)
        return ImageEmbedding(coarse=coarse, middle=middle, fine=fine, kinship=kinship)


def _places(features: Tensor) -> Tensor:
    """Coordinates of each cell, -1 to 1: float32[N, 2, H, W]."""
    count, _, height, width = features.shape
    down = torch.linspace(-1, 1, height, device=features.device)[:, None].expand(height, width)
    across = torch.linspace(-1, 1, width, device=features.device)[None].expand(height, width)
    return torch.stack([across, down]).expand(count, -1, -1, -1)


def _doubled(features: Tensor) -> Tensor:
    return functional.interpolate(features, scale_factor=2.0, mode="bilinear", align_corners=False)


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
        # Squared distance within which places are kin.
        self.reach = nn.Parameter(torch.tensor(2.0))
        self.what = nn.Linear(config.width + config.width // 4 + config.width // 8, config.width)
        self.refiner = RegionRefiner(
            RefinerConfig(side=config.refiner_side, widths=config.refiner_widths, tap_widths=config.tap_widths[:3])
        )

    def embed(self, taps: Sequence[Tensor], colours: Tensor) -> ImageEmbedding:
        """See `FeaturePyramid.forward`."""
        result: ImageEmbedding = self.pyramid(taps, colours)
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

    def kin(self, embedding: ImageEmbedding, places: Tensor, *, halved: bool = False) -> Tensor:
        """Logits that a pixel belongs to what lies at each of B x k places: float32[B, k, 4 G, 4 G].

        Args:
            embedding: of one image.
            places: float32[B, k, 2] in encoder pixels.
            halved: give maps of half the size, a quarter of the work.
        """
        grid = ((places + 0.5) / self.config.image_size * 2 - 1)[None]
        there = functional.grid_sample(embedding.kinship, grid, align_corners=False)[0].flatten(1)
        kinship = functional.avg_pool2d(embedding.kinship, 2) if halved else embedding.kinship
        flat = kinship[0].flatten(1)
        distance = there.square().sum(dim=0)[:, None] + flat.square().sum(dim=0)[None] - 2 * there.T @ flat
        return (self.reach - distance).unflatten(1, kinship.shape[2:]).unflatten(0, places.shape[:2])

    def _guess(self, embedding: ImageEmbedding, *, points: Tensor, labels: Tensor, boxes: Tensor | None) -> Tensor:
        """What kinship alone says, logits float32[B, 1, 4 G, 4 G]; the decoder adds to it.

        Kin of a positive click and not of a negative one; or kin of many places in a box and not of those around it.
        """
        side = embedding.kinship.shape[-1]
        guess = torch.zeros(len(points), 1, side, side, device=points.device)
        bound = _SURE_LOGIT
        if boxes is not None:
            guess = _doubled(self._box_guess(embedding, boxes))
        if points.shape[1]:
            kin = self.kin(embedding, points).clamp(-bound, bound)
            positive = (labels == 1)[:, :, None, None]
            mine = torch.where(positive, kin, -bound).amax(dim=1, keepdim=True)
            others = torch.where(positive, -bound, kin).amax(dim=1, keepdim=True)
            guess = (mine if boxes is None else torch.maximum(guess, mine)) - functional.relu(others)
        return guess

    def _box_guess(self, embedding: ImageEmbedding, boxes: Tensor) -> Tensor:
        """Share of the places in a box whose kin a pixel is, against kinship with places around it: [B, 1, 2 G, 2 G].

        Places in the box that are themselves kin of those around it do not count. The constants were chosen on
        training scenes.
        """
        last = self.config.image_size - 1
        around, within = _around(boxes), _within(boxes)
        beyond = ((around < 0) | (around > last)).any(dim=2)[:, :, None, None]
        outside = self.kin(embedding, around.clamp(0, last), halved=True).masked_fill(beyond, -_SURE_LOGIT)
        outside = outside.amax(dim=1, keepdim=True)
        grid = ((within + 0.5) / self.config.image_size * 2 - 1)[:, :, None]
        there = functional.grid_sample(outside, grid, align_corners=False)[:, 0]
        weight = torch.sigmoid(-2 * there)[..., None]
        kin = torch.sigmoid(self.kin(embedding, within, halved=True))
        share = (kin * weight).sum(dim=1, keepdim=True) / weight.sum(dim=1, keepdim=True).clamp(min=0.5)
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
        data = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        network = cls(
            StarterSegmenterConfig(**data | {key: tuple(data[key]) for key in ("tap_widths", "refiner_widths")})
        )
        network.load_state_dict(load_weights(folder / "model.safetensors"))
        return network.eval().requires_grad_(False)

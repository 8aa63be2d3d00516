"""A grounding for published models without training data: texts that CLIP and CLAP both read, and nothing else.

`models.text_alignment` has the map. Here it becomes an `ObjectConditioner`, exactly: its values are the patches without
the mean of images, brought to the length of texts; its MLP passes them through twice, since gelu(x) - gelu(-x) = x, and
the rest of its hidden units are the map's random features; its queries go the way back, from CLAP to CLIP.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor
from torch import nn

from sounddesk.domain.errors import EngineError
from sounddesk.engine.models.grounding import GroundingConfig
from sounddesk.engine.models.grounding import ObjectConditioner
from sounddesk.engine.models.image_encoder import ImageEncoder
from sounddesk.engine.models.text_alignment import AlignmentReport
from sounddesk.engine.models.text_alignment import TextAlignment
from sounddesk.engine.models.text_alignment import fit_alignment
from sounddesk.engine.models.text_alignment import ridge
from sounddesk.engine.models.text_encoder import TextEncoder
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.tasks import StageReporter
from sounddesk.engine.types import RgbImage
from sounddesk.engine.vocabulary import TextPair

SHARPNESS: Final = 3.0
"""Spread of the attention scores over the patches of a picture, as the trained grounding starts with."""

MLP_FACTOR: Final = 4
_BATCH: Final = 64
# Windows of patches, about as large as an object, whose means tell how long an object's vector is.
_WINDOW: Final = 3
# Texts that a picture is asked for, the likeliest ones, when attention is measured.
_QUERIES: Final = 5


@dataclass(frozen=True, kw_only=True, eq=False)
class ImageStatistics:
    """Where images lie in the space of an image encoder.

    Attributes:
        patches: float32[N, P, S] of some pictures.
        mean: float32[S] of all patches.
        norm: mean length of an object's vector without the mean.
    """

    patches: Tensor
    mean: Tensor
    norm: float


def ground_from_texts(
    vectors: tuple[Tensor, Tensor],
    pairs: Sequence[TextPair],
    images: ImageStatistics,
    *,
    grid: tuple[int, int],
    null: Tensor,
) -> tuple[ObjectConditioner, AlignmentReport]:
    """The conditioner of the map that fits the texts.

    Args:
        vectors: unit vectors of the pairs' picture texts float32[N, S] and sound texts float32[N, T].
        pairs: the N texts.
        images: of the encoder whose patches the conditioner is for.
        null: float32[T], the condition of the unconditional pass.

    Raises:
        EngineError: patches and picture texts differ in width.
    """
    picture, sound = vectors
    width = picture.shape[1]
    if images.mean.shape[0] != width:
        raise EngineError(
            f"patches have {images.mean.shape[0]} numbers and texts {width}: the map needs both in one space, so "
            "assemble with --features values or projected"
        )
    config = GroundingConfig(
        text_width=sound.shape[1],
        patch_width=width,
        grid=grid,
        width=width,
        out_width=sound.shape[1],
        mlp_factor=MLP_FACTOR,
        null="empty_text",
    )
    spare = (MLP_FACTOR - 2) * width
    alignment, report = fit_alignment(picture, sound, [pair.thing for pair in pairs], features=spare)
    conditioner = ObjectConditioner(config).eval()
    with torch.no_grad():
        conditioner.null_vector.copy_(null)
        _write_values(conditioner, alignment, images)
        _write_queries(conditioner, picture, sound, images)
        _observe(conditioner, sound, images)
    return conditioner, report


def _write_values(conditioner: ObjectConditioner, alignment: TextAlignment, images: ImageStatistics) -> None:
    width = conditioner.config.width
    scale = alignment.source_norm / max(images.norm, 1e-6)
    identity = torch.eye(width)
    conditioner.to_v.weight.copy_(scale * identity)
    conditioner.position_v.copy_((-scale * images.mean).expand_as(conditioner.position_v))
    first, last = conditioner.mlp[0], conditioner.mlp[2]
    assert isinstance(first, nn.Linear)
    assert isinstance(last, nn.Linear)
    features = len(alignment.feature_bias)
    first.weight.zero_()
    first.bias.zero_()
    first.weight[:width] = identity
    first.weight[width : 2 * width] = -identity
    first.weight[2 * width : 2 * width + features] = alignment.feature_weight
    first.bias[2 * width : 2 * width + features] = alignment.feature_bias
    last.weight.zero_()
    last.weight[:, :width] = alignment.linear.T
    last.weight[:, width : 2 * width] = -alignment.linear.T
    last.weight[:, 2 * width : 2 * width + features] = alignment.residual.T
    last.bias.copy_(alignment.target_mean)


def _write_queries(conditioner: ObjectConditioner, picture: Tensor, sound: Tensor, images: ImageStatistics) -> None:
    """Queries from sound texts to where pictures of the same things lie; keys are centred patches."""
    centre = sound.mean(dim=0)
    back = ridge(sound - centre, picture - picture.mean(dim=0), strength=1.0)
    # There is no bias that could centre a query, so what all texts have in common must map to nothing.
    back = back - torch.outer(centre, centre @ back) / centre.pow(2).sum().clamp_min(1e-12)
    conditioner.to_q.weight.copy_(back.T)
    conditioner.to_k.weight.copy_(torch.eye(conditioner.config.width))
    conditioner.position_k.copy_((-images.mean).expand_as(conditioner.position_k))
    spread = torch.stack([_scores(conditioner, sound, patches).std(dim=-1).mean() for patches in images.patches]).mean()
    conditioner.to_q.weight.mul_(SHARPNESS / float(spread.clamp_min(1e-9)))


def _scores(conditioner: ObjectConditioner, texts: Tensor, patches: Tensor) -> Tensor:
    """Attention scores float32[N, P] of texts float[N, T] over the patches float[P, S] of one picture."""
    return conditioner.scores(texts, patches[None].expand(len(texts), -1, -1))[:, 0]


def _observe(conditioner: ObjectConditioner, sound: Tensor, images: ImageStatistics) -> None:
    """The attention's variance, which masks are matched to: of each picture's likeliest texts."""
    count = conditioner.config.patches
    for patches in images.patches:
        scores = _scores(conditioner, sound, patches)
        likeliest = scores.amax(dim=-1).topk(min(_QUERIES, len(scores))).indices
        conditioner.observe(conditioner.weights(sound[likeliest], patches[None].expand(len(likeliest), count, -1)))


def measure_images(encoder: ImageEncoder, pictures: Sequence[RgbImage]) -> ImageStatistics:
    """Patches of some pictures and what they have in common. Raises: EngineError, for none."""
    if not pictures:
        raise EngineError("there is no picture to measure CLIP's images by: name a folder with some by --pictures")
    patches = torch.cat([encoder.encode([each]).float().cpu() for each in pictures])
    mean = patches.flatten(0, 1).mean(dim=0)
    rows, cols = encoder.grid
    grid = (patches - mean).reshape(len(patches), rows, cols, -1).permute(0, 3, 1, 2)
    windows = nn.functional.avg_pool2d(grid, min(_WINDOW, rows, cols), stride=1)
    return ImageStatistics(patches=patches, mean=mean, norm=float(windows.norm(dim=1).mean()))


def encode_texts(
    encoder: TextEncoder,
    texts: Sequence[str],
    *,
    stage: str,
    on_progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
) -> Tensor:
    """Unit vectors float32[N, S] of many texts, in batches of similar length. Raises: Cancelled."""
    distinct = sorted(dict.fromkeys(texts), key=len)
    reporter = StageReporter(stage=stage, total=len(distinct), on_progress=on_progress, cancel=cancel)
    known: dict[str, Tensor] = {}
    for start in range(0, len(distinct), _BATCH):
        batch = distinct[start : start + _BATCH]
        known.update(zip(batch, encoder.encode(batch).float().cpu(), strict=True))
        reporter.step(min(start + _BATCH, len(distinct)))
    return torch.stack([known[text] for text in texts])

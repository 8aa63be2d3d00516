"""The starter's conditioner: the paper's, drawn to prototypes of known things and told by a crop of each object."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torch import nn

from sounddesk.engine.generation.patch_weights import patch_coverage
from sounddesk.engine.generation.patch_weights import rescale_to_attention
from sounddesk.engine.models.grounding import GroundingConfig
from sounddesk.engine.models.grounding import ObjectConditioner
from sounddesk.engine.models.grounding import ObjectViews
from sounddesk.engine.models.image_encoder import ImageEncoder
from sounddesk.engine.starter.class_branch import ClassifyingPatchEncoder
from sounddesk.engine.starter.object_crop import CropFeatures
from sounddesk.engine.starter.object_crop import crop_object
from sounddesk.engine.starter.object_crop import crop_side
from sounddesk.engine.starter.object_crop import encode_crops
from sounddesk.engine.types import BoolMask
from sounddesk.engine.types import FloatMask


@dataclass(frozen=True, kw_only=True)
class PrototypeConfig(GroundingConfig):
    """The paper's settings and the starter's own.

    Attributes:
        prototypes: number of vectors of known things that a condition is drawn to, at least 1.
        prototype_temperature: how sharply; lower is nearer to the single best one.
        closer_look: a single object is also seen in an enlarged crop (`object_crop`), and its shares of the prototypes
            are the geometric mean of both.
        classes: number of classes of the image encoder (`ClassBranch`) that give a prior from the crop; 0 for none.
        class_weight: exponent of the classes' share in the prior.
        class_floor: share that the prior leaves to every prototype, whatever the classes say; 0 to 1.
        kinds: number of the encoder's own names of the prototypes, in their order; 0 for none.
        kind_weight: exponent of their shares in the prior; less than one where they say little that the prototypes'
            shares, which come from the same pictures, do not.
    """

    prototypes: int
    prototype_temperature: float = 0.05
    closer_look: bool = False
    classes: int = 0
    class_weight: float = 1.0
    class_floor: float = 0.01
    kinds: int = 0
    kind_weight: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.prototypes < 1 or self.prototype_temperature <= 0.0:
            raise ValueError("prototypes must be at least 1 and prototype_temperature above 0")
        if self.classes < 0 or (self.classes and not self.closer_look):
            raise ValueError(f"classes is {self.classes}: at least 0, and without closer_look 0")
        if self.kinds not in ((0, self.prototypes) if self.classes else (0,)):
            raise ValueError(f"kinds is {self.kinds}: 0, or with classes the number of prototypes, {self.prototypes}")
        if not 0.0 < self.class_floor < 1.0:
            raise ValueError(f"class_floor is {self.class_floor}: choose above 0 and below 1")


class PrototypeConditioner(ObjectConditioner):
    """Conditions are mixtures of prototypes, in shares that the object's patches and a crop of it tell."""

    config_class: ClassVar[type[GroundingConfig]] = PrototypeConfig
    config: PrototypeConfig

    def __init__(self, config: PrototypeConfig) -> None:
        super().__init__(config)
        self.register_buffer("prototypes", torch.zeros(config.prototypes, config.out_width))
        if config.classes:
            # 1 where a class is of a prototype; a class may be of several, and most are of none.
            self.register_buffer("class_prototypes", torch.zeros(config.classes, config.prototypes, dtype=torch.uint8))

    def to_condition(self, fused: Tensor) -> Tensor:
        return self.retrieve_prototypes(fused)

    def retrieve_prototypes(self, fused: Tensor) -> Tensor:
        """Draw what `fuse` gave, float[B, C], to the prototypes: unit vectors float32[B, C].

        Patches of an unseen picture give a vector between several things and far from each (mean cosine to the right
        one about 0.4), a kind of vector that the denoiser met in no training picture. The softmax over the prototypes,
        as in the retrieval of a modern Hopfield network (Ramsauer et al. 2021), keeps which things they may be and in
        which shares, and projects the vector onto the distribution that the denoiser was trained on.
        """
        return self.mix_prototypes(self.log_probs(fused))

    def log_probs(self, fused: Tensor) -> Tensor:
        """Log-probabilities of the prototypes for what `fuse` gave, float32[B, prototypes]."""
        similar = nn.functional.normalize(fused.float(), dim=-1) @ self.get_buffer("prototypes").T
        return torch.log_softmax(similar / self.config.prototype_temperature, dim=-1)

    def mix_prototypes(self, log_probs: Tensor) -> Tensor:
        """Prototypes in the shares whose logarithms, up to a constant, are given: unit vectors float32[B, C]."""
        shares = torch.softmax(log_probs, dim=-1)
        return nn.functional.normalize(shares @ self.get_buffer("prototypes"), dim=-1)

    def class_prior(self, weights: Tensor, logits: Tensor) -> Tensor:
        """Log-prior of the prototypes by logits float[B, P, classes + kinds] of patches: float32[B, prototypes].

        The logits are averaged by the weights [B, P]. What the classes do not know is left open by `class_floor`, so
        the prior can speak for a prototype much more than against one. Added to `log_probs` it makes a product of two
        experts (Hinton 2002), which errs where both do.
        """
        pooled = (weights.float()[:, None] @ logits.float())[:, 0]
        classes = self.config.classes
        known = torch.softmax(pooled[:, :classes], dim=-1) @ self.get_buffer("class_prototypes").float()
        prior = self.config.class_weight * (known + self.config.class_floor).log()
        if self.config.kinds:
            prior = prior + self.config.kind_weight * torch.log_softmax(pooled[:, classes:], dim=-1)
        return prior

    def conditions(self, weights: Tensor, patches: Tensor, views: ObjectViews) -> Tensor:
        log_probs = self.log_probs(self.fuse(weights, patches))
        if self.config.closer_look:
            for index, crop in enumerate(self._crop_features(views)):
                if crop is not None:
                    log_probs[index] = self._with_crop(log_probs[index], crop)
        return self.mix_prototypes(log_probs)

    def check_encoder(self, encoder: ImageEncoder) -> None:
        super().check_encoder(encoder)
        wanted = self.config.classes, self.config.kinds
        found = (encoder.classes, encoder.kinds) if isinstance(encoder, ClassifyingPatchEncoder) else (0, 0)
        # A grounding that asks for no classes leaves those of the encoder aside.
        if self.config.classes and wanted != found:
            raise ValueError(
                f"it names {found[0]} classes and {found[1]} kinds, grounding wants {wanted[0]} and {wanted[1]}"
            )

    def _crop_features(self, views: ObjectViews) -> list[CropFeatures | None]:
        """A crop of each single object as the encoder sees it; one mask is looked at once.

        Blends and ambiences are many things, of which a judgement would leave one.
        """
        keys = [None if mask is None else _digest(mask) for mask in views.masks]
        distinct = {key: mask for key, mask in zip(keys, views.masks, strict=True) if key is not None}
        features: dict[bytes, CropFeatures] = {}
        if distinct:
            with views.open_encoder() as encoder:
                for key, mask in distinct.items():
                    assert mask is not None
                    crop = crop_object(views.image, mask, side=crop_side(encoder))
                    # One at a time: in a batch the last digits would depend on what else was asked for.
                    patches, logits = encode_crops(encoder, [crop.pixels])
                    features[key] = CropFeatures(patches=patches[0].float(), logits=logits[0].float(), mask=crop.mask)
        return [None if key is None else features[key] for key in keys]

    def _with_crop(self, log_probs: Tensor, crop: CropFeatures) -> Tensor:
        """Log-probabilities float32[prototypes], up to a constant, of an object and of its crop together.

        The classes are those of photographs of single things, so they judge the crop and not the whole image.
        """
        config = self.config
        coverage = patch_coverage(crop.mask, grid=config.grid)
        weights = rescale_to_attention(
            coverage / coverage.max(), attention_std=self.attention_std(), nonneg=config.mask_nonneg
        )
        given = torch.from_numpy(weights)[None].to(crop.patches.device)
        log_probs = (log_probs + self.log_probs(self.fuse(given, crop.patches[None]))[0]) / 2
        return log_probs + self.class_prior(given, crop.logits[None])[0] if config.classes else log_probs


def _digest(mask: FloatMask | BoolMask) -> bytes:
    return hashlib.sha256(np.ascontiguousarray(mask).tobytes()).digest()

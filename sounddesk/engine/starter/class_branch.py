"""What the published network would call a patch: its last blocks and classifier, beside the tuned ones."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from typing import Any
from typing import Final

import torch
from torch import Tensor
from torch import nn

from sounddesk.domain.limits import LayerSize
from sounddesk.domain.limits import Range
from sounddesk.engine.models.image_encoder import PatchEncoderConfig
from sounddesk.engine.models.image_encoder import TimmPatchEncoder
from sounddesk.engine.models.image_encoder import shrinks
from sounddesk.engine.models.quantised_weights import load_weights
from sounddesk.engine.models.weight_budget import build_within
from sounddesk.engine.types import RgbImage
from sounddesk.storage.codec import load

CLASS_BRANCH_FILE: Final = "class_branch.safetensors"
SHARED_STRIDES: Final = (16,)
"""Stride of the map that the tuned blocks and the class branch have in common."""


class LastBlocks(nn.Module):
    """The blocks of a backbone behind stride 16, with the widening that ends it."""

    def __init__(self, *, blocks: nn.Module, conv_head: nn.Module, bn2: nn.Module) -> None:
        """The parts are copied and stay as they are."""
        super().__init__()
        self.blocks = copy.deepcopy(blocks)
        self.conv_head = copy.deepcopy(conv_head)
        self.bn2 = copy.deepcopy(bn2)

    def forward(self, shared: Tensor) -> Tensor:
        """Map of stride 16, float32[N, C, h, w] -> features float32[N, D, h / 2, w / 2]."""
        result: Tensor = self.bn2(self.conv_head(self.blocks(shared)))
        return result


class ClassBranch(LastBlocks):
    """The untouched blocks behind stride 16 on the shared ones before it, and linear classifiers.

    `classifier` is the published one. `kinds`, where there is one, tells the kinds of a bundle (`class_head_task`): on
    a copy of the blocks that was tuned to them, `kind_blocks`, or without one, as in bundles before decision 42, on the
    untouched blocks.

    Tuning an encoder on drawings costs it names of what photographs show (decisions 39 and 40); what it knew costs
    little to keep where the blocks up to stride 16 are shared.
    """

    def __init__(self, backbone: Any, *, classes: int, kinds: int = 0, kind_blocks: bool = False) -> None:
        """`backbone`: the tuned network (timm's EfficientNet), for the shapes of its last blocks; it stays as it is."""
        last = nn.Sequential(*list(backbone.blocks)[shared_blocks(backbone) :])
        super().__init__(blocks=last, conv_head=backbone.conv_head, bn2=backbone.bn2)
        width = int(backbone.num_features)
        self.classifier = nn.Linear(width, classes)
        self.kinds = nn.Linear(width, kinds) if kinds else None
        self.kind_blocks = self.last_blocks() if kind_blocks else None

    def last_blocks(self) -> LastBlocks:
        """A copy of the blocks alone."""
        return LastBlocks(blocks=self.blocks, conv_head=self.conv_head, bn2=self.bn2)

    def logits(self, shared: Tensor) -> Tensor:
        """Map of stride 16 -> logits of the classes and behind them of the kinds, float32[N, P, L], rows first."""
        features = self(shared).flatten(2).transpose(1, 2)
        classes: Tensor = self.classifier(features)
        if self.kinds is None:
            return classes
        if self.kind_blocks is not None:
            features = self.kind_blocks(shared).flatten(2).transpose(1, 2)
        return torch.cat([classes, self.kinds(features)], dim=-1)


def shared_blocks(backbone: Any) -> int:
    """How many of the backbone's blocks lie before its last shrinking: the part that both branches stand on."""
    shrinking = [index for index, stage in enumerate(backbone.blocks) if shrinks(stage)]
    return int(shrinking[-1])


@dataclass(frozen=True, kw_only=True)
class _Config(PatchEncoderConfig):
    """`config.json` of a `ClassifyingPatchEncoder`: the arguments that it is made with."""

    classes: LayerSize
    kinds: Annotated[int, Range(0, 1 << 20)] = 0
    kind_blocks: bool = False


class ClassifyingPatchEncoder(TimmPatchEncoder):
    """A patch encoder with a `ClassBranch`: what it sees is also told by classes, and by the kinds of a bundle.

    Args:
        classes: number of classes that the network was published with, at least 1.
        kinds: number of the bundle's kinds; 0 for none.
        kind_blocks: the kinds have last blocks of their own.
        options: of `TimmPatchEncoder`.
    """

    def __init__(self, *, classes: int, kinds: int = 0, kind_blocks: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.classes = classes
        self.kinds = kinds
        self.class_branch = ClassBranch(self.backbone, classes=classes, kinds=kinds, kind_blocks=kind_blocks)

    @torch.no_grad()
    def shared_map(self, crops: Sequence[RgbImage]) -> Tensor:
        """What the class branch stands on, of square crops: float32[N, C, 2 h, 2 w] at stride 16."""
        (shared,) = self.feature_maps(self.normalised(crops), strides=SHARED_STRIDES)
        return shared

    def config(self) -> dict[str, str | int | float | bool]:
        return {
            **super().config(),
            "classes": self.classes,
            "kinds": self.kinds,
            "kind_blocks": self.class_branch.kind_blocks is not None,
        }

    @classmethod
    def load(cls, folder: Path) -> ClassifyingPatchEncoder:
        """Read what `TimmPatchEncoder` reads, and the branch from a file of its own."""
        config = load(_Config, folder / "config.json")
        encoder = build_within(lambda: cls(**vars(config)), folder)
        encoder.backbone.load_state_dict(load_weights(folder / "model.safetensors"))
        encoder.class_branch.load_state_dict(load_weights(folder / CLASS_BRANCH_FILE))
        return encoder.eval()

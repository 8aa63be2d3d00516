"""What the published network would call a patch: its last blocks and classifier, beside the tuned ones."""

from __future__ import annotations

import copy
from typing import Any
from typing import Final

import torch
from torch import Tensor
from torch import nn

CLASS_BRANCH_FILE: Final = "class_branch.safetensors"


class ClassBranch(nn.Module):
    """The untouched blocks behind stride 16 on the shared ones before it, and linear classifiers on them.

    `classifier` is the published one. `kinds`, where there is one, was fitted to the kinds of a bundle
    (`class_head_task`): what the blocks know of photographs and drawings tells more of them than the classes do.

    Tuning an encoder on drawings costs it names of what photographs show (decisions 39 and 40); what it knew costs
    little to keep where the blocks up to stride 16 are shared.
    """

    def __init__(self, backbone: Any, *, classes: int, kinds: int = 0) -> None:
        """`backbone`: the tuned network (timm's EfficientNet), for the shapes of its last blocks; it stays as it is."""
        super().__init__()
        shared = shared_blocks(backbone)
        self.blocks = copy.deepcopy(nn.Sequential(*list(backbone.blocks)[shared:]))
        self.conv_head = copy.deepcopy(backbone.conv_head)
        self.bn2 = copy.deepcopy(backbone.bn2)
        self.classifier = nn.Linear(int(backbone.num_features), classes)
        self.kinds = nn.Linear(int(backbone.num_features), kinds) if kinds else None

    def forward(self, features: Tensor) -> Tensor:
        """Map of stride 16, float32[N, C, h, w] -> features of the published network, float32[N, D, h / 2, w / 2]."""
        result: Tensor = self.bn2(self.conv_head(self.blocks(features)))
        return result

    def logits(self, patches: Tensor) -> Tensor:
        """Features float32[..., D] -> logits of the classes and behind them of the kinds, float32[..., L]."""
        classes: Tensor = self.classifier(patches)
        return classes if self.kinds is None else torch.cat([classes, self.kinds(patches)], dim=-1)


def shared_blocks(backbone: Any) -> int:
    """How many of the backbone's blocks lie before its last shrinking: the part that both branches stand on."""
    shrinking = [index for index, stage in enumerate(backbone.blocks) if shrinks(stage)]
    return int(shrinking[-1])


def shrinks(stage: nn.Module) -> bool:
    """Whether a block halves the map."""
    return any(isinstance(part, nn.Conv2d) and part.stride[0] > 1 for part in stage.modules())

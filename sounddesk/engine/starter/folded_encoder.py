"""An image encoder whose batch normalisation is part of the convolution before it: the same maps, a fifth sooner.

The patches that sounds are made from stay with the encoder as it is, so that they do not differ by a rounding from
those of a session without a segmenter.
"""

from __future__ import annotations

import copy
from itertools import pairwise

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from sounddesk.engine.models.image_encoder import TimmPatchEncoder


def folded_encoder(encoder: TimmPatchEncoder) -> TimmPatchEncoder:
    """A copy in evaluation mode whose `feature_maps` are the encoder's up to rounding; it cannot be trained.

    A normalisation belongs to the convolution that is registered right before it, as in timm's EfficientNets.
    """
    made = copy.deepcopy(encoder).eval().requires_grad_(False)
    for module in list(made.backbone.modules()):
        for (name, convolution), (after, normalisation) in pairwise(list(module.named_children())):
            if isinstance(convolution, nn.Conv2d) and isinstance(normalisation, nn.BatchNorm2d):
                setattr(module, name, fuse_conv_bn_eval(convolution, normalisation))
                # timm's normalisation ends in an activation.
                setattr(module, after, getattr(normalisation, "act", nn.Identity()))
    return made

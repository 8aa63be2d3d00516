"""The classes that only the starter's bundle has: its image encoder, its conditioner and its detail."""

from __future__ import annotations

from sounddesk.engine.bundles.component_classes import COMPONENT_CLASSES
from sounddesk.engine.bundles.component_classes import ComponentClass

COMPONENT_CLASSES.register(
    ComponentClass(
        role="image_encoder",
        class_name="TimmPatchEncoder",
        switch="classes",
        target="sounddesk.engine.starter.class_branch:ClassifyingPatchEncoder",
    )
)
COMPONENT_CLASSES.register(
    ComponentClass(
        role="grounding",
        class_name="ObjectConditioner",
        switch="prototypes",
        target="sounddesk.engine.starter.conditioner:PrototypeConditioner",
    )
)
COMPONENT_CLASSES.register(
    ComponentClass(
        role="detail",
        class_name="SpectralDetail",
        target="sounddesk.engine.starter.spectral_detail:SpectralDetail",
    )
)

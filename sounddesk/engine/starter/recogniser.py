"""What a selected object is, told by the starter's own eyes, with a confidence that is calibrated on photographs.

Two views of an object's crop speak: the 1,000 published classes, most of which are of no kind, so that they can say
that a thing is none of them; and the kinds, tuned on pictures of kinds alone, which always name one. A logistic model
of both (Platt 1999) says how likely a guess is right; the bundle brings its weights.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sounddesk.domain.object_names import MOST_GUESSES
from sounddesk.domain.object_names import NameGuess
from sounddesk.domain.object_names import RecognisedObject
from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.engine.bundles.component_classes import component_class
from sounddesk.engine.bundles.guarded_loading import loading_component
from sounddesk.engine.bundles.installed_bundles import find_bundle
from sounddesk.engine.generation.patch_weights import patch_coverage
from sounddesk.engine.generation.patch_weights import rescale_to_attention
from sounddesk.engine.segmenters.protocol import EmptySelectionError
from sounddesk.engine.starter.class_branch import ClassifyingPatchEncoder
from sounddesk.engine.starter.conditioner import PrototypeConditioner
from sounddesk.engine.starter.kinds_document import KINDS_DOCUMENT
from sounddesk.engine.starter.kinds_document import read_kind_rows
from sounddesk.engine.starter.object_crop import crop_object
from sounddesk.engine.starter.object_crop import crop_side
from sounddesk.engine.starter.object_crop import crop_surroundings
from sounddesk.engine.starter.object_crop import encode_crops
from sounddesk.engine.types import BoolMask
from sounddesk.engine.types import BundleError
from sounddesk.engine.types import FloatMask
from sounddesk.engine.types import RgbImage
from sounddesk.resources_folder import SHIPPED_BUNDLE
from sounddesk.storage.codec import decode
from sounddesk.storage.text_formats import FieldError
from sounddesk.storage.text_formats import read_json

NAMES_DOCUMENT: Final = "names.json"
"""Document of a bundle that says how sure its guesses are; older bundles have none and name nothing."""

# Shares of nothing and of everything: logarithms stay within what calibration has seen.
_LEAST_SHARE: Final = 0.003
_LEAST_LOG_PROTOTYPE: Final = -8.0
_OTHER_FLOOR: Final = 0.01


@dataclass(frozen=True, kw_only=True)
class ConfidenceWeights:
    """Logistic weights of what speaks for a guess.

    Attributes:
        bias: log-odds where all else is zero.
        kind: of the log-share of the kind among the kinds.
        prototype: of the log-share of its prototype by the grounding's view of the crop.
        other: of the logarithm of the largest share of a class that is of no kind.
        odds: of the log-odds of the classes that are of the kind; without effect for kinds that no class is of.
    """

    bias: float
    kind: float
    prototype: float
    other: float
    odds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class NamingSettings:
    """How sure a bundle's guesses are.

    Attributes:
        least_confidence: below it a guess is no name.
        with_classes: weights for kinds that some of the published classes are of.
        without_classes: weights for the others.
    """

    least_confidence: float
    with_classes: ConfidenceWeights
    without_classes: ConfidenceWeights


@dataclass(frozen=True, kw_only=True, eq=False)
class Opinions:
    """What the networks say of one object.

    Attributes:
        class_probs: float64[classes] of the published classes, sum 1.
        kind_log_probs: float64[kinds] of the tuned classifier.
        prototype_log_probs: float64[kinds] of the grounding.
    """

    class_probs: npt.NDArray[np.float64]
    kind_log_probs: npt.NDArray[np.float64]
    prototype_log_probs: npt.NDArray[np.float64]


def confidences(
    opinions: Opinions, classes_of_kinds: npt.NDArray[np.float64], settings: NamingSettings
) -> npt.NDArray[np.float64]:
    """How likely each kind is the right name, float64[kinds]; they need not add up to 1, for it may be none of them.

    Args:
        classes_of_kinds: float64[classes, kinds], 1 where a class is of a kind.
    """
    known = np.clip(opinions.class_probs @ classes_of_kinds, _LEAST_SHARE, 1 - _LEAST_SHARE)
    odds = np.log(known / (1 - known))
    has_classes = classes_of_kinds.any(axis=0)
    other = math.log(float(opinions.class_probs[~classes_of_kinds.any(axis=1)].max(initial=0.0)) + _OTHER_FLOOR)
    prototype = np.maximum(opinions.prototype_log_probs, _LEAST_LOG_PROTOTYPE)

    def log_odds(weights: ConfidenceWeights) -> npt.NDArray[np.float64]:
        total: npt.NDArray[np.float64] = (
            weights.bias
            + weights.odds * odds
            + weights.kind * opinions.kind_log_probs
            + weights.prototype * prototype
            + weights.other * other
        )
        return total

    total = np.where(has_classes, log_odds(settings.with_classes), log_odds(settings.without_classes))
    sure: npt.NDArray[np.float64] = 1 / (1 + np.exp(-total))
    return sure


class StarterRecogniser:
    """`RecognisesObjects` by the image encoder and the grounding of a bundle. Deterministic."""

    def __init__(
        self,
        encoder: ClassifyingPatchEncoder,
        conditioner: PrototypeConditioner,
        *,
        guesses: Sequence[tuple[str, str]],
        settings: NamingSettings,
    ) -> None:
        """`guesses`: name and words for the sound of each kind, in the order of the prototypes.

        Raises:
            BundleError: the parts do not know the same kinds.
        """
        if not len(guesses) == encoder.kinds == conditioner.config.prototypes or not conditioner.config.classes:
            raise BundleError(
                f"{KINDS_DOCUMENT} has {len(guesses)} kinds, the image encoder {encoder.kinds}, the grounding "
                f"{conditioner.config.prototypes}: install the bundle again"
            )
        self._encoder = encoder.eval()
        self._conditioner = conditioner.eval()
        self._guesses = tuple(guesses)
        self._settings = settings
        self._classes_of_kinds = conditioner.get_buffer("class_prototypes").double().numpy()

    @classmethod
    def from_bundle(cls, bundle: Bundle) -> StarterRecogniser | None:
        """Load what a bundle recognises objects with; None where it does not say how sure its guesses are.

        Raises:
            EngineError: a part is missing, damaged or of another class.
        """
        if NAMES_DOCUMENT not in bundle.manifest.documents:
            return None
        bundle.verify_components(("image_encoder", "grounding"))
        try:
            settings = decode(NamingSettings, read_json(bundle.document(NAMES_DOCUMENT)), where=NAMES_DOCUMENT)
            guesses = [(row.kind, row.caption) for row in read_kind_rows(bundle.document(KINDS_DOCUMENT))]
        except (FieldError, OSError) as error:
            raise BundleError(
                f"bundle {bundle.name!r}: what it names objects with cannot be loaded ({error}): install it again"
            ) from error
        encoder, conditioner = (_load(bundle, role) for role in ("image_encoder", "grounding"))
        if not isinstance(encoder, ClassifyingPatchEncoder) or not isinstance(conditioner, PrototypeConditioner):
            raise BundleError(f"bundle {bundle.name!r} has no classes of its own to name objects by: remove its names")
        return cls(encoder.requires_grad_(False), conditioner.requires_grad_(False), guesses=guesses, settings=settings)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The names that it knows."""
        return tuple(name for name, _ in self._guesses)

    def confidences(self, opinions: Opinions) -> npt.NDArray[np.float64]:
        """How likely each kind is the right name, float64[kinds]."""
        return confidences(opinions, self._classes_of_kinds, self._settings)

    def recognise(self, image: RgbImage, mask: FloatMask | BoolMask) -> RecognisedObject:
        inside = mask >= 0.5
        if not inside.any():
            raise EmptySelectionError("mask is empty: select an object or paint one")
        sure = self.confidences(self.opinions(image, mask))
        best = np.argsort(-sure, kind="stable")[:MOST_GUESSES]
        return RecognisedObject(
            guesses=tuple(
                NameGuess(name=self._guesses[kind][0], prompt=self._guesses[kind][1], confidence=float(sure[kind]))
                for kind in best
            ),
            least_confidence=self._settings.least_confidence,
        )

    @torch.no_grad()
    def opinions(self, image: RgbImage, mask: FloatMask | BoolMask) -> Opinions:
        """What the networks say of the object, cut out and with its surroundings: the mean of both views' logits."""
        side = crop_side(self._encoder)
        alone = crop_object(image, mask, side=side)
        among = crop_surroundings(image, mask, side=side)
        logits = []
        for crop in (alone, among):
            # One at a time: in a batch the last digits would depend on what else was asked for.
            patches, seen = encode_crops(self._encoder, [crop.pixels])
            weights = self._weights(crop.mask)
            logits.append((weights[:, None] @ seen.float())[0, 0])
            if crop is alone:
                fused = self._conditioner.fuse(weights, patches.float())
                prototypes = self._conditioner.log_probs(fused)[0]
        mean = (logits[0] + logits[1]) / 2
        classes = self._encoder.classes
        return Opinions(
            class_probs=torch.softmax(mean[:classes], dim=0).double().numpy(),
            kind_log_probs=torch.log_softmax(mean[classes:], dim=0).double().numpy(),
            prototype_log_probs=prototypes.double().numpy(),
        )

    def _weights(self, mask: FloatMask) -> Tensor:
        """The crop's mask on its patches, as the grounding weighs them: float32[1, P]."""
        config = self._conditioner.config
        coverage = patch_coverage(mask, grid=config.grid)
        weights = rescale_to_attention(
            coverage / coverage.max(), attention_std=self._conditioner.attention_std(), nonneg=config.mask_nonneg
        )
        return torch.from_numpy(weights)[None]


def _load(bundle: Bundle, role: str) -> Any:
    with loading_component(bundle, role) as folder:
        return component_class(role, bundle.manifest.component(role).class_name, folder).load(folder)


def open_recogniser(bundle: str | Path | Bundle = SHIPPED_BUNDLE) -> StarterRecogniser | None:
    """What names objects: the bundle's own recogniser, the starter's where it has none, None without either.

    Raises:
        EngineError: there is no such bundle, or its parts cannot be used.
    """
    opened = bundle if isinstance(bundle, Bundle) else find_bundle(bundle)
    own = StarterRecogniser.from_bundle(opened)
    return own if own is not None else StarterRecogniser.from_bundle(find_bundle(SHIPPED_BUNDLE))

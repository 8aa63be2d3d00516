"""How far words alone ground a sound: `sounddesk evaluate text-grounding`.

`models assemble` fits a map from CLIP's space to CLAP's on texts (`engine/models/text_alignment`). Here the same method
is tried where its answers are known, on the encoders of the bundle that ships. The map learns from the names of
ImageNet's 1,000 classes in a space of images and in that of the sentence encoder; it is asked about cut-outs of the
bundle's kinds. Two spaces of images are tried:

- That of the bundle's patches, which was learned with words, as CLIP's was: its encoder and the text side of its
  attention have seen every kind, only the map has not.
- That of the published classifier, which has seen photographs and no words; its rows are the vectors of the names.

In each:

- Phrases: class names held out, the right one of all by the map, beside the nearest known name (no map) and chance.
- Known kinds: pictures, the right kind by its name, with all class names.
- Unknown kinds: the same with every class name of the picture's own kind left out of the fit, in folds of kinds; beside
  the words of the nearest known name.

The trained grounding of the bundle on the same pictures is what the method is to be compared with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch import nn

from sounddesk.domain.errors import BadInputError
from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.engine.bundles.component_classes import load_conditioner
from sounddesk.engine.bundles.component_classes import load_image_encoder
from sounddesk.engine.bundles.component_loading import read_text_encoder
from sounddesk.engine.generation.patch_weights import patch_coverage
from sounddesk.engine.images.reference_pictures import read_reference_pictures
from sounddesk.engine.images.scene_composition import CutOut
from sounddesk.engine.models.text_alignment import Retrieval
from sounddesk.engine.models.text_alignment import TextAlignment
from sounddesk.engine.models.text_alignment import fit_alignment
from sounddesk.engine.models.text_alignment import fit_linear
from sounddesk.engine.session import EngineSession
from sounddesk.engine.starter.class_branch import ClassifyingPatchEncoder
from sounddesk.engine.starter.object_crop import crop_object
from sounddesk.engine.starter.object_crop import crop_side
from sounddesk.engine.starter.object_crop import encode_crops
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.tasks import StageReporter
from sounddesk.engine.types import ObjectRequest
from sounddesk.engine.types import RgbImage
from sounddesk.evaluation.metrics.proportion import Proportion
from sounddesk.evaluation.picture_folder import read_bundle_kinds
from sounddesk.evaluation.picture_folder import read_picture_folder
from sounddesk.resources_folder import SHIPPED_BUNDLE
from sounddesk.resources_folder import resource

FOLDS: Final = 10
CURVE: Final = (60, 125, 250, 500, 1000)
"""Numbers of class names that the map of the curve is fitted on."""

_PAPER: Final = 235
_FIRST: Final = 5


@dataclass(frozen=True, kw_only=True)
class SpaceFigures:
    """Figures in one space of images; each proportion is of pictures whose own kind is the nearest of all.

    Attributes:
        phrases, nearest_word: class names held out, by the map and by the nearest known name.
        known, known_five: with every class name in the fit; nearest, among the five nearest.
        unknown, unknown_five: with the class names of the picture's kind left out.
        nearest_name: `unknown` by the words of the class name that is nearest to the picture, which is no map at all.
        curve: `unknown` by the number of class names in the fit.
    """

    phrases: Retrieval
    nearest_word: Retrieval
    known: Proportion
    known_five: Proportion
    unknown: Proportion
    unknown_five: Proportion
    nearest_name: Proportion
    curve: dict[int, Proportion]

    def line(self) -> str:
        """The figures in one line."""
        return (
            f"kinds that the map never saw: {self.unknown.text()}, {self.unknown_five.share:.3f} among five; by the "
            f"nearest name {self.nearest_name.share:.3f}; with all class names {self.known.share:.3f} and "
            f"{self.known_five.share:.3f}"
        )

    def details(self) -> list[str]:
        """What `line` has no room for."""
        return [
            f"class names held out: {self.phrases.text()}; by the nearest known name {self.nearest_word.text()}",
            *(f"fitted on {count} class names: {each.text()}" for count, each in self.curve.items()),
        ]

    def to_json(self) -> dict[str, Any]:
        return {
            "phrases": vars(self.phrases),
            "nearest_word": vars(self.nearest_word),
            "known": self.known.to_json(),
            "known_five": self.known_five.to_json(),
            "unknown": self.unknown.to_json(),
            "unknown_five": self.unknown_five.to_json(),
            "nearest_name": self.nearest_name.to_json(),
            "curve": {str(count): each.to_json() for count, each in self.curve.items()},
        }


@dataclass(frozen=True, kw_only=True)
class TextGroundingResult:
    """Figures of one evaluation.

    Attributes:
        learned: in the space of the bundle's patches, which was learned with words.
        published: in that of the published classifier, which knows no words.
        trained: pictures whose own kind is the nearest by the bundle's own grounding.
    """

    bundle: str
    bundle_sha256: str
    kinds: int
    learned: SpaceFigures
    published: SpaceFigures
    trained: Proportion

    def line(self) -> str:
        """The result in one line."""
        return (
            f"images learned with words: {self.learned.line()}; trained grounding {self.trained.share:.3f}; chance "
            f"{1 / self.kinds:.4f} of {self.kinds} kinds; bundle {self.bundle}"
        )

    def details(self) -> list[str]:
        """What `line` has no room for."""
        return [
            *self.learned.details(),
            f"images that know no words: {self.published.line()}",
            *self.published.details(),
        ]

    def to_json(self) -> dict[str, Any]:
        return {
            "measure": "text-grounding",
            "bundle": self.bundle,
            "bundle_sha256": self.bundle_sha256,
            "kinds": self.kinds,
            "learned": self.learned.to_json(),
            "published": self.published.to_json(),
            "trained": self.trained.to_json(),
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class _Words:
    """Vectors of the class names and of the kinds' names in the space of words."""

    names: Tensor
    kinds: Tensor


@dataclass(frozen=True, kw_only=True, eq=False)
class _ImageSpace:
    """A space of images.

    Attributes:
        rows: float32[classes, D], where it has the class names.
        mean: float32[D] of images.
        norm: mean length of an image without it.
    """

    rows: Tensor
    mean: Tensor
    norm: float


def run(
    pictures_dir: Path,
    *,
    bundle: str | Path = SHIPPED_BUNDLE,
    seed: int = 0,
    backgrounds: Path | None = None,  # noqa: ARG001  # cut-outs stand alone here
    device: str = "auto",
    progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
) -> TextGroundingResult:
    """Measure the method with a bundle's encoders on the cut-outs in `pictures_dir`.

    Args:
        pictures_dir: holds KIND/*.png cut-outs with alpha.
        seed: of the class names that are held out.

    Raises:
        BadInputError: the pictures cannot be used, or the bundle's encoder names no classes.
        EngineError: the bundle cannot be loaded.
        Cancelled: through `cancel`.
    """
    with EngineSession.open(bundle=bundle, device=device) as session:
        opened = session.bundle
        encoder = _encoder_with_classes(opened)
        kinds = read_bundle_kinds(opened)
        kind_names = [each.name for each in kinds]
        classes = [frozenset(each.imagenet_classes) for each in kinds]
        folder = read_picture_folder(pictures_dir, kind_names)
        pictures = [(kind_names.index(kind), one) for kind, found in folder.cut_outs.items() for one in found]
        words, looked_for = _encode_words(opened, encoder, kind_names)
        captions = torch.from_numpy(session.text_vectors([each.caption for each in kinds]))
        reporter = StageReporter(stage="pictures", total=len(pictures), on_progress=progress, cancel=cancel)
        vectors, trained = [], 0
        for index, (kind, cut_out) in enumerate(pictures):
            vectors.append(_vectors(encoder, cut_out[..., :3], _mask(cut_out)))
            trained += _trained_kind(session, cut_out, captions) == kind
            reporter.step(index + 1)
    wanted = torch.tensor([kind for kind, _ in pictures])
    behind = [_vectors(encoder, each, np.ones(each.shape[:2], np.float32)) for each in read_reference_pictures()]
    rows = looked_for, encoder.class_branch.classifier.weight.detach()
    learned, published = (
        _figures(
            _image_space(rows[index], torch.stack([each[index] for each in behind])),
            words,
            classes,
            torch.stack([each[index] for each in vectors]),
            wanted,
            seed=seed,
        )
        for index in range(len(rows))
    )
    return TextGroundingResult(
        bundle=opened.name,
        bundle_sha256=opened.sha256,
        kinds=len(kinds),
        learned=learned,
        published=published,
        trained=Proportion(hits=trained, trials=len(pictures)),
    )


def _encoder_with_classes(bundle: Bundle) -> ClassifyingPatchEncoder:
    entry = bundle.manifest.component("image_encoder")
    encoder = load_image_encoder(entry.class_name, bundle.component_folder("image_encoder"))
    if not isinstance(encoder, ClassifyingPatchEncoder):
        raise BadInputError(f"the image encoder of {bundle.name!r} names no classes: measure 'starter'")
    return encoder


@torch.no_grad()
def _encode_words(bundle: Bundle, encoder: ClassifyingPatchEncoder, kinds: Sequence[str]) -> tuple[_Words, Tensor]:
    """The words' vectors, and what the grounding's attention looks for in patches at each class name, float32[C, D]."""
    names = resource("vocabulary").joinpath("imagenet.txt").read_text("utf-8").splitlines()
    if len(names) != encoder.classes:
        raise BadInputError(
            f"the encoder of {bundle.name!r} names {encoder.classes} classes, not ImageNet's {len(names)}"
        )
    entry = bundle.manifest.component("grounding")
    conditioner = load_conditioner(bundle.component_folder("grounding"), entry.class_name)
    if conditioner.config.score != "dot":
        raise BadInputError(f"the grounding of {bundle.name!r} has no products of words and patches: measure 'starter'")
    text_encoder = read_text_encoder(bundle)
    words = _Words(
        names=text_encoder.encode([f"the sound of a {name}" for name in names]),
        kinds=text_encoder.encode([f"the sound of a {name.replace('_', ' ')}" for name in kinds]),
    )
    # Its scores are (W_q t) . (W_k v), so W_k' W_q t is the text's vector among the patches v.
    return words, conditioner.to_q(text_encoder.encode(names)) @ conditioner.to_k.weight


@torch.no_grad()
def _vectors(encoder: ClassifyingPatchEncoder, image: RgbImage, mask: npt.NDArray[np.float32]) -> tuple[Tensor, Tensor]:
    """An object by the bundle's patches and by the published blocks, float32[D] each: means under its mask."""
    crop = crop_object(image, mask, side=crop_side(encoder))
    patches = encode_crops(encoder, [crop.pixels])[0][0]
    features = encoder.class_branch(encoder.shared_map([crop.pixels]))[0]
    weights = patch_coverage(crop.mask, grid=(features.shape[-2], features.shape[-1]))
    pooled = torch.from_numpy(weights / weights.sum())
    return pooled @ patches, features.flatten(1) @ pooled


def _image_space(rows: Tensor, images: Tensor) -> _ImageSpace:
    """`images`: float32[N, D], photographs that tell where images lie."""
    mean = images.mean(dim=0)
    return _ImageSpace(rows=rows, mean=mean, norm=float((images - mean).norm(dim=-1).mean()))


def _trained_kind(session: EngineSession, cut_out: CutOut, captions: Tensor) -> int:
    """The kind that the bundle's grounding makes of a cut-out that stands alone on paper."""
    mask = _mask(cut_out)
    opacity = mask[..., None]
    image = (cut_out[..., :3] * opacity + _PAPER * (1.0 - opacity)).astype(np.uint8)
    made = session.condition(image, ObjectRequest(name="object", mask=mask, seed=0)).condition
    return int((captions @ torch.from_numpy(made)).argmax())


def _mask(cut_out: CutOut) -> npt.NDArray[np.float32]:
    mask: npt.NDArray[np.float32] = cut_out[..., 3].astype(np.float32) / 255.0
    return mask


def _figures(
    space: _ImageSpace,
    words: _Words,
    classes: Sequence[frozenset[int]],
    found: Tensor,
    wanted: Tensor,
    *,
    seed: int,
) -> SpaceFigures:
    order = torch.randperm(len(space.rows), generator=torch.Generator().manual_seed(seed)).tolist()
    alignment, report = fit_alignment(space.rows, words.names, range(len(space.rows)), seed=seed)
    known = _ranks(alignment, space, found, words.kinds, wanted)
    curve = {
        count: _unknown_ranks(space, words, classes, found, wanted, order=order[:count], strength=report.strength)
        for count in CURVE
    }
    unknown = curve[CURVE[-1]]
    return SpaceFigures(
        phrases=report.held_out,
        nearest_word=report.nearest_word,
        known=_share(known, 1),
        known_five=_share(known, _FIRST),
        unknown=_share(unknown, 1),
        unknown_five=_share(unknown, _FIRST),
        nearest_name=_share(_unknown_ranks(space, words, classes, found, wanted, order=order, strength=None), 1),
        curve={count: _share(ranks, 1) for count, ranks in curve.items()},
    )


def _unknown_ranks(
    space: _ImageSpace,
    words: _Words,
    classes: Sequence[frozenset[int]],
    found: Tensor,
    wanted: Tensor,
    *,
    order: Sequence[int],
    strength: float | None,
) -> Tensor:
    """Ranks int64[N] of the pictures' kinds by maps that never saw a class name of them.

    Args:
        order: the class names to fit on, those of the kinds that are left out among them.
        strength: the penalty, chosen on class names alone; None for the words of the nearest name in place of a map.
    """
    ranks = torch.zeros_like(wanted)
    for fold in range(FOLDS):
        out = frozenset().union(*(classes[kind] for kind in range(len(classes)) if kind % FOLDS == fold))
        kept = [index for index in order if index not in out]
        chosen = wanted % FOLDS == fold
        if not bool(chosen.any()):
            continue
        rows, names = space.rows[kept], words.names[kept]
        if strength is None:
            there = nn.functional.normalize(rows - rows.mean(dim=0), dim=-1)
            nearest = ((found[chosen] - space.mean) @ there.T).argmax(dim=-1)
            ranks[chosen] = _ranks_of(names[nearest] - names.mean(dim=0), words.kinds, wanted[chosen])
        else:
            alignment = fit_linear(rows, names, strength=strength)
            ranks[chosen] = _ranks(alignment, space, found[chosen], words.kinds, wanted[chosen])
    return ranks


def _ranks(alignment: TextAlignment, space: _ImageSpace, found: Tensor, kinds: Tensor, wanted: Tensor) -> Tensor:
    """How many kinds are nearer than the right one, int64[N]; both sides without what all have in common."""
    centred = (found - space.mean) * (alignment.source_norm / space.norm)
    return _ranks_of(alignment.map_centred(centred) - alignment.target_mean, kinds, wanted)


def _ranks_of(mapped: Tensor, kinds: Tensor, wanted: Tensor) -> Tensor:
    there = nn.functional.normalize(kinds - kinds.mean(dim=0), dim=-1)
    similar = nn.functional.normalize(mapped, dim=-1) @ there.T
    return (similar > similar.gather(1, wanted[:, None])).sum(dim=-1)


def _share(ranks: Tensor, first: int) -> Proportion:
    return Proportion(hits=int((ranks < first).sum()), trials=len(ranks))

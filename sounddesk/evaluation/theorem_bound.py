"""Equation 6 of the paper, term by term, at a bundle's size: `sounddesk evaluate theorem`.

f is the bundle's MLP after the attention, V its values of patches, and the value v of a condition is its cosine with
the vector of the true kind's name, which is 1-Lipschitz since that vector is a unit one; so the sound that follows has
no part in it. The oracle (f*, V*) starts from the bundle and learns on the true masks of training pictures. The
segmenter is GrabCut in the object's box; its mask becomes weights as in the program.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch import nn

from sounddesk.domain.errors import BadInputError
from sounddesk.engine.bundles.component_classes import load_conditioner
from sounddesk.engine.bundles.component_classes import load_image_encoder
from sounddesk.engine.generation.patch_weights import patch_coverage
from sounddesk.engine.generation.patch_weights import rescale_to_attention
from sounddesk.engine.images.scene_composition import CutOut
from sounddesk.engine.models.grounding import ObjectConditioner
from sounddesk.engine.models.image_encoder import ImageEncoder
from sounddesk.engine.models.image_encoder import fit_mask
from sounddesk.engine.session import EngineSession
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.tasks import StageReporter
from sounddesk.evaluation.evaluation_scenes import draw_scene
from sounddesk.evaluation.metrics.bootstrap import bootstrap_interval
from sounddesk.evaluation.picture_folder import kind_captions
from sounddesk.evaluation.split_pictures import read_split_pictures
from sounddesk.evaluation.theorem_terms import box_mask

OBJECT_COUNTS: Final = (2, 3)
_LEARNING_RATE: Final = 1e-4
_BATCH: Final = 32
_TINY: Final = 1e-12
_JACOBIANS: Final = 64


@dataclass(frozen=True, kw_only=True, eq=False)
class Objects:
    """Of each object of some scenes: patches float32[n, P, D], weights float32[n, P] and its kind's vector."""

    patches: Tensor
    true: Tensor
    mask: Tensor
    attention: Tensor
    wanted: Tensor
    scene: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class BoundTerms:
    """The terms; names are the paper's.

    Attributes:
        sam, contrast, f, v: errors of mask, attention, MLP and values.
        l_v, l_f, b_v: Lipschitz constants of v and f, and the largest norm of a value. l_f is the largest that was
            found at samples, so no upper limit.
        test_error: what the bound is of, as measured; `low` and `high` bound its 95 % interval, drawn by scenes.
    """

    sam: float
    contrast: float
    f: float
    v: float
    l_v: float
    l_f: float
    b_v: float
    test_error: float
    low: float
    high: float

    @property
    def bound(self) -> float:
        """The right side of equation 6."""
        inner = self.v + self.b_v * (self.sam + 2 * (2 * self.contrast) ** 0.5)
        return self.l_v * self.l_f * inner + self.l_v * self.sam + self.f


@dataclass(frozen=True, kw_only=True)
class TheoremBound:
    """What was found."""

    terms: BoundTerms
    objects: int
    scenes: int
    oracle_steps: int
    bundle_sha256: str

    def line(self) -> str:
        told = self.terms
        return (
            f"test error {told.test_error:.4f} ({told.low:.4f} to {told.high:.4f}) and bound {told.bound:.2f} on "
            f"{self.objects} objects of {self.scenes} scenes"
        )

    def details(self) -> list[str]:
        told = self.terms
        return [
            f"mask error {told.sam:.3f}, contrastive {told.contrast:.3f}, error of f {told.f:.4f}, of V {told.v:.3f}",
            f"L_v {told.l_v:g}, L_f {told.l_f:.3f} (largest at samples), B_v {told.b_v:.3f}",
        ]

    def to_json(self) -> dict[str, Any]:
        return {
            "measure": "theorem",
            "terms": vars(self.terms) | {"bound": self.terms.bound},
            "objects": self.objects,
            "scenes": self.scenes,
            "oracle_steps": self.oracle_steps,
            "bundle_sha256": self.bundle_sha256,
        }


def run(
    *,
    reference: Path,
    bundle: str | Path = "starter",
    scenes: int = 100,
    oracle_steps: int = 300,
    seed: int = 0,
    device: str = "auto",
    progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
) -> TheoremBound:
    """Learn the oracle on training pictures of a prepared set, and estimate the terms on its test pictures.

    Args:
        scenes: to measure on; twice as many are learned from.

    Raises:
        BadInputError: pictures that cannot be used, or attention with several heads.
        EngineError: the bundle cannot be used, or its conditions are not in its text encoder's space.
        Cancelled: through `cancel`.
    """
    with EngineSession.open(bundle=bundle, device=device) as session:
        opened = session.bundle
        parts = {name: opened.component_folder(name) for name in ("grounding", "image_encoder")}
        conditioner = load_conditioner(parts["grounding"]).eval().requires_grad_(False)
        if conditioner.config.heads != 1:
            raise BadInputError(f"attention has {conditioner.config.heads} heads: the theorem is about one")
        encoder = load_image_encoder(opened.manifest.component("image_encoder").class_name, parts["image_encoder"])
        captions = kind_captions(opened)
        splits = {split: read_split_pictures(reference, split=split) for split in ("train", "test")}
        kinds = sorted(set(captions) & set(splits["train"]))
        names = dict(zip(kinds, torch.from_numpy(session.text_vectors([captions[k] for k in kinds])), strict=True))
    made = {}
    for split, count in (("train", 2 * scenes), ("test", scenes)):
        pictures = {kind: each for kind, each in splits[split].items() if kind in names}
        reporter = StageReporter(stage=f"{split} scenes", total=count, on_progress=progress, cancel=cancel)
        made[split] = look(pictures, names, conditioner, encoder, scenes=count, seed=seed, reporter=reporter)
    oracle = learn_oracle(conditioner, made["train"], steps=oracle_steps, seed=seed, progress=progress, cancel=cancel)
    return TheoremBound(
        terms=estimate(conditioner, oracle, made["test"]),
        objects=len(made["test"].scene),
        scenes=scenes,
        oracle_steps=oracle_steps,
        bundle_sha256=opened.sha256,
    )


@torch.no_grad()
def look(
    pictures: Mapping[str, Sequence[CutOut]],
    names: Mapping[str, Tensor],
    conditioner: ObjectConditioner,
    encoder: ImageEncoder,
    *,
    scenes: int,
    seed: int,
    reporter: StageReporter,
) -> Objects:
    """Compose scenes, and weigh the patches of each object by its true mask, by GrabCut's and by its name."""
    grid, geometry = conditioner.config.grid, conditioner.config.geometry
    deviation = conditioner.attention_std()
    rows: dict[str, list[Tensor]] = {name: [] for name in ("patches", "true", "mask", "attention", "wanted")}
    scene_of = []
    for number in range(scenes):
        scene = draw_scene(pictures, counts=OBJECT_COUNTS, seed=seed, index=number)
        patches = encoder.encode([scene.composed.image]).float()
        for kind, mask in zip(scene.kinds, scene.composed.masks, strict=True):
            coverage, found = (
                patch_coverage(fit_mask(each, geometry=geometry).astype(np.float32), grid=grid)
                for each in (mask, box_mask(scene.composed.image, mask))
            )
            # As in the program: brought to the attention's mean and deviation.
            weights = rescale_to_attention(found, attention_std=deviation, nonneg=conditioner.config.mask_nonneg)
            rows["patches"].append(patches[0])
            rows["true"].append(torch.from_numpy(coverage / coverage.sum()).float())
            rows["mask"].append(torch.from_numpy(weights).float())
            rows["attention"].append(conditioner.weights(names[kind][None], patches)[0].float())
            rows["wanted"].append(names[kind])
            scene_of.append(number)
        reporter.step(number + 1)
    return Objects(**{name: torch.stack(each) for name, each in rows.items()}, scene=tuple(scene_of))


def learn_oracle(
    conditioner: ObjectConditioner,
    objects: Objects,
    *,
    steps: int,
    seed: int = 0,
    progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
) -> ObjectConditioner:
    """(f*, V*): the same values and MLP after `steps` more on true masks."""
    oracle = copy.deepcopy(conditioner).train()
    learned = [each for name, each in oracle.named_parameters() if name.startswith(("to_v", "position_v", "mlp"))]
    for each in learned:
        each.requires_grad_(True)
    optimiser = torch.optim.AdamW(learned, lr=_LEARNING_RATE)
    rng = np.random.default_rng(seed)
    reporter = StageReporter(stage="oracle", total=steps, on_progress=progress, cancel=cancel)
    for step in range(steps):
        chosen = torch.from_numpy(rng.integers(len(objects.scene), size=_BATCH))
        fused = oracle.fuse(objects.true[chosen], objects.patches[chosen])
        loss = 1.0 - value(fused, objects.wanted[chosen]).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        reporter.step(step + 1)
    return oracle.eval().requires_grad_(False)


def value(fused: Tensor, wanted: Tensor) -> Tensor:
    """v of what f gives, float[n]: the cosine with the vector of the kind."""
    return (nn.functional.normalize(fused, dim=-1) * nn.functional.normalize(wanted, dim=-1)).sum(dim=-1)


@torch.no_grad()
def estimate(conditioner: ObjectConditioner, oracle: ObjectConditioner, objects: Objects) -> BoundTerms:
    """All terms of equation 6 on these objects."""
    values, best = (values_of(each, objects.patches) for each in (conditioner, oracle))
    attended = {
        name: torch.einsum("np,npw->nw", getattr(objects, name), values) for name in ("true", "mask", "attention")
    }
    by_oracle = value(head(oracle, torch.einsum("np,npw->nw", objects.true, best)), objects.wanted)
    by_bundle = value(head(conditioner, attended["mask"]), objects.wanted)
    errors = (by_oracle - by_bundle).tolist()
    low, high = bootstrap_interval(errors, objects.scene)
    f_of = [value(head(each, attended["attention"]), objects.wanted).mean().item() for each in (oracle, conditioner)]
    inside = objects.true.clamp(min=_TINY)
    divergence = objects.true * (inside.log() - objects.attention.clamp(min=_TINY).log())
    points = torch.cat(list(attended.values()))
    return BoundTerms(
        sam=(objects.mask - objects.true).abs().sum(dim=1).mean().item(),
        contrast=divergence.sum(dim=1).mean().item(),
        f=f_of[0] - f_of[1],
        v=(values - best).norm(dim=2).max().item(),
        l_v=1.0,
        l_f=max(lipschitz(each, points) for each in (conditioner, oracle)),
        b_v=max(each.norm(dim=2).max().item() for each in (values, best)),
        test_error=float(np.mean(errors)),
        low=low,
        high=high,
    )


def values_of(conditioner: ObjectConditioner, patches: Tensor) -> Tensor:
    """V of patches float32[n, P, D], with its positions: float32[n, P, width]."""
    config = conditioner.config
    rows: Tensor = conditioner.to_v(patches + conditioner.position_v if config.position == "pre" else patches)
    return rows + conditioner.position_v if config.position == "post" else rows


def head(conditioner: ObjectConditioner, attended: Tensor) -> Tensor:
    """f of attended values float32[n, width], unit vectors."""
    fused = conditioner.mlp(attended)
    if conditioner.config.mlp_residual:
        fused = fused + attended
    return nn.functional.normalize(fused.float(), dim=-1)


def lipschitz(conditioner: ObjectConditioner, points: Tensor) -> float:
    """The largest rate of change of f found: between all points, and of its Jacobian at some of them."""
    outputs = head(conditioner, points)
    apart = torch.cdist(points, points)
    known = apart > 1e-6
    between = (torch.cdist(outputs, outputs)[known] / apart[known]).max().item() if known.any() else 0.0
    chosen = points[:: max(1, len(points) // _JACOBIANS)]
    jacobians = torch.func.vmap(torch.func.jacrev(lambda each: head(conditioner, each[None])[0]))(chosen)
    return max(between, torch.linalg.matrix_norm(jacobians, ord=2).max().item())

"""Tunes a copy of the published network's last blocks to the kinds, for the class prior of an object's crop."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch import nn

from sounddesk.engine.bundles.component_classes import load_image_encoder
from sounddesk.engine.generation.patch_weights import patch_coverage
from sounddesk.engine.images.scene_composition import compose_scene
from sounddesk.engine.images.scene_composition import vary_cut_out
from sounddesk.engine.models.quantised_weights import WeightStorage
from sounddesk.engine.models.quantised_weights import load_weights
from sounddesk.engine.models.quantised_weights import save_weights
from sounddesk.engine.starter.class_branch import CLASS_BRANCH_FILE
from sounddesk.engine.starter.class_branch import ClassBranch
from sounddesk.engine.starter.class_branch import ClassifyingPatchEncoder
from sounddesk.engine.starter.object_crop import crop_object
from sounddesk.engine.starter.object_crop import crop_side
from sounddesk.engine.verified_files import copy_files
from sounddesk.storage.atomic_file import atomic_path
from sounddesk.storage.text_formats import read_json
from sounddesk.training.data.data_error import DataError
from sounddesk.training.data.picture_variation import restyle
from sounddesk.training.data.picture_variation import warp
from sounddesk.training.data.recordings import read_kinds
from sounddesk.training.data.scene_bank import random_background
from sounddesk.training.data.scene_bank import read_pictures
from sounddesk.training.preparation.starter_table import TABLE_NAME
from sounddesk.training.tasks.registry import TASKS
from sounddesk.training.tasks.registry import TaskEntry
from sounddesk.training.tasks.registry import from_inputs

_SCENE_SIZES = ((480, 640), (640, 480))


@dataclass(frozen=True, kw_only=True)
class ClassHeadModelRecipe:
    """How the blocks and their classifier are tuned.

    Attributes:
        scenes: composed scenes of one to four objects, each object seen once as the closer look shows it. What the
            frozen blocks make of a view takes 90 kB: 6,000 scenes 1.4 GB, in memory and on disk.
        noise: Gaussian noise on the pooled features, in standard deviations of each.
        dropout: share of the pooled features that is left out.
        head_factor: on the learning rate of the classifier, which starts from nothing.
        restyled, warped: shares of the pictures that are drawn in another manner, and that are seen slantwise
            (`picture_variation`).
        storage: how the export stores the branch.
    """

    scenes: int = 6000
    noise: float = 1.0
    dropout: float = 0.2
    label_smoothing: float = 0.1
    head_factor: float = 5.0
    restyled: float = 0.4
    warped: float = 0.3
    seed: int = 0
    storage: WeightStorage = "float32"


class _Tuned(nn.Module):
    def __init__(self, branch: ClassBranch, *, kinds: int) -> None:
        super().__init__()
        self.kind_blocks = branch.last_blocks()
        self.kinds = nn.Linear(branch.classifier.in_features, kinds)
        nn.init.zeros_(self.kinds.weight)
        nn.init.zeros_(self.kinds.bias)


class ClassHeadTask:
    """The kinds told by a tuned copy of the untouched blocks, of crops of training pictures.

    `inputs.encoders` is an encoder's export, whose image encoder has a `ClassBranch`. What the frozen blocks make of
    the views is kept there, and a step begins with it. Batch-norm statistics stay as published.
    """

    def __init__(self, recipe: ClassHeadModelRecipe, *, data_dir: Path, inputs: dict[str, Path]) -> None:
        self.recipe = recipe
        self.encoders = inputs["encoders"]
        self.kinds = [kind.name for kind in read_kinds(data_dir)]
        encoder = load_image_encoder("TimmPatchEncoder", self.encoders / "image_encoder")
        if not isinstance(encoder, ClassifyingPatchEncoder):
            raise DataError(f"image encoder in {self.encoders} has no class branch: convert it anew")
        file = self.encoders / f"closer_bank_{recipe.scenes}_{recipe.seed}.pt"
        table = hashlib.sha256((data_dir / TABLE_NAME).read_bytes()).hexdigest()
        made_of = [*self.kinds, recipe.restyled, recipe.warped, table]
        stored = torch.load(file, weights_only=True) if file.exists() else None
        if stored is None or stored.get("made_of") != made_of:
            stored = {"made_of": made_of, **self._bank(encoder, data_dir)}
            with atomic_path(file) as part:
                torch.save(stored, part)
        self.maps: Tensor = stored["maps"]
        self.coverage: Tensor = stored["coverage"]
        self.wanted: Tensor = stored["kind"]
        self.tuned = _Tuned(encoder.class_branch, kinds=len(self.kinds))
        self.module: nn.Module = self.tuned
        self.learning_rate_factors: Mapping[str, float] = {"kinds": recipe.head_factor}

    def _bank(self, encoder: ClassifyingPatchEncoder, data_dir: Path) -> dict[str, Tensor]:
        """Maps of stride 16 float16[V, C, 2 h, 2 w] of all views, the object's share of each patch and its kind."""
        pictures = read_pictures(data_dir, split="train")
        known = [index for index, kind in enumerate(self.kinds) if pictures.cut_outs.get(kind)]
        maps, coverages, kinds = [], [], []
        for index in range(self.recipe.scenes):
            rng = np.random.default_rng((self.recipe.seed, index))
            count = min(len(known), int(rng.integers(1, 5)))
            chosen = [known[int(i)] for i in rng.choice(len(known), size=count, replace=False)]
            cut_outs = []
            for kind in chosen:
                options = pictures.cut_outs[self.kinds[kind]]
                cut_out = vary_cut_out(options[int(rng.integers(len(options)))], rng)
                if rng.random() < self.recipe.restyled:
                    cut_out = restyle(cut_out, rng)
                cut_outs.append(warp(cut_out, rng) if rng.random() < self.recipe.warped else cut_out)
            height, width = _SCENE_SIZES[int(rng.integers(len(_SCENE_SIZES)))]
            background = random_background(pictures, rng)
            scene = compose_scene(cut_outs, background=background, height=height, width=width, rng=rng)
            for kind, mask in zip(chosen, scene.masks, strict=True):
                if mask.any():
                    crop = crop_object(scene.image, mask, side=crop_side(encoder))
                    coverage = torch.from_numpy(patch_coverage(crop.mask, grid=encoder.grid))
                    maps.append(encoder.shared_map([crop.pixels])[0].half())
                    coverages.append((coverage / coverage.sum()).reshape(encoder.grid))
                    kinds.append(kind)
        return {"maps": torch.stack(maps), "coverage": torch.stack(coverages), "kind": torch.tensor(kinds)}

    def loss(self, rng: np.random.Generator, batch_size: int) -> tuple[Tensor, dict[str, float]]:
        self.tuned.kind_blocks.eval()
        rows = torch.from_numpy(rng.integers(len(self.maps), size=batch_size))
        mirrored = torch.from_numpy(rng.random(batch_size) < 0.5)[:, None, None]
        maps, coverage = self.maps[rows].float(), self.coverage[rows].float()
        maps = torch.where(mirrored[..., None], maps.flip(-1), maps)
        coverage = torch.where(mirrored, coverage.flip(-1), coverage)
        features = self.tuned.kind_blocks(maps).float()
        pooled = (features * coverage[:, None]).sum(dim=(2, 3))
        noise = self.recipe.noise * pooled.detach().std(dim=0, unbiased=False) * torch.randn_like(pooled)
        seen = nn.functional.dropout(pooled + noise, self.recipe.dropout)
        logits = self.tuned.kinds(seen).float()
        wanted = self.wanted[rows]
        loss = nn.functional.cross_entropy(logits, wanted, label_smoothing=self.recipe.label_smoothing)
        return loss, {"accuracy": (logits.argmax(dim=-1) == wanted).float().mean().item()}

    def export(self, folder: Path) -> None:
        """The encoders of `inputs.encoders`, with the tuned blocks and the classifier in the image encoder's branch."""
        copy_files(self.encoders, folder, leave_out=("*bank_*.pt", ".*.tmp"))
        branch = folder / "image_encoder" / CLASS_BRANCH_FILE
        own = {key: value.detach().contiguous() for key, value in self.tuned.state_dict().items()}
        save_weights({**load_weights(branch), **own}, branch, storage=self.recipe.storage)
        file = folder / "image_encoder" / "config.json"
        config = {**read_json(file), "kinds": len(self.kinds), "kind_blocks": True}
        file.write_text(json.dumps(config, indent=2) + "\n")


TASKS.register(
    TaskEntry(
        name="class_head",
        summary="a classifier of kinds on object crops",
        model_recipe=ClassHeadModelRecipe,
        make=from_inputs(ClassHeadTask),
    )
)

"""Fits the kinds' own classifier on the published network's last blocks, for the closer look's second opinion."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch import nn

from sounddesk.engine.closer_look import closer_view
from sounddesk.engine.encoders.class_branch import CLASS_BRANCH_FILE
from sounddesk.engine.encoders.image import TimmPatchEncoder
from sounddesk.engine.encoders.image import load_image_encoder
from sounddesk.engine.patch_weights import patch_coverage
from sounddesk.engine.quantised_weights import WeightStorage
from sounddesk.engine.quantised_weights import load_weights
from sounddesk.engine.quantised_weights import save_weights
from sounddesk.engine.scene_composition import compose_scene
from sounddesk.engine.scene_composition import vary_cut_out
from sounddesk.training.picture_variation import restyle
from sounddesk.training.picture_variation import warp
from sounddesk.training.preparation.starter_table import TABLE_NAME
from sounddesk.training.recordings import read_kinds
from sounddesk.training.scene_bank import random_background
from sounddesk.training.scene_bank import read_pictures

_SCENE_SIZES = ((480, 640), (640, 480))


@dataclass(frozen=True, kw_only=True)
class ClassHeadModelRecipe:
    """How the classifier is fitted.

    Attributes:
        scenes: composed scenes of one to four objects, each object seen once as the closer look shows it.
        noise: Gaussian noise on the pooled features, in standard deviations of each; of few pictures a classifier
            learns the pictures otherwise.
        restyled, warped: shares of the pictures that are drawn in another manner, and that are seen slantwise
            (`picture_variation`).
        storage: how the export stores the branch.
    """

    scenes: int = 3000
    noise: float = 2.0
    label_smoothing: float = 0.05
    restyled: float = 0.0
    warped: float = 0.3
    seed: int = 0
    storage: WeightStorage = "float32"


class ClassHeadTask:
    """A linear classifier of the kinds on what the untouched blocks see in the closer look at a training picture.

    `inputs.encoders` is an encoder's export, whose image encoder has a `ClassBranch`; the features are kept there.
    """

    def __init__(self, recipe: ClassHeadModelRecipe, *, data_dir: Path, inputs: dict[str, Path]) -> None:
        self.recipe = recipe
        self.encoders = inputs["encoders"]
        self.kinds = [kind.name for kind in read_kinds(data_dir)]
        file = self.encoders / f"closer_bank_{recipe.scenes}_{recipe.seed}.pt"
        made_of = [
            *self.kinds,
            recipe.restyled,
            recipe.warped,
            hashlib.sha256((data_dir / TABLE_NAME).read_bytes()).hexdigest(),
        ]
        stored = torch.load(file, weights_only=True) if file.exists() else None
        if stored is None or stored.get("made_of") != made_of:
            stored = {"made_of": made_of, **self._bank(data_dir)}
            torch.save(stored, part := file.with_name(f".{file.name}.{os.getpid()}.tmp"))
            part.replace(file)
        features = stored["features"].float()
        self.mean, self.std = features.mean(dim=0), features.std(dim=0) + 1e-3
        self.standard = (features - self.mean) / self.std
        self.wanted: Tensor = stored["kind"]
        head = nn.Linear(features.shape[1], len(self.kinds))
        nn.init.zeros_(head.weight)
        nn.init.zeros_(head.bias)
        self.head = head
        self.module: nn.Module = head
        self.learning_rate_factors: Mapping[str, float] = {}

    def _bank(self, data_dir: Path) -> dict[str, Tensor]:
        """Pooled features float16[V, D] of all views, and the kind of each."""
        encoder = load_image_encoder("TimmPatchEncoder", self.encoders / "image_encoder")
        if not isinstance(encoder, TimmPatchEncoder) or encoder.class_branch is None:
            raise ValueError(f"image encoder in {self.encoders} has no class branch: convert it anew")
        pictures = read_pictures(data_dir, split="train")
        known = [index for index, kind in enumerate(self.kinds) if pictures.cut_outs.get(kind)]
        features, kinds = [], []
        for index in range(self.recipe.scenes):
            rng = np.random.default_rng((self.recipe.seed, index))
            count = min(len(known), int(rng.integers(1, 5)))
            chosen = [known[int(i)] for i in rng.choice(len(known), size=count, replace=False)]
            cut_outs = []
            for kind in chosen:
                options = pictures.cut_outs[self.kinds[kind]]
                cut_out = vary_cut_out(options[int(rng.integers(len(options)))], rng)
                if self.recipe.restyled and rng.random() < self.recipe.restyled:
                    cut_out = restyle(cut_out, rng)
                cut_outs.append(warp(cut_out, rng) if rng.random() < self.recipe.warped else cut_out)
            height, width = _SCENE_SIZES[int(rng.integers(len(_SCENE_SIZES)))]
            background = random_background(pictures, rng)
            scene = compose_scene(cut_outs, background=background, height=height, width=width, rng=rng)
            for kind, mask in zip(chosen, scene.masks, strict=True):
                if mask.any():
                    view = closer_view(scene.image, mask, side=encoder.region_side)
                    coverage = torch.from_numpy(patch_coverage(view.mask, grid=encoder.grid))
                    features.append((coverage / coverage.sum()) @ encoder.class_features([view.pixels])[0])
                    kinds.append(kind)
        return {"features": torch.stack(features).half(), "kind": torch.tensor(kinds)}

    def loss(self, rng: np.random.Generator, batch_size: int) -> tuple[Tensor, dict[str, float]]:
        rows = torch.from_numpy(rng.integers(len(self.standard), size=batch_size))
        noise = torch.from_numpy(rng.standard_normal((batch_size, self.standard.shape[1]), dtype=np.float32))
        logits = self.head(self.standard[rows] + self.recipe.noise * noise).float()
        wanted = self.wanted[rows]
        loss = nn.functional.cross_entropy(logits, wanted, label_smoothing=self.recipe.label_smoothing)
        return loss, {"accuracy": (logits.argmax(dim=-1) == wanted).float().mean().item()}

    def export(self, folder: Path) -> None:
        """The encoders of `inputs.encoders`, with the classifier in the image encoder's branch."""
        shutil.copytree(
            self.encoders, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*bank_*.pt", ".*.tmp")
        )
        branch = folder / "image_encoder" / CLASS_BRANCH_FILE
        weight = self.head.weight.detach() / self.std
        own = {"kinds.weight": weight.contiguous(), "kinds.bias": self.head.bias.detach() - weight @ self.mean}
        save_weights({**load_weights(branch), **own}, branch, storage=self.recipe.storage)
        file = folder / "image_encoder" / "config.json"
        config = {**json.loads(file.read_text()), "kinds": len(self.kinds)}
        file.write_text(json.dumps(config, indent=2) + "\n")

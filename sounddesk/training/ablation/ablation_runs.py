"""Training of the ablations' rows (paper 4.3, tables 3 to 6) on starter data: one bundle for each variant and seed.

The base plays the pretrained AudioLDM: codec, text encoder, vocoder and U-Net are a bundle's. Each variant first
learns its grounding from captions of composed scenes and then goes through eq. (1) with the U-Net, all with one budget.
Conditions are drawn to the kinds' own vectors as in the starter (decision 12): in the few steps of a miniature the
U-Net cannot learn vectors that it never met, and without this no row was better than chance.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import replace
from pathlib import Path
from typing import Any
from typing import Literal

import numpy as np
import torch
from safetensors.torch import save_file

from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.engine.bundles.installed_bundles import find_bundle
from sounddesk.engine.models.quantised_weights import load_weights
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.storage.atomic_file import atomic_path
from sounddesk.storage.atomic_file import write_file
from sounddesk.storage.own_file import make_own_folders
from sounddesk.storage.text_formats import read_json
from sounddesk.training.export import export_run
from sounddesk.training.loop.loop import train
from sounddesk.training.loop.optimiser_recipe import LiveRecipe
from sounddesk.training.loop.optimiser_recipe import OptimiserRecipe
from sounddesk.training.loop.provenance import Provenance
from sounddesk.training.loop.recipe import TrainingRecipeError
from sounddesk.training.tasks.diffusion import DiffusionModelRecipe
from sounddesk.training.tasks.diffusion import DiffusionTask
from sounddesk.training.tasks.grounding import GroundingModelRecipe
from sounddesk.training.tasks.grounding import GroundingTask

ScoredPair = tuple[str, str, float]
"""Kind seen, kind heard, and the score of the matching model."""


@dataclass(frozen=True, kw_only=True)
class AblationBudget:
    """Training budget, the same for every row.

    Attributes:
        grounding_steps, steps: optimiser steps before and with the U-Net; `batch_size` of the latter.
        seconds: length of a training example.
        scenes: composed scenes of the bank; sound_variants: layouts of each kind's sounds.
        mismatched_share: clips with a wrong sound in the rows of table 5.
    """

    grounding_steps: int = 200
    steps: int = 40
    batch_size: int = 6
    seconds: float = 2.56
    scenes: int = 150
    sound_variants: int = 4
    mismatched_share: float = 0.3
    learning_rate: float = 2e-4
    threads: int = 1


@dataclass(frozen=True, kw_only=True)
class Variant:
    """How a row's training differs from the full model's.

    Attributes:
        threshold: in table 5, the matching score below which a clip is left out; None trains on clean pairs.
    """

    name: str
    train_unet: bool = True
    heads: int = 1
    score: str = "dot"
    position: str = "post"
    query: Literal["text", "audio"] = "text"
    weights: Literal["attention", "mask"] = "attention"
    threshold: float | None = None


VARIANTS = {
    variant.name: variant
    for variant in (
        Variant(name="full"),
        Variant(name="frozen", train_unet=False),
        Variant(name="multi_head", heads=8),
        Variant(name="additive", score="additive"),
        Variant(name="audio_query", query="audio"),
        Variant(name="mask_training", weights="mask"),
        Variant(name="no_position", position="off"),
        *(Variant(name=f"threshold_{value}", threshold=value) for value in (0.4, 0.5, 0.6, 0.7, 0.8)),
    )
}


def unpack_base(bundle: Bundle, work: Path) -> dict[str, Path]:
    """The base's parts as the starter's tasks read them, in float32; their `inputs`."""
    marker = work / "base.json"
    folders = {
        "image_encoder": work / "encoders" / "image_encoder",
        "text_encoder": work / "encoders" / "text_encoder",
        "vae": work / "codec" / "vae",
        "unet": work / "start" / "unet",
        "injection": work / "start" / "injection",
    }
    if not (marker.is_file() and read_json(marker) == bundle.sha256):
        bundle.verify()
        work.mkdir(parents=True, exist_ok=True)
        for role, target in folders.items():
            source = bundle.component_folder(role)
            make_own_folders(work, target.relative_to(work))
            for path in source.iterdir():
                with atomic_path(target / path.name) as part:
                    if path.suffix == ".safetensors":
                        save_file(load_weights(path), part, metadata={"format": "pt"})
                    else:
                        shutil.copyfile(path, part)
        Provenance.of(bundle).write(work / "start")
        write_file(marker, json.dumps(bundle.sha256).encode())
    return {"encoders": work / "encoders", "codec": work / "codec", "start": work / "start"}


def train_variant(
    name: str,
    *,
    seed: int,
    data: Path,
    work: Path,
    base: str = "starter",
    budget: AblationBudget,
    device: str = "cpu",
    scores: Sequence[ScoredPair] | None = None,
    on_progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
) -> Path:
    """Train one variant and write its bundle; returns the bundle's folder. Finished variants are not trained again.

    Args:
        name: a key of `VARIANTS`.
        work: keeps the unpacked base, encoded scenes and sounds, and one folder for each budget, variant and seed.
        device: of the steps with the U-Net; the grounding learns on the CPU, in minutes.
        scores: scored clips, needed where the variant has a threshold.

    Raises:
        KeyError: no such variant.
        Cancelled: through `cancel`; the run can be resumed.
    """
    variant = VARIANTS[name]
    bundle = find_bundle(base)
    made_with = [asdict(budget), bundle.sha256, device]
    digest = hashlib.sha256(json.dumps(made_with).encode()).hexdigest()[:10]
    place = work / "runs" / digest / f"{name}_{seed}"
    target = place / "bundle"
    if target.is_dir():
        return target
    # Also for what is encoded before the first step: on a busy machine threads wait for each other.
    torch.set_num_threads(budget.threads)
    inputs = unpack_base(bundle, work)
    live = LiveRecipe(page=False)
    options: dict[str, Any] = {"on_progress": on_progress, "cancel": cancel, "live": live, "seed": seed}
    common = OptimiserRecipe(
        batch_size=budget.batch_size,
        steps=budget.steps,
        learning_rate=budget.learning_rate,
        betas=(0.95, 0.999),
        ema_decay=0.9,
        clip_norm=1.0,
        precision="bfloat16",
        threads=budget.threads,
    )
    # Where another variant learns the same, it is learned once.
    grounding_place = place.with_name(f"{grounding_variant(variant)}_{seed}") / "grounding"
    if not (grounding_place / "export").is_dir():
        # Weights are drawn before `train` seeds anything: variants of one seed are to begin alike.
        torch.manual_seed(seed)
        grounding = GroundingTask(
            _grounding_recipe(variant, width=int(bundle.manifest.grounding["out_width"]), scenes=budget.scenes),
            data_dir=data,
            inputs=inputs,
        )
        steps = replace(common, steps=budget.grounding_steps, batch_size=32, learning_rate=1e-4, weight_decay=0.1)
        train(grounding, steps, run_dir=grounding_place, **options)
        (grounding_place / "resume.pt").unlink()
    task = DiffusionTask(
        DiffusionModelRecipe(
            seconds=budget.seconds,
            text_share=0.0,
            mixture_share=0.0,
            contrastive_weight=0.0,
            condition_learning_rate_factor=1.0,
            noise_emphasis=1.0,
            sound_variants=budget.sound_variants,
            train_unet=variant.train_unet,
            bank=f"scene_bank_{budget.scenes}_0.pt",
            weights=variant.weights,
            query=variant.query,
            pairing=_pairing(variant, work, scores, budget),
        ),
        spec=bundle.audio,
        data_dir=data,
        inputs={**inputs, "grounding": grounding_place / "export"},
    )
    train(task, replace(common, device=device), run_dir=place / "diffusion", **options)
    export_run(place / "diffusion", target, base=base)
    (place / "diffusion" / "resume.pt").unlink()
    return target


def _grounding_recipe(variant: Variant, *, width: int, scenes: int) -> GroundingModelRecipe:
    return GroundingModelRecipe(
        width=width,
        scenes=scenes,
        prototypes=True,
        heads=variant.heads,
        score=variant.score,
        position=variant.position,
        query=variant.query,
        mask_share=1.0 if variant.weights == "mask" else 0.0,
        warm_start_steps=150,
    )


def grounding_variant(variant: Variant) -> str:
    """The first variant whose grounding is learned in the same way, with the same seed to the same weights."""
    wanted = _grounding_recipe(variant, width=1, scenes=1)
    return next(name for name, each in VARIANTS.items() if _grounding_recipe(each, width=1, scenes=1) == wanted)


def _pairing(variant: Variant, work: Path, scores: Sequence[ScoredPair] | None, budget: AblationBudget) -> Path | None:
    """Table 5: clips of which some have a wrong sound, less those scored below the threshold."""
    if variant.threshold is None:
        return None
    if not scores:
        raise TrainingRecipeError(f"variant {variant.name!r} needs matching scores: train the matching model first")
    kept = [(seen, heard) for seen, heard, score in scores if score >= variant.threshold]
    path = work / f"pairing_{variant.threshold}_{budget.mismatched_share}.json"
    write_file(path, json.dumps(kept).encode())
    return path


def noisy_pairs(kinds: list[str], *, per_kind: int, mismatched_share: float, seed: int = 0) -> list[tuple[str, str]]:
    """Clips as (kind seen, kind heard), of which `mismatched_share` have the sound of another kind."""
    rng = np.random.default_rng(seed)
    pairs = []
    for kind in kinds:
        others = [other for other in kinds if other != kind]
        for _ in range(per_kind):
            wrong = rng.random() < mismatched_share
            pairs.append((kind, str(rng.choice(others)) if wrong else kind))
    return pairs

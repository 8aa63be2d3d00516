"""Training of the segmenter's last part, the refiner, behind the frozen encoder, pyramid and decoder.

The prompts are those of `segmenter_task`: a click or a noisy box, then clicks where the answer was wrong, each answered
from the refined answer before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch import nn

from sounddesk.engine.models.image_encoder import TimmPatchEncoder
from sounddesk.engine.models.quantised_weights import fingerprint
from sounddesk.engine.starter.segmenter_network import StarterSegmenterNetwork
from sounddesk.engine.starter.segmenter_refiner import GUESS_BOUND
from sounddesk.engine.starter.segmenter_refiner import box_map
from sounddesk.engine.starter.segmenter_refiner import click_maps
from sounddesk.training.data.scene_bank import read_pictures
from sounddesk.training.tasks.registry import TASKS
from sounddesk.training.tasks.registry import TaskEntry
from sounddesk.training.tasks.registry import from_inputs
from sounddesk.training.tasks.starter.refiner_regions import RegionPool
from sounddesk.training.tasks.starter.refiner_regions import RegionSamples
from sounddesk.training.tasks.starter.segmenter import mask_losses
from sounddesk.training.tasks.starter.segmenter import truths_of
from sounddesk.training.tasks.starter.segmenter_prompts import correct_at


@dataclass(frozen=True, kw_only=True)
class RefinerModelRecipe:
    """Scenes and prompts.

    Attributes:
        scenes: composed once; the regions of their objects take some 3 MB each in `inputs.scenes`.
        retextured: share of objects whose colours are replaced by a part of a photograph.
        regions: drawn from each scene of a batch.
        rounds: most prompts to one object; the number is drawn from 1 to this for each step.
        boxes: share of objects whose first prompt is a box.
        alternatives: share of first clicks that are refined from one of the decoder's other three masks.
        repeated: share of further rounds in which the answer alone comes back, with no new click: as the segmenter
            refines the answer to a box once more.
        focal_weight: of the focal loss beside the dice loss.
    """

    scenes: int = 1200
    retextured: float = 0.3
    regions: int = 2
    rounds: int = 3
    boxes: float = 0.45
    alternatives: float = 0.3
    repeated: float = 0.0
    focal_weight: float = 5.0
    seed: int = 0


class RefinerTask:
    """`inputs`: 'encoders', 'scenes' (see the recipe), and 'start', the export of a finished segmenter run."""

    def __init__(self, recipe: RefinerModelRecipe, *, data_dir: Path, inputs: dict[str, Path]) -> None:
        encoder = TimmPatchEncoder.load(inputs["encoders"] / "image_encoder").requires_grad_(False)
        self.recipe = recipe
        self.network = StarterSegmenterNetwork.load(inputs["start"] / "segmenter")
        # Tuned since the decoder was trained, the encoder may differ behind stride 16; the guesses come from there too.
        stamp = fingerprint(encoder.backbone.state_dict())
        self.network.config = replace(self.network.config, encoder_fingerprint=stamp)
        self.network.refiner.requires_grad_(True)
        self.pool = RegionPool(
            inputs["scenes"],
            pictures=read_pictures(data_dir, split="train"),
            encoder=encoder,
            network=self.network,
            scenes=recipe.scenes,
            seed=recipe.seed,
            retextured=recipe.retextured,
            boxes=recipe.boxes,
            alternatives=recipe.alternatives,
        )
        self.module: nn.Module = self.network
        self.learning_rate_factors: Mapping[str, float] = {}

    def loss(self, rng: np.random.Generator, batch_size: int) -> tuple[Tensor, dict[str, float]]:
        """Mean over the rounds of `regions` regions from each of `batch_size` scenes."""
        samples = RegionSamples.joined([self._regions(rng) for _ in range(batch_size)])
        truths = truths_of(samples.shares)
        clicks = [_first_click(point) for point in samples.points.numpy()]
        boxes = self._box_maps(samples)
        earlier = torch.zeros_like(samples.shares)
        rounds = int(rng.integers(1, self.recipe.rounds + 1))
        total = torch.zeros(())
        figures: dict[str, float] = {}
        corrected = False
        for index in range(rounds):
            if index > 0 and rng.random() >= self.recipe.repeated:
                for row, (answer, truth) in enumerate(zip((earlier > 0).numpy(), truths, strict=True)):
                    place, label = correct_at(answer, truth, rng)
                    clicks[row] = (np.concatenate([clicks[row][0], place[None]]), np.append(clicks[row][1], label))
                corrected = bool(rng.random() < 0.5)
            hints = self._hints(samples, boxes, clicks, earlier=earlier, corrected=corrected)
            logits, scores = self.network.refiner(samples.pixels, samples.feature_maps, hints)
            losses, overlaps = mask_losses(logits[:, None], samples.shares, focal_weight=self.recipe.focal_weight)
            # What lies outside the region is missed.
            whole = overlaps[:, 0] * samples.inside
            total = total + losses[:, 0].mean() + (scores - whole).square().mean()
            figures["first" if index == 0 else "corrected"] = float(whole.mean())
            earlier = logits.detach().float().clamp(-GUESS_BOUND, GUESS_BOUND)
        return total / rounds, figures

    def export(self, folder: Path) -> None:
        self.network.save(folder / "segmenter")

    def _regions(self, rng: np.random.Generator) -> RegionSamples:
        found = self.pool[int(rng.integers(len(self.pool)))]
        return found[rng.integers(len(found), size=self.recipe.regions)]

    def _box_maps(self, samples: RegionSamples) -> Tensor:
        side = self.network.config.refiner_side
        maps = torch.zeros_like(samples.shares)
        for row, box in enumerate(samples.boxes.numpy()):
            if not np.isnan(box).any():
                maps[row] = torch.from_numpy(box_map(box, side=side))
        return maps

    def _hints(
        self,
        samples: RegionSamples,
        boxes: Tensor,
        clicks: list[tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]],
        *,
        earlier: Tensor,
        corrected: bool,
    ) -> Tensor:
        """Inputs of the refiner in a round: the decoder's guess, first or corrected, and all clicks so far."""
        side = self.network.config.refiner_side
        maps = [click_maps(places.astype(np.float32), labels, side=side) for places, labels in clicks]
        given = [samples.guesses[:, int(corrected), None], earlier[:, None], torch.from_numpy(np.stack(maps))]
        return torch.cat([*given, boxes[:, None]], dim=1)


def _first_click(point: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    if np.isnan(point).any():
        return np.zeros((0, 2)), np.zeros(0, np.int64)
    return point[None].astype(np.float64), np.ones(1, np.int64)


TASKS.register(
    TaskEntry(
        name="refiner",
        summary="the segmenter's refiner",
        model_recipe=RefinerModelRecipe,
        make=from_inputs(RefinerTask),
    )
)

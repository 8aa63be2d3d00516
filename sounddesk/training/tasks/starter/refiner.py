"""Training of the segmenter's last part, the refiner, behind the frozen encoder, pyramid and decoder.

A prompt comes as the segmenter gets it: a click or a noisy box, with all the clicks at once that corrected earlier
answers. Some are answered a second time from the answer itself, as a box is.
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

from sounddesk.engine.images.annotated_photographs import SPLITS_TABLE
from sounddesk.engine.models.image_encoder import TimmPatchEncoder
from sounddesk.engine.models.quantised_weights import fingerprint
from sounddesk.engine.starter.segmenter_network import StarterSegmenterNetwork
from sounddesk.engine.starter.segmenter_refiner import GUESS_BOUND
from sounddesk.engine.starter.segmenter_refiner import hints_of
from sounddesk.training.data.photograph_scenes import OutlinedPhotograph
from sounddesk.training.data.photograph_scenes import read_outlined
from sounddesk.training.data.scene_bank import read_pictures
from sounddesk.training.loop.recipe import TrainingRecipeError
from sounddesk.training.tasks.registry import TASKS
from sounddesk.training.tasks.registry import TaskEntry
from sounddesk.training.tasks.registry import from_inputs
from sounddesk.training.tasks.starter.refiner_regions import FIRST_GUESSES
from sounddesk.training.tasks.starter.refiner_regions import RegionPool
from sounddesk.training.tasks.starter.refiner_regions import RegionSamples
from sounddesk.training.tasks.starter.segmenter import mask_losses
from sounddesk.training.tasks.starter.segmenter import truths_of
from sounddesk.training.tasks.starter.segmenter_prompts import correct_at


@dataclass(frozen=True, kw_only=True)
class RefinerModelRecipe:
    """Scenes and prompts.

    Attributes:
        scenes: drawn once; the regions of their objects take some 4 MB each in `inputs.scenes`.
        retextured: share of objects whose colours are replaced by a part of a photograph.
        photographs: share of scenes that are parts of the photographs in `inputs.photographs` (all of them, or its
            split 'tune' where it has splits) and `inputs.more_photographs`.
        taps: how many of the encoder's maps the refiner takes, 3 or 4; one that it did not take before begins at zero.
        regions: drawn from each scene of a batch.
        boxes: share of objects whose first prompt is a box.
        first: share of regions that are asked for with the first prompt alone; the others have one to four clicks more.
        alternatives: share of first clicks that are refined from one of the decoder's other three masks.
        repeated: share of batches that are answered a second time with the answer known, and mostly no new click.
        focal_weight: of the focal loss beside the dice loss.
    """

    scenes: int = 1200
    retextured: float = 0.3
    photographs: float = 0.65
    taps: int = 4
    regions: int = 1
    boxes: float = 0.35
    first: float = 0.4
    alternatives: float = 0.45
    repeated: float = 0.4
    focal_weight: float = 5.0
    seed: int = 0


# Of repeated answers, those that come with a new click.
_CORRECTED = 0.35


class RefinerTask:
    """`inputs`: 'encoders', 'scenes' (see the recipe), and 'start', the export of a finished segmenter run."""

    def __init__(self, recipe: RefinerModelRecipe, *, data_dir: Path, inputs: dict[str, Path]) -> None:
        encoder = TimmPatchEncoder.load(inputs["encoders"] / "image_encoder").requires_grad_(False)
        self.recipe = recipe
        before = StarterSegmenterNetwork.load(inputs["start"] / "segmenter")
        # Tuned since the decoder was trained, the encoder may differ behind stride 16; the guesses come from there too.
        stamp = fingerprint(encoder.backbone.state_dict())
        config = replace(before.config, encoder_fingerprint=stamp, refiner_taps=recipe.taps)
        self.network = _with_more_taps(before, StarterSegmenterNetwork(config))
        self.network.requires_grad_(False).refiner.requires_grad_(True)
        self.pool = RegionPool(
            inputs["scenes"],
            pictures=read_pictures(data_dir, split="train"),
            encoder=encoder,
            network=self.network,
            scenes=recipe.scenes,
            seed=recipe.seed,
            retextured=recipe.retextured,
            photographs=_photographs(inputs),
            photograph_share=recipe.photographs,
            boxes=recipe.boxes,
        )
        self.module: nn.Module = self.network
        self.learning_rate_factors: Mapping[str, float] = {}

    def loss(self, rng: np.random.Generator, batch_size: int) -> tuple[Tensor, dict[str, float]]:
        """Mean over `regions` regions from each of `batch_size` scenes."""
        samples = RegionSamples.joined([self._regions(rng) for _ in range(batch_size)])
        prompts = [_Prompt.drawn(samples, row, recipe=self.recipe, rng=rng) for row in range(len(samples))]
        truths = truths_of(samples.shares)
        passes = 1 + int(rng.random() < self.recipe.repeated)
        earlier: Tensor | None = None
        total = torch.zeros(())
        figures: dict[str, float] = {}
        for index in range(passes):
            if earlier is not None and rng.random() < _CORRECTED:
                for prompt, answer, truth in zip(prompts, (earlier > 0).numpy(), truths, strict=True):
                    prompt.add(*correct_at(answer, truth, rng))
            hints = torch.from_numpy(
                np.stack(
                    [prompt.hints(None if earlier is None else earlier[row]) for row, prompt in enumerate(prompts)]
                )
            )
            logits, scores = self.network.refiner(samples.pixels, samples.feature_maps, hints)
            losses, overlaps = mask_losses(logits[:, None], samples.shares, focal_weight=self.recipe.focal_weight)
            # What lies outside the region is missed.
            whole = overlaps[:, 0] * samples.inside
            total = total + losses[:, 0].mean() + (scores - whole).square().mean()
            figures["again" if index else "overlap"] = float(whole.mean())
            earlier = logits.detach().float().clamp(-GUESS_BOUND, GUESS_BOUND)
        return total / passes, figures

    def export(self, folder: Path) -> None:
        self.network.save(folder / "segmenter")

    def _regions(self, rng: np.random.Generator) -> RegionSamples:
        found = self.pool[int(rng.integers(len(self.pool)))]
        return found[rng.integers(len(found), size=self.recipe.regions)]


@dataclass(kw_only=True)
class _Prompt:
    """To one region: the decoder's guess, and the clicks and the box in cells that it was made from."""

    guess: npt.NDArray[np.float32]
    clicks: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]
    box: npt.NDArray[np.float32] | None

    @classmethod
    def drawn(
        cls, samples: RegionSamples, row: int, *, recipe: RefinerModelRecipe, rng: np.random.Generator
    ) -> _Prompt:
        """Some beginning of what was said about a region."""
        box = samples.boxes[row].numpy()
        boxed = not np.isnan(box).any()
        labels = samples.labels[row].numpy()
        further = int((labels >= 0).sum()) - (0 if boxed else 1)
        more = 0 if rng.random() < recipe.first or not further else int(rng.integers(1, further + 1))
        if more:
            guess = FIRST_GUESSES - 1 + more
        else:
            guess = 0 if boxed or rng.random() >= recipe.alternatives else int(rng.integers(1, FIRST_GUESSES))
        count = more if boxed else 1 + more
        return cls(
            guess=samples.guesses[row, guess].numpy(),
            clicks=samples.clicks[row, :count].numpy(),
            labels=labels[:count],
            box=box if boxed else None,
        )

    def add(self, place: npt.NDArray[np.float64], label: int) -> None:
        self.clicks = np.concatenate([self.clicks, place[None].astype(np.float32)])
        self.labels = np.append(self.labels, label)

    def hints(self, earlier: Tensor | None) -> npt.NDArray[np.float32]:
        told = None if earlier is None else earlier.numpy()
        return hints_of(self.guess, earlier=told, clicks=self.clicks, labels=self.labels, box=self.box)


def _with_more_taps(before: StarterSegmenterNetwork, network: StarterSegmenterNetwork) -> StarterSegmenterNetwork:
    """The network with the weights of the one before; maps that this did not take change nothing at first."""
    left_out = network.load_state_dict(before.state_dict(), strict=False)
    if left_out.unexpected_keys:
        raise TrainingRecipeError(f"model.taps: {network.config.refiner_taps} are fewer than inputs.start takes")
    for name, weights in network.named_parameters():
        if name in left_out.missing_keys:
            nn.init.zeros_(weights)
    return network.eval()


def _photographs(inputs: dict[str, Path]) -> list[OutlinedPhotograph]:
    found: list[OutlinedPhotograph] = []
    for name in ("photographs", "more_photographs"):
        if name in inputs:
            splits = (inputs[name] / SPLITS_TABLE).is_file()
            found += read_outlined(inputs[name], split="tune" if splits else "")
    return found


TASKS.register(
    TaskEntry(
        name="refiner",
        summary="the segmenter's refiner",
        model_recipe=RefinerModelRecipe,
        make=from_inputs(RefinerTask),
    )
)

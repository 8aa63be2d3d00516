"""Training of the latent diffusion model together with its grounding (eq. 1 of the paper)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Final
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor
from torch import nn

from sounddesk.engine.bundles.component_classes import load_conditioner
from sounddesk.engine.bundles.component_classes import load_text_encoder
from sounddesk.engine.generation.patch_weights import rescale_to_attention
from sounddesk.engine.models.diffusion import Denoiser
from sounddesk.engine.models.diffusion import audioldm_scheduler_config
from sounddesk.engine.models.diffusion import swap_time_and_frequency
from sounddesk.engine.models.latent_codec import LatentCodec
from sounddesk.engine.models.mel import LogMel
from sounddesk.engine.models.text_encoder import SentenceEncoder
from sounddesk.engine.specs import AudioSpec
from sounddesk.storage.text_formats import read_json
from sounddesk.training.data.audio_queries import audio_queries
from sounddesk.training.data.data_error import DataError
from sounddesk.training.data.kind_vectors import kind_vectors
from sounddesk.training.data.latent_pool import LatentPool
from sounddesk.training.data.latent_pool import Layouts
from sounddesk.training.data.recordings import Recording
from sounddesk.training.data.recordings import read_kinds
from sounddesk.training.data.recordings import read_recordings
from sounddesk.training.loop.provenance import Provenance
from sounddesk.training.loop.run_recipe import RunRecipe
from sounddesk.training.loop.training_task import Batch
from sounddesk.training.tasks.denoiser_training import Trained
from sounddesk.training.tasks.denoiser_training import export_trained
from sounddesk.training.tasks.denoiser_training import noise_loss
from sounddesk.training.tasks.denoiser_training import training_scheduler
from sounddesk.training.tasks.registry import TASKS
from sounddesk.training.tasks.registry import TaskContext
from sounddesk.training.tasks.registry import TaskEntry


@dataclass(frozen=True, kw_only=True)
class DiffusionModelRecipe:
    """U-Net size and how a batch is made.

    Attributes:
        channels: widths of the U-Net's levels.
        attention_levels: how many of the lowest levels have attention (AudioLDM: all but the first).
        seconds: length of a training example.
        condition_dropout: share of examples with the null condition (paper 3.1: 10 %).
        text_share: share of the others whose condition is the text vector itself, so that a hint can steer.
        mixture_share: share of examples that sum two kinds, captioned with both.
        contrastive_weight: weight of the grounding's own loss beside eq. (1).
        condition_learning_rate_factor: on the layers that take the condition in. Its entries are about 1 / sqrt(C), so
            at the common rate those layers learn some 20 times too slowly and the condition is ignored.
        noise_emphasis: timesteps are drawn as 1000 * u ** (1 / noise_emphasis), u uniform: 1 is the paper; above 1
            prefers the noisy steps, at which it is decided what will sound.
        sound_variants: layouts in time of every kind that are encoded before the first step and drawn from afterwards.
        weights: 'mask' uses the objects' true masks instead of the attention, ablation (vi).
        query: what asks for a place; 'audio' is ablation (v).
        pairing: JSON list of [kind seen, kind heard] to draw from; by default every kind sounds as itself.
        train_unet, train_grounding: what this run changes. Without `train_unet` the added branches stay too:
            they come trained from the start, and ablation (i) of the paper freezes all of the diffusion model.
    """

    channels: tuple[int, ...] = (96, 160, 224)
    attention_levels: int = 1
    layers_per_block: int = 1
    attention_heads: int = 4
    seconds: float = 5.12
    condition_dropout: float = 0.1
    text_share: float = 0.4
    mixture_share: float = 0.1
    contrastive_weight: float = 0.1
    temperature: float = 0.07
    prediction_type: str = "v_prediction"
    inject: str = "both"
    condition_learning_rate_factor: float = 10.0
    noise_emphasis: float = 2.0
    sound_variants: int = 48
    train_unet: bool = True
    train_grounding: bool = True
    bank: str = "scene_bank_1000_0.pt"
    weights: Literal["attention", "mask"] = "attention"
    query: Literal["text", "audio"] = "text"
    pairing: Path | None = None

    def __post_init__(self) -> None:
        if self.query == "audio" and (self.text_share or self.mixture_share):
            raise ValueError("query 'audio' leaves no words to condition on: set text_share and mixture_share to 0")


def make_unet(recipe: DiffusionModelRecipe, *, spec: AudioSpec, condition_width: int) -> UNet2DConditionModel:
    """A small U-Net in AudioLDM's shape: FiLM slot beside the time embedding, attention on the lowest levels."""
    plain = len(recipe.channels) - recipe.attention_levels
    return UNet2DConditionModel(
        sample_size=spec.request_shape(10.0).latent_frames,
        in_channels=spec.latent.channels,
        out_channels=spec.latent.channels,
        block_out_channels=recipe.channels,
        layers_per_block=recipe.layers_per_block,
        down_block_types=("DownBlock2D",) * plain + ("CrossAttnDownBlock2D",) * recipe.attention_levels,
        up_block_types=("CrossAttnUpBlock2D",) * recipe.attention_levels + ("UpBlock2D",) * plain,
        cross_attention_dim=list(recipe.channels),
        attention_head_dim=recipe.attention_heads,
        class_embed_type="simple_projection",
        projection_class_embeddings_input_dim=condition_width,
        class_embeddings_concat=True,
    )


WAYS: Final = ("scene", "text", "null")
"""How an example is conditioned: by attention over a scene, by the text vector itself, or not at all."""


class DiffusionTask:
    """Noise (or velocity) prediction under conditions of the attention over composed scenes.

    `inputs`: 'encoders' (converted encoders with a scene bank), 'codec' and 'grounding' (exports of those runs), and
    'start' (export of an earlier diffusion run to go on from; optional).
    """

    def __init__(
        self, recipe: DiffusionModelRecipe, *, spec: AudioSpec, data_dir: Path, inputs: dict[str, Path]
    ) -> None:
        self.recipe = recipe
        self.spec = spec
        text_encoder = load_text_encoder("SentenceEncoder", inputs["encoders"] / "text_encoder")
        assert isinstance(text_encoder, SentenceEncoder)
        self.kinds = read_kinds(data_dir)
        self.targets, self.variants = kind_vectors(self.kinds, text_encoder)
        self.pair_vectors = self._pair_vectors(text_encoder)
        self.codec = LatentCodec.load(inputs["codec"] / "vae", spec).requires_grad_(False)
        conditioner = load_conditioner(inputs["grounding"] / "grounding")
        stored = torch.load(inputs["encoders"] / recipe.bank, weights_only=True)
        if stored["kinds"] != [kind.name for kind in self.kinds]:
            raise DataError(f"scene bank {recipe.bank} was made for other kinds: run the grounding recipe again")
        self.patches: Tensor = stored["patches"]
        self.scene_of: Tensor = stored["scene"]
        self.coverage: Tensor = stored["coverage"]
        kind_of = stored["kind"].numpy()
        self.objects = [np.flatnonzero(kind_of == index) for index in range(len(self.kinds))]
        width = conditioner.config.out_width
        unet = make_unet(recipe, spec=spec, condition_width=width)
        inject: Any = recipe.inject
        denoiser = Denoiser(unet, condition_width=width, inject=inject)
        self.provenance: Provenance | None = None
        if "start" in inputs:
            start = inputs["start"]
            self.provenance = Provenance.read(start)
            denoiser = Denoiser.load(
                start / "unet",
                condition_width=width,
                inject=inject,
                injection_file=None if inject == "film" else start / "injection" / "model.safetensors",
            )
            unet = denoiser.unet
        swap_time_and_frequency(unet)
        if not recipe.train_unet:
            unet.requires_grad_(False)
        if not recipe.train_grounding:
            conditioner.requires_grad_(False)
        self.trained = Trained(denoiser, conditioner)
        self.module: nn.Module = self.trained
        factor = recipe.condition_learning_rate_factor
        self.learning_rate_factors: Mapping[str, float] = {"class_embedding": factor, "_object": factor}
        self.scheduler_config = audioldm_scheduler_config(prediction_type=recipe.prediction_type)
        self.scheduler = training_scheduler(self.scheduler_config)
        self.log_mel = LogMel(spec.mel)
        frames = round(recipe.seconds * spec.mel.frames_per_s)
        step = spec.latent.time_factor * spec.latent_multiple
        self.length = frames // step * step * spec.mel.hop_length
        found = read_recordings(data_dir)
        recordings = self._by_kind(found)
        self.queries = audio_queries(self.kinds, found) if recipe.query == "audio" else self.variants
        self.seen = [index for index, own in enumerate(recordings) if own and len(self.objects[index])]
        self.pairs = [(a, b) for a, b in self.pair_vectors if recordings[a] and recordings[b]]
        self.heard = read_pairing(recipe.pairing, [kind.name for kind in self.kinds], self.seen)
        layouts = Layouts(
            recordings=recordings,
            kinds=self.kinds,
            pairs=self.pairs,
            variants=recipe.sound_variants,
            length=self.length,
            peak=spec.mel.peak,
        )
        codec_file = inputs["codec"] / "vae" / "diffusion_pytorch_model.safetensors"
        self.pool = LatentPool.open_or_make(inputs["codec"], layouts, codec_file=codec_file, encode=self.latents)

    @property
    def asks_by_sound(self) -> bool:
        return self.recipe.query == "audio"

    def _pair_vectors(self, encoder: SentenceEncoder) -> dict[tuple[int, int], Tensor]:
        """Text vectors of 'A and B' for the neighbours in six fixed shuffles of the kinds."""
        rng = np.random.default_rng(0)
        pairs = [(int(a), int(b)) for _ in range(6) for a, b in _neighbours(rng.permutation(len(self.kinds)))]
        texts = [f"{self.kinds[a].caption} and {self.kinds[b].caption}" for a, b in pairs]
        vectors = torch.cat([encoder.encode(texts[i : i + 64]) for i in range(0, len(texts), 64)])
        return dict(zip(pairs, vectors, strict=True))

    def _by_kind(self, recordings: list[Recording]) -> list[list[Recording]]:
        index_of = {kind.name: index for index, kind in enumerate(self.kinds)}
        grouped: list[list[Recording]] = [[] for _ in self.kinds]
        for recording in recordings:
            if recording.kind in index_of:
                grouped[index_of[recording.kind]].append(recording)
        return grouped

    def latents(self, waveforms: npt.NDArray[np.float32]) -> Tensor:
        """Waveforms float32[B, n] -> scaled latents float32[B, C, T, F], without gradient."""
        with torch.no_grad():
            with torch.autocast("cpu", enabled=False):
                mel = self.log_mel(torch.from_numpy(waveforms))
            return self.codec.encode(mel).float()

    def draw(self, rng: np.random.Generator, batch_size: int, *, step: int) -> Batch:  # noqa: ARG002  # without epochs
        """Sounds, texts, scenes and the way each is conditioned, noise and timesteps of one step."""
        recipe = self.recipe
        sounds, texts, queries, rows_chosen, kinds, ways = [], [], [], [], [], []
        for _ in range(batch_size):
            kind, heard = self.heard[int(rng.integers(len(self.heard)))]
            sound = self.pool.single(heard, rng)
            query = self.queries[kind][int(rng.integers(len(self.queries[kind])))] if self.asks_by_sound else None
            text = self.variants[kind][int(rng.integers(len(self.variants[kind])))]
            way = "text" if rng.random() < recipe.text_share else "scene"
            if self.pairs and rng.random() < recipe.mixture_share:
                pair = self.pairs[int(rng.integers(len(self.pairs)))]
                sound, text, way, kind = self.pool.pair(pair), self.pair_vectors[pair], "text", pair[0]
            if rng.random() < recipe.condition_dropout:
                way = "null"
            rows = self.objects[kind]
            row = int(rows[int(rng.integers(len(rows)))]) if len(rows) else 0
            rows_chosen.append(row)
            queries.append(text if query is None else query)
            sounds.append(sound)
            texts.append(text)
            kinds.append(kind)
            ways.append(WAYS.index(way))
        clean = torch.stack(sounds).transpose(2, 3).contiguous()
        noise = torch.randn_like(clean)
        uniform = torch.rand(batch_size) ** (1.0 / recipe.noise_emphasis)
        scenes = self.scene_of[torch.tensor(rows_chosen)]
        return {
            "clean": clean,
            "noise": noise,
            "timesteps": (uniform * 1000).long().clamp(max=999),
            "text": torch.stack(texts),
            "query": torch.stack(queries),
            "coverage": self.coverage[torch.tensor(rows_chosen)],
            "patches": self.patches[scenes].float(),
            "kind": torch.tensor(kinds),
            "way": torch.tensor(ways),
        }

    def loss(self, rng: np.random.Generator, batch_size: int) -> tuple[Tensor, dict[str, float]]:
        return self.loss_of(self.draw(rng, batch_size, step=0))

    def loss_of(self, batch: Batch) -> tuple[Tensor, dict[str, float]]:
        condition, contrastive, accuracy = self._conditions(batch)
        null = self.trained.conditioner.null_vector[None].expand(len(condition), -1)
        mse = noise_loss(self.trained.denoiser, self.scheduler, batch, condition=condition, null=null)
        loss = mse + self.recipe.contrastive_weight * contrastive
        return loss, {"mse": mse.item(), "contrastive": contrastive.item(), "accuracy": accuracy}

    def _conditions(self, batch: Batch) -> tuple[Tensor, Tensor, float]:
        conditioner = self.trained.conditioner
        text, patches = batch["text"], batch["patches"]
        if self.recipe.weights == "mask":
            std = conditioner.attention_std()
            rows = [rescale_to_attention(row, attention_std=std) for row in batch["coverage"].numpy()]
            weights = torch.from_numpy(np.stack(rows))
        else:
            weights = conditioner.weights(batch["query"], patches)
            conditioner.observe(weights)
        grounded = conditioner.fuse(weights, patches)
        single = batch["way"] == WAYS.index("scene")
        logits = grounded[single] @ self.targets.to(grounded.device).T / self.recipe.temperature
        wanted = batch["kind"][single]
        if len(wanted):
            contrastive = nn.functional.cross_entropy(logits, wanted)
            accuracy = (logits.argmax(dim=-1) == wanted).float().mean().item()
        else:
            contrastive, accuracy = grounded.sum() * 0.0, 0.0
        null = conditioner.null(patches)
        chosen = torch.where(single[:, None], conditioner.to_condition(grounded), text)
        dropped = batch["way"] == WAYS.index("null")
        return torch.where(dropped[:, None], null, chosen), contrastive, accuracy

    def export(self, folder: Path) -> None:
        export_trained(self.trained, self.scheduler_config, folder)


def read_pairing(path: Path | None, kinds: list[str], usable: list[int]) -> list[tuple[int, int]]:
    """Pairs (kind seen, kind heard) by index; each usable kind with itself where `path` is None.

    Raises:
        ValueError: no pair of usable kinds is left.
    """
    if path is None:
        return [(kind, kind) for kind in usable]
    index_of = {name: index for index, name in enumerate(kinds) if index in usable}
    named = [(str(seen), str(heard)) for seen, heard in read_json(path)]
    pairs = [(index_of[a], index_of[b]) for a, b in named if a in index_of and b in index_of]
    if not pairs:
        raise DataError(f"pairing {path} names no kinds that have pictures and recordings")
    return pairs


def _neighbours(order: npt.NDArray[np.int64]) -> list[tuple[int, int]]:
    return [(int(order[i]), int(order[i + 1])) for i in range(len(order) - 1)]


def _make(recipe: RunRecipe, model: Any, _context: TaskContext) -> DiffusionTask:
    return DiffusionTask(model, spec=recipe.audio.spec(), data_dir=recipe.data, inputs=recipe.input_folders())


TASKS.register(
    TaskEntry(
        name="diffusion",
        summary="the denoiser and the grounding on composed scenes",
        model_recipe=DiffusionModelRecipe,
        make=_make,
    )
)

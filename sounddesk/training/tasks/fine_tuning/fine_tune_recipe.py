"""The `model` section of a recipe that fine-tunes a bundle on the user's clips."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Literal

from sounddesk.engine.models.grounding import AttentionScore
from sounddesk.engine.models.grounding import NullKind
from sounddesk.engine.models.grounding import PositionPlace


@dataclass(frozen=True, kw_only=True)
class FreshGrounding:
    """A grounding that starts at random (paper 3.2); its input widths are the encoders'.

    Attributes:
        width: d, also d_k of the single head.
        heads: 1 in the paper; more is ablation (ii).
        score: 'dot', or 'additive' for ablation (iii).
        position: 'post' adds the encodings to keys and values, 'pre' before the projections, 'off' leaves them out.
        mlp_factor: hidden width of the MLP relative to `width`.
        normalise: unit-length conditions, as the FiLM slot expects.
        null: the vector used for 'no condition'.
    """

    width: int = 512
    heads: int = 1
    score: AttentionScore = "dot"
    position: PositionPlace = "post"
    mlp_factor: int = 4
    normalise: bool = True
    null: NullKind = "empty_text"


@dataclass(frozen=True, kw_only=True)
class NoiseSchedule:
    """The forward process, which the base bundle has to agree with (paper 4.1: N = 1000, 0.0015 to 0.0195).

    `beta_schedule`: what AudioLDM calls 'linear' is 'scaled_linear' in diffusers.
    """

    num_train_timesteps: int = 1000
    beta_start: float = 0.0015
    beta_end: float = 0.0195
    beta_schedule: str = "scaled_linear"
    prediction_type: str = "epsilon"


@dataclass(frozen=True, kw_only=True)
class PreviewSampling:
    """How previews, and later the evaluation, sample (paper 4.1: DDIM, 200 steps, guidance 2.0)."""

    preset: Literal["paper", "fast"] = "paper"
    steps: int = 200
    guidance: float = 2.0
    eta: float = 0.0


@dataclass(frozen=True, kw_only=True)
class FineTuneModelRecipe:
    """Fine-tuning of a bundle on the user's clips.

    Attributes:
        bundle: name or folder of the bundle to start from.
        seconds: length of a clip; shorter ones are padded with silence, longer ones cut (paper 4.1).
        frames_per_clip: frames of each video that are encoded; every access draws one of them.
        condition_dropout: share of examples with the null condition (paper 3.1).
        grounding: 'base' continues with the bundle's; 'fresh' starts from random weights as `fresh` says.
        weights: 'attention' of the caption, or 'mask' of the clip (ablation vi).
        train_unet: False trains the grounding and the added branches that take the condition in (`inject`), and nothing
            else of the U-Net; with 'film', which adds none, the grounding alone (ablation i).
        lora_rank: above 0, the U-Net stays and adapters of this rank learn; `lora_alpha` scales them.
        gradient_checkpointing: less memory, about a third more time.
        min_matching_score: clips scored lower by the matching model are left out; unscored ones stay.
        cache: where encoded clips are kept; beside the run by default.
    """

    bundle: str = "starter"
    seconds: float = 10.0
    frames_per_clip: int = 10
    condition_dropout: float = 0.1
    grounding: Literal["base", "fresh"] = "base"
    fresh: FreshGrounding = field(default_factory=FreshGrounding)
    inject: Literal["both", "film", "cross"] = "both"
    weights: Literal["attention", "mask"] = "attention"
    train_unet: bool = True
    lora_rank: int = 0
    lora_alpha: float = 16.0
    gradient_checkpointing: bool = False
    min_matching_score: float | None = None
    schedule: NoiseSchedule | None = None
    sampling: PreviewSampling = field(default_factory=PreviewSampling)
    cache: Path | None = None

    def __post_init__(self) -> None:
        if self.frames_per_clip < 1:
            raise ValueError(f"frames_per_clip is {self.frames_per_clip}: choose at least 1")
        if not 0.0 <= self.condition_dropout < 1.0:
            raise ValueError(f"condition_dropout is {self.condition_dropout}: choose from 0 to below 1")
        if self.lora_rank < 0 or (self.lora_rank and not self.train_unet):
            raise ValueError(f"lora_rank is {self.lora_rank}: choose 0 or more, and train_unet with it")

"""Text embeddings of kinds, and the linear map to them that an image encoder was tuned with."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import torch
from safetensors.torch import load_file
from safetensors.torch import save_file
from torch import Tensor
from torch import nn

from sounddesk.engine.models.text_encoder import SentenceEncoder
from sounddesk.training.data.data_error import DataError
from sounddesk.training.data.recordings import Kind

_MAP_FILE: Final = "kind_map.safetensors"


def caption_variants(kind: Kind) -> list[str]:
    """Ways to name a kind; the first is its caption."""
    name = kind.name
    return [kind.caption, *kind.alt_captions, name, f"a photo of a {name}", f"the sound of a {name}"]


def kind_vectors(kinds: list[Kind], encoder: SentenceEncoder) -> tuple[Tensor, list[Tensor]]:
    """Text embeddings of the kinds, unit length, float32[K, Lt], and of each kind's variants, float32[n, Lt].

    A kind's vector is the mean over its variants, so that no single wording is favoured.
    """
    variants = [encoder.encode(caption_variants(kind)) for kind in kinds]
    means = torch.stack([nn.functional.normalize(v.mean(dim=0), dim=-1) for v in variants])
    return means, variants


def write_kind_map(folder: Path, *, weight: Tensor, bias: Tensor) -> None:
    """Write the map from pooled patches [D] to text vectors [T]: weight float[T, D] and bias float[T], as float32."""
    save_file(
        {"weight": weight.detach().float().contiguous(), "bias": bias.detach().float().contiguous()},
        folder / _MAP_FILE,
    )


def read_kind_map(folder: Path) -> tuple[Tensor, Tensor]:
    """Weight float32[T, D] and bias float32[T].

    Raises:
        DataError: the encoders in `folder` were not tuned.
    """
    if not (folder / _MAP_FILE).exists():
        raise DataError(f"{folder} holds no {_MAP_FILE}: tune the image encoder first, or set kind_map to 'fitted'")
    state = load_file(folder / _MAP_FILE)
    return state["weight"], state["bias"]

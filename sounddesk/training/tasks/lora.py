"""Low-rank adapters on the U-Net's attention (Hu et al. 2021), by `peft`: fine-tuning with little memory.

peft was chosen because it is what diffusers itself loads: the adapter that is written works in other programs too.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from typing import Final

from safetensors.torch import save_file
from torch import Tensor
from torch import nn

from sounddesk.domain.errors import MissingPackageError
from sounddesk.engine.models.injection import object_attention_parameters

TARGETS: Final = ("to_q", "to_k", "to_v", "to_out.0")
ADAPTER_FILE: Final = "adapter_model.safetensors"


def add_adapters(unet: nn.Module, *, rank: int, alpha: float) -> None:
    """Freeze `unet` and put adapters beside the projections of its attention layers; they start as no change.

    Raises:
        MissingPackageError: peft is not installed.
        ValueError: the U-Net has no attention.
    """
    peft = _peft()
    unet.requires_grad_(False)
    config = peft.LoraConfig(r=rank, lora_alpha=alpha, target_modules=list(TARGETS))
    peft.inject_adapter_in_model(config, unet)
    # The branches that take the condition in are new, not adapted.
    for parameter in object_attention_parameters(unet):
        parameter.requires_grad_(True)


def has_adapters(unet: nn.Module) -> bool:
    """Whether `add_adapters` was called on it."""
    return any("lora_A" in name for name, _ in unet.named_parameters())


def save_adapters(unet: nn.Module, folder: Path) -> None:
    """Write the adapter alone, in peft's layout."""
    peft = _peft()
    folder.mkdir(parents=True, exist_ok=True)
    state = {key: value.contiguous() for key, value in peft.get_peft_model_state_dict(unet).items()}
    save_file(state, folder / ADAPTER_FILE, metadata={"format": "pt"})


def merged_state(unet: nn.Module) -> dict[str, Tensor]:
    """The U-Net's parameters with the adapters added in, under their plain names."""
    from peft.tuners.lora import Linear

    state = {}
    for name, value in unet.state_dict().items():
        if "lora_" in name:
            continue
        plain = name.replace(".base_layer.", ".")
        if plain != name and name.endswith(".base_layer.weight"):
            layer = unet.get_submodule(name.removesuffix(".base_layer.weight"))
            assert isinstance(layer, Linear)
            value = value + layer.get_delta_weight("default").to(value.dtype)
        state[plain] = value.detach().clone()
    return state


def _peft() -> Any:
    try:
        import peft
    except ImportError as error:
        raise MissingPackageError("LoRA needs peft: pip install 'sounddesk[train]'") from error
    return peft

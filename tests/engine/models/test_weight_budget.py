"""Bundles whose configurations ask for more than their weights hold, name foreign places, or make no sense."""

from __future__ import annotations

import json
import resource
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.engine.bundles.bundle_manifest import MANIFEST_NAME
from sounddesk.engine.bundles.component_loading import load_components
from sounddesk.engine.bundles.component_loading import load_text_encoder_component
from sounddesk.engine.device import choose_device
from sounddesk.engine.models.quantised_weights import save_weights
from sounddesk.engine.models.weight_budget import build_within
from sounddesk.engine.models.weight_budget import check_configuration
from sounddesk.engine.types import BundleError


@pytest.fixture
def changed(tiny_bundle: Path, tmp_path: Path) -> Callable[..., Bundle]:
    """The tiny bundle with other values in one JSON file."""
    folder = tmp_path / "tiny"
    shutil.copytree(tiny_bundle, folder)

    def change(file: str, **values: Any) -> Bundle:
        path = folder / file
        path.write_text(json.dumps(json.loads(path.read_text()) | values))
        return Bundle.open(folder)

    return change


@pytest.mark.parametrize(
    ("file", "values"),
    [
        ("text_encoder/config.json", {"vocab_size": 60_000_000}),
        ("text_encoder/config.json", {"vocab_size": 200_000, "hidden_size": 200_000}),
        ("text_encoder/config.json", {"num_hidden_layers": 1_000_000}),
        ("text_encoder/config.json", {"num_attention_heads": 0}),
        ("text_encoder/config.json", {"hidden_size": "wide"}),
        ("text_encoder/tokenizer.json", {"model": {"type": "WordLevel"}}),
        ("text_encoder/tokenizer.json", {"model": None}),
        ("image_encoder/config.json", {"architecture": "hf-hub:x/y"}),
        ("image_encoder/config.json", {"architecture": "local-dir:/etc"}),
        ("image_encoder/config.json", {"architecture": "vit_giant_patch14_224"}),
        ("image_encoder/config.json", {"architecture": "efficientnet_b7"}),
        ("image_encoder/config.json", {"architecture": 7}),
        ("image_encoder/config.json", {"image_size": 200_000}),
        ("image_encoder/config.json", {"pool": 0}),
        ("unet/config.json", {"block_out_channels": [100_000, 200_000]}),
        ("unet/config.json", {"layers_per_block": 100_000}),
        ("unet/config.json", {"norm_num_groups": 0}),
        ("unet/config.json", {"down_block_types": ["DownBlock2D", "../../x"]}),
        ("vae/config.json", {"block_out_channels": [200_000]}),
        ("vae/config.json", {"layers_per_block": [1, 2, 3]}),
        ("vocoder/config.json", {"width": 60_000, "hidden": 60_000}),
        ("vocoder/config.json", {"refinements": 1_000_000_000}),
        ("vocoder/config.json", {"kernel": "7"}),
        ("scheduler/scheduler_config.json", {"num_train_timesteps": 1_000_000_000}),
        ("scheduler/scheduler_config.json", {"num_train_timesteps": "many"}),
        ("scheduler/scheduler_config.json", {"beta_schedule": "none such"}),
        ("scheduler/scheduler_config.json", {"beta_start": "x"}),
    ],
)
def test_a_configuration_that_does_not_fit_is_a_message(
    changed: Callable[..., Bundle], monkeypatch: pytest.MonkeyPatch, file: str, values: dict[str, Any]
) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("a bundle must not reach for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    bundle = changed(file, **values)
    role = file.partition("/")[0]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(BundleError, match=f"component '{role}' cannot be loaded .*: install the bundle again"):
        if role == "text_encoder":
            load_text_encoder_component(bundle, choose_device("cpu"))
        else:
            load_components(bundle, choose_device("cpu"))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000


@pytest.mark.parametrize(
    ("group", "values"),
    [
        ("mel", {"hop_length": 0}),
        ("mel", {"n_fft": 1 << 40, "win_length": 16}),
        ("mel", {"sample_rate_hz": 10**12}),
        ("mel", {"log_floor": 0.0}),
        ("latent", {"channels": 10**9}),
        ("latent", {"time_factor": 0}),
        ("latent", {"mel_fold": [0, 0]}),
    ],
)
def test_sounds_of_no_sensible_shape_are_refused(tiny_bundle: Path, group: str, values: dict[str, Any]) -> None:
    data = json.loads((tiny_bundle / MANIFEST_NAME).read_text())
    data["audio"][group] |= values
    from sounddesk.engine.bundles.bundle_manifest import parse_manifest

    with pytest.raises(BundleError, match=rf"audio\.{group}\.{next(iter(values))}.* is .*: expected"):
        parse_manifest(json.dumps(data))


def test_what_fits_is_built_and_what_does_not_costs_no_memory(tmp_path: Path) -> None:
    save_weights({"weight": torch.zeros(3000, 2000)}, tmp_path / "model.safetensors", storage="int8-rowwise")
    assert build_within(lambda: nn.Linear(2000, 3000, bias=False), tmp_path).weight.shape == (3000, 2000)
    with pytest.raises(ValueError, match=r"asks for 10000000000 values, its weights have 60\d+"):
        build_within(lambda: nn.Linear(100_000, 100_000, bias=False), tmp_path)


def test_numbers_are_bound_by_the_shapes(tmp_path: Path) -> None:
    save_weights({"a": torch.zeros(300_000, 1), "b": torch.zeros(2)}, tmp_path / "m.safetensors", storage="float32")
    config = tmp_path / "config.json"
    for good in ({"vocab": 300_000, "num_layers": 2, "on": True}, {"nested": [{"rate": 48_000}]}, {"id": -1}):
        config.write_text(json.dumps(good))
        check_configuration(tmp_path)
    for bad in ({"vocab": 300_001}, {"num_layers": 3}, {"nested": [{"block_depth": [1, 2, 9]}]}, {"id": -(10**9)}):
        config.write_text(json.dumps(bad))
        with pytest.raises(ValueError, match=r"config\.json: \w+ is -?\d+, its weights allow"):
            check_configuration(tmp_path)

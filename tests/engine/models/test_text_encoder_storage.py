"""A text encoder reads its weights whatever way they are stored."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch
from safetensors.torch import save_file

from sounddesk.engine.bundles.component_classes import load_text_encoder
from sounddesk.engine.models.quantised_weights import load_weights
from sounddesk.engine.models.quantised_weights import stored_as
from tests.tiny_bundle import build_tiny_bundle


def test_rows_of_int8_are_not_taken_for_the_weights(tmp_path: Path) -> None:
    stored = build_tiny_bundle(tmp_path) / "text_encoder"
    assert stored_as(stored / "model.safetensors") == "int8-rowwise"
    plain = tmp_path / "plain"
    shutil.copytree(stored, plain)
    save_file(load_weights(stored / "model.safetensors"), plain / "model.safetensors", metadata={"format": "pt"})
    texts = ["a dog", "siren"]
    expected = load_text_encoder("SentenceEncoder", plain).encode(texts)
    assert torch.allclose(load_text_encoder("SentenceEncoder", stored).encode(texts), expected, atol=1e-5)

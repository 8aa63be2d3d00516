"""Diffusers models from folders whose weights may be stored as int8 rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sounddesk.engine.models.quantised_weights import load_weights
from sounddesk.engine.models.quantised_weights import stored_as


def load_diffusers_model(model_class: Any, folder: Path, **options: Any) -> Any:
    """A model of `model_class` from a diffusers folder (config.json and safetensors); nothing is downloaded.

    Args:
        model_class: a diffusers ModelMixin.
        folder: every storage of `quantised_weights`, and whatever diffusers itself reads (shards, old key names).
        options: replace values of the configuration.
    """
    files = sorted(folder.glob("*.safetensors"))
    if len(files) == 1 and stored_as(files[0]) == "int8-rowwise":
        model = model_class.from_config(model_class.load_config(folder, local_files_only=True), **options)
        model.load_state_dict(load_weights(files[0]))
        return model
    return model_class.from_pretrained(folder, use_safetensors=True, local_files_only=True, **options)

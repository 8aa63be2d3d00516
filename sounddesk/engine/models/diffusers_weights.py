"""Models of diffusers (whose weights may be stored as int8 rows) and transformers from the folders of a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sounddesk.engine.models.quantised_weights import load_weights
from sounddesk.engine.models.quantised_weights import stored_as
from sounddesk.engine.models.weight_budget import build_within
from sounddesk.engine.models.weight_budget import refuse_larger


def load_diffusers_model(model_class: Any, folder: Path, **options: Any) -> Any:
    """A model of `model_class` from a diffusers folder (config.json and safetensors); nothing is downloaded.

    Args:
        model_class: a diffusers ModelMixin.
        folder: every storage of `quantised_weights`, and whatever diffusers itself reads (shards, old key names).
        options: replace values of the configuration.

    Raises:
        ValueError: the configuration asks for more than the weights hold.
    """
    files = sorted(folder.glob("*.safetensors"))
    config = model_class.load_config(folder, local_files_only=True)
    if len(files) == 1 and stored_as(files[0]) == "int8-rowwise":
        model = build_within(lambda: model_class.from_config(config, **options), folder)
        model.load_state_dict(load_weights(files[0]))
        return model
    refuse_larger(lambda: model_class.from_config(config, **options), folder)
    return model_class.from_pretrained(folder, use_safetensors=True, local_files_only=True, **options)


def load_transformers_model(model_class: Any, folder: Path) -> Any:
    """A model of `model_class` from a folder of transformers; nothing is downloaded. Raises: as the one above."""
    config = model_class.config_class.from_pretrained(folder, local_files_only=True)
    refuse_larger(lambda: model_class(config), folder)
    return model_class.from_pretrained(folder, use_safetensors=True, local_files_only=True)

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sounddesk.engine.bundles.bundle_manifest import DenoiserSettings
from sounddesk.engine.bundles.bundle_manifest import parse_manifest
from sounddesk.engine.specs import AudioSpec
from sounddesk.engine.specs import LatentSpec
from sounddesk.engine.specs import MelSpec
from sounddesk.engine.types import BundleError
from sounddesk.engine.verified_files import safe_relative_path

AUDIO = AudioSpec(mel=MelSpec(), latent=LatentSpec(mel_fold=(4, 4)))
FILE = {"sha256": "0" * 64, "bytes": 12}


def manifest_json() -> dict[str, Any]:
    data: dict[str, Any] = {
        "schema_version": 1,
        "name": "tiny",
        "version": "1.2",
        "licence": {"name": "Apache License 2.0", "spdx": "Apache-2.0", "commercial": "yes", "note": "", "url": None},
        "audio": AUDIO.to_json(),
        "grounding": {"heads": 1},
        "denoiser": {"inject": "film", "heads": "original"},
        "components": {
            "unet": {
                "class": "UNet2DConditionModel",
                "folder": "unet",
                "weight_storage": "float16",
                "files": {"config.json": FILE, "model.safetensors": FILE},
                "origin": "somebody/model@0123abc",
            }
        },
        "documents": {"card.md": FILE},
        "card": "card.md",
    }
    # Through JSON: no value is shared between tests, and tuples are lists.
    parsed: dict[str, Any] = json.loads(json.dumps(data))
    return parsed


def test_round_trip_keeps_every_value() -> None:
    manifest = parse_manifest(json.dumps(manifest_json()))
    assert manifest.audio == AUDIO
    assert manifest.licence.commercial == "yes"
    assert manifest.components["unet"].origin == "somebody/model@0123abc"
    assert set(manifest.files()) == {"card.md", "unet/config.json", "unet/model.safetensors"}
    assert parse_manifest(manifest.to_json_text()) == manifest
    assert json.loads(manifest.to_json_text()) == manifest_json()


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("schema_version",), 2, "schema_version is 2, this version reads 1: update sounddesk"),
        (("schema_version",), 0, "install the bundle again"),
        (("schema_version",), True, "schema_version is true: expected a whole number"),
        (("name",), "../evil", "name is '../evil'"),
        (("name",), "", "name is ''"),
        (("licence",), "MIT", 'licence is "MIT": expected an object'),
        (("licence", "commercial"), "maybe", "licence.commercial is 'maybe': expected one of 'yes', 'no'"),
        (("audio", "mel"), {"hop": 1}, "audio.mel.hop is not a key"),
        (("audio", "mel", "fmax_hz"), 9e9, "audio.mel.fmax_hz is 9000000000.0"),
        (("components", "unet"), None, "components.unet is null: expected an object"),
        (("components", "unet", "folder"), "../unet", "components.unet.folder is '../unet'"),
        (("components", "unet", "files"), {}, "components.unet.files is empty"),
        (("components", "unet", "files"), {"model.bin": FILE}, "'model.bin' is of a kind"),
        (("components", "unet", "files"), {"../a.json": FILE}, "'../a.json' leads out"),
        (("components", "unet", "files", "config.json", "sha256"), "A" * 64, "'config.json'.sha256 is"),
        (("components", "unet", "files", "config.json", "bytes"), -1, "'config.json'.bytes is -1"),
        (("components", "unet", "weight_storage"), "int4", "components.unet.weight_storage is 'int4'"),
        (("denoiser", "inject"), "everywhere", "denoiser.inject is 'everywhere': expected one of 'both', 'film'"),
        (("card",), "README.md", "card is 'README.md', which is not among 'documents'"),
    ],
)
def test_wrong_value_names_its_key(path: tuple[str, ...], value: object, message: str) -> None:
    data = manifest_json()
    table = data
    for key in path[:-1]:
        table = table[key]
    table[path[-1]] = value
    with pytest.raises(BundleError) as caught:
        parse_manifest(json.dumps(data))
    assert message in str(caught.value)


def test_denoiser_settings_have_defaults() -> None:
    data = manifest_json()
    del data["denoiser"]
    assert parse_manifest(json.dumps(data)).denoiser == DenoiserSettings(inject="both", heads="config")


def required_keys(data: dict[str, Any], prefix: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    optional = {
        "denoiser",
        "inject",
        "heads",
        "documents",
        "card",
        "spdx",
        "note",
        "url",
        "origin",
        "card.md",
        "config.json",
        "model.safetensors",
    }
    optional |= {"unet"}  # a manifest without components is readable; the session asks for what it needs
    keys = []
    for key, value in data.items():
        if key not in optional:
            keys.append((*prefix, key))
        if isinstance(value, dict) and key not in ("grounding", "mel", "latent"):
            keys += required_keys(value, (*prefix, key))
    return keys


@pytest.mark.parametrize("path", required_keys(manifest_json()), ids=".".join)
def test_missing_key_is_named(path: tuple[str, ...]) -> None:
    data = manifest_json()
    table = data
    for key in path[:-1]:
        table = table[key]
    del table[path[-1]]
    with pytest.raises(BundleError, match="missing") as caught:
        parse_manifest(json.dumps(data))
    assert path[-1] in str(caught.value)


def test_two_components_in_one_folder_are_refused() -> None:
    data = manifest_json()
    data["components"]["vae"] = data["components"]["unet"]
    with pytest.raises(BundleError, match="folder 'unet' belongs to two components"):
        parse_manifest(json.dumps(data))


@pytest.mark.parametrize("text", ["", "[]", "nonsense", '{"schema_version": '])
def test_what_is_no_manifest_is_refused(text: str) -> None:
    with pytest.raises(BundleError, match=r"bundle\.json"):
        parse_manifest(text)


def test_unknown_component_lists_those_there_are() -> None:
    with pytest.raises(BundleError, match="no component 'vae', only unet"):
        parse_manifest(json.dumps(manifest_json())).component("vae")


@pytest.mark.parametrize(
    "path",
    ["", "/etc/passwd", "..", "a/../b", "./a", "a//b", "a/", "C:/a", "C:a", "a\\b", "\\\\host\\a", "a\0b", "~/../a"],
)
def test_paths_that_lead_elsewhere_are_unsafe(path: str) -> None:
    assert not safe_relative_path(path)


@given(st.lists(st.text("abcXYZ019._- ", min_size=1).filter(lambda part: part not in (".", "..")), min_size=1))
def test_plain_relative_paths_are_safe(parts: list[str]) -> None:
    assert safe_relative_path("/".join(parts))

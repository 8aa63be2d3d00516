"""What a network's `config.json` says is read by the codec: an odd value is named before anything is built."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sounddesk.domain.errors import EngineError
from sounddesk.engine.bundles.component_classes import component_class
from sounddesk.engine.models.grounding import GroundingConfig
from sounddesk.engine.models.grounding import ObjectConditioner
from sounddesk.engine.models.image_encoder import TimmPatchEncoder
from sounddesk.engine.perception.matching_model import MatchingConfig
from sounddesk.engine.perception.matching_model import MatchingModel
from sounddesk.engine.perception.sound_classifier import SoundClassifier
from sounddesk.engine.perception.sound_effects import SoundEffectsEncoder
from sounddesk.engine.starter.class_branch import ClassifyingPatchEncoder
from sounddesk.engine.starter.kinds_document import read_kind_rows
from sounddesk.storage.codec import encode
from sounddesk.storage.text_formats import FieldError

GROUNDING = {**encode(GroundingConfig(text_width=12, out_width=512)), "of another class": 1}
ENCODER = {"architecture": "test_efficientnet", "image_size": 64}
MATCHING = {"class": "MatchingModel", **encode(MatchingConfig(width=16, heads=2))}
CLASSIFIER = {"class": "SoundClassifier", "kinds": ["dog", "cow"], "mel": {}}
EFFECTS = {"class": "SoundEffectsEncoder", "width": 8, "sha256": "0" * 64}


@pytest.mark.parametrize(
    ("load", "whole", "changes", "message"),
    [
        (ObjectConditioner.load, GROUNDING, {"heads": 0}, "heads is 0: expected 1 to"),
        (ObjectConditioner.load, GROUNDING, {"grid": [7]}, "grid has 1 values: expected 2"),
        (ObjectConditioner.load, GROUNDING, {"grid": 7}, "grid is 7: expected"),
        (ObjectConditioner.load, GROUNDING, {"score": "dots"}, "score is 'dots': expected"),
        (ObjectConditioner.load, GROUNDING, {"normalise": "no"}, 'normalise is "no": expected true or false'),
        (TimmPatchEncoder.load, ENCODER, {"image_size": "64"}, 'image_size is "64": expected'),
        (TimmPatchEncoder.load, ENCODER, {"pool": 0}, "pool is 0: expected"),
        (TimmPatchEncoder.load, ENCODER, {"mean": None}, "mean is null: expected"),
        (TimmPatchEncoder.load, ENCODER, {"geometry": ["crop"]}, "geometry is a list|geometry is"),
        (ClassifyingPatchEncoder.load, ENCODER, {"classes": -1}, "classes is -1: expected 1 to"),
        (ClassifyingPatchEncoder.load, ENCODER, {"classes": 5, "kind": 3}, "kind is not a key of this version"),
        (MatchingModel.load, MATCHING, {"heads": 0}, r"config\.json\.heads is 0: expected 1 to"),
        (MatchingModel.load, MATCHING, {"class": "Other"}, "is of the class 'Other': expected 'MatchingModel'"),
        (MatchingModel.load, MATCHING, {"class": 5}, "class is 5: expected"),
        (SoundClassifier.load, CLASSIFIER, {"mel": {"hop_length": 0}}, r"mel\.hop_length is 0: expected"),
        (SoundClassifier.load, CLASSIFIER, {"kinds": [1]}, r"kinds\[0\] is 1: expected text"),
        (SoundEffectsEncoder.load, EFFECTS, {"sha256": "x"}, "sha256 is 'x': expected the 64 hexadecimal digits"),
    ],
)
def test_an_odd_value_is_named(
    tmp_path: Path, load: Callable[[Path], Any], whole: dict[str, Any], changes: dict[str, Any], message: str
) -> None:
    (tmp_path / "config.json").write_text(json.dumps({**whole, **changes}))
    with pytest.raises((FieldError, EngineError), match=message):
        load(tmp_path)


@pytest.mark.parametrize("text", ["[]", '"x"', "5", "null"])
def test_a_configuration_that_is_no_object_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(FieldError, match="expected an object of keys and values"):
        component_class("image_encoder", "TimmPatchEncoder", tmp_path)
    with pytest.raises(EngineError, match="expected an object of keys and values"):
        MatchingModel.load(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", r"kinds\.json: the file is an object"),
        ('["dog"]', r'\[0\] is "dog": expected'),
        ('[{"kind": "dog"}]', r"\[0\]\.caption is missing: expected text"),
        ('[{"kind": "", "caption": ""}]', r"\[0\]\.kind is '': expected a text that is not empty"),
        ('[{"kind": "dog", "caption": "", "imagenet_classes": [1000]}]', r"imagenet_classes\[0\] is 1000: expected"),
        ('[{"kind": "dog", "caption": "", "repeat": "often"}]', r"\[0\]\.repeat is 'often': expected one of"),
    ],
)
def test_an_odd_table_of_kinds_is_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "kinds.json").write_text(text)
    with pytest.raises(FieldError, match=message):
        read_kind_rows(tmp_path / "kinds.json")

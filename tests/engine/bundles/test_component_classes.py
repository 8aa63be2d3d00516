"""Which class reads a component: one entry each, variants by a switch in the component's own settings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sounddesk.domain.registry import DuplicateNameError
from sounddesk.engine.bundles.component_classes import COMPONENT_CLASSES
from sounddesk.engine.bundles.component_classes import component_class
from sounddesk.engine.models.image_encoder import TimmPatchEncoder
from sounddesk.engine.starter.class_branch import ClassifyingPatchEncoder


def test_every_entry_names_a_class_that_can_be_loaded() -> None:
    assert len(COMPONENT_CLASSES) == 10
    for entry in COMPONENT_CLASSES:
        assert callable(entry.resolve().load), entry.name


@pytest.mark.parametrize(
    ("settings", "found"),
    [({}, TimmPatchEncoder), ({"classes": 0}, TimmPatchEncoder), ({"classes": 5}, ClassifyingPatchEncoder)],
)
def test_a_switch_in_the_settings_chooses_the_variant(tmp_path: Path, settings: dict[str, int], found: type) -> None:
    (tmp_path / "config.json").write_text(json.dumps(settings))
    assert component_class("image_encoder", "TimmPatchEncoder", tmp_path) is found


def test_an_unknown_class_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    known = "'IstftVocoder' and 'SpeechT5HifiGan'"
    with pytest.raises(ValueError, match=f"vocoder class is 'WaveNet': known are {known}"):
        component_class("vocoder", "WaveNet", tmp_path)


def test_an_entry_is_registered_once() -> None:
    entry = next(iter(COMPONENT_CLASSES))
    with pytest.raises(DuplicateNameError), COMPONENT_CLASSES.added(entry):
        pass

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sounddesk.audio.exporters.export_settings import PRESETS
from sounddesk.audio.exporters.export_settings import ExportSettings
from sounddesk.audio.exporters.export_settings import preset


@given(
    st.builds(
        ExportSettings,
        format=st.sampled_from(["wav16", "wav24", "ogg"]),
        mix=st.booleans(),
        range_s=st.none() | st.tuples(st.floats(0, 10), st.floats(11, 20)),
        normalise_lufs=st.none() | st.floats(-60, 0),
        creator_id=st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=9),
        exchange=st.lists(st.sampled_from(["dawproject", "rpp", "otio", "aaf"]), unique=True).map(tuple),
    )
)
@pytest.mark.slow
def test_settings_come_back_from_json(made: ExportSettings) -> None:
    assert ExportSettings.from_text(json.dumps(made.to_json())) == made


def test_missing_and_unknown_keys_are_left_alone() -> None:
    assert ExportSettings.from_text('{"mix": false, "from_the_future": 3}') == ExportSettings(mix=False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"format": "mp3"}', "format is 'mp3': choose from .*wav24"),
        ('{"sample_rate_hz": 8000}', "8000 Hz: choose one of 22050"),
        ('{"channels": "5.1"}', "expected one of .stereo., .mono."),
        ('{"mix": 1}', "mix is 1: expected true or false"),
        ('{"range_s": [2, 1]}', "range is 2 s to 1 s"),
        ('{"range_s": [2]}', "range_s has 1 values"),
        ('{"normalise_lufs": 3}', "target is 3 LUFS"),
        ('{"template": "{nose}"}', "nose"),
        ('{"exchange": ["omf"]}', "project file format is 'omf'"),
        ("[]", "expected an object"),
        ("nonsense", "not JSON"),
    ],
)
def test_a_wrong_value_is_named(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ExportSettings.from_text(text)


def test_every_preset_has_a_name_and_an_unknown_one_is_refused() -> None:
    assert all(preset(name) is PRESETS[name].settings for name in PRESETS)
    with pytest.raises(ValueError, match="choose one of post"):
        preset("none")

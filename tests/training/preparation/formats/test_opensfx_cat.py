from __future__ import annotations

import pytest

from sounddesk.training.preparation.formats.opensfx_cat import CatError
from sounddesk.training.preparation.formats.opensfx_cat import parse_cat
from sounddesk.training.preparation.formats.opensfx_cat import read_cat
from tests.training.preparation.archives import cat

SOUNDS = [('"Cow". By Ann. Licence: CC0.', b"RIFFcow"), ("Wind", b"RIFFwind!")]


def test_sounds_and_credits_come_back(tmp_path):
    path = tmp_path / "set.cat"
    path.write_bytes(cat(SOUNDS))
    assert [(sound.index, sound.description, sound.riff) for sound in read_cat(path)] == [
        (0, *SOUNDS[0]),
        (1, *SOUNDS[1]),
    ]


@pytest.mark.parametrize("data", [b"", bytes(8), b"\x07\0\0\0" + bytes(20), cat(SOUNDS)[:-1], cat(SOUNDS)[:20]])
def test_damaged_catalogues_are_refused(data):
    with pytest.raises(CatError):
        parse_cat(data)

"""What takes say of the recordings that they are made of: recipes come from anybody."""

from __future__ import annotations

from typing import Any

import pytest

from sounddesk.domain.recordings import names_of_recordings

HASH = "0123456789abcdef" * 4


def test_names_come_without_their_folders() -> None:
    recipes = [{"recordings": [{"file": file, "sha256": HASH}]} for file in ("/home/her/dog.wav", "C:\\her\\dog.wav")]
    assert [names_of_recordings([each]) for each in recipes] == [{HASH: "dog.wav"}] * 2


@pytest.mark.parametrize(
    "recordings",
    [
        None,
        "dog.wav",
        [7],
        [{"file": "dog.wav"}],
        [{"file": 7, "sha256": HASH}],
        *(
            [{"file": "dog.wav", "sha256": odd}]
            for odd in (7, "", "12ab", "../../x", HASH.upper(), HASH + "\n", "caf\udce9")
        ),
    ],
)
def test_what_is_no_recording_is_left_out(recordings: Any) -> None:
    assert names_of_recordings([{"recordings": recordings}, {}]) == {}

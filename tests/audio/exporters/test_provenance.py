"""Which licence an exported sound names."""

from __future__ import annotations

import numpy as np

from sounddesk.audio.exporters.provenance import licence_of
from sounddesk.audio.exporters.provenance import take_facts
from sounddesk.domain.project import Project
from sounddesk.domain.take import Take

INSTALLED = {"paper-s": "CC-BY-NC-SA-4.0 (no paid work)"}


def test_a_take_keeps_its_licence_where_its_bundle_is_not_installed() -> None:
    own = {"bundle": "tuned", "licence": "House licence (no paid work)"}
    assert licence_of(own, INSTALLED) == "House licence (no paid work)"
    # A bundle of that name may have other terms by now; what counts is what the sound was made with.
    assert licence_of({**own, "bundle": "paper-s"}, INSTALLED) == "House licence (no paid work)"


def test_older_takes_are_looked_up_and_never_guessed() -> None:
    assert licence_of({"bundle": "paper-s"}, INSTALLED) == "CC-BY-NC-SA-4.0 (no paid work)"
    assert licence_of({"bundle": "gone"}, INSTALLED) == licence_of({}, INSTALLED) == "unknown"


def test_a_take_that_was_drawn_again_names_both_seeds() -> None:
    def facts(recipe: dict[str, object]) -> dict[str, object]:
        waveform = np.zeros(4, dtype=np.float32)
        take = Take(
            id="t", object_id="o", number=1, seed=7, waveform=waveform, sample_rate_hz=48_000, recipe=recipe, created=""
        )
        return take_facts(take, Project(), {})

    assert (facts({"drawn_seed": 9})["seed"], facts({"drawn_seed": 9})["drawn_seed"]) == (7, 9)
    assert "drawn_seed" not in facts({})

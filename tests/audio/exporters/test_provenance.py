"""Which licence an exported sound names."""

from __future__ import annotations

from sounddesk.audio.exporters.provenance import licence_of

INSTALLED = {"paper-s": "CC-BY-NC-SA-4.0 (no paid work)"}


def test_a_take_keeps_its_licence_where_its_bundle_is_not_installed() -> None:
    own = {"bundle": "tuned", "licence": "House licence (no paid work)"}
    assert licence_of(own, INSTALLED) == "House licence (no paid work)"
    # A bundle of that name may have other terms by now; what counts is what the sound was made with.
    assert licence_of({**own, "bundle": "paper-s"}, INSTALLED) == "House licence (no paid work)"


def test_older_takes_are_looked_up_and_never_guessed() -> None:
    assert licence_of({"bundle": "paper-s"}, INSTALLED) == "CC-BY-NC-SA-4.0 (no paid work)"
    assert licence_of({"bundle": "gone"}, INSTALLED) == licence_of({}, INSTALLED) == "unknown"

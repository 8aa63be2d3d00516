"""Searches: by object, by words, by likeness; filters; and what changed is seen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sounddesk.engine.library.kind_space import KindSpace
from sounddesk.engine.library.scan import LibraryEars
from sounddesk.engine.library.scan import scan
from sounddesk.engine.library.search import EventFilter
from sounddesk.engine.library.search import LibrarySearch
from sounddesk.engine.library.search import ObjectQuery
from sounddesk.engine.library.search import _best_first
from sounddesk.storage.library.library import Library


@pytest.fixture
def search(library: Library, recordings: Path, ears: LibraryEars, kinds: KindSpace) -> LibrarySearch:
    library.add_folder(recordings)
    scan(library, ears=ears)
    return LibrarySearch(library, kinds)


def test_words_find_what_is_called_so(search: LibrarySearch) -> None:
    found = search.of_text("dog", limit=3)
    assert "dog" in found[0].recording.path.name.lower()
    assert len({each.recording.id for each in found}) == len(found)
    # Told in a chunk, found by the beginning of a word while it is typed.
    assert search.of_text("houn", limit=1, unfinished=True)[0].recording.path.name.startswith("ANMLDog")
    assert search.of_text("  ") == []


def test_an_object_finds_recordings_by_its_condition_or_its_name(search: LibrarySearch, kinds: KindSpace) -> None:
    condition = kinds.encode(["a dog barks"])[0]
    named = search.of_object(ObjectQuery(name="dog", by_user=True), limit=1)
    seen = search.of_object(ObjectQuery(condition=condition), limit=7)
    assert "dog" in named[0].recording.path.name.lower()
    assert len(seen) == 7
    assert seen == sorted(seen, key=lambda each: -each.score)
    assert search.of_object(ObjectQuery()) == []


def test_likeness_ranks_by_sound_and_leaves_the_asked_one_out(search: LibrarySearch) -> None:
    hound = next(each for each in search.of_text("dog") if each.recording.path.name.startswith("ANMLDog"))
    found = search.like(hound.event_id, limit=50)
    assert hound.event_id not in {each.event_id for each in found}
    # Its neighbours within the encoder's window were heard with it.
    assert found[0].recording.id == hound.recording.id
    assert found[0].score == pytest.approx(1.0, abs=1e-3)
    assert search.like(10**9) == []


def test_filters_take_away_what_is_not_wanted(search: LibrarySearch) -> None:
    rain = search.of_text("rain", wanted=EventFilter(channels=8))
    assert [each.recording.path.name for each in rain] == ["rain_8ch.wav"]
    assert all(
        each.recording.format.sample_rate_hz >= 100_000
        for each in search.of_text("bat", wanted=EventFilter(least_rate_hz=100_000))
    )
    assert search.of_text("rain", wanted=EventFilter(commercial_only=True)) == []
    assert search.of_text("rain", wanted=EventFilter(starred_only=True)) == []
    search.library.star(rain[0].recording.id, True)
    assert len(search.of_text("rain", wanted=EventFilter(starred_only=True))) == 1
    assert all(each.event.seconds <= 1.0 for each in search.of_text("rain", wanted=EventFilter(most_s=1.0)))
    assert {
        each.recording.behaviour for each in search.of_text("rain", wanted=EventFilter(behaviours=("continuous",)))
    } == {"continuous"}


def test_a_folder_that_is_removed_is_not_found_any_more(search: LibrarySearch) -> None:
    assert search.of_text("dog")
    search.library.remove_folder(search.library.folders()[0].id)
    assert search.of_text("dog") == []


def test_the_kinds_of_a_text_and_a_condition_add_up_to_one(kinds: KindSpace) -> None:
    vector = kinds.encode(["dog"])[0]
    for each in (kinds.of_text(vector), kinds.of_condition(vector)):
        assert each.sum() == pytest.approx(1.0, abs=1e-5)
    assert int(np.argmax(kinds.of_text(vector))) == 0


@pytest.mark.parametrize("at_once", [1, 3, 50])
def test_rows_come_in_falling_order_each_once_ties_together(at_once: int) -> None:
    scores = np.array([0.5, 0.9, 0.5, -np.inf, 0.1, 0.9, 0.5], np.float32)
    parts = list(_best_first(scores, at_once=at_once))
    assert [row for part in parts for row in part] == [1, 5, 0, 2, 6, 4]

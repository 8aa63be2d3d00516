"""Finds events in a library: those of an object, of words, and those that sound like another one.

By plain matrix products: 100,000 events take some 20 ms on one core (benchmarks.library_search), so that no index of
approximate neighbours would be quicker to any use.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from sounddesk.domain.recordings import Behaviour
from sounddesk.domain.recordings import FoundEvent
from sounddesk.engine.library.kind_space import WORDS_SHARPNESS
from sounddesk.engine.library.kind_space import KindSpace
from sounddesk.engine.library.kind_space import softmax
from sounddesk.storage.library.library import Library

_Floats = npt.NDArray[np.float32]

# Beside the logarithm of a probability: a word that is found outright, and what a text means beyond the kinds.
_WORD_BONUS: Final = 2.0
_MEANING_BONUS: Final = 4.0
_LEAST_PROBABILITY: Final = 1e-6
# How much an object's own name says, where its user gave it, beside what it looks like.
_NAME_SHARE: Final = 0.7
# Rows of a matrix product at once: what is made of them must not need the memory of the whole library again.
_ROWS: Final = 8192
# More events are looked at than asked for, since filters take some away.
_LOOKED_AT: Final = 20


@dataclass(frozen=True, kw_only=True)
class EventFilter:
    """Which events are wanted; None and False are no wish.

    Attributes:
        least_s, most_s: length of the event.
        channels, least_rate_hz: of the recording.
        commercial_only: only of recordings whose licence is known to allow commercial use.
        behaviours: how the recording sounds over time.
    """

    least_s: float | None = None
    most_s: float | None = None
    channels: int | None = None
    least_rate_hz: int | None = None
    commercial_only: bool = False
    starred_only: bool = False
    behaviours: tuple[Behaviour, ...] = ()

    def takes(self, found: FoundEvent) -> bool:
        """Whether an event is one of those wanted."""
        recording, seconds = found.recording, found.event.seconds
        return (
            (self.least_s is None or seconds >= self.least_s)
            and (self.most_s is None or seconds <= self.most_s)
            and (self.channels is None or recording.format.channels == self.channels)
            and (self.least_rate_hz is None or recording.format.sample_rate_hz >= self.least_rate_hz)
            and (not self.commercial_only or recording.commercial is True)
            and (not self.starred_only or recording.starred)
            and (not self.behaviours or recording.behaviour in self.behaviours)
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class ObjectQuery:
    """What is known of an object.

    Attributes:
        condition: float32[C] in the space of the starter's texts; None where the bundle in use has another one.
        name: what it is called; '' where nobody knows. `by_user` says that it was not the program that named it.
        prompt: words for its sound.
    """

    condition: _Floats | None = None
    name: str = ""
    by_user: bool = False
    prompt: str = ""

    @property
    def words(self) -> str:
        """Words that are certain enough to look for outright."""
        return " ".join(filter(None, (self.name if self.by_user else "", self.prompt)))


@dataclass(frozen=True, kw_only=True, eq=False)
class _Loaded:
    """The library in memory.

    Attributes:
        kind_probs: of each event, by its words and its sound: float32[n, K], rows add up to 1.
        sounds: unit vectors float32[n, D].
        words: unit vectors of what is said, float32[m, C].
    """

    event_ids: npt.NDArray[np.int64]
    recording_ids: npt.NDArray[np.int64]
    words_of: npt.NDArray[np.int64]
    kind_probs: _Floats
    sounds: _Floats
    words: _Floats


class LibrarySearch:
    """Searches of one library; what it needs is read at the first search, and again when the library has changed.

    Args:
        by_words, by_sound: what recordings are known by; both, but for a measurement of either.
    """

    def __init__(self, library: Library, kinds: KindSpace, *, by_words: bool = True, by_sound: bool = True) -> None:
        self.library = library
        self.kinds = kinds
        self._by_words = by_words
        self._by_sound = by_sound
        self._lock = threading.Lock()
        self._generation: tuple[int, int] | None = None
        self._loaded: _Loaded | None = None
        self._encoded: tuple[str, _Floats] | None = None

    def of_object(self, query: ObjectQuery, *, wanted: EventFilter | None = None, limit: int = 50) -> list[FoundEvent]:
        """Events that fit an object, the best first, one for each recording.

        Raises:
            LibraryError: the library cannot be read.
        """
        probabilities = self._kinds_of(query)
        if probabilities is None:
            return []
        return self._ranked(probabilities, words=query.words, wanted=wanted, limit=limit)

    def of_text(
        self, text: str, *, wanted: EventFilter | None = None, limit: int = 50, unfinished: bool = False
    ) -> list[FoundEvent]:
        """Events that fit words, the best first, one for each recording. Raises: LibraryError."""
        if not text.strip():
            return []
        probabilities = self.kinds.of_text(self._vector_of(text))
        return self._ranked(probabilities, words=text, wanted=wanted, limit=limit, unfinished=unfinished)

    def like(self, event_id: int, *, wanted: EventFilter | None = None, limit: int = 50) -> list[FoundEvent]:
        """Events that sound like another one, the most alike first, without it. Raises: LibraryError."""
        loaded = self._load()
        rows = np.flatnonzero(loaded.event_ids == event_id)
        if not len(rows):
            return []
        scores = loaded.sounds @ loaded.sounds[rows[0]]
        scores[rows[0]] = -np.inf
        return self._found(loaded, scores, wanted=wanted, limit=limit, one_each=False)

    def _kinds_of(self, query: ObjectQuery) -> _Floats | None:
        seen = None if query.condition is None else self.kinds.of_condition(query.condition)
        words = query.words or query.name
        named = self.kinds.of_text(self._vector_of(words)) if words and (query.words or seen is None) else None
        if seen is not None and named is not None:
            return np.asarray((1 - _NAME_SHARE) * seen + _NAME_SHARE * named, dtype=np.float32)
        return seen if named is None else named

    def _vector_of(self, words: str) -> _Floats:
        """The unit vector of words, float32[C]; of the last ones it is kept, since a search asks for it twice."""
        encoded = self._encoded
        if encoded is None or encoded[0] != words:
            encoded = self._encoded = words, self.kinds.encode([words])[0]
        return encoded[1]

    def _ranked(
        self,
        probabilities: _Floats,
        *,
        words: str,
        wanted: EventFilter | None,
        limit: int,
        unfinished: bool = False,
    ) -> list[FoundEvent]:
        loaded = self._load()
        if not len(loaded.event_ids):
            return []
        scores = np.log(loaded.kind_probs @ probabilities + np.float32(_LEAST_PROBABILITY))
        if words and self._by_words:
            scores = scores + self._words_bonus(loaded, words, unfinished=unfinished)
        return self._found(loaded, scores, wanted=wanted, limit=limit, one_each=True)

    def _words_bonus(self, loaded: _Loaded, words: str, *, unfinished: bool) -> _Floats:
        """What speaks for events beyond the kinds: their words are those asked for, or mean much the same."""
        bonus = np.zeros(len(loaded.event_ids), dtype=np.float32)
        if len(loaded.words):
            meant = loaded.words @ self._vector_of(words)
            said = loaded.words_of >= 0
            bonus[said] = _MEANING_BONUS * meant[loaded.words_of[said]]
        matches = self.library.matching_words(words, unfinished=unfinished)
        if matches:
            best = max(matches.values())
            found = np.fromiter(matches, dtype=np.int64)
            strength = np.array([matches[int(each)] / max(best, 1e-9) for each in found], dtype=np.float32)
            strength = np.nan_to_num(strength, nan=0.0, posinf=0.0, neginf=0.0)
            order = np.argsort(found)
            place = np.searchsorted(found[order], loaded.recording_ids)
            place = np.minimum(place, len(found) - 1)
            hit = found[order][place] == loaded.recording_ids
            bonus[hit] += _WORD_BONUS * strength[order][place[hit]]
        return bonus

    def _found(
        self, loaded: _Loaded, scores: _Floats, *, wanted: EventFilter | None, limit: int, one_each: bool
    ) -> list[FoundEvent]:
        """The best events that are wanted; several of a recording only where `one_each` is not set."""
        found: list[FoundEvent] = []
        seen: set[int] = set()
        for part in _best_first(scores, at_once=limit * (_LOOKED_AT if wanted is not None else 4)):
            rows = [row for row in part if not (one_each and int(loaded.recording_ids[row]) in seen)]
            if one_each:
                # The first of a recording is its best.
                firsts: dict[int, int] = {}
                for row in rows:
                    firsts.setdefault(int(loaded.recording_ids[row]), row)
                rows = list(firsts.values())
            seen.update(int(loaded.recording_ids[row]) for row in rows)
            recordings = self.library.recordings(loaded.recording_ids[rows])
            events = self.library.events(loaded.event_ids[rows])
            for row in rows:
                event_id, recording = int(loaded.event_ids[row]), recordings.get(int(loaded.recording_ids[row]))
                if recording is None or event_id not in events:
                    continue
                each = FoundEvent(
                    recording=recording, event=events[event_id], event_id=event_id, score=float(scores[row])
                )
                if wanted is None or wanted.takes(each):
                    found.append(each)
                if len(found) == limit:
                    return found
        return found

    def _load(self) -> _Loaded:
        with self._lock:
            generation = self.library.generation
            if self._loaded is None or generation != self._generation:
                self._loaded = self._read()
                self._generation = generation
            return self._loaded

    def _read(self) -> _Loaded:
        kinds = self.kinds
        vectors = self.library.vectors(width=kinds.sound_width, words_width=kinds.text_width)
        words = vectors.word_vectors.astype(np.float32)
        by_words = kinds.by_words(words)
        count = len(vectors.event_ids)
        probs = np.zeros((count, len(kinds.kinds)), dtype=np.float32)
        sounds = np.zeros(vectors.embeddings.shape, dtype=np.float32)
        for start in range(0, count, _ROWS):
            part = slice(start, start + _ROWS)
            embeddings = vectors.embeddings[part].astype(np.float32)
            logits = kinds.by_sound(embeddings) if self._by_sound else np.zeros_like(probs[part])
            if self._by_words and len(words):
                said = vectors.words_of[part]
                logits[said >= 0] += WORDS_SHARPNESS * by_words[said[said >= 0]]
            probs[part] = softmax(logits)
            sounds[part] = kinds.standardised(embeddings)
        return _Loaded(
            event_ids=vectors.event_ids,
            recording_ids=vectors.recording_ids,
            words_of=vectors.words_of,
            kind_probs=probs,
            sounds=sounds,
            words=words,
        )


def _best_first(scores: _Floats, *, at_once: int) -> Iterator[list[int]]:
    """Rows in falling order of their finite scores, in parts; only as far as they are asked for are they sorted.

    Rows of one score, such as events of one window, are never torn apart.
    """
    done = 0
    total = int(np.isfinite(scores).sum())
    while done < total:
        upto = min(total, max(at_once, 4 * done))
        least = np.partition(scores, len(scores) - upto)[len(scores) - upto]
        best = np.flatnonzero(scores >= least)
        order = best[np.argsort(-scores[best], kind="stable")]
        yield [int(row) for row in order[done:]]
        done = len(order)

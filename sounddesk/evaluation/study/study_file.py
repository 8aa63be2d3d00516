"""The file of a study: samples, listeners and answers, in SQLite."""

from __future__ import annotations

import hashlib
import json
import secrets
import sqlite3
import threading
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import asdict
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from typing import Literal

from sounddesk.domain.errors import BadInputError
from sounddesk.evaluation.study.study_design import LEVELS
from sounddesk.evaluation.study.study_design import Criterion
from sounddesk.evaluation.study.study_design import StudySample
from sounddesk.evaluation.study.study_design import StudyTerms
from sounddesk.evaluation.study.study_design import order_for
from sounddesk.storage.closing import Closing
from sounddesk.storage.codec import decode
from sounddesk.storage.text_formats import parse_json

STUDY_FILE: Final = "study.sqlite"
MEDIA_FOLDER: Final = "media"
_APPLICATION_ID: Final = 0x53445354  # 'SDST'
_SCHEMA: Final = """
CREATE TABLE terms (data TEXT NOT NULL);
CREATE TABLE samples (number INTEGER PRIMARY KEY, data TEXT NOT NULL);
CREATE TABLE listeners (number INTEGER PRIMARY KEY, code_sha256 TEXT NOT NULL UNIQUE, began REAL NOT NULL,
    samples TEXT NOT NULL, shown INTEGER, shown_at REAL);
CREATE TABLE answers (listener INTEGER NOT NULL REFERENCES listeners, sample INTEGER NOT NULL REFERENCES samples,
    criterion TEXT NOT NULL, rating INTEGER NOT NULL, seconds REAL NOT NULL, answered REAL NOT NULL,
    PRIMARY KEY (listener, sample, criterion)) WITHOUT ROWID;
CREATE TABLE incidents (kind TEXT NOT NULL, listener INTEGER, at REAL NOT NULL);
"""
# Without letters that are mistaken for digits.
_CODE_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"
_CODE_LENGTH: Final = 16

Incident = Literal["forged session", "posted twice", "too early", "another sample", "incomplete", "too many posts"]


@dataclass(frozen=True, kw_only=True)
class Listener:
    """Somebody who takes part.

    Attributes:
        samples: numbers in her order.
        answered: how many of them she has rated.
        shown_at: when the server first showed her the present sample, in seconds since 1970; None before.
    """

    number: int
    samples: tuple[int, ...]
    answered: int
    shown_at: float | None

    @property
    def present(self) -> int | None:
        """The sample that is next; None at the end."""
        return self.samples[self.answered] if self.answered < len(self.samples) else None


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One rating; `seconds` is how long its sample was with the listener."""

    listener: int
    sample: int
    criterion: Criterion
    rating: int
    seconds: float
    answered: float


class StudyFile(Closing):
    """A study; may be used by several threads.

    Raises:
        BadInputError: there is none in the folder, or it is damaged.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        path = folder / STUDY_FILE
        if not path.is_file():
            raise BadInputError(f"{folder} holds no study: make one with 'sounddesk study new'")
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=10.0)
        try:
            if self._db.execute("PRAGMA application_id").fetchone()[0] != _APPLICATION_ID:
                raise BadInputError(f"{path} is no study: make one with 'sounddesk study new'")
            self._db.execute("PRAGMA foreign_keys = ON")
            # An answer then costs no wait for the disk; after a power cut the last seconds may be missing.
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self.terms = decode(StudyTerms, parse_json(self._db.execute("SELECT data FROM terms").fetchone()[0]))
            rows = self._db.execute("SELECT data FROM samples ORDER BY number").fetchall()
            self.samples = {each.number: each for (data,) in rows for each in [decode(StudySample, parse_json(data))]}
        except (sqlite3.DatabaseError, TypeError) as error:
            self._db.close()
            raise BadInputError(f"{path} is damaged ({error}): make the study again") from error
        except BadInputError:
            self._db.close()
            raise

    def close(self) -> None:
        self._db.close()

    def add_listener(self, *, now: float) -> str:
        """Take in a listener; returns her code, of which the file keeps a hash only."""
        code = "".join(secrets.choice(_CODE_LETTERS) for _ in range(_CODE_LENGTH))
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                number = int(self._db.execute("SELECT COALESCE(MAX(number), 0) + 1 FROM listeners").fetchone()[0])
                order = order_for(list(self.samples.values()), self.terms, listener=number)
                row = (number, _hash(code), now, json.dumps(order))
                self._db.execute("INSERT INTO listeners VALUES (?, ?, ?, ?, NULL, NULL)", row)
                self._db.execute("COMMIT")
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
        return code

    def listener_of(self, code: str) -> Listener | None:
        """Who has this code; None for nobody."""
        with self._lock:
            return self._listener("code_sha256 = ?", _hash(code))

    def _listener(self, where: str, value: object) -> Listener | None:
        sql = f"SELECT number, samples, shown, shown_at FROM listeners WHERE {where}"  # our own text
        row = self._db.execute(sql, (value,)).fetchone()
        if row is None:
            return None
        number, samples, shown, shown_at = row
        counted = self._db.execute("SELECT COUNT(DISTINCT sample) FROM answers WHERE listener = ?", (number,))
        found = Listener(
            number=number, samples=tuple(parse_json(samples)), answered=counted.fetchone()[0], shown_at=None
        )
        at = shown_at if shown == found.present else None
        return Listener(number=number, samples=found.samples, answered=found.answered, shown_at=at)

    def show(self, listener: Listener, *, now: float) -> float:
        """Note that the present sample is before her; returns when it first was."""
        if listener.shown_at is not None:
            return listener.shown_at
        with self._lock:
            self._db.execute(
                "UPDATE listeners SET shown = ?, shown_at = ? WHERE number = ? AND shown IS NOT ?",
                (listener.present, now, listener.number, listener.present),
            )
            row = self._db.execute("SELECT shown_at FROM listeners WHERE number = ?", (listener.number,)).fetchone()
        return float(row[0])

    def answer(
        self, listener: Listener, sample: int, ratings: Mapping[Criterion, int], *, now: float
    ) -> Incident | None:
        """Keep a listener's ratings of a sample, all or none; says why where they are not taken."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                refused = self._refused(listener.number, sample, ratings, now=now)
                if refused is not None:
                    self._db.execute("INSERT INTO incidents VALUES (?, ?, ?)", (refused, listener.number, now))
                else:
                    shown_at = self._db.execute(
                        "SELECT shown_at FROM listeners WHERE number = ?", (listener.number,)
                    ).fetchone()[0]
                    rows = [
                        (listener.number, sample, name, each, now - shown_at, now) for name, each in ratings.items()
                    ]
                    self._db.executemany("INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?)", rows)
                self._db.execute("COMMIT")
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
        return refused

    def _refused(self, number: int, sample: int, ratings: Mapping[Criterion, int], *, now: float) -> Incident | None:
        present = self._listener("number = ?", number)
        if present is None:
            return "forged session"
        if sample in present.samples[: present.answered]:
            return "posted twice"
        if sample != present.present or present.shown_at is None:
            return "another sample"
        criteria = self.samples[sample].criteria
        if set(ratings) != set(criteria) or not all(1 <= each <= LEVELS for each in ratings.values()):
            return "incomplete"
        return "too early" if now - present.shown_at < self.terms.least_seconds else None

    def note(self, incident: Incident, *, now: float) -> None:
        """Count something that belongs to no listener."""
        with self._lock:
            self._db.execute("INSERT INTO incidents VALUES (?, NULL, ?)", (incident, now))

    def answers(self) -> list[Answer]:
        """All ratings, by listener and time."""
        with self._lock:
            rows = self._db.execute("SELECT * FROM answers ORDER BY listener, answered, sample, criterion").fetchall()
        names = ("listener", "sample", "criterion", "rating", "seconds", "answered")
        return [decode(Answer, dict(zip(names, row, strict=True))) for row in rows]

    def listeners(self) -> list[Listener]:
        """Everybody who began."""
        with self._lock:
            numbers = [number for (number,) in self._db.execute("SELECT number FROM listeners ORDER BY number")]
            found = [self._listener("number = ?", number) for number in numbers]
        return [each for each in found if each is not None]

    def incidents(self) -> dict[str, int]:
        """How often each kind of thing was refused."""
        with self._lock:
            return dict(self._db.execute("SELECT kind, COUNT(*) FROM incidents GROUP BY kind ORDER BY kind").fetchall())


def study_bytes(terms: StudyTerms, samples: Sequence[StudySample]) -> bytes:
    """The file of a new study, without listeners."""
    db = sqlite3.connect(":memory:")
    try:
        db.executescript(_SCHEMA)
        db.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        db.execute("INSERT INTO terms VALUES (?)", (json.dumps(asdict(terms)),))
        db.executemany(
            "INSERT INTO samples VALUES (?, ?)", [(each.number, json.dumps(asdict(each))) for each in samples]
        )
        db.commit()
        return db.serialize()
    finally:
        db.close()


def _hash(code: str) -> str:
    plain = code.strip().lower().replace("-", "").replace(" ", "")
    return hashlib.sha256(plain.encode(errors="surrogatepass")).hexdigest()

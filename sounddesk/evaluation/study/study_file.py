"""The file of a study: samples, listeners and answers, in SQLite."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import replace
from pathlib import Path
from typing import Annotated
from typing import Final
from typing import Literal

from sounddesk.domain.errors import BadInputError
from sounddesk.domain.limits import Count
from sounddesk.domain.limits import Range
from sounddesk.evaluation.study.study_design import CONTROL
from sounddesk.evaluation.study.study_design import LEVELS
from sounddesk.evaluation.study.study_design import Criterion
from sounddesk.evaluation.study.study_design import StudySample
from sounddesk.evaluation.study.study_design import StudyTerms
from sounddesk.evaluation.study.study_design import order_for
from sounddesk.storage.atomic_file import translate_os_errors
from sounddesk.storage.closing import Closing
from sounddesk.storage.codec import decode
from sounddesk.storage.own_file import open_own_file
from sounddesk.storage.sqlite_companions import foreign_companion
from sounddesk.storage.sqlite_schema import Schema
from sounddesk.storage.sqlite_schema import foreign_part
from sounddesk.storage.sqlite_schema import schema_made_by
from sounddesk.storage.text_formats import FieldError
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
# More than any study has; agreement is counted for every pair of listeners.
_MOST_ROWS: Final = {"samples": 10_000, "listeners": 2_000, "answers": 1_000_000}
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
    rating: Annotated[int, Range(1, LEVELS)]
    seconds: Annotated[float, Range(0.0, 1e10)]
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
        self._path = path
        self._lock = threading.Lock()
        with translate_os_errors(path):
            # A link would have SQLite write beside another file.
            os.close(open_own_file(path))
            foreign = foreign_companion(path)
        if foreign:
            raise BadInputError(f"{path} cannot be opened: {foreign}: move that file away")
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=10.0)
        try:
            with self._open() as db:
                self.terms, self.samples = _prepare(db, path)
        except BaseException:
            self._db.close()
            raise

    def close(self) -> None:
        self._db.close()

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """The database, for one thread at a time. Raises: BadInputError, it holds what is none or cannot be written."""
        with self._lock:
            try:
                yield self._db
            except sqlite3.OperationalError as error:
                raise BadInputError(
                    f"{self._path} cannot be used ({error}): copy the study to a folder that you can write to"
                ) from error
            except (sqlite3.DatabaseError, TypeError, UnicodeError) as error:
                raise BadInputError(f"{self._path} is damaged ({error}): make the study again") from error
            except FieldError as error:
                raise BadInputError(f"{self._path} is damaged: {error}: make the study again") from error

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """Everything inside or nothing. Raises: BadInputError."""
        with self._open() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                # Where the commit itself failed, SQLite may have taken all back already.
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise

    def add_listener(self, *, now: float) -> str:
        """Take in a listener; returns her code, of which the file keeps a hash only."""
        code = "".join(secrets.choice(_CODE_LETTERS) for _ in range(_CODE_LENGTH))
        with self._transaction() as db:
            largest = decode(Count, db.execute("SELECT COALESCE(MAX(number), 0) FROM listeners").fetchone()[0])
            number = largest + 1
            order = order_for(list(self.samples.values()), self.terms, listener=number)
            row = (number, _hash(code), now, json.dumps(order))
            db.execute("INSERT INTO listeners VALUES (?, ?, ?, ?, NULL, NULL)", row)
        return code

    def listener_of(self, code: str) -> Listener | None:
        """Who has this code; None for nobody."""
        with self._open() as db:
            return self._listener(db, "code_sha256 = ?", _hash(code))

    def _listener(self, db: sqlite3.Connection, where: str, value: object) -> Listener | None:
        sql = f"SELECT number, samples, shown, shown_at FROM listeners WHERE {where}"  # our own text
        row = db.execute(sql, (value,)).fetchone()
        if row is None:
            return None
        number, samples, shown, shown_at = row
        counted = db.execute("SELECT COUNT(DISTINCT sample) FROM answers WHERE listener = ?", (number,))
        order = decode(tuple[int, ...], parse_json(samples), where=f"samples of listener {number}")
        unknown = set(order) - set(self.samples)
        if unknown or len(set(order)) < len(order):
            raise FieldError(f"samples of listener {number} name {min(unknown or order)}, which is unknown or doubled")
        found = Listener(number=number, samples=order, answered=counted.fetchone()[0], shown_at=None)
        at = None if shown_at is None or shown != found.present else decode(float, shown_at, where="shown_at")
        return replace(found, shown_at=at)

    def show(self, listener: Listener, *, now: float) -> float:
        """Note that the present sample is before her; returns when it first was."""
        if listener.shown_at is not None:
            return listener.shown_at
        with self._open() as db:
            db.execute(
                "UPDATE listeners SET shown = ?, shown_at = ? WHERE number = ? AND shown IS NOT ?",
                (listener.present, now, listener.number, listener.present),
            )
            row = db.execute("SELECT shown_at FROM listeners WHERE number = ?", (listener.number,)).fetchone()
            return decode(float, row[0], where="shown_at")

    def answer(
        self, listener: Listener, sample: int, ratings: Mapping[Criterion, int], *, now: float
    ) -> Incident | None:
        """Keep a listener's ratings of a sample, all or none; says why where they are not taken."""
        with self._transaction() as db:
            refused = self._refused(db, listener.number, sample, ratings, now=now)
            if refused is not None:
                db.execute("INSERT INTO incidents VALUES (?, ?, ?)", (refused, listener.number, now))
            else:
                (shown_at,) = db.execute(
                    "SELECT shown_at FROM listeners WHERE number = ?", (listener.number,)
                ).fetchone()
                rows = [(listener.number, sample, name, each, now - shown_at, now) for name, each in ratings.items()]
                db.executemany("INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?)", rows)
        return refused

    def _refused(
        self, db: sqlite3.Connection, number: int, sample: int, ratings: Mapping[Criterion, int], *, now: float
    ) -> Incident | None:
        present = self._listener(db, "number = ?", number)
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
        with self._open() as db:
            db.execute("INSERT INTO incidents VALUES (?, NULL, ?)", (incident, now))

    def answers(self) -> list[Answer]:
        """All ratings, by listener and time."""
        with self._open() as db:
            rows = db.execute("SELECT * FROM answers ORDER BY listener, answered, sample, criterion").fetchall()
            names = ("listener", "sample", "criterion", "rating", "seconds", "answered")
            found = [decode(Answer, dict(zip(names, row, strict=True))) for row in rows]
            unknown = next((each.sample for each in found if each.sample not in self.samples), None)
            if unknown is not None:
                raise FieldError(f"an answer is about sample {unknown}, which is unknown")
            return found

    def listeners(self) -> list[Listener]:
        """Everybody who began."""
        with self._open() as db:
            numbers = [number for (number,) in db.execute("SELECT number FROM listeners ORDER BY number")]
            found = [self._listener(db, "number = ?", number) for number in numbers]
        return [each for each in found if each is not None]

    def incidents(self) -> dict[str, int]:
        """How often each kind of thing was refused."""
        with self._open() as db:
            rows = db.execute("SELECT kind, COUNT(*) FROM incidents GROUP BY kind ORDER BY kind").fetchall()
            return decode(dict[str, int], dict(rows))


def _prepare(db: sqlite3.Connection, path: Path) -> tuple[StudyTerms, dict[int, StudySample]]:
    """What a study asks, of a database that is one. Raises: BadInputError, TypeError or sqlite3.Error."""
    db.execute("PRAGMA trusted_schema = OFF")
    if db.execute("PRAGMA application_id").fetchone()[0] != _APPLICATION_ID:
        raise BadInputError(f"{path} is no study: make one with 'sounddesk study new'")
    foreign = foreign_part(db, _own_schema())
    if foreign:
        raise BadInputError(f"{path} has a {foreign} that sounddesk never makes: make the study again")
    for table, most in _MOST_ROWS.items():
        if db.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0] > most:  # our own names
            raise BadInputError(f"{path} has more than {most} {table}: make the study again")
    db.execute("PRAGMA foreign_keys = ON")
    # An answer then costs no wait for the disk; after a power cut the last seconds may be missing.
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    terms = decode(StudyTerms, parse_json(db.execute("SELECT data FROM terms").fetchone()[0]), where="terms")
    rows = db.execute("SELECT data FROM samples ORDER BY number").fetchall()
    found = [decode(StudySample, parse_json(data), where="samples") for (data,) in rows]
    if all(each.system == CONTROL for each in found):
        raise BadInputError(f"{path} asks about no sound of a system: make the study again")
    return terms, {each.number: each for each in found}


def _make_tables(db: sqlite3.Connection) -> None:
    db.executescript(_SCHEMA)


@functools.cache
def _own_schema() -> Schema:
    return schema_made_by(_make_tables)


def study_bytes(terms: StudyTerms, samples: Sequence[StudySample]) -> bytes:
    """The file of a new study, without listeners."""
    db = sqlite3.connect(":memory:")
    try:
        _make_tables(db)
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

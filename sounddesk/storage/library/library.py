"""The index of the user's recordings: folders, files, their events and what they are found by.

Nothing is ever taken out because a file is not there: a disk that is not connected looks the same as one that was
emptied. `forget_missing` and `remove_folder` are the user's own words.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from typing import Final

import numpy as np

from sounddesk.domain.recordings import Recording
from sounddesk.domain.recordings import SoundEvent
from sounddesk.storage.closing import Closing
from sounddesk.storage.library.library_rows import RECORDING_QUERY
from sounddesk.storage.library.library_rows import EventVectors
from sounddesk.storage.library.library_rows import IndexedRecording
from sounddesk.storage.library.library_rows import KnownFile
from sounddesk.storage.library.library_rows import LibraryFolder
from sounddesk.storage.library.library_rows import event_of
from sounddesk.storage.library.library_rows import folder_of
from sounddesk.storage.library.library_rows import matrix_of
from sounddesk.storage.library.library_rows import of_one_width
from sounddesk.storage.library.library_rows import recording_of
from sounddesk.storage.library.library_rows import storable
from sounddesk.storage.library.library_schema import LibraryError
from sounddesk.storage.library.library_schema import connect_library
from sounddesk.storage.library.word_query import fts_query
from sounddesk.storage.path_text import user_data_folder

LIBRARY_NAME: Final = "library.sqlite"
# SQLite takes so many values in one statement everywhere.
_AT_ONCE: Final = 500


def default_library_path() -> Path:
    """Where the user's library is, unless another file is named."""
    return user_data_folder() / LIBRARY_NAME


class Library(Closing):
    """An open library; any thread may call it, calls wait for each other.

    Args:
        path: the index, made where it is missing.

    Raises:
        LibraryError: it cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._db = connect_library(path)

    def close(self) -> None:
        with self._lock:
            self._db.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Everything inside or nothing; other processes wait. Raises: LibraryError."""
        with self._lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                try:
                    yield self._db
                except BaseException:
                    self._db.execute("ROLLBACK")
                    raise
                self._db.execute("COMMIT")
            except sqlite3.Error as error:
                raise LibraryError(f"the library {self.path} cannot be written: {error}") from error

    def _rows(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        with self._lock:
            try:
                return self._db.execute(sql, [storable(each) for each in values]).fetchall()
            except (sqlite3.Error, UnicodeError) as error:
                raise LibraryError(f"the library {self.path} cannot be read: {error}") from error

    @contextlib.contextmanager
    def _understood(self) -> Iterator[None]:
        """An index that somebody else wrote may hold anything. Raises: LibraryError."""
        try:
            yield
        except (TypeError, ValueError, OverflowError) as error:
            raise LibraryError(f"the library {self.path} is damaged ({error}): move it away and scan again") from error

    # ------------------------------------------------------------------ folders

    def add_folder(self, path: Path, *, licence: str | None = None, commercial: bool | None = None) -> int:
        """Take a folder in, or change what is said of its licence; its id. Raises: LibraryError, it is no folder."""
        if not path.is_dir():
            raise LibraryError(f"{path} is not a folder: name one that holds recordings")
        whole = os.fsencode(path.absolute())
        with self.transaction() as db:
            for known in self._folder_paths():
                if known in path.absolute().parents or path.absolute() in known.parents:
                    raise LibraryError(f"{path} and {known} of the library lie in each other: keep one of them")
            db.execute("INSERT INTO folders (path) VALUES (?) ON CONFLICT DO NOTHING", (whole,))
            if licence is not None:
                said = (storable(licence), commercial, whole)
                db.execute("UPDATE folders SET licence = ?, commercial = ? WHERE path = ?", said)
            found: int = db.execute("SELECT id FROM folders WHERE path = ?", (whole,)).fetchone()[0]
        return found

    def _folder_paths(self) -> list[Path]:
        with self._understood():
            return [Path(os.fsdecode(path)) for (path,) in self._rows("SELECT path FROM folders")]

    def remove_folder(self, folder_id: int) -> None:
        """Forget a folder and all that is known of its recordings; the files stay."""
        with self.transaction() as db:
            db.execute("DELETE FROM words WHERE rowid IN (SELECT id FROM recordings WHERE folder_id = ?)", (folder_id,))
            db.execute("DELETE FROM folders WHERE id = ?", (folder_id,))

    def folders(self) -> list[LibraryFolder]:
        """All folders, in the order in which they were added."""
        rows = self._rows(
            "SELECT f.id, f.path, f.licence, f.commercial, f.present, count(r.id), coalesce(sum(r.missing), 0), "
            "coalesce(sum(r.problem != ''), 0) FROM folders f LEFT JOIN recordings r ON r.folder_id = f.id "
            "GROUP BY f.id ORDER BY f.id"
        )
        with self._understood():
            return [folder_of(row) for row in rows]

    def set_present(self, folder_id: int, present: bool) -> None:
        """Say whether a folder is there; what is known of its recordings stays either way."""
        with self.transaction() as db:
            db.execute("UPDATE folders SET present = ? WHERE id = ?", (present, folder_id))

    # ------------------------------------------------------------------ scanning

    def known_files(self, folder_id: int) -> dict[bytes, KnownFile]:
        """The files of a folder as they were when they were indexed, by path."""
        rows = self._rows(
            "SELECT path, id, size, mtime_ns, missing, analysis FROM recordings WHERE folder_id = ?", (folder_id,)
        )
        return {
            row[0]: KnownFile(id=row[1], size=row[2], mtime_ns=row[3], missing=bool(row[4]), analysis=row[5])
            for row in rows
            # A path that somebody else wrote is looked for under no name.
            if isinstance(row[0], bytes)
        }

    def is_current(self, path: Path, size: int, mtime_ns: int, analysis: str) -> bool:
        """Whether a file is indexed as it is now."""
        wanted = (os.fsencode(path), size, mtime_ns, analysis)
        sql = "SELECT 1 FROM recordings WHERE path = ? AND size = ? AND mtime_ns = ? AND analysis = ? AND NOT missing"
        return bool(self._rows(sql, wanted))

    def put(self, folder_id: int, found: Iterable[IndexedRecording]) -> None:
        """Keep what a scan found, all of it or nothing; stars and licences of files known before stay."""
        with self.transaction() as db:
            if not db.execute("SELECT 1 FROM folders WHERE id = ?", (folder_id,)).fetchone():
                # Another process took the folder out meanwhile.
                return
            for each in found:
                self._put(db, folder_id, each)

    def _put(self, db: sqlite3.Connection, folder_id: int, found: IndexedRecording) -> None:
        path = os.fsencode(found.path)
        shape, tags = found.format, found.tags
        columns: dict[str, Any] = {
            "size": found.size,
            "mtime_ns": found.mtime_ns,
            "sha256": found.sha256,
            "frames": shape.frames if shape else 0,
            "sample_rate_hz": shape.sample_rate_hz if shape else 0,
            "channels": shape.channels if shape else 0,
            "encoding": shape.encoding if shape else "",
            "behaviour": found.behaviour,
            "description": tags.description,
            "originator": tags.originator,
            "originator_reference": tags.originator_reference,
            "keywords": tags.keywords,
            "cat_id": tags.cat_id,
            "file_licence": tags.licence,
            "missing": 0,
            "problem": found.problem,
            "analysis": found.analysis,
            "words_vector": None if found.words_vector is None else found.words_vector.tobytes(),
        }
        # Bytes that are no UTF-8 reach texts as half characters, which SQLite does not take.
        columns = {key: storable(value) for key, value in columns.items()}
        names = ", ".join(columns)
        changes = ", ".join(f"{name} = excluded.{name}" for name in columns)
        marks = ", ".join("?" * (len(columns) + 2))
        db.execute(
            f"INSERT INTO recordings (folder_id, path, {names}) VALUES ({marks}) "  # our own names
            f"ON CONFLICT (path) DO UPDATE SET folder_id = excluded.folder_id, {changes}",
            (folder_id, path, *columns.values()),
        )
        recording_id = db.execute("SELECT id FROM recordings WHERE path = ?", (path,)).fetchone()[0]
        db.execute("DELETE FROM events WHERE recording_id = ?", (recording_id,))
        rows = found.embeddings if found.embeddings is not None else [None] * len(found.events)
        db.executemany(
            "INSERT INTO events (recording_id, start_s, end_s, peak_db, level_db, texture, embedding) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    recording_id, event.start_s, event.end_s, event.peak_db, event.level_db, event.texture,
                    None if row is None else row.tobytes(),
                )
                for event, row in zip(found.events, rows, strict=True)
            ],
        )  # fmt: skip
        db.execute("DELETE FROM words WHERE rowid = ?", (recording_id,))
        db.execute(
            "INSERT INTO words (rowid, name, folders, told, category) VALUES (?, ?, ?, ?, ?)",
            (recording_id, *(storable(each) for each in found.words)),
        )

    def missing_with_content(self, sha256: str) -> list[tuple[int, Path]]:
        """Recordings of this content that were not where they had been."""
        rows = self._rows("SELECT id, path FROM recordings WHERE sha256 = ? AND missing = 1", (sha256,))
        with self._understood():
            return [(row[0], Path(os.fsdecode(row[1]))) for row in rows]

    def move(
        self, recording_id: int, *, folder_id: int, path: Path, size: int, mtime_ns: int, words: tuple[str, ...]
    ) -> bool:
        """A recording was found under another name; all that is known of it goes with it.

        Another content that had that name is kept as missing. False, with nothing done: this content is known there.
        """
        target = os.fsencode(path)
        sql = "SELECT id, sha256, path, folder_id FROM recordings WHERE"
        with self.transaction() as db:
            moved = db.execute(f"{sql} id = ?", (recording_id,)).fetchone()
            taken = db.execute(f"{sql} path = ?", (target,)).fetchone()
            if moved is None or (taken is not None and taken[1] == moved[1]):
                return False
            if taken is not None:
                db.execute("UPDATE recordings SET path = X'' WHERE id = ?", (taken[0],))
            db.execute(
                "UPDATE recordings SET folder_id = ?, path = ?, size = ?, mtime_ns = ?, missing = 0 WHERE id = ?",
                (folder_id, target, size, mtime_ns, recording_id),
            )
            if taken is not None:
                # Names are unique. It may be found under another one itself, later in this scan.
                db.execute(
                    "UPDATE recordings SET folder_id = ?, path = ?, missing = 1 WHERE id = ?",
                    (moved[3], moved[2], taken[0]),
                )
            db.execute(
                "UPDATE words SET name = ?, folders = ? WHERE rowid = ?",
                (storable(words[0]), storable(words[1]), recording_id),
            )
        return True

    def set_missing(self, recording_ids: Iterable[int], missing: bool) -> None:
        """Say which recordings were not there; they are not found by searches, and nothing of them is lost."""
        with self.transaction() as db:
            db.executemany(
                "UPDATE recordings SET missing = ? WHERE id = ?", [(missing, each) for each in recording_ids]
            )

    def forget_missing(self) -> int:
        """Forget the recordings that were not there, of folders that are; how many."""
        chosen = "SELECT r.id FROM recordings r JOIN folders f ON f.id = r.folder_id WHERE r.missing AND f.present"
        with self.transaction() as db:
            db.execute(f"DELETE FROM words WHERE rowid IN ({chosen})")
            return db.execute(f"DELETE FROM recordings WHERE id IN ({chosen})").rowcount

    # ------------------------------------------------------------------ what the user says of recordings

    def star(self, recording_id: int, on: bool) -> None:
        with self.transaction() as db:
            db.execute("UPDATE recordings SET starred = ? WHERE id = ?", (on, recording_id))

    def set_licence(self, recording_id: int, licence: str, *, commercial: bool | None) -> None:
        with self.transaction() as db:
            said = (storable(licence), commercial, recording_id)
            db.execute("UPDATE recordings SET licence = ?, commercial = ? WHERE id = ?", said)

    # ------------------------------------------------------------------ reading

    @property
    def generation(self) -> tuple[int, int]:
        """Changes whenever anything in the library does, by whomever."""
        with self._lock:
            return self._rows("PRAGMA data_version")[0][0], self._db.total_changes

    def count(self) -> int:
        """Recordings that are there and can be used."""
        found: int = self._rows("SELECT count(*) FROM recordings WHERE NOT missing AND problem = ''")[0][0]
        return found

    def recordings(self, ids: Iterable[int]) -> dict[int, Recording]:
        """Recordings by id; unknown ids are left out."""
        wanted = list(dict.fromkeys(int(each) for each in ids))
        found: dict[int, Recording] = {}
        for start in range(0, len(wanted), _AT_ONCE):
            part = wanted[start : start + _AT_ONCE]
            marks = ", ".join("?" * len(part))
            for row in self._rows(f"{RECORDING_QUERY} WHERE r.id IN ({marks})", part):
                with self._understood():
                    found[row[0]] = recording_of(row)
        return found

    def problems(self) -> list[Recording]:
        """Recordings that cannot be used, each with its reason."""
        rows = self._rows(f"{RECORDING_QUERY} WHERE r.problem != '' ORDER BY r.path")
        with self._understood():
            return [recording_of(row) for row in rows]

    def recording_at(self, path: Path) -> Recording | None:
        rows = self._rows(f"{RECORDING_QUERY} WHERE r.path = ?", (os.fsencode(path.absolute()),))
        with self._understood():
            return recording_of(rows[0]) if rows else None

    def with_content(self, sha256: str) -> Recording | None:
        """A recording of this content, rather one that is there."""
        rows = self._rows(f"{RECORDING_QUERY} WHERE r.sha256 = ? ORDER BY r.missing, r.id LIMIT 1", (sha256,))
        with self._understood():
            return recording_of(rows[0]) if rows else None

    def file_with_content(self, sha256: str) -> tuple[Path, int, int] | None:
        """Path, size and mtime_ns of a file of this content, as they were when it was scanned."""
        sql = "SELECT path, size, mtime_ns FROM recordings WHERE sha256 = ? ORDER BY missing, id LIMIT 1"
        rows = self._rows(sql, (sha256,))
        with self._understood():
            return (Path(os.fsdecode(rows[0][0])), int(rows[0][1]), int(rows[0][2])) if rows else None

    def events_of(self, recording_id: int) -> list[tuple[int, SoundEvent]]:
        """Ids and events of a recording, in order of time."""
        rows = self._rows(
            "SELECT id, start_s, end_s, peak_db, level_db, texture FROM events WHERE recording_id = ? ORDER BY start_s",
            (recording_id,),
        )
        with self._understood():
            return [(row[0], event_of(row[1:])) for row in rows]

    def events(self, ids: Iterable[int]) -> dict[int, SoundEvent]:
        """Events by id; unknown ids are left out."""
        wanted = list(dict.fromkeys(int(each) for each in ids))
        found: dict[int, SoundEvent] = {}
        for start in range(0, len(wanted), _AT_ONCE):
            part = wanted[start : start + _AT_ONCE]
            marks = ", ".join("?" * len(part))
            sql = f"SELECT id, start_s, end_s, peak_db, level_db, texture FROM events WHERE id IN ({marks})"
            rows = self._rows(sql, part)
            with self._understood():
                found |= {row[0]: event_of(row[1:]) for row in rows}
        return found

    def matching_words(self, query: str, *, unfinished: bool = False, limit: int = 2000) -> dict[int, float]:
        """Recordings that say one of the words of `query`, by BM25: higher is better, 0 where a damaged index has none.

        The name counts most, then folders and category, then what is told. `unfinished` is that of `fts_query`.
        """
        text = fts_query(query, unfinished=unfinished)
        if not text:
            return {}
        rows = self._rows(
            "SELECT rowid, -bm25(words, 4.0, 2.0, 1.0, 2.0) AS score FROM words WHERE words MATCH ? "
            "ORDER BY score DESC LIMIT ?",
            (text, limit),
        )
        return {row[0]: float(row[1] or 0.0) for row in rows}

    def vectors(self, *, width: int | None = None, words_width: int | None = None) -> EventVectors:
        """The vectors of every event of recordings that are there and can be used; one pass over the index.

        Args:
            width, words_width: how many values those of events and of words have; the widest by default. The others are
                of another encoder and left out: they are scanned again, and cannot be compared until then.
        """
        rows = self._rows(
            "SELECT e.id, e.recording_id, e.embedding FROM events e JOIN recordings r ON r.id = e.recording_id "
            "JOIN folders f ON f.id = r.folder_id "
            "WHERE NOT r.missing AND r.problem = '' AND f.present AND e.embedding IS NOT NULL ORDER BY e.id"
        )
        said = self._rows("SELECT id, words_vector FROM recordings WHERE words_vector IS NOT NULL ORDER BY id")
        with self._understood():
            rows, said = of_one_width(rows, width), of_one_width(said, words_width)
            row_of = {row[0]: number for number, row in enumerate(said)}
            recording_ids = np.array([row[1] for row in rows], dtype=np.int64)
            return EventVectors(
                event_ids=np.array([row[0] for row in rows], dtype=np.int64),
                recording_ids=recording_ids,
                embeddings=matrix_of([row[-1] for row in rows]),
                words_of=np.array([row_of.get(int(each), -1) for each in recording_ids], dtype=np.int64),
                word_vectors=matrix_of([row[-1] for row in said]),
            )

"""The project file: one SQLite database (`.sdesk`) with objects, masks, takes, clips, settings and image bytes.

`user_version` is VERSION. A newer minor version only adds tables, columns with defaults and JSON keys:
they survive because a change writes only the rows and keys that this version knows. A newer major version is read as
far as it can be, and never written.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterable
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sounddesk.domain.project import Project
from sounddesk.domain.take import Take
from sounddesk.storage.atomic_file import put_in_place
from sounddesk.storage.foreign_file import open_foreign_file
from sounddesk.storage.leftovers import remove_leftovers
from sounddesk.storage.leftovers import temporary_name
from sounddesk.storage.png_mask import encode_mask_png
from sounddesk.storage.project_json import Json
from sounddesk.storage.project_json import merged
from sounddesk.storage.project_json import object_to_json
from sounddesk.storage.project_json import part_to_json
from sounddesk.storage.project_json import to_text
from sounddesk.storage.project_reader import ProjectContents
from sounddesk.storage.project_reader import ProjectReader
from sounddesk.storage.project_schema import APPLICATION_ID
from sounddesk.storage.project_schema import MAJOR
from sounddesk.storage.project_schema import SCHEMA
from sounddesk.storage.project_schema import VERSION
from sounddesk.storage.project_schema import ProjectFileError
from sounddesk.storage.project_schema import check_tables
from sounddesk.storage.project_schema import connect
from sounddesk.storage.project_schema import lift_limit
from sounddesk.storage.project_schema import limit_work
from sounddesk.storage.sqlite_companions import foreign_companion
from sounddesk.storage.stereo_takes import write_stereo
from sounddesk.storage.waveform_blob import ENCODING
from sounddesk.storage.waveform_blob import encode_waveform

_STATE: Final = ("image", "master", "settings")


class ProjectDatabase:
    """An open project database. Used from one thread.

    `write` stores only what differs from the state written or read last.
    """

    def __init__(self, connection: sqlite3.Connection, *, name: str) -> None:
        self._db = connection
        self._name = name
        self._rows: dict[str, dict[str, tuple[int, str]]] = {}
        self._rest: dict[tuple[str, str], Json] = {}
        self._masks: set[str] = set()
        self._images: set[str] = set()
        self._takes: set[str] = set()
        self.version: int = 0

    @classmethod
    def create(cls, path: Path) -> ProjectDatabase:
        """A new, empty project database. Raises: ProjectFileError, OSError (the path exists)."""
        path.touch(exist_ok=False)
        db = connect(path)
        try:
            # Set before the first table: pages of deleted rows can then be given back in steps.
            db.executescript(
                f"PRAGMA auto_vacuum = INCREMENTAL; PRAGMA application_id = {APPLICATION_ID};"
                f"PRAGMA user_version = {VERSION}; BEGIN; {SCHEMA} COMMIT;"
            )
        except BaseException:
            # On a full disk not even an empty project fits; its beginning must not stay there.
            db.close()
            path.unlink(missing_ok=True)
            raise
        made = cls(db, name=path.name)
        made.version = VERSION
        return made

    @classmethod
    def open(cls, path: Path, *, check: bool = True, name: str | None = None) -> ProjectDatabase:
        """Open an existing one; refused by name unless it is a whole sounddesk project.

        Raises:
            ProjectFileError: missing, foreign or damaged.
        """
        name = name or path.name or str(path)
        try:
            with open_foreign_file(path) as file:
                head = file.read(100)
            foreign = foreign_companion(path)
        except FileNotFoundError:
            raise ProjectFileError(f"{name} does not exist any more: choose another project") from None
        except OSError as error:
            raise ProjectFileError(f"{name} cannot be read ({error.strerror}): check its permissions") from None
        if not head:
            raise ProjectFileError(f"{name} is empty (0 bytes): take a copy or a recovered project instead")
        if not head.startswith(b"SQLite format 3\0"):
            raise ProjectFileError(f"{name} is not a sounddesk project: choose a file that sounddesk has saved")
        if foreign:
            raise ProjectFileError(f"{name} cannot be opened beside what is there: {foreign}: move that file away")
        with _explained(name):
            db = connect(path)
            try:
                limit_work(db)
                if db.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
                    raise ProjectFileError(
                        f"{name} is a database of another program: choose a file that sounddesk has saved"
                    )
                if check:
                    found = db.execute("PRAGMA quick_check(1)").fetchone()[0]
                    if found != "ok":
                        raise sqlite3.DatabaseError(found.splitlines()[-1])
                check_tables(db)
                lift_limit(db)
                opened = cls(db, name=name)
                opened.version = int(db.execute("PRAGMA user_version").fetchone()[0])
            except BaseException:
                db.close()
                raise
        return opened

    @property
    def newer_major(self) -> bool:
        return self.version // 1000 > MAJOR

    @property
    def newer(self) -> bool:
        return self.version > VERSION

    @property
    def connection(self) -> sqlite3.Connection:
        return self._db

    def close(self) -> None:
        self._db.close()

    # ------------------------------------------------------------------ reading

    def read(self) -> ProjectContents:
        """Everything in the file.

        Raises:
            ProjectFileError: damaged, or of a newer major version that keeps things elsewhere.
        """
        try:
            with _explained(self._name):
                return self._read()
        except ProjectFileError:
            if self.newer_major:
                raise ProjectFileError(
                    f"{self._name} was made by a newer sounddesk and cannot be shown: install the newest version"
                ) from None
            raise

    def _read(self) -> ProjectContents:
        limit_work(self._db)
        try:
            reader = ProjectReader(self._db)
            contents = reader.read(newer_major=self.newer_major)
        finally:
            lift_limit(self._db)
        self._rows, self._rest = reader.rows, reader.rest
        self._masks = {each.mask.sha256 for each in contents.project.objects}
        self._images = set(contents.images)
        self._takes = {take.id for take in contents.takes}
        return contents

    # ------------------------------------------------------------------ writing

    def write(
        self, project: Project, *, takes: Iterable[Take] = (), images: Iterable[tuple[str, bytes]] = (), extra: str = ""
    ) -> None:
        """Store a state, new takes and new images in one transaction; all of it or nothing.

        Args:
            extra: SQL to run in the same transaction.

        Raises:
            sqlite3.Error: disk full, folder gone and the like.
        """
        db, rows, masks = self._db, dict(self._rows), set()
        new_takes = [take for take in takes if take.id not in self._takes]
        new_images = [(sha256, file) for sha256, file in images if sha256 not in self._images]
        db.execute("BEGIN IMMEDIATE")
        try:
            for sha256, file in new_images:
                db.execute("INSERT OR REPLACE INTO images (sha256, file) VALUES (?, ?)", (sha256, file))
            for take in new_takes:
                self._insert_take(take)
            for each in project.objects:
                if each.mask.sha256 not in self._masks and each.mask.sha256 not in masks:
                    masks.add(each.mask.sha256)
                    png = encode_mask_png(each.mask.to_array())
                    db.execute("INSERT OR REPLACE INTO masks (sha256, png) VALUES (?, ?)", (each.mask.sha256, png))
            for table, wanted in _rows_of(project).items():
                rows[table] = self._write_rows(table, wanted)
            if extra:
                db.execute(extra)
            db.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                db.execute("ROLLBACK")
            raise
        self._rows = rows
        self._masks |= masks
        self._images.update(sha256 for sha256, _ in new_images)
        self._takes.update(take.id for take in new_takes)

    def _write_rows(self, table: str, wanted: dict[str, tuple[int, Json]]) -> dict[str, tuple[int, str]]:
        old = self._rows.get(table, {})
        new = {
            key: (position, to_text(merged(data, self._rest.get((table, key))) if data else data))
            for key, (position, data) in wanted.items()
        }
        if table == "state":
            # Keys of newer versions stay; there is no order and nothing is ever taken out.
            for key, (_, text) in new.items():
                if old.get(key, (0, ""))[1] != text:
                    self._db.execute(
                        "INSERT INTO state (key, data) VALUES (?, ?) "
                        "ON CONFLICT (key) DO UPDATE SET data = excluded.data",
                        (key, text),
                    )
            return {**old, **new}
        self._db.executemany(f"DELETE FROM {table} WHERE id = ?", [(key,) for key in old if key not in new])
        self._db.executemany(
            f"INSERT INTO {table} (id, position, data) VALUES (?, ?, ?) "
            "ON CONFLICT (id) DO UPDATE SET position = excluded.position, data = excluded.data",
            [(key, position, text) for key, (position, text) in new.items() if old.get(key) != (position, text)],
        )
        return new

    def _insert_take(self, take: Take) -> None:
        self._db.execute(
            "INSERT INTO takes (id, position, object_id, number, seed, sample_rate_hz, samples, encoding, waveform, "
            "recipe, created, notes) "
            "VALUES (?, (SELECT COALESCE(MAX(position), 0) + 1 FROM takes), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                take.id, take.object_id, take.number, take.seed, take.sample_rate_hz, len(take.waveform), ENCODING,
                encode_waveform(take.mono), to_text(dict(take.recipe)), take.created,
                to_text({"notes": list(take.notes)}),
            ),
        )  # fmt: skip
        if take.channels == 2:
            write_stereo(self._db, take)

    def tidy(self, project: Project) -> None:
        """Drop masks and images that `project` does not refer to, as left by undone steps, and give the room back.

        In a file of a newer version nothing is dropped: rows unknown here may refer to them.
        """
        if self.newer:
            return
        masks = {each.mask.sha256 for each in project.objects}
        images = {project.image.sha256} if project.image is not None else set()
        self._db.execute("BEGIN IMMEDIATE")
        for table, wanted in (("masks", masks), ("images", images)):
            found = {sha256 for (sha256,) in self._db.execute(f"SELECT sha256 FROM {table}")}
            self._db.executemany(f"DELETE FROM {table} WHERE sha256 = ?", [(each,) for each in found - wanted])
        self._db.execute("COMMIT")
        self._masks &= masks
        self._images &= images
        self._db.execute("PRAGMA incremental_vacuum").fetchall()

    def copy_to(self, path: Path, *, before_rename: str = "") -> None:
        """Save as `path`: SQLite backup into a temporary file beside it, fsync, rename.

        Args:
            before_rename: SQL for the copy only.

        Raises:
            sqlite3.Error, OSError: the target is as it was, and no temporary file is left.
        """
        remove_leftovers(path.parent)
        temporary = path.with_name(temporary_name(".sdesk-tmp"))
        try:
            temporary.touch(exist_ok=False)
            copy = connect(temporary)
            try:
                self._db.backup(copy)
                copy.execute("PRAGMA journal_mode = DELETE").fetchone()
                if before_rename:
                    copy.executescript(before_rename)
            finally:
                copy.close()
            with contextlib.suppress(OSError):
                temporary.chmod(path.stat().st_mode & 0o777)
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            put_in_place(temporary, path)
        except BaseException:
            for leftover in (temporary, temporary.with_name(temporary.name + "-journal")):
                with contextlib.suppress(OSError):
                    leftover.unlink()
            raise
        with contextlib.suppress(OSError):
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


def read_project(path: Path) -> ProjectContents:
    """Everything in a project file. Raises: ProjectFileError."""
    database = ProjectDatabase.open(path)
    try:
        return database.read()
    finally:
        database.close()


def write_project(path: Path, contents: ProjectContents) -> None:
    """Write a project file whole or not at all. Raises: sqlite3.Error, OSError; an earlier file is as it was."""
    database = ProjectDatabase(sqlite3.connect(":memory:", isolation_level=None), name=path.name)
    try:
        database.connection.executescript(
            f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION}; {SCHEMA}"
        )
        database.write(contents.project, takes=contents.takes, images=contents.images.items())
        database.copy_to(path)
    finally:
        database.close()


def _rows_of(project: Project) -> dict[str, dict[str, tuple[int, Json]]]:
    """Every row but masks, takes and images: table -> key -> (position, data)."""
    state = {key: part_to_json(getattr(project, key)) if getattr(project, key) else {} for key in _STATE}
    state["next_id"] = {"value": project.next_id}
    return {
        "state": {key: (0, data) for key, data in state.items()},
        "objects": {each.id: (index, object_to_json(each)) for index, each in enumerate(project.objects)},
        "clips": {each.id: (index, part_to_json(each)) for index, each in enumerate(project.clips)},
        "markers": {each.id: (index, part_to_json(each)) for index, each in enumerate(project.markers)},
        "take_marks": {each.take_id: (index, part_to_json(each)) for index, each in enumerate(project.take_marks)},
    }


@contextlib.contextmanager
def _explained(name: str) -> Iterator[None]:
    """Whatever is wrong inside the file becomes one message."""
    try:
        yield
    except (sqlite3.Error, ValueError, KeyError, TypeError) as error:
        raise ProjectFileError(
            f"{name} is damaged ({error}): open a copy of it, or a project that sounddesk offers to recover"
        ) from error

"""The index: what is refused, what is kept, and names that are no text."""

from __future__ import annotations

import os
import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from sounddesk.domain.recordings import RecordingTags
from sounddesk.domain.recordings import SoundEvent
from sounddesk.domain.recordings import SoundFormat
from sounddesk.storage.library.library import Library
from sounddesk.storage.library.library_rows import IndexedRecording
from sounddesk.storage.library.library_schema import VERSION
from sounddesk.storage.library.library_schema import LibraryError


def indexed(path: Path, *, name: str = "dog", sha256: str = "a" * 64) -> IndexedRecording:
    event = SoundEvent(start_s=0.0, end_s=0.5, peak_db=-10.0, level_db=-20.0)
    return IndexedRecording(
        path=path,
        size=1,
        mtime_ns=2,
        sha256=sha256,
        analysis="1",
        format=SoundFormat(frames=100, sample_rate_hz=48_000, channels=1, encoding="PCM_24"),
        tags=RecordingTags(licence="CC-BY-4.0"),
        behaviour="one-shot",
        words=(name, "", "", ""),
        events=(event,),
        embeddings=np.ones((1, 4), np.float16),
        words_vector=np.ones(3, np.float16),
    )


def test_what_is_put_comes_back(tmp_path: Path) -> None:
    with Library(tmp_path / "library.sqlite") as library:
        folder = library.add_folder(tmp_path, licence="house", commercial=True)
        library.put(folder, [indexed(tmp_path / "dog.wav")])
    with Library(tmp_path / "library.sqlite") as library:
        found = library.recording_at(tmp_path / "dog.wav")
        assert found is not None
        assert found.format.encoding == "PCM_24"
        # The file's own word goes before the folder's; what it allows is then not known.
        assert (found.licence, found.commercial) == ("CC-BY-4.0", None)
        library.set_licence(found.id, "mine", commercial=False)
        again = library.recordings([found.id])[found.id]
        assert (again.licence, again.commercial) == ("mine", False)
        # Scanned once more, the user's word stays.
        library.put(folder, [indexed(tmp_path / "dog.wav")])
        again = library.recordings([found.id])[found.id]
        assert (again.id, again.licence) == (found.id, "mine")
        assert len(library.events_of(found.id)) == 1


def test_an_index_that_the_first_version_wrote_keeps_what_the_user_said(tmp_path: Path) -> None:
    """The kept file was written by that version's own code."""
    shutil.copy(Path(__file__).parent / "data" / "v1.sqlite", tmp_path)
    with Library(tmp_path / "v1.sqlite") as library:
        dog, door = (library.recording_at(Path(f"/recordings/{name}.wav")) for name in ("dog", "door"))
        assert dog is not None and door is not None
        assert (dog.starred, dog.licence, dog.commercial) == (True, "CC-BY-4.0", None)
        assert (door.starred, door.licence, door.commercial) == (False, "mine", False)
        assert len(library.events_of(dog.id)) == 1 and set(library.matching_words("dog")) == {dog.id}


def test_names_that_are_no_text_are_kept_byte_by_byte(tmp_path: Path) -> None:
    odd = tmp_path / os.fsdecode(b"dog\xff\xfe.wav")
    with Library(tmp_path / "library.sqlite") as library:
        folder = library.add_folder(tmp_path)
        library.put(folder, [indexed(odd, name=odd.name)])
        assert library.recording_at(odd) is not None
        assert os.fsencode(odd) in library.known_files(folder)
        assert library.matching_words("dog")


@pytest.mark.parametrize("query", ['"', "dog AND", "NEAR(", "*", "dog*) OR (", "-", "a OR b", "{name}: dog", "\0"])
def test_nothing_typed_is_an_operator(tmp_path: Path, query: str) -> None:
    with Library(tmp_path / "library.sqlite") as library:
        folder = library.add_folder(tmp_path)
        library.put(folder, [indexed(tmp_path / "dog.wav")])
        for unfinished in (False, True):
            assert isinstance(library.matching_words(query, unfinished=unfinished), dict)
        assert set(library.matching_words("dogs")) == set(library.matching_words("dog")) != set()


def test_other_files_and_newer_libraries_are_refused(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("no database at all, but long enough to look like something")
    with pytest.raises(LibraryError, match="cannot be read"):
        Library(text)
    assert text.read_text().startswith("no database")
    other = tmp_path / "other.sqlite"
    with sqlite3.connect(other) as db:
        db.execute("CREATE TABLE mine (x)")
    before = other.read_bytes()
    with pytest.raises(LibraryError, match="no library of sounddesk"):
        Library(other)
    assert other.read_bytes() == before
    Library(tmp_path / "new.sqlite").close()
    with sqlite3.connect(tmp_path / "new.sqlite") as db:
        db.execute(f"PRAGMA user_version = {VERSION + 1}")
    with pytest.raises(LibraryError, match="newer"):
        Library(tmp_path / "new.sqlite")


@pytest.mark.parametrize(
    "planted",
    [
        "CREATE TRIGGER t AFTER INSERT ON recordings BEGIN DELETE FROM folders; END",
        "CREATE VIEW v AS SELECT * FROM recordings",
        "CREATE TABLE more (x)",
        "CREATE INDEX i ON recordings(upper(description))",
        "CREATE VIRTUAL TABLE other USING fts5(x)",
        "DROP TABLE events; CREATE VIEW events AS SELECT * FROM recordings",
        "DROP TABLE folders; CREATE TABLE folders (id INTEGER PRIMARY KEY, path BLOB, present AS (1))",
    ],
)
def test_what_could_act_by_itself_is_refused_and_left_alone(tmp_path: Path, planted: str) -> None:
    path = tmp_path / "library.sqlite"
    Library(path).close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA journal_mode = DELETE")
        db.executescript(planted)
    before = path.read_bytes()
    with pytest.raises(LibraryError, match="never makes"):
        Library(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE events SET start_s = 'soon'",
        "UPDATE events SET start_s = -1",
        "UPDATE events SET end_s = 9e99",
        "UPDATE recordings SET behaviour = 'loud'",
        "UPDATE recordings SET frames = 'many'",
        "UPDATE recordings SET licence = X'00'",
        "UPDATE recordings SET words_vector = X'000000'",
        "UPDATE folders SET path = 7",
        "UPDATE folders SET licence = X'00'",
        "UPDATE events SET embedding = 7",
    ],
)
def test_values_that_are_none_are_one_error(tmp_path: Path, harm: str) -> None:
    with Library(tmp_path / "library.sqlite") as library:
        folder = library.add_folder(tmp_path)
        library.put(folder, [indexed(tmp_path / "dog.wav"), indexed(tmp_path / "cat.wav")])
    with sqlite3.connect(tmp_path / "library.sqlite") as db:
        db.execute(harm)
    with Library(tmp_path / "library.sqlite") as library, pytest.raises(LibraryError, match="is damaged"):
        library.recording_at(tmp_path / "dog.wav")
        library.events_of(1)
        library.folders()
        library.vectors()


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "own.txt").write_text("hers")
    (tmp_path / "library.sqlite").symlink_to(tmp_path / "own.txt")
    with pytest.raises(Exception, match="is a link"):
        Library(tmp_path / "library.sqlite")
    assert (tmp_path / "own.txt").read_text() == "hers"


def test_folders_do_not_lie_in_each_other(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    with Library(tmp_path / "library.sqlite") as library:
        library.add_folder(tmp_path / "inner")
        with pytest.raises(LibraryError, match="lie in each other"):
            library.add_folder(tmp_path)
        with pytest.raises(LibraryError, match="is not a folder"):
            library.add_folder(tmp_path / "nothing")
        assert library.add_folder(tmp_path / "inner") == library.folders()[0].id


def test_vectors_of_another_width_are_left_out(tmp_path: Path) -> None:
    with Library(tmp_path / "library.sqlite") as library:
        folder = library.add_folder(tmp_path)
        library.put(folder, [indexed(tmp_path / "dog.wav")])
        old = indexed(tmp_path / "cat.wav", sha256="b" * 64)
        object.__setattr__(old, "embeddings", np.ones((1, 2), np.float16))
        library.put(folder, [old])
        assert library.vectors().embeddings.shape == (1, 4)
        assert library.vectors(width=2).embeddings.shape == (1, 2)
        asked = library.vectors(width=4, words_width=5)
        assert (len(asked.event_ids), len(asked.word_vectors), asked.words_of.tolist()) == (1, 0, [-1])


def test_words_that_are_no_utf_8_are_taken(tmp_path: Path) -> None:
    odd = os.fsdecode(b"caf\xe9")
    with Library(tmp_path / "library.sqlite") as library:
        library.put(library.add_folder(tmp_path, licence=odd), [indexed(tmp_path / "dog.wav")])
        library.set_licence(1, odd, commercial=None)
        assert library.folders()[0].licence == library.recordings([1])[1].licence == "caf?"
        # A hash is what a project says that it is.
        assert library.with_content(odd) is None
        assert library.matching_words(f"dog {odd}").keys() == {1}


def test_values_of_vectors_that_are_no_numbers_count_as_nothing(tmp_path: Path) -> None:
    with Library(tmp_path / "library.sqlite") as library:
        library.put(library.add_folder(tmp_path), [indexed(tmp_path / "dog.wav")])
        with sqlite3.connect(tmp_path / "library.sqlite") as db:
            odd = np.array([np.nan, np.inf, -np.inf, 2.0], np.float16).tobytes()
            db.execute("UPDATE events SET embedding = ?", (odd,))
        assert library.vectors().embeddings.tolist() == [[0.0, 0.0, 0.0, 2.0]]

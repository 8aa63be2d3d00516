"""Claims on files: one scan at a time, taken over from a killed process at once, and added to older indexes."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from sounddesk.storage.library.library import Library
from sounddesk.storage.library.scan_claims import ScanClaims

CHILD = """
import sys, time
from pathlib import Path
from sounddesk.storage.library.library import Library
from sounddesk.storage.library.scan_claims import ScanClaims
claims = ScanClaims(Library(Path(sys.argv[1])))
claims.claim(Path("/dog.wav"))
print(claims.scan, flush=True)
time.sleep(60)
"""


@pytest.fixture
def index(tmp_path: Path) -> Path:
    return tmp_path / "library.sqlite"


def test_a_file_belongs_to_one_scan_until_it_is_given_back(index: Path) -> None:
    with Library(index) as one, Library(index) as two, ScanClaims(one) as first, ScanClaims(two) as second:
        assert (first.scan, second.scan) == (0, 1)
        assert first.claim(Path("/dog.wav"))
        assert first.claim(Path("/cat.wav"))
        assert not second.claim(Path("/dog.wav"))
        first.release([Path("/dog.wav")])
        assert second.claim(Path("/dog.wav"))
        assert not second.claim(Path("/cat.wav"))
        first.close()
        assert second.claim(Path("/cat.wav"))
    assert list(index.parent.glob("*.scan*")) == []


def test_a_killed_process_keeps_nothing(index: Path) -> None:
    with Library(index) as library, ScanClaims(library) as claims:
        child = subprocess.Popen([sys.executable, "-c", CHILD, str(index)], stdout=subprocess.PIPE, text=True)
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == "1\n"
            assert not claims.claim(Path("/dog.wav"))
        finally:
            child.kill()
            child.communicate()
        assert claims.claim(Path("/dog.wav"))


def test_what_a_killed_scan_claimed_is_free_for_the_next_of_its_number(index: Path) -> None:
    with Library(index) as library:
        with library.transaction() as db:
            db.execute("INSERT INTO claims VALUES (?, 0)", (b"/dog.wav",))
        with ScanClaims(library), library.transaction() as db:
            assert db.execute("SELECT count(*) FROM claims").fetchone() == (0,)


def test_an_index_of_the_first_version_gets_its_table(index: Path) -> None:
    Library(index).close()
    with sqlite3.connect(index) as db:
        db.execute("DROP TABLE claims")
        db.execute("PRAGMA user_version = 1")
    db.close()
    with Library(index) as library, ScanClaims(library) as claims:
        assert claims.claim(Path("/dog.wav"))
    # And is then one as any other.
    Library(index).close()

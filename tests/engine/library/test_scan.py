"""Scans: every format read, only what changed, nothing lost whatever happens to files, disks or the process."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sounddesk.domain.errors import Cancelled
from sounddesk.engine.library.scan import LibraryEars
from sounddesk.engine.library.scan import scan
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import Progress
from sounddesk.storage.library.library import Library
from sounddesk.storage.library.scan_claims import ScanClaims
from tests.library_parts import bark


def test_every_format_is_read_with_what_it_says(library: Library, recordings: Path, ears: LibraryEars) -> None:
    library.add_folder(recordings, licence="CC0-1.0", commercial=True)
    report = scan(library, ears=ears)
    assert (report.scanned, report.problems) == (7, [])
    hound = library.recording_at(recordings / "ANMLDog_YardHound_JANE_NONE.wav")
    assert hound is not None
    assert hound.tags.description.startswith("hound in a yard")
    assert hound.tags.originator == "Field Recorder"
    assert hound.tags.cat_id == "ANMLDog"
    assert "Farm" in hound.tags.keywords
    assert (hound.licence, hound.commercial, hound.behaviour) == ("CC0-1.0", True, "repeating")
    assert len(library.events_of(hound.id)) == 3
    rain = library.recording_at(recordings / "rain_8ch.wav")
    assert rain is not None
    assert (rain.format.channels, rain.behaviour) == (8, "continuous")
    bat = library.recording_at(recordings / "bat_192k.wav")
    assert bat is not None
    assert bat.format.sample_rate_hz == 192_000
    vectors = library.vectors()
    assert vectors.embeddings.shape == (len(vectors.event_ids), 16)
    assert np.isfinite(vectors.embeddings).all()
    assert (vectors.words_of >= 0).all()


def test_files_are_as_they_were(library: Library, recordings: Path, ears: LibraryEars) -> None:
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in recordings.rglob("*") if path.is_file()}
    library.add_folder(recordings)
    scan(library, ears=ears)
    after = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in recordings.rglob("*") if path.is_file()}
    assert before == after


def test_only_what_changed_is_read_again(library: Library, recordings: Path, ears: LibraryEars) -> None:
    library.add_folder(recordings)
    scan(library, ears=ears)
    soundfile.write(recordings / "new.wav", bark(seed=9), 16_000)
    soundfile.write(recordings / "horse.aiff", bark(seed=10, count=2), 16_000)
    report = scan(library, ears=ears)
    assert (report.scanned, report.unchanged) == (2, 6)


def test_what_cannot_be_used_is_named_and_the_rest_is_found(
    library: Library, recordings: Path, ears: LibraryEars
) -> None:
    (recordings / "broken.wav").write_bytes(b"RIFF\x10\x00\x00\x00WAVEfmt nonsense")
    (recordings / "empty.flac").write_bytes(b"")
    (recordings / "silent.wav").write_bytes(b"")
    soundfile.write(recordings / "silent.wav", np.zeros(16_000, np.float32), 16_000)
    whole = (recordings / "rain_8ch.wav").read_bytes()
    (recordings / "cut_off.wav").write_bytes(whole[: len(whole) // 3])
    os.mkfifo(recordings / "pipe.wav")
    (recordings / "._dog.wav").write_bytes(b"resource fork")
    undecodable = os.fsencode(recordings) + b"/dog_\xff.wav"
    Path(os.fsdecode(undecodable)).write_bytes((recordings / "horse.aiff").read_bytes())
    library.add_folder(recordings)
    report = scan(library, ears=ears)
    named = {path.name for path, _ in report.problems}
    assert {"broken.wav", "empty.flac", "silent.wav"} <= named
    assert not named & {"horse.aiff", "rain_8ch.wav", "pipe.wav", "._dog.wav"}
    assert {each.path.name for each in library.problems()} == named
    assert all(reason and str(path) not in reason for path, reason in report.problems)
    assert library.recording_at(Path(os.fsdecode(undecodable))) is not None
    assert library.count() == 7 + 2 - ("cut_off.wav" in named)


def test_a_moved_file_is_found_again_by_its_content(library: Library, recordings: Path, ears: LibraryEars) -> None:
    library.add_folder(recordings)
    scan(library, ears=ears)
    dog = library.recording_at(recordings / "animals" / "small_dog.flac")
    assert dog is not None
    library.star(dog.id, True)
    (recordings / "kennel").mkdir()
    (recordings / "animals" / "small_dog.flac").rename(recordings / "kennel" / "puppy.flac")
    report = scan(library, ears=ears)
    moved = library.recording_at(recordings / "kennel" / "puppy.flac")
    assert moved is not None
    assert (report.moved, report.missing, moved.id, moved.starred) == (1, 0, dog.id, True)
    assert dog.id in library.matching_words("puppy")
    assert dog.id not in library.matching_words("small dog flac")


def test_a_file_renamed_over_another_one_takes_its_place(library: Library, recordings: Path, ears: LibraryEars) -> None:
    library.add_folder(recordings)
    scan(library, ears=ears)
    horse, rain = (library.recording_at(recordings / name) for name in ("horse.aiff", "rain_8ch.wav"))
    assert horse is not None
    assert rain is not None
    (recordings / "rain_8ch.wav").rename(recordings / "shower.wav")
    (recordings / "horse.aiff").rename(recordings / "rain_8ch.wav")
    assert scan(library, ears=ears).moved == 2
    assert [library.recordings([each.id])[each.id].path.name for each in (horse, rain)] == [
        "rain_8ch.wav",
        "shower.wav",
    ]
    assert (scan(library, ears=ears).unchanged, library.count()) == (7, 7)


def test_copies_that_were_gone_come_back_where_they_were(library: Library, recordings: Path, ears: LibraryEars) -> None:
    (recordings / "copies").mkdir()
    for name in ("a.aiff", "b.aiff"):
        shutil.copyfile(recordings / "horse.aiff", recordings / "copies" / name)
    library.add_folder(recordings)
    scan(library, ears=ears)
    (recordings / "copies").rename(recordings.with_name("away"))
    assert scan(library, ears=ears).missing == 2
    recordings.with_name("away").rename(recordings / "copies")
    scan(library, ears=ears)
    assert (scan(library, ears=ears).unchanged, library.count()) == (9, 9)


def test_a_removed_file_is_kept_and_comes_back(library: Library, recordings: Path, ears: LibraryEars) -> None:
    library.add_folder(recordings)
    scan(library, ears=ears)
    away = recordings.with_name("away.aiff")
    (recordings / "horse.aiff").rename(away)
    assert scan(library, ears=ears).missing == 1
    assert library.count() == 6
    away.rename(recordings / "horse.aiff")
    scan(library, ears=ears)
    assert library.count() == 7


@pytest.mark.parametrize("leave_mount_point", [True, False])
def test_a_vanished_disk_loses_nothing(
    library: Library, recordings: Path, ears: LibraryEars, leave_mount_point: bool
) -> None:
    library.add_folder(recordings)
    scan(library, ears=ears)
    away = recordings.with_name("unplugged")
    recordings.rename(away)
    if leave_mount_point:
        recordings.mkdir()
    report = scan(library, ears=ears)
    assert report.absent == [(recordings, 7)]
    assert report.missing == 0
    assert len(library.vectors().event_ids) == 0
    assert library.forget_missing() == 0
    if leave_mount_point:
        recordings.rmdir()
    away.rename(recordings)
    assert scan(library, ears=ears).unchanged == 7
    assert library.count() == 7


def test_a_cancelled_scan_keeps_what_it_did_and_goes_on(library: Library, recordings: Path, ears: LibraryEars) -> None:
    library.add_folder(recordings)
    cancel = CancelToken()

    def stop(progress: Progress) -> None:
        if progress.done == 3:
            cancel.cancel()

    with pytest.raises(Cancelled):
        scan(library, ears=ears, on_progress=stop, cancel=cancel)
    assert library.count() >= 3
    before = library.count()
    assert scan(library, ears=ears).unchanged == before
    assert library.count() == 7


def test_two_scans_at_once_share_the_files(
    library: Library, recordings: Path, ears: LibraryEars, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sounddesk.engine.library.scan._BATCH_FILES", 1)
    for number in range(12):
        shutil.copyfile(recordings / "horse.aiff", recordings / f"horse_{number}.aiff")
    library.add_folder(recordings)
    other = Library(library.path)
    reports = []
    threads = [
        threading.Thread(target=lambda each=each: reports.append(scan(each, ears=ears))) for each in (library, other)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()
    assert library.count() == 19
    rows = library.vectors()
    assert len(set(rows.event_ids.tolist())) == len(rows.event_ids)
    assert sum(report.scanned for report in reports) == 19, "none is read twice"
    assert sorted(report.beside for report in reports) == [False, True]


def test_a_scan_waits_for_files_that_another_one_reads(
    library: Library, recordings: Path, ears: LibraryEars, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sounddesk.engine.library.scan._WAIT_S", 0.01)
    library.add_folder(recordings)
    other = ScanClaims(library)
    assert other.claim(recordings / "horse.aiff")
    threading.Timer(0.5, other.close).start()
    report = scan(library, ears=ears)
    assert (report.scanned, library.count()) == (7, 7)
    assert report.elapsed_s >= 0.4


def test_waiting_for_another_scan_ends_when_cancelled(
    library: Library, recordings: Path, ears: LibraryEars, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sounddesk.engine.library.scan._WAIT_S", 0.01)
    library.add_folder(recordings)
    cancel = CancelToken()
    threading.Timer(0.5, cancel.cancel).start()
    with ScanClaims(library) as other:
        assert other.claim(recordings / "horse.aiff")
        with pytest.raises(Cancelled):
            scan(library, ears=ears, cancel=cancel)
    assert library.count() <= 6


def test_an_older_analysis_is_done_again(
    library: Library, recordings: Path, ears: LibraryEars, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.add_folder(recordings)
    scan(library, ears=ears)
    monkeypatch.setattr("sounddesk.engine.library.scan._ANALYSIS", 99)
    assert scan(library, ears=ears).scanned == 7

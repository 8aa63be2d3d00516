"""One file from a real server that cuts, lies, is busy or knows no ranges."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path
from typing import Any

import pytest

from sounddesk.domain.errors import Cancelled
from sounddesk.domain.errors import OutputError
from sounddesk.engine.catalogue import download
from sounddesk.engine.catalogue.download import DownloadError
from sounddesk.engine.catalogue.download import Expected
from sounddesk.engine.catalogue.download import Remote
from sounddesk.engine.catalogue.download import fetch
from sounddesk.engine.catalogue.download import part_path
from sounddesk.engine.catalogue.download import probe
from sounddesk.engine.tasks import CancelToken
from tests.engine.local_hub import LocalHub
from tests.engine.local_hub import git_hash
from tests.engine.local_hub import sha256

DATA = bytes(range(256)) * 4000
EXPECTED = Expected(bytes=len(DATA), sha256=sha256(DATA))


@pytest.fixture
def hub(local_hub: LocalHub) -> LocalHub:
    local_hub.plain["w.bin"] = DATA
    return local_hub


def get(hub: LocalHub, target: Path, *, expected: Expected = EXPECTED, **options: Any) -> None:
    fetch(Remote(url=f"{hub.url}/plain/w.bin"), target, expected=expected, first_wait_s=0.0, **options)


def test_a_file_arrives_whole_and_nothing_else_remains(hub: LocalHub, tmp_path: Path) -> None:
    seen: list[int] = []
    get(hub, tmp_path / "a" / "w.bin", on_bytes=seen.append)
    assert (tmp_path / "a" / "w.bin").read_bytes() == DATA
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["w.bin"]
    assert seen[0] == 0 and seen[-1] == len(DATA) and seen == sorted(seen)


def test_cuts_are_resumed_by_range_and_every_byte_is_sent_once(hub: LocalHub, tmp_path: Path) -> None:
    hub.faults.cut_after, hub.faults.cuts = 300_000, 3
    get(hub, tmp_path / "w.bin")
    assert (tmp_path / "w.bin").read_bytes() == DATA
    assert [seen.range for seen in hub.bodies()] == [None, "bytes=300000-", "bytes=600000-", "bytes=900000-"]


def test_a_connection_that_never_comes_back_keeps_what_arrived(hub: LocalHub, tmp_path: Path) -> None:
    hub.faults.cut_after, hub.faults.cuts = 0, 100
    part_path(tmp_path / "w.bin", f"{hub.url}/plain/w.bin", EXPECTED).write_bytes(DATA[:777])
    with pytest.raises(DownloadError, match=r"connection broke after 777 of 1024000 bytes; 777 bytes are kept: check"):
        get(hub, tmp_path / "w.bin")
    hub.faults.cuts = 0
    get(hub, tmp_path / "w.bin")
    assert (tmp_path / "w.bin").read_bytes() == DATA
    assert hub.bodies()[-1].range == "bytes=777-"


def test_a_busy_server_is_asked_again(hub: LocalHub, tmp_path: Path) -> None:
    hub.faults.busy = 3
    get(hub, tmp_path / "w.bin")
    assert (tmp_path / "w.bin").read_bytes() == DATA
    hub.faults.busy = 100
    with pytest.raises(DownloadError, match=r"the server is busy \(HTTP 503\)"):
        get(hub, tmp_path / "w2.bin")


def test_a_server_without_ranges_sends_it_all_again(hub: LocalHub, tmp_path: Path) -> None:
    hub.faults.cut_after, hub.faults.cuts, hub.faults.no_ranges = 5000, 1, True
    get(hub, tmp_path / "w.bin")
    assert (tmp_path / "w.bin").read_bytes() == DATA


def test_a_server_that_sends_another_part_is_not_believed(hub: LocalHub, tmp_path: Path) -> None:
    hub.faults.cut_after, hub.faults.cuts, hub.faults.wrong_range = 5000, 1, 1
    get(hub, tmp_path / "w.bin")
    assert (tmp_path / "w.bin").read_bytes() == DATA
    assert [seen.range for seen in hub.bodies()] == [None, "bytes=5000-", "bytes=5000-"]


@pytest.mark.parametrize(
    ("expected", "message"),
    [
        (Expected(bytes=len(DATA), sha256="0" * 64), r"sha256 differs\); it was deleted"),
        (Expected(md5="0" * 32), "md5 differs"),
        (Expected(git_sha1="0" * 40), "git hash differs"),
        (Expected(bytes=len(DATA) + 1, sha256=sha256(DATA)), r"another file than expected \(1024000 bytes instead of"),
    ],
)
def test_another_file_is_refused(hub: LocalHub, tmp_path: Path, expected: Expected, message: str) -> None:
    with pytest.raises(DownloadError, match=message):
        get(hub, tmp_path / "w.bin", expected=expected)
    assert not (tmp_path / "w.bin").exists()


def test_a_server_that_does_not_end_is_stopped_at_what_was_expected(hub: LocalHub, tmp_path: Path) -> None:
    hub.faults.endless = 1 << 30
    most = 0

    def watch(done: int) -> None:
        nonlocal most
        most = max(most, done)

    for expected in (EXPECTED, Expected(bytes=len(DATA)), Expected(bytes=2)):
        with pytest.raises(DownloadError, match=r"sends more than the \d+ bytes that were expected"):
            get(hub, tmp_path / "w.bin", expected=expected, on_bytes=watch)
    assert most <= len(DATA)
    assert list(tmp_path.iterdir()) == []


def test_where_no_length_is_known_the_disk_is_not_filled(
    hub: LocalHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.faults.endless = 1 << 30
    # All but 3 MB of what is free shall stay free.
    free = shutil.disk_usage(tmp_path).free
    monkeypatch.setattr(download, "SPARE_BYTES", free - 3_000_000)
    with pytest.raises(OutputError, match=r"MiB free after \d+ bytes.*: free some space or choose another folder"):
        get(hub, tmp_path / "w.bin", expected=Expected())
    # Others write and delete on this disk meanwhile, but nothing near a gigabyte.
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 100_000_000


@pytest.mark.parametrize("length", ["9" * 5000, "\u00b2", "-1", "1e3", "0x10", ""])
def test_a_length_that_is_none_counts_as_unknown(length: str) -> None:
    assert download._whole(length) is None


def test_git_hashes_are_those_of_git(hub: LocalHub, tmp_path: Path) -> None:
    # `printf hello | git hash-object --stdin`
    assert git_hash(b"hello") == "b6fc4c620b67d95f953a5c1c1230aaab5db5a1b0"
    get(hub, tmp_path / "w.bin", expected=Expected(git_sha1=git_hash(DATA)))


def test_a_flipped_bit_is_found_and_the_next_try_starts_anew(hub: LocalHub, tmp_path: Path) -> None:
    hub.faults.corrupt = 1
    with pytest.raises(DownloadError, match="sha256 differs"):
        get(hub, tmp_path / "w.bin")
    assert list(tmp_path.iterdir()) == []
    get(hub, tmp_path / "w.bin")
    assert (tmp_path / "w.bin").read_bytes() == DATA


def test_without_a_hash_a_changed_file_is_not_joined_to_the_old_one(hub: LocalHub, tmp_path: Path) -> None:
    remote = Remote(url=f"{hub.url}/plain/w.bin")
    before = probe(remote)
    assert before.bytes == len(DATA) and before.key is not None
    hub.faults.cut_after, hub.faults.cuts = 1000, 100
    part_path(tmp_path / "w.bin", remote.url, before).write_bytes(DATA[:1000])
    hub.plain["w.bin"] = DATA[::-1]
    hub.faults.cuts = 0
    # The server answers `If-Range` of the old content with the whole of the new one.
    get(hub, tmp_path / "w.bin", expected=before)
    assert (tmp_path / "w.bin").read_bytes() == DATA[::-1]


def test_without_a_hash_and_an_etag_nothing_is_resumed(hub: LocalHub, tmp_path: Path) -> None:
    part_path(tmp_path / "w.bin", f"{hub.url}/plain/w.bin", Expected()).write_bytes(b"old")
    get(hub, tmp_path / "w.bin", expected=Expected())
    assert (tmp_path / "w.bin").read_bytes() == DATA
    assert hub.bodies()[0].range is None


def test_a_part_that_is_whole_already_is_only_checked(hub: LocalHub, tmp_path: Path) -> None:
    url = f"{hub.url}/plain/w.bin"
    part_path(tmp_path / "w.bin", url, EXPECTED).write_bytes(DATA)
    get(hub, tmp_path / "w.bin")
    assert hub.seen == []
    # Without a known length the server says so: 416.
    unknown = Expected(sha256=sha256(DATA))
    part_path(tmp_path / "x.bin", url, unknown).write_bytes(DATA)
    get(hub, tmp_path / "x.bin", expected=unknown)
    part_path(tmp_path / "y.bin", url, unknown).write_bytes(DATA + b"too long")
    get(hub, tmp_path / "y.bin", expected=unknown)
    assert (tmp_path / "y.bin").read_bytes() == DATA


@pytest.mark.parametrize(("path", "message"), [("/plain/none", r"not there \(HTTP 404\)")])
def test_what_is_gone_is_not_asked_for_again(hub: LocalHub, tmp_path: Path, path: str, message: str) -> None:
    with pytest.raises(DownloadError, match=message):
        fetch(Remote(url=f"{hub.url}{path}"), tmp_path / "w.bin", expected=EXPECTED, first_wait_s=0.0)
    assert len(hub.seen) == 1


def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="no connection"):
        fetch(Remote(url="http://127.0.0.1:9/w"), tmp_path / "w.bin", expected=EXPECTED, first_wait_s=0.0)
    assert probe(Remote(url="http://127.0.0.1:9/w")) == Expected()


def test_cancelling_keeps_what_arrived(hub: LocalHub, tmp_path: Path) -> None:
    token = CancelToken()

    def stop(done: int) -> None:
        if done > 300_000:
            token.cancel()

    with pytest.raises(Cancelled):
        get(hub, tmp_path / "w.bin", on_bytes=stop, cancel=token)
    kept = part_path(tmp_path / "w.bin", f"{hub.url}/plain/w.bin", EXPECTED).read_bytes()
    assert len(kept) > 300_000 and DATA.startswith(kept)
    get(hub, tmp_path / "w.bin")
    assert hub.bodies()[-1].range == f"bytes={len(kept)}-"


def test_a_token_is_not_handed_to_another_host(hub: LocalHub, tmp_path: Path) -> None:
    big = b"x" * 2000
    hub.repos["a/b"] = {"big": big, "small": b"y"}
    headers = {"Authorization": "Bearer secret"}
    for name, data in hub.repos["a/b"].items():
        remote = Remote(url=f"{hub.url}/a/b/resolve/main/{name}", headers=headers)
        fetch(remote, tmp_path / name, expected=Expected(bytes=len(data)), first_wait_s=0.0)
    tokens = {(seen.host, seen.authorization) for seen in hub.seen}
    assert tokens == {("127.0.0.1", "Bearer secret"), ("localhost", None)}


def test_no_way_from_https_to_http() -> None:
    import urllib.request

    handler = download._SameHostAuthorization()
    request = urllib.request.Request("https://example.org/w")
    with pytest.raises(DownloadError, match="without encryption"):
        handler.redirect_request(request, None, 302, "Found", {}, "http://example.org/w")  # type: ignore[arg-type]


def test_a_proxy_of_the_environment_is_used(hub: LocalHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", hub.url)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    fetch(Remote(url="http://models.invalid/plain/w.bin"), tmp_path / "w.bin", expected=EXPECTED)
    assert (tmp_path / "w.bin").read_bytes() == DATA
    assert hub.seen[0].path == "http://models.invalid/plain/w.bin"


def test_a_full_disk_is_said_and_what_fitted_is_kept(hub: LocalHub, tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, before[1]))
    try:
        with pytest.raises(OutputError, match="larger than this disk or the limit on file sizes"):
            get(hub, tmp_path / "w.bin")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not (tmp_path / "w.bin").exists()
    get(hub, tmp_path / "w.bin")
    assert (tmp_path / "w.bin").read_bytes() == DATA
    assert hub.bodies()[-1].range == "bytes=400000-"


def test_a_folder_that_cannot_be_written(hub: LocalHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, *_: Any) -> Any:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(OutputError, match="the disk is full"):
        get(hub, tmp_path / "w.bin")

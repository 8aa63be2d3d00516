"""One file over HTTP: resumed after a cut, checked before it gets its name.

Why not a library, measured on a local server with a file of 10 MB that is cut after 3 MB, and cancelled after 4:

- huggingface_hub 2.4 keeps nothing when a call ends: each one writes a file of its own and deletes it, so the next one
  starts at byte 0. It reads in blocks of 10 MB, so that a cut within a call sent the 3 MB again too and a cancel waits
  for a block; and it compares the length alone, not the hash.
- pooch 1.9 checks hashes, but gives up at the first cut, deletes what came and starts at byte 0.

Here every byte is sent once through cuts, cancels and kills (`test_download.py`), which matters for files of gigabytes.
What `huggingface_hub` is used for is the hub's protocol, tokens and shared cache (`hub_files.py`). Proxies are those of
the environment (`http_proxy`, `https_proxy`, `no_proxy`).
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import re
import shutil
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import IO
from typing import Any
from typing import Final
from urllib.parse import urlsplit

from sounddesk import __version__
from sounddesk.domain.errors import EngineError
from sounddesk.domain.errors import OutputError
from sounddesk.engine.tasks import CancelToken
from sounddesk.storage.atomic_file import sync_folder
from sounddesk.storage.atomic_file import translate_os_errors

SPARE_BYTES: Final = 64 << 20
"""Kept free on the disk beyond what a download takes."""

_BLOCK_BYTES: Final = 1 << 18
_TIMEOUT_S: Final = 30.0
# Tries without a single new byte before giving up; waits between them double.
_TRIES: Final = 5
_LONGEST_WAIT_S: Final = 30.0
_TRANSIENT: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_LENGTH: Final = re.compile("[0-9]{1,18}")
_CONTENT_RANGE: Final = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")


class DownloadError(EngineError):
    """A file could not be fetched; the message names it, the reason and the remedy."""


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What is known of a file beforehand; whatever is None is not checked.

    Attributes:
        bytes: length.
        sha256, md5: lower-case hex of the content.
        git_sha1: lower-case hex of git's blob hash, by which the hub names its small files.
        etag: the server's name for the content; not checked, but a download without a hash goes on only with the same.
    """

    bytes: int | None = None
    sha256: str | None = None
    md5: str | None = None
    git_sha1: str | None = None
    etag: str | None = None

    @property
    def key(self) -> str | None:
        """What tells this content from another, for the name of a partial file; None where nothing does."""
        known = self.sha256 or self.git_sha1 or self.md5
        if known is None and self.etag is not None:
            known = hashlib.sha256(self.etag.encode()).hexdigest()
        return None if known is None else known[:16]


@dataclass(frozen=True, kw_only=True)
class Remote:
    """Where a file is fetched from.

    Attributes:
        url: http or https.
        headers: sent along; `Authorization` never leaves the host of `url`.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)


def fetch(
    remote: Remote,
    target: Path,
    *,
    expected: Expected,
    on_bytes: Callable[[int], None] | None = None,
    cancel: CancelToken | None = None,
    first_wait_s: float = 1.0,
) -> None:
    """Fetch one file to `target`, which appears only once it is whole and right.

    What has arrived stays beside it in a hidden `.part` file through a cut, a cancel and a kill, and the next call goes
    on behind it; the name of that file holds the expected hash, so two versions never mix.

    Args:
        on_bytes: called with the number of bytes that are there, from the very first call on.
        first_wait_s: pause before the second try.

    Raises:
        DownloadError: refused, gone, cut too often, or not the file that was expected.
        OutputError: the disk is full, or would be, or not writable; what has arrived stays.
        Cancelled: through `cancel`; what has arrived stays.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = part_path(target, remote.url, expected)
    tries_left = _TRIES
    wait_s = first_wait_s
    while True:
        before = _length(part)
        try:
            _transfer(remote, part, expected=expected, on_bytes=on_bytes, cancel=cancel)
            break
        except _Cut as cut:
            if _length(part) > before:
                tries_left, wait_s = _TRIES, first_wait_s
            tries_left -= 1
            if tries_left <= 0:
                raise DownloadError(
                    f"{target.name} from {_host(remote.url)}: {cut}; {_length(part)} bytes are kept: "
                    "check the connection and start the same command again, it goes on from there"
                ) from cut
            _pause(max(wait_s, cut.wait_s), cancel=cancel)
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)
    problem = mismatch(part, expected)
    if problem is not None:
        part.unlink()
        raise DownloadError(
            f"{target.name} from {_host(remote.url)} {problem}; it was deleted: try again, and if it happens again, "
            "do not use that server"
        )
    with translate_os_errors(target):
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(target)
        sync_folder(target.parent)


def part_path(target: Path, url: str, expected: Expected) -> Path:
    """Where the beginning of a download is kept."""
    key = expected.key or hashlib.sha256(url.encode()).hexdigest()[:16]
    return target.with_name(f".{target.name}.{key}.part")


def mismatch(path: Path, expected: Expected) -> str | None:
    """What is wrong with the file at `path`, to follow its name in a sentence; None where it is as expected."""
    n_bytes = path.stat().st_size
    if expected.bytes is not None and n_bytes != expected.bytes:
        return f"has {n_bytes} bytes instead of {expected.bytes}"
    digests: list[tuple[str, Any, str | None]] = [
        ("sha256", hashlib.sha256(), expected.sha256),
        ("md5", hashlib.md5(usedforsecurity=False), expected.md5),
        ("git hash", hashlib.sha1(b"blob %d\0" % n_bytes, usedforsecurity=False), expected.git_sha1),
    ]
    wanted = [entry for entry in digests if entry[2] is not None]
    if not wanted:
        return None
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            for _, digest, _ in wanted:
                digest.update(block)
    for name, digest, hexadecimal in wanted:
        if digest.hexdigest() != hexadecimal:
            return f"is not the file that was published ({name} differs)"
    return None


def probe(remote: Remote) -> Expected:
    """What the server says of a file before it is fetched: length and etag, where it says them."""
    try:
        with _opener().open(_request(remote, method="HEAD"), timeout=_TIMEOUT_S) as response:
            length, etag = response.headers.get("Content-Length"), response.headers.get("ETag")
    except (OSError, http.client.HTTPException):
        return Expected()
    # A weak etag may stand for two contents.
    strong = etag if etag is not None and not etag.startswith("W/") else None
    return Expected(bytes=_whole(length), etag=strong)


class _Cut(EngineError):  # noqa: N818  # handled here, by trying again
    """The connection broke or the server is busy; what arrived is in the part file."""

    def __init__(self, reason: str, *, wait_s: float = 0.0) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


def _transfer(
    remote: Remote,
    part: Path,
    *,
    expected: Expected,
    on_bytes: Callable[[int], None] | None,
    cancel: CancelToken | None,
) -> None:
    """Append what is missing to `part`. Raises: _Cut, DownloadError, OutputError, Cancelled."""
    have = _length(part)
    if have and (expected.key is None or (expected.bytes is not None and have > expected.bytes)):
        part.unlink()
        have = 0
    _report(on_bytes, have, cancel)
    if expected.bytes is not None and have == expected.bytes:
        return
    with contextlib.ExitStack() as stack:
        try:
            response = stack.enter_context(_open(remote, have, etag=expected.etag))
        except _NothingLeft as ending:
            if ending.total != have:
                part.unlink(missing_ok=True)
                raise _Cut("the server's file is shorter than what was kept of it") from ending
            return
        start = _start_of(response, have)
        total = _total_of(response, start)
        if total is not None and expected.bytes is not None and total != expected.bytes:
            raise DownloadError(
                f"{_host(remote.url)} has another file than expected ({total} bytes instead of {expected.bytes}): "
                "update sounddesk or its catalogue, or leave out the mirror"
            )
        with translate_os_errors(part):
            file = stack.enter_context(part.open("r+b" if start else "wb"))
            file.seek(start)
            file.truncate()
        done = start
        limit = expected.bytes if expected.bytes is not None else total
        room = shutil.disk_usage(part.parent).free - SPARE_BYTES
        for block in _blocks(response):
            if limit is not None and done + len(block) > limit:
                # A server without a length may send for ever.
                file.close()
                part.unlink()
                told = f"{_host(remote.url)} sends more than the {limit} bytes that were expected; it was deleted"
                raise DownloadError(told, remedy="update sounddesk or its catalogue, or do not use that server")
            room -= len(block)
            if room < 0:
                raise OutputError(
                    f"{part.parent} has less than {SPARE_BYTES >> 20} MiB free after {done} bytes, and the server does "
                    "not say how many follow: free some space or choose another folder"
                    if limit is None
                    else f"{part.parent} has no room for the {limit} bytes: free some space or choose another folder"
                )
            with translate_os_errors(part):
                file.write(block)
                # Not left in Python's buffer: what has arrived shall survive a kill.
                file.flush()
            done += len(block)
            _report(on_bytes, done, cancel)
        if total is not None and done < total:
            raise _Cut(f"the connection broke after {done} of {total} bytes")


class _NothingLeft(EngineError):  # noqa: N818
    """The server says that nothing follows the bytes that are here (416)."""

    def __init__(self, total: int | None) -> None:
        super().__init__()
        self.total = total


def _open(remote: Remote, have: int, *, etag: str | None) -> Any:
    headers = {"Range": f"bytes={have}-"} if have else {}
    if have and etag is not None:
        headers["If-Range"] = etag
    try:
        return _opener().open(_request(remote, extra=headers), timeout=_TIMEOUT_S)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416 and have:
            raise _NothingLeft(_whole((error.headers.get("Content-Range") or "").rpartition("/")[2])) from error
        if error.code in _TRANSIENT:
            wait = error.headers.get("Retry-After")
            raise _Cut(
                f"the server is busy (HTTP {error.code})",
                wait_s=min(float(_whole(wait) or 0), _LONGEST_WAIT_S),
            ) from error
        raise DownloadError(f"{remote.url}: {_refusal(error.code)}") from error
    except urllib.error.URLError as error:
        if isinstance(error.reason, ssl.SSLCertVerificationError):
            raise DownloadError(
                f"{_host(remote.url)} cannot prove its identity ({error.reason.verify_message}): check the clock and "
                "the proxy, and do not go around this"
            ) from error
        raise _Cut(f"no connection ({error.reason})") from error
    except (http.client.HTTPException, OSError) as error:
        raise _Cut(f"no connection ({error or type(error).__name__})") from error


def _refusal(code: int) -> str:
    if code in (401, 403):
        return (
            f"the server refuses it (HTTP {code}): agree to the model's terms on its page, then set HF_TOKEN to an "
            "access token of that account"
        )
    if code in (404, 410):
        return f"it is not there (HTTP {code}): update sounddesk or its catalogue, or leave out the mirror"
    return f"the server answers HTTP {code}: try again later"


def _start_of(response: Any, have: int) -> int:
    """Where in the file the body begins: `have`, or 0 from a server that does not know ranges."""
    if response.status != 206:
        return 0
    match = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range") or "")
    if match is None or _whole(match[1]) != have:
        raise _Cut("the server sent another part of the file than asked for")
    return have


def _total_of(response: Any, start: int) -> int | None:
    length = _whole(response.headers.get("Content-Length"))
    return None if length is None else start + length


def _whole(text: str | None) -> int | None:
    """A length as servers write it; None for what is none, or is beyond every disk."""
    return int(text) if text is not None and _LENGTH.fullmatch(text) else None


def _blocks(response: http.client.HTTPResponse) -> Iterator[bytes]:
    while True:
        try:
            # What is there already: on a slow line a whole block would be a long time without progress.
            block = response.read1(_BLOCK_BYTES)
        except (http.client.HTTPException, OSError) as error:
            raise _Cut(f"the connection broke ({error or type(error).__name__})") from error
        if not block:
            return
        yield block


class _SameHostAuthorization(urllib.request.HTTPRedirectHandler):
    """Follows redirects without handing the user's token to another host, and never from https to http."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        if urlsplit(req.full_url).scheme == "https" and urlsplit(newurl).scheme != "https":
            raise DownloadError(f"{_host(req.full_url)} leads to an address without encryption: do not use it")
        redirected = super().redirect_request(req, fp, code, msg, headers, newurl)
        if redirected is not None:
            # urllib turns HEAD into GET, which would fetch a whole file to learn its length.
            redirected.method = req.get_method()
            if _host(newurl) != _host(req.full_url):
                redirected.remove_header("Authorization")
        return redirected


def _opener() -> urllib.request.OpenerDirector:
    # Built anew each time, so that proxies are those of the environment now.
    return urllib.request.build_opener(_SameHostAuthorization)


def _request(remote: Remote, *, method: str = "GET", extra: Mapping[str, str] | None = None) -> urllib.request.Request:
    headers = {"User-Agent": f"sounddesk/{__version__}", **remote.headers, **(extra or {})}
    # A compressed body has another length than the file.
    headers["Accept-Encoding"] = "identity"
    return urllib.request.Request(remote.url, headers=headers, method=method)


def _host(url: str) -> str:
    return urlsplit(url).netloc


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _report(on_bytes: Callable[[int], None] | None, done: int, cancel: CancelToken | None) -> None:
    if cancel is not None:
        cancel.raise_if_cancelled()
    if on_bytes is not None:
        on_bytes(done)


def _pause(seconds: float, *, cancel: CancelToken | None) -> None:
    end_s = time.monotonic() + seconds
    while (left_s := end_s - time.monotonic()) > 0:
        if cancel is not None:
            cancel.raise_if_cancelled()
        time.sleep(min(0.1, left_s))

"""A hub on this machine: the protocol of huggingface.co as its own library speaks it, and the faults of real networks.

What it answers was taken from the hub's documentation and from what `huggingface_hub` reads:

- `GET /api/models/OWNER/NAME/revision/REV?blobs=true`: commit, and per file name, size, git's blob hash, LFS sha256
- `HEAD|GET /OWNER/NAME/resolve/REV/PATH`: `X-Repo-Commit`; large files (LFS) redirect to another host with
  `X-Linked-Etag` and `X-Linked-Size`, small ones to another path
- `GET /cdn/HASH`, `GET /plain/NAME`: the bytes, with ranges, `If-Range`, `ETag`, 206 and 416
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import field
from http.server import BaseHTTPRequestHandler
from http.server import ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote
from urllib.parse import urlsplit

LFS_FROM = 1000


@dataclass
class Faults:
    """What goes wrong; counts go down to zero, then all is well."""

    cut_after: int | None = None
    cuts: int = 0
    busy: int = 0
    no_ranges: bool = False
    wrong_range: int = 0
    corrupt: int = 0
    slow_s: float = 0.0
    gated: bool = False
    # No length, and this many bytes of rubbish behind the file.
    endless: int = 0


@dataclass
class Seen:
    """One request, as the hub saw it."""

    method: str
    path: str
    host: str
    range: str | None
    authorization: str | None


@dataclass
class LocalHub:
    """Files by repository, and plain files by name; `commit` follows from the content, `tags` all mean it."""

    repos: dict[str, dict[str, bytes]] = field(default_factory=dict)
    plain: dict[str, bytes] = field(default_factory=dict)
    faults: Faults = field(default_factory=Faults)
    tags: set[str] = field(default_factory=lambda: {"main"})
    seen: list[Seen] = field(default_factory=list)
    port: int = 0
    # Called with the number of bytes sent of a body, between two blocks.
    between: Any = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def cdn(self) -> str:
        """The same server under another name, as the hub's storage is another host."""
        return f"http://localhost:{self.port}"

    def commit(self, repo: str) -> str:
        digest = hashlib.sha1()
        for path, data in sorted(self.repos[repo].items()):
            digest.update(path.encode() + data)
        return digest.hexdigest()

    def bodies(self) -> list[Seen]:
        """Requests for the bytes themselves."""
        return [seen for seen in self.seen if seen.method == "GET" and ("/cdn/" in seen.path or "/plain/" in seen.path)]


def git_hash(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@contextmanager
def local_hub() -> Iterator[LocalHub]:
    hub = LocalHub()

    class Handler(_Handler):
        def __init__(self, *arguments: Any) -> None:
            self.hub = hub
            super().__init__(*arguments)

    server = _Server(("127.0.0.1", 0), Handler)
    hub.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """A client that went away is part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: LocalHub

    def log_message(self, *_: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        # A proxy is asked for whole addresses.
        path = unquote(urlsplit(self.path).path)
        self.hub.seen.append(
            Seen(
                method=self.command,
                path=self.path,
                host=(self.headers.get("Host") or "").partition(":")[0],
                range=self.headers.get("Range"),
                authorization=self.headers.get("Authorization"),
            )
        )
        if match := re.fullmatch(r"/api/models/([^/]+/[^/]+)/revision/(.+)", path):
            self._info(match[1], match[2])
        elif match := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            self._resolve(match[1], match[2], match[3])
        elif match := re.fullmatch(r"/(cdn|plain|api/resolve-cache/([^/]+/[^/]+))/(.+)", path):
            self._body(match[1], match[3], repo=match[2])
        else:
            self._send(404, b"")

    def _info(self, repo: str, revision: str) -> None:
        files = self.hub.repos.get(repo)
        if files is None:
            return self._send(404, b"{}", {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"})
        if self.hub.faults.gated and not self.headers.get("Authorization"):
            return self._send(403, b"{}", {"X-Error-Code": "GatedRepo", "X-Error-Message": "Access is restricted"})
        if revision not in {*self.hub.tags, self.hub.commit(repo)}:
            return self._send(404, b"{}", {"X-Error-Code": "RevisionNotFound", "X-Error-Message": "Invalid rev id"})
        siblings = []
        for path, data in files.items():
            entry: dict[str, Any] = {"rfilename": path, "size": len(data), "blobId": git_hash(data)}
            if len(data) >= LFS_FROM:
                entry["lfs"] = {"sha256": sha256(data), "size": len(data), "pointerSize": 134}
            siblings.append(entry)
        document = {"id": repo, "modelId": repo, "sha": self.hub.commit(repo), "siblings": siblings, "tags": []}
        return self._send(200, json.dumps(document).encode(), {"Content-Type": "application/json"})

    def _resolve(self, repo: str, revision: str, path: str) -> None:
        data = self.hub.repos.get(repo, {}).get(path)
        if data is None or revision not in {*self.hub.tags, self.hub.commit(repo)}:
            return self._send(404, b"", {"X-Error-Code": "EntryNotFound"})
        headers = {"X-Repo-Commit": self.hub.commit(repo), "Accept-Ranges": "bytes"}
        if len(data) >= LFS_FROM:
            headers |= {"X-Linked-Etag": f'"{sha256(data)}"', "X-Linked-Size": str(len(data)), "ETag": '"other"'}
            return self._send(302, b"", {**headers, "Location": f"{self.hub.cdn}/cdn/{sha256(data)}?signature=1"})
        return self._send(307, b"", {**headers, "Location": f"/api/resolve-cache/{repo}/{path}"})

    def _body(self, place: str, name: str, *, repo: str | None) -> None:
        faults = self.hub.faults
        if faults.busy > 0 and self.command == "GET":
            faults.busy -= 1
            return self._send(503, b"", {"Retry-After": "0"})
        data = self._content(place, name) if repo is None else self.hub.repos[repo].get(name)
        if data is None:
            return self._send(404, b"")
        etag = f'"{sha256(data) if repo is None else git_hash(data)}"'
        start, status = 0, 200
        headers = {"ETag": etag} | ({} if repo is None else {"X-Repo-Commit": self.hub.commit(repo)})
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
        if asked and not faults.no_ranges and self.headers.get("If-Range") in (None, etag):
            start, status = int(asked[1]), 206
            if start >= len(data):
                return self._send(416, b"", {"Content-Range": f"bytes */{len(data)}"})
            first = start
            if faults.wrong_range > 0:
                faults.wrong_range -= 1
                first = start - 1
            headers["Content-Range"] = f"bytes {first}-{len(data) - 1}/{len(data)}"
        if faults.corrupt > 0 and self.command == "GET":
            faults.corrupt -= 1
            data = bytes(byte ^ 1 for byte in data)
        return self._send(status, data[start:], headers)

    def _content(self, place: str, name: str) -> bytes | None:
        if place == "plain":
            return self.hub.plain.get(name)
        for files in self.hub.repos.values():
            for data in files.values():
                if name == sha256(data):
                    return data
        return None

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        faults = self.hub.faults
        self.send_response(status)
        ending = {"Connection": "close"} if faults.endless else {"Content-Length": str(len(body))}
        for key, value in {**(headers or {}), **ending}.items():
            self.send_header(key, value)
        self.end_headers()
        self.close_connection |= bool(faults.endless)
        if self.command == "HEAD":
            return
        if faults.cuts > 0 and faults.cut_after is not None and len(body) > faults.cut_after:
            faults.cuts -= 1
            self.wfile.write(body[: faults.cut_after])
            self.wfile.flush()
            self.close_connection = True
            return
        for start in range(0, len(body), 4096):
            self.wfile.write(body[start : start + 4096])
            if self.hub.between is not None:
                self.wfile.flush()
                self.hub.between(start + 4096)
        for _ in range(faults.endless >> 20):
            self.wfile.write(bytes(1 << 20))

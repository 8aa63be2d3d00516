"""Which files of a hub repository are wanted, what they must hash to, and where they are fetched from.

Built on `huggingface_hub` for the hub's protocol, tokens and shared cache. `HF_ENDPOINT` names a mirror,
`HF_TOKEN` an access token, `HF_HUB_CACHE` the cache that other programs share, `HF_HUB_OFFLINE` forbids the network.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from pathlib import PurePosixPath
from typing import Any
from typing import Final

from sounddesk.engine.catalogue.download import DownloadError
from sounddesk.engine.catalogue.download import Expected
from sounddesk.engine.catalogue.download import Remote
from sounddesk.engine.catalogue.entries import HubSource
from sounddesk.engine.verified_files import safe_relative_path

_DEFAULT_ENDPOINT: Final = "https://huggingface.co"
# Data, never code: the last is sentencepiece's vocabulary.
_DATA_SUFFIXES: Final = (".json", ".txt", ".safetensors", ".model")
PICKLE_SUFFIXES: Final = (".bin", ".pt", ".pth")
_VARIANTS: Final = (".fp16.", ".bf16.", ".non_ema.", ".ema.")
_TIMEOUT_S: Final = 30.0
_COMMIT: Final = re.compile("[0-9a-f]{40}")
_SHA256: Final = re.compile("[0-9a-f]{64}")
_MOST_BYTES: Final = 1 << 43
_MOST_FILES: Final = 10_000


@dataclass(frozen=True, kw_only=True)
class HubFile:
    """One file of a repository at one commit."""

    path: str
    remote: Remote
    expected: Expected


@dataclass(frozen=True, kw_only=True)
class HubListing:
    """The wanted files of a repository, and the commit that they belong to."""

    commit: str
    files: tuple[HubFile, ...]


def is_offline() -> bool:
    """Whether the environment forbids the network, as the hub's own programs read it."""
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")


def endpoint() -> str:
    """The hub, or the mirror that `HF_ENDPOINT` names."""
    return (os.environ.get("HF_ENDPOINT") or _DEFAULT_ENDPOINT).rstrip("/")


def list_hub_files(source: HubSource) -> HubListing:
    """Ask the hub which files the patterns mean, with their lengths and hashes.

    Raises:
        DownloadError: no connection, no such repository or revision, terms not agreed to, or nothing that is wanted.
    """
    from huggingface_hub import HfApi
    from huggingface_hub import hf_hub_url
    from huggingface_hub.errors import GatedRepoError
    from huggingface_hub.errors import HfHubHTTPError
    from huggingface_hub.errors import RepositoryNotFoundError
    from huggingface_hub.errors import RevisionNotFoundError
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

    base = endpoint()
    try:
        info = HfApi(endpoint=base).model_info(
            source.repo, revision=source.revision, files_metadata=True, timeout=_TIMEOUT_S
        )
    except GatedRepoError as error:
        raise DownloadError(
            f"{source.repo} is handed out only to accounts that agreed to its terms: agree on {base}/{source.repo}, "
            "then set HF_TOKEN to an access token of that account"
        ) from error
    except RevisionNotFoundError as error:
        raise DownloadError(f"{source.repo} has no revision {source.revision!r} on {base}: update sounddesk") from error
    except RepositoryNotFoundError as error:
        raise DownloadError(
            f"{source.repo} is not on {base}, or not for you: check HF_ENDPOINT, or set HF_TOKEN"
        ) from error
    except HfHubHTTPError as error:
        raise DownloadError(f"{base} answers for {source.repo}: {_first_line(error)}: try again later") from error
    # The classes of requests in older versions of the hub's library, those of httpx in newer ones.
    except Exception as error:
        raise DownloadError(
            f"no connection to {base} ({_first_line(error)}): check the network, the proxy and HF_ENDPOINT"
        ) from error
    headers = {
        key: str(value)
        for key, value in build_hf_headers(library_name="sounddesk").items()
        if key.lower() == "authorization"
    }
    siblings = {sibling.rfilename: sibling for sibling in info.siblings or ()}
    if len(siblings) > _MOST_FILES or not all(isinstance(path, str) for path in siblings):
        raise DownloadError(f"{base} answers for {source.repo} with no list of files: check HF_ENDPOINT")
    wanted = wanted_paths(list(siblings), source.patterns)
    if not wanted or not info.sha or not _COMMIT.fullmatch(info.sha):
        raise DownloadError(f"{source.repo} at {base} holds none of the files {', '.join(source.patterns)}")
    files = tuple(
        HubFile(
            path=path,
            remote=Remote(
                url=hf_hub_url(source.repo, path, revision=info.sha, endpoint=base),
                headers={
                    key: value for key, value in headers.items() if key.lower() in ("authorization", "user-agent")
                },
            ),
            expected=_expected(siblings[path], source),
        )
        for path in wanted
    )
    return HubListing(commit=info.sha, files=files)


def wanted_paths(paths: Sequence[str], patterns: Sequence[str]) -> list[str]:
    """Those that match a pattern and hold data: safetensors rather than a pickle of the same, in full precision.

    Raises:
        DownloadError: a path leads out of its folder.
    """
    matching = []
    for path in paths:
        if not any(fnmatchcase(path, pattern) for pattern in patterns):
            continue
        if not safe_relative_path(path):
            raise DownloadError(f"the hub names a file {path!r}, which leads out of its folder: do not use that server")
        name = PurePosixPath(path).name
        if not any(variant in name for variant in _VARIANTS):
            matching.append(path)
    safe = {PurePosixPath(path).parent for path in matching if path.endswith(".safetensors")}
    return [
        path
        for path in matching
        if path.endswith(_DATA_SUFFIXES) or (path.endswith(PICKLE_SUFFIXES) and PurePosixPath(path).parent not in safe)
    ]


def cached_file(source: HubSource, path: str, *, commit: str) -> Path | None:
    """The file in the cache that the hub's programs share, if it is there; its content is not checked."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(source.repo, path, revision=commit, cache_dir=os.environ.get("HF_HUB_CACHE"))
    return Path(found) if isinstance(found, str) else None


def cached_listing(source: HubSource) -> HubListing:
    """The wanted files as the shared cache has them, for work without a network.

    The hashes are those by which the cache names its contents (git's for small files, sha256 for large ones).

    Raises:
        DownloadError: the cache does not hold them.
    """
    from huggingface_hub import snapshot_download

    try:
        folder = Path(
            snapshot_download(
                source.repo,
                revision=source.revision,
                allow_patterns=list(source.patterns),
                local_files_only=True,
                cache_dir=os.environ.get("HF_HUB_CACHE"),
            )
        )
    # Its own classes differ between versions; whichever it is, the files are not there.
    except Exception as error:
        raise DownloadError(
            f"offline, and {source.repo} is not in the shared cache: go online, or copy the cache of another machine"
        ) from error
    present = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file()]
    wanted = wanted_paths(present, source.patterns)
    if not wanted:
        raise DownloadError(f"offline, and the shared cache holds none of the wanted files of {source.repo}")
    files = tuple(
        HubFile(
            path=path,
            remote=Remote(url=(folder / path).resolve().as_uri()),
            expected=_expected_of_blob((folder / path).resolve()),
        )
        for path in wanted
    )
    return HubListing(commit=folder.name, files=files)


def _expected_of_blob(blob: Path) -> Expected:
    name, n_bytes = blob.name, blob.stat().st_size
    hexadecimal = not set(name) - set("0123456789abcdef")
    return Expected(
        bytes=n_bytes,
        sha256=name if hexadecimal and len(name) == 64 else None,
        git_sha1=name if hexadecimal and len(name) == 40 else None,
    )


def _expected(sibling: Any, source: HubSource) -> Expected:
    # Dict or object, by the version of the library.
    lfs = sibling.lfs
    sha256 = None if lfs is None else lfs.get("sha256") if isinstance(lfs, dict) else lfs.sha256
    git_sha1 = None if lfs is not None else sibling.blob_id
    named = _COMMIT.fullmatch(str(git_sha1)) if lfs is None else _SHA256.fullmatch(str(sha256))
    if not isinstance(sibling.size, int) or not 0 <= sibling.size <= _MOST_BYTES or named is None:
        raise DownloadError(
            f"the hub names no length and hash of {sibling.rfilename} in {source.repo}: try again later"
        )
    return Expected(bytes=sibling.size, sha256=sha256, git_sha1=git_sha1)


def _first_line(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[0][:200] if text else type(error).__name__

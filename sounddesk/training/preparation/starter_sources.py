"""Where the starter's pictures and recordings come from, and how packages are fetched.

Packages come through the ordinary clients (``apt-get download`` and ``dpkg-deb -x``,
``npm pack``), pinned by version and hash. A folder that already holds them unpacked is
used as it is, so a build works without network and without these clients.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import tarfile
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from typing import Literal
from typing import cast

import yaml

from sounddesk.domain.errors import BadInputError
from sounddesk.training.preparation.member_readers import MemberReader
from sounddesk.training.preparation.member_readers import ReaderKind
from sounddesk.training.preparation.member_readers import open_reader

_HASH_BLOCK_BYTES = 1 << 20
_FETCH_TIMEOUT_S = 3600


Registry = Literal["debian", "npm", "pypi"]


class SourceError(BadInputError):
    """A source that is described wrongly, cannot be fetched, or is not what was pinned."""


@dataclass(frozen=True, kw_only=True)
class FileNote:
    """Licence and credit of some members, where they differ from the whole source."""

    match: tuple[str, ...]
    licence: str
    credit: str


@dataclass(frozen=True, kw_only=True)
class Source:
    """One package and how its members are read.

    ``licence`` is an SPDX expression that holds for every member without a note of its own.
    """

    name: str
    package: str
    registry: Registry
    version: str
    sha256: str
    reader: ReaderKind
    path: str
    prefix: str
    licence: str
    credit: str
    notes: tuple[FileNote, ...]

    @property
    def folder(self) -> str:
        """Name of the folder that holds the package unpacked."""
        return re.sub(r"[^A-Za-z0-9.+_-]+", "-", self.package).strip("-")

    def licence_of(self, member: str) -> tuple[str, str]:
        """Licence and credit of one member; the first note that matches decides."""
        for note in self.notes:
            if any(fnmatchcase(member, pattern) for pattern in note.match):
                return note.licence, note.credit
        return self.licence, self.credit


def load_sources(path: Path) -> dict[str, Source]:
    """Reads the table of sources; raises `SourceError` naming the entry that is wrong."""
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(raw, dict):
        raise SourceError(f"{path.name} must map source names to packages")
    return {name: _source(name, entry) for name, entry in raw.items()}


def _source(name: str, entry: Mapping[str, Any]) -> Source:
    try:
        notes = tuple(
            FileNote(match=tuple(note["match"]), licence=note["licence"], credit=note["credit"])
            for note in entry.get("notes", ())
        )
        return Source(
            name=name,
            package=entry["package"],
            registry=cast(Registry, entry["registry"]),
            version=str(entry["version"]),
            sha256=entry["sha256"],
            reader=cast(ReaderKind, entry["reader"]),
            path=entry["path"],
            prefix=entry.get("prefix", ""),
            licence=entry["licence"],
            credit=entry["credit"],
            notes=notes,
        )
    except (KeyError, TypeError) as error:
        raise SourceError(f"source {name!r} lacks the key {error}") from error


class SourceLibrary:
    """Opens sources, fetching the packages that are not there yet.

    ``folder`` holds ``trees/PACKAGE`` (unpacked) and ``archives`` (as downloaded).
    """

    def __init__(self, sources: Mapping[str, Source], *, folder: Path, fetch: bool = True) -> None:
        self._sources = sources
        # The clients that fetch and unpack run in this folder, so a relative one would mean another place to them.
        self._folder = folder.resolve()
        self._fetch = fetch
        self._readers: dict[str, MemberReader] = {}

    def source(self, name: str) -> Source:
        try:
            return self._sources[name]
        except KeyError:
            known = ", ".join(sorted(self._sources))
            raise SourceError(f"unknown source {name!r}; known are {known}") from None

    def reader(self, name: str) -> MemberReader:
        """The reader of one source; fetches and unpacks its package at first use."""
        if name not in self._readers:
            source = self.source(name)
            tree = self._folder / "trees" / source.folder
            if not tree.is_dir():
                if not self._fetch:
                    raise SourceError(f"{tree} is missing; put the unpacked package {source.package} there")
                self._unpack(source, tree)
            self._readers[name] = open_reader(kind=source.reader, path=tree / source.path, prefix=source.prefix)
        return self._readers[name]

    def _unpack(self, source: Source, tree: Path) -> None:
        archive = self._archive(source)
        tree.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=tree.parent) as scratch:
            # Unpacked beside its place and renamed, so a half-unpacked tree never counts.
            target = Path(scratch) / "tree"
            target.mkdir()
            if source.registry == "debian":
                _run(["dpkg-deb", "-x", str(archive), str(target)], cwd=tree.parent)
            elif source.registry == "pypi":
                with zipfile.ZipFile(archive) as wheel:
                    wheel.extractall(target)
            else:
                with tarfile.open(archive) as packed:
                    # Python before 3.11.4 has no filters; the archive is the one whose sha256 is in the recipe.
                    if hasattr(tarfile, "data_filter"):
                        packed.extraction_filter = tarfile.data_filter
                    packed.extractall(target)
            target.rename(tree)

    def _archive(self, source: Source) -> Path:
        folder = self._folder / "archives"
        folder.mkdir(parents=True, exist_ok=True)
        for path in sorted(folder.iterdir()):
            if path.is_file() and file_sha256(path) == source.sha256:
                return path
        before = set(folder.iterdir())
        _run(_download_command(source), cwd=folder)
        for path in sorted(set(folder.iterdir()) - before):
            digest = file_sha256(path)
            if digest == source.sha256:
                return path
            raise SourceError(
                f"{path.name} has sha256 {digest}, expected {source.sha256}; the package changed, "
                f"so check it and its licences again before you pin the new hash"
            )
        raise SourceError(f"nothing was downloaded for {source.package} {source.version}")


def _download_command(source: Source) -> list[str]:
    if source.registry == "debian":
        return ["apt-get", "download", f"{source.package}={source.version}"]
    if source.registry == "pypi":
        return ["pip", "download", "--no-deps", "--only-binary", ":all:", f"{source.package}=={source.version}"]
    return ["npm", "pack", f"{source.package}@{source.version}"]


def file_sha256(path: Path) -> str:
    """Hash of a file, read in blocks."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_HASH_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _run(command: list[str], *, cwd: Path) -> None:
    if shutil.which(command[0]) is None:
        raise SourceError(
            f"{command[0]} is not installed, so packages cannot be fetched here; "
            f"unpack them elsewhere and give that folder as the sources folder"
        )
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=_FETCH_TIMEOUT_S, check=False)
    if done.returncode != 0:
        raise SourceError(f"'{' '.join(command)}' failed: {done.stderr.strip() or done.stdout.strip()}")

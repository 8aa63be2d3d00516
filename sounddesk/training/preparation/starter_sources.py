"""Where the starter's pictures and recordings come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from sounddesk.storage.codec import decode
from sounddesk.storage.packages import Package
from sounddesk.storage.packages import PackageCache
from sounddesk.storage.packages import PackageError
from sounddesk.storage.packages import PackageRegistry
from sounddesk.storage.text_formats import FieldError
from sounddesk.storage.text_formats import read_yaml
from sounddesk.training.preparation.member_readers import MemberReader
from sounddesk.training.preparation.member_readers import ReaderKind
from sounddesk.training.preparation.member_readers import open_reader


class SourceError(PackageError):
    """A source that is described wrongly or unknown."""


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
    registry: PackageRegistry
    version: str
    sha256: str
    reader: ReaderKind
    path: str
    licence: str
    credit: str
    prefix: str = ""
    notes: tuple[FileNote, ...] = ()

    @property
    def pinned(self) -> Package:
        """The package as it is fetched."""
        return Package(name=self.package, registry=self.registry, version=self.version, sha256=self.sha256)

    def licence_of(self, member: str) -> tuple[str, str]:
        """Licence and credit of one member; the first note that matches decides."""
        for note in self.notes:
            if any(fnmatchcase(member, pattern) for pattern in note.match):
                return note.licence, note.credit
        return self.licence, self.credit


def load_sources(path: Path) -> dict[str, Source]:
    """Reads the table of sources; raises `SourceError` naming the entry that is wrong."""
    raw = read_yaml(path)
    if not isinstance(raw, dict):
        raise SourceError(f"{path.name} must map source names to packages")
    return {str(name): _source(str(name), entry) for name, entry in raw.items()}


def _source(name: str, entry: Any) -> Source:
    try:
        found = decode(dict[str, Any], entry)
        # YAML takes '1.2' for a number.
        versioned = {**found, "version": str(found["version"])} if "version" in found else found
        return decode(Source, {**versioned, "name": name})
    except FieldError as error:
        raise SourceError(f"source {name!r}: {error}") from error


class SourceLibrary:
    """Opens sources, fetching the packages that are not there yet.

    ``folder`` holds ``trees/PACKAGE`` (unpacked) and ``archives`` (as downloaded).
    """

    def __init__(self, sources: Mapping[str, Source], *, folder: Path, fetch: bool = True) -> None:
        self._sources = sources
        self._packages = PackageCache(folder, fetch=fetch)
        self._readers: dict[str, MemberReader] = {}

    def source(self, name: str) -> Source:
        try:
            return self._sources[name]
        except KeyError:
            known = ", ".join(sorted(self._sources))
            raise SourceError(f"unknown source {name!r}; known are {known}") from None

    def reader(self, name: str) -> MemberReader:
        """The reader of one source; fetches and unpacks its package at first use. Raises: PackageError."""
        if name not in self._readers:
            source = self.source(name)
            tree = self._packages.tree(source.pinned)
            self._readers[name] = open_reader(kind=source.reader, path=tree / source.path, prefix=source.prefix)
        return self._readers[name]

"""What can be installed: typed entries read from `resources/catalogue.toml` and from the user's own catalogues."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from typing import Final
from typing import Literal
from urllib.parse import urlsplit

from sounddesk.domain.errors import BadInputError
from sounddesk.domain.errors import EngineError
from sounddesk.domain.limits import Pattern
from sounddesk.domain.limits import Range
from sounddesk.domain.limits import Sha256
from sounddesk.engine.licence import Licence
from sounddesk.engine.verified_files import safe_relative_path
from sounddesk.resources_folder import resource
from sounddesk.storage.codec import load
from sounddesk.storage.path_text import user_data_folder
from sounddesk.storage.text_formats import FieldError
from sounddesk.storage.text_formats import read_toml

SCHEMA_VERSION: Final = 1
CATALOGUE_FILE: Final = "catalogue.toml"

ModelKind = Literal[
    "segmenter",
    "prompter",
    "image_encoder",
    "text_encoder",
    "audio_model",
    "text_engine",
    "captioner",
    "tagger",
    "embedding",
]

_ID: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


class CatalogueError(BadInputError, EngineError):
    """A catalogue or an entry that cannot be used; the message names the place and the remedy."""


@dataclass(frozen=True, kw_only=True)
class RemoteFile:
    """One file to fetch from a plain address.

    Attributes:
        name: its name once it is here, a plain relative path.
        url: http or https.
        bytes: length, where it is known.
        sha256: lower-case hex, where it is known.
        md5: lower-case hex, where only that was published.
    """

    name: str
    url: str
    bytes: Annotated[int, Range(1, 1 << 43)] | None = None
    sha256: Sha256 | None = None
    md5: Annotated[str, Pattern("[0-9a-f]{32}", "32 hexadecimal digits")] | None = None

    def __post_init__(self) -> None:
        if not safe_relative_path(self.name):
            raise ValueError(f"name is {self.name!r}: only a plain relative path is allowed")
        if urlsplit(self.url).scheme not in ("http", "https"):
            raise ValueError(f"url is {self.url!r}: only http and https are allowed")


@dataclass(frozen=True, kw_only=True)
class HubSource:
    """A repository of the hub.

    Attributes:
        repo: 'owner/name'.
        revision: branch, tag or commit.
        patterns: which files are wanted, as `fnmatch` patterns; `*` also crosses folders.
    """

    repo: Annotated[str, Pattern("[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*", "'owner/name'")]
    revision: str
    patterns: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.patterns:
            raise ValueError("patterns is empty: name the files that are wanted")


@dataclass(frozen=True, kw_only=True)
class CatalogueEntry:
    """One model that can be installed.

    Attributes:
        id: short name, unique in all catalogues.
        name: for a reader.
        purpose: what it is for, one line.
        memory_gb: weights in memory in float32, in 10^9 bytes; None where it is not known.
        hub: where it lies, if on the hub.
        files: where it lies, if elsewhere.
        catalogue: file that lists it.
    """

    id: str
    name: str
    kind: ModelKind
    purpose: str
    licence: Licence
    catalogue: Path
    memory_gb: float | None = None
    hub: HubSource | None = None
    files: tuple[RemoteFile, ...] = ()

    @property
    def known_bytes(self) -> int | None:
        """Length of the download, where the catalogue knows it."""
        sizes = [file.bytes for file in self.files]
        if not sizes or None in sizes:
            return None
        return sum(size for size in sizes if size is not None)

    @property
    def origin(self) -> str:
        """Where it comes from, for a reader."""
        if self.hub is not None:
            return f"{self.hub.repo} ({self.hub.revision})"
        return urlsplit(self.files[0].url).netloc


def user_catalogues_folder() -> Path:
    """Where catalogues that the user added are kept."""
    return user_data_folder() / "catalogues"


def load_catalogue(
    *, user_folder: Path | None = None, on_problem: Callable[[str], None] | None = None
) -> dict[str, CatalogueEntry]:
    """Every entry by its id: those that ship with sounddesk, then the user's catalogues by file name.

    Args:
        on_problem: told what is wrong with one of the user's catalogues, which is then left out.

    Raises:
        CatalogueError: without `on_problem`, a catalogue is not readable or wrong, or two entries have one id.
    """
    folder = user_catalogues_folder() if user_folder is None else user_folder
    entries: dict[str, CatalogueEntry] = {}
    add_entries(entries, read_catalogue(resource(CATALOGUE_FILE)))
    for path in sorted(folder.glob("*.toml")) if folder.is_dir() else ():
        try:
            add_entries(entries, read_catalogue(path))
        except CatalogueError as error:
            if on_problem is None:
                raise
            on_problem(str(error))
    return entries


def add_entries(entries: dict[str, CatalogueEntry], more: Iterable[CatalogueEntry]) -> None:
    """Put all of `more` into `entries`, or none. Raises: CatalogueError, for an id that is there already."""
    more = list(more)
    for entry in more:
        if entry.id in entries:
            raise CatalogueError(
                f"{entry.catalogue}: {entry.id!r} is also in {entries[entry.id].catalogue}: rename one of them"
            )
    entries.update((entry.id, entry) for entry in more)


def find_entry(entries: dict[str, CatalogueEntry], model_id: str) -> CatalogueEntry:
    """Raises: CatalogueError, which lists the ids there are."""
    try:
        return entries[model_id]
    except KeyError:
        raise CatalogueError(f"there is no model {model_id!r}: choose one of {', '.join(entries)}") from None


def check_id(model_id: str) -> None:
    """Raises: CatalogueError, for an id that could not be the name of a folder everywhere."""
    if not _ID.fullmatch(model_id):
        raise CatalogueError(f"the id {model_id!r} is not usable: use 1 to 64 of a-z, 0-9, '.', '_' and '-'")


def read_catalogue(path: Path) -> list[CatalogueEntry]:
    """The entries of one catalogue file.

    Raises:
        CatalogueError: not readable, not TOML, or with a wrong, missing or unknown key (named in the message).
    """
    try:
        table = load(_Catalogue, path, read=read_toml)
    except OSError as error:
        raise CatalogueError(f"catalogue {path} cannot be read ({error.strerror}): check the path") from error
    except FieldError as error:
        raise CatalogueError(f"catalogue {error}", remedy="correct it") from error
    return [_entry(row, path) for row in table.model]


@dataclass(frozen=True, kw_only=True)
class _EntryTable:
    """An entry as the file has it."""

    id: str
    name: str
    kind: ModelKind
    purpose: str
    licence: Licence
    memory_gb: Annotated[float, Range(low=0)] | None = None
    hub: HubSource | None = None
    files: tuple[RemoteFile, ...] = ()

    def __post_init__(self) -> None:
        check_id(self.id)
        if (self.hub is None) == (not self.files):
            raise ValueError(f"id {self.id!r} needs either 'hub' or 'files'")
        doubled = [name for name, count in Counter(file.name for file in self.files).items() if count > 1]
        if doubled:
            raise ValueError(f"files names {doubled[0]!r} twice")


@dataclass(frozen=True, kw_only=True)
class _Catalogue:
    schema_version: Annotated[int, Range(SCHEMA_VERSION, SCHEMA_VERSION)]
    model: tuple[_EntryTable, ...]


def _entry(table: _EntryTable, path: Path) -> CatalogueEntry:
    return CatalogueEntry(
        id=table.id,
        name=table.name,
        kind=table.kind,
        purpose=table.purpose,
        licence=table.licence,
        memory_gb=table.memory_gb,
        hub=table.hub,
        files=table.files,
        catalogue=path,
    )

"""What can be installed: typed entries read from `resources/catalogue.toml` and from the user's own catalogues."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Final
from typing import Literal
from typing import get_args
from urllib.parse import urlsplit

import platformdirs

from sounddesk.domain.errors import BadInputError
from sounddesk.domain.errors import EngineError
from sounddesk.domain.json_fields import FieldError
from sounddesk.domain.json_fields import Fields
from sounddesk.engine.licence import CommercialUse
from sounddesk.engine.licence import Licence
from sounddesk.engine.verified_files import safe_relative_path
from sounddesk.resources_folder import resource

SCHEMA_VERSION: Final = 1
CATALOGUE_FILE: Final = "catalogue.toml"

ModelKind = Literal[
    "segmenter",
    "image_encoder",
    "text_encoder",
    "audio_model",
    "text_engine",
    "captioner",
    "tagger",
    "embedding",
]

_ID: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_REPO: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*")
_MD5: Final = re.compile(r"[0-9a-f]{32}")
_MAX_BYTES: Final = 1 << 43


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
    bytes: int | None = None
    sha256: str | None = None
    md5: str | None = None


@dataclass(frozen=True, kw_only=True)
class HubSource:
    """A repository of the hub.

    Attributes:
        repo: 'owner/name'.
        revision: branch, tag or commit.
        patterns: which files are wanted, as `fnmatch` patterns; `*` also crosses folders.
    """

    repo: str
    revision: str
    patterns: tuple[str, ...]


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
    return platformdirs.user_data_path("sounddesk", appauthor=False) / "catalogues"


def load_catalogue(*, user_folder: Path | None = None) -> dict[str, CatalogueEntry]:
    """Every entry by its id: those that ship with sounddesk, then the user's catalogues by file name.

    Raises:
        CatalogueError: a catalogue is not readable or wrong, or two entries have one id.
    """
    folder = user_catalogues_folder() if user_folder is None else user_folder
    paths = [resource(CATALOGUE_FILE), *(sorted(folder.glob("*.toml")) if folder.is_dir() else ())]
    entries: dict[str, CatalogueEntry] = {}
    for path in paths:
        add_entries(entries, read_catalogue(path))
    return entries


def add_entries(entries: dict[str, CatalogueEntry], more: Iterable[CatalogueEntry]) -> None:
    """Put `more` into `entries`. Raises: CatalogueError, for an id that is there already."""
    for entry in more:
        if entry.id in entries:
            raise CatalogueError(
                f"{entry.catalogue}: {entry.id!r} is also in {entries[entry.id].catalogue}: rename one of them"
            )
        entries[entry.id] = entry


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
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CatalogueError(f"catalogue {path} cannot be read ({error.strerror}): check the path") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CatalogueError(f"catalogue {path} is not TOML ({error}): correct it") from error
    try:
        return _entries(data, path)
    except FieldError as error:
        raise CatalogueError(f"catalogue {path}: {error}") from error


def _entries(data: dict[str, Any], path: Path) -> list[CatalogueEntry]:
    top = Fields(data)
    top.whole("schema_version", low=SCHEMA_VERSION, high=SCHEMA_VERSION)
    rows, keys = top.rows("model")
    entries = [_entry(rows.fields(key), path) for key in keys]
    top.rest(allowed=False)
    return entries


def _entry(fields: Fields, path: Path) -> CatalogueEntry:
    model_id = fields.text("id")
    check_id(model_id)
    kind: Any = fields.choice("kind", get_args(ModelKind))
    hub = _hub(fields.fields("hub")) if "hub" in fields else None
    files = _files(fields) if "files" in fields else ()
    if (hub is None) == (not files):
        raise FieldError(f"{fields.place('id')} {model_id!r} needs either 'hub' or 'files'")
    entry = CatalogueEntry(
        id=model_id,
        name=fields.text("name"),
        kind=kind,
        purpose=fields.text("purpose"),
        licence=read_licence(fields.fields("licence")),
        memory_gb=fields.number("memory_gb", low=0) if "memory_gb" in fields else None,
        hub=hub,
        files=files,
        catalogue=path,
    )
    fields.rest(allowed=False)
    return entry


def read_licence(fields: Fields) -> Licence:
    """Licence of a catalogue entry or of an installed model's record. Raises: FieldError."""
    commercial: Any = fields.choice("commercial", get_args(CommercialUse))
    licence = Licence(
        name=fields.text("name"),
        commercial=commercial,
        spdx=fields.optional_text("spdx") if "spdx" in fields else None,
        note=fields.text("note") if "note" in fields else "",
        url=fields.optional_text("url") if "url" in fields else None,
    )
    fields.rest(allowed=False)
    return licence


def _hub(fields: Fields) -> HubSource:
    source = HubSource(
        repo=fields.text("repo"), revision=fields.text("revision"), patterns=tuple(fields.texts("patterns"))
    )
    if not _REPO.fullmatch(source.repo):
        raise FieldError(f"{fields.place('repo')} is {source.repo!r}: write 'owner/name'")
    if not source.patterns:
        raise FieldError(f"{fields.place('patterns')} is empty: name the files that are wanted")
    fields.rest(allowed=False)
    return source


def _files(fields: Fields) -> tuple[RemoteFile, ...]:
    rows, keys = fields.rows("files")
    files = tuple(_file(rows.fields(key)) for key in keys)
    _check_unique([file.name for file in files], fields.place("files"))
    return files


def _file(fields: Fields) -> RemoteFile:
    file = RemoteFile(
        name=fields.text("name"),
        url=fields.text("url"),
        bytes=fields.whole("bytes", low=1, high=_MAX_BYTES) if "bytes" in fields else None,
        sha256=fields.sha256("sha256") if "sha256" in fields else None,
        md5=fields.text("md5") if "md5" in fields else None,
    )
    if not safe_relative_path(file.name):
        raise FieldError(f"{fields.place('name')} is {file.name!r}: only a plain relative path is allowed")
    if urlsplit(file.url).scheme not in ("http", "https"):
        raise FieldError(f"{fields.place('url')} is {file.url!r}: only http and https are allowed")
    if file.md5 is not None and not _MD5.fullmatch(file.md5):
        raise FieldError(f"{fields.place('md5')} is {file.md5!r}: expected 32 hexadecimal digits")
    fields.rest(allowed=False)
    return file


def _check_unique(names: Sequence[str], place: str) -> None:
    for name in names:
        if names.count(name) > 1:
            raise FieldError(f"{place} names {name!r} twice")

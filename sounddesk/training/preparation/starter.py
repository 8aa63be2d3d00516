"""Builds the starter's data set: pictures, recordings and backgrounds from open packages.

The result is a folder with ``recordings/KIND/ID.flac`` (mono, 16 kHz), ``pictures/KIND/ID.png``
(cut-outs with alpha), ``backgrounds/ID.jpg``, ``table.csv`` (origin and licence of every
file) and ``kinds.json``. A build that was stopped goes on where it ended: `journal.jsonl`
holds the row of every finished file.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import replace
from pathlib import Path

from sounddesk.domain.errors import BadInputError
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.tasks import StageReporter
from sounddesk.resources_folder import resource
from sounddesk.storage.own_file import append_text
from sounddesk.storage.rcc_archive import RccError
from sounddesk.storage.text_formats import parse_json
from sounddesk.training.preparation.formats.opensfx_cat import CatError
from sounddesk.training.preparation.formats.soundfont import SoundFontError
from sounddesk.training.preparation.member_readers import MemberError
from sounddesk.training.preparation.member_readers import expand
from sounddesk.training.preparation.picture_cutting import PictureError
from sounddesk.training.preparation.picture_cutting import cut_picture
from sounddesk.training.preparation.picture_cutting import encode_jpeg
from sounddesk.training.preparation.picture_cutting import encode_png
from sounddesk.training.preparation.picture_cutting import make_background
from sounddesk.training.preparation.recording_cleaning import SAMPLE_RATE_HZ
from sounddesk.training.preparation.recording_cleaning import RecordingError
from sounddesk.training.preparation.recording_cleaning import clean_recording
from sounddesk.training.preparation.recording_cleaning import encode_flac
from sounddesk.training.preparation.starter_recipe import KindRecipe
from sounddesk.training.preparation.starter_recipe import Reference
from sounddesk.training.preparation.starter_recipe import Role
from sounddesk.training.preparation.starter_recipe import load_backgrounds
from sounddesk.training.preparation.starter_recipe import load_kinds
from sounddesk.training.preparation.starter_sources import SourceLibrary
from sounddesk.training.preparation.starter_sources import load_sources
from sounddesk.training.preparation.starter_splits import held_out_pictures
from sounddesk.training.preparation.starter_splits import held_out_recordings
from sounddesk.training.preparation.starter_splits import validation_part
from sounddesk.training.preparation.starter_table import KINDS_NAME
from sounddesk.training.preparation.starter_table import TABLE_NAME
from sounddesk.training.preparation.starter_table import Split
from sounddesk.training.preparation.starter_table import TableRow
from sounddesk.training.preparation.starter_table import row_from
from sounddesk.training.preparation.starter_table import write_kinds
from sounddesk.training.preparation.starter_table import write_table
from sounddesk.training.preparation.starter_table import write_whole

JOURNAL_NAME = "journal.jsonl"

# Raised when the same member would give other bytes; a journal of another version is not used.
_PROCESSING_VERSION = 2
_HASH_LETTERS = 12
_MOST_PROBLEMS_SHOWN = 20
_UNUSABLE = (MemberError, PictureError, RecordingError, RccError, CatError, SoundFontError)


class StarterError(BadInputError):
    """Some members could not be used; the message lists them. All others are finished."""


@dataclass(frozen=True, kw_only=True)
class PreparedSummary:
    """What was built: counts, the length of all recordings in seconds, and where it is."""

    out_dir: Path
    kinds: int
    recordings: int
    pictures: int
    backgrounds: int
    audio_s: float


@dataclass(frozen=True, kw_only=True)
class _Item:
    """One file to build from a package with the hash ``pinned``."""

    kind: str
    role: Role
    reference: Reference
    id: str
    pinned: str
    split: Split
    rate_hz: int = SAMPLE_RATE_HZ

    @property
    def suffix(self) -> str:
        return {"recording": "flac", "picture": "png", "background": "jpg"}[self.role]

    @property
    def path(self) -> str:
        folder = f"{self.role}s" if self.role == "background" else f"{self.role}s/{self.kind}"
        return f"{folder}/{self.id}.{self.suffix}"

    @property
    def key(self) -> str:
        """What the file depends on; equal keys give equal files."""
        key = f"{_PROCESSING_VERSION}|{self.pinned}|{self.path}|{reference_name(self.reference)}"
        return key if self.rate_hz == SAMPLE_RATE_HZ else f"{key}|{self.rate_hz}"


def prepare_starter(
    out_dir: Path,
    *,
    sources_dir: Path | None = None,
    recipe_dir: Path | None = None,
    fetch: bool = True,
    recordings_hz: int | None = None,
    progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
) -> PreparedSummary:
    """Builds or completes the set in ``out_dir``.

    ``sources_dir`` keeps the packages (default: ``sources`` inside ``out_dir``); with
    ``fetch`` False nothing is downloaded. With ``recordings_hz`` only the recordings are built, at that
    sample rate. Raises: StarterError listing members that cannot
    be used, PackageError for packages, StarterRecipeError for the tables, Cancelled.
    """
    recipe_dir = recipe_dir or resource("recipes/starter")
    sources = load_sources(recipe_dir / "sources.yaml")
    kinds = load_kinds(recipe_dir / "kinds.yaml")
    backgrounds = load_backgrounds(recipe_dir / "backgrounds.yaml")
    library = SourceLibrary(sources, folder=sources_dir or out_dir / "sources", fetch=fetch)
    problems: list[str] = []
    items: list[_Item] = []
    for recipe in kinds:
        items += _kind_items(recipe, library, problems)
    items += _background_items(backgrounds.pictures, backgrounds.test, library, problems)
    if recordings_hz is not None:
        items = [replace(item, rate_hz=recordings_hz) for item in items if item.role == "recording"]
    out_dir.mkdir(parents=True, exist_ok=True)
    finished = _read_journal(out_dir)
    rows: list[TableRow] = []
    with append_text(out_dir / JOURNAL_NAME) as journal:
        reporter = StageReporter(stage="starter", total=len(items), on_progress=progress, cancel=cancel)
        for number, item in enumerate(items, start=1):
            row = finished.get(item.key)
            if row is None:
                try:
                    row = _build(item, library, out_dir)
                except _UNUSABLE as error:
                    problems.append(f"{item.kind}: {error}")
                    reporter.step(number)
                    continue
                journal.write(json.dumps({"key": item.key, "row": asdict(row)}) + "\n")
                journal.flush()
            rows.append(_current(row, item, library))
            reporter.step(number)
    _remove_unexpected_files(out_dir, {row.path for row in rows})
    write_table(out_dir / TABLE_NAME, rows)
    write_kinds(out_dir / KINDS_NAME, kinds)
    if problems:
        shown = "\n".join(problems[:_MOST_PROBLEMS_SHOWN])
        raise StarterError(f"{len(problems)} members cannot be used; correct the recipe:\n{shown}")
    return PreparedSummary(
        out_dir=out_dir,
        kinds=len(kinds),
        recordings=sum(row.role == "recording" for row in rows),
        pictures=sum(row.role == "picture" for row in rows),
        backgrounds=sum(row.role == "background" for row in rows),
        audio_s=sum(row.duration_s or 0.0 for row in rows),
    )


def reference_name(reference: Reference) -> str:
    """``SOURCE:MEMBER`` with the part of it that is used; names a file of the set in recipes."""
    name = f"{reference.source}:{reference.member}"
    if reference.section_s is not None:
        name += "#{:g}-{:g}".format(*reference.section_s)
    if reference.box is not None:
        name += "#{:g},{:g},{:g},{:g}".format(*reference.box)
    return name if reference.cut is None else f"{name}|{reference.cut}"


def _kind_items(recipe: KindRecipe, library: SourceLibrary, problems: list[str]) -> Iterator[_Item]:
    recordings = _expanded(recipe.kind, recipe.recordings, library, problems)
    origins = {reference_name(r): f"{r.source}:{r.member}" for r in recordings}
    parts = _Parts.of(origins, held_out_recordings(origins, recipe.test))
    yield from (_item(recipe.kind, "recording", r, library, parts) for r in recordings)
    pictures = _expanded(recipe.kind, recipe.pictures, library, problems)
    origins = {reference_name(r): f"{r.source}:{r.member}" for r in pictures}
    parts = _Parts.of(origins, held_out_pictures(list(origins), recipe.test))
    yield from (_item(recipe.kind, "picture", r, library, parts) for r in pictures)
    # Left out of the drawing above, whatever their hash.
    known = {reference_name(r) for r in pictures}
    added = _expanded(recipe.kind, recipe.train_pictures, library, problems)
    nothing = _Parts(test=frozenset(), validation=frozenset())
    yield from (_item(recipe.kind, "picture", r, library, nothing) for r in added if reference_name(r) not in known)


def _background_items(
    pictures: Sequence[Reference], test: Sequence[str], library: SourceLibrary, problems: list[str]
) -> Iterator[_Item]:
    references = _expanded("backgrounds", pictures, library, problems)
    origins = {reference_name(r): f"{r.source}:{r.member}" for r in references}
    parts = _Parts.of(origins, held_out_pictures(list(origins), test))
    yield from (_item("", "background", r, library, parts) for r in references)


@dataclass(frozen=True, kw_only=True)
class _Parts:
    """Names that are kept apart from training."""

    test: frozenset[str]
    validation: frozenset[str]

    @classmethod
    def of(cls, origins: Mapping[str, str], test: set[str]) -> _Parts:
        return cls(test=frozenset(test), validation=frozenset(validation_part(origins, test)))

    def split_of(self, name: str) -> Split:
        if name in self.test:
            return "test"
        return "validation" if name in self.validation else "train"


def _item(kind: str, role: Role, reference: Reference, library: SourceLibrary, parts: _Parts) -> _Item:
    name = reference_name(reference)
    # Readable, and still different for members of the same name in different folders.
    stem = re.sub(r"[^a-z0-9]+", "-", Path(reference.member).stem.lower()).strip("-")[:40] or "x"
    digest = hashlib.sha256(name.encode()).hexdigest()[:6]
    return _Item(
        kind=kind,
        role=role,
        reference=reference,
        id=f"{reference.source}-{stem}-{digest}",
        pinned=library.source(reference.source).sha256[:_HASH_LETTERS],
        split=parts.split_of(name),
    )


def _expanded(
    kind: str, references: Sequence[Reference], library: SourceLibrary, problems: list[str]
) -> list[Reference]:
    """The references with patterns replaced by members, each once; optional ones only if present."""
    found: dict[str, Reference] = {}
    for reference in references:
        reader = library.reader(reference.source)
        try:
            members = expand(reader, reference.member)
            if reference.optional:
                reader.read(reference.member)
        except MemberError as error:
            if not reference.optional:
                problems.append(f"{kind}: {reference.source}: {error}")
            continue
        for member in members:
            one = replace(reference, member=member, optional=False)
            found.setdefault(reference_name(one), one)
    return list(found.values())


def _current(row: TableRow, item: _Item, library: SourceLibrary) -> TableRow:
    """The row with what the recipe says now, as a finished file may be older than the recipe."""
    source = library.source(item.reference.source)
    licence, credit = source.licence_of(item.reference.member)
    return replace(
        row,
        split=item.split,
        version=source.version,
        licence=licence,
        credit=row.credit if source.reader in ("cat", "furniture") else credit,
    )


def _build(item: _Item, library: SourceLibrary, out_dir: Path) -> TableRow:
    reference = item.reference
    source = library.source(reference.source)
    member = library.reader(reference.source).read(reference.member)
    name = reference_name(reference)
    duration_s: float | None = None
    source_rate_hz: int | None = None
    if item.role == "recording":
        recording = clean_recording(member.data, name=name, section_s=reference.section_s, sample_rate_hz=item.rate_hz)
        content = encode_flac(recording)
        duration_s, source_rate_hz = round(recording.duration_s, 3), recording.source_rate_hz
    elif item.role == "picture":
        content = encode_png(cut_picture(member.data, name=name, cut=reference.cut or "alpha", box=reference.box))
    else:
        content = encode_jpeg(make_background(member.data, name=name, box=reference.box))
    write_whole(out_dir / item.path, content)
    licence, credit = source.licence_of(reference.member)
    return TableRow(
        kind=item.kind,
        role=item.role,
        id=item.id,
        path=item.path,
        split=item.split,
        source=source.name,
        package=source.package,
        version=source.version,
        member=name.partition(":")[2],
        source_sha256=hashlib.sha256(member.data).hexdigest(),
        sha256=hashlib.sha256(content).hexdigest(),
        licence=licence,
        credit=member.credit or credit,
        duration_s=duration_s,
        source_rate_hz=source_rate_hz,
    )


def _read_journal(out_dir: Path) -> dict[str, TableRow]:
    """Rows of finished files that are still there; a line cut off by a crash is left out."""
    path = out_dir / JOURNAL_NAME
    if not path.is_file():
        return {}
    rows: dict[str, TableRow] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            entry = parse_json(line)
            row = row_from(entry["row"])
        except (ValueError, KeyError, TypeError):
            continue
        if (out_dir / row.path).is_file():
            rows[entry["key"]] = row
    return rows


def _remove_unexpected_files(out_dir: Path, known: set[str]) -> None:
    """Deletes files of an earlier recipe, so that a folder never holds more than its table."""
    for folder in ("recordings", "pictures", "backgrounds"):
        for path in sorted((out_dir / folder).rglob("*"), reverse=True):
            if path.is_dir():
                _ignore_missing(path.rmdir)
            elif path.relative_to(out_dir).as_posix() not in known:
                path.unlink()


def _ignore_missing(remove: Callable[[], None]) -> None:
    try:
        remove()
    except OSError:
        # Not empty: it holds files of the set.
        return

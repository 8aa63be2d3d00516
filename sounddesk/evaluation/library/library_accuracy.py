"""Do objects find their recordings? `sounddesk evaluate library`.

Scenes are composed of pictures. The library holds real recordings, named as their makers named them, out of whose
folders the kinds cannot be read. An object is asked about by its mask alone: nobody has named it. Objects of kinds that
the library has no recording of are not asked about.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Final

from sounddesk.domain.recordings import FoundEvent
from sounddesk.engine.library.object_conditions import object_query
from sounddesk.engine.library.scan import LibraryEars
from sounddesk.engine.library.scan import ScanReport
from sounddesk.engine.library.search import LibrarySearch
from sounddesk.engine.library.search import ObjectQuery
from sounddesk.engine.session import EngineSession
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.tasks import StageReporter
from sounddesk.engine.types import ObjectRequest
from sounddesk.evaluation.evaluation_scenes import draw_scene
from sounddesk.evaluation.evaluation_scenes import read_backgrounds
from sounddesk.evaluation.library.head_learning import learn_head
from sounddesk.evaluation.library.head_learning import save_head
from sounddesk.evaluation.library.head_learning import unlearned_kinds
from sounddesk.evaluation.library.reference_library import ReferenceLibrary
from sounddesk.evaluation.library.reference_library import build_reference_library
from sounddesk.evaluation.metrics.bootstrap import bootstrap_interval
from sounddesk.evaluation.picture_folder import read_bundle_kinds
from sounddesk.evaluation.picture_folder import read_picture_folder
from sounddesk.evaluation.recordings.recording_folder import SplitChoice
from sounddesk.evaluation.recordings.recording_folder import read_recording_folder
from sounddesk.resources_folder import SHIPPED_BUNDLE

OBJECT_COUNTS: Final = (2, 3, 4)
AMONG: Final = 5
_ROWS: Final = (("names and sound", True, True), ("names alone", True, False), ("sound alone", False, True))


@dataclass(frozen=True, kw_only=True)
class FoundKinds:
    """What one object found: its kind, and those of the recordings, the best first."""

    kind: str
    found: tuple[str, ...]
    picture: int


@dataclass(frozen=True, kw_only=True)
class LibraryAccuracy:
    """Result of all objects by what recordings were known by, with intervals drawn by the kind of object."""

    bundle: str
    bundle_sha256: str
    scenes: int
    recordings: int
    kinds: int
    scan: ScanReport
    answers: dict[str, tuple[FoundKinds, ...]]

    def share(self, row: str, *, among: int) -> tuple[float, float, float]:
        """Share of objects of whose first recordings one is of the right kind, with its 95 % interval."""
        answers = self.answers[row]
        hits = [float(each.kind in each.found[:among]) for each in answers]
        kinds = sorted({each.kind for each in answers})
        low, high = bootstrap_interval(hits, [kinds.index(each.kind) for each in answers])
        return sum(hits) / len(hits), low, high

    def _text(self, row: str) -> str:
        first, among = self.share(row, among=1), self.share(row, among=AMONG)
        return (
            f"{row}: first {first[0]:.3f} (95 % interval {first[1]:.3f} to {first[2]:.3f}), "
            f"among five {among[0]:.3f} ({among[1]:.3f} to {among[2]:.3f})"
        )

    def line(self) -> str:
        objects = len(next(iter(self.answers.values())))
        return (
            f"right kind found for {objects} objects in {self.scenes} scenes, {self.recordings} recordings of "
            f"{self.kinds} kinds, bundle {self.bundle} {self.bundle_sha256[:12]}; {self._text(_ROWS[0][0])}"
        )

    def details(self) -> Sequence[str]:
        return [*(self._text(row) for row, _, _ in _ROWS[1:]), self.scan.line()]

    def to_json(self) -> dict[str, Any]:
        return {
            "measure": "library",
            "bundle": self.bundle,
            "bundle_sha256": self.bundle_sha256,
            "scenes": self.scenes,
            "recordings": self.recordings,
            "kinds": self.kinds,
            "rows": {
                row: {"first": self.share(row, among=1), "among_five": self.share(row, among=AMONG)}
                for row, _, _ in _ROWS
            },
            "seconds_of_sound": round(self.scan.seconds, 2),
            "scan_s": round(self.scan.elapsed_s, 2),
            "answers": {row: [dataclasses.asdict(each) for each in answers] for row, answers in self.answers.items()},
        }


def run(
    pictures: Path,
    *,
    reference: Path,
    split: SplitChoice | None = None,
    scenes: int = 60,
    seed: int = 0,
    learn: Path | None = None,
    bundle: str | Path = SHIPPED_BUNDLE,
    backgrounds: Path | None = None,
    device: str = "auto",
    ears: LibraryEars | None = None,
    progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
) -> LibraryAccuracy:
    """Ask a library of real recordings for the objects of composed scenes.

    Args:
        pictures: KIND/*.png cut-outs, best ones that the bundle has not seen.
        reference: recordings by kind.
        split: which part of them; by default the test part.
        learn: first learn the classifier of kinds from the reference's training part, and write it there.

    Raises:
        BadInputError: pictures or recordings that cannot be used.
        EngineError: the bundle cannot be used.
        Cancelled: through `cancel`.
    """
    ears = ears or LibraryEars()
    if learn is not None:
        plain = LibraryEars(encoder=ears.encoder, kinds=unlearned_kinds(ears.encoder.width))
        trained = read_recording_folder(reference, split="train")
        save_head(learn_head(trained, ears=plain, progress=progress, cancel=cancel), learn)
    photographs = read_backgrounds(backgrounds) if backgrounds is not None else ()
    recordings = read_recording_folder(reference, split=split)
    heard = {each.kind for each in recordings}
    with (
        tempfile.TemporaryDirectory(prefix="sounddesk-library-") as folder,
        EngineSession.open(bundle=bundle, device=device) as session,
    ):
        kinds = [each.name for each in read_bundle_kinds(session.bundle)]
        cut_outs = read_picture_folder(pictures, kinds, only=heard).cut_outs
        built = build_reference_library(recordings, Path(folder), ears=ears, progress=progress, cancel=cancel)
        with built.library as library:
            searches = {
                row: LibrarySearch(library, ears.kinds, by_words=words, by_sound=sound) for row, words, sound in _ROWS
            }
            answers: dict[str, list[FoundKinds]] = {row: [] for row in searches}
            reporter = StageReporter(stage="scenes", total=scenes, on_progress=progress, cancel=cancel)
            for index in range(scenes):
                scene = draw_scene(cut_outs, counts=OBJECT_COUNTS, seed=seed, index=index, backgrounds=photographs)
                for kind, mask in zip(scene.kinds, scene.composed.masks, strict=True):
                    asked = ObjectRequest(name="", mask=mask, seed=0)
                    query = object_query(session, scene.composed.image, asked, by_user=False)
                    for row, search in searches.items():
                        answers[row].append(_answer(built, search, query, kind=kind, picture=index))
                reporter.step(index + 1)
        opened = session.bundle
    return LibraryAccuracy(
        bundle=opened.name,
        bundle_sha256=opened.sha256,
        scenes=scenes,
        recordings=len(recordings),
        kinds=len(heard),
        scan=built.report,
        answers={row: tuple(each) for row, each in answers.items()},
    )


def _answer(
    built: ReferenceLibrary, search: LibrarySearch, query: ObjectQuery, *, kind: str, picture: int
) -> FoundKinds:
    found: list[FoundEvent] = search.of_object(query, limit=AMONG)
    return FoundKinds(kind=kind, found=tuple(built.kind_of[each.recording.path] for each in found), picture=picture)

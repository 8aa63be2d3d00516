"""The paper's bundles by name: of installed models, or with random weights for a dry run at full size."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Final
from typing import Literal

from sounddesk.domain.errors import EngineError
from sounddesk.engine.bundles.bundle import RANDOM_SUFFIX
from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.engine.bundles.bundle_manifest import Heads
from sounddesk.engine.bundles.bundle_manifest import Inject
from sounddesk.engine.bundles.installed_bundles import user_bundles_folder
from sounddesk.engine.catalogue.model_store import require_model
from sounddesk.engine.catalogue.users import MODEL_USERS
from sounddesk.engine.catalogue.users import ModelUser
from sounddesk.engine.licence import Licence
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.types import RgbImage
from sounddesk.storage.leftovers import temporary_prefix

if TYPE_CHECKING:
    from sounddesk.engine.bundles.random_parts import PublishedShape
    from sounddesk.engine.models.image_encoder import ClipFeatures

PaperBundle = Literal["paper-s", "paper-m", "paper-l"]
# The sizes differ in the U-Net alone.
AUDIOLDM_IDS: Final[dict[str, str]] = {"paper-s": "audioldm-s", "paper-m": "audioldm-m", "paper-l": "audioldm-l"}
CLIP_ID: Final = "clip-vit-b-32"
MODEL_USERS.register(ModelUser(name="paper bundles", uses=lambda entry: entry.id in (*AUDIOLDM_IDS.values(), CLIP_ID)))
RANDOM_WARNING: Final = (
    "Random weights: what this bundle makes is noise and means nothing. It serves to try every stage at full size."
)


@dataclass(frozen=True, kw_only=True)
class AssemblySettings:
    """Choices of an assembly; see `assembly.assemble_bundle`.

    Attributes:
        grounding: a trained grounding, or a bundle that has one; 'texts' fits one on words alone, None makes a fresh
            one.
        features: CLIP's vectors of patches; None for those that suit the grounding.
        pictures: photographs by which 'texts' knows CLIP's images, sRGB uint8[H, W, 3] each.
        weight_storage: 'float32' takes the published files over byte for byte, 'float16' halves them.
    """

    grounding: Path | Literal["texts"] | None = None
    heads: Heads = "config"
    inject: Inject = "both"
    features: ClipFeatures | None = None
    pictures: Sequence[RgbImage] = ()
    weight_storage: Literal["float32", "float16"] = "float32"


def assemble_installed(
    name: str,
    *,
    settings: AssemblySettings,
    target: Path | None = None,
    audioldm: Path | None = None,
    clip: Path | None = None,
    overwrite: bool = False,
    models: Path | None = None,
    on_progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
) -> Bundle:
    """Assemble `name` of installed models, each file checked first, into `target` or the user's bundles.

    Args:
        audioldm, clip: folders to use instead of the installed models.

    Raises:
        EngineError: no such bundle, or a part is not installed, damaged or does not fit.
        FileExistsError: the bundle exists and `overwrite` is false.
        Cancelled: through `cancel`.
    """
    if name not in AUDIOLDM_IDS:
        raise EngineError(f"there is no bundle {name!r} to assemble: choose one of {', '.join(AUDIOLDM_IDS)}")
    place = user_bundles_folder() / name if target is None else target
    if place.exists() and not overwrite:
        raise FileExistsError(place)
    origins = {}
    folders = {}
    licence = None
    for role, model_id, given in (("audioldm", AUDIOLDM_IDS[name], audioldm), ("clip", CLIP_ID, clip)):
        if given is not None:
            # Its name alone: where it lies on this machine is nobody's business.
            folders[role], origins[role] = given, f"a folder {given.name!r}"
            continue
        model = require_model(model_id, folder=models)
        model.verify(on_progress=on_progress, cancel=cancel)
        folders[role], origins[role] = model.folder, model.origin
        if role == "audioldm":
            licence = model.licence
    from sounddesk.engine.bundles.assembly import AssemblyParts
    from sounddesk.engine.bundles.assembly import assemble_bundle

    parts = AssemblyParts(
        audioldm=folders["audioldm"],
        clip=folders["clip"],
        grounding=settings.grounding,
        licence=licence or audioldm_licence(),
        origins=origins,
        features=settings.features,
        pictures=settings.pictures,
    )
    return assemble_bundle(
        parts,
        place,
        name=name,
        heads=settings.heads,
        inject=settings.inject,
        weight_storage=settings.weight_storage,
        overwrite=overwrite,
        on_progress=on_progress,
        cancel=cancel,
    )


def audioldm_licence() -> Licence:
    """Terms of AudioLDM's weights, which a folder of them does not state."""
    from sounddesk.engine.catalogue.entries import load_catalogue

    return load_catalogue(on_problem=lambda _: None)[AUDIOLDM_IDS["paper-s"]].licence


def random_bundle(
    name: str,
    target: Path,
    *,
    shape: PublishedShape | None = None,
    seed: int = 0,
    grounding: Literal["texts"] | None = None,
    pictures: Sequence[RgbImage] = (),
    on_progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
) -> Bundle:
    """Write the bundle `name` with random weights to `target`; its name says so.

    Args:
        shape: other sizes than the published ones, for tests.
        grounding: 'texts' fits it on words, to try that step at full size; it needs `pictures`.

    Raises:
        EngineError: no such bundle.
    """
    if name not in AUDIOLDM_IDS:
        raise EngineError(f"{name!r} cannot have random weights: choose one of {', '.join(AUDIOLDM_IDS)}")
    from sounddesk.engine.bundles.assembly import AssemblyParts
    from sounddesk.engine.bundles.assembly import assemble_bundle
    from sounddesk.engine.bundles.random_parts import PAPER_SHAPES
    from sounddesk.engine.bundles.random_parts import write_random_audioldm
    from sounddesk.engine.bundles.random_parts import write_random_clip

    size = next(size for size in PAPER_SHAPES if name.endswith(f"-{size}"))
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=temporary_prefix(), dir=target.parent) as scratch:
        parts = Path(scratch)
        write_random_audioldm(parts / "audioldm", shape or PAPER_SHAPES[size], seed=seed)
        write_random_clip(parts / "clip", shape or PAPER_SHAPES[size], seed=seed)
        return assemble_bundle(
            AssemblyParts(
                audioldm=parts / "audioldm",
                clip=parts / "clip",
                grounding=grounding,
                pictures=pictures,
                licence=Licence(name="none needed: random numbers", commercial="yes"),
                origins={"all parts": f"random numbers of seed {seed}"},
            ),
            target,
            name=f"{name}{RANDOM_SUFFIX}",
            warning=RANDOM_WARNING,
            seed=seed,
            on_progress=on_progress,
            cancel=cancel,
        )


@contextmanager
def temporary_random_bundle(name: str) -> Iterator[Bundle]:
    """The bundle `name` with random weights, gone when the block ends (several gigabytes). Raises: EngineError."""
    with tempfile.TemporaryDirectory(prefix="sounddesk-") as folder:
        yield random_bundle(name, Path(folder) / f"{name}{RANDOM_SUFFIX}")

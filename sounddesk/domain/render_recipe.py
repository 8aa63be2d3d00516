"""The render recipe: all that is needed to make a render again. `storage.render_recipe_file` reads and writes it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from pathlib import Path
from typing import Annotated
from typing import Any
from typing import Final
from typing import Literal

from sounddesk.domain.grounding_mode import GroundingMode
from sounddesk.domain.levels import check_gain_db
from sounddesk.domain.limits import GainDb
from sounddesk.domain.limits import PixelSize
from sounddesk.domain.limits import Range
from sounddesk.domain.limits import Seed
from sounddesk.domain.limits import Sha256
from sounddesk.domain.preset import PresetName
from sounddesk.domain.scene import check_unique_names
from sounddesk.domain.seeds import check_seed
from sounddesk.domain.selection import Selection
from sounddesk.domain.selection import split_mask_reference

FORMAT: Final = "sounddesk-render"
VERSION: Final = "1.0"

RecipeKind = Literal["object", "ambience", "blend"]
WavFormat = Literal["PCM_16", "PCM_24", "FLOAT"]
Extra = Mapping[str, Any]

_OMITTED: Final = {"omit_default": True}

# The frames of a batch: two folders up from the recipe, and one down.
_MOST_UP: Final = 2
_MOST_DOWN: Final = 2


@dataclass(frozen=True, kw_only=True)
class ImageReference:
    """The image: path as given (or relative to the recipe), SHA-256 of the file, size in pixels once upright."""

    path: str
    sha256: Sha256
    width: PixelSize
    height: PixelSize
    extra: Extra = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class FileReference:
    """A file or folder that the render used: its name or path, and a SHA-256.

    For a mask: path of its PNG relative to the recipe, and `mask_sha256` of its pixels (not of the file, whose
    compression may change). For a bundle: name and hash of its manifest. For a segmenter: name, and hash of its
    weights or None if it has none.
    """

    name: str
    sha256: Sha256 | None
    extra: Extra = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How the denoising loop ran; `steps` is the number used, also where the preset decided it."""

    preset: PresetName
    steps: Annotated[int, Range(1, 1000)]
    guidance: Annotated[float, Range(1.0, 20.0)]
    eta: Annotated[float, Range(0.0, 1.0)] = 0.0
    extra: Extra = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class RecipeObject:
    """One thing that sounds: an object, the ambience, or the blend of the objects.

    Attributes:
        name: as the user gave it.
        kind: 'object', 'ambience' or 'blend'.
        selection: how it was selected.
        mask: PNG of the resulting mask beside the recipe, and `mask_sha256` of its pixels.
        seeds: one per take, 0 to 2**63 - 1.
        hint: words that steer which sound of the object is meant.
        words: what a captioner said of it, where its takes follow words; they are not asked for again.
        gain_db: applied to its stem, -60 to 60.
        suggested_gain_db: what the balance suggested, whether or not it was applied.
        files: its stems, one per take, relative to the recipe.
    """

    name: str
    kind: RecipeKind = "object"
    selection: Selection
    mask: FileReference
    hint: str | None = None
    words: str | None = field(default=None, metadata=_OMITTED)
    seeds: tuple[Seed, ...]
    gain_db: GainDb = 0.0
    suggested_gain_db: GainDb | None = None
    files: tuple[str, ...] = ()
    extra: Extra = field(default_factory=dict)

    def __post_init__(self) -> None:
        for seed in self.seeds:
            check_seed(seed)
        if self.mask.sha256 is None:
            raise ValueError(f"mask of {self.name!r} has no SHA-256: give that of its pixels")
        check_gain_db(self.gain_db)
        if self.files and len(self.files) != len(self.seeds):
            raise ValueError(f"{self.name!r} has {len(self.files)} files for {len(self.seeds)} seeds: one per take")


@dataclass(frozen=True, kw_only=True)
class RenderRecipe:
    """Everything needed to make a render again.

    Attributes:
        objects: at least one; kinds 'ambience' and 'blend' at most once each, where asked for.
        seed: the seed that the takes' seeds were derived from (they are what counts).
        seconds: length of every stem, 1 to 60.
        takes: number of takes of each object, at least 1.
        grounding: whether takes follow the objects themselves or words for them.
        bundle: name and hash.
        segmenter: name and hash of its weights; None where no object needed one.
        common_gain_db: applied to every stem and to the mix alike, to keep the mix from clipping.
        sample_rate_hz, wav_format: of the files written ('PCM_16', 'PCM_24' or 'FLOAT').
        made_with: versions of sounddesk and libraries, device and precision, free to read, e.g. {'torch': '2.14.1'}.
        made_of_recordings: where takes were arranged of recordings or begun from one: how, and which.
        version: of the recipe format.
        extra: keys of newer versions, kept as read (as in every part).

    Raises:
        ValueError: parts contradict each other; the message names the value.
    """

    version: str = VERSION
    image: ImageReference
    objects: tuple[RecipeObject, ...]
    seed: Seed
    seconds: Annotated[float, Range(1.0, 60.0)]
    takes: Annotated[int, Range(1, 1000)] = 1
    sampling: Sampling
    grounding: GroundingMode = field(default="object", metadata=_OMITTED)
    bundle: FileReference
    segmenter: FileReference | None = None
    common_gain_db: GainDb = 0.0
    sample_rate_hz: Annotated[int, Range(8_000, 384_000)] = 48_000
    wav_format: WavFormat = "PCM_24"
    made_with: Mapping[str, str] = field(default_factory=dict)
    made_of_recordings: Extra | None = field(default=None, metadata={"omit_default": True})
    extra: Extra = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.objects:
            raise ValueError("recipe has no objects: select at least one")
        if self.bundle.sha256 is None:
            raise ValueError(f"bundle {self.bundle.name!r} has no SHA-256: give that of its manifest")
        check_unique_names(entry.name for entry in self.objects)
        check_seed(self.seed)
        check_gain_db(self.common_gain_db)
        for kind in ("ambience", "blend"):
            if sum(entry.kind == kind for entry in self.objects) > 1:
                raise ValueError(f"recipe has {kind} more than once: keep one")
        for entry in self.objects:
            if len(entry.seeds) != self.takes:
                raise ValueError(f"{entry.name!r} has {len(entry.seeds)} seeds for {self.takes} takes: one per take")


def recorded_selection(selection: Selection) -> Selection:
    """How an object was selected, as a recipe says it: of a mask file elsewhere no more than its name.

    The mask itself lies beside the recipe.

    Example:
        >>> recorded_selection(Selection(how="mask_file", mask_file="/home/anna/acme/dog.png")).mask_file
        'dog.png'
    """
    if selection.mask_file is None:
        return selection
    path, part = split_mask_reference(selection.mask_file)
    if not path.is_absolute() and os.pardir not in path.parts:
        return selection
    return replace(selection, mask_file=path.name if part is None else f"{path.name}#{part}")


def path_from(folder: Path, image: Path) -> str:
    """The image's path relative to the folder of the recipe, so that both can be moved together.

    Only where it lies near: below the folder, or beside it as the frames of a batch do. Else its name alone, because a
    recipe is handed on with the sounds, and the folders on the way would name the user and whom she works for; the
    image is then given when the recipe is rendered again, and known by its hash.

    Example:
        >>> path_from(Path("/jobs/shot/out/f_1"), Path("/jobs/shot/frames/f.1.png"))
        '../../frames/f.1.png'
        >>> path_from(Path("/tmp/out"), Path("/home/anna/clients/acme/f.1.png"))
        'f.1.png'
    """
    try:
        relative = Path(os.path.relpath(image.resolve(), folder.resolve()))
    except ValueError:  # another drive of Windows
        return image.name
    up = relative.parts.count(os.pardir)
    shared = folder.resolve().parents[up - 1] if up else folder
    # A folder of the root or of the homes is somebody's.
    is_own = len(shared.parts) > 1 and shared not in _homes()
    down = len(relative.parts) - up
    near = not up or (up <= _MOST_UP and (down == 1 or (is_own and down <= _MOST_DOWN)))
    return relative.as_posix() if near else image.name


def _homes() -> set[Path]:
    """Folders in which each folder is a user's."""
    known = {Path("/home"), Path("/Users")}
    # A machine may have no home folder, as a container.
    with contextlib.suppress(RuntimeError):
        known.add(Path.home().parent)
    return known

"""A segmenter is its module and its test: one is added here and taken away again."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from importlib.util import module_from_spec
from importlib.util import spec_from_file_location
from pathlib import Path

import pytest

from sounddesk.domain.registry import DuplicateNameError
from sounddesk.engine.segmenters.choice import choose_segmenter
from sounddesk.engine.segmenters.entry import Capabilities
from sounddesk.engine.segmenters.entry import SegmenterEntry
from sounddesk.engine.segmenters.entry import TrackerEntry
from sounddesk.engine.segmenters.protocol import Segmenter
from sounddesk.engine.segmenters.registry import SEGMENTERS
from sounddesk.engine.segmenters.registry import checkpoint_help
from sounddesk.engine.segmenters.registry import checkpoint_suffixes
from tests.engine.segmenters.contract import CHECKS

# All that somebody has to write: here a segmenter that answers a click with a disc.
MODULE = """
from pathlib import Path

import numpy as np

from sounddesk.engine.segmenters import protocol as p
from sounddesk.engine.segmenters.entry import *
from sounddesk.engine.segmenters.registry import SEGMENTERS
from sounddesk.engine.types import image_sha256


class DiscSegmenter:
    name = "discs"

    def __init__(self, radius=40.0):
        self.radius = radius

    def encode(self, image):
        p.check_image(image)
        return p.EncodedImage(image=image, sha256=image_sha256(image), segmenter=self.name, features=None)

    def predict(self, encoded, prompt):
        p.check_encoded(encoded, segmenter=self.name)
        p.check_prompt(prompt, width=encoded.width, height=encoded.height)
        if prompt.box is not None or prompt.mask_hint is not None:
            raise p.PromptError("discs answer clicks only: click on the object")
        rows, columns = np.mgrid[0:encoded.height, 0:encoded.width] + 0.5
        probability = np.zeros((encoded.height, encoded.width), np.float32)
        for x, y in prompt.positive_points:
            probability[np.hypot(columns - x, rows - y) < self.radius] = 1
        return (p.Candidate(mask=probability >= 0.5, probability=probability, score=0.9),)


def load(path, device):
    try:
        radius = float(path.read_text())
    except ValueError as error:
        raise p.SegmenterError(f"{path.name} holds no radius") from error
    return LoadedSegmenter(segmenter=DiscSegmenter(radius), label=f"discs ({path.name}) on {device}")


def find(search):
    for path in search.folder.glob("*.disc"):
        yield FoundSegmenter(
            what="the disc", tier=Tier.LOOSE_FILE, rank=0, load=lambda path=path: load(path, search.device)
        )


ENTRY = SegmenterEntry(
    name="discs",
    title="discs around clicks",
    rank=5,
    capabilities=Capabilities(boxes=False, mask_hint=False),
    find=find,
    checkpoint=CheckpointFormat(
        description="a radius", suffixes=(".disc",), accepts=lambda path: path.suffix == ".disc", load=load
    ),
)
"""


@pytest.fixture
def module_file(tmp_path: Path) -> Path:
    path = tmp_path / "discs.py"
    path.write_text(MODULE)
    return path


@pytest.fixture
def discs(module_file: Path) -> Iterator[SegmenterEntry]:
    """The entry, registered during a test."""
    spec = spec_from_file_location("discs", module_file)
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    with SEGMENTERS.added(module.ENTRY):
        yield module.ENTRY
    assert "discs" not in SEGMENTERS


def segmenter_of(entry: SegmenterEntry, folder: Path) -> Segmenter:
    assert entry.checkpoint is not None
    (folder / "own.disc").write_text("40")
    return entry.checkpoint.load(folder / "own.disc", "cpu").segmenter


@pytest.mark.parametrize("check", CHECKS)
def test_it_is_held_to_the_contract(check: str, discs: SegmenterEntry, tmp_path: Path) -> None:
    CHECKS[check](discs, segmenter_of(discs, tmp_path))


def test_the_choice_finds_it_and_passes_over_a_damaged_one(discs: SegmenterEntry, tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    own = tmp_path / "models" / "a.disc"
    own.write_text("12")
    choice = choose_segmenter(environment={}, models_folder=tmp_path / "models")
    assert (choice.entry, choice.notice) == (discs, "segmenter: discs (a.disc) on cpu")
    named = choose_segmenter(checkpoint=own, environment={}, models_folder=tmp_path / "none")
    assert named.entry is discs
    own.write_text("wide")
    choice = choose_segmenter(environment={}, models_folder=tmp_path / "models")
    assert choice.entry is not discs
    assert "because the disc cannot be used: a.disc holds no radius" in choice.notice


def test_help_doctor_and_preferences_name_it(
    discs: SegmenterEntry, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from sounddesk.cli.health_checks import list_segmenters
    from sounddesk.cli.main import main

    monkeypatch.setenv("COLUMNS", "300")
    main(["render", "--help"])
    assert "a radius, or a folder of SAM 2, or a file of SAM, for better masks" in capsys.readouterr().out
    assert ("discs", "discs around clicks: clicks") in [(each.name, each.value) for each in list_segmenters()]
    # What the preferences show at their field and in its dialog.
    assert checkpoint_help().startswith("a radius")
    assert checkpoint_suffixes() == (".disc", ".pth", ".safetensors")


def test_its_module_is_all_it_takes(module_file: Path) -> None:
    module_file.write_text(
        MODULE.replace("ENTRY = SegmenterEntry(", "ENTRY = SEGMENTERS.register(SegmenterEntry(") + ")"
    )
    code = (
        "import sys\n"
        "from sounddesk.engine.segmenters import entries\n"
        f"entries.__path__.append({str(module_file.parent)!r})\n"
        "from sounddesk.engine.segmenters.registry import SEGMENTERS\n"
        "assert 'discs' in SEGMENTERS.names(), SEGMENTERS.names()\n"
        # Entries are read by every --help.
        "heavy = {'torch', 'cv2', 'transformers', 'segment_anything'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_doubled_name_is_refused() -> None:
    entry = SegmenterEntry(name="sam", title="SAM", rank=1, capabilities=Capabilities(), find=lambda _: ())
    with pytest.raises(DuplicateNameError, match="there is a segmenter 'sam' already"), SEGMENTERS.added(entry):
        pass


def test_video_needs_a_tracker_and_its_name_must_be_free() -> None:
    from sounddesk.batch.trackers import choose_tracking
    from sounddesk.batch.trackers import follow_help
    from sounddesk.batch.trackers import ranked_trackers
    from sounddesk.engine.segmenters.entry import MaskTracking

    def entry(tracker: TrackerEntry | None) -> SegmenterEntry:
        return SegmenterEntry(
            name="films",
            title="films",
            rank=1,
            capabilities=Capabilities(video=True),
            find=lambda _: (),
            tracker=tracker,
        )

    with pytest.raises(ValueError, match="video is True"):
        entry(None)
    films = TrackerEntry(
        name="films", title="films", rank=1, find=lambda device: MaskTracking(name=f"on {device}", start=None)
    )
    with SEGMENTERS.added(entry(films)):
        assert [each.name for each in ranked_trackers()] == ["films", "sam2", "flow"]
        assert (
            follow_help() == "films where one is installed, else by SAM 2 where one is installed, else by optical flow"
        )
        assert choose_tracking("auto", device="cpu").name == "on cpu"
        assert choose_tracking("flow").name == "flow"
    doubled = TrackerEntry(name="flow", title="films", rank=1, find=lambda _: None)
    with SEGMENTERS.added(entry(doubled)), pytest.raises(DuplicateNameError, match="mask tracker 'flow'"):
        ranked_trackers()

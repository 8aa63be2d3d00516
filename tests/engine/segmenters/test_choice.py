from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save

from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.engine.catalogue.model_store import InstalledModel
from sounddesk.engine.catalogue.model_store import hash_folder
from sounddesk.engine.catalogue.model_store import write_record
from sounddesk.engine.images.suggested_objects import suggested_objects
from sounddesk.engine.licence import Licence
from sounddesk.engine.segmenters.choice import CHECKPOINT_VARIABLE
from sounddesk.engine.segmenters.choice import choose_segmenter
from sounddesk.engine.segmenters.choice import find_segmenters
from sounddesk.engine.segmenters.entry import Search
from sounddesk.engine.segmenters.entry import Tier
from sounddesk.engine.segmenters.grabcut import GrabCutSegmenter
from sounddesk.engine.segmenters.protocol import EmptySelectionError
from sounddesk.engine.segmenters.protocol import SegmenterError
from sounddesk.engine.starter.segmenter import StarterSegmenter
from tests.engine.segmenters.plain_scene import scene
from tests.engine.segmenters.tiny_sam import tiny_sam
from tests.tiny_bundle import build_tiny_bundle


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "sam_tiny.pth"
    torch.save(tiny_sam().state_dict(), path)
    return path


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_bundle(tmp_path_factory.mktemp("bundles"), segmenter=True)


@pytest.fixture
def no_starter(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As if nothing but the program were installed."""
    monkeypatch.setattr(
        "sounddesk.engine.bundles.installed_bundles.resources_folder", lambda: tmp_path / "no resources"
    )
    monkeypatch.setattr(
        "sounddesk.engine.bundles.installed_bundles.user_bundles_folder", lambda: tmp_path / "no bundles"
    )


def test_without_a_checkpoint_the_bundles_own_is_active_and_says_so(bundle: Path, tmp_path: Path) -> None:
    for named in (bundle, str(bundle), Bundle.open(bundle)):
        choice = choose_segmenter(environment={}, models_folder=tmp_path / "absent", bundle=named)
        assert isinstance(choice.segmenter, StarterSegmenter)
        assert choice.notice == (
            "segmenter: starter segmenter (small, from bundle 'tiny'); "
            "for better masks give a SAM checkpoint with --sam FILE"
        )
        assert choice.notes == ()


@pytest.mark.usefixtures("no_starter")
def test_without_a_starter_grabcut_is_active_and_says_so(tmp_path: Path) -> None:
    without = build_tiny_bundle(tmp_path)
    choice = choose_segmenter(environment={}, models_folder=tmp_path / "absent", bundle=without)
    assert isinstance(choice.segmenter, GrabCutSegmenter)
    assert "segmenter: GrabCut (embedded)" in choice.notice


@pytest.mark.usefixtures("no_starter")
def test_damaged_segmenter_of_a_bundle_does_not_stop_the_work(tmp_path: Path) -> None:
    damaged = build_tiny_bundle(tmp_path, segmenter=True)
    (damaged / "segmenter" / "model.safetensors").write_bytes(b"cut short")
    choice = choose_segmenter(environment={}, models_folder=tmp_path / "absent", bundle=damaged)
    assert isinstance(choice.segmenter, GrabCutSegmenter)
    assert "segmenter/model.safetensors" in choice.notice
    assert "cut off" in choice.notice


def test_named_checkpoint_wins_over_environment_and_installed(checkpoint: Path, tmp_path: Path) -> None:
    choice = choose_segmenter(
        checkpoint=checkpoint, environment={CHECKPOINT_VARIABLE: "/absent.pth"}, models_folder=tmp_path
    )
    assert choice.notice == "segmenter: SAM vit_32x2 (sam_tiny.pth) on cpu"
    assert "published" in choice.notes[0]


def test_checkpoint_from_the_environment(checkpoint: Path, tmp_path: Path) -> None:
    choice = choose_segmenter(environment={CHECKPOINT_VARIABLE: f" {checkpoint} "}, models_folder=tmp_path)
    assert "sam_tiny.pth" in choice.notice
    with pytest.raises(SegmenterError, match=f"{CHECKPOINT_VARIABLE}: .*absent.pth' does not exist"):
        choose_segmenter(environment={CHECKPOINT_VARIABLE: "/absent.pth"}, models_folder=tmp_path)


def test_named_checkpoint_that_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SegmenterError, match="does not exist"):
        choose_segmenter(checkpoint=tmp_path / "none.pth", environment={}, models_folder=tmp_path)


def test_installed_checkpoint_is_found(checkpoint: Path) -> None:
    choice = choose_segmenter(environment={}, models_folder=checkpoint.parent)
    assert "sam_tiny.pth" in choice.notice


def test_damaged_installed_checkpoint_does_not_stop_the_work(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "sam_vit_b.pth").write_bytes(b"cut short")
    (tmp_path / "notes.txt").write_text("not a model")
    choice = choose_segmenter(environment={}, models_folder=tmp_path, bundle=bundle)
    assert isinstance(choice.segmenter, StarterSegmenter)
    assert "installed SAM cannot be used" in choice.notice
    assert "sam_vit_b.pth" in choice.notice


@pytest.mark.parametrize(("device", "expected"), [("cpu", "sam_vit_b.pth"), ("cuda", "sam_vit_h.pth")])
@pytest.mark.usefixtures("no_starter")
def test_quickest_on_a_cpu_most_exact_elsewhere(tmp_path: Path, device: str, expected: str) -> None:
    for name in ("sam_vit_h.pth", "sam_vit_b.pth", "sam_vit_l.pth", "sam_own.safetensors"):
        (tmp_path / name).write_bytes(b"damaged")
    notice = choose_segmenter(environment={}, models_folder=tmp_path, device=device).notice
    assert expected in notice


@pytest.mark.parametrize(
    ("device", "expected"),
    [
        ("cpu", "sam2.1-tiny sam2.1-small sam2.1-base-plus sam-vit-b sam2.1-large sam-vit-l sam-vit-h my-own"),
        ("cuda", "sam2.1-large sam-vit-h sam2.1-base-plus sam-vit-l sam2.1-small sam-vit-b sam2.1-tiny my-own"),
    ],
)
def test_installed_models_are_tried_in_the_order_of_the_device(tmp_path: Path, device: str, expected: str) -> None:
    from sounddesk.engine.catalogue.model_store import installed_models

    for model_id in expected.split():
        config = {"config.json": b"{}"} if model_id.startswith("sam2") else {}
        install_sam(tmp_path, model_id, {"model.safetensors": b"weights", **config})
    models = tuple(installed_models("segmenter", folder=tmp_path))
    found = find_segmenters(Search(folder=tmp_path, models=models, bundles=(), device=device))
    ids = [each.load.args[0].id for _, each in found if each.tier is Tier.INSTALLED]
    assert ids == expected.split()
    assert [entry.name for entry, _ in found][-1] == "grabcut"


def test_grabcut_is_chosen_without_importing_torch(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from sounddesk.engine.bundles import installed_bundles\n"
        f"nowhere = Path({str(tmp_path)!r})\n"
        "installed_bundles.resources_folder = installed_bundles.user_bundles_folder = lambda: nowhere\n"
        "from sounddesk.engine.segmenters.choice import choose_segmenter\n"
        "choice = choose_segmenter(environment={}, models_folder=nowhere, bundle=nowhere)\n"
        "assert choice.entry.name == 'grabcut', choice.notice\n"
        "assert 'torch' not in sys.modules and 'segment_anything' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def install_sam(root: Path, model_id: str, files: dict[str, bytes]) -> Path:
    """A segmenter as `sounddesk models install` leaves it."""
    folder = root / model_id
    folder.mkdir(parents=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    write_record(
        InstalledModel(
            id=model_id,
            name=f"The {model_id}",
            kind="segmenter",
            licence=Licence(name="Apache License 2.0", commercial="yes"),
            origin="test",
            accepted_at="2026-11-24 10:00:00",
            folder=folder,
            record_folder=folder,
            files=hash_folder(folder),
        )
    )
    return folder


def test_an_installed_model_is_chosen_and_checked_before_it_is_loaded(tmp_path: Path) -> None:
    from sounddesk.engine.segmenters.sam import SamSegmenter

    weights = save({name: tensor.contiguous() for name, tensor in tiny_sam().state_dict().items()})
    folder = install_sam(tmp_path, "sam-vit-b", {"sam_vit_b.safetensors": weights})
    install_sam(tmp_path, "sam-vit-h", {"sam_vit_h.safetensors": b"never looked at on a CPU"})
    choice = choose_segmenter(environment={}, models_folder=tmp_path)
    assert choice.notice == "segmenter: The sam-vit-b (installed) on cpu"
    assert choice.notes == ()
    (folder / "sam_vit_b.safetensors").write_bytes(weights[:-4] + b"\x00\x00\x80\x3f")
    choice = choose_segmenter(environment={}, models_folder=tmp_path)
    assert not isinstance(choice.segmenter, SamSegmenter)
    assert "sam_vit_b.safetensors is not the file that it should be (sha256 differs)" in choice.notice


@pytest.mark.slow
def test_sam_2_is_chosen_where_it_is_installed(tmp_path: Path) -> None:
    pytest.importorskip("transformers.models.sam2", reason="this version of transformers has no SAM 2")
    from sounddesk.engine.segmenters.sam2 import Sam2Segmenter
    from tests.engine.segmenters.test_sam2 import tiny_sam2

    tiny_sam2().save_pretrained(tmp_path / "own")
    files = {path.name: path.read_bytes() for path in (tmp_path / "own").iterdir()}
    install_sam(tmp_path / "models", "sam2.1-tiny", files)
    choice = choose_segmenter(environment={}, models_folder=tmp_path / "models")
    assert isinstance(choice.segmenter, Sam2Segmenter)
    assert choice.segmenter.name == "The sam2.1-tiny"
    # It is asked for suggestions too, and answers, though random weights are sure of nothing.
    with pytest.raises(EmptySelectionError, match="no object stands out"):
        suggested_objects(scene()[0], segmenter=choice.proposer)
    named = choose_segmenter(checkpoint=tmp_path / "own", environment={}, models_folder=tmp_path / "none")
    assert isinstance(named.segmenter, Sam2Segmenter) and "SAM 2 (own)" in named.notice

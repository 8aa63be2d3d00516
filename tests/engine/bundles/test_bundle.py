from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import sys
from pathlib import Path

import pytest
import torch

from sounddesk.domain.errors import Cancelled
from sounddesk.domain.errors import EngineError
from sounddesk.engine.bundles import installed_bundles
from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.engine.bundles.bundle import BundleSource
from sounddesk.engine.bundles.bundle import ComponentSource
from sounddesk.engine.bundles.bundle import write_bundle
from sounddesk.engine.bundles.installed_bundles import add_bundle
from sounddesk.engine.bundles.installed_bundles import find_bundle
from sounddesk.engine.bundles.installed_bundles import list_bundles
from sounddesk.engine.licence import Licence
from sounddesk.engine.models.quantised_weights import load_weights
from sounddesk.engine.models.quantised_weights import save_weights
from sounddesk.engine.models.quantised_weights import stored_as
from sounddesk.engine.specs import AudioSpec
from sounddesk.engine.specs import LatentSpec
from sounddesk.engine.specs import MelSpec
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import Progress
from sounddesk.engine.types import BundleError
from sounddesk.engine.verified_files import copy_files


def bundle_source(folder: Path, *, name: str = "tiny") -> BundleSource:
    """Two small components and two documents."""
    for role in ("unet", "text_encoder"):
        (folder / role).mkdir(parents=True, exist_ok=True)
        (folder / role / "config.json").write_text("{}")
        weight = torch.randn(8, 64, generator=torch.Generator().manual_seed(3))
        save_weights({"weight": weight}, folder / role / "model.safetensors", storage="float32")
    (folder / "card.md").write_text("# Tiny\n")
    (folder / "sources.csv").write_text("file,licence\n")
    return BundleSource(
        name=name,
        version="1",
        licence=Licence(name="Apache License 2.0", spdx="Apache-2.0", commercial="yes"),
        audio=AudioSpec(mel=MelSpec(), latent=LatentSpec()),
        grounding={"heads": 1},
        components={
            "unet": ComponentSource(class_name="Denoiser", folder=folder / "unet", weight_storage="float16"),
            "text_encoder": ComponentSource(
                class_name="TextEncoder", folder=folder / "text_encoder", weight_storage="int8-rowwise"
            ),
        },
        documents={"card.md": folder / "card.md", "origin/sources.csv": folder / "sources.csv"},
        card="card.md",
    )


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return write_bundle(bundle_source(tmp_path / "parts"), tmp_path / "tiny")


def test_written_bundle_opens_verifies_and_holds_the_storage_it_names(bundle: Bundle, tmp_path: Path) -> None:
    opened = Bundle.open(bundle.folder)
    assert opened == bundle
    opened.verify()
    assert opened.sha256 == hashlib.sha256((bundle.folder / "bundle.json").read_bytes()).hexdigest()
    original = load_weights(tmp_path / "parts" / "unet" / "model.safetensors")["weight"]
    for role, storage, bound in (("unet", "float16", 1e-3), ("text_encoder", "int8-rowwise", 2e-2)):
        path = opened.component_folder(role) / "model.safetensors"
        assert stored_as(path) == storage == opened.manifest.components[role].weight_storage
        assert (load_weights(path)["weight"] - original).abs().max() < bound
    assert opened.document("origin/sources.csv").read_text() == "file,licence\n"
    assert opened.n_bytes == sum(p.stat().st_size for p in bundle.folder.rglob("*") if p.is_file()) - len(
        (bundle.folder / "bundle.json").read_bytes()
    )
    with pytest.raises(BundleError, match="no document"):
        opened.document("bundle.json")


def test_same_parts_give_the_same_bundle(bundle: Bundle, tmp_path: Path) -> None:
    again = write_bundle(bundle_source(tmp_path / "parts"), tmp_path / "again")
    assert again.sha256 == bundle.sha256


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def flip_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    "relative", ["unet/model.safetensors", "unet/config.json", "text_encoder/model.safetensors", "card.md"]
)
@pytest.mark.parametrize(
    ("damage", "message"),
    [(Path.unlink, "is missing"), (truncate, "cut off or changed"), (flip_a_bit, "sha256 differs")],
)
def test_damaged_file_is_refused_by_name(bundle: Bundle, relative: str, damage, message: str) -> None:
    damage(bundle.folder / relative)
    with pytest.raises(BundleError, match=f"{relative} .*{message}.*: install the bundle again"):
        bundle.verify()


def test_file_that_the_manifest_does_not_name_is_refused(bundle: Bundle) -> None:
    (bundle.folder / "unet" / ".DS_Store").write_bytes(b"x")
    (bundle.folder / "notes.txt").write_text("outside the components")
    bundle.verify()
    (bundle.folder / "unet" / "pytorch_model.bin").write_bytes(b"x")
    with pytest.raises(BundleError, match=r"unet/pytorch_model\.bin is not in bundle\.json: delete that file"):
        bundle.verify()


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need a privilege on Windows")
def test_symbolic_link_out_of_the_bundle_is_refused(bundle: Bundle, tmp_path: Path) -> None:
    path = bundle.folder / "unet" / "model.safetensors"
    outside = tmp_path / "model.safetensors"
    path.rename(outside)
    path.symlink_to(outside)
    with pytest.raises(BundleError, match="leads out of the bundle"):
        bundle.verify()


def test_manifest_that_points_out_of_the_bundle_is_refused(bundle: Bundle) -> None:
    path = bundle.folder / "bundle.json"
    data = json.loads(path.read_text())
    data["components"]["unet"]["folder"] = "../parts/unet"
    path.write_text(json.dumps(data))
    with pytest.raises(BundleError, match=r"components\.unet\.folder"):
        Bundle.open(bundle.folder)


def test_verify_reports_bytes_and_can_be_cancelled(bundle: Bundle) -> None:
    reports: list[Progress] = []
    bundle.verify(on_progress=reports.append)
    assert reports[-1].done == reports[-1].total == bundle.n_bytes
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        bundle.verify(cancel=cancel)


def test_nothing_is_overwritten_unasked(bundle: Bundle, tmp_path: Path) -> None:
    source = bundle_source(tmp_path / "parts", name="other")
    with pytest.raises(FileExistsError, match="exists already"):
        write_bundle(source, bundle.folder)
    assert Bundle.open(bundle.folder).name == "tiny"
    assert write_bundle(source, bundle.folder, overwrite=True).name == "other"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["parts", "tiny"]


@pytest.mark.parametrize(
    ("break_source", "message"),
    [
        (lambda folder: (folder / "unet" / "weights.bin").write_bytes(b"x"), "'weights.bin' is of a kind"),
        (lambda folder: (folder / "unet" / "model.safetensors").write_bytes(b"x"), "not a readable safetensors"),
        (lambda folder: (folder / "card.md").unlink(), r"card\.md"),
    ],
)
def test_failed_write_leaves_nothing_and_keeps_the_old_bundle(
    bundle: Bundle, tmp_path: Path, break_source, message: str
) -> None:
    source = bundle_source(tmp_path / "parts")
    break_source(tmp_path / "parts")
    with pytest.raises((EngineError, OSError), match=message):
        write_bundle(source, bundle.folder, overwrite=True)
    assert Bundle.open(bundle.folder) == bundle
    bundle.verify()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["parts", "tiny"]


def test_unknown_storage_and_missing_component_folder_are_refused(tmp_path: Path) -> None:
    source = bundle_source(tmp_path / "parts")
    for component, message in (
        (ComponentSource(class_name="X", folder=tmp_path / "parts" / "unet", weight_storage="int4"), "int4"),
        (ComponentSource(class_name="X", folder=tmp_path / "nowhere"), "nowhere does not exist"),
    ):
        broken = BundleSource(**{**vars(source), "components": {"unet": component}})
        with pytest.raises(BundleError, match=message):
            write_bundle(broken, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_folder_without_manifest_is_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"bundle\.json cannot be read"):
        Bundle.open(tmp_path)
    (tmp_path / "bundle.json").write_bytes(b"\xff\xfe")
    with pytest.raises(BundleError, match="not UTF-8"):
        Bundle.open(tmp_path)
    (tmp_path / "bundle.json").write_text("{}")
    with pytest.raises(BundleError, match="schema_version is missing"):
        Bundle.open(tmp_path)


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """An empty shipped folder and an empty folder of installed bundles."""
    shipped, installed = tmp_path / "resources", tmp_path / "data" / "bundles"
    shipped.mkdir()
    monkeypatch.setattr(installed_bundles, "resources_folder", lambda: shipped)
    monkeypatch.setattr(installed_bundles, "user_bundles_folder", lambda: installed)
    return shipped, installed


def test_bundles_are_found_by_name_then_by_path(tmp_path: Path, places: tuple[Path, Path]) -> None:
    shipped, installed = places
    starter = write_bundle(bundle_source(tmp_path / "parts", name="starter"), shipped / "starter")
    mine = write_bundle(bundle_source(tmp_path / "parts", name="mine"), installed / "folder-of-mine")
    elsewhere = write_bundle(bundle_source(tmp_path / "parts", name="elsewhere"), tmp_path / "elsewhere")
    (installed / "broken").mkdir()
    (installed / "broken" / "bundle.json").write_text("{}")
    assert find_bundle("starter") == starter
    assert find_bundle("mine") == find_bundle("folder-of-mine") == mine
    assert find_bundle(elsewhere.folder) == find_bundle(str(elsewhere.folder)) == elsewhere
    listings = list_bundles()
    assert [listing.folder.name for listing in listings] == ["starter", "broken", "folder-of-mine"]
    assert listings[0].bundle == starter
    assert listings[1].bundle is None
    assert "schema_version is missing" in str(listings[1].problem)
    with pytest.raises(BundleError, match="schema_version is missing"):
        find_bundle("broken")
    with pytest.raises(BundleError, match="no bundle 'dogs': choose one of starter, mine"):
        find_bundle("dogs")
    with pytest.raises(BundleError, match=r"holds no bundle\.json"):
        find_bundle(tmp_path)


def test_no_bundle_at_all_says_so(places: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> Path:
        raise FileNotFoundError

    monkeypatch.setattr(installed_bundles, "resources_folder", missing)
    assert list_bundles() == []
    with pytest.raises(BundleError, match="none is installed"):
        find_bundle("starter")


def test_user_bundles_folder_is_in_the_users_data() -> None:
    folder = installed_bundles.user_bundles_folder()
    assert folder.name == "bundles"
    assert folder.parent.name == "sounddesk"


def test_importing_bundles_does_not_import_torch() -> None:
    code = "import sys, sounddesk.engine.bundles.bundle; sys.exit('torch' in sys.modules)"
    assert os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-c", code]) == 0


def test_a_bundle_from_a_read_only_place_becomes_one_of_the_users_own(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    source = tmp_path / "disk image"
    shutil.copytree(tiny_bundle, source)
    folders = [source, *(path for path in source.rglob("*") if path.is_dir())]
    for path in source.rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        added = add_bundle(source)
    finally:
        for folder in folders:
            folder.chmod(0o755)
    added.verify()
    copy_files(added.folder, tmp_path / "part", leave_out=("*.json", ".*"))
    assert not list((tmp_path / "part").rglob("*.json"))
    assert list((tmp_path / "part").rglob("*.safetensors"))
    # Root may write all the same, so the permissions themselves are looked at.
    assert [path for path in added.folder.rglob("*") if not path.stat().st_mode & stat.S_IWUSR] == []

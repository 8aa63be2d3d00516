"""`sounddesk models` as a user runs it, with the catalogue that ships, against a hub on this machine."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
import torch
from safetensors.torch import save

from sounddesk.cli.health_checks import check_models
from sounddesk.engine.bundles.installed_bundles import find_bundle
from tests.cli.conftest import Run
from tests.engine.local_hub import LocalHub

SAM2 = "facebook/sam2.1-hiera-tiny"


@pytest.fixture(autouse=True)
def hub(local_hub: LocalHub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> LocalHub:
    local_hub.repos[SAM2] = {
        "config.json": b"{}",
        "model.safetensors": save({"w": torch.zeros(500)}),
        "x.pt": b"x" * 2000,
    }
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("SOUNDDESK_MODELS", raising=False)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    return local_hub


def test_the_life_of_a_model(run: Run, hub: LocalHub, tmp_path: Path) -> None:
    assert "  sam2.1-tiny        segmenter      size unknown  SAM 2.1 Hiera tiny" in run("models", "list").out
    refused = run("models", "install", "sam2.1-tiny")
    assert refused.code == 2
    assert "  licence: Apache License 2.0 (Apache-2.0)\n  commercial use: allowed\n" in refused.err
    assert "accept its licence first, with --accept-licence sam2.1-tiny" in refused.err
    assert hub.seen == []
    installed = run("models", "install", "sam2.1-tiny", "--accept-licence", "sam2.1-tiny")
    assert installed.code == 0
    folder = tmp_path / "data/sounddesk/models/sam2.1-tiny"
    assert installed.out == f"sam2.1-tiny is installed, 2 kB, in {folder}\n"
    assert "download sam2.1-tiny [....................] 0 kB of 2 kB" in installed.err
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "model.json", "model.safetensors"]
    assert "* sam2.1-tiny" in run("models", "list").out
    (finding,) = check_models()
    assert finding.ok and "segmenter, Apache License 2.0, commercial use: yes, accepted 20" in finding.value
    assert run("models", "where", "sam2.1-tiny").out == f"{folder}\n"
    assert "every file is as it was installed" in run("models", "verify").out
    (folder / "config.json").write_text("[]")
    damaged = run("models", "verify", "--json")
    assert damaged.code == 3 and "config.json is not the file that it should be" in damaged.document["error"]
    assert run("models", "remove", "sam2.1-tiny", "--json").code == 0
    assert not folder.exists()
    gone = run("models", "where", "sam2.1-tiny")
    assert gone.code == 2 and "is not installed: run 'sounddesk models install sam2.1-tiny'" in gone.err


def test_at_a_terminal_the_licence_is_asked_for(run: Run, hub: LocalHub, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Terminal("no\n"))
    refused = run("models", "install", "sam2.1-tiny")
    assert refused.code == 2 and "was not accepted, nothing was installed" in refused.err and hub.seen == []
    monkeypatch.setattr("sys.stdin", Terminal("yes\n"))
    assert run("models", "install", "sam2.1-tiny").code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("install", "nix"), "there is no model 'nix': choose one of"),
        (("install", "vggish", "--accept-licence", "sam-vit-b"), "--accept-licence sam-vit-b: that model is not being"),
        (("remove", "vggish"), "model 'vggish' is not installed"),
        (("add", "none.toml"), "none.toml is neither a catalogue"),
        (("install", "sam-vit-b", "--accept-licence", "sam-vit-b", "--offline"), "offline, and sam-vit-b is not"),
    ],
)
def test_what_cannot_be_done(run: Run, arguments: tuple[str, ...], message: str) -> None:
    ending = run("models", *arguments)
    assert ending.code in (2, 3) and message in ending.err


@pytest.mark.parametrize("verb", ["remove", "where", "verify", "install"])
@pytest.mark.parametrize(
    "model_id", ["", ".", "..", "../../x", "./m", "m/../m", "m/", "/m", ".downloads", "a\0b", "m" * 300]
)
def test_an_id_leads_nowhere_but_to_its_model(run: Run, verb: str, model_id: str, tmp_path: Path) -> None:
    models = tmp_path / "data/sounddesk/models"
    for folder in (models / "m", tmp_path / "data" / "x"):
        folder.mkdir(parents=True)
        (folder / "model.json").write_text("{}")
    refused = run("models", verb, model_id)
    assert refused.code == 2, refused.err
    assert "is not usable" in refused.err or "there is no model" in refused.err
    assert (models / "m/model.json").is_file() and (tmp_path / "data/x/model.json").is_file()
    assert not (models / ".downloads").exists()


def test_a_record_speaks_for_its_own_folder_only(run: Run, hub: LocalHub, tmp_path: Path) -> None:
    run("models", "install", "sam2.1-tiny", "--accept-licence", "sam2.1-tiny")
    models = tmp_path / "data/sounddesk/models"
    record = models / "sam2.1-tiny/model.json"
    record.write_text(record.read_text().replace('"sam2.1-tiny"', '"../../x"', 1))
    refused = run("models", "verify")
    assert refused.code == 3 and "is the record of '../../x'" in refused.err


def test_removing_a_linked_folder_leaves_what_it_leads_to(run: Run, hub: LocalHub, tmp_path: Path) -> None:
    run("models", "install", "sam2.1-tiny", "--accept-licence", "sam2.1-tiny")
    models = tmp_path / "data/sounddesk/models"
    (models / "sam2.1-tiny").rename(tmp_path / "mine")
    (models / "sam2.1-tiny").symlink_to(tmp_path / "mine")
    assert run("models", "remove", "sam2.1-tiny").code == 0
    assert (tmp_path / "mine/model.json").is_file()
    assert [path.name for path in models.iterdir()] == [".downloads"]


def test_adding_a_catalogue(run: Run, tmp_path: Path) -> None:
    (tmp_path / "studio.toml").write_text(
        """schema_version = 1
[[model]]
id = "studio-sam"
name = "Our SAM"
kind = "segmenter"
purpose = "masks of props"
licence = { name = "In-house", commercial = "yes" }
hub = { repo = "facebook/sam2.1-hiera-tiny", revision = "main", patterns = ["*.json", "*.safetensors"] }
"""
    )
    assert run("models", "add", str(tmp_path / "studio.toml")).out == "1 models can be installed now: studio-sam\n"
    # Once more replaces it.
    assert run("models", "add", str(tmp_path / "studio.toml")).code == 0
    assert run("models", "install", "studio-sam", "--accept-licence", "studio-sam").code == 0
    (tmp_path / "bad.toml").write_text((tmp_path / "studio.toml").read_text())
    assert "'studio-sam' is also in" in run("models", "add", str(tmp_path / "bad.toml")).err


def test_adding_a_bundle(run: Run, bundle_folder: Path) -> None:
    assert run("models", "add", str(bundle_folder)).out == "bundle tiny is added: --bundle tiny\n"
    find_bundle("tiny").verify()
    again = run("models", "add", str(bundle_folder))
    assert again.code == 2 and "there is a bundle 'tiny' already" in again.err


def test_pointing_at_a_folder(run: Run, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "model.safetensors").write_bytes(save({"w": torch.zeros(9)}))
    words = ("models", "add", str(own), "--id", "own", "--kind", "captioner")
    assert "is taken for a model: add --licence" in run(*words).err
    assert run(*words, "--licence", "In-house").code == 0
    listed = next(row for row in run("models", "list", "--json").document["models"] if row["id"] == "own")
    assert listed["installed"] and listed["commercial"] == "no" and listed["origin"] == str(own)
    if Path("/proc/self/mem").exists():
        # Even root reads nothing there.
        (own / "memory.bin").symlink_to("/proc/self/mem")
        unread = run(*words[:-3], "unread", *words[-2:], "--licence", "In-house")
        assert unread.code == 2 and "own cannot be read" in unread.err
        (own / "memory.bin").unlink()
    (own / "model.safetensors").write_bytes(b"changed")
    assert "model 'own': model.safetensors has 7 bytes" in run("models", "verify", "own").err
    assert run("models", "remove", "own").code == 0
    assert (own / "model.safetensors").exists()
    (own / "model.pt").write_bytes(b"a pickle")
    assert "holds pickled weights (model.pt)" in run(*words, "--licence", "In-house").err
